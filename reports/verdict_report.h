/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * verdict_report.h - verdicts for people and for scripts: the table, verdict.json, and the last line.
 *
 * compare and duet end in the same form, so that a reader learns it once. */
#ifndef MUSTER_REPORTS_VERDICT_REPORT_H
#define MUSTER_REPORTS_VERDICT_REPORT_H

#include "reports/results.h"
#include "reports/verdict.h"

#include <jansson.h>
#include <stdio.h>

#define VERDICT_SCHEMA "muster.verdict/1"

/* Everything that is said of a comparison; nothing here is owned. findings[i] is of cells[i]. */
struct judgement {
    const char *kind;             /* "duet" or "compare" */
    const char *base, *candidate; /* what they are, for people: a command and its commit, or a file */
    const struct results *about;  /* host, effort; NULL: not known */
    const struct cell **cells;    /* identities; with units and directions */
    const char **reasons;         /* of cells that are missing or failed, which side and why; NULL elsewhere */
    const struct finding *findings;
    size_t count;
    enum overall overall;
    const struct criteria *criteria;
    bool calibrated;          /* the floors come from `muster calibrate` on this machine */
    bool judged;              /* false: ratios only, no gate (machines differ, as declared by --vary) */
    const char *const *notes; /* sentences below the table, ended by NULL; or NULL */
};

/* The table, the sentences, and the last line `VERDICT regression cells=2 slower=2 confirmed=1 ...`. 80 columns, or as
 * wide as `width` allows. */
void verdict_print(FILE *, const struct judgement *, unsigned width);
/* The last line alone. */
void verdict_print_line(FILE *, const struct judgement *);

/* muster.verdict/1; a new reference, NULL when memory is short. */
json_t *verdict_to_json(const struct judgement *);
/* DIR/verdict.json, by temporary file and rename. */
int verdict_write(const struct judgement *, const char *dir, struct report_error *);

#endif
