/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_precision.c - `muster run --precision`: which looks are planned, what intervals hold when a run may end at any
 * of them, and what the command says. */
#include "harness/precision.h"
#include "reports/statistics.h"
#include "tests/cli.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

static void looks_planned(void)
{
    static const unsigned mosts[] = {6, 9, 10, 20, 48, 1000};
    struct precision p;

    for (size_t m = 0; m < sizeof mosts / sizeof *mosts; m++) {
        precision_plan(&p, 0.02, mosts[m]);
        CU_ASSERT(p.count >= 1 && p.count <= PRECISION_LOOKS);
        CU_ASSERT_EQUAL(p.looks[p.count - 1], mosts[m]);
        for (unsigned i = 1; i < p.count; i++)
            CU_ASSERT(p.looks[i] > p.looks[i - 1]);
        CU_ASSERT_TRUE(precision_looks_at(&p, mosts[m]));
        CU_ASSERT_FALSE(precision_looks_at(&p, mosts[m] + 1));
        /* the first look has an interval already */
        CU_ASSERT(statistics_median_rank(p.looks[0], precision_coverage(&p, p.looks[0]), NULL) > 0);
    }
    precision_plan(&p, 0, 48);
    CU_ASSERT_EQUAL(p.count, 0);
    CU_ASSERT_FALSE(precision_looks_at(&p, 48));
    CU_ASSERT_EQUAL(precision_coverage(&p, 48), STATISTICS_CONFIDENCE);
}

/* Wherever the run ends, the misses of the looks so far and of the last interval add up to 5 % at most. */
static void misses_add_up(void)
{
    struct precision p;
    precision_plan(&p, 0.02, 100);
    for (unsigned end = 1; end <= 100; end++) {
        double misses = 1 - precision_coverage(&p, end);
        for (unsigned i = 0; i < p.count && p.looks[i] < end; i++)
            misses += 1 - precision_coverage(&p, p.looks[i]);
        CU_ASSERT(misses <= 0.05 + 1e-12);
    }
}

/* A run of one cell whose values come from two groups, or are skewed: the worst for looking often. */
static double draw(gsl_rng *random, int kind)
{
    if (kind == 0)
        return gsl_ran_gaussian(random, 0.3) + (gsl_rng_uniform(random) < 0.5 ? -1 : 1);
    return gsl_ran_exponential(random, 1) - M_LN2;
}

static void intervals_hold(void)
{
    enum { RUNS = 1500, MOST = 120 };
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    CU_ASSERT_PTR_NOT_NULL_FATAL(random);
    gsl_rng_set(random, 7);
    for (int kind = 0; kind < 2; kind++) {
        size_t held = 0, early = 0;
        for (int run = 0; run < RUNS; run++) {
            struct trial trials[MOST];
            struct cell cell = {.status = CELL_OK, .trials = trials};
            struct results r = {.cells = &cell, .cell_count = 1};
            struct precision p;
            precision_plan(&p, kind == 0 ? 0.12 : 0.05, MOST);
            for (unsigned block = 1; block <= MOST; block++) {
                trials[cell.trial_count++] = (struct trial){.block = block, .value = 10 + draw(random, kind)};
                if (precision_looks_at(&p, block) && precision_settle(&p, &r, block) == 0)
                    break;
            }
            early += cell.trial_count < MOST;
            held += cell.ci_low <= 10 && 10 <= cell.ci_high;
        }
        CU_ASSERT(held >= 0.95 * RUNS);
        CU_ASSERT(early > 0.1 * RUNS); /* else the looks were not tried */
    }
    gsl_rng_free(random);
}

static json_t *precision_in(const char *folder)
{
    char path[512];
    json_error_t error;
    snprintf(path, sizeof path, "%s/results.json", folder);
    json_t *results = json_load_file(path, 0, &error), *found = NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(results);
    found = json_incref(json_object_get(results, "precision"));
    json_decref(results);
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    return found;
}

#define SMALLEST "--window", "1ms", "--windows", "2", "--warmup", "1ms", "--idle", "natural", "--seed", "1"

/* How wide the intervals come out is the machine's affair: both ends are right, and both are said. */
static void command_says(void)
{
    const char *folder = cli_path("out");
    struct said said = cli_run("run", "-s", "serial", "-w", "counter", "-c", "1", "--precision", "50", "--blocks", "10",
                               "-o", folder, SMALLEST, (char *)NULL);
    CU_ASSERT_EQUAL(said.code, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "it ends once every interval is within 50 %, looked at after 9"));
    CU_ASSERT(strstr(said.out, "the cell is within 50 %, after ") ||
              strstr(said.out, "1 of 1 cell is wider than 50 %"));
    json_t *precision = precision_in(folder);
    CU_ASSERT_DOUBLE_EQUAL(json_real_value(json_object_get(precision, "wanted")), 0.5, 1e-9);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(precision, "looks")), 2);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(precision, "cells")), 1);
    json_decref(precision);
    said = cli_run("run", "-s", "serial", "-w", "counter", "-c", "1", "--precision", "0.1%", "--blocks", "2",
                   "--format", "none", SMALLEST, (char *)NULL);
    CU_ASSERT_EQUAL(said.code, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "1 of 1 cell is wider than 0.1 % after 2 blocks: counter/serial"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "(no interval)"));
    cli_refused(cli_run("run", "--precision", "0.01%", (char *)NULL), 64, "--precision");
    cli_refused(cli_run("run", "--precision", "2s", (char *)NULL), 64, "--precision");
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"precision: looks are planned", looks_planned, 0},
        {"precision: what may be missed is shared out", misses_add_up, 0},
        {"precision: intervals hold wherever a run ends", intervals_hold, 0},
        {"precision: the command says what was reached", command_says, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
