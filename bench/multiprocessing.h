/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * multiprocessing.h - the model of Python's multiprocessing in C: processes, a pool of them, and objects that they
 * share.
 *
 * A pool is opened on a strategy, objects (objects.h, included at the end) are made, the pool is started (its processes
 * are forked), and then used: pool_map() spreads items over the workers, pool_apply_async() hands in one, pool_each()
 * lets every worker run operations of its own on the objects, process_start() adds a process with a life of its own.
 * Processes are forked and never exec, so function pointers and everything prepared before the fork hold in all of
 * them. What a process changes in plain memory stays in it; what must be seen elsewhere goes through an object, through
 * results, or through memory_shared() of ipc/memory.h.
 *
 * Unless said otherwise functions return 0, or -1 with *error filled, which may be NULL. A pool or a process belongs to
 * the process that opened it: elsewhere it is ERROR_STATE. No call here may be made from two threads at once; only
 * operations on objects may run in several processes at once. Times are monotonic nanoseconds: a timeout of NEVER does
 * not end, any other negative one is 0, and 0 looks once. */
#ifndef MUSTER_BENCH_MULTIPROCESSING_H
#define MUSTER_BENCH_MULTIPROCESSING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WORKERS_MAX   1024
#define PROCESSES_MAX 64               /* of one pool, beside its workers, at a time */
#define SLOT_PARENT   UINT32_MAX       /* the process that opened the pool */
#define SLOT_SERVICE  (UINT32_MAX - 1) /* a process that serves the others, such as a manager */
#define NEVER         INT64_C(-1)

struct pool;
struct object;
struct strategy;

enum error_code {
    ERROR_NONE,
    ERROR_SYSTEM,    /* a system call failed: sys_errno says why */
    ERROR_DIED,      /* a process ended before its time: pid, wait_status and, of an item, item say which and how */
    ERROR_USE,       /* the caller asked for something that cannot be */
    ERROR_STATE,     /* not now: closed already, not closed yet, still alive, or in another process */
    ERROR_BROKEN,    /* a peer sent what it must not, or went away; the pool can only be freed */
    ERROR_REFUSED,   /* a manager refused this client, or this client the manager */
    ERROR_FAILED,    /* an item or a step said that it failed: item and text say which and why */
    ERROR_TIMEOUT,   /* what was waited for did not come in time; it may be waited for again */
    ERROR_CANCELLED, /* pool_terminate() came first */
};

struct error {
    enum error_code code;
    int sys_errno;
    int wait_status;
    pid_t pid;
    uint64_t item;  /* the lowest that failed or was lost */
    char text[200]; /* one line for people */
};

/* One process of the pool as the functions that it runs see it. */
struct worker {
    struct pool *pool; /* NULL: a process without a pool */
    uint32_t slot;
    uint64_t done;       /* grains done in this pool_each() before the running step */
    struct error *error; /* where a step that fails may say why */
    struct mark *mark;   /* what this process is at, for whoever must tell when it dies (ipc/board.h) */
};

/* Runs items first .. first+n-1; in and out point at item `first`. `argument` travels with the call. Returns 0, or -1
 * when it gives up, which fails the items from the one that it has begun. An item that fails alone says item_failed(),
 * and the function goes on with the next. With item_begin() before each item, the death of the process is put down to
 * that item; without it, to all of this call's. It may operate on objects where its worker finds them in place: serial
 * and shared-memory. Elsewhere its worker's channel to their owner may hold the items it is running, or its copies of
 * them end with it: each operation returns CALL_MISUSED, and changes nothing. */
typedef int items_fn(struct worker *, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                     size_t n);
static inline void item_begin(struct worker *, uint64_t item);
void item_failed(struct worker *, uint64_t item, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Runs n grains of operations; returns how many it did (fewer: there is no room for more), or -1. */
typedef int64_t step_fn(struct worker *, void *ctx, size_t n);

/* Runs in a worker once its steps are over and its clock has stopped. */
typedef void over_fn(struct worker *, void *ctx);

/* What the user of a pool hands in to be called at fixed places of each process's life. */
struct hooks {
    void *arg;
    /* In each new process, first thing: bind it, read back where it runs, initialise. -1 ends that process, and the
     * call that started it. */
    int (*born)(void *arg, uint32_t slot, struct error *);
    /* In the process that forks another, just before and just after, which is given what `before` returned: so that the
     * new one may come to life at its place, and need not be moved there first. */
    int (*before_fork)(void *arg, uint32_t slot);
    void (*after_fork)(void *arg, int before);
    /* Waits until all `parties` of this pool_each() have come, then lets all go at once. */
    void (*gate)(void *arg, uint32_t slot, unsigned parties);
    /* How many more grains, after `done`; 0: no more. `more` is false when there is no room for more, and the last call
     * for this slot is then this one. pool_each() and pool_drive() need it: ERROR_USE; all else here may be NULL. */
    size_t (*next)(void *arg, uint32_t slot, size_t done, bool more);
};

/* A manager that serves by address, instead of one that the pool starts for itself. The key is any bytes. */
struct manager_at {
    const char *address; /* unix:PATH or tcp:HOST:PORT */
    const void *key;
    size_t key_bytes;    /* 0: no key, which unix: does without */
    const char *session; /* a name of at most 63 bytes under which guests find the objects; NULL: none may */
    bool guest;          /* join the session of that name instead: its objects, no workers, no map */
};

struct setup {
    unsigned workers;
    unsigned variant;         /* index into the strategy's variants */
    unsigned processes;       /* most processes in the pool at a time, by process_start() */
    size_t items;             /* most items of a map; 0: no map will come */
    size_t in_size, out_size; /* bytes of an item and of its result, of a map and of an applied item */
    unsigned depth;           /* messages in flight per worker; 0: the strategy's choice */
    unsigned window;          /* most applied items that are not over; 0: none will be applied */
    unsigned recycle;         /* a worker is replaced after so many chunks or applied items; 0: never */
    unsigned deaths;          /* so many workers may die before the pool is broken; each is replaced. 0: the first
                                 death breaks it at once */
    void *ctx;                /* handed to every items_fn and step_fn */
    over_fn *over;            /* after the last step of a pool_each(), in each worker; NULL: nothing */
    const struct manager_at *manager; /* NULL: the pool's own. For strategies that have a manager */
    struct hooks hooks;
};

/* --- pool -------------------------------------------------------------------------------------------------------- */

int pool_open(struct pool **, const struct strategy *, const struct setup *, struct error *);
/* Forks the standing processes. Objects are made before it. */
int pool_start(struct pool *, struct error *);
/* No more work is taken; what is in flight goes on. Harmless when repeated. */
int pool_close(struct pool *, struct error *);
/* After pool_close() or pool_terminate(): waits until all work is over and every process of the pool has ended. Before
 * them it is ERROR_STATE, and harms nothing. */
int pool_join(struct pool *, int64_t timeout_ns, struct error *);
/* SIGTERM to every process, SIGKILL after grace_ns; what was not over is cancelled. Harmless when repeated. */
int pool_terminate(struct pool *, int64_t grace_ns, struct error *);
/* In any state, but not from an item or `over`: ends and reaps every process within grace_ns, with SIGKILL after it,
 * and frees the pool even when it returns -1. What was not over is cancelled; handles stay good. NULL is nothing to
 * free. */
int pool_free(struct pool *, int64_t grace_ns, struct error *);
/* `POOL_SCOPE struct pool *pool = NULL;` terminates and frees it at the end of the block. */
void pool_leave_scope(struct pool **);
#define POOL_SCOPE __attribute__((cleanup(pool_leave_scope)))

/* The items and their results: `items` of in_size and out_size bytes, the pool's own memory. */
void *pool_in(struct pool *);
void *pool_out(struct pool *);

/* Runs fn over the first n items in chunks of `chunk` (0: n / (4 * workers), rounded up). Every item runs, once, and
 * when it returns every result is in pool_out(). -1 when one failed or was lost with its worker, with the lowest in
 * *error: then pool_outcome() tells of each, and the others' results are there. */
int pool_map(struct pool *, items_fn *fn, uint64_t argument, size_t n, size_t chunk, struct error *error);

enum outcome {
    OUTCOME_DONE,
    OUTCOME_FAILED,    /* it said so */
    OUTCOME_LOST,      /* its worker died with it, or with its result; it is not run again */
    OUTCOME_CANCELLED, /* it was not run to its end, since the pool was terminated or broke */
    OUTCOME_PENDING,   /* of an applied item only: not over yet */
};
/* Of an item of the last pool_map(). */
enum outcome pool_outcome(const struct pool *, uint64_t item);

/* Every worker runs `step` again and again, as hooks.next says; returns when all have stopped. */
int pool_each(struct pool *, step_fn *step, struct error *);
/* The same loop in the calling process: for steps that themselves use the pool. */
int pool_drive(struct pool *, step_fn *step, struct error *);
/* The process that serves the workers: a manager's pid, or the caller's own. 0: on another machine. */
pid_t pool_service(const struct pool *);
/* Messages in flight per worker that the strategy settled on; 0 where it has none. */
unsigned pool_depth(const struct pool *, size_t chunk);
unsigned pool_workers(const struct pool *);
/* A worker's process; 0: none stands now. */
pid_t pool_worker_pid(const struct pool *, unsigned worker);
/* Workers that died and were replaced; and those that were recycled. */
unsigned pool_replaced(const struct pool *);
unsigned pool_recycled(const struct pool *);
/* setup.ctx. */
void *pool_context(const struct pool *);
/* The caller as a worker: the parent may operate on objects too. */
struct worker *pool_parent(struct pool *);

/* --- applied items ----------------------------------------------------------------------------------------------- */

/* One item handed in alone, and its result. Owned by the caller; good after the pool is freed. Whoever waits here makes
 * the pool go on. */
struct async;

struct apply {
    items_fn *fn; /* called with n = 1 and `first` counting the applied items from 0 */
    uint64_t argument;
    const void *in;                          /* in_size bytes, copied */
    void (*over)(void *arg, struct async *); /* called once when it is over, in the parent: from the call that waits
                                                or makes the pool go on, and it may use the pool; NULL: not */
    void *arg;
};

/* Waits at most timeout_ns for room in the window, else ERROR_TIMEOUT. */
int pool_apply_async(struct pool *, const struct apply *, int64_t timeout_ns, struct async **, struct error *);
bool async_ready(struct async *);
int async_wait(struct async *, int64_t timeout_ns, struct error *);
enum outcome async_outcome(struct async *);
/* Waits, then copies the result to `out`, out_size bytes (NULL: not). -1: ERROR_TIMEOUT; or as it ended: ERROR_FAILED,
 * ERROR_DIED, ERROR_CANCELLED, the same each time. */
int async_get(struct async *, int64_t timeout_ns, void *out, struct error *);
/* At any time: of one that is not over the result is dropped when it comes. NULL is nothing to free. */
void async_free(struct async *);

/* Items that are made one after the other and handed over as they are ready: `make` fills item `index` and returns 1, 0
 * when there are no more, or -1; `take` gets each result, in the order of the items or, `unordered`, as they come. An
 * item that fails ends the stream, as does -1 of either function, once what is in flight is over. */
struct stream {
    items_fn *fn;
    uint64_t argument;
    int (*make)(void *arg, uint64_t index, void *in, struct error *);
    int (*take)(void *arg, uint64_t index, const void *out, struct error *);
    void *arg;
    bool unordered;
};
int pool_stream(struct pool *, const struct stream *, struct error *);

/* --- process ----------------------------------------------------------------------------------------------------- */

struct process;

/* Returns the exit code, 0 to 255. */
typedef int process_fn(struct worker *self, void *arg);

/* Forks a process that runs fn and ends. In a pool (NULL: in none) it may operate on its objects; there are at most
 * setup.processes at a time. It dies with the thread that started it, even under SIGKILL. stdout and
 * stderr are flushed on both sides, other streams are for whoever opens them to close; signals are handled as in a
 * fresh process. */
int process_start(struct process **, struct pool *, process_fn *fn, void *arg, struct error *);
/* The same, but it outlives its parent, and can see that it has: process_parent_alive(). */
int process_start_outliving(struct process **, process_fn *fn, void *arg, struct error *);
/* Waits until it has ended; the pool is served meanwhile. *exit_code (may be NULL): 0 to 255, or -signal; ERROR_SYSTEM
 * when this program took it by another wait(). May be repeated. */
int process_join(struct process *, int64_t timeout_ns, int *exit_code, struct error *);
/* SIGTERM, SIGKILL, by pidfd, so that a recycled pid is never hit. Fine when it has ended. */
int process_terminate(struct process *, struct error *);
int process_kill(struct process *, struct error *);
bool process_alive(struct process *);
/* False: it has not ended yet, or its code is not known. */
bool process_exit_code(struct process *, int *exit_code);
pid_t process_pid(const struct process *);
/* Readable for poll() once it has ended. */
int process_pidfd(const struct process *);
/* ERROR_STATE while it is alive. NULL is nothing to free. */
int process_free(struct process *, struct error *);
/* In a process that process_start() made: its parent, and whether that still lives. */
pid_t process_parent(void);
bool process_parent_alive(void);

/* --- errors ------------------------------------------------------------------------------------------------------ */

/* Fills *error (may be NULL) and returns -1. error_system() adds errno's text. */
int error_set(struct error *, enum error_code, const char *format, ...) __attribute__((format(printf, 3, 4)));
int error_system(struct error *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "killed by signal 9 (Killed)", "exited with 3". */
int error_died(struct error *, const char *who, pid_t, int wait_status);

/* --- inlined ----------------------------------------------------------------------------------------------------- */

#define ITEM_NONE UINT64_MAX

/* What one process of a pool is at, written by it alone, on lines of its own. */
struct mark {
    _Alignas(128) _Atomic uint64_t item; /* begun; ITEM_NONE: between items, or the function does not say */
    _Atomic uint64_t first, n;           /* the chunk; n = 0: none */
    _Atomic uint64_t begun;              /* chunks and applied items since this process came */
    _Atomic uint32_t retired;            /* it leaves after setup.recycle of them */
    _Atomic uint32_t failures;           /* odd while `lowest` and `text` are written */
    uint64_t lowest;                     /* of the items that failed here in this map */
    char text[200];
};

static inline void item_begin(struct worker *w, uint64_t item)
{
    if (w->mark)
        atomic_store_explicit(&w->mark->item, item, memory_order_release);
}

#include "bench/objects.h"

#endif
