/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * registry.h - the two lists: one line per strategy, one line per workload, in the order in which people see them.
 *
 * Help, `muster list`, the conformance tests, the reports' order and completions derive from these. */
#ifndef MUSTER_BENCH_REGISTRY_H
#define MUSTER_BENCH_REGISTRY_H

#include "bench/strategy.h"
#include "bench/workload.h"

#define MUSTER_STRATEGIES(LINE)                                                                                        \
    LINE(serial)                                                                                                       \
    LINE(fork_pool)                                                                                                    \
    LINE(prefork_pipe)                                                                                                 \
    LINE(shared_memory)                                                                                                \
    LINE(manager_socket)                                                                                               \
    LINE(limits)

#define MUSTER_WORKLOADS(LINE)                                                                                         \
    LINE(map)                                                                                                          \
    LINE(download)                                                                                                     \
    LINE(counter)                                                                                                      \
    LINE(list)                                                                                                         \
    LINE(list_read)                                                                                                    \
    LINE(array)                                                                                                        \
    LINE(dict)                                                                                                         \
    LINE(lock)                                                                                                         \
    LINE(async)                                                                                                        \
    LINE(process)                                                                                                      \
    LINE(raw_fetch_add)                                                                                                \
    LINE(raw_fetch_add_own)                                                                                            \
    LINE(raw_mutex_add)                                                                                                \
    LINE(raw_line_trip)                                                                                                \
    LINE(raw_futex_trip)                                                                                               \
    LINE(raw_pipe_trip)                                                                                                \
    LINE(raw_unix_trip)                                                                                                \
    LINE(raw_fork_wait)

/* Ended by NULL. */
extern const struct strategy *const strategies[];
extern const struct workload *const workloads[];

/* By exact name, or NULL. */
const struct strategy *strategy_find(const char *name);
const struct workload *workload_find(const char *name);
/* Index of a variant of that name, or -1. */
int variant_find(const struct strategy *, const char *name);
unsigned variant_count(const struct strategy *);

/* Why this combination cannot be measured, or NULL when it can. The text is static or in `text`. */
const char *combination_lacks(const struct strategy *, unsigned variant, const struct workload *,
                              const struct parameters *, char *text, size_t size);

/* What is wrong with an entry of the lists, or NULL: a required operation missing, a name used twice. */
const char *registry_fault(void);

#endif
