/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_verdict_odds.c - how often the gate errs: simulated blocks from fixed seeds, normal, skewed, of two modes, with
 * tails that have no variance, and with neighbours that hang together. Rates are held against their promises by exact
 * binomial bounds, power against an exact calculation. */
#include "tests/frame.h"

#include "reports/verdict.h"

#include <CUnit/CUnit.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <string.h>

enum { CELLS = 12, BLOCKS = 50, AGAIN = 20 };

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum noise { NORMAL, SKEWED, TWO_MODES, HEAVY, CLINGING, NOISES };

/* One series of blocks. The median of what is drawn is 0. */
struct source {
    gsl_rng *random;
    enum noise noise;
    double spread;
    double cling;    /* of neighbours, for CLINGING */
    double previous; /* of it */
};

static double draw(struct source *source)
{
    switch (source->noise) {
    case SKEWED:
        return source->spread * expm1(gsl_ran_gaussian(source->random, 1));
    case TWO_MODES:
        return source->spread * (gsl_ran_bernoulli(source->random, 0.5) ? 1 : -1) +
               gsl_ran_gaussian(source->random, source->spread / 8);
    case HEAVY:
        return source->spread * gsl_ran_tdist(source->random, 1.5);
    case CLINGING:
        source->previous = source->cling * source->previous +
                           gsl_ran_gaussian(source->random, sqrt(1 - source->cling * source->cling));
        return source->spread * source->previous;
    default:
        return gsl_ran_gaussian(source->random, source->spread);
    }
}

/* A cell: its noise, and by how much the candidate takes longer. */
struct cell_made {
    enum noise noise;
    double spread, cling, effect;
};

static struct evidence measured(gsl_rng *random, const struct cell_made *cell, struct observation *blocks, size_t count)
{
    struct source source = {random, cell->noise, cell->spread, cell->cling, gsl_ran_gaussian(random, 1)};
    for (size_t i = 0; i < count; i++)
        blocks[i] =
            (struct observation){.worse = log1p(cell->effect) + draw(&source), .candidate_first = i % 4 % 3 != 0};
    return (struct evidence){.blocks = blocks, .count = count, .floor = NAN};
}

/* How many gates, and cells, ended how. */
struct odds {
    size_t gates, cells;
    size_t alarmed;                       /* gates with a slower cell in the first measurement */
    size_t overall[OVERALL_UNPROVED + 1]; /* after both */
    size_t verdicts[VERDICT_FAILED + 1];  /* of cells, after the first */
    size_t by_order, held;                /* cells doubted so; whose interval holds the truth */
};

static void count_first(struct odds *odds, const struct finding *findings, const struct cell_made *cells)
{
    bool alarmed = false;
    for (size_t i = 0; i < CELLS; i++) {
        alarmed |= findings[i].verdict == VERDICT_SLOWER;
        odds->verdicts[findings[i].verdict]++;
        odds->by_order += findings[i].doubt == DOUBT_ORDER;
        odds->held += findings[i].low <= 1 + cells[i].effect && 1 + cells[i].effect <= findings[i].high;
    }
    odds->alarmed += alarmed;
    odds->cells += CELLS;
}

/* A gate as muster has it: all cells, then the worst once more. */
static void pass_gate(gsl_rng *random, const struct cell_made *cells, struct odds *odds)
{
    static struct observation blocks[CELLS][BLOCKS];
    struct evidence evidence[CELLS];
    struct finding findings[CELLS];
    size_t worst[CELLS];

    for (size_t i = 0; i < CELLS; i++)
        evidence[i] = measured(random, &cells[i], blocks[i], BLOCKS);
    CU_ASSERT_EQUAL_FATAL(verdict_decide(evidence, CELLS, &criteria_default, findings), 0);
    count_first(odds, findings, cells);
    size_t slower = verdict_worst(findings, CELLS, &criteria_default, worst);
    for (size_t i = 0; i < slower; i++)
        evidence[i] = measured(random, &cells[worst[i]], blocks[i], AGAIN);
    CU_ASSERT_EQUAL_FATAL(verdict_confirm(evidence, worst, slower, &criteria_default, findings, CELLS), 0);
    odds->overall[verdict_overall(findings, CELLS)]++;
    odds->gates++;
}

static struct odds simulated(unsigned long seed, const struct cell_made *cells, size_t gates)
{
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    struct odds odds = {0};

    CU_ASSERT_PTR_NOT_NULL_FATAL(random);
    gsl_rng_set(random, seed);
    while (odds.gates < gates)
        pass_gate(random, cells, &odds);
    gsl_rng_free(random);
    return odds;
}

static struct odds all_alike(unsigned long seed, struct cell_made cell, size_t gates)
{
    struct cell_made cells[CELLS];
    for (size_t i = 0; i < CELLS; i++)
        cells[i] = cell;
    return simulated(seed, cells, gates);
}

/* Whether the rate can be `most` or less: these hits would not be rarer than once in a hundred. */
static bool may_be_at_most(size_t hits, size_t count, double most)
{
    return statistics_proportion(hits, count, 0.98).low <= most;
}

/* Whether it is surely so, at 95 %. */
static bool is_at_most(size_t hits, size_t count, double most)
{
    return statistics_proportion_most(hits, count, 0.95) <= most;
}

/* The same build twice, cells tame and wild. */
static void same_build_twice(void)
{
    static const struct cell_made cells[CELLS] = {
        {.noise = NORMAL, .spread = 0.007},  {.noise = NORMAL, .spread = 0.02}, {.noise = NORMAL, .spread = 0.2},
        {.noise = SKEWED, .spread = 0.01},   {.noise = SKEWED, .spread = 0.03}, {.noise = SKEWED, .spread = 0.2},
        {.noise = HEAVY, .spread = 0.01},    {.noise = HEAVY, .spread = 0.03},  {.noise = TWO_MODES, .spread = 0.01},
        {.noise = TWO_MODES, .spread = 0.5}, {CLINGING, 0.02, 0.3, 0},          {CLINGING, 0.1, 0.5, 0}};
    struct odds odds = simulated(20261120, cells, 1500);

    CU_ASSERT_TRUE(is_at_most(odds.overall[OVERALL_REGRESSION], odds.gates, 0.01));
    CU_ASSERT_TRUE(may_be_at_most(odds.alarmed, odds.gates, 0.05));
    CU_ASSERT_TRUE(is_at_most(odds.by_order, odds.cells, 0.01));
}

/* What is slower by just the margin is not slower than the margin: the hardest case that must not alarm. And a
 * candidate that is slower by just the margin is not equivalent either. */
static void just_the_margin(void)
{
    static const struct cell_made made[] = {{.noise = NORMAL, .spread = 0.02},
                                            {.noise = SKEWED, .spread = 0.02},
                                            {.noise = TWO_MODES, .spread = 0.015},
                                            {.noise = HEAVY, .spread = 0.01}};
    for (size_t i = 0; i < COUNT(made); i++) {
        struct cell_made cell = made[i];
        cell.effect = MARGIN_DEFAULT;
        struct odds odds = all_alike(i + 1, cell, 800);
        CU_ASSERT_TRUE(may_be_at_most(odds.alarmed, odds.gates, 0.05));
        CU_ASSERT_TRUE(is_at_most(odds.overall[OVERALL_REGRESSION], odds.gates, 0.01));
        CU_ASSERT_TRUE(may_be_at_most(odds.verdicts[VERDICT_EQUIVALENT], odds.cells, 0.05));
        CU_ASSERT_EQUAL(odds.overall[OVERALL_PASS], 0);
    }
}

/* Neighbours that hang together make the first measurement too sure of itself at just the margin, averaged or not; the
 * second one, made later, keeps the gate's promise. */
static void clinging_neighbours(void)
{
    struct odds loose = all_alike(7, (struct cell_made){CLINGING, 0.02, 0.3, MARGIN_DEFAULT}, 500);
    struct odds tight = all_alike(8, (struct cell_made){CLINGING, 0.02, 0.5, MARGIN_DEFAULT}, 500);
    struct odds same = all_alike(9, (struct cell_made){CLINGING, 0.02, 0.5, 0}, 500);

    CU_ASSERT_TRUE(is_at_most(loose.overall[OVERALL_REGRESSION], loose.gates, 0.05));
    CU_ASSERT_TRUE(is_at_most(tight.overall[OVERALL_REGRESSION], tight.gates, 0.05));
    CU_ASSERT_TRUE(is_at_most(same.alarmed, same.gates, 0.01));
    CU_ASSERT_TRUE((double)loose.held / (double)loose.cells > 0.9);
}

static void intervals_hold(void)
{
    static const struct cell_made made[] = {
        {.noise = SKEWED, .spread = 0.03}, {.noise = TWO_MODES, .spread = 0.05}, {.noise = HEAVY, .spread = 0.02}};
    for (size_t i = 0; i < COUNT(made); i++) {
        struct odds odds = all_alike(i + 11, made[i], 200);
        CU_ASSERT_TRUE(may_be_at_most(odds.cells - odds.held, odds.cells, 0.05));
    }
}

/* How often one cell among `family` of which the others are alike is called slower. */
static double caught(gsl_rng *random, const struct criteria *criteria, struct cell_made cell, size_t blocks,
                     size_t family)
{
    static struct observation made[CELLS][BLOCKS];
    enum { TRIES = 1000 };
    struct evidence evidence[CELLS];
    struct finding findings[CELLS];
    size_t hits = 0;

    for (size_t i = 1; i < family; i++)
        evidence[i] = measured(random, &(struct cell_made){.noise = NORMAL, .spread = 0.005}, made[i], blocks);
    for (int try = 0; try < TRIES; try++) {
        evidence[0] = measured(random, &cell, made[0], blocks);
        CU_ASSERT_EQUAL_FATAL(verdict_decide(evidence, family, criteria, findings), 0);
        hits += findings[0].verdict == VERDICT_SLOWER;
    }
    return (double)hits / TRIES;
}

/* The same by calculation: enough of n blocks beyond the margin. */
static double chance(const struct criteria *criteria, double spread, double effect, size_t blocks, size_t family)
{
    double beyond = gsl_cdf_gaussian_Q(log1p(criteria->margin) - log1p(effect), spread);
    size_t needed = statistics_count_needed(blocks, criteria->alpha / (double)family);
    return gsl_cdf_binomial_Q((unsigned)needed - 1, beyond, (unsigned)blocks);
}

static void power_as_calculated(void)
{
    static const struct {
        double spread, effect, margin;
        size_t blocks, family;
        double known;
    } known[] = {
        {0.02, 0.05, 0.02, 50, 12, 1},    {0.02, 0.05, 0.02, 50, 1, 1},    {0.02, 0.03, 0.02, 50, 1, 0.81},
        {0.02, 0.03, 0.02, 50, 12, 0.49}, {0.02, 0.05, 0.03, 20, 1, 0.89}, {0.05, 0.07, 0.03, 40, 1, 0.98},
        {0.05, 0.05, 0.03, 20, 1, 0.24},
    };
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);

    CU_ASSERT_PTR_NOT_NULL_FATAL(random);
    gsl_rng_set(random, 4711);
    for (size_t i = 0; i < COUNT(known); i++) {
        struct criteria criteria = criteria_default;
        criteria.margin = known[i].margin;
        double exact = chance(&criteria, known[i].spread, known[i].effect, known[i].blocks, known[i].family);
        double seen = caught(random, &criteria, (struct cell_made){NORMAL, known[i].spread, 0, known[i].effect},
                             known[i].blocks, known[i].family);
        CU_ASSERT_DOUBLE_EQUAL(exact, known[i].known, 0.006);
        /* four standard errors, and the few that are doubted or averaged */
        CU_ASSERT_DOUBLE_EQUAL(seen, exact, 4 * sqrt(exact * (1 - exact) / 1000) + 0.01);
    }
    gsl_rng_free(random);
}

/* A build that is slower by 5 % in all cells, on a machine where blocks spread by 2 %: the gate shuts. */
static void the_gate_can_fail(void)
{
    struct odds odds = all_alike(21, (struct cell_made){NORMAL, 0.02, 0, 0.05}, 300);
    CU_ASSERT_TRUE(is_at_most(odds.gates - odds.overall[OVERALL_REGRESSION], odds.gates, 0.02));
    odds = all_alike(22, (struct cell_made){HEAVY, 0.01, 0, 0.05}, 300);
    CU_ASSERT_TRUE(is_at_most(odds.gates - odds.overall[OVERALL_REGRESSION], odds.gates, 0.02));
}

/* Base and candidate exchanged: slower becomes faster, and all else stays. */
static void no_side_is_favoured(void)
{
    static const enum verdict mirrored[] = {[VERDICT_SLOWER] = VERDICT_FASTER,
                                            [VERDICT_FASTER] = VERDICT_SLOWER,
                                            [VERDICT_EQUIVALENT] = VERDICT_EQUIVALENT,
                                            [VERDICT_INCONCLUSIVE] = VERDICT_INCONCLUSIVE};
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    size_t seen[VERDICT_FAILED + 1] = {0};

    CU_ASSERT_PTR_NOT_NULL_FATAL(random);
    gsl_rng_set(random, 31);
    for (int try = 0; try < 400; try++) {
        struct observation blocks[BLOCKS];
        struct finding finding, mirror;
        struct cell_made cell = {try % NOISES, 0.02, 0.5, gsl_ran_flat(random, -0.06, 0.06)};
        struct evidence evidence = measured(random, &cell, blocks, BLOCKS);
        for (size_t i = 0; i < BLOCKS; i++)
            blocks[i].spoiled = gsl_ran_bernoulli(random, 0.1);
        CU_ASSERT_EQUAL(verdict_decide(&evidence, 1, &criteria_default, &finding), 0);
        for (size_t i = 0; i < BLOCKS; i++)
            blocks[i].worse = -blocks[i].worse;
        CU_ASSERT_EQUAL(verdict_decide(&evidence, 1, &criteria_default, &mirror), 0);
        CU_ASSERT_EQUAL(mirror.verdict, mirrored[finding.verdict]);
        CU_ASSERT_EQUAL(mirror.doubt, finding.doubt);
        CU_ASSERT_DOUBLE_EQUAL(mirror.ratio * finding.ratio, 1, 1e-9);
        seen[finding.verdict]++;
    }
    CU_ASSERT(seen[VERDICT_SLOWER] && seen[VERDICT_FASTER] && seen[VERDICT_EQUIVALENT] && seen[VERDICT_INCONCLUSIVE]);
    gsl_rng_free(random);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"verdict odds: the same build twice", same_build_twice, 60},
        {"verdict odds: slower by just the margin", just_the_margin, 60},
        {"verdict odds: neighbours that hang together", clinging_neighbours, 60},
        {"verdict odds: intervals hold the truth", intervals_hold, 60},
        {"verdict odds: power as calculated", power_as_calculated, 60},
        {"verdict odds: the gate can fail", the_gate_can_fail, 60},
        {"verdict odds: no side is favoured", no_side_is_favoured, 60},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
