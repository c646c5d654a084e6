/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet.c - blocks of pairs: every cell once per block, in random order; what was spoiled once more; the budget. */
#include "harness/duet_parts.h"
#include "harness/duet_plan.h"

#include "harness/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STORE_EVERY_NS (10 * NS_PER_S)
#define EXTRA_SHARE    0.5 /* of the slots: so many are measured again at most */
#define ATTEMPTS_MOST  4   /* of one slot */
#define SPREAD_LEAST   6   /* sound pairs, before they say how far they scatter */

struct block {
    unsigned number;  /* of all */
    unsigned ordinal; /* within the first measurement, or the confirming one */
    bool confirming;
};

double duet_elapsed_s(const struct duet_run *run)
{
    return clock_seconds(clock_now() - run->state->began);
}

struct talk duet_talk(const struct duet_run *run, size_t entry, enum arm arm)
{
    return (struct talk){
        .request = arm == ARM_BASE ? &run->plan->entries[entry].request : &run->state->candidate[entry],
        .cell = &run->duet->about.cells[entry],
        .effort = &run->effort,
        .seed = run->duet->about.seed,
        .turns = run->duet->by_windows ? ARMS : 1,
        .driver = {.to = -1, .from = -1, .pidfd = -1},
    };
}

void duet_fault(struct duet_run *run, size_t entry, enum arm arm, enum side_status status, const char *why)
{
    struct duet_cell *cell = &run->duet->cells[entry];
    if (cell->status[arm] != SIDE_OK)
        return;
    cell->status[arm] = status;
    cell->reasons[arm] = strdup(why);
}

bool duet_measurable(const struct duet_run *run, size_t entry)
{
    const struct duet_cell *cell = &run->duet->cells[entry];
    return run->duet->about.cells[entry].status != CELL_NA && run->plan->entries[entry].settled &&
           cell->status[ARM_BASE] == SIDE_OK && cell->status[ARM_CANDIDATE] == SIDE_OK;
}

/* --- storing ------------------------------------------------------------------------------------------------------ */

int duet_store(struct duet_run *run, struct problem *problem)
{
    struct report_error error;
    run->duet->about.elapsed_s = run->state ? duet_elapsed_s(run) : 0;
    if (!run->folder)
        return 0;
    if (run->state)
        run->state->stored = clock_now();
    if (duet_write(run->duet, run->folder, &error) == 0)
        return 0;
    return problem_set(problem, error.code, "%s", error.text);
}

/* A disk that is full may have room again later, so a failure is said once and measuring goes on. */
static void store_now_and_then(struct duet_run *run)
{
    struct duet_state *s = run->state;
    struct problem problem;
    if (!run->folder || clock_now() - s->stored < STORE_EVERY_NS)
        return;
    s->fresh = false;
    if (duet_store(run, &problem) == 0)
        return;
    if (!s->lost_output)
        progress_note(run->progress, "muster: %s; measuring goes on", problem.text);
    s->lost_output = true;
}

/* --- slots -------------------------------------------------------------------------------------------------------- */

static void show(struct duet_run *run, const struct block *block, const struct cell *cell)
{
    const unsigned again = (unsigned)run->criteria->confirm_blocks;
    char what[160];
    snprintf(what, sizeof what, "%s/%s%s%s", cell->workload, cell->strategy, cell->variant_default ? "" : ":",
             cell->variant_default ? "" : cell->variant);
    if (block->confirming) {
        progress_count(run->progress, "second measurement");
        progress_show(run->progress, block->ordinal, block->ordinal > again ? block->ordinal : again, what,
                      duet_left_s(run));
        return;
    }
    progress_count(run->progress, run->state->planned ? "block" : "pilot");
    progress_show(run->progress, block->number, run->duet->about.blocks_planned, what, duet_left_s(run));
}

static int keep(struct duet_cell *cell, const struct pair *pair)
{
    struct pair *pairs = realloc(cell->pairs, (cell->pair_count + 1) * sizeof *pairs);
    if (!pairs)
        return -1;
    cell->pairs = pairs;
    pairs[cell->pair_count++] = *pair;
    return 0;
}

size_t duet_sound(const struct duet_run *run, size_t entry, bool confirming)
{
    const struct duet_cell *cell = &run->duet->cells[entry];
    size_t count = 0;
    for (size_t i = 0; i < cell->pair_count; i++)
        count += cell->pairs[i].confirming == confirming && pair_counts(cell, &cell->pairs[i]) &&
                 !pair_spoiled(&cell->pairs[i], run->state->units);
    return count;
}

static void show_planned(struct duet_run *run)
{
    struct duet_state *s = run->state;
    unsigned most = 0;
    s->slots_left = 0;
    for (size_t i = 0; i < run->plan->count; i++) {
        const unsigned planned = duet_measurable(run, i) ? run->duet->cells[i].blocks_planned : 0;
        most = planned > most ? planned : most;
        s->slots_left += planned > s->block ? planned - s->block : 0;
    }
    run->duet->about.blocks_planned = most;
}

/* Blocks of the first measurement that do not count any more. */
static unsigned blocks_void(const struct duet_cell *cell)
{
    unsigned count = 0;
    for (size_t i = 0; i < cell->pair_count; i++)
        count += cell->pairs[i].attempt == 1 && !cell->pairs[i].confirming && !pair_counts(cell, &cell->pairs[i]);
    return count;
}

/* Who works while he is parked would gain by it. What that costs in blocks is made up for; before the number of blocks
 * stands, when it is set. */
static void watch_parked(struct duet_run *run, const struct block *block, size_t entry)
{
    struct duet_cell *cell = &run->duet->cells[entry];
    enum arm arm;
    double share;
    if (cell->whole_trials || !duet_restless(cell, &arm, &share))
        return;
    cell->whole_trials = true;
    progress_note(
        run->progress,
        "muster: %s: the %s's processes use %.3g %% of a CPU while they are parked: from here on whole trials "
        "alternate, not windows",
        run->duet->about.cells[entry].id, arm_name(arm), 100 * share);
    if (!run->state->planned || block->confirming)
        return;
    cell->blocks_planned += blocks_void(cell);
    show_planned(run);
}

/* Measures a slot; *spoiled: it shall be measured again. */
static enum asked play(struct duet_run *run, const struct block *block, const struct slot *slot, bool *spoiled)
{
    struct pair pair = {
        .block = block->number,
        .attempt = slot->attempt,
        .candidate_first = slot->candidate_first,
        .confirming = block->confirming,
    };
    show(run, block, &run->duet->about.cells[slot->entry]);
    enum asked got = duet_pair(run, slot->entry, &pair);
    *spoiled = false;
    if (got != ASKED_FINE)
        return got;
    run->state->pair_s[slot->entry] += pair.elapsed_s;
    *spoiled = pair_spoiled(&pair, run->state->units) != NULL;
    if (keep(&run->duet->cells[slot->entry], &pair)) {
        duet_pair_free(&pair);
        duet_fault(run, slot->entry, ARM_CANDIDATE, SIDE_FAILED, "no memory for its figures");
        return ASKED_FAILED;
    }
    watch_parked(run, block, slot->entry);
    store_now_and_then(run);
    return ASKED_FINE;
}

/* Each measurement has extra slots of its own. */
static bool may_repeat(const struct duet_run *run, size_t entry)
{
    const struct duet_state *s = run->state;
    const size_t slots = s->slots - s->slots_before, extra = s->extra - s->extra_before;
    return (double)(extra + 1) <= EXTRA_SHARE * (double)slots && duet_slot_s(run, entry) <= duet_time_s(run);
}

/* What the machine spoiled has its turn again once the block is through. -1 when interrupted. */
static int repeat(struct duet_run *run, const struct block *block, size_t count)
{
    const size_t room = run->plan->count;
    for (size_t i = 0; i < count; i++) {
        struct slot slot = run->state->again[i % room];
        bool spoiled;
        slot.attempt++;
        if (!duet_measurable(run, slot.entry) || !may_repeat(run, slot.entry))
            continue;
        run->state->extra++;
        if (play(run, block, &slot, &spoiled) == ASKED_INTERRUPTED)
            return -1;
        if (spoiled && slot.attempt < ATTEMPTS_MOST)
            run->state->again[count++ % room] = slot;
    }
    return 0;
}

/* --- blocks ------------------------------------------------------------------------------------------------------- */

static bool takes_part(const struct duet_run *run, const struct block *block, size_t entry)
{
    if (!duet_measurable(run, entry))
        return false;
    if (block->confirming)
        return run->state->confirmed[entry] && duet_sound(run, entry, true) < run->criteria->confirm_blocks;
    return run->duet->cells[entry].blocks_planned >= block->number;
}

enum played { PLAYED, PLAYED_SOME, PLAYED_INTERRUPTED };

/* PLAYED_SOME: there was no time for all of it. What is whole counts. */
static enum played play_block(struct duet_run *run, const struct block *block)
{
    struct duet_state *s = run->state;
    const uint64_t seed = run->duet->about.seed;
    size_t spoiled_count = 0;
    schedule_shuffle(s->order, run->plan->count, seed, block->number);
    for (size_t i = 0; i < run->plan->count; i++) {
        const size_t entry = s->order[i];
        bool spoiled;
        if (!takes_part(run, block, entry))
            continue;
        if (duet_slot_s(run, entry) > duet_time_s(run))
            return PLAYED_SOME;
        const struct slot slot = {
            .entry = entry,
            .candidate_first = duet_plan_order(seed + block->confirming, entry, block->ordinal),
            .attempt = 1,
        };
        s->slots++;
        s->slots_left -= s->slots_left > 0;
        if (play(run, block, &slot, &spoiled) == ASKED_INTERRUPTED)
            return PLAYED_INTERRUPTED;
        if (spoiled)
            s->again[spoiled_count++] = slot;
    }
    return repeat(run, block, spoiled_count) ? PLAYED_INTERRUPTED : PLAYED;
}

static size_t count_slots(const struct duet_run *run, const struct block *block)
{
    size_t count = 0;
    for (size_t i = 0; i < run->plan->count; i++)
        count += takes_part(run, block, i);
    return count;
}

/* Whether the block has cells, and time. */
static bool goes_on(const struct duet_run *run, const struct block *block)
{
    double expected_s = 0;
    for (size_t i = 0; i < run->plan->count; i++)
        if (takes_part(run, block, i))
            expected_s += duet_slot_s(run, i);
    return count_slots(run, block) > 0 && expected_s <= duet_time_s(run);
}

/* The blocks that are planned, as far as the time holds; which of both ended them is noted. -1 when interrupted. */
static int play_planned(struct duet_run *run)
{
    struct results *about = &run->duet->about;
    show_planned(run);
    run->duet->ended = ENDED_NOT;
    for (;;) {
        const struct block block = {.number = run->state->block + 1, .ordinal = run->state->block + 1};
        if (!goes_on(run, &block)) {
            run->duet->ended = count_slots(run, &block) || run->state->unasked ? ENDED_TIME : ENDED_PLAN;
            return 0;
        }
        enum played got = play_block(run, &block);
        if (got == PLAYED_INTERRUPTED)
            return -1;
        run->state->block = block.number;
        if (got == PLAYED_SOME) {
            run->duet->ended = ENDED_TIME;
            return 0;
        }
        about->blocks_complete = block.number;
    }
}

static void plan_all(struct duet_run *run, unsigned blocks)
{
    for (size_t i = 0; i < run->plan->count; i++)
        run->duet->cells[i].blocks_planned = duet_measurable(run, i) ? blocks : 0;
}

int duet_broken_off(struct duet_run *run, struct problem *problem)
{
    if (*run->state->changed) {
        problem_set(problem, EXIT_UNPROVED, "%s", run->state->changed);
        return EXIT_UNPROVED;
    }
    run->duet->ended = ENDED_INTERRUPTED;
    run->duet->about.interrupted = true;
    return EXIT_INTERRUPTED;
}

static struct duet_need need_of(const struct duet_run *run, size_t entry)
{
    size_t seen_count;
    struct observation *seen = duet_observations(run->duet, entry, false, &seen_count);
    const struct duet_need need = {
        .spread = seen ? duet_plan_spread(seen, seen_count) : NAN,
        .margin = run->margins ? run->margins[entry] : run->criteria->margin,
        .pair_s = duet_slot_s(run, entry),
        .going_on = duet_measurable(run, entry),
    };
    free(seen);
    return need;
}

/* Where the pilot was spoiled it is settled later, once. */
static unsigned wanted_of(struct duet_run *run, size_t entry, size_t sound)
{
    unsigned *wanted = &run->state->wanted[entry];
    if (!*wanted && sound >= SPREAD_LEAST) {
        const struct duet_need need = need_of(run, entry);
        *wanted = duet_plan_wanted(&need);
    }
    return *wanted ? *wanted : DUET_BLOCKS_LEAST;
}

/* A cell of too few sound blocks has no verdict, and nothing of it could be confirmed: where the time is up and there
 * are no others, what was kept for a second measurement is better spent on the first. True: there is such time. */
static bool spend_reserve(struct duet_run *run)
{
    struct duet_state *s = run->state;
    if (s->spending)
        return false;
    for (size_t i = 0; i < run->plan->count; i++)
        if (duet_measurable(run, i) && duet_sound(run, i, false) >= run->criteria->blocks_least)
            return false;
    s->spending = true;
    return true;
}

/* When a cell has what it wanted, all of its blocks know better than the pilot did how they scatter. Asked once; what
 * is wanted never shrinks. */
static void look_again(struct duet_run *run, size_t entry, size_t sound)
{
    struct duet_state *s = run->state;
    if (s->looked_again[entry] || sound < wanted_of(run, entry, sound))
        return;
    const struct duet_need need = need_of(run, entry);
    const unsigned wanted = duet_plan_wanted(&need);
    s->wanted[entry] = wanted > s->wanted[entry] ? wanted : s->wanted[entry];
    s->looked_again[entry] = true;
}

/* What was planned is played: whether a cell lacks sound pairs nevertheless, or wants more by now; it then gets them.
 */
static bool plan_more(struct duet_run *run)
{
    bool more = false;
    for (size_t i = 0; i < run->plan->count; i++) {
        if (!duet_measurable(run, i))
            continue;
        const size_t sound = duet_sound(run, i, false);
        look_again(run, i, sound);
        const unsigned blocks = duet_plan_more(wanted_of(run, i, sound), sound);
        if (blocks)
            run->duet->cells[i].blocks_planned = run->state->block + blocks;
        more |= blocks > 0;
    }
    return more;
}

/* After the pilot. The confirmation's time is kept back; what is left is shared out. */
static int plan_rest(struct duet_run *run)
{
    size_t count = run->plan->count;
    struct duet_need *needs = calloc(count + 1, sizeof *needs);
    unsigned *blocks = calloc(count + 1, sizeof *blocks);
    for (size_t i = 0; needs && blocks && i < count; i++) {
        needs[i] = need_of(run, i);
        wanted_of(run, i, duet_sound(run, i, false));
    }
    if (needs && blocks)
        duet_plan_blocks(needs, count, duet_time_s(run), blocks);
    for (size_t i = 0; needs && blocks && i < count; i++)
        if (needs[i].going_on)
            run->duet->cells[i].blocks_planned = blocks[i] + blocks_void(&run->duet->cells[i]);
    int result = needs && blocks ? 0 : -1;
    free(needs);
    free(blocks);
    return result;
}

int duet_blocks(struct duet_run *run, struct problem *problem)
{
    struct duet_state *s = run->state;
    if (run->effort.blocks)
        return duet_blocks_exactly(run, run->effort.blocks, problem);
    plan_all(run, DUET_PILOT);
    if (play_planned(run))
        return duet_broken_off(run, problem);
    if (run->duet->about.blocks_complete < DUET_PILOT)
        return EXIT_FINE;
    run->duet->pilot_blocks = s->block;
    s->planned = true;
    if (plan_rest(run)) {
        problem_set(problem, EXIT_UNPROVED, "no memory for the plan");
        return EXIT_UNPROVED;
    }
    do {
        if (play_planned(run))
            return duet_broken_off(run, problem);
    } while (isfinite(s->budget_s) && (run->duet->ended == ENDED_PLAN ? plan_more(run) : spend_reserve(run)));
    return EXIT_FINE;
}

int duet_blocks_exactly(struct duet_run *run, unsigned blocks, struct problem *problem)
{
    run->state->planned = true;
    plan_all(run, run->state->block + blocks);
    return play_planned(run) ? duet_broken_off(run, problem) : EXIT_FINE;
}

int duet_confirm(struct duet_run *run, const size_t *cells, size_t count, unsigned blocks, struct problem *problem)
{
    struct duet_state *s = run->state;
    struct results *about = &run->duet->about;
    s->confirming = true;
    s->slots_before = s->slots;
    s->extra_before = s->extra;
    s->slots_left = count * blocks;
    about->blocks_planned = s->block + blocks;
    for (size_t i = 0; i < run->plan->count; i++)
        s->confirmed[i] = false;
    for (size_t i = 0; i < count; i++)
        s->confirmed[cells[i]] = true;
    for (unsigned ordinal = 1; ordinal <= blocks || isfinite(s->budget_s); ordinal++) {
        const struct block block = {.number = s->block + 1, .ordinal = ordinal, .confirming = true};
        if (count_slots(run, &block) == 0)
            break;
        if (about->blocks_planned < block.number)
            about->blocks_planned = block.number;
        enum played got = play_block(run, &block);
        if (got == PLAYED_INTERRUPTED)
            return duet_broken_off(run, problem);
        s->block = block.number;
        if (got == PLAYED_SOME) {
            run->duet->ended = ENDED_TIME;
            break;
        }
        about->blocks_complete = block.number;
    }
    return EXIT_FINE;
}
