/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet.h - the model of a duet: two builds measured side by side, cell by cell, and what was seen beside each pair.
 *
 * A duet is written about a struct results: its host, its effort, its cells' identities are those of a run, and only
 * the trials are missing there; they hang in pairs below the duet's own cells, which stand in the same order. The file
 * is DIR/duet.json; reports/duet.schema.json is its form. A calibration's recording is a duet of one build with itself.
 *
 * As in results.h: what was not measured is NAN here and absent in the file, all memory is the duet's own, and nothing
 * may be called concurrently on one duet. */
#ifndef MUSTER_REPORTS_DUET_H
#define MUSTER_REPORTS_DUET_H

#include "reports/results.h"

#define DUET_SCHEMA "muster.duet/1"

enum arm { ARM_BASE, ARM_CANDIDATE, ARMS };

const char *arm_name(enum arm); /* "base", "candidate" */

/* Both arms of one cell, measured next to each other: the unit of all inference. */
struct pair {
    unsigned block;       /* 1 for the first; a slot that is measured again keeps its block */
    unsigned attempt;     /* 1; more: the slot was spoiled before */
    bool candidate_first; /* the order of the arms: BA rather than AB */
    bool confirming;      /* of the second, later measurement */
    double started_s;     /* since the duet began */
    double elapsed_s;     /* from one reading of the lanes to the next */
    double steal_s;       /* taken by the host from the units in use, summed over them */
    double foreign_s;     /* CPU time on the units in use that was not the pair's: others' work; coarse, below 0 too */
    double clock_gap_s;   /* the longest stretch in which a lane's loop did not run */
    struct lanes before, after;
    double parked_s[ARMS];     /* CPU time that a unit lost to the arm's processes while they were to wait and the
                                * other's windows were measured; NAN: whole trials, or it was not seen */
    struct trial trials[ARMS]; /* windows, value, window_s and CPU times; the rest is not kept in the file */
};

/* What each side can say of a cell. */
enum side_status {
    SIDE_OK,
    SIDE_LACKS,  /* this side does not know it, or cannot do it: reason says so */
    SIDE_FAILED, /* a proof failed, a process died, a deadline passed */
};

struct duet_cell {
    enum side_status status[ARMS];
    char *reasons[ARMS]; /* NULL where SIDE_OK */
    unsigned blocks_planned;
    bool whole_trials;  /* though windows alternate in the duet: see duet_restless() */
    struct pair *pairs; /* in the order in which they were measured */
    size_t pair_count;
};

struct side {
    char **command; /* as given, without `trial` */
    size_t command_count;
    char *version, *commit; /* as it says itself; NULL: it is too old to say */
    double handicap;        /* by how much it stretches its times, 0.05 for 5 %; 0: not at all */
};

/* What ended the measuring. */
enum ended {
    ENDED_NOT,  /* it goes on, or it was killed, or there was nothing to measure */
    ENDED_PLAN, /* every cell has the sound pairs that were planned for it, or the pairs that were asked for */
    ENDED_TIME, /* the time was up before that: of all, with what is kept back for a second measurement, or of that */
    ENDED_INTERRUPTED,
};

const char *ended_name(enum ended); /* "unfinished", "plan", "time", "interrupted" */

struct observation;

struct duet {
    struct results about; /* cells[i] belongs to about.cells[i], whose status, values and trials are not in the file */
    struct duet_cell *cells;
    struct side sides[ARMS];
    bool by_windows;       /* windows alternate; else whole trials do */
    unsigned pilot_blocks; /* after which the number of blocks was first set */
    enum ended ended;
};

/* The pair's evidence: ln(candidate's time per operation / base's), so that positive is worse; NAN when an arm has no
 * value, or both are 0; infinite when one is. Direction comes from the cell's `better`. */
double pair_worse(const struct cell *, const struct pair *);

/* As in results.h: DIR/duet.json or the file itself; written by temporary file and rename. What is read has cells of
 * status CELL_PENDING, since each side's own status counts. */
int duet_read(struct duet *, const char *path, struct report_error *);
int duet_write(const struct duet *, const char *dir, struct report_error *);
void duet_free(struct duet *);

/* --- spoiled pairs -------------------------------------------------------------------------------------------------
 */

#define SPOILED_STEAL   0.02 /* of the pair's time on the units in use */
#define SPOILED_DRIFT   0.10 /* of a lane, from before to after */
#define SPOILED_FOREIGN 0.50 /* of a unit */

/* Why the pair tells nothing, as a clause; NULL: it is sound. Declared before anything is measured, and blind to the
 * arms: it looks at what surrounds the pair, never at its values. What was not measured (NAN) spoils nothing. The text
 * holds until the next call. */
const char *pair_spoiled(const struct pair *, unsigned units);

/* The same of a trial of a run, where no lanes surround each one: by what the host and others took of its units. */
bool trial_spoiled(const struct cell *, const struct trial *);

/* --- parked sides --------------------------------------------------------------------------------------------------
 *
 * Where windows alternate, the processes of one side wait while the other is measured. Should they work instead, they
 * take from the other what it is measured by, and a build would look the faster the worse it waits. */

#define PARKED_MOST 0.01 /* of the other's windows, in the median pair */
#define PARKED_WINDOW_S                                                                                                \
    0.010              /* as which shorter windows count: to go to sleep takes a while, which must be let pass         \
                        */
#define PARKED_LEAST 4 /* pairs, before anything is said of a side */

/* CPU time that a unit lost to an arm's parked processes, per second of the other's windows: the median of the cell's
 * pairs; NAN under PARKED_LEAST pairs of which it is known. */
double duet_parked(const struct duet_cell *, enum arm);

/* Whether a side works while it is parked; which one, and how much. Such a cell is to be measured by whole trials, and
 * none of its pairs whose windows alternated tells anything then: whatever they say, whichever side gains by it. */
bool duet_restless(const struct duet_cell *, enum arm *, double *share);

/* False for such a pair. */
bool pair_counts(const struct duet_cell *, const struct pair *);

/* The units in use: those that any cell is bound to, each once; where nothing is bound, all that may be used. */
unsigned duet_units(const struct duet *);

/* A cell's pairs as a verdict looks at them (reports/verdict.h), in the order in which they were measured: those of the
 * first measurement, or of the confirming one. An array of *count, to be freed; NULL when memory is short. */
struct observation *duet_observations(const struct duet *, size_t cell, bool confirming, size_t *count);

#endif
