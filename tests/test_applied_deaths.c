/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_applied_deaths.c - applied items whose worker dies, on every strategy that has workers: the item is lost with
 * the name of its death, also when that breaks the pool, and no other is; and workers that do not listen when it ends.
 */
#include "bench/ipc/deadline.h"
#include "tests/frame.h"
#include "tests/pooled.h"

#include <CUnit/CUnit.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define WINDOW 4
#define LONG   INT64_C(3000) /* ms: nobody waits for it to its end */

static int dying(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    (void)w, (void)ctx, (void)argument, (void)in, (void)out, (void)first, (void)n;
    raise(SIGKILL);
    return 0;
}

static int deaf(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    signal(SIGTERM, SIG_IGN);
    return rest(w, ctx, argument, in, out, first, n);
}

static struct pool *mortal_pool_on(const struct strategy *s, unsigned deaths)
{
    struct pool *pool = NULL;
    const struct setup setup = {.workers = 2, .in_size = 8, .out_size = 8, .window = WINDOW, .deaths = deaths};
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, s, &setup, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
    return pool;
}

static void expect_lost(struct async *async)
{
    struct error error = {.code = ERROR_NONE};
    for (int again = 0; again < 2; again++) {
        expect_code(async_get(async, GRACE_NS, NULL, &error), &error, ERROR_DIED);
        CU_ASSERT(error.pid > 0 && error.pid != getpid());
        CU_ASSERT(WIFSIGNALED(error.wait_status) && WTERMSIG(error.wait_status) == SIGKILL);
    }
    CU_ASSERT_EQUAL(async_outcome(async), OUTCOME_LOST);
    async_free(async);
}

static void deaths_on(const struct strategy *s)
{
    struct error error = {.code = ERROR_NONE};
    if (runs_here(s))
        return;
    struct pool *pool = mortal_pool_on(s, 8);
    for (int i = 0; i < 4; i++) {
        struct async *lost = applied(pool, dying, 1), *kept = applied(pool, square, i);
        int64_t before = clock_now_ns();
        expect_lost(lost);
        CU_ASSERT(clock_now_ns() - before < SOON_NS);
        CU_ASSERT_EQUAL(result_of(kept), (int64_t)i * i);
    }
    pool_gone(pool);
    pool = mortal_pool_on(s, 0);
    struct async *lost = applied(pool, dying, 1);
    expect_lost(lost);
    const int64_t number = 2;
    const struct apply apply = {.fn = square, .in = &number};
    struct async *late = NULL;
    /* where each item has a process of its own, the next may begin before the pool knows */
    if (pool_apply_async(pool, &apply, GRACE_NS, &late, &error) == 0)
        CU_ASSERT_EQUAL(async_wait(late, GRACE_NS, NULL), 0);
    async_free(late);
    pool_free(pool, GRACE_NS, NULL);
}

static void deaths(void)
{
    on_every_pool(deaths_on);
}

static void stubborn_on(const struct strategy *s)
{
    if (runs_here(s))
        return;
    struct pool *pool = pool_on(s, 0, WINDOW);
    struct async *async[] = {applied(pool, deaf, LONG), applied(pool, deaf, LONG)};
    struct error error = {.code = ERROR_NONE};
    CU_ASSERT_EQUAL(async_wait(async[0], 100 * MS, NULL), -1);
    int64_t before = clock_now_ns();
    CU_ASSERT_EQUAL(pool_terminate(pool, 100 * MS, NULL), 0);
    CU_ASSERT(clock_now_ns() - before < 100 * MS + SOON_NS);
    for (int i = 0; i < 2; i++) {
        expect_code(async_get(async[i], NEVER, NULL, &error), &error, ERROR_CANCELLED);
        async_free(async[i]);
    }
    pool_gone(pool);
}

static void stubborn(void)
{
    on_every_pool(stubborn_on);
}

/* --- large items that are half sent ------------------------------------------------------------------------------ */

#define LARGE ((size_t)1 << 20)

static struct object *list, *lock;

static int resting(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    (void)w, (void)ctx, (void)in, (void)first, (void)n;
    usleep((useconds_t)argument);
    *(int64_t *)out = 0;
    return 0;
}

static struct pool *large_pool_on(const struct strategy *s)
{
    struct pool *pool = NULL;
    const struct setup setup = {.workers = 2, .in_size = LARGE, .out_size = 8, .window = WINDOW};
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, s, &setup, NULL), 0);
    list = list_new(pool, 8, 4096, NULL);
    lock = s->variants[0].lacks[NEED_LOCK] ? NULL : lock_new(pool, NULL);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
    return pool;
}

/* Who may take what is half sent goes on, and so does the parent. */
static void go_on(struct pool *pool, pid_t stopped)
{
    static const int64_t many[2048];
    kill(stopped, SIGCONT);
    if (lock)
        lock_acquire(pool_parent(pool), lock, 20 * MS);
    list_append(pool_parent(pool), list, many, 2048);
    usleep(20000);
    list_append(pool_parent(pool), list, many, 1);
}

/* A worker that is stopped has taken a part of its item when the other dies. The handles are freed with the pool's
 * break, so that nothing may be sent from them. */
static void half_sent_on(const struct strategy *s)
{
    void *in = calloc(1, LARGE);
    const struct apply apply = {.fn = resting, .argument = 100000, .in = in};
    struct async *asyncs[WINDOW];
    for (int goes_on = 0; goes_on < 2; goes_on++) {
        struct pool *pool = large_pool_on(s);
        const pid_t stopped = pool_worker_pid(pool, 1);
        CU_ASSERT_FATAL(in && stopped > 0 && pool_worker_pid(pool, 0) > 0);
        kill(stopped, SIGSTOP);
        for (int i = 0; i < WINDOW; i++)
            CU_ASSERT_EQUAL_FATAL(pool_apply_async(pool, &apply, 0, &asyncs[i], NULL), 0);
        async_wait(asyncs[WINDOW - 1], 10 * MS, NULL);
        kill(pool_worker_pid(pool, 0), SIGKILL);
        for (int i = 0; i < WINDOW; i++) {
            CU_ASSERT_EQUAL(async_wait(asyncs[i], GRACE_NS, NULL), 0);
            async_free(asyncs[i]);
        }
        if (goes_on)
            go_on(pool, stopped);
        kill(stopped, SIGCONT);
        pool_free(pool, GRACE_NS, NULL);
    }
    free(in);
}

static void half_sent(void)
{
    half_sent_on(strategy_find("prefork-pipe"));
    half_sent_on(strategy_find("manager-socket"));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "applied: CX4 a worker that dies takes its item only", .run = deaths},
        {.name = "applied: terminated though its workers do not listen", .run = stubborn},
        {.name = "applied: freed when half sent, in a pool that broke", .run = half_sent},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
