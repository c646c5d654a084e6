/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * cli.h - runs the built muster as a user would, and keeps what it said. */
#ifndef MUSTER_TESTS_CLI_H
#define MUSTER_TESTS_CLI_H

#include <stdbool.h>
#include <stddef.h>

/* Of the latest call; static storage. */
struct said {
    int code; /* the exit code; -1: a signal ended it */
    const char *out, *err;
};

/* Runs muster with these arguments, NULL last (once more when there are none), standard input empty. */
struct said cli_run(const char *first, ...) __attribute__((sentinel));

/* The same with standard output there: "/dev/full". said.out is then "". */
struct said cli_run_into(const char *path, const char *first, ...) __attribute__((sentinel));

/* Checks that a call ended with `code` and one line on stderr that begins with "muster: " and holds `text`. */
void cli_refused(struct said said, int code, const char *text);

/* Checks that a call ended with 0 and stderr stayed empty. */
void cli_fine(struct said said);

/* The most columns of a line; characters of UTF-8 count as one. */
size_t cli_width(const char *text);

/* How often `part` is in `text`. */
unsigned cli_count(const char *text, const char *part);

/* A path in the test's folder; a file there with `length` bytes of text. Static storage, a few at once. */
const char *cli_path(const char *name);
const char *cli_file(const char *name, const char *text, size_t length);

/* Whether stdout holds the text; if not, both are shown. Tables cut lines and sentences are wrapped: look for little.
 */
bool cli_says(struct said, const char *text);

/* Asserts the exit code, the verdict that the last line names, and that nothing before it is wider than 80 columns. */
void cli_verdict(struct said, int code, const char *verdict);

#endif
