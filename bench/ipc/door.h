/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * door.h - where clients come to a manager: each is asked who it is, under a deadline, and nobody waits for another.
 *
 * Whoever knocks is a watcher of the hub like any other; it has a deadline for the whole handshake. When too many
 * knock at once, the one that has waited longest goes. Where descriptors run out, one that is kept for it turns away
 * who comes, so that a full table is no busy loop. A unix socket lets its own user in, and nobody else. */
#ifndef MUSTER_BENCH_IPC_DOOR_H
#define MUSTER_BENCH_IPC_DOOR_H

#include "bench/ipc/address.h"
#include "bench/ipc/handshake.h"
#include "bench/ipc/hub.h"

#define DOOR_DEADLINE_NS INT64_C(2000000000)
#define DOOR_KNOCKS_MOST 256

struct knock;

/* Who owns the house. */
struct doorkeeper {
    /* Whether one that knows the key gets what it asks for; fills answer->token and ->shape. *ticket is handed on. */
    enum verdict (*admit)(struct doorkeeper *, const struct ask *, struct answer *, void **ticket);
    /* It has its answer, and is the keeper's from now on; fd < 0: it went away meanwhile. */
    void (*enter)(struct doorkeeper *, const struct ask *, void *ticket, int fd);
    /* One was turned away, for people; may be NULL. */
    void (*turned_away)(struct doorkeeper *, const struct place *from, const char *why);
};

struct door {
    struct watcher watcher;
    struct hub_timer pause; /* after an accept that failed for want of memory */
    struct hub *hub;
    struct doorkeeper *keeper;
    struct key key;
    struct listener listener; /* taken over */
    int reserve;              /* a descriptor to turn the next one away with */
    struct knock *first, *last;
    unsigned knocks, knocks_most;
    int64_t deadline_ns;        /* DOOR_DEADLINE_NS; before anybody knocks it may be set to another */
    uint64_t accepted, refused; /* so far */
};

/* Takes over the listener, also when it fails. The key's bytes must stay. */
int door_open(struct door *, struct hub *, struct doorkeeper *, struct listener *, const struct key *,
              unsigned knocks_most, struct error *);
void door_close(struct door *);

#endif
