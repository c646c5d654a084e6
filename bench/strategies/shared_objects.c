/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_objects.c - a counter in five ways, in memory that all processes write. The list is in shared_list.c. */
#include "bench/strategies/shared_objects.h"
#include "bench/ipc/memory.h"
#include "bench/strategies/shared_list.h"

#include <errno.h>
#include <pthread.h>
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

/* Only its owner writes a slot, so a load and a store do; readers see either value whole, and all of them once the
 * workers are parked, which orders what they did. */
static int64_t counter_slot_add(struct shared_counter *c, const struct worker *w, const int64_t *deltas,
                                int64_t *previous, size_t n)
{
    _Atomic uint64_t *own = slot_at(c, w->slot == SLOT_PARENT ? c->slots.count - 1 : w->slot);
    for (size_t i = 0; i < n; i++) {
        uint64_t value = atomic_load_explicit(own, memory_order_relaxed);
        previous[i] = (int64_t)value;
        atomic_store_explicit(own, value + (uint64_t)deltas[i], memory_order_relaxed);
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

static int64_t counter_rest(struct shared_counter *c, const struct call *call)
{
    return call->verb == VERB_READ    ? counter_read(c, call->out, call->n)
           : call->verb == VERB_CLEAR ? counter_clear(c)
                                      : CALL_MISUSED;
}

/* The adds of SHARED_ATOMIC are inlined where they are made. */
static int64_t counter_call_atomic(struct worker *w, struct object *object, const struct call *call)
{
    (void)w;
    return counter_rest(object->state, call);
}

/* A call_fn per variant, so that an add costs one indirect call and one foreseen branch. */
#define COUNTER_CALL(name, add)                                                                                        \
    static int64_t name(struct worker *w, struct object *object, const struct call *call)                              \
    {                                                                                                                  \
        struct shared_counter *c = object->state;                                                                      \
        (void)w;                                                                                                       \
        return __builtin_expect(call->verb == VERB_ADD, 1) ? (add) : counter_rest(c, call);                            \
    }
COUNTER_CALL(counter_call_mutex, counter_mutex_add(c, call->in, call->out, call->n))
COUNTER_CALL(counter_call_slot, counter_slot_add(c, w, call->in, call->out, call->n))
COUNTER_CALL(counter_call_racy, counter_racy_add(c, call->in, call->out, call->n))

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

/* --- both -------------------------------------------------------------------------------------------------------- */

int shared_object_create(struct object *object, struct error *error)
{
    return object->kind == OBJECT_COUNTER ? counter_create(object, error) : shared_list_create(object, error);
}

void shared_object_free(struct object *object)
{
    if (object->kind == OBJECT_LIST)
        shared_list_free(object);
    else
        memory_free(object->state, counter_bytes(object->pool));
}
