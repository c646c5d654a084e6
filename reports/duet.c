/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet.c - a duet's file, what a pair says, and why a pair says nothing. */
#include "reports/duet.h"

#include "reports/duet_fields.h"
#include "reports/statistics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *arm_name(enum arm arm)
{
    return arm == ARM_BASE ? "base" : "candidate";
}

const char *lane_name(enum lane lane)
{
    static const char *const names[LANES] = {"spin", "call", "memory", "line"};
    return names[lane];
}

double pair_worse(const struct cell *cell, const struct pair *pair)
{
    double base = pair->trials[ARM_BASE].value, candidate = pair->trials[ARM_CANDIDATE].value;
    if (!(base >= 0) || !(candidate >= 0) || !(base + candidate > 0) || !isfinite(base) || !isfinite(candidate))
        return NAN;
    double higher = log(candidate) - log(base); /* infinite where one of them stood still */
    return strcmp(cell->better, "lower") == 0 ? higher : -higher;
}

/* By what part of itself a lane moved, up or down; NAN when a reading was not had. */
static double drift_of(const struct pair *pair, int lane)
{
    double before = pair->before.rates[lane], after = pair->after.rates[lane];
    return before > 0 && after > 0 ? fabs(after / before - 1) : NAN;
}

const char *pair_spoiled(const struct pair *pair, unsigned units)
{
    static _Thread_local char why[80];
    double stolen = pair->steal_s / (pair->elapsed_s * units), foreign = pair->foreign_s / pair->elapsed_s;
    int worst = 0;
    double drift = 0;
    for (int lane = 0; lane < LANES; lane++)
        if (drift_of(pair, lane) > drift) {
            drift = drift_of(pair, lane);
            worst = lane;
        }
    if (stolen > SPOILED_STEAL)
        snprintf(why, sizeof why, "%.0f %% of its time was taken by the host", 100 * stolen);
    else if (foreign > SPOILED_FOREIGN)
        snprintf(why, sizeof why, "others' work took %.2g of a CPU meanwhile", foreign);
    else if (drift > SPOILED_DRIFT)
        snprintf(why, sizeof why, "the %s lane moved by %.0f %% meanwhile", lane_name(worst), 100 * drift);
    else
        return NULL;
    return why;
}

bool trial_spoiled(const struct cell *cell, const struct trial *trial)
{
    return trial->steal_s > SPOILED_STEAL * trial->elapsed_s * cell_units(cell) ||
           trial->foreign_s > SPOILED_FOREIGN * trial->elapsed_s; /* false where one is NAN */
}

/* --- parked sides --------------------------------------------------------------------------------------------------
 */

double duet_parked(const struct duet_cell *cell, enum arm arm)
{
    const enum arm other = arm == ARM_BASE ? ARM_CANDIDATE : ARM_BASE;
    double *shares = calloc(cell->pair_count + 1, sizeof *shares), middle = NAN;
    size_t count = 0;
    for (size_t i = 0; shares && i < cell->pair_count; i++) {
        const struct trial *trial = &cell->pairs[i].trials[other];
        double window_s = fmax(trial->window_s, PARKED_WINDOW_S * (double)trial->window_count);
        double share = cell->pairs[i].parked_s[arm] / window_s;
        if (isfinite(share))
            shares[count++] = share;
    }
    if (count >= PARKED_LEAST)
        middle = statistics_median(shares, count);
    free(shares);
    return middle;
}

bool duet_restless(const struct duet_cell *cell, enum arm *which, double *share)
{
    double base = duet_parked(cell, ARM_BASE), candidate = duet_parked(cell, ARM_CANDIDATE);
    *which = isnan(base) || candidate > base ? ARM_CANDIDATE : ARM_BASE;
    *share = fmax(base, candidate);
    return *share > PARKED_MOST;
}

bool pair_counts(const struct duet_cell *cell, const struct pair *pair)
{
    return !cell->whole_trials || (isnan(pair->parked_s[ARM_BASE]) && isnan(pair->parked_s[ARM_CANDIDATE]));
}

void duet_free(struct duet *duet)
{
    fields_free(duet_document.fields, duet);
    memset(duet, 0, sizeof *duet);
}

int duet_read(struct duet *duet, const char *path, struct report_error *error)
{
    return document_read(&duet_document, path, duet, error);
}

int duet_write(const struct duet *duet, const char *dir, struct report_error *error)
{
    return document_write(&duet_document, duet, dir, NULL, error);
}
