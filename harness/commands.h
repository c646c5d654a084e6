/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * commands.h - the commands of muster, one file each, and what main() does for all of them.
 *
 * A command gets argv with its own name first, prints its result on stdout, and returns an exit code. It prints its
 * problem on stderr itself (problem_print), and leaves the check of stdout to main(). */
#ifndef MUSTER_HARNESS_COMMANDS_H
#define MUSTER_HARNESS_COMMANDS_H

#include <stdbool.h>

struct command {
    const char *name, *summary; /* NULL ends a table */
    bool handicap;              /* --handicap before its name has an effect */
    int (*run)(int argc, char **argv);
};

int command_doctor(int argc, char **argv);
int command_list(int argc, char **argv);
int command_topology(int argc, char **argv);
int command_run(int argc, char **argv);
int command_duet(int argc, char **argv);
int command_compare(int argc, char **argv);
int command_calibrate(int argc, char **argv);
int command_history(int argc, char **argv);
int command_manager(int argc, char **argv);
int command_report(int argc, char **argv);
int command_stress(int argc, char **argv);
int command_trial(int argc, char **argv);

/* Runs the command that argv names, or --help or --version; returns the exit code. */
int commands_run(const struct command *commands, int argc, char **argv);

/* Writes out what stdout still holds. Returns `code`, or EXIT_NO_OUTPUT with a line on stderr if stdout was lost and
 * the command itself had nothing to complain about. */
int commands_finish(int code);

#endif
