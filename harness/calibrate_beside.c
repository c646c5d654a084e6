/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * calibrate_beside.c - see calibrate_beside.h. */
#include "harness/calibrate_beside.h"

#include "harness/clock.h"
#include "harness/duet_judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTROL_COST   "2us" /* beside which handing an item over is little, in a strategy that is quick at it */
#define CONTROL_FACTOR 1.1

/* --- the control ------------------------------------------------------------------------------------------------- */

/* The best of the base's; 0: there is none. */
static double rate_of(const struct duet_cell *cell)
{
    double best = 0;
    for (size_t i = 0; i < cell->pair_count; i++)
        best = fmax(best, cell->pairs[i].trials[ARM_BASE].value);
    return best;
}

/* The plan's entry that hands items over the quickest, so that the work in them is what counts; -1: none has any. */
static int quickest(const struct twin *recording)
{
    int best = -1;
    double most = 0;
    for (size_t i = 0; i < recording->job.plan.count; i++) {
        double rate = rate_of(&recording->duet.cells[i]);
        if (recording->job.plan.entries[i].request.workload->itemised && rate > most) {
            most = rate;
            best = (int)i;
        }
    }
    return best;
}

/* The same selection, of that cell alone. -1 when memory is short. */
static int narrow(struct asked_for *asked, const struct cell *cell)
{
    char strategy[160], workers[16];
    snprintf(strategy, sizeof strategy, "%s:%s", cell->strategy, cell->variant);
    snprintf(workers, sizeof workers, "%u", cell->workers);
    struct wanted *w = &asked->wanted;
    if (twin_name(&w->strategies, strategy) || twin_name(&w->workloads, cell->workload) ||
        twin_name(&w->workers, workers) || twin_name(&w->costs, CONTROL_COST))
        return -1;
    asked->placements = cell->placement;
    asked->items = 0;
    return 0;
}

static int judge_control(const struct beside *b, const struct twin *t, struct calibration *calibration)
{
    struct calibrated_control *control = &calibration->control;
    struct finding finding;
    size_t count;
    struct observation *seen = duet_observations(&t->duet, 0, false, &count);
    const bool failed =
        t->duet.cells[0].status[ARM_BASE] != SIDE_OK || t->duet.cells[0].status[ARM_CANDIDATE] != SIDE_OK;
    const struct evidence evidence = {
        .blocks = seen,
        .count = count,
        .floor = NAN,
        .fault = failed ? VERDICT_FAILED : VERDICT_INCONCLUSIVE,
    };
    int bad = !seen || verdict_decide(&evidence, 1, b->criteria, &finding);
    free(seen);
    if (bad)
        return -1;
    control->ratio = finding.ratio;
    control->low = finding.low;
    control->high = finding.high;
    control->blocks = (unsigned)finding.used;
    control->verdict = strdup(verdict_name(finding.verdict));
    return control->verdict ? 0 : -1;
}

static int measure_control(const struct beside *b, struct twin *t, struct calibration *calibration,
                           struct problem *problem)
{
    t->run.cost_factor = CONTROL_FACTOR;
    t->run.progress = b->progress;
    t->duet.by_windows = duet_alternates_windows(b->asked->trials);
    int code = duet_open(&t->run, problem);
    if (code == EXIT_FINE)
        code = duet_blocks_exactly(&t->run, b->asked->control, problem);
    if (code == EXIT_FINE && judge_control(b, t, calibration)) {
        problem_set(problem, EXIT_UNPROVED, "no memory for the control");
        code = EXIT_UNPROVED;
    }
    t->run.progress = NULL;
    return code;
}

int beside_control(const struct beside *b, const struct twin *recording, struct calibration *calibration,
                   struct problem *problem)
{
    struct asked_for asked = b->asked->run;
    struct twin t = {.job = {.topology = NULL}};
    int best = quickest(recording), code = EXIT_UNPROVED;
    if (best < 0)
        return EXIT_FINE;
    const struct cell *cell = &recording->duet.about.cells[best];
    asked.wanted = (struct wanted){.strategies = {.items = NULL}};
    if (twin_copy(&asked.wanted, &b->asked->run.wanted) || narrow(&asked, cell))
        problem_set(problem, EXIT_UNPROVED, "no memory for the control");
    else if (twin_prepare(&t, &asked, b->criteria, b->argc, b->argv, problem))
        code = problem->code;
    else {
        calibration->control.id = strdup(cell->id);
        calibration->control.expected = CONTROL_FACTOR;
        code = measure_control(b, &t, calibration, problem);
    }
    wanted_free(&asked.wanted);
    twin_free(&t);
    return code;
}

/* --- live gates -------------------------------------------------------------------------------------------------- */

/* floors and margins of each cell of the plan. */
static void take_floors(const struct twin *t, const struct calibration *calibration, double margin, double *floors,
                        double *margins)
{
    for (size_t i = 0; i < t->duet.about.cell_count; i++) {
        const struct calibrated_cell *cell = calibration_cell(calibration, t->duet.about.cells[i].id);
        floors[i] = cell ? cell->floor : NAN;
        margins[i] = fmax(margin, FLOOR_FACTOR * floors[i]);
    }
}

static void count_gate(struct calibrated_live *live, enum overall overall)
{
    live->gates++;
    live->passed += overall == OVERALL_PASS;
    live->inconclusive += overall == OVERALL_INCONCLUSIVE;
    live->alarms += overall == OVERALL_REGRESSION;
}

static int run_gate(const struct beside *b, struct twin *t, const double *floors, struct calibration *calibration,
                    struct problem *problem)
{
    struct duet_judged judged = {.count = 0};
    t->run.progress = b->progress;
    t->duet.by_windows = duet_alternates_windows(b->asked->trials);
    t->run.effort.budget_s = clock_seconds((int64_t)b->asked->gate_ns);
    int code = duet_open(&t->run, problem);
    if (code == EXIT_FINE)
        code = duet_blocks(&t->run, problem);
    if (code == EXIT_FINE)
        code = duet_judge(&judged, &t->run, floors, false, problem);
    if (code == EXIT_FINE)
        count_gate(&calibration->live, judged.judgement.overall);
    duet_judged_free(&judged);
    t->run.progress = NULL;
    return code;
}

int beside_gate(const struct beside *b, struct calibration *calibration, struct problem *problem)
{
    struct twin t = {.job = {.topology = NULL}};
    double *floors = NULL, *margins = NULL;
    int code = EXIT_UNPROVED;
    if (twin_prepare(&t, &b->asked->run, b->criteria, b->argc, b->argv, problem)) {
        code = problem->code;
        goto done;
    }
    floors = calloc(t.duet.about.cell_count + 1, sizeof *floors);
    margins = calloc(t.duet.about.cell_count + 1, sizeof *margins);
    if (!floors || !margins) {
        problem_set(problem, EXIT_UNPROVED, "no memory for a gate");
        goto done;
    }
    take_floors(&t, calibration, b->criteria->margin, floors, margins);
    t.run.margins = margins;
    code = run_gate(b, &t, floors, calibration, problem);
done:
    twin_free(&t);
    free(floors);
    free(margins);
    return code;
}
