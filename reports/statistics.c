/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * statistics.c - ranks, medians and exact binomial intervals, on GSL's sorting and distributions.
 *
 * Each function sorts a copy without the NANs. Infinities stay: they sort where they belong, and a ratio to 0 is one.
 */
#include "reports/statistics.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

/* The measured values in ascending order, *count of them; NULL when there is none or memory is short. */
static double *sorted_copy(const double *values, size_t *count)
{
    size_t kept = 0;
    double *copy = *count ? malloc(*count * sizeof *copy) : NULL;
    if (!copy)
        return NULL;
    for (size_t i = 0; i < *count; i++)
        if (!isnan(values[i]))
            copy[kept++] = values[i];
    *count = kept;
    if (!kept) {
        free(copy);
        return NULL;
    }
    gsl_sort(copy, 1, kept);
    return copy;
}

double statistics_quantile(const double *values, size_t count, double q)
{
    double *sorted = sorted_copy(values, &count);
    if (!sorted)
        return NAN;
    double quantile = gsl_stats_quantile_from_sorted_data(sorted, 1, count, q);
    free(sorted);
    return quantile;
}

double statistics_median(const double *values, size_t count)
{
    double *sorted = sorted_copy(values, &count);
    if (!sorted)
        return NAN;
    double median = gsl_stats_median_from_sorted_data(sorted, 1, count);
    free(sorted);
    return median;
}

double statistics_geometric_mean(const double *values, size_t count)
{
    double sum = 0;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i]))
            continue;
        if (values[i] <= 0)
            return NAN;
        sum += log(values[i]);
        kept++;
    }
    return kept ? exp(sum / (double)kept) : NAN;
}

double statistics_fairness(const double *values, size_t count)
{
    double largest = 0, sum = 0, squares = 0;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i])) {
            largest = fmax(largest, fabs(values[i]));
            kept++;
        }
    if (!kept)
        return NAN;
    if (largest == 0)
        return 1;
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i])) {
            double part = values[i] / largest; /* so that no square overflows */
            sum += part;
            squares += part * part;
        }
    return sum * sum / ((double)kept * squares);
}

size_t statistics_median_rank(size_t count, double confidence, double *coverage)
{
    size_t rank = 0;
    double reached = NAN;
    for (size_t k = 1; k <= count / 2; k++) {
        double covered = 1 - 2 * gsl_cdf_binomial_P((unsigned)(k - 1), 0.5, (unsigned)count);
        if (covered < confidence)
            break;
        rank = k;
        reached = covered;
    }
    if (coverage)
        *coverage = reached;
    return rank;
}

bool statistics_median_interval(const double *values, size_t count, double confidence, struct interval *out)
{
    *out = (struct interval){.low = NAN, .high = NAN, .coverage = NAN};
    double *sorted = sorted_copy(values, &count);
    if (!sorted)
        return false;
    size_t rank = statistics_median_rank(count, confidence, &out->coverage);
    if (rank) {
        out->low = sorted[rank - 1];
        out->high = sorted[count - rank];
    }
    free(sorted);
    return rank != 0;
}

/* Two zeros are equal, not undefined. */
static double log_ratio(double a, double b)
{
    return a == b ? 0 : log(a / b);
}

enum paired statistics_paired(const double *a, const double *b, size_t count, double confidence)
{
    double *ratios = count ? malloc(count * sizeof *ratios) : NULL;
    struct interval interval;
    if (!ratios)
        return PAIRED_UNKNOWN;
    for (size_t i = 0; i < count; i++)
        ratios[i] = log_ratio(a[i], b[i]);
    bool known = statistics_median_interval(ratios, count, confidence, &interval);
    free(ratios);
    if (!known)
        return PAIRED_UNKNOWN;
    if (interval.low > 0)
        return PAIRED_HIGHER;
    return interval.high < 0 ? PAIRED_LOWER : PAIRED_TIE;
}
