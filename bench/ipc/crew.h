/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * crew.h - standing workers commanded through a shared page: one counter that goes up, one that goes down to zero.
 *
 * The parent writes a command and raises `epoch`; every worker runs it and takes itself off `running`; the last one
 * wakes the parent. Both sides look a few times before they sleep on a futex: long enough to catch a command that
 * follows at once, short enough to cost nothing where parent and worker share a processing unit. */
#ifndef MUSTER_BENCH_IPC_CREW_H
#define MUSTER_BENCH_IPC_CREW_H

#include "bench/ipc/child.h"

#include <stdatomic.h>

struct crew_command {
    step_fn *step; /* not NULL: run the loop of pool_each() */
    items_fn *fn;  /* else a map */
    uint64_t argument;
    size_t n, chunk;
};

/* Runs in each worker, once per command. -1 ends that worker's part as failed. */
typedef int crew_fn(struct worker *, const struct crew_command *);

struct crew_page;

struct crew {
    struct pool *pool;
    struct crew_page *page;
    struct child *children;
    crew_fn *run;
};

int crew_open(struct crew *, struct pool *, crew_fn *, struct error *);
int crew_start(struct crew *, struct error *);
/* Has every worker run the command; returns when all have, or -1 when one failed or died. */
int crew_command(struct crew *, const struct crew_command *, struct error *);
int crew_close(struct crew *, int64_t grace_ns, struct error *);

#endif
