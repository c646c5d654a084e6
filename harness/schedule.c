/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * schedule.c - shuffling blocks and fitting them into a budget. */
#include "harness/schedule.h"
#include "harness/clock.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#define BESIDE_S 0.016 /* a trial's start, wake-up probes, proofs and end */

/* Neighbouring seeds and blocks must not give related orders: the finaliser of SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void schedule_shuffle(size_t *order, size_t count, uint64_t seed, unsigned block)
{
    gsl_rng *rng = count > 1 ? gsl_rng_alloc(gsl_rng_mt19937) : NULL;
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    if (!rng)
        return;
    gsl_rng_set(rng, mix(seed + UINT64_C(0x9e3779b97f4a7c15) * block) & 0xffffffff);
    gsl_ran_shuffle(rng, order, count, sizeof *order);
    gsl_rng_free(rng);
}

unsigned schedule_warmups(const struct effort *e)
{
    int64_t asked = (e->warmup_ns + e->window_ns - 1) / e->window_ns, windows = asked > 0 ? asked : 1;
    if (e->cold)
        return 0;
    return windows < WARMUPS_MOST ? (unsigned)windows : WARMUPS_MOST;
}

double schedule_trial_s(const struct effort *e, double operation_s)
{
    double window_s = clock_seconds(e->window_ns);
    double longer = operation_s > window_s ? operation_s : window_s;
    return (e->windows + schedule_warmups(e)) * longer + BESIDE_S;
}

unsigned schedule_blocks(const struct effort *e, double block_s, double once_s, bool *fits)
{
    *fits = true;
    if (e->blocks)
        return e->blocks;
    if (e->budget_s <= 0)
        return BLOCKS_LEAST;
    double fit = (e->budget_s - once_s) / block_s;
    unsigned most = e->most ? e->most : BLOCKS_MOST;
    *fits = fit >= BLOCKS_LEAST;
    return fit < BLOCKS_LEAST ? BLOCKS_LEAST : fit > most ? most : (unsigned)fit;
}

bool schedule_goes_on(const struct effort *e, unsigned done, unsigned planned, double elapsed_s, double block_s)
{
    if (done >= planned)
        return false;
    if (e->blocks || e->budget_s <= 0 || done < BLOCKS_LEAST)
        return true;
    return elapsed_s + block_s <= e->budget_s;
}
