/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * metadata.c - describing the build and the run. */
#include "config.h"

#include "harness/handicap.h"
#include "harness/metadata.h"
#include "harness/units.h"
#include "harness/wake.h"

#include "build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAKE_SAMPLES 9
#define WAKE_TRIES   3
#define TOOK_EFFECT  0.7   /* of the natural cost, at most */
#define CHEAP_NS     10000 /* where waking costs no more than this anyway, there is nothing to mend */

const char *metadata_version(void)
{
    return PACKAGE_VERSION;
}

const char *metadata_commit(void)
{
    return MUSTER_COMMIT;
}

/* What a strategy does for an operation, or why it does not. */
static char *clause(const struct strategy *s, const char *does, enum need need)
{
    const char *lacks = variant_lacks(s, 0, need);
    char *text = NULL;
    if (!lacks)
        return does ? strdup(does) : NULL;
    return asprintf(&text, "n/a: %s", lacks) < 0 ? NULL : text;
}

static int describe_strategies(struct results *r, const struct plan *plan)
{
    size_t count = 0;
    while (strategies[count])
        count++;
    r->strategies = calloc(count, sizeof *r->strategies);
    for (size_t i = 0; r->strategies && i < count; i++) {
        const struct strategy *s = strategies[i];
        bool used = false;
        for (size_t e = 0; e < plan->count; e++)
            used = used || plan->entries[e].request.strategy == s;
        if (!used)
            continue;
        r->strategies[r->strategy_count++] = (struct strategy_info){
            .name = strdup(s->name),
            .summary = strdup(s->summary),
            .visible = strdup(s->variants[0].visible),
            .map = strdup(s->does_map),
            .counter = strdup(s->does_counter),
            .list = strdup(s->does_list),
            .array = clause(s, s->does_array, NEED_ARRAY),
            .dict = clause(s, s->does_dict, NEED_DICT),
            .lock = clause(s, s->does_lock, NEED_LOCK),
            .async = clause(s, s->does_async, NEED_ASYNC),
            .role = s->role == ROLE_CONTROL_ONLY ? ROLE_CONTROL
                    : s->role == ROLE_LIMITS     ? ROLE_YARDSTICK
                                                 : ROLE_STRATEGY,
        };
    }
    return r->strategies ? 0 : -1;
}

static int describe_workloads(struct results *r, const struct plan *plan)
{
    size_t count = 0;
    while (workloads[count])
        count++;
    r->workloads = calloc(count, sizeof *r->workloads);
    for (size_t i = 0; r->workloads && i < count; i++) {
        const struct workload *w = workloads[i];
        bool used = false;
        for (size_t e = 0; e < plan->count; e++)
            used = used || plan->entries[e].request.workload == w;
        if (used)
            r->workloads[r->workload_count++] =
                (struct workload_info){.name = strdup(w->name), .summary = strdup(w->summary), .unit = strdup(w->unit)};
    }
    return r->workloads ? 0 : -1;
}

static int describe_command(struct results *r, int argc, char **argv)
{
    r->command = calloc((size_t)argc + 3, sizeof *r->command);
    if (!r->command)
        return -1;
    r->command[r->command_count++] = strdup("muster");
    if (handicap_typed()) {
        r->command[r->command_count++] = strdup("--handicap");
        r->command[r->command_count++] = strdup(handicap_typed());
    }
    for (int i = 0; i < argc; i++)
        r->command[r->command_count++] = strdup(argv[i]);
    return 0;
}

int metadata_fill(struct results *r, const struct plan *plan, int argc, char **argv, struct problem *problem)
{
    char created[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    r->version = strdup(metadata_version());
    r->commit = strdup(metadata_commit());
    r->compiler = strdup(MUSTER_COMPILER);
    r->cflags = strdup(MUSTER_CFLAGS);
    r->created = strdup(created);
    r->noise = NAN;
    r->handicap = handicap_get();
    if (describe_strategies(r, plan) || describe_workloads(r, plan) || describe_command(r, argc, argv))
        return problem_set(problem, EXIT_UNPROVED, "no memory for the results");
    return 0;
}

/* --- the idle mode ----------------------------------------------------------------------------------------------- */

/* The least of a few medians: other load makes waking look dearer, nothing makes it look cheaper. */
static double wake_in(enum idle_mode mode, int64_t poll_us, const struct plan *plan, struct wake *wake)
{
    unsigned units[WORKERS_MAX + 1];
    struct idle *idle;
    struct problem ignored;
    double least = INFINITY;
    if (idle_open(&idle, mode, poll_us, units, plan_units(plan, units, WORKERS_MAX + 1), &ignored))
        return NAN;
    for (int i = 0; i < WAKE_TRIES; i++)
        least = fmin(least, wake_measure(wake, WAKE_SAMPLES));
    idle_close(idle);
    return least;
}

/* What the mode came to when the run began; -1 when memory is short. */
static int say_effect(char **note, const char *mode, const char *why, double natural, double now)
{
    char before[UNITS_TEXT], after[UNITS_TEXT];
    units_print_duration(before, natural);
    units_print_duration(after, now);
    if (now > natural * TOOK_EFFECT && now > CHEAP_NS && strcmp(before, after) == 0)
        return asprintf(note, "%s (%s) changed nothing here when the run began: waking an idle CPU costs %s either way",
                        mode, why, after);
    if (now > natural * TOOK_EFFECT && now > CHEAP_NS)
        return asprintf(note, "%s (%s) %s here when the run began: waking an idle CPU costs %s, without it %s", mode,
                        why, now > natural / TOOK_EFFECT ? "did not help" : "changed little", after, before);
    return asprintf(note, "%s (%s): waking an idle CPU costs %s instead of %s%s", mode, why, after, before,
                    now > natural * TOOK_EFFECT ? ", which is cheap here anyway" : "");
}

void metadata_idle_note(struct results *r, const struct plan *plan, int64_t poll_us, const char *why)
{
    enum idle_mode mode = plan->count ? plan->entries[0].idle : IDLE_NATURAL;
    unsigned pair[2];
    struct wake *wake = NULL;
    struct problem ignored;
    char cost[UNITS_TEXT];
    double natural = NAN, now = NAN;
    if (plan_two_units(plan, pair) && wake_open(&wake, pair[0], pair[1], &ignored) == 0) {
        natural = wake_in(IDLE_NATURAL, IDLE_POLL_DEFAULT, plan, wake);
        now = wake_in(mode, poll_us, plan, wake);
        wake_close(wake);
    }
    int bad;
    if (!plan_two_units(plan, pair))
        bad = asprintf(&r->idle_note, "%s (%s); all run on one CPU, so none is woken", r->idle, why);
    else if (!isfinite(natural) || !isfinite(now))
        bad = asprintf(&r->idle_note, "%s (%s); what waking an idle CPU costs could not be measured", r->idle, why);
    else if (mode == IDLE_NATURAL)
        bad = asprintf(&r->idle_note, "%s (%s): waking an idle CPU costs %s", r->idle, why,
                       units_print_duration(cost, now));
    else
        bad = say_effect(&r->idle_note, r->idle, why, natural, now);
    if (bad < 0)
        r->idle_note = NULL;
}
