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

/* What the board says is to be done. */
enum crew_command { CREW_MAP, CREW_EACH };

/* Runs in each worker, once per command. -1 ends that worker's part as failed. */
typedef int crew_fn(struct worker *, enum crew_command);

struct crew_page;

struct crew {
    struct pool *pool;
    struct crew_page *page;
    crew_fn *run;
};

int crew_open(struct crew *, struct pool *, crew_fn *, struct error *);
int crew_start(struct crew *, struct error *);
/* Has every worker run the command; returns when all have, or -1 when one failed or died. */
int crew_command(struct crew *, enum crew_command, struct error *);
/* Has them leave, and reaps them. */
int crew_stop(struct crew *, int64_t grace_ns, struct error *);
void crew_close(struct crew *);

#endif
