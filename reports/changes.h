/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * changes.h - where a series of values, one per run, moved to another level and stayed there.
 *
 * E-divisive (Matteson and James, J. Am. Stat. Assoc. 109, 2014) on logarithms: the split whose sides are furthest
 * apart by energy distance is kept when no permutation of the segment, of CHANGES_PERMUTATIONS with a fixed seed, does
 * as well, so that p = (b + 1)/(B + 1) is at most 0.001; then both sides are searched. Values of neighbouring runs are
 * taken as independent; a machine whose speed wanders makes changes of its own, so that these advise and decide
 * nothing. */
#ifndef MUSTER_REPORTS_CHANGES_H
#define MUSTER_REPORTS_CHANGES_H

#include <stdbool.h>
#include <stddef.h>

#define CHANGES_PERMUTATIONS 999
#define CHANGES_SEGMENT      3   /* runs that a level has at least */
#define CHANGES_ALERT        5   /* runs on both sides of a change that is called one; with fewer it may yet pass */
#define CHANGES_MOST         500 /* runs that are looked at, the latest */

struct change {
    size_t at;            /* the first value of the new level */
    double before, after; /* the levels: medians from the change before to the change after */
    bool sure;            /* both levels have CHANGES_ALERT values */
};

/* Changes in values[count], all positive, whose levels differ by `margin` or more (0.02 for 2 %), in their order, in
 * *list, to be freed. -1 when memory is short. */
int changes_find(const double *values, size_t count, double margin, struct change **list, size_t *found);

#endif
