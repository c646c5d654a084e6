/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * placement_policy.c - from a policy's name to a plan, with its errors.
 *
 * Whatever cannot be done is said with what could: the nearest name, the classes of pairs that this machine has, the
 * units that may be used, the number of places. */
#include "harness/placement.h"
#include "harness/placement_places.h"
#include "harness/suggest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const policies[] = {"cores", "compact", "scatter", "pair:CLASS", "none", NULL};

static int memory_short(struct problem *problem)
{
    return problem_set(problem, EXIT_UNPROVED, "out of memory while planning the placement");
}

/* "smt, l3", the classes that have pairs here. */
static void name_classes(const struct distance_class *classes, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (int d = 0; d < DISTANCES && used < size; d++)
        if (classes[d].pairs > 0)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", classes[d].name);
}

static int take_pair(const struct machine *machine, const char *class, struct places *places, struct problem *problem)
{
    struct distance_class classes[DISTANCES];
    struct suggestion suggestion = {.wrong = class};
    char present[64];

    placement_distances(machine, classes);
    name_classes(classes, present, sizeof present);
    for (int d = 0; d < DISTANCES; d++) {
        suggest_offer(&suggestion, classes[d].name);
        if (strcmp(classes[d].name, class) != 0)
            continue;
        if (classes[d].pairs == 0)
            return problem_set(problem, EXIT_USAGE, "placement 'pair:%s': this machine has no such pair; it has %s",
                               class, present[0] != '\0' ? present : "none at all");
        places->taken[places->count++] = classes[d].example[0];
        places->taken[places->count++] = classes[d].example[1];
        return 0;
    }
    return problem_set(problem, EXIT_USAGE, "placement 'pair:%s': unknown class%s", class,
                       suggestion.nearest != NULL ? suggest_clause(&suggestion)
                                                  : "; there are smt, l2, l3, package, cross");
}

/* "0-3,8", cut short with "..." when it does not fit. */
static void name_units(const struct machine *machine, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (unsigned i = 0, end; i < machine->count; i = end) {
        const struct unit *unit = machine->units;

        for (end = i + 1; end < machine->count && unit[end].pu == unit[end - 1].pu + 1;)
            end++;
        if (used + 30 > size) {
            snprintf(text + used, size - used, ",...");
            return;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%u", i > 0 ? "," : "", unit[i].pu);
        if (end - i > 1)
            used += (size_t)snprintf(text + used, size - used, "-%u", unit[end - 1].pu);
    }
}

static int take_unit(const struct machine *machine, unsigned long pu, struct places *places, struct problem *problem)
{
    char usable[160];

    for (unsigned i = 0; i < places->count; i++)
        if (places->taken[i]->pu == pu)
            return problem_set(problem, EXIT_USAGE, "placement names processing unit %lu twice", pu);
    for (unsigned i = 0; i < machine->count; i++)
        if (machine->units[i].pu == pu) {
            places->taken[places->count++] = &machine->units[i];
            return 0;
        }
    name_units(machine, usable, sizeof usable);
    return problem_set(problem, EXIT_USAGE, "processing unit %lu may not be used here; those that may: %s", pu, usable);
}

/* Reads "0,4,8" and ranges, "0-3,8". */
static int take_list(const struct machine *machine, const char *list, struct places *places, struct problem *problem)
{
    const char *text = list;

    do {
        char *end;
        unsigned long first = 0, last = 0;

        errno = 0;
        if (*text < '0' || *text > '9')
            goto bad;
        first = last = strtoul(text, &end, 10);
        if (*end == '-') {
            if (end[1] < '0' || end[1] > '9')
                goto bad;
            last = strtoul(end + 1, &end, 10);
        }
        if (errno != 0 || last < first || (*end != '\0' && *end != ','))
            goto bad;
        for (; first <= last; first++)
            if (take_unit(machine, first, places, problem) != 0)
                return -1;
        text = *end == ',' ? end + 1 : NULL;
    } while (text != NULL);
    return 0;
bad:
    return problem_set(problem, EXIT_USAGE, "placement '%s' is not a list of processing units such as 0,4,8", list);
}

static int take_named(const struct machine *machine, const char *policy, struct places *places, struct problem *problem)
{
    struct suggestion suggestion = {.wrong = policy};

    if (strcmp(policy, "cores") == 0)
        return places_cores(machine, places);
    if (strcmp(policy, "compact") == 0 || strcmp(policy, "none") == 0)
        return places_compact(machine, places);
    if (strcmp(policy, "scatter") == 0)
        return places_scatter(machine, places) == 0 ? 0 : memory_short(problem);
    if (strncmp(policy, "pair:", 5) == 0)
        return take_pair(machine, policy + 5, places, problem);
    if (*policy >= '0' && *policy <= '9')
        return take_list(machine, policy, places, problem);
    for (const char *const *name = policies; *name != NULL; name++)
        suggest_offer(&suggestion, *name);
    if (suggestion.nearest != NULL)
        return problem_set(problem, EXIT_USAGE, "unknown placement '%s'%s", policy, suggest_clause(&suggestion));
    return problem_set(problem, EXIT_USAGE,
                       "unknown placement '%s'; there are cores, compact, scatter, pair:CLASS, none, or units 0,4,8",
                       policy);
}

static int take(const struct machine *machine, const char *policy, struct places *places, struct problem *problem)
{
    *places = (struct places){.taken = calloc(machine->count + 2, sizeof(struct unit *))};
    if (places->taken == NULL)
        return memory_short(problem);
    if (take_named(machine, policy, places, problem) == 0)
        return 0;
    free(places->taken);
    places->taken = NULL;
    return -1;
}

int placement_places(const struct machine *machine, const char *policy, struct problem *problem)
{
    struct places places;

    if (take(machine, policy, &places, problem) != 0)
        return -1;
    free(places.taken);
    return (int)places.count;
}

static unsigned fewest(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

int placement_plan(const struct machine *machine, const char *policy, unsigned workers, bool oversubscribe,
                   struct placement *placement, struct problem *problem)
{
    struct places places;

    *placement = (struct placement){.bound = strcmp(policy, "none") != 0};
    if (take(machine, policy, &places, problem) != 0)
        return -1;
    if (workers == 0)
        workers = fewest(fewest(places.count, machine->cores), PLACEMENT_WORKERS_MAX);
    if (workers == 0 || workers > PLACEMENT_WORKERS_MAX) {
        problem_set(problem, EXIT_USAGE, "%u workers: there can be 1 to %d", workers, PLACEMENT_WORKERS_MAX);
        goto free_places;
    }
    if (workers > places.count && !oversubscribe) {
        problem_set(problem, EXIT_USAGE,
                    "placement '%s' has %u place%s here, not %u; --oversubscribe lets workers share them", policy,
                    places.count, places.count == 1 ? "" : "s", workers);
        goto free_places;
    }
    placement->workers = workers;
    placement->places = places.count;
    placement->oversubscribed = workers > places.count;
    if (placement->bound) {
        placement->units = calloc(workers, sizeof(struct unit *));
        if (placement->units == NULL) {
            memory_short(problem);
            goto free_places;
        }
        for (unsigned i = 0; i < workers; i++)
            placement->units[i] = places.taken[i % places.count];
    }
    free(places.taken);
    return 0;
free_places:
    free(places.taken);
    return -1;
}

void placement_free(struct placement *placement)
{
    free(placement->units);
    *placement = (struct placement){0};
}

static bool has_worker(const struct placement *placement, const struct unit *unit, bool whole_core)
{
    for (unsigned i = 0; i < placement->workers; i++)
        if (whole_core ? placement_same_core(placement->units[i], unit) : placement->units[i] == unit)
            return true;
    return false;
}

const struct unit *placement_free_unit(const struct machine *machine, const struct placement *placement)
{
    const struct unit *best = NULL;
    int best_cost = 0;

    if (!placement->bound)
        return NULL;
    for (unsigned i = 0; i < machine->count; i++) {
        const struct unit *unit = &machine->units[i], *first = placement->units[0];
        int cost;

        if (has_worker(placement, unit, false))
            continue;
        cost = 2 * (int)placement_distance(first, unit) + (unit->id[LEVEL_NUMA] != first->id[LEVEL_NUMA]);
        if (has_worker(placement, unit, true))
            cost += 2 * DISTANCES + 2; /* beyond the farthest free core */
        if (best == NULL || cost < best_cost) {
            best = unit;
            best_cost = cost;
        }
    }
    return best;
}

int placement_next_policy(const char **text, char *policy, size_t size)
{
    const char *start = *text, *end = start + strcspn(start, ",");

    if (*start == '\0')
        return 0;
    /* Numbers, and the ranges of numbers, that follow numbers belong to the same list. */
    if (*start >= '0' && *start <= '9')
        while (*end == ',' && end[1] >= '0' && end[1] <= '9')
            end += 1 + strcspn(end + 1, ",");
    if ((size_t)(end - start) >= size)
        return -1;
    memcpy(policy, start, (size_t)(end - start));
    policy[end - start] = '\0';
    *text = *end == ',' ? end + 1 : end;
    return 1;
}
