/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * job.h - from a command line to a plan: what the commands that measure do alike before they do.
 *
 * A job holds everything that its plan and results hang on, so that one function frees it. */
#ifndef MUSTER_HARNESS_JOB_H
#define MUSTER_HARNESS_JOB_H

#include "harness/plan.h"
#include "harness/run_options.h"
#include "harness/topology.h"

#define JOB_POLICIES  32
#define JOB_WINDOWS   8
#define JOB_WINDOW_NS 10000000

struct job {
    struct asked_for asked; /* filled first */
    struct topology *topology;
    struct selection selection;
    struct plan plan;
    const char *idle_why; /* as idle_choose() says it */
    char *input;          /* of an errand */
    char policies[JOB_POLICIES][64];
    const char *placements[JOB_POLICIES + 1];
};

/* This system's topology, the selection, and the plan, with its cells in *results. -1 with *problem. */
int job_plan(struct job *, struct results *, struct problem *);

/* Host, build, command line, strategies and workloads, as the results file holds them. -1 with *problem. */
int job_describe(struct job *, struct results *, int argc, char **argv, struct problem *);

/* What --seed says, else a new one. */
uint64_t job_seed(const struct job *);

/* All but *results. */
void job_free(struct job *);

#endif
