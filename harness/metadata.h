/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * metadata.h - what a results file says beside its figures: build, command, strategies, workloads, idle mode. */
#ifndef MUSTER_HARNESS_METADATA_H
#define MUSTER_HARNESS_METADATA_H

#include "harness/plan.h"

/* What this build calls itself: compiled in, so that a trial says it at no cost. */
const char *metadata_version(void);
const char *metadata_commit(void);

/* -1 with *problem when memory is short. */
int metadata_fill(struct results *, const struct plan *, int argc, char **argv, struct problem *);

/* Tries the run's idle mode beside `natural`, and fills results->idle_note with how it was chosen (`why`) and whether
 * waking an idle CPU became cheaper. */
void metadata_idle_note(struct results *, const struct plan *, int64_t poll_us, const char *why);

#endif
