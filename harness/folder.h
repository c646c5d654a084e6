/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * folder.h - the folder that a user names for results: made if it is not there. */
#ifndef MUSTER_HARNESS_FOLDER_H
#define MUSTER_HARNESS_FOLDER_H

#include "harness/problem.h"

/* Makes it, with the folders above it. -1 with *problem (EXIT_NO_OUTPUT) when it is a file or cannot be made. */
int folder_make(const char *path, struct problem *);

/* Removes an earlier run's file of that name from it, so that it is not taken for this one's; where none is, or no
 * folder, all is well. -1 with *problem (EXIT_NO_OUTPUT). */
int folder_forget(const char *path, const char *name, struct problem *);

#endif
