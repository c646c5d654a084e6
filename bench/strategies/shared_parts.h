/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_parts.h - each kind of object in a shared region, for shared_objects.c.
 *
 * create() sets object->call and object->state. The calls may run in any number of processes at once; CLEAR only while
 * no other runs. What a process changed when it died is whole for all others: as it was, or as it was to be. */
#ifndef MUSTER_BENCH_STRATEGIES_SHARED_PARTS_H
#define MUSTER_BENCH_STRATEGIES_SHARED_PARTS_H

#include "bench/strategy.h"

int shared_array_create(struct object *, struct error *);
void shared_array_free(struct object *);

int shared_dict_create(struct object *, struct error *);
void shared_dict_free(struct object *);

int shared_lock_create(struct object *, struct error *);
void shared_lock_free(struct object *);

#endif
