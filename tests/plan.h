/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * plan.h - measures of a placement plan, for the tests of placement.
 *
 * A level is one of enum level, or PLAN_UNIT for the processing unit itself. Units without an object of the level count
 * for no group. */
#ifndef MUSTER_TESTS_PLAN_H
#define MUSTER_TESTS_PLAN_H

#include "harness/placement.h"

enum { PLAN_GROUPS = 512, PLAN_UNIT = LEVELS };

/* The distinct groups of a level that the workers are in. */
unsigned plan_groups(const struct placement *plan, int level);

/* Workers in each group of a level. */
void plan_crowds(const struct placement *plan, enum level level, unsigned workers[PLAN_GROUPS]);

/* Workers in the fullest group of a level minus workers in the emptiest. */
unsigned plan_spread(const struct machine *machine, const struct placement *plan, enum level level);

/* Groups of a level that are used but have room; with `cores`, one unit of each core fills them. */
unsigned plan_partial(const struct machine *machine, const struct placement *plan, enum level level, bool cores);

#endif
