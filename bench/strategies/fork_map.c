/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fork_map.c - a map for which the parent forks a child per chunk, and what a child's death costs.
 *
 * A child that dies takes its results with it, so the items of its chunk up to the one that it was in are lost. What
 * is behind that one another child runs. A function that does not say which item it is in loses the whole chunk. */
#include "bench/ipc/memory.h"
#include "bench/strategies/fork_pool.h"

#define RESULT_ON_STACK 2048

/* --- a child ----------------------------------------------------------------------------------------------------- */

static int map_child(struct worker *self, void *arg)
{
    const struct fork_job *job = arg;
    struct pool *pool = self->pool;
    const struct map_order *order = &pool->board->order;
    unsigned char small[RESULT_ON_STACK] __attribute__((aligned(16)));
    size_t bytes = job->n * pool->setup.out_size;
    unsigned char *out = bytes <= sizeof small ? small : memory_private(bytes);
    if (!out)
        return 1;
    chunk_run(self, order, (unsigned char *)pool->in + job->first * pool->setup.in_size, out, job->first, job->n);
    return fork_report(job, &(struct report){.bytes = bytes, .steps = 1}, out);
}

/* Where the launcher said; NULL for a report of another size. */
unsigned char *fork_pool_place(struct fork_slot *slot)
{
    return slot->report.bytes == slot->result_bytes ? slot->result : NULL;
}

bool fork_pool_bulky(const struct pool *pool, uint64_t items)
{
    return sizeof(struct report) + items * pool->setup.out_size > FORK_REPORT_SURE;
}

int fork_pool_launch(struct fork_slot *slot, struct pool *pool, struct fork_range range, unsigned char *result,
                     struct error *error)
{
    slot->work = FORK_CHUNK;
    slot->first = range.first;
    slot->n = range.n;
    slot->result = result;
    slot->result_bytes = range.n * pool->setup.out_size;
    return fork_slot_launch(slot, pool, map_child, error);
}

/* --- deaths ------------------------------------------------------------------------------------------------------ */

/* Every child that runs items begins one chunk, so a mark that counts more than what came back tells of the dead one.
 */
bool fork_pool_died(struct pool *pool, struct fork_slot *slot, struct obituary *o)
{
    board_obituary(pool, slot->slot, slot->pid, slot->status, o);
    bool begun = o->begun > slot->completed;
    slot->completed = 0;
    return begun;
}

static bool was_in_item(const struct obituary *o, struct fork_range all)
{
    return o->n > 0 && o->item != ITEM_NONE && o->item >= all.first && o->item - all.first < all.n;
}

struct fork_range fork_pool_lost(struct pool *pool, const struct obituary *o, struct fork_range all)
{
    uint64_t lost = was_in_item(o, all) ? o->item - all.first + 1 : all.n;
    board_lost(pool, o, all.first, lost);
    return (struct fork_range){.first = all.first + lost, .n = all.n - lost};
}

int fork_pool_blame(const struct obituary *o, struct fork_range all, struct error *error)
{
    if (error)
        error->item = was_in_item(o, all) ? o->item : all.first;
    return -1;
}

static int chunk_died(struct pool *pool, struct fork_slot *slot, struct error *error)
{
    struct fork_map *map = &((struct fork_pool *)pool->state)->map;
    struct fork_range all = {.first = slot->first, .n = slot->n}, rest = all;
    struct obituary o;
    bool begun = fork_pool_died(pool, slot, &o);
    if (slot->whole)
        rest.n = 0;
    else if (begun)
        rest = fork_pool_lost(pool, &o, all);
    if (rest.n > 0)
        map->rests[map->rest_count++] = rest;
    if (pool_survives(pool, &o, error) == 0)
        return 0;
    return begun ? fork_pool_blame(&o, all, error) : -1;
}

static int chunk_ended(struct pool *pool, struct fork_slot *slot, struct error *error)
{
    ((struct fork_pool *)pool->state)->map.flying--;
    if (!fork_slot_fine(slot))
        return chunk_died(pool, slot, error);
    slot->completed++;
    return 0;
}

/* --- the map ----------------------------------------------------------------------------------------------------- */

/* The next items that nobody has; n = 0: there are none. */
static struct fork_range take(struct fork_map *map, const struct map_order *order)
{
    struct fork_range range = {.first = map->next, .n = 0};
    if (map->rest_count > 0)
        return map->rests[--map->rest_count];
    if (map->next < order->n) {
        range.n = order->n - map->next < order->chunk ? order->n - map->next : order->chunk;
        map->next += range.n;
    }
    return range;
}

static int chunk_next(struct pool *pool, struct fork_slot *slot, struct error *error)
{
    struct fork_map *map = &((struct fork_pool *)pool->state)->map;
    struct fork_range range = take(map, &pool->board->order);
    if (range.n == 0)
        return 0;
    unsigned char *result = (unsigned char *)pool->out + range.first * pool->setup.out_size;
    if (fork_pool_launch(slot, pool, range, result, error)) {
        map->rests[map->rest_count++] = range;
        return -1;
    }
    map->flying++;
    return 1;
}

/* Chunks and applied items take turns where there are both. */
static int occupy(struct pool *pool, struct fork_slot *slot, struct error *error)
{
    bool chunk_first = slot->work == FORK_APPLIED;
    int launched = chunk_first ? chunk_next(pool, slot, error) : fork_apply_next(pool, slot, error);
    if (launched != 0)
        return launched < 0 ? -1 : 0;
    launched = chunk_first ? fork_apply_next(pool, slot, error) : chunk_next(pool, slot, error);
    return launched < 0 ? -1 : 0;
}

static bool is_over(const struct fork_map *map, const struct map_order *order)
{
    return map->flying == 0 && map->rest_count == 0 && map->next >= order->n;
}

/* The map broke off: what has come is there, the rest will not come. */
static void cancel(struct pool *pool)
{
    const struct fork_pool *forks = pool->state;
    const struct fork_map *map = &forks->map;
    board_cancelled(pool, map->next, pool->board->order.n - map->next);
    for (unsigned i = 0; i < map->rest_count; i++)
        board_cancelled(pool, map->rests[i].first, map->rests[i].n);
    for (unsigned i = 0; i < forks->slots.count; i++) {
        const struct fork_slot *slot = &forks->slots.slot[i];
        if (slot->work == FORK_CHUNK && !fork_slot_idle(slot))
            board_cancelled(pool, slot->first, slot->n);
    }
}

static int run(struct pool *pool, struct error *error)
{
    struct fork_pool *forks = pool->state;
    const struct map_order *order = &pool->board->order;
    const bool bulky = fork_pool_bulky(pool, order->chunk);
    forks->map.next = forks->map.rest_count = forks->map.flying = 0;
    for (unsigned i = 0; i < forks->slots.count; i++)
        if (fork_slot_idle(&forks->slots.slot[i]) && occupy(pool, &forks->slots.slot[i], error))
            return -1;
    while (!is_over(&forks->map, order)) {
        unsigned which;
        if (fork_slots_wait(&forks->slots, bulky, fork_pool_place, NEVER, &which, error) < 0)
            return -1;
        struct fork_slot *slot = &forks->slots.slot[which];
        int result = slot->work == FORK_CHUNK ? chunk_ended(pool, slot, error) : fork_apply_ended(pool, slot, error);
        /* Whoever is told of an applied item may have given this slot another one already. */
        if (result || (fork_slot_idle(slot) && occupy(pool, slot, error)))
            return -1;
    }
    return 0;
}

int fork_map_run(struct pool *pool, struct error *error)
{
    if (run(pool, error) == 0)
        return 0;
    cancel(pool);
    return -1;
}
