/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * output.h - what people get from results: standard output in a format, and the report in a folder. */
#ifndef MUSTER_HARNESS_OUTPUT_H
#define MUSTER_HARNESS_OUTPUT_H

#include "harness/precision.h"
#include "reports/results.h"

#include <jansson.h>

#include <stdbool.h>

enum output_format { OUTPUT_TABLE, OUTPUT_CSV, OUTPUT_JSON, OUTPUT_NONE };

/* Their names, in that order, ended by NULL. */
extern const char *const output_formats[];

struct output {
    enum output_format format;
    bool long_form;
    const char *folder;  /* also gets report.html; NULL: none */
    const json_t *lines; /* of an errand: they are the output then, and the table goes to standard error; NULL: none */
};

/* On standard error, before measuring: how many cells, how long (NAN: nobody knows). */
void output_announce(const struct results *, const char *folder, size_t cells, double expected_s, double budget_s,
                     bool fits);

/* On standard error, after that: until when a run with --precision goes on; nothing without it. */
void output_announce_precision(const struct precision *, double budget_s, bool said);

/* Writes out what standard output holds; `bad`: not all of it could be put there, as errno says. Returns an exit code;
 * a problem has then been printed, and nothing is left that would be lost once more at the end. */
int output_flush(bool bad);

/* Returns an exit code; a problem has then been printed. */
int output_results(const struct results *, const struct output *);

/* On standard error, after it: what failed, and what an interruption kept. */
void output_failures(const struct results *, bool interrupted);

#endif
