/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * manager_socket.c - a server process owns objects, queue and results; parent and workers are its clients over sockets.
 *
 * The parent puts a map's items to the manager chunk by chunk and gets results as they come; workers take chunks
 * within their credits. An operation on an object is a request and its reply. The manager is one that serves by an
 * address, or one that the pool forks for itself, on an abstract unix socket with a name of the kernel's choice or on a
 * loopback port of TCP: then nothing is left in the file system, and a key of random bytes keeps others out. Either way
 * it is a house (ipc/house.h) in which the pool is a session. What becomes of workers is in manager_staff.c. */
#include "bench/strategies/manager_socket.h"
#include "bench/ipc/descriptors.h"
#include "bench/ipc/house.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum manager_variant { MANAGER_UNIX, MANAGER_TCP };

/* --- opening ----------------------------------------------------------------------------------------------------- */

static bool is_guest(const struct pool *pool)
{
    return pool->setup.manager && pool->setup.manager->guest;
}

static int check_guest(const struct setup *s, struct error *error)
{
    if (s->workers || s->processes || s->items || s->window)
        return error_set(error, ERROR_USE, "a guest of a session has its objects, no workers and no work of its own");
    return s->manager->session ? 0 : error_set(error, ERROR_USE, "a guest needs the name of a session");
}

static int find_served(struct pool *pool, struct manager *manager, struct error *error)
{
    const struct manager_at *at = pool->setup.manager;
    if (at->guest && check_guest(&pool->setup, error))
        return -1;
    if (at->session && strlen(at->session) >= SESSION_NAME)
        return error_set(error, ERROR_USE, "a session's name has at most %d bytes", SESSION_NAME - 1);
    if (reach_prepare(&manager->reach, at, error))
        return -1;
    memcpy(manager->key, at->key_bytes ? at->key : "", at->key_bytes);
    manager->reach.key.bytes = manager->key;
    if (at->session)
        memcpy(manager->session, at->session, strlen(at->session));
    /* The caller's may be gone by the time that it is needed. */
    manager->at = (struct manager_at){.key_bytes = at->key_bytes, .guest = at->guest};
    pool->setup.manager = &manager->at;
    return 0;
}

static int keep_own(struct pool *pool, struct manager *manager, struct error *error)
{
    if (handshake_random(manager->key, OWN_KEY_BYTES, error) ||
        listener_open_private(&manager->listener, pool->setup.variant == MANAGER_TCP, error))
        return -1;
    manager->reach = (struct reach){
        .place = manager->listener.place,
        .key = {.bytes = manager->key, .count = OWN_KEY_BYTES, .ours = true},
        .patience_ns = OWN_DOOR_NS,
    };
    return 0;
}

static int manager_open(struct pool *pool, struct error *error)
{
    struct manager *manager = calloc(1, sizeof *manager);
    if (!manager)
        return error_system(error, "no memory for a pool");
    manager->listener.fd = manager->listener.lock = -1;
    manager->client.channel.in_fd = manager->client.channel.out_fd = -1;
    manager->buried = calloc(pool_slots(pool) + 1, sizeof *manager->buried);
    pool->state = manager;
    if (!manager->buried) {
        error_system(error, "no memory for a pool of %u workers", pool->setup.workers);
        goto free_manager;
    }
    if (pool_private_items(pool, error))
        goto free_manager;
    if (pool->setup.manager ? find_served(pool, manager, error) : keep_own(pool, manager, error))
        goto free_items;
    return 0;
free_items:
    pool_free_items(pool);
free_manager:
    free(manager->buried);
    free(manager);
    return -1;
}

static void manager_close(struct pool *pool)
{
    struct manager *manager = pool->state;
    frames_free(&manager->unsent);
    free(manager->graves.at);
    free(manager->buried);
    pool_free_items(pool);
    free(manager);
}

/* --- the pool's own manager -------------------------------------------------------------------------------------- */

static int manager_main(struct worker *self, void *arg)
{
    struct manager *manager = arg;
    const struct house_limits limits = {.bytes = UINT64_MAX,
                                        .sessions = 1,
                                        .knocks = WORKERS_MAX + PROCESSES_MAX + DOOR_KNOCKS_MOST,
                                        .single = true,
                                        .door_ns = OWN_DOOR_NS};
    struct house house;
    struct error error = {.code = ERROR_NONE};
    if (house_open(&house, &manager->listener, &manager->reach.key, &limits, &error))
        goto fail;
    while (!house.over)
        if (house_turn(&house, -1, &error)) {
            house_close(&house);
            goto fail;
        }
    house_close(&house);
    return 0;
fail:
    board_fault(self->pool, &error);
    return 1;
}

static int start_own(struct pool *pool, struct manager *manager, struct error *error)
{
    if (child_spawn(pool_service_child(pool), pool, SLOT_SERVICE, manager_main, manager, error))
        return -1;
    pool->service = pool_service_child(pool)->pid;
    listener_leave(&manager->listener);
    return 0;
}

/* --- starting ---------------------------------------------------------------------------------------------------- */

static int64_t manager_call(struct worker *w, struct object *object, const struct call *call)
{
    (void)w;
    return client_call(&((struct manager *)object->pool->state)->client, object, call);
}

static int enter(struct pool *pool, struct manager *manager, struct error *error)
{
    struct ask ask = {.role = is_guest(pool) ? CLIENT_GUEST : CLIENT_PARENT};
    struct answer answer;
    memcpy(ask.name, manager->session, SESSION_NAME);
    if (!is_guest(pool))
        shape_of_pool(pool, &ask.shape);
    int fd = reach_enter(&manager->reach, &ask, &answer, error);
    if (fd < 0)
        return -1;
    memcpy(manager->token, answer.token, TOKEN_BYTES);
    manager->shape = answer.shape;
    if (client_open(&manager->client, &pool->parent, fd, fd, error))
        return -1;
    manager->client.managed = true;
    manager->client.grace_ns = HUNG_NS;
    /* A child that kept it open would keep the session, too. */
    return descriptor_enter(fd) ? error_system(error, "no memory to note a descriptor") : 0;
}

static int find_objects(struct pool *pool, const struct shape *shape, struct error *error)
{
    uint64_t bytes;
    if (!shape_possible(shape, true, &bytes))
        return error_set(error, ERROR_BROKEN, "the manager tells of objects that cannot be");
    shape_to_objects(shape, pool);
    for (unsigned i = 0; i < pool->object_count; i++)
        pool->objects[i].call = manager_call;
    return 0;
}

/* Returns when the manager has all workers. */
static int manager_start(struct pool *pool, struct error *error)
{
    struct manager *manager = pool->state;
    if (pool->setup.manager)
        pool->service = 0;
    else if (start_own(pool, manager, error))
        return -1;
    struct error broken = {.code = ERROR_NONE};
    if (enter(pool, manager, &broken))
        return children_blame(pool, &broken, error);
    if (is_guest(pool))
        return find_objects(pool, &manager->shape, error);
    for (unsigned i = 0; i < pool->setup.workers; i++)
        if (staff_spawn(pool, i, error))
            return -1;
    return staff_await(pool, error);
}

static int manager_create(struct object *object, struct error *error)
{
    (void)error;
    object->call = manager_call;
    return 0;
}

/* Told to leave, the manager ends the session, and its closed sockets tell the workers. */
static int manager_stop(struct pool *pool, int64_t grace_ns, struct error *error)
{
    struct manager *manager = pool->state;
    struct client *client = &manager->client;
    listener_close(&manager->listener);
    if (client->channel.in_fd >= 0) {
        /* In the middle of a large message there is no telling; and what it was sent from may be gone. */
        if (!is_guest(pool) && !channel_bulk(&client->channel) &&
            client_put(client, &(struct frame){.kind = FRAME_LEAVE}, NULL) > 0)
            channel_flush(&client->channel);
        descriptor_leave(client->channel.in_fd);
        client_close(client);
    }
    return children_leave(pool, grace_ns, error);
}

/* --- work -------------------------------------------------------------------------------------------------------- */

static int send_order(struct pool *pool, const struct frame *frame, const void *payload, struct error *error)
{
    struct client *client = &((struct manager *)pool->state)->client;
    /* Of one that is broken a turn tells why. */
    while (client_put(client, frame, payload) <= 0)
        if (staff_turn(pool, STAFF_TICK_MS, error))
            return -1;
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
    if (send_order(pool, &map, &shape, error))
        return -1;
    manager->client.returned = 0;
    for (uint64_t next = 0; manager->client.returned < order->n;) {
        next = put_tasks(pool, next, order->n, order->chunk);
        if (staff_turn(pool, STAFF_TICK_MS, error))
            return -1;
    }
    return 0;
}

static int manager_each(struct pool *pool, struct error *error)
{
    struct client *client = &((struct manager *)pool->state)->client;
    if (is_guest(pool))
        return error_set(error, ERROR_USE, "a guest of a session has no workers");
    if (staff_await(pool, error))
        return -1;
    client->parked = client->parked_badly = client->cut = 0;
    client->looping = pool->setup.workers;
    if (send_order(pool, &(struct frame){.kind = FRAME_EACH}, NULL, error))
        return -1;
    while (client->looping > 0)
        if (staff_turn(pool, STAFF_TICK_MS, error))
            return -1;
    if (client->cut > 0)
        return child_report(pool, client->cut_by.slot, client->cut_by.pid, client->cut_by.status, error);
    return client->parked_badly ? error_set(error, ERROR_FAILED, "a step failed in a worker") : 0;
}

static int manager_post(struct pool *pool, unsigned ticket, struct error *error)
{
    struct manager *manager = pool->state;
    const struct frame post = {.bytes = (uint32_t)pool->setup.in_size, .kind = FRAME_POST, .first = ticket};
    if (frames_push(&manager->unsent, &post))
        return error_system(error, "no memory for an applied item");
    return staff_send(pool, error);
}

static int manager_turn(struct pool *pool, int64_t timeout_ns, struct error *error)
{
    const int64_t ms = timeout_ns <= 0 ? 0 : (timeout_ns + 999999) / 1000000;
    return staff_turn(pool, ms < STAFF_TICK_MS ? (int)ms : STAFF_TICK_MS, error);
}

/* --- what it says of itself -------------------------------------------------------------------------------------- */

#define MANAGER_LACKS .lacks = {[NEED_RAW] = "a raw operation belongs to limits", [NEED_PROCESS] = PROCESS_IS_ALONE}
#define MANAGER_LIMIT                                                                                                  \
    .limit = {[NEED_COUNTER] = "unix-trip", [NEED_LIST] = "unix-trip"}, .limit_carries_chunk = {true, true, true, false}

/* In the order of enum manager_variant; each is named after its scheme of addresses. */
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
    .does_array = "a request and its reply",
    .does_dict = "a request and its reply",
    .does_lock = "the server keeps it; who waits gets the reply when it is free, also when its holder is gone",
    .does_async = "the server queues them and hands one to each idle worker",
    .role = ROLE_COMPARED,
    .serves = true,
    .by_address = true,
    .variants = manager_variants,
    .open = manager_open,
    .start = manager_start,
    .stop = manager_stop,
    .close = manager_close,
    .map = manager_map,
    .each = manager_each,
    .create = manager_create,
    .depth = server_depth,
    .post = manager_post,
    .turn = manager_turn,
    .enlist = staff_enlist,
    .discharge = staff_discharge,
};
