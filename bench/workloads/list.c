/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * list.c - every worker appends elements of its own to one list.
 *
 * An element's first word says who appended it and as which of his; so does its last word, and the words between
 * repeat it with their own place, so that an element is untorn exactly when all its words agree. An element of 8 bytes
 * is that one word. Proof: per worker the sequence is complete and in order, nothing is foreign, and the count is
 * exact. */
#include "bench/ipc/memory.h"
#include "bench/ipc/work.h"
#include "bench/workload.h"
#include "bench/workloads/elements.h"

#include <stdio.h>
#include <stdlib.h>

#define LIST_BYTES    (UINT64_C(64) << 20)
#define AUTO_ELEMENTS 256
#define AUTO_BYTES    65536

struct list_run {
    struct object *list;
    size_t chunk, element, capacity, workers;
    uint64_t cost;
    unsigned char *chunk_buffer; /* each process's own copy */
    unsigned char *readback;     /* the parent's */
    uint64_t *next;              /* the parent's: what it expects of each worker while it proves */
};

static uint64_t list_chunk_auto(const struct parameters *p)
{
    uint64_t fit = AUTO_BYTES / p->payload;
    return fit < 1 ? 1 : fit < AUTO_ELEMENTS ? fit : AUTO_ELEMENTS;
}

static void list_release(void *ctx)
{
    struct list_run *run = ctx;
    if (!run)
        return;
    memory_free(run->chunk_buffer, run->chunk * run->element);
    memory_free(run->readback, run->capacity * run->element);
    free(run->next);
    free(run);
}

static int list_prepare(const struct parameters *p, struct setup *setup, struct error *error)
{
    struct list_run *run = calloc(1, sizeof *run);
    if (!run)
        return error_system(error, "no memory for the workload");
    *run = (struct list_run){.chunk = p->chunk, .element = p->payload, .workers = p->workers, .cost = p->cost};
    run->capacity = LIST_BYTES / run->element;
    run->chunk_buffer = memory_private(run->chunk * run->element);
    run->readback = memory_private(run->capacity * run->element);
    run->next = calloc(run->workers, sizeof *run->next);
    if (!run->chunk_buffer || !run->readback || !run->next) {
        error_system(error, "no memory for chunks of %zu elements", run->chunk);
        list_release(run);
        return -1;
    }
    setup->ctx = run;
    return 0;
}

static int list_objects(struct pool *pool, struct error *error)
{
    struct list_run *run = pool_context(pool);
    run->list = list_new(pool, run->element, run->capacity, error);
    return run->list ? 0 : -1;
}

static uint64_t list_grain(const void *ctx)
{
    return ((const struct list_run *)ctx)->chunk;
}

/* A chunk that finds room only in part counts as not done: the proof then expects what did find room. */
static int64_t list_step(struct worker *w, void *ctx, size_t n)
{
    struct list_run *run = ctx;
    for (size_t i = 0; i < n; i++) {
        uint64_t first = (w->done + i) * run->chunk;
        elements_fill(run->chunk_buffer, run->chunk, run->element, w->slot, first);
        int64_t found = list_append(w, run->list, run->chunk_buffer, run->chunk);
        if (found < 0)
            return -1;
        if ((size_t)found < run->chunk)
            return (int64_t)i;
        if (run->cost)
            for (size_t k = 0; k < run->chunk; k++)
                work_chain(run->cost, first + k);
    }
    return (int64_t)n;
}

/* The tail of a chunk that only partly found room is there but was never acknowledged: allowed, at most one per worker.
 */
static void list_judge(struct list_run *run, size_t count, const uint64_t *done, struct proof *proof)
{
    elements_judge(run->readback, count, run->element, run->next, run->workers, proof);
    if (!proof->holds)
        return;
    for (size_t i = 0; i < run->workers; i++) {
        uint64_t acknowledged = done[i] * run->chunk;
        if (run->next[i] >= acknowledged && run->next[i] < acknowledged + run->chunk)
            continue;
        proof->holds = false;
        proof->lost += acknowledged > run->next[i] ? acknowledged - run->next[i] : 0;
        snprintf(proof->text, sizeof proof->text, "worker %zu appended %llu elements and the list holds %llu of them",
                 i, (unsigned long long)acknowledged, (unsigned long long)run->next[i]);
    }
}

static int list_check(struct pool *pool, const uint64_t *done, struct proof *proof, struct error *error)
{
    struct list_run *run = pool_context(pool);
    int64_t bytes = object_read(pool_parent(pool), run->list, run->readback, run->capacity * run->element);
    if (bytes < 0 || object_clear(pool_parent(pool), run->list) < 0)
        return error_set(error, ERROR_BROKEN, "the list cannot be read back");
    list_judge(run, (size_t)bytes / run->element, done, proof);
    return 0;
}

const struct workload workload_list = {
    .name = "list",
    .summary = "every worker appends to one list",
    .unit = "appends/s",
    .need = NEED_LIST,
    .standard = true,
    .fills_up = true,
    .payload_least = ELEMENT_LEAST,
    .payload_most = ELEMENT_MOST,
    .chunk_auto = list_chunk_auto,
    .prepare = list_prepare,
    .objects = list_objects,
    .grain = list_grain,
    .step = list_step,
    .check = list_check,
    .release = list_release,
};
