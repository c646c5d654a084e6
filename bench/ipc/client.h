/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * client.h - the other end of a server's channel: a worker that runs what it is sent, or the parent of a manager.
 *
 * A client makes one call at a time and waits for its reply. A worker runs what comes one after the other, and with
 * setup.recycle leaves by itself. The parent's end takes results and obituaries' answers (multiprocessing.h's outcomes
 * are told to the board and to the applied items' handles). */
#ifndef MUSTER_BENCH_IPC_CLIENT_H
#define MUSTER_BENCH_IPC_CLIENT_H

#include "bench/ipc/board.h"
#include "bench/ipc/channel.h"
#include "bench/ipc/wait.h"
#include "bench/strategy.h"

struct client {
    struct channel channel;
    struct worker *worker;
    struct patience patience;
    unsigned char *in, *out; /* a large chunk and its results, a worker's */
    size_t in_bytes, out_bytes;
    const struct object *asked; /* of the call in progress: its object, */
    enum verb verb;
    uint64_t asked_n;
    void *reply_into; /* and where the reply goes */
    size_t reply_most;
    int64_t reply;
    bool waiting;
    int64_t grace_ns; /* a server that has not replied so long after a call's own timeout hangs; 0: it may be busy */
    bool managed;     /* the server is a manager: a call is as call_managed() has it */
    int64_t gives_up; /* when that is of the call in progress, monotonic ns; 0: never */
    bool broken;      /* the server is gone, or sent nonsense */
    bool leaving;
    /* The parent's: */
    bool greeted;      /* all workers are there */
    unsigned standing; /* so many are, as far as the manager has told */
    uint64_t returned; /* items that are over */
    unsigned looping;  /* workers in the loop of pool_each(): the caller sets it when it begins one */
    unsigned parked, parked_badly, cut;
    struct obituary cut_by; /* the first of `cut` workers that died in their loop */
    struct obituary *dead;  /* by slot, the last that was sent; NULL: none yet */
    unsigned burials;       /* sent and not answered */
    bool *posted;           /* by ticket: the manager was handed it, and has not told its end; NULL: none yet */
};

/* Takes over the descriptors, also when it fails, and makes them non-blocking. */
int client_open(struct client *, struct worker *, int in_fd, int out_fd, struct error *);
void client_close(struct client *);

/* A worker's life: runs tasks and loops until told to leave or the server goes away. Returns its exit status. */
int client_serve(struct client *);

/* An operation on an object: sends it, waits for the reply. As call_fn says: when the server goes away meanwhile,
 * CALL_UNKNOWN if it may have been done and changes something, else CALL_BROKEN. Not while another is in progress,
 * nor from an items function, since behind it more items may stand in the channel: CALL_MISUSED. */
int64_t client_call(struct client *, struct object *, const struct call *);

/* The parent of a manager: sends what is gathered, and reads once, waiting at most timeout_ms: 1 something came, 0
 * nothing did, -1 the manager is gone or sends nonsense. */
int client_turn(struct client *, int timeout_ms);
/* Gathers a frame: 1, 0 there is no room (take a turn), -1 the manager is gone. */
int client_put(struct client *, const struct frame *, const void *payload);
/* The same for an applied item, of which nothing is believed before it has left whole. */
int client_post(struct client *, unsigned ticket);
/* The same for the obituary of a worker or process. The place of the dead is free again when `burials` is 0. */
int client_mourn(struct client *, const struct obituary *);

#endif
