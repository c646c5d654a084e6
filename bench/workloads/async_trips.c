/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * async_trips.c - the parent applies one item, waits for its result, and applies the next: a round trip each.
 *
 * The item is map's. Proof: as many items were executed, as the workers' own tallies tell, as results came back; the
 * head of every result is its own item's, and the last result of a window is compared whole. */
#include "bench/ipc/memory.h"
#include "bench/ipc/work.h"
#include "bench/workload.h"
#include "bench/workloads/items.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUTS 64 /* items that are taken in turn */

struct async_tally {
    _Alignas(LINE_APART) _Atomic uint64_t items; /* its worker's only; the parent's between windows */
};

struct async_run {
    size_t payload, workers, head;
    uint64_t cost;
    uint64_t calls, wrong; /* since the workload began; since the last check */
    unsigned char *in;     /* INPUTS items */
    unsigned char *out, *expected;
    uint64_t *shares;
    struct async_tally *tally; /* shared; per worker */
};

static uint64_t async_chunk_auto(const struct parameters *p)
{
    (void)p;
    return 1;
}

static void async_release(void *ctx)
{
    struct async_run *run = ctx;
    if (!run)
        return;
    memory_free(run->in, INPUTS * run->payload);
    memory_free(run->out, run->payload);
    memory_free(run->expected, run->payload);
    memory_free(run->tally, run->workers * sizeof *run->tally);
    free(run->shares);
    free(run);
}

static int async_prepare(const struct parameters *p, struct setup *setup, struct error *error)
{
    struct async_run *run = calloc(1, sizeof *run);
    if (!run)
        return error_system(error, "no memory for the workload");
    *run = (struct async_run){.payload = p->payload, .workers = p->workers, .cost = p->cost};
    run->head = run->payload < sizeof(uint64_t) ? run->payload : sizeof(uint64_t);
    run->in = memory_private(INPUTS * run->payload);
    run->out = memory_private(run->payload);
    run->expected = memory_private(run->payload);
    run->tally = memory_shared(run->workers * sizeof *run->tally);
    run->shares = calloc(run->workers, sizeof *run->shares);
    if (!run->in || !run->out || !run->expected || !run->tally || !run->shares) {
        error_system(error, "no memory for items of %zu bytes", run->payload);
        async_release(run);
        return -1;
    }
    items_fill(run->in, INPUTS * run->payload);
    setup->ctx = run;
    setup->window = 1;
    setup->in_size = setup->out_size = run->payload;
    return 0;
}

static int async_objects(struct pool *pool, struct error *error)
{
    (void)pool, (void)error;
    return 0;
}

static uint64_t async_grain(const void *ctx)
{
    (void)ctx;
    return 1;
}

static int async_item(struct worker *w, void *ctx, uint64_t salt, const void *in, void *out, uint64_t first, size_t n)
{
    struct async_run *run = ctx;
    _Atomic uint64_t *own = &run->tally[w->slot].items;
    items_square(in, out, n, run->payload, salt);
    if (run->cost)
        work_chain(run->cost, first);
    atomic_store_explicit(own, atomic_load_explicit(own, memory_order_relaxed) + n, memory_order_relaxed);
    return 0;
}

static const unsigned char *input_of(const struct async_run *run, uint64_t call)
{
    return run->in + call % INPUTS * run->payload;
}

/* A message carries words whole, so that one tells whose result it is. */
static bool head_is_right(const struct async_run *run)
{
    unsigned char head[sizeof(uint64_t)];
    items_square(input_of(run, run->calls), head, 1, run->head, items_salt(run->calls));
    return memcmp(head, run->out, run->head) == 0;
}

static int round_trip(struct worker *w, struct async_run *run)
{
    struct async *async;
    run->calls++;
    const struct apply apply = {.fn = async_item, .argument = items_salt(run->calls), .in = input_of(run, run->calls)};
    if (pool_apply_async(w->pool, &apply, NEVER, &async, w->error))
        return -1;
    int result = async_get(async, NEVER, run->out, w->error);
    async_free(async);
    run->wrong += !head_is_right(run);
    return result;
}

static int64_t async_step(struct worker *w, void *ctx, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (round_trip(w, ctx))
            return -1;
    return (int64_t)n;
}

static bool last_is_right(struct async_run *run)
{
    items_square(input_of(run, run->calls), run->expected, 1, run->payload, items_salt(run->calls));
    return memcmp(run->expected, run->out, run->payload) == 0;
}

static int async_check(struct pool *pool, const uint64_t *done, struct proof *proof, struct error *error)
{
    struct async_run *run = pool_context(pool);
    uint64_t results = done[run->workers], executed = 0;
    (void)error;
    for (size_t i = 0; i < run->workers; i++) {
        run->shares[i] = atomic_exchange_explicit(&run->tally[i].items, 0, memory_order_relaxed);
        executed += run->shares[i];
    }
    run->wrong += run->wrong == 0 && results > 0 && !last_is_right(run);
    *proof = (struct proof){.holds = executed == results && run->wrong == 0};
    if (executed != results) {
        proof->lost = executed < results ? results - executed : 0;
        snprintf(proof->text, sizeof proof->text, "%llu results came back of %llu items that were executed",
                 (unsigned long long)results, (unsigned long long)executed);
    } else if (run->wrong) {
        proof->lost = run->wrong;
        snprintf(proof->text, sizeof proof->text, "%llu of %llu results are not their own item's",
                 (unsigned long long)run->wrong, (unsigned long long)results);
    }
    run->wrong = 0;
    return 0;
}

static void async_shares(const void *ctx, uint64_t *per_worker)
{
    const struct async_run *run = ctx;
    memcpy(per_worker, run->shares, run->workers * sizeof *per_worker);
}

const struct workload workload_async = {
    .name = "async",
    .summary = "the parent applies an item and waits for its result, one after the other",
    .unit = "round trips/s",
    .need = NEED_ASYNC,
    .from_parent = true,
    .unchunked = true,
    .timed = true,
    .payload_least = ITEM_LEAST,
    .payload_most = ITEM_MOST,
    .chunk_auto = async_chunk_auto,
    .prepare = async_prepare,
    .objects = async_objects,
    .grain = async_grain,
    .step = async_step,
    .check = async_check,
    .shares = async_shares,
    .release = async_release,
};
