/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * plan.c - measures of a placement plan, see plan.h.
 *
 * Written plainly and without the planner's own functions, as far as that goes, so that they can contradict it. */
#include "tests/plan.h"

#include <limits.h>
#include <string.h>

/* Level 0..LEVELS-1, and the unit itself. */
static int group_of(const struct unit *unit, int level)
{
    return level == LEVELS ? (int)unit->pu : unit->id[level];
}

/* The distinct groups of a level that the workers are in. */
unsigned plan_groups(const struct placement *plan, int level)
{
    unsigned count = 0;

    for (unsigned i = 0; i < plan->workers; i++) {
        bool seen = group_of(plan->units[i], level) < 0;

        for (unsigned j = 0; j < i && !seen; j++)
            seen = group_of(plan->units[j], level) == group_of(plan->units[i], level);
        count += !seen;
    }
    return count;
}

void plan_crowds(const struct placement *plan, enum level level, unsigned workers[PLAN_GROUPS])
{
    memset(workers, 0, PLAN_GROUPS * sizeof workers[0]);
    for (unsigned i = 0; i < plan->workers; i++)
        if (plan->units[i]->id[level] >= 0)
            workers[plan->units[i]->id[level]]++;
}

/* Workers in the fullest group of a level minus workers in the emptiest. */
unsigned plan_spread(const struct machine *machine, const struct placement *plan, enum level level)
{
    unsigned workers[PLAN_GROUPS], most = 0, least = UINT_MAX;

    plan_crowds(plan, level, workers);
    for (unsigned g = 0; g < machine->groups[level]; g++) {
        most = workers[g] > most ? workers[g] : most;
        least = workers[g] < least ? workers[g] : least;
    }
    return machine->groups[level] == 0 ? 0 : most - least;
}

/* Groups of a level that are used but have room; with `cores`, one unit of each core fills them. */
unsigned plan_partial(const struct machine *machine, const struct placement *plan, enum level level, bool cores)
{
    unsigned workers[PLAN_GROUPS], room[PLAN_GROUPS] = {0}, partial = 0;

    plan_crowds(plan, level, workers);
    for (unsigned i = 0; i < machine->count; i++) {
        bool counts = !cores || i == 0 || !placement_same_core(&machine->units[i], &machine->units[i - 1]);

        if (machine->units[i].id[level] >= 0)
            room[machine->units[i].id[level]] += counts;
    }
    for (unsigned g = 0; g < machine->groups[level]; g++)
        partial += workers[g] > 0 && workers[g] < room[g];
    return partial;
}
