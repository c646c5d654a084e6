/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rows_deaths.c - workers that die: in the middle of an item, at rest, all at once, again and again.
 *
 * Every item ends in one way, the pool goes on as long as setup.deaths lets it, and the death is told in time. */
#include "tests/rows.h"

#include "bench/ipc/memory.h"

#include <CUnit/CUnit.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORD    sizeof(uint64_t)
#define TOLD_NS (100 * MS)

/* What a deadly item does, as its `argument` says. */
enum way { WAY_KILL, WAY_EXIT_0, WAY_EXIT_3, WAY_ABORT, WAY_FAULT, WAY_OVERFLOW, WAYS };

struct scene {
    _Atomic int64_t died_at; /* just before */
    _Atomic uint32_t runs[1000];
    uint64_t deadly; /* this item */
};

__attribute__((noinline)) static int overflow(int depth)
{
    volatile char room[8192];
    room[depth % 8192] = (char)depth;
    return depth < INT32_MAX ? overflow(depth + 1) + room[depth % 8192] : 0;
}

static void die(enum way way)
{
    /* no dump of what is meant to happen */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    switch (way) {
    case WAY_KILL:
        kill(getpid(), SIGKILL);
        break;
    case WAY_EXIT_0:
        _exit(0);
    case WAY_EXIT_3:
        _exit(3);
    case WAY_ABORT:
        signal(SIGABRT, SIG_DFL);
        abort();
    case WAY_FAULT:
        signal(SIGSEGV, SIG_DFL);
        kill(getpid(), SIGSEGV);
        break;
    default:
        signal(SIGSEGV, SIG_DFL);
        setrlimit(RLIMIT_STACK, &(struct rlimit){.rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY});
        overflow(0);
    }
    _exit(99);
}

static int deadly_squares(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                          size_t n)
{
    struct scene *scene = ctx;
    for (size_t i = 0; i < n; i++) {
        item_begin(w, first + i);
        atomic_fetch_add(&scene->runs[first + i], 1);
        if (first + i == scene->deadly) {
            row_rest(2 * MS);
            atomic_store(&scene->died_at, row_now());
            die((enum way)argument);
        }
        ((uint64_t *)out)[i] = ((const uint64_t *)in)[i] * ((const uint64_t *)in)[i];
    }
    return 0;
}

static struct scene *scene_new(void)
{
    struct scene *scene = memory_shared(sizeof *scene);
    CU_ASSERT_PTR_NOT_NULL_FATAL(scene);
    return scene;
}

static void fill(struct pool *pool, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        ((uint64_t *)pool_in(pool))[i] = i;
    memset(pool_out(pool), 0xff, n * WORD);
}

/* Each item ended in one way: its result is there and it ran once; or it was lost, and did not run twice. How many were
 * lost. */
static unsigned judge_outcomes(const struct situation *c, struct pool *pool, struct scene *scene, uint64_t n)
{
    unsigned lost = 0, wrong = 0;
    for (uint64_t i = 0; i < n; i++) {
        const enum outcome outcome = pool_outcome(pool, i);
        const uint64_t result = ((uint64_t *)pool_out(pool))[i];
        const unsigned runs = atomic_exchange(&scene->runs[i], 0);
        const bool done = outcome == OUTCOME_DONE && result == i * i && runs == 1;
        lost += outcome == OUTCOME_LOST;
        if (!done && (outcome != OUTCOME_LOST || runs > 1) && wrong++ == 0)
            fprintf(stderr, "item %u: outcome %d, result %llu, %u runs\n", (unsigned)i, (int)outcome,
                    (unsigned long long)result, runs);
    }
    EXPECT(c, wrong == 0);
    return lost;
}

/* --- CX1, CX4 ---------------------------------------------------------------------------------------------------- */

static bool status_is(int status, enum way way)
{
    static const int signals[WAYS] = {
        [WAY_KILL] = SIGKILL, [WAY_ABORT] = SIGABRT, [WAY_FAULT] = SIGSEGV, [WAY_OVERFLOW] = SIGSEGV};
    if (signals[way])
        return WIFSIGNALED(status) && WTERMSIG(status) == signals[way];
    return WIFEXITED(status) && WEXITSTATUS(status) == (way == WAY_EXIT_3 ? 3 : 0);
}

/* One worker dies in item `item`: that is lost, and perhaps some before it, whose results had not left; none behind it
 * is. */
static void dies_in_an_item(const struct situation *c, struct pool *pool, struct scene *scene, uint64_t item,
                            size_t chunk, enum way way)
{
    struct error error = {.code = ERROR_NONE};
    fill(pool, 100);
    scene->deadly = item;
    EXPECT_FAILS(c, pool_map(pool, deadly_squares, way, 100, chunk, &error), ERROR_DIED, NULL, &error);
    EXPECT(c, error.pid > 0 && status_is(error.wait_status, way));
    EXPECT(c, pool_outcome(pool, item) == OUTCOME_LOST && pool_outcome(pool, error.item) == OUTCOME_LOST);
    for (uint64_t i = 0; i < 100; i++)
        EXPECT(c, pool_outcome(pool, i) == OUTCOME_DONE || (i >= error.item && i <= item));
    EXPECT(c, judge_outcomes(c, pool, scene, 100) >= 1);
    scene->deadly = ITEM_NONE;
    expect_squares(c, pool, 100, chunk);
}

/* The death is told in time, the best of a few: a busy machine adds what it likes. */
static void told_in_time(const struct situation *c, struct pool *pool, struct scene *scene)
{
    int64_t best = INT64_MAX;
    scene->deadly = 0;
    for (unsigned i = 0; i < 8; i++) {
        struct error error = {.code = ERROR_NONE};
        EXPECT_FAILS(c, pool_map(pool, deadly_squares, WAY_KILL, 1, 1, &error), ERROR_DIED, "signal 9", &error);
        int64_t took = row_now() - atomic_load(&scene->died_at);
        best = took < best ? took : best;
    }
    EXPECT_WITHIN(c, best, TOLD_NS);
    atomic_store(&scene->runs[0], 0);
}

static void killed_in_mid_item(const struct situation *c)
{
    struct scene *scene = scene_new();
    struct setup setup = {.items = 100, .in_size = WORD, .out_size = WORD, .deaths = 100, .ctx = scene};
    static const uint64_t items[] = {0, 37, 99};
    for (unsigned workers = 1; workers <= 2; workers++) {
        setup.workers = workers;
        struct pool *pool = row_start(c, &setup);
        for (unsigned i = 0; pool && i < 3; i++)
            for (size_t chunk = 1; chunk <= 8; chunk += 7)
                dies_in_an_item(c, pool, scene, items[i], chunk, WAY_KILL);
        if (pool)
            EXPECT(c, pool_worker_pid(pool, 0) == 0 || pool_replaced(pool) == 6);
        if (pool)
            told_in_time(c, pool, scene);
        row_free(c, pool);
    }
    memory_free(scene, sizeof *scene);
}

__attribute__((noreturn)) static void never(void)
{
    for (;;)
        row_rest(MS);
}

static int endless(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    (void)w, (void)ctx, (void)argument, (void)in, (void)out, (void)first, (void)n;
    never();
}

/* A loop without end is for whoever waits with a timeout; the pool then ends within its grace. */
static void endless_item(const struct situation *c)
{
    struct error error = {.code = ERROR_NONE};
    struct setup setup = {.in_size = WORD, .out_size = WORD, .window = 1};
    struct pool *pool = row_start(c, &setup);
    struct async *async = NULL;
    struct apply apply = {.fn = endless, .in = &(uint64_t){0}};
    if (!pool)
        return;
    EXPECT_DONE(c, pool_apply_async(pool, &apply, NEVER, &async, &error), &error);
    EXPECT_FAILS(c, async_get(async, 50 * MS, NULL, &error), ERROR_TIMEOUT, NULL, &error);
    int64_t started = row_now();
    EXPECT_DONE(c, pool_terminate(pool, 100 * MS, &error), &error);
    EXPECT_WITHIN(c, row_now() - started, 500 * MS);
    row_free(c, pool);
    async_free(async);
}

static void items_that_end_their_worker(const struct situation *c)
{
    struct scene *scene = scene_new();
    struct setup setup = {.items = 100, .in_size = WORD, .out_size = WORD, .deaths = 100, .ctx = scene};
    struct pool *pool = row_start(c, &setup);
    for (unsigned way = 0; pool && way < WAYS; way++)
        dies_in_an_item(c, pool, scene, 50, 3, (enum way)way);
    row_free(c, pool);
    if (c->strategy->post && !situation_variant(c)->lacks[NEED_ASYNC])
        endless_item(c);
    memory_free(scene, sizeof *scene);
}

/* --- CX2, CX3 ---------------------------------------------------------------------------------------------------- */

/* What is mapped meanwhile may be done by others before the victim has died of its signal. */
static void await_replaced(const struct situation *c, struct pool *pool, unsigned wanted)
{
    for (int64_t end = row_now() + ROW_PATIENCE_NS; pool_replaced(pool) < wanted && row_now() < end; row_rest(MS))
        expect_squares(c, pool, 1000, 10);
    EXPECT(c, pool_replaced(pool) == wanted);
}

static void killed_at_rest(const struct situation *c)
{
    struct setup setup = {.items = 1000, .in_size = WORD, .out_size = WORD, .deaths = 100};
    for (unsigned workers = 1; workers <= 2; workers++) {
        setup.workers = workers;
        struct pool *pool = row_start(c, &setup);
        for (unsigned round = 0; pool && round < 6; round++) {
            expect_squares(c, pool, 1000, 10);
            pid_t victim = pool_worker_pid(pool, round % workers);
            EXPECT(c, victim > 0 && kill(victim, SIGKILL) == 0);
            if (round % 2)
                row_rest(20 * MS);
            expect_squares(c, pool, 1000, 10);
            await_replaced(c, pool, round + 1);
        }
        row_free(c, pool);
    }
}

static int slow_squares(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                        size_t n)
{
    struct scene *scene = ctx;
    (void)argument;
    for (size_t i = 0; i < n; i++) {
        item_begin(w, first + i);
        atomic_fetch_add(&scene->runs[first + i], 1);
        row_rest(MS / 10);
        ((uint64_t *)out)[i] = ((const uint64_t *)in)[i] * ((const uint64_t *)in)[i];
    }
    return 0;
}

static void killed_in_a_loop(const struct situation *c)
{
    const int64_t end = row_now() + (conformance_quick() ? 500 : 1000) * MS, last = end + ROW_PATIENCE_NS;
    struct scene *scene = scene_new();
    struct setup setup = {.items = 200, .in_size = WORD, .out_size = WORD, .deaths = 100000, .ctx = scene};
    struct pool *pool = row_start(c, &setup);
    pid_t killer = pool ? row_killer(pool_service(pool), 5 * MS) : 0;
    unsigned lost = 0, maps = 0;
    for (; pool && row_now() < (lost ? end : last); maps++) {
        struct error error = {.code = ERROR_NONE};
        fill(pool, 200);
        if (pool_map(pool, slow_squares, 0, 200, 1 + maps % 8, &error) && !EXPECT(c, error.code == ERROR_DIED)) {
            fprintf(stderr, "%s\n", error.text);
            break;
        }
        lost += judge_outcomes(c, pool, scene, 200);
    }
    row_killer_end(killer);
    EXPECT(c, lost > 0);
    if (pool)
        expect_squares(c, pool, 200, 3);
    row_free_killed(c, pool);
    memory_free(scene, sizeof *scene);
}

/* All at once, at rest and at work. */
static void all_killed(const struct situation *c)
{
    struct scene *scene = scene_new();
    struct setup setup = {.items = 200, .in_size = WORD, .out_size = WORD, .deaths = 1000, .ctx = scene, .workers = 3};
    struct pool *pool = row_start(c, &setup);
    for (unsigned round = 0; pool && round < 4; round++) {
        for (unsigned i = 0; i < 3; i++)
            if (pool_worker_pid(pool, i) > 0)
                kill(pool_worker_pid(pool, i), SIGKILL);
        expect_squares(c, pool, 200, 5);
    }
    row_free(c, pool);
    memory_free(scene, sizeof *scene);
    killed_in_a_loop(c);
}

const struct row rows_deaths[] = {
    {.name = "CX1 a worker killed in mid-item",
     .run = killed_in_mid_item,
     .uses = USES(NEED_MAP) | USES_CREW,
     .variants = true},
    {.name = "CX2 a worker killed at rest", .run = killed_at_rest, .uses = USES(NEED_MAP) | USES_CREW | USES_STANDING},
    {.name = "CX3 all workers killed, and killed in a loop", .run = all_killed, .uses = USES(NEED_MAP) | USES_CREW},
    {.name = "CX4 items that end their worker", .run = items_that_end_their_worker, .uses = USES(NEED_MAP) | USES_CREW},
    {.name = NULL},
};
