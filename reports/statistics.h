/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * statistics.h - the few numbers that measurements are reduced to. Pure: nothing here keeps state or changes its input.
 *
 * Rates on a shared machine have long tails and no known distribution, so everything rests on ranks: medians, intervals
 * between order statistics (their coverage is an exact binomial sum, whatever the distribution), and a sign test on
 * paired blocks. Values that are NAN count as not measured and are left out. */
#ifndef MUSTER_REPORTS_STATISTICS_H
#define MUSTER_REPORTS_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

#define STATISTICS_CONFIDENCE 0.95
#define STATISTICS_LEAST      6 /* values below which no interval of 95 % exists */

struct interval {
    double low, high;
    double coverage; /* the exact probability that it holds the median, at least the one asked for */
};

/* What paired blocks say of a against b. */
enum paired {
    PAIRED_UNKNOWN, /* too few blocks for the confidence asked for */
    PAIRED_TIE,     /* the interval of the log-ratios holds 0 */
    PAIRED_LOWER,   /* a is below b */
    PAIRED_HIGHER,  /* a is above b */
};

/* NAN when nothing was measured, or memory is short. */
double statistics_median(const double *values, size_t count);
double statistics_quantile(const double *values, size_t count, double q);
double statistics_geometric_mean(const double *values, size_t count); /* NAN too when a value is not positive */

/* Jain's index, (sum x)^2 / (n sum x^2): 1 when all got the same, 1/n when one got all. When all are 0 nobody got more
 * than another: 1. NAN when nothing was measured. */
double statistics_fairness(const double *values, size_t count);

/* The rank k (from 1) for which [x(k), x(count + 1 - k)] is the narrowest such interval that holds the median with at
 * least `confidence`; 0 when even the whole range does not. *coverage, unless NULL, is its exact coverage. */
size_t statistics_median_rank(size_t count, double confidence, double *coverage);

/* The interval at that rank. False, and NANs, where there is none. */
bool statistics_median_interval(const double *values, size_t count, double confidence, struct interval *out);

/* --- counting: statistics_counts.c ----------------------------------------------------------------------------------
 */

/* The sign test's tail, P(Bin(n, 1/2) >= k), exact; 1 for k = 0, also with n = 0. */
double statistics_at_least(size_t k, size_t n);

/* The least k with statistics_at_least(k, n) <= alpha; n + 1 when not even n is enough. */
size_t statistics_count_needed(size_t n, double alpha);

/* Holm's step-down adjustment (Scand. J. Statist. 6, 1979): p[count] to adjusted[count], in the same order; they may be
 * the same array. A NAN is no member of the family and stays one. -1 when memory is short. */
int statistics_holm(const double *p, size_t count, double *adjusted);

/* Clopper and Pearson's interval (Biometrika 26, 1934) of a proportion of which `hits` of `count` were seen. */
struct interval statistics_proportion(size_t hits, size_t count, double confidence);
/* Their one-sided upper bound: "at most this, with that confidence". 1 when count is 0. */
double statistics_proportion_most(size_t hits, size_t count, double confidence);

/* --- shape: statistics_shape.c -------------------------------------------------------------------------------------
 */

/* Autocorrelation of neighbours; NAN under 3 values or without spread. */
double statistics_lag1(const double *values, size_t count);

/* --- pairs ---------------------------------------------------------------------------------------------------------
 */

/* a[i] and b[i] are of one block. The sign test, written as the interval of the median of log(a/b). */
enum paired statistics_paired(const double *a, const double *b, size_t count, double confidence);

#endif
