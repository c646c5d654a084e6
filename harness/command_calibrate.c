/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * command_calibrate.c - `muster calibrate`: records this build against itself, replays the gate, keeps what follows. */
#include "harness/calibrate.h"
#include "harness/calibrate_beside.h"
#include "harness/calibrate_options.h"
#include "harness/clock.h"
#include "harness/commands.h"
#include "harness/driver.h"
#include "harness/folder.h"
#include "harness/metadata.h"
#include "harness/output.h"
#include "harness/records.h"
#include "harness/terminal.h"
#include "harness/twin.h"
#include "reports/calibration_report.h"
#include "reports/format.h"
#include "reports/replay.h"

#include <errno.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS_FIRST 2 /* by which the time of a block is known */

/* Everything that a calibration holds, so that one function frees it. */
struct calibrating {
    struct calibrate_asked asked;
    struct criteria criteria;
    struct twin recording;
    struct calibration calibration;
    struct progress *progress;
    char *records, *kept; /* the folder; the file in it, once it is there */
    int argc;
    char **argv;
};

static double gate_s(const struct calibrating *c)
{
    return clock_seconds((int64_t)c->asked.gate_ns);
}

/* --- the recording ----------------------------------------------------------------------------------------------- */

static void announce(const struct calibrating *c)
{
    const struct twin *t = &c->recording;
    const struct asked_for *a = &c->asked.run;
    const size_t cells = plan_measurable(&t->job.plan, &t->duet.about);
    char effort[FORMAT_SIZE], beside[FORMAT_SIZE] = "";
    if (a->blocks)
        snprintf(effort, sizeof effort, "%u blocks", a->blocks);
    else
        format_seconds(effort, clock_seconds((int64_t)a->budget_ns));
    if (c->asked.control)
        snprintf(beside, sizeof beside, ", then %u block%s of a control", c->asked.control,
                 c->asked.control == 1 ? "" : "s");
    fprintf(stderr, "muster: %zu cell%s of this build against itself, %s%s; seed %llu%s%s\n", cells,
            cells == 1 ? "" : "s", effort, beside, (unsigned long long)t->duet.about.seed,
            a->folder ? "; recording in " : "", a->folder ? a->folder : "");
    if (t->duet.about.idle_note)
        fprintf(stderr, "muster: idle: %s\n", t->duet.about.idle_note);
}

/* Said before the rest is waited for, by what the first blocks took. */
static void warn_short(const struct calibrating *c)
{
    const double least_s = calibrate_least_s(&c->recording.duet, gate_s(c), &c->criteria);
    const double recorded_s = clock_seconds((int64_t)c->asked.run.budget_ns);
    char gate[FORMAT_SIZE], least[FORMAT_SIZE], recorded[FORMAT_SIZE];
    if (!(least_s > recorded_s))
        return;
    progress_note(
        c->progress,
        "muster: a gate of %s takes a recording of about %s, and this one lasts %s: nothing will be kept; give "
        "it a longer --time, or a shorter --gate",
        format_seconds(gate, gate_s(c)), format_seconds(least, least_s), format_seconds(recorded, recorded_s));
}

/* Blocks until the time is up, asked for in as few goes as their length allows, so that the time left can be shown. */
static int record_for(struct calibrating *c, int64_t until, struct problem *problem)
{
    struct twin *t = &c->recording;
    const int64_t began = clock_now();
    unsigned done = 0, next = BLOCKS_FIRST;
    int code = EXIT_FINE;
    while (code == EXIT_FINE && next > 0) {
        const bool first = done == 0;
        code = duet_blocks_exactly(&t->run, next, problem);
        done += next;
        double block_s = clock_seconds(clock_now() - began) / done, left_s = clock_seconds(until - clock_now());
        next = left_s > block_s ? (unsigned)fmin(left_s / block_s, 1e6) : 0;
        if (t->duet.about.blocks_complete < done)
            next = 0; /* no cell is left */
        if (first && next > 0)
            warn_short(c);
    }
    return code;
}

static int record(struct calibrating *c, struct problem *problem)
{
    struct twin *t = &c->recording;
    const struct asked_for *a = &c->asked.run;
    const int64_t until = clock_now() + (int64_t)a->budget_ns;
    metadata_idle_note(&t->duet.about, &t->job.plan, t->run.idle_poll_us, t->job.idle_why);
    driver_watch_signals();
    announce(c);
    t->run.progress = c->progress = progress_open((enum progress_mode)a->progress);
    int code = duet_open(&t->run, problem);
    if (code == EXIT_FINE)
        code = a->blocks ? duet_blocks_exactly(&t->run, a->blocks, problem) : record_for(c, until, problem);
    progress_clear(c->progress);
    if ((code == EXIT_FINE || code == EXIT_INTERRUPTED) && duet_store(&t->run, problem))
        code = code == EXIT_FINE ? problem->code : code;
    t->run.progress = NULL;
    duet_close(&t->run);
    return code;
}

/* Room for what comes is made before anything is measured. */
static int prepare(struct calibrating *c, struct problem *problem)
{
    struct twin *t = &c->recording;
    const struct calibrate_asked *a = &c->asked;
    struct report_error error;
    c->criteria = criteria_default;
    c->criteria.margin = a->margin;
    c->records = records_folder(a->records, problem);
    if (!c->records)
        return -1;
    if (a->input) {
        if (duet_read(&t->duet, a->input, &error))
            return problem_set(problem, error.code, "%s", error.text);
        return calibrate_check(&t->duet, a->input, problem) || folder_make(c->records, problem) ? -1 : 0;
    }
    if (twin_prepare(t, &a->run, &c->criteria, c->argc, c->argv, problem) || folder_make(c->records, problem) ||
        (a->run.folder && folder_make(a->run.folder, problem)))
        return -1;
    t->duet.by_windows = duet_alternates_windows(a->trials);
    t->run.folder = a->run.folder;
    return 0;
}

/* --- telling and keeping ----------------------------------------------------------------------------------------- */

static int print_json(const struct calibration *calibration)
{
    char *text = calibration_to_json(calibration);
    int bad = !text || fputs(text, stdout) == EOF;
    free(text);
    return bad ? -1 : 0;
}

/* Returns an exit code; a problem has then been printed. */
static int print(const struct calibrating *c)
{
    const struct report_style style = terminal_style(false, NULL);
    int bad = 0;
    errno = 0;
    if (c->asked.format == CALIBRATE_TABLE)
        bad = calibration_print(stdout, &c->calibration, c->kept, &style);
    else if (c->asked.format == CALIBRATE_JSON)
        bad = print_json(&c->calibration);
    return output_flush(bad != 0);
}

static int keep(struct calibrating *c)
{
    struct report_error error;
    struct problem problem;
    if (calibration_write(&c->calibration, c->records, &error) == 0) {
        c->kept = calibration_path(c->records, &c->calibration.host);
        return EXIT_FINE;
    }
    problem_set(&problem, error.code, "%s", error.text);
    return problem_print(&problem);
}

/* EXIT_UNPROVED when a cell failed. */
static int say_failures(const struct duet *duet)
{
    int code = EXIT_FINE;
    for (size_t i = 0; i < duet->about.cell_count; i++)
        for (enum arm arm = 0; arm < ARMS; arm++)
            if (duet->cells && duet->cells[i].status[arm] == SIDE_FAILED) {
                fprintf(stderr, "muster: failed: %s: %s\n", duet->about.cells[i].id,
                        duet->cells[i].reasons[arm] ? format_clean(duet->cells[i].reasons[arm]) : "");
                code = EXIT_UNPROVED;
            }
    return code;
}

static int say_short(const struct calibrating *c)
{
    char gate[FORMAT_SIZE], least[FORMAT_SIZE];
    double least_s = calibrate_least_s(&c->recording.duet, gate_s(c), &c->criteria);
    struct problem problem;
    problem_set(&problem, EXIT_INCONCLUSIVE,
                "%u blocks are too few to replay a single gate of %s: that takes a recording of %s; nothing is kept",
                c->calibration.blocks, format_seconds(gate, gate_s(c)), format_seconds(least, least_s));
    return problem_print(&problem);
}

/* Kept, it would widen the margins by what spoiled it, and the gate would see little from then on. */
static bool is_too_spoiled(const struct calibrating *c)
{
    return !c->asked.keep_anyway && calibration_spoiled(&c->calibration) >= CALIBRATION_SPOILED_MANY;
}

static int say_spoiled(const struct calibrating *c)
{
    struct problem problem;
    problem_set(&problem, EXIT_INCONCLUSIVE,
                "%.0f %% of the pairs were spoiled by what else the machine did: nothing is kept; calibrate when it is "
                "quieter, or say --keep-anyway",
                100 * calibration_spoiled(&c->calibration));
    return problem_print(&problem);
}

static int say_interrupted(const struct calibrating *c)
{
    const char *folder = c->asked.run.folder;
    fprintf(stderr, "muster: interrupted after %u block%s", c->calibration.blocks,
            c->calibration.blocks == 1 ? "" : "s");
    if (c->kept)
        fprintf(stderr, "; the calibration is kept, without what was to be measured beside it\n");
    else if (folder)
        fprintf(stderr, "; --input takes the recording up: %s\n", folder);
    else
        fprintf(stderr, "; nothing is kept: --output keeps a recording\n");
    return EXIT_INTERRUPTED;
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

/* What is measured beside the recording. */
static int measure_beside(struct calibrating *c, struct problem *problem)
{
    const struct beside beside = {
        .asked = &c->asked,
        .criteria = &c->criteria,
        .progress = c->progress,
        .argc = c->argc,
        .argv = c->argv,
    };
    int code = EXIT_FINE;
    if (c->asked.control)
        code = beside_control(&beside, &c->recording, &c->calibration, problem);
    if (c->asked.control && code == EXIT_FINE && !c->calibration.control.id)
        fprintf(stderr, "muster: no control: no cell is of a workload with items (-w map)\n");
    for (unsigned i = 0; code == EXIT_FINE && i < c->asked.live; i++)
        code = beside_gate(&beside, &c->calibration, problem);
    progress_clear(c->progress);
    return code;
}

/* A gate that does not see 10 % more work cannot fail, and must not be trusted. */
static int check_control(const struct calibrating *c)
{
    const struct calibrated_control *control = &c->calibration.control;
    struct problem problem;
    if (!control->verdict || strcmp(control->verdict, verdict_name(VERDICT_SLOWER)) == 0)
        return EXIT_FINE;
    problem_set(
        &problem, EXIT_INCONCLUSIVE,
        "the control was not called slower but %s, with 10 %% more work in each item: this gate does not see it",
        control->verdict);
    return problem_print(&problem);
}

static int conclude(struct calibrating *c, bool interrupted)
{
    struct problem problem;
    int beside = EXIT_FINE, lost = EXIT_FINE;
    if (calibrate_replay(&c->calibration, &c->recording.duet, gate_s(c), &c->criteria, &problem))
        return problem_print(&problem);
    if (!interrupted && !c->asked.input && c->calibration.blocks > 0)
        beside = measure_beside(c, &problem);
    if (beside != EXIT_FINE && beside != EXIT_INTERRUPTED)
        problem_print(&problem);
    if (!interrupted && c->calibration.gates > 0 && !is_too_spoiled(c))
        lost = keep(c);
    int unsaid = c->calibration.blocks > 0 ? print(c) : EXIT_FINE;
    int failed = say_failures(&c->recording.duet);
    if (interrupted || beside == EXIT_INTERRUPTED)
        return say_interrupted(c);
    if (failed != EXIT_FINE || beside != EXIT_FINE)
        return failed != EXIT_FINE ? failed : beside;
    int code = c->calibration.gates == 0 ? say_short(c) : is_too_spoiled(c) ? say_spoiled(c) : check_control(c);
    return code != EXIT_FINE ? code : lost != EXIT_FINE ? lost : unsaid;
}

static int calibrate(struct calibrating *c)
{
    struct problem problem = {.code = EXIT_FINE};
    int code = prepare(c, &problem) ? problem.code : EXIT_FINE;
    if (code == EXIT_FINE && !c->asked.input)
        code = record(c, &problem);
    if (code != EXIT_FINE && code != EXIT_INTERRUPTED)
        return problem_print(&problem);
    return conclude(c, code == EXIT_INTERRUPTED);
}

int command_calibrate(int argc, char **argv)
{
    struct calibrating c = {.argc = argc, .argv = argv};
    struct problem problem;
    gsl_set_error_handler_off();
    int first = calibrate_options_parse(&c.asked, argc, argv, &problem);
    int code = first == 0 ? EXIT_FINE : first < 0 ? problem_print(&problem) : calibrate(&c);
    twin_free(&c.recording);
    calibrate_free(&c.calibration);
    progress_close(c.progress);
    wanted_free(&c.asked.run.wanted);
    free(c.records);
    free(c.kept);
    return code;
}
