/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet_parts.h - what the files of a duet share: its state, and one pair. */
#ifndef MUSTER_HARNESS_DUET_PARTS_H
#define MUSTER_HARNESS_DUET_PARTS_H

#include "harness/duet.h"
#include "harness/stolen.h"
#include "harness/talk.h"

#include <sys/stat.h>

/* What the clock and the system say at one end of a pair. */
struct moment {
    double at_s; /* since the duet began */
    struct stolen_reading units;
    double own_cpu_s; /* of this process, what it reaped, and its spinners */
};

/* What a side was when it was asked first. */
struct build {
    bool known, seen;    /* seen: its program's file is known, too */
    struct stat program; /* of the trial's process; a script's is its shell */
};

/* One cell's turn in a block. */
struct slot {
    size_t entry;
    bool candidate_first;
    unsigned attempt;
};

struct duet_state {
    struct idle *idle;
    struct lane_set *lanes; /* NULL: they could not be opened */
    struct stolen *stolen;
    struct request *candidate; /* [plan->count]: as the plan's, but for what the candidate alone gets */
    size_t *order;             /* [plan->count], of the block that is measured */
    struct slot *again;        /* [plan->count], the block's spoiled ones */
    bool *confirmed;           /* [plan->count], which cells are measured a second time */
    unsigned units;            /* in use */
    int64_t began, stored;     /* clock_now() */
    /* The last reading of the lanes; fresh: nothing but a boundary between two pairs has come since. */
    bool fresh;
    struct lanes now;
    double gap_s;
    unsigned block;                    /* the last one's number */
    size_t slots, extra;               /* measured for the first time, and once more */
    size_t slots_left;                 /* planned and not measured yet, for the time left */
    double *pair_s;                    /* [plan->count], what its pairs took so far, summed */
    double budget_s;                   /* for all, since the duet began; INFINITY: as long as it takes */
    unsigned late[ARMS];               /* cells in which a side let a deadline pass while it was asked what it lacks */
    size_t slots_before, extra_before; /* of the first measurement */
    struct build builds[ARMS];
    char changed[200];  /* why nothing that is measured from now on would be of the same two builds; "": it would */
    unsigned *wanted;   /* [plan->count], sound pairs; 0: too few are there to say */
    bool *looked_again; /* [plan->count], cells whose number of sound pairs stands */
    bool *stumbled;     /* [plan->count], cells in which something failed, and was let fail once */
    size_t stumbles;    /* such cells */
    char stumble[600];  /* the latest: who and why */
    bool unasked;       /* the time was up before both sides were asked about every cell */
    bool lost_output, planned, confirming; /* planned: the pilot is over */
    bool spending; /* the time was up before any cell had blocks enough for a verdict: only such cells keep a reserve */
};

enum { DUET_HELLO_S = 10 }; /* within which a side must answer at all */

double duet_elapsed_s(const struct duet_run *);

/* The conversation of an arm about an entry, not started yet. */
struct talk duet_talk(const struct duet_run *, size_t entry, enum arm);

/* That an arm cannot be measured in a cell, and why; takes the first reason. */
void duet_fault(struct duet_run *, size_t entry, enum arm, enum side_status, const char *why);

/* Pairs of one measurement that a verdict may rest on; blind to the arms. */
size_t duet_sound(const struct duet_run *, size_t entry, bool confirming);

/* False: it is n/a, lacking or failed on a side, or there was no time to ask the sides about it. */
bool duet_measurable(const struct duet_run *, size_t entry);

/* Whether a failure is let pass this once, which is noted: the first of a cell is. */
bool duet_may_stumble(struct duet_run *, size_t entry, enum arm, const char *why);

/* The exit code of a duet that was broken off: interrupted, which is noted, or with *problem since a side changed. */
int duet_broken_off(struct duet_run *, struct problem *);

/* duet_budget.c. What a pair of an entry takes, with what had to be repeated; before its first one, by the plan. */
double duet_slot_s(const struct duet_run *, size_t entry);
/* What is kept for the second measurement, which is of the dearest cells for all that is known; 0 within it. While
 * state->spending, only of those that have blocks enough for a first verdict. */
double duet_reserve_s(const struct duet_run *);
/* Of the budget, beside the reserve, which is kept back once the pilot is through: without a pilot there is no verdict
 * that could be confirmed. INFINITY: there is no budget. */
double duet_time_s(const struct duet_run *);
/* Until all is done, for people; NAN: not known. Before the first plan, what is left is the budget. */
double duet_left_s(const struct duet_run *);

/* duet_settle.c: whether each side is there at all; then cell by cell what it lacks, items and chunks. Exit codes. */
int duet_greet(struct duet_run *, struct problem *);
int duet_settle(struct duet_run *);
/* After each `ready`: what the side says of itself, which stays what it was. -1, with state->changed set, where it did
 * not: figures of two builds are no measurement of one. */
int duet_recognise(struct duet_run *, enum arm, pid_t trial, const json_t *ready);

/* duet_pair.c: measures both arms of pair->block, with pair->candidate_first; else as talk.h. After ASKED_FINE *pair is
 * whole and the caller's to keep; after ASKED_NA or ASKED_FAILED the fault is noted; nothing is in *pair then. A cell's
 * first failure that is not of a proof is noted apart, and the pair measured anew: a driver that was stopped for a
 * while, or a moment without memory, is not the build's fault. ASKED_INTERRUPTED also where state->changed is set. */
enum asked duet_pair(struct duet_run *, size_t entry, struct pair *);
void duet_pair_free(struct pair *);

#endif
