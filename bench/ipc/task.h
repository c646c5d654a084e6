/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * task.h - applied items as strategies see them: a ticket below setup.window, an input, a place for the result.
 *
 * The function, its argument and, later, why it failed are on the board (struct posting). All of this is called in the
 * parent; a ticket is the strategy's from post() until it says how it ended, once. */
#ifndef MUSTER_BENCH_IPC_TASK_H
#define MUSTER_BENCH_IPC_TASK_H

#include "bench/strategy.h"

/* in_size bytes, there until the item is over; in a pool that breaks, until stop() returns. */
const void *task_input(const struct pool *, unsigned ticket);
/* out_size bytes, where its result goes before task_over(). */
void *task_output(struct pool *, unsigned ticket);
/* It is done, or it failed, as its posting says. */
void task_over(struct pool *, unsigned ticket, bool failed);
/* Its worker died with it. */
void task_lost(struct pool *, unsigned ticket, pid_t, int status);
/* Whether any is posted and not over. */
bool tasks_pending(const struct pool *);
/* Everything that is not over: the pool was terminated, or broke, and `why`, which may be NULL. What the strategy was
 * sending of it may still be read until tasks_return(), which is said when the strategy has stopped. */
void tasks_cancel(struct pool *, const struct error *why);
void tasks_return(struct pool *);
/* One turn of the strategy; then the callers of what is over are told, so that they never run inside a strategy and may
 * use the pool. -1: the pool broke. */
int tasks_serve(struct pool *, int64_t timeout_ns, struct error *);
void tasks_tell(struct pool *);

#endif
