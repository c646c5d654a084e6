/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * run_options.h - the command line of `muster run`. */
#ifndef MUSTER_HARNESS_RUN_OPTIONS_H
#define MUSTER_HARNESS_RUN_OPTIONS_H

#include "harness/idle.h"
#include "harness/selection.h"

/* As parsed; 0 and NULL: not said. */
struct asked_for {
    struct wanted wanted;
    const char *placements, *like, *folder, *input, *manager, *key_file;
    struct idle_choice idle;
    int service, format, progress;
    bool oversubscribe, long_form;
    uint64_t items, seed, budget_ns, window_ns, warmup_ns; /* a window of 0 ns: not said */
    unsigned depth, blocks, windows;
    double precision; /* a part; 0: not said */
    bool keep;        /* in the history */
    const char *records;
};

#define SEED_FRESH UINT64_MAX

/* Parses argv into *asked, whose lists wanted_free() frees in any case. 1, 0 when --help was asked for, -1 with
 * *problem. */
int run_options_parse(struct asked_for *asked, int argc, char **argv, struct problem *);

/* An option of run's that another command takes too; what is NULL is as run has it. */
struct lent_option {
    const char *name, *preset, *help; /* a NULL name ends a list */
};

/* For those commands: spec->options and behind them run's options that are lent, by several lists ended by NULL, which
 * fill *asked. *asked is filled with run's defaults first. As options_parse(). */
int run_options_lend(struct asked_for *asked, const struct command_spec *spec, const struct lent_option *const *lent,
                     int argc, char **argv, struct problem *);

#endif
