/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * manager_socket.c - a server process owns objects, queue and results; parent and workers are its clients over sockets.
 *
 * The parent puts a map's items to the manager chunk by chunk and gets results as they come; workers take chunks
 * within their credits. An operation on an object is a request and its reply. The manager listens on an abstract
 * unix socket with a name of the kernel's choice, or on a loopback port of TCP, so nothing is left in the file system;
 * it serves its own user only. It is the way that reaches other machines, and every operation pays for that. */
#include "bench/ipc/child.h"
#include "bench/ipc/client.h"
#include "bench/ipc/object.h"
#include "bench/ipc/server.h"
#include "bench/ipc/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define TICK_MS 20 /* how often the waiting parent looks after its children */

enum manager_variant { MANAGER_UNIX, MANAGER_TCP };

struct manager {
    struct endpoint endpoint;
    struct client client; /* this process's end */
    struct hub hub;       /* in the manager */
    struct server server; /* likewise */
};

static int manager_open(struct pool *pool, struct error *error)
{
    struct manager *manager = calloc(1, sizeof *manager);
    if (!manager)
        return error_system(error, "no memory for a pool");
    pool->state = manager;
    if (pool_private_items(pool, error))
        goto free_manager;
    if (endpoint_listen(&manager->endpoint, pool->setup.variant == MANAGER_TCP, error))
        goto free_items;
    manager->client.channel.in_fd = manager->client.channel.out_fd = -1;
    return 0;
free_items:
    pool_free_items(pool);
free_manager:
    free(manager);
    return -1;
}

/* --- the manager ------------------------------------------------------------------------------------------------- */

static int admit_all(struct manager *manager, struct server *server, struct error *error)
{
    for (unsigned i = 0; i <= server->slots; i++) {
        uint32_t who;
        int fd = endpoint_accept(&manager->endpoint, &who, error);
        if (fd < 0)
            return -1;
        unsigned client = who == SLOT_PARENT ? server->slots : who;
        if (client > server->slots || !server_free(server, client)) {
            close(fd);
            return error_set(error, ERROR_BROKEN, "a client says that it is worker %u, which is not to come", who);
        }
        if (server_connect(server, client, fd, fd, error))
            return -1;
    }
    return 0;
}

static int manager_main(struct worker *self, void *arg)
{
    struct manager *manager = arg;
    struct server *server = &manager->server;
    struct error error = {.code = ERROR_NONE};
    if (hub_open(&manager->hub, &error) || server_open(server, self->pool, &manager->hub, true, 0, &error) ||
        admit_all(manager, server, &error))
        goto fail;
    while (!server->leaving)
        if (hub_turn(&manager->hub, -1, &error))
            goto fail;
    server_close(server);
    hub_close(&manager->hub);
    return 0;
fail:
    board_fault(self->pool, &error);
    return 1;
}

/* --- its clients ------------------------------------------------------------------------------------------------- */

static int enter(struct manager *manager, struct worker *self, struct error *error)
{
    int fd = endpoint_connect(&manager->endpoint, self->slot, error);
    if (fd < 0)
        return -1;
    return client_open(&manager->client, self, fd, fd, error);
}

static int worker_main(struct worker *self, void *arg)
{
    struct manager *manager = arg;
    struct error error = {.code = ERROR_NONE};
    endpoint_close(&manager->endpoint);
    if (enter(manager, self, &error)) {
        board_fault(self->pool, &error);
        return 1;
    }
    return client_serve(&manager->client);
}

/* One turn of the parent; -1 when a process of the pool is gone. */
static int turn(struct pool *pool, struct error *error)
{
    struct manager *manager = pool->state;
    struct error broken;
    int got = client_turn(&manager->client, TICK_MS);
    if (got > 0)
        return 0;
    if (got == 0)
        return children_alive(pool->roster, pool_slots(pool) + 1, pool, error);
    error_set(&broken, ERROR_BROKEN, "the manager closed its channel before its time");
    return children_blame(pool->roster, pool_slots(pool) + 1, pool, &broken, error);
}

/* Returns when the manager has all workers. */
static int manager_start(struct pool *pool, struct error *error)
{
    struct manager *manager = pool->state;
    unsigned workers = pool->setup.workers;
    if (child_spawn(pool_service_child(pool), pool, SLOT_SERVICE, manager_main, manager, error))
        return -1;
    pool->service = pool_service_child(pool)->pid;
    for (unsigned i = 0; i < workers; i++)
        if (child_spawn(&pool->roster[i], pool, i, worker_main, manager, error))
            return -1;
    endpoint_close(&manager->endpoint);
    struct error broken = {.code = ERROR_NONE};
    if (enter(manager, &pool->parent, &broken))
        return children_blame(pool->roster, pool_slots(pool) + 1, pool, &broken, error);
    while (!manager->client.greeted)
        if (turn(pool, error))
            return -1;
    return 0;
}

/* Told to leave, the manager goes; its closed sockets tell the workers. */
static int manager_stop(struct pool *pool, int64_t grace_ns, struct error *error)
{
    struct manager *manager = pool->state;
    endpoint_close(&manager->endpoint);
    if (manager->client.channel.in_fd >= 0)
        client_close(&manager->client);
    return children_reap(pool->roster, pool_slots(pool) + 1, grace_ns, pool, error);
}

static void manager_close(struct pool *pool)
{
    for (unsigned i = 0; i < pool->object_count; i++)
        object_state_free(&pool->objects[i]);
    pool_free_items(pool);
    free(pool->state);
}

static int send_order(struct pool *pool, const struct frame *frame, const void *payload, struct error *error)
{
    struct channel *ch = &((struct manager *)pool->state)->client.channel;
    while (!channel_room(ch, frame->bytes))
        if (turn(pool, error))
            return -1;
    channel_put(ch, frame, payload);
    return 0;
}

/* Puts as many chunks as the channel takes now; the next ones after a turn. */
static uint64_t put_tasks(struct pool *pool, uint64_t next, size_t n, size_t chunk)
{
    struct channel *ch = &((struct manager *)pool->state)->client.channel;
    const size_t size = pool->setup.in_size;
    for (size_t count; next < n; next += count) {
        count = n - next < chunk ? n - next : chunk;
        if (!channel_room(ch, count * size) && (channel_flush(ch) <= 0 || !channel_room(ch, count * size)))
            break;
        struct frame task = {.bytes = (uint32_t)(count * size), .kind = FRAME_TASK, .first = next, .n = count};
        channel_put(ch, &task, (unsigned char *)pool->in + next * size);
    }
    return next;
}

static int manager_map(struct pool *pool, struct error *error)
{
    struct manager *manager = pool->state;
    const struct map_order *order = &pool->board->order;
    struct map_shape shape = {.n = order->n, .chunk = order->chunk};
    struct frame map = {.bytes = sizeof shape, .kind = FRAME_MAP};
    if (children_alive(pool->roster, pool_slots(pool) + 1, pool, error) || send_order(pool, &map, &shape, error))
        return -1;
    manager->client.returned = 0;
    for (uint64_t next = 0; manager->client.returned < order->n;) {
        next = put_tasks(pool, next, order->n, order->chunk);
        if (turn(pool, error))
            return -1;
    }
    return 0;
}

static int manager_each(struct pool *pool, struct error *error)
{
    struct client *client = &((struct manager *)pool->state)->client;
    struct frame each = {.kind = FRAME_EACH};
    client->parked = client->parked_badly = client->cut = 0;
    client->looping = pool->setup.workers;
    if (children_alive(pool->roster, pool_slots(pool) + 1, pool, error) || send_order(pool, &each, NULL, error))
        return -1;
    while (client->parked < pool->setup.workers)
        if (turn(pool, error))
            return -1;
    return client->parked_badly ? error_set(error, ERROR_FAILED, "a step failed in a worker") : 0;
}

static int64_t manager_call(struct worker *w, struct object *object, const struct call *call)
{
    (void)w;
    return client_call(&((struct manager *)object->pool->state)->client, object, call);
}

static int manager_create(struct object *object, struct error *error)
{
    object->call = manager_call;
    return object_state_new(object, error);
}

#define MANAGER_LACKS .lacks = {[NEED_RAW] = "a raw operation belongs to limits", [NEED_PROCESS] = PROCESS_IS_ALONE}
#define MANAGER_LIMIT                                                                                                  \
    .limit = {[NEED_COUNTER] = "unix-trip", [NEED_LIST] = "unix-trip"}, .limit_carries_chunk = {true, true, true, false}

/* In the order of enum manager_variant. */
static const struct variant manager_variants[] = {
    {
        .name = "unix",
        .summary = "an abstract unix socket",
        .visible = "once acknowledged",
        MANAGER_LACKS,
        MANAGER_LIMIT,
    },
    {
        .name = "tcp",
        .summary = "TCP on the loopback, without Nagle's delay",
        .visible = "once acknowledged",
        MANAGER_LACKS,
        MANAGER_LIMIT,
    },
    {.name = NULL},
};

const struct strategy strategy_manager_socket = {
    .name = "manager-socket",
    .summary = "a server process owns objects and queue; parent and workers are its clients over sockets; who waits "
               "looks a while, then sleeps",
    .does_map = "a server process owns the queue and the results; parent and workers are its clients over AF_UNIX "
                "(variant tcp)",
    .does_counter = "a request and its reply",
    .does_list = "a request and its reply",
    .role = ROLE_COMPARED,
    .serves = true,
    .variants = manager_variants,
    .open = manager_open,
    .start = manager_start,
    .stop = manager_stop,
    .close = manager_close,
    .map = manager_map,
    .each = manager_each,
    .create = manager_create,
    .depth = server_depth,
};
