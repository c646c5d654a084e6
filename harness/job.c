/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * job.c - see job.h. */
#include "harness/job.h"

#include "harness/clock.h"
#include "harness/errand.h"
#include "harness/estimate.h"
#include "harness/host.h"
#include "harness/metadata.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static int read_policies(struct job *job, struct problem *problem)
{
    const char *text = job->asked.placements;
    for (size_t n = 0; n < JOB_POLICIES; n++) {
        int got = placement_next_policy(&text, job->policies[n], sizeof job->policies[n]);
        if (got < 0)
            return problem_set(problem, EXIT_USAGE, "--placement: '%s' is not a list of placements",
                               job->asked.placements);
        job->placements[n] = got ? job->policies[n] : NULL;
        if (!got)
            return n ? 0 : problem_set(problem, EXIT_USAGE, "--placement: an empty list");
    }
    return problem_set(problem, EXIT_USAGE, "--placement: more than %d of them", JOB_POLICIES - 1);
}

static bool costs_something(const struct selection *sel)
{
    for (size_t i = 0; i < sel->costs.count; i++)
        if (sel->costs.values[i] > 0)
            return true;
    return false;
}

int job_plan(struct job *job, struct results *results, struct problem *problem)
{
    struct asked_for *a = &job->asked;
    job->idle_why = idle_choose(&a->idle);
    struct terms terms = {
        .placements = job->placements,
        .oversubscribe = a->oversubscribe,
        .service = (enum service_wish)a->service,
        .items = a->items,
        .depth = a->depth,
        .idle = a->idle.mode,
        .ns_per_step = 1,
        .manager = a->manager,
        .key_file = a->key_file,
    };
    if (topology_open_system(&job->topology, problem) || read_policies(job, problem) ||
        selection_make(&job->selection, &a->wanted, topology_machine(job->topology), problem) ||
        (a->manager && selection_by_address(&job->selection, a->manager, problem)))
        return -1;
    if (errand_read(job->selection.errand, a->input, &job->input, problem))
        return -1;
    terms.input = job->input;
    if (costs_something(&job->selection))
        terms.ns_per_step = estimate_chain();
    if (plan_make(&job->plan, results, &job->selection, &terms, topology_machine(job->topology), problem))
        return -1;
    results->idle = strdup(idle_name(terms.idle));
    return plan_check(&job->plan, results, problem);
}

int job_describe(struct job *job, struct results *results, int argc, char **argv, struct problem *problem)
{
    return host_read(&results->host, job->topology, problem) || metadata_fill(results, &job->plan, argc, argv, problem)
               ? -1
               : 0;
}

uint64_t job_seed(const struct job *job)
{
    if (job->asked.seed != SEED_FRESH)
        return job->asked.seed;
    uint32_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        seed = (uint32_t)clock_now();
    return seed;
}

void job_free(struct job *job)
{
    plan_free(&job->plan);
    selection_free(&job->selection);
    topology_close(job->topology);
    free(job->input);
    wanted_free(&job->asked.wanted);
}
