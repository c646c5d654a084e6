/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lanes.h - control lanes: short pieces of work without any code under test, whose rates say whether the machine moved.
 *
 * The host moves virtual CPUs between siblings of one core and cores apart, changes their frequency, and takes them
 * away; each shows in one of the lanes. About 4 ms a reading. */
#ifndef MUSTER_HARNESS_LANES_H
#define MUSTER_HARNESS_LANES_H

#include "harness/problem.h"
#include "reports/lanes.h"

struct lane_set;

/* units[2]: where the two run, the second helped by a process of its own; both the same: no LANE_LINE. 0, or -1 with
 * *problem. */
int lanes_open(struct lane_set **, const unsigned units[2], struct problem *);
void lanes_close(struct lane_set *);

/* One reading. The calling thread is on units[0] meanwhile, afterwards again where it was allowed to be. *gap_s, unless
 * NULL: the longest stretch in which the spinning lane did not run. */
void lanes_read(struct lane_set *, struct lanes *, double *gap_s);

#endif
