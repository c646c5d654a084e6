/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_duet_plan.c - how a duet plans its blocks: how many a cell wants, what the budget holds, in which order the arms
 * come. */
#include "bench/registry.h"
#include "harness/duet_parts.h"
#include "harness/duet_plan.h"
#include "reports/duet.h"
#include "reports/verdict.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>
#include <math.h>

static void spread(void)
{
    struct observation seen[9];
    for (int i = 0; i < 9; i++)
        seen[i] = (struct observation){.worse = 0.01 * (i - 4)};
    CU_ASSERT_DOUBLE_EQUAL(duet_plan_spread(seen, 9), 1.4826 * 0.02, 1e-12);
    seen[0].worse = 90;
    seen[8] = (struct observation){.worse = 50, .spoiled = true};
    CU_ASSERT_DOUBLE_EQUAL(duet_plan_spread(seen, 9), 1.4826 * 0.02, 1e-12);
    CU_ASSERT_TRUE(isnan(duet_plan_spread(seen, 0)));
}

static void wanted(void)
{
    struct duet_need need = {.spread = 0.03, .margin = 0.02, .pair_s = 1, .going_on = true};
    /* (1.96 x 1.2533 x 0.03 / (0.4 ln 1.02))^2 = 86.6 */
    CU_ASSERT_EQUAL(duet_plan_wanted(&need), 88);
    need.spread = 0.001;
    CU_ASSERT_EQUAL(duet_plan_wanted(&need), DUET_BLOCKS_LEAST);
    need.spread = 3;
    CU_ASSERT_EQUAL(duet_plan_wanted(&need), DUET_BLOCKS_MOST);
    need.spread = INFINITY;
    CU_ASSERT_EQUAL(duet_plan_wanted(&need), DUET_BLOCKS_MOST);
    need.spread = NAN;
    CU_ASSERT_EQUAL(duet_plan_wanted(&need), DUET_BLOCKS_LEAST);
}

static double after_pilot_s(const struct duet_need *needs, const unsigned *blocks, size_t count)
{
    double total_s = 0;
    for (size_t i = 0; i < count; i++)
        total_s += (blocks[i] - DUET_PILOT) * needs[i].pair_s;
    return total_s;
}

static void sharing_out(void)
{
    const struct duet_need needs[] = {
        {0.005, 0.02, 0.25, true}, {0.03, 0.02, 0.25, true}, {0.06, 0.02, 0.5, true}, {0.06, 0.02, 0.5, false}};
    unsigned blocks[4];
    duet_plan_blocks(needs, 4, INFINITY, blocks);
    CU_ASSERT(blocks[0] == 24 && blocks[1] == 88 && blocks[2] == DUET_BLOCKS_MOST && blocks[3] == DUET_PILOT);
    for (double budget_s = 0; budget_s < 130; budget_s += 1.5) {
        duet_plan_blocks(needs, 4, budget_s, blocks);
        CU_ASSERT(after_pilot_s(needs, blocks, 4) <= budget_s);
        CU_ASSERT(blocks[0] >= DUET_PILOT && blocks[0] <= blocks[1] && blocks[1] <= blocks[2]);
        CU_ASSERT_EQUAL(blocks[3], DUET_PILOT);
        for (int i = 0; i < 4; i++)
            CU_ASSERT_EQUAL(blocks[i] % DUET_BALANCE, 0);
    }
    CU_ASSERT(blocks[2] > 150);
    duet_plan_blocks(needs, 4, 0, blocks);
    CU_ASSERT(blocks[0] == DUET_PILOT && blocks[1] == DUET_PILOT && blocks[2] == DUET_PILOT);
}

/* What wants more than its pilot knew gets it, as far as the budget goes; nobody loses what is measured. */
static void looking_again(void)
{
    const struct duet_need needs[] = {
        {0.005, 0.02, 0.25, true}, {0.03, 0.02, 0.25, true}, {0.06, 0.02, 0.5, true}, {0.06, 0.02, 0.5, false}};
    for (double budget_s = 0; budget_s < 130; budget_s += 1.5) {
        unsigned blocks[] = {40, 24, 24, 12}, spent[] = {40, 24, 24, 12};
        const double spent_s = after_pilot_s(needs, spent, 4);
        duet_plan_again(needs, 4, budget_s, blocks);
        CU_ASSERT(blocks[0] == 40 && blocks[1] >= 24 && blocks[2] >= 24 && blocks[3] == 12);
        CU_ASSERT(after_pilot_s(needs, blocks, 4) <= fmax(budget_s, spent_s));
        CU_ASSERT(blocks[1] == 88 || blocks[1] == blocks[2]);
    }
    unsigned blocks[] = {40, 24, 24, 12};
    duet_plan_again(needs, 4, INFINITY, blocks);
    CU_ASSERT(blocks[0] == 40 && blocks[1] == 88 && blocks[2] == DUET_BLOCKS_MOST && blocks[3] == 12);
}

/* Played until so many are sound, whatever share of them is spoiled; whole fours, and never one too few. */
static void made_up_for(void)
{
    CU_ASSERT_EQUAL(duet_plan_more(24, 24), 0);
    CU_ASSERT_EQUAL(duet_plan_more(24, 30), 0);
    CU_ASSERT_EQUAL(duet_plan_more(24, 23), DUET_BALANCE);
    CU_ASSERT_EQUAL(duet_plan_more(24, 7), 20);
    CU_ASSERT_EQUAL(duet_plan_more(24, 0), 24);
}

/* Twelve pairs of two seconds each; the first `spoiled` of them are. */
static void make_pairs(struct duet_cell *cell, struct pair *pairs, unsigned spoiled)
{
    for (unsigned i = 0; i < 12; i++)
        pairs[i] = (struct pair){.block = i + 1, .attempt = 1, .elapsed_s = 2, .steal_s = i < spoiled ? 1 : 0};
    cell->pairs = pairs;
    cell->pair_count = 12;
}

/* For the second measurement of what has no first verdict, nothing needs to be kept. */
static void reserve(void)
{
    static struct pair pairs[2][12];
    const struct request request = {.workload = workloads[0], .parameters = {.workers = 1, .chunk = 1}};
    struct entry entries[2] = {{.settled = true, .request = request}, {.settled = true, .request = request}};
    struct plan plan = {.entries = entries, .count = 2};
    struct cell about[2] = {{.status = CELL_PENDING}, {.status = CELL_PENDING}};
    struct duet_cell cells[2] = {{.blocks_planned = 12}, {.blocks_planned = 12}};
    struct duet duet = {.about = {.cells = about, .cell_count = 2}, .cells = cells};
    double pair_s[2] = {24, 24};
    struct duet_state state = {.pair_s = pair_s, .units = 1};
    struct duet_run run = {.plan = &plan, .duet = &duet, .criteria = &criteria_default, .state = &state};
    make_pairs(&cells[0], pairs[0], 0);
    make_pairs(&cells[1], pairs[1], 1);
    CU_ASSERT(duet_sound(&run, 0, false) == 12 && duet_sound(&run, 1, false) == 11);
    CU_ASSERT_EQUAL(duet_sound(&run, 0, true), 0);
    CU_ASSERT_DOUBLE_EQUAL(duet_reserve_s(&run), 80, 1);
    state.spending = true;
    CU_ASSERT_DOUBLE_EQUAL(duet_reserve_s(&run), 40, 1);
    make_pairs(&cells[0], pairs[0], 2);
    CU_ASSERT_EQUAL(duet_reserve_s(&run), 0);
}

static void orders(void)
{
    unsigned same = 0;
    for (size_t cell = 0; cell < 12; cell++)
        for (unsigned four = 0; four < 50; four++) {
            unsigned first = 0;
            for (unsigned i = 1; i <= DUET_BALANCE; i++) {
                first += duet_plan_order(5, cell, four * DUET_BALANCE + i);
                same += duet_plan_order(5, cell, four * DUET_BALANCE + i) == duet_plan_order(5, cell + 1, four * 4 + i);
            }
            CU_ASSERT_EQUAL(first, DUET_BALANCE / 2);
        }
    CU_ASSERT(same > 1000 && same < 1400); /* of 2400: cells are independent of each other */
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "duet plan: the spread of a pilot", .run = spread},
        {.name = "duet plan: blocks that a cell wants", .run = wanted},
        {.name = "duet plan: what the budget holds", .run = sharing_out},
        {.name = "duet plan: looking again", .run = looking_again},
        {.name = "duet plan: what is spoiled is made up for", .run = made_up_for},
        {.name = "duet plan: what is kept for a second measurement", .run = reserve},
        {.name = "duet plan: both orders equally often", .run = orders},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
