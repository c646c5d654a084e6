/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * calibrate.h - from a recording of one build against itself to what a gate can do on this machine.
 *
 * The gate that is replayed has the pilot, the plan of blocks and the second measurement that `muster duet` would have
 * within the same time, at the pace of the recording; in a short recording wild cells get fewer blocks than live.
 * Spoiled blocks are among those that are planned, where live ones are made up for: what is promised is rather too
 * little. Not replayed is how the blocks lie in time (see reports/replay.h): that only live gates show. */
#ifndef MUSTER_HARNESS_CALIBRATE_H
#define MUSTER_HARNESS_CALIBRATE_H

#include "harness/problem.h"
#include "reports/calibration.h"
#include "reports/duet.h"
#include "reports/verdict.h"

/* Fills all of *calibration but what is measured beside the recording: control and live. Its host is lent by the duet.
 * With gates == 0 the recording is too short for a single gate. -1 with *problem. */
int calibrate_replay(struct calibration *, const struct duet *, double gate_s, const struct criteria *,
                     struct problem *);

/* Frees it, but for the host. */
void calibrate_free(struct calibration *);

/* How long a recording must be at least, s, so that one such gate can be replayed; from the pace of this one. NAN when
 * it has no block. */
double calibrate_least_s(const struct duet *, double gate_s, const struct criteria *);

/* Whether both sides of a duet are one build, whose times are not stretched: -1 with *problem (EXIT_BAD_FILE) when not,
 * naming `file`. */
int calibrate_check(const struct duet *, const char *file, struct problem *);

#endif
