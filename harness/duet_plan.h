/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet_plan.h - how many blocks a duet measures of each cell, and in which order the arms come. Pure.
 *
 * The number is set after the pilot, from how far the pairs scatter and what the budget holds, and looked at once more
 * when they are measured, since a dozen pairs know little of how they scatter. It is one of sound pairs: what is
 * spoiled is made up for while there is time. Never does it come from which way the pairs point, so that looking at the
 * data does not decide when to stop (Wittes and Brittain, Statistics in Medicine 9, 1990). */
#ifndef MUSTER_HARNESS_DUET_PLAN_H
#define MUSTER_HARNESS_DUET_PLAN_H

#include "reports/verdict.h"

#include <stdint.h>

#define DUET_PILOT        12
#define DUET_BLOCKS_LEAST 24
#define DUET_BLOCKS_MOST  200
#define DUET_BALANCE      4 /* in so many blocks of a cell, each order of the arms comes equally often */

/* What the blocks so far told of a cell. */
struct duet_need {
    double spread; /* duet_plan_spread(); NAN: not known */
    double margin; /* as the verdict will use it, 0.02 */
    double pair_s; /* what a pair of it takes */
    bool going_on; /* false: it failed, or is lacking: no more blocks */
};

/* The robust standard deviation of the sound blocks' evidence: 1.4826 x the median absolute deviation, which is that of
 * a normal distribution. NAN when there is none, or memory is short. */
double duet_plan_spread(const struct observation *, size_t count);

/* Blocks with which the interval of the cell's median is expected to reach 0.4 margins to either side: its half-width
 * is about 1.96 x 1.2533 x spread / sqrt(blocks), the asymptotic error of a median. Of cells that do not differ, more
 * than 99 in 100 are then called equivalent; with half a margin it were 97. Between DUET_BLOCKS_LEAST and
 * DUET_BLOCKS_MOST, in whole DUET_BALANCE. */
unsigned duet_plan_wanted(const struct duet_need *);

/* blocks[i] of each cell, the pilot's included, so that what comes after the pilot takes budget_s at most (INFINITY: no
 * limit). What does not fit is taken from all alike, in proportion to what they want, then below the least. */
void duet_plan_blocks(const struct duet_need *, size_t count, double budget_s, unsigned *blocks);

/* Once more when blocks[] are measured, `needs` being what these told: raises blocks[i] to what is wanted by now, one
 * more of every cell that lacks some in turn, while that fits into what blocks[] leave of budget_s. What was measured
 * stays, though its cell turned out to want less. */
void duet_plan_again(const struct duet_need *, size_t count, double budget_s, unsigned *blocks);

/* So many more blocks, in whole DUET_BALANCE, while fewer than `wanted` are sound: counted blind to the arms. */
unsigned duet_plan_more(unsigned wanted, size_t sound);

/* Whether the candidate comes first in this block (from 1) of this cell. */
bool duet_plan_order(uint64_t seed, size_t cell, unsigned block);

#endif
