/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * plan.h - from a selection to cells: what will be measured, where each process goes, and what is n/a and why.
 *
 * Pure but for memory: nothing is measured or bound here. A plan's entries and the cells of the results go side by
 * side. */
#ifndef MUSTER_HARNESS_PLAN_H
#define MUSTER_HARNESS_PLAN_H

#include "harness/idle.h"
#include "harness/selection.h"
#include "harness/trial.h"
#include "reports/results.h"

enum service_wish { SERVICE_AUTO, SERVICE_OWN, SERVICE_SHARED };

/* What holds for all cells of a run. */
struct terms {
    const char *const *placements; /* policies, ended by NULL */
    bool oversubscribe;
    enum service_wish service;
    uint64_t items; /* per map call; 0: by a pilot */
    unsigned depth; /* 0: the strategy's choice */
    enum idle_mode idle;
    const char *input;              /* of an errand, the caller's; NULL: none */
    double ns_per_step;             /* of ipc/work.h's chain; needed where an item cost is not 0 */
    const char *manager, *key_file; /* of strategies that may be served by an address; NULL: by their own */
};

struct entry {
    struct request request; /* owns what hangs below it */
    size_t cell;            /* in results->cells */
    enum idle_mode idle;
    bool settled;            /* items and chunk are known */
    struct histogram *times; /* of each grain, of all trials so far; NULL: none */
};

struct plan {
    struct entry *entries;
    size_t count, room;
    bool service_own; /* a unit of its own serves, in all cells */
    /* Where an entry binds nothing, all units that may be used; else NULL. */
    unsigned *everywhere;
    unsigned everywhere_count;
};

/* Adds a cell to *results for each entry. -1 with *problem: more workers than places, an unknown policy. */
int plan_make(struct plan *, struct results *, const struct selection *, const struct terms *, const struct machine *,
              struct problem *);
void plan_free(struct plan *);

/* Entries that will be measured, not n/a. */
size_t plan_measurable(const struct plan *, const struct results *);

/* -1 with *problem, which says why, when there is no such entry. */
int plan_check(const struct plan *, const struct results *, struct problem *);

/* Two different units that the plan uses, for the prober of wake-ups; false when it uses fewer. */
bool plan_two_units(const struct plan *, unsigned pair[2]);

/* Every unit that the plan uses, once. Returns how many; `units` has room for `room`. */
unsigned plan_units(const struct plan *, unsigned *units, unsigned room);

/* Adds those of one cell to the `count` that are in units[room]; returns how many there are then. */
unsigned plan_cell_units(const struct request *, unsigned *units, unsigned count, unsigned room);

#endif
