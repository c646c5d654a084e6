/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_objects.h - objects in a shared region, for shared_memory.c.
 *
 * Their calls may run in any number of processes at once; CLEAR only while no other call runs. */
#ifndef MUSTER_BENCH_STRATEGIES_SHARED_OBJECTS_H
#define MUSTER_BENCH_STRATEGIES_SHARED_OBJECTS_H

#include "bench/strategy.h"

enum shared_variant { SHARED_ATOMIC, SHARED_MUTEX, SHARED_SHARDED, SHARED_PACKED, SHARED_RACY };

int shared_object_create(struct object *, struct error *);
void shared_object_free(struct object *);

#endif
