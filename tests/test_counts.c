/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_counts.c - tails of a fair coin against Pascal's triangle in whole numbers, Holm's adjustment and intervals of
 * proportions against worked examples. */
#include "tests/frame.h"

#include "reports/statistics.h"

#include <CUnit/CUnit.h>
#include <math.h>
#include <stdint.h>

enum { MOST = 60 };

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* triangle[n][k] = n over k; 60 over 30 is below 2^57 */
static uint64_t triangle[MOST + 1][MOST + 1];

static void fill_triangle(void)
{
    for (size_t n = 0; n <= MOST; n++) {
        triangle[n][0] = triangle[n][n] = 1;
        for (size_t k = 1; k < n; k++)
            triangle[n][k] = triangle[n - 1][k - 1] + triangle[n - 1][k];
    }
}

static double exact_at_least(size_t k, size_t n)
{
    uint64_t sum = 0; /* at most 2^60 */
    for (size_t i = k; i <= n; i++)
        sum += triangle[n][i];
    return ldexp((double)sum, -(int)n);
}

static void tails_are_exact(void)
{
    fill_triangle();
    for (size_t n = 0; n <= MOST; n++)
        for (size_t k = 0; k <= n; k++)
            CU_ASSERT_DOUBLE_EQUAL(statistics_at_least(k, n) / exact_at_least(k, n), 1, 1e-12);
}

static void tails_at_the_edge(void)
{
    CU_ASSERT_EQUAL(statistics_at_least(0, 0), 1);
    CU_ASSERT_EQUAL(statistics_at_least(0, 7), 1);
    CU_ASSERT_EQUAL(statistics_at_least(1, 0), 0);
    CU_ASSERT_EQUAL(statistics_at_least(8, 7), 0);
    CU_ASSERT_EQUAL(statistics_at_least(7, 7), 0.0078125);
    CU_ASSERT_EQUAL(statistics_at_least(2000, 2000), 0); /* 2^-2000 is less than a double holds */
    CU_ASSERT_DOUBLE_EQUAL(statistics_at_least(500, 999), 0.5, 1e-12);
}

static void counts_needed(void)
{
    /* of n blocks, for one cell, and at Holm's first step of ten and of forty cells */
    static const size_t known[][4] = {{12, 10, 11, 12}, {20, 15, 17, 18}, {30, 20, 23, 24}, {40, 26, 29, 30}};

    fill_triangle();
    for (size_t i = 0; i < COUNT(known); i++) {
        CU_ASSERT_EQUAL(statistics_count_needed(known[i][0], 0.05), known[i][1]);
        CU_ASSERT_EQUAL(statistics_count_needed(known[i][0], 0.05 / 10), known[i][2]);
        CU_ASSERT_EQUAL(statistics_count_needed(known[i][0], 0.05 / 40), known[i][3]);
    }
    for (size_t n = 0; n <= MOST; n++) {
        size_t k = 0;
        while (k <= n && exact_at_least(k, n) > 0.01)
            k++;
        CU_ASSERT_EQUAL(statistics_count_needed(n, 0.01), k);
    }
    CU_ASSERT_EQUAL(statistics_count_needed(4, 0.05), 5); /* four heads of four have 1/16 */
    CU_ASSERT_EQUAL(statistics_count_needed(5, 0.05), 5);
    CU_ASSERT_EQUAL(statistics_count_needed(0, 0.05), 1);
    CU_ASSERT_EQUAL(statistics_count_needed(9, 1), 0);
    CU_ASSERT_EQUAL(statistics_count_needed(9, 0), 10);
    CU_ASSERT_EQUAL(statistics_count_needed(5, 0.03125), 5); /* its own tail is enough */
}

static void holm_as_worked(void)
{
    const double p[] = {0.01, 0.04, 0.03, 0.005}; /* sorted: 4 x .005, 3 x .01, 2 x .03, then .04 is below .06 */
    const double expected[] = {0.03, 0.06, 0.06, 0.02};
    double adjusted[COUNT(p)];

    CU_ASSERT_EQUAL(statistics_holm(p, COUNT(p), adjusted), 0);
    for (size_t i = 0; i < COUNT(p); i++)
        CU_ASSERT_DOUBLE_EQUAL(adjusted[i], expected[i], 1e-15);
}

static void holm_with_ties_and_holes(void)
{
    double p[] = {NAN, 0.02, 0.5, 0.02, NAN, 0.9}, one[] = {0.03}, none[] = {NAN, NAN};

    CU_ASSERT_EQUAL(statistics_holm(p, COUNT(p), p), 0); /* in place */
    CU_ASSERT(isnan(p[0]) && isnan(p[4]));
    CU_ASSERT_DOUBLE_EQUAL(p[1], 0.08, 1e-15);
    CU_ASSERT_EQUAL(p[1], p[3]);
    CU_ASSERT_EQUAL(p[2], 1);
    CU_ASSERT_EQUAL(p[5], 1);
    CU_ASSERT_EQUAL(statistics_holm(one, 1, one), 0);
    CU_ASSERT_EQUAL(one[0], 0.03);
    CU_ASSERT_EQUAL(statistics_holm(none, 2, none), 0);
    CU_ASSERT(isnan(none[0]) && isnan(none[1]));
    CU_ASSERT_EQUAL(statistics_holm(one, 0, one), 0);
}

/* Bounds that follow by hand: where none or all were hit, (1 - high)^n is the tail. */
static void proportions_of_none_and_all(void)
{
    struct interval none = statistics_proportion(0, 10, 0.95), all = statistics_proportion(10, 10, 0.95);

    CU_ASSERT_EQUAL(none.low, 0);
    CU_ASSERT_DOUBLE_EQUAL(none.high, 1 - pow(0.025, 0.1), 1e-14); /* 0.3085 */
    CU_ASSERT_DOUBLE_EQUAL(none.high, 0.3084971, 1e-7);
    CU_ASSERT_DOUBLE_EQUAL(all.low, 0.6915029, 1e-7);
    CU_ASSERT_EQUAL(all.high, 1);
    CU_ASSERT_EQUAL(all.coverage, 0.95);
    CU_ASSERT_DOUBLE_EQUAL(statistics_proportion_most(0, 60, 0.95), 1 - pow(0.05, 1 / 60.0), 1e-14);
    CU_ASSERT_DOUBLE_EQUAL(statistics_proportion_most(0, 60, 0.95), 0.0487, 5e-5);
    CU_ASSERT_EQUAL(statistics_proportion_most(60, 60, 0.95), 1);
    CU_ASSERT_EQUAL(statistics_proportion_most(0, 0, 0.95), 1);
    CU_ASSERT_EQUAL(statistics_proportion(0, 0, 0.95).low, 0);
    CU_ASSERT_EQUAL(statistics_proportion(0, 0, 0.95).high, 1);
    CU_ASSERT(isnan(statistics_proportion(2, 1, 0.95).low));
    CU_ASSERT(isnan(statistics_proportion_most(2, 1, 0.95)));
}

/* P(at least `hits` of `count`) at this proportion, term by term. */
static double tail_at(size_t hits, size_t count, double proportion)
{
    double sum = 0;
    for (size_t i = hits; i <= count; i++)
        sum += exp(lgamma((double)count + 1) - lgamma((double)i + 1) - lgamma((double)(count - i) + 1) +
                   (double)i * log(proportion) + (double)(count - i) * log1p(-proportion));
    return sum;
}

static void proportions_as_printed(void)
{
    /* as R's binom.test() prints them */
    static const struct {
        size_t hits, count;
        double low, high;
    } known[] = {{1, 20, 0.001265, 0.248733}, {5, 10, 0.187086, 0.812914}, {682, 925, 0.7076683, 0.7654066}};

    for (size_t i = 0; i < COUNT(known); i++) {
        struct interval interval = statistics_proportion(known[i].hits, known[i].count, 0.95);
        CU_ASSERT_DOUBLE_EQUAL(interval.low, known[i].low, 1e-6);
        CU_ASSERT_DOUBLE_EQUAL(interval.high, known[i].high, 1e-6);
    }
    for (size_t count = 1; count <= 40; count += 3) /* by their definition */
        for (size_t hits = 1; hits < count; hits++) {
            struct interval interval = statistics_proportion(hits, count, 0.9);
            CU_ASSERT_DOUBLE_EQUAL(tail_at(hits, count, interval.low), 0.05, 1e-10);
            CU_ASSERT_DOUBLE_EQUAL(1 - tail_at(hits + 1, count, interval.high), 0.05, 1e-10);
        }
    CU_ASSERT_DOUBLE_EQUAL(1 - tail_at(4, 300, statistics_proportion_most(3, 300, 0.95)), 0.05, 1e-9);
}

static void proportions_of_many(void)
{
    struct interval interval = statistics_proportion(3, 200000, 0.95);

    CU_ASSERT(interval.low > 3e-6 && interval.low < 3.2e-6); /* Poisson: 0.6187 and 8.7673 of 200,000 */
    CU_ASSERT_DOUBLE_EQUAL(interval.high, 8.7673 / 200000, 1e-9);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"counts: tails are Pascal's", tails_are_exact, 0},
        {"counts: tails at the edge", tails_at_the_edge, 0},
        {"counts: how many blocks it takes", counts_needed, 0},
        {"counts: Holm's steps as worked by hand", holm_as_worked, 0},
        {"counts: Holm with ties and holes", holm_with_ties_and_holes, 0},
        {"counts: proportions of none and of all", proportions_of_none_and_all, 0},
        {"counts: proportions as printed elsewhere", proportions_as_printed, 0},
        {"counts: proportions of many", proportions_of_many, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
