/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * style.h - how a report is drawn: what the caller knows of the terminal and of where the files lie, so that no writer
 * has to find out for itself. */
#ifndef MUSTER_REPORTS_STYLE_H
#define MUSTER_REPORTS_STYLE_H

#include <stdbool.h>

struct report_style {
    unsigned columns;   /* display width that no line exceeds; 0 means 80 */
    bool colour;        /* escape sequences are allowed; words carry the meaning in any case */
    bool long_form;     /* a row per cell instead of a matrix per workload */
    const char *folder; /* where the results lie, for the lines that name files; NULL leaves those lines out */
};

#endif
