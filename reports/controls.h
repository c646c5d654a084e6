/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * controls.h - what became of what surrounds the code between two runs, by work in them that holds none of it.
 *
 * A host lowers its clock, puts two virtual CPUs on one core, or makes waking one dearer, for minutes and longer; other
 * programs come and go: all of a run falls into such a time, and no interval from within it shows that. The control
 * lanes, and what waking an idle CPU cost around each trial, do. An operation's time is a sum of such parts, so that it
 * changes by a factor between those of the parts that changed the least and the most, one of which may be no part of
 * the controls and not have changed at all. Where queues build up, it may change by more. */
#ifndef MUSTER_REPORTS_CONTROLS_H
#define MUSTER_REPORTS_CONTROLS_H

#include "reports/results.h"

#include <stdbool.h>

enum { CONTROL_WAKE = LANES, CONTROLS }; /* the lanes, by their own numbers, then waking */

struct controls {
    double moved[CONTROLS]; /* ln(time in the later run / time in the earlier one), of medians; NAN: not measured */
    double natural;         /* so of waking, where cells in idle mode natural stand beside; for telling alone; NAN */
};

const char *control_name(int control); /* a lane's, or "wake" */

struct controls controls_unknown(void); /* all NAN */

/* Waking is that of cells in idle mode `idle`. -1 when memory is short. The controls are a build's own code as well:
 * two builds between which that has changed differ by it. */
int controls_between(struct controls *, const struct results *earlier, const struct results *later, const char *idle);

/* Whether any was measured in both runs. */
bool controls_known(const struct controls *);

/* The one that became dearer the most, or cheaper (direction 1, or -1); -1: none did. */
int controls_farthest(const struct controls *, int direction);

/* By how much, as logarithms, that made the later run's work dearer or cheaper at most: 0 or more, NAN: not known. */
double controls_dearer(const struct controls *);
double controls_cheaper(const struct controls *);

#endif
