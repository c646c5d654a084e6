/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_difference.c - the interval of the difference of two runs: by hand, at its edges, and how often it holds the
 * truth in simulated runs whose blocks are skewed, have two modes, outliers, or hang together. Seeds are fixed. */
#include "tests/frame.h"

#include "reports/statistics.h"

#include <CUnit/CUnit.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdio.h>

enum { MOST = 48, PAIRS = 400 };

static bool differ(const double *a, size_t a_count, const double *b, size_t b_count, double sd, unsigned sessions,
                   struct shift *shift)
{
    return statistics_difference(&(struct series_of_blocks){a, a_count}, &(struct series_of_blocks){b, b_count},
                                 &(struct apart){.sd = sd, .sessions = sessions, .up = NAN, .down = NAN}, 0.95, shift);
}

static void by_hand(void)
{
    const double a[] = {1, 2, 3, 4, 5, 6}, b[] = {11, 12, 13, 14, 15, 16};
    const double swinging[] = {3, 4, 2, 5, 1, 6};
    struct shift shift;
    CU_ASSERT_TRUE(differ(a, 6, b, 6, NAN, 0, &shift));
    CU_ASSERT_DOUBLE_EQUAL(shift.shift, 10, 1e-12);
    /* the whole range, 2.5 each way, is wider than t(5) * 1.8708 / sqrt(6) = 1.9633 */
    CU_ASSERT_DOUBLE_EQUAL(shift.low, 10 - sqrt(2) * 2.5, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(shift.high, 10 + sqrt(2) * 2.5, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(shift.freedom, 10, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(statistics_shift_above(&shift, shift.low), 0.025, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(statistics_shift_below(&shift, shift.high), 0.025, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(statistics_shift_above(&shift, 10), 0.5, 1e-9);
    CU_ASSERT(statistics_shift_above(&shift, 0) < 1e-4 && statistics_shift_below(&shift, 0) > 0.999);
    CU_ASSERT_TRUE(differ(swinging, 6, swinging, 6, NAN, 0, &shift));
    CU_ASSERT_DOUBLE_EQUAL(shift.high, sqrt(2) * 2.5, 1e-9);
}

/* What sessions differ by widens both ways; from few sessions, more. */
static void between_sessions(void)
{
    const double a[] = {1, 1, 1, 1, 1, 1, 1};
    struct shift shift;
    CU_ASSERT_TRUE(differ(a, 7, a, 7, NAN, 0, &shift));
    CU_ASSERT(shift.shift == 0 && shift.low == 0 && shift.high == 0);
    CU_ASSERT_EQUAL(statistics_shift_above(&shift, 0.02), 1);
    CU_ASSERT_EQUAL(statistics_shift_above(&shift, -0.02), 0);
    CU_ASSERT_EQUAL(statistics_shift_below(&shift, 0.02), 0);
    CU_ASSERT_TRUE(differ(a, 7, a, 7, 0.1, 0, &shift));
    CU_ASSERT_DOUBLE_EQUAL(shift.high, 1.959964 * 0.1 * sqrt(2), 1e-6);
    CU_ASSERT_TRUE(differ(a, 7, a, 7, 0.1, 6, &shift));
    CU_ASSERT_DOUBLE_EQUAL(shift.high, 2.570582 * 0.1 * sqrt(2), 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(shift.freedom, 5, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(statistics_shift_below(&shift, shift.high), 0.025, 1e-6);
}

/* What surrounds the runs has moved: that is taken off whole, before the rest is judged as ever. */
static void between_moves(void)
{
    const double a[] = {1, 2, 3, 4, 5, 6};
    const struct series_of_blocks run = {a, 6};
    const double within = sqrt(2) * 2.5, sessions = 2.570582 * 4 * sqrt(2);
    const struct apart moved = {.sd = NAN, .up = 3, .down = 1}, both = {.sd = 4, .sessions = 6, .up = 30, .down = 1};
    struct shift still, shift;
    CU_ASSERT_TRUE(differ(a, 6, a, 6, NAN, 0, &still));
    CU_ASSERT_TRUE(statistics_difference(&run, &run, &moved, 0.95, &shift));
    CU_ASSERT_DOUBLE_EQUAL(shift.low, -within - 3, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(shift.high, within + 1, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(statistics_shift_above(&shift, shift.low), 0.025, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(statistics_shift_below(&shift, shift.high), 0.025, 1e-9);
    /* a shift that the moves explain is none, and each side has its own */
    CU_ASSERT(statistics_shift_above(&shift, -2.9) > 0.5 && statistics_shift_below(&shift, 0.9) > 0.5);
    CU_ASSERT_DOUBLE_EQUAL(statistics_shift_above(&shift, -4), statistics_shift_above(&still, -1), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(statistics_shift_below(&shift, 4), statistics_shift_below(&still, 3), 1e-12);
    CU_ASSERT_TRUE(differ(a, 6, a, 6, 4, 6, &still));
    CU_ASSERT_TRUE(statistics_difference(&run, &run, &both, 0.95, &shift));
    CU_ASSERT_DOUBLE_EQUAL(shift.low, -hypot(within, sessions) - 30, 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(shift.high, hypot(within, sessions) + 1, 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(statistics_shift_above(&shift, -40), statistics_shift_above(&still, -10), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(statistics_shift_below(&shift, shift.high), 0.025, 1e-9);
}

/* However much has moved, what sessions scatter by beside it is not called a difference. */
static void scatter_beside_moves(void)
{
    const struct apart apart = {.sd = 0.05, .sessions = 58, .up = 0.3, .down = 0};
    double a[12], b[12];
    unsigned seen = 0;
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    CU_ASSERT_PTR_NOT_NULL_FATAL(rng);
    gsl_rng_set(rng, 4713);
    for (unsigned i = 0; i < PAIRS; i++) {
        struct shift shift;
        const double was = gsl_ran_gaussian(rng, apart.sd), is = gsl_ran_gaussian(rng, apart.sd) + apart.up;
        for (size_t k = 0; k < 12; k++) {
            a[k] = was + gsl_ran_gaussian(rng, 0.02);
            b[k] = is + gsl_ran_gaussian(rng, 0.02);
        }
        CU_ASSERT_TRUE_FATAL(statistics_difference(&(struct series_of_blocks){a, 12}, &(struct series_of_blocks){b, 12},
                                                   &apart, 0.95, &shift));
        seen += statistics_shift_above(&shift, 0) <= 0.05;
    }
    gsl_rng_free(rng);
    CU_ASSERT(seen <= 0.05 * PAIRS);
}

static void edges(void)
{
    const double a[] = {1, NAN, 2, 3, NAN, 4, 5, 6}, none[] = {NAN, NAN};
    struct shift shift;
    CU_ASSERT_TRUE(differ(a, 8, a, 8, NAN, 0, &shift));
    CU_ASSERT_EQUAL(shift.shift, 0);
    CU_ASSERT_FALSE(differ(a, 8, a, 7, NAN, 0, &shift));
    CU_ASSERT_EQUAL(shift.shift, -0.5);
    CU_ASSERT(isnan(shift.low) && isnan(shift.high) && isnan(statistics_shift_above(&shift, 0)));
    CU_ASSERT_FALSE(differ(none, 2, a, 8, NAN, 0, &shift));
    CU_ASSERT(isnan(shift.shift));
    CU_ASSERT_FALSE(differ(NULL, 0, NULL, 0, NAN, 0, &shift));
}

/* A drift that no pair of neighbours shows is seen between the sixths. */
static void drift(void)
{
    double flat[36], drifting[36];
    struct shift quiet, loud;
    for (size_t i = 0; i < 36; i++) {
        flat[i] = i % 2 ? 0.001 : -0.001;
        drifting[i] = flat[i] + 0.3 * (double)(i / 6);
    }
    CU_ASSERT_TRUE(differ(flat, 36, flat, 36, NAN, 0, &quiet));
    CU_ASSERT_TRUE(differ(flat, 36, drifting, 36, NAN, 0, &loud));
    CU_ASSERT(quiet.high - quiet.low < 0.01);
    CU_ASSERT(loud.high - loud.low > 1);
}

/* --- coverage ---------------------------------------------------------------------------------------------------- */

enum kind { NORMAL, LOGNORMAL, OUTLIERS, MODES, AUTO3, AUTO6, MOVED };

static double step(gsl_rng *rng, double *state, double lag1)
{
    return *state = lag1 * *state + gsl_ran_gaussian(rng, sqrt(1 - lag1 * lag1));
}

/* A run whose true median is the same each time. */
static void simulate(gsl_rng *rng, enum kind kind, double *values, size_t count)
{
    double state = gsl_ran_gaussian(rng, 1), moved = gsl_rng_uniform(rng) < 0.5;
    for (size_t i = 0; i < count; i++) {
        double e = gsl_ran_gaussian(rng, 1);
        switch (kind) {
        case NORMAL:
            values[i] = e;
            break;
        case LOGNORMAL:
            values[i] = exp(e);
            break;
        case OUTLIERS:
            values[i] = gsl_rng_uniform(rng) < 0.1 ? 10 * e : e;
            break;
        case MODES:
            values[i] = e + (gsl_rng_uniform(rng) < 0.5 ? 20 : 0);
            break;
        case AUTO3:
            values[i] = step(rng, &state, 0.3);
            break;
        case AUTO6:
            values[i] = step(rng, &state, 0.6);
            break;
        case MOVED:
            moved = gsl_rng_uniform(rng) < 0.1 ? !moved : moved;
            values[i] = e + 10 * moved;
            break;
        }
    }
}

static void expect_coverage(enum kind kind, size_t a_count, size_t b_count, double least)
{
    double a[MOST], b[MOST];
    struct shift shift;
    unsigned held = 0;
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    CU_ASSERT_PTR_NOT_NULL_FATAL(rng);
    gsl_rng_set(rng, 4711);
    for (unsigned i = 0; i < PAIRS; i++) {
        simulate(rng, kind, a, a_count);
        simulate(rng, kind, b, b_count);
        held += differ(a, a_count, b, b_count, NAN, 0, &shift) && shift.low <= 0 && shift.high >= 0;
    }
    gsl_rng_free(rng);
    if (held < least * PAIRS)
        fprintf(stderr, "kind %d, %zu and %zu blocks: %u of %d\n", (int)kind, a_count, b_count, held, PAIRS);
    CU_ASSERT(held >= least * PAIRS);
}

static void coverage(void)
{
    static const size_t sizes[][2] = {{6, 6}, {12, 12}, {24, 24}, {40, 40}, {8, 40}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (enum kind kind = NORMAL; kind <= AUTO3; kind++)
            expect_coverage(kind, sizes[i][0], sizes[i][1], 0.95);
    expect_coverage(AUTO6, 24, 24, 0.95);
    expect_coverage(AUTO6, 40, 40, 0.95);
    expect_coverage(MOVED, 12, 12, 0.80);
    expect_coverage(MOVED, 40, 40, 0.85);
}

/* It is not held by being useless: a shift of five standard errors is seen. */
static void seen(void)
{
    double a[40], b[40];
    struct shift shift;
    unsigned hits = 0;
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    CU_ASSERT_PTR_NOT_NULL_FATAL(rng);
    gsl_rng_set(rng, 4712);
    for (unsigned i = 0; i < PAIRS; i++) {
        simulate(rng, NORMAL, a, 40);
        simulate(rng, NORMAL, b, 40);
        for (size_t k = 0; k < 40; k++)
            b[k] += 1.25 * sqrt(2.0 / 40) * 5;
        hits += differ(a, 40, b, 40, NAN, 0, &shift) && shift.low > 0;
    }
    gsl_rng_free(rng);
    CU_ASSERT(hits >= 0.95 * PAIRS);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "difference: the interval and its tails, by hand", .run = by_hand},
        {.name = "difference: what sessions differ by is counted in", .run = between_sessions},
        {.name = "difference: what has moved is counted in", .run = between_moves},
        {.name = "difference: sessions scatter beside what has moved", .run = scatter_beside_moves},
        {.name = "difference: too few blocks, none, not measured", .run = edges},
        {.name = "difference: a drift is seen", .run = drift},
        {.name = "difference: it holds the truth as often as it says", .run = coverage},
        {.name = "difference: what is there is seen", .run = seen},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
