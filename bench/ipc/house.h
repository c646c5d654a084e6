/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * house.h - a manager: a door, and the sessions of those who came in.
 *
 * It is the same whether a pool keeps it for itself or it serves by an address. One process, one house. */
#ifndef MUSTER_BENCH_IPC_HOUSE_H
#define MUSTER_BENCH_IPC_HOUSE_H

#include "bench/ipc/door.h"
#include "bench/ipc/session.h"

struct house_limits {
    uint64_t bytes; /* of all sessions together, with the calls of their clients */
    unsigned sessions, knocks;
    int64_t door_ns; /* for a handshake; 0: DOOR_DEADLINE_NS */
    bool single;     /* it serves one session, and is over with it */
};

struct house {
    struct doorkeeper keeper;
    struct hub hub;
    struct door door;
    struct house_limits limits;
    struct session *sessions;
    unsigned count;
    uint64_t bytes;       /* of all sessions now, and the budget */
    struct budget budget; /* of their clients' large calls, a part of what the house may have */
    bool over;
    /* Tells people that one was turned away, in a line; may be NULL. */
    void (*told)(const char *line);
};

/* For a manager that serves by address: half of this machine's memory. */
struct house_limits house_limits_usual(void);

/* Takes over the listener, also when it fails; the key's bytes must stay. */
int house_open(struct house *, struct listener *, const struct key *, const struct house_limits *, struct error *);
/* Waits at most timeout_ms and serves whatever came. */
int house_turn(struct house *, int timeout_ms, struct error *);
void house_close(struct house *);

#endif
