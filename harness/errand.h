/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * errand.h - workloads that do something in the world: the file that they are given, and what they tell of it. */
#ifndef MUSTER_HARNESS_ERRAND_H
#define MUSTER_HARNESS_ERRAND_H

#include "bench/workload.h"
#include "harness/problem.h"

#include <jansson.h>

/* `path` goes with `errand`, the errand that was named: both or neither is NULL, else it is EXIT_USAGE. Reads the file
 * into *text, the caller's to free (NULL: no errand). -1 with *problem: EXIT_NO_INPUT, or EXIT_BAD_FILE for one that is
 * not what it should be. */
int errand_read(const struct workload *errand, const char *path, char **text, struct problem *);

/* Writes each line to standard output, and what is to be said beside it to standard error. 0, or -1 when standard
 * output takes no more. */
int errand_show(const json_t *lines);

#endif
