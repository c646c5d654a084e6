/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rows_locks.c - locks: who may take and give back, how long one waits, and what becomes of them when their holder
 * dies. */
#include "tests/rows.h"

#include "bench/ipc/memory.h"

#include <CUnit/CUnit.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What two workers agree on, one phase after the other. */
struct meeting {
    _Atomic uint32_t phase;
    _Atomic int64_t died_at, got_at;
    bool alone;
};

static void await(struct meeting *m, uint32_t phase)
{
    for (int64_t end = row_now() + 5000 * MS; atomic_load(&m->phase) < phase && row_now() < end;)
        row_rest(MS / 5);
}

static struct meeting *meeting_new(const struct situation *c)
{
    struct meeting *m = memory_shared(sizeof *m);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    m->alone = row_workers(c, 2) == 1;
    return m;
}

/* A pool of two with a lock, in which both run the step once. */
static void meet(const struct situation *c, step_fn *step)
{
    struct meeting *m = meeting_new(c);
    struct pool *pool = row_open(c, &(struct setup){.workers = 2, .ctx = m}, 1);
    struct object *lock = pool ? lock_new(pool, NULL) : NULL;
    if (EXPECT(c, lock != NULL) && row_go(c, pool)) {
        struct worker *parent = pool_parent(pool);
        row_each(c, pool, step);
        EXPECT(c, lock_release(parent, lock) == CALL_NOT_OWNER);
        EXPECT(c, lock_acquire(parent, lock, 0) == 0 && lock_acquire(parent, lock, 0) == CALL_DEADLOCK);
        EXPECT(c, lock_acquire(parent, lock, NEVER) == CALL_DEADLOCK);
        EXPECT(c, lock_release(parent, lock) == 0 && lock_release(parent, lock) == CALL_NOT_OWNER);
    }
    row_free(c, pool);
    memory_free(m, sizeof *m);
}

/* --- *31 --------------------------------------------------------------------------------------------------------- */

static int64_t fault(struct worker *w, int line)
{
    return error_set(w->error, ERROR_FAILED, "worker %u, line %d", w->slot, line);
}

#define OR_FAULT(condition)                                                                                            \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return fault(w, __LINE__);                                                                                 \
    } while (0)

static int64_t take_and_give(struct worker *w, void *ctx, size_t n)
{
    struct meeting *m = ctx;
    struct object *lock = pool_object(w->pool, 0);
    if (w->slot == 0) {
        OR_FAULT(lock_release(w, lock) == CALL_NOT_OWNER);
        OR_FAULT(lock_acquire(w, lock, NEVER) == 0);
        OR_FAULT(lock_acquire(w, lock, 0) == CALL_DEADLOCK);
        atomic_store(&m->phase, 1);
        await(m, m->alone ? 0 : 2);
        OR_FAULT(lock_release(w, lock) == 0 && lock_release(w, lock) == CALL_NOT_OWNER);
        atomic_store(&m->phase, 3);
    } else if (w->slot == 1) {
        await(m, 1);
        OR_FAULT(lock_acquire(w, lock, 0) == CALL_TIMEOUT);
        OR_FAULT(lock_release(w, lock) == CALL_NOT_OWNER);
        atomic_store(&m->phase, 2);
        await(m, 3);
        OR_FAULT(lock_acquire(w, lock, 0) == 0 && lock_release(w, lock) == 0);
    }
    return (int64_t)n;
}

static void lock_semantics(const struct situation *c)
{
    meet(c, take_and_give);
}

/* --- *32 --------------------------------------------------------------------------------------------------------- */

static int64_t wait_and_see(struct worker *w, void *ctx, size_t n)
{
    struct meeting *m = ctx;
    struct object *lock = pool_object(w->pool, 0);
    if (w->slot == 0) {
        OR_FAULT(lock_acquire(w, lock, 0) == 0);
        atomic_store(&m->phase, 1);
        await(m, 2);
        row_rest(100 * MS);
        OR_FAULT(lock_release(w, lock) == 0);
        return (int64_t)n;
    }
    await(m, 1);
    static const int64_t timeouts[] = {0, -7, 50 * MS, 120 * MS};
    for (unsigned i = 0; i < 4; i++) {
        int64_t started = row_now(), wanted = timeouts[i] > 0 ? timeouts[i] : 0;
        OR_FAULT(lock_acquire(w, lock, timeouts[i]) == CALL_TIMEOUT);
        OR_FAULT(row_now() - started >= wanted && row_now() - started < wanted + 3000 * MS);
    }
    /* who gave up is not in the queue any more; who waits gets it */
    atomic_store(&m->phase, 2);
    OR_FAULT(lock_acquire(w, lock, 5000 * MS) == 0);
    OR_FAULT(lock_release(w, lock) == 0);
    return (int64_t)n;
}

static void lock_timeout(const struct situation *c)
{
    meet(c, wait_and_see);
}

/* --- CX6: the holder is killed ----------------------------------------------------------------------------------- */

static int64_t die_with_it(struct worker *w, void *ctx, size_t n)
{
    struct meeting *m = ctx;
    struct object *lock = pool_object(w->pool, 0), *array = pool_object(w->pool, 1);
    int64_t half[2] = {1, 0};
    if (w->slot == 0) {
        OR_FAULT(lock_acquire(w, lock, NEVER) == 0);
        OR_FAULT(element_set(w, array, 0, half, 1) == 1);
        atomic_store(&m->phase, 1);
        row_rest(50 * MS);
        atomic_store(&m->died_at, row_now());
        kill(getpid(), SIGKILL);
    }
    await(m, 1);
    OR_FAULT(lock_acquire(w, lock, 5000 * MS) == LOCK_ORPHANED);
    atomic_store(&m->got_at, row_now());
    /* what it guards is half changed, and can be put right */
    OR_FAULT(element_get(w, array, 0, half, 2) == 2 && half[0] == 1 && half[1] == 0);
    half[1] = 1;
    OR_FAULT(element_set(w, array, 1, &half[1], 1) == 1);
    OR_FAULT(lock_release(w, lock) == 0);
    OR_FAULT(lock_acquire(w, lock, 0) == 0 && lock_release(w, lock) == 0);
    return (int64_t)n;
}

static void holder_killed(const struct situation *c)
{
    struct meeting *m = meeting_new(c);
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = row_open(c, &(struct setup){.workers = 2, .ctx = m, .deaths = 5}, 1);
    struct object *lock = pool ? lock_new(pool, NULL) : NULL,
                  *array = pool ? array_new(pool, TYPE_I64, 0, 2, NULL, NULL) : NULL;
    if (EXPECT(c, lock && array) && row_go(c, pool)) {
        int64_t found[2] = {0};
        struct worker *parent = pool_parent(pool);
        EXPECT_FAILS(c, pool_each(pool, die_with_it, &error), ERROR_DIED, "signal 9", &error);
        int64_t waited = atomic_load(&m->got_at) - atomic_load(&m->died_at);
        EXPECT(c, waited > 0);
        EXPECT_WITHIN(c, waited, 200 * MS);
        EXPECT(c, lock_acquire(parent, lock, 0) == 0 && lock_release(parent, lock) == 0);
        EXPECT(c, element_get(parent, array, 0, found, 2) == 2 && found[0] == 1 && found[1] == 1);
    }
    row_free(c, pool);
    memory_free(m, sizeof *m);
    users_killed(c);
}

/* --- *35, CX7: a client goes away with a manager's lock ---------------------------------------------------------- */

/* How a process leaves with the lock that it holds. */
enum leaving { LEAVES_BY_EXIT, LEAVES_KILLED };

static int acquire_and_leave(struct worker *self, void *arg)
{
    enum leaving *leaving = arg;
    if (lock_acquire(self, pool_object(self->pool, 0), NEVER) < 0)
        return 1;
    if (*leaving == LEAVES_KILLED)
        kill(getpid(), SIGKILL);
    return 0;
}

/* The parent is told once that the lock's holder went away, and holds it like any other then. */
static void leave_with_a_lock(const struct situation *c, enum leaving leaving)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = row_open(c, &(struct setup){.workers = 1, .processes = 2}, 1);
    struct object *lock = pool ? lock_new(pool, NULL) : NULL;
    if (EXPECT(c, lock != NULL) && row_go(c, pool)) {
        struct worker *parent = pool_parent(pool);
        int64_t best = INT64_MAX;
        for (unsigned again = 0; again < 3; again++) {
            struct process *process = NULL;
            int code = 99;
            EXPECT_DONE(c, process_start(&process, pool, acquire_and_leave, &leaving, &error), &error);
            EXPECT_DONE(c, process_join(process, 5000 * MS, &code, &error), &error);
            EXPECT(c, code == (leaving == LEAVES_KILLED ? -SIGKILL : 0));
            int64_t started = row_now();
            EXPECT(c, lock_acquire(parent, lock, 5000 * MS) == LOCK_ORPHANED);
            int64_t took = row_now() - started;
            best = took < best ? took : best;
            EXPECT(c, lock_release(parent, lock) == 0 && lock_release(parent, lock) == CALL_NOT_OWNER);
            EXPECT(c, lock_acquire(parent, lock, 0) == 0 && lock_release(parent, lock) == 0);
            EXPECT_DONE(c, process_free(process, &error), &error);
        }
        EXPECT_WITHIN(c, best, 100 * MS);
    }
    row_free(c, pool);
}

static void client_exits_with_a_lock(const struct situation *c)
{
    leave_with_a_lock(c, LEAVES_BY_EXIT);
}

static void client_killed_with_a_lock(const struct situation *c)
{
    leave_with_a_lock(c, LEAVES_KILLED);
}

const struct row rows_locks[] = {
    {.name = "*31 what a lock allows", .run = lock_semantics, .uses = USES(NEED_LOCK), .variants = true},
    {.name = "*32 waiting for a lock", .run = lock_timeout, .uses = USES(NEED_LOCK) | USES_CREW, .variants = true},
    {.name = "*35 a client exits with a lock",
     .run = client_exits_with_a_lock,
     .uses = USES(NEED_LOCK) | USES_PROCESS | USES_CREW,
     .variants = true},
    {.name = "CX6 the holder of a lock killed",
     .run = holder_killed,
     .uses = USES(NEED_LOCK) | USES(NEED_ARRAY) | USES_CREW},
    {.name = "CX7 a client killed with a lock",
     .run = client_killed_with_a_lock,
     .uses = USES(NEED_LOCK) | USES_PROCESS | USES_CREW},
    {.name = NULL},
};
