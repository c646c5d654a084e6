/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * results_fields.c - the table of the results file, in the order in which it is written.
 *
 * A name here is the name in the file. Required are those fields without which a report would have to guess; whatever
 * else is absent was not measured. */
#include "reports/results_fields.h"

#include "reports/contention.h"
#include "reports/flags.h"
#include "reports/statistics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDING 1e-4 /* of a value: files from elsewhere may have few digits */

static const char *const STATUS_NAMES[] = {NULL, "ok", "n/a", "failed", NULL};
static const char *const ROLE_NAMES[] = {"strategy", "control", "yardstick", NULL};

static const struct field muster_list[] = {
    {"version", FIELD_TEXT, true, AT(results, version)},
    {"commit", FIELD_TEXT, AT(results, commit)},
    {"compiler", FIELD_TEXT, AT(results, compiler)},
    {"cflags", FIELD_TEXT, AT(results, cflags)},
    {.name = NULL},
};
static const struct fields muster_fields = {muster_list, 0};

static const struct field blocks_list[] = {
    {"planned", FIELD_UNSIGNED, true, AT(results, blocks_planned)},
    {"complete", FIELD_UNSIGNED, true, AT(results, blocks_complete)},
    {.name = NULL},
};
static const struct fields blocks_fields = {blocks_list, 0};

static const struct field precision_list[] = {
    {"wanted", FIELD_REAL, true, AT(precision_reached, wanted)},
    {"looks", FIELD_COUNT, true, AT(precision_reached, looks)},
    {"wide", FIELD_UNSIGNED, true, AT(precision_reached, wide)},
    {"cells", FIELD_UNSIGNED, true, AT(precision_reached, cells)},
    {.name = NULL},
};
static const struct fields precision_fields = {precision_list, sizeof(struct precision_reached)};

static const struct field host_list[] = {
    {"name", FIELD_TEXT, AT(host, name)},
    {"cpu", FIELD_TEXT, AT(host, cpu)},
    {"arch", FIELD_TEXT, AT(host, arch)},
    {"kernel", FIELD_TEXT, AT(host, kernel)},
    {"os", FIELD_TEXT, AT(host, os)},
    {"libc", FIELD_TEXT, AT(host, libc)},
    {"hypervisor", FIELD_TEXT, AT(host, hypervisor)},
    {"packages", FIELD_UNSIGNED, AT(host, packages), .zero_is_absent = true},
    {"cores", FIELD_UNSIGNED, AT(host, cores), .zero_is_absent = true},
    {"pus", FIELD_UNSIGNED, AT(host, pus), .zero_is_absent = true},
    {"memory_bytes", FIELD_COUNT, AT(host, memory_bytes), .zero_is_absent = true},
    {"clocksource", FIELD_TEXT, AT(host, clocksource)},
    {"governor", FIELD_TEXT, AT(host, governor)},
    {"cpufreq_driver", FIELD_TEXT, AT(host, cpufreq_driver)},
    {"turbo", FIELD_TEXT, AT(host, turbo)},
    {"smt", FIELD_TEXT, AT(host, smt)},
    {"idle_driver", FIELD_TEXT, AT(host, idle_driver)},
    {"mitigations", FIELD_TEXT, AT(host, mitigations)},
    {"thp", FIELD_TEXT, AT(host, thp)},
    {"aslr", FIELD_TEXT, AT(host, aslr)},
    {"preemption", FIELD_TEXT, AT(host, preemption)},
    {"cgroup_cpu_max", FIELD_TEXT, AT(host, cgroup_cpu_max)},
    {"load_1min", FIELD_REAL, AT(host, load_1min)},
    {"topology_xml", FIELD_TEXT, AT(host, topology_xml)},
    {.name = NULL},
};
const struct fields host_fields = {host_list, sizeof(struct host)};

static const struct field lane_reading_list[] = {
    {"block", FIELD_UNSIGNED, true, AT(lane_reading, block)},
    {"started", FIELD_REAL, AT(lane_reading, started_s)},
    {"spin", FIELD_REAL, AT(lane_reading, lanes.rates[LANE_SPIN])},
    {"call", FIELD_REAL, AT(lane_reading, lanes.rates[LANE_CALL])},
    {"memory", FIELD_REAL, AT(lane_reading, lanes.rates[LANE_MEMORY])},
    {"line", FIELD_REAL, AT(lane_reading, lanes.rates[LANE_LINE])},
    {.name = NULL},
};
static const struct fields lane_reading_fields = {lane_reading_list, sizeof(struct lane_reading)};

static const struct field strategy_list[] = {
    {"name", FIELD_TEXT, true, AT(strategy_info, name)},
    {"summary", FIELD_TEXT, AT(strategy_info, summary)},
    {"visible", FIELD_TEXT, AT(strategy_info, visible)},
    {"role", FIELD_CHOICE, AT(strategy_info, role), .choices = ROLE_NAMES},
    {"map", FIELD_TEXT, AT(strategy_info, map)},
    {"counter", FIELD_TEXT, AT(strategy_info, counter)},
    {"list", FIELD_TEXT, AT(strategy_info, list)},
    {"array", FIELD_TEXT, AT(strategy_info, array)},
    {"dict", FIELD_TEXT, AT(strategy_info, dict)},
    {"lock", FIELD_TEXT, AT(strategy_info, lock)},
    {"async", FIELD_TEXT, AT(strategy_info, async)},
    {.name = NULL},
};
static const struct fields strategy_fields = {strategy_list, sizeof(struct strategy_info)};

static const struct field workload_list[] = {
    {"name", FIELD_TEXT, true, AT(workload_info, name)},
    {"summary", FIELD_TEXT, AT(workload_info, summary)},
    {"unit", FIELD_TEXT, AT(workload_info, unit)},
    {.name = NULL},
};
static const struct fields workload_fields = {workload_list, sizeof(struct workload_info)};

static const struct field costs_list[] = {
    {"workers_cpu_s", FIELD_REAL, AT(costs, workers_cpu_s)},
    {"service_cpu_s", FIELD_REAL, AT(costs, service_cpu_s)},
    {"voluntary", FIELD_REAL, AT(costs, voluntary)},
    {"involuntary", FIELD_REAL, AT(costs, involuntary)},
    {"run_delay_s", FIELD_REAL, AT(costs, run_delay_s)},
    {"service_voluntary", FIELD_REAL, AT(costs, service_voluntary)},
    {"service_involuntary", FIELD_REAL, AT(costs, service_involuntary)},
    {.name = NULL},
};
static const struct fields costs_fields = {costs_list, sizeof(struct costs)};

/* A parent that serves nobody costs nothing that was measured apart: then the workers' time is all. */
static json_t *derive_cpu(const void *results, const void *base)
{
    const struct costs *costs = &((const struct trial *)base)->costs;
    (void)results;
    double cpu_s = costs->workers_cpu_s + (isfinite(costs->service_cpu_s) ? costs->service_cpu_s : 0);
    return isfinite(cpu_s) ? json_real(cpu_s) : NULL;
}

static const struct field trial_list[] = {
    {"block", FIELD_UNSIGNED, true, AT(trial, block)},
    {"started", FIELD_REAL, AT(trial, started_s)},
    {"elapsed_s", FIELD_REAL, AT(trial, elapsed_s)},
    {"value", FIELD_REAL, AT(trial, value)},
    {"windows", FIELD_REALS, true, COUNTED(trial, windows, window_count)},
    {"per_worker", FIELD_COUNTS, COUNTED(trial, per_worker, worker_count)},
    {"window_s", FIELD_REAL, AT(trial, window_s)},
    {"cpu_s", FIELD_DERIVED, .derive = derive_cpu},
    {"costs", FIELD_OBJECT, AT(trial, costs), .below = &costs_fields},
    {"lost", FIELD_COUNT, AT(trial, lost)},
    {"wake_before_ns", FIELD_REAL, AT(trial, wake_before_ns)},
    {"wake_after_ns", FIELD_REAL, AT(trial, wake_after_ns)},
    {"steal_s", FIELD_REAL, AT(trial, steal_s)},
    {"foreign_s", FIELD_SIGNED, AT(trial, foreign_s)},
    {.name = NULL},
};

/* Within rounding; what was not measured contradicts nothing. */
static bool contradicts(double value, double median)
{
    return !isnan(value) && !isnan(median) && fabs(value - median) > ROUNDING * median;
}

int trial_complete(struct trial *trial, char *why, size_t size)
{
    const double median = statistics_median(trial->windows, trial->window_count);
    if (isnan(trial->value))
        trial->value = median;
    if (!contradicts(trial->value, median))
        return 0;
    snprintf(why, size, "the value %g is not the median of its windows, %g", trial->value, median);
    return -1;
}

static int complete_trial(void *base, char *why, size_t size)
{
    return trial_complete(base, why, size);
}

const struct fields trial_fields = {trial_list, sizeof(struct trial), .check = complete_trial};

static int put_real(json_t *object, const char *name, double value)
{
    return isfinite(value) ? json_object_set_new(object, name, json_real(value)) : 0;
}

static json_t *derive_contention(const void *results, const void *base)
{
    struct contention c;
    const struct cell *cell = base;
    if (cell->status != CELL_OK || !isfinite(cell->value))
        return NULL;
    contention_of(&c, results, cell);
    json_t *object = json_object();
    if (!object)
        return NULL;
    int failed = put_real(object, "speedup", c.speedup) | put_real(object, "lost", c.lost) |
                 put_real(object, "of_limit", c.of_limit) | put_real(object, "fairness", c.jain) |
                 put_real(object, "workers_cpu_ns", c.workers_cpu_ns) |
                 put_real(object, "service_cpu_ns", c.service_cpu_ns) | put_real(object, "voluntary", c.voluntary) |
                 put_real(object, "involuntary", c.involuntary) |
                 put_real(object, "service_voluntary", c.service_voluntary) |
                 put_real(object, "service_involuntary", c.service_involuntary) |
                 put_real(object, "run_delay_ns", c.run_delay_ns);
    if (failed || json_object_size(object) == 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *derive_flags(const void *results, const void *base)
{
    struct flags flags;
    (void)results;
    flags_of(&flags, base);
    json_t *names = flags_any(&flags) ? json_array() : NULL;
    for (int i = 0; names && i < FLAGS; i++)
        if (flags.set[i] && json_array_append_new(names, json_string(flag_name((enum flag)i)))) {
            json_decref(names);
            return NULL;
        }
    return names;
}

static const struct field latency_list[] = {
    {"p50", FIELD_REAL, AT(latency, p50)},
    {"p90", FIELD_REAL, AT(latency, p90)},
    {"p99", FIELD_REAL, AT(latency, p99)},
    {"p99_9", FIELD_REAL, AT(latency, p99_9)},
    {"max", FIELD_REAL, AT(latency, max)},
    {"samples", FIELD_COUNT, AT(latency, samples)},
    {.name = NULL},
};
static const struct fields latency_fields = {latency_list, sizeof(struct latency)};

static const struct field cell_list[] = {
    {"id", FIELD_TEXT, true, AT(cell, id)},
    {"workload", FIELD_TEXT, true, AT(cell, workload)},
    {"strategy", FIELD_TEXT, true, AT(cell, strategy)},
    {"variant", FIELD_TEXT, true, AT(cell, variant)},
    {"variant_default", FIELD_BOOL, AT(cell, variant_default)},
    {"workers", FIELD_UNSIGNED, true, AT(cell, workers)},
    {"chunk", FIELD_CHUNK, true, AT(cell, chunk)},
    {"chunk_used", FIELD_COUNT, AT(cell, chunk_used)},
    {"placement", FIELD_TEXT, true, AT(cell, placement)},
    {"pus", FIELD_UNSIGNEDS, COUNTED(cell, pus, workers)},
    {"service", FIELD_TEXT, AT(cell, service)},
    {"service_pu", FIELD_PLACE, AT(cell, service_pu)},
    {"manager", FIELD_TEXT, AT(cell, manager)},
    {"oversubscribed", FIELD_BOOL, AT(cell, oversubscribed)},
    {"item_cost_ns", FIELD_REAL, AT(cell, item_cost_ns)},
    {"payload_bytes", FIELD_COUNT, AT(cell, payload_bytes)},
    {"items", FIELD_COUNT, AT(cell, items)},
    {"depth", FIELD_UNSIGNED, AT(cell, depth)},
    {"idle", FIELD_TEXT, true, AT(cell, idle)},
    {"status", FIELD_CHOICE, true, AT(cell, status), .choices = STATUS_NAMES, .measured = true},
    {"reason", FIELD_TEXT, AT(cell, reason), .of_other_cell = true, .measured = true},
    {"verified", FIELD_BOOL, true, AT(cell, verified), .measured = true},
    {"ranked", FIELD_TRUE, AT(cell, ranked)},
    {"visible", FIELD_TEXT, AT(cell, visible)},
    {"metric", FIELD_TEXT, true, AT(cell, metric)},
    {"unit", FIELD_TEXT, true, AT(cell, unit)},
    {"better", FIELD_TEXT, true, AT(cell, better)},
    {"value", FIELD_REAL, AT(cell, value), .of_ok_cell = true, .measured = true},
    {"ci_low", FIELD_REAL, AT(cell, ci_low), .of_ok_cell = true, .measured = true},
    {"ci_high", FIELD_REAL, AT(cell, ci_high), .of_ok_cell = true, .measured = true},
    {"confidence", FIELD_REAL, AT(cell, confidence), .of_ok_cell = true, .measured = true},
    {"limit", FIELD_TEXT, AT(cell, limit), .measured = true},
    {"limit_carries", FIELD_COUNT, AT(cell, limit_carries), .zero_is_absent = true, .measured = true},
    {"latency_ns", FIELD_OBJECT, COUNTED(cell, latency, latency.samples), .below = &latency_fields, .of_ok_cell = true,
     .zero_is_absent = true, .measured = true},
    {"contention", FIELD_DERIVED, .derive = derive_contention, .measured = true},
    {"flags", FIELD_DERIVED, .derive = derive_flags, .measured = true},
    {"trials", FIELD_OBJECTS, true, COUNTED(cell, trials, trial_count), .below = &trial_fields, .measured = true},
    {.name = NULL},
};

/* A cell appears with its first trial. */
static bool is_pending(const void *base)
{
    const struct cell *cell = base;
    return cell->status == CELL_PENDING || (cell->status == CELL_OK && !isfinite(cell->value));
}

/* A cell of no status is one of which only the terms were read. */
/* Short of memory, nothing is found. */
static bool contradicts_trials(const struct cell *cell)
{
    double *values = cell->trial_count ? calloc(cell->trial_count, sizeof *values) : NULL;
    for (size_t i = 0; values && i < cell->trial_count; i++)
        values[i] = cell->trials[i].value;
    bool found = values && contradicts(cell->value, statistics_median(values, cell->trial_count));
    free(values);
    return found;
}

static const char *fault_of(const struct cell *cell)
{
    bool excused = cell->status == CELL_NA || cell->status == CELL_FAILED;
    if (!cell->workers)
        return "a cell has at least one worker";
    if (cell->status == CELL_OK && isnan(cell->value))
        return "its status is ok, but it has no value";
    if (cell->status != CELL_OK && !isnan(cell->value))
        return "it has a value, but its status is not ok";
    if (excused && !cell->reason)
        return "its status is not ok, and no reason is given";
    if (strcmp(cell->better, "higher") != 0 && strcmp(cell->better, "lower") != 0)
        return "better is neither higher nor lower";
    if (isnan(cell->ci_low) != isnan(cell->ci_high) || cell->ci_low > cell->value || cell->ci_high < cell->value)
        return "the value lies outside its interval";
    if (contradicts_trials(cell))
        return "the value is not the median of its trials";
    return NULL;
}

static int check_cell(void *base, char *why, size_t size)
{
    const char *fault = fault_of(base);
    if (fault)
        snprintf(why, size, "%s", fault);
    return fault ? -1 : 0;
}

const struct fields cell_fields = {cell_list, sizeof(struct cell), .check = check_cell, .left_out = is_pending};

static json_t *derive_schema(const void *results, const void *base)
{
    (void)results, (void)base;
    return json_string(RESULTS_SCHEMA);
}

static const struct field results_list[] = {
    {"schema", FIELD_DERIVED, .derive = derive_schema, .measured = true},
    {"muster", FIELD_OBJECT, true, .below = &muster_fields},
    {"created", FIELD_TEXT, true, AT(results, created)},
    {"command", FIELD_TEXTS, true, COUNTED(results, command, command_count)},
    {"seed", FIELD_COUNT, true, AT(results, seed)},
    {"elapsed_s", FIELD_REAL, true, AT(results, elapsed_s)},
    {"blocks", FIELD_OBJECT, true, .below = &blocks_fields},
    {"interrupted", FIELD_BOOL, AT(results, interrupted)},
    {"windows", FIELD_UNSIGNED, AT(results, windows)},
    {"window_s", FIELD_REAL, AT(results, window_s)},
    {"warmup_s", FIELD_REAL, AT(results, warmup_s)},
    {"handicap", FIELD_SIGNED, AT(results, handicap), .zero_is_absent = true},
    {"idle", FIELD_TEXT, AT(results, idle)},
    {"idle_note", FIELD_TEXT, AT(results, idle_note)},
    {"noise", FIELD_REAL, AT(results, noise), .measured = true},
    {"precision", FIELD_OBJECT, COUNTED(results, precision, precision.looks), .below = &precision_fields,
     .zero_is_absent = true, .measured = true},
    {"lane_readings", FIELD_OBJECTS, COUNTED(results, lane_readings, lane_reading_count), .below = &lane_reading_fields,
     .zero_is_absent = true, .measured = true},
    {"host", FIELD_OBJECT, true, AT(results, host), .below = &host_fields},
    {"strategies", FIELD_OBJECTS, true, COUNTED(results, strategies, strategy_count), .below = &strategy_fields},
    {"workloads", FIELD_OBJECTS, true, COUNTED(results, workloads, workload_count), .below = &workload_fields},
    {"cells", FIELD_OBJECTS, true, COUNTED(results, cells, cell_count), .below = &cell_fields},
    {.name = NULL},
};

/* Two cells of one id could not be told apart when files are compared. */
static int check_ids(void *base, char *why, size_t size)
{
    const struct results *r = base;
    json_t *seen = json_object();
    int result = 0;
    snprintf(why, size, "memory is short");
    for (size_t i = 0; result == 0 && i < r->cell_count; i++) {
        if (json_object_get(seen, r->cells[i].id)) {
            snprintf(why, size, "cells[%zu]: the id \"%.80s\" is there twice", i, r->cells[i].id);
            result = -1;
        } else {
            result = json_object_set_new(seen, r->cells[i].id, json_true());
        }
    }
    json_decref(seen);
    return result;
}

const struct fields results_fields = {results_list, sizeof(struct results), .check = check_ids};
const struct fields about_fields = {results_list, sizeof(struct results), .check = check_ids, .terms_only = true};

const struct document results_document = {RESULTS_SCHEMA, "results file", "results.json", &results_fields};
