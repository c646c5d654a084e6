/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * server_scratch.c - memory for large calls: what came, what goes.
 *
 * A little belongs to each client, and is counted with its channel. What is beyond that comes from a budget, where
 * there is one, for the whole of a call at once, so that nobody who has a part of it waits for the rest; who finds too
 * little left is not read from until there is enough, and those who came first are served first. */
#include "bench/ipc/memory.h"
#include "bench/ipc/server_parts.h"

#define SCRATCH_KEPT                                                                                                   \
    ((size_t)4 << 20) /* bytes; what a larger call needed is given back after it, and all while others wait */

static uint64_t beyond(size_t bytes)
{
    return bytes > SCRATCH_OWN ? bytes - SCRATCH_OWN : 0;
}

/* --- who waits --------------------------------------------------------------------------------------------------- */

static void queue_leave(struct budget *budget, struct peer *peer)
{
    struct peer *before = NULL;
    if (!peer->starved)
        return;
    for (struct peer *at = budget->first; at != peer; at = at->starved_next)
        before = at;
    *(before ? &before->starved_next : &budget->first) = peer->starved_next;
    if (budget->last == peer)
        budget->last = before;
    peer->starved_next = NULL;
    peer->starved = false;
}

/* Whose turn it is stays the first. */
static void queue_join(struct budget *budget, struct peer *peer)
{
    peer_hold(peer);
    if (peer->starved)
        return;
    peer->starved = true;
    if (budget->served == peer) {
        peer->starved_next = budget->first;
        budget->first = peer;
        budget->last = budget->last ? budget->last : peer;
        return;
    }
    *(budget->last ? &budget->last->starved_next : &budget->first) = peer;
    budget->last = peer;
}

static void bell(struct hub_timer *timer)
{
    struct budget *budget = hub_owner(timer, struct budget, bell);
    for (struct peer *peer; (peer = budget->first);) {
        queue_leave(budget, peer);
        budget->served = peer;
        peer_let_go(peer);
        budget->served = NULL;
        if (peer->starved)
            break;
    }
}

/* --- the budget -------------------------------------------------------------------------------------------------- */

void budget_open(struct budget *budget, struct hub *hub, uint64_t most, void (*reclaim)(struct budget *, struct peer *))
{
    *budget = (struct budget){.hub = hub, .most = most, .reclaim = reclaim, .bell.ring = bell};
}

void budget_close(struct budget *budget)
{
    hub_timer_stop(budget->hub, &budget->bell);
}

static bool fits(const struct budget *budget, uint64_t need)
{
    return budget->used <= budget->most && need <= budget->most - budget->used;
}

/* 0 there is enough, 1 not now. One that is gone is not waited for: it takes no more than this. */
static int spend(struct budget *budget, struct peer *peer, uint64_t need)
{
    const bool in_turn = !budget->first || budget->first == peer || budget->served == peer;
    if (in_turn && !fits(budget, need))
        budget->reclaim(budget, peer);
    if (peer->deaf || (in_turn && fits(budget, need))) {
        queue_leave(budget, peer);
        return 0;
    }
    queue_join(budget, peer);
    return 1;
}

static void give_back(struct peer *peer, int which)
{
    struct budget *budget = peer->server->budget;
    const uint64_t was = beyond(peer->scratch_bytes[which]);
    memory_free(peer->scratch[which], peer->scratch_bytes[which]);
    peer->scratch[which] = NULL;
    peer->scratch_bytes[which] = 0;
    if (!budget || was == 0)
        return;
    budget->used -= was;
    if (budget->first)
        hub_timer_set(budget->hub, &budget->bell, hub_now());
}

/* Who sends no more of what it has memory for keeps it from those who wait. */
static void hoarded(struct hub_timer *timer)
{
    struct peer *peer = hub_owner(timer, struct peer, hoards);
    const struct channel *ch = &peer->channel;
    if (!peer->connected || !ch->into)
        return;
    if (peer->server->budget->first && ch->into_left == peer->hoarded) {
        peer_part(peer);
        return;
    }
    peer->hoarded = ch->into_left;
    hub_timer_set(peer->server->hub, timer, hub_now() + peer->server->patience_ns);
}

void peer_scratch_watch(struct peer *peer, size_t bytes)
{
    if (!peer->server->budget || beyond(bytes) == 0)
        return;
    peer->hoarded = bytes;
    peer->hoards.ring = hoarded;
    hub_timer_set(peer->server->hub, &peer->hoards, hub_now() + peer->server->patience_ns);
}

/* --- a client's -------------------------------------------------------------------------------------------------- */

/* More than it has, of one of both. */
static uint64_t growth(const struct peer *peer, int which, size_t bytes)
{
    const size_t have = peer->scratch_bytes[which];
    return bytes > have ? beyond(bytes) - beyond(have) : 0;
}

unsigned char *peer_scratch(struct peer *peer, int which, size_t bytes)
{
    struct budget *budget = peer->server->budget;
    if (peer->scratch_bytes[which] >= bytes)
        return peer->scratch[which];
    if (budget)
        budget->used += beyond(bytes);
    give_back(peer, which);
    peer->scratch[which] = memory_private(bytes);
    peer->scratch_bytes[which] = peer->scratch[which] ? bytes : 0;
    if (budget && !peer->scratch[which])
        budget->used -= beyond(bytes);
    return peer->scratch[which];
}

bool peer_may_reserve(const struct peer *peer, size_t in, size_t out)
{
    const struct budget *budget = peer->server->budget;
    return !budget || beyond(in) + beyond(out) <= budget->most;
}

int peer_reserve(struct peer *peer, size_t in, size_t out)
{
    struct budget *budget = peer->server->budget;
    const uint64_t need = growth(peer, 0, in) + growth(peer, 1, out);
    if (need > 0 && budget) {
        if (in == 0 && !fits(budget, need))
            give_back(peer, 0);
        if (out == 0 && !fits(budget, need))
            give_back(peer, 1);
        if (spend(budget, peer, need))
            return 1;
    }
    return (in == 0 || peer_scratch(peer, 0, in)) && (out == 0 || peer_scratch(peer, 1, out)) ? 0 : -1;
}

void peer_scratch_trim(struct peer *peer, int which)
{
    const struct budget *budget = peer->server->budget;
    const bool wanted = budget && budget->first && beyond(peer->scratch_bytes[which]) > 0;
    if (wanted || peer->scratch_bytes[which] > SCRATCH_KEPT)
        give_back(peer, which);
}

void peer_scratch_leave(struct peer *peer)
{
    if (peer->server->budget)
        queue_leave(peer->server->budget, peer);
    hub_timer_stop(peer->server->hub, &peer->hoards);
    give_back(peer, 0);
    give_back(peer, 1);
}

static bool idle(const struct peer *peer)
{
    const struct channel *ch = &peer->channel;
    return !ch->into && !ch->held && !peer->owes && !channel_bulk(ch);
}

void server_reclaim(struct server *server, const struct peer *but)
{
    for (unsigned i = 0; i < server->peer_count; i++) {
        struct peer *peer = &server->peers[i];
        for (int which = 0; which < 2; which++)
            if (peer != but && idle(peer) && beyond(peer->scratch_bytes[which]) > 0)
                give_back(peer, which);
    }
}
