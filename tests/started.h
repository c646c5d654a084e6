/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * started.h - what tests of processes share: starting one that must start, joining one that must end, and some that do
 * little. */
#ifndef MUSTER_TESTS_STARTED_H
#define MUSTER_TESTS_STARTED_H

#include "bench/multiprocessing.h"

#define MS      INT64_C(1000000)
#define SOON_NS (1000 * MS) /* for what takes a moment, on a machine that is busy */

/* Without a pool. */
struct process *started(process_fn *fn, void *arg);
/* Its exit code; it is freed. */
int joined(struct process *);
/* A call that must have failed with this code, and a text. */
void expect_code(int result, const struct error *, enum error_code);

/* Until a signal ends it; and: at once, with *(int *)arg. */
process_fn sleeping, returning;

#endif
