/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * replay_noise.c - what a recording tells of each cell: its floor, the slowdown that is caught, how sessions differ. */
#include "reports/replay.h"

#include "reports/replay_tape.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#define SHARE            0.95
#define NEVER            10 /* a slowdown, in logarithms, that stands for none: finite, so that quantiles stay numbers */
#define INTERQUARTILE_SD 0.7413 /* of a normal distribution, in interquartile ranges */
#define ALIKE            1e-12  /* of variances of logarithms: such values were not measured */
#define NORMAL_SHARE     1.96   /* standard deviations within which SHARE of a normal distribution lies */

/* --- over all stretches ------------------------------------------------------------------------------------------ */

/* Of each tape a number per stretch. */
struct gathered {
    double *values; /* [tapes][room] */
    size_t room;
    size_t count; /* of each */
};

/* One number of one tape, of the stretch that begins at `from`, whose first stage ends before the block `later`;
 * reel->taken is of this stretch. */
typedef double number_fn(struct reel *, const struct gate_shape *, size_t tape, unsigned from, unsigned later);

/* `more` blocks must follow each stretch. */
static int gather(struct gathered *all, struct reel *reel, const struct gate_shape *shape, unsigned more,
                  number_fn *number)
{
    if (!all->values) {
        all->room = 2 * (size_t)reel->blocks + 1; /* as it is, and exchanged */
        all->values = calloc(reel->count * all->room + 1, sizeof *all->values);
        if (!all->values)
            return -1;
    }
    for (unsigned from = 0; from < reel->blocks; from++) {
        unsigned later = reel_take(reel, shape, from);
        if (later == 0 || more > reel->blocks - later)
            continue;
        for (size_t i = 0; i < reel->count; i++)
            all->values[i * all->room + all->count] = number(reel, shape, i, from, later);
        all->count++;
    }
    return 0;
}

/* The quantile of each tape's numbers as a ratio - 1, into the cell's place. */
static void settle(const struct gathered *all, const struct reel *reel, double *cells)
{
    for (size_t i = 0; i < reel->count; i++)
        cells[reel->tapes[i].cell] = expm1(statistics_quantile(all->values + i * all->room, all->count, SHARE));
}

static void clear(double *cells, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cells[i] = NAN;
}

/* --- floors ------------------------------------------------------------------------------------------------------ */

static double blocks_taken(struct reel *reel, const struct gate_shape *shape, size_t tape, unsigned from,
                           unsigned later)
{
    (void)shape, (void)from, (void)later;
    return reel->taken[tape];
}

/* Of medians whose squares sum to `squares`, `count` of which overlap and `independent` do not: within which SHARE of
 * them lie, at most, were they normal. The variance's upper bound is chi-square's, about no difference, since
 * both sides are one build. */
static double bounded(double squares, size_t count, unsigned independent)
{
    double chi = gsl_cdf_chisq_Pinv(1 - FLOOR_CONFIDENCE, independent);
    return NORMAL_SHARE * sqrt(squares / (double)count * independent / chi);
}

/* Over all stretches of basis->blocks. Short ones scatter more, so that a floor learned from them errs upwards. */
static double floor_of(struct reel *reel, const struct tape *tape, double *medians, struct floor_basis *basis)
{
    size_t count = 0;
    unsigned free_from = 0;
    double squares = 0;
    for (unsigned from = 0; from + basis->blocks <= reel->blocks; from++) {
        double median = statistics_median(reel->scratch, tape_sound(tape, from, basis->blocks, reel->scratch));
        if (!isfinite(median))
            continue;
        squares += median * median;
        medians[count++] = fabs(median);
        if (from >= free_from) {
            basis->stretches++;
            free_from = from + basis->blocks;
        }
    }
    if (basis->stretches < FLOOR_STRETCHES_LEAST)
        return NAN;
    return expm1(fmax(statistics_quantile(medians, count, SHARE), bounded(squares, count, basis->stretches)));
}

int replay_floors(const struct duet *duet, const struct gate_shape *shape, double *floors, struct floor_basis *bases)
{
    struct reel reel;
    const unsigned shortest = (unsigned)shape->criteria->blocks_least;
    struct gathered taken = {.values = NULL};
    double *medians = NULL;
    int result = -1;
    clear(floors, duet->about.cell_count);
    for (size_t i = 0; i < duet->about.cell_count; i++)
        bases[i] = (struct floor_basis){.stretches = 0};
    if (reel_wind(&reel, duet, shape, (struct change){.stretched = 0}) || gather(&taken, &reel, shape, 0, blocks_taken))
        goto done;
    medians = calloc((size_t)reel.blocks + 1, sizeof *medians);
    if (!medians)
        goto done;
    result = 0;
    for (size_t i = 0; i < reel.count && taken.count > 0; i++) {
        size_t cell = reel.tapes[i].cell;
        unsigned usual = (unsigned)statistics_median(taken.values + i * taken.room, taken.count);
        unsigned share = reel.blocks / FLOOR_STRETCHES;
        share = share > shortest ? share : shortest;
        bases[cell].blocks = usual < share ? usual : share;
        floors[cell] = floor_of(&reel, &reel.tapes[i], medians, &bases[cell]);
    }
done:
    free(taken.values);
    free(medians);
    reel_free(&reel);
    return result;
}

/* --- slowdowns that are caught ----------------------------------------------------------------------------------- */

static int falling(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* By how much (in logarithms) these must grow, so that enough of them exceed the margin. */
static double lacking(double *values, size_t count, double margin, double alpha)
{
    size_t needed = statistics_count_needed(count, alpha);
    if (needed > count || needed == 0)
        return NEVER;
    qsort(values, count, sizeof *values, falling);
    return fmax(margin - values[needed - 1], 0);
}

static size_t all_of(const struct tape *tape, unsigned from, unsigned count, double *values)
{
    const struct evidence seen = tape_evidence(tape, from, count);
    size_t n = 0;
    for (size_t i = 0; i < seen.count; i++)
        if (isfinite(seen.blocks[i].worse))
            values[n++] = seen.blocks[i].worse;
    return n;
}

/* In these blocks, with the spoiled ones and without. */
static double caught_in(struct reel *reel, const struct tape *tape, unsigned from, unsigned blocks, size_t least,
                        double margin, double alpha)
{
    size_t count = tape_sound(tape, from, blocks, reel->scratch);
    if (count < least)
        return NEVER;
    double sound = lacking(reel->scratch, count, margin, alpha);
    count = all_of(tape, from, blocks, reel->scratch);
    return fmax(sound, lacking(reel->scratch, count, margin, alpha));
}

/* In the first stage among all cells, in the second alone. */
static double caught(struct reel *reel, const struct gate_shape *shape, size_t tape, unsigned from, unsigned later)
{
    const struct tape *t = &reel->tapes[tape];
    const struct criteria *c = shape->criteria;
    double margin = log1p(fmax(c->margin, isfinite(t->floor) ? FLOOR_FACTOR * t->floor : 0));
    size_t again = c->confirm_blocks < c->blocks_least ? c->confirm_blocks : c->blocks_least;
    double first = caught_in(reel, t, from, reel->taken[tape], c->blocks_least, margin, c->alpha / (double)reel->count);
    return fmax(first, caught_in(reel, t, later, (unsigned)c->confirm_blocks, again, margin, c->alpha));
}

int replay_caught(const struct duet *duet, const struct gate_shape *shape, double *slowdowns)
{
    struct reel reels[2] = {{.tapes = NULL}, {.tapes = NULL}};
    struct gathered all = {.values = NULL};
    int got = 0;
    clear(slowdowns, duet->about.cell_count);
    for (int exchanged = 0; got == 0 && exchanged < 2; exchanged++)
        got = reel_wind(&reels[exchanged], duet, shape, (struct change){.exchanged = exchanged}) ||
              gather(&all, &reels[exchanged], shape, (unsigned)shape->criteria->confirm_blocks, caught);
    if (!got)
        settle(&all, &reels[0], slowdowns);
    for (size_t i = 0; i < duet->about.cell_count; i++)
        if (!(slowdowns[i] <= CAUGHT_MOST))
            slowdowns[i] = NAN;
    reel_free(&reels[0]);
    reel_free(&reels[1]);
    free(all.values);
    return got ? -1 : 0;
}

/* --- how single pairs scatter ------------------------------------------------------------------------------------ */

static double robust_sd(const double *values, size_t count)
{
    if (count < STATISTICS_LEAST)
        return NAN;
    return INTERQUARTILE_SD * (statistics_quantile(values, count, 0.75) - statistics_quantile(values, count, 0.25));
}

int replay_scatter(const struct duet *duet, struct scatter *scatter)
{
    struct reel reel;
    for (size_t i = 0; i < duet->about.cell_count; i++)
        scatter[i] = (struct scatter){.sd = NAN, .lag1 = NAN};
    int got = reel_wind(&reel, duet, NULL, (struct change){.stretched = 0});
    for (size_t i = 0; got == 0 && i < reel.count; i++) {
        struct scatter *s = &scatter[reel.tapes[i].cell];
        const struct evidence seen = tape_evidence(&reel.tapes[i], 0, reel.blocks);
        size_t count = tape_sound(&reel.tapes[i], 0, reel.blocks, reel.scratch);
        s->pairs = (unsigned)seen.count;
        for (size_t k = 0; k < seen.count; k++)
            s->spoiled += seen.blocks[k].spoiled;
        s->sd = robust_sd(reel.scratch, count);
        s->lag1 = statistics_lag1(reel.scratch, count);
    }
    reel_free(&reel);
    return got ? -1 : 0;
}

/* --- sessions ---------------------------------------------------------------------------------------------------- */

/* ln of the base's value in the sound pairs of these blocks. */
static size_t values_of(const struct duet *duet, size_t cell, const struct span *span, double *values)
{
    const struct duet_cell *of = &duet->cells[cell];
    const unsigned units = duet_units(duet);
    size_t count = 0;
    for (size_t i = 0; i < of->pair_count; i++) {
        const struct pair *pair = &of->pairs[i];
        double value = pair->trials[ARM_BASE].value;
        if (!pair->confirming && span_holds(span, pair) && pair_counts(of, pair) && value > 0 &&
            !pair_spoiled(pair, units))
            values[count++] = log(value);
    }
    return count;
}

static double variance(const double *values, unsigned count)
{
    double mean = 0, sum = 0;
    for (unsigned i = 0; i < count; i++)
        mean += values[i] / count;
    for (unsigned i = 0; i < count; i++)
        sum += (values[i] - mean) * (values[i] - mean);
    return sum / (count - 1);
}

/* `medians` has room for every session. */
static void sessions_of(const struct duet *duet, size_t cell, unsigned blocks, double *values, double *medians,
                        double *sd, unsigned *sessions)
{
    const struct span all = replay_span(duet);
    unsigned used = 0;
    for (unsigned s = 0; s < all.blocks / blocks; s++) {
        const struct span session = {.first = all.first + s * blocks, .blocks = blocks};
        size_t count = values_of(duet, cell, &session, values);
        if (count >= STATISTICS_LEAST)
            medians[used++] = statistics_median(values, count);
    }
    if (used < SESSIONS_LEAST)
        return;
    double seen = variance(medians, used);
    *sessions = used;
    *sd = seen > ALIKE ? sqrt(seen) : NAN;
}

int replay_sessions(const struct duet *duet, unsigned blocks, double *sd, unsigned *sessions)
{
    size_t most = 0;
    for (size_t i = 0; i < duet->about.cell_count; i++) {
        sd[i] = NAN;
        sessions[i] = 0;
        most = duet->cells[i].pair_count > most ? duet->cells[i].pair_count : most;
    }
    double *values = calloc(most + 1, sizeof *values), *medians = calloc(most + 1, sizeof *medians);
    for (size_t i = 0; values && medians && blocks > 0 && i < duet->about.cell_count; i++)
        if (duet->cells[i].pair_count > 0)
            sessions_of(duet, i, blocks, values, medians, &sd[i], &sessions[i]);
    int got = values && medians ? 0 : -1;
    free(values);
    free(medians);
    return got;
}
