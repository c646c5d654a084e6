/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fork_pool.c - a child is forked for every chunk, and its end is the message that it is done.
 *
 * Inputs reach the child by copy-on-write; its report comes back through its slot's pipe (fork_task.h). A child
 * works on private copies of the objects: what it changed is merged into the parent's when it ends, and counts only
 * then. At most one child per worker lives at a time, so that no worker is ever recycled: each has run one task. In the
 * variant `lanes` a process bound to each worker's place does the forking there, so that forks run side by side. It
 * isolates best and costs most. */
#include "bench/strategies/fork_pool.h"
#include "bench/ipc/memory.h"
#include "bench/ipc/object.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LANES_MAP_ONLY "this variant changes the map only"

static void fork_free(struct pool *pool)
{
    struct fork_pool *forks = pool->state;
    fork_slots_close(&forks->slots);
    for (unsigned i = 0; i < pool->object_count; i++)
        object_state_free(&pool->objects[i]);
    pool_free_items(pool);
    fork_enlist_close(pool);
    fork_lanes_close(pool);
    memory_free(forks->map.rests, pool->setup.workers * sizeof *forks->map.rests);
    memory_free(forks->queue.tickets, pool->setup.window * sizeof *forks->queue.tickets);
    memory_free(forks->scratch, forks->scratch_bytes);
    free(forks);
}

/* Children have no use for the results of others, nor for what the parent has to do. */
static int allocate(struct pool *pool, struct error *error)
{
    const struct setup *s = &pool->setup;
    struct fork_pool *forks = pool->state;
    forks->map.rests = memory_unforked(s->workers * sizeof *forks->map.rests);
    forks->queue.tickets = memory_unforked(s->window * sizeof *forks->queue.tickets);
    if (!forks->map.rests || !forks->queue.tickets)
        return error_system(error, "no memory for %u workers", s->workers);
    if (s->items == 0)
        return 0;
    pool->in = memory_private(s->items * s->in_size);
    pool->out = memory_unforked(s->items * s->out_size);
    return pool->in && pool->out ? 0 : error_system(error, "no memory for %zu items", s->items);
}

static int fork_open(struct pool *pool, struct error *error)
{
    const struct setup *s = &pool->setup;
    bool lanes = s->variant == FORK_LANES;
    if (lanes && s->window > 0)
        return error_set(error, ERROR_USE, "%s", LANES_MAP_ONLY);
    struct fork_pool *forks = calloc(1, sizeof *forks);
    if (!forks)
        return error_system(error, "no memory for a pool");
    pool->state = forks;
    if (fork_slots_open(&forks->slots, pool->roster, 0, s->workers, s->processes, error) == 0 &&
        allocate(pool, error) == 0 && fork_enlist_open(pool, error) == 0 &&
        (!lanes || fork_lanes_open(pool, error) == 0))
        return 0;
    fork_free(pool);
    return -1;
}

/* Children are left only where a call failed half way, or work is given up: they are told to end, and are not to blame
 * for it. */
static int fork_stop(struct pool *pool, int64_t grace_ns, struct error *error)
{
    (void)error;
    for (unsigned i = 0; i < pool_slots(pool); i++)
        if (pool->roster[i].pid > 0)
            syscall(SYS_pidfd_send_signal, pool->roster[i].pidfd, SIGTERM, NULL, 0);
    children_reap(pool->roster, pool_slots(pool), grace_ns, pool, NULL);
    return 0;
}

static void fork_close(struct pool *pool)
{
    fork_free(pool);
}

static int fork_map(struct pool *pool, struct error *error)
{
    return pool->setup.variant == FORK_LANES ? fork_lanes_map(pool, error) : fork_map_run(pool, error);
}

#define NOTHING_TO_LOCK "each child works on copies of its own: there is nothing to lock"

/* In the order of enum fork_variant. */
static const struct variant fork_variants[] = {
    {
        .name = "parent",
        .summary = "the parent forks every child",
        .visible = "at join",
        .lacks = {[NEED_RAW] = "a raw operation belongs to limits",
                  [NEED_LOCK] = NOTHING_TO_LOCK,
                  [NEED_PROCESS] = PROCESS_IS_ALONE},
        .limit = {[NEED_MAP] = "fork-wait",
                  [NEED_COUNTER] = "fork-wait",
                  [NEED_LIST] = "fork-wait",
                  [NEED_ARRAY] = "fork-wait",
                  [NEED_DICT] = "fork-wait",
                  [NEED_ASYNC] = "fork-wait"},
        .limit_carries_chunk =
            {[NEED_MAP] = true, [NEED_COUNTER] = true, [NEED_LIST] = true, [NEED_ARRAY] = true, [NEED_DICT] = true},
    },
    {
        .name = "lanes",
        .summary = "a process at each worker's place forks there",
        .visible = "at join",
        .lacks = {[NEED_COUNTER] = LANES_MAP_ONLY,
                  [NEED_LIST] = LANES_MAP_ONLY,
                  [NEED_RAW] = "a raw operation belongs to limits",
                  [NEED_ARRAY] = LANES_MAP_ONLY,
                  [NEED_DICT] = LANES_MAP_ONLY,
                  [NEED_LOCK] = NOTHING_TO_LOCK,
                  [NEED_ASYNC] = LANES_MAP_ONLY,
                  [NEED_PROCESS] = PROCESS_IS_ALONE},
        .limit = {[NEED_MAP] = "fork-wait"},
        .limit_carries_chunk = {[NEED_MAP] = true},
    },
    {.name = NULL},
};

const struct strategy strategy_fork_pool = {
    .name = "fork-pool",
    .summary = "a child is forked for every chunk; its end is the message that it is done",
    .does_map =
        "the parent forks a child per chunk, at most one per worker at a time; inputs by copy-on-write; results "
        "back through the child's own pipe (variant lanes: a process bound to each worker's place forks there)",
    .does_counter = "each child adds to its private copy; its delta is merged when it ends, and counts only then",
    .does_list = "each child appends to a private segment, merged when it ends; what else it does is replayed then",
    .does_array = "each child changes its private copy; what it did is replayed when it ends, the last to end wins",
    .does_dict = "each child changes its private copy; what it did is replayed when it ends, the last to end wins",
    .does_lock = "none: each child works on copies of its own",
    .does_async = "the parent forks a child per item, as soon as one of its workers has none",
    .role = ROLE_COMPARED,
    .serves = true,
    .variants = fork_variants,
    .open = fork_open,
    .stop = fork_stop,
    .close = fork_close,
    .map = fork_map,
    .each = fork_each,
    .create = fork_create,
    .post = fork_post,
    .turn = fork_turn,
    .enlist = fork_enlist,
    .discharge = fork_discharge,
};
