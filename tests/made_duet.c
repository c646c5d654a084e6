/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * made_duet.c - filling a recording by a random generator. */
#include "tests/made_duet.h"

#include <CUnit/CUnit.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ELAPSED_S 0.25
#define RATE      1e6
#define WILD      0.5

static void describe(struct cell *cell, size_t index)
{
    char id[80];
    snprintf(id, sizeof id, "counter/made-%zu w=2 c=1 p=cores i=0 b=8", index);
    cell->id = strdup(id);
    cell->workload = strdup("counter");
    snprintf(id, sizeof id, "made-%zu", index);
    cell->strategy = strdup(id);
    cell->variant = strdup("plain");
    cell->variant_default = true;
    cell->workers = 2;
    cell->chunk = cell->chunk_used = 1;
    cell->placement = strdup("cores");
    cell->pus = calloc(2, sizeof *cell->pus);
    cell->pus[1] = 1;
    cell->service_pu = -1;
    cell->idle = strdup("poll");
    cell->status = CELL_OK;
    cell->verified = cell->ranked = true;
    cell->metric = strdup("throughput");
    cell->unit = strdup("adds/s");
    cell->better = strdup("higher");
    cell->value = cell->ci_low = cell->ci_high = cell->confidence = NAN;
}

static void fill_trial(struct trial *trial, unsigned block, double value)
{
    trial->block = block;
    trial->value = value;
    trial->windows = calloc(1, sizeof *trial->windows);
    trial->windows[0] = value;
    trial->window_count = 1;
    trial->started_s = trial->elapsed_s = trial->window_s = NAN;
    trial->wake_before_ns = trial->wake_after_ns = NAN;
    trial->costs = (struct costs){NAN, NAN, NAN, NAN, NAN, NAN, NAN};
}

static struct pair *next_pair(struct duet_cell *cell, unsigned block, unsigned attempt)
{
    struct pair *pair = &cell->pairs[cell->pair_count++];
    *pair = (struct pair){.block = block, .attempt = attempt, .elapsed_s = ELAPSED_S};
    pair->candidate_first = block % 2 == 0;
    for (int lane = 0; lane < LANES; lane++)
        pair->before.rates[lane] = pair->after.rates[lane] = RATE;
    return pair;
}

static void add_pairs(struct duet_cell *cell, const struct made *made, size_t index, unsigned block, double level,
                      gsl_rng *random)
{
    double sd = made->sd[0];
    for (size_t i = 1; i < 4 && i <= index; i++)
        sd = made->sd[i] > 0 ? made->sd[i] : sd;
    double worse = gsl_ran_gaussian(random, sd);
    level += made->wander > 0 ? gsl_ran_gaussian(random, made->wander) : 0;
    if (index == 0 && made->storm_from && block >= made->storm_from)
        worse += log1p(made->storm);
    bool spoil = made->spoiled_each && (block + index) % made->spoiled_each == 0;
    for (unsigned attempt = 1; attempt <= 1u + spoil; attempt++) {
        struct pair *pair = next_pair(cell, block, attempt);
        bool wild = spoil && attempt == 1;
        pair->started_s = (block - 1) * ELAPSED_S;
        pair->steal_s = wild ? ELAPSED_S : 0;
        fill_trial(&pair->trials[ARM_BASE], block, RATE * exp(level));
        fill_trial(&pair->trials[ARM_CANDIDATE], block, RATE * exp(level - worse - (wild ? WILD : 0)));
    }
}

static void fill_about(struct results *about, const struct made *made)
{
    static char *command[] = {(char *)"muster", (char *)"calibrate"};
    about->version = strdup("0");
    about->created = strdup("2026-11-20T04:00:00Z");
    about->command = calloc(2, sizeof *about->command);
    for (about->command_count = 0; about->command_count < 2; about->command_count++)
        about->command[about->command_count] = strdup(command[about->command_count]);
    about->blocks_planned = about->blocks_complete = made->blocks;
    about->elapsed_s = ELAPSED_S * made->blocks * (double)made->cells;
    about->idle = strdup("poll");
    about->noise = NAN;
    about->host.cpu = strdup("made up");
    about->host.arch = strdup("none");
    about->host.pus = about->host.cores = 2;
    about->cells = calloc(made->cells, sizeof *about->cells);
    about->cell_count = made->cells;
    for (size_t i = 0; i < made->cells; i++)
        describe(&about->cells[i], i);
}

void made_duet(struct duet *duet, const struct made *made)
{
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    CU_ASSERT_PTR_NOT_NULL_FATAL(random);
    gsl_rng_set(random, 4711);
    memset(duet, 0, sizeof *duet);
    fill_about(&duet->about, made);
    duet->by_windows = true;
    duet->pilot_blocks = 12;
    duet->cells = calloc(made->cells, sizeof *duet->cells);
    for (int arm = 0; arm < ARMS; arm++) {
        duet->sides[arm].command = calloc(1, sizeof *duet->sides[arm].command);
        duet->sides[arm].command[0] = strdup("muster");
        duet->sides[arm].command_count = 1;
    }
    for (size_t i = 0; i < made->cells; i++) {
        duet->cells[i].pairs = calloc(2 * (size_t)made->blocks, sizeof *duet->cells[i].pairs);
        duet->cells[i].blocks_planned = made->blocks;
    }
    double level = 0;
    for (unsigned block = 1; block <= made->blocks; block++) {
        if (made->session && (block - 1) % made->session == 0)
            level = gsl_ran_gaussian(random, made->sessions_sd);
        for (size_t i = 0; i < made->cells; i++)
            add_pairs(&duet->cells[i], made, i, block, level, random);
    }
    gsl_rng_free(random);
}
