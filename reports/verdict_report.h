/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * verdict_report.h - verdicts for people and for scripts: the table, verdict.json, and the last line.
 *
 * compare and duet end in the same form, so that a reader learns it once. */
#ifndef MUSTER_REPORTS_VERDICT_REPORT_H
#define MUSTER_REPORTS_VERDICT_REPORT_H

#include "reports/controls.h"
#include "reports/fingerprint.h"
#include "reports/results.h"
#include "reports/style.h"
#include "reports/verdict.h"

#include <jansson.h>
#include <stdio.h>

#define VERDICT_SCHEMA "muster.verdict/1"

/* One of the two that are compared. */
struct judged_side {
    const char *name;             /* a command, or a file */
    const char *version, *commit; /* of the muster that measured; NULL: not known */
};

/* Everything that is said of a comparison; nothing here is owned. findings[i] is of cells[i]. */
struct judgement {
    const char *kind; /* "duet" or "compare" */
    struct judged_side base, candidate;
    struct judged_side again;             /* the candidate's second file, where it has one */
    const struct results *about;          /* host, effort; NULL: not known */
    const struct difference *differences; /* of two machines, builds, terms; NULL: none were looked for */
    size_t difference_count;
    unsigned declared;         /* what may differ, enum group as bits */
    const struct cell **cells; /* identities; with units and directions */
    const char **reasons;      /* of cells that are missing or failed, which side and why; NULL elsewhere */
    const struct finding *findings;
    size_t count;
    enum overall overall;
    const struct criteria *criteria;
    const double *floors; /* of each cell, 0.004 for 0.4 %, from `muster calibrate` on this machine; NULL, or NAN
                           * for a cell: not calibrated */
    bool judged;          /* false: ratios only, no gate (machines differ, as declared by --vary) */
    const struct controls *controls;       /* of two runs, from the base to the candidate; NULL: none */
    const struct controls *controls_again; /* and to its second measurement; NULL: none */
    const char *ended;        /* what ended a duet's measuring: "plan", "time", "interrupted"; NULL: not known */
    const char *const *notes; /* sentences below the table, ended by NULL; or NULL */
};

/* The table, a row per cell, what is slower first; sentences; and the last line. 80 columns, at 140 and more with the
 * second measurement, p and lag-1. 0, or -1 with errno set. */
int verdict_print(FILE *, const struct judgement *, const struct report_style *);

/* The last line alone, in this form for good; new keys may follow:
 *
 *   VERDICT regression cells=12 slower=1 confirmed=1 faster=0 equivalent=9 inconclusive=2 missing=0 failed=0 margin=2%
 * margin_most=3.2% slower_once=1 ended=plan
 *
 * The first word is overall_name(), or "unjudged" where there is no gate and no cell is missing or failed. The cells
 * are the sum of slower, faster, equivalent, inconclusive, missing and failed, each counted by its verdict.
 * `slower_once` are those that were slower in the first measurement and were not confirmed by a second: inconclusive,
 * or slower still where the duet was interrupted before that. `margin` is what was asked for, `margin_most` the widest
 * that any cell was judged by, since noise floors widen them. `ended` is of duets: time, when it was up before what was
 * planned had been measured; plan; interrupted. */
void verdict_print_line(FILE *, const struct judgement *);

/* muster.verdict/1; a new reference, NULL when memory is short. */
json_t *verdict_to_json(const struct judgement *);
/* DIR/verdict.json, by temporary file and rename. */
int verdict_write(const struct judgement *, const char *dir, struct report_error *);

#endif
