/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * array_adds.c - every worker adds to the elements of one array, each add at an index of its worker's own sequence.
 *
 * A delta is one add in its low 40 bits and a number between 1 and 8 above, as the counter's. Each worker keeps, in
 * memory that only it writes, what it has added to each element. Proof: every element is the exact sum of all workers'
 * tallies of it, the tallies hold as many adds as were acknowledged, and no add was answered with a number below what
 * its worker had added to that element before. 1,024 elements of 8 bytes fit the first-level cache of every core, and
 * two workers meet on one line now and then. */
#include "bench/ipc/memory.h"
#include "bench/ipc/work.h"
#include "bench/workload.h"
#include "bench/workloads/sequence.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH     1024
#define COUNT_BITS 40
#define COUNT_MASK ((UINT64_C(1) << COUNT_BITS) - 1)
#define PATTERN    8

/* Its worker's only; the parent reads and clears it between windows. */
struct array_tally {
    _Alignas(LINE_APART) uint64_t added[LENGTH];
    uint64_t stale; /* answers that went backwards */
};

struct array_run {
    struct object *array;
    size_t chunk, workers;
    uint64_t cost, seed;
    struct addend *addends;    /* each process's own copy */
    union number *previous;    /* likewise */
    struct array_tally *tally; /* shared; per worker */
};

static uint64_t array_chunk_auto(const struct parameters *p)
{
    (void)p;
    return 256;
}

static void array_release(void *ctx)
{
    struct array_run *run = ctx;
    if (!run)
        return;
    memory_free(run->addends, run->chunk * sizeof *run->addends);
    memory_free(run->previous, run->chunk * sizeof *run->previous);
    memory_free(run->tally, run->workers * sizeof *run->tally);
    free(run);
}

static int array_prepare(const struct parameters *p, struct setup *setup, struct error *error)
{
    struct array_run *run = calloc(1, sizeof *run);
    if (!run)
        return error_system(error, "no memory for the workload");
    *run = (struct array_run){.chunk = p->chunk, .workers = p->workers, .cost = p->cost, .seed = p->seed};
    run->addends = memory_private(run->chunk * sizeof *run->addends);
    run->previous = memory_private(run->chunk * sizeof *run->previous);
    run->tally = memory_shared(run->workers * sizeof *run->tally);
    if (!run->addends || !run->previous || !run->tally) {
        error_system(error, "no memory for chunks of %zu adds", run->chunk);
        array_release(run);
        return -1;
    }
    setup->ctx = run;
    return 0;
}

static int array_objects(struct pool *pool, struct error *error)
{
    struct array_run *run = pool_context(pool);
    run->array = array_new(pool, TYPE_I64, 0, LENGTH, NULL, error);
    return run->array ? 0 : -1;
}

static uint64_t array_grain(const void *ctx)
{
    return ((const struct array_run *)ctx)->chunk;
}

static void fill_chunk(const struct array_run *run, uint32_t slot, uint64_t first)
{
    for (size_t i = 0; i < run->chunk; i++) {
        uint64_t sequence = first + i;
        run->addends[i].at = sequence_draw(run->seed, slot, sequence) % LENGTH;
        run->addends[i].delta.u = 1 + ((sequence % PATTERN + 1) << COUNT_BITS);
    }
}

static void tally_chunk(const struct array_run *run, struct array_tally *own)
{
    uint64_t stale = 0;
    for (size_t i = 0; i < run->chunk; i++) {
        uint64_t *added = &own->added[run->addends[i].at];
        stale += (run->previous[i].u & COUNT_MASK) < (*added & COUNT_MASK);
        *added += run->addends[i].delta.u;
    }
    own->stale += stale;
}

static int64_t array_step(struct worker *w, void *ctx, size_t n)
{
    struct array_run *run = ctx;
    struct array_tally *own = &run->tally[w->slot];
    for (size_t i = 0; i < n; i++) {
        uint64_t first = (w->done + i) * run->chunk;
        fill_chunk(run, w->slot, first);
        if (array_add(w, run->array, run->addends, run->previous, run->chunk) != (int64_t)run->chunk)
            return -1;
        tally_chunk(run, own);
        if (run->cost)
            for (size_t k = 0; k < run->chunk; k++)
                work_chain(run->cost, first + k);
    }
    return (int64_t)n;
}

/* Says what is wrong with one element, unless an earlier one is wrong already. */
static void judge_element(struct proof *proof, size_t at, uint64_t holds, uint64_t expected)
{
    uint64_t held = holds & COUNT_MASK, wanted = expected & COUNT_MASK;
    if (holds == expected)
        return;
    proof->lost += held < wanted ? wanted - held : 0;
    if (!proof->holds)
        return;
    proof->holds = false;
    if (held < wanted)
        snprintf(proof->text, sizeof proof->text, "element %zu of the array lost %llu of %llu adds", at,
                 (unsigned long long)(wanted - held), (unsigned long long)wanted);
    else if (held > wanted)
        snprintf(proof->text, sizeof proof->text, "element %zu of the array holds %llu adds that nobody made", at,
                 (unsigned long long)(held - wanted));
    else
        snprintf(proof->text, sizeof proof->text,
                 "element %zu of the array has the right number of adds, but not "
                 "their sum",
                 at);
}

static void judge_tallies(const struct array_run *run, const uint64_t *done, struct proof *proof)
{
    for (size_t w = 0; w < run->workers && proof->holds; w++) {
        uint64_t adds = 0, acknowledged = done[w] * run->chunk;
        for (size_t at = 0; at < LENGTH; at++)
            adds += run->tally[w].added[at] & COUNT_MASK;
        proof->holds = adds == acknowledged && run->tally[w].stale == 0;
        if (adds != acknowledged)
            snprintf(proof->text, sizeof proof->text, "worker %zu made %llu adds and %llu were acknowledged", w,
                     (unsigned long long)adds, (unsigned long long)acknowledged);
        else if (!proof->holds)
            snprintf(proof->text, sizeof proof->text, "answered %llu adds with a number already passed",
                     (unsigned long long)run->tally[w].stale);
    }
}

static int array_check(struct pool *pool, const uint64_t *done, struct proof *proof, struct error *error)
{
    struct array_run *run = pool_context(pool);
    uint64_t elements[LENGTH];
    if (object_read(pool_parent(pool), run->array, elements, sizeof elements) != sizeof elements ||
        object_clear(pool_parent(pool), run->array) < 0)
        return error_set(error, ERROR_BROKEN, "the array cannot be read back");
    *proof = (struct proof){.holds = true};
    for (size_t at = 0; at < LENGTH; at++) {
        uint64_t expected = 0;
        for (size_t w = 0; w < run->workers; w++)
            expected += run->tally[w].added[at];
        judge_element(proof, at, elements[at], expected);
    }
    judge_tallies(run, done, proof);
    memset(run->tally, 0, run->workers * sizeof *run->tally);
    return 0;
}

const struct workload workload_array = {
    .name = "array",
    .summary = "every worker adds to elements of one array, here and there",
    .unit = "adds/s",
    .need = NEED_ARRAY,
    .chunk_auto = array_chunk_auto,
    .prepare = array_prepare,
    .objects = array_objects,
    .grain = array_grain,
    .step = array_step,
    .check = array_check,
    .release = array_release,
};
