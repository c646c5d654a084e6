/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * limits.c - what the kernel and the caches allow at best: pinned processes that run raw operations.
 *
 * It carries the workloads of workloads/raw.c and nothing else. It is measured like any strategy, in the same blocks
 * and windows, so that a report can say how near to the limit a cell is. */
#include "bench/ipc/crew.h"
#include "bench/ipc/loop.h"

#include <stdlib.h>

static int limits_run(struct worker *w, enum crew_command command)
{
    (void)command;
    return loop_run(w, w->pool->board->step, w->pool->setup.workers);
}

static int limits_open(struct pool *pool, struct error *error)
{
    struct crew *crew = calloc(1, sizeof *crew);
    if (!crew)
        return error_system(error, "no memory for a pool");
    if (pool_private_items(pool, error))
        goto free_crew;
    if (crew_open(crew, pool, limits_run, NULL, error))
        goto free_items;
    pool->state = crew;
    return 0;
free_items:
    pool_free_items(pool);
free_crew:
    free(crew);
    return -1;
}

static int limits_start(struct pool *pool, struct error *error)
{
    return crew_start(pool->state, error);
}

static int limits_stop(struct pool *pool, int64_t grace_ns, struct error *error)
{
    return crew_stop(pool->state, grace_ns, error);
}

static void limits_close(struct pool *pool)
{
    crew_close(pool->state);
    pool_free_items(pool);
    free(pool->state);
}

static int limits_map(struct pool *pool, struct error *error)
{
    (void)pool;
    return error_set(error, ERROR_USE, "limits has no map: take another strategy");
}

static int limits_each(struct pool *pool, struct error *error)
{
    return crew_command(pool->state, CREW_EACH, error);
}

static int limits_create(struct object *object, struct error *error)
{
    (void)object;
    return error_set(error, ERROR_USE, "limits has no objects");
}

#define RAW_ONLY "limits runs raw operations only"

static const struct variant limits_variants[] = {
    {
        .name = "raw",
        .summary = "pinned processes, one operation again and again",
        .visible = "",
        .lacks = {[NEED_MAP] = RAW_ONLY,
                  [NEED_COUNTER] = RAW_ONLY,
                  [NEED_LIST] = RAW_ONLY,
                  [NEED_ARRAY] = RAW_ONLY,
                  [NEED_DICT] = RAW_ONLY,
                  [NEED_LOCK] = RAW_ONLY,
                  [NEED_ASYNC] = RAW_ONLY,
                  [NEED_PROCESS] = RAW_ONLY},
    },
    {.name = NULL},
};

const struct strategy strategy_limits = {
    .name = "limits",
    .summary = "the raw operations that the strategies stand on: the yardstick",
    .does_map = "-",
    .does_counter = "-",
    .does_list = "-",
    .role = ROLE_LIMITS,
    .variants = limits_variants,
    .open = limits_open,
    .start = limits_start,
    .stop = limits_stop,
    .close = limits_close,
    .map = limits_map,
    .each = limits_each,
    .create = limits_create,
};
