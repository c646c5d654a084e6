/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * flags.c - see flags.h: tests of reports/statistics.h on one cell's trials and their windows. */
#include "reports/flags.h"

#include "reports/format.h"
#include "reports/statistics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const NAMES[FLAGS] = {"unsteady", "bimodal", "quantised", "stolen"};
static const char *const MEANINGS[FLAGS] = {
    "unsteady, its speed drifts",
    "bimodal, its trials fall into two groups",
    "quantised, a window holds too few operations",
    "stolen, the host took time from its trials",
};

/* Median of the last third against that of the first, as a logarithm; NAN under three values. */
static double thirds(const double *values, size_t count)
{
    size_t third = count / 3;
    double first = statistics_median(values, third), last = statistics_median(values + count - third, third);
    return third && first > 0 && last > 0 ? log(last / first) : NAN;
}

/* Windows near each other in time hang together, so the joint test alone would flag bursts: the trials, which do not,
 * must agree on the direction. */
static double drift_within(const struct cell *cell)
{
    double s = 0, variance = 0, drift = NAN;
    size_t rising = 0, told = 0;
    double *drifts = calloc(cell->trial_count + 1, sizeof *drifts);
    for (size_t i = 0; drifts && i < cell->trial_count; i++) {
        const struct trial *trial = &cell->trials[i];
        struct trend trend;
        statistics_trend(trial->windows, trial->window_count, &trend);
        s += trend.s;
        variance += trend.variance;
        drifts[i] = thirds(trial->windows, trial->window_count);
        told += drifts[i] != 0 && !isnan(drifts[i]);
        rising += drifts[i] > 0;
    }
    size_t same = rising > told - rising ? rising : told - rising;
    if (drifts && told >= STATISTICS_LEAST && 2 * statistics_at_least(same, told) <= 1 - STATISTICS_CONFIDENCE &&
        statistics_trend_p(s, variance) <= FLAGS_P_WITHIN)
        drift = expm1(statistics_median(drifts, cell->trial_count));
    free(drifts);
    return fabs(drift) >= FLAGS_SMALL ? drift : 0;
}

static double drift_over(const double *values, size_t count)
{
    struct trend trend;
    double drift = expm1(thirds(values, count));
    if (count < STATISTICS_LEAST)
        return 0;
    statistics_trend(values, count, &trend);
    return trend.p <= FLAGS_P_BLOCKS && fabs(drift) >= FLAGS_SMALL ? drift : 0;
}

static double operations(const struct cell *cell)
{
    double sum = 0, windows = 0;
    uint64_t together = cell->items || !cell->chunk_used ? 1 : cell->chunk_used;
    for (size_t i = 0; i < cell->trial_count; i++) {
        const struct trial *trial = &cell->trials[i];
        if (!trial->worker_count)
            return NAN;
        for (size_t w = 0; w < trial->worker_count; w++)
            sum += (double)trial->per_worker[w];
        windows += (double)trial->window_count;
    }
    return windows > 0 ? sum / windows / (double)together : NAN;
}

static double tied(const struct cell *cell)
{
    double sum = 0;
    size_t windows = 0;
    for (size_t i = 0; i < cell->trial_count; i++) {
        const struct trial *trial = &cell->trials[i];
        if (trial->window_count < 2)
            continue;
        sum += statistics_ties(trial->windows, trial->window_count) * (double)trial->window_count;
        windows += trial->window_count;
    }
    return windows ? sum / (double)windows : NAN;
}

static double stolen(const struct cell *cell)
{
    double taken = 0, time = 0;
    for (size_t i = 0; i < cell->trial_count; i++) {
        if (!isfinite(cell->trials[i].steal_s) || !isfinite(cell->trials[i].elapsed_s))
            continue;
        taken += cell->trials[i].steal_s;
        time += cell->trials[i].elapsed_s;
    }
    time *= cell_units(cell);
    return time > 0 ? taken / time : NAN;
}

void flags_of(struct flags *f, const struct cell *cell)
{
    struct two_groups groups;
    *f = (struct flags){.low = NAN, .high = NAN, .operations = NAN, .tied = NAN, .stolen = NAN};
    double *values = calloc(cell->trial_count + 1, sizeof *values);
    if (!values || cell->status != CELL_OK || !cell->trial_count)
        goto free_values;
    for (size_t i = 0; i < cell->trial_count; i++)
        values[i] = cell->trials[i].value;
    f->within = drift_within(cell);
    f->over_blocks = drift_over(values, cell->trial_count);
    f->set[FLAG_UNSTEADY] = f->within != 0 || f->over_blocks != 0;
    f->set[FLAG_BIMODAL] =
        statistics_two_groups(values, cell->trial_count, &groups) && groups.high >= (1 + FLAGS_APART) * groups.low;
    f->low = groups.low;
    f->high = groups.high;
    f->below = groups.below;
    f->above = groups.above;
    f->operations = operations(cell);
    f->tied = tied(cell);
    f->set[FLAG_QUANTISED] = f->operations < FLAGS_FEWEST || f->tied > FLAGS_TIED;
    f->stolen = stolen(cell);
    f->set[FLAG_STOLEN] = f->stolen > FLAGS_STOLEN;
free_values:
    free(values);
}

const char *flag_name(enum flag flag)
{
    return NAMES[flag];
}

const char *flag_meaning(enum flag flag)
{
    return MEANINGS[flag];
}

bool flags_any(const struct flags *f)
{
    for (int i = 0; i < FLAGS; i++)
        if (f->set[i])
            return true;
    return false;
}

static void say_unsteady(char *text, size_t size, const struct flags *f)
{
    int used = 0;
    if (f->within != 0)
        used = snprintf(text, size, "%+.0f %% within a trial", 100 * f->within);
    if (f->over_blocks != 0 && used >= 0 && (size_t)used < size)
        snprintf(text + used, size - (size_t)used, "%s%+.0f %% over the blocks", used ? ", " : "",
                 100 * f->over_blocks);
}

char *flag_figures(char *text, size_t size, const struct flags *f, enum flag flag)
{
    char low[FORMAT_SIZE], high[FORMAT_SIZE];
    *text = '\0';
    if (!f->set[flag])
        return text;
    switch (flag) {
    case FLAG_UNSTEADY:
        say_unsteady(text, size, f);
        break;
    case FLAG_BIMODAL:
        snprintf(text, size, "%zu near %s, %zu near %s", f->below, format_rate(low, f->low), f->above,
                 format_rate(high, f->high));
        break;
    case FLAG_QUANTISED:
        if (f->operations < FLAGS_FEWEST)
            snprintf(text, size, "%.*f in a window", f->operations < 10 ? 1 : 0, floor(10 * f->operations) / 10);
        else
            snprintf(text, size, "%.0f %% of its windows are exactly alike", 100 * f->tied);
        break;
    default:
        snprintf(text, size, "%.1f %%", 100 * f->stolen);
    }
    return text;
}

char *flags_names(char *text, size_t size, const struct flags *f)
{
    size_t used = 0;
    *text = '\0';
    for (int i = 0; i < FLAGS; i++)
        if (f->set[i] && used < size) {
            snprintf(text + used, size - used, "%s%s", used ? ", " : "", NAMES[i]);
            used = strlen(text);
        }
    return text;
}
