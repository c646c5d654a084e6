/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * client_parent.c - the parent's end of its manager: results, applied items, losses, turns.
 *
 * The manager may be another's: nothing that it says is believed where memory depends on it. */
#include "bench/ipc/client_parts.h"
#include "bench/ipc/task.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* --- what comes -------------------------------------------------------------------------------------------------- */

static bool result_makes_sense(const struct client *client, const struct frame *frame)
{
    const struct pool *pool = client->worker->pool;
    const struct map_order *order = &pool->board->order;
    return frame->n > 0 && frame->n <= order->chunk && frame->first < order->n && frame->n <= order->n - frame->first &&
           frame->n <= order->n - client->returned;
}

/* A large one is sent from where it lies. */
static bool still_leaving(const struct client *client, const void *payload, size_t bytes)
{
    const struct channel *ch = &client->channel;
    const unsigned char *begin = payload;
    return channel_bulk(ch) && ch->bulk >= begin && ch->bulk < begin + bytes;
}

/* Whether the manager has it whole: what it has not cannot be over, and is still to be read from here. */
static bool post_is_out(const struct client *client, const struct frame *frame)
{
    const struct pool *pool = client->worker->pool;
    const uint64_t ticket = frame->first;
    return client->posted && ticket < pool->setup.window && client->posted[ticket] && pool->tasks[ticket] &&
           !still_leaving(client, task_input(pool, (unsigned)ticket), pool->setup.in_size);
}

static bool posted_makes_sense(const struct client *client, const struct frame *frame)
{
    const struct pool *pool = client->worker->pool;
    return post_is_out(client, frame) && frame->n <= 1 && frame->bytes == (frame->n ? 0 : pool->setup.out_size);
}

static bool slot_makes_sense(const struct client *client, const struct frame *frame)
{
    return client->dead && frame->object < pool_slots(client->worker->pool);
}

static int took_result(struct client *client, const struct frame *frame, const void *payload)
{
    struct pool *pool = client->worker->pool;
    const size_t size = pool->setup.out_size;
    if (!result_makes_sense(client, frame) || frame->bytes != frame->n * size)
        return channel_refuse();
    if (frame->bytes <= CHANNEL_SMALL)
        channel_copy((unsigned char *)pool->out + frame->first * size, payload, frame->bytes);
    client->returned += frame->n;
    return 0;
}

static int took_lost(struct client *client, const struct frame *frame)
{
    if (!result_makes_sense(client, frame) || !slot_makes_sense(client, frame))
        return channel_refuse();
    board_lost(client->worker->pool, &client->dead[frame->object], frame->first, frame->n);
    client->returned += frame->n;
    return 0;
}

static int took_posted(struct client *client, const struct frame *frame, const void *payload)
{
    if (!posted_makes_sense(client, frame))
        return channel_refuse();
    if (frame->bytes > 0 && frame->bytes <= CHANNEL_SMALL)
        channel_copy(task_output(client->worker->pool, (unsigned)frame->first), payload, frame->bytes);
    client->posted[frame->first] = false;
    task_over(client->worker->pool, (unsigned)frame->first, frame->n != 0);
    return 0;
}

static int took_post_lost(struct client *client, const struct frame *frame)
{
    if (!post_is_out(client, frame) || !slot_makes_sense(client, frame))
        return channel_refuse();
    const struct obituary *o = &client->dead[frame->object];
    client->posted[frame->first] = false;
    task_lost(client->worker->pool, (unsigned)frame->first, o->pid, o->status);
    return 0;
}

static int took_parked(struct client *client, const struct frame *frame)
{
    if (client->looping == 0)
        return channel_refuse();
    client->looping--;
    client->parked++;
    client->parked_badly += frame->n != 0;
    return 0;
}

static void stand(struct client *client, uint64_t standing)
{
    const unsigned workers = client->worker->pool->setup.workers;
    client->standing = standing < workers ? (unsigned)standing : workers;
    client->greeted = client->standing == workers;
}

static int took_burial(struct client *client, const struct frame *frame)
{
    if (!slot_makes_sense(client, frame) || client->burials == 0 || (frame->n && client->looping == 0))
        return channel_refuse();
    client->burials--;
    stand(client, frame->first);
    if (!frame->n)
        return 0;
    client->looping--;
    if (client->cut++ == 0)
        client->cut_by = client->dead[frame->object];
    return 0;
}

int parent_took(struct client *client, const struct frame *frame, const void *payload)
{
    switch (frame->kind) {
    case FRAME_RESULT:
        return took_result(client, frame, payload);
    case FRAME_LOST:
        return took_lost(client, frame);
    case FRAME_POSTED:
        return took_posted(client, frame, payload);
    case FRAME_POST_LOST:
        return took_post_lost(client, frame);
    case FRAME_PARKED:
        return took_parked(client, frame);
    case FRAME_OBITUARY:
        return took_burial(client, frame);
    case FRAME_HELLO:
        stand(client, frame->n);
        return 0;
    case FRAME_LEAVE:
        client->leaving = true;
        return 0;
    }
    return channel_refuse();
}

void *parent_place(struct client *client, const struct frame *frame)
{
    struct pool *pool = client->worker->pool;
    const size_t size = pool->setup.out_size;
    if (frame->kind == FRAME_RESULT && result_makes_sense(client, frame) && frame->bytes == frame->n * size)
        return (unsigned char *)pool->out + frame->first * size;
    if (frame->kind == FRAME_POSTED && frame->n == 0 && posted_makes_sense(client, frame))
        return task_output(pool, (unsigned)frame->first);
    return NULL;
}

/* --- turns ------------------------------------------------------------------------------------------------------- */

/* What was under way is not there for long. */
static int gone(struct client *client)
{
    client->broken = true;
    channel_drop(&client->channel);
    return -1;
}

int client_turn(struct client *client, int timeout_ms)
{
    if (client->broken)
        return -1;
    int sent = channel_flush(&client->channel);
    if (sent < 0)
        return gone(client);
    struct pollfd p = {.fd = client->channel.in_fd, .events = (short)(POLLIN | (sent ? 0 : POLLOUT))};
    int ready = poll(&p, 1, timeout_ms);
    if (ready < 0)
        return errno == EINTR ? 0 : gone(client);
    if (ready == 0 || !(p.revents & (POLLIN | POLLHUP | POLLERR)))
        return 0;
    int got = client_receive(client);
    return got < 0 || client->leaving ? gone(client) : got;
}

int client_put(struct client *client, const struct frame *frame, const void *payload)
{
    if (client->broken)
        return -1;
    if (!channel_room(&client->channel, frame->bytes) && channel_flush(&client->channel) < 0)
        return gone(client);
    if (!channel_room(&client->channel, frame->bytes))
        return 0;
    channel_put(&client->channel, frame, payload);
    return 1;
}

int client_post(struct client *client, unsigned ticket)
{
    const struct pool *pool = client->worker->pool;
    const struct frame post = {.bytes = (uint32_t)pool->setup.in_size, .kind = FRAME_POST, .first = ticket};
    if (!client->posted)
        client->posted = calloc(pool->setup.window, sizeof *client->posted);
    if (!client->posted)
        return gone(client);
    int put = client_put(client, &post, task_input(pool, ticket));
    if (put > 0)
        client->posted[ticket] = true;
    return put;
}

int client_mourn(struct client *client, const struct obituary *o)
{
    const struct frame frame = {.bytes = sizeof *o, .kind = FRAME_OBITUARY};
    if (!client->dead)
        client->dead = calloc(pool_slots(client->worker->pool), sizeof *client->dead);
    if (!client->dead)
        return gone(client);
    int put = client_put(client, &frame, o);
    if (put > 0) {
        client->dead[o->slot] = *o;
        client->burials++;
    }
    return put;
}
