/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rank.c - facts about single cells: their names, their neighbours (one worker, another idle mode, the raw operation),
 * and what the blocks say of two of them. rank_matrix.c builds matrices from these, rank_words.c sentences. */
#include "reports/rank.h"

#include "reports/statistics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

enum strategy_role rank_role(const struct results *results, const char *strategy)
{
    for (size_t i = 0; i < results->strategy_count; i++)
        if (same_text(results->strategies[i].name, strategy))
            return results->strategies[i].role;
    return ROLE_STRATEGY;
}

const struct workload_info *rank_workload(const struct results *results, const char *workload)
{
    for (size_t i = 0; i < results->workload_count; i++)
        if (same_text(results->workloads[i].name, workload))
            return &results->workloads[i];
    return NULL;
}

/* Without the run's own word, the mode of its first cell is taken: a file from elsewhere may lack it. */
const char *rank_idle(const struct results *results)
{
    if (results->idle)
        return results->idle;
    return results->cell_count && results->cells[0].idle ? results->cells[0].idle : "";
}

char *rank_name(char *text, size_t size, const struct cell *cell)
{
    const char *strategy = cell->strategy ? cell->strategy : "";
    if (cell->variant_default || !cell->variant || !*cell->variant)
        snprintf(text, size, "%s", strategy);
    else
        snprintf(text, size, "%s:%s", strategy, cell->variant);
    return text;
}

/* All that identifies a cell but its workers and its idle mode. */
static bool same_but_workers_and_idle(const struct cell *a, const struct cell *b)
{
    return a->chunk == b->chunk && a->payload_bytes == b->payload_bytes && a->item_cost_ns == b->item_cost_ns &&
           same_text(a->workload, b->workload) && same_text(a->strategy, b->strategy) &&
           same_text(a->variant, b->variant) && same_text(a->placement, b->placement) &&
           same_text(a->manager, b->manager);
}

const struct cell *rank_one_worker(const struct results *results, const struct cell *cell)
{
    for (size_t i = 0; i < results->cell_count; i++) {
        const struct cell *other = &results->cells[i];
        if (other->workers == 1 && same_text(other->idle, cell->idle) && same_but_workers_and_idle(other, cell))
            return other;
    }
    return NULL;
}

const struct cell *rank_other_idle(const struct results *results, const struct cell *cell)
{
    for (size_t i = 0; i < results->cell_count; i++) {
        const struct cell *other = &results->cells[i];
        if (other->workers == cell->workers && !same_text(other->idle, cell->idle) &&
            same_but_workers_and_idle(other, cell))
            return other;
    }
    return NULL;
}

static double ratio_of(const struct cell *above, double below)
{
    if (above->status != CELL_OK || !isfinite(above->value) || !isfinite(below) || below <= 0)
        return NAN;
    return above->value / below;
}

bool rank_in_turn(const struct cell *cell)
{
    return cell->latency.samples > 0;
}

bool rank_matrix_in_turn(const struct rank_matrix *matrix)
{
    for (size_t i = 0; i < matrix->row_count; i++)
        for (size_t column = 0; column < matrix->chunk_count; column++)
            if (matrix->rows[i].cells[column] && rank_in_turn(matrix->rows[i].cells[column]))
                return true;
    return false;
}

double rank_gain(const struct results *results, const struct cell *cell)
{
    const struct cell *one = rank_one_worker(results, cell);
    return one && one->status == CELL_OK ? ratio_of(cell, one->value) : NAN;
}

/* The best of those that share nothing, times the cell's workers: what its operations would cost by themselves. 0: none
 * was measured. */
static double unshared_rate(const struct results *results, const struct cell *cell)
{
    double best = 0;
    for (size_t i = 0; i < results->cell_count; i++) {
        const struct cell *alone = &results->cells[i];
        if (alone->status == CELL_OK && same_text(alone->workload, cell->workload) &&
            same_text(alone->idle, cell->idle) && alone->item_cost_ns == cell->item_cost_ns &&
            alone->payload_bytes == cell->payload_bytes && rank_role(results, alone->strategy) == ROLE_CONTROL)
            best = fmax(best, alone->value);
    }
    return best * cell->workers;
}

/* The raw operation's, times what it carries; NAN where it was not measured. */
static double raw_rate(const struct results *results, const struct cell *cell)
{
    double limit = NAN;
    for (size_t i = 0; i < results->cell_count; i++) {
        const struct cell *raw = &results->cells[i];
        if (raw->status != CELL_OK || !same_text(raw->workload, cell->limit) || !same_text(raw->idle, cell->idle) ||
            rank_role(results, raw->strategy) != ROLE_YARDSTICK)
            continue;
        /* The one under the cell's own placement, if there are several. */
        if (!isfinite(limit) || same_text(raw->placement, cell->placement))
            limit = raw->value;
    }
    return limit * (double)(cell->limit_carries ? cell->limit_carries : 1);
}

double rank_limit_ratio(const struct results *results, const struct cell *cell)
{
    if (!cell->limit)
        return NAN;
    const double limit = raw_rate(results, cell), unshared = unshared_rate(results, cell);
    return unshared > 0 && unshared < limit ? NAN : ratio_of(cell, limit);
}

double rank_lost(const struct cell *cell)
{
    double lost = 0, done = 0;
    for (size_t i = 0; i < cell->trial_count; i++) {
        const struct trial *trial = &cell->trials[i];
        lost += (double)trial->lost;
        for (size_t w = 0; w < trial->worker_count; w++)
            done += (double)trial->per_worker[w];
    }
    return done > 0 ? lost / done : NAN;
}

double rank_noise(const struct results *results)
{
    double noise = NAN, *widths;
    if (isfinite(results->noise))
        return results->noise;
    widths = malloc((results->cell_count + 1) * sizeof *widths);
    if (!widths)
        return NAN;
    size_t count = 0;
    for (size_t i = 0; i < results->cell_count; i++) {
        const struct cell *cell = &results->cells[i];
        if (cell->status == CELL_OK && !isnan(cell->ci_low) && !isnan(cell->ci_high) && cell->value > 0)
            widths[count++] = (cell->ci_high - cell->ci_low) / 2 / cell->value;
    }
    noise = statistics_median(widths, count);
    free(widths);
    return noise;
}

size_t rank_wake_costs(const struct results *results, const char *idle, double *costs)
{
    size_t count = 0;
    for (size_t i = 0; i < results->cell_count; i++) {
        const struct cell *cell = &results->cells[i];
        for (size_t t = 0; same_text(cell->idle, idle) && t < cell->trial_count; t++, count += 2)
            if (costs) {
                costs[count] = cell->trials[t].wake_before_ns;
                costs[count + 1] = cell->trials[t].wake_after_ns;
            }
    }
    return count;
}

double rank_wake_ns(const struct results *results, const char *idle)
{
    const size_t count = rank_wake_costs(results, idle, NULL);
    double *costs = malloc((count + 1) * sizeof *costs);
    if (!costs)
        return NAN;
    rank_wake_costs(results, idle, costs);
    double median = statistics_median(costs, count);
    free(costs);
    return median;
}

static const struct trial *trial_of_block(const struct cell *cell, unsigned block)
{
    for (size_t i = 0; i < cell->trial_count; i++)
        if (cell->trials[i].block == block)
            return &cell->trials[i];
    return NULL;
}

enum paired rank_compare(const struct cell *a, const struct cell *b)
{
    double *values = malloc((2 * a->trial_count + 1) * sizeof *values);
    size_t count = 0;
    if (!values)
        return PAIRED_UNKNOWN;
    double *others = values + a->trial_count;
    for (size_t i = 0; i < a->trial_count; i++) {
        const struct trial *other = trial_of_block(b, a->trials[i].block);
        if (!other)
            continue;
        values[count] = a->trials[i].value;
        others[count++] = other->value;
    }
    enum paired paired = statistics_paired(values, others, count, STATISTICS_CONFIDENCE);
    free(values);
    return paired;
}
