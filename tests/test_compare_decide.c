/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_compare_decide.c - two files' verdicts on cells made by hand: families of alarms, trials that are spoiled or
 * exactly alike, what is no twin, and which cells a second measurement is asked about. */
#include "tests/frame.h"

#include "reports/compare.h"

#include <CUnit/CUnit.h>
#include <math.h>
#include <string.h>

enum { TRIALS = 12, CELLS = 4 };

/* A run; its cells have trials of about 1 % spread, no two alike. */
struct made {
    struct results results;
    struct cell cells[CELLS];
    struct trial trials[CELLS][TRIALS];
    unsigned pus[2];
};

/* Operations take `times[i]` as long in cell i. */
static void make(struct made *made, const double times[CELLS])
{
    static char *const ids[CELLS] = {"a/x w=2", "b/x w=2", "c/x w=2", "d/x w=2"};
    static char metric[] = "throughput", unit[] = "ops/s", better[] = "higher", idle[] = "poll";
    *made = (struct made){.results = {.cells = made->cells, .cell_count = CELLS}, .pus = {0, 1}};
    for (size_t i = 0; i < CELLS; i++) {
        made->cells[i] = (struct cell){.id = ids[i],
                                       .metric = metric,
                                       .unit = unit,
                                       .better = better,
                                       .idle = idle,
                                       .status = CELL_OK,
                                       .workers = 2,
                                       .pus = made->pus,
                                       .service_pu = -1,
                                       .trials = made->trials[i],
                                       .trial_count = TRIALS};
        for (size_t k = 0; k < TRIALS; k++)
            made->trials[i][k] = (struct trial){.value = (1e6 + 1e3 * (double)(k * 7 % TRIALS)) / times[i],
                                                .elapsed_s = 0.1,
                                                .steal_s = NAN,
                                                .foreign_s = NAN};
    }
}

static const double EVEN[CELLS] = {1, 1, 1, 1};

/* The first `count` cells of the two, at a margin of 2 %. */
static void decide(struct made *base, struct made *candidate, size_t count, struct finding findings[CELLS])
{
    struct unpaired cells[CELLS];
    for (size_t i = 0; i < count; i++) {
        cells[i] = (struct unpaired){
            .base = &base->cells[i], .candidate = &candidate->cells[i], .margin = 0.02, .session_sd = NAN};
        findings[i] = (struct finding){.verdict = VERDICT_INCONCLUSIVE};
    }
    CU_ASSERT_EQUAL_FATAL(compare_decide(cells, count, &criteria_default, findings), 0);
}

/* The smallest change, in steps of 0.1 %, of which a cell by itself gets that verdict: within a family of four it is
 * not enough. */
static void just_enough(double step, enum verdict verdict)
{
    struct made base, candidate;
    struct finding findings[CELLS];
    double times[CELLS] = {1, 1, 1, 1};
    make(&base, EVEN);
    do {
        times[0] += step;
        make(&candidate, times);
        decide(&base, &candidate, 1, findings);
    } while (findings[0].verdict != verdict && times[0] > 0.9 && times[0] < 1.1);
    CU_ASSERT_EQUAL(findings[0].verdict, verdict);
    const double alone = findings[0].p_slower;
    decide(&base, &candidate, CELLS, findings);
    CU_ASSERT_EQUAL(findings[0].verdict, VERDICT_INCONCLUSIVE);
    CU_ASSERT_DOUBLE_EQUAL(findings[0].p_slower, fmin(1, 4 * alone), 1e-9);
}

static void families(void)
{
    just_enough(0.001, VERDICT_SLOWER);
    just_enough(-0.001, VERDICT_FASTER);
}

/* Of cells of which too few trials are sound, the spoiled ones join no family. */
static void spoiled_ones_join_no_family(void)
{
    struct made base, candidate;
    struct finding alone[CELLS], together[CELLS];
    double times[CELLS] = {1, 1, 1, 1};
    make(&base, EVEN);
    do {
        times[0] += 0.001;
        make(&candidate, times);
        decide(&base, &candidate, 1, alone);
    } while (alone[0].verdict != VERDICT_SLOWER && times[0] < 1.1);
    for (size_t i = 1; i < CELLS; i++)
        for (size_t k = 0; k < TRIALS; k++)
            candidate.trials[i][k].steal_s = 0.02; /* of 0.2 s on two units */
    decide(&base, &candidate, CELLS, together);
    CU_ASSERT_EQUAL(together[0].verdict, VERDICT_SLOWER);
    CU_ASSERT(together[1].doubt == DOUBT_FEW && together[1].spoiled == TRIALS && together[1].used == 0);
    CU_ASSERT(isnan(together[1].ratio) && isnan(together[1].low)); /* spoiled trials show nothing */
}

/* An interval of trials that are exactly alike has no width, and says nothing. */
static void ties(void)
{
    struct made base, candidate;
    struct finding findings[CELLS];
    const double times[CELLS] = {1.11, 1.11, 1, 1};
    make(&base, EVEN);
    make(&candidate, times);
    for (size_t k = 0; k < TRIALS; k++) {
        base.trials[0][k].value = 1e6;
        candidate.trials[0][k].value = 1e6 / 1.11;
    }
    decide(&base, &candidate, 2, findings);
    CU_ASSERT(findings[0].verdict == VERDICT_INCONCLUSIVE && findings[0].doubt == DOUBT_TIES &&
              !findings[0].not_slower);
    CU_ASSERT_EQUAL(findings[1].verdict, VERDICT_SLOWER);
    candidate.trials[1][0].value = candidate.trials[1][1].value; /* a pair of twelve is none to speak of */
    decide(&base, &candidate, 2, findings);
    CU_ASSERT_EQUAL(findings[1].verdict, VERDICT_SLOWER);
}

static void compare(struct comparison *comparison, struct made *base, struct made *candidate, struct made *again)
{
    const struct compare_terms terms = {.criteria = &criteria_default};
    CU_ASSERT_EQUAL_FATAL(
        compare_results(comparison, &base->results, &candidate->results, again ? &again->results : NULL, &terms), 0);
    CU_ASSERT_EQUAL_FATAL(comparison->count, CELLS);
}

static void no_twins(void)
{
    static char address[] = "unix:x", other[] = "other", better[] = "lower";
    struct made base, candidate;
    struct comparison comparison;
    make(&base, EVEN);
    make(&candidate, EVEN);
    candidate.cells[0].oversubscribed = true;
    candidate.cells[1].manager = address;
    candidate.cells[2].idle = other;
    candidate.cells[3].better = better;
    compare(&comparison, &base, &candidate, NULL);
    for (size_t i = 0; i < CELLS; i++)
        CU_ASSERT_FATAL(comparison.findings[i].verdict == VERDICT_MISSING && comparison.reasons[i]);
    CU_ASSERT_STRING_EQUAL(comparison.reasons[0], "more workers than places on one side only");
    comparison_free(&comparison);
}

/* Only what was slower is looked at once more: what is slow later only is no finding of this comparison. */
static void asked_again(void)
{
    struct made base, candidate, again;
    struct comparison comparison;
    const double first[CELLS] = {1.3, 1, 0.7, 1.3}, second[CELLS] = {1.3, 1.3, 1.3, 1};
    make(&base, EVEN);
    make(&candidate, first);
    make(&again, second);
    compare(&comparison, &base, &candidate, &again);
    CU_ASSERT(comparison.findings[0].verdict == VERDICT_SLOWER && comparison.findings[0].confirmed);
    for (size_t i = 1; i < 3; i++)
        CU_ASSERT(isnan(comparison.findings[i].ratio_again) && !comparison.findings[i].confirmed);
    CU_ASSERT_EQUAL(comparison.findings[2].verdict, VERDICT_FASTER);
    CU_ASSERT(comparison.findings[3].doubt == DOUBT_UNCONFIRMED && !isnan(comparison.findings[3].ratio_again));
    comparison_free(&comparison);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "compare decides: families of alarms", .run = families},
        {.name = "compare decides: spoiled trials join no family", .run = spoiled_ones_join_no_family},
        {.name = "compare decides: trials that are exactly alike", .run = ties},
        {.name = "compare decides: cells that are no twins", .run = no_twins},
        {.name = "compare decides: what a second measurement is asked", .run = asked_again},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
