/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * history.h - what was measured over weeks: FOLDER/history.jsonl, a line per run, and the series that come of it.
 *
 * Lines are appended only, each in one write under a lock, and never changed: the file is the truth. What a writer that
 * died left of a line is passed over on reading. A line holds the host whole, as the results file does; which machine
 * it is, is computed on reading. reports/history.schema.json is a line's form. */
#ifndef MUSTER_REPORTS_HISTORY_H
#define MUSTER_REPORTS_HISTORY_H

#include "reports/changes.h"
#include "reports/results.h"
#include "reports/style.h"

#include <stdio.h>

#define HISTORY_SCHEMA  "muster.history/1"
#define HISTORY_FILE    "history.jsonl"
#define HISTORY_MACHINE 128

/* A cell of a run; of those with a value only. */
struct history_cell {
    char *id, *workload, *strategy, *variant, *idle, *unit, *better; /* as in results.h */
    double value, ci_low, ci_high;                                   /* NAN: no interval */
    unsigned trials;
    double spread; /* robust standard deviation of the trials' logarithms: 1.4826 times the median distance from the
                    * median; NAN under 3 trials */
};

struct history_run {
    char *created, *version, *commit;
    uint64_t seed; /* with `created` it names a run */
    double elapsed_s;
    unsigned blocks, windows;
    double window_s, warmup_s;
    struct host host;
    struct history_cell *cells;
    size_t cell_count;
    char machine[HISTORY_MACHINE]; /* fingerprint_name(), not in the file */
};

struct history {
    struct history_run *runs; /* by `created` */
    size_t count;
    size_t torn;      /* lines that are not whole, passed over */
    size_t torn_line; /* the last of them, from 1 */
};

/* Reads FOLDER/history.jsonl; one that is not there is empty. 0, or -1 with *error: 65 and the line for one that is
 * whole but not what it should be. */
int history_read(struct history *, const char *folder, struct report_error *error);
void history_free(struct history *);

/* Whether that run is in it. */
bool history_has(const struct history *, const struct results *);

/* Appends a run; `folder` must be there. 0, or -1 with *error (73), and the file is as it was. */
int history_append(const char *folder, const struct results *, struct report_error *error);

/* --- series ------------------------------------------------------------------------------------------------------ */

/* What is asked for; NULL and 0: all. */
struct history_wanted {
    const char *machine;     /* a fingerprint_name() */
    const char *cell;        /* a part of the cell's id */
    char *const *strategies; /* "X" or "X:VARIANT" */
    char *const *workloads;
    size_t strategy_count, workload_count;
    double margin; /* of changes, 0.02 for 2 % */
};

struct history_point {
    const struct history_run *run;
    const struct history_cell *cell;
};

/* One cell on one machine on the same terms (idle mode, windows, warm-up), in the order of its runs. */
struct course {
    struct history_point *points;
    size_t count;
    struct change *changes;
    size_t change_count;
};

/* The series that are wanted, in the order in which they began, in *list. -1 when memory is short. */
int course_build(const struct history *, const struct history_wanted *, struct course **list, size_t *count);
void course_free(struct course *, size_t count);

/* "▁▁▂|▇▇": a sign per run, the latest `most`, a bar where a change is; figures 1 to 8 where `ascii`. To be freed; NULL
 * when memory is short. */
char *course_picture(const struct course *, size_t most, bool ascii);

/* "12 % slower from 2026-11-25 on, between abc1234 and def5678; levels 171 k and 150 k adds/s". Returns text. */
char *course_change(char *text, size_t size, const struct course *, size_t change);

/* --- writers ------------------------------------------------------------------------------------------------------ */

/* A row per series, and its runs where there is one series only or style->long_form. 0, or -1 with errno. */
int history_table(FILE *, const struct course *, size_t count, const struct report_style *, bool ascii);

/* As JSON text, to be freed; NULL when memory is short. */
char *history_to_json(const struct course *, size_t count);

/* Writes dir/history.html and its pictures, history-1.svg and so on. 0, or -1 with *error; a page without pictures is
 * a page, and error->text then says why, with code 0. */
int history_page(const struct course *, size_t count, const char *dir, struct report_error *error);

#endif
