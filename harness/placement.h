/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * placement.h - which worker gets which processing unit: a pure plan over a flat list of them.
 *
 * A machine is the list of processing units that may be used, nearest ones next to each other, each with the number of
 * the core, caches, NUMA locality and package that it lies in. Nothing here calls hwloc or the kernel, so a plan is the
 * same wherever it is made; topology.h fills the list and binder.h carries the plan out. */
#ifndef MUSTER_HARNESS_PLACEMENT_H
#define MUSTER_HARNESS_PLACEMENT_H

#include "harness/problem.h"

#include <stdbool.h>
#include <stddef.h>

enum { PLACEMENT_WORKERS_MAX = 1024 };

enum level {
    LEVEL_CORE,
    LEVEL_L2,
    LEVEL_CLUSTER, /* a group of cores inside an L3 or package that shares something hwloc has no name for */
    LEVEL_L3,
    LEVEL_NUMA, /* the memory that is local; may lie inside an L3 or span packages */
    LEVEL_PACKAGE,
    LEVELS,
};

/* Numbers are dense: they count only what holds usable units, from 0 in the order of the list; -1: there is no such
 * level here. */
struct unit {
    unsigned pu; /* the operating system's number: what is bound to and what is stored */
    int id[LEVELS];
    int kind; /* as hwloc ranks kinds of core, -1 unknown; a label, it decides nothing */
};

struct machine {
    struct unit *units;
    unsigned count;
    unsigned cores; /* a unit without a core object counts as its own core */
    unsigned groups[LEVELS];
    bool this_system; /* false: plan only, nothing may be measured on it */
};

/* How far two units are from each other. A missing cache or package is shared by no one. */
enum distance { DISTANCE_SMT, DISTANCE_L2, DISTANCE_L3, DISTANCE_PACKAGE, DISTANCE_CROSS, DISTANCES };

/* One class and how many pairs are in it: of units for smt, of cores for the others. */
struct distance_class {
    const char *name;    /* "smt", "l2", ... */
    const char *meaning; /* "two cores that share an L2 cache" */
    unsigned long pairs;
    const struct unit *example[2]; /* the first pair; NULL when there is none */
};

struct placement {
    unsigned workers;
    unsigned places; /* how many the policy has without oversubscribing */
    bool bound;      /* false: the scheduler chooses, `units` is NULL */
    bool oversubscribed;
    const struct unit **units; /* one per worker; they belong to the machine */
};

/* Fills cores and groups from the units. */
void placement_count(struct machine *machine);

bool placement_same_core(const struct unit *a, const struct unit *b);
enum distance placement_distance(const struct unit *a, const struct unit *b);
void placement_distances(const struct machine *machine, struct distance_class classes[DISTANCES]);

/* How many workers the policy takes on this machine; -1 with *problem filled: unknown policy, absent pair, unit that
 * may not be used (all EXIT_USAGE). */
int placement_places(const struct machine *machine, const char *policy, struct problem *problem);

/* Plans `workers` workers (0: as many as there are cores, or fewer places). More workers than places is an error unless
 * `oversubscribe`: then they go round the places again. 0, or -1 with *problem filled. */
int placement_plan(const struct machine *machine, const char *policy, unsigned workers, bool oversubscribe,
                   struct placement *placement, struct problem *problem);
void placement_free(struct placement *placement);

/* A unit without a worker, for the process that serves the others: on a free core if there is one, as near to worker 0
 * as can be. NULL when the plan leaves none free, or binds nothing. */
const struct unit *placement_free_unit(const struct machine *machine, const struct placement *placement);

/* Splits "cores,pair:l2,0,4,8,compact" into policies; neighbouring numbers are one list of units. Cuts the next policy
 * off *text into `policy` (size bytes); 1, 0 at the end, -1 when it does not fit. */
int placement_next_policy(const char **text, char *policy, size_t size);

#endif
