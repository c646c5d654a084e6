/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * registry.c - the arrays behind the two lists, finding by name, and what cannot be combined. */
#include "bench/registry.h"

#include <stdio.h>
#include <string.h>

/* A second build of this file may list more strategies behind the others, as the tests' own program does. */
#ifdef MUSTER_EXTRA_STRATEGIES
#include MUSTER_EXTRA_STRATEGIES
#else
#define EXTRA_STRATEGIES(LINE)
#endif

#define DECLARE_STRATEGY(name) extern const struct strategy strategy_##name;
#define DECLARE_WORKLOAD(name) extern const struct workload workload_##name;
MUSTER_STRATEGIES(DECLARE_STRATEGY)
EXTRA_STRATEGIES(DECLARE_STRATEGY)
MUSTER_WORKLOADS(DECLARE_WORKLOAD)

#define ENTER_STRATEGY(name) &strategy_##name,
#define ENTER_WORKLOAD(name) &workload_##name,
const struct strategy *const strategies[] = {MUSTER_STRATEGIES(ENTER_STRATEGY) EXTRA_STRATEGIES(ENTER_STRATEGY) NULL};
const struct workload *const workloads[] = {MUSTER_WORKLOADS(ENTER_WORKLOAD) NULL};

const struct strategy *strategy_find(const char *name)
{
    for (const struct strategy *const *s = strategies; *s; s++)
        if (strcmp((*s)->name, name) == 0)
            return *s;
    return NULL;
}

const struct workload *workload_find(const char *name)
{
    for (const struct workload *const *w = workloads; *w; w++)
        if (strcmp((*w)->name, name) == 0)
            return *w;
    return NULL;
}

unsigned variant_count(const struct strategy *strategy)
{
    unsigned n = 0;
    while (strategy->variants[n].name)
        n++;
    return n;
}

int variant_find(const struct strategy *strategy, const char *name)
{
    for (unsigned i = 0; strategy->variants[i].name; i++)
        if (strcmp(strategy->variants[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* A strategy that says nothing of a kind of object, or has no way to hand over applied items, does not carry it. */
const char *variant_lacks(const struct strategy *s, unsigned variant, enum need need)
{
    const char *stated = s->variants[variant].lacks[need];
    if (stated)
        return stated;
    switch (need) {
    case NEED_ARRAY:
        return s->does_array ? NULL : "it has no arrays";
    case NEED_DICT:
        return s->does_dict ? NULL : "it has no dicts";
    case NEED_LOCK:
        return s->does_lock ? NULL : "it has no locks";
    case NEED_ASYNC:
        return s->post ? NULL : "it takes no applied items";
    case NEED_PROCESS:
        return s->role == ROLE_CONTROL_ONLY ? NULL : PROCESS_IS_ALONE;
    default:
        return NULL;
    }
}

void strategy_clauses(const struct strategy *s, struct clause clauses[CLAUSES])
{
    const struct clause all[CLAUSES] = {
        {NEED_MAP, "map", s->does_map},       {NEED_COUNTER, "counter", s->does_counter},
        {NEED_LIST, "list", s->does_list},    {NEED_ARRAY, "array", s->does_array},
        {NEED_DICT, "dict", s->does_dict},    {NEED_LOCK, "lock", s->does_lock},
        {NEED_ASYNC, "async", s->does_async},
    };
    memcpy(clauses, all, sizeof all);
}

const char *combination_lacks(const struct strategy *strategy, unsigned variant, const struct workload *workload,
                              const struct parameters *p, char *text, size_t size)
{
    const char *lacks = variant_lacks(strategy, variant, workload->need);
    if (lacks)
        return lacks;
    if (strategy->workers_most && p->workers > strategy->workers_most)
        snprintf(text, size, "%s has at most %u worker%s", strategy->name, strategy->workers_most,
                 strategy->workers_most == 1 ? "" : "s");
    else if (workload->multiple && p->workers % workload->multiple)
        snprintf(text, size, "%s needs a multiple of %u workers", workload->name, workload->multiple);
    else if (workload->payload_most && (p->payload < workload->payload_least || p->payload > workload->payload_most))
        snprintf(text, size, "%s takes %zu to %zu bytes", workload->name, workload->payload_least,
                 workload->payload_most);
    else
        return NULL;
    return text;
}

static const char *strategy_fault(const struct strategy *s)
{
    if (!s->name || !s->summary || !s->does_map || !s->does_counter || !s->does_list)
        return "a strategy lacks its name, its summary or what it does";
    if (!s->open || !s->close || !s->map || !s->each || !s->create)
        return "a strategy lacks a required operation: open, close, map, each, create";
    if (!s->variants || !s->variants[0].name)
        return "a strategy has no variant";
    return strategy_find(s->name) == s ? NULL : "two strategies have one name";
}

static const char *workload_fault(const struct workload *w)
{
    if (!w->name || !w->summary || !w->unit)
        return "a workload lacks its name, its summary or its unit";
    if (!w->chunk_auto || !w->prepare || !w->objects || !w->grain || !w->step || !w->check || !w->release)
        return "a workload lacks a required operation";
    return workload_find(w->name) == w ? NULL : "two workloads have one name";
}

const char *registry_fault(void)
{
    const char *fault = NULL;
    for (const struct strategy *const *s = strategies; *s && !fault; s++)
        fault = strategy_fault(*s);
    for (const struct workload *const *w = workloads; *w && !fault; w++)
        fault = workload_fault(*w);
    return fault;
}
