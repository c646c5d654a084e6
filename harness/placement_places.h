/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * placement_places.h - the places of a policy, in the order in which workers take them.
 *
 * Between placement.c, which lists them, and placement_policy.c, which hands them out; nobody else needs it. */
#ifndef MUSTER_HARNESS_PLACEMENT_PLACES_H
#define MUSTER_HARNESS_PLACEMENT_PLACES_H

#include "harness/placement.h"

/* `taken` has room for all units of the machine, and for a pair. */
struct places {
    const struct unit **taken;
    unsigned count;
};

/* The first unit of each core; every unit; every unit, spread. 0, or -1 when memory is short. */
int places_cores(const struct machine *machine, struct places *places);
int places_compact(const struct machine *machine, struct places *places);
int places_scatter(const struct machine *machine, struct places *places);

#endif
