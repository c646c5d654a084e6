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

/* Kendall's S of values against their order, as Mann (Econometrica 13, 1945) tests for a trend: how many pairs rise
 * less how many fall, its variance without a trend (ties counted out), and the two-sided p. p is exact for few values
 * without ties. Sums of S and variance over several series make one test of all (Hirsch, Slack, Smith, Water Resour.
 * Res. 18, 1982): statistics_trend_p(). */
struct trend {
    double s, variance, p;
};
void statistics_trend(const double *values, size_t count, struct trend *out);
double statistics_trend_p(double s, double variance);

/* The part of values that another equals exactly; NAN when nothing was measured, or memory is short. */
double statistics_ties(const double *values, size_t count);

/* Two groups. The logarithms are split where the squares within both parts are least (Fisher, J. Am. Stat. Assoc. 53,
 * 1958), at least 3 and a fifth of the values in each; they are two groups when the gap between the parts is 60/n times
 * the pooled standard deviation within, and at least 1.5 times. By simulation of normal, uniform, exponential,
 * lognormal, Laplace and t samples (3 degrees), 6 to 80 values, at most 1.3 in 100 of one group are called two; two
 * normal groups of equal size 12 standard deviations apart are seen in half of the samples from 8 values on, and in
 * nearly all from 14. `low` and `high` are the groups' medians. Under 6 positive values nothing is told. */
struct two_groups {
    bool two;
    double low, high;
    size_t below, above; /* how many values each group has */
};
bool statistics_two_groups(const double *values, size_t count, struct two_groups *out); /* returns out->two */

/* --- pairs ---------------------------------------------------------------------------------------------------------
 */

/* a[i] and b[i] are of one block. The sign test, written as the interval of the median of log(a/b). */
enum paired statistics_paired(const double *a, const double *b, size_t count, double confidence);

/* --- two runs: statistics_difference.c ------------------------------------------------------------------------------
 */

#define STATISTICS_BATCHES 6 /* into which a run is cut, to see its drift */

/* One run's blocks, in the order in which they were measured. */
struct series_of_blocks {
    const double *values;
    size_t count;
};

/* What may lie between two runs for no cause within them; neither of them shows it by itself. */
struct apart {
    double sd;         /* between sessions; NAN: not known, and not counted */
    unsigned sessions; /* from how many it was learned */
    /* By how much what surrounds the runs may have moved the second one's values, up or down, at most; NAN: not known,
     * and not counted. */
    double up, down;
};

/* By how much a second run lies above a first: the difference of their medians. */
struct shift {
    double shift, low, high;
    double confidence;
    /* What the interval is made of: how far it reaches for the runs' own blocks, and for what lies between them. */
    double within_low, within_high, sessions, up, down;
    double freedom; /* degrees of freedom of what lies beyond the interval */
};

/* For runs made one after the other, hours or commits apart, whose blocks are no pairs; values are logarithms. Each
 * median gets an interval of its own, and these are joined as
 *
 *   within_low = sqrt(down_b^2 + up_a^2), within_high = sqrt(up_b^2 + down_a^2)
 *
 * (Zou and Donner, Statistics in Medicine 27, 2008), which keeps apart what is skewed or has two modes. `down` and `up`
 * reach to the wider of two intervals:
 *  - between order statistics, exact for independent blocks whatever their distribution, its ranks moved apart by
 *    sqrt((1 + r) / (1 - r)), where r is the autocorrelation of neighbours' signs about the median;
 *  - of batch means: t sd/sqrt(6) of the medians of six stretches (Conway, Management Science 10, 1963), in which a
 *    slow drift shows.
 * Of what lies between, the sessions' scatter (t sd, t with their freedom) is added in squares. What has moved is a
 * bound and no scatter: it is taken off whole, and the rest is judged as if nothing had moved, which is the worst case
 * of all that it allows:
 *
 *   low = shift - (up + sqrt(within_low^2 + 2 (t sd)^2)), high = shift + (down + sqrt(within_high^2 + 2 (t sd)^2))
 *
 * Where neither is known, a host that changes for longer than a run lasts is not covered.
 *
 * Simulated, 2000 pairs of runs of 6 to 40 blocks, nominal 95 %: independent blocks 98.5 % and more (normal, lognormal,
 * t of 3, a tenth outliers, two modes); autocorrelation 0.3: 96 % and more, 0.6: 98 % from 24 blocks on; a host that
 * changes for ten blocks at a time: 85 to 90 % from 12 blocks on. So it is wide where all is well: by about two
 * fifths of what independent blocks would want.
 *
 * False, and NANs (but for `shift`, where both have a value), where one side has fewer than 6, or memory is short. */
bool statistics_difference(const struct series_of_blocks *base, const struct series_of_blocks *candidate,
                           const struct apart *apart, double confidence, struct shift *out);

/* The one-sided tail: how likely such a shift, or more of it, would be if the truth were `bound`, or below. (1 less
 * that: or above.) At most half of 1 - confidence exactly when the interval lies above the bound; beyond, Student's t.
 * NAN where there is no interval. */
double statistics_shift_above(const struct shift *, double bound);
double statistics_shift_below(const struct shift *, double bound);

#endif
