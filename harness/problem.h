/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * problem.h - what went wrong, as an exit code and one line of text.
 *
 * Parts of the harness fill a struct problem and return -1; the command that called them prints it and returns its
 * code from the program. So the exit codes are the same everywhere, and only one place writes `muster: ...`. */
#ifndef MUSTER_HARNESS_PROBLEM_H
#define MUSTER_HARNESS_PROBLEM_H

enum exit_code {
    EXIT_FINE = 0,
    EXIT_REGRESSION = 1, /* a regression, confirmed */
    EXIT_INCONCLUSIVE = 3,
    EXIT_INCOMPARABLE = 4, /* machine or cells of the two sides differ */
    EXIT_UNPROVED = 5,     /* a proof failed, or a measurement could not be made */
    EXIT_USAGE = 64,
    EXIT_BAD_FILE = 65,  /* a file that is not what it should be */
    EXIT_NO_INPUT = 66,  /* an input that cannot be opened */
    EXIT_NO_OUTPUT = 73, /* an output that cannot be written */
    EXIT_SKIPPED = 77,
    EXIT_INTERRUPTED = 130,
};

struct problem {
    int code; /* an enum exit_code */
    char text[400];
};

/* Fills *problem and returns -1, so that a function can end with `return problem_set(...)`. */
int problem_set(struct problem *problem, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Prints `muster: TEXT` on stderr, always as one line, and returns the code. */
int problem_print(const struct problem *problem);

#endif
