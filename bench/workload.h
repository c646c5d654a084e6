/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * workload.h - what a workload implements: what the processes do, and the proof that they did it.
 *
 * A workload is written in the primitives of multiprocessing.h only, so that every strategy carries it. The harness
 * counts in grains, the least that can be asked for (a chunk of adds, a whole map call, a snapshot), and reads the
 * clock around batches of them; nothing here reads a clock. After each window, with the clock stopped, check() proves
 * what the window claims and clears what would grow. */
#ifndef MUSTER_BENCH_WORKLOAD_H
#define MUSTER_BENCH_WORKLOAD_H

#include "bench/multiprocessing.h"
#include "bench/strategy.h"

struct parameters {
    unsigned workers;
    uint64_t chunk; /* operations that travel together; 0: auto, settled by chunk_auto() */
    uint64_t items; /* of a map call */
    size_t payload; /* bytes of an item or element */
    uint64_t cost;  /* steps of ipc/work.h's chain between operations, or in each item */
    uint64_t seed;
    const char *input; /* the text that an errand is given, the caller's; NULL: none */
};

/* What a window's proof found. */
struct proof {
    bool holds;
    uint64_t lost;  /* operations that were acknowledged and are not there */
    char text[200]; /* when it does not hold: what was lost, doubled, torn, swapped */
};

/* What people read of one item of the last window; both freed by whoever asked. */
struct told {
    char *line;   /* NULL: memory was short */
    char *beside; /* what is to be said of it apart from the line; NULL: nothing */
};

/* Of a workload that does something in the world with what a file says. It is measured only where it is named, alone,
 * and unless asked otherwise its grain is done once. */
struct errand {
    const char *wants;                                /* what the file holds, for people */
    int (*read)(const char *text, struct error *);    /* whether the text is that: else -1 with ERROR_USE */
    unsigned (*longest_s)(const struct parameters *); /* that a grain may take, seconds */
    /* In the parent: of item `index` of the last window; false: there are no more. *told is zeroed. */
    bool (*tell)(struct pool *, size_t index, struct told *told);
};

struct workload {
    const char *name, *summary, *unit; /* "items/s" */
    enum need need;
    bool from_parent;  /* the parent drives step(), by pool_drive(); else every worker, by pool_each() */
    bool unchunked;    /* its grain is its own: the chunk asked for does not matter */
    bool reads_only;   /* it writes nothing that others could see */
    bool itemised;     /* works on `items` items per call */
    bool standard;     /* part of the plan that is measured when nothing is named */
    bool timed;        /* each grain is a round trip of its own, whose time matters beside the rate: its latency */
    bool fills_up;     /* its windows end early where there is no more room */
    unsigned multiple; /* workers must be a multiple of this; 0: any number */
    size_t payload_least, payload_most; /* bytes; 0, 0: it has no payload and ignores the parameter */
    const struct errand *errand;        /* NULL: it does nothing in the world */

    uint64_t (*chunk_auto)(const struct parameters *);
    /* Before pool_open(): the context that setup.ctx will carry, and the sizes in *setup. */
    int (*prepare)(const struct parameters *, struct setup *, struct error *);
    /* Before pool_start(): makes the objects, fills the items. */
    int (*objects)(struct pool *, struct error *);
    /* After pool_start(), once: what must be there before the first gate. May be NULL. */
    int (*fill)(struct pool *, struct error *);
    /* Operations that a grain holds. */
    uint64_t (*grain)(const void *ctx);
    step_fn *step;
    /* After each window: done[slot] grains were acknowledged (the parent's at [workers]). Proves, then clears.
     * -1 with *error only when the pool broke; a proof that does not hold is an answer, not an error. */
    int (*check)(struct pool *, const uint64_t *done, struct proof *, struct error *);
    /* Items or operations that each worker has executed since the last check, where the parent drives: from
     * the workers' own tallies, filled into per_worker[workers]. NULL: done[] says it. */
    void (*shares)(const void *ctx, uint64_t *per_worker);
    void (*release)(void *ctx);
};

#endif
