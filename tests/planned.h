/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * planned.h - what `muster run` would measure on a machine that does not exist: from what was typed to a plan.
 *
 * For the tests of selection and plan; names and numbers come as on the command line. */
#ifndef MUSTER_TESTS_PLANNED_H
#define MUSTER_TESTS_PLANNED_H

#include "harness/plan.h"
#include "harness/topology.h"

#define TWO_CORES  "pack:1 l3:1 l2:2 core:1 pu:1"
#define FOUR_CORES "pack:1 l3:1 l2:4 core:1 pu:1"
#define EIGHT_PUS  "pack:1 l3:1 l2:4 core:1 pu:2"

/* What was typed; NULL: nothing. */
struct typed {
    const char *machine; /* NULL: two cores */
    const char *strategies, *workloads, *workers, *chunks, *payloads, *costs;
    const char *placements[4];
    bool oversubscribe;
    enum service_wish service;
    enum idle_mode idle;
};

/* What came of it. */
struct made {
    struct topology *topology;
    struct selection selection;
    struct plan plan;
    struct results results;
    struct problem problem;
    int result;
};

/* The selection alone: -1 with made->problem where it is refused. What was made is dropped in any case. */
int planned_choose(struct made *, const struct typed *);

/* The plan too; made->result says whether there is one. */
void planned_make(struct made *, const struct typed *);
void planned_drop(struct made *);

/* Checks that there is no plan, as a usage error whose text holds `text`. */
void planned_refused(struct typed, const char *text);

#endif
