/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * gate.h - the timed window: a gate that lets all workers go at once, and each worker's own time stamps.
 *
 * The last worker to arrive opens the gate a moment ahead, so that all who wait are awake when the window begins. From
 * then on nothing shared is written: each worker reads the clock around batches of about 50 us and writes its own line.
 * The window is over for a worker when its own clock says so. gate_hooks() gives the callbacks that a pool wants. */
#ifndef MUSTER_HARNESS_GATE_H
#define MUSTER_HARNESS_GATE_H

#include "bench/multiprocessing.h"
#include "harness/binder.h"
#include "harness/histogram.h"

struct gate;

/* What one worker did in a window. */
struct stamps {
    int64_t first, last; /* ns */
    uint64_t grains;
};

/* pus[workers], or NULL: nothing is bound; service_pu -1 likewise. Both must live as long as the gate. In an
 * oversubscribed window a worker's time begins when the gate opens, since waiting for a processing unit is then part of
 * what is measured. NULL when memory is short. */
struct gate *gate_open(unsigned workers, struct binder *, const unsigned *pus, int service_pu, bool oversubscribed);
void gate_close(struct gate *);

/* Before any process is forked: from now on batches are one grain, and each grain's time is kept. -1 when memory is
 * short. */
int gate_keep_times(struct gate *);
/* The times of the grains of all processes since the last call, added to *h; where none are kept, nothing. While all
 * are parked. */
void gate_take_times(struct gate *, struct histogram *h);
struct hooks gate_hooks(struct gate *);

/* Before each window, while all are parked. */
void gate_arm(struct gate *, int64_t window_ns);

/* After it. `slot` is a worker's, or SLOT_PARENT. */
struct stamps gate_stamps(const struct gate *, uint32_t slot);

/* Where a process said it runs (-1: not yet born) and its pid; slots as above and SLOT_SERVICE. */
int gate_ran_on(const struct gate *, uint32_t slot);
pid_t gate_pid(const struct gate *, uint32_t slot);

#endif
