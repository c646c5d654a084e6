/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * replay.h - the whole gate, again and again, over stretches of recorded A/A blocks.
 *
 * Both arms of the recording are the same build, so every alarm is a false one; with the candidate's times stretched by
 * a known factor, every silence is a miss. A stretch holds the pairs of its blocks in order, those of slots measured
 * again among them, spoiled as the gate finds them; what is confirmed is confirmed by the blocks that follow.
 *
 * That is as many pairs as a gate would have seen, but not at its pace: every recorded block holds all cells, where the
 * later ones of a gate hold only those that still scatter, and its second measurement two alone. So the pairs of a
 * stretch lie further apart than a gate's, and noise that lasts some seconds is spread over fewer of them. Pure, but
 * for memory. */
#ifndef MUSTER_REPORTS_REPLAY_H
#define MUSTER_REPORTS_REPLAY_H

#include "reports/duet.h"
#include "reports/verdict.h"

typedef void plan_fn(const void *with, const struct evidence *seen, const size_t *cells, size_t count,
                     unsigned *blocks);

/* The gate that is replayed: its first stage, then, for the worst, the next criteria->confirm_blocks. */
struct gate_shape {
    unsigned blocks; /* of every cell, where `plan` is NULL */
    const struct criteria *criteria;
    const double *floors; /* of each cell of the duet; NULL: not calibrated */

    /* A gate that measures precise cells less often: after `pilot` blocks of all cells `plan` sets blocks[i], the
     * pilot's included, of each; when these are there, `plan_again` may raise them. cells[i] is the cell of the duet
     * that seen[i] is of, which holds the blocks so far; `with` is the caller's. plan NULL: all cells get `blocks`. */
    plan_fn *plan, *plan_again; /* the second may be NULL */
    const void *with;
    unsigned pilot;
};

struct replayed {
    unsigned gates;       /* that were judged: every stretch, as it is and with its arms exchanged */
    unsigned stretches;   /* of the recording, half of that */
    unsigned independent; /* of these, how many do not overlap */
    unsigned overall[OVERALL_UNPROVED + 1];
    unsigned blocks_least, blocks_most; /* that a cell got in a first stage */
};

/* Every contiguous stretch that fits, one block later each, with the candidate's times stretched by 1 + handicap, and
 * once more with base and candidate exchanged. -1 when memory is short; gates == 0 when the recording is too short. */
int replay_gates(const struct duet *, const struct gate_shape *, double handicap, struct replayed *);

/* The upper bound, with `confidence`, of the share of gates that end so. Neighbouring stretches share nearly all of
 * their blocks, and the same blocks with arms exchanged are not new ones, so only `independent` of them count: the
 * share seen in all, rounded up to whole ones of these. 1 when there is none. */
double replayed_most(const struct replayed *, enum overall, double confidence);

#define FLOOR_STRETCHES       5 /* that shall not overlap; stretches are made shorter for it, down to blocks_least */
#define FLOOR_STRETCHES_LEAST 2
#define FLOOR_CONFIDENCE      0.9

/* What a floor rests on. */
struct floor_basis {
    unsigned blocks;    /* of a stretch: what a gate gives the cell, in the median, or fewer in a short recording */
    unsigned stretches; /* of so many, that do not overlap */
};

/* Per cell: within what |median evidence| stays in 95 % of such stretches, as a ratio - 1. It is the larger of their
 * 95th percentile and of 1.96 standard deviations, these at their upper bound with FLOOR_CONFIDENCE by the stretches
 * that do not overlap: so a floor from few stretches errs upwards. NAN: too short for a first stage, or fewer than
 * FLOOR_STRETCHES_LEAST of them. */
int replay_floors(const struct duet *, const struct gate_shape *, double *floors, struct floor_basis *);

#define CAUGHT_MOST 0.25 /* slowdowns above this are not looked for */

/* Per cell: the least slowdown that is called slower when no other cell is (so at Holm's first step over all cells),
 * and confirmed, with the spoiled blocks and without, in 95 % of the stretches, as a ratio - 1. By counting alone: that
 * a verdict may be doubted for the order of its arms or for ties, and that neighbours may be averaged, is left out.
 * NAN: too short, or more than CAUGHT_MOST. */
int replay_caught(const struct duet *, const struct gate_shape *, double *caught);

#define SESSIONS_LEAST 5

/* Per cell: the standard deviation of the medians of ln(base's value) of stretches of `blocks` that do not overlap, and
 * how many there were. How little so few tell is for Student's t to count in, whose freedom comes from their number;
 * what a stretch's median scatters by itself is left in it. Over an hour recorded on a virtual machine, ten minutes at
 * a time foretold the difference of two other minutes within 95 % intervals in 92 to 99 of 100 (an upper bound for the
 * deviation, as well, made them 1.6 times as wide and held in 96 to 100). NAN and 0 under SESSIONS_LEAST. */
int replay_sessions(const struct duet *, unsigned blocks, double *sd, unsigned *sessions);

/* How a cell's pairs scatter. */
struct scatter {
    double sd;   /* of the evidence, robust: 0.7413 of the interquartile range; NAN under 6 sound ones */
    double lag1; /* of it */
    unsigned pairs, spoiled;
};

int replay_scatter(const struct duet *, struct scatter *);

/* Blocks of a recording, one after the other. */
struct span {
    unsigned first, blocks; /* 0 blocks: nothing can be replayed */
};

/* Those of which every cell that takes part has a pair that counts and has a value: of each cell from its first such
 * block to the last before a gap, so that there are never more of them than pairs, whatever their numbers. */
struct span replay_span(const struct duet *);

bool span_holds(const struct span *, const struct pair *);

#endif
