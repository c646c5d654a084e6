/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * html.h - report.html: what was measured, in words, pictures and tables, for people who were not there. */
#ifndef MUSTER_REPORTS_HTML_H
#define MUSTER_REPORTS_HTML_H

#include "reports/results.h"

#include <stddef.h>

/* Writes dir/report.html and its pictures, dir/NAME.svg; `dir` exists. The page holds the pictures too and refers to
 * nothing outside itself. Several runs are several machines: the same cells side by side, then each one's report.
 *
 * 0, and error->code is 0; where gnuplot is missing or fails, the page has a sentence in the place of each picture, and
 * error->text says so ("" otherwise). -1 with *error filled when it could not be written: earlier files in `dir` are
 * then as they were, and nothing half written is left. */
int html_write(const struct results *const *runs, size_t count, const char *dir, struct report_error *error);

#endif
