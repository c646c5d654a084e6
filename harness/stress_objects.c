/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * stress_objects.c - exercises on objects: what was answered is there, once; what was begun and not answered is there
 * once or not at all; and nothing else is.
 *
 * Each operation has a number of its own, per worker and never used again, and a byte in shared memory that says
 * whether it was begun and answered. Where an operation holds only once its process has ended well, the answers within
 * that process mean nothing: there the pool's own count of grains done is the account. */
#include "harness/clock.h"
#include "harness/stress.h"

#include <stdlib.h>
#include <string.h>

#define CALLS      10
#define CHUNK_MOST 16
#define PATIENT_NS (10 * NS_PER_S)

/* --- what a worker does ------------------------------------------------------------------------------------------ */

static _Atomic unsigned char *operation_of(struct stage *stage, uint32_t slot, uint64_t number)
{
    return &stage->operation[(size_t)slot * STRESS_OPERATIONS + number];
}

static uint64_t begin(struct worker *w, struct stage *stage, size_t n)
{
    stress_expose(w);
    uint64_t first = atomic_fetch_add(&stage->actors[w->slot].attempted, n);
    for (size_t i = 0; i < n; i++)
        atomic_store(operation_of(stage, w->slot, first + i), OPERATION_ATTEMPTED);
    return first;
}

static int64_t answered(struct worker *w, struct stage *stage, uint64_t first, size_t n, int64_t got)
{
    if (got == CALL_BROKEN || got == CALL_UNKNOWN)
        return -1;
    if (got != (int64_t)n)
        return stress_broken(stage, "an operation of worker %u on %zu is answered %lld", w->slot, n, (long long)got);
    for (size_t i = 0; i < n; i++)
        atomic_store(operation_of(stage, w->slot, first + i), OPERATION_ANSWERED);
    return 1;
}

static uint64_t check_of(uint64_t slot, uint64_t number)
{
    return stress_mix(slot, number, 77);
}

static int64_t counter_step(struct worker *w, void *ctx, size_t n)
{
    struct stage *stage = ctx;
    const size_t chunk = stage->round.chunk;
    int64_t deltas[CHUNK_MOST], previous[CHUNK_MOST];
    (void)n;
    for (size_t i = 0; i < chunk; i++)
        deltas[i] = 1;
    uint64_t first = begin(w, stage, chunk);
    return answered(w, stage, first, chunk, counter_add(w, pool_object(w->pool, 0), deltas, previous, chunk));
}

static int64_t list_step(struct worker *w, void *ctx, size_t n)
{
    struct stage *stage = ctx;
    const size_t chunk = stage->round.chunk;
    uint64_t elements[CHUNK_MOST][2];
    (void)n;
    uint64_t first = begin(w, stage, chunk);
    for (size_t i = 0; i < chunk; i++) {
        elements[i][0] = (uint64_t)w->slot << 32 | (first + i);
        elements[i][1] = check_of(w->slot, first + i);
    }
    return answered(w, stage, first, chunk, list_append(w, pool_object(w->pool, 0), elements, chunk));
}

static int64_t array_step(struct worker *w, void *ctx, size_t n)
{
    struct stage *stage = ctx;
    const size_t chunk = stage->round.chunk;
    struct addend addends[CHUNK_MOST];
    union number previous[CHUNK_MOST];
    (void)n;
    uint64_t first = begin(w, stage, chunk);
    for (size_t i = 0; i < chunk; i++)
        addends[i] = (struct addend){.at = 4 * (uint64_t)w->slot + (first + i) % 4, .delta.i = 1};
    return answered(w, stage, first, chunk, array_add(w, pool_object(w->pool, 0), addends, previous, chunk));
}

static int64_t dict_step(struct worker *w, void *ctx, size_t n)
{
    struct stage *stage = ctx;
    const size_t chunk = stage->round.chunk;
    uint64_t entries[CHUNK_MOST][3], were[CHUNK_MOST];
    (void)n;
    uint64_t first = begin(w, stage, chunk);
    for (size_t i = 0; i < chunk; i++) {
        entries[i][0] = 4 * (uint64_t)w->slot + (first + i) % 4;
        entries[i][1] = first + i;
        entries[i][2] = check_of(w->slot, first + i);
    }
    return answered(w, stage, first, chunk, dict_put(w, pool_object(w->pool, 0), entries, were, chunk));
}

/* Who enters marks the section, so that two inside are seen; who died inside left its mark, and the next one is told.
 */
static int enter(struct worker *w, struct stage *stage)
{
    int64_t got = lock_acquire(w, pool_object(w->pool, 0), PATIENT_NS);
    if (got == CALL_BROKEN || got == CALL_UNKNOWN)
        return -1;
    if (got != 0 && got != LOCK_ORPHANED)
        return stress_broken(stage, "a lock is not had: %lld", (long long)got);
    uint32_t inside = atomic_exchange(&stage->inside, w->slot + 1);
    if (inside != 0 && got == 0)
        return stress_broken(stage, "worker %u is in the critical section with worker %u", w->slot, inside - 1);
    return 0;
}

static int64_t lock_step(struct worker *w, void *ctx, size_t n)
{
    struct stage *stage = ctx;
    struct object *value = pool_object(w->pool, 1);
    int64_t held;
    (void)n;
    uint64_t first = begin(w, stage, 1);
    if (enter(w, stage) || element_get(w, value, 0, &held, 1) != 1)
        return -1;
    held++;
    if (element_set(w, value, 0, &held, 1) != 1)
        return -1;
    atomic_store(&stage->inside, 0);
    return answered(w, stage, first, 1, lock_release(w, pool_object(w->pool, 0)) == 0 ? 1 : CALL_BROKEN);
}

/* --- the calls --------------------------------------------------------------------------------------------------- */

/* One pool_each() after the other; the death of a worker ends its part in one of them. */
static int each(struct pool *pool, struct stage *stage, step_fn *step, struct error *error)
{
    for (unsigned call = 0; call < CALLS && clock_now() < stage->until; call++) {
        for (unsigned i = 0; i < stage->round.workers; i++)
            stage->actors[i].before = atomic_load(&stage->actors[i].told);
        if (pool_each(pool, step, error) && (error->code != ERROR_DIED || stage->round.kills_service))
            return -1;
    }
    return 0;
}

/* What of a worker must be there, and what may. */
struct bounds {
    uint64_t least, most;
};

static struct bounds bounds_of(struct pool *pool, struct stage *stage, uint32_t slot)
{
    uint64_t attempted = atomic_load(&stage->actors[slot].attempted), sure = 0;
    for (uint64_t i = 0; i < attempted; i++)
        sure += atomic_load(operation_of(stage, slot, i)) == OPERATION_ANSWERED;
    if (!stress_holds_at_once(pool))
        sure = atomic_load(&stage->actors[slot].told) * stage->round.chunk;
    return (struct bounds){.least = sure, .most = attempted};
}

static int found_count(struct stage *stage, uint32_t slot, struct bounds bounds, uint64_t there)
{
    struct account *account = &stage->finding.account;
    account->done += bounds.least;
    account->unsure += bounds.most - bounds.least;
    if (there < bounds.least || there > bounds.most)
        stress_found(stage, "worker %u began %llu operations, %llu hold, and %llu are there", slot,
                     (unsigned long long)bounds.most, (unsigned long long)bounds.least, (unsigned long long)there);
    return 0;
}

static int read_whole(struct pool *pool, unsigned index, void *into, size_t bytes, struct error *error)
{
    int64_t got = object_read(pool_parent(pool), pool_object(pool, index), into, bytes);
    return got < 0 ? error_set(error, ERROR_BROKEN, "an object cannot be read") : (int)(got > 0);
}

static int total(struct pool *pool, struct stage *stage, unsigned index, struct error *error)
{
    uint64_t value = 0;
    struct bounds all = {.least = 0};
    if (read_whole(pool, index, &value, sizeof value, error) < 0)
        return -1;
    for (unsigned i = 0; i < stage->round.workers; i++) {
        struct bounds one = bounds_of(pool, stage, i);
        all.least += one.least;
        all.most += one.most;
    }
    return found_count(stage, stage->round.workers, all, value);
}

int stress_counter(struct pool *pool, struct stage *stage, struct error *error)
{
    return each(pool, stage, counter_step, error) ? -1 : total(pool, stage, 0, error);
}

int stress_lock(struct pool *pool, struct stage *stage, struct error *error)
{
    return each(pool, stage, lock_step, error) ? -1 : total(pool, stage, 1, error);
}

int stress_array(struct pool *pool, struct stage *stage, struct error *error)
{
    uint64_t values[4 * WORKERS_MAX];
    if (each(pool, stage, array_step, error) || read_whole(pool, 0, values, sizeof values, error) < 0)
        return -1;
    for (unsigned i = 0; i < stage->round.workers; i++) {
        const uint64_t *own = &values[4 * i];
        found_count(stage, i, bounds_of(pool, stage, i), own[0] + own[1] + own[2] + own[3]);
    }
    return 0;
}

/* --- list -------------------------------------------------------------------------------------------------------- */

/* Each element is whole, is one that was begun, is there once, and behind the earlier ones of its worker. */
static void check_elements(struct stage *stage, const uint64_t (*elements)[2], size_t count, uint64_t *there)
{
    uint64_t *expected = calloc(stage->round.workers, sizeof *expected);
    for (size_t i = 0; expected && i < count; i++) {
        uint64_t slot = elements[i][0] >> 32, number = elements[i][0] & UINT32_MAX;
        if (slot >= stage->round.workers || elements[i][1] != check_of(slot, number) ||
            number >= atomic_load(&stage->actors[slot].attempted)) {
            stress_found(stage, "element %zu is torn or nobody's", i);
            break;
        }
        if (number < expected[slot])
            stress_found(stage, "operation %llu of worker %llu is there twice or out of order",
                         (unsigned long long)number, (unsigned long long)slot);
        expected[slot] = number + 1;
        there[slot]++;
        atomic_fetch_or(operation_of(stage, (uint32_t)slot, number), 128);
    }
    free(expected);
}

static void check_answered(struct stage *stage)
{
    for (uint32_t slot = 0; slot < stage->round.workers; slot++)
        for (uint64_t i = 0; i < atomic_load(&stage->actors[slot].attempted); i++)
            if (atomic_load(operation_of(stage, slot, i)) == OPERATION_ANSWERED)
                stress_found(stage, "operation %llu of worker %u was answered and is lost", (unsigned long long)i,
                             slot);
}

int stress_list(struct pool *pool, struct stage *stage, struct error *error)
{
    size_t most = (size_t)stage->round.workers * STRESS_OPERATIONS * 2 * sizeof(uint64_t);
    if (each(pool, stage, list_step, error))
        return -1;
    struct bounds *bounds = calloc(stage->round.workers, sizeof *bounds);
    uint64_t *there = calloc(stage->round.workers, sizeof *there);
    uint64_t(*elements)[2] = malloc(most);
    int64_t bytes =
        bounds && there && elements ? object_read(pool_parent(pool), pool_object(pool, 0), elements, most) : -1;
    for (unsigned i = 0; bytes >= 0 && i < stage->round.workers; i++)
        bounds[i] = bounds_of(pool, stage, i);
    if (bytes >= 0) {
        check_elements(stage, elements, (size_t)bytes / sizeof *elements, there);
        if (stress_holds_at_once(pool))
            check_answered(stage);
        for (unsigned i = 0; i < stage->round.workers; i++)
            found_count(stage, i, bounds[i], there[i]);
    }
    free(elements);
    free(there);
    free(bounds);
    return bytes < 0 ? error_set(error, ERROR_BROKEN, "the list cannot be read") : 0;
}

/* --- dict -------------------------------------------------------------------------------------------------------- */

/* The last answered put to a key, or one begun after it, is what is there. */
static void check_key(struct pool *pool, struct stage *stage, uint64_t key, const uint64_t *entry)
{
    uint32_t slot = (uint32_t)(key / 4);
    uint64_t attempted = atomic_load(&stage->actors[slot].attempted), last = UINT64_MAX;
    for (uint64_t i = key % 4; i < attempted; i += 4)
        if (atomic_load(operation_of(stage, slot, i)) == OPERATION_ANSWERED)
            last = i;
    bool sure = last != UINT64_MAX && stress_holds_at_once(pool);
    if (!entry) {
        if (sure)
            stress_found(stage, "key %llu was put and is not there", (unsigned long long)key);
        return;
    }
    if (entry[2] != check_of(slot, entry[1]) || entry[1] >= attempted || entry[1] % 4 != key % 4)
        stress_found(stage, "the value of key %llu is torn or nobody's", (unsigned long long)key);
    else if (sure && entry[1] < last)
        stress_found(stage, "key %llu holds put %llu, and %llu was answered", (unsigned long long)key,
                     (unsigned long long)entry[1], (unsigned long long)last);
}

int stress_dict(struct pool *pool, struct stage *stage, struct error *error)
{
    const uint64_t keys = 4 * (uint64_t)stage->round.workers;
    uint64_t entries[4 * 64][3];
    if (each(pool, stage, dict_step, error))
        return -1;
    int64_t bytes = object_read(pool_parent(pool), pool_object(pool, 0), entries, sizeof entries);
    if (bytes < 0)
        return error_set(error, ERROR_BROKEN, "the dict cannot be read");
    uint64_t count = (uint64_t)bytes / sizeof entries[0];
    for (uint64_t key = 0; key < keys; key++) {
        const uint64_t *entry = NULL;
        for (uint64_t i = 0; i < count; i++)
            if (entries[i][0] == key) {
                if (entry)
                    stress_found(stage, "key %llu is there twice", (unsigned long long)key);
                entry = entries[i];
            }
        check_key(pool, stage, key, entry);
    }
    for (unsigned i = 0; i < stage->round.workers; i++) {
        struct bounds bounds = bounds_of(pool, stage, i);
        found_count(stage, i, bounds, bounds.least);
    }
    return 0;
}
