/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * replay_tape.h - a recording, wound for replaying: what each pair showed, block after block, so that a stretch of it
 * is a slice and nothing is copied per stretch.
 *
 * Private to reports/replay*.c. Cells that a side lacks, that failed, or that have no pair are left out. */
#ifndef MUSTER_REPORTS_REPLAY_TAPE_H
#define MUSTER_REPORTS_REPLAY_TAPE_H

#include "reports/replay.h"

/* One cell's. Those of block b (from 0) are seen[start[b]] up to seen[start[b + 1]]: a slot that was measured again has
 * several. */
struct tape {
    size_t cell; /* in the duet */
    struct observation *seen;
    size_t *start; /* [blocks + 1] */
    double floor;
};

struct reel {
    struct tape *tapes;
    size_t count;
    unsigned blocks; /* that all of them have */
    unsigned *taken; /* by each tape, of the stretch last measured out */
    struct evidence *pilots;
    size_t *cells;   /* tapes[i].cell once more, in a row */
    double *scratch; /* as many numbers as the longest tape has observations */
};

/* How the candidate of the recording is changed before it is judged. */
struct change {
    double stretched; /* its times, by 1 + this */
    bool exchanged;   /* base and candidate; the stretched one is then the other */
};

/* -1 when memory is short. To be freed in any case. */
int reel_wind(struct reel *, const struct duet *, const struct gate_shape *, struct change);
void reel_free(struct reel *);

/* How many blocks each cell gets in the gate that begins at block `from`: reel->taken. Returns the block after the
 * gate's first stage, or 0 when the recording ends before. */
unsigned reel_take(struct reel *, const struct gate_shape *, unsigned from);

/* What a tape shows of `count` blocks. */
struct evidence tape_evidence(const struct tape *, unsigned from, unsigned count);

/* The sound ones of these, into values; returns how many. */
size_t tape_sound(const struct tape *, unsigned from, unsigned count, double *values);

#endif
