/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * results_fields.h - the table of the results file, and the parts of it of which other files are made.
 *
 * Private to reports/. */
#ifndef MUSTER_REPORTS_RESULTS_FIELDS_H
#define MUSTER_REPORTS_RESULTS_FIELDS_H

#include "reports/fields.h"

extern const struct document results_document;
extern const struct fields results_fields, cell_fields, trial_fields, host_fields;

/* The same table without what is measured: the build, the conditions, the host, and what the cells are. */
extern const struct fields about_fields;

#endif
