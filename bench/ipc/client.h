/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * client.h - the other end of a server's channel: a worker that runs what it is sent, or the parent of a manager.
 *
 * A client makes one call at a time and waits for its reply. */
#ifndef MUSTER_BENCH_IPC_CLIENT_H
#define MUSTER_BENCH_IPC_CLIENT_H

#include "bench/ipc/channel.h"
#include "bench/ipc/wait.h"
#include "bench/strategy.h"

struct client {
    struct channel channel;
    struct worker *worker;
    struct patience patience;
    unsigned char *in, *out; /* a large chunk and its results, a worker's */
    size_t in_bytes, out_bytes;
    void *reply_into; /* of the call in progress */
    size_t reply_most;
    int64_t reply;
    bool waiting;
    bool greeted; /* the parent: all workers are there */
    bool leaving;
    uint64_t returned; /* the parent's: items whose results are here */
    unsigned parked, parked_badly;
};

/* Takes over the descriptors and makes them non-blocking. */
int client_open(struct client *, struct worker *, int in_fd, int out_fd, struct error *);
void client_close(struct client *);

/* A worker's life: runs tasks and loops until told to leave or the server goes away. Returns its exit status. */
int client_serve(struct client *);

/* An operation on an object: sends it, waits for the reply. As call_fn says. */
int64_t client_call(struct client *, struct object *, const struct call *);

/* The parent of a manager: one read, waiting at most timeout_ms; -1 when the manager is gone. */
int client_turn(struct client *, int timeout_ms);

#endif
