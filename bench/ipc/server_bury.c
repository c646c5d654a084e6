/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * server_bury.c - what becomes of what a dead process held.
 *
 * A worker runs what it was given in the order in which it was given, so its obituary's count says what it had begun.
 * What it had begun and what has not been answered is lost, of the chunk that it was in only up to the item that it
 * said it had begun; the rest is handed out again, so nothing runs twice. */
#include "bench/ipc/server_parts.h"
#include "bench/ipc/task.h"

#include <stddef.h>
#include <string.h>

#define BURIAL_NS INT64_C(100000000) /* for what is still under way from a socket's other end */

static void lost(struct server *server, const struct obituary *o, const struct frame *errand, uint64_t n)
{
    bool post = errand->kind == FRAME_POST;
    server->returned += post ? 0 : n;
    if (server->upstream) {
        struct frame frame = {.kind = post ? FRAME_POST_LOST : FRAME_LOST, .first = errand->first, .n = post ? 0 : n};
        frame.object = (uint16_t)o->slot;
        map_send(server, &frame);
    } else if (post)
        task_lost(server->pool, (unsigned)errand->first, o->pid, o->status);
    else
        board_lost(server->pool, o, errand->first, n);
}

/* How many of a begun errand's items are lost: in the last one those that it had not come to are not. */
static uint64_t begun_items(const struct obituary *o, const struct frame *errand, bool last)
{
    bool in_it = last && errand->kind == FRAME_TASK && o->first == errand->first && o->n == errand->n;
    if (in_it && o->item >= errand->first && o->item - errand->first < errand->n)
        return o->item - errand->first + 1;
    return errand->n;
}

static int again(struct server *server, const struct frame *errand, uint64_t from)
{
    struct frame rest = *errand;
    if (errand->kind == FRAME_POST)
        return frames_push_front(&server->posts, &rest);
    rest.first += from;
    rest.n -= from;
    rest.bytes = (uint32_t)(rest.n * server->pool->setup.in_size);
    return rest.n > 0 ? frames_push_front(&server->again, &rest) : 0;
}

/* First all that can be handed out again, since who is told of a loss may hand in more. */
static void settle_errands(struct server *server, const struct obituary *o, struct frames *errands, uint64_t begun)
{
    for (size_t i = errands->count; i-- > 0;) {
        const struct frame *errand = frames_at(errands, i);
        if (i < begun && errand->kind == FRAME_POST)
            continue;
        if (again(server, errand, i < begun ? begun_items(o, errand, i + 1 == begun) : 0))
            server_fail(server);
    }
    for (size_t i = 0; i < begun; i++) {
        const struct frame *errand = frames_at(errands, i);
        lost(server, o, errand, begun_items(o, errand, i + 1 == begun));
    }
}

/* Whoever comes in the place of one that left as setup.recycle had it runs its loop. */
static bool settle_loop(struct server *server, struct peer *peer, const struct obituary *o)
{
    if (!peer->looping || o->retired)
        return false;
    peer->looping = false;
    server->looping--;
    if (server->cut++ == 0)
        server->cut_by = *o;
    return true;
}

void bury_settle(struct peer *peer)
{
    struct server *server = peer->server;
    const struct obituary o = peer->obituary;
    struct frames errands = peer->errands;
    uint64_t begun = o.begun > peer->answered ? o.begun - peer->answered : 0;
    bool cut = settle_loop(server, peer, &o);
    hub_timer_stop(server->hub, &peer->burial);
    peer->mourned = peer->gone = false;
    peer->errands = (struct frames){.at = NULL};
    peer->posts = 0;
    settle_errands(server, &o, &errands, begun < errands.count ? begun : errands.count);
    frames_free(&errands);
    if (server->upstream) {
        struct frame over = {.kind = FRAME_OBITUARY, .first = server->standing, .n = cut};
        over.object = (uint16_t)o.slot;
        map_send(server, &over);
        map_pass_on(server);
    }
    map_deal_all(server);
}

/* Whoever else holds an end of its channel, there has been time for what it sent. */
void bury_late(struct hub_timer *timer)
{
    struct peer *peer = hub_owner(timer, struct peer, burial);
    if (peer->connected)
        peer_part(peer);
}

/* What a process wrote into a pipe is there when it has ended; what comes through a socket may be under way. */
static void bury(struct server *server, const struct obituary *o)
{
    struct peer *peer = &server->peers[o->slot];
    bool socket = peer->channel.in_fd == peer->channel.out_fd;
    if (!peer->connected) {
        peer->obituary = *o;
        bury_settle(peer);
        return;
    }
    peer->mourned = true;
    peer->obituary = *o;
    if (peer_drain(peer))
        return;
    if (socket)
        hub_timer_set(server->hub, &peer->burial, hub_now() + BURIAL_NS);
    else
        peer_part(peer);
}

int server_bury(struct server *server, const struct obituary *o, struct error *error)
{
    bury(server, o);
    return server->leaving ? error_set(error, ERROR_BROKEN, "no memory to hand out again what a worker left") : 0;
}

int bury_took(struct server *server, const struct frame *frame, const void *payload)
{
    struct obituary o;
    const unsigned char *bytes = payload;
    if (frame->bytes != sizeof o || bytes[offsetof(struct obituary, retired)] > true)
        return channel_refuse();
    memcpy(&o, payload, sizeof o);
    if (o.slot >= server->slots || server->peers[o.slot].mourned)
        return channel_refuse();
    bury(server, &o);
    return 0;
}
