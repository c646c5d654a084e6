/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * server_locks.c - locks: an owner each, and a queue of those who wait.
 *
 * A lock belongs to the connection that acquired it. When that ends, the next one gets the lock and is told that it is
 * an orphan's. Whoever waits gets the reply later, or a timeout's. */
#include "bench/ipc/object.h"
#include "bench/ipc/server_parts.h"

static void answer(struct peer *peer, int64_t got)
{
    struct server *server = peer->server;
    hub_timer_stop(server->hub, &peer->gives_up);
    peer->waits_for = -1;
    if (peer == server->self) {
        server->self_reply = got;
        return;
    }
    call_reply(peer, got, NULL, 0);
    if (!peer->deaf)
        peer_send(peer);
}

static void stop_waiting(struct peer *peer)
{
    struct lock *lock = &peer->server->locks[peer->waits_for];
    struct peer *before = NULL;
    for (struct peer *at = lock->first; at != peer; at = at->behind)
        before = at;
    *(before ? &before->behind : &lock->first) = peer->behind;
    if (lock->last == peer)
        lock->last = before;
    peer->behind = NULL;
}

static void given_up(struct hub_timer *timer)
{
    struct peer *peer = hub_owner(timer, struct peer, gives_up);
    stop_waiting(peer);
    answer(peer, CALL_TIMEOUT);
}

static int64_t take(struct lock *lock, struct peer *peer)
{
    int64_t got = lock->orphaned ? LOCK_ORPHANED : 0;
    lock->owner = peer;
    lock->orphaned = false;
    return got;
}

/* To the next in turn. */
static void pass(struct lock *lock)
{
    struct peer *next = lock->first;
    lock->owner = NULL;
    if (!next)
        return;
    stop_waiting(next);
    answer(next, take(lock, next));
}

static int64_t acquire(struct peer *peer, unsigned index, int64_t timeout_ns)
{
    struct server *server = peer->server;
    struct lock *lock = &server->locks[index];
    if (lock->owner == peer)
        return CALL_DEADLOCK;
    if (!lock->owner)
        return take(lock, peer);
    if (timeout_ns != NEVER && timeout_ns <= 0)
        return CALL_TIMEOUT;
    peer->waits_for = (int)index;
    *(lock->last ? &lock->last->behind : &lock->first) = peer;
    lock->last = peer;
    int64_t now = hub_now();
    peer->gives_up.ring = given_up;
    if (timeout_ns != NEVER && timeout_ns < INT64_MAX - now)
        hub_timer_set(server->hub, &peer->gives_up, now + timeout_ns);
    return LOCK_PENDING;
}

int64_t lock_call(struct peer *peer, unsigned index, enum verb verb, uint64_t at)
{
    struct lock *lock = &peer->server->locks[index];
    if (verb == VERB_ACQUIRE)
        return acquire(peer, index, (int64_t)at);
    if (verb == VERB_RELEASE && lock->owner != peer)
        return CALL_NOT_OWNER;
    if (verb == VERB_CLEAR)
        lock->orphaned = false;
    pass(lock);
    return 0;
}

void lock_give_up(struct peer *peer)
{
    if (peer->waits_for < 0)
        return;
    stop_waiting(peer);
    hub_timer_stop(peer->server->hub, &peer->gives_up);
    peer->waits_for = -1;
}

void lock_part(struct peer *peer)
{
    struct server *server = peer->server;
    lock_give_up(peer);
    for (unsigned i = 0; i < OBJECTS_MAX; i++)
        if (server->locks[i].owner == peer) {
            server->locks[i].orphaned = true;
            pass(&server->locks[i]);
        }
}
