/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * placement.c - distances, and the places of each policy.
 *
 * A policy lists its places in the order in which workers take them; a plan is the first of them.
 * `cores` and `compact` follow the machine's list, in which whatever shares a cache, a NUMA locality or a package
 * stands together. `scatter` gives each worker the least crowded place: on a core without a worker, else with
 * the fewest; then in the group of the widest level with the fewest, then of the next level. Levels are ordered as they
 * are on this machine, since NUMA localities lie inside an L3 on one and span packages on another. */
#include "harness/placement.h"

#include "harness/placement_places.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *meaning;
} distances[DISTANCES] = {
    [DISTANCE_SMT] = {"smt", "two processing units of one core"},
    [DISTANCE_L2] = {"l2", "two cores that share an L2 cache"},
    [DISTANCE_L3] = {"l3", "two cores that share an L3 cache"},
    [DISTANCE_PACKAGE] = {"package", "two cores of one package, no shared cache"},
    [DISTANCE_CROSS] = {"cross", "two cores of different packages"},
};

static bool placement_same(const struct unit *a, const struct unit *b, enum level level)
{
    return a->id[level] >= 0 && a->id[level] == b->id[level];
}

bool placement_same_core(const struct unit *a, const struct unit *b)
{
    return a == b || placement_same(a, b, LEVEL_CORE);
}

static bool starts_core(const struct machine *machine, unsigned index)
{
    return index == 0 || !placement_same_core(&machine->units[index], &machine->units[index - 1]);
}

enum distance placement_distance(const struct unit *a, const struct unit *b)
{
    if (placement_same_core(a, b))
        return DISTANCE_SMT;
    if (placement_same(a, b, LEVEL_L2))
        return DISTANCE_L2;
    if (placement_same(a, b, LEVEL_L3))
        return DISTANCE_L3;
    return placement_same(a, b, LEVEL_PACKAGE) ? DISTANCE_PACKAGE : DISTANCE_CROSS;
}

void placement_count(struct machine *machine)
{
    machine->cores = 0;
    memset(machine->groups, 0, sizeof machine->groups);
    for (unsigned i = 0; i < machine->count; i++) {
        machine->cores += starts_core(machine, i);
        for (enum level level = 0; level < LEVELS; level++)
            if (machine->units[i].id[level] >= (int)machine->groups[level])
                machine->groups[level] = (unsigned)machine->units[i].id[level] + 1;
    }
}

void placement_distances(const struct machine *machine, struct distance_class classes[DISTANCES])
{
    for (int d = 0; d < DISTANCES; d++)
        classes[d] = (struct distance_class){.name = distances[d].name, .meaning = distances[d].meaning};
    for (unsigned i = 0; i < machine->count; i++)
        for (unsigned j = i + 1; j < machine->count; j++) {
            const struct unit *a = &machine->units[i], *b = &machine->units[j];
            enum distance d = placement_distance(a, b);

            if (d != DISTANCE_SMT && !(starts_core(machine, i) && starts_core(machine, j)))
                continue;
            if (classes[d].pairs++ == 0) {
                classes[d].example[0] = a;
                classes[d].example[1] = b;
            }
        }
}

int places_cores(const struct machine *machine, struct places *places)
{
    for (unsigned i = 0; i < machine->count; i++)
        if (starts_core(machine, i))
            places->taken[places->count++] = &machine->units[i];
    return 0;
}

int places_compact(const struct machine *machine, struct places *places)
{
    for (unsigned i = 0; i < machine->count; i++)
        places->taken[places->count++] = &machine->units[i];
    return 0;
}

/* The levels above the core, the one with the fewest groups first: that is the widest. */
static void widest_first(const struct machine *machine, enum level order[LEVELS])
{
    static const enum level outer[] = {LEVEL_PACKAGE, LEVEL_NUMA, LEVEL_L3, LEVEL_CLUSTER, LEVEL_L2};
    unsigned count = 0;

    for (; count < sizeof outer / sizeof outer[0]; count++) {
        unsigned at = count;

        for (; at > 0 && machine->groups[order[at - 1]] > machine->groups[outer[count]]; at--)
            order[at] = order[at - 1];
        order[at] = outer[count];
    }
    order[count] = LEVEL_CORE;
}

/* How many workers stand in each group: slot 0 of a level for the units outside all of its groups. */
struct crowd {
    enum level order[LEVELS];
    unsigned *workers[LEVELS];
};

static unsigned *crowd_slot(const struct crowd *crowd, const struct unit *unit, enum level level)
{
    return &crowd->workers[level][unit->id[level] + 1];
}

/* Whether the next worker rather goes to a than to b: a less crowded core first, so that siblings come last, then a
 * less crowded group of the widest level, then of the next. */
static bool less_crowded(const struct crowd *crowd, const struct unit *a, const struct unit *b)
{
    unsigned at_a = *crowd_slot(crowd, a, LEVEL_CORE), at_b = *crowd_slot(crowd, b, LEVEL_CORE);

    for (unsigned i = 0; at_a == at_b && i < LEVELS; i++) {
        at_a = *crowd_slot(crowd, a, crowd->order[i]);
        at_b = *crowd_slot(crowd, b, crowd->order[i]);
    }
    return at_a < at_b;
}

int places_scatter(const struct machine *machine, struct places *places)
{
    struct crowd crowd;
    unsigned slots = machine->count + 1;
    unsigned *workers = calloc((size_t)slots * LEVELS, sizeof *workers);
    bool *gone = calloc(slots, sizeof *gone);

    widest_first(machine, crowd.order);
    for (enum level level = 0; workers != NULL && level < LEVELS; level++)
        crowd.workers[level] = workers + (size_t)slots * level;
    while (workers != NULL && gone != NULL && places->count < machine->count) {
        unsigned best = machine->count;

        for (unsigned i = 0; i < machine->count; i++)
            if (!gone[i] && (best == machine->count || less_crowded(&crowd, &machine->units[i], &machine->units[best])))
                best = i;
        gone[best] = true;
        for (enum level level = 0; level < LEVELS; level++)
            (*crowd_slot(&crowd, &machine->units[best], level))++;
        places->taken[places->count++] = &machine->units[best];
    }
    free(workers);
    free(gone);
    return places->count == machine->count ? 0 : -1;
}
