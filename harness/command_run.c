/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * command_run.c - `muster run`: reads what to measure, plans it, has it measured, and prints what it amounts to. */
#include "bench/ipc/reach.h"
#include "harness/estimate.h"
#include "harness/clock.h"
#include "harness/commands.h"
#include "harness/driver.h"
#include "harness/errand.h"
#include "harness/folder.h"
#include "harness/host.h"
#include "harness/key_file.h"
#include "harness/metadata.h"
#include "harness/output.h"
#include "harness/run.h"
#include "harness/run_options.h"
#include "harness/topology.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define POLICIES_MOST 32
#define WINDOWS       8
#define WINDOW_NS     10000000

/* Everything that a run holds, so that one function frees it. */
struct job {
    struct asked_for asked;
    struct topology *topology;
    struct selection selection;
    struct plan plan;
    struct results results;
    struct run run;
    const char *idle_why;
    char *input; /* of an errand */
    char policies[POLICIES_MOST][64];
    const char *placements[POLICIES_MOST + 1];
};

/* --- preparing --------------------------------------------------------------------------------------------------- */

static int read_policies(struct job *job, struct problem *problem)
{
    const char *text = job->asked.placements;
    for (size_t n = 0; n < POLICIES_MOST; n++) {
        int got = placement_next_policy(&text, job->policies[n], sizeof job->policies[n]);
        if (got < 0)
            return problem_set(problem, EXIT_USAGE, "--placement: '%s' is not a list of placements",
                               job->asked.placements);
        job->placements[n] = got ? job->policies[n] : NULL;
        if (!got)
            return n ? 0 : problem_set(problem, EXIT_USAGE, "--placement: an empty list");
    }
    return problem_set(problem, EXIT_USAGE, "--placement: more than %d of them", POLICIES_MOST - 1);
}

static bool costs_something(const struct selection *sel)
{
    for (size_t i = 0; i < sel->costs.count; i++)
        if (sel->costs.values[i] > 0)
            return true;
    return false;
}

/* Told once and clearly, before any trial finds it out. */
static int ask_manager(const struct asked_for *a, struct problem *problem)
{
    struct key_file key = {.count = 0};
    struct error error;
    if (!a->manager)
        return 0;
    if (a->key_file && key_file_read(&key, a->key_file, problem))
        return -1;
    const struct manager_at at = {.address = a->manager, .key = key.bytes, .key_bytes = key.count};
    if (reach_probe(&at, &error) == 0)
        return 0;
    if (error.code == ERROR_USE)
        return problem_set(problem, EXIT_USAGE, "--manager: %s", error.text);
    bool named = strstr(error.text, a->manager) != NULL;
    return problem_set(problem, EXIT_UNPROVED, "%s%s%s", named ? "" : a->manager, named ? "" : ": ", error.text);
}

static int make_plan(struct job *job, struct problem *problem)
{
    struct asked_for *a = &job->asked;
    job->idle_why = idle_choose(&a->idle);
    job->run.idle_poll_us = a->idle.poll_us;
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
    if (read_policies(job, problem) ||
        selection_make(&job->selection, &a->wanted, topology_machine(job->topology), problem) ||
        (a->manager && selection_by_address(&job->selection, a->manager, problem)))
        return -1;
    if (errand_read(job->selection.errand, a->input, &job->input, problem))
        return -1;
    terms.input = job->input;
    if (costs_something(&job->selection))
        terms.ns_per_step = estimate_chain();
    if (plan_make(&job->plan, &job->results, &job->selection, &terms, topology_machine(job->topology), problem))
        return -1;
    job->results.idle = strdup(idle_name(terms.idle));
    return plan_check(&job->plan, &job->results, problem);
}

static uint64_t fresh_seed(void)
{
    uint32_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        seed = (uint32_t)clock_now();
    return seed;
}

/* What is done in the world is done once, unless it is asked for more. */
static void set_windows(struct effort *e, const struct asked_for *a, bool once)
{
    e->blocks = a->blocks ? a->blocks : once;
    e->windows = a->windows ? a->windows : once ? 1 : WINDOWS;
    e->window_ns = a->window_ns ? (int64_t)a->window_ns : once ? 1 : WINDOW_NS;
    e->cold = once;
}

static void set_effort(struct job *job)
{
    const struct asked_for *a = &job->asked;
    struct effort *e = &job->run.effort;
    bool fits;
    *e = (struct effort){
        .budget_s = clock_seconds((int64_t)a->budget_ns),
        .warmup_ns = (int64_t)a->warmup_ns,
    };
    set_windows(e, a, job->selection.errand != NULL);
    size_t cells = plan_measurable(&job->plan, &job->results);
    double once_s = estimate_pilots_s(&job->plan, &job->results);
    double block_s = estimate_block_s(&job->plan, &job->results, e);
    job->results.blocks_planned = schedule_blocks(e, block_s, once_s, &fits);
    job->run.trial_s = cells ? block_s / (double)cells : 0;
    job->run.trials_planned = cells * job->results.blocks_planned;
    job->results.windows = e->windows;
    job->results.window_s = clock_seconds(e->window_ns);
    job->results.warmup_s = clock_seconds(e->window_ns) * schedule_warmups(e);
    job->results.seed = a->seed == SEED_FRESH ? fresh_seed() : a->seed;
    output_announce(&job->results, job->asked.folder, cells,
                    job->selection.errand ? NAN : once_s + block_s * job->results.blocks_planned,
                    e->blocks ? 0 : e->budget_s, fits); /* --blocks overrules --time */
}

static int prepare(struct job *job, int argc, char **argv, struct problem *problem)
{
    if (topology_open_system(&job->topology, problem) || make_plan(job, problem) || ask_manager(&job->asked, problem) ||
        host_read(&job->results.host, job->topology, problem) ||
        metadata_fill(&job->results, &job->plan, argc, argv, problem))
        return -1;
    job->run.plan = &job->plan;
    job->run.results = &job->results;
    job->run.folder = job->asked.folder;
    return job->run.folder ? folder_make(job->run.folder, problem) : 0;
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

static void free_job(struct job *job)
{
    progress_close(job->run.progress);
    plan_free(&job->plan);
    selection_free(&job->selection);
    results_free(&job->results);
    topology_close(job->topology);
    json_decref(job->run.lines);
    free(job->input);
    wanted_free(&job->asked.wanted);
}

/* Asked for in vain: said once, since the numbers do not tell. */
static void say_unsized(const struct job *job)
{
    const struct selection *sel = &job->selection;
    size_t count = 0;
    for (size_t i = 0; job->asked.wanted.payloads.count && i < sel->workload_count; i++)
        if (sel->workloads[i]->payload_most == 0)
            fprintf(stderr, "%s%s", count++ ? ", " : "muster: ", sel->workloads[i]->name);
    if (count)
        fprintf(stderr, " ha%s no payload: --payload does not change %s\n", count == 1 ? "s" : "ve",
                count == 1 ? "it" : "them");
}

static int measure(struct job *job)
{
    struct problem problem;
    say_unsized(job);
    metadata_idle_note(&job->results, &job->plan, job->run.idle_poll_us, job->idle_why);
    set_effort(job);
    if (run_store(&job->run, &problem))
        return problem_print(&problem);
    job->run.progress = progress_open((enum progress_mode)job->asked.progress);
    driver_watch_signals();
    int code = run_blocks(&job->run, &problem);
    if (problem.code != EXIT_FINE)
        problem_print(&problem);
    const struct output output = {
        .format = (enum output_format)job->asked.format,
        .long_form = job->asked.long_form,
        .folder = job->asked.folder,
        .lines = job->run.lines,
    };
    int written = output_results(&job->results, &output);
    output_failures(&job->results, code == EXIT_INTERRUPTED);
    return code == EXIT_FINE ? written : code;
}

int command_run(int argc, char **argv)
{
    struct job job = {.run = {.folder = NULL}};
    struct problem problem;
    gsl_set_error_handler_off();
    int first = run_options_parse(&job.asked, argc, argv, &problem);
    int code;
    if (first == 0)
        code = EXIT_FINE;
    else if (first < 0 || prepare(&job, argc, argv, &problem))
        code = problem_print(&problem);
    else
        code = measure(&job);
    free_job(&job);
    return code;
}
