/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet_budget.c - what a duet's pairs take, and what is left of its budget, with the second measurement kept back. */
#include "harness/duet_parts.h"

#include "harness/estimate.h"

#include <math.h>

#define LANES_S 0.004

double duet_slot_s(const struct duet_run *run, size_t entry)
{
    const struct duet_state *s = run->state;
    const struct entry *e = &run->plan->entries[entry];
    size_t pairs = run->duet->cells[entry].pair_count;
    double repeated = s->slots ? (double)s->extra / (double)s->slots : 0;
    double operation_s = estimate_operation_s(&e->request, &run->duet->about.cells[entry]);
    double pair_s = pairs ? s->pair_s[entry] / (double)pairs : ARMS * schedule_trial_s(&run->effort, operation_s);
    return pair_s * (1 + repeated) + LANES_S;
}

double duet_reserve_s(const struct duet_run *run)
{
    size_t cells = 0, again = run->criteria->confirm_cells;
    double dearest_s = 0;
    for (size_t i = 0; i < run->plan->count && !run->state->confirming; i++) {
        if (!duet_measurable(run, i) ||
            (run->state->spending && duet_sound(run, i, false) < run->criteria->blocks_least))
            continue;
        cells++;
        dearest_s = fmax(dearest_s, duet_slot_s(run, i));
    }
    return dearest_s * (double)((cells < again ? cells : again) * run->criteria->confirm_blocks);
}

double duet_time_s(const struct duet_run *run)
{
    const struct duet_state *s = run->state;
    const double reserve_s = s->planned && isfinite(s->budget_s) ? duet_reserve_s(run) : 0;
    return isfinite(s->budget_s) ? s->budget_s - reserve_s - duet_elapsed_s(run) : INFINITY;
}

double duet_left_s(const struct duet_run *run)
{
    const struct duet_state *s = run->state;
    double total_s = 0;
    size_t pairs = s->slots + s->extra;
    for (size_t i = 0; i < run->plan->count; i++)
        total_s += s->pair_s[i];
    if (!s->planned)
        return isfinite(s->budget_s) ? s->budget_s - duet_elapsed_s(run) : NAN;
    double reserve_s = isfinite(s->budget_s) ? duet_reserve_s(run) : 0;
    return pairs ? total_s / (double)pairs * (double)s->slots_left + reserve_s : NAN;
}
