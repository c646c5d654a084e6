/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * binder.h - binds the calling thread to one processing unit, and reads back where it really is.
 *
 * Opened once, by the parent of the workers before it forks; each new process then calls binder_bind() first thing. The
 * topology behind it holds processing units only, and everything is allocated beforehand, since a strategy may fork
 * thousands of processes per second. The kernel silently ignores units that may not be used, hence the reading back. */
#ifndef MUSTER_HARNESS_BINDER_H
#define MUSTER_HARNESS_BINDER_H

#include "harness/problem.h"

struct binder;

int binder_open(struct binder **binder, struct problem *problem);
void binder_close(struct binder *binder);

/* Binds to unit `pu` (the operating system's number). Returns the unit on which the thread then runs, which is `pu`, or
 * -1: with errno EXDEV it is bound or runs elsewhere. Safe in a forked child of a single-threaded parent. */
int binder_bind(struct binder *binder, unsigned pu);

/* Lets the calling thread, which runs on unit `here`, and what it forks run on `there` as well; binder_bind(here) takes
 * it back. A fork then comes to life on `there` when that is idle. Failing is no harm: who is forked binds itself. */
void binder_widen(struct binder *binder, unsigned here, unsigned there);

#endif
