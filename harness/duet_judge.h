/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet_judge.h - the gate over a duet: verdicts from its blocks, the second measurement, and what is said of it. */
#ifndef MUSTER_HARNESS_DUET_JUDGE_H
#define MUSTER_HARNESS_DUET_JUDGE_H

#include "harness/duet.h"
#include "reports/verdict_report.h"

struct duet_judged {
    struct judgement judgement; /* points into the rest, into the duet and its run */
    size_t *entries;            /* of the plan, those that either side has */
    size_t count;
    struct finding *findings; /* [count], as all that follow */
    const struct cell **cells;
    char **reasons;
    double *floors; /* NULL: not calibrated */
    char *names[ARMS];
};

/* Judges what duet_blocks() measured, and has the worst of it measured again, unless `interrupted`. floors: of each of
 * the plan's cells, NAN where there is none; or NULL. Returns EXIT_FINE when there is a judgement, which need not be a
 * good one; EXIT_INTERRUPTED, with what was judged before; or another code with *problem. Freed in any case. */
int duet_judge(struct duet_judged *, struct duet_run *, const double *floors, bool interrupted, struct problem *);

/* The same of a duet that was read: its second measurement is what it holds. The duet, the criteria and the floors are
 * lent to the judgement. */
int duet_judge_recorded(struct duet_judged *, struct duet *, const struct criteria *, const double *floors,
                        struct problem *);
void duet_judged_free(struct duet_judged *);

/* The exit code that stands for it. */
int duet_exit_code(enum overall);

#endif
