/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_shape.c - what values in their order show beside their median: on known series, and on series simulated from
 * fixed seeds, with and without what is looked for. */
#include "tests/frame.h"

#include "reports/statistics.h"

#include <CUnit/CUnit.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>

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

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"shape: neighbours in known series", neighbours_known, 0},
        {"shape: neighbours in simulated series", neighbours_simulated, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
