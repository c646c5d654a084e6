/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lock_bumps.c - every worker takes one lock, bumps a shared Value, and releases the lock: that is one operation.
 *
 * The Value is read and then set to one more, in two steps which exclude nobody: only the lock does. Proof: the final
 * value is the number of acknowledged operations, and the lock was never found orphaned. */
#include "bench/ipc/memory.h"
#include "bench/ipc/work.h"
#include "bench/workload.h"

#include <stdio.h>
#include <stdlib.h>

struct lock_tally {
    _Alignas(LINE_APART) uint64_t orphaned; /* its worker's only; the parent's between windows */
};

struct lock_run {
    struct object *lock, *value;
    size_t workers;
    uint64_t cost;
    struct lock_tally *tally; /* shared; per worker */
};

static uint64_t lock_chunk_auto(const struct parameters *p)
{
    (void)p;
    return 1;
}

static void lock_done_with(void *ctx)
{
    struct lock_run *run = ctx;
    if (!run)
        return;
    memory_free(run->tally, run->workers * sizeof *run->tally);
    free(run);
}

static int lock_prepare(const struct parameters *p, struct setup *setup, struct error *error)
{
    struct lock_run *run = calloc(1, sizeof *run);
    if (!run)
        return error_system(error, "no memory for the workload");
    *run = (struct lock_run){.workers = p->workers, .cost = p->cost};
    run->tally = memory_shared(run->workers * sizeof *run->tally);
    if (!run->tally) {
        error_system(error, "no memory for %zu workers", run->workers);
        lock_done_with(run);
        return -1;
    }
    setup->ctx = run;
    return 0;
}

static int lock_objects(struct pool *pool, struct error *error)
{
    struct lock_run *run = pool_context(pool);
    run->lock = lock_new(pool, error);
    run->value = run->lock ? value_new(pool, TYPE_I64, NULL, error) : NULL;
    return run->value ? 0 : -1;
}

static uint64_t lock_grain(const void *ctx)
{
    (void)ctx;
    return 1;
}

static int bump(struct worker *w, struct object *value)
{
    int64_t number = 0;
    if (element_get(w, value, 0, &number, 1) != 1)
        return -1;
    number++;
    return element_set(w, value, 0, &number, 1) == 1 ? 0 : -1;
}

static int64_t lock_step(struct worker *w, void *ctx, size_t n)
{
    struct lock_run *run = ctx;
    for (size_t i = 0; i < n; i++) {
        int64_t got = lock_acquire(w, run->lock, NEVER);
        if (got < 0)
            return -1;
        if (got == LOCK_ORPHANED)
            run->tally[w->slot].orphaned++;
        if (bump(w, run->value) || lock_release(w, run->lock) < 0)
            return -1;
        if (run->cost)
            work_chain(run->cost, w->done + i);
    }
    return (int64_t)n;
}

static void judge(struct proof *proof, uint64_t made, uint64_t value, uint64_t orphaned)
{
    *proof = (struct proof){.holds = value == made && orphaned == 0, .lost = value < made ? made - value : 0};
    if (value < made)
        snprintf(proof->text, sizeof proof->text, "lost %llu of %llu bumps: the lock does not exclude",
                 (unsigned long long)(made - value), (unsigned long long)made);
    else if (value > made)
        snprintf(proof->text, sizeof proof->text, "the value is %llu after %llu bumps under the lock",
                 (unsigned long long)value, (unsigned long long)made);
    else if (orphaned)
        snprintf(proof->text, sizeof proof->text, "the lock was found orphaned %llu times, and nobody had died",
                 (unsigned long long)orphaned);
}

static int lock_check(struct pool *pool, const uint64_t *done, struct proof *proof, struct error *error)
{
    struct lock_run *run = pool_context(pool);
    uint64_t value = 0, made = 0, orphaned = 0;
    if (object_read(pool_parent(pool), run->value, &value, sizeof value) != sizeof value ||
        object_clear(pool_parent(pool), run->value) < 0)
        return error_set(error, ERROR_BROKEN, "the value cannot be read back");
    for (size_t i = 0; i < run->workers; i++) {
        made += done[i];
        orphaned += run->tally[i].orphaned;
        run->tally[i].orphaned = 0;
    }
    judge(proof, made, value, orphaned);
    return 0;
}

const struct workload workload_lock = {
    .name = "lock",
    .summary = "every worker takes one lock, bumps a Value under it, and releases it",
    .unit = "locks/s",
    .need = NEED_LOCK,
    .unchunked = true,
    .chunk_auto = lock_chunk_auto,
    .prepare = lock_prepare,
    .objects = lock_objects,
    .grain = lock_grain,
    .step = lock_step,
    .check = lock_check,
    .release = lock_done_with,
};
