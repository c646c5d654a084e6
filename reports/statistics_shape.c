/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * statistics_shape.c - whether values in the order in which they came hang together, drift, repeat exactly, or fall
 * into two groups: what a median and its interval do not show.
 *
 * Values that are NAN are left out; neighbours are those that were both measured. */
#include "reports/statistics.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TREND_EXACT 16 /* values up to which the distribution is summed; the normal one is within 0.001 beyond */
#define GROUP_LEAST 3  /* in each group */

static size_t measured(const double *values, size_t count, double *mean)
{
    size_t kept = 0;
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i])) {
            sum += values[i];
            kept++;
        }
    *mean = kept ? sum / (double)kept : NAN;
    return kept;
}

double statistics_lag1(const double *values, size_t count)
{
    double mean, products = 0, squares = 0;
    if (measured(values, count, &mean) < 3)
        return NAN;
    for (size_t i = 0; i < count; i++) {
        double here = values[i] - mean;
        if (isnan(here))
            continue;
        squares += here * here;
        if (i + 1 < count && !isnan(values[i + 1]))
            products += here * (values[i + 1] - mean);
    }
    return squares > 0 && isfinite(squares) ? products / squares : NAN;
}

/* --- trend ------------------------------------------------------------------------------------------------------- */

/* P(|S| >= s) over all orders of n different values: the number of inversions of a random permutation is a sum of
 * independent uniform numbers, 0 to i - 1 for the i-th (Knuth 5.1.1), and S = n(n-1)/2 - 2 inversions. */
static double exact_p(size_t n, double s)
{
    double now[TREND_EXACT * (TREND_EXACT - 1) / 2 + 1] = {1}, before[TREND_EXACT * (TREND_EXACT - 1) / 2 + 1];
    size_t most = n * (n - 1) / 2;
    double p = 0;
    for (size_t i = 2; i <= n; i++) {
        double sum = 0;
        memcpy(before, now, sizeof now);
        for (size_t k = 0; k <= i * (i - 1) / 2; k++) {
            sum += before[k] - (k >= i ? before[k - i] : 0);
            now[k] = sum / (double)i;
        }
    }
    for (size_t k = 0; k <= most; k++)
        if (fabs((double)most - 2 * (double)k) >= s - 0.5)
            p += now[k];
    return fmin(p, 1);
}

double statistics_trend_p(double s, double variance)
{
    double z = variance > 0 ? fmax(fabs(s) - 1, 0) / sqrt(variance) : 0;
    return 2 * gsl_cdf_ugaussian_Q(z);
}

/* Sorts values[count] with room for as many in `spare`, and returns how many pairs stood in falling order (Knight, J.
 * Am. Stat. Assoc. 61, 1966: merging counts them, in n log n steps). */
static double sort_falling(double *values, double *spare, size_t count)
{
    if (count < 2)
        return 0;
    const size_t half = count / 2;
    double falling = sort_falling(values, spare, half) + sort_falling(values + half, spare, count - half);
    memcpy(spare, values, half * sizeof *values);
    for (size_t left = 0, right = half, to = 0; left < half; to++)
        if (right < count && values[right] < spare[left]) {
            falling += (double)(half - left);
            values[to] = values[right++];
        } else
            values[to] = spare[left++];
    return falling;
}

/* Of sorted values: the pairs that are equal, how many values have a twin, and 18 times the variance that ties take. */
struct tied {
    double pairs, values, variance;
};

static struct tied tied_of(const double *sorted, size_t count)
{
    struct tied tied = {0};
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && sorted[to] <= sorted[from];)
            to++;
        const double t = (double)(to - from);
        tied.pairs += t * (t - 1) / 2;
        tied.values += t > 1 ? t : 0;
        tied.variance += t * (t - 1) * (2 * t + 5);
    }
    return tied;
}

/* The measured ones, sorted; *falling pairs stood in falling order. NULL when memory is short. */
static double *sorted_of(const double *values, size_t count, size_t *n, double *falling)
{
    double *sorted = malloc((2 * count + 1) * sizeof *sorted);
    *n = 0;
    for (size_t i = 0; sorted && i < count; i++)
        if (!isnan(values[i]))
            sorted[(*n)++] = values[i];
    *falling = sorted ? sort_falling(sorted, sorted + count, *n) : 0;
    return sorted;
}

void statistics_trend(const double *values, size_t count, struct trend *out)
{
    size_t n;
    double falling, *sorted = sorted_of(values, count, &n, &falling), size = (double)n;
    *out = (struct trend){.p = 1};
    if (!sorted)
        return;
    const struct tied tied = tied_of(sorted, n);
    free(sorted);
    out->s = size * (size - 1) / 2 - tied.pairs - 2 * falling;
    out->variance = (size * (size - 1) * (2 * size + 5) - tied.variance) / 18;
    if (n >= 2)
        out->p =
            n <= TREND_EXACT && tied.pairs <= 0 ? exact_p(n, fabs(out->s)) : statistics_trend_p(out->s, out->variance);
}

/* --- ties -------------------------------------------------------------------------------------------------------- */

double statistics_ties(const double *values, size_t count)
{
    size_t n;
    double falling, *sorted = sorted_of(values, count, &n, &falling);
    const double part = sorted && n ? tied_of(sorted, n).values / (double)n : NAN;
    free(sorted);
    return part;
}

/* --- two groups -------------------------------------------------------------------------------------------------- */

/* Squares of the deviations of sorted[from .. to) from their mean. */
static double within(const double *sorted, size_t from, size_t to)
{
    double mean = 0, squares = 0;
    for (size_t i = from; i < to; i++)
        mean += sorted[i] / (double)(to - from);
    for (size_t i = from; i < to; i++)
        squares += (sorted[i] - mean) * (sorted[i] - mean);
    return squares;
}

static double median_of(const double *sorted, size_t from, size_t to)
{
    size_t middle = from + (to - from) / 2;
    return (to - from) % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

bool statistics_two_groups(const double *values, size_t count, struct two_groups *out)
{
    size_t n = 0, split = 0;
    double *logs = count ? malloc(count * sizeof *logs) : NULL, least = INFINITY;
    *out = (struct two_groups){.low = NAN, .high = NAN};
    for (size_t i = 0; logs && i < count; i++)
        if (values[i] > 0 && isfinite(values[i]))
            logs[n++] = log(values[i]);
    size_t group = n / 5 + (n % 5 > 0) > GROUP_LEAST ? n / 5 + (n % 5 > 0) : GROUP_LEAST;
    if (n >= 2 * GROUP_LEAST)
        gsl_sort(logs, 1, n);
    for (size_t k = group; n >= 2 * GROUP_LEAST && k <= n - group; k++) {
        double squares = within(logs, 0, k) + within(logs, k, n);
        if (squares < least) {
            least = squares;
            split = k;
        }
    }
    if (split) {
        double gap = logs[split] - logs[split - 1], spread = sqrt(least / (double)(n - 2));
        double needed = 60 / (double)n;
        *out = (struct two_groups){.low = exp(median_of(logs, 0, split)),
                                   .high = exp(median_of(logs, split, n)),
                                   .below = split,
                                   .above = n - split};
        out->two = gap > 0 && gap >= (needed > 1.5 ? needed : 1.5) * spread;
    }
    free(logs);
    return out->two;
}
