/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * pool.c - what every strategy's pool has in common: checks, the objects' table, and handing over to the strategy. */
#include "bench/ipc/child.h"
#include "bench/ipc/deadline.h"
#include "bench/ipc/loop.h"
#include "bench/ipc/memory.h"
#include "bench/ipc/task.h"
#include "bench/process.h"
#include "bench/strategy.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHUNK_BYTES_MOST ((size_t)1 << 31)   /* of one message */
#define JOIN_LOOK_NS     INT64_C(20000000)   /* one turn of a pool that is waited for */
#define JOIN_GRACE_NS    INT64_C(5000000000) /* for processes that have nothing left to do */
#define SCOPE_GRACE_NS   INT64_C(100000000)  /* at the end of a block */

static int born_nowhere(void *arg, uint32_t slot, struct error *error)
{
    (void)arg, (void)slot, (void)error;
    return 0;
}

static int fork_anywhere(void *arg, uint32_t slot)
{
    (void)arg, (void)slot;
    return 0;
}

static void forked_anywhere(void *arg, int before)
{
    (void)arg, (void)before;
}

static void gate_open(void *arg, uint32_t slot, unsigned parties)
{
    (void)arg, (void)slot, (void)parties;
}

static size_t next_none(void *arg, uint32_t slot, size_t done, bool more)
{
    (void)arg, (void)slot, (void)done, (void)more;
    return 0;
}

static int check_setup(const struct strategy *strategy, const struct setup *setup, struct error *error)
{
    bool guest = setup->manager && setup->manager->guest;
    if (setup->workers > WORKERS_MAX || (setup->workers < 1 && !guest))
        return error_set(error, ERROR_USE, "a pool has 1 to %d workers, not %u", WORKERS_MAX, setup->workers);
    if (strategy->workers_most && setup->workers > strategy->workers_most)
        return error_set(error, ERROR_USE, "%s has at most %u worker(s)", strategy->name, strategy->workers_most);
    if (setup->processes > PROCESSES_MAX)
        return error_set(error, ERROR_USE, "a pool has at most %d processes beside its workers, not %u", PROCESSES_MAX,
                         setup->processes);
    if (setup->processes > 0 && !strategy->enlist)
        return error_set(error, ERROR_USE,
                         "%s takes no processes into its pool, and this one asks for %u: take another strategy",
                         strategy->name, setup->processes);
    if (setup->window > 0 && !strategy->post)
        return error_set(error, ERROR_USE, "%s has no applied items", strategy->name);
    if ((setup->items > 0 || setup->window > 0) && (setup->in_size == 0 || setup->out_size == 0))
        return error_set(error, ERROR_USE, "an item and its result have at least 1 byte");
    return 0;
}

static void complete(struct pool *pool)
{
    struct hooks *hooks = &pool->setup.hooks;
    hooks->born = hooks->born ? hooks->born : born_nowhere;
    hooks->before_fork = hooks->before_fork ? hooks->before_fork : fork_anywhere;
    hooks->after_fork = hooks->after_fork ? hooks->after_fork : forked_anywhere;
    hooks->gate = hooks->gate ? hooks->gate : gate_open;
    hooks->next = hooks->next ? hooks->next : next_none;
    pool->parent = (struct worker){.pool = pool, .slot = SLOT_PARENT};
    pool->service = pool->owner = getpid();
}

static size_t roster_bytes(const struct pool *pool)
{
    return (pool_slots(pool) + 1) * sizeof *pool->roster;
}

/* What every strategy has. */
static int furnish(struct pool *pool, struct error *error)
{
    pool->roster = memory_unforked(roster_bytes(pool));
    pool->tasks = calloc(pool->setup.window + 1, sizeof *pool->tasks);
    if (!pool->roster || !pool->tasks)
        return error_system(error, "no memory for a pool of %u workers", pool->setup.workers);
    return board_open(pool, error);
}

static void dismantle(struct pool *pool)
{
    if (pool->board)
        board_close(pool);
    memory_free(pool->roster, roster_bytes(pool));
    objects_forget(pool);
    free(pool->tasks);
    free(pool);
}

static int check_owner(const struct pool *pool, struct error *error)
{
    if (pool->owner != getpid())
        return error_set(error, ERROR_STATE, "a pool belongs to the process that opened it: open another one here");
    if (pool->within)
        return error_set(error, ERROR_STATE, "an item or a step may not use the pool that runs it: open another one");
    return 0;
}

int pool_check_running(const struct pool *pool, struct error *error)
{
    static const char *const why[] = {
        [POOL_OPEN] = "the pool is not started yet",
        [POOL_CLOSED] = "the pool is closed: it takes no more work",
        [POOL_BROKEN] = "the pool is broken: it can only be freed",
        [POOL_OVER] = "the pool is over",
    };
    if (check_owner(pool, error))
        return -1;
    return pool->pool_state == POOL_RUNNING ? 0 : error_set(error, ERROR_STATE, "%s", why[pool->pool_state]);
}

void pool_break(struct pool *pool, const struct error *why)
{
    if (pool->pool_state != POOL_OVER)
        pool->pool_state = POOL_BROKEN;
    tasks_cancel(pool, why);
    tasks_tell(pool);
}

static int broken_by(struct pool *pool, const struct error *why, struct error *error)
{
    pool_break(pool, why);
    if (error)
        *error = *why;
    return -1;
}

int pool_open(struct pool **out, const struct strategy *strategy, const struct setup *setup, struct error *error)
{
    *out = NULL;
    if (check_setup(strategy, setup, error))
        return -1;
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return error_system(error, "no memory for a pool");
    pool->strategy = strategy;
    pool->variant = &strategy->variants[setup->variant];
    pool->setup = *setup;
    complete(pool);
    /* A peer that has died shows as EPIPE at the write that meets it. */
    signal(SIGPIPE, SIG_IGN);
    if (furnish(pool, error) || strategy->open(pool, error)) {
        dismantle(pool);
        return -1;
    }
    *out = pool;
    return 0;
}

int pool_start(struct pool *pool, struct error *error)
{
    if (check_owner(pool, error))
        return -1;
    if (pool->pool_state != POOL_OPEN)
        return error_set(error, ERROR_STATE, "a pool starts once");
    struct error why = {.code = ERROR_NONE};
    pool->pool_state = POOL_RUNNING;
    if ((pool->strategy->start && pool->strategy->start(pool, &why)) || objects_initialise(pool, &why))
        return broken_by(pool, &why, error);
    return 0;
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

int pool_close(struct pool *pool, struct error *error)
{
    if (check_owner(pool, error))
        return -1;
    if (pool->pool_state == POOL_OPEN || pool->pool_state == POOL_RUNNING)
        pool->pool_state = POOL_CLOSED;
    return 0;
}

static int stop(struct pool *pool, int64_t grace_ns, struct error *error)
{
    const int64_t deadline = deadline_after(grace_ns > 0 ? grace_ns : 0);
    if (pool->pool_state == POOL_OVER)
        return 0;
    pool->pool_state = POOL_OVER;
    atomic_store(&pool->board->leaving, 1);
    processes_end(pool, deadline);
    int result = pool->strategy->stop(pool, deadline_left(deadline, INT64_MAX), error);
    tasks_cancel(pool, NULL);
    tasks_tell(pool);
    tasks_return(pool);
    return result;
}

/* A turn also where only processes are waited for: they may be waiting for an answer of the parent. */
static int turn(struct pool *pool, int64_t timeout_ns, struct error *error)
{
    if (pool->strategy->turn)
        return tasks_serve(pool, timeout_ns, error);
    nanosleep(&(struct timespec){.tv_nsec = timeout_ns < JOIN_LOOK_NS ? timeout_ns : JOIN_LOOK_NS}, NULL);
    return 0;
}

int pool_join(struct pool *pool, int64_t timeout_ns, struct error *error)
{
    const int64_t deadline = deadline_after(timeout_ns);
    if (check_owner(pool, error))
        return -1;
    if (pool->pool_state == POOL_OPEN || pool->pool_state == POOL_RUNNING)
        return error_set(error, ERROR_STATE, "a pool is joined after it was closed or terminated");
    for (bool looked = false; pool->pool_state == POOL_CLOSED && (tasks_pending(pool) || processes_running(pool));
         looked = true) {
        int64_t left = deadline_left(deadline, JOIN_LOOK_NS);
        if (left == 0 && looked)
            return error_set(error, ERROR_TIMEOUT, "the pool still works");
        if (turn(pool, left, error))
            return -1;
    }
    return stop(pool, JOIN_GRACE_NS, error);
}

int pool_terminate(struct pool *pool, int64_t grace_ns, struct error *error)
{
    if (check_owner(pool, error))
        return -1;
    if (pool->pool_state == POOL_OVER)
        return 0;
    for (unsigned i = 0; i < pool_slots(pool); i++)
        if (pool->roster[i].pid > 0)
            syscall(SYS_pidfd_send_signal, pool->roster[i].pidfd, SIGTERM, NULL, 0);
    /* Who was told to end is not blamed for it. */
    stop(pool, grace_ns, NULL);
    return 0;
}

int pool_free(struct pool *pool, int64_t grace_ns, struct error *error)
{
    if (!pool)
        return 0;
    if (check_owner(pool, error))
        return -1;
    if (pool->telling)
        return error_set(error, ERROR_STATE, "a pool is not freed by who is told that an applied item is over");
    int result = stop(pool, grace_ns, error);
    pool->strategy->close(pool);
    dismantle(pool);
    return result;
}

void pool_leave_scope(struct pool **pool)
{
    if (!*pool)
        return;
    pool_terminate(*pool, SCOPE_GRACE_NS, NULL);
    pool_free(*pool, 0, NULL);
    *pool = NULL;
}

/* --- work -------------------------------------------------------------------------------------------------------- */

void *pool_in(struct pool *pool)
{
    return pool->in;
}

void *pool_out(struct pool *pool)
{
    return pool->out;
}

/* A guest of another's session has none. */
static int check_workers(const struct pool *pool, struct error *error)
{
    return pool->setup.workers > 0 ? 0 : error_set(error, ERROR_USE, "this pool has no workers");
}

static int check_chunk(const struct pool *pool, size_t chunk, struct error *error)
{
    size_t widest = pool->setup.in_size > pool->setup.out_size ? pool->setup.in_size : pool->setup.out_size;
    if (chunk > CHUNK_BYTES_MOST / widest)
        return error_set(error, ERROR_USE, "a chunk of %zu items of %zu bytes is over 2 GiB: take a smaller one", chunk,
                         widest);
    return 0;
}

static size_t chunk_for(const struct pool *pool, size_t n, size_t chunk)
{
    size_t parts = 4 * (size_t)pool->setup.workers, automatic = n / parts + (n % parts != 0);
    chunk = chunk ? chunk : automatic;
    return chunk < n ? chunk : n;
}

int pool_map(struct pool *pool, items_fn *fn, uint64_t argument, size_t n, size_t chunk, struct error *error)
{
    if (pool_check_running(pool, error))
        return -1;
    if (check_workers(pool, error))
        return -1;
    if (n > pool->setup.items)
        return error_set(error, ERROR_USE, "a map of %zu items in a pool for %zu", n, pool->setup.items);
    if (n == 0)
        return 0;
    chunk = chunk_for(pool, n, chunk);
    if (check_chunk(pool, chunk, error))
        return -1;
    struct error why = {.code = ERROR_NONE};
    board_begin(pool, &(struct map_order){.fn = fn, .argument = argument, .n = n, .chunk = chunk});
    if (pool->strategy->map(pool, &why)) {
        board_broke(pool);
        return broken_by(pool, &why, error);
    }
    int result = board_verdict(pool, error);
    tasks_tell(pool);
    return result;
}

enum outcome pool_outcome(const struct pool *pool, uint64_t item)
{
    return item < pool->setup.items ? atomic_load(&pool->board->outcome[item]) : OUTCOME_PENDING;
}

/* A step that failed harms nobody; nor does a death within the budget. */
static bool outlived(const struct pool *pool, const struct error *why)
{
    bool spared = pool->setup.deaths > 0 && pool->died <= pool->setup.deaths;
    return why->code == ERROR_FAILED || (why->code == ERROR_DIED && spared);
}

/* Without it no step would ever run. */
static int check_next(const struct pool *pool, const char *who, struct error *error)
{
    if (pool->setup.hooks.next != next_none)
        return 0;
    return error_set(error, ERROR_USE, "%s() needs hooks.next of the setup: it says how many steps there are", who);
}

int pool_each(struct pool *pool, step_fn *step, struct error *error)
{
    if (pool_check_running(pool, error) || check_workers(pool, error) || check_next(pool, "pool_each", error))
        return -1;
    struct error why = {.code = ERROR_NONE};
    pool->board->step = step;
    if (pool->strategy->each(pool, &why) == 0) {
        tasks_tell(pool);
        return 0;
    }
    if (!outlived(pool, &why))
        return broken_by(pool, &why, error);
    tasks_tell(pool);
    if (error)
        *error = why;
    return -1;
}

int pool_drive(struct pool *pool, step_fn *step, struct error *error)
{
    struct error reason = {.code = ERROR_NONE};
    if (check_next(pool, "pool_drive", error))
        return -1;
    pool->parent.error = &reason;
    int result = loop_run(&pool->parent, step, 1);
    if (result && reason.code == ERROR_NONE)
        error_set(&reason, ERROR_FAILED, "a step failed in the parent");
    if (result && error)
        *error = reason;
    pool->parent.error = NULL;
    return result;
}

pid_t pool_service(const struct pool *pool)
{
    return pool->service;
}

unsigned pool_depth(const struct pool *pool, size_t chunk)
{
    return pool->strategy->depth ? pool->strategy->depth(pool, chunk) : 0;
}

unsigned pool_workers(const struct pool *pool)
{
    return pool->setup.workers;
}

void *pool_context(const struct pool *pool)
{
    return pool->setup.ctx;
}

pid_t pool_worker_pid(const struct pool *pool, unsigned worker)
{
    return worker < pool->setup.workers ? pool->roster[worker].pid : 0;
}

unsigned pool_replaced(const struct pool *pool)
{
    return pool->replaced;
}

unsigned pool_recycled(const struct pool *pool)
{
    return pool->recycled;
}

struct worker *pool_parent(struct pool *pool)
{
    return &pool->parent;
}

int pool_private_items(struct pool *pool, struct error *error)
{
    const struct setup *s = &pool->setup;
    if (s->items == 0)
        return 0;
    pool->in = memory_private(s->items * s->in_size);
    pool->out = memory_private(s->items * s->out_size);
    if (pool->in && pool->out)
        return 0;
    error_system(error, "no memory for %zu items", s->items);
    pool_free_items(pool);
    return -1;
}

void pool_free_items(struct pool *pool)
{
    memory_free(pool->in, pool->setup.items * pool->setup.in_size);
    memory_free(pool->out, pool->setup.items * pool->setup.out_size);
    pool->in = pool->out = NULL;
}
