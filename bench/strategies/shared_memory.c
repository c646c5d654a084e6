/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_memory.c - one region that all processes map: work is claimed and results are stored in place.
 *
 * A map is dealt out as ranges of chunks, one per worker, and who has finished steals from the others (ipc/ranges.h);
 * items are read and results written where they lie. Objects are in shared_objects.c. The parent speaks to
 * the workers through a shared page and sleeps on a futex (ipc/crew.h). Nothing is copied and nobody serves, so it is
 * as fast as the caches are; but a process that dies at the wrong moment can leave the region torn. */
#include "bench/ipc/crew.h"
#include "bench/ipc/loop.h"
#include "bench/ipc/ranges.h"
#include "bench/strategies/shared_objects.h"

#include <stdlib.h>

struct shared_memory {
    struct crew crew;
    struct range *ranges;
};

static int shared_run_map(struct worker *w)
{
    struct shared_memory *shared = w->pool->state;
    struct range *own = &shared->ranges[w->slot];
    const unsigned char *in = w->pool->in;
    unsigned char *out = w->pool->out;
    const struct map_order *order = &w->pool->board->order;
    const size_t in_size = w->pool->setup.in_size, out_size = w->pool->setup.out_size;
    const size_t n = order->n, chunk = order->chunk;
    do {
        for (uint32_t taken; range_take(own, &taken);) {
            size_t first = taken * chunk, count = n - first < chunk ? n - first : chunk;
            chunk_run(w, order, in + first * in_size, out + first * out_size, first, count);
        }
    } while (range_steal(shared->ranges, w->pool->setup.workers, w->slot));
    return 0;
}

static int shared_run(struct worker *w, enum crew_command command)
{
    return command == CREW_EACH ? loop_run(w, w->pool->board->step, w->pool->setup.workers) : shared_run_map(w);
}

static void shared_free(struct pool *pool)
{
    struct shared_memory *shared = pool->state;
    memory_free(shared->ranges, pool->setup.workers * sizeof *shared->ranges);
    memory_free(pool->in, pool->setup.items * pool->setup.in_size);
    memory_free(pool->out, pool->setup.items * pool->setup.out_size);
    free(shared);
}

static int shared_open(struct pool *pool, struct error *error)
{
    const struct setup *s = &pool->setup;
    struct shared_memory *shared = calloc(1, sizeof *shared);
    if (!shared)
        return error_system(error, "no memory for a pool");
    pool->state = shared;
    shared->ranges = memory_shared(s->workers * sizeof *shared->ranges);
    if (s->items > 0) {
        pool->in = memory_shared(s->items * s->in_size);
        pool->out = memory_shared(s->items * s->out_size);
    }
    if (!shared->ranges || (s->items > 0 && (!pool->in || !pool->out))) {
        error_system(error, "no shared memory for %zu items", s->items);
        goto free_shared;
    }
    if (crew_open(&shared->crew, pool, shared_run, error))
        goto free_shared;
    return 0;
free_shared:
    shared_free(pool);
    return -1;
}

static int shared_start(struct pool *pool, struct error *error)
{
    struct shared_memory *shared = pool->state;
    return crew_start(&shared->crew, error);
}

static int shared_stop(struct pool *pool, int64_t grace_ns, struct error *error)
{
    return crew_stop(&((struct shared_memory *)pool->state)->crew, grace_ns, error);
}

static void shared_close(struct pool *pool)
{
    struct shared_memory *shared = pool->state;
    crew_close(&shared->crew);
    for (unsigned i = 0; i < pool->object_count; i++)
        shared_object_free(&pool->objects[i]);
    shared_free(pool);
}

static int shared_map(struct pool *pool, struct error *error)
{
    struct shared_memory *shared = pool->state;
    const struct map_order *order = &pool->board->order;
    size_t chunks = (order->n + order->chunk - 1) / order->chunk;
    if (chunks > RANGES_CHUNKS_MOST)
        return error_set(error, ERROR_USE, "a map has at most %u chunks, not %zu: take a larger chunk",
                         RANGES_CHUNKS_MOST, chunks);
    ranges_deal(shared->ranges, pool->setup.workers, (uint32_t)chunks);
    return crew_command(&shared->crew, CREW_MAP, error);
}

static int shared_each(struct pool *pool, struct error *error)
{
    struct shared_memory *shared = pool->state;
    return crew_command(&shared->crew, CREW_EACH, error);
}

#define COUNTER_ONLY "this variant changes the counter only"
#define VARIANT_OF_COUNTER                                                                                             \
    .lacks = {[NEED_MAP] = COUNTER_ONLY,                                                                               \
              [NEED_LIST] = COUNTER_ONLY,                                                                              \
              [NEED_ARRAY] = COUNTER_ONLY,                                                                             \
              [NEED_DICT] = COUNTER_ONLY,                                                                              \
              [NEED_LOCK] = COUNTER_ONLY,                                                                              \
              [NEED_PROCESS] = PROCESS_IS_ALONE,                                                                       \
              [NEED_RAW] = "a raw operation belongs to limits"}

/* In the order of enum shared_variant. */
static const struct variant shared_variants[] = {
    {
        .name = "atomic",
        .summary = "fetch_add; lists reserve their slots by it; maps own ranges of chunks and steal",
        .visible = "once acknowledged",
        .lacks = {[NEED_RAW] = "a raw operation belongs to limits", [NEED_PROCESS] = PROCESS_IS_ALONE},
        .limit = {[NEED_MAP] = "fetch-add-own", [NEED_COUNTER] = "fetch-add", [NEED_LIST] = "fetch-add"},
        .limit_carries_chunk = {[NEED_MAP] = true, [NEED_LIST] = true},
    },
    {
        .name = "mutex",
        .summary = "a robust mutex shared between processes, held for a chunk of adds",
        .visible = "once acknowledged",
        VARIANT_OF_COUNTER,
        .limit = {[NEED_COUNTER] = "mutex-add"},
        .limit_carries_chunk = {[NEED_COUNTER] = true},
    },
    {
        .name = "sharded",
        .summary = "a padded slot per worker, summed on read: no total while others add",
        .visible = "when quiet",
        VARIANT_OF_COUNTER,
        .limit = {[NEED_COUNTER] = "fetch-add-own"},
    },
    {
        .name = "packed",
        .summary = "a slot per worker, neighbours on one cache line: false sharing",
        .visible = "when quiet",
        VARIANT_OF_COUNTER,
        .limit = {[NEED_COUNTER] = "fetch-add-own"},
    },
    {
        .name = "racy",
        .summary = "a relaxed load, then a store: the lost updates are the measurement",
        .visible = "once acknowledged",
        VARIANT_OF_COUNTER,
        .limit = {[NEED_COUNTER] = "fetch-add"},
        .incorrect = true,
    },
    {.name = NULL},
};

const struct strategy strategy_shared_memory = {
    .name = "shared-memory",
    .summary =
        "one mapped region, work claimed and results stored in place; looks a microsecond, then sleeps on a futex",
    .does_map = "one MAP_SHARED region: work is claimed and results are stored in place; a futex only to sleep",
    .does_counter = "an atomic add in the region",
    .does_list = "slots reserved atomically, readable once published",
    .role = ROLE_COMPARED,
    .variants = shared_variants,
    .open = shared_open,
    .start = shared_start,
    .stop = shared_stop,
    .close = shared_close,
    .map = shared_map,
    .each = shared_each,
    .create = shared_object_create,
};
