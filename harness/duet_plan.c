/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet_plan.c - see duet_plan.h. */
#include "harness/duet_plan.h"

#include "harness/schedule.h"
#include "reports/statistics.h"

#include <math.h>
#include <stdlib.h>

#define MAD_TO_SD    1.4826
#define MEDIAN_ERROR 1.2533 /* sqrt(pi / 2): of a median beside a mean, for a normal distribution */
#define QUANTILE     1.96
#define PRECISION    0.4 /* half an interval, in margins */
#define HALVINGS     30

double duet_plan_spread(const struct observation *seen, size_t count)
{
    double *values = calloc(count + 1, sizeof *values), spread = NAN;
    size_t sound = 0;
    for (size_t i = 0; values && i < count; i++)
        if (!seen[i].spoiled && isfinite(seen[i].worse))
            values[sound++] = seen[i].worse;
    if (sound > 0) {
        double middle = statistics_median(values, sound);
        for (size_t i = 0; i < sound; i++)
            values[i] = fabs(values[i] - middle);
        spread = MAD_TO_SD * statistics_median(values, sound);
    }
    free(values);
    return spread;
}

static unsigned balanced(double blocks)
{
    return (unsigned)ceil(blocks / DUET_BALANCE) * DUET_BALANCE;
}

unsigned duet_plan_wanted(const struct duet_need *need)
{
    double half = PRECISION * log1p(need->margin);
    double root = QUANTILE * MEDIAN_ERROR * need->spread / half, blocks = root * root;
    if (!isfinite(blocks) || blocks > DUET_BLOCKS_MOST)
        return isnan(blocks) ? DUET_BLOCKS_LEAST : DUET_BLOCKS_MOST;
    return blocks < DUET_BLOCKS_LEAST ? DUET_BLOCKS_LEAST : balanced(blocks);
}

/* A share of what is wanted, but at least `least`, of those that go on; returns what comes after the pilot, seconds. */
static double allot(const struct duet_need *needs, size_t count, double share, unsigned least, unsigned *blocks)
{
    double total_s = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned wanted = duet_plan_wanted(&needs[i]), some = balanced(floor(share * wanted));
        blocks[i] = some > wanted ? wanted : some < least ? least : some;
        if (!needs[i].going_on || blocks[i] < DUET_PILOT)
            blocks[i] = DUET_PILOT;
        total_s += (blocks[i] - DUET_PILOT) * needs[i].pair_s;
    }
    return total_s;
}

void duet_plan_blocks(const struct duet_need *needs, size_t count, double budget_s, unsigned *blocks)
{
    unsigned least = DUET_BLOCKS_LEAST;
    double fits = 0, too_much = 1;
    if (allot(needs, count, 1, least, blocks) <= budget_s)
        return;
    while (least > DUET_PILOT && allot(needs, count, 0, least, blocks) > budget_s)
        least -= DUET_BALANCE;
    for (int i = 0; i < HALVINGS; i++) {
        double share = (fits + too_much) / 2;
        if (allot(needs, count, share, least, blocks) <= budget_s)
            fits = share;
        else
            too_much = share;
    }
    allot(needs, count, fits, least, blocks);
}

static bool lacks(const struct duet_need *need, unsigned blocks)
{
    return need->going_on && blocks < duet_plan_wanted(need);
}

void duet_plan_again(const struct duet_need *needs, size_t count, double budget_s, unsigned *blocks)
{
    double left_s = budget_s;
    for (size_t i = 0; i < count; i++)
        left_s -= (blocks[i] - DUET_PILOT) * needs[i].pair_s;
    for (;;) {
        double turn_s = 0;
        size_t some = 0;
        for (size_t i = 0; i < count; i++)
            if (lacks(&needs[i], blocks[i])) {
                turn_s += needs[i].pair_s;
                some++;
            }
        if (some == 0 || turn_s > left_s)
            return;
        for (size_t i = 0; i < count; i++)
            blocks[i] += lacks(&needs[i], blocks[i]);
        left_s -= turn_s;
    }
}

unsigned duet_plan_more(unsigned wanted, size_t sound)
{
    return sound < wanted ? balanced((double)(wanted - sound)) : 0;
}

bool duet_plan_order(uint64_t seed, size_t cell, unsigned block)
{
    size_t order[DUET_BALANCE];
    /* Apart from the order of cells, which is drawn from the same seed. */
    schedule_shuffle(order, DUET_BALANCE, ~seed ^ (uint64_t)cell << 32, (block - 1) / DUET_BALANCE);
    return order[(block - 1) % DUET_BALANCE] % 2;
}
