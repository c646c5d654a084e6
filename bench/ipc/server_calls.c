/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * server_calls.c - operations on objects: checked, done, answered.
 *
 * Small answers are made where they will be sent from. A value that stays what it is where it lies is sent from there,
 * any other large one from a copy. */
#include "bench/ipc/object.h"
#include "bench/ipc/server_parts.h"

#include <string.h>

static bool call_makes_sense(const struct server *server, const struct frame *call)
{
    if (call->object >= server->pool->object_count)
        return false;
    const struct object *object = &server->pool->objects[call->object];
    enum verb verb = call->verb;
    if (!call_possible(object, verb, call->n) || call->bytes != call_in_bytes(object, verb, call->n))
        return false;
    if (server->upstream && !call_managed(object, verb, call->n))
        return false;
    /* More than ever fits is not even taken in: who asks for it asks for the memory, too. */
    return verb != VERB_APPEND || call->n <= object->capacity;
}

/* All that it needs at once, so that it never has a part and waits for the rest. */
void *call_place(struct peer *peer, const struct frame *call)
{
    if (!call_makes_sense(peer->server, call))
        return NULL;
    const size_t out = call_out_most(&peer->server->pool->objects[call->object], call->verb, call->n);
    if (!peer_may_reserve(peer, call->bytes, out) || peer_reserve(peer, call->bytes, out))
        return NULL;
    peer_scratch_watch(peer, call->bytes);
    return peer->scratch[0];
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

/* A small one goes from where it was made, which is used again; a large one stays where it is. */
static int keep_owed(struct peer *peer)
{
    unsigned char *copy = peer_scratch(peer, 1, peer->owed.bytes);
    if (!copy)
        return -1;
    peer->owed_payload = memcpy(copy, peer->owed_payload, peer->owed.bytes);
    return 0;
}

void call_reply(struct peer *peer, int64_t first, const void *payload, size_t bytes)
{
    const struct frame reply = {.bytes = (uint32_t)bytes, .kind = FRAME_REPLY, .first = (uint64_t)first};
    struct channel *ch = &peer->channel;
    if (peer->deaf)
        return;
    if (!channel_room(ch, bytes))
        peer_send(peer);
    if (channel_room(ch, bytes)) {
        channel_put(ch, &reply, payload);
        return;
    }
    peer->owes = true;
    peer->owed = reply;
    peer->owed_payload = payload;
    if (bytes == 0 || bytes > CHANNEL_SMALL || payload == peer->scratch[1] || keep_owed(peer) == 0)
        peer_hold(peer);
    else
        peer_part(peer);
}

/* A large answer goes on its way at once; until it has gone its memory is not to be used again. */
static void reply_large(struct peer *peer, int64_t first, const void *payload, size_t bytes)
{
    call_reply(peer, first, payload, bytes);
    if (!peer->owes && !peer->deaf)
        peer_send(peer);
    if (channel_bulk(&peer->channel))
        peer_hold(peer);
    else if (!peer->owes)
        peer_scratch_trim(peer, 1);
}

#define ANSWERED 2

/* As peer_reserve(), or ANSWERED when it cannot be at all. */
static int reserve(struct peer *peer, size_t in, size_t out)
{
    if ((!peer->server->upstream || out <= CALL_MANAGED_BYTES) && peer_may_reserve(peer, in, out))
        return peer_reserve(peer, in, out);
    call_reply(peer, CALL_LARGE, NULL, 0);
    return ANSWERED;
}

static int reply_value(struct peer *peer, const struct object *object, uint64_t most)
{
    const struct object_value value = object_value(object, most);
    const void *at = value.at;
    if (value.bytes <= CHANNEL_SMALL) {
        call_reply(peer, (int64_t)value.bytes, at, value.bytes);
        return 0;
    }
    if (!value.stays) {
        int got = reserve(peer, 0, value.bytes);
        if (got)
            return got == ANSWERED ? 0 : got;
        at = memcpy(peer_scratch(peer, 1, value.bytes), at, value.bytes);
    }
    reply_large(peer, (int64_t)value.bytes, at, value.bytes);
    return 0;
}

static int reply_small(struct peer *peer, struct object *object, struct call *call, size_t most)
{
    struct channel *ch = &peer->channel;
    call->out = channel_next_space(ch);
    if (object->kind == OBJECT_DICT && call->verb == VERB_GET)
        memset(call->out, 0, most);
    int64_t got = object_apply(object, call);
    struct frame reply = {.kind = FRAME_REPLY, .first = (uint64_t)got};
    reply.bytes = (uint32_t)call_out_bytes(object, call->verb, call->n, got);
    channel_put_space(ch, &reply);
    return 0;
}

/* Of what it may come to, what it can come to now. */
static size_t out_now(struct object *object, const struct call *call)
{
    const size_t most = call_out_most(object, call->verb, call->n);
    if (call->verb != VERB_KEYS)
        return most;
    const int64_t keys = object_apply(object, &(struct call){.verb = VERB_LENGTH});
    return most / object->key_size < (uint64_t)keys ? most : (uint64_t)keys * object->key_size;
}

static int reply_any(struct peer *peer, struct object *object, struct call *call, size_t in, size_t most)
{
    int ready = reserve(peer, in, most);
    if (ready)
        return ready == ANSWERED ? 0 : ready;
    call->out = peer->scratch[1];
    if (object->kind == OBJECT_DICT && call->verb == VERB_GET)
        memset(call->out, 0, most);
    int64_t got = object_apply(object, call);
    reply_large(peer, got, call->out, call_out_bytes(object, call->verb, call->n, got));
    return 0;
}

/* --- what comes -------------------------------------------------------------------------------------------------- */

int call_took(struct peer *peer, const struct frame *frame, const void *payload)
{
    struct server *server = peer->server;
    /* Each waits for its reply before its next one. */
    if (!call_makes_sense(server, frame) || peer->waits_for >= 0)
        return channel_refuse();
    struct object *object = &server->pool->objects[frame->object];
    struct call call = {.verb = frame->verb, .at = frame->first, .in = payload, .n = frame->n};
    if (object->kind == OBJECT_LOCK) {
        int64_t got = lock_call(peer, frame->object, call.verb, call.at);
        if (got != LOCK_PENDING)
            call_reply(peer, got, NULL, 0);
        return 0;
    }
    if (call.verb == VERB_READ)
        return reply_value(peer, object, call.n);
    const size_t in = frame->bytes > CHANNEL_SMALL ? frame->bytes : 0, most = out_now(object, &call);
    int took = most <= CHANNEL_SMALL && channel_room(&peer->channel, most) ? reply_small(peer, object, &call, most)
                                                                           : reply_any(peer, object, &call, in, most);
    if (in > 0 && took == 0)
        peer_scratch_trim(peer, 0);
    return took;
}

/* A pool that is broken serves nobody any more, who might let go of the lock. What breaks it meanwhile may have brought
 * the lock, too. */
static int64_t await_lock(struct server *server)
{
    struct pool *pool = server->pool;
    struct peer *self = server->self;
    struct error why = {.code = ERROR_NONE};
    while (self->waits_for >= 0 && pool->pool_state != POOL_BROKEN)
        if (hub_turn(server->hub, -1, &why)) {
            pool_break(pool, &why);
            break;
        }
    if (self->waits_for < 0)
        return server->self_reply;
    lock_give_up(self);
    return CALL_BROKEN;
}

static int64_t call_lock_here(struct server *server, struct object *object, const struct call *call)
{
    struct peer *self = server->self;
    if (!self)
        return CALL_BROKEN;
    if (self->waits_for >= 0)
        return CALL_DEADLOCK;
    int64_t got = lock_call(self, object->index, call->verb, call->at);
    return got == LOCK_PENDING ? await_lock(server) : got;
}

int64_t server_call(struct server *server, struct object *object, const struct call *call)
{
    if (object->kind == OBJECT_LOCK && call_possible(object, call->verb, call->n))
        return call_lock_here(server, object, call);
    return object_apply(object, call);
}
