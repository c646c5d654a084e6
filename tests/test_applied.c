/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_applied.c - applied items on every strategy that has them: handles, the window, waiting, failing, and callers
 * who use the pool when they are told that an item is over. */
#include "bench/ipc/deadline.h"
#include "tests/frame.h"
#include "tests/pooled.h"

#include <CUnit/CUnit.h>

#include <stdio.h>
#include <string.h>

#define WINDOW 4
#define LONG   INT64_C(3000) /* ms: nobody waits for it to its end */

/* --- results ----------------------------------------------------------------------------------------------------- */

static void results_on(const struct strategy *s)
{
    struct pool *pool = pool_on(s, 0, WINDOW);
    struct async *async = applied(pool, square, 7);
    int64_t result = 0;
    CU_ASSERT_EQUAL(async_wait(async, GRACE_NS, NULL), 0);
    CU_ASSERT_TRUE(async_ready(async));
    CU_ASSERT_EQUAL(async_outcome(async), OUTCOME_DONE);
    CU_ASSERT_EQUAL(async_get(async, 0, NULL, NULL), 0);
    for (int again = 0; again < 2; again++) {
        CU_ASSERT_EQUAL(async_get(async, NEVER, &result, NULL), 0);
        CU_ASSERT_EQUAL(result, 49);
    }
    async_free(async);
    const int64_t five = 5;
    const struct apply apply = {.fn = square, .argument = 1000, .in = &five};
    CU_ASSERT_EQUAL(pool_apply_async(pool, &apply, NEVER, &async, NULL), 0);
    CU_ASSERT_EQUAL(result_of(async), 1025);
    pool_gone(pool);
}

static void results(void)
{
    on_every_pool(results_on);
}

static void many_on(const struct strategy *s)
{
    enum { N = 500 };
    static struct async *all[N];
    struct pool *pool = pool_on(s, 64, WINDOW);
    for (int i = 0; i < N; i++)
        all[i] = applied(pool, square, i);
    /* a map in between */
    for (int i = 0; i < 64; i++)
        ((int64_t *)pool_in(pool))[i] = i;
    CU_ASSERT_EQUAL(pool_map(pool, square, 1, 64, 3, NULL), 0);
    for (int i = 0; i < 64; i++)
        CU_ASSERT_EQUAL(((int64_t *)pool_out(pool))[i], i * i + 1);
    for (int i = N - 1; i >= 0; i--)
        CU_ASSERT_EQUAL(result_of(all[i]), (int64_t)i * i);
    pool_gone(pool);
}

static void many(void)
{
    on_every_pool(many_on);
}

/* What only looks, again and again, gets there too. */
static void polled_on(const struct strategy *s)
{
    struct pool *pool = pool_on(s, 0, WINDOW);
    struct async *async = applied(pool, rest, 20);
    int64_t started = clock_now_ns();
    while (!async_ready(async) && clock_now_ns() - started < GRACE_NS)
        continue;
    CU_ASSERT_EQUAL(result_of(async), 20);
    async = applied(pool, rest, 20);
    while (async_get(async, 0, NULL, NULL) && clock_now_ns() - started < GRACE_NS)
        continue;
    CU_ASSERT_EQUAL(result_of(async), 20);
    pool_gone(pool);
}

static void polled(void)
{
    on_every_pool(polled_on);
}

/* --- waiting in vain --------------------------------------------------------------------------------------------- */

static void timeouts_on(const struct strategy *s)
{
    if (runs_here(s))
        return;
    struct pool *pool = pool_on(s, 0, WINDOW);
    struct error error = {.code = ERROR_NONE};
    struct async *async = applied(pool, rest, 300), *late;
    int64_t started = clock_now_ns(), result = 0;
    expect_code(async_get(async, 0, &result, &error), &error, ERROR_TIMEOUT);
    expect_code(async_get(async, -7, &result, &error), &error, ERROR_TIMEOUT);
    expect_code(async_wait(async, 50 * MS, &error), &error, ERROR_TIMEOUT);
    CU_ASSERT(clock_now_ns() - started >= 50 * MS);
    CU_ASSERT_EQUAL(async_outcome(async), OUTCOME_PENDING);
    CU_ASSERT_EQUAL(result_of(async), 300);
    for (int i = 0; i < WINDOW; i++)
        async_free(applied(pool, rest, LONG));
    started = clock_now_ns();
    const struct apply apply = {.fn = square, .in = &started};
    expect_code(pool_apply_async(pool, &apply, 0, &late, &error), &error, ERROR_TIMEOUT);
    expect_code(pool_apply_async(pool, &apply, 50 * MS, &late, &error), &error, ERROR_TIMEOUT);
    CU_ASSERT_PTR_NULL(late);
    CU_ASSERT(clock_now_ns() - started >= 50 * MS);
    CU_ASSERT_EQUAL(pool_terminate(pool, 0, NULL), 0);
    CU_ASSERT(clock_now_ns() - started < LONG * MS);
    pool_gone(pool);
}

static void timeouts(void)
{
    on_every_pool(timeouts_on);
}

/* --- failing ----------------------------------------------------------------------------------------------------- */

static void count_told(void *arg, struct async *async)
{
    CU_ASSERT_PTR_NOT_NULL(async);
    ++*(unsigned *)arg;
}

static void failures_on(const struct strategy *s)
{
    struct pool *pool = pool_on(s, 0, WINDOW);
    items_fn *const fns[] = {fail_saying, fail_saying, fail_silently};
    const int64_t numbers[] = {-4, 9, 9};
    const char *const words[] = {"no root of -4", "no root of 9", "failed"};
    async_free(applied(pool, square, 2));
    for (size_t i = 0; i < 3; i++) {
        unsigned told = 0;
        struct async *async = NULL;
        struct error error = {.code = ERROR_NONE};
        const struct apply apply = {.fn = fns[i], .in = &numbers[i], .over = count_told, .arg = &told};
        CU_ASSERT_EQUAL(pool_apply_async(pool, &apply, NEVER, &async, NULL), 0);
        for (int again = 0; again < 2; again++) {
            expect_code(async_get(async, GRACE_NS, NULL, &error), &error, ERROR_FAILED);
            CU_ASSERT_EQUAL(error.item, 1 + i);
            CU_ASSERT_PTR_NOT_NULL(strstr(error.text, words[i]));
        }
        CU_ASSERT_EQUAL(async_outcome(async), OUTCOME_FAILED);
        CU_ASSERT_EQUAL(told, 1);
        async_free(async);
    }
    CU_ASSERT_EQUAL(result_of(applied(pool, square, 3)), 9);
    pool_gone(pool);
}

static void failures(void)
{
    on_every_pool(failures_on);
}

/* --- who is told ------------------------------------------------------------------------------------------------- */

struct teller {
    struct pool *pool;
    unsigned calls, refused;
    struct async *last, *other;
};

static int apply_told(struct teller *t, int64_t number, void (*over)(void *, struct async *))
{
    struct error error = {.code = ERROR_NONE};
    const struct apply apply = {.fn = square, .in = &number, .over = over, .arg = t};
    int result = pool_apply_async(t->pool, &apply, NEVER, &t->last, &error);
    t->refused += result && error.code == ERROR_STATE;
    return result;
}

static void apply_again(void *arg, struct async *async)
{
    struct teller *t = arg;
    CU_ASSERT_TRUE(async_ready(async));
    async_free(async);
    if (++t->calls < 100)
        CU_ASSERT(apply_told(t, t->calls, apply_again) == 0 || t->refused == 1);
}

static void chained_on(const struct strategy *s)
{
    struct teller t = {.pool = pool_on(s, 0, 1)};
    struct error error = {.code = ERROR_NONE};
    CU_ASSERT_EQUAL(apply_told(&t, 0, apply_again), 0);
    pool_close(t.pool, NULL);
    /* it was closed before the first was over: that one applies nothing more */
    CU_ASSERT_EQUAL(pool_join(t.pool, NEVER, &error), 0);
    CU_ASSERT_EQUAL(t.calls, 1);
    CU_ASSERT_EQUAL(t.refused, 1);
    pool_gone(t.pool);
}

/* The last handle waited for is another one each time. */
static void chain_waited_on(const struct strategy *s)
{
    struct teller t = {.pool = pool_on(s, 0, 2)};
    CU_ASSERT_EQUAL(apply_told(&t, 0, apply_again), 0);
    int64_t started = clock_now_ns();
    while (t.calls < 100 && clock_now_ns() - started < GRACE_NS)
        async_free(applied(t.pool, square, 1));
    CU_ASSERT_EQUAL(t.calls, 100);
    pool_gone(t.pool);
}

static void wait_for_other(void *arg, struct async *async)
{
    struct teller *t = arg;
    (void)async;
    t->calls++;
    CU_ASSERT_EQUAL(async_wait(t->other, GRACE_NS, NULL), 0);
}

static void waiting_on(const struct strategy *s)
{
    struct teller t = {.pool = pool_on(s, 0, WINDOW)};
    CU_ASSERT_EQUAL(apply_told(&t, 3, wait_for_other), 0);
    t.other = applied(t.pool, square, 4);
    CU_ASSERT_EQUAL(result_of(t.last), 9);
    CU_ASSERT_EQUAL(t.calls, 1);
    CU_ASSERT_EQUAL(result_of(t.other), 16);
    pool_gone(t.pool);
}

static void terminate_and_free(void *arg, struct async *async)
{
    struct teller *t = arg;
    struct error error = {.code = ERROR_NONE};
    (void)async;
    t->calls++;
    CU_ASSERT_EQUAL(pool_terminate(t->pool, GRACE_NS, NULL), 0);
    CU_ASSERT_EQUAL(pool_free(t->pool, 0, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_STATE);
    CU_ASSERT_EQUAL(apply_told(t, 1, NULL), -1);
}

static void terminating_on(const struct strategy *s)
{
    struct teller t = {.pool = pool_on(s, 0, WINDOW)};
    CU_ASSERT_EQUAL(apply_told(&t, 3, terminate_and_free), 0);
    struct async *first = t.last, *behind = applied(t.pool, rest, LONG);
    struct error error = {.code = ERROR_NONE};
    CU_ASSERT_EQUAL(result_of(first), 9);
    CU_ASSERT_EQUAL(t.calls, 1);
    CU_ASSERT_EQUAL(t.refused, 1);
    expect_code(async_get(behind, NEVER, NULL, &error), &error, ERROR_CANCELLED);
    async_free(behind);
    pool_gone(t.pool);
}

/* While it waits for room, somebody is told, who ends the pool. */
static void room_gone_on(const struct strategy *s)
{
    struct teller t = {.pool = pool_on(s, 0, 1)};
    struct async *first, *late;
    struct error error = {.code = ERROR_NONE};
    const int64_t number = 3;
    const struct apply apply = {.fn = square, .in = &number};
    CU_ASSERT_EQUAL(apply_told(&t, 3, terminate_and_free), 0);
    first = t.last;
    expect_code(pool_apply_async(t.pool, &apply, NEVER, &late, &error), &error, ERROR_STATE);
    CU_ASSERT_PTR_NULL(late);
    CU_ASSERT_EQUAL(result_of(first), 9);
    pool_gone(t.pool);
}

static void told_at_free_on(const struct strategy *s)
{
    unsigned told = 0;
    struct pool *pool = pool_on(s, 0, WINDOW);
    struct async *async[WINDOW];
    struct error error = {.code = ERROR_NONE};
    const int64_t number = LONG;
    const struct apply apply = {.fn = rest, .in = &number, .over = count_told, .arg = &told};
    for (int i = 0; i < WINDOW; i++)
        CU_ASSERT_EQUAL(pool_apply_async(pool, &apply, NEVER, &async[i], NULL), 0);
    async_free(async[0]);
    pool_terminate(pool, 100 * MS, NULL);
    CU_ASSERT_EQUAL(told, WINDOW);
    pool_gone(pool);
    for (int i = 1; i < WINDOW; i++) {
        CU_ASSERT_TRUE(async_ready(async[i]));
        CU_ASSERT_EQUAL(async_outcome(async[i]), OUTCOME_CANCELLED);
        expect_code(async_get(async[i], NEVER, NULL, &error), &error, ERROR_CANCELLED);
        expect_code(async_get(async[i], 0, NULL, &error), &error, ERROR_CANCELLED);
        CU_ASSERT_EQUAL(error.item, (uint64_t)i);
        async_free(async[i]);
    }
    CU_ASSERT_EQUAL(told, WINDOW);
    async_free(NULL);
}

static void told_chain(void)
{
    on_every_pool(chained_on);
    on_every_pool(chain_waited_on);
}

static void told_waiting(void)
{
    on_every_pool(waiting_on);
}

static void told_terminating(void)
{
    on_every_pool(terminating_on);
    on_every_pool(room_gone_on);
}

static void told_at_free(void)
{
    on_every_pool(told_at_free_on);
}

/* --- misuse ------------------------------------------------------------------------------------------------------ */

static int nesting(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    struct pool *pool = w->pool;
    struct async *async;
    const struct apply apply = {.fn = square, .in = in};
    struct error error[8] = {{.code = ERROR_NONE}};
    int64_t refused = 0;
    (void)ctx, (void)argument, (void)first, (void)n;
    pool_map(pool, square, 0, 1, 1, &error[0]);
    pool_apply_async(pool, &apply, NEVER, &async, &error[1]);
    pool_close(pool, &error[2]);
    pool_join(pool, NEVER, &error[3]);
    pool_terminate(pool, 0, &error[4]);
    pool_free(pool, 0, &error[5]);
    pool_stream(pool, &(struct stream){.fn = square}, &error[6]);
    process_start(&(struct process *){NULL}, pool, sleeping, NULL, &error[7]);
    for (int i = 0; i < 8; i++)
        refused += error[i].code == ERROR_STATE;
    *(int64_t *)out = refused;
    return 0;
}

static void nested_on(const struct strategy *s)
{
    struct pool *pool = pool_on(s, 8, WINDOW);
    CU_ASSERT_EQUAL(result_of(applied(pool, nesting, 1)), 8);
    CU_ASSERT_EQUAL(pool_map(pool, nesting, 0, 8, 1, NULL), 0);
    for (int i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(((int64_t *)pool_out(pool))[i], 8);
    CU_ASSERT_EQUAL(result_of(applied(pool, square, 2)), 4);
    pool_gone(pool);
}

static void nested(void)
{
    on_every_pool(nested_on);
}

static int using_anothers(struct worker *self, void *arg)
{
    struct async *async = arg;
    struct error error = {.code = ERROR_NONE};
    int refused = !async_ready(async);
    (void)self;
    refused += async_wait(async, 0, &error) == -1 && error.code == ERROR_STATE;
    refused += async_get(async, 0, NULL, &error) == -1 && error.code == ERROR_STATE;
    return refused;
}

static void misused_on(const struct strategy *s)
{
    struct pool *pool = pool_on(s, 8, 0);
    struct async *async;
    struct error error = {.code = ERROR_NONE};
    const int64_t number = 1;
    const struct apply apply = {.fn = square, .in = &number};
    expect_code(pool_apply_async(pool, &apply, NEVER, &async, &error), &error, ERROR_USE);
    pool_gone(pool);
    pool = pool_on(s, 0, WINDOW);
    async = applied(pool, rest, 100);
    CU_ASSERT_EQUAL(joined(started(using_anothers, async)), 3);
    CU_ASSERT_EQUAL(result_of(async), 100);
    pool_gone(pool);
}

static void misused(void)
{
    on_every_pool(misused_on);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "applied: *12 results, the same each time", .run = results},
        {.name = "applied: many through a small window, and a map", .run = many},
        {.name = "applied: who only looks gets it too", .run = polled},
        {.name = "applied: *13 timeouts, of waiting and of room", .run = timeouts},
        {.name = "applied: *14 failures are told once, with their text", .run = failures},
        {.name = "applied: who is told applies another, and frees", .run = told_chain},
        {.name = "applied: who is told waits for another", .run = told_waiting},
        {.name = "applied: who is told terminates the pool", .run = told_terminating},
        {.name = "applied: CX12 what was not over is told, and stays cancelled", .run = told_at_free},
        {.name = "applied: CX31 an item cannot use its own pool", .run = nested},
        {.name = "applied: without a window, and in another process", .run = misused},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
