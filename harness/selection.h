/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * selection.h - what `muster run` was asked to measure: names and numbers from the command line, checked. */
#ifndef MUSTER_HARNESS_SELECTION_H
#define MUSTER_HARNESS_SELECTION_H

#include "bench/registry.h"
#include "harness/options.h"
#include "harness/placement.h"

/* A strategy's variant. */
struct choice {
    const struct strategy *strategy;
    unsigned variant;
};

struct numbers {
    uint64_t *values;
    size_t count;
};

struct selection {
    bool standard;     /* neither strategy nor workload was named: the default plan */
    bool limits_named; /* the raw operations were asked for */
    struct choice *choices;
    size_t choice_count;
    const struct workload **workloads;
    size_t workload_count;
    struct numbers workers;        /* at least one */
    struct numbers chunks;         /* 0 is auto */
    struct numbers payloads;       /* bytes */
    struct numbers costs;          /* ns per item */
    const struct workload *errand; /* that was named, alone; NULL: none */
};

/* What the options gave, before names are looked up; an empty list is its default. */
struct wanted {
    struct text_list strategies, workloads, workers, chunks, payloads, costs;
};

/* Names with suggestions, numbers with units; workers may also be `cores` and `pus` of the machine, which are the
 * default too, as the series 1, 2, 4, ... to all cores. -1 with *problem (EXIT_USAGE). */
int selection_make(struct selection *, const struct wanted *, const struct machine *, struct problem *);
/* The strategies that have a manager are served by the one at this address, in the variant that its scheme is. */
int selection_by_address(struct selection *, const char *address, struct problem *);
/* Strategies only; without a name every variant of those that are compared. */
int selection_strategies(struct selection *, const struct text_list *names, struct problem *);
void selection_free(struct selection *);
void wanted_free(struct wanted *);

#endif
