/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * precision.h - `muster run --precision`: when every interval is narrow enough, and what intervals then hold.
 *
 * Looking again and again and stopping at a narrow interval makes intervals that promise too much: in simulation, one
 * look after every block leaves 95 % intervals of a skewed cell with 92 %, those of a cell of two modes with 78 %. So
 * the looks are planned before the first block, at most PRECISION_LOOKS of them, evenly spaced on a log scale from
 * PRECISION_FIRST blocks to the most that there can be, and the chance of a miss is shared out over them (Bonferroni):
 * at each the interval has 1 - 0.05 / looks, so that whichever look ends the run, and whatever made it so, all of them
 * together miss in at most 5 of 100 runs. Where the time ends the run in between, which no value decides, the last
 * interval gets what the looks so far have left. This holds for any distribution; only blocks must be independent. It
 * costs about twice the blocks that a plain interval of that width needs. Widths alone decide, never which is faster.
 */
#ifndef MUSTER_HARNESS_PRECISION_H
#define MUSTER_HARNESS_PRECISION_H

#include "reports/results.h"

#include <stdbool.h>

#define PRECISION_LOOKS    8
#define PRECISION_FIRST    9 /* the fewest blocks that give an interval with the miss of eight looks */
#define PRECISION_BLOCKS   1000
#define PRECISION_BUDGET_S 600.0 /* where --time does not say */

struct precision {
    double wanted; /* relative half-width; 0: not asked for, and then there is no look */
    unsigned looks[PRECISION_LOOKS], count;
};

/* Plans the looks for a run of at most `blocks`. */
void precision_plan(struct precision *, double wanted, unsigned blocks);

/* Whether the run is looked at after that many blocks. */
bool precision_looks_at(const struct precision *, unsigned blocks);

/* What an interval must cover that is told after that many blocks. */
double precision_coverage(const struct precision *, unsigned blocks);

/* Gives every measured cell the interval of that many blocks, and fills results->precision. Returns how many cells are
 * wider than wanted, or have no interval. */
unsigned precision_settle(const struct precision *, struct results *, unsigned blocks);

#endif
