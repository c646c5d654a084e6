/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * counter.c - every worker adds to one counter; each add brings its delta and gets the previous value back.
 *
 * A delta is one add in its low 40 bits and a number between 1 and 8, which differs from add to add, in the 24 above,
 * so that the total says both how many adds it holds and whether each brought its own delta. Proof: the total is the
 * exact sum, and no add was answered with a value below what its worker had added before. */
#include "bench/ipc/memory.h"
#include "bench/ipc/work.h"
#include "bench/workload.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT_BITS 40
#define COUNT_MASK ((UINT64_C(1) << COUNT_BITS) - 1)
#define PATTERN    8

struct stale {
    _Alignas(LINE_APART) _Atomic uint64_t answers; /* its worker's only */
};

struct counter_run {
    struct object *counter;
    size_t chunk, workers;
    uint64_t cost;
    int64_t *deltas;     /* chunk and one pattern more, so that every chunk begins where the last one ended */
    int64_t *previous;   /* each process's own copy */
    struct stale *stale; /* shared; answers that went backwards, per worker */
};

static uint64_t counter_chunk_auto(const struct parameters *p)
{
    (void)p;
    return 256;
}

static void counter_release(void *ctx)
{
    struct counter_run *run = ctx;
    if (!run)
        return;
    memory_free(run->deltas, (run->chunk + PATTERN) * sizeof *run->deltas);
    memory_free(run->previous, run->chunk * sizeof *run->previous);
    memory_free(run->stale, run->workers * sizeof *run->stale);
    free(run);
}

static int counter_prepare(const struct parameters *p, struct setup *setup, struct error *error)
{
    struct counter_run *run = calloc(1, sizeof *run);
    if (!run)
        return error_system(error, "no memory for the workload");
    run->chunk = p->chunk;
    run->workers = p->workers;
    run->cost = p->cost;
    run->deltas = memory_private((run->chunk + PATTERN) * sizeof *run->deltas);
    run->previous = memory_private(run->chunk * sizeof *run->previous);
    run->stale = memory_shared(run->workers * sizeof *run->stale);
    if (!run->deltas || !run->previous || !run->stale) {
        error_system(error, "no memory for chunks of %zu adds", run->chunk);
        counter_release(run);
        return -1;
    }
    for (size_t i = 0; i < run->chunk + PATTERN; i++)
        run->deltas[i] = (int64_t)(1 + ((i % PATTERN + 1) << COUNT_BITS));
    setup->ctx = run;
    return 0;
}

static int counter_objects(struct pool *pool, struct error *error)
{
    struct counter_run *run = pool_context(pool);
    run->counter = counter_new(pool, error);
    return run->counter ? 0 : -1;
}

static uint64_t counter_grain(const void *ctx)
{
    return ((const struct counter_run *)ctx)->chunk;
}

static void work_between(const struct counter_run *run, uint64_t first)
{
    for (size_t i = 0; i < run->chunk; i++)
        work_chain(run->cost, first + i);
}

/* Reads what it needs from *run anew in each turn: loads are free beside an atomic add, while locals that outlive the
 * call would be stored on the stack, and an atomic add waits for every store before it. */
static int64_t counter_step(struct worker *w, void *ctx, size_t n)
{
    struct counter_run *run = ctx;
    uint64_t added = w->done * run->chunk, end = added + n * run->chunk, stale = 0;
    for (; added < end; added += run->chunk) {
        if (counter_add(w, run->counter, run->deltas + added % PATTERN, run->previous, run->chunk) < 0)
            return -1;
        stale += ((uint64_t)run->previous[run->chunk - 1] & COUNT_MASK) < added + run->chunk - 1;
        if (run->cost)
            work_between(run, added);
    }
    if (stale)
        atomic_fetch_add_explicit(&run->stale[w->slot].answers, stale, memory_order_relaxed);
    return (int64_t)n;
}

/* The sum of the first n deltas, modulo 2^64 as the counter itself. */
static uint64_t sum_of(uint64_t n)
{
    uint64_t rest = n % PATTERN, pattern = n / PATTERN * (PATTERN * (PATTERN + 1) / 2) + rest * (rest + 1) / 2;
    return n + (pattern << COUNT_BITS);
}

static uint64_t stale_answers(struct counter_run *run)
{
    uint64_t stale = 0;
    for (size_t i = 0; i < run->workers; i++)
        stale += atomic_exchange_explicit(&run->stale[i].answers, 0, memory_order_relaxed);
    return stale;
}

static void counter_judge(struct proof *proof, uint64_t adds, uint64_t expected, uint64_t total, uint64_t stale)
{
    *proof = (struct proof){.holds = total == expected && stale == 0};
    if (total != expected) {
        uint64_t held = total & COUNT_MASK, wanted = adds & COUNT_MASK;
        proof->lost = held < wanted ? wanted - held : 0;
        if (held < wanted)
            snprintf(proof->text, sizeof proof->text, "lost %llu of %llu adds", (unsigned long long)(wanted - held),
                     (unsigned long long)wanted);
        else if (held > wanted)
            snprintf(proof->text, sizeof proof->text, "counted %llu adds that nobody made, beside %llu",
                     (unsigned long long)(held - wanted), (unsigned long long)wanted);
        else
            snprintf(proof->text, sizeof proof->text, "the number of adds is right but their sum is wrong");
    } else if (stale) {
        snprintf(proof->text, sizeof proof->text, "answered %llu chunks of adds with a value already passed",
                 (unsigned long long)stale);
    }
}

static int counter_check(struct pool *pool, const uint64_t *done, struct proof *proof, struct error *error)
{
    struct counter_run *run = pool_context(pool);
    uint64_t total = 0, adds = 0, expected = 0;
    if (object_read(pool_parent(pool), run->counter, &total, sizeof total) != sizeof total ||
        object_clear(pool_parent(pool), run->counter) < 0)
        return error_set(error, ERROR_BROKEN, "the counter cannot be read back");
    for (size_t i = 0; i < run->workers; i++) {
        adds += done[i] * run->chunk;
        expected += sum_of(done[i] * run->chunk);
    }
    counter_judge(proof, adds, expected, total, stale_answers(run));
    return 0;
}

const struct workload workload_counter = {
    .name = "counter",
    .summary = "every worker adds to one counter and gets the previous value back",
    .unit = "adds/s",
    .need = NEED_COUNTER,
    .standard = true,
    .chunk_auto = counter_chunk_auto,
    .prepare = counter_prepare,
    .objects = counter_objects,
    .grain = counter_grain,
    .step = counter_step,
    .check = counter_check,
    .release = counter_release,
};
