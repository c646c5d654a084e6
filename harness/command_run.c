/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * command_run.c - `muster run`: reads what to measure, plans it, has it measured, and prints what it amounts to. */
#include "bench/ipc/reach.h"
#include "harness/clock.h"
#include "harness/commands.h"
#include "harness/driver.h"
#include "harness/estimate.h"
#include "harness/folder.h"
#include "harness/job.h"
#include "harness/key_file.h"
#include "harness/metadata.h"
#include "harness/output.h"
#include "harness/records.h"
#include "harness/run.h"
#include "reports/history.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Everything that a run holds, so that one function frees it. */
struct measuring {
    struct job job;
    struct results results;
    struct run run;
    char *records; /* the folder of the history that keeps it; NULL: none */
};

/* --- preparing --------------------------------------------------------------------------------------------------- */

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

/* What is done in the world is done once, unless it is asked for more. */
static void set_windows(struct effort *e, const struct asked_for *a, bool once)
{
    e->blocks = a->blocks ? a->blocks : once;
    e->windows = a->windows ? a->windows : once ? 1 : JOB_WINDOWS;
    e->window_ns = a->window_ns ? (int64_t)a->window_ns : once ? 1 : JOB_WINDOW_NS;
    e->cold = once;
}

static void set_effort(struct measuring *m)
{
    const struct asked_for *a = &m->job.asked;
    struct effort *e = &m->run.effort;
    bool fits;
    *e = (struct effort){
        .budget_s = clock_seconds((int64_t)a->budget_ns),
        .warmup_ns = (int64_t)a->warmup_ns,
    };
    set_windows(e, a, m->job.selection.errand != NULL);
    if (a->precision > 0) {
        e->most = PRECISION_BLOCKS;
        e->budget_s = e->budget_s > 0 ? e->budget_s : PRECISION_BUDGET_S;
    }
    size_t cells = plan_measurable(&m->job.plan, &m->results);
    double once_s = estimate_pilots_s(&m->job.plan, &m->results);
    double block_s = estimate_block_s(&m->job.plan, &m->results, e);
    m->results.blocks_planned = schedule_blocks(e, block_s, once_s, &fits);
    precision_plan(&m->run.precision, a->precision, m->results.blocks_planned);
    m->run.trial_s = cells ? block_s / (double)cells : 0;
    m->run.trials_planned = cells * m->results.blocks_planned;
    m->results.windows = e->windows;
    m->results.window_s = clock_seconds(e->window_ns);
    m->results.warmup_s = clock_seconds(e->window_ns) * schedule_warmups(e);
    m->results.seed = job_seed(&m->job);
    output_announce(&m->results, m->job.asked.folder, cells,
                    m->job.selection.errand ? NAN : once_s + block_s * m->results.blocks_planned,
                    e->blocks || !a->budget_ns ? 0 : e->budget_s, fits); /* --blocks overrules --time */
    output_announce_precision(&m->run.precision, e->budget_s, e->blocks || a->budget_ns);
}

/* That it cannot be kept is better known before it was measured. */
static int prepare_keeping(struct measuring *m, struct problem *problem)
{
    if (m->results.handicap != 0)
        return problem_set(problem, EXIT_USAGE, "--handicap stretches times: such a run is not for --keep");
    m->records = records_folder(m->job.asked.records, problem);
    return m->records ? folder_make(m->records, problem) : -1;
}

static int prepare(struct measuring *m, int argc, char **argv, struct problem *problem)
{
    if (job_plan(&m->job, &m->results, problem) || ask_manager(&m->job.asked, problem) ||
        job_describe(&m->job, &m->results, argc, argv, problem))
        return -1;
    m->run.idle_poll_us = m->job.asked.idle.poll_us;
    m->run.plan = &m->job.plan;
    m->run.results = &m->results;
    m->run.folder = m->job.asked.folder;
    if (m->job.asked.keep && prepare_keeping(m, problem))
        return -1;
    return m->run.folder ? folder_make(m->run.folder, problem) : 0;
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

static void free_all(struct measuring *m)
{
    progress_close(m->run.progress);
    job_free(&m->job);
    results_free(&m->results);
    json_decref(m->run.lines);
    free(m->records);
}

/* Asked for in vain: said once, since the numbers do not tell. */
static void say_unsized(const struct measuring *m)
{
    const struct selection *sel = &m->job.selection;
    size_t count = 0;
    for (size_t i = 0; m->job.asked.wanted.payloads.count && i < sel->workload_count; i++)
        if (sel->workloads[i]->payload_most == 0)
            fprintf(stderr, "%s%s", count++ ? ", " : "muster: ", sel->workloads[i]->name);
    if (count)
        fprintf(stderr, " ha%s no payload: --payload does not change %s\n", count == 1 ? "s" : "ve",
                count == 1 ? "it" : "them");
}

/* A run that was broken off is no point of a curve. Returns an exit code. */
static int keep(const struct measuring *m)
{
    struct report_error error;
    struct problem problem;
    if (!m->records)
        return EXIT_FINE;
    if (m->results.interrupted) {
        fprintf(stderr, "muster: interrupted, so it is not kept in the history\n");
        return EXIT_FINE;
    }
    if (history_append(m->records, &m->results, &error)) {
        problem_set(&problem, error.code, "%s", error.text);
        return problem_print(&problem);
    }
    fprintf(stderr, "muster: kept in %s/%s\n", m->records, HISTORY_FILE);
    return EXIT_FINE;
}

static int measure(struct measuring *m)
{
    struct problem problem;
    say_unsized(m);
    metadata_idle_note(&m->results, &m->job.plan, m->run.idle_poll_us, m->job.idle_why);
    set_effort(m);
    if (run_store(&m->run, &problem))
        return problem_print(&problem);
    m->run.progress = progress_open((enum progress_mode)m->job.asked.progress);
    driver_watch_signals();
    int code = run_blocks(&m->run, &problem);
    if (problem.code != EXIT_FINE)
        problem_print(&problem);
    const struct output output = {
        .format = (enum output_format)m->job.asked.format,
        .long_form = m->job.asked.long_form,
        .folder = m->job.asked.folder,
        .lines = m->run.lines,
    };
    int written = output_results(&m->results, &output);
    output_failures(&m->results, code == EXIT_INTERRUPTED);
    int kept = keep(m);
    return code != EXIT_FINE ? code : written != EXIT_FINE ? written : kept;
}

int command_run(int argc, char **argv)
{
    struct measuring m = {.run = {.folder = NULL}};
    struct problem problem;
    gsl_set_error_handler_off();
    int first = run_options_parse(&m.job.asked, argc, argv, &problem);
    int code;
    if (first == 0)
        code = EXIT_FINE;
    else if (first < 0 || prepare(&m, argc, argv, &problem))
        code = problem_print(&problem);
    else
        code = measure(&m);
    free_all(&m);
    return code;
}
