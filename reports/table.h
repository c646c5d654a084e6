/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * table.h - the summary of a run for the terminal: a small matrix per workload, or a row per cell. */
#ifndef MUSTER_REPORTS_TABLE_H
#define MUSTER_REPORTS_TABLE_H

#include "reports/results.h"
#include "reports/style.h"

#include <stdio.h>

/* Writes no line wider than style->columns. 0, or -1 with errno set when the stream failed or memory is short. */
int table_write(FILE *, const struct results *, const struct report_style *);

#endif
