/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * client.c - running tasks, and calling the owner of an object. */
#include "bench/ipc/client.h"
#include "bench/ipc/board.h"
#include "bench/ipc/loop.h"
#include "bench/ipc/memory.h"
#include "bench/ipc/object.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

int client_open(struct client *client, struct worker *worker, int in_fd, int out_fd, struct error *error)
{
    *client = (struct client){.worker = worker};
    if (channel_nonblocking(in_fd) || channel_nonblocking(out_fd) || channel_open(&client->channel, in_fd, out_fd))
        return error_system(error, "cannot open a channel");
    return 0;
}

void client_close(struct client *client)
{
    memory_free(client->in, client->in_bytes);
    memory_free(client->out, client->out_bytes);
    channel_close(&client->channel);
}

/* --- waiting ----------------------------------------------------------------------------------------------------- */

static int wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    return poll(&p, 1, -1) < 0 && errno != EINTR ? -1 : 0;
}

static int send_whole(struct client *client)
{
    int sent;
    while ((sent = channel_flush(&client->channel)) == 0)
        if (wait_for(client->channel.out_fd, POLLOUT))
            return -1;
    return sent < 0 ? -1 : 0;
}

/* --- tasks ------------------------------------------------------------------------------------------------------- */

static unsigned char *room_for(unsigned char **memory, size_t *have, size_t bytes)
{
    if (*have < bytes) {
        memory_free(*memory, *have);
        *memory = memory_private(bytes);
        *have = *memory ? bytes : 0;
    }
    return *memory;
}

/* A small result is computed where it will be sent from. A large one is sent at once, since its memory is used again.
 */
static int run_task(struct client *client, const struct frame *task, const void *in)
{
    struct pool *pool = client->worker->pool;
    size_t bytes = task->n * pool->setup.out_size;
    struct frame result = {.bytes = (uint32_t)bytes, .kind = FRAME_RESULT, .first = task->first, .n = task->n};
    if (!channel_room(&client->channel, bytes) && send_whole(client))
        return -1;
    bool small = bytes <= CHANNEL_SMALL;
    void *out = small ? client->channel.out + client->channel.out_to + sizeof result
                      : room_for(&client->out, &client->out_bytes, bytes);
    if (!out)
        return -1;
    chunk_run(client->worker, &pool->board->order, in, out, task->first, task->n);
    if (small) {
        channel_put_space(&client->channel, &result);
        return 0;
    }
    channel_put(&client->channel, &result, out);
    return send_whole(client);
}

static int run_each(struct client *client)
{
    struct pool *pool = client->worker->pool;
    int failed = loop_run(client->worker, pool->board->step, pool->setup.workers);
    struct frame parked = {.kind = FRAME_PARKED, .n = failed != 0};
    channel_put(&client->channel, &parked, NULL);
    return 0;
}

/* --- what comes -------------------------------------------------------------------------------------------------- */

static int took_reply(struct client *client, const struct frame *frame, const void *payload)
{
    if (!client->waiting || frame->bytes > client->reply_most) {
        errno = EPROTO;
        return -1;
    }
    if (frame->bytes > 0 && frame->bytes <= CHANNEL_SMALL)
        memcpy(client->reply_into, payload, frame->bytes);
    client->reply = (int64_t)frame->first;
    client->waiting = false;
    return 0;
}

static int took_result(struct client *client, const struct frame *frame, const void *payload)
{
    struct pool *pool = client->worker->pool;
    if (frame->bytes <= CHANNEL_SMALL)
        memcpy((unsigned char *)pool->out + frame->first * pool->setup.out_size, payload, frame->bytes);
    client->returned += frame->n;
    return 0;
}

static int client_handle(void *arg, const struct frame *frame, const void *payload)
{
    struct client *client = arg;
    switch (frame->kind) {
    case FRAME_TASK:
        return run_task(client, frame, payload);
    case FRAME_REPLY:
        return took_reply(client, frame, payload);
    case FRAME_RESULT:
        return took_result(client, frame, payload);
    case FRAME_MAP:
        return 0;
    case FRAME_EACH:
        return run_each(client);
    case FRAME_PARKED:
        client->parked++;
        client->parked_badly += frame->n != 0;
        return 0;
    case FRAME_HELLO:
        client->greeted = true;
        return 0;
    case FRAME_LEAVE:
        client->leaving = true;
        return 0;
    }
    errno = EPROTO;
    return -1;
}

static void *client_place(void *arg, const struct frame *frame)
{
    struct client *client = arg;
    const struct pool *pool = client->worker->pool;
    if (frame->kind == FRAME_TASK)
        return room_for(&client->in, &client->in_bytes, frame->bytes);
    if (frame->kind == FRAME_REPLY && client->waiting && frame->bytes <= client->reply_most)
        return client->reply_into;
    if (frame->kind == FRAME_RESULT && frame->first + frame->n <= pool->setup.items)
        return (unsigned char *)pool->out + frame->first * pool->setup.out_size;
    return NULL;
}

static int receive(struct client *client)
{
    struct receiver receiver = {.arg = client, .place = client_place, .handle = client_handle};
    return channel_receive(&client->channel, &receiver);
}

/* Reads once, when there is something to read. */
static int receive_some(struct client *client)
{
    int got;
    while ((got = receive(client)) == 0)
        if (!patience_again(&client->patience) && wait_for(client->channel.in_fd, POLLIN))
            return -1;
    patience_over(&client->patience);
    return got;
}

int client_serve(struct client *client)
{
    channel_put(&client->channel, &(struct frame){.kind = FRAME_HELLO}, NULL);
    while (!client->leaving) {
        if (send_whole(client) || receive_some(client) < 0)
            return errno == 0 ? 0 : 1;
    }
    return 0;
}

/* --- calls ------------------------------------------------------------------------------------------------------- */

int64_t client_call(struct client *client, struct object *object, const struct call *call)
{
    if (!call_possible(object, call->verb, call->n))
        return CALL_MISUSED;
    size_t bytes = call_in_bytes(object, call->verb, call->n);
    struct frame frame = {.bytes = (uint32_t)bytes,
                          .kind = FRAME_CALL,
                          .verb = (uint8_t)call->verb,
                          .object = (uint16_t)object->index,
                          .first = call->at,
                          .n = call->n};
    if (!channel_room(&client->channel, bytes) && send_whole(client))
        return CALL_BROKEN;
    channel_put(&client->channel, &frame, call->in);
    client->reply_into = call->out;
    client->reply_most = call_out_most(object, call->verb, call->n);
    client->waiting = true;
    if (send_whole(client))
        return -1;
    while (client->waiting)
        if (receive_some(client) < 0)
            return -1;
    return client->reply;
}

int client_turn(struct client *client, int timeout_ms)
{
    int sent = channel_flush(&client->channel);
    if (sent < 0)
        return -1;
    struct pollfd p = {.fd = client->channel.in_fd, .events = (short)(POLLIN | (sent ? 0 : POLLOUT))};
    int ready = poll(&p, 1, timeout_ms);
    if (ready < 0)
        return errno == EINTR ? 0 : -1;
    return ready > 0 && (p.revents & (POLLIN | POLLHUP | POLLERR)) ? receive(client) : 0;
}
