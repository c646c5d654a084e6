/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * calibrate.c - see calibrate.h. */
#include "harness/calibrate.h"

#include "harness/duet_plan.h"
#include "reports/replay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SESSION_S         60 /* a stretch that stands for a run */
#define CONFIDENCE        0.95
#define INDEPENDENT_LEAST 2 /* gates; else the wildest cells get fewer blocks than live */

static const double handicaps[] = {0.03, 0.04, 0.05, 0.10};

/* How fast the recording went, and what follows for a gate. */
struct pace {
    double *slot_s; /* of each cell of the duet: a block of it, with what had to be repeated; 0: not measured */
    struct duet_need *needs;
    double opening_s, block_s; /* until the first pair; of a block of all cells */
    double reserve_s;          /* for the second measurement */
    double left_s;             /* of a gate, after its pilot */
    unsigned cap;              /* blocks that no cell gets more of */
    const struct criteria *criteria;
};

/* --- pace -------------------------------------------------------------------------------------------------------- */

/* Over the blocks that can be replayed; one that failed on the way, over those that it has. */
static double slot_of(const struct duet_cell *cell, const struct span *span, double *opening_s)
{
    double sum_s = 0;
    unsigned blocks = 0;
    for (size_t i = 0; i < cell->pair_count; i++) {
        const struct pair *pair = &cell->pairs[i];
        if (pair->confirming)
            continue;
        if (pair->started_s < *opening_s)
            *opening_s = pair->started_s;
        if (!span_holds(span, pair))
            continue;
        sum_s += isfinite(pair->elapsed_s) ? pair->elapsed_s : 0;
        blocks = pair->block - span->first + 1 > blocks ? pair->block - span->first + 1 : blocks;
    }
    return blocks ? sum_s / blocks : 0;
}

static int pace_make(struct pace *pace, const struct duet *duet, double gate_s, const struct criteria *criteria)
{
    const size_t count = duet->about.cell_count;
    const struct span span = replay_span(duet);
    double dearest_s = 0;
    *pace = (struct pace){
        .slot_s = calloc(count + 1, sizeof *pace->slot_s),
        .needs = calloc(count + 1, sizeof *pace->needs),
        .opening_s = INFINITY,
        .criteria = criteria,
        .cap = DUET_BLOCKS_MOST,
    };
    if (!pace->slot_s || !pace->needs)
        return -1;
    for (size_t i = 0; i < count; i++) {
        pace->slot_s[i] = slot_of(&duet->cells[i], &span, &pace->opening_s);
        pace->block_s += pace->slot_s[i];
        dearest_s = fmax(dearest_s, pace->slot_s[i]);
    }
    pace->opening_s = isfinite(pace->opening_s) ? pace->opening_s : 0;
    size_t again = count < criteria->confirm_cells ? count : criteria->confirm_cells;
    pace->reserve_s = dearest_s * (double)(again * criteria->confirm_blocks);
    pace->left_s = gate_s - pace->opening_s - pace->reserve_s - DUET_PILOT * pace->block_s;
    return 0;
}

static void pace_free(struct pace *pace)
{
    free(pace->slot_s);
    free(pace->needs);
}

static void set_needs(const struct pace *pace, const struct evidence *seen, const size_t *cells, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pace->needs[i] = (struct duet_need){
            .spread = duet_plan_spread(seen[i].blocks, seen[i].count),
            .margin = fmax(pace->criteria->margin, FLOOR_FACTOR * seen[i].floor),
            .pair_s = pace->slot_s[cells[i]],
            .going_on = true,
        };
}

static void cap(const struct pace *pace, size_t count, unsigned *blocks)
{
    for (size_t i = 0; i < count; i++)
        blocks[i] = blocks[i] < pace->cap ? blocks[i] : pace->cap;
}

/* As duet.c plans after its pilot, but for the cap. */
static void plan(const void *with, const struct evidence *seen, const size_t *cells, size_t count, unsigned *blocks)
{
    const struct pace *pace = with;
    set_needs(pace, seen, cells, count);
    duet_plan_blocks(pace->needs, count, pace->left_s, blocks);
    cap(pace, count, blocks);
}

/* As duet.c goes on when that is played. */
static void plan_again(const void *with, const struct evidence *seen, const size_t *cells, size_t count,
                       unsigned *blocks)
{
    const struct pace *pace = with;
    set_needs(pace, seen, cells, count);
    duet_plan_again(pace->needs, count, pace->left_s, blocks);
    cap(pace, count, blocks);
}

/* Blocks of a gate in which all cells get as many. */
static unsigned even_blocks(const struct pace *pace)
{
    double fits = DUET_PILOT + (pace->block_s > 0 ? floor(pace->left_s / pace->block_s) : 0);
    return (unsigned)fmin(fmax(fits, DUET_PILOT), DUET_BLOCKS_MOST);
}

double calibrate_least_s(const struct duet *duet, double gate_s, const struct criteria *criteria)
{
    struct pace pace;
    double least_s = NAN;
    if (pace_make(&pace, duet, gate_s, criteria) == 0 && pace.block_s > 0)
        least_s = pace.opening_s + pace.block_s * (even_blocks(&pace) + (double)criteria->confirm_blocks);
    pace_free(&pace);
    return least_s;
}

/* --- replaying --------------------------------------------------------------------------------------------------- */

/* Blocks of the longest first stage of which so many gates fit in a row, with the second measurements; of an even gate
 * at least. */
static unsigned capped_blocks(const struct pace *pace, unsigned blocks)
{
    const unsigned confirming = (unsigned)pace->criteria->confirm_blocks, even = even_blocks(pace);
    const unsigned share = blocks / INDEPENDENT_LEAST;
    return share > confirming + even ? share - confirming : even;
}

/* The gate as it is where the recording holds some of it. Else precise cells get what a gate gives them, and wild ones
 * what the recording holds. */
static int choose_shape(struct gate_shape *shape, const struct duet *duet, struct pace *pace, struct replayed *plain)
{
    *shape = (struct gate_shape){
        .criteria = pace->criteria, .plan = plan, .plan_again = plan_again, .with = pace, .pilot = DUET_PILOT};
    if (replay_gates(duet, shape, 0, plain))
        return -1;
    if (plain->independent >= INDEPENDENT_LEAST)
        return 0;
    pace->cap = capped_blocks(pace, replay_span(duet).blocks);
    return replay_gates(duet, shape, 0, plain);
}

static int replay_powers(struct calibration *c, const struct duet *duet, const struct gate_shape *shape)
{
    struct replayed replayed;
    c->powers = calloc(sizeof handicaps / sizeof *handicaps, sizeof *c->powers);
    if (!c->powers)
        return -1;
    for (size_t i = 0; i < sizeof handicaps / sizeof *handicaps; i++) {
        if (replay_gates(duet, shape, handicaps[i], &replayed))
            return -1;
        c->powers[c->power_count++] = (struct calibrated_power){
            .handicap = handicaps[i],
            .gates = replayed.gates,
            .caught = replayed.overall[OVERALL_REGRESSION],
        };
    }
    return 0;
}

static void take_counts(struct calibration *c, const struct replayed *plain, const struct pace *pace)
{
    c->capped = pace->cap < DUET_BLOCKS_MOST;
    c->confirm_s = pace->block_s * (double)pace->criteria->confirm_blocks;
    c->confirm_live_s = pace->reserve_s;
    c->gates = plain->gates;
    c->false_alarms = plain->overall[OVERALL_REGRESSION];
    c->independent = plain->independent;
    c->false_alarm_most = replayed_most(plain, OVERALL_REGRESSION, CONFIDENCE);
    c->blocks_least = plain->blocks_least;
    c->blocks_most = plain->blocks_most;
}

/* What is found of each cell of the duet, side by side. */
struct found {
    double *floors, *caught, *session_sd;
    unsigned *sessions;
    struct floor_basis *bases;
    struct scatter *scatter;
};

static int found_make(struct found *found, size_t count)
{
    *found = (struct found){
        .floors = calloc(count + 1, sizeof *found->floors),
        .caught = calloc(count + 1, sizeof *found->caught),
        .session_sd = calloc(count + 1, sizeof *found->session_sd),
        .sessions = calloc(count + 1, sizeof *found->sessions),
        .bases = calloc(count + 1, sizeof *found->bases),
        .scatter = calloc(count + 1, sizeof *found->scatter),
    };
    return found->floors && found->caught && found->session_sd && found->sessions && found->bases && found->scatter
               ? 0
               : -1;
}

static void found_free(struct found *found)
{
    free(found->floors);
    free(found->caught);
    free(found->session_sd);
    free(found->sessions);
    free(found->bases);
    free(found->scatter);
}

static int take_cells(struct calibration *c, const struct duet *duet, const struct found *found)
{
    c->cells = calloc(duet->about.cell_count + 1, sizeof *c->cells);
    for (size_t i = 0; c->cells && i < duet->about.cell_count; i++) {
        if (found->scatter[i].pairs == 0)
            continue;
        struct calibrated_cell *cell = &c->cells[c->cell_count++];
        *cell = (struct calibrated_cell){
            .id = strdup(duet->about.cells[i].id),
            .floor = found->floors[i],
            .floor_blocks = found->bases[i].blocks,
            .floor_stretches = found->bases[i].stretches,
            .caught = found->caught[i],
            .session_sd = found->session_sd[i],
            .sessions = found->sessions[i],
            .pair_sd = found->scatter[i].sd,
            .lag1 = found->scatter[i].lag1,
            .pairs = found->scatter[i].pairs,
            .spoiled = found->scatter[i].spoiled,
        };
        if (!cell->id)
            return -1;
    }
    return c->cells ? 0 : -1;
}

/* Blocks that take SESSION_S; one more than there are where none does. */
static unsigned session_blocks(const struct pace *pace, unsigned blocks)
{
    double wanted = pace->block_s > 0 ? fmax(ceil(SESSION_S / pace->block_s), STATISTICS_LEAST) : INFINITY;
    return (unsigned)fmin(wanted, (double)blocks + 1);
}

static int replay_all(struct calibration *c, const struct duet *duet, struct pace *pace, struct found *found)
{
    struct gate_shape shape;
    struct replayed plain, floored;
    if (choose_shape(&shape, duet, pace, &plain) || replay_floors(duet, &shape, found->floors, found->bases) ||
        replay_scatter(duet, found->scatter) ||
        replay_sessions(duet, session_blocks(pace, c->blocks), found->session_sd, found->sessions))
        return -1;
    take_counts(c, &plain, pace);
    shape.floors = found->floors;
    if (replay_gates(duet, &shape, 0, &floored) || replay_caught(duet, &shape, found->caught) ||
        replay_powers(c, duet, &shape))
        return -1;
    c->alarms_with_floors = floored.overall[OVERALL_REGRESSION];
    c->undecided = floored.overall[OVERALL_INCONCLUSIVE];
    return take_cells(c, duet, found);
}

static void take_terms(struct calibration *c, const struct duet *duet, double gate_s, const struct criteria *criteria)
{
    const struct results *about = &duet->about;
    const char *commit = duet->sides[ARM_BASE].commit ? duet->sides[ARM_BASE].commit : about->commit;
    *c = (struct calibration){
        .host = about->host,
        .created = strdup(about->created ? about->created : ""),
        .idle = strdup(about->idle ? about->idle : ""),
        .commit = commit ? strdup(commit) : NULL,
        .elapsed_s = about->elapsed_s,
        .windows = about->windows,
        .window_s = about->window_s,
        .warmup_s = about->warmup_s,
        .by_windows = duet->by_windows,
        .blocks = replay_span(duet).blocks,
        .gate_s = gate_s,
        .margin = criteria->margin,
        .control = {.expected = NAN, .ratio = NAN, .low = NAN, .high = NAN},
    };
}

int calibrate_replay(struct calibration *c, const struct duet *duet, double gate_s, const struct criteria *criteria,
                     struct problem *problem)
{
    struct pace pace = {.slot_s = NULL};
    struct found found = {.floors = NULL};
    take_terms(c, duet, gate_s, criteria);
    int bad = !c->created || !c->idle || pace_make(&pace, duet, gate_s, criteria) ||
              found_make(&found, duet->about.cell_count) || replay_all(c, duet, &pace, &found);
    pace_free(&pace);
    found_free(&found);
    return bad ? problem_set(problem, EXIT_UNPROVED, "no memory for replaying the gate") : 0;
}

void calibrate_free(struct calibration *c)
{
    memset(&c->host, 0, sizeof c->host);
    calibration_free(c);
}

/* --- is it one? -------------------------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

int calibrate_check(const struct duet *duet, const char *file, struct problem *problem)
{
    const struct side *base = &duet->sides[ARM_BASE], *candidate = &duet->sides[ARM_CANDIDATE];
    bool same = base->command_count == candidate->command_count && same_text(base->version, candidate->version) &&
                same_text(base->commit, candidate->commit) && base->handicap == candidate->handicap;
    for (size_t i = 0; same && i < base->command_count; i++)
        same = same_text(base->command[i], candidate->command[i]);
    if (!same)
        return problem_set(problem, EXIT_BAD_FILE,
                           "%s: its two sides are not one build; only a recording of one build against itself tells "
                           "how often a gate cries wolf",
                           file);
    if (base->handicap != 0)
        return problem_set(problem, EXIT_BAD_FILE, "%s: its times were stretched by --handicap: that is no calibration",
                           file);
    return 0;
}
