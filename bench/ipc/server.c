/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * server.c - the event loop over all channels: calls answered, tasks handed out, results stored or passed on. */
#include "bench/ipc/server.h"
#include "bench/ipc/memory.h"
#include "bench/ipc/object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 64
#define DEPTH_BYTES    32768
#define DEPTH_LEAST    2
#define DEPTH_MOST     256

/* --- opening ----------------------------------------------------------------------------------------------------- */

int server_open(struct server *server, struct pool *pool, bool upstream, struct error *error)
{
    unsigned workers = pool->setup.workers;
    *server = (struct server){.pool = pool, .workers = workers, .epoll = -1};
    server->peers = calloc(workers + 1, sizeof *server->peers);
    if (!server->peers)
        return error_system(error, "no memory for %u clients", workers);
    for (unsigned i = 0; i <= workers; i++) {
        server->peers[i].server = server;
        server->peers[i].channel = (struct channel){.in_fd = -1, .out_fd = -1};
    }
    server->upstream = upstream ? &server->peers[workers] : NULL;
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll >= 0)
        return 0;
    error_system(error, "cannot open an epoll descriptor");
    free(server->peers);
    server->peers = NULL;
    return -1;
}

void server_close(struct server *server)
{
    for (unsigned i = 0; server->peers && i <= server->workers; i++) {
        struct peer *peer = &server->peers[i];
        if (peer->connected)
            channel_close(&peer->channel);
        memory_free(peer->scratch[0], peer->scratch_bytes[0]);
        memory_free(peer->scratch[1], peer->scratch_bytes[1]);
    }
    if (server->epoll >= 0)
        close(server->epoll);
    free(server->peers);
    free(server->finished);
    *server = (struct server){.epoll = -1};
}

int server_connect(struct server *server, unsigned client, int in_fd, int out_fd, struct error *error)
{
    struct peer *peer = &server->peers[client];
    if (channel_nonblocking(in_fd) || channel_nonblocking(out_fd) || channel_open(&peer->channel, in_fd, out_fd))
        return error_system(error, "cannot open a channel to client %u", client);
    peer->connected = true;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, in_fd, &event))
        return error_system(error, "cannot watch client %u", client);
    return 0;
}

/* --- sending ----------------------------------------------------------------------------------------------------- */

/* A socket is watched for both on one descriptor; of two pipes the writing end is watched only while it is full. */
static int watch_writing(struct peer *peer, bool on)
{
    struct channel *ch = &peer->channel;
    if (peer->waits_to_write == on)
        return 0;
    peer->waits_to_write = on;
    struct epoll_event event = {.events = on ? EPOLLOUT : 0, .data.ptr = peer};
    int op = on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL;
    if (ch->in_fd == ch->out_fd) {
        event.events |= EPOLLIN;
        op = EPOLL_CTL_MOD;
    }
    return epoll_ctl(peer->server->epoll, op, ch->out_fd, &event);
}

static int send_now(struct peer *peer)
{
    int sent = channel_flush(&peer->channel);
    return sent < 0 ? -1 : watch_writing(peer, sent == 0);
}

/* Puts and sends until the frame has gone out or is gathered: to a worker that reads, this ends. */
static int put_frame(struct peer *peer, const struct frame *frame, const void *payload)
{
    if (!channel_room(&peer->channel, frame->bytes) && channel_flush(&peer->channel) < 0)
        return -1;
    if (!channel_room(&peer->channel, frame->bytes)) {
        errno = EPROTO;
        return -1;
    }
    channel_put(&peer->channel, frame, payload);
    return 0;
}

int server_tell_all(struct server *server, const struct frame *frame, const void *payload, struct error *error)
{
    for (unsigned i = 0; i < server->workers; i++)
        if (put_frame(&server->peers[i], frame, payload) || send_now(&server->peers[i]))
            return error_system(error, "cannot speak to worker %u", i);
    return 0;
}

/* --- a map ------------------------------------------------------------------------------------------------------- */

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

static size_t chunk_count(const struct server *server, uint64_t first)
{
    uint64_t left = server->order.n - first;
    return left < server->order.chunk ? left : server->order.chunk;
}

static bool may_deal(const struct server *server, const struct peer *peer)
{
    return peer->in_flight < server->depth && server->next < server->available;
}

static void put_task(struct server *server, struct peer *peer, size_t n)
{
    const size_t size = server->pool->setup.in_size;
    struct frame task = {.bytes = (uint32_t)(n * size), .kind = FRAME_TASK, .first = server->next, .n = n};
    channel_put(&peer->channel, &task, (unsigned char *)server->pool->in + server->next * size);
    peer->in_flight++;
    server->next += n;
}

/* Fills the worker's credits. They are refilled when half are used up, so that tasks travel many at a time. A channel
 * that is sent empty has room again; one that is full goes on at EPOLLOUT. */
static int deal(struct server *server, struct peer *peer)
{
    const size_t size = server->pool->setup.in_size;
    if (peer->in_flight > server->depth / 2)
        return 0;
    do {
        while (may_deal(server, peer)) {
            size_t n = chunk_count(server, server->next);
            if (!channel_room(&peer->channel, n * size))
                break;
            put_task(server, peer, n);
        }
        if (send_now(peer))
            return -1;
    } while (!peer->waits_to_write && may_deal(server, peer));
    return 0;
}

static int deal_all(struct server *server)
{
    for (unsigned i = 0; i < server->workers && server->next < server->available; i++)
        if (deal(server, &server->peers[i]))
            return -1;
    return 0;
}

static int map_begin(struct server *server, const struct map_shape *order, uint64_t available)
{
    size_t chunks = (order->n + order->chunk - 1) / order->chunk;
    server->order = *order;
    server->available = available;
    server->next = server->returned = 0;
    server->finished_from = server->finished_to = 0;
    server->depth = pool_depth(server->pool, order->chunk);
    if (server->upstream && chunks > server->finished_most) {
        free(server->finished);
        server->finished = malloc(chunks * sizeof *server->finished);
        server->finished_most = server->finished ? chunks : 0;
        if (!server->finished)
            return -1;
    }
    struct frame map = {.bytes = sizeof *order, .kind = FRAME_MAP};
    return server_tell_all(server, &map, order, server->error);
}

int server_map(struct server *server, const struct map_shape *order, struct error *error)
{
    server->error = error;
    if (map_begin(server, order, order->n) || deal_all(server))
        return error_system(error, "cannot hand out the items of a map");
    return 0;
}

static void put_result(struct server *server, uint64_t first, size_t n)
{
    const size_t size = server->pool->setup.out_size;
    struct frame result = {.bytes = (uint32_t)(n * size), .kind = FRAME_RESULT, .first = first, .n = n};
    channel_put(&server->upstream->channel, &result, (unsigned char *)server->pool->out + first * size);
    server->finished_from++;
}

/* Passes results on to the parent as deal() hands out tasks; each lies in pool->out until the next map. */
static int pass_on(struct server *server)
{
    const size_t size = server->pool->setup.out_size;
    struct peer *up = server->upstream;
    do {
        while (server->finished_from < server->finished_to) {
            uint64_t first = server->finished[server->finished_from];
            size_t n = chunk_count(server, first);
            if (!channel_room(&up->channel, n * size))
                break;
            put_result(server, first, n);
        }
        if (send_now(up))
            return -1;
    } while (!up->waits_to_write && server->finished_from < server->finished_to);
    return 0;
}

/* Whether first and n name a chunk of the map in progress, with the payload that belongs to it. */
static bool names_chunk(const struct server *server, const struct frame *frame, size_t size)
{
    return frame->first < server->order.n && frame->first % server->order.chunk == 0 &&
           frame->n == chunk_count(server, frame->first) && frame->bytes == frame->n * size;
}

static int took_result(struct peer *peer, const struct frame *frame, const void *payload)
{
    struct server *server = peer->server;
    const size_t size = server->pool->setup.out_size;
    if (frame->bytes <= CHANNEL_SMALL)
        memcpy((unsigned char *)server->pool->out + frame->first * size, payload, frame->bytes);
    peer->in_flight--;
    server->returned += frame->n;
    if (server->upstream)
        server->finished[server->finished_to++] = frame->first;
    return 0;
}

static int took_task(struct server *server, const struct frame *frame, const void *payload)
{
    const size_t size = server->pool->setup.in_size;
    if (frame->bytes <= CHANNEL_SMALL)
        memcpy((unsigned char *)server->pool->in + frame->first * size, payload, frame->bytes);
    server->available = frame->first + frame->n;
    return 0;
}

/* --- calls ------------------------------------------------------------------------------------------------------- */

static unsigned char *scratch(struct peer *peer, int which, size_t bytes)
{
    if (peer->scratch_bytes[which] < bytes) {
        memory_free(peer->scratch[which], peer->scratch_bytes[which]);
        peer->scratch[which] = memory_private(bytes);
        peer->scratch_bytes[which] = peer->scratch[which] ? bytes : 0;
    }
    return peer->scratch[which];
}

static bool call_makes_sense(const struct server *server, const struct frame *call)
{
    if (call->object >= server->pool->object_count)
        return false;
    const struct object *object = &server->pool->objects[call->object];
    enum verb verb = call->verb;
    return call_possible(object, verb, call->n) && call->bytes == call_in_bytes(object, verb, call->n);
}

/* A value is sent from where it lies when it stays what it is there; else what comes meanwhile must not change it. */
static int reply_value(struct peer *peer, const struct object *object, size_t most)
{
    struct object_value value = object_value(object, most);
    struct frame reply = {.bytes = (uint32_t)value.bytes, .kind = FRAME_REPLY, .first = value.bytes};
    if (value.stays || value.bytes <= CHANNEL_SMALL)
        return put_frame(peer, &reply, value.at);
    unsigned char *copy = scratch(peer, 1, value.bytes);
    if (!copy)
        return -1;
    memcpy(copy, value.at, value.bytes);
    return put_frame(peer, &reply, copy);
}

static int reply_add(struct peer *peer, struct object *object, const struct frame *call, const void *payload)
{
    struct frame reply = {.bytes = call->bytes, .kind = FRAME_REPLY, .first = call->n};
    if (reply.bytes <= CHANNEL_SMALL && channel_room(&peer->channel, reply.bytes)) {
        void *space = channel_put_space(&peer->channel, &reply);
        object_apply(object, &(struct call){.verb = VERB_ADD, .in = payload, .out = space, .n = call->n});
        return 0;
    }
    unsigned char *previous = scratch(peer, 1, reply.bytes);
    if (!previous)
        return -1;
    object_apply(object, &(struct call){.verb = VERB_ADD, .in = payload, .out = previous, .n = call->n});
    return put_frame(peer, &reply, previous);
}

static int took_call(struct peer *peer, const struct frame *call, const void *payload)
{
    struct server *server = peer->server;
    if (!call_makes_sense(server, call)) {
        errno = EPROTO;
        return -1;
    }
    struct object *object = &server->pool->objects[call->object];
    enum verb verb = call->verb;
    if (verb == VERB_READ)
        return reply_value(peer, object, call->n);
    if (verb == VERB_ADD)
        return reply_add(peer, object, call, payload);
    int64_t got = object_apply(object, &(struct call){.verb = verb, .at = call->first, .in = payload, .n = call->n});
    struct frame reply = {.kind = FRAME_REPLY, .first = (uint64_t)got};
    return put_frame(peer, &reply, NULL);
}

/* --- what comes -------------------------------------------------------------------------------------------------- */

static int took_hello(struct server *server, const struct frame *frame)
{
    if (++server->greeted < server->workers || !server->upstream)
        return 0;
    return put_frame(server->upstream, frame, NULL) || send_now(server->upstream);
}

static int took_parked(struct server *server, const struct frame *frame)
{
    server->parked++;
    server->parked_badly += frame->n != 0;
    return server->upstream ? put_frame(server->upstream, frame, NULL) || send_now(server->upstream) : 0;
}

/* Only the parent says these. */
static int took_order(struct server *server, const struct frame *frame, const void *payload)
{
    if (frame->kind == FRAME_LEAVE) {
        server->leaving = true;
        return 0;
    }
    if (frame->kind == FRAME_EACH)
        return server_tell_all(server, frame, payload, server->error);
    return map_begin(server, payload, 0);
}

static int server_handle(void *arg, const struct frame *frame, const void *payload)
{
    struct peer *peer = arg;
    struct server *server = peer->server;
    bool from_parent = peer == server->upstream;
    if (frame->kind == FRAME_CALL)
        return took_call(peer, frame, payload);
    if (frame->kind == FRAME_RESULT && peer->in_flight > 0 && names_chunk(server, frame, server->pool->setup.out_size))
        return took_result(peer, frame, payload);
    if (frame->kind == FRAME_TASK && from_parent && names_chunk(server, frame, server->pool->setup.in_size))
        return took_task(server, frame, payload);
    if (frame->kind == FRAME_PARKED && !from_parent)
        return took_parked(server, frame);
    if (frame->kind == FRAME_HELLO && !from_parent)
        return took_hello(server, frame);
    if ((frame->kind == FRAME_EACH || frame->kind == FRAME_LEAVE) && from_parent)
        return took_order(server, frame, payload);
    if (frame->kind == FRAME_MAP && from_parent && frame->bytes == sizeof(struct map_shape))
        return took_order(server, frame, payload);
    errno = EPROTO;
    return -1;
}

static void *server_place(void *arg, const struct frame *frame)
{
    struct peer *peer = arg;
    struct server *server = peer->server;
    const struct setup *setup = &server->pool->setup;
    if (frame->kind == FRAME_RESULT && peer != server->upstream && names_chunk(server, frame, setup->out_size))
        return (unsigned char *)server->pool->out + frame->first * setup->out_size;
    if (frame->kind == FRAME_TASK && peer == server->upstream && names_chunk(server, frame, setup->in_size))
        return (unsigned char *)server->pool->in + frame->first * setup->in_size;
    if (frame->kind == FRAME_CALL && call_makes_sense(server, frame))
        return scratch(peer, 0, frame->bytes);
    return NULL;
}

static int read_from(struct peer *peer)
{
    struct server *server = peer->server;
    uint64_t returned = server->returned;
    struct receiver receiver = {.arg = peer, .place = server_place, .handle = server_handle};
    if (channel_receive(&peer->channel, &receiver) < 0) {
        if (errno == 0 && peer == server->upstream)
            return server->leaving = true, 0;
        return -1;
    }
    if (server->upstream && server->returned != returned && pass_on(server))
        return -1;
    if (peer == server->upstream && deal_all(server))
        return -1;
    if (server->returned != returned && peer != server->upstream)
        return deal(server, peer);
    return channel_pending(&peer->channel) ? send_now(peer) : 0;
}

static int write_to(struct peer *peer)
{
    if (send_now(peer))
        return -1;
    if (peer == peer->server->upstream)
        return pass_on(peer->server);
    return deal(peer->server, peer);
}

static int explain(struct server *server, struct peer *peer, struct error *error)
{
    int saved = errno;
    if (error && error->code != ERROR_NONE)
        return -1;
    errno = saved;
    long client = peer - server->peers;
    if (saved == 0)
        return error_set(error, ERROR_BROKEN, "client %ld closed its channel before its time", client);
    if (saved == EPROTO)
        return error_set(error, ERROR_BROKEN, "client %ld sent what it must not", client);
    return error_system(error, "the channel to client %ld is broken", client);
}

int server_turn(struct server *server, int timeout_ms, struct error *error)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    server->error = error;
    int count;
    while ((count = epoll_wait(server->epoll, events, EVENTS_AT_ONCE, 0)) == 0)
        if (!patience_again(&server->patience)) {
            count = epoll_wait(server->epoll, events, EVENTS_AT_ONCE, timeout_ms);
            break;
        }
    patience_over(&server->patience);
    if (count < 0)
        return errno == EINTR ? 0 : error_system(error, "cannot wait for clients");
    for (int i = 0; i < count; i++) {
        struct peer *peer = events[i].data.ptr;
        errno = 0;
        if ((events[i].events & EPOLLOUT) && write_to(peer))
            return explain(server, peer, error);
        if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && read_from(peer))
            return explain(server, peer, error);
    }
    return 0;
}
