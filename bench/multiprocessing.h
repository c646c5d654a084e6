/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * multiprocessing.h - the model of Python's multiprocessing in C: a pool of worker processes, and objects that they
 * share.
 *
 * A pool is opened on a strategy, objects are made, the pool is started (its processes are forked), and then used:
 * pool_map() spreads items over the workers, pool_each() lets every worker run operations of its own on the objects.
 * Workers are forked and never exec, so function pointers and everything prepared before pool_start() hold in all of
 * them. What a worker changes in plain memory stays in that worker; what must be seen elsewhere goes through an object,
 * through the results of a map, or through memory_shared() of ipc/memory.h.
 *
 * Unless said otherwise functions return 0, or -1 with *error filled; a pool that said -1 can only be closed. It
 * belongs to the process that opened it and is not to be used from two threads. Only operations on objects may run in
 * several workers at once. */
#ifndef MUSTER_BENCH_MULTIPROCESSING_H
#define MUSTER_BENCH_MULTIPROCESSING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WORKERS_MAX  1024
#define SLOT_PARENT  UINT32_MAX       /* the process that opened the pool */
#define SLOT_SERVICE (UINT32_MAX - 1) /* a process that serves the others, such as a manager */

struct pool;
struct object;
struct strategy;

enum error_code {
    ERROR_NONE,
    ERROR_SYSTEM, /* a system call failed: sys_errno says why */
    ERROR_DIED,   /* a process of the pool ended before its time: pid and wait_status say which and how */
    ERROR_USE,    /* the caller asked for something that cannot be */
    ERROR_BROKEN, /* a peer sent what it must not */
    ERROR_FAILED, /* an item or a step said that it failed */
};

struct error {
    enum error_code code;
    int sys_errno;
    int wait_status;
    pid_t pid;
    char text[200]; /* one line for people */
};

/* One process of the pool as the functions that it runs see it. */
struct worker {
    struct pool *pool;
    uint32_t slot;
    uint64_t done;       /* grains done in this pool_each() before the running step */
    struct error *error; /* where a step that fails may say why */
};

/* Runs items first .. first+n-1; in and out point at item `first`. `argument` travels with the call. Returns 0 or -1.
 * Does not operate on objects: its worker's channel to their owner may hold the items it is running. */
typedef int items_fn(struct worker *, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                     size_t n);

/* Runs n grains of operations; returns how many it did (fewer: there is no room for more), or -1. */
typedef int64_t step_fn(struct worker *, void *ctx, size_t n);

/* Runs in a worker once its steps are over and its clock has stopped. */
typedef void over_fn(struct worker *, void *ctx);

/* What the user of a pool hands in to be called at fixed places of each process's life. */
struct hooks {
    void *arg;
    /* In each new process, first thing: bind it, read back where it runs. -1 ends that process and the call. */
    int (*born)(void *arg, uint32_t slot, struct error *);
    /* In the process that forks another, just before and just after, which is given what `before` returned: so that the
     * new one may come to life at its place, and need not be moved there first. */
    int (*before_fork)(void *arg, uint32_t slot);
    void (*after_fork)(void *arg, int before);
    /* Waits until all `parties` of this pool_each() have come, then lets all go at once. */
    void (*gate)(void *arg, uint32_t slot, unsigned parties);
    /* How many more grains, after `done`; 0: no more. `more` is false when there is no room for more, and the last call
     * for this slot is then this one. */
    size_t (*next)(void *arg, uint32_t slot, size_t done, bool more);
};

struct setup {
    unsigned workers;
    unsigned variant;         /* index into the strategy's variants */
    size_t items;             /* most items of a map; 0: no map will come */
    size_t in_size, out_size; /* bytes of an item and of its result */
    unsigned depth;           /* messages in flight per worker; 0: the strategy's choice */
    void *ctx;                /* handed to every items_fn and step_fn */
    over_fn *over;            /* after the last step of a pool_each(), in each worker; NULL: nothing */
    struct hooks hooks;
};

/* --- pool --- */
int pool_open(struct pool **, const struct strategy *, const struct setup *, struct error *);
/* Forks the standing processes. Objects are made before it. */
int pool_start(struct pool *, struct error *);
/* Ends and reaps every process within grace_ns, with SIGKILL after it, and frees the pool even when it returns -1. */
int pool_close(struct pool *, int64_t grace_ns, struct error *);
/* The items and their results: `items` of in_size and out_size bytes, the pool's own memory. */
void *pool_in(struct pool *);
void *pool_out(struct pool *);
/* Runs fn over the first n items in chunks of `chunk`; returns when every result is in pool_out(). */
int pool_map(struct pool *, items_fn *fn, uint64_t argument, size_t n, size_t chunk, struct error *);
/* Every worker runs `step` again and again, as hooks.next says; returns when all have stopped. */
int pool_each(struct pool *, step_fn *step, struct error *);
/* The same loop in the calling process: for steps that themselves use the pool. */
int pool_drive(struct pool *, step_fn *step, struct error *);
/* The process that serves the workers: a manager's pid, or the caller's own. */
pid_t pool_service(const struct pool *);
/* Messages in flight per worker that the strategy settled on; 0 where it has none. */
unsigned pool_depth(const struct pool *, size_t chunk);
unsigned pool_workers(const struct pool *);
/* setup.ctx. */
void *pool_context(const struct pool *);
/* The caller as a worker: the parent may operate on objects too. */
struct worker *pool_parent(struct pool *);

/* --- objects --- */
enum verb {
    VERB_ADD,    /* in: n int64_t deltas; out: n int64_t previous values */
    VERB_APPEND, /* in: n elements */
    VERB_READ,   /* out: the whole value, at most n bytes */
    VERB_CLEAR,  /* back to zero, or empty; by the parent, while no other uses the object */
};

/* Returns operations done (ADD, APPEND: fewer than n when full), bytes (READ), 0 (CLEAR); -1 when the pool is broken.
 */
typedef int64_t call_fn(struct worker *, struct object *, enum verb, const void *in, void *out, size_t n);

enum object_kind { OBJECT_COUNTER, OBJECT_LIST };

struct object {
    call_fn *call; /* set by the strategy */
    /* Of a counter that every process may add to where it is, by fetch_add: its word, set by the strategy. Such an add
     * is inlined, since a call costs a tenth of it. NULL: call. */
    _Atomic uint64_t *word;
    void *state; /* the strategy's */
    struct pool *pool;
    enum object_kind kind;
    unsigned index;      /* in the pool */
    size_t element_size; /* bytes */
    size_t capacity;     /* elements */
};

/* Made before pool_start(), owned by the pool. NULL with *error filled when memory is short or the strategy lacks it.
 */
struct object *counter_new(struct pool *, struct error *);
struct object *list_new(struct pool *, size_t element_size, size_t capacity, struct error *);

/* n adds, one after the other, each with its own delta and its own answer: the value just before it. Acknowledged when
 * it returns. Sums wrap around as unsigned ones do. Any number of workers may call it at once. */
static inline int64_t counter_add(struct worker *w, struct object *counter, const int64_t *deltas, int64_t *previous,
                                  size_t n)
{
    if (!counter->word)
        return counter->call(w, counter, VERB_ADD, deltas, previous, n);
    for (size_t i = 0; i < n; i++)
        previous[i] = (int64_t)atomic_fetch_add_explicit(counter->word, (uint64_t)deltas[i], memory_order_acq_rel);
    return (int64_t)n;
}

/* Appends n elements, in order; returns how many found room. Any number of workers may call it at once. */
static inline int64_t list_append(struct worker *w, struct object *list, const void *elements, size_t n)
{
    return list->call(w, list, VERB_APPEND, elements, NULL, n);
}

/* The whole value as one consistent snapshot, at most `bytes`; returns its bytes. Any worker, at any time. */
static inline int64_t object_read(struct worker *w, struct object *object, void *into, size_t bytes)
{
    return object->call(w, object, VERB_READ, NULL, into, bytes);
}

static inline int64_t object_clear(struct worker *w, struct object *object)
{
    return object->call(w, object, VERB_CLEAR, NULL, NULL, 0);
}

/* --- errors --- */
/* Fills *error (may be NULL) and returns -1. error_system() adds errno's text. */
int error_set(struct error *, enum error_code, const char *format, ...) __attribute__((format(printf, 3, 4)));
int error_system(struct error *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "killed by signal 9 (Killed)", "exited with 3". */
int error_died(struct error *, const char *who, pid_t, int wait_status);

#endif
