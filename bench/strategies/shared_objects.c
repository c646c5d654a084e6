/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_objects.c - a counter in five ways and a list, in memory that all processes write.
 *
 * The list: an append reserves its slots by one fetch_add on the tail and copies its elements there. Elements lie close
 * together with nothing between, so a reader copies them at the speed of memory; what is still being written is told by
 * its writer alone, in a word on the writer's own line: idle, reserving, or the first slot being written. A reader
 * takes the tail, then waits for each writer that may be below it. Every slot below that tail is then whole, and every
 * append that was acknowledged before the read began is below it: a consistent snapshot. A writer that dies inside its
 * append holds readers up; the pool notices the death and ends. */
#include "bench/strategies/shared_objects.h"
#include "bench/ipc/memory.h"
#include "bench/ipc/wait.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

/* --- counter ----------------------------------------------------------------------------------------------------- */

struct guarded {
    pthread_mutex_t mutex;
    uint64_t value;
};

/* A slot per worker and one for the parent, `stride` bytes apart. */
struct slots {
    size_t stride, count;
};

struct shared_counter {
    _Alignas(LINE_APART) _Atomic uint64_t value;
    _Alignas(LINE_APART) struct guarded guarded;
    _Alignas(LINE_APART) struct slots slots;
    _Alignas(LINE_APART) unsigned char slot_memory[];
};

static size_t slot_stride(const struct pool *pool)
{
    return pool->variant == &pool->strategy->variants[SHARED_PACKED] ? sizeof(uint64_t) : LINE_APART;
}

static size_t counter_bytes(const struct pool *pool)
{
    return sizeof(struct shared_counter) + slot_stride(pool) * (pool->setup.workers + 1);
}

static _Atomic uint64_t *slot_at(struct shared_counter *c, size_t index)
{
    return (_Atomic uint64_t *)(c->slot_memory + index * c->slots.stride);
}

/* A holder that died between lock and unlock leaves a counter that is whole: a 64-bit store is never half done. */
static int lock(pthread_mutex_t *mutex)
{
    int got = pthread_mutex_lock(mutex);
    if (got == EOWNERDEAD)
        got = pthread_mutex_consistent(mutex);
    errno = got;
    return got ? -1 : 0;
}

static int64_t counter_mutex_add(struct shared_counter *c, const int64_t *deltas, int64_t *previous, size_t n)
{
    if (lock(&c->guarded.mutex))
        return -1;
    for (size_t i = 0; i < n; i++) {
        previous[i] = (int64_t)c->guarded.value;
        c->guarded.value += (uint64_t)deltas[i];
    }
    pthread_mutex_unlock(&c->guarded.mutex);
    return (int64_t)n;
}

/* Only its owner writes a slot, so a load and a store do; readers see either value whole. */
static int64_t counter_slot_add(struct shared_counter *c, const struct worker *w, const int64_t *deltas,
                                int64_t *previous, size_t n)
{
    _Atomic uint64_t *own = slot_at(c, w->slot == SLOT_PARENT ? c->slots.count - 1 : w->slot);
    for (size_t i = 0; i < n; i++) {
        uint64_t value = atomic_load_explicit(own, memory_order_relaxed);
        previous[i] = (int64_t)value;
        atomic_store_explicit(own, value + (uint64_t)deltas[i], memory_order_release);
    }
    return (int64_t)n;
}

static int64_t counter_racy_add(struct shared_counter *c, const int64_t *deltas, int64_t *previous, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t value = atomic_load_explicit(&c->value, memory_order_relaxed);
        previous[i] = (int64_t)value;
        atomic_store_explicit(&c->value, value + (uint64_t)deltas[i], memory_order_relaxed);
    }
    return (int64_t)n;
}

/* Whatever the variant, the other places hold zero. */
static uint64_t counter_total(struct shared_counter *c)
{
    uint64_t total = atomic_load(&c->value) + c->guarded.value;
    for (size_t i = 0; i < c->slots.count; i++)
        total += atomic_load(slot_at(c, i));
    return total;
}

static int64_t counter_read(struct shared_counter *c, void *out, size_t most)
{
    if (most < sizeof(uint64_t) || lock(&c->guarded.mutex))
        return -1;
    uint64_t total = counter_total(c);
    pthread_mutex_unlock(&c->guarded.mutex);
    memcpy(out, &total, sizeof total);
    return sizeof total;
}

static int64_t counter_clear(struct shared_counter *c)
{
    atomic_store(&c->value, 0);
    c->guarded.value = 0;
    for (size_t i = 0; i < c->slots.count; i++)
        atomic_store(slot_at(c, i), 0);
    return 0;
}

static int64_t counter_rest(struct shared_counter *c, enum verb verb, void *out, size_t n)
{
    return verb == VERB_READ ? counter_read(c, out, n) : verb == VERB_CLEAR ? counter_clear(c) : -1;
}

/* The adds of SHARED_ATOMIC are inlined where they are made. */
static int64_t counter_call_atomic(struct worker *w, struct object *object, enum verb verb, const void *in, void *out,
                                   size_t n)
{
    (void)w, (void)in;
    return counter_rest(object->state, verb, out, n);
}

/* A call_fn per variant, so that an add costs one indirect call and one foreseen branch. */
#define COUNTER_CALL(name, add)                                                                                        \
    static int64_t name(struct worker *w, struct object *object, enum verb verb, const void *in, void *out, size_t n)  \
    {                                                                                                                  \
        struct shared_counter *c = object->state;                                                                      \
        (void)w;                                                                                                       \
        return __builtin_expect(verb == VERB_ADD, 1) ? (add) : counter_rest(c, verb, out, n);                          \
    }
COUNTER_CALL(counter_call_mutex, counter_mutex_add(c, in, out, n))
COUNTER_CALL(counter_call_slot, counter_slot_add(c, w, in, out, n))
COUNTER_CALL(counter_call_racy, counter_racy_add(c, in, out, n))

static call_fn *const counter_calls[] = {
    [SHARED_ATOMIC] = counter_call_atomic, [SHARED_MUTEX] = counter_call_mutex, [SHARED_SHARDED] = counter_call_slot,
    [SHARED_PACKED] = counter_call_slot,   [SHARED_RACY] = counter_call_racy,
};

static int mutex_new(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t a;
    int bad = pthread_mutexattr_init(&a);
    if (bad == 0)
        bad = pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
    if (bad == 0)
        bad = pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    if (bad == 0)
        bad = pthread_mutex_init(mutex, &a);
    pthread_mutexattr_destroy(&a);
    errno = bad;
    return bad ? -1 : 0;
}

static int counter_create(struct object *object, struct error *error)
{
    struct pool *pool = object->pool;
    struct shared_counter *c = memory_shared(counter_bytes(pool));
    if (!c)
        return error_system(error, "no shared memory for a counter");
    c->slots = (struct slots){.stride = slot_stride(pool), .count = pool->setup.workers + 1};
    if (mutex_new(&c->guarded.mutex)) {
        error_system(error, "cannot make a robust mutex that processes share");
        memory_free(c, counter_bytes(pool));
        return -1;
    }
    object->state = c;
    object->call = counter_calls[pool->setup.variant];
    object->word = pool->setup.variant == SHARED_ATOMIC ? &c->value : NULL;
    return 0;
}

/* --- list -------------------------------------------------------------------------------------------------------- */

#define WRITER_IDLE      UINT64_MAX
#define WRITER_RESERVING (UINT64_MAX - 1)

struct writer {
    _Alignas(LINE_APART) _Atomic uint64_t from; /* first slot being written, or one of the above; its owner stores */
};

struct shared_list {
    _Alignas(LINE_APART) _Atomic uint64_t tail; /* slots reserved; runs past the capacity when the list is full */
    _Alignas(LINE_APART) unsigned char *data;
    size_t writers;
    struct writer writer[];
};

static size_t list_bytes(const struct pool *pool)
{
    return sizeof(struct shared_list) + (pool->setup.workers + 1) * sizeof(struct writer);
}

static inline void elements_copy(unsigned char *to, const void *from, size_t n, size_t size)
{
    if (n * size == sizeof(uint64_t))
        memcpy(to, from, sizeof(uint64_t));
    else
        memcpy(to, from, n * size);
}

/* The fetch_add orders: `reserving` is seen by whoever sees the new tail, since it is a release; and the copy by
 * whoever sees `idle`, stored with release after it. */
static int64_t shared_append(struct worker *w, struct object *object, const void *elements, size_t n)
{
    struct shared_list *list = object->state;
    _Atomic uint64_t *from = &list->writer[w->slot == SLOT_PARENT ? list->writers - 1 : w->slot].from;
    atomic_store_explicit(from, WRITER_RESERVING, memory_order_relaxed);
    uint64_t first = atomic_fetch_add_explicit(&list->tail, n, memory_order_seq_cst);
    size_t room = first < object->capacity ? object->capacity - first : 0, fits = n < room ? n : room;
    atomic_store_explicit(from, first, memory_order_relaxed);
    elements_copy(list->data + first * object->element_size, elements, fits, object->element_size);
    atomic_store_explicit(from, WRITER_IDLE, memory_order_release);
    return (int64_t)fits;
}

static uint64_t list_settled(struct shared_list *list, size_t capacity)
{
    uint64_t tail = atomic_load_explicit(&list->tail, memory_order_seq_cst);
    for (size_t i = 0; i < list->writers; i++) {
        uint64_t from;
        while ((from = atomic_load_explicit(&list->writer[i].from, memory_order_acquire)) != WRITER_IDLE &&
               (from == WRITER_RESERVING || from < tail))
            sched_yield();
    }
    return tail < capacity ? tail : capacity;
}

static int64_t shared_list_read(struct object *object, void *out, size_t most)
{
    struct shared_list *list = object->state;
    size_t bytes = list_settled(list, object->capacity) * object->element_size;
    bytes = bytes < most ? bytes : most;
    memcpy(out, list->data, bytes);
    return (int64_t)bytes;
}

static int64_t list_call(struct worker *w, struct object *object, enum verb verb, const void *in, void *out, size_t n)
{
    struct shared_list *list = object->state;
    if (__builtin_expect(verb == VERB_APPEND, 1))
        return shared_append(w, object, in, n);
    if (verb == VERB_READ)
        return shared_list_read(object, out, n);
    if (verb != VERB_CLEAR)
        return -1;
    atomic_store(&list->tail, 0);
    return 0;
}

static int list_create(struct object *object, struct error *error)
{
    size_t bytes = list_bytes(object->pool);
    struct shared_list *list = memory_shared(bytes);
    if (!list)
        return error_system(error, "no shared memory for a list");
    list->data = memory_shared(object->capacity * object->element_size);
    if (!list->data) {
        error_system(error, "no shared memory for a list of %zu elements", object->capacity);
        memory_free(list, bytes);
        return -1;
    }
    list->writers = object->pool->setup.workers + 1;
    for (size_t i = 0; i < list->writers; i++)
        atomic_init(&list->writer[i].from, WRITER_IDLE);
    object->state = list;
    object->call = list_call;
    return 0;
}

/* --- both -------------------------------------------------------------------------------------------------------- */

int shared_object_create(struct object *object, struct error *error)
{
    return object->kind == OBJECT_COUNTER ? counter_create(object, error) : list_create(object, error);
}

void shared_object_free(struct object *object)
{
    if (object->kind == OBJECT_LIST) {
        struct shared_list *list = object->state;
        memory_free(list->data, object->capacity * object->element_size);
        memory_free(list, list_bytes(object->pool));
    } else {
        memory_free(object->state, counter_bytes(object->pool));
    }
}
