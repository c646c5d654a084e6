/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * compare_decide.c - verdicts from the intervals of differences. */
#include "reports/compare.h"

#include "reports/duet.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ln(time per operation), up to a constant, of each trial that has a value; returns how many. */
static size_t log_times(const struct cell *cell, bool spoiled_too, double *times)
{
    const double sign = cell->better && strcmp(cell->better, "lower") == 0 ? 1 : -1;
    size_t count = 0;
    for (size_t i = 0; i < cell->trial_count; i++)
        if (cell->trials[i].value > 0 && (spoiled_too || !trial_spoiled(cell, &cell->trials[i])))
            times[count++] = sign * log(cell->trials[i].value);
    return count;
}

/* The interval of one cell; `used`, `spoiled`, `lag1` and a doubt of ties of the finding. -1 when memory is short. */
static int look_at(const struct unpaired *cell, const struct criteria *criteria, bool spoiled_too, struct shift *shift,
                   struct finding *finding)
{
    const size_t most = cell->base->trial_count + cell->candidate->trial_count;
    double *times = malloc((most + 1) * sizeof *times);
    if (!times)
        return -1;
    const size_t of_base = log_times(cell->base, true, times), of_candidate = log_times(cell->candidate, true, times);
    struct series_of_blocks base = {.values = times, .count = log_times(cell->base, spoiled_too, times)};
    struct series_of_blocks candidate = {.values = times + base.count,
                                         .count = log_times(cell->candidate, spoiled_too, times + base.count)};
    statistics_difference(&base, &candidate, &cell->apart, criteria->confidence, shift);
    finding->used = base.count < candidate.count ? base.count : candidate.count;
    finding->spoiled =
        of_base - base.count > of_candidate - candidate.count ? of_base - base.count : of_candidate - candidate.count;
    finding->lag1 = fmax(statistics_lag1(base.values, base.count), statistics_lag1(candidate.values, candidate.count));
    if (statistics_ties(base.values, base.count) > TIES_MOST ||
        statistics_ties(candidate.values, candidate.count) > TIES_MOST)
        finding->doubt = DOUBT_TIES;
    free(times);
    return 0;
}

/* Both families of alarms; p holds the tails of "slower", then those of "faster". Cells of which too few trials are
 * sound are no members, also where the spoiled ones make up the number. */
static int adjust(const struct shift *shifts, const struct unpaired *cells, size_t count, const struct finding *sound,
                  double *p)
{
    for (size_t i = 0; i < count; i++) {
        double d = log1p(cells[i].margin);
        bool member = !sound || !isnan(sound[i].low);
        p[i] = member ? statistics_shift_above(&shifts[i], d) : NAN;
        p[count + i] = member ? statistics_shift_below(&shifts[i], -d) : NAN;
    }
    return statistics_holm(p, count, p) || statistics_holm(p + count, count, p + count) ? -1 : 0;
}

/* The end of the interval that leaves the verdict open. */
struct open_end {
    double distance; /* from the shift to where that end would have to be */
    double within;   /* to where it is, for the runs' own blocks alone */
    double moved;    /* what may have moved it */
    double alpha;    /* of the verdict that it would give */
};

/* Beyond the margin a shift up could be slower. Else it could pass, and where it does so already, be equivalent or
 * faster. Alarms share alpha among the cells. */
static struct open_end open_end_of(const struct shift *shift, double d, bool not_slower, double alpha, size_t cells)
{
    const double at = shift->shift;
    if (at > d)
        return (struct open_end){at - d, shift->within_low, shift->up, alpha / (double)cells};
    if (!not_slower)
        return (struct open_end){d - at, shift->within_high, shift->down, alpha};
    if (at >= -d)
        return (struct open_end){at + d, shift->within_low, shift->up, alpha};
    return (struct open_end){-d - at, shift->within_high, shift->down, alpha / (double)cells};
}

/* Blocks of each run with which the same shift would have been decided: the part of the interval that comes from
 * within the runs shrinks with their square root, what lies between them does not shrink. */
static size_t blocks_needed(const struct shift *shift, const struct open_end *end, size_t used)
{
    const double edge = gsl_cdf_tdist_Qinv((1 - shift->confidence) / 2, shift->freedom);
    const double wanted = (end->distance - end->moved) * edge / gsl_cdf_tdist_Qinv(end->alpha, shift->freedom);
    const double left = wanted > shift->sessions ? wanted * wanted - shift->sessions * shift->sessions : 0;
    double needed = left > 0 && end->within > 0 ? ceil((double)used * end->within * end->within / left) : NEEDED_MOST;
    return (size_t)fmin(fmax(needed, (double)used + 1), NEEDED_MOST);
}

/* Why no verdict was reached, and what would help. */
static void leave_open(struct finding *finding, const struct shift *shift, size_t cells, double alpha)
{
    const struct open_end end = open_end_of(shift, log1p(finding->margin), finding->not_slower, alpha, cells);
    finding->needed = blocks_needed(shift, &end, finding->used);
    finding->doubt = end.moved >= end.distance && !finding->not_slower ? DOUBT_MOVED : DOUBT_WIDE;
}

static void conclude(struct finding *finding, const struct shift *shift, const double p[2], size_t cells,
                     const struct criteria *criteria)
{
    const double d = log1p(finding->margin), alpha = criteria->alpha;
    finding->ratio = exp(shift->shift);
    finding->low = exp(shift->low);
    finding->high = exp(shift->high);
    finding->p_slower = p[0];
    if (isnan(p[0])) {
        finding->doubt = DOUBT_FEW;
        finding->needed = STATISTICS_BATCHES;
        return;
    }
    if (finding->doubt != DOUBT_NONE)
        return;
    finding->not_slower = statistics_shift_below(shift, d) <= alpha;
    if (p[0] <= alpha)
        finding->verdict = VERDICT_SLOWER;
    else if (p[1] <= alpha)
        finding->verdict = VERDICT_FASTER;
    else if (verdict_too_noisy(finding->margin, criteria)) {
        finding->doubt = DOUBT_NOISE;
        finding->not_slower = false;
    } else if (finding->not_slower && statistics_shift_above(shift, -d) <= alpha)
        finding->verdict = VERDICT_EQUIVALENT;
    else
        leave_open(finding, shift, cells, alpha);
}

/* Of the sound trials; or of all, `sound` being what they alone came to. */
static int decide(const struct unpaired *cells, size_t count, const struct criteria *criteria,
                  const struct finding *sound, struct finding *findings)
{
    struct shift *shifts = calloc(count + 1, sizeof *shifts);
    double *p = calloc(2 * count + 1, sizeof *p);
    size_t family = 0;
    int result = shifts && p ? 0 : -1;
    for (size_t i = 0; i < count && result == 0; i++) {
        shifts[i] = (struct shift){.shift = NAN, .low = NAN, .high = NAN};
        if (cells[i].base && cells[i].candidate)
            result = look_at(&cells[i], criteria, sound != NULL, &shifts[i], &findings[i]);
        family += !isnan(shifts[i].low);
    }
    if (result == 0)
        result = adjust(shifts, cells, count, sound, p);
    for (size_t i = 0; i < count && result == 0; i++)
        if (cells[i].base && cells[i].candidate) {
            findings[i].margin = cells[i].margin;
            conclude(&findings[i], &shifts[i], (const double[]){p[i], p[count + i]}, family, criteria);
        }
    free(shifts);
    free(p);
    return result;
}

/* A verdict that rests on what was left out is none. */
static void hold_against(struct finding *finding, const struct finding *all)
{
    const bool open = finding->doubt == DOUBT_WIDE || finding->doubt == DOUBT_MOVED;
    if (finding->doubt != DOUBT_NONE && !open)
        return;
    finding->not_slower &= all->not_slower;
    if (open || finding->verdict == all->verdict)
        return;
    finding->sound = finding->verdict;
    finding->with_spoiled = all->verdict;
    finding->verdict = VERDICT_INCONCLUSIVE;
    finding->doubt = DOUBT_SENSITIVE;
}

int compare_decide(const struct unpaired *cells, size_t count, const struct criteria *criteria,
                   struct finding *findings)
{
    size_t spoiled = 0;
    if (decide(cells, count, criteria, NULL, findings))
        return -1;
    for (size_t i = 0; i < count; i++)
        spoiled += cells[i].base && cells[i].candidate ? findings[i].spoiled : 0;
    if (!spoiled)
        return 0;
    struct finding *all = calloc(count + 1, sizeof *all);
    int result = all ? decide(cells, count, criteria, findings, all) : -1;
    for (size_t i = 0; i < count && result == 0; i++)
        if (cells[i].base && cells[i].candidate)
            hold_against(&findings[i], &all[i]);
    free(all);
    return result;
}
