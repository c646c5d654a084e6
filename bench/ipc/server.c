/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * server.c - the channels: who comes, what is read and sent, who goes. */
#include "bench/ipc/descriptors.h"
#include "bench/ipc/memory.h"
#include "bench/ipc/server_parts.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define SEND_MOST ((size_t)1 << 20) /* bytes to one client, before the others have their turn */

static int peer_readable(struct watcher *, uint32_t events, struct error *);
static int peer_writable(struct watcher *, uint32_t events, struct error *);
static void peer_stalled(struct hub_timer *);

/* --- opening ----------------------------------------------------------------------------------------------------- */

static int open_posts(struct server *server, struct error *error)
{
    const struct setup *s = &server->pool->setup;
    if (!server->upstream || s->window == 0)
        return 0;
    server->post_in = memory_private(s->window * s->in_size);
    server->post_out = memory_private(s->window * s->out_size);
    server->posted = calloc(s->window, sizeof *server->posted);
    if (server->post_in && server->post_out && server->posted)
        return 0;
    return error_system(error, "no memory for %u applied items", s->window);
}

static void name_peers(struct server *server)
{
    for (unsigned i = 0; i < server->peer_count; i++) {
        struct peer *peer = &server->peers[i];
        peer->server = server;
        peer->channel = (struct channel){.in_fd = -1, .out_fd = -1};
        peer->reading.ready = peer_readable;
        peer->writing.ready = peer_writable;
        peer->stalled.ring = peer_stalled;
        peer->burial.ring = bury_late;
        peer->waits_for = -1;
    }
}

int server_open(struct server *server, struct pool *pool, struct hub *hub, bool upstream, unsigned guests,
                struct error *error)
{
    unsigned slots = pool_slots(pool), count = slots + 1 + guests;
    *server = (struct server){.pool = pool, .hub = hub, .slots = slots, .peer_count = count};
    server->patience_ns = SERVER_PATIENCE_NS;
    /* A client that has died shows as EPIPE at the write that meets it. */
    signal(SIGPIPE, SIG_IGN);
    server->peers = calloc(count, sizeof *server->peers);
    if (!server->peers)
        return error_system(error, "no memory for %u clients", count);
    name_peers(server);
    *(upstream ? &server->upstream : &server->self) = &server->peers[slots];
    if (open_posts(server, error) == 0)
        return 0;
    server_close(server);
    return -1;
}

static void peer_free(struct peer *peer)
{
    hub_timer_stop(peer->server->hub, &peer->burial);
    frames_free(&peer->errands);
    peer_scratch_leave(peer);
}

/* Its own closed channel tells a client to leave, unless some other process still holds an end of it. In the middle of
 * a large message there is no telling. */
static void say_leave(struct peer *peer)
{
    if (!peer->connected || peer->deaf || peer == peer->server->upstream || !channel_room(&peer->channel, 0))
        return;
    channel_put(&peer->channel, &(struct frame){.kind = FRAME_LEAVE}, NULL);
    channel_flush(&peer->channel);
}

void server_close(struct server *server)
{
    server->leaving = true;
    for (unsigned i = 0; i < server->peer_count && server->peers; i++)
        say_leave(&server->peers[i]);
    for (unsigned i = 0; i < server->peer_count && server->peers; i++) {
        if (server->peers[i].connected)
            peer_part(&server->peers[i]);
        peer_free(&server->peers[i]);
    }
    if (server->peers)
        hub_bury(server->hub, server->peers);
    if (server->post_in)
        memory_free(server->post_in, server->pool->setup.window * server->pool->setup.in_size);
    if (server->post_out)
        memory_free(server->post_out, server->pool->setup.window * server->pool->setup.out_size);
    free(server->posted);
    frames_free(&server->again);
    frames_free(&server->posts);
    frames_free(&server->outbox);
    *server = (struct server){.peers = NULL};
}

bool server_free(const struct server *server, unsigned client)
{
    const struct peer *peer = &server->peers[client];
    return !peer->connected && !peer->gone;
}

int server_guest(const struct server *server)
{
    for (unsigned i = server->slots + 1; i < server->peer_count; i++)
        if (server_free(server, i))
            return (int)i;
    return -1;
}

int server_connect(struct server *server, unsigned client, int in_fd, int out_fd, struct error *error)
{
    struct peer *peer = &server->peers[client];
    if (channel_open(&peer->channel, in_fd, out_fd))
        return error_system(error, "no memory for a channel to client %u", client);
    peer->connected = true;
    peer->deaf = peer->waits_to_write = peer->owes = peer->owes_each = peer->greeted = false;
    peer->answered = 0;
    if (!descriptor_enter(in_fd) && !descriptor_enter(out_fd) && !channel_nonblocking(in_fd) &&
        !channel_nonblocking(out_fd) && !hub_watch(server->hub, in_fd, EPOLLIN, &peer->reading))
        return 0;
    error_system(error, "cannot watch client %u", client);
    peer_part(peer);
    return -1;
}

/* --- leaving ----------------------------------------------------------------------------------------------------- */

void server_fail(struct server *server)
{
    server->leaving = true;
}

static void forget_writing(struct peer *peer)
{
    if (!peer->waits_to_write)
        return;
    peer->waits_to_write = peer->owes_each = false;
    hub_timer_stop(peer->server->hub, &peer->stalled);
    if (peer->channel.out_fd != peer->channel.in_fd)
        hub_forget(peer->server->hub, peer->channel.out_fd, &peer->writing);
}

void peer_part(struct peer *peer)
{
    struct server *server = peer->server;
    forget_writing(peer);
    hub_timer_stop(server->hub, &peer->stalled);
    hub_forget(server->hub, peer->channel.in_fd, &peer->reading);
    descriptor_leave(peer->channel.in_fd);
    descriptor_leave(peer->channel.out_fd);
    channel_close(&peer->channel);
    peer->connected = peer->owes = false;
    server->standing -= peer->greeted;
    peer->greeted = false;
    peer_scratch_leave(peer);
    lock_part(peer);
    if (peer == server->upstream)
        server->leaving = true;
    else if (peer->mourned)
        bury_settle(peer);
    else
        peer->gone = peer_is_worker(peer);
    /* The parent then looks at once whether it has ended. */
    if (peer->gone && server->upstream)
        map_send(server, &(struct frame){.kind = FRAME_HELLO, .n = server->standing});
}

/* --- sending ----------------------------------------------------------------------------------------------------- */

/* A socket is watched for both on one descriptor; of two pipes the writing end is watched only while it is full. */
static int watch(struct peer *peer, bool writing)
{
    struct hub *hub = peer->server->hub;
    struct channel *ch = &peer->channel;
    const uint32_t reading = ch->held ? 0 : EPOLLIN;
    if (ch->in_fd == ch->out_fd)
        return hub_change(hub, ch->in_fd, reading | (writing ? EPOLLOUT : 0), &peer->reading);
    if (writing)
        return hub_watch(hub, ch->out_fd, EPOLLOUT, &peer->writing);
    hub_forget(hub, ch->out_fd, &peer->writing);
    return 0;
}

/* Of a socket that is never written to again it is not to be heard that it could be. A worker's death or its parent's
 * will tell what to do with it; anybody else has some time to say what is left, and to leave. */
static void go_deaf(struct peer *peer)
{
    struct hub *hub = peer->server->hub;
    const struct channel *ch = &peer->channel;
    const bool armed = peer->waits_to_write && ch->in_fd == ch->out_fd, was_deaf = peer->deaf;
    peer->deaf = true;
    peer->owes = false;
    channel_drop(&peer->channel);
    forget_writing(peer);
    if (armed && hub_change(hub, ch->in_fd, ch->held ? 0 : EPOLLIN, &peer->reading))
        hub_forget(hub, ch->in_fd, &peer->reading);
    if (!was_deaf && !peer_is_worker(peer) && peer != peer->server->upstream)
        hub_timer_set(hub, &peer->stalled, hub_now() + peer->server->patience_ns);
}

/* A worker is busy with what it was given before, and upstream with what is its own: neither is in a hurry to read. */
static void await_reader(struct peer *peer)
{
    if (peer->errands.count == 0 && peer != peer->server->upstream)
        hub_timer_set(peer->server->hub, &peer->stalled, hub_now() + peer->server->patience_ns);
}

static void watch_writing(struct peer *peer, bool on)
{
    if (peer->waits_to_write == on)
        return;
    if (watch(peer, on)) {
        go_deaf(peer);
        return;
    }
    peer->waits_to_write = on;
    if (on) {
        await_reader(peer);
        return;
    }
    hub_timer_stop(peer->server->hub, &peer->stalled);
    if (peer->owes_each)
        each_tell(peer);
}

/* One that is held is let go from the hub's next turn on. */
void peer_send(struct peer *peer)
{
    int sent = channel_send(&peer->channel, SEND_MOST);
    if (sent < 0)
        go_deaf(peer);
    else
        watch_writing(peer, sent == 0 || peer->channel.held);
}

/* A socket may have been read from without having room enough to be called writable. */
static void peer_stalled(struct hub_timer *timer)
{
    struct peer *peer = hub_owner(timer, struct peer, stalled);
    const struct channel *ch = &peer->channel;
    const size_t before = ch->out_to - ch->out_from + ch->bulk_left;
    if (peer->deaf) {
        peer_part(peer);
        return;
    }
    peer_send(peer);
    if (!peer->deaf && ch->out_to - ch->out_from + ch->bulk_left == before)
        peer_part(peer);
    else if (peer->waits_to_write)
        await_reader(peer);
}

/* --- what is taken ----------------------------------------------------------------------------------------------- */

static int took_hello(struct peer *peer)
{
    struct server *server = peer->server;
    if (!peer_is_worker(peer) || peer->greeted)
        return channel_refuse();
    peer->greeted = true;
    server->standing++;
    if (server->upstream)
        map_send(server, &(struct frame){.kind = FRAME_HELLO, .n = server->standing});
    if (peer->looping)
        each_tell(peer);
    map_deal(server, peer);
    return 0;
}

static int took_parked(struct peer *peer, const struct frame *frame)
{
    struct server *server = peer->server;
    if (!peer->looping)
        return channel_refuse();
    peer->looping = false;
    server->looping--;
    server->parked_badly += frame->n != 0;
    if (server->upstream)
        map_send(server, &(struct frame){.kind = FRAME_PARKED, .n = frame->n != 0});
    map_deal(server, peer);
    return 0;
}

static int took_order(struct server *server, const struct frame *frame, const void *payload)
{
    switch (frame->kind) {
    case FRAME_LEAVE:
        server->leaving = true;
        return 0;
    case FRAME_EACH:
        return each_begin(server);
    case FRAME_OBITUARY:
        return bury_took(server, frame, payload);
    default:
        return map_took(server->upstream, frame, payload);
    }
}

static int peer_handle(void *arg, const struct frame *frame, const void *payload)
{
    struct peer *peer = arg;
    switch (frame->kind) {
    case FRAME_CALL:
        return call_took(peer, frame, payload);
    case FRAME_RESULT:
    case FRAME_POSTED:
        return map_took(peer, frame, payload);
    case FRAME_HELLO:
        return took_hello(peer);
    case FRAME_PARKED:
        return took_parked(peer, frame);
    case FRAME_MAP:
    case FRAME_TASK:
    case FRAME_POST:
    case FRAME_EACH:
    case FRAME_OBITUARY:
    case FRAME_LEAVE:
        if (peer == peer->server->upstream)
            return took_order(peer->server, frame, payload);
    }
    return channel_refuse();
}

static void *peer_place(void *arg, const struct frame *frame)
{
    struct peer *peer = arg;
    if (frame->kind != FRAME_CALL)
        return map_place(peer, frame);
    return call_place(peer, frame);
}

/* What follows from what it sent. It may be gone by now. */
static void go_on(struct peer *peer, uint64_t answered)
{
    struct server *server = peer->server;
    if (server->outbox.count > 0)
        map_pass_on(server);
    if (peer == server->upstream)
        map_deal_all(server);
    else if (peer->answered != answered)
        map_deal(server, peer);
    if (peer->connected && !peer->waits_to_write && channel_pending(&peer->channel))
        peer_send(peer);
}

/* 1 something came, 0 nothing, -1 it is gone. */
static int take(struct peer *peer, bool read)
{
    const struct receiver receiver = {.arg = peer, .place = peer_place, .handle = peer_handle};
    const uint64_t answered = peer->answered;
    int got = read ? channel_receive(&peer->channel, &receiver) : channel_hand_over(&peer->channel, &receiver);
    if (got < 0 && peer->connected)
        peer_part(peer);
    go_on(peer, answered);
    return got;
}

bool peer_drain(struct peer *peer)
{
    bool held = peer->channel.held;
    go_deaf(peer);
    peer->channel.held = false;
    if (held)
        take(peer, false);
    while (peer->connected && take(peer, true) > 0)
        ;
    return !peer->connected;
}

/* --- holding ----------------------------------------------------------------------------------------------------- */

static void watch_reading(struct peer *peer)
{
    const struct channel *ch = &peer->channel;
    const uint32_t writing = ch->in_fd == ch->out_fd && peer->waits_to_write ? EPOLLOUT : 0;
    if (hub_change(peer->server->hub, ch->in_fd, (ch->held ? 0 : EPOLLIN) | writing, &peer->reading))
        go_deaf(peer);
}

void peer_hold(struct peer *peer)
{
    if (peer->channel.held || peer->deaf)
        return;
    peer->channel.held = true;
    watch_reading(peer);
}

/* It reads on: what it is owed goes first, then what had come from it meanwhile is taken. */
void peer_let_go(struct peer *peer)
{
    if (peer->owes && channel_room(&peer->channel, peer->owed.bytes)) {
        channel_put(&peer->channel, &peer->owed, peer->owed_payload);
        peer->owes = false;
        peer_send(peer);
    }
    if (peer->owes || channel_bulk(&peer->channel))
        return;
    peer_scratch_trim(peer, 1);
    peer->channel.held = false;
    watch_writing(peer, channel_pending(&peer->channel));
    watch_reading(peer);
    take(peer, false);
}

/* --- a turn ------------------------------------------------------------------------------------------------------ */

static int so_far(const struct server *server, struct error *error)
{
    if (!server->leaving || server->upstream)
        return 0;
    return error_set(error, ERROR_BROKEN, "no memory to hand out work");
}

static void write_on(struct peer *peer)
{
    struct server *server = peer->server;
    peer_send(peer);
    if (peer->waits_to_write)
        await_reader(peer);
    if (peer->channel.held)
        peer_let_go(peer);
    if (peer == server->upstream)
        map_pass_on(server);
    else
        map_deal(server, peer);
}

static int peer_readable(struct watcher *watcher, uint32_t events, struct error *error)
{
    struct peer *peer = hub_owner(watcher, struct peer, reading);
    struct server *server = peer->server;
    if (events & EPOLLOUT)
        write_on(peer);
    if (!peer->connected)
        return so_far(server, error);
    /* Whoever has gone reads no replies: what it sent last is taken all the same. */
    if (peer->channel.held && (events & (EPOLLHUP | EPOLLERR))) {
        go_deaf(peer);
        peer->channel.held = false;
        take(peer, false);
    }
    if (peer->connected && !peer->channel.held && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        take(peer, true);
    return so_far(server, error);
}

static int peer_writable(struct watcher *watcher, uint32_t events, struct error *error)
{
    struct peer *peer = hub_owner(watcher, struct peer, writing);
    (void)events;
    write_on(peer);
    return so_far(peer->server, error);
}
