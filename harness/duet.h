/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet.h - measuring two builds side by side: pairs in blocks, lanes around each pair, spoiled slots once more.
 *
 * Each side answers `COMMAND trial` to one driver. What keeps the time of its windows, sizes its batches and sums its
 * rates is each side's own, so a change there moves the figures, too; the driver sees to it that windows last neither
 * longer than it waited for them nor much shorter than it asked for. */
#ifndef MUSTER_HARNESS_DUET_H
#define MUSTER_HARNESS_DUET_H

#include "harness/idle.h"
#include "harness/lanes.h"
#include "harness/plan.h"
#include "harness/progress.h"
#include "harness/schedule.h"
#include "reports/duet.h"
#include "reports/verdict.h"

struct duet_run {
    struct plan *plan; /* entries and duet->about.cells go side by side */
    struct duet *duet;
    struct effort effort;        /* budget_s is for all: pilot, blocks and confirmation */
    char *const *commands[ARMS]; /* argv without `trial`, ended by NULL; NULL: this program itself */
    double cost_factor;          /* of the candidate's item cost: 1, or 1.1 for the physical control */
    const struct criteria *criteria;
    const double *margins; /* of each cell, for the precision that the pilot plans for; NULL: criteria->margin */
    const char *folder;    /* where duet.json goes; NULL: nowhere */
    struct progress *progress;
    int64_t idle_poll_us;
    struct duet_state *state; /* duet.c's own */
};

/* Whether windows alternate: unless whole trials are asked for, or this system does not let it be seen what a side does
 * while it is parked (tree.h). For duet->by_windows. */
bool duet_alternates_windows(bool trials_asked);

/* Starts what is needed: idle mode, lanes, pilots of items, and asks each side what it lacks; duet.json is stored once.
 * driver_watch_signals() comes before. Returns an exit code, with *problem where it is neither EXIT_FINE nor
 * EXIT_INTERRUPTED; duet_close() is due in any case. */
int duet_open(struct duet_run *, struct problem *);

/* The planned blocks, all of them: a pilot of 12, then as many sound ones as the precision wants and the budget holds,
 * looked at once more when they are there, never at the effect. duet_blocks_exactly() measures that many more and no
 * others (calibrate's recording). Return EXIT_FINE, also where cells failed, or EXIT_INTERRUPTED, or another exit code
 * with *problem. */
int duet_blocks(struct duet_run *, struct problem *);
int duet_blocks_exactly(struct duet_run *, unsigned blocks, struct problem *);

/* The second measurement: as many sound blocks as the criteria ask for while there is time, or `blocks` of them where
 * there is no limit to it, of these cells only, in fresh random order, with pair.confirming set. */
int duet_confirm(struct duet_run *, const size_t *cells, size_t count, unsigned blocks, struct problem *);

/* Stores duet.json now; -1 with *problem. duet_open() does it too, to see whether the folder can be written at all. */
int duet_store(struct duet_run *, struct problem *);

/* Afterwards *duet is whole, and the caller's as before. */
void duet_close(struct duet_run *);

#endif
