/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * prefork_pipe.c - workers forked once, each with its own pair of pipes to the parent, who owns everything.
 *
 * A map travels as framed chunks, at most `depth` of them in flight per worker; the parent's ends never block, so it
 * reads results while it hands out tasks. An operation on an object is a message to the parent and its reply. The
 * parent serves all workers in one loop (ipc/server.h), so it is simple, nothing is shared, and one process is the
 * limit. */
#include "bench/ipc/child.h"
#include "bench/ipc/client.h"
#include "bench/ipc/object.h"
#include "bench/ipc/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define TICK_MS 20 /* how often the waiting parent looks after its children */

struct prefork {
    struct server server;
    struct client client; /* in a worker: its end */
};

struct ends {
    int to_worker[2], to_parent[2];
};

static int prefork_open(struct pool *pool, struct error *error)
{
    struct prefork *prefork = calloc(1, sizeof *prefork);
    if (!prefork)
        return error_system(error, "no memory for a pool");
    pool->state = prefork;
    if (pool_private_items(pool, error))
        goto free_prefork;
    if (server_open(&prefork->server, pool, false, error))
        goto free_items;
    return 0;
free_items:
    pool_free_items(pool);
free_prefork:
    free(prefork);
    return -1;
}

static int prefork_main(struct worker *self, void *arg)
{
    struct prefork *prefork = self->pool->state;
    struct ends *ends = arg;
    struct error error = {.code = ERROR_NONE};
    close(ends->to_worker[1]);
    close(ends->to_parent[0]);
    if (client_open(&prefork->client, self, ends->to_worker[0], ends->to_parent[1], &error)) {
        board_fault(self->pool, &error);
        return 1;
    }
    return client_serve(&prefork->client);
}

static int start_worker(struct pool *pool, unsigned slot, struct error *error)
{
    struct prefork *prefork = pool->state;
    struct ends ends;
    if (pipe2(ends.to_worker, O_CLOEXEC))
        return error_system(error, "cannot open the pipes of worker %u (limit on descriptors: ulimit -n)", slot);
    if (pipe2(ends.to_parent, O_CLOEXEC)) {
        error_system(error, "cannot open the pipes of worker %u (limit on descriptors: ulimit -n)", slot);
        close(ends.to_worker[0]);
        close(ends.to_worker[1]);
        return -1;
    }
    int result = child_spawn(&pool->roster[slot], pool, slot, prefork_main, &ends, error);
    close(ends.to_worker[0]);
    close(ends.to_parent[1]);
    if (!result)
        return server_connect(&prefork->server, slot, ends.to_parent[0], ends.to_worker[1], error);
    close(ends.to_worker[1]);
    close(ends.to_parent[0]);
    return -1;
}

/* Who died is a better answer than whose channel broke. */
static int explain(struct pool *pool, const struct error *broken, struct error *error)
{
    return children_blame(pool->roster, pool->setup.workers, pool, broken, error);
}

static int serve_on(struct pool *pool, struct error *error)
{
    struct prefork *prefork = pool->state;
    struct error broken = {.code = ERROR_NONE};
    return server_turn(&prefork->server, TICK_MS, &broken) ? explain(pool, &broken, error) : 0;
}

/* Returns when all workers are bound and listen. */
static int prefork_start(struct pool *pool, struct error *error)
{
    for (unsigned i = 0; i < pool->setup.workers; i++)
        if (start_worker(pool, i, error))
            return -1;
    while (((struct prefork *)pool->state)->server.greeted < pool->setup.workers)
        if (serve_on(pool, error))
            return -1;
    return 0;
}

/* Closing the channels tells the workers to leave. */
static int prefork_stop(struct pool *pool, int64_t grace_ns, struct error *error)
{
    struct prefork *prefork = pool->state;
    server_close(&prefork->server);
    return children_reap(pool->roster, pool->setup.workers, grace_ns, pool, error);
}

static void prefork_close(struct pool *pool)
{
    for (unsigned i = 0; i < pool->object_count; i++)
        object_state_free(&pool->objects[i]);
    pool_free_items(pool);
    free(pool->state);
}

static int prefork_map(struct pool *pool, struct error *error)
{
    struct prefork *prefork = pool->state;
    const struct map_order *order = &pool->board->order;
    struct map_shape shape = {.n = order->n, .chunk = order->chunk};
    struct error broken = {.code = ERROR_NONE};
    if (server_map(&prefork->server, &shape, &broken))
        return explain(pool, &broken, error);
    while (prefork->server.returned < order->n)
        if (serve_on(pool, error))
            return -1;
    return 0;
}

static int prefork_each(struct pool *pool, struct error *error)
{
    struct server *server = &((struct prefork *)pool->state)->server;
    struct frame each = {.kind = FRAME_EACH};
    server->parked = server->parked_badly = 0;
    struct error broken = {.code = ERROR_NONE};
    if (server_tell_all(server, &each, NULL, &broken))
        return explain(pool, &broken, error);
    while (server->parked < pool->setup.workers)
        if (serve_on(pool, error))
            return -1;
    return server->parked_badly ? error_set(error, ERROR_FAILED, "a step failed in a worker") : 0;
}

/* The parent owns the objects; everybody else asks it. */
static int64_t prefork_call(struct worker *w, struct object *object, const struct call *call)
{
    struct prefork *prefork = object->pool->state;
    if (w->slot == SLOT_PARENT)
        return object_apply(object, call);
    return client_call(&prefork->client, object, call);
}

static int prefork_create(struct object *object, struct error *error)
{
    object->call = prefork_call;
    return object_state_new(object, error);
}

static const struct variant prefork_variants[] = {
    {
        .name = "pipe",
        .summary = "a pair of pipes per worker",
        .visible = "once acknowledged",
        .lacks = {[NEED_RAW] = "a raw operation belongs to limits", [NEED_PROCESS] = PROCESS_IS_ALONE},
        .limit = {[NEED_COUNTER] = "pipe-trip", [NEED_LIST] = "pipe-trip"}, /* a map does not wait for each reply */
        .limit_carries_chunk = {true, true, true, false},
    },
    {.name = NULL},
};

const struct strategy strategy_prefork_pipe = {
    .name = "prefork-pipe",
    .summary =
        "workers forked once, a pair of pipes each; the parent owns the objects; who waits looks a while, then sleeps",
    .does_map =
        "workers forked once, each with its own pipe pair; framed chunks, bounded credits, both directions always "
        "serviced",
    .does_counter = "a message to the owner (the parent), and its reply",
    .does_list = "a message to the owner (the parent), and its reply",
    .role = ROLE_COMPARED,
    .serves = true,
    .variants = prefork_variants,
    .open = prefork_open,
    .start = prefork_start,
    .stop = prefork_stop,
    .close = prefork_close,
    .map = prefork_map,
    .each = prefork_each,
    .create = prefork_create,
    .depth = server_depth,
};
