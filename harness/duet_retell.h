/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet_retell.h - the table of a duet once more, from its folder. */
#ifndef MUSTER_HARNESS_DUET_RETELL_H
#define MUSTER_HARNESS_DUET_RETELL_H

#include "harness/problem.h"

#include <stdbool.h>

/* Whether a path names a duet: duet.json, or a folder that has it and no results.json. */
bool duet_is_at(const char *path);

/* Prints it as muster duet did, on stdout: margin, noise floors and notes are those of the verdict.json beside it, or
 * without one the usual margin. EXIT_FINE whatever the verdict is, or another code with *problem. */
int duet_retell(const char *path, bool json, struct problem *problem);

#endif
