/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * statistics_difference.c - the difference of two runs' medians, and what is known of it.
 *
 * Blocks of one run hang together: a clock drifts, a host moves a virtual CPU for a minute. An interval that takes them
 * for independent is too narrow, so each run's own course is looked at twice, over neighbours and over its sixths. */
#include "reports/statistics.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LAG1_HIGHEST 0.95 /* above, the ranks are moved as far as they go in any case */

/* How far the median may lie off, downwards and upwards. */
struct reach {
    double median, down, up;
};

/* A run's values without the NANs, as they came and sorted. */
struct course {
    double *in_order, *sorted;
    size_t count;
};

static int course_open(struct course *course, const struct series_of_blocks *blocks)
{
    double *both = malloc((2 * blocks->count + 1) * sizeof *both);
    *course = (struct course){.in_order = both};
    if (!both)
        return -1;
    for (size_t i = 0; i < blocks->count; i++)
        if (!isnan(blocks->values[i]))
            both[course->count++] = blocks->values[i];
    course->sorted = both + course->count;
    memcpy(course->sorted, both, course->count * sizeof *both);
    if (course->count)
        gsl_sort(course->sorted, 1, course->count);
    return 0;
}

/* Of neighbours' signs about the median. Small samples estimate it too low, by about (1 + 3 r) / n (Kendall, Biometrika
 * 41, 1954). Never below 0, so that nothing makes an interval narrower. */
static double lag1_of_signs(const struct course *course, double median)
{
    double products = 0, squares = 0, before = 0;
    for (size_t i = 0; i < course->count; i++) {
        double sign = (course->in_order[i] > median) - (course->in_order[i] < median);
        products += i ? sign * before : 0;
        squares += sign * sign;
        before = sign;
    }
    double lag1 = squares > 0 ? products / squares : 0;
    lag1 += (1 + 3 * lag1) / (double)course->count;
    return fmin(fmax(lag1, 0), LAG1_HIGHEST);
}

/* The rank of the lower end, from 1. */
static size_t rank_moved(const struct course *course, double median, double confidence)
{
    double lag1 = lag1_of_signs(course, median), middle = ((double)course->count + 1) / 2;
    size_t rank = statistics_median_rank(course->count, confidence, NULL);
    double moved = middle - (middle - (double)rank) * sqrt((1 + lag1) / (1 - lag1));
    return moved >= 1 ? (size_t)moved : 1;
}

/* Half the interval that six stretches give. */
static double batch_reach(const struct course *course, double confidence)
{
    double medians[STATISTICS_BATCHES];
    for (size_t i = 0; i < STATISTICS_BATCHES; i++) {
        size_t from = i * course->count / STATISTICS_BATCHES, to = (i + 1) * course->count / STATISTICS_BATCHES;
        medians[i] = statistics_median(course->in_order + from, to - from);
    }
    return gsl_cdf_tdist_Qinv((1 - confidence) / 2, STATISTICS_BATCHES - 1) *
           gsl_stats_sd(medians, 1, STATISTICS_BATCHES) / sqrt(STATISTICS_BATCHES);
}

/* False where there are too few blocks. */
static bool reach_of(const struct course *course, double confidence, struct reach *reach)
{
    *reach = (struct reach){.median = NAN, .down = NAN, .up = NAN};
    if (!course->count)
        return false;
    reach->median = gsl_stats_median_from_sorted_data(course->sorted, 1, course->count);
    if (course->count < STATISTICS_BATCHES || !statistics_median_rank(course->count, confidence, NULL))
        return false;
    size_t rank = rank_moved(course, reach->median, confidence);
    double drift = batch_reach(course, confidence);
    reach->down = fmax(reach->median - course->sorted[rank - 1], drift);
    reach->up = fmax(course->sorted[course->count - rank] - reach->median, drift);
    return true;
}

/* Welch and Satterthwaite's: each run has those of its batches, and the sessions theirs. */
static double freedom_of(double a, double b, double between, double freedom)
{
    double parts = (a * a + b * b) / (STATISTICS_BATCHES - 1) + between * between / freedom;
    return parts > 0 ? (a + b + between) * (a + b + between) / parts : STATISTICS_BATCHES - 1;
}

/* How far the sessions reach; 0 where nothing is known of them. */
static double sessions_reach(const struct apart *apart, double confidence)
{
    const double tail = (1 - confidence) / 2;
    double t = apart->sessions > 1 ? gsl_cdf_tdist_Qinv(tail, apart->sessions - 1) : gsl_cdf_ugaussian_Qinv(tail);
    return apart->sd > 0 ? sqrt(2) * t * apart->sd : 0;
}

static void join(const struct reach *a, const struct reach *b, const struct apart *apart, struct shift *out)
{
    out->within_low = sqrt(b->down * b->down + a->up * a->up);
    out->within_high = sqrt(b->up * b->up + a->down * a->down);
    out->sessions = sessions_reach(apart, out->confidence);
    out->up = fmax(apart->up, 0); /* fmax() leaves out a NAN */
    out->down = fmax(apart->down, 0);
    out->low = out->shift - (out->up + hypot(out->within_low, out->sessions));
    out->high = out->shift + (out->down + hypot(out->within_high, out->sessions));
    out->freedom = freedom_of(pow(fmax(a->down, a->up), 2), pow(fmax(b->down, b->up), 2), pow(out->sessions, 2),
                              apart->sessions > 1 ? apart->sessions - 1 : 1);
}

bool statistics_difference(const struct series_of_blocks *base, const struct series_of_blocks *candidate,
                           const struct apart *apart, double confidence, struct shift *out)
{
    struct course a, b;
    struct reach reach_a, reach_b;
    *out = (struct shift){.shift = NAN, .low = NAN, .high = NAN, .confidence = confidence};
    int short_of = course_open(&a, base) + course_open(&b, candidate);
    bool known = false;
    if (short_of == 0) {
        known = reach_of(&a, confidence, &reach_a);
        known &= reach_of(&b, confidence, &reach_b);
        out->shift = reach_b.median - reach_a.median;
        if (known)
            join(&reach_a, &reach_b, apart, out);
    }
    free(a.in_order);
    free(b.in_order);
    return known;
}

/* `beyond` in units in which `half` is what the interval reaches. */
static double tail_of(const struct shift *shift, double beyond, double half)
{
    if (isnan(half) || isnan(shift->low))
        return NAN;
    if (half <= 0)
        return beyond > 0 ? 0 : 1;
    double edge = gsl_cdf_tdist_Qinv((1 - shift->confidence) / 2, shift->freedom);
    return gsl_cdf_tdist_Q(edge * beyond / half, shift->freedom);
}

double statistics_shift_above(const struct shift *shift, double bound)
{
    return tail_of(shift, shift->shift - shift->up - bound, hypot(shift->within_low, shift->sessions));
}

double statistics_shift_below(const struct shift *shift, double bound)
{
    return tail_of(shift, bound - shift->shift - shift->down, hypot(shift->within_high, shift->sessions));
}
