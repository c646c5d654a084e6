/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_compare_decide.c - two files' verdicts on cells made by hand: families of alarms, trials that are spoiled or
 * exactly alike, what is no twin, which cells a second measurement is asked about, and a machine that has changed. */
#include "tests/frame.h"

#include "reports/compare.h"

#include <CUnit/CUnit.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

enum { TRIALS = 12, CELLS = 4 };

/* A run; its cells have trials of about 1 % spread, no two alike. */
struct made {
    struct results results;
    struct cell cells[CELLS];
    struct trial trials[CELLS][TRIALS];
    struct lane_reading readings[TRIALS];
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
        cells[i] = (struct unpaired){.base = &base->cells[i],
                                     .candidate = &candidate->cells[i],
                                     .margin = 0.02,
                                     .apart = {.sd = NAN, .up = NAN, .down = NAN}};
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

/* The run's controls, where work that holds no code under test takes so many times as long; 0: not measured. The first
 * reading lies apart, and the second is of a clock that stood still. */
static void control(struct made *made, const double dearer[CONTROLS])
{
    static const double rates[LANES] = {1e9, 1e7, 7e7, 1e8};
    made->results.idle = made->cells[0].idle;
    made->results.lane_readings = made->readings;
    made->results.lane_reading_count = TRIALS;
    for (size_t k = 0; k < TRIALS; k++) {
        const double jitter = k > 1 ? 1 + 0.01 * (double)(k * 5 % TRIALS) : k ? 0 : 3, wake = dearer[CONTROL_WAKE];
        for (int lane = 0; lane < LANES; lane++)
            made->readings[k].lanes.rates[lane] = dearer[lane] > 0 ? rates[lane] * jitter / dearer[lane] : NAN;
        for (size_t i = 0; i < CELLS; i++)
            made->trials[i][k].wake_before_ns = made->trials[i][k].wake_after_ns = wake > 0 ? 3e3 * jitter * wake : NAN;
    }
}

static const double STILL[CONTROLS] = {1, 1, 1, 1, 1};

static struct comparison moved(const double dearer[CONTROLS], unsigned declared)
{
    struct made base, candidate;
    struct comparison comparison;
    const double times[CELLS] = {1.3, 1, 0.7, 1};
    const struct compare_terms terms = {.criteria = &criteria_default, .declared = declared};
    make(&base, EVEN);
    make(&candidate, times);
    control(&base, STILL);
    control(&candidate, dearer);
    CU_ASSERT_EQUAL_FATAL(compare_results(&comparison, &base.results, &candidate.results, NULL, &terms), 0);
    return comparison;
}

/* What surrounds the code did is no finding about a build, and what that may have hidden is no pass: each control
 * alone, up and down. */
static void moved_machine(void)
{
    for (int i = 0; i < CONTROLS; i++) {
        double dearer[CONTROLS] = {1, 1, 1, 1, 1};
        dearer[i] = 1.4;
        struct comparison c = moved(dearer, 0);
        CU_ASSERT_DOUBLE_EQUAL(controls_dearer(&c.controls), log(1.4), 1e-9);
        CU_ASSERT(controls_farthest(&c.controls, 1) == i && fabs(controls_cheaper(&c.controls)) < 1e-9);
        CU_ASSERT(c.findings[0].doubt == DOUBT_MOVED && c.findings[0].low < 1);
        CU_ASSERT(c.findings[1].doubt == DOUBT_WIDE && c.findings[1].not_slower);
        CU_ASSERT_EQUAL(c.findings[2].verdict, VERDICT_FASTER); /* in spite of it */
        comparison_free(&c);
        dearer[i] = 1 / 1.5;
        c = moved(dearer, 0);
        CU_ASSERT_DOUBLE_EQUAL(controls_cheaper(&c.controls), log(1.5), 1e-9);
        CU_ASSERT(controls_farthest(&c.controls, -1) == i && c.findings[0].doubt == DOUBT_UNCONFIRMED); /* as before */
        CU_ASSERT(c.findings[1].doubt == DOUBT_MOVED && c.findings[1].needed == NEEDED_MOST);
        CU_ASSERT(!c.findings[1].not_slower && c.findings[1].high > 1.5);
        CU_ASSERT(c.findings[2].doubt == DOUBT_WIDE && c.findings[2].not_slower && c.findings[2].high > 1);
        comparison_free(&c);
    }
}

/* A cell that takes longer by just as much as a control is not slower, nor is one that only just stands out, whatever
 * else there is. */
static void moved_as_much(void)
{
    for (double more = 0.98; more < 1.02; more += 0.01) {
        struct made base, candidate;
        struct finding findings[CELLS];
        struct unpaired cells[2];
        const double times[CELLS] = {1.7 * more, 4, 1, 1};
        make(&base, EVEN);
        make(&candidate, times);
        for (size_t i = 0; i < 2; i++)
            cells[i] = (struct unpaired){.base = &base.cells[i],
                                         .candidate = &candidate.cells[i],
                                         .margin = 0.02,
                                         .apart = {.sd = NAN, .up = log(1.7), .down = 0}};
        for (size_t count = 1; count <= 2; count++) {
            findings[0] = findings[1] = finding_unknown(0.02);
            CU_ASSERT_EQUAL_FATAL(compare_decide(cells, count, &criteria_default, findings), 0);
            CU_ASSERT(findings[0].verdict == VERDICT_INCONCLUSIVE && findings[0].low < 1.02);
        }
        CU_ASSERT_EQUAL(findings[1].verdict, VERDICT_SLOWER);
    }
}

/* Of two compilers the lane that reads memory tells nothing; of files that forbid a comparison none does. */
static void moved_compiler(void)
{
    static char gcc[] = "gcc", clang[] = "clang";
    const double dearer[CONTROLS] = {1, 1, 1.4, 1, 1};
    struct made base, candidate;
    struct comparison c;
    struct compare_terms terms = {.criteria = &criteria_default, .declared = GROUP_CODE};
    make(&base, EVEN);
    make(&candidate, EVEN);
    control(&base, STILL);
    control(&candidate, dearer);
    base.results.compiler = gcc;
    candidate.results.compiler = clang;
    CU_ASSERT_EQUAL_FATAL(compare_results(&c, &base.results, &candidate.results, NULL, &terms), 0);
    CU_ASSERT(isnan(c.controls.moved[LANE_MEMORY]) && fabs(controls_dearer(&c.controls)) < 1e-9);
    CU_ASSERT_EQUAL(c.findings[0].verdict, VERDICT_EQUIVALENT);
    comparison_free(&c);
    candidate.results.compiler = gcc;
    base.results.commit = gcc;
    candidate.results.commit = clang; /* two commits of one compiler: all controls tell */
    CU_ASSERT_EQUAL_FATAL(compare_results(&c, &base.results, &candidate.results, NULL, &terms), 0);
    CU_ASSERT_DOUBLE_EQUAL(controls_dearer(&c.controls), log(1.4), 1e-9);
    comparison_free(&c);
    candidate.results.compiler = clang;
    terms.declared = 0;
    CU_ASSERT_EQUAL_FATAL(compare_results(&c, &base.results, &candidate.results, NULL, &terms), 0);
    CU_ASSERT(c.forbidden && !controls_known(&c.controls));
    comparison_free(&c);
}

static void still_machine(void)
{
    const double none[CONTROLS] = {0}, slightly[CONTROLS] = {1, 1, 1.01, 1, 1}, line[CONTROLS] = {1, 1, 1, 1.4, 1},
                 but_line[CONTROLS] = {1, 1, 1, 0, 1};
    struct comparison c = moved(slightly, 0);
    CU_ASSERT(c.findings[0].doubt == DOUBT_UNCONFIRMED && c.findings[2].verdict == VERDICT_FASTER);
    CU_ASSERT(c.findings[1].verdict == VERDICT_EQUIVALENT && c.findings[3].verdict == VERDICT_EQUIVALENT);
    comparison_free(&c);
    c = moved(none, 0);
    CU_ASSERT(!controls_known(&c.controls) && isnan(controls_dearer(&c.controls)));
    CU_ASSERT_EQUAL(c.findings[2].verdict, VERDICT_FASTER);
    comparison_free(&c);
    c = moved(but_line, 0);
    CU_ASSERT(controls_known(&c.controls) && fabs(controls_dearer(&c.controls)) < 1e-9);
    comparison_free(&c);
    c = moved(line, GROUP_CPU); /* another machine: what it is faster or slower by is what is asked */
    CU_ASSERT_DOUBLE_EQUAL(controls_dearer(&c.controls), log(1.4), 1e-9);
    CU_ASSERT(c.findings[0].low > 1.28 && c.findings[0].high < 1.32);
    comparison_free(&c);
}

/* A cell of another idle mode has that mode's waking. */
static void moved_naturally(void)
{
    static char natural[] = "natural";
    struct made base, candidate;
    struct comparison comparison;
    const double times[CELLS] = {1.3, 1.3, 1, 1};
    make(&base, EVEN);
    make(&candidate, times);
    control(&base, STILL);
    control(&candidate, STILL);
    base.cells[1].idle = candidate.cells[1].idle = natural;
    for (size_t k = 0; k < TRIALS; k++)
        candidate.trials[1][k].wake_before_ns = candidate.trials[1][k].wake_after_ns = 6e3;
    compare(&comparison, &base, &candidate, NULL);
    CU_ASSERT_EQUAL(controls_dearer(&comparison.controls), 0);
    CU_ASSERT(exp(comparison.controls.natural) > 1.8);
    CU_ASSERT_EQUAL(comparison.findings[0].doubt, DOUBT_UNCONFIRMED);
    CU_ASSERT_EQUAL(comparison.findings[1].doubt, DOUBT_MOVED);
    CU_ASSERT_FALSE(comparison.looked_again);
    comparison_free(&comparison);
}

/* One cell, at a margin of so much; what the surroundings moved. */
static struct finding found(double times, double margin, double up, double down)
{
    struct made base, candidate;
    struct finding finding = finding_unknown(margin);
    const struct unpaired cell = {.base = &base.cells[0],
                                  .candidate = &candidate.cells[0],
                                  .margin = margin,
                                  .apart = {.sd = NAN, .up = up, .down = down}};
    make(&base, EVEN);
    make(&candidate, (const double[CELLS]){times, 1, 1, 1});
    CU_ASSERT_EQUAL_FATAL(compare_decide(&cell, 1, &criteria_default, &finding), 0);
    return finding;
}

/* Both ends of an interval of 12 blocks lie as far: by 0.45 % here, at 95 %. */
static unsigned needed_for(const struct finding *f, double distance)
{
    const double within = log(f->high / f->ratio), t = gsl_cdf_tdist_Qinv(0.025, 10) / gsl_cdf_tdist_Qinv(0.05, 10);
    return (unsigned)ceil(TRIALS * pow(within / (distance * t), 2));
}

/* More blocks help only where they, and not what lies between the runs, leave a verdict open: at the end that would
 * give one. */
static void needed(void)
{
    struct finding f = found(1.005, 0.007, 0, 0), even = f;
    CU_ASSERT(f.doubt == DOUBT_WIDE && f.needed == needed_for(&even, log(1.007 / 1.005)));
    f = found(1.005, 0.007, 0.4, 0); /* what it is slower by may not be its own: it could pass all the same */
    CU_ASSERT(f.doubt == DOUBT_WIDE && f.needed == needed_for(&even, log(1.007 / 1.005)));
    f = found(1.005, 0.007, 0, 0.001);
    CU_ASSERT(f.doubt == DOUBT_WIDE && f.needed == needed_for(&even, log(1.007 / 1.005) - 0.001));
    f = found(1.005, 0.007, 0, 0.4);
    CU_ASSERT(f.doubt == DOUBT_MOVED && f.needed == NEEDED_MOST && !f.not_slower);
    f = found(1.013, 0.01, 0, 0); /* slower, if anything */
    CU_ASSERT(f.doubt == DOUBT_WIDE && f.needed == needed_for(&even, log(1.013 / 1.01)));
    f = found(1.013, 0.01, 0.004, 0);
    CU_ASSERT(f.doubt == DOUBT_MOVED && f.needed == NEEDED_MOST);
    f = found(0.97, 0.02, 0, 0.048); /* faster, but for what has moved: more blocks would let it pass */
    CU_ASSERT(f.doubt == DOUBT_WIDE && !f.not_slower && f.needed == needed_for(&even, log(1.02 / 0.97) - 0.048));
    f = found(1, 0.02, 0.018, 0); /* it passes, and could yet be equivalent */
    CU_ASSERT(f.doubt == DOUBT_WIDE && f.not_slower && f.needed == needed_for(&even, log(1.02) - 0.018));
}

/* A verdict that is open for what has moved stays so with the spoiled trials. */
static void moved_and_spoiled(void)
{
    struct made base, candidate;
    struct finding f = finding_unknown(0.02);
    const struct unpaired cell = {.base = &base.cells[0],
                                  .candidate = &candidate.cells[0],
                                  .margin = 0.02,
                                  .apart = {.sd = NAN, .up = 0.4, .down = 0}};
    make(&base, EVEN);
    make(&candidate, (const double[CELLS]){1.3, 1, 1, 1});
    candidate.trials[0][0].steal_s = 0.02;
    CU_ASSERT_EQUAL_FATAL(compare_decide(&cell, 1, &criteria_default, &f), 0);
    CU_ASSERT(f.doubt == DOUBT_MOVED && f.spoiled == 1 && f.used == TRIALS - 1);
}

/* A second measurement on a machine that has changed since the base confirms nothing. */
static void moved_again(void)
{
    struct made base, candidate, again;
    struct comparison comparison;
    const double times[CELLS] = {1.3, 1, 1, 1};
    make(&base, EVEN);
    make(&candidate, times);
    make(&again, times);
    const double slightly[CONTROLS] = {1, 1, 1, 1, 1.02}, wake[CONTROLS] = {1, 1, 1, 1, 1.5};
    control(&base, STILL);
    control(&candidate, STILL);
    control(&again, slightly);
    compare(&comparison, &base, &candidate, &again);
    CU_ASSERT(comparison.findings[0].verdict == VERDICT_SLOWER && comparison.findings[0].confirmed);
    comparison_free(&comparison);
    control(&again, wake);
    compare(&comparison, &base, &candidate, &again);
    CU_ASSERT(comparison.looked_again && comparison.findings[0].doubt_again == DOUBT_MOVED);
    CU_ASSERT(comparison.findings[0].doubt == DOUBT_UNCONFIRMED && comparison.findings[0].low_again < 1);
    CU_ASSERT_DOUBLE_EQUAL(controls_dearer(&comparison.controls_again), log(1.5), 1e-9);
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
        {.name = "compare decides: a machine that has changed", .run = moved_machine},
        {.name = "compare decides: a cell that changed by as much", .run = moved_as_much},
        {.name = "compare decides: one of another compiler", .run = moved_compiler},
        {.name = "compare decides: one that has not, and another one", .run = still_machine},
        {.name = "compare decides: waking in the cell's own idle mode", .run = moved_naturally},
        {.name = "compare decides: how many blocks would help", .run = needed},
        {.name = "compare decides: a change and spoiled trials", .run = moved_and_spoiled},
        {.name = "compare decides: one that has changed by the second measurement", .run = moved_again},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
