/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_pool.c - the life of a pool, on every strategy that can apply items: open, running, closed, terminated, over,
 * broken; each step in each state, repeated, and in another process. */
#include "bench/ipc/board.h"
#include "bench/ipc/deadline.h"
#include "bench/ipc/task.h"
#include "tests/frame.h"
#include "tests/pooled.h"

#include <CUnit/CUnit.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define LONG INT64_C(3000) /* ms: nobody waits for it to its end */

static void expect_no_work(struct pool *pool)
{
    struct async *async;
    struct error error = {.code = ERROR_NONE};
    const int64_t number = 1;
    const struct apply apply = {.fn = square, .in = &number};
    expect_code(pool_map(pool, square, 0, 1, 1, &error), &error, ERROR_STATE);
    expect_code(pool_apply_async(pool, &apply, NEVER, &async, &error), &error, ERROR_STATE);
    expect_code(pool_stream(pool, &(struct stream){.fn = square}, &error), &error, ERROR_STATE);
    expect_code(pool_start(pool, &error), &error, ERROR_STATE);
    CU_ASSERT_PTR_NULL(counter_new(pool, &error));
}

static struct pool *opened(const struct strategy *s)
{
    struct pool *pool = NULL;
    const struct setup setup = {.workers = 1, .items = 8, .in_size = 8, .out_size = 8, .window = 4};
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, s, &setup, NULL), 0);
    return pool;
}

/* --- the states -------------------------------------------------------------------------------------------------- */

static void never_started_on(const struct strategy *s)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = opened(s);
    expect_code(pool_map(pool, square, 0, 1, 1, &error), &error, ERROR_STATE);
    expect_code(pool_join(pool, 0, &error), &error, ERROR_STATE);
    pool_gone(pool);
    pool = opened(s);
    CU_ASSERT_EQUAL(pool_close(pool, NULL), 0);
    expect_no_work(pool);
    CU_ASSERT_EQUAL(pool_join(pool, NEVER, NULL), 0);
    pool_gone(pool);
    pool = opened(s);
    CU_ASSERT_EQUAL(pool_terminate(pool, 0, NULL), 0);
    expect_no_work(pool);
    pool_gone(pool);
    CU_ASSERT_EQUAL(pool_free(NULL, 0, NULL), 0);
}

static void never_started(void)
{
    on_every_pool(never_started_on);
}

static void closed_on(const struct strategy *s)
{
    struct pool *pool = pool_on(s, 8, 4);
    struct error error = {.code = ERROR_NONE};
    struct async *async[4];
    expect_code(pool_join(pool, NEVER, &error), &error, ERROR_STATE);
    CU_ASSERT_EQUAL(result_of(applied(pool, square, 7)), 49);
    for (int i = 0; i < 4; i++)
        async[i] = applied(pool, rest, 30 + i);
    for (int again = 0; again < 2; again++)
        CU_ASSERT_EQUAL(pool_close(pool, NULL), 0);
    expect_no_work(pool);
    for (int again = 0; again < 2; again++)
        CU_ASSERT_EQUAL(pool_join(pool, NEVER, NULL), 0);
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(result_of(async[i]), 30 + i);
    CU_ASSERT_EQUAL(pool_terminate(pool, 0, NULL), 0);
    CU_ASSERT_EQUAL(pool_close(pool, NULL), 0);
    expect_no_work(pool);
    pool_gone(pool);
}

static void closed(void)
{
    on_every_pool(closed_on);
}

static void join_timeouts_on(const struct strategy *s)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = pool_on(s, 0, 4);
    struct async *async[] = {applied(pool, rest, 150), applied(pool, rest, 150), applied(pool, rest, 150)};
    pool_close(pool, NULL);
    int64_t started = clock_now_ns();
    expect_code(pool_join(pool, 0, &error), &error, ERROR_TIMEOUT);
    if (!runs_here(s)) {
        expect_code(pool_join(pool, 50 * MS, &error), &error, ERROR_TIMEOUT);
        CU_ASSERT(clock_now_ns() - started >= 50 * MS);
    }
    CU_ASSERT_EQUAL(pool_join(pool, GRACE_NS, &error), 0);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(result_of(async[i]), 150);
    pool_gone(pool);
}

/* One that is looked at often enough is joined, without ever being waited for. */
static void join_looks_on(const struct strategy *s)
{
    struct pool *pool = pool_on(s, 0, 4);
    struct async *async = applied(pool, square, 5);
    pool_close(pool, NULL);
    int64_t started = clock_now_ns();
    while (pool_join(pool, 0, NULL) && clock_now_ns() - started < GRACE_NS)
        continue;
    CU_ASSERT_TRUE(async_ready(async));
    CU_ASSERT_EQUAL(result_of(async), 25);
    pool_gone(pool);
}

static void join_timeouts(void)
{
    on_every_pool(join_timeouts_on);
    on_every_pool(join_looks_on);
}

static void terminated_on(const struct strategy *s)
{
    enum { PENDING = 10000 };
    static struct async *async[PENDING];
    struct pool *pool = pool_on(s, 0, PENDING);
    struct error error = {.code = ERROR_NONE};
    struct async *done = applied(pool, square, 3);
    CU_ASSERT_EQUAL(async_wait(done, GRACE_NS, NULL), 0);
    for (int i = 0; i < PENDING; i++)
        async[i] = applied(pool, rest, 3600000);
    int64_t started = clock_now_ns();
    for (int again = 0; again < 2; again++)
        CU_ASSERT_EQUAL(pool_terminate(pool, 100 * MS, NULL), 0);
    CU_ASSERT_EQUAL(pool_join(pool, NEVER, NULL), 0);
    CU_ASSERT(clock_now_ns() - started < 2 * SOON_NS);
    expect_no_work(pool);
    for (int i = 0; i < PENDING; i++) {
        CU_ASSERT_EQUAL(async_get(async[i], NEVER, NULL, &error), -1);
        CU_ASSERT_EQUAL(error.code, ERROR_CANCELLED);
        async_free(async[i]);
    }
    CU_ASSERT_EQUAL(result_of(done), 9);
    pool_gone(pool);
}

static void terminated(void)
{
    on_every_pool(terminated_on);
}

static void freed_on(const struct strategy *s)
{
    struct pool *pool = pool_on(s, 0, 4);
    struct error error = {.code = ERROR_NONE};
    struct async *async = applied(pool, rest, LONG), *unwanted = applied(pool, rest, LONG);
    async_free(unwanted);
    int64_t started = clock_now_ns();
    pool_free(pool, 100 * MS, NULL);
    CU_ASSERT(clock_now_ns() - started < SOON_NS);
    expect_code(async_get(async, NEVER, NULL, &error), &error, ERROR_CANCELLED);
    async_free(async);
    {
        POOL_SCOPE struct pool *scoped = NULL;
        POOL_SCOPE struct pool *none = NULL;
        scoped = pool_on(s, 0, 4);
        async = applied(scoped, rest, LONG);
        CU_ASSERT_PTR_NULL(none);
    }
    expect_code(async_get(async, NEVER, NULL, &error), &error, ERROR_CANCELLED);
    async_free(async);
    CU_ASSERT(clock_now_ns() - started < 2 * SOON_NS);
}

static void freed(void)
{
    on_every_pool(freed_on);
}

static int using_anothers(struct worker *self, void *arg)
{
    struct pool *pool = arg;
    struct error error[5] = {{.code = ERROR_NONE}};
    int refused = 0;
    (void)self;
    pool_map(pool, square, 0, 1, 1, &error[0]);
    pool_close(pool, &error[1]);
    pool_terminate(pool, 0, &error[2]);
    pool_join(pool, 0, &error[3]);
    pool_free(pool, 0, &error[4]);
    for (int i = 0; i < 5; i++)
        refused += error[i].code == ERROR_STATE;
    return refused;
}

/* One that a process inherits is not its own; one that it opens is. */
static int opening_its_own(struct worker *self, void *arg)
{
    struct pool *pool = pool_on(arg, 8, 4);
    (void)self;
    int bad = pool_map(pool, square, 0, 8, 1, NULL) || result_of(applied(pool, square, 6)) != 36;
    return bad || pool_free(pool, GRACE_NS, NULL) ? 1 : 0;
}

static void elsewhere_on(const struct strategy *s)
{
    struct pool *pool = pool_on(s, 8, 4);
    CU_ASSERT_EQUAL(joined(started(using_anothers, pool)), 5);
    CU_ASSERT_EQUAL(joined(started(opening_its_own, (void *)(uintptr_t)s)), 0);
    CU_ASSERT_EQUAL(result_of(applied(pool, square, 7)), 49);
    pool_gone(pool);
}

static void elsewhere(void)
{
    on_every_pool(elsewhere_on);
}

/* --- broken ------------------------------------------------------------------------------------------------------ */

/* The control, but for one operation. */
static struct strategy bad;

static int failing_post(struct pool *pool, unsigned ticket, struct error *error)
{
    (void)pool, (void)ticket;
    return error_set(error, ERROR_BROKEN, "nowhere to post it");
}

static int failing_turn(struct pool *pool, int64_t timeout_ns, struct error *error)
{
    (void)pool, (void)timeout_ns;
    return error_set(error, ERROR_DIED, "its worker is gone");
}

static int failing_map(struct pool *pool, struct error *error)
{
    (void)pool;
    return error_set(error, ERROR_DIED, "its worker is gone");
}

static int failing_start(struct pool *pool, struct error *error)
{
    (void)pool;
    return error_set(error, ERROR_SYSTEM, "no process");
}

static unsigned stops;
static int counted_stop(struct pool *pool, int64_t grace_ns, struct error *error)
{
    stops++;
    return strategies[0]->stop(pool, grace_ns, error);
}

static void count_told(void *arg, struct async *async)
{
    CU_ASSERT_EQUAL(async_outcome(async), OUTCOME_CANCELLED);
    ++*(unsigned *)arg;
}

static struct pool *breaking(void)
{
    stops = 0;
    bad.stop = counted_stop;
    return pool_on(&bad, 8, 4);
}

static void expect_broken(struct pool *pool)
{
    struct error error = {.code = ERROR_NONE};
    expect_code(pool_map(pool, square, 0, 1, 1, &error), &error, ERROR_STATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "broken"));
    CU_ASSERT_EQUAL(pool_close(pool, NULL), 0);
    CU_ASSERT_EQUAL(pool_join(pool, NEVER, NULL), 0);
    CU_ASSERT_EQUAL(pool_terminate(pool, 0, NULL), 0);
    pool_gone(pool);
    CU_ASSERT_EQUAL(stops, 1);
}

static void broken_by_post(void)
{
    unsigned told = 0;
    const int64_t number = 2;
    const struct apply apply = {.fn = square, .in = &number, .over = count_told, .arg = &told};
    struct error error = {.code = ERROR_NONE};
    struct async *before, *never;
    bad = *strategies[0];
    struct pool *pool = breaking();
    CU_ASSERT_EQUAL(pool_apply_async(pool, &apply, NEVER, &before, NULL), 0);
    bad.post = failing_post;
    expect_code(pool_apply_async(pool, &apply, NEVER, &never, &error), &error, ERROR_BROKEN);
    CU_ASSERT_PTR_NULL(never);
    CU_ASSERT_EQUAL(told, 1);
    expect_code(async_get(before, NEVER, NULL, &error), &error, ERROR_CANCELLED);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "nowhere to post it"));
    async_free(before);
    expect_broken(pool);
}

static void broken_by_turn(void)
{
    struct error error = {.code = ERROR_NONE};
    bad = *strategies[0];
    bad.turn = failing_turn;
    struct pool *pool = breaking();
    struct async *async = applied(pool, square, 2);
    CU_ASSERT_EQUAL(async_wait(async, NEVER, NULL), 0);
    expect_code(async_get(async, NEVER, NULL, &error), &error, ERROR_CANCELLED);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "its worker is gone"));
    async_free(async);
    expect_broken(pool);
    pool = breaking();
    async_free(applied(pool, square, 2));
    pool_close(pool, NULL);
    expect_code(pool_join(pool, NEVER, &error), &error, ERROR_DIED);
    pool_gone(pool);
    CU_ASSERT_EQUAL(stops, 1);
}

static void broken_by_map(void)
{
    struct error error = {.code = ERROR_NONE};
    bad = *strategies[0];
    struct pool *pool = breaking();
    struct async *async = applied(pool, square, 2);
    CU_ASSERT_EQUAL(pool_map(pool, square, 0, 8, 1, NULL), 0);
    bad.map = failing_map;
    expect_code(pool_map(pool, square, 0, 8, 1, &error), &error, ERROR_DIED);
    for (uint64_t i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(pool_outcome(pool, i), OUTCOME_CANCELLED);
    expect_code(async_get(async, NEVER, NULL, &error), &error, ERROR_CANCELLED);
    async_free(async);
    expect_broken(pool);
}

static void broken_by_start(void)
{
    struct pool *pool = NULL;
    struct error error = {.code = ERROR_NONE};
    const struct setup setup = {.workers = 1, .items = 8, .in_size = 8, .out_size = 8, .window = 4};
    bad = *strategies[0];
    bad.start = failing_start;
    bad.stop = counted_stop;
    stops = 0;
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, &bad, &setup, NULL), 0);
    expect_code(pool_start(pool, &error), &error, ERROR_SYSTEM);
    expect_code(pool_start(pool, &error), &error, ERROR_STATE);
    expect_broken(pool);
}

/* --- the board --------------------------------------------------------------------------------------------------- */

static int fail_some(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                     size_t n)
{
    (void)ctx, (void)in, (void)out;
    for (uint64_t i = first; i < first + n; i++)
        if (argument >> i & 1)
            item_failed(w, i, "item %d is odd", (int)i);
    return 0;
}

static void lowest_failure(void)
{
    struct pool *pool = pool_on(strategies[0], 8, 0);
    struct error error = {.code = ERROR_NONE};
    expect_code(pool_map(pool, fail_some, 0x68, 8, 2, &error), &error, ERROR_FAILED);
    CU_ASSERT_EQUAL(error.item, 3);
    CU_ASSERT_STRING_EQUAL(error.text, "item 3 is odd");
    for (uint64_t i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(pool_outcome(pool, i), 0x68 >> i & 1 ? OUTCOME_FAILED : OUTCOME_DONE);
    expect_code(pool_map(pool, fail_silently, 0, 8, 2, &error), &error, ERROR_FAILED);
    CU_ASSERT_EQUAL(error.item, 0);
    CU_ASSERT_EQUAL(pool_map(pool, fail_some, 0, 8, 2, &error), 0);
    for (uint64_t i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(pool_outcome(pool, i), OUTCOME_DONE);
    /* a number of no item of the chunk harms no other */
    expect_code(pool_map(pool, fail_saying, 0, 8, 8, &error), &error, ERROR_FAILED);
    ((int64_t *)pool_in(pool))[0] = -4;
    expect_code(pool_map(pool, fail_saying, 0, 8, 8, &error), &error, ERROR_FAILED);
    CU_ASSERT_EQUAL(error.item, 0);
    CU_ASSERT_STRING_EQUAL(error.text, "no root of -4");
    pool_gone(pool);
}

/* Failed in a chunk that was lost then. */
static void failed_then_lost(void)
{
    struct pool *pool = pool_on(strategies[0], 8, 0);
    struct error error = {.code = ERROR_NONE};
    struct obituary o;
    board_begin(pool, &(struct map_order){.fn = square, .n = 8, .chunk = 4});
    struct worker w = {.pool = pool, .slot = 0, .mark = board_mark(pool, 0)};
    chunk_begin(&w, 2, 4);
    item_failed(&w, 2, "no");
    item_failed(&w, 3, "neither");
    board_obituary(pool, 0, 4711, SIGKILL, &o);
    CU_ASSERT_EQUAL(o.first, 2);
    CU_ASSERT_EQUAL(o.n, 4);
    board_lost(pool, &o, o.first, o.n);
    board_cancelled(pool, 3, 5);
    const enum outcome outcomes[] = {OUTCOME_DONE, OUTCOME_DONE, OUTCOME_FAILED,    OUTCOME_FAILED,
                                     OUTCOME_LOST, OUTCOME_LOST, OUTCOME_CANCELLED, OUTCOME_CANCELLED};
    for (uint64_t i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(pool_outcome(pool, i), outcomes[i]);
    expect_code(board_verdict(pool, &error), &error, ERROR_FAILED);
    CU_ASSERT_EQUAL(error.item, 2);
    CU_ASSERT_STRING_EQUAL(error.text, "no");
    board_begin(pool, &(struct map_order){.fn = square, .n = 8, .chunk = 4});
    CU_ASSERT_EQUAL(board_verdict(pool, &error), 0);
    pool_gone(pool);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "pool: never started", .run = never_started},
        {.name = "pool: *25 closed, joined when its work is over", .run = closed},
        {.name = "pool: joins with a timeout", .run = join_timeouts},
        {.name = "pool: *18 terminated with 10,000 pending", .run = terminated},
        {.name = "pool: freed with work in flight, and at the end of a block", .run = freed},
        {.name = "pool: in another process", .run = elsewhere},
        {.name = "pool: broken by a post", .run = broken_by_post},
        {.name = "pool: broken by a turn", .run = broken_by_turn},
        {.name = "pool: broken by a map", .run = broken_by_map},
        {.name = "pool: broken by a start", .run = broken_by_start},
        {.name = "pool: the lowest failure is told", .run = lowest_failure},
        {.name = "pool: what failed stays failed when it is lost", .run = failed_then_lost},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
