/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * replay_tape.c - winding a recording: pairs sorted by block, each turned into what a verdict looks at. */
#include "reports/replay_tape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- which pairs ------------------------------------------------------------------------------------------------- */

static bool usable(const struct duet *duet, size_t cell, const struct pair *pair)
{
    return !pair->confirming && pair_counts(&duet->cells[cell], pair) &&
           !isnan(pair_worse(&duet->about.cells[cell], pair));
}

/* From the first block that it has a pair of to the last before a gap. Pairs stand in the order in which they were
 * measured, so that a number that jumps is such a gap, whatever it claims. */
static struct span span_of(const struct duet *duet, size_t cell)
{
    const struct duet_cell *of = &duet->cells[cell];
    struct span span = {.blocks = 0};
    if (of->status[ARM_BASE] != SIDE_OK || of->status[ARM_CANDIDATE] != SIDE_OK)
        return span;
    for (size_t i = 0; i < of->pair_count; i++) {
        const struct pair *pair = &of->pairs[i];
        if (!usable(duet, cell, pair) || (span.blocks && pair->block < span.first))
            continue;
        if (span.blocks == 0)
            span.first = pair->block;
        if (pair->block - span.first > span.blocks)
            break;
        if (pair->block - span.first == span.blocks)
            span.blocks++;
    }
    return span;
}

struct span replay_span(const struct duet *duet)
{
    struct span all = {.blocks = 0};
    unsigned end = 0; /* of the last block that all have; the next one might be no number */
    for (size_t i = 0; i < duet->about.cell_count; i++) {
        const struct span span = span_of(duet, i);
        if (span.blocks == 0)
            continue;
        const unsigned last = span.first + (span.blocks - 1);
        all.first = span.first > all.first ? span.first : all.first;
        end = end == 0 || last < end ? last : end;
    }
    all.blocks = end && all.first <= end ? end - all.first + 1 : 0;
    return all;
}

bool span_holds(const struct span *span, const struct pair *pair)
{
    return pair->block >= span->first && pair->block - span->first < span->blocks;
}

/* --- winding ----------------------------------------------------------------------------------------------------- */

static struct observation observe(const struct cell *cell, const struct pair *pair, unsigned units,
                                  struct change change)
{
    double worse = pair_worse(cell, pair);
    return (struct observation){
        .worse = (change.exchanged ? -worse : worse) + log1p(change.stretched),
        .candidate_first = pair->candidate_first != change.exchanged,
        .spoiled = pair_spoiled(pair, units) != NULL,
    };
}

/* Sorts by counting, so that slots of one block keep the order in which they were measured. */
static int wind(struct tape *tape, const struct duet *duet, const struct span *span, struct change change)
{
    const struct cell *cell = &duet->about.cells[tape->cell];
    const struct duet_cell *pairs = &duet->cells[tape->cell];
    unsigned units = duet_units(duet);
    tape->seen = calloc(pairs->pair_count + 1, sizeof *tape->seen);
    tape->start = calloc((size_t)span->blocks + 2, sizeof *tape->start);
    if (!tape->seen || !tape->start)
        return -1;
    for (size_t i = 0; i < pairs->pair_count; i++)
        if (usable(duet, tape->cell, &pairs->pairs[i]) && span_holds(span, &pairs->pairs[i]))
            tape->start[pairs->pairs[i].block - span->first + 2]++;
    for (size_t b = 1; b <= (size_t)span->blocks + 1; b++)
        tape->start[b] += tape->start[b - 1];
    for (size_t i = 0; i < pairs->pair_count; i++) {
        const struct pair *pair = &pairs->pairs[i];
        if (usable(duet, tape->cell, pair) && span_holds(span, pair))
            tape->seen[tape->start[pair->block - span->first + 1]++] = observe(cell, pair, units, change);
    }
    return 0;
}

int reel_wind(struct reel *reel, const struct duet *duet, const struct gate_shape *shape, struct change change)
{
    size_t longest = 0, cells = duet->about.cell_count;
    const struct span span = replay_span(duet);
    *reel = (struct reel){.tapes = calloc(cells + 1, sizeof *reel->tapes), .blocks = span.blocks};
    reel->taken = calloc(cells + 1, sizeof *reel->taken);
    reel->pilots = calloc(cells + 1, sizeof *reel->pilots);
    reel->cells = calloc(cells + 1, sizeof *reel->cells);
    if (!reel->tapes || !reel->taken || !reel->pilots || !reel->cells)
        return -1;
    for (size_t i = 0; i < cells; i++) {
        if (span_of(duet, i).blocks == 0)
            continue;
        struct tape *tape = &reel->tapes[reel->count++];
        tape->cell = reel->cells[reel->count - 1] = i;
        tape->floor = shape && shape->floors ? shape->floors[i] : NAN;
        if (wind(tape, duet, &span, change))
            return -1;
        if (duet->cells[i].pair_count > longest)
            longest = duet->cells[i].pair_count;
    }
    reel->scratch = calloc(longest + 1, sizeof *reel->scratch);
    return reel->scratch ? 0 : -1;
}

void reel_free(struct reel *reel)
{
    for (size_t i = 0; i < reel->count; i++) {
        free(reel->tapes[i].seen);
        free(reel->tapes[i].start);
    }
    free(reel->tapes);
    free(reel->taken);
    free(reel->pilots);
    free(reel->cells);
    free(reel->scratch);
    memset(reel, 0, sizeof *reel);
}

/* --- slices ------------------------------------------------------------------------------------------------------ */

struct evidence tape_evidence(const struct tape *tape, unsigned from, unsigned count)
{
    size_t first = tape->start[from];
    return (struct evidence){
        .blocks = tape->seen + first,
        .count = tape->start[from + count] - first,
        .floor = tape->floor,
        .fault = VERDICT_INCONCLUSIVE,
    };
}

size_t tape_sound(const struct tape *tape, unsigned from, unsigned count, double *values)
{
    const struct evidence all = tape_evidence(tape, from, count);
    size_t sound = 0;
    for (size_t i = 0; i < all.count; i++)
        if (!all.blocks[i].spoiled && isfinite(all.blocks[i].worse))
            values[sound++] = all.blocks[i].worse;
    return sound;
}

static unsigned longest(const struct reel *reel)
{
    unsigned most = 0;
    for (size_t i = 0; i < reel->count; i++)
        most = reel->taken[i] > most ? reel->taken[i] : most;
    return most;
}

static void look_again(struct reel *reel, const struct gate_shape *shape, unsigned from)
{
    for (size_t i = 0; i < reel->count; i++)
        reel->pilots[i] = tape_evidence(&reel->tapes[i], from, reel->taken[i]);
    shape->plan_again(shape->with, reel->pilots, reel->cells, reel->count, reel->taken);
}

unsigned reel_take(struct reel *reel, const struct gate_shape *shape, unsigned from)
{
    unsigned least = shape->plan ? shape->pilot : shape->blocks;
    if (least == 0 || least > reel->blocks || from > reel->blocks - least)
        return 0;
    for (size_t i = 0; i < reel->count; i++) {
        reel->pilots[i] = tape_evidence(&reel->tapes[i], from, least);
        reel->taken[i] = least;
    }
    if (shape->plan)
        shape->plan(shape->with, reel->pilots, reel->cells, reel->count, reel->taken);
    if (shape->plan_again && longest(reel) <= reel->blocks - from)
        look_again(reel, shape, from);
    return longest(reel) <= reel->blocks - from ? from + longest(reel) : 0;
}
