/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * server.h - the process that owns objects and work, at the middle of many channels.
 *
 * In prefork-pipe it is the parent, in manager-socket a process of its own, to which the parent is one client more
 * (`upstream`), from whom tasks come and to whom results go. It hands out tasks within each worker's credits, so a slow
 * worker is never buried; it reads whenever there is something to read, so nobody waits for it to finish writing. */
#ifndef MUSTER_BENCH_IPC_SERVER_H
#define MUSTER_BENCH_IPC_SERVER_H

#include "bench/ipc/channel.h"
#include "bench/ipc/wait.h"
#include "bench/strategy.h"

struct peer {
    struct channel channel;
    struct server *server;
    bool connected, waits_to_write;
    unsigned in_flight;        /* tasks sent whose results have not come */
    unsigned char *scratch[2]; /* large payloads of calls: what came, what goes */
    size_t scratch_bytes[2];
};

struct server {
    struct pool *pool;
    struct peer *peers; /* one per worker, by slot; then upstream */
    unsigned workers;
    struct peer *upstream; /* NULL: this process is the parent itself */
    int epoll;
    struct patience patience;
    unsigned depth;
    struct map_shape order;             /* the map in progress */
    uint64_t available, next, returned; /* items: here, handed out, whose results are here */
    uint64_t *finished;                 /* first items of results that wait for room upstream */
    size_t finished_from, finished_to, finished_most;
    unsigned greeted; /* workers that have come */
    unsigned parked, parked_badly;
    bool leaving;        /* upstream said so, or went away */
    struct error *error; /* where a turn that fails says why */
};

/* `clients` is workers, and one more where the parent is a client. */
int server_open(struct server *, struct pool *, bool upstream, struct error *);
void server_close(struct server *);
/* Takes over the descriptors of a client and makes them non-blocking. */
int server_connect(struct server *, unsigned client, int in_fd, int out_fd, struct error *);

/* Begins a map of which all items are here already. */
int server_map(struct server *, const struct map_shape *, struct error *);
/* Puts a frame to every worker. */
int server_tell_all(struct server *, const struct frame *, const void *payload, struct error *);
/* Waits at most timeout_ms and serves whatever came. 0, or -1 with *error: a client is gone or sent nonsense. */
int server_turn(struct server *, int timeout_ms, struct error *);

/* Messages in flight per worker. Tasks: as asked, else what fills a good part of a pipe, so that both sides find work.
 * An operation on an object waits for its reply: 1. */
unsigned server_depth(const struct pool *, size_t chunk);

#endif
