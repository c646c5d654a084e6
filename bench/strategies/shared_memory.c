/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_memory.c - one region that all processes map: work is claimed and results are stored in place.
 *
 * A map is dealt out as ranges of chunks, one per worker, and who has finished steals from the others (ipc/ranges.h);
 * items are read and results written where they lie. Behind each chunk its worker writes that it is over, so that when
 * a worker has died, what is left is known whatever it was at: those chunks are run in a further round. Objects are in
 * shared_objects.c. The parent speaks to the workers through a shared page and sleeps on a futex (ipc/crew.h). Nothing
 * is copied and nobody serves, so it is as fast as the caches are. */
#include "bench/ipc/crew.h"
#include "bench/ipc/loop.h"
#include "bench/ipc/ranges.h"
#include "bench/strategies/shared_list.h"
#include "bench/strategies/shared_objects.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_NONE UINT64_MAX

/* Written by the parent while nobody runs, but for the ranges. */
struct shared_deal {
    unsigned char generation; /* of the map: what stands behind a chunk that is over */
    bool again;               /* a further round: what is over is passed over, what is lost too */
    struct range ranges[];
};

struct shared_memory {
    struct crew crew;
    struct shared_deal *deal;
    _Atomic unsigned char *over;  /* shared: by chunk, the generation in which it was run */
    _Atomic unsigned char *ended; /* shared: by item, the generation in which a worker died in it */
    unsigned maps;                /* each process's own: those that it ran, until it is at home in all memory */
};

/* --- in a worker ------------------------------------------------------------------------------------------------- */

/* The mark says which chunk this worker is in, as chunk_begin() would, with fewer stores: between two chunks it goes on
 * naming the one that is over, which shared_mourn() can tell, and the item before. */
static void mark_map(struct mark *mark, uint64_t first, uint64_t n)
{
    atomic_store_explicit(&mark->item, ITEM_NONE, memory_order_relaxed);
    atomic_store_explicit(&mark->first, first, memory_order_relaxed);
    atomic_store_explicit(&mark->n, n, memory_order_release);
}

/* Where a chunk begins that may have been run in part: behind the last item in which a worker died. */
static uint64_t left_from(const struct shared_memory *shared, uint64_t first, uint64_t end)
{
    const unsigned char generation = shared->deal->generation;
    while (end > first && atomic_load_explicit(&shared->ended[end - 1], memory_order_relaxed) != generation)
        end--;
    return end;
}

/* `careful`: chunks may have been run, and the worker may have to retire. Constant where it is called. */
static inline __attribute__((always_inline)) int run_map(struct worker *w, bool careful)
{
    struct shared_memory *shared = w->pool->state;
    struct range *own = &shared->deal->ranges[w->slot];
    const struct map_order *order = &w->pool->board->order;
    const unsigned char *in = w->pool->in, generation = shared->deal->generation;
    unsigned char *out = w->pool->out;
    const size_t in_size = w->pool->setup.in_size, out_size = w->pool->setup.out_size;
    const uint64_t n = order->n, chunk = order->chunk;
    uint64_t begun = atomic_load_explicit(&w->mark->begun, memory_order_relaxed), marked = chunk;
    mark_map(w->mark, CHUNK_NONE, marked);
    do {
        for (uint32_t taken; range_take(own, &taken);) {
            uint64_t first = taken * chunk, count = n - first < chunk ? n - first : chunk;
            if (careful && shared->deal->again) {
                uint64_t end = first + count;
                if (atomic_load_explicit(&shared->over[taken], memory_order_relaxed) == generation)
                    continue;
                first = left_from(shared, first, end);
                count = end - first;
            }
            if (count != marked)
                atomic_store_explicit(&w->mark->n, marked = count, memory_order_relaxed);
            atomic_store_explicit(&w->mark->first, first, memory_order_relaxed);
            atomic_store_explicit(&w->mark->begun, ++begun, memory_order_relaxed);
            if (order->fn(w, w->pool->setup.ctx, order->argument, in + first * in_size, out + first * out_size, first,
                          count))
                chunk_gave_up(w, first, count);
            atomic_store_explicit(&shared->over[taken], generation, memory_order_release);
            if (careful && chunk_was_last(w))
                return CREW_RETIRES;
        }
    } while (range_steal(shared->deal->ranges, w->pool->setup.workers, w->slot));
    mark_map(w->mark, CHUNK_NONE, 0);
    return 0;
}

/* What a worker steals is memory that its victim touched, but it has to fault it into its own address space too. In the
 * second map, when who owns it by the deal has touched it, it does so at once for its own part and the next worker's,
 * where it steals first; and not now and then in any map that follows. */
static void map_ahead(const struct worker *w)
{
    struct shared_memory *shared = w->pool->state;
    const struct setup *s = &w->pool->setup;
    const struct map_order *order = &w->pool->board->order;
    const uint64_t chunk = order->chunk, chunks = order->n / chunk + (order->n % chunk != 0);
    for (uint64_t i = 0; i < 2 && i < s->workers; i++) {
        uint64_t owner = (w->slot + i) % s->workers, from = chunks * owner / s->workers;
        uint64_t until = chunks * (owner + 1) / s->workers, end = until * chunk < order->n ? until * chunk : order->n;
        if (from == until)
            continue;
        memory_touch((void *)(shared->over + from), until - from);
        memory_touch((unsigned char *)w->pool->in + from * chunk * s->in_size, (end - from * chunk) * s->in_size);
        memory_touch((unsigned char *)w->pool->out + from * chunk * s->out_size, (end - from * chunk) * s->out_size);
    }
}

static int run_each(struct worker *w)
{
    for (unsigned i = 0; i < w->pool->object_count; i++)
        if (w->pool->objects[i].kind == OBJECT_LIST)
            shared_list_ahead(w, &w->pool->objects[i]);
    return loop_run(w, w->pool->board->step, w->pool->setup.workers);
}

static int shared_run(struct worker *w, enum crew_command command)
{
    struct shared_memory *shared = w->pool->state;
    if (command == CREW_EACH)
        return run_each(w);
    if (shared->maps < 2 && ++shared->maps == 2)
        map_ahead(w);
    return shared->deal->again || w->pool->setup.recycle ? run_map(w, true) : run_map(w, false);
}

/* --- deaths ---------------------------------------------------------------------------------------------------------
 */

/* Of the chunk that a dead worker was in, the item that it was at is lost; or all of it, where the function does not
 * say its items. One that says them, and had begun none of this chunk, had begun none. */
static void shared_mourn(struct pool *pool, const struct obituary *o)
{
    struct shared_memory *shared = pool->state;
    const struct map_order *order = &pool->board->order;
    if (o->n == 0 || o->n == MARK_POSTING || o->first >= order->n)
        return;
    const uint64_t chunk = o->first / order->chunk, end = o->first + o->n;
    if (atomic_load(&shared->over[chunk]) == shared->deal->generation)
        return;
    const bool said = o->item >= o->first && o->item < end;
    if (!said && o->item != ITEM_NONE)
        return;
    board_lost(pool, o, said ? o->item : o->first, said ? 1 : o->n);
    if (said)
        atomic_store(&shared->ended[o->item], shared->deal->generation);
    if (!said || o->item + 1 == end)
        atomic_store(&shared->over[chunk], shared->deal->generation);
}

/* --- opening and closing ----------------------------------------------------------------------------------------- */

static size_t deal_bytes(const struct pool *pool)
{
    return sizeof(struct shared_deal) + pool->setup.workers * sizeof(struct range);
}

static void shared_free(struct pool *pool)
{
    struct shared_memory *shared = pool->state;
    memory_free(shared->deal, deal_bytes(pool));
    memory_free((void *)shared->over, pool->setup.items);
    memory_free((void *)shared->ended, pool->setup.items);
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
    shared->deal = memory_shared(deal_bytes(pool));
    shared->over = memory_shared(s->items);
    shared->ended = memory_shared(s->items);
    if (s->items > 0) {
        pool->in = memory_shared(s->items * s->in_size);
        pool->out = memory_shared(s->items * s->out_size);
    }
    if (!shared->deal || !shared->over || !shared->ended || (s->items > 0 && (!pool->in || !pool->out))) {
        error_system(error, "no shared memory for %zu items", s->items);
        goto free_shared;
    }
    if (crew_open(&shared->crew, pool, shared_run, shared_mourn, error))
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

/* --- a map ------------------------------------------------------------------------------------------------------- */

static bool is_over(const struct shared_memory *shared, uint64_t chunk)
{
    return atomic_load_explicit(&shared->over[chunk], memory_order_acquire) == shared->deal->generation;
}

static size_t chunks_of(const struct map_order *order)
{
    return order->n / order->chunk + (order->n % order->chunk != 0);
}

/* Each map has a number of its own, so that nothing need be cleared but once in a while. */
static void next_generation(struct pool *pool)
{
    struct shared_memory *shared = pool->state;
    if (++shared->deal->generation)
        return;
    memset((void *)shared->over, 0, pool->setup.items);
    if (pool->died > 0)
        memset((void *)shared->ended, 0, pool->setup.items);
    shared->deal->generation = 1;
}

static uint64_t first_left(const struct shared_memory *shared, uint64_t from, uint64_t chunks)
{
    while (from < chunks && is_over(shared, from))
        from++;
    return from;
}

/* The pool broke. */
static int cancel_rest(struct pool *pool, struct error *error)
{
    struct shared_memory *shared = pool->state;
    const struct map_order *order = &pool->board->order;
    const uint64_t chunks = chunks_of(order);
    for (uint64_t c = 0; (c = first_left(shared, c, chunks)) < chunks; c++) {
        uint64_t first = c * order->chunk, end = order->n - first < order->chunk ? order->n : first + order->chunk;
        first = left_from(shared, first, end);
        board_cancelled(pool, first, end - first);
    }
    if (pool->board->lost_any && error)
        error->item = pool->board->lost_item;
    return -1;
}

static int shared_map(struct pool *pool, struct error *error)
{
    struct shared_memory *shared = pool->state;
    const size_t chunks = chunks_of(&pool->board->order);
    if (chunks > RANGES_CHUNKS_MOST)
        return error_set(error, ERROR_USE, "a map has at most %u chunks, not %zu: take a larger chunk",
                         RANGES_CHUNKS_MOST, chunks);
    next_generation(pool);
    shared->deal->again = false;
    do {
        ranges_deal(shared->deal->ranges, pool->setup.workers, (uint32_t)chunks);
        if (crew_command(&shared->crew, CREW_MAP, error))
            return cancel_rest(pool, error);
        shared->deal->again = true;
    } while (shared->crew.deaths > 0 && first_left(shared, 0, chunks) < chunks);
    return 0;
}

static int shared_each(struct pool *pool, struct error *error)
{
    struct shared_memory *shared = pool->state;
    return crew_command(&shared->crew, CREW_EACH, error);
}

static int shared_post(struct pool *pool, unsigned ticket, struct error *error)
{
    return crew_post(&((struct shared_memory *)pool->state)->crew, ticket, error);
}

static int shared_turn(struct pool *pool, int64_t timeout_ns, struct error *error)
{
    return crew_turn(&((struct shared_memory *)pool->state)->crew, timeout_ns, error);
}

/* It finds the region where it is. */
static int shared_enlist(struct pool *pool, uint32_t slot, child_main *main, void *arg, struct error *error)
{
    return child_spawn(&pool->roster[slot], pool, slot, main, arg, error);
}

static int shared_discharge(struct pool *pool, uint32_t slot, struct error *error)
{
    (void)pool, (void)slot, (void)error;
    return 0;
}

#define RAW_IS_LIMITS "a raw operation belongs to limits"
#define COUNTER_ONLY  "this variant changes the counter only"
#define VARIANT_OF_COUNTER                                                                                             \
    .lacks = {                                                                                                         \
        [NEED_MAP] = COUNTER_ONLY,   [NEED_LIST] = COUNTER_ONLY,        [NEED_RAW] = RAW_IS_LIMITS,                    \
        [NEED_ARRAY] = COUNTER_ONLY, [NEED_DICT] = COUNTER_ONLY,        [NEED_LOCK] = COUNTER_ONLY,                    \
        [NEED_ASYNC] = COUNTER_ONLY, [NEED_PROCESS] = PROCESS_IS_ALONE,                                                \
    }

/* In the order of enum shared_variant. */
static const struct variant shared_variants[] = {
    {
        .name = "atomic",
        .summary = "fetch_add; lists reserve their slots by it; maps own ranges of chunks and steal",
        .visible = "once acknowledged",
        .lacks = {[NEED_RAW] = RAW_IS_LIMITS, [NEED_PROCESS] = PROCESS_IS_ALONE},
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
    .does_array = "elements in the region, each read, set, added to and swapped atomically",
    .does_dict = "a table in the region under a robust mutex; what a dead holder had begun is undone",
    .does_lock = "a robust mutex in the region, which the kernel hands on when its holder dies",
    .does_async = "claimed in the region by whichever worker is idle; its result is stored in place",
    .role = ROLE_COMPARED,
    .variants = shared_variants,
    .open = shared_open,
    .start = shared_start,
    .stop = shared_stop,
    .close = shared_close,
    .map = shared_map,
    .each = shared_each,
    .create = shared_object_create,
    .post = shared_post,
    .turn = shared_turn,
    .enlist = shared_enlist,
    .discharge = shared_discharge,
};
