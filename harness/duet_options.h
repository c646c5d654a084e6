/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet_options.h - the command line of `muster duet`, and the selection that a gate measures when nothing is said. */
#ifndef MUSTER_HARNESS_DUET_OPTIONS_H
#define MUSTER_HARNESS_DUET_OPTIONS_H

#include "harness/run_options.h"
#include "reports/duet.h"

#define DUET_BUDGET_NS UINT64_C(180000000000)

enum duet_format { DUET_TABLE, DUET_JSON, DUET_NONE };

struct duet_asked {
    struct asked_for run; /* selection, effort, folder; its format is not ours */
    const char *sides[ARMS], *records;
    double margin;      /* 0: not said */
    int trials, format; /* trials: whole ones alternate; an enum duet_format */
};

/* As run_options_parse(): 1, 0, or -1 with *problem. */
int duet_options_parse(struct duet_asked *, int argc, char **argv, struct problem *);

/* What was not said becomes the gate's: the standard workloads on the default variant of every strategy that is
 * compared, at all cores, chunk 1. -1 when memory is short. */
int duet_usual_selection(struct wanted *);

/* `text`, split at blanks, as argv ended by NULL; freed by command_free(). NULL with *problem. */
char **command_split(const char *option, const char *text, struct problem *);
/* Whether its first word is a program that can be started; -1 with *problem, which says what it is instead. */
int command_check(const char *option, char *const *command, struct problem *);
void command_free(char **command);

/* Run's options that select cells, with what a gate takes where nothing is said, for other tables. */
extern const struct lent_option duet_selection[];

/* --alternate's choices, for other tables: index 1 is trials. */
extern const char *const duet_alternations[];

#endif
