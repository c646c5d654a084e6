/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * record.c - filling trials and cells from answers. */
#include "harness/record.h"

#include "reports/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct costs costs_of(const struct answer *a)
{
    return (struct costs){
        .workers_cpu_s = a->workers.cpu_s,
        .service_cpu_s = a->service.cpu_s,
        .voluntary = a->workers.voluntary,
        .involuntary = a->workers.involuntary,
        .run_delay_s = a->workers.run_delay_s,
        .service_voluntary = a->service.voluntary,
        .service_involuntary = a->service.involuntary,
    };
}

struct trial record_take(struct answer *a, const struct occasion *o)
{
    struct trial trial = {
        .block = o->block,
        .started_s = o->started_s,
        .elapsed_s = o->elapsed_s,
        .value = statistics_median(a->rates, a->rate_count),
        .windows = a->rates,
        .window_count = a->rate_count,
        .per_worker = a->per_worker,
        .worker_count = a->worker_count,
        .window_s = a->seconds,
        .costs = costs_of(a),
        .lost = a->lost,
        .wake_before_ns = o->wake_before_ns,
        .wake_after_ns = o->wake_after_ns,
        .steal_s = o->steal_s,
        .foreign_s = o->foreign_s,
    };
    a->rates = NULL;
    a->per_worker = NULL;
    return trial;
}

int record_trial(struct cell *cell, struct answer *a, const struct occasion *o, bool incorrect)
{
    struct trial *trials = realloc(cell->trials, (cell->trial_count + 1) * sizeof *trials);
    if (!trials)
        return -1;
    cell->trials = trials;
    trials[cell->trial_count++] = record_take(a, o);
    bool first = cell->status == CELL_PENDING;
    cell->verified = (first || cell->verified) && a->verified;
    if (!a->verified && !incorrect) {
        record_failure(cell, CELL_FAILED, a->proof);
        return 0;
    }
    cell->status = CELL_OK;
    cell_summarise(cell);
    return 0;
}

int record_times(struct cell *cell, struct histogram **all, const struct histogram *trial)
{
    if (!*all)
        *all = calloc(1, sizeof **all);
    if (!*all)
        return -1;
    histogram_merge(*all, trial);
    cell->latency = (struct latency){
        .p50 = histogram_quantile(*all, 0.5),
        .p90 = histogram_quantile(*all, 0.9),
        .p99 = histogram_quantile(*all, 0.99),
        .p99_9 = histogram_quantile(*all, 0.999),
        .max = (double)(*all)->max_ns,
        .samples = (*all)->samples,
    };
    return 0;
}

void record_failure(struct cell *cell, enum cell_status status, const char *why)
{
    cell->status = status;
    cell->verified = false;
    cell->value = cell->ci_low = cell->ci_high = cell->confidence = NAN;
    free(cell->reason);
    cell->reason = strdup(why);
}
