/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * csv.h - a run as comma-separated values for spreadsheets and scripts: one header row, a row per cell. */
#ifndef MUSTER_REPORTS_CSV_H
#define MUSTER_REPORTS_CSV_H

#include "reports/results.h"

#include <stdio.h>

/* Columns are the cell's fields by their names in the results file, then what is derived from several cells. What was
 * not measured is empty. Quoted as RFC 4180 says. 0, or -1 with errno set. */
int csv_write(FILE *, const struct results *);

#endif
