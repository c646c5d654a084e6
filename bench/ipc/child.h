/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * child.h - child processes: born bound to their place, dead with their parent, reaped under a deadline.
 *
 * The only place in bench/ that forks, and the only one that leaves a process. A child is known by its pidfd, so that a
 * recycled pid is never hit. A standing child's first error is written on the pool's board, which its
 * parent reads when it learns of the death. */
#ifndef MUSTER_BENCH_IPC_CHILD_H
#define MUSTER_BENCH_IPC_CHILD_H

#include "bench/ipc/board.h"

/* Forks. The child asks to die with its parent, checks that the parent has not died meanwhile, calls hooks.born, runs
 * `main` and leaves by _exit. */
int child_spawn(struct child *, struct pool *, uint32_t slot, child_main *main, void *arg, struct error *);
/* The same for a child that runs one task and ends. Others, forked meanwhile, keep its pidfd: entering it in
 * ipc/descriptors.h would cost each such child's parent two page faults. */
int child_spawn_brief(struct child *, struct pool *, uint32_t slot, child_main *main, void *arg, struct error *);

/* Forks a process without a pool, which runs `main` and leaves by _exit with what that returns. It dies with its
 * parent, unless it `outlives` it. */
int child_fork(struct child *, bool outlives, int (*main)(void *arg), void *arg, struct error *);

/* Whether it has ended; then its status is in *status and the child is forgotten. Never waits. */
bool child_ended(struct child *, int *status);

/* Waits for it without limit: for children that are known to be leaving. */
int child_wait(struct child *, int *status);

/* Fills *error with what became of it: the fault that it reported, else its status. Returns -1. */
int child_report(const struct pool *, uint32_t slot, pid_t, int status, struct error *);

/* A channel broke, as *broken says: fills *error with which of the workers and the service died, a moment later at
 * most, or else with *broken. Of several the one is named that a signal ended, since the others left for want of it.
 * Who has died is reaped; processes beside the workers are left to their handles. Returns -1. */
int children_blame(struct pool *, const struct error *broken, struct error *error);

/* Waits until all n have ended, at most grace_ns altogether, then kills and reaps the rest. -1 with *error when one had
 * to be killed or ended with a status other than 0. Children that are forgotten already are passed over. */
int children_reap(struct child *, unsigned n, int64_t grace_ns, const struct pool *, struct error *);

/* The same for the workers and the service of a pool that were told to leave; but of a worker that had died, or dies
 * now, pool_survives() says whether that is an error. */
int children_leave(struct pool *, int64_t grace_ns, struct error *);

/* Forks a child that leaves at once, and waits for it: what a process costs at least. */
int child_empty(struct error *);

/* The next of the workers and the service that has ended, reaped and taken off the roster: *what says what it left.
 * Never waits. False: none. */
bool children_next_ended(struct pool *, struct obituary *what);

/* Counts the end of a worker, and says whether the pool goes on without it: 0, or -1 with *error naming the dead. A
 * worker that retired always may. */
int pool_survives(struct pool *, const struct obituary *, struct error *);

#endif
