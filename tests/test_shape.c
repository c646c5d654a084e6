/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_shape.c - what values in their order show beside their median: on known series, and on series simulated from
 * fixed seeds, with and without what is looked for. */
#include "tests/frame.h"

#include "reports/flags.h"
#include "reports/statistics.h"

#include <CUnit/CUnit.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static gsl_rng *random_from(unsigned long seed)
{
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    CU_ASSERT_PTR_NOT_NULL_FATAL(random);
    gsl_rng_set(random, seed);
    return random;
}

static void neighbours_known(void)
{
    const double rising[] = {1, 2, 3, 4}, turns[] = {1, -1, 1, -1}, flat[] = {5, 5, 5}, two[] = {1, 2};
    const double holes[] = {1, 2, NAN, 3, 4};

    CU_ASSERT_DOUBLE_EQUAL(statistics_lag1(rising, 4), 0.25, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(statistics_lag1(turns, 4), -0.75, 1e-12);
    CU_ASSERT(isnan(statistics_lag1(flat, 3)));
    CU_ASSERT(isnan(statistics_lag1(two, 2)));
    CU_ASSERT(isnan(statistics_lag1(two, 0)));
    CU_ASSERT_DOUBLE_EQUAL(statistics_lag1(holes, 5), (0.75 + 0.75) / 5, 1e-12);
}

/* A first-order autoregression of coefficient 0.6 has just that correlation of neighbours, independent values none. */
static void neighbours_simulated(void)
{
    enum { LONG = 20000 };
    static double series[LONG], noise[LONG];
    gsl_rng *random = random_from(1);

    for (size_t i = 0; i < LONG; i++) {
        noise[i] = gsl_ran_gaussian(random, 1);
        series[i] = (i ? 0.6 * series[i - 1] : 0) + noise[i];
    }
    CU_ASSERT_DOUBLE_EQUAL(statistics_lag1(series, LONG), 0.6, 0.03);
    CU_ASSERT_DOUBLE_EQUAL(statistics_lag1(noise, LONG), 0, 0.03);
    gsl_rng_free(random);
}

/* p of S from the orders themselves: all permutations of `n` values, in turn. */
static double counted_p(size_t n, double s)
{
    double order[8];
    size_t orders = 1, extreme = 0;
    for (size_t i = 2; i <= n; i++)
        orders *= i;
    for (size_t index = 0; index < orders; index++) {
        double left[8], sum = 0;
        size_t rest = index;
        for (size_t i = 0; i < n; i++)
            left[i] = (double)i;
        for (size_t i = 0; i < n; i++) {
            size_t pick = rest % (n - i);
            rest /= n - i;
            order[i] = left[pick];
            memmove(&left[pick], &left[pick + 1], (n - i - 1 - pick) * sizeof *left);
        }
        for (size_t i = 0; i < n; i++)
            for (size_t k = i + 1; k < n; k++)
                sum += order[k] > order[i] ? 1 : -1;
        extreme += fabs(sum) >= fabs(s);
    }
    return (double)extreme / (double)orders;
}

static void trends_known(void)
{
    const double rising[] = {1, 2, 3, 4, 5, 6}, mixed[] = {2, 1, 4, 3, 6, 5}, flat[] = {3, 3, 3, 3};
    const double holes[] = {1, NAN, 2, 3, NAN, 4, 5, 6};
    struct trend trend;

    statistics_trend(rising, 6, &trend);
    CU_ASSERT_EQUAL(trend.s, 15);
    CU_ASSERT_DOUBLE_EQUAL(trend.p, 2.0 / 720, 1e-12);
    statistics_trend(mixed, 6, &trend);
    CU_ASSERT_EQUAL(trend.s, 9);
    CU_ASSERT_DOUBLE_EQUAL(trend.p, counted_p(6, 9), 1e-12);
    statistics_trend(holes, 8, &trend);
    CU_ASSERT_EQUAL(trend.s, 15);
    statistics_trend(flat, 4, &trend);
    CU_ASSERT_EQUAL(trend.s, 0);
    CU_ASSERT_DOUBLE_EQUAL(trend.variance, 0, 1e-12);
    CU_ASSERT_EQUAL(trend.p, 1);
    statistics_trend(flat, 0, &trend);
    CU_ASSERT_EQUAL(trend.p, 1);
}

/* Independent values seldom show a trend, whatever their distribution and with ties; 5 % from end to end in 1 % of
 * noise nearly always. */
static void trends_simulated(void)
{
    enum { SERIES = 4000 };
    static const size_t counts[] = {8, 24};
    gsl_rng *random = random_from(2);

    for (size_t c = 0; c < COUNT(counts); c++) {
        size_t count = counts[c], alarms = 0, tied = 0, seen = 0;
        for (int i = 0; i < SERIES; i++) {
            double plain[24], coarse[24], drift[24];
            struct trend trend;
            for (size_t k = 0; k < count; k++) {
                plain[k] = gsl_ran_lognormal(random, 0, 1);
                coarse[k] = floor(gsl_ran_flat(random, 0, 4));
                drift[k] = 0.06 * (double)k / (double)count + gsl_ran_gaussian(random, 0.01);
            }
            statistics_trend(plain, count, &trend);
            alarms += trend.p <= 0.05;
            statistics_trend(coarse, count, &trend);
            tied += trend.p <= 0.05;
            statistics_trend(drift, count, &trend);
            seen += trend.p <= 0.05;
        }
        CU_ASSERT(alarms < 0.06 * SERIES && tied < 0.06 * SERIES);
        CU_ASSERT(seen > 0.8 * SERIES);
    }
    gsl_rng_free(random);
}

/* As counting every pair has it, with ties, gaps, and series of every small length. */
static void trends_counted(void)
{
    gsl_rng *random = random_from(11);
    double values[40];
    for (size_t count = 0; count <= 40; count++) {
        double s = 0, variance = 0;
        size_t measured = 0, twins = 0;
        for (size_t i = 0; i < count; i++)
            values[i] = gsl_rng_uniform(random) < 0.1 ? NAN : (double)gsl_rng_uniform_int(random, count);
        for (size_t i = 0; i < count; i++) {
            size_t like = 0;
            for (size_t k = 0; k < count; k++) {
                s += k > i ? (values[k] > values[i]) - (values[k] < values[i]) : 0;
                like += values[k] == values[i];
            }
            measured += like > 0;
            twins += like > 1;
            variance -= like ? (double)(like - 1) * (2 * (double)like + 5) : 0; /* of t values, t times this */
        }
        struct trend trend;
        double n = (double)measured;
        statistics_trend(values, count, &trend);
        CU_ASSERT_EQUAL(trend.s, s);
        CU_ASSERT_DOUBLE_EQUAL(trend.variance, (n * (n - 1) * (2 * n + 5) + variance) / 18, 1e-9);
        if (measured)
            CU_ASSERT_DOUBLE_EQUAL(statistics_ties(values, count), (double)twins / n, 1e-12);
    }
    gsl_rng_free(random);
}

/* As many windows as a trial may have: hours, were every pair looked at. */
static void long_series(void)
{
    enum { LONG = 1 << 20 };
    double *values = malloc(LONG * sizeof *values);
    struct trend trend;
    CU_ASSERT_PTR_NOT_NULL_FATAL(values);
    for (size_t i = 0; i < LONG; i++)
        values[i] = (double)(LONG - i);
    statistics_trend(values, LONG, &trend);
    CU_ASSERT_EQUAL(trend.s, -(double)LONG * (LONG - 1) / 2);
    CU_ASSERT_EQUAL(statistics_ties(values, LONG), 0);
    free(values);
}

static void ties_counted(void)
{
    const double values[] = {1, 2, 2, 3, NAN, 3, 3, 4}, none[] = {NAN};

    CU_ASSERT_DOUBLE_EQUAL(statistics_ties(values, 8), 5.0 / 7, 1e-12);
    CU_ASSERT_EQUAL(statistics_ties(values, 2), 0);
    CU_ASSERT(isnan(statistics_ties(none, 1)));
}

static void groups_known(void)
{
    const double two[] = {60, 148, 61, 150, 149, 59, 60.5, 147}, one[] = {60, 61, 62, 63, 64, 65, 66, 67};
    const double few[] = {1, 2, 100, 101}, outlier[] = {60, 61, 60, 62, 61, 60, 500, 520}, flat[] = {5, 5, 5, 5, 5, 5};
    struct two_groups modes;

    CU_ASSERT_TRUE(statistics_two_groups(two, 8, &modes));
    CU_ASSERT_DOUBLE_EQUAL(modes.low, sqrt(60 * 60.5), 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(modes.high, sqrt(148.0 * 149), 1e-9);
    CU_ASSERT(modes.below == 4 && modes.above == 4);
    CU_ASSERT_FALSE(statistics_two_groups(one, 8, &modes));
    CU_ASSERT_FALSE(statistics_two_groups(few, 4, &modes));
    CU_ASSERT_FALSE(statistics_two_groups(outlier, 8, &modes));
    CU_ASSERT_FALSE(statistics_two_groups(flat, 6, &modes));
    CU_ASSERT_FALSE(statistics_two_groups(flat, 0, &modes));
}

static double one_group(gsl_rng *random, int kind)
{
    switch (kind) {
    case 0:
        return gsl_ran_gaussian(random, 1);
    case 1:
        return gsl_ran_flat(random, 0, 1);
    case 2:
        return gsl_ran_exponential(random, 1);
    case 3:
        return gsl_ran_tdist(random, 3);
    default:
        return gsl_ran_lognormal(random, 0, 1);
    }
}

/* As drawn, these are logarithms of values. */
static void groups_simulated(void)
{
    enum { KINDS = 5, SAMPLES = 2000 };
    static const size_t counts[] = {6, 10, 16, 40};
    gsl_rng *random = random_from(3);

    for (size_t c = 0; c < COUNT(counts); c++) {
        double values[40];
        struct two_groups modes;
        size_t seen = 0;
        for (int kind = 0; kind < KINDS; kind++) {
            size_t alarms = 0;
            for (int i = 0; i < SAMPLES; i++) {
                for (size_t k = 0; k < counts[c]; k++)
                    values[k] = exp(one_group(random, kind));
                alarms += statistics_two_groups(values, counts[c], &modes);
            }
            CU_ASSERT(alarms <= 0.02 * SAMPLES);
        }
        for (int i = 0; i < SAMPLES; i++) {
            for (size_t k = 0; k < counts[c]; k++)
                values[k] = exp(gsl_ran_gaussian(random, 0.02) + (gsl_rng_uniform(random) < 0.5 ? 0.9 : 0));
            seen += statistics_two_groups(values, counts[c], &modes);
        }
        CU_ASSERT(counts[c] < 10 || seen > 0.85 * SAMPLES);
    }
    gsl_rng_free(random);
}

/* --- flags of a cell --------------------------------------------------------------------------------------------- */

enum { TRIALS = 12, WINDOWS = 8 };

/* A cell of two workers on units 0 and 1, its trials 0.1 s each, steady and with many operations. */
struct scene {
    struct cell cell;
    struct trial trials[TRIALS];
    double windows[TRIALS][WINDOWS];
    uint64_t made[TRIALS][2];
    unsigned pus[2];
};

static void scene_fill(struct scene *s, gsl_rng *random, double noise)
{
    *s = (struct scene){.pus = {0, 1}};
    s->cell = (struct cell){.status = CELL_OK,
                            .workers = 2,
                            .pus = s->pus,
                            .chunk_used = 1,
                            .service_pu = 0,
                            .trials = s->trials,
                            .trial_count = TRIALS,
                            .value = 1};
    for (size_t i = 0; i < TRIALS; i++) {
        double level = gsl_ran_gaussian(random, noise);
        for (size_t w = 0; w < WINDOWS; w++)
            s->windows[i][w] = 1000 * exp(level + gsl_ran_gaussian(random, noise));
        s->made[i][0] = s->made[i][1] = 100000;
        s->trials[i] = (struct trial){.block = (unsigned)i + 1,
                                      .windows = s->windows[i],
                                      .window_count = WINDOWS,
                                      .per_worker = s->made[i],
                                      .worker_count = 2,
                                      .elapsed_s = 0.1,
                                      .steal_s = 0};
    }
    cell_summarise(&s->cell);
}

static void expect_flags(const struct scene *s, const char *names)
{
    struct flags flags;
    char text[128];
    flags_of(&flags, &s->cell);
    CU_ASSERT_STRING_EQUAL(flags_names(text, sizeof text, &flags), names);
}

static const char *figures(const struct scene *s, enum flag flag)
{
    static char text[128];
    struct flags flags;
    flags_of(&flags, &s->cell);
    return flag_figures(text, sizeof text, &flags, flag);
}

static void flags_set(void)
{
    gsl_rng *random = random_from(4);
    struct scene s;

    scene_fill(&s, random, 0.005);
    expect_flags(&s, "");
    CU_ASSERT_STRING_EQUAL(figures(&s, FLAG_BIMODAL), "");
    for (size_t i = 0; i < TRIALS; i++)
        for (size_t w = 0; w < WINDOWS; w++)
            s.windows[i][w] *= 1 + 0.01 * (double)w;
    cell_summarise(&s.cell);
    expect_flags(&s, "unsteady");
    CU_ASSERT_PTR_NOT_NULL(strstr(figures(&s, FLAG_UNSTEADY), "% within a trial"));

    scene_fill(&s, random, 0.005);
    for (size_t i = 0; i < TRIALS; i++)
        for (size_t w = 0; w < WINDOWS; w++)
            s.windows[i][w] *= 1 - 0.02 * (double)i;
    cell_summarise(&s.cell);
    expect_flags(&s, "unsteady");
    CU_ASSERT_PTR_NOT_NULL(strstr(figures(&s, FLAG_UNSTEADY), "% over the blocks"));

    scene_fill(&s, random, 0.005);
    for (size_t i = 0; i < TRIALS; i++)
        for (size_t w = 0; w < WINDOWS && i % 3 == 1; w++)
            s.windows[i][w] *= 2.5;
    cell_summarise(&s.cell);
    expect_flags(&s, "bimodal");
    CU_ASSERT_STRING_EQUAL(figures(&s, FLAG_BIMODAL), "8 near 1.0 k, 4 near 2.5 k");
    gsl_rng_free(random);
}

static void flags_counted(void)
{
    gsl_rng *random = random_from(5);
    struct scene s;

    scene_fill(&s, random, 0.005);
    for (size_t i = 0; i < TRIALS; i++)
        s.made[i][0] = s.made[i][1] = 180;
    expect_flags(&s, "quantised");
    CU_ASSERT_STRING_EQUAL(figures(&s, FLAG_QUANTISED), "45 in a window");
    s.cell.items = 64;
    s.cell.chunk_used = 16;
    expect_flags(&s, "quantised");
    for (size_t i = 0; i < TRIALS; i++)
        s.made[i][0] = s.made[i][1] = 2000;
    expect_flags(&s, ""); /* a map counts items, */
    s.cell.items = 0;
    expect_flags(&s, "quantised"); /* and the others what travels */

    scene_fill(&s, random, 0.005);
    for (size_t i = 0; i < TRIALS; i++)
        s.trials[i].steal_s = 0.006;
    expect_flags(&s, "stolen");
    CU_ASSERT_STRING_EQUAL(figures(&s, FLAG_STOLEN), "3.0 %");
    for (size_t i = 0; i < TRIALS; i++)
        s.trials[i].steal_s = NAN;
    expect_flags(&s, "");
    s.cell.status = CELL_FAILED;
    s.made[0][0] = 0;
    expect_flags(&s, "");
    gsl_rng_free(random);
}

/* What is steady is seldom called anything else. */
static void flags_are_rare(void)
{
    enum { CELLS = 1000 };
    gsl_rng *random = random_from(6);
    size_t flagged = 0;

    for (int i = 0; i < CELLS; i++) {
        struct scene s;
        struct flags flags;
        scene_fill(&s, random, 0.05);
        flags_of(&flags, &s.cell);
        flagged += flags_any(&flags);
    }
    CU_ASSERT(flagged <= 0.02 * CELLS);
    gsl_rng_free(random);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"shape: neighbours in known series", neighbours_known, 0},
        {"shape: neighbours in simulated series", neighbours_simulated, 0},
        {"shape: trends in known series", trends_known, 0},
        {"shape: trends in simulated series", trends_simulated, 0},
        {"shape: trends and ties, counted", trends_counted, 0},
        {"shape: a long series", long_series, 0},
        {"shape: exact ties", ties_counted, 0},
        {"shape: two groups in known values", groups_known, 0},
        {"shape: two groups in simulated values", groups_simulated, 0},
        {"shape: flags of drifts and groups", flags_set, 0},
        {"shape: flags of few operations and stolen time", flags_counted, 0},
        {"shape: a steady cell seldom has a flag", flags_are_rare, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
