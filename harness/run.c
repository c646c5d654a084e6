/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * run.c - blocks of trials: settle a cell once, then measure every cell once per block, in random order. */
#include "harness/run.h"
#include "harness/clock.h"
#include "harness/record.h"
#include "harness/stolen.h"
#include "harness/talk.h"
#include "reports/statistics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAKE_SAMPLES   5
#define STORE_EVERY_NS NS_PER_S

static double elapsed_s(const struct run *run)
{
    return clock_seconds(clock_now() - run->began);
}

/* --- storing ----------------------------------------------------------------------------------------------------- */

int run_store(struct run *run, struct problem *problem)
{
    struct report_error error;
    run->results->elapsed_s = run->began ? elapsed_s(run) : 0;
    if (!run->folder)
        return 0;
    run->stored = clock_now();
    if (results_write(run->results, run->folder, &error) == 0)
        return 0;
    return problem_set(problem, error.code, "%s", error.text);
}

/* A disk that is full may have room again later, so a failure is said once and measuring goes on. */
static void store_now_and_then(struct run *run)
{
    struct problem problem;
    if (clock_now() - run->stored < STORE_EVERY_NS || run_store(run, &problem) == 0)
        return;
    if (!run->lost_output)
        progress_note(run->progress, "muster: %s; measuring goes on", problem.text);
    run->lost_output = true;
}

/* --- a trial ----------------------------------------------------------------------------------------------------- */

/* The idle mode is a condition of the cell: changed only where neighbours in the block differ. */
static int enter_idle(struct run *run, enum idle_mode mode, struct problem *problem)
{
    unsigned units[WORKERS_MAX + 1];
    if (run->idle && run->idle_now == mode)
        return 0;
    idle_close(run->idle);
    run->idle = NULL;
    run->idle_now = mode;
    run->wake_last = NAN;
    unsigned count = plan_units(run->plan, units, WORKERS_MAX + 1);
    return idle_open(&run->idle, mode, run->idle_poll_us, units, count, problem);
}

static struct talk talk_with(struct run *run, struct entry *entry)
{
    return (struct talk){
        .request = &entry->request,
        .cell = &run->results->cells[entry->cell],
        .effort = &run->effort,
        .seed = run->results->seed,
        .driver = {.to = -1, .from = -1, .pidfd = -1},
    };
}

static enum asked prepare(struct run *run, struct talk *t, struct entry *entry)
{
    json_t *ready;
    enum asked got = talk_prepare(t, &ready);
    if (got == ASKED_FINE && !entry->settled)
        talk_settle(entry, &run->results->cells[entry->cell], ready);
    json_decref(ready);
    return got;
}

/* Warm-up windows are proved like the others and kept out of the figures. */
static enum asked converse(struct run *run, struct talk *t, struct entry *entry, struct answer *answer)
{
    struct answer warm = {.verified = true};
    unsigned warmups = schedule_warmups(&run->effort);
    enum asked got = prepare(run, t, entry);
    if (got == ASKED_FINE && warmups > 0)
        got = talk_measure(t, warmups, &warm);
    if (got == ASKED_FINE)
        got = talk_measure(t, run->effort.windows, answer);
    answer_disprove(answer, &warm);
    answer_free(&warm);
    if (got == ASKED_FINE)
        got = talk_finish(t);
    if (got != ASKED_FINE)
        answer_free(answer);
    return got;
}

static int keep(struct run *run, struct entry *entry, enum asked got, const char *why, struct answer *answer,
                const struct occasion *occasion)
{
    const struct request *r = &entry->request;
    struct cell *cell = &run->results->cells[entry->cell];
    switch (got) {
    case ASKED_FINE:
        if (answer->lines && !run->lines)
            run->lines = json_incref(answer->lines);
        if (record_trial(cell, answer, occasion, r->strategy->variants[r->variant].incorrect))
            record_failure(cell, CELL_FAILED, "no memory for its figures");
        else if (answer->times && record_times(cell, &entry->times, answer->times))
            record_failure(cell, CELL_FAILED, "no memory for its latencies");
        return 0;
    case ASKED_NA:
        record_failure(cell, CELL_NA, why);
        return 0;
    case ASKED_FAILED:
        record_failure(cell, CELL_FAILED, why);
        return 0;
    default:
        return -1;
    }
}

/* What was measured after the trial before holds for this one too, unless the idle mode has changed since. */
static double wake_before(struct run *run)
{
    return isfinite(run->wake_last) ? run->wake_last : wake_measure(run->wake, WAKE_SAMPLES);
}

/* How much of it was good before it failed: without that, one bad trial looks like none that was good. */
static void say_when(struct cell *cell, size_t good, unsigned planned)
{
    char *text;
    if (cell->status != CELL_FAILED || good == 0 || !cell->reason ||
        asprintf(&text, "after %zu of %u trials: %s", good, planned, cell->reason) < 0)
        return;
    free(cell->reason);
    cell->reason = text;
}

/* The cell's processing units; NULL, which reads as not known, where it is not bound to any. */
static struct stolen *watch(const struct entry *entry)
{
    unsigned units[WORKERS_MAX + 1], count = plan_cell_units(&entry->request, units, 0, WORKERS_MAX + 1);
    return count ? stolen_open(units, count) : NULL;
}

/* What surrounds a trial, read before and after it. */
struct surroundings {
    struct stolen_reading units;
    double own_cpu_s;
};

static struct surroundings look_around(const struct run *run, struct stolen *units)
{
    return (struct surroundings){.units = stolen_read(units), .own_cpu_s = own_cpu_s() + idle_spent_s(run->idle)};
}

/* Some kernels' count of steal has been seen to fall: that tells nothing. A manager that serves from elsewhere is no
 * child of ours, and looks like others' work. */
static void surround(struct occasion *o, const struct surroundings *before, const struct surroundings *after,
                     const struct cell *cell)
{
    double taken = after->units.steal_s - before->units.steal_s;
    o->steal_s = taken >= 0 ? taken : NAN;
    o->foreign_s = after->units.busy_s - before->units.busy_s - (after->own_cpu_s - before->own_cpu_s);
    if (o->elapsed_s < FOREIGN_LEAST_S || cell->manager)
        o->foreign_s = NAN;
}

/* 0, or -1 when interrupted. A cell that fails is not tried again. */
static int run_trial(struct run *run, struct entry *entry, unsigned block)
{
    struct talk t = talk_with(run, entry);
    struct cell *cell = &run->results->cells[entry->cell];
    struct answer answer = {.rates = NULL};
    struct problem problem;
    int64_t began = clock_now();
    const size_t good = cell->trial_count;
    if (enter_idle(run, entry->idle, &problem))
        return record_failure(cell, CELL_FAILED, problem.text), 0;
    struct occasion o = {.block = block, .started_s = elapsed_s(run), .wake_before_ns = wake_before(run)};
    struct stolen *units = watch(entry);
    const struct surroundings before = look_around(run, units);
    enum asked got = talk_start(&t, NULL);
    if (got == ASKED_FINE)
        got = converse(run, &t, entry, &answer);
    talk_end(&t, got);
    const struct surroundings after = look_around(run, units);
    o.wake_after_ns = run->wake_last = got == ASKED_FINE ? wake_measure(run->wake, WAKE_SAMPLES) : NAN;
    o.elapsed_s = clock_seconds(clock_now() - began);
    surround(&o, &before, &after, cell);
    stolen_close(units);
    int interrupted = keep(run, entry, got, t.why, &answer, &o);
    say_when(cell, good, run->results->blocks_planned);
    answer_free(&answer);
    return interrupted;
}

/* A pilot has a trial of its own, so that what it leaves behind in caches and memory is no part of the first block. */
static int settle(struct run *run, struct entry *entry)
{
    struct talk t = talk_with(run, entry);
    struct problem problem;
    if (enter_idle(run, entry->idle, &problem))
        return record_failure(&run->results->cells[entry->cell], CELL_FAILED, problem.text), 0;
    enum asked got = talk_start(&t, NULL);
    if (got == ASKED_FINE)
        got = prepare(run, &t, entry);
    talk_end(&t, got);
    return got == ASKED_FINE ? 0 : keep(run, entry, got, t.why, NULL, NULL);
}

/* --- blocks ------------------------------------------------------------------------------------------------------ */

static bool measurable(const struct run *run, const struct entry *entry)
{
    enum cell_status status = run->results->cells[entry->cell].status;
    return status == CELL_PENDING || status == CELL_OK;
}

static void show(struct run *run, unsigned block, const struct cell *cell)
{
    double average = run->trials_done ? elapsed_s(run) / (double)run->trials_done : run->trial_s;
    double left = average * (double)(run->trials_planned - run->trials_done);
    char what[160];
    snprintf(what, sizeof what, "%s/%s%s%s", cell->workload, cell->strategy, cell->variant_default ? "" : ":",
             cell->variant_default ? "" : cell->variant);
    progress_show(run->progress, block, run->results->blocks_planned, what, left);
}

static int settle_all(struct run *run)
{
    for (size_t i = 0; i < run->plan->count; i++) {
        struct entry *entry = &run->plan->entries[i];
        if (!entry->request.workload->itemised || entry->request.parameters.items || !measurable(run, entry))
            continue;
        show(run, 0, &run->results->cells[entry->cell]);
        if (settle(run, entry))
            return -1;
    }
    return 0;
}

static size_t count_measurable(const struct run *run)
{
    size_t count = 0;
    for (size_t i = 0; i < run->plan->count; i++)
        count += measurable(run, &run->plan->entries[i]);
    return count;
}

/* Where there will be an interval, and so a word on what cannot be seen. Without lanes there is less to say, no more.
 */
static void open_lanes(struct run *run)
{
    unsigned pair[2];
    struct problem ignored;
    if (run->results->blocks_planned >= STATISTICS_LEAST && plan_two_units(run->plan, pair) &&
        lanes_open(&run->lanes, pair, &ignored))
        run->lanes = NULL;
}

/* A reading that memory is short for is left out. */
static void read_lanes(struct run *run, unsigned block)
{
    struct results *r = run->results;
    struct lane_reading *readings;
    if (!run->lanes)
        return;
    readings = realloc(r->lane_readings, (r->lane_reading_count + 1) * sizeof *readings);
    if (!readings)
        return;
    r->lane_readings = readings;
    readings += r->lane_reading_count++;
    *readings = (struct lane_reading){.block = block, .started_s = elapsed_s(run)};
    lanes_read(run->lanes, &readings->lanes, NULL);
}

/* A block whose last cell failed in it has measured nothing whole. */
static int run_block(struct run *run, size_t *order, unsigned block)
{
    schedule_shuffle(order, run->plan->count, run->results->seed, block);
    for (size_t i = 0; i < run->plan->count; i++) {
        struct entry *entry = &run->plan->entries[order[i]];
        if (!measurable(run, entry))
            continue;
        show(run, block, &run->results->cells[entry->cell]);
        if (run_trial(run, entry, block))
            return -1;
        run->trials_done++;
        store_now_and_then(run);
    }
    if (count_measurable(run))
        run->results->blocks_complete = block;
    return 0;
}

static int run_all(struct run *run, size_t *order)
{
    unsigned planned = run->results->blocks_planned;
    double block_s = 0;
    if (settle_all(run))
        return -1;
    for (unsigned block = 1;
         count_measurable(run) && schedule_goes_on(&run->effort, block - 1, planned, elapsed_s(run), block_s);
         block++) {
        double began = elapsed_s(run);
        if (run_block(run, order, block))
            return -1;
        read_lanes(run, block);
        if (precision_looks_at(&run->precision, block) && precision_settle(&run->precision, run->results, block) == 0) {
            run->results->blocks_planned = block;
            break;
        }
        block_s = elapsed_s(run) - began;
    }
    return 0;
}

static int verdict(const struct run *run, bool interrupted)
{
    if (interrupted)
        return EXIT_INTERRUPTED;
    for (size_t i = 0; i < run->results->cell_count; i++)
        if (run->results->cells[i].status == CELL_FAILED)
            return EXIT_UNPROVED;
    return run->lost_output ? EXIT_NO_OUTPUT : EXIT_FINE;
}

int run_blocks(struct run *run, struct problem *problem)
{
    size_t *order = calloc(run->plan->count + 1, sizeof *order);
    unsigned pair[2];
    struct problem ignored;
    problem->code = EXIT_FINE;
    if (!order)
        return problem_set(problem, EXIT_UNPROVED, "no memory for the schedule"), EXIT_UNPROVED;
    run->began = clock_now();
    if (plan_two_units(run->plan, pair) && wake_open(&run->wake, pair[0], pair[1], &ignored))
        run->wake = NULL;
    open_lanes(run);
    bool interrupted = run_all(run, order) != 0;
    run->results->interrupted = interrupted;
    progress_clear(run->progress);
    wake_close(run->wake);
    lanes_close(run->lanes);
    idle_close(run->idle);
    run->idle = NULL;
    free(order);
    precision_settle(&run->precision, run->results, run->results->blocks_complete);
    run->lost_output = run_store(run, problem) != 0;
    return verdict(run, interrupted);
}
