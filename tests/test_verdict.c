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

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"verdict: slower, faster, equivalent, or none of these", four_verdicts, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
