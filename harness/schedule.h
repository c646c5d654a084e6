/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * schedule.h - the order of trials, and how many blocks fit into a time. Pure: the same seed gives the same order. */
#ifndef MUSTER_HARNESS_SCHEDULE_H
#define MUSTER_HARNESS_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCKS_LEAST 6      /* for an interval at 95 % */
#define BLOCKS_MOST  48     /* that a time budget fills, unless a precision is asked for; more tell little more */
#define WARMUPS_MOST 100000 /* windows that a trial measures at one request */

/* How a run's effort was asked for. */
struct effort {
    unsigned blocks;   /* 0: not said */
    unsigned most;     /* that a time budget fills; 0: BLOCKS_MOST */
    double budget_s;   /* 0: none */
    unsigned windows;  /* per trial */
    int64_t window_ns; /* length of each */
    int64_t warmup_ns; /* in windows of the same length */
    bool cold;         /* no warm-up at all: what is done is done once */
};

/* order[count] becomes a permutation of 0 .. count-1, from the seed and the block's number. */
void schedule_shuffle(size_t *order, size_t count, uint64_t seed, unsigned block);

/* Warm-up windows: unless cold at least one, in which each process faults in what it owns, at most WARMUPS_MOST. */
unsigned schedule_warmups(const struct effort *);

/* What a trial takes, seconds: windows that last at least `operation_s`, and what a trial costs beside. */
double schedule_trial_s(const struct effort *, double operation_s);

/* Blocks to plan for: as asked, else as many as the budget holds, between BLOCKS_LEAST and BLOCKS_MOST. `once_s` is
 * spent before the first block. *fits says whether they fit into the budget. */
unsigned schedule_blocks(const struct effort *, double block_s, double once_s, bool *fits);

/* After each block: whether another one shall begin, from what the blocks so far took. */
bool schedule_goes_on(const struct effort *, unsigned done, unsigned planned, double elapsed_s, double block_s);

#endif
