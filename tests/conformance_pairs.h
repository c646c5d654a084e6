/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * conformance_pairs.h - rows that hold every pair of values of several dimensions, in far fewer rows than all
 * combinations.
 *
 * Greedy: of all rows that are possible the one that brings most new pairs, until none brings any. What no possible
 * row can hold is listed, so that the caller can say whether it had to be so. */
#ifndef MUSTER_TESTS_CONFORMANCE_PAIRS_H
#define MUSTER_TESTS_CONFORMANCE_PAIRS_H

#include <stdbool.h>
#include <stddef.h>

#define DIMENSIONS 4
#define LEVELS     8 /* of a dimension, at most */
#define ROWS       64
#define PAIRS      (DIMENSIONS * (DIMENSIONS - 1) / 2 * LEVELS * LEVELS)

struct row {
    unsigned level[DIMENSIONS];
};

struct pair {
    unsigned a, level_a, b, level_b; /* a < b */
};

struct cover {
    struct row rows[ROWS];
    size_t count;
    struct pair missing[PAIRS];
    size_t missing_count;
};

typedef bool possible_fn(const void *arg, const struct row *);

void pairs_cover(const unsigned levels[DIMENSIONS], possible_fn *, const void *arg, struct cover *);

#endif
