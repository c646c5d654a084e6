/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * strategy.h - what a strategy implements: its operations, and what it says of itself.
 *
 * A strategy decides which processes there are, how work reaches them and where an object's state lives. What an add or
 * an append does is written once, in ipc/object.c; a strategy supplies who executes it. Workloads are written in
 * these primitives only, so a new strategy touches no workload. Include multiprocessing.h to use a pool; this header is
 * for strategies, for the registry and for who lists them. */
#ifndef MUSTER_BENCH_STRATEGY_H
#define MUSTER_BENCH_STRATEGY_H

#include "bench/multiprocessing.h"

#include <stdatomic.h>

struct board;
struct async;

/* What a workload needs of a strategy, and so what a variant may lack. */
enum need {
    NEED_MAP,
    NEED_COUNTER,
    NEED_LIST,
    NEED_RAW,
    NEED_ARRAY,
    NEED_DICT,
    NEED_LOCK,
    NEED_ASYNC,
    NEED_PROCESS,
    NEEDS,
};

/* Of every strategy but the control. */
#define PROCESS_IS_ALONE "a process needs no pool: it is serial's"

enum role { ROLE_COMPARED, ROLE_CONTROL_ONLY, ROLE_LIMITS };

struct variant {
    const char *name, *summary;
    const char *visible;      /* when others see a write: "once acknowledged", "at join", "when quiet" */
    const char *lacks[NEEDS]; /* why a need is n/a; NULL: it is met */
    const char *limit[NEEDS]; /* the raw operation that bounds it: a workload of the limits strategy; NULL: none */
    bool limit_carries_chunk[NEEDS]; /* one raw operation carries a whole chunk, not one operation */
    bool incorrect;                  /* loses updates by design: selected by name only, never ranked */
};

/* A process forked for a pool. Known by its pidfd, so that a recycled pid is never hit. */
struct child {
    pid_t pid; /* 0: none */
    int pidfd; /* readable once it has ended */
    uint32_t slot;
};

/* Runs in a child after the born hook; its return value becomes the exit status (0: fine). */
typedef int child_main(struct worker *, void *arg);

struct strategy {
    const char *name, *summary;
    /* A clause each, for the table of semantics; the second line may be NULL: it has none. */
    const char *does_map, *does_counter, *does_list;
    const char *does_array, *does_dict, *does_lock, *does_async;
    enum role role;
    unsigned workers_most;          /* 0: WORKERS_MAX */
    bool serves;                    /* a parent, owner or manager works while the workers do */
    bool by_address;                /* its manager may be one that serves by an address, of which the scheme is the
                                       name of a variant */
    const struct variant *variants; /* the first is the default; a NULL name ends them */

    /* All in the parent unless said otherwise; required unless said otherwise. Each returns 0, or -1 with *error. */
    int (*open)(struct pool *, struct error *);  /* memory and descriptors; no fork yet. Undoes itself on failure */
    int (*start)(struct pool *, struct error *); /* forks the standing processes. May be NULL: it has none */
    /* Tells them to leave and reaps them, with SIGKILL after grace_ns. Called once, even where start() failed. */
    int (*stop)(struct pool *, int64_t grace_ns, struct error *);
    void (*close)(struct pool *); /* frees what open() made */
    /* -1 is for what breaks the pool; what becomes of items is the board's (ipc/board.h). */
    int (*map)(struct pool *, struct error *);            /* board->order */
    int (*each)(struct pool *, struct error *);           /* board->step */
    int (*create)(struct object *, struct error *);       /* sets object->call and state; before start() */
    unsigned (*depth)(const struct pool *, size_t chunk); /* may be NULL: it sends no messages */
    /* Applied items (ipc/task.h). NULL: it has none. post() hands one over and does not wait for it; turn() serves
     * whatever has come, waiting at most timeout_ns, and tells what is over. Where nothing is posted it waits too: for
     * a process that the parent serves. */
    int (*post)(struct pool *, unsigned ticket, struct error *);
    int (*turn)(struct pool *, int64_t timeout_ns, struct error *);
    /* A process in the pool, at a slot behind the workers'. enlist() forks it, so that it can operate on objects;
     * discharge() takes what it left, once it has ended: for each one, before stop() at the latest; ERROR_FAILED: there
     * is no room for that, and the pool goes on. NULL: none can be. */
    int (*enlist)(struct pool *, uint32_t slot, child_main *, void *arg, struct error *);
    int (*discharge)(struct pool *, uint32_t slot, struct error *);
};

/* Why a variant does not meet a need: its own reason, or one that follows from what its strategy has not; NULL: it does
 * meet it. */
const char *variant_lacks(const struct strategy *, unsigned variant, enum need);

/* A row of the table of semantics. */
struct clause {
    enum need need;
    const char *name, *does; /* NULL: it does not carry it, or has nothing to say */
};
#define CLAUSES 7
/* What a strategy does for each kind of operation. */
void strategy_clauses(const struct strategy *, struct clause clauses[CLAUSES]);

enum pool_state { POOL_OPEN, POOL_RUNNING, POOL_CLOSED, POOL_BROKEN, POOL_OVER };

/* Open to strategies; to others only through multiprocessing.h. */
struct pool {
    const struct strategy *strategy;
    const struct variant *variant;
    struct setup setup;
    struct worker parent;
    void *in, *out; /* set by open(), freed by close() */
    struct object objects[OBJECTS_MAX];
    unsigned object_count;
    pid_t service;        /* set by start() where another process serves; else the opener's */
    struct board *board;  /* ipc/board.h */
    struct child *roster; /* the workers, then the processes, then the service; memory that children do not get */
    struct async **tasks; /* applied items by ticket, setup.window of them; NULL: free */
    unsigned pending;     /* of them */
    uint64_t applied;     /* so far */
    struct async *ended, *ended_last; /* applied items that are over and whose caller was not told yet */
    unsigned telling;                 /* it is being told */
    struct async *lent;               /* cancelled ones, which the strategy may be reading until it has stopped */
    struct process *processes;        /* those started in it and not discharged */
    enum pool_state pool_state;
    bool within; /* an item or a step runs in the opener itself, where it may not use the pool */
    pid_t owner;
    unsigned died, replaced, recycled; /* workers */
    void *state;                       /* the strategy's */
};

static inline unsigned pool_slots(const struct pool *pool)
{
    return pool->setup.workers + pool->setup.processes;
}

static inline struct child *pool_service_child(struct pool *pool)
{
    return &pool->roster[pool_slots(pool)];
}

/* Whether the calling process may give it work: 0, or -1 and why not. */
int pool_check_running(const struct pool *, struct error *);

/* Nothing more comes of it: cancels what is not over. `why` may be NULL. */
void pool_break(struct pool *, const struct error *why);

/* After start: gives arrays their first values. And: frees these. */
int objects_initialise(struct pool *, struct error *);
void objects_forget(struct pool *);

/* Memory for items and results that only this process and the copies made by fork see; the usual open() and close(). */
int pool_private_items(struct pool *, struct error *);
void pool_free_items(struct pool *);

#endif
