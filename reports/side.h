/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * side.h - several machines side by side in the terminal: the same cells, their values, intervals and ratios.
 *
 * No verdict: two machines differ in more than what is measured here, and no blocks pair their runs. */
#ifndef MUSTER_REPORTS_SIDE_H
#define MUSTER_REPORTS_SIDE_H

#include "reports/results.h"
#include "reports/style.h"

#include <stddef.h>
#include <stdio.h>

/* The ratio is to the first file; it is left out where the idle modes differ, which are never mixed in a comparison.
 * Machines that do not fit beside each other get a table of their own, each with the first. 0, or -1 with errno set. */
int side_write(FILE *, const struct results *const *results, size_t count, const struct report_style *);

#endif
