/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * manager_socket.h - what the parts of the manager strategy have of each other: manager_socket.c the manager and the
 * work, manager_staff.c the processes that are its clients. */
#ifndef MUSTER_BENCH_STRATEGIES_MANAGER_SOCKET_H
#define MUSTER_BENCH_STRATEGIES_MANAGER_SOCKET_H

#include "bench/ipc/child.h"
#include "bench/ipc/client.h"
#include "bench/ipc/reach.h"
#include "bench/ipc/server.h"

#define STAFF_TICK_MS 20 /* how often the waiting parent looks after its children */
#define OWN_KEY_BYTES 32
#define OWN_DOOR_NS                                                                                                    \
    INT64_C(30000000000)            /* at the pool's own manager who knocks is a child that a busy machine starves */
#define HUNG_NS INT64_C(2000000000) /* beyond a lock's own timeout: then the manager hangs */

/* Obituaries that found no room yet, the oldest first. */
struct graves {
    struct obituary *at;
    size_t count, most;
};

struct manager {
    struct reach reach;
    struct manager_at at;     /* what setup.manager points at, where there is one */
    struct listener listener; /* of the pool's own manager, until that is forked */
    unsigned char key[KEY_MOST];
    char session[SESSION_NAME];
    unsigned char token[TOKEN_BYTES]; /* of the session */
    struct shape shape;               /* likewise, as a guest is told it */
    struct client client;             /* this process's end */
    struct frames unsent;             /* applied items that found no room yet */
    struct graves graves;
    bool *buried;    /* by slot: its worker has ended, and a new one is to come */
    bool any_buried; /* some are */
    bool complete;   /* all workers have come once */
    int64_t looked;  /* when the parent last looked after its children */
};

/* In the parent. */

/* Forks a worker, which then enters the session. */
int staff_spawn(struct pool *, unsigned slot, struct error *);
/* Until all workers stand. */
int staff_await(struct pool *, struct error *);
/* One turn: sends, reads, looks after the workers. -1 when the pool does not survive what it found. */
int staff_turn(struct pool *, int timeout_ms, struct error *);
/* Sends what waits for room, as far as there is some. */
int staff_send(struct pool *, struct error *);
/* As the strategy's. */
int staff_enlist(struct pool *pool, uint32_t slot, child_main *main, void *arg, struct error *error);
int staff_discharge(struct pool *, uint32_t slot, struct error *);

#endif
