/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * run.h - a whole run: blocks of trials in random order, each recorded and stored as it ends. */
#ifndef MUSTER_HARNESS_RUN_H
#define MUSTER_HARNESS_RUN_H

#include "harness/idle.h"
#include "harness/lanes.h"
#include "harness/plan.h"
#include "harness/precision.h"
#include "harness/progress.h"
#include "harness/schedule.h"
#include "harness/wake.h"

#include <jansson.h>

struct run {
    struct plan *plan;
    struct results *results;
    struct effort effort;
    struct precision precision; /* count 0: not asked for */
    const char *folder;         /* where results.json goes; NULL: nowhere */
    struct progress *progress;
    int64_t idle_poll_us; /* as idle_open() wants it */
    /* from here on run.c's own */
    int64_t began, stored;
    struct idle *idle;
    enum idle_mode idle_now;
    struct wake *wake;
    double wake_last;       /* ns, after the last trial; NAN: not known in this idle mode */
    struct lane_set *lanes; /* NULL: not read */
    double trial_s;         /* what trials took so far, on average */
    size_t trials_done, trials_planned;
    json_t *lines;    /* what an errand told of its first window; NULL: nothing */
    bool lost_output; /* results could not be stored; measuring went on */
};

/* Measures the plan. Returns an exit code: EXIT_FINE, EXIT_UNPROVED when a cell failed, EXIT_NO_OUTPUT when results
 * could not be stored at the end, EXIT_INTERRUPTED. What is complete is in *results in every case. What is to be said
 * beside failed cells is in *problem, whose code is else EXIT_FINE. */
int run_blocks(struct run *, struct problem *);

/* Stores results.json now; -1 with *problem. Before measuring it shows whether the folder can be written at all. */
int run_store(struct run *, struct problem *);

#endif
