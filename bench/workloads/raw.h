/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * raw.h - what the raw operations of raw_adds.c and raw_trips.c have in common: shared lines, and a pair's descriptors.
 */
#ifndef MUSTER_BENCH_WORKLOADS_RAW_H
#define MUSTER_BENCH_WORKLOADS_RAW_H

#include "bench/ipc/memory.h"
#include "bench/workload.h"

#include <pthread.h>
#include <stdatomic.h>

/* One per worker. */
struct raw_line {
    _Alignas(LINE_APART) _Atomic uint64_t value; /* written by its worker alone, within a window */
    _Atomic uint32_t word;                       /* for the futex: written by the partner */
    _Alignas(LINE_APART) _Atomic uint64_t wrong; /* trips whose number did not come back */
};

struct raw_shared {
    _Alignas(LINE_APART) _Atomic uint64_t same;
    _Alignas(LINE_APART) pthread_mutex_t mutex;
    _Alignas(LINE_APART) uint64_t guarded;
    struct raw_line line[];
};

struct raw_run {
    size_t workers;
    struct raw_shared *shared;
    int (*ends)[2]; /* worker i reads [i][0] and writes [i][1]; NULL where the operation has no descriptors */
};

/* The operations that most raw workloads share. */
uint64_t raw_chunk_auto(const struct parameters *);
int raw_prepare(const struct parameters *, struct setup *, struct error *);
int raw_objects(struct pool *, struct error *);
void raw_release(void *ctx);

#define RAW_WORKLOAD                                                                                                   \
    .need = NEED_RAW, .unchunked = true, .chunk_auto = raw_chunk_auto, .objects = raw_objects, .release = raw_release

#endif
