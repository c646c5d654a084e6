/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * server.h - the process that owns objects and work, at the middle of many channels.
 *
 * In prefork-pipe it is the parent; in a manager the parent is one client more (`upstream`), from whom items come and
 * to whom results go. It hands out items within each worker's credits, so a slow worker is never buried; it reads
 * whenever there is something to read, so nobody waits for it to finish writing. A client that goes away or sends what
 * it must not is forgotten alone; a worker's items then wait for its obituary. It is served by the turns of a hub,
 * which it may share with others, and belongs to one process. */
#ifndef MUSTER_BENCH_IPC_SERVER_H
#define MUSTER_BENCH_IPC_SERVER_H

#include "bench/ipc/board.h"
#include "bench/ipc/frames.h"
#include "bench/ipc/hub.h"

#define SERVER_PATIENCE_NS INT64_C(30000000000) /* for a client that does not read its replies */

struct peer {
    struct watcher reading, writing; /* two pipes are two descriptors; a socket uses the first for both */
    struct channel channel;
    struct server *server;
    bool connected;
    bool greeted; /* a worker: it has come, and may be given work */
    bool deaf;    /* it reads no more: what it had sent is still read */
    bool waits_to_write;
    bool looping;          /* it runs the loop of pool_each(), or whoever comes in its place will */
    bool owes_each;        /* it is yet to be told so: there was no room */
    bool mourned;          /* its obituary is here, the end of its channel is not */
    bool gone;             /* a worker: the other way round */
    struct frames errands; /* handed out and not answered, the oldest first */
    unsigned posts;        /* of them that are applied items */
    uint64_t answered;     /* since it connected */
    struct obituary obituary;
    struct hub_timer stalled, burial;
    unsigned char *scratch[2]; /* large payloads of calls: what came, what goes */
    size_t scratch_bytes[2];
    bool starved; /* it waits for memory; */
    struct peer *starved_next;
    struct hub_timer hoards; /* or has some for a payload that does not come */
    size_t hoarded;
    bool owes; /* a reply that has found no room yet; nothing more is taken from it until it has */
    struct frame owed;
    const void *owed_payload;
    int waits_for;       /* the lock; -1: none */
    struct peer *behind; /* who waits next for it */
    struct hub_timer gives_up;
};

/* Memory for large calls, of all servers on a hub: whoever finds too little left waits. */
struct budget {
    uint64_t most, used;
    struct hub *hub;
    struct peer *first, *last;                          /* who waits, in turn */
    struct peer *served;                                /* whose turn it is */
    struct hub_timer bell;                              /* some was given back */
    void (*reclaim)(struct budget *, struct peer *but); /* server_reclaim() of all of them */
};

struct lock {
    struct peer *owner, *first, *last; /* NULL: free; and those who wait, in turn */
    bool orphaned;                     /* its last owner went away with it */
};

struct server {
    struct pool *pool;
    struct hub *hub;
    struct peer *peers;    /* by slot: workers, processes; then upstream; then guests */
    struct peer *upstream; /* NULL: this process is the parent itself */
    struct peer *self;     /* the parent as one who takes locks, when it is this process */
    unsigned slots, peer_count, depth, hint;
    struct budget *budget;              /* NULL: no limit; set before anybody connects */
    int64_t patience_ns;                /* SERVER_PATIENCE_NS; before anybody connects it may be set to another */
    struct map_shape order;             /* the map in progress */
    uint64_t available, next, returned; /* items: here, handed out, that are over */
    struct frames again;                /* chunks to be handed out once more, since their worker had not begun them */
    struct frames posts;                /* applied items that no worker has yet */
    struct frames outbox;               /* for upstream */
    unsigned char *post_in, *post_out;  /* of applied items, by ticket, in a manager */
    bool *posted;                       /* tickets in use, likewise */
    unsigned standing;                  /* workers that have come, and not gone */
    unsigned looping, parked_badly, cut;
    struct obituary cut_by; /* the first of `cut` workers that died in their loop */
    struct lock locks[OBJECTS_MAX];
    int64_t self_reply;
    bool leaving; /* upstream said so, or went away, or memory is short: the server can only be closed */
};

/* Upstream, where there is one, is client `pool_slots(pool)`, and guests are those behind it. pool: setup, in and out,
 * objects with their states; its board is used only where this process is the parent. */
int server_open(struct server *, struct pool *, struct hub *, bool upstream, unsigned guests, struct error *);
/* Tells everybody to leave and closes their channels. Harmless when repeated, and on one that is zeroed. */
void server_close(struct server *);

/* It is closed when all servers are. */
void budget_open(struct budget *, struct hub *, uint64_t most, void (*reclaim)(struct budget *, struct peer *but));
void budget_close(struct budget *);
/* Takes back what clients have of it for nothing but their next call. */
void server_reclaim(struct server *, const struct peer *but);

/* Takes over the descriptors, also when it fails, and makes them non-blocking. The client's place must be free: nobody
 * has come to it, or who was there has gone and been buried. */
int server_connect(struct server *, unsigned client, int in_fd, int out_fd, struct error *);
/* A free place for a guest, or -1. */
int server_guest(const struct server *);
/* Whether the client's place is free. */
bool server_free(const struct server *, unsigned client);

/* A worker or another process of the pool has ended. Takes what it had sent, then settles what it held: what it had
 * begun is lost, the rest is handed out again. The parent's own server tells the board and task_lost(); a manager's
 * tells upstream, by FRAME_LOST and FRAME_POST_LOST and, last, by FRAME_OBITUARY (object = slot, first = workers that
 * stand, n = 1 when it died in its loop). */
int server_bury(struct server *, const struct obituary *, struct error *);

/* In the parent: begins a map of which all items are here; posts an applied item; starts the loop of pool_each() in all
 * workers, and in who takes the place of one that is gone. They do not wait: a map is over when `returned` is its n, a
 * loop when `looping` is 0.
 */
int server_map(struct server *, const struct map_shape *, struct error *);
int server_post(struct server *, unsigned ticket, struct error *);
int server_each(struct server *, struct error *);

/* In the parent, when the map in progress cannot go on: tells the board which items are not over. */
void server_cancel(struct server *);

/* An operation by the process of the server itself; for a lock, call it in a turn of nobody: it takes turns, and breaks
 * the pool when it does not survive one. */
int64_t server_call(struct server *, struct object *, const struct call *);

/* Messages in flight per worker. Items: as asked, else what fills a good part of a pipe, so that both sides find work.
 * An operation on an object waits for its reply: 1. */
unsigned server_depth(const struct pool *, size_t chunk);

#endif
