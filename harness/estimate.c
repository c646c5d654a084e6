/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * estimate.c - timing the work chain, and estimating a plan. */
#include "harness/estimate.h"
#include "bench/ipc/work.h"
#include "harness/clock.h"

#define STEPS           200000
#define TRIES           20
#define PILOT_S         0.080 /* a few short trials in one */
#define MAP_OVERSHOOT_S 0.002 /* a window ends with the call that it is in */

double estimate_chain(void)
{
    int64_t least = INT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        int64_t began = clock_now();
        work_chain(STEPS, (uint64_t)i);
        int64_t took = clock_now() - began;
        least = took < least ? took : least;
    }
    return (double)least / STEPS;
}

static bool pending(const struct entry *entry, const struct results *results)
{
    return results->cells[entry->cell].status != CELL_NA;
}

double estimate_operation_s(const struct request *request, const struct cell *cell)
{
    const struct parameters *p = &request->parameters;
    double cost = cell->item_cost_ns * 1e-9;
    if (request->workload->itemised)
        return cost * (double)(p->items ? p->items : 4 * (uint64_t)p->workers);
    return cost * (double)(p->chunk ? p->chunk : request->workload->chunk_auto(p));
}

double estimate_pilots_s(const struct plan *plan, const struct results *results)
{
    double total = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct entry *entry = &plan->entries[i];
        if (pending(entry, results) && entry->request.workload->itemised && !entry->request.parameters.items)
            total += PILOT_S + 2 * estimate_operation_s(&entry->request, &results->cells[entry->cell]);
    }
    return total;
}

double estimate_block_s(const struct plan *plan, const struct results *results, const struct effort *effort)
{
    double total = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct entry *entry = &plan->entries[i];
        if (!pending(entry, results))
            continue;
        double operation = estimate_operation_s(&entry->request, &results->cells[entry->cell]);
        total += schedule_trial_s(effort, operation);
        if (entry->request.workload->itemised)
            total += MAP_OVERSHOOT_S * (effort->windows + schedule_warmups(effort));
    }
    return total;
}
