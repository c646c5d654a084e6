/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * options.h - a command's options as one table: parsed from it, and --help printed from it.
 *
 *     struct option_spec options[] = {
 *         {.name = "workers", .letter = 'n', .argument = "N", .help = "how many", .preset = "all cores",
 *          .parse = options_unsigned, .target = &workers, .min = 1, .max = 1024},
 *         {.name = NULL}};
 *     struct command_spec spec = {.name = "topology", .summary = "...", .options = options};
 *     int first = options_parse(&spec, argc, argv, &problem);
 *     if (first <= 0)
 *         return first == 0 ? EXIT_FINE : problem_print(&problem);
 *
 * Every command has --help without listing it. Numbers come with units (units.h) and are checked against min and max.
 */
#ifndef MUSTER_HARNESS_OPTIONS_H
#define MUSTER_HARNESS_OPTIONS_H

#include "harness/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct option_spec {
    const char *name;     /* long, without dashes; NULL ends the table */
    char letter;          /* 0: none */
    const char *argument; /* its name in --help; NULL: a flag */
    const char *help;
    const char *preset; /* the default, as --help shows it; NULL: not shown */
    /* Reads `text` into spec->target; -1 with *problem filled. `text` is NULL for a flag. */
    int (*parse)(const struct option_spec *spec, const char *text, struct problem *problem);
    void *target;
    uint64_t min, max;          /* of numbers; max 0: no limit */
    const char *const *choices; /* of options_choice, ended by NULL */
};

struct command_spec {
    const char *name, *summary;
    const char *operands; /* "FILE...", NULL: it takes none */
    const struct option_spec *options;
    const char *notes; /* more for the end of --help, or NULL; lines are printed as they are */
};

/* Parses argv[1..]; argv[0] is the command's name. Returns the index of the first operand (argc when there is none;
 * operands are moved behind the options), 0 when --help was asked for and printed, -1 with *problem filled. */
int options_parse(const struct command_spec *spec, int argc, char **argv, struct problem *problem);

/* --help on stdout, at most 80 columns. */
void options_help(const struct command_spec *spec);

/* Wraps `text` at 80 columns, or at `width`; `column` is where its lines begin and where the cursor already is. */
void options_wrap(const char *text, unsigned column);
void options_wrap_to(unsigned width, const char *text, unsigned column);

/* Parse functions, and what `target` points to. */
int options_flag(const struct option_spec *spec, const char *text, struct problem *problem); /* bool, set to true */
int options_text(const struct option_spec *spec, const char *text, struct problem *problem); /* const char *, not "" */
int options_unsigned(const struct option_spec *spec, const char *text, struct problem *problem); /* unsigned */
int options_count(const struct option_spec *spec, const char *text, struct problem *problem);    /* uint64_t */
int options_bytes(const struct option_spec *spec, const char *text, struct problem *problem);    /* uint64_t */
int options_duration(const struct option_spec *spec, const char *text, struct problem *problem); /* uint64_t, ns */
int options_choice(const struct option_spec *spec, const char *text, struct problem *problem);   /* int, the index */
int options_list(const struct option_spec *spec, const char *text, struct problem *problem);     /* struct text_list */

/* double, 0.02 for 2%; min and max are in UNITS_PERCENT */
int options_percent(const struct option_spec *spec, const char *text, struct problem *problem);

/* A comma-separated list, without empty entries. An option given twice replaces its list. */
struct text_list {
    char **items;
    size_t count;
};

int text_list_split(struct text_list *list, const char *text, const char **why);
void text_list_free(struct text_list *list);

#endif
