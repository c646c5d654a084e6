/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_list.h - a list in a shared region, for shared_memory.c. Its calls may run in any number of processes at once;
 * CLEAR only while no other call runs. */
#ifndef MUSTER_BENCH_STRATEGIES_SHARED_LIST_H
#define MUSTER_BENCH_STRATEGIES_SHARED_LIST_H

#include "bench/strategy.h"

int shared_list_create(struct object *, struct error *);
void shared_list_free(struct object *);

/* In a worker that will append, while nobody waits for it: faults in what it may need until the next CLEAR. */
void shared_list_ahead(const struct worker *, struct object *);

#endif
