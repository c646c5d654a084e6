/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * contention.c - the figures of the contention report, derived from a cell's trials and its two neighbours.
 *
 * Every figure is a ratio of sums over the trials that measured both of its sides, so that a trial without, say, run
 * delay takes nothing from the others. The two neighbours are found by comparing the fields of the cells: the file's
 * order means nothing. */
#include "reports/contention.h"

#include "reports/rank.h"
#include "reports/statistics.h"

#include <math.h>
#include <stdlib.h>

enum {
    WAITING_PER_MESSAGE = 2, /* half a switch per message: every second message was slept for */
};

static const double scales_below = 0.10;   /* lost time up to which nothing needs explaining */
static const double crowded_above = 0.15;  /* part of the time in a run queue */
static const double service_above = 0.85;  /* part of the time that the parent or manager is busy */
static const double awake_above = 0.80;    /* part of the time that workers are on a CPU */
static const double dearer_above = 1.20;   /* CPU time per operation against one worker */
static const double switches_below = 0.01; /* per operation: practically none */
static const double line_ns = 500;         /* what a cache line takes at most to come from another core, per worker */

static double trial_operations(const struct trial *t)
{
    double sum = 0;

    for (size_t w = 0; w < t->worker_count; w++)
        sum += (double)t->per_worker[w];
    return sum;
}

/* A field of the trials, summed where it was measured, over the operations or worker-seconds of the same trials. */
struct ratio {
    double above, below;
};

static void ratio_add(struct ratio *ratio, double above, double below)
{
    if (!isfinite(above) || !isfinite(below) || below <= 0)
        return;
    ratio->above += above;
    ratio->below += below;
}

static double ratio_value(const struct ratio *ratio)
{
    return ratio->below > 0 ? ratio->above / ratio->below : NAN;
}

static void derive_costs(struct contention *c)
{
    const struct cell *cell = c->cell;
    struct ratio cpu = {0}, service = {0}, voluntary = {0}, involuntary = {0}, service_voluntary = {0};
    struct ratio service_involuntary = {0}, delay = {0}, elapsed = {0}, busy = {0}, service_busy = {0}, delayed = {0};

    for (size_t i = 0; i < cell->trial_count; i++) {
        const struct trial *t = &cell->trials[i];
        const struct costs *costs = &t->costs;
        double operations = trial_operations(t), worker_seconds = t->window_s * cell->workers;

        ratio_add(&cpu, costs->workers_cpu_s * 1e9, operations);
        ratio_add(&service, costs->service_cpu_s * 1e9, operations);
        ratio_add(&voluntary, costs->voluntary, operations);
        ratio_add(&involuntary, costs->involuntary, operations);
        ratio_add(&service_voluntary, costs->service_voluntary, operations);
        ratio_add(&service_involuntary, costs->service_involuntary, operations);
        ratio_add(&delay, costs->run_delay_s * 1e9, operations);
        ratio_add(&elapsed, worker_seconds * 1e9, operations);
        ratio_add(&busy, costs->workers_cpu_s, worker_seconds);
        ratio_add(&service_busy, costs->service_cpu_s, t->window_s);
        ratio_add(&delayed, costs->run_delay_s, worker_seconds);
    }
    c->workers_cpu_ns = ratio_value(&cpu);
    c->service_cpu_ns = ratio_value(&service);
    c->voluntary = ratio_value(&voluntary);
    c->involuntary = ratio_value(&involuntary);
    c->service_voluntary = ratio_value(&service_voluntary);
    c->service_involuntary = ratio_value(&service_involuntary);
    c->run_delay_ns = ratio_value(&delay);
    c->elapsed_ns = ratio_value(&elapsed);
    c->workers_busy = ratio_value(&busy);
    c->service_busy = ratio_value(&service_busy);
    c->delayed = ratio_value(&delayed);
}

static double share_of(const struct trial *t, size_t w, double operations)
{
    return (double)t->per_worker[w] * (double)t->worker_count / operations;
}

/* The w-th least share of a trial: as many others are less, or equal and before it. */
static double trial_share(const struct trial *t, unsigned w)
{
    double operations = trial_operations(t);

    for (size_t i = 0; i < t->worker_count && operations > 0; i++) {
        size_t before = 0;

        for (size_t j = 0; j < t->worker_count; j++)
            before += t->per_worker[j] < t->per_worker[i] || (j < i && t->per_worker[j] == t->per_worker[i]);
        if (before == w)
            return share_of(t, i, operations);
    }
    return NAN;
}

double contention_share(const struct cell *cell, unsigned w)
{
    struct ratio share = {0};

    for (size_t i = 0; i < cell->trial_count; i++)
        ratio_add(&share, trial_share(&cell->trials[i], w), 1);
    return ratio_value(&share);
}

static void add_extremes(const struct trial *t, struct ratio *low, struct ratio *high)
{
    double operations = trial_operations(t), least = NAN, most = NAN;

    for (size_t w = 0; w < t->worker_count && operations > 0; w++) {
        least = fmin(least, share_of(t, w, operations));
        most = fmax(most, share_of(t, w, operations));
    }
    ratio_add(low, least, 1);
    ratio_add(high, most, 1);
}

static double trial_fairness(const struct trial *t)
{
    double *operations = calloc(t->worker_count ? t->worker_count : 1, sizeof(*operations)), fairness = NAN;

    for (size_t w = 0; operations && w < t->worker_count; w++)
        operations[w] = (double)t->per_worker[w];
    if (operations && t->worker_count > 0)
        fairness = statistics_fairness(operations, t->worker_count);
    free(operations);
    return fairness;
}

static void derive_fairness(struct contention *c)
{
    struct ratio jain = {0}, low = {0}, high = {0};

    for (size_t i = 0; i < c->cell->trial_count; i++) {
        ratio_add(&jain, trial_fairness(&c->cell->trials[i]), 1);
        add_extremes(&c->cell->trials[i], &low, &high);
    }
    c->jain = ratio_value(&jain);
    c->share_low = ratio_value(&low);
    c->share_high = ratio_value(&high);
}

static bool waits_for_answers(const struct contention *c)
{
    double carried = c->cell->chunk_used ? (double)c->cell->chunk_used : 1;

    return c->voluntary * carried * WAITING_PER_MESSAGE >= 1 && !(c->workers_busy > awake_above);
}

/* Nobody sleeps, yet an operation costs more: the line itself is slow to come, or something longer is waited for. */
static enum contention_cause cause_awake(const struct contention *c)
{
    double carried = c->cell->limit && c->cell->limit_carries ? (double)c->cell->limit_carries : 1;

    return c->elapsed_ns * carried > line_ns * c->cell->workers ? CONTENTION_SPINNING : CONTENTION_CACHE_LINE;
}

static enum contention_cause cause_of(const struct contention *c)
{
    bool dearer = c->workers_cpu_ns > dearer_above * c->single_cpu_ns;

    if (!isfinite(c->lost) || c->cell->workers < 2)
        return CONTENTION_UNKNOWN;
    if (c->lost < scales_below)
        return CONTENTION_NONE;
    if (c->cell->oversubscribed || c->delayed > crowded_above)
        return CONTENTION_CROWDED;
    if (c->service_busy > service_above)
        return CONTENTION_SERVICE;
    if (waits_for_answers(c))
        return CONTENTION_WAITING;
    if (dearer && c->voluntary < switches_below && c->involuntary < switches_below)
        return cause_awake(c);
    return dearer ? CONTENTION_CPU : CONTENTION_UNEXPLAINED;
}

static double workers_cpu_of(const struct cell *cell)
{
    struct contention c = {.cell = cell};

    derive_costs(&c);
    return c.workers_cpu_ns;
}

/* The parent's operations, one after another: no number of workers makes more of them, and who has done them is chance.
 */
static void forget_ideal(struct contention *c)
{
    c->ideal = c->lost = c->jain = c->share_low = c->share_high = NAN;
}

void contention_of(struct contention *c, const struct results *r, const struct cell *cell)
{
    bool measured = cell->status == CELL_OK && cell->value > 0;

    *c = (struct contention){
        .cell = cell,
        .single = cell->workers == 1 ? cell : rank_one_worker(r, cell),
        .speedup = NAN,
        .ideal = NAN,
        .lost = NAN,
        .of_limit = measured ? rank_limit_ratio(r, cell) : NAN,
        .single_cpu_ns = NAN,
    };
    derive_costs(c);
    derive_fairness(c);
    if (c->single && c->single->status != CELL_OK)
        c->single = NULL;
    if (c->single)
        c->single_cpu_ns = workers_cpu_of(c->single);
    if (measured && c->single && c->single->value > 0) {
        c->speedup = cell->value / c->single->value;
        c->ideal = cell->workers * c->single->value;
        c->lost = 1 - c->speedup / cell->workers;
    }
    if (rank_in_turn(cell))
        forget_ideal(c);
    c->cause = cause_of(c);
}
