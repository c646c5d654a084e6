/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * record.h - from a trial's answers to the results: appending a trial to its cell, and failing a cell. */
#ifndef MUSTER_HARNESS_RECORD_H
#define MUSTER_HARNESS_RECORD_H

#include "harness/protocol.h"
#include "reports/results.h"

/* What the driver knows of a trial beside its answer. */
struct occasion {
    unsigned block;
    double started_s, elapsed_s;
    double wake_before_ns, wake_after_ns;
    double steal_s, foreign_s;
};

/* The answer as a trial, which takes over its arrays. */
struct trial record_take(struct answer *, const struct occasion *);

/* Appends; takes over the answer's arrays. A proof that does not hold fails the cell, unless its variant is incorrect
 * by design. -1 when memory is short. */
int record_trial(struct cell *, struct answer *, const struct occasion *, bool incorrect);
/* Adds a trial's times to those of all its cell's trials, *all (NULL at first; the caller's to free), and says in the
 * cell what they amount to. -1 when memory is short. */
int record_times(struct cell *, struct histogram **all, const struct histogram *trial);
void record_failure(struct cell *, enum cell_status, const char *why);

#endif
