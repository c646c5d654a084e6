/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet_fields.c - the table of duet.json, in the order in which it is written.
 *
 * What a duet is about is written by the table of the results file, as a part of its own. A recording of an hour holds
 * ten thousand pairs and more, and is written again and again, so an arm is its windows and what its processes paid. */
#include "reports/duet_fields.h"

#include "reports/duet.h"
#include "reports/results_fields.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const SIDE_NAMES[] = {"ok", "lacks", "failed", NULL};

static const char *const ENDED_NAMES[] = {[ENDED_NOT] = "unfinished",
                                          [ENDED_PLAN] = "plan",
                                          [ENDED_TIME] = "time",
                                          [ENDED_INTERRUPTED] = "interrupted",
                                          NULL};

const char *ended_name(enum ended ended)
{
    return ENDED_NAMES[ended];
}

static const struct field lanes_list[] = {
    {"spin", FIELD_REAL, AT(lanes, rates[LANE_SPIN])},
    {"call", FIELD_REAL, AT(lanes, rates[LANE_CALL])},
    {"memory", FIELD_REAL, AT(lanes, rates[LANE_MEMORY])},
    {"line", FIELD_REAL, AT(lanes, rates[LANE_LINE])},
    {.name = NULL},
};
static const struct fields lanes_fields = {lanes_list, sizeof(struct lanes)};

static const struct field paid_list[] = {
    {"workers_cpu_s", FIELD_REAL, AT(costs, workers_cpu_s)},
    {"service_cpu_s", FIELD_REAL, AT(costs, service_cpu_s)},
    {"run_delay_s", FIELD_REAL, AT(costs, run_delay_s)},
    {.name = NULL},
};
static const struct fields paid_fields = {paid_list, sizeof(struct costs)};

/* The value is the windows' median, and the pair says the rest. */
static const struct field arm_list[] = {
    {"value", FIELD_REAL, AT(trial, value)},
    {"windows", FIELD_REALS, true, COUNTED(trial, windows, window_count)},
    {"window_s", FIELD_REAL, AT(trial, window_s)},
    {"costs", FIELD_OBJECT, AT(trial, costs), .below = &paid_fields},
    {.name = NULL},
};
static const struct fields arm_fields = {arm_list, sizeof(struct trial)};

static const struct field pair_list[] = {
    {"block", FIELD_UNSIGNED, true, AT(pair, block)},
    {"attempt", FIELD_UNSIGNED, true, AT(pair, attempt)},
    {"candidate_first", FIELD_BOOL, true, AT(pair, candidate_first)},
    {"confirming", FIELD_BOOL, true, AT(pair, confirming)},
    {"started", FIELD_REAL, AT(pair, started_s)},
    {"elapsed_s", FIELD_REAL, AT(pair, elapsed_s)},
    {"steal_s", FIELD_REAL, AT(pair, steal_s)},
    {"foreign_s", FIELD_SIGNED, AT(pair, foreign_s)},
    {"clock_gap_s", FIELD_REAL, AT(pair, clock_gap_s)},
    {"base_parked_s", FIELD_REAL, AT(pair, parked_s[ARM_BASE])},
    {"candidate_parked_s", FIELD_REAL, AT(pair, parked_s[ARM_CANDIDATE])},
    {"before", FIELD_OBJECT, AT(pair, before), .below = &lanes_fields},
    {"after", FIELD_OBJECT, AT(pair, after), .below = &lanes_fields},
    {"base", FIELD_OBJECT, true, AT(pair, trials[ARM_BASE]), .below = &arm_fields},
    {"candidate", FIELD_OBJECT, true, AT(pair, trials[ARM_CANDIDATE]), .below = &arm_fields},
    {.name = NULL},
};

static int check_pair(void *base, char *why, size_t size)
{
    struct pair *pair = base;
    if (!pair->block || !pair->attempt) {
        snprintf(why, size, "blocks and attempts are counted from 1");
        return -1;
    }
    for (int arm = 0; arm < ARMS; arm++) {
        struct trial *trial = &pair->trials[arm];
        trial->block = pair->block;
        if (trial_complete(trial, why, size))
            return -1;
    }
    return 0;
}

static const struct fields pair_fields = {pair_list, sizeof(struct pair), .check = check_pair};

/* Cells stand in the order of about.cells; the id is there so that nobody has to count. */
static json_t *derive_id(const void *document, const void *base)
{
    const struct duet *duet = document;
    return json_string(duet->about.cells[(const struct duet_cell *)base - duet->cells].id);
}

static const struct field cell_list[] = {
    {"id", FIELD_DERIVED, true, .derive = derive_id, .agrees = true},
    {"base_status", FIELD_CHOICE, true, AT(duet_cell, status[ARM_BASE]), .choices = SIDE_NAMES},
    {"base_reason", FIELD_TEXT, AT(duet_cell, reasons[ARM_BASE])},
    {"candidate_status", FIELD_CHOICE, true, AT(duet_cell, status[ARM_CANDIDATE]), .choices = SIDE_NAMES},
    {"candidate_reason", FIELD_TEXT, AT(duet_cell, reasons[ARM_CANDIDATE])},
    {"blocks_planned", FIELD_UNSIGNED, AT(duet_cell, blocks_planned)},
    {"whole_trials", FIELD_BOOL, AT(duet_cell, whole_trials)},
    {"pairs", FIELD_OBJECTS, true, COUNTED(duet_cell, pairs, pair_count), .below = &pair_fields},
    {.name = NULL},
};

static int check_cell(void *base, char *why, size_t size)
{
    const struct duet_cell *cell = base;
    for (int arm = 0; arm < ARMS; arm++)
        if (cell->status[arm] != SIDE_OK && !cell->reasons[arm]) {
            snprintf(why, size, "the %s's status is not ok, and no reason is given", arm_name(arm));
            return -1;
        }
    return 0;
}

static const struct fields duet_cell_fields = {cell_list, sizeof(struct duet_cell), .check = check_cell};

static const struct field side_list[] = {
    {"command", FIELD_TEXTS, true, COUNTED(side, command, command_count)},
    {"version", FIELD_TEXT, AT(side, version)},
    {"commit", FIELD_TEXT, AT(side, commit)},
    {"handicap", FIELD_SIGNED, AT(side, handicap), .zero_is_absent = true},
    {.name = NULL},
};
static const struct fields side_fields = {side_list, sizeof(struct side)};

static json_t *derive_schema(const void *document, const void *base)
{
    (void)document, (void)base;
    return json_string(DUET_SCHEMA);
}

static const struct field duet_list[] = {
    {"schema", FIELD_DERIVED, .derive = derive_schema},
    {"base", FIELD_OBJECT, true, AT(duet, sides[ARM_BASE]), .below = &side_fields},
    {"candidate", FIELD_OBJECT, true, AT(duet, sides[ARM_CANDIDATE]), .below = &side_fields},
    {"by_windows", FIELD_BOOL, true, AT(duet, by_windows)},
    {"pilot_blocks", FIELD_UNSIGNED, AT(duet, pilot_blocks)},
    {"ended", FIELD_CHOICE, AT(duet, ended), .choices = ENDED_NAMES},
    {"about", FIELD_OBJECT, true, AT(duet, about), .below = &about_fields},
    {"cells", FIELD_OBJECTS, true, COUNTED(duet, cells, about.cell_count), .below = &duet_cell_fields, .counted = true},
    {.name = NULL},
};

/* What is replayed and judged goes by the blocks' numbers, so none may be made up. A block under way is among the
 * planned ones; after a failure of all cells only the complete ones are told. */
static int check_duet(void *base, char *why, size_t size)
{
    const struct duet *duet = base;
    const struct results *about = &duet->about;
    unsigned most = about->blocks_planned > about->blocks_complete ? about->blocks_planned : about->blocks_complete;
    for (size_t i = 0; i < about->cell_count; i++)
        for (size_t k = 0; k < duet->cells[i].pair_count; k++)
            if (duet->cells[i].pairs[k].block > most) {
                snprintf(why, size, "cells[%zu].pairs[%zu] is of block %u, of %u in all", i, k,
                         duet->cells[i].pairs[k].block, most);
                return -1;
            }
    return 0;
}

static const struct fields duet_fields = {duet_list, sizeof(struct duet), .check = check_duet};

const struct document duet_document = {DUET_SCHEMA, "file of a duet", "duet.json", &duet_fields};
