/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * calibration.h - what `muster calibrate` learned of a machine, kept for the gate: noise floors, power, sessions.
 *
 * The file is FOLDER/calibration/NAME.json, where NAME is fingerprint_name(). It holds the host whole, which is
 * compared again on reading: a name alone is not believed. */
#ifndef MUSTER_REPORTS_CALIBRATION_H
#define MUSTER_REPORTS_CALIBRATION_H

#include "reports/results.h"

#define CALIBRATION_SCHEMA "muster.calibration/1"
#define CALIBRATION_DAYS   30 /* after which it is said to be old */
#define SESSION_SD_MOST    10 /* of logarithms; above, no measurement says so */

#define FLOOR_MOST 10.0 /* no machine's noise is tenfold, and a file that says so is not believed */

struct calibrated_cell {
    char *id;     /* as in results */
    double floor; /* within what |median evidence| stays in 95 % of stretches of a gate's length, at most (see
                   * reports/replay.h), 0.004 for 0.4 %; NAN: the recording was too short */
    unsigned floor_blocks, floor_stretches; /* what it rests on: blocks of a stretch, how many do not overlap */
    double caught;     /* the slowdown that is caught 95 % of the time, 0.03 for 3 %; NAN: none up to 25 % */
    double session_sd; /* standard deviation of ln(value) between stretches apart in time; NAN */
    unsigned sessions; /* from how many */
    double pair_sd;    /* of single pairs' evidence, robust */
    double lag1;       /* of neighbouring pairs; NAN */
    unsigned pairs, spoiled;
};

/* How often the gate ends in "slower, confirmed" when the candidate's times are stretched. */
struct calibrated_power {
    double handicap; /* 0.05 for 5 % */
    unsigned gates, caught;
};

/* Work that is really there: one cell, whose candidate has items that cost more. */
struct calibrated_control {
    char *id;                          /* NULL: none was made */
    double expected, ratio, low, high; /* candidate's time / base's; NAN */
    unsigned blocks;                   /* that were used */
    char *verdict;                     /* verdict_name(); should be "slower" */
};

/* Gates that were not replayed but run, both sides the same build. */
struct calibrated_live {
    unsigned gates, passed, inconclusive, alarms; /* the rest could not be measured */
};

struct calibration {
    struct host host;
    char *created, *idle, *commit; /* commit: of the build that was measured; NULL: not known */
    double elapsed_s;
    unsigned windows; /* timed windows of a trial, their length, and that of its warm-up */
    double window_s, warmup_s;
    bool by_windows;
    unsigned blocks; /* of the recording */
    double gate_s;   /* how long a gate that was replayed takes */
    /* Blocks of a cell in its first stage: they differ where precise cells stop early. */
    unsigned blocks_least, blocks_most;
    bool capped;                      /* the wildest cells get more in a live gate than the recording could hold */
    double confirm_s, confirm_live_s; /* how long the second measurement lasts, replayed and live; NAN: not told */
    double margin;                    /* of its criteria, before floors */
    unsigned gates, false_alarms;     /* replayed without floors, once with the arms exchanged */
    unsigned independent;             /* stretches that do not overlap */
    double false_alarm_most;          /* upper bound at 95 %, from the independent ones */
    unsigned alarms_with_floors;      /* of as many gates, with the floors that were found in the same recording */
    unsigned undecided;               /* of those: the gate would have ended with 3 */
    struct calibrated_power *powers;
    size_t power_count;
    struct calibrated_control control;
    struct calibrated_live live;
    struct calibrated_cell *cells;
    size_t cell_count;
};

/* 0; 1 when there is none for this machine; -1 with *error for a file that is not what it should be. *calibration is
 * zeroed unless 0 is returned. */
int calibration_read(struct calibration *, const char *folder, const struct host *, struct report_error *);

/* `folder` must be there; FOLDER/calibration is made. An earlier one of the same machine is replaced. -1 with *error.
 */
int calibration_write(const struct calibration *, const char *folder, struct report_error *);
void calibration_free(struct calibration *);

/* Where it is kept, to be freed; NULL when memory is short. */
char *calibration_path(const char *folder, const struct host *);

/* Why it says nothing of measurements made on these terms, as a clause in text[size]; NULL: it fits. Idle mode, windows
 * and warm-up must be the same. */
const char *calibration_unfit(const struct calibration *, const struct results *about, char *text, size_t size);

#define CALIBRATION_SPOILED_MANY 0.5 /* of the pairs: what is left is then no picture of the machine */

/* How many of its pairs were spoiled, of all: 0.77 for 77 %; NAN without pairs. */
double calibration_spoiled(const struct calibration *);

/* As JSON text, freed by the caller; NULL when memory is short. */
char *calibration_to_json(const struct calibration *);

/* NULL when the cell was not calibrated. The id's terms (idle mode and all) must agree. */
const struct calibrated_cell *calibration_cell(const struct calibration *, const char *id);

/* Whether its sessions tell how two such runs differ: they lie no further apart than its recording was long. What a
 * host does from day to day, an hour does not show. */
bool calibration_spans(const struct calibration *, const struct results *, const struct results *);

/* Its age in days at `now` (seconds since 1970), NAN when `created` is not a date. */
double calibration_age_days(const struct calibration *, double now);

#endif
