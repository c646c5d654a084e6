/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * command_duet.c - `muster duet`: two builds in one run, a verdict on every cell, and an exit code for a gate. */
#include "harness/commands.h"
#include "harness/driver.h"
#include "harness/duet_judge.h"
#include "harness/duet_options.h"
#include "harness/duet_parts.h"
#include "harness/duet_plan.h"
#include "harness/estimate.h"
#include "harness/folder.h"
#include "harness/job.h"
#include "harness/leftovers.h"
#include "harness/metadata.h"
#include "harness/output.h"
#include "harness/records.h"
#include "harness/terminal.h"
#include "reports/calibration.h"
#include "reports/fields.h"
#include "reports/format.h"
#include "reports/noise.h"

#include <errno.h>
#include <gsl/gsl_errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NOTES = 12 };

/* A floor is of as many blocks as its gates had, and half of them scatter 1.4 times as far. */
#define GATE_LEAST 0.5

/* Everything that a duet holds, so that one function frees it. */
struct dueling {
    struct duet_asked asked;
    struct job job;
    struct duet duet;
    struct duet_run run;
    struct criteria criteria;
    struct calibration calibration;
    double *floors, *margins; /* of each cell */
    bool calibrated;          /* floors hold */
    bool broken;              /* there is nothing to judge; the last line still says so */
    struct duet_judged judged;
    char **commands[ARMS];
    char *notes[NOTES + 1]; /* ended by NULL */
    size_t note_count;
};

static void note(struct dueling *d, char *text)
{
    if (text && d->note_count < NOTES)
        d->notes[d->note_count++] = text;
    else
        free(text);
}

/* --- preparing ---------------------------------------------------------------------------------------------------- */

static int split_commands(struct dueling *d, struct problem *problem)
{
    for (enum arm arm = 0; arm < ARMS; arm++) {
        d->commands[arm] = command_split(arm_name(arm), d->asked.sides[arm], problem);
        if (!d->commands[arm] || command_check(arm_name(arm), d->commands[arm], problem))
            return -1;
        d->run.commands[arm] = d->commands[arm];
    }
    return 0;
}

static void set_effort(struct dueling *d)
{
    const struct asked_for *a = &d->asked.run;
    struct results *about = &d->duet.about;
    struct effort *e = &d->run.effort;
    *e = (struct effort){
        .blocks = a->blocks,
        .budget_s = 1e-9 * (double)a->budget_ns,
        .windows = a->windows ? a->windows : JOB_WINDOWS,
        .window_ns = a->window_ns ? (int64_t)a->window_ns : JOB_WINDOW_NS,
        .warmup_ns = (int64_t)a->warmup_ns,
    };
    about->windows = e->windows;
    about->window_s = 1e-9 * (double)e->window_ns;
    about->warmup_s = about->window_s * schedule_warmups(e);
    about->seed = job_seed(&d->job);
}

/* Why it says nothing of such a duet, as a clause in text[size]; NULL: it fits. */
static const char *why_unfit(const struct dueling *d, char *text, size_t size)
{
    const struct calibration *c = &d->calibration;
    const struct effort *e = &d->run.effort;
    if (calibration_unfit(c, &d->duet.about, text, size))
        return text;
    if (c->by_windows != d->duet.by_windows)
        return "there it was not the same that alternated";
    if (e->blocks && e->blocks < GATE_LEAST * c->blocks_least)
        snprintf(text, size, "its floors are of %u blocks, and so few as %u scatter further", c->blocks_least,
                 e->blocks);
    else if (!e->blocks && e->budget_s < GATE_LEAST * c->gate_s)
        snprintf(text, size, "its floors are of gates of %.0f s, and what is measured in %.0f s scatters further",
                 c->gate_s, e->budget_s);
    else
        return NULL;
    return text;
}

/* What muster calibrate found of this machine, on these terms. No records folder is no calibration. */
static int read_calibration(struct dueling *d, struct problem *problem)
{
    struct report_error error;
    struct problem nowhere;
    char why[200], *text = NULL, *folder = records_folder(d->asked.records, &nowhere);
    int got = folder ? calibration_read(&d->calibration, folder, &d->duet.about.host, &error) : 1;
    if (got > 0 && folder && (d->asked.records || getenv("MUSTER_RECORDS")) &&
        asprintf(&text, "no calibration of this machine in %s", folder) >= 0)
        note(d, text);
    free(folder);
    if (got < 0)
        return problem_set(problem, error.code, "%s", error.text);
    if (got > 0)
        return 0;
    const double days = calibration_age_days(&d->calibration, (double)time(NULL));
    const char *unfit = why_unfit(d, why, sizeof why);
    if (!unfit && days > CALIBRATION_DAYS &&
        asprintf(&text, "the calibration of this machine is %.0f days old; muster calibrate renews it", days) >= 0)
        note(d, text);
    if (unfit && asprintf(&text, "the calibration of this machine says nothing here: %s", unfit) >= 0)
        note(d, text);
    d->calibrated = !unfit;
    return 0;
}

static int set_margins(struct dueling *d, struct problem *problem)
{
    const size_t count = d->duet.about.cell_count;
    d->floors = calloc(count + 1, sizeof *d->floors);
    d->margins = calloc(count + 1, sizeof *d->margins);
    if (!d->floors || !d->margins)
        return problem_set(problem, EXIT_UNPROVED, "no memory for the margins");
    for (size_t i = 0; i < count; i++) {
        const struct calibrated_cell *cell =
            d->calibrated ? calibration_cell(&d->calibration, d->duet.about.cells[i].id) : NULL;
        d->floors[i] = cell ? cell->floor : NAN;
        d->margins[i] = fmax(d->criteria.margin, FLOOR_FACTOR * d->floors[i]);
    }
    return 0;
}

/* A verdict of another duet must not be taken for this one's, however this one ends. */
static int make_folder(const struct dueling *d, struct problem *problem)
{
    const char *folder = d->asked.run.folder;
    if (!folder)
        return 0;
    return folder_make(folder, problem) || folder_forget(folder, "verdict.json", problem) ? -1 : 0;
}

static int prepare(struct dueling *d, int argc, char **argv, struct problem *problem)
{
    d->job.asked = d->asked.run;
    d->asked.run.wanted = (struct wanted){.strategies = {NULL, 0}};
    if (split_commands(d, problem) || job_plan(&d->job, &d->duet.about, problem))
        return -1;
    if (d->job.selection.errand)
        return problem_set(problem, EXIT_USAGE, "%s does something in the world: builds are not compared by it",
                           d->job.selection.errand->name);
    d->criteria = criteria_default;
    d->criteria.margin = d->asked.margin > 0 ? d->asked.margin : MARGIN_DEFAULT;
    d->duet.by_windows = duet_alternates_windows(d->asked.trials);
    if (!d->duet.by_windows && !d->asked.trials)
        note(d, strdup("whole trials alternate: this system does not show what a side does while it is parked"));
    set_effort(d);
    if (job_describe(&d->job, &d->duet.about, argc, argv, problem) || read_calibration(d, problem) ||
        set_margins(d, problem) || make_folder(d, problem))
        return -1;
    d->run.plan = &d->job.plan;
    d->run.duet = &d->duet;
    d->run.cost_factor = 1;
    d->run.criteria = &d->criteria;
    d->run.margins = d->margins;
    d->run.folder = d->asked.run.folder;
    d->run.idle_poll_us = d->job.asked.idle.poll_us;
    return 0;
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

static void announce(const struct dueling *d)
{
    const struct results *about = &d->duet.about;
    const size_t cells = plan_measurable(&d->job.plan, about);
    char time[FORMAT_SIZE], blocks[64];
    snprintf(blocks, sizeof blocks, "in %u block%s", d->run.effort.blocks, d->run.effort.blocks == 1 ? "" : "s");
    if (!d->run.effort.blocks)
        snprintf(blocks, sizeof blocks, "within %s", format_seconds(time, d->run.effort.budget_s));
    fprintf(stderr, "muster: %zu cell%s of two builds, %s; seed %llu%s%s\n", cells, cells == 1 ? "" : "s", blocks,
            (unsigned long long)about->seed, d->run.folder ? "; results in " : "", d->run.folder ? d->run.folder : "");
    const double pilot_s =
        DUET_PILOT * ARMS * estimate_block_s(&d->job.plan, about, &d->run.effort) + duet_reserve_s(&d->run);
    if (!d->run.effort.blocks && pilot_s > d->run.effort.budget_s)
        fprintf(stderr,
                "muster: a verdict needs %d blocks and time for a second measurement, about %s: take fewer cells, or "
                "more --time\n",
                DUET_PILOT, format_seconds(time, pilot_s));
    if (about->idle_note)
        fprintf(stderr, "muster: idle: %s\n", about->idle_note);
}

static void note_sides(struct dueling *d)
{
    for (enum arm arm = 0; arm < ARMS; arm++) {
        const struct side *side = &d->duet.sides[arm];
        char *text = NULL;
        if (side->handicap != 0 &&
            asprintf(&text, "the %s is handicapped: its times are %s by %.3g %%", arm_name(arm),
                     side->handicap < 0 ? "shortened" : "stretched", 100 * fabs(side->handicap)) >= 0)
            note(d, text);
    }
}

static void note_parked(struct dueling *d)
{
    size_t count = 0;
    const char *which = NULL;
    char *text = NULL;
    enum arm arm, latest = ARM_BASE;
    double share, most = 0;
    for (size_t i = 0; i < d->duet.about.cell_count; i++) {
        if (!d->duet.cells[i].whole_trials)
            continue;
        count++;
        if (!duet_restless(&d->duet.cells[i], &arm, &share) || share <= most)
            continue;
        most = share;
        latest = arm;
        which = d->duet.about.cells[i].id;
    }
    if (count > 0 &&
        asprintf(&text,
                 "%zu cell%s measured by whole trials, since a side works while it is parked: the %s takes "
                 "%.3g %% of a CPU then (%s)",
                 count, count == 1 ? " was" : "s were", arm_name(latest), 100 * most, which ? which : "") >= 0)
        note(d, text);
}

static void note_stumbles(struct dueling *d)
{
    const struct duet_state *s = d->run.state;
    char *text = NULL;
    if (s->stumbles > 0 && asprintf(&text, "%zu cell%s failed once, and got another try; the latest: %s", s->stumbles,
                                    s->stumbles == 1 ? "" : "s", s->stumble) >= 0)
        note(d, text);
}

/* Why is told of the latest: what disturbs a machine mostly stays what it was. */
static void note_spoiled(struct dueling *d)
{
    const unsigned units = duet_units(&d->duet);
    size_t pairs = 0, again = 0;
    double latest_s = -1;
    char why[120] = "", *text = NULL;
    for (size_t i = 0; i < d->duet.about.cell_count; i++)
        for (size_t k = 0; k < d->duet.cells[i].pair_count; k++) {
            const struct pair *pair = &d->duet.cells[i].pairs[k];
            const char *spoiled = pair_spoiled(pair, units);
            pairs++;
            again += pair->attempt > 1;
            if (!spoiled || pair->started_s < latest_s)
                continue;
            latest_s = pair->started_s;
            snprintf(why, sizeof why, "%s", spoiled);
        }
    if (*why &&
        asprintf(&text, "%zu of %zu pairs were measured again; what spoiled the latest: %s", again, pairs, why) >= 0)
        note(d, text);
}

/* Why there was no more of it. */
static void note_ended(struct dueling *d)
{
    const double budget_s = d->run.effort.budget_s, elapsed_s = duet_elapsed_s(&d->run);
    char took[FORMAT_SIZE], of[FORMAT_SIZE], *text = NULL;
    const char *why = "all blocks that were planned are measured";
    if (d->run.effort.blocks || (d->duet.ended != ENDED_PLAN && d->duet.ended != ENDED_TIME))
        return;
    if (d->duet.ended == ENDED_TIME)
        why = d->run.state->confirming ? "the time was up"
              : d->run.state->spending ? "the time was up"
                                       : "the time was up, less what is kept for a second measurement";
    if (asprintf(&text, "ended after %s of %s: %s", format_seconds(took, elapsed_s), format_seconds(of, budget_s),
                 why) >= 0)
        note(d, text);
}

static void note_noise(struct dueling *d)
{
    char around[400], *text = NULL;
    if (*noise_of_duet(around, sizeof around, &d->duet) && asprintf(&text, "noise here: %s", around) >= 0)
        note(d, text);
}

/* Laid out as the file is. */
static int print_json(const struct judgement *judgement)
{
    json_t *json = verdict_to_json(judgement);
    char *text = json ? fields_layout(json) : NULL;
    int bad = !text || fputs(text, stdout) == EOF;
    free(text);
    json_decref(json);
    return bad ? -1 : 0;
}

/* Returns an exit code; a problem has then been printed. */
static int print(const struct dueling *d)
{
    const struct report_style style = terminal_style(false, d->run.folder);
    const struct judgement *judgement = &d->judged.judgement;
    int bad = 0;
    errno = 0;
    if (d->asked.format == DUET_TABLE && d->broken)
        verdict_print_line(stdout, judgement);
    else if (d->asked.format == DUET_TABLE)
        bad = verdict_print(stdout, judgement, &style);
    else if (d->asked.format == DUET_JSON)
        bad = print_json(judgement);
    return output_flush(bad != 0);
}

static int store(struct dueling *d)
{
    struct problem problem;
    struct report_error error;
    int code = EXIT_FINE;
    if (duet_store(&d->run, &problem))
        code = problem_print(&problem);
    else if (d->run.folder && verdict_write(&d->judged.judgement, d->run.folder, &error)) {
        problem_set(&problem, error.code, "%s", error.text);
        code = problem_print(&problem);
    }
    return code;
}

static void say_failures(const struct duet_judged *j)
{
    for (size_t i = 0; i < j->count; i++)
        if (j->findings[i].verdict == VERDICT_FAILED)
            fprintf(stderr, "muster: failed: %s: %s\n", j->cells[i]->id,
                    j->reasons[i] ? format_clean(j->reasons[i]) : "");
}

static void note_left(struct dueling *d)
{
    char *left = leftovers_text(), *text = NULL;
    if (left && asprintf(&text, "a side left processes behind, which still run: %s", left) >= 0)
        note(d, text);
    free(left);
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static int conclude(struct dueling *d, bool interrupted)
{
    note_sides(d);
    note_ended(d);
    note_parked(d);
    note_stumbles(d);
    note_spoiled(d);
    note_noise(d);
    note_left(d);
    d->judged.judgement.notes = (const char *const *)d->notes;
    int lost = store(d), unsaid = print(d);
    say_failures(&d->judged);
    if (interrupted) {
        fprintf(stderr, "muster: interrupted: %u complete block%s kept, and what was measured of the next\n",
                d->duet.about.blocks_complete, d->duet.about.blocks_complete == 1 ? " is" : "s are");
        return EXIT_INTERRUPTED;
    }
    int code = duet_exit_code(d->judged.judgement.overall);
    int undone = lost ? lost : unsaid;
    return undone && (code == EXIT_FINE || code == EXIT_INCONCLUSIVE) ? undone : code;
}

/* Whoever reads the last line, or what is printed as JSON, finds a verdict there, however the duet ended. */
static int conclude_broken(struct dueling *d, int code, const struct problem *problem)
{
    d->broken = true;
    note(d, strdup(problem->text));
    note_left(d);
    d->judged.judgement = (struct judgement){
        .kind = "duet",
        .base = {.name = d->asked.sides[ARM_BASE]},
        .candidate = {.name = d->asked.sides[ARM_CANDIDATE]},
        .about = &d->duet.about,
        .overall = code == EXIT_INCOMPARABLE ? OVERALL_INCOMPARABLE : OVERALL_UNPROVED,
        .criteria = &d->criteria,
        .judged = true,
        .notes = (const char *const *)d->notes,
    };
    print(d);
    return problem_print(problem);
}

static int measure(struct dueling *d)
{
    struct problem problem;
    metadata_idle_note(&d->duet.about, &d->job.plan, d->run.idle_poll_us, d->job.idle_why);
    driver_watch_signals();
    int code = duet_open(&d->run, &problem);
    if (code == EXIT_FINE) {
        announce(d);
        d->run.progress = progress_open((enum progress_mode)d->asked.run.progress);
        code = duet_blocks(&d->run, &problem);
    }
    if (code == EXIT_FINE || code == EXIT_INTERRUPTED)
        code = duet_judge(&d->judged, &d->run, d->calibrated ? d->floors : NULL, code == EXIT_INTERRUPTED, &problem);
    progress_clear(d->run.progress);
    if (code != EXIT_FINE && code != EXIT_INTERRUPTED)
        code = conclude_broken(d, code, &problem);
    else
        code = conclude(d, code == EXIT_INTERRUPTED);
    duet_close(&d->run);
    return code;
}

static void free_all(struct dueling *d)
{
    duet_judged_free(&d->judged);
    progress_close(d->run.progress);
    duet_free(&d->duet);
    calibration_free(&d->calibration);
    wanted_free(&d->asked.run.wanted);
    job_free(&d->job);
    for (size_t i = 0; i < d->note_count; i++)
        free(d->notes[i]);
    for (enum arm arm = 0; arm < ARMS; arm++)
        command_free(d->commands[arm]);
    free(d->floors);
    free(d->margins);
}

int command_duet(int argc, char **argv)
{
    struct dueling d = {.judged = {.count = 0}};
    struct problem problem;
    gsl_set_error_handler_off();
    int first = duet_options_parse(&d.asked, argc, argv, &problem);
    int code;
    if (first == 0)
        code = EXIT_FINE;
    else if (first < 0 || prepare(&d, argc, argv, &problem))
        code = problem_print(&problem);
    else
        code = measure(&d);
    free_all(&d);
    return code;
}
