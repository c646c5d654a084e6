/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * replay.h - the whole gate, again and again, over stretches of recorded A/A blocks.
 *
 * Both arms of the recording are the same build, so every alarm is a false one; with the candidate's times stretched by
 * a known factor, every silence is a miss. Pure, but for memory. */
#ifndef MUSTER_REPORTS_REPLAY_H
#define MUSTER_REPORTS_REPLAY_H

#include "reports/duet.h"
#include "reports/verdict.h"

/* The gate that is replayed: first `blocks`, then, for the worst, the next criteria->confirm_blocks. */
struct gate_shape {
    unsigned blocks;
    const struct criteria *criteria;
    const double *floors; /* of each cell; NULL: not calibrated */
};

struct replayed {
    unsigned gates;       /* stretches that were judged */
    unsigned independent; /* of these, how many do not overlap */
    unsigned overall[OVERALL_UNPROVED + 1];
};

/* Every contiguous stretch that fits, one block later each, with the candidate's times stretched by 1 + handicap, and
 * once more with base and candidate exchanged. -1 when memory is short; gates == 0 when the recording is too short. */
int replay_gates(const struct duet *, const struct gate_shape *, double handicap, struct replayed *);

/* Per cell: the 95th percentile over stretches of |median evidence|, as a ratio - 1. NAN: too short. */
int replay_floors(const struct duet *, const struct gate_shape *, double *floors);

/* Per cell: the least slowdown that the first stage calls slower (Holm's first step over all cells) in 95 % of the
 * stretches, as a ratio - 1; NAN: too short. */
int replay_caught(const struct duet *, const struct gate_shape *, double *caught);

/* Per cell: the standard deviation of ln(base's value) between stretches of `blocks` that do not overlap, less what
 * the blocks inside explain; and how many there were. */
int replay_sessions(const struct duet *, unsigned blocks, double *sd, unsigned *sessions);

#endif
