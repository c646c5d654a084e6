/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * process.h - what a pool must know of the processes that were started in it. All in the process that opened it. */
#ifndef MUSTER_BENCH_PROCESS_H
#define MUSTER_BENCH_PROCESS_H

#include "bench/strategy.h"

/* Whether one of them still runs. Never waits. */
bool processes_running(struct pool *);

/* SIGTERM to each that still runs, SIGKILL at the deadline (ipc/deadline.h); reaps and discharges all of them, and lets
 * go of their handles, which stay good. Before the strategy's stop(). */
void processes_end(struct pool *, int64_t deadline);

#endif
