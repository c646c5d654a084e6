/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_schedule.c - the order of trials, and how many blocks a budget holds.
 *
 * Seeds are fixed, so that what is said of chance here either always holds or never does. */
#include "harness/schedule.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <string.h>

#define ITEMS 8
#define SEEDS 4000

static void permutation(void)
{
    size_t order[257];
    for (size_t count = 0; count <= 256; count += count < 3 ? 1 : 23) {
        bool seen[257] = {false};
        order[count] = 4711;
        schedule_shuffle(order, count, 42, 1);
        for (size_t i = 0; i < count; i++) {
            CU_ASSERT_FATAL(order[i] < count);
            CU_ASSERT_FALSE(seen[order[i]]);
            seen[order[i]] = true;
        }
        CU_ASSERT_EQUAL(order[count], 4711);
    }
}

static void repeatable(void)
{
    size_t one[64], again[64], other[64];
    for (unsigned block = 1; block <= 6; block++) {
        schedule_shuffle(one, 64, 7, block);
        schedule_shuffle(again, 64, 7, block);
        CU_ASSERT_EQUAL(memcmp(one, again, sizeof one), 0);
        schedule_shuffle(other, 64, 8, block);
        CU_ASSERT_NOT_EQUAL(memcmp(one, other, sizeof one), 0);
        schedule_shuffle(other, 64, 7, block + 1);
        CU_ASSERT_NOT_EQUAL(memcmp(one, other, sizeof one), 0);
    }
    schedule_shuffle(one, 64, 0, 1);
    schedule_shuffle(other, 64, UINT64_MAX, 1);
    CU_ASSERT_NOT_EQUAL(memcmp(one, other, sizeof one), 0);
}

/* Each of n items at each of n positions about equally often: the squared deviations from it, over what is expected,
 * add up to about (n-1)^2 = 49 with a standard deviation of 10. */
static double unevenness(unsigned counts[ITEMS][ITEMS])
{
    const double expected = (double)SEEDS / ITEMS;
    double sum = 0;
    for (size_t i = 0; i < ITEMS; i++)
        for (size_t k = 0; k < ITEMS; k++)
            sum += (counts[i][k] - expected) * (counts[i][k] - expected) / expected;
    return sum;
}

static void even(void)
{
    unsigned by_seed[ITEMS][ITEMS] = {{0}}, by_block[ITEMS][ITEMS] = {{0}}, next[ITEMS][ITEMS] = {{0}};
    size_t order[ITEMS], later[ITEMS];
    for (unsigned i = 0; i < SEEDS; i++) {
        schedule_shuffle(order, ITEMS, i, 1);
        for (size_t k = 0; k < ITEMS; k++)
            by_seed[order[k]][k]++;
        schedule_shuffle(order, ITEMS, 1, i);
        schedule_shuffle(later, ITEMS, 1, i + 1);
        for (size_t k = 0; k < ITEMS; k++) {
            by_block[order[k]][k]++;
            next[order[k]][later[k]]++;
        }
    }
    CU_ASSERT(unevenness(by_seed) < 90);
    CU_ASSERT(unevenness(by_block) < 90);
    CU_ASSERT(unevenness(next) < 90);
}

/* --- effort ------------------------------------------------------------------------------------------------------ */

static const struct effort usual = {.windows = 8, .window_ns = 10000000, .warmup_ns = 20000000};

static void trials(void)
{
    struct effort e = usual;
    CU_ASSERT_EQUAL(schedule_warmups(&e), 2);
    e.warmup_ns = 0;
    CU_ASSERT_EQUAL(schedule_warmups(&e), 1);
    e.warmup_ns = 1;
    CU_ASSERT_EQUAL(schedule_warmups(&e), 1);
    e.warmup_ns = 10000001;
    CU_ASSERT_EQUAL(schedule_warmups(&e), 2);
    e.window_ns = 1000;
    e.warmup_ns = INT64_C(3600000000000);
    CU_ASSERT_EQUAL(schedule_warmups(&e), WARMUPS_MOST);
    double beside_s = schedule_trial_s(&usual, 0) - 0.1;
    CU_ASSERT(beside_s > 0 && beside_s < 0.05);
    CU_ASSERT_DOUBLE_EQUAL(schedule_trial_s(&usual, 0.005), 0.1 + beside_s, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(schedule_trial_s(&usual, 2), 20 + beside_s, 1e-9);
}

static unsigned blocks(double budget_s, double block_s, double once_s, bool fits_expected)
{
    struct effort e = usual;
    bool fits = !fits_expected;
    e.budget_s = budget_s;
    unsigned n = schedule_blocks(&e, block_s, once_s, &fits);
    CU_ASSERT_EQUAL(fits, fits_expected);
    return n;
}

static void budget(void)
{
    struct effort e = usual;
    bool fits = false;
    CU_ASSERT_EQUAL(blocks(0, 5, 1, true), BLOCKS_LEAST);
    CU_ASSERT_EQUAL(blocks(60, 5, 0, true), 12);
    CU_ASSERT_EQUAL(blocks(60, 5, 6, true), 10);
    CU_ASSERT_EQUAL(blocks(30, 5, 0, true), 6);
    CU_ASSERT_EQUAL(blocks(29, 5, 0, false), BLOCKS_LEAST);
    CU_ASSERT_EQUAL(blocks(1, 5, 10, false), BLOCKS_LEAST);
    CU_ASSERT_EQUAL(blocks(3600, 1, 0, true), BLOCKS_MOST);
    CU_ASSERT_EQUAL(blocks(10, 0, 0, true), BLOCKS_MOST);
    /* what was asked for wins, below 6 too */
    e.blocks = 1;
    e.budget_s = 3600;
    CU_ASSERT_EQUAL(schedule_blocks(&e, 1, 0, &fits), 1);
    CU_ASSERT_TRUE(fits);
    e.blocks = 100;
    e.budget_s = 1;
    CU_ASSERT_EQUAL(schedule_blocks(&e, 1, 0, &fits), 100);
}

static void goes_on(void)
{
    struct effort e = usual;
    CU_ASSERT_TRUE(schedule_goes_on(&e, 5, 6, 1000, 1000));
    CU_ASSERT_FALSE(schedule_goes_on(&e, 6, 6, 0, 0));
    e.budget_s = 60;
    CU_ASSERT_TRUE(schedule_goes_on(&e, 5, 12, 100, 20)); /* never fewer than 6 */
    CU_ASSERT_FALSE(schedule_goes_on(&e, 6, 12, 100, 20));
    CU_ASSERT_FALSE(schedule_goes_on(&e, 6, 12, 55, 10));
    CU_ASSERT_TRUE(schedule_goes_on(&e, 6, 12, 50, 10));
    CU_ASSERT_FALSE(schedule_goes_on(&e, 12, 12, 1, 1));
    e.blocks = 12;
    CU_ASSERT_TRUE(schedule_goes_on(&e, 6, 12, 1000, 10));
}

int main(int argc, char **argv)
{
    const struct test tests[] = {
        {.name = "schedule: a permutation of any length", .run = permutation},
        {.name = "schedule: the seed decides the order", .run = repeatable},
        {.name = "schedule: every position is equally likely", .run = even},
        {.name = "schedule: what a trial takes", .run = trials},
        {.name = "schedule: blocks that a budget holds", .run = budget},
        {.name = "schedule: whether another block begins", .run = goes_on},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
