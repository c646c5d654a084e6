/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fork_pool.h - what the two ways of fork-pool share: fork_pool.c, where the parent forks, and fork_lanes.c. */
#ifndef MUSTER_BENCH_STRATEGIES_FORK_POOL_H
#define MUSTER_BENCH_STRATEGIES_FORK_POOL_H

#include "bench/ipc/channel.h"
#include "bench/ipc/fork_task.h"

#include <stdatomic.h>

enum fork_variant { FORK_PARENT, FORK_LANES };

struct fork_pool {
    struct fork_slots slots;     /* the parent's; a lane has one of its own */
    _Atomic uint64_t *lane_next; /* shared: the next item that no lane has taken */
    struct child *lanes;
    struct channel *from_lanes;
};

/* Forks a child for the chunk at `first`, whose result will be put at `result`. */
int fork_pool_launch(struct fork_slot *, struct pool *, uint64_t first, unsigned char *result, struct error *);
/* Whether results may be larger than a pipe, and where they go: for fork_slots_wait(). */
bool fork_pool_bulky(const struct pool *);
unsigned char *fork_pool_place(struct fork_slot *);

/* Runs the map in progress with a lane at each worker's place. */
int fork_lanes_map(struct pool *, struct error *);

#endif
