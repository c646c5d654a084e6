/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_verdict.c - the gate on evidence made by hand: every verdict, every doubt, confirmation, and all cells together.
 */
#include "tests/frame.h"

#include "reports/verdict.h"

#include <CUnit/CUnit.h>
#include <math.h>
#include <string.h>

enum { MOST = 64 };

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A cell's blocks, and the evidence that points to them. */
struct made {
    struct observation blocks[MOST];
    struct evidence evidence;
};

/* Appends `count` blocks whose candidate takes `percent` longer; the two orders in turn. */
static void add(struct made *made, size_t count, double percent, bool spoiled)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = made->evidence.count++;
        made->blocks[at] =
            (struct observation){.worse = log1p(percent / 100), .candidate_first = at % 2 != 0, .spoiled = spoiled};
    }
    made->evidence.blocks = made->blocks;
}

/* So many blocks on each side of a middle, in percent, mixed; no two are alike. */
static void spread(struct made *made, size_t count, double middle, double half)
{
    for (size_t i = 0; i < count; i++)
        add(made, 1, middle + half * (2 * (double)(i * 7 % count) / (double)(count - 1) - 1), false);
}

static struct made made_empty(void)
{
    struct made made;
    memset(&made, 0, sizeof made);
    made.evidence.floor = NAN;
    return made;
}

static struct finding decided(const struct made *made)
{
    struct finding finding;
    CU_ASSERT_EQUAL(verdict_decide(&made->evidence, 1, &criteria_default, &finding), 0);
    return finding;
}

static void four_verdicts(void)
{
    static const struct {
        double middle, half;
        enum verdict verdict;
        bool not_slower;
    } known[] = {{5, 2, VERDICT_SLOWER, false},       {-5, 2, VERDICT_FASTER, true},
                 {0, 1.5, VERDICT_EQUIVALENT, true},  {2, 3, VERDICT_INCONCLUSIVE, false},
                 {0, 9, VERDICT_INCONCLUSIVE, false}, {-2, 3, VERDICT_INCONCLUSIVE, true}};

    for (size_t i = 0; i < COUNT(known); i++) {
        struct made made = made_empty();
        spread(&made, 30, known[i].middle, known[i].half);
        struct finding finding = decided(&made);
        CU_ASSERT_EQUAL(finding.verdict, known[i].verdict);
        CU_ASSERT_EQUAL(finding.doubt, known[i].verdict == VERDICT_INCONCLUSIVE ? DOUBT_WIDE : DOUBT_NONE);
        CU_ASSERT_EQUAL(finding.not_slower, known[i].not_slower);
        CU_ASSERT_EQUAL(finding.needed > 30, known[i].verdict == VERDICT_INCONCLUSIVE);
        CU_ASSERT_DOUBLE_EQUAL(finding.ratio, 1 + known[i].middle / 100, 0.002);
        CU_ASSERT(finding.low < finding.ratio && finding.ratio < finding.high);
        CU_ASSERT_EQUAL(finding.margin, MARGIN_DEFAULT);
        CU_ASSERT_EQUAL(finding.used, 30);
    }
}

/* The margin is the larger of the one asked for and half as much again as the floor. */
static void margins(void)
{
    struct made made = made_empty();
    spread(&made, 30, 5, 2);
    made.evidence.floor = 0.01;
    CU_ASSERT_EQUAL(decided(&made).margin, MARGIN_DEFAULT);
    made.evidence.floor = 0.04;
    CU_ASSERT_DOUBLE_EQUAL(decided(&made).margin, 0.06, 1e-15);
    CU_ASSERT_EQUAL(decided(&made).verdict, VERDICT_EQUIVALENT);
    made = made_empty();
    spread(&made, 12, 2.02, 0.01); /* it is one of ratios: ln 1.0202 is less than 0.02 */
    CU_ASSERT_EQUAL(decided(&made).verdict, VERDICT_SLOWER);
    made = made_empty();
    spread(&made, 12, 1.98, 0.01);
    CU_ASSERT_EQUAL(decided(&made).verdict, VERDICT_EQUIVALENT);
}

/* What a machine cannot show is no pass; a person may ask for a wide margin. */
static void too_noisy(void)
{
    struct made made = made_empty(), slow = made_empty();
    struct criteria wide = criteria_default;
    spread(&made, 30, 0, 1.5);
    spread(&slow, 30, 60, 2);
    made.evidence.floor = 0.066;
    CU_ASSERT_EQUAL(decided(&made).verdict, VERDICT_EQUIVALENT);
    made.evidence.floor = slow.evidence.floor = 0.3;
    struct finding finding = decided(&made);
    CU_ASSERT(finding.verdict == VERDICT_INCONCLUSIVE && finding.doubt == DOUBT_NOISE && !finding.not_slower);
    CU_ASSERT_EQUAL(verdict_overall(&finding, 1), OVERALL_INCONCLUSIVE);
    CU_ASSERT_EQUAL(decided(&slow).verdict, VERDICT_SLOWER);
    wide.margin = 0.45;
    CU_ASSERT_EQUAL(verdict_decide(&made.evidence, 1, &wide, &finding), 0);
    CU_ASSERT_EQUAL(finding.verdict, VERDICT_EQUIVALENT);
}

/* Twelve of twelve are needed in a family of forty, eleven in one of ten, ten alone. */
static void families(void)
{
    struct made made = made_empty(), even = made_empty();
    struct evidence evidence[40];
    struct finding findings[40];

    spread(&made, 11, 6, 3);
    add(&made, 1, 0, false);
    spread(&even, 30, 0, 3);
    evidence[0] = made.evidence;
    for (size_t i = 1; i < COUNT(evidence); i++)
        evidence[i] = even.evidence;
    CU_ASSERT_EQUAL(verdict_decide(evidence, 10, &criteria_default, findings), 0);
    CU_ASSERT_EQUAL(findings[0].verdict, VERDICT_SLOWER);
    CU_ASSERT_DOUBLE_EQUAL(findings[0].p_slower, 10 * 13.0 / 4096, 1e-12);
    CU_ASSERT_EQUAL(verdict_decide(evidence, 40, &criteria_default, findings), 0);
    CU_ASSERT_EQUAL(findings[0].verdict, VERDICT_INCONCLUSIVE);
    for (size_t i = 1; i < COUNT(evidence); i++)
        evidence[i].fault = VERDICT_MISSING; /* what is not tested is no member */
    CU_ASSERT_EQUAL(verdict_decide(evidence, 40, &criteria_default, findings), 0);
    CU_ASSERT_EQUAL(findings[0].verdict, VERDICT_SLOWER);
    CU_ASSERT_DOUBLE_EQUAL(findings[0].p_slower, 13.0 / 4096, 1e-12);
    CU_ASSERT_EQUAL(findings[1].verdict, VERDICT_MISSING);
    CU_ASSERT(isnan(findings[1].p_slower) && isnan(findings[1].ratio));
}

/* Alarms of the other kind are a family too. */
static void families_of_faster(void)
{
    struct made made = made_empty(), even = made_empty();
    struct evidence evidence[40];
    struct finding findings[40];

    spread(&made, 11, -6, 3);
    add(&made, 1, 0, false);
    spread(&even, 30, 0, 3);
    for (size_t i = 0; i < COUNT(evidence); i++)
        evidence[i] = i ? even.evidence : made.evidence;
    CU_ASSERT_EQUAL(verdict_decide(evidence, 10, &criteria_default, findings), 0);
    CU_ASSERT_EQUAL(findings[0].verdict, VERDICT_FASTER);
    CU_ASSERT_EQUAL(verdict_decide(evidence, 40, &criteria_default, findings), 0);
    CU_ASSERT(findings[0].verdict == VERDICT_INCONCLUSIVE && findings[0].not_slower);
}

static void too_few(void)
{
    struct made made = made_empty();
    struct finding finding = decided(&made);
    CU_ASSERT(finding.doubt == DOUBT_FEW && finding.used == 0 && isnan(finding.ratio) && !finding.not_slower);
    spread(&made, 11, 9, 1);
    add(&made, 1, NAN, false); /* an arm that has no value */
    finding = decided(&made);
    CU_ASSERT(finding.verdict == VERDICT_INCONCLUSIVE && finding.doubt == DOUBT_FEW && finding.used == 11);
    CU_ASSERT(finding.needed == 12 && finding.low > 1.07 && isnan(finding.p_slower));
    add(&made, 1, 9, false);
    CU_ASSERT_EQUAL(decided(&made).verdict, VERDICT_SLOWER);
}

/* A candidate that stands still altogether is slower, and no arithmetic comes between. */
static void standing_still(void)
{
    struct made made = made_empty();
    spread(&made, 20, 0, 1);
    for (size_t i = 0; i < 20; i++)
        made.blocks[i].worse = INFINITY;
    struct finding finding = decided(&made);
    CU_ASSERT_EQUAL(finding.verdict, VERDICT_SLOWER);
    CU_ASSERT(isinf(finding.ratio) && isnan(finding.lag1));
}

static void order_of_arms(void)
{
    struct made made = made_empty();
    for (size_t i = 0; i < 40; i++) /* +3 % when the candidate comes first, -3 % otherwise */
        add(&made, 1, (i % 2 ? 3 : -3) + 0.01 * (double)(i * 7 % 40), false);
    struct finding finding = decided(&made);
    CU_ASSERT(finding.verdict == VERDICT_INCONCLUSIVE && finding.doubt == DOUBT_ORDER && !finding.not_slower);
    for (size_t i = 0; i < 40; i++) /* the same where all came in one order: nothing to compare */
        made.blocks[i].candidate_first = false;
    CU_ASSERT_EQUAL(decided(&made).doubt, DOUBT_WIDE);
    for (size_t i = 0; i < 5; i++)
        made.blocks[2 * i + 1].candidate_first = true; /* five do not tell */
    CU_ASSERT_EQUAL(decided(&made).doubt, DOUBT_WIDE);
    for (size_t i = 0; i < 20; i++)
        made.blocks[2 * i + 1].candidate_first = true;
    made.evidence.floor = 0.05; /* less than this margin */
    CU_ASSERT_EQUAL(decided(&made).verdict, VERDICT_EQUIVALENT);
    made = made_empty();
    for (size_t i = 0; i < 40; i++) /* half as much again as the margin, between the two orders */
        add(&made, 1, (i % 2 ? 1.5 : -1.5) + 0.001 * (double)(i * 7 % 40), false);
    CU_ASSERT_EQUAL(decided(&made).doubt, DOUBT_ORDER);
}

/* Medians of a wild cell's orders may lie apart by more than the margin, and mean nothing. */
static void wild_is_no_order(void)
{
    struct made made = made_empty();
    spread(&made, 40, 0, 20);
    for (size_t i = 0; i < 40; i++)
        made.blocks[i].worse += made.blocks[i].candidate_first ? 0.03 : 0;
    CU_ASSERT_EQUAL(decided(&made).doubt, DOUBT_WIDE);
}

static void ties(void)
{
    struct made made = made_empty();
    spread(&made, 33, 0, 1.5);
    add(&made, 7, 0, false);
    struct finding finding = decided(&made);
    CU_ASSERT_EQUAL(finding.verdict, VERDICT_EQUIVALENT); /* 8 of 40, the middle among them: a fifth, no more */
    add(&made, 1, 0, false);
    finding = decided(&made);
    CU_ASSERT(finding.verdict == VERDICT_INCONCLUSIVE && finding.doubt == DOUBT_TIES && !finding.not_slower);
}

static void spoiled_blocks(void)
{
    struct made made = made_empty();
    spread(&made, 30, 0, 1.5);
    add(&made, 4, 60, true); /* left out, and no harm done */
    struct finding finding = decided(&made);
    CU_ASSERT(finding.verdict == VERDICT_EQUIVALENT && finding.used == 30 && finding.spoiled == 4);
    CU_ASSERT(finding.high < 1.02 && finding.not_slower);
    add(&made, 16, 60, true); /* with these, it would not be */
    finding = decided(&made);
    CU_ASSERT(finding.verdict == VERDICT_INCONCLUSIVE && finding.doubt == DOUBT_SENSITIVE && !finding.not_slower);
    CU_ASSERT(finding.used == 30 && finding.high < 1.02);

    made = made_empty();
    spread(&made, 30, -1.5, 1.4);
    add(&made, 14, -60, true); /* no longer equivalent, but not slower either */
    finding = decided(&made);
    CU_ASSERT(finding.doubt == DOUBT_SENSITIVE && finding.not_slower);
    CU_ASSERT_EQUAL(verdict_overall(&finding, 1), OVERALL_PASS);

    made = made_empty();
    spread(&made, 11, 5, 1);
    add(&made, 20, 5, true); /* spoiled ones do not make up the number */
    CU_ASSERT_EQUAL(decided(&made).doubt, DOUBT_FEW);
}

/* Cells of which too few are sound have no verdict to lose, and weigh on no other cell's. */
static void spoiled_ones_join_no_family(void)
{
    struct made made = made_empty(), few = made_empty();
    struct evidence evidence[40];
    struct finding findings[40];
    spread(&made, 11, 6, 3);
    add(&made, 1, 0, false);
    spread(&few, 11, 0, 3);
    add(&few, 9, 0.1, true);
    for (size_t i = 0; i < COUNT(evidence); i++)
        evidence[i] = i ? few.evidence : made.evidence;
    CU_ASSERT_EQUAL(verdict_decide(evidence, 40, &criteria_default, findings), 0);
    CU_ASSERT_EQUAL(findings[0].verdict, VERDICT_SLOWER);
    CU_ASSERT_EQUAL(findings[1].doubt, DOUBT_FEW);
}

/* Neighbours that hang together are no independent witnesses: pairs of them count once. */
static void neighbours(void)
{
    struct made made = made_empty();
    for (size_t i = 0; i < 24; i++)
        add(&made, 1, i / 4 % 2 ? 4.5 + 0.01 * (double)i : 2.5 - 0.01 * (double)i, false);
    struct finding finding = decided(&made);
    CU_ASSERT(finding.lag1 > LAG1_MOST);
    CU_ASSERT_DOUBLE_EQUAL(finding.p_slower, 1.0 / 4096, 1e-12);
    CU_ASSERT(finding.used == 24 && finding.counted == 12);
    CU_ASSERT_EQUAL(finding.verdict, VERDICT_SLOWER);
    for (size_t i = 0; i < 24; i++) /* a third of them on the other side */
        made.blocks[i].worse = log1p(i / 4 % 3 ? 0.04 + 0.0001 * (double)i : -0.03);
    finding = decided(&made);
    CU_ASSERT(finding.lag1 > LAG1_MOST && finding.doubt == DOUBT_WIDE);
    CU_ASSERT_EQUAL(finding.needed, 50); /* of 12 pairs 8 lie beyond: (1.645 / (1/3))^2 = 24.4, in blocks */
}

/* Of 40 blocks 25 lie within the margin: 2q - 1 is 0.25, the normal quantile of 0.05 is 1.645, and its square by that
 * of the other 43.3. Of 40 beyond it 26 are too few for a family of ten: 0.3, the quantile of 0.005 is 2.576: 73.7. */
static void blocks_needed(void)
{
    struct made made = made_empty(), even = made_empty();
    struct evidence evidence[10];
    struct finding findings[10];

    for (size_t i = 0; i < 40; i++)
        add(&made, 1, i * 3 % 8 < 5 ? 0.01 * (double)i : 8, false);
    struct finding finding = decided(&made);
    CU_ASSERT(finding.doubt == DOUBT_WIDE && finding.needed == 44);
    made = made_empty();
    for (size_t i = 0; i < 40; i++)
        add(&made, 1, i * 3 % 8 < 4 ? 0.01 * (double)i : 8, false); /* half and half: never */
    CU_ASSERT_EQUAL(decided(&made).needed, NEEDED_MOST);
    made = made_empty();
    for (size_t i = 0; i < 40; i++)
        add(&made, 1, i * 7 % 40 < 26 ? 8 : -0.01 * (double)i, false);
    spread(&even, 30, 0, 1.5);
    for (size_t i = 0; i < COUNT(evidence); i++)
        evidence[i] = i ? even.evidence : made.evidence;
    CU_ASSERT_EQUAL(verdict_decide(evidence, COUNT(evidence), &criteria_default, findings), 0);
    CU_ASSERT(findings[0].doubt == DOUBT_WIDE && findings[0].needed == 74);
}

static void confirmation(void)
{
    struct made slow = made_empty(), slower = made_empty(), even = made_empty();
    struct finding findings[4];
    size_t worst[2];

    spread(&slow, 30, 5, 2);
    spread(&slower, 30, 9, 2);
    spread(&even, 30, 0, 1.5);
    struct evidence first[] = {slow.evidence, even.evidence, slower.evidence, slow.evidence};
    CU_ASSERT_EQUAL(verdict_decide(first, 4, &criteria_default, findings), 0);
    CU_ASSERT_EQUAL(verdict_overall(findings, 4), OVERALL_INCONCLUSIVE); /* not confirmed yet */
    CU_ASSERT_EQUAL_FATAL(verdict_worst(findings, 4, &criteria_default, worst), 2);
    CU_ASSERT(worst[0] == 2 && worst[1] == 0);
    struct evidence again[] = {slower.evidence, even.evidence};
    again[0].count = again[1].count = 20;
    CU_ASSERT_EQUAL(verdict_confirm(again, worst, 2, &criteria_default, findings, 4), 0);
    CU_ASSERT(findings[2].verdict == VERDICT_SLOWER && findings[2].confirmed && findings[2].low_again > 1.05);
    CU_ASSERT(findings[0].verdict == VERDICT_INCONCLUSIVE && findings[0].doubt == DOUBT_UNCONFIRMED);
    CU_ASSERT(!findings[0].not_slower && fabs(findings[0].ratio_again - 1) < 0.01);
    CU_ASSERT(findings[3].doubt == DOUBT_UNCONFIRMED && isnan(findings[3].ratio_again));
    CU_ASSERT_EQUAL(findings[1].verdict, VERDICT_EQUIVALENT);
    CU_ASSERT_EQUAL(verdict_overall(findings, 4), OVERALL_REGRESSION);
}

/* A wild cell may look worse than a steady one, and few blocks would not show it again. */
static void the_surest_are_confirmed(void)
{
    struct made wild = made_empty(), steady = made_empty(), even = made_empty();
    struct finding findings[3];
    struct criteria one = criteria_default;
    size_t worst[2];

    spread(&wild, 60, 9, 10);
    spread(&steady, 24, 4, 0.5);
    spread(&even, 30, 0, 1.5);
    struct evidence first[] = {wild.evidence, even.evidence, steady.evidence};
    CU_ASSERT_EQUAL(verdict_decide(first, 3, &criteria_default, findings), 0);
    CU_ASSERT(findings[0].verdict == VERDICT_SLOWER && findings[2].verdict == VERDICT_SLOWER);
    CU_ASSERT(findings[0].low > findings[2].low);
    CU_ASSERT_EQUAL(verdict_worst(findings, 3, &criteria_default, worst), 2);
    CU_ASSERT(worst[0] == 2 && worst[1] == 0);
    one.confirm_cells = 1;
    CU_ASSERT_EQUAL(verdict_worst(findings, 3, &one, worst), 1);
    CU_ASSERT_EQUAL(worst[0], 2);
}

static void nothing_confirmed(void)
{
    struct made slow = made_empty(), few = made_empty();
    struct finding findings[2];
    size_t worst[2];

    spread(&slow, 30, 5, 2);
    spread(&few, 11, 9, 2);
    struct evidence first[] = {slow.evidence, slow.evidence};
    CU_ASSERT_EQUAL(verdict_decide(first, 2, &criteria_default, findings), 0);
    CU_ASSERT_EQUAL(verdict_worst(findings, 2, &criteria_default, worst), 2);
    CU_ASSERT(worst[0] == 0 && worst[1] == 1); /* alike: in their order */
    struct evidence again[] = {few.evidence, {.fault = VERDICT_FAILED}};
    CU_ASSERT_EQUAL(verdict_confirm(again, worst, 2, &criteria_default, findings, 2), 0);
    CU_ASSERT(findings[0].doubt == DOUBT_UNCONFIRMED && !findings[0].confirmed);
    CU_ASSERT(findings[0].doubt_again == DOUBT_FEW && findings[0].used_again == 11 && findings[0].needed_again == 12);
    CU_ASSERT_TRUE(verdict_has_again(&findings[0]));
    CU_ASSERT_EQUAL(findings[1].verdict, VERDICT_FAILED);
    CU_ASSERT_EQUAL(verdict_overall(findings, 1), OVERALL_INCONCLUSIVE);
    CU_ASSERT_EQUAL(verdict_overall(findings, 2), OVERALL_UNPROVED);

    struct criteria quick = criteria_default; /* where fewer are asked for, fewer will do */
    quick.confirm_blocks = 11;
    CU_ASSERT_EQUAL(verdict_decide(first, 1, &quick, findings), 0);
    CU_ASSERT_EQUAL(verdict_confirm(again, worst, 1, &quick, findings, 1), 0);
    CU_ASSERT_TRUE(findings[0].confirmed);

    CU_ASSERT_EQUAL(verdict_decide(first, 2, &criteria_default, findings), 0);
    CU_ASSERT_EQUAL(verdict_confirm(NULL, NULL, 0, &criteria_default, findings, 2), 0); /* no time was left */
    CU_ASSERT(findings[0].doubt == DOUBT_UNCONFIRMED && findings[1].doubt == DOUBT_UNCONFIRMED);
}

/* Ten of thirteen are one in 22: enough for one cell, not for two that are measured again together. */
static void confirmed_as_a_family(void)
{
    struct made slow = made_empty(), again = made_empty();
    struct finding findings[2];
    const size_t worst[] = {0, 1};

    spread(&slow, 30, 5, 2);
    spread(&again, 13, 5, 2);
    for (size_t i = 1; i < 4; i++) /* apart, so that neighbours do not hang together */
        again.blocks[i * i].worse = 0.001;
    struct evidence first[] = {slow.evidence, slow.evidence}, seconds[] = {again.evidence, again.evidence};
    CU_ASSERT_EQUAL(verdict_decide(first, 2, &criteria_default, findings), 0);
    CU_ASSERT_EQUAL(verdict_confirm(seconds, worst, 1, &criteria_default, findings, 1), 0);
    CU_ASSERT_TRUE(findings[0].confirmed);
    CU_ASSERT_EQUAL(verdict_decide(first, 2, &criteria_default, findings), 0);
    CU_ASSERT_EQUAL(verdict_confirm(seconds, worst, 2, &criteria_default, findings, 2), 0);
    CU_ASSERT(findings[0].doubt == DOUBT_UNCONFIRMED && findings[1].doubt == DOUBT_UNCONFIRMED);
}

/* The margin of the first measurement holds for the second, whatever the evidence says of floors. */
static void confirmed_at_its_margin(void)
{
    struct made slow = made_empty(), again = made_empty();
    struct finding finding;
    size_t worst[2];

    spread(&slow, 30, 12, 2);
    slow.evidence.floor = 0.04;
    CU_ASSERT_EQUAL(verdict_decide(&slow.evidence, 1, &criteria_default, &finding), 0);
    CU_ASSERT_EQUAL(verdict_worst(&finding, 1, &criteria_default, worst), 1);
    spread(&again, 20, 4, 1);
    CU_ASSERT_EQUAL(verdict_confirm(&again.evidence, worst, 1, &criteria_default, &finding, 1), 0);
    CU_ASSERT_EQUAL(finding.doubt, DOUBT_UNCONFIRMED);
}

static void all_cells_together(void)
{
    struct finding findings[] = {{.verdict = VERDICT_EQUIVALENT},
                                 {.verdict = VERDICT_FASTER},
                                 {.verdict = VERDICT_INCONCLUSIVE, .not_slower = true},
                                 {.verdict = VERDICT_INCONCLUSIVE},
                                 {.verdict = VERDICT_MISSING},
                                 {.verdict = VERDICT_SLOWER, .confirmed = true},
                                 {.verdict = VERDICT_FAILED}};
    static const enum overall expected[] = {OVERALL_PASS,         OVERALL_PASS,         OVERALL_PASS,
                                            OVERALL_INCONCLUSIVE, OVERALL_INCOMPARABLE, OVERALL_REGRESSION,
                                            OVERALL_UNPROVED};

    for (size_t i = 0; i < COUNT(findings); i++) /* each is graver than those before it */
        CU_ASSERT_EQUAL(verdict_overall(findings, i + 1), expected[i]);
    CU_ASSERT_EQUAL(verdict_overall(findings, 0), OVERALL_INCOMPARABLE);
}

static void names(void)
{
    CU_ASSERT_STRING_EQUAL(verdict_name(VERDICT_INCONCLUSIVE), "inconclusive");
    CU_ASSERT_STRING_EQUAL(verdict_name(VERDICT_FAILED), "failed");
    CU_ASSERT_STRING_EQUAL(overall_name(OVERALL_PASS), "pass");
    CU_ASSERT_STRING_EQUAL(overall_name(OVERALL_UNPROVED), "unproved");
    CU_ASSERT_STRING_EQUAL(doubt_name(DOUBT_NONE), "");
    for (int doubt = DOUBT_NONE; doubt <= DOUBT_UNCONFIRMED; doubt++)
        CU_ASSERT(*doubt_key(doubt) && (doubt == DOUBT_NONE || *doubt_name(doubt)));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"verdict: slower, faster, equivalent, or none of these", four_verdicts, 0},
        {"verdict: margins", margins, 0},
        {"verdict: too noisy for a pass", too_noisy, 0},
        {"verdict: a family of cells", families, 0},
        {"verdict: a family of improvements", families_of_faster, 0},
        {"verdict: too few blocks", too_few, 0},
        {"verdict: a candidate that stands still", standing_still, 0},
        {"verdict: the order of the arms", order_of_arms, 0},
        {"verdict: a wild cell is not accused of its order", wild_is_no_order, 0},
        {"verdict: ties", ties, 0},
        {"verdict: spoiled blocks", spoiled_blocks, 0},
        {"verdict: spoiled blocks join no family", spoiled_ones_join_no_family, 0},
        {"verdict: neighbours that hang together", neighbours, 0},
        {"verdict: blocks that a decision needs", blocks_needed, 0},
        {"verdict: confirmation", confirmation, 0},
        {"verdict: the surest are confirmed", the_surest_are_confirmed, 0},
        {"verdict: nothing confirmed", nothing_confirmed, 0},
        {"verdict: confirmed as a family", confirmed_as_a_family, 0},
        {"verdict: confirmed at its own margin", confirmed_at_its_margin, 0},
        {"verdict: all cells together", all_cells_together, 0},
        {"verdict: names", names, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
