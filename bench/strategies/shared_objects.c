/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_objects.c - objects in memory that all processes write: which is made where, and a counter in five ways. */
#include "bench/strategies/shared_objects.h"
#include "bench/ipc/memory.h"
#include "bench/strategies/shared_list.h"
#include "bench/strategies/shared_mutex.h"
#include "bench/strategies/shared_parts.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* --- counter ----------------------------------------------------------------------------------------------------- */

struct guarded {
    pthread_mutex_t mutex;
    uint64_t value;
};

/* A slot per worker and process of the pool, and one for the parent, `stride` bytes apart. */
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
    return sizeof(struct shared_counter) + slot_stride(pool) * (pool_slots(pool) + 1);
}

static _Atomic uint64_t *slot_at(struct shared_counter *c, size_t index)
{
    return (_Atomic uint64_t *)(c->slot_memory + index * c->slots.stride);
}

/* A holder that died between lock and unlock leaves a counter that is whole: a 64-bit store is never half done. */
static int lock(pthread_mutex_t *mutex)
{
    int got = pthread_mutex_trylock(mutex);
    if (got == EBUSY)
        got = shared_mutex_sleep(mutex);
    if (got == EOWNERDEAD)
        got = pthread_mutex_consistent(mutex);
    errno = got;
    return got ? -1 : 0;
}

static int64_t counter_mutex_add(struct shared_counter *c, const int64_t *deltas, int64_t *previous, size_t n)
{
    if (lock(&c->guarded.mutex))
        return CALL_BROKEN;
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
    if (lock(&c->guarded.mutex))
        return CALL_BROKEN;
    uint64_t total = counter_total(c);
    pthread_mutex_unlock(&c->guarded.mutex);
    size_t bytes = most < sizeof total ? most : sizeof total;
    memcpy(out, &total, bytes);
    return (int64_t)bytes;
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

static int counter_create(struct object *object, struct error *error)
{
    struct pool *pool = object->pool;
    struct shared_counter *c = memory_shared(counter_bytes(pool));
    if (!c)
        return error_system(error, "no shared memory for a counter");
    c->slots = (struct slots){.stride = slot_stride(pool), .count = pool_slots(pool) + 1};
    if (shared_mutex_new(&c->guarded.mutex, false)) {
        error_system(error, "cannot make a robust mutex that processes share");
        memory_free(c, counter_bytes(pool));
        return -1;
    }
    object->state = c;
    object->call = counter_calls[pool->setup.variant];
    object->word = pool->setup.variant == SHARED_ATOMIC ? &c->value : NULL;
    return 0;
}

static void counter_free(struct object *object)
{
    memory_free(object->state, counter_bytes(object->pool));
}

/* --- all --------------------------------------------------------------------------------------------------------- */

static const struct {
    int (*create)(struct object *, struct error *);
    void (*free)(struct object *);
} kinds[] = {
    [OBJECT_COUNTER] = {counter_create, counter_free},      [OBJECT_ARRAY] = {shared_array_create, shared_array_free},
    [OBJECT_LIST] = {shared_list_create, shared_list_free}, [OBJECT_DICT] = {shared_dict_create, shared_dict_free},
    [OBJECT_LOCK] = {shared_lock_create, shared_lock_free},
};

int shared_object_create(struct object *object, struct error *error)
{
    return kinds[object->kind].create(object, error);
}

void shared_object_free(struct object *object)
{
    kinds[object->kind].free(object);
}
