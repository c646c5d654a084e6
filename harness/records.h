/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * records.h - the folder in which muster keeps what outlives a run: calibrations and history.
 *
 * --records DIR, else $MUSTER_RECORDS, else $XDG_STATE_HOME/muster, else ~/.local/state/muster. */
#ifndef MUSTER_HARNESS_RECORDS_H
#define MUSTER_HARNESS_RECORDS_H

#include "harness/problem.h"

/* The folder's path, to be freed; `asked` is --records or NULL. Nothing is made. NULL with *problem when no name can be
 * had (EXIT_USAGE: say --records). */
char *records_folder(const char *asked, struct problem *);

#endif
