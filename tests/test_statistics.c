/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_statistics.c - medians and quantiles against GSL, intervals against exact binomial sums, their coverage by
 * simulation from fixed seeds, and the verdict on paired blocks. */
#include "tests/frame.h"

#include "reports/statistics.h"

#include <CUnit/CUnit.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { DRAWS = 20000, MOST = 60 };

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void median_of_few(void)
{
    const double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2}, holes[] = {NAN, 5, NAN, 7};

    CU_ASSERT_EQUAL(statistics_median(odd, 3), 2);
    CU_ASSERT_EQUAL(statistics_median(even, 4), 2.5);
    CU_ASSERT_EQUAL(statistics_median(odd, 1), 3);
    CU_ASSERT_EQUAL(statistics_median(holes, 4), 6);
    CU_ASSERT(isnan(statistics_median(odd, 0)));
    CU_ASSERT(isnan(statistics_median(holes, 1)));
    CU_ASSERT_EQUAL(odd[0], 3); /* the input is left as it was */
}

static void quantiles_as_gsl(void)
{
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    double values[101], sorted[101];

    CU_ASSERT_PTR_NOT_NULL_FATAL(random);
    gsl_rng_set(random, 1);
    for (size_t count = 1; count <= COUNT(values); count++) {
        for (size_t i = 0; i < count; i++)
            values[i] = sorted[i] = gsl_ran_lognormal(random, 0, 2);
        gsl_sort(sorted, 1, count);
        CU_ASSERT_EQUAL(statistics_median(values, count), gsl_stats_median_from_sorted_data(sorted, 1, count));
        for (double q = 0; q <= 1; q += 0.125)
            CU_ASSERT_EQUAL(statistics_quantile(values, count, q),
                            gsl_stats_quantile_from_sorted_data(sorted, 1, count, q));
    }
    gsl_rng_free(random);
}

/* 1 - 2 P(fewer than k of n coins), in whole numbers as long as they last. */
static double exact_coverage(unsigned n, unsigned k)
{
    uint64_t choose = 1, sum = 0;

    for (unsigned i = 0; i < k; i++) {
        sum += choose;
        choose = choose * (n - i) / (i + 1);
    }
    return 1 - 2 * ((double)sum / (double)((uint64_t)1 << n));
}

static void ranks_are_exact(void)
{
    for (unsigned n = 0; n <= 57; n++) { /* beyond, choose * (n - i) leaves 64 bits */
        double coverage;
        unsigned k = 0;
        while (k + 1 <= n / 2 && exact_coverage(n, k + 1) >= 0.95)
            k++;
        CU_ASSERT_EQUAL(statistics_median_rank(n, 0.95, &coverage), k);
        if (k == 0)
            CU_ASSERT(isnan(coverage));
        if (k > 0)
            CU_ASSERT_DOUBLE_EQUAL(coverage, exact_coverage(n, k), 1e-12);
    }
}

static void ranks_from_tables(void)
{
    static const struct {
        size_t count, rank;
        double coverage;
    } known[] = {{6, 1, 0.96875},      {7, 1, 0.984375},    {8, 1, 0.9921875},    {9, 2, 0.9609375},
                 {10, 2, 0.978515625}, {20, 6, 0.95861053}, {100, 40, 0.96479980}};

    CU_ASSERT_EQUAL(statistics_median_rank(5, 0.95, NULL), 0);
    CU_ASSERT_EQUAL(statistics_median_rank(STATISTICS_LEAST - 1, STATISTICS_CONFIDENCE, NULL), 0);
    CU_ASSERT_EQUAL(statistics_median_rank(STATISTICS_LEAST, STATISTICS_CONFIDENCE, NULL), 1);
    CU_ASSERT_EQUAL(statistics_median_rank(7, 0.99, NULL), 0);
    CU_ASSERT_EQUAL(statistics_median_rank(8, 0.99, NULL), 1);
    for (size_t i = 0; i < COUNT(known); i++) {
        double coverage;
        CU_ASSERT_EQUAL(statistics_median_rank(known[i].count, 0.95, &coverage), known[i].rank);
        CU_ASSERT_DOUBLE_EQUAL(coverage, known[i].coverage, 1e-7);
    }
}

static void intervals_of_few(void)
{
    const double values[] = {6, 2, 9, 4, 1, 7, 3, 8, 5};
    struct interval interval;

    CU_ASSERT_TRUE(statistics_median_interval(values, 9, 0.95, &interval));
    CU_ASSERT_EQUAL(interval.low, 2);
    CU_ASSERT_EQUAL(interval.high, 8);
    CU_ASSERT_TRUE(statistics_median_interval(values, 6, 0.95, &interval));
    CU_ASSERT_EQUAL(interval.low, 1);
    CU_ASSERT_EQUAL(interval.high, 9);
    CU_ASSERT_FALSE(statistics_median_interval(values, 5, 0.95, &interval));
    CU_ASSERT(isnan(interval.low) && isnan(interval.high) && isnan(interval.coverage));
    CU_ASSERT_FALSE(statistics_median_interval(values, 0, 0.95, &interval));
}

/* The part of samples of a skewed distribution whose interval holds the true median. */
static double simulated_coverage(gsl_rng *random, size_t count)
{
    double values[MOST];
    size_t held = 0;

    for (int draw = 0; draw < DRAWS; draw++) {
        struct interval interval;
        for (size_t i = 0; i < count; i++)
            values[i] = gsl_ran_exponential(random, 1);
        statistics_median_interval(values, count, 0.95, &interval);
        held += interval.low <= M_LN2 && M_LN2 <= interval.high;
    }
    return (double)held / DRAWS;
}

static void coverage_by_simulation(void)
{
    static const size_t counts[] = {6, 9, 12, 25, MOST};
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);

    CU_ASSERT_PTR_NOT_NULL_FATAL(random);
    gsl_rng_set(random, 20261120);
    for (size_t i = 0; i < COUNT(counts); i++) {
        double coverage;
        statistics_median_rank(counts[i], 0.95, &coverage);
        /* four standard errors of a part near 0.96 of 20,000 */
        CU_ASSERT_DOUBLE_EQUAL(simulated_coverage(random, counts[i]), coverage, 4 * sqrt(0.96 * 0.04 / DRAWS));
    }
    gsl_rng_free(random);
}

static void geometric_means(void)
{
    const double values[] = {1, 10, 100}, zero[] = {1, 0}, large[] = {1e300, 1e300, 1e-300};

    CU_ASSERT_DOUBLE_EQUAL(statistics_geometric_mean(values, 3), 10, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(statistics_geometric_mean(large, 3) / 1e100, 1, 1e-9);
    CU_ASSERT(isnan(statistics_geometric_mean(zero, 2)));
    CU_ASSERT(isnan(statistics_geometric_mean(values, 0)));
}

static void fairness(void)
{
    const double even[] = {7, 7, 7, 7}, one[] = {0, 9, 0, 0}, steps[] = {1, 2, 3}, none[] = {0, 0};
    const double large[] = {1e300, 1e300}, holes[] = {NAN, 3, 3};

    CU_ASSERT_DOUBLE_EQUAL(statistics_fairness(even, 4), 1, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(statistics_fairness(one, 4), 0.25, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(statistics_fairness(steps, 3), 36.0 / 42, 1e-15);
    CU_ASSERT_EQUAL(statistics_fairness(none, 2), 1);
    CU_ASSERT_DOUBLE_EQUAL(statistics_fairness(large, 2), 1, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(statistics_fairness(holes, 3), 1, 1e-15);
    CU_ASSERT(isnan(statistics_fairness(none, 0)));
}

static void paired_verdicts(void)
{
    const double low[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, high[] = {2, 3, 4, 5, 6, 7, 8, 9, 10};
    double mixed[9], zeros[9] = {0}, holes[9];

    CU_ASSERT_EQUAL(statistics_paired(low, high, 6, 0.95), PAIRED_LOWER);
    CU_ASSERT_EQUAL(statistics_paired(high, low, 6, 0.95), PAIRED_HIGHER);
    CU_ASSERT_EQUAL(statistics_paired(low, low, 6, 0.95), PAIRED_TIE);
    CU_ASSERT_EQUAL(statistics_paired(low, high, 5, 0.95), PAIRED_UNKNOWN);
    CU_ASSERT_EQUAL(statistics_paired(low, high, 0, 0.95), PAIRED_UNKNOWN);
    memcpy(mixed, high, sizeof mixed);
    mixed[4] = 4; /* one block of nine the other way: the second rank decides */
    CU_ASSERT_EQUAL(statistics_paired(low, mixed, 9, 0.95), PAIRED_LOWER);
    CU_ASSERT_EQUAL(statistics_paired(low, mixed, 8, 0.95), PAIRED_TIE);
    mixed[5] = 5;
    CU_ASSERT_EQUAL(statistics_paired(low, mixed, 9, 0.95), PAIRED_TIE);
    CU_ASSERT_EQUAL(statistics_paired(zeros, zeros, 9, 0.95), PAIRED_TIE);
    CU_ASSERT_EQUAL(statistics_paired(zeros, low, 9, 0.95), PAIRED_LOWER);
    CU_ASSERT_EQUAL(statistics_paired(low, zeros, 9, 0.95), PAIRED_HIGHER);
    memcpy(holes, high, sizeof holes);
    for (size_t i = 0; i < 4; i++)
        holes[i] = NAN; /* five pairs are left */
    CU_ASSERT_EQUAL(statistics_paired(low, holes, 9, 0.95), PAIRED_UNKNOWN);
}

/* A machine that drifts by a factor of ten: blocks that share the drift still show 10 %, where plain values drown. */
static void pairing_survives_drift(void)
{
    double a[12], b[12];
    struct interval of_a, of_b;

    for (size_t i = 0; i < COUNT(a); i++) {
        double drift = pow(10, (double)((i * 5) % COUNT(a)) / COUNT(a));
        a[i] = 1.1 * drift;
        b[i] = drift;
    }
    statistics_median_interval(a, COUNT(a), 0.95, &of_a);
    statistics_median_interval(b, COUNT(b), 0.95, &of_b);
    CU_ASSERT(of_a.low < of_b.high);
    CU_ASSERT_EQUAL(statistics_paired(a, b, COUNT(a), 0.95), PAIRED_HIGHER);
}

static void false_alarms_are_rare(void)
{
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    size_t alarms = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(random);
    gsl_rng_set(random, 4711);
    for (int draw = 0; draw < DRAWS; draw++) {
        double a[8], b[8];
        for (size_t i = 0; i < COUNT(a); i++) {
            a[i] = gsl_ran_lognormal(random, 0, 1);
            b[i] = gsl_ran_lognormal(random, 0, 1);
        }
        alarms += statistics_paired(a, b, COUNT(a), 0.95) != PAIRED_TIE;
    }
    CU_ASSERT((double)alarms / DRAWS < 0.05);
    gsl_rng_free(random);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"statistics: median of few values", median_of_few, 0},
        {"statistics: quantiles as GSL has them", quantiles_as_gsl, 0},
        {"statistics: ranks are exact binomial sums", ranks_are_exact, 0},
        {"statistics: ranks as printed in tables", ranks_from_tables, 0},
        {"statistics: intervals of few values", intervals_of_few, 0},
        {"statistics: intervals cover what they promise", coverage_by_simulation, 0},
        {"statistics: geometric mean", geometric_means, 0},
        {"statistics: fairness", fairness, 0},
        {"statistics: paired verdicts", paired_verdicts, 0},
        {"statistics: pairing survives drift", pairing_survives_drift, 0},
        {"statistics: equal sides seldom differ", false_alarms_are_rare, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
