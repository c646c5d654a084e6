/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fork_pool.h - what the parts of fork-pool share: fork_pool.c is the strategy, fork_map.c maps from the parent,
 * fork_lanes.c (the parent's side) and fork_lane.c (a lane's) map by lanes, fork_apply.c does applied items,
 * fork_each.c steps, fork_enlist.c processes, and fork_changes.c what children change in objects. */
#ifndef MUSTER_BENCH_STRATEGIES_FORK_POOL_H
#define MUSTER_BENCH_STRATEGIES_FORK_POOL_H

#include "bench/ipc/fork_task.h"

#include <stdatomic.h>

enum fork_variant { FORK_PARENT, FORK_LANES };

/* Items first .. first+n-1 of the map in progress; n = 0: none. */
struct fork_range {
    uint64_t first, n;
};

/* The map in progress, where the parent forks. A chunk of which an item is lost leaves a rest behind it, which is taken
 * up before a new chunk is: so there are never more rests than workers. */
struct fork_map {
    uint64_t next;
    struct fork_range *rests;
    unsigned rest_count, flying;
};

/* Applied items that wait for a worker: a ring of setup.window tickets. */
struct fork_queue {
    unsigned *tickets;
    unsigned from, count;
    bool held; /* none is begun meanwhile */
};

/* What a child has changed in objects, in its order, beside what their states tell (fork_changes.c). */
struct fork_journal {
    unsigned char *bytes;
    size_t used, size;
    unsigned lists; /* bits of the lists whose appends are in it too */
};

struct fork_pool {
    struct fork_slots slots; /* the parent's; a lane has one of its own */
    struct fork_map map;
    struct fork_queue queue;
    /* By object, at the last fork: a counter's value, a list's length. It lies on the parent's stack, which the parent
     * writes between two forks anyway. */
    uint64_t *base;
    struct fork_journal journal; /* a child's */
    unsigned char *scratch;      /* where replayed calls put their answers */
    size_t scratch_bytes;
    struct enlisted *enlisted;   /* by process */
    struct lane_page *lane_page; /* shared with the lanes */
    struct lane_peer *lanes;     /* by worker; NULL in the other variant */
};

/* --- items (fork_map.c) ------------------------------------------------------------------------------------------ */

/* Forks a child for these items, whose result will be put at `result`. */
int fork_pool_launch(struct fork_slot *, struct pool *, struct fork_range, unsigned char *result, struct error *);
/* Whether reports of so many results may be larger than a pipe, and where they go: for fork_slots_wait(). */
bool fork_pool_bulky(const struct pool *, uint64_t items);
unsigned char *fork_pool_place(struct fork_slot *);
/* Takes note of the death of a slot's child and of what it left. False: it had not begun what it was forked for. */
bool fork_pool_died(struct pool *, struct fork_slot *, struct obituary *);
/* What a process that began `all` and died leaves for another, where its results are lost; tells the board of the
 * items that are lost. */
struct fork_range fork_pool_lost(struct pool *, const struct obituary *, struct fork_range all);
/* The item that a death is put down to, in *error too. Returns -1. */
int fork_pool_blame(const struct obituary *, struct fork_range, struct error *);

int fork_map_run(struct pool *, struct error *);

/* --- applied items (fork_apply.c) -------------------------------------------------------------------------------- */

int fork_post(struct pool *, unsigned ticket, struct error *);
int fork_turn(struct pool *, int64_t timeout_ns, struct error *);
/* The child of one has ended. */
int fork_apply_ended(struct pool *, struct fork_slot *, struct error *);
/* 1 forked for one, 0 there is none, -1. */
int fork_apply_next(struct pool *, struct fork_slot *, struct error *);
/* Waits until none runs; those that wait for a worker go on to. */
int fork_apply_hold(struct pool *, struct error *);
int fork_apply_release(struct pool *, struct error *);

/* --- steps and processes (fork_each.c, fork_enlist.c) ------------------------------------------------------------- */

int fork_each(struct pool *, struct error *);
int fork_enlist(struct pool *pool, uint32_t slot, child_main *main, void *arg, struct error *error);
int fork_discharge(struct pool *, uint32_t slot, struct error *);
int fork_enlist_open(struct pool *, struct error *);
void fork_enlist_close(struct pool *);

/* --- changes (fork_changes.c) ------------------------------------------------------------------------------------ */

int fork_create(struct object *, struct error *);
/* In the parent, just before a fork. */
void changes_base(struct pool *);
/* In a child: bytes of its changes, which it writes to `to` (NULL: it only counts them). */
size_t changes_gather(struct pool *, unsigned char *to);
/* In the parent: 1 they are merged; 0 none is, since they have no room; -1 there is no memory, or it is nonsense.
 * `bytes` are aligned to 8. */
int changes_merge(struct pool *pool, const unsigned char *bytes, size_t size, struct error *error);

/* --- lanes (fork_lanes.c, fork_lane.c) --------------------------------------------------------------------------- */

int fork_lanes_open(struct pool *, struct error *);
void fork_lanes_close(struct pool *);
/* Runs the map in progress with a lane at each worker's place. */
int fork_lanes_map(struct pool *, struct error *);

#endif
