/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * calibrate_options.h - the command line of `muster calibrate`. */
#ifndef MUSTER_HARNESS_CALIBRATE_OPTIONS_H
#define MUSTER_HARNESS_CALIBRATE_OPTIONS_H

#include "harness/run_options.h"

enum calibrate_format { CALIBRATE_TABLE, CALIBRATE_JSON, CALIBRATE_NONE };

struct calibrate_asked {
    struct asked_for run; /* selection, effort, folder; its format and input are not ours */
    const char *records, *input;
    double margin; /* 0.02 */
    uint64_t gate_ns;
    unsigned control, live;
    bool keep_anyway;
    int trials, format; /* trials: whole ones alternate; an enum calibrate_format */
};

/* As run_options_parse(): 1, 0, or -1 with *problem; the lists of run.wanted are freed by wanted_free() in any case. */
int calibrate_options_parse(struct calibrate_asked *, int argc, char **argv, struct problem *);

#endif
