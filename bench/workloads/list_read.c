/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * list_read.c - every worker reads a whole list, again and again, as one consistent snapshot into its own memory.
 *
 * The list holds 65,536 elements, 64 MiB at most, appended by the parent before the first gate. Every snapshot must
 * have the full length and right elements at its head, at its tail and at a place that moves; the parent's is compared
 * whole. */
#include "bench/ipc/memory.h"
#include "bench/workload.h"
#include "bench/workloads/elements.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define LIST_ELEMENTS 65536
#define LIST_BYTES    (UINT64_C(64) << 20)

struct verdict {
    _Alignas(LINE_APART) _Atomic uint64_t short_ones; /* snapshots of the wrong length; its worker's only */
    _Atomic uint64_t bad_ones;                        /* snapshots whose sampled elements were wrong */
};

struct list_read_run {
    struct object *list;
    size_t element, count, workers;
    unsigned char *into;     /* each process's own copy */
    unsigned char *expected; /* the content, the parent's, and by fork everybody's */
    struct verdict *verdicts;
};

static uint64_t list_read_chunk_auto(const struct parameters *p)
{
    uint64_t fit = LIST_BYTES / p->payload;
    return fit < LIST_ELEMENTS ? fit : LIST_ELEMENTS;
}

static void list_read_release(void *ctx)
{
    struct list_read_run *run = ctx;
    if (!run)
        return;
    memory_free(run->into, run->count * run->element);
    memory_free(run->expected, run->count * run->element);
    memory_free(run->verdicts, run->workers * sizeof *run->verdicts);
    free(run);
}

static int list_read_prepare(const struct parameters *p, struct setup *setup, struct error *error)
{
    struct list_read_run *run = calloc(1, sizeof *run);
    if (!run)
        return error_system(error, "no memory for the workload");
    *run = (struct list_read_run){.element = p->payload, .workers = p->workers, .count = list_read_chunk_auto(p)};
    run->into = memory_private(run->count * run->element);
    run->expected = memory_private(run->count * run->element);
    run->verdicts = memory_shared(run->workers * sizeof *run->verdicts);
    if (!run->into || !run->expected || !run->verdicts) {
        error_system(error, "no memory for a list of %zu elements", run->count);
        list_read_release(run);
        return -1;
    }
    elements_fill(run->expected, run->count, run->element, 0, 0);
    setup->ctx = run;
    return 0;
}

static int list_read_objects(struct pool *pool, struct error *error)
{
    struct list_read_run *run = pool_context(pool);
    run->list = list_new(pool, run->element, run->count, error);
    return run->list ? 0 : -1;
}

static int list_read_fill(struct pool *pool, struct error *error)
{
    struct list_read_run *run = pool_context(pool);
    if (list_append(pool_parent(pool), run->list, run->expected, run->count) != (int64_t)run->count)
        return error_set(error, ERROR_BROKEN, "the list cannot be filled");
    return 0;
}

static uint64_t list_read_grain(const void *ctx)
{
    return ((const struct list_read_run *)ctx)->count;
}

/* A few words of each snapshot are looked at here; more would measure the looking. */
static bool sample_right(const struct list_read_run *run, uint64_t turn)
{
    size_t bytes = run->count * run->element, at = (turn * 2654435761u) % run->count * run->element;
    return memcmp(run->into, run->expected, run->element) == 0 &&
           memcmp(run->into + at, run->expected + at, run->element) == 0 &&
           memcmp(run->into + bytes - run->element, run->expected + bytes - run->element, run->element) == 0;
}

static int64_t list_read_step(struct worker *w, void *ctx, size_t n)
{
    struct list_read_run *run = ctx;
    const size_t bytes = run->count * run->element;
    struct verdict *verdict = &run->verdicts[w->slot];
    for (size_t i = 0; i < n; i++) {
        memset(run->into, 0xff, run->element);
        int64_t got = object_read(w, run->list, run->into, bytes);
        if (got < 0)
            return -1;
        if ((size_t)got != bytes)
            atomic_fetch_add_explicit(&verdict->short_ones, 1, memory_order_relaxed);
        else if (!sample_right(run, w->done + i))
            atomic_fetch_add_explicit(&verdict->bad_ones, 1, memory_order_relaxed);
    }
    return (int64_t)n;
}

/* Nothing grows, so nothing is cleared. The parent's own snapshot is compared whole. */
static int list_read_check(struct pool *pool, const uint64_t *done, struct proof *proof, struct error *error)
{
    struct list_read_run *run = pool_context(pool);
    uint64_t short_ones = 0, bad_ones = 0;
    (void)done;
    for (size_t i = 0; i < run->workers; i++) {
        short_ones += atomic_exchange(&run->verdicts[i].short_ones, 0);
        bad_ones += atomic_exchange(&run->verdicts[i].bad_ones, 0);
    }
    size_t bytes = run->count * run->element;
    if (object_read(pool_parent(pool), run->list, run->into, bytes) != (int64_t)bytes)
        return error_set(error, ERROR_BROKEN, "the list cannot be read back");
    bool same = memcmp(run->into, run->expected, bytes) == 0;
    *proof = (struct proof){.holds = short_ones == 0 && bad_ones == 0 && same, .lost = short_ones + bad_ones};
    if (!proof->holds)
        snprintf(proof->text, sizeof proof->text, "%llu snapshots were short, %llu held wrong elements%s",
                 (unsigned long long)short_ones, (unsigned long long)bad_ones,
                 same ? "" : ", and the list has changed");
    return 0;
}

const struct workload workload_list_read = {
    .name = "list-read",
    .summary = "every worker reads a whole list as one consistent snapshot",
    .unit = "elements/s",
    .need = NEED_LIST,
    .unchunked = true,
    .reads_only = true,
    .payload_least = ELEMENT_LEAST,
    .payload_most = ELEMENT_MOST,
    .chunk_auto = list_read_chunk_auto,
    .prepare = list_read_prepare,
    .objects = list_read_objects,
    .fill = list_read_fill,
    .grain = list_read_grain,
    .step = list_read_step,
    .check = list_read_check,
    .release = list_read_release,
};
