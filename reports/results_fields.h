/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * results_fields.h - the table of the results file, and the parts of it of which other files are made.
 *
 * Private to reports/. */
#ifndef MUSTER_REPORTS_RESULTS_FIELDS_H
#define MUSTER_REPORTS_RESULTS_FIELDS_H

#include "reports/fields.h"
#include "reports/results.h"

extern const struct document results_document;
extern const struct fields results_fields, cell_fields, trial_fields, host_fields;

/* A file from elsewhere may give a trial's windows only: the value follows from them. -1, and why, when it is there and
 * is not their median, but for rounding. */
int trial_complete(struct trial *, char *why, size_t size);

/* The same table without what is measured: the build, the conditions, the host, and what the cells are. */
extern const struct fields about_fields;

#endif
