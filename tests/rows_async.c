/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rows_async.c - applied items: their results, waiting for them, and what becomes of them when the pool ends. */
#include "tests/rows.h"

#include "bench/ipc/memory.h"

#include <CUnit/CUnit.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORD    sizeof(uint64_t)
#define MANY    10000
#define HOUR_NS INT64_C(3600000000000)
#define LATE_NS (150 * MS)

/* The square, after `argument` ns. */
static int late_squares(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                        size_t n)
{
    row_rest((int64_t)argument);
    return squares(w, ctx, 0, in, out, first, n);
}

/* The square, when the caller lets it go. */
static int held_squares(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                        size_t n)
{
    const _Atomic bool *let_go = ctx;
    for (int64_t end = row_now() + ROW_PATIENCE_NS; !atomic_load(let_go) && row_now() < end;)
        row_rest(MS);
    return squares(w, ctx, argument, in, out, first, n);
}

static int failing(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    (void)ctx, (void)argument, (void)in, (void)out, (void)n;
    item_failed(w, first, "no key 'red'");
    return 0;
}

static struct async *apply(const struct situation *c, struct pool *pool, items_fn *fn, uint64_t argument, uint64_t in)
{
    struct error error = {.code = ERROR_NONE};
    struct apply what = {.fn = fn, .argument = argument, .in = &in};
    struct async *async = NULL;
    EXPECT_DONE(c, pool_apply_async(pool, &what, NEVER, &async, &error), &error);
    return async;
}

static void expect_result(const struct situation *c, struct async *async, uint64_t wanted)
{
    struct error error = {.code = ERROR_NONE};
    uint64_t result = 0;
    if (!EXPECT(c, async != NULL))
        return;
    EXPECT_DONE(c, async_get(async, NEVER, &result, &error), &error);
    EXPECT(c, result == wanted && async_ready(async) && async_outcome(async) == OUTCOME_DONE);
    async_free(async);
}

static struct pool *open_window(const struct situation *c, unsigned window)
{
    return row_start(c, &(struct setup){.items = 10, .in_size = WORD, .out_size = WORD, .window = window});
}

/* --- *12, *13, *14 ----------------------------------------------------------------------------------------------- */

static void async_result(const struct situation *c)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = open_window(c, 4);
    if (!pool)
        return;
    int64_t started = row_now();
    struct async *late = apply(c, pool, late_squares, LATE_NS, 7);
    if (c->strategy->role != ROLE_CONTROL_ONLY) {
        const bool pending = async_outcome(late) == OUTCOME_PENDING && !async_ready(late);
        const int64_t took = row_now() - started;
        EXPECT(c, pending || took >= LATE_NS);
        EXPECT_WITHIN(c, took, LATE_NS / 2);
    }
    struct async *soon = apply(c, pool, squares, 0, 8);
    expect_result(c, late, 49);
    expect_result(c, soon, 64);
    EXPECT(c, row_now() - started >= LATE_NS);
    struct async *outlives = apply(c, pool, squares, 0, 9);
    EXPECT_DONE(c, async_wait(outlives, NEVER, &error), &error);
    row_free(c, pool);
    expect_result(c, outlives, 81);
}

static void async_timeout(const struct situation *c)
{
    struct error error = {.code = ERROR_NONE};
    _Atomic bool *let_go = memory_shared(sizeof *let_go);
    struct setup setup = {.items = 10, .in_size = WORD, .out_size = WORD, .window = 4, .ctx = (void *)let_go};
    struct pool *pool = let_go ? row_start(c, &setup) : NULL;
    if (!EXPECT(c, pool != NULL))
        return;
    struct async *async = apply(c, pool, held_squares, 0, 7);
    for (int64_t timeout = 0; timeout <= 50 * MS; timeout += 50 * MS) {
        int64_t started = row_now();
        EXPECT_FAILS(c, async_get(async, timeout, NULL, &error), ERROR_TIMEOUT, NULL, &error);
        EXPECT(c, row_now() - started >= timeout);
        EXPECT_WITHIN(c, row_now() - started, timeout + 1000 * MS);
    }
    EXPECT_FAILS(c, async_wait(async, -5, &error), ERROR_TIMEOUT, NULL, &error);
    EXPECT(c, !async_ready(async));
    atomic_store(let_go, true);
    expect_result(c, async, 49);
    async = apply(c, pool, late_squares, HOUR_NS, 7);
    EXPECT_FAILS(c, async_get(async, 50 * MS, NULL, &error), ERROR_TIMEOUT, NULL, &error);
    EXPECT_DONE(c, pool_terminate(pool, 1000 * MS, &error), &error);
    EXPECT_DONE(c, pool_join(pool, ROW_PATIENCE_NS, &error), &error);
    row_free(c, pool);
    async_free(async);
    memory_free((void *)let_go, sizeof *let_go);
}

struct heard {
    unsigned times;
    enum outcome outcome;
    struct async *of;
};

static void note_over(void *arg, struct async *async)
{
    struct heard *told = arg;
    told->times++;
    told->outcome = async_outcome(async);
    told->of = async;
}

static void errors_delivered_once(const struct situation *c)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = open_window(c, 4);
    struct heard told[2] = {{0}, {0}};
    struct async *asyncs[2] = {NULL, NULL};
    uint64_t in = 6;
    for (unsigned i = 0; pool && i < 2; i++) {
        struct apply what = {.fn = i ? failing : squares, .in = &in, .over = note_over, .arg = &told[i]};
        EXPECT_DONE(c, pool_apply_async(pool, &what, NEVER, &asyncs[i], &error), &error);
    }
    for (unsigned again = 0; asyncs[1] && again < 3; again++) {
        EXPECT_FAILS(c, async_get(asyncs[1], NEVER, NULL, &error), ERROR_FAILED, "no key 'red'", &error);
        EXPECT(c, error.item == 1);
        EXPECT_DONE(c, async_get(asyncs[0], NEVER, &in, &error), &error);
        EXPECT(c, in == 36);
    }
    for (unsigned i = 0; i < 2; i++) {
        EXPECT(c, told[i].times == 1 && told[i].of == asyncs[i]);
        EXPECT(c, told[i].outcome == (i ? OUTCOME_FAILED : OUTCOME_DONE));
        async_free(asyncs[i]);
    }
    row_free(c, pool);
    EXPECT(c, told[0].times == 1 && told[1].times == 1);
}

/* --- *18, CX12: terminated --------------------------------------------------------------------------------------- */

static void terminate_with_many_pending(const struct situation *c)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = open_window(c, MANY);
    struct async **asyncs = calloc(MANY, sizeof *asyncs);
    CU_ASSERT_FATAL(pool && asyncs);
    for (unsigned i = 0; i < MANY; i++)
        asyncs[i] = apply(c, pool, late_squares, HOUR_NS, 1);
    int64_t started = row_now();
    EXPECT_DONE(c, pool_terminate(pool, 500 * MS, &error), &error);
    EXPECT_DONE(c, pool_join(pool, ROW_PATIENCE_NS, &error), &error);
    EXPECT_WITHIN(c, row_now() - started, 1500 * MS);
    EXPECT(c, row_children() == 0);
    unsigned wrong = 0;
    for (unsigned i = 0; i < MANY; i++) {
        if (async_outcome(asyncs[i]) != OUTCOME_CANCELLED && wrong++ == 0)
            fprintf(stderr, "item %u is not cancelled: outcome %d\n", i, (int)async_outcome(asyncs[i]));
        async_free(asyncs[i]);
    }
    EXPECT(c, wrong == 0);
    row_free(c, pool);
    free(asyncs);
}

static void get_after_terminate(const struct situation *c)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = open_window(c, 8);
    struct async *over, *running[2], *waiting[4];
    if (!pool)
        return;
    over = apply(c, pool, squares, 0, 5);
    EXPECT_DONE(c, async_wait(over, NEVER, &error), &error);
    for (unsigned i = 0; i < 2; i++)
        running[i] = apply(c, pool, late_squares, HOUR_NS, 5);
    for (unsigned i = 0; i < 4; i++)
        waiting[i] = apply(c, pool, late_squares, HOUR_NS, 5);
    row_rest(20 * MS);
    EXPECT_DONE(c, pool_terminate(pool, 500 * MS, &error), &error);
    int64_t started = row_now();
    for (unsigned i = 0; i < 6; i++) {
        struct async *async = i < 2 ? running[i] : waiting[i - 2];
        EXPECT(c, async_ready(async));
        EXPECT_FAILS(c, async_get(async, NEVER, NULL, &error), ERROR_CANCELLED, NULL, &error);
        async_free(async);
    }
    EXPECT_WITHIN(c, row_now() - started, 500 * MS);
    row_free(c, pool);
    expect_result(c, over, 25);
}

/* --- *24, *25, CX27: recycling ----------------------------------------------------------------------------------- */

static int tell_pid(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    (void)w, (void)ctx, (void)argument, (void)in, (void)first;
    for (size_t i = 0; i < n; i++)
        ((pid_t *)out)[2 * i] = getpid();
    return 0;
}

static unsigned distinct_pids(const pid_t *pids, size_t n)
{
    unsigned distinct = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < i && pids[2 * k] != pids[2 * i])
            k++;
        distinct += k == i;
    }
    return distinct;
}

/* 100 chunks, and a worker leaves after 10: so at least 10 workers have been there, and never one for more than 10. */
static void worker_recycling(const struct situation *c)
{
    struct error error = {.code = ERROR_NONE};
    struct setup setup = {.items = 100, .in_size = WORD, .out_size = WORD, .workers = 3, .recycle = 10};
    struct pool *pool = row_start(c, &setup);
    if (!pool)
        return;
    const bool standing = pool_worker_pid(pool, 0) > 0;
    EXPECT_DONE(c, pool_map(pool, tell_pid, 0, 100, 1, &error), &error);
    EXPECT(c, distinct_pids(pool_out(pool), 100) >= 10);
    if (standing)
        EXPECT(c, pool_recycled(pool) >= 7);
    EXPECT(c, pool_replaced(pool) == 0);
    for (unsigned i = 0; i < 20; i++)
        expect_squares(c, pool, 100, 1);
    expect_squares(c, pool, 100, 7);
    row_free(c, pool);
}

static void close_before_done(const struct situation *c)
{
    struct error error = {.code = ERROR_NONE};
    struct setup setup = {.items = 10, .in_size = WORD, .out_size = WORD, .workers = 3, .window = 6, .recycle = 1};
    struct pool *pool = row_start(c, &setup);
    struct async *asyncs[6];
    if (!pool)
        return;
    for (unsigned i = 0; i < 6; i++)
        asyncs[i] = apply(c, pool, late_squares, 60 * MS, i);
    EXPECT_DONE(c, pool_close(pool, &error), &error);
    EXPECT_DONE(c, pool_join(pool, 10000 * MS, &error), &error);
    EXPECT(c, row_children() == 0);
    for (unsigned i = 0; i < 6; i++)
        expect_result(c, asyncs[i], (uint64_t)i * i);
    row_free(c, pool);
}

/* Every task costs a worker: some ten thousand in all strategies together. */
static void recycling_under_load(const struct situation *c)
{
    const size_t tasks = conformance_quick() ? 1000 : 3000;
    struct setup setup = {.items = tasks, .in_size = WORD, .out_size = WORD, .recycle = 1};
    struct pool *pool = row_start(c, &setup);
    if (!pool)
        return;
    expect_squares(c, pool, tasks, 1);
    if (pool_worker_pid(pool, 0) > 0)
        EXPECT(c, pool_recycled(pool) + 2 >= tasks);
    row_free(c, pool);
}

const struct row rows_async[] = {
    {.name = "*12 async result", .run = async_result, .uses = USES(NEED_ASYNC), .variants = true},
    {.name = "*13 async timeout", .run = async_timeout, .uses = USES(NEED_ASYNC) | USES_CREW, .variants = true},
    {.name = "*14 errors delivered once", .run = errors_delivered_once, .uses = USES(NEED_ASYNC), .variants = true},
    {.name = "*18 terminate with 10,000 pending",
     .run = terminate_with_many_pending,
     .uses = USES(NEED_ASYNC) | USES_CREW},
    {.name = "*24 worker recycling", .run = worker_recycling, .uses = USES(NEED_MAP) | USES_CREW},
    {.name = "*25 close before done", .run = close_before_done, .uses = USES(NEED_ASYNC)},
    {.name = "CX12 get after terminate", .run = get_after_terminate, .uses = USES(NEED_ASYNC) | USES_CREW},
    {.name = "CX27 a worker recycled at every task",
     .run = recycling_under_load,
     .uses = USES(NEED_MAP) | USES_CREW,
     .limit_s = 60},
    {.name = NULL},
};
