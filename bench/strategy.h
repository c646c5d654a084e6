/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * strategy.h - what a strategy implements: seven operations, and what it says of itself.
 *
 * A strategy decides which processes there are, how work reaches them and where an object's state lives. What an add or
 * an append does is written once, in ipc/object.c; a strategy supplies who executes it. Workloads are written in
 * these primitives only, so a new strategy touches no workload. Include multiprocessing.h to use a pool; this header is
 * for strategies, for the registry and for who lists them. */
#ifndef MUSTER_BENCH_STRATEGY_H
#define MUSTER_BENCH_STRATEGY_H

#include "bench/multiprocessing.h"

#include <stdatomic.h>

/* What a workload needs of a strategy, and so what a variant may lack. */
enum need { NEED_MAP, NEED_COUNTER, NEED_LIST, NEED_RAW };
#define NEEDS 4

enum role { ROLE_COMPARED, ROLE_CONTROL_ONLY, ROLE_LIMITS };

struct variant {
    const char *name, *summary;
    const char *visible;      /* when others see a write: "once acknowledged", "at join", "when quiet" */
    const char *lacks[NEEDS]; /* why a need is n/a; NULL: it is met */
    const char *limit[NEEDS]; /* the raw operation that bounds it: a workload of the limits strategy; NULL: none */
    bool limit_carries_chunk[NEEDS]; /* one raw operation carries a whole chunk, not one operation */
    bool incorrect;                  /* loses updates by design: selected by name only, never ranked */
};

struct strategy {
    const char *name, *summary;
    const char *does_map, *does_counter, *does_list; /* a clause each, for the table of semantics */
    enum role role;
    unsigned workers_most;          /* 0: WORKERS_MAX */
    bool serves;                    /* a parent, owner or manager works while the workers do */
    const struct variant *variants; /* the first is the default; a NULL name ends them */

    /* All in the parent unless said otherwise; required unless said otherwise. Each returns 0, or -1 with *error. */
    int (*open)(struct pool *, struct error *);  /* memory and descriptors; no fork yet. Undoes itself on failure */
    int (*start)(struct pool *, struct error *); /* forks the standing processes. May be NULL: it has none */
    int (*close)(struct pool *, int64_t grace_ns, struct error *); /* ends and reaps them, frees what open() made */
    int (*map)(struct pool *, items_fn *, uint64_t argument, size_t n, size_t chunk, struct error *);
    int (*each)(struct pool *, step_fn *, struct error *);
    int (*create)(struct object *, struct error *);       /* sets object->call and state; before start() */
    unsigned (*depth)(const struct pool *, size_t chunk); /* may be NULL: it sends no messages */
};

#define OBJECTS_MAX 8

/* A shared page in which the first child that fails leaves its error. */
enum { FAULT_NONE, FAULT_TELLING, FAULT_TOLD };
struct fault {
    _Atomic uint32_t state;
    struct error error;
};

/* Open to strategies; to others only through multiprocessing.h. */
struct pool {
    const struct strategy *strategy;
    const struct variant *variant;
    struct setup setup;
    struct worker parent;
    void *in, *out; /* set by open(), freed by close() */
    struct object objects[OBJECTS_MAX];
    unsigned object_count;
    pid_t service; /* set by start() where another process serves; else the opener's */
    struct fault *fault;
    bool started;
    void *state; /* the strategy's */
};

/* Memory for items and results that only this process and the copies made by fork see; the usual open() and close(). */
int pool_private_items(struct pool *, struct error *);
void pool_free_items(struct pool *);

#endif
