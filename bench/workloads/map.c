/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * map.c - the parent maps a function over items; an item is squared word by word, plus a salt that differs per call.
 *
 * Every call is a grain, and its items are the operations. Proof: in every call the items executed, as the workers'
 * own tallies tell, add up to n; and the last call of each window is compared whole with what one process computes. */
#include "bench/ipc/memory.h"
#include "bench/ipc/work.h"
#include "bench/workload.h"
#include "bench/workloads/items.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNKS_PER_WORKER 4
#define BLOCK_BYTES       ((size_t)64 << 10)

struct tally {
    _Alignas(LINE_APART) _Atomic uint64_t items; /* its worker's only; the parent reads it between calls */
};

struct map_run {
    size_t items, payload, chunk, workers;
    uint64_t cost, calls, wrong_calls, wrong_count, checked_items;
    uint64_t *shares;        /* the parent's: per worker, since the last check */
    unsigned char *expected; /* of a block of items, so that proving stays in the cache */
    size_t block;
    struct tally *tally;
};

static uint64_t map_chunk_auto(const struct parameters *p)
{
    uint64_t parts = CHUNKS_PER_WORKER * (uint64_t)p->workers;
    return p->items ? (p->items + parts - 1) / parts : 1;
}

static void map_release(void *ctx)
{
    struct map_run *run = ctx;
    if (!run)
        return;
    memory_free(run->expected, run->block * run->payload);
    memory_free(run->tally, run->workers * sizeof *run->tally);
    free(run->shares);
    free(run);
}

static int map_prepare(const struct parameters *p, struct setup *setup, struct error *error)
{
    struct map_run *run = calloc(1, sizeof *run);
    if (!run)
        return error_system(error, "no memory for the workload");
    *run = (struct map_run){
        .items = p->items, .payload = p->payload, .chunk = p->chunk, .workers = p->workers, .cost = p->cost};
    run->block = BLOCK_BYTES > run->payload ? BLOCK_BYTES / run->payload : 1;
    run->expected = memory_private(run->block * run->payload);
    run->tally = memory_shared(run->workers * sizeof *run->tally);
    run->shares = calloc(run->workers, sizeof *run->shares);
    if (!run->expected || !run->tally || !run->shares) {
        error_system(error, "no memory for %zu items", run->items);
        map_release(run);
        return -1;
    }
    setup->ctx = run;
    setup->items = run->items;
    setup->in_size = setup->out_size = run->payload;
    return 0;
}

static int map_objects(struct pool *pool, struct error *error)
{
    struct map_run *run = pool_context(pool);
    (void)error;
    items_fill(pool_in(pool), run->items * run->payload);
    return 0;
}

static uint64_t map_grain(const void *ctx)
{
    return ((const struct map_run *)ctx)->items;
}

static int map_items(struct worker *w, void *ctx, uint64_t salt, const void *in, void *out, uint64_t first, size_t n)
{
    struct map_run *run = ctx;
    _Atomic uint64_t *own = &run->tally[w->slot].items;
    items_square(in, out, n, run->payload, salt);
    if (run->cost)
        for (size_t i = 0; i < n; i++)
            work_chain(run->cost, first + i);
    atomic_store_explicit(own, atomic_load_explicit(own, memory_order_relaxed) + n, memory_order_relaxed);
    return 0;
}

static uint64_t executed(const struct map_run *run)
{
    uint64_t items = 0;
    for (size_t i = 0; i < run->workers; i++)
        items += atomic_load_explicit(&run->tally[i].items, memory_order_relaxed);
    return items;
}

static int64_t map_step(struct worker *w, void *ctx, size_t n)
{
    struct map_run *run = ctx;
    for (size_t i = 0; i < n; i++) {
        if (pool_map(w->pool, map_items, items_salt(++run->calls), run->items, run->chunk, w->error))
            return -1;
        run->checked_items += run->items;
        uint64_t count = executed(run);
        if (count != run->checked_items) {
            run->wrong_calls++;
            run->wrong_count = count - (run->checked_items - run->items);
            run->checked_items = count;
        }
    }
    return (int64_t)n;
}

/* The first of n items that is not what one process computes, or -1; in and out point at the first. */
static int64_t wrong_in_block(struct map_run *run, const unsigned char *in, const unsigned char *out, size_t n)
{
    items_square(in, run->expected, n, run->payload, items_salt(run->calls));
    if (memcmp(run->expected, out, n * run->payload) == 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (memcmp(run->expected + i * run->payload, out + i * run->payload, run->payload) != 0)
            return (int64_t)i;
    return -1;
}

/* The same for all items of the last call. */
static int64_t first_wrong(struct map_run *run, const unsigned char *in, const unsigned char *out)
{
    for (size_t first = 0; first < run->items; first += run->block) {
        size_t n = run->items - first < run->block ? run->items - first : run->block;
        int64_t wrong = wrong_in_block(run, in + first * run->payload, out + first * run->payload, n);
        if (wrong >= 0)
            return (int64_t)first + wrong;
    }
    return -1;
}

static void take_shares(struct map_run *run)
{
    run->checked_items = 0;
    for (size_t i = 0; i < run->workers; i++)
        run->shares[i] = atomic_exchange_explicit(&run->tally[i].items, 0, memory_order_relaxed);
}

static int map_check(struct pool *pool, const uint64_t *done, struct proof *proof, struct error *error)
{
    struct map_run *run = pool_context(pool);
    (void)error;
    *proof = (struct proof){.holds = true};
    take_shares(run);
    int64_t wrong = done[run->workers] > 0 ? first_wrong(run, pool_in(pool), pool_out(pool)) : -1;
    if (run->wrong_calls > 0) {
        proof->holds = false;
        proof->lost = run->items > run->wrong_count ? run->items - run->wrong_count : 0;
        snprintf(proof->text, sizeof proof->text,
                 "%llu calls did not run every item once: the last of them ran %llu of %zu",
                 (unsigned long long)run->wrong_calls, (unsigned long long)run->wrong_count, run->items);
    } else if (wrong >= 0) {
        proof->holds = false;
        proof->lost = 1;
        snprintf(proof->text, sizeof proof->text, "the result of item %lld of %zu is not its own", (long long)wrong,
                 run->items);
    }
    run->wrong_calls = 0;
    return 0;
}

static void map_shares(const void *ctx, uint64_t *per_worker)
{
    const struct map_run *run = ctx;
    memcpy(per_worker, run->shares, run->workers * sizeof *per_worker);
}

const struct workload workload_map = {
    .name = "map",
    .summary = "the parent maps a function over items",
    .unit = "items/s",
    .need = NEED_MAP,
    .from_parent = true,
    .itemised = true,
    .standard = true,
    .payload_least = ITEM_LEAST,
    .payload_most = ITEM_MOST,
    .chunk_auto = map_chunk_auto,
    .prepare = map_prepare,
    .objects = map_objects,
    .grain = map_grain,
    .step = map_step,
    .check = map_check,
    .shares = map_shares,
    .release = map_release,
};
