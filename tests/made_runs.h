/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * made_runs.h - results files made up for tests of comparisons.
 *
 * They are cuts of tests/golden/results.json: three cells that were measured, with 6 trials of about 1 % spread, and
 * one that is n/a. Times are changed by a factor per cell. What fails here fails the test that asked for it. */
#ifndef MUSTER_TESTS_MADE_RUNS_H
#define MUSTER_TESTS_MADE_RUNS_H

#include <jansson.h>

#define COUNTER "counter/shared-memory w=2 c=1 p=cores i=0 b=8"
#define SOCKET  "counter/manager-socket w=2 c=1 p=cores i=0 b=8"
#define LIST    "list/shared-memory w=2 c=1 p=cores i=0 b=8"
#define LACKING "map/shared-memory:sharded w=2 c=1 p=cores i=0 b=8"
#define FAILED  "counter/manager-socket w=2 c=auto p=cores i=0 b=8"

/* The whole of it. */
json_t *made_golden(void);

/* A run of the four cells, in whose first operations take `counter` times as long; each call is another run. */
json_t *made_run(double counter);

/* Borrowed; NULL when there is none. */
json_t *made_cell(const json_t *run, const char *id);

/* The cell's operations take `times` as long. */
void made_slower(const json_t *run, const char *id, double times);

/* Once a cell's trials were changed: its value is what they say, and without six it has no interval. */
void made_settle(json_t *cell);

/* Takes the run; the path, as cli_path() gives it. */
const char *made_file(json_t *run, const char *name);

#endif
