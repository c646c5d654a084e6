/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * server_map.c - items: handed out within credits, results stored or passed on, applied items, the loop of pool_each().
 *
 * Chunks that no worker has begun and that were handed out to one that died go first, then applied items, then the
 * map's next ones. A result must match the oldest thing that its worker was given. */
#include "bench/ipc/server_parts.h"
#include "bench/ipc/task.h"

#include <errno.h>
#include <string.h>

#define DEPTH_BYTES 32768
#define DEPTH_LEAST 2
#define DEPTH_MOST  256

unsigned server_depth(const struct pool *pool, size_t chunk)
{
    const struct setup *s = &pool->setup;
    size_t message = sizeof(struct frame) + chunk * (s->in_size > s->out_size ? s->in_size : s->out_size);
    size_t fit = DEPTH_BYTES / message;
    if (s->items == 0)
        return 1;
    if (s->depth)
        return s->depth;
    return fit < DEPTH_LEAST ? DEPTH_LEAST : fit > DEPTH_MOST ? DEPTH_MOST : (unsigned)fit;
}

/* --- upstream ---------------------------------------------------------------------------------------------------- */

static unsigned char *post_output(const struct server *server, uint64_t ticket)
{
    if (!server->upstream)
        return task_output(server->pool, (unsigned)ticket);
    return server->post_out + ticket * server->pool->setup.out_size;
}

const void *map_post_input(const struct server *server, uint64_t ticket)
{
    if (!server->upstream)
        return task_input(server->pool, (unsigned)ticket);
    return server->post_in + ticket * server->pool->setup.in_size;
}

void map_send(struct server *server, const struct frame *frame)
{
    if (frames_push(&server->outbox, frame))
        server_fail(server);
}

/* Results lie in pool->out until the next map, and an applied one until its ticket comes again. */
static const void *payload_up(const struct server *server, const struct frame *frame)
{
    if (frame->kind == FRAME_RESULT)
        return (unsigned char *)server->pool->out + frame->first * server->pool->setup.out_size;
    return frame->kind == FRAME_POSTED && frame->bytes > 0 ? post_output(server, frame->first) : NULL;
}

static void put_up(struct server *server, const struct frame *frame)
{
    channel_put(&server->upstream->channel, frame, payload_up(server, frame));
    if (frame->kind == FRAME_POSTED || frame->kind == FRAME_POST_LOST)
        server->posted[frame->first] = false;
    frames_pop(&server->outbox);
}

/* As map_deal() hands out items. */
void map_pass_on(struct server *server)
{
    struct peer *up = server->upstream;
    if (!up->connected || up->deaf)
        return;
    do {
        while (server->outbox.count > 0) {
            struct frame frame = *frames_at(&server->outbox, 0);
            if (!channel_room(&up->channel, frame.bytes))
                break;
            put_up(server, &frame);
        }
        peer_send(up);
    } while (!up->waits_to_write && !up->deaf && server->outbox.count > 0);
}

/* --- handing out ------------------------------------------------------------------------------------------------- */

static size_t chunk_count(const struct server *server, uint64_t first)
{
    uint64_t left = server->order.n - first;
    return left < server->order.chunk ? left : server->order.chunk;
}

static bool may_work(const struct server *server, const struct peer *peer)
{
    const unsigned most = server->pool->setup.recycle;
    return peer->greeted && !peer->deaf && !peer->looping && peer->posts == 0 && !server->leaving &&
           (most == 0 || peer->answered + peer->errands.count < most);
}

/* What this worker is to be given before new chunks. */
static struct frames *first_of(struct server *server, const struct peer *peer)
{
    if (server->posts.count > 0)
        return &server->posts;
    return server->again.count > 0 && peer->errands.count < server->depth ? &server->again : NULL;
}

static bool more_for(struct server *server, const struct peer *peer)
{
    return may_work(server, peer) &&
           (first_of(server, peer) || (peer->errands.count < server->depth && server->next < server->available));
}

static int put_again(struct server *server, struct peer *peer, struct frames *from)
{
    const struct frame errand = *frames_at(from, 0);
    const unsigned char *in = server->pool->in;
    const bool post = errand.kind == FRAME_POST;
    if (frames_push(&peer->errands, &errand))
        return -1;
    channel_put(&peer->channel, &errand,
                post ? map_post_input(server, errand.first) : in + errand.first * server->pool->setup.in_size);
    frames_pop(from);
    peer->posts += post;
    return 0;
}

/* New chunks, as many as there are credits and room for. */
static int put_chunks(struct server *server, struct peer *peer, size_t most)
{
    const size_t size = server->pool->setup.in_size;
    const unsigned char *in = server->pool->in;
    while (peer->errands.count < most && server->next < server->available) {
        const size_t n = chunk_count(server, server->next);
        struct frame task = {.bytes = (uint32_t)(n * size), .kind = FRAME_TASK, .first = server->next, .n = n};
        if (!channel_room(&peer->channel, task.bytes))
            break;
        if (frames_push(&peer->errands, &task))
            return -1;
        channel_put(&peer->channel, &task, in + task.first * size);
        server->next += n;
    }
    return 0;
}

/* Errands that it may hold, as setup.recycle has it. */
static size_t most_for(const struct server *server, const struct peer *peer)
{
    const unsigned recycle = server->pool->setup.recycle;
    const uint64_t left = recycle - peer->answered;
    return recycle > 0 && left < server->depth ? left : server->depth;
}

static int put_errands(struct server *server, struct peer *peer)
{
    struct frames *first;
    while (may_work(server, peer) && (first = first_of(server, peer))) {
        if (!channel_room(&peer->channel, frames_at(first, 0)->bytes))
            return 0;
        if (put_again(server, peer, first))
            return -1;
    }
    return may_work(server, peer) ? put_chunks(server, peer, most_for(server, peer)) : 0;
}

/* Credits are refilled when half are used up, so that items travel many at a time. A channel that is sent empty has
 * room again; one that is full goes on when it is read. */
void map_deal(struct server *server, struct peer *peer)
{
    if (peer->errands.count > server->depth / 2 || !may_work(server, peer))
        return;
    do {
        if (put_errands(server, peer)) {
            server_fail(server);
            return;
        }
        peer_send(peer);
    } while (!peer->waits_to_write && more_for(server, peer));
}

static bool work_left(const struct server *server)
{
    return server->posts.count > 0 || server->again.count > 0 || server->next < server->available;
}

void map_deal_all(struct server *server)
{
    for (unsigned i = 0; i < server->pool->setup.workers && work_left(server); i++)
        map_deal(server, &server->peers[i]);
}

/* --- a map ------------------------------------------------------------------------------------------------------- */

/* So many in flight that no worker is left without while another has what it cannot begin yet. */
static unsigned fair_depth(const struct server *server)
{
    const struct map_shape *order = &server->order;
    uint64_t chunks = order->n / order->chunk + (order->n % order->chunk != 0);
    uint64_t fair = chunks / (2 * (uint64_t)server->pool->setup.workers);
    unsigned depth = server_depth(server->pool, order->chunk);
    return fair >= depth ? depth : fair > 0 ? (unsigned)fair : 1;
}

static void map_begin(struct server *server, const struct map_shape *order, uint64_t available)
{
    server->order = *order;
    server->available = available;
    server->next = server->returned = 0;
    server->depth = fair_depth(server);
}

int server_map(struct server *server, const struct map_shape *order, struct error *error)
{
    map_begin(server, order, order->n);
    map_deal_all(server);
    return server->leaving ? error_set(error, ERROR_BROKEN, "no memory to hand out the items of a map") : 0;
}

static void cancel_all(struct server *server, const struct frames *q)
{
    for (size_t i = 0; i < q->count; i++)
        if (frames_at(q, i)->kind == FRAME_TASK)
            board_cancelled(server->pool, frames_at(q, i)->first, frames_at(q, i)->n);
}

void server_cancel(struct server *server)
{
    for (unsigned i = 0; i < server->pool->setup.workers; i++)
        cancel_all(server, &server->peers[i].errands);
    cancel_all(server, &server->again);
    board_cancelled(server->pool, server->next, server->order.n - server->next);
}

static bool map_makes_sense(const struct server *server, const struct map_shape *order)
{
    const struct setup *s = &server->pool->setup;
    size_t widest = s->in_size > s->out_size ? s->in_size : s->out_size;
    return server->returned == server->order.n && order->n > 0 && order->n <= s->items && order->chunk > 0 &&
           order->chunk <= order->n && order->chunk <= UINT32_MAX / widest && s->workers > 0;
}

static int took_map(struct server *server, const struct frame *frame, const void *payload)
{
    struct map_shape order;
    if (frame->bytes != sizeof order)
        return channel_refuse();
    memcpy(&order, payload, sizeof order);
    if (!map_makes_sense(server, &order))
        return channel_refuse();
    map_begin(server, &order, 0);
    return 0;
}

/* Whether it is the next chunk of the map in progress. */
static bool next_task(const struct server *server, const struct frame *frame)
{
    return frame->first == server->available && frame->first < server->order.n &&
           frame->n == chunk_count(server, frame->first) && frame->bytes == frame->n * server->pool->setup.in_size;
}

static int took_task(struct server *server, const struct frame *frame, const void *payload)
{
    if (!next_task(server, frame))
        return channel_refuse();
    if (frame->bytes <= CHANNEL_SMALL)
        channel_copy((unsigned char *)server->pool->in + frame->first * server->pool->setup.in_size, payload,
                     frame->bytes);
    server->available = frame->first + frame->n;
    return 0;
}

/* Whether it answers the oldest thing that this worker was given. */
static bool answers(const struct peer *peer, const struct frame *frame)
{
    const size_t size = peer->server->pool->setup.out_size;
    if (peer->errands.count == 0)
        return false;
    const struct frame *errand = frames_at(&peer->errands, 0);
    if (frame->first != errand->first)
        return false;
    if (frame->kind == FRAME_POSTED)
        return errand->kind == FRAME_POST && frame->n <= 1 && frame->bytes == (frame->n ? 0 : size);
    return errand->kind == FRAME_TASK && frame->n == errand->n && frame->bytes == frame->n * size;
}

static void answered(struct peer *peer)
{
    frames_pop(&peer->errands);
    peer->answered++;
}

static int took_result(struct peer *peer, const struct frame *frame, const void *payload)
{
    struct server *server = peer->server;
    if (!answers(peer, frame))
        return channel_refuse();
    if (frame->bytes <= CHANNEL_SMALL)
        channel_copy((unsigned char *)server->pool->out + frame->first * server->pool->setup.out_size, payload,
                     frame->bytes);
    answered(peer);
    server->returned += frame->n;
    if (server->upstream)
        map_send(server, frame);
    return 0;
}

/* --- applied items ----------------------------------------------------------------------------------------------- */

static int took_posted(struct peer *peer, const struct frame *frame, const void *payload)
{
    struct server *server = peer->server;
    if (!answers(peer, frame))
        return channel_refuse();
    if (frame->bytes > 0 && frame->bytes <= CHANNEL_SMALL)
        channel_copy(post_output(server, frame->first), payload, frame->bytes);
    answered(peer);
    peer->posts--;
    if (server->upstream)
        map_send(server, frame);
    else
        task_over(server->pool, (unsigned)frame->first, frame->n != 0);
    return 0;
}

/* The next idle worker takes it; those who had one last come last. */
static int post(struct server *server, uint64_t ticket)
{
    const struct setup *s = &server->pool->setup;
    struct frame frame = {.bytes = (uint32_t)s->in_size, .kind = FRAME_POST, .first = ticket};
    if (frames_push(&server->posts, &frame))
        return -1;
    for (unsigned i = 0; i < s->workers; i++) {
        struct peer *peer = &server->peers[(server->hint + i) % s->workers];
        if (peer->errands.count > 0 || !may_work(server, peer))
            continue;
        server->hint = (server->hint + i + 1) % s->workers;
        map_deal(server, peer);
        break;
    }
    return 0;
}

int server_post(struct server *server, unsigned ticket, struct error *error)
{
    return post(server, ticket) ? error_system(error, "cannot hand out an applied item") : 0;
}

static bool next_post(const struct server *server, const struct frame *frame)
{
    const struct setup *s = &server->pool->setup;
    return s->workers > 0 && frame->first < s->window && !server->posted[frame->first] && frame->bytes == s->in_size;
}

static int took_post(struct server *server, const struct frame *frame, const void *payload)
{
    if (!next_post(server, frame))
        return channel_refuse();
    if (frame->bytes <= CHANNEL_SMALL)
        channel_copy(server->post_in + frame->first * server->pool->setup.in_size, payload, frame->bytes);
    server->posted[frame->first] = true;
    if (post(server, frame->first))
        server_fail(server);
    return 0;
}

/* --- the loop ---------------------------------------------------------------------------------------------------- */

/* One that takes nothing more now is watched until it does. */
void each_tell(struct peer *peer)
{
    if (!channel_room(&peer->channel, 0))
        peer_send(peer);
    peer->owes_each = !peer->deaf && !channel_room(&peer->channel, 0);
    if (peer->deaf || peer->owes_each)
        return;
    channel_put(&peer->channel, &(struct frame){.kind = FRAME_EACH}, NULL);
    peer_send(peer);
}

/* Whose place is empty, or who has not said hello yet, is told when it says so. */
int each_begin(struct server *server)
{
    const unsigned workers = server->pool->setup.workers;
    if (server->looping > 0)
        return channel_refuse();
    server->parked_badly = server->cut = 0;
    for (unsigned i = 0; i < workers; i++) {
        struct peer *peer = &server->peers[i];
        peer->looping = true;
        server->looping++;
        if (peer->greeted && !peer->deaf)
            each_tell(peer);
    }
    return 0;
}

int server_each(struct server *server, struct error *error)
{
    return each_begin(server) ? error_set(error, ERROR_STATE, "the workers are in their loop already") : 0;
}

/* --- what comes -------------------------------------------------------------------------------------------------- */

int map_took(struct peer *peer, const struct frame *frame, const void *payload)
{
    switch (frame->kind) {
    case FRAME_RESULT:
        return took_result(peer, frame, payload);
    case FRAME_POSTED:
        return took_posted(peer, frame, payload);
    case FRAME_TASK:
        return took_task(peer->server, frame, payload);
    case FRAME_POST:
        return took_post(peer->server, frame, payload);
    case FRAME_MAP:
        return took_map(peer->server, frame, payload);
    }
    return channel_refuse();
}

void *map_place(struct peer *peer, const struct frame *frame)
{
    struct server *server = peer->server;
    const struct setup *s = &server->pool->setup;
    if (frame->kind == FRAME_RESULT && answers(peer, frame))
        return (unsigned char *)server->pool->out + frame->first * s->out_size;
    if (frame->kind == FRAME_POSTED && answers(peer, frame))
        return post_output(server, frame->first);
    if (peer != server->upstream)
        return NULL;
    if (frame->kind == FRAME_TASK && next_task(server, frame))
        return (unsigned char *)server->pool->in + frame->first * s->in_size;
    if (frame->kind == FRAME_POST && next_post(server, frame))
        return server->post_in + frame->first * s->in_size;
    return NULL;
}
