/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * child.h - child processes: born bound to their place, dead with their parent, reaped under a deadline.
 *
 * The only place in bench/ that forks, and the only one that leaves a process. A child is known by its pidfd, so that a
 * recycled pid is never hit. A standing child's first error is written into the pool's fault page, which its
 * parent reads when it learns of the death. */
#ifndef MUSTER_BENCH_IPC_CHILD_H
#define MUSTER_BENCH_IPC_CHILD_H

#include "bench/strategy.h"

struct child {
    pid_t pid; /* 0: none */
    int pidfd; /* readable once it has ended */
    uint32_t slot;
};

/* Runs in the child after the born hook; its return value becomes the exit status (0: fine). */
typedef int child_main(struct worker *, void *arg);

/* Forks. The child asks to die with its parent, checks that the parent has not died meanwhile, calls hooks.born, runs
 * `main` and leaves by _exit. */
int child_spawn(struct child *, struct pool *, uint32_t slot, child_main *main, void *arg, struct error *);

/* Whether it has ended; then its status is in *status and the child is forgotten. Never waits. */
bool child_ended(struct child *, int *status);

/* Waits for it without limit: for children that are known to be leaving. */
int child_wait(struct child *, int *status);

/* Fills *error with what became of it: the fault that it reported, else its status. Returns -1. */
int child_report(const struct pool *, uint32_t slot, pid_t, int status, struct error *);

/* -1 with *error when one of n standing children has ended, which none should. Of several the one is named that a
 * signal ended, since the others left for want of it. */
int children_alive(struct child *, unsigned n, const struct pool *, struct error *);

/* A channel broke, as *broken says: fills *error with who died, a moment later at most, or else with *broken. Returns
 * -1.
 */
int children_blame(struct child *, unsigned n, const struct pool *, const struct error *broken, struct error *error);

/* Waits until all n have ended, at most grace_ns altogether, then kills and reaps the rest. -1 with *error when one had
 * to be killed or ended with a status other than 0. Children that are forgotten already are passed over. */
int children_reap(struct child *, unsigned n, int64_t grace_ns, const struct pool *, struct error *);

/* Forks a child that leaves at once, and waits for it: what a process costs at least. */
int child_empty(struct error *);

/* Called in a child: leaves the error for the parent to find; the first one stays. */
void child_fault(struct pool *, const struct error *);

#endif
