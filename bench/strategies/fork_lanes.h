/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fork_lanes.h - what a lane (fork_lane.c) and the parent (fork_lanes.c) know of each other.
 *
 * A lane takes chunks from a shared counter, and before it forks for one it logs which, so that after its death the
 * parent knows what it held. A lane whose child dies sends on what it has, tells of the death, and leaves: so to the
 * parent the death of a child and the death of its lane are one and the same. */
#ifndef MUSTER_BENCH_STRATEGIES_FORK_LANES_H
#define MUSTER_BENCH_STRATEGIES_FORK_LANES_H

#include "bench/ipc/channel.h"
#include "bench/ipc/memory.h"
#include "bench/strategies/fork_pool.h"

/* A lane's own, on lines of its own. The range that it forked for last is range[launches % 2]; it is written before it
 * is counted. */
struct lane_log {
    _Alignas(LINE_APART) _Atomic uint64_t launches;
    _Atomic uint64_t first[2], n[2];
};

/* Who has a chunk: nobody yet, a lane (its slot + 1), or nobody any more. */
#define CHUNK_FREE 0
#define CHUNK_OVER UINT16_MAX

struct lane_page {
    _Alignas(LINE_APART) _Atomic uint64_t next; /* the next item that no lane has taken */
    struct lane_log logs[];                     /* by worker; behind them, of each chunk who has it */
};

static inline _Atomic uint16_t *lane_holders(const struct pool *pool, struct lane_page *page)
{
    return (_Atomic uint16_t *)&page->logs[pool->setup.workers];
}

/* What a lane is told; it lies on the parent's stack. */
struct lane_birth {
    int ends[2];           /* of its pipe */
    struct fork_range own; /* logged already: to be run first; n = 0: none */
};

/* The payload of a lane's FRAME_OBITUARY. */
struct lane_death {
    int32_t pid, status;
};

int fork_lane_main(struct worker *, void *birth);

#endif
