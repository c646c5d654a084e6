/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * server_parts.h - what the parts of a server have of each other: server.c the channels, server_map.c items,
 * server_bury.c deaths, server_calls.c operations on objects, server_locks.c locks.
 *
 * Functions that handle a frame return -1 and errno when its sender must be forgotten: EPROTO, or ENOMEM. */
#ifndef MUSTER_BENCH_IPC_SERVER_PARTS_H
#define MUSTER_BENCH_IPC_SERVER_PARTS_H

#include "bench/ipc/server.h"

static inline unsigned peer_index(const struct peer *peer)
{
    return (unsigned)(peer - peer->server->peers);
}

static inline bool peer_is_worker(const struct peer *peer)
{
    return peer_index(peer) < peer->server->pool->setup.workers;
}

/* --- server.c ---------------------------------------------------------------------------------------------------- */

/* Sends what the client takes now; the rest when it reads on. One that is gone is deaf from then on. */
void peer_send(struct peer *);
/* Takes nothing more from it until its reply has gone. */
void peer_hold(struct peer *);
/* Closes its channel and lets go of its locks. What it held waits for its obituary. */
void peer_part(struct peer *);
/* Reads to the end of its channel, or to where there is nothing more; true: to the end. */
bool peer_drain(struct peer *);
/* It is read from again, once what it is owed has gone: what had come meanwhile is taken. */
void peer_let_go(struct peer *);
/* What the server itself cannot do without has failed: in a manager this session is over, in the parent the turn. */
void server_fail(struct server *);

/* --- server_scratch.c -------------------------------------------------------------------------------------------- */

#define SCRATCH_OWN ((size_t)16 << 10) /* bytes each way of every client, which no budget counts */

/* Whether there can ever be memory for such a call, both ways. */
bool peer_may_reserve(const struct peer *, size_t in, size_t out);
/* That memory: 0; 1: not now, it is held and will be served again; -1 and errno. */
int peer_reserve(struct peer *, size_t in, size_t out);
/* What was reserved, or of SCRATCH_OWN. */
unsigned char *peer_scratch(struct peer *, int which, size_t bytes);
void peer_scratch_trim(struct peer *, int which);
/* All of it. */
void peer_scratch_leave(struct peer *);
/* A payload of so many bytes is to come. */
void peer_scratch_watch(struct peer *, size_t bytes);

/* --- server_map.c ------------------------------------------------------------------------------------------------ */

void *map_place(struct peer *, const struct frame *);
/* FRAME_RESULT, FRAME_POSTED, FRAME_TASK, FRAME_POST, FRAME_MAP. */
int map_took(struct peer *, const struct frame *, const void *payload);
/* Fills a worker's credits. */
void map_deal(struct server *, struct peer *);
void map_deal_all(struct server *);
void map_send(struct server *, const struct frame *); /* to upstream, when there is room */
void map_pass_on(struct server *);
const void *map_post_input(const struct server *, uint64_t ticket);
int each_begin(struct server *);
void each_tell(struct peer *); /* when there is room, as soon as there is */

/* --- server_bury.c ----------------------------------------------------------------------------------------------- */

/* The channel of one that is mourned has ended. */
void bury_settle(struct peer *);
/* FRAME_OBITUARY of upstream. */
int bury_took(struct server *, const struct frame *, const void *payload);
void bury_late(struct hub_timer *);

/* --- server_calls.c ---------------------------------------------------------------------------------------------- */

/* Where a large payload goes. */
void *call_place(struct peer *, const struct frame *);
int call_took(struct peer *, const struct frame *, const void *payload);
/* A reply that finds no room is owed. */
void call_reply(struct peer *, int64_t first, const void *payload, size_t bytes);

/* --- server_locks.c ---------------------------------------------------------------------------------------------- */

#define LOCK_PENDING INT64_MIN /* the answer comes later */

int64_t lock_call(struct peer *, unsigned index, enum verb, uint64_t at);
void lock_part(struct peer *);    /* lets go of all, waits for none */
void lock_give_up(struct peer *); /* waits for none */

#endif
