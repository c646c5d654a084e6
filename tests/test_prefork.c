/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_prefork.c - standing workers that are sent messages, where things go wrong: what deaths cost maps, applied items
 * and loops, and that nothing runs twice; recycling; large items both ways at once. */
#include "bench/ipc/deadline.h"
#include "bench/ipc/memory.h"
#include "bench/registry.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS       INT64_C(1000000)
#define GRACE_NS (5000 * MS)
#define ITEMS    2000

struct stage {
    _Atomic uint32_t ran[ITEMS];
    _Atomic uint64_t fatal, every; /* items that end their worker: this one; all multiples of this, 0: none */
    _Atomic uint32_t ending;       /* SIGKILL, or an exit status plus 1000 */
    _Atomic uint32_t rests;        /* us, each item */
    _Atomic uint32_t gone;         /* loops that a worker has left by dying */
    bool marks;                    /* items say that they begin */
};

static struct stage *stage;

static void end_here(void)
{
    unsigned how = atomic_load(&stage->ending);
    if (how >= 1000)
        _exit((int)how - 1000);
    kill(getpid(), SIGKILL);
}

static int square(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    const uint64_t every = atomic_load(&stage->every);
    (void)ctx;
    for (size_t i = 0; i < n; i++) {
        const uint64_t item = first + i, x = ((const uint64_t *)in)[i];
        if (stage->marks)
            item_begin(w, item);
        atomic_fetch_add(&stage->ran[item % ITEMS], 1);
        if (atomic_load(&stage->rests))
            usleep(atomic_load(&stage->rests));
        if (item == atomic_load(&stage->fatal) || (every && item % every == every - 1))
            end_here();
        ((uint64_t *)out)[i] = x * x + argument;
    }
    return 0;
}

static struct pool *pool_with(struct setup setup)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool;
    stage = memory_shared(sizeof *stage);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stage);
    atomic_store(&stage->fatal, UINT64_MAX);
    atomic_store(&stage->ending, SIGKILL);
    stage->marks = true;
    setup.workers = setup.workers ? setup.workers : 2;
    setup.in_size = setup.in_size ? setup.in_size : sizeof(uint64_t);
    setup.out_size = setup.out_size ? setup.out_size : sizeof(uint64_t);
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, strategy_find("prefork-pipe"), &setup, &error), 0);
    return pool;
}

static struct pool *pool_begun(struct setup setup)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = pool_with(setup);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, &error), 0);
    return pool;
}

static void pool_over(struct pool *pool)
{
    pool_free(pool, GRACE_NS, NULL);
    memory_free(stage, sizeof *stage);
    stage = NULL;
}

static int map(struct pool *pool, size_t n, size_t chunk, struct error *error)
{
    for (size_t i = 0; i < ITEMS; i++)
        atomic_store(&stage->ran[i], 0);
    for (size_t i = 0; i < n; i++) {
        ((uint64_t *)pool_in(pool))[i] = i;
        ((uint64_t *)pool_out(pool))[i] = 0;
    }
    return pool_map(pool, square, 3, n, chunk, error);
}

/* How many items were lost; every other one ran once and is right. */
static size_t lost_of(struct pool *pool, size_t n)
{
    size_t lost = 0;
    for (size_t i = 0; i < n; i++) {
        enum outcome outcome = pool_outcome(pool, i);
        CU_ASSERT(outcome == OUTCOME_DONE || outcome == OUTCOME_LOST);
        CU_ASSERT_EQUAL(atomic_load(&stage->ran[i]), 1);
        if (outcome == OUTCOME_DONE)
            CU_ASSERT_EQUAL(((uint64_t *)pool_out(pool))[i], i * i + 3);
        lost += outcome == OUTCOME_LOST;
    }
    return lost;
}

/* --- maps -------------------------------------------------------------------------------------------------------- */

/* With one message in flight the item that was begun is all that is lost. */
static void death_at_depth_1(void)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = pool_begun((struct setup){.items = ITEMS, .depth = 1, .deaths = 3});
    atomic_store(&stage->fatal, 777);
    CU_ASSERT_EQUAL(map(pool, ITEMS, 1, &error), -1);
    CU_ASSERT(error.code == ERROR_DIED && error.item == 777 && strstr(error.text, "signal 9"));
    CU_ASSERT_EQUAL(lost_of(pool, ITEMS), 1);
    CU_ASSERT_EQUAL(pool_outcome(pool, 777), OUTCOME_LOST);
    atomic_store(&stage->ending, 1007);
    CU_ASSERT_EQUAL(map(pool, ITEMS, 1, &error), -1);
    CU_ASSERT(error.item == 777 && strstr(error.text, "exited with 7"));
    CU_ASSERT_EQUAL(lost_of(pool, ITEMS), 1);
    atomic_store(&stage->fatal, UINT64_MAX);
    CU_ASSERT_EQUAL(map(pool, ITEMS, 1, &error), 0);
    CU_ASSERT_EQUAL(lost_of(pool, ITEMS), 0);
    CU_ASSERT_EQUAL(pool_replaced(pool), 2);
    pool_over(pool);
}

/* Of the chunk that it was in, the items up to the one begun; of chunks whose results were gathered, all. */
static void death_in_chunks(void)
{
    struct error error = {.code = ERROR_NONE};
    for (unsigned depth = 0; depth < 2; depth++) {
        struct pool *pool = pool_begun((struct setup){.items = ITEMS, .depth = depth, .deaths = 2});
        atomic_store(&stage->fatal, 1234);
        CU_ASSERT_EQUAL(map(pool, ITEMS, 25, &error), -1);
        CU_ASSERT(error.code == ERROR_DIED && error.item <= 1225);
        size_t lost = lost_of(pool, ITEMS);
        CU_ASSERT(depth == 0 || (lost == 10 && error.item == 1225));
        CU_ASSERT(lost % 25 == 10 && pool_outcome(pool, 1225) == OUTCOME_LOST);
        CU_ASSERT(pool_outcome(pool, 1234) == OUTCOME_LOST && pool_outcome(pool, 1235) == OUTCOME_DONE);
        stage->marks = false;
        pool_over(pool);
    }
}

/* Where it does not say which item it has begun, it is the chunk. */
static void death_unsaid(void)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = pool_begun((struct setup){.items = ITEMS, .depth = 1, .deaths = 1});
    stage->marks = false;
    atomic_store(&stage->fatal, 60);
    CU_ASSERT_EQUAL(map(pool, ITEMS, 25, &error), -1);
    CU_ASSERT_EQUAL(error.item, 50);
    for (size_t i = 0; i < ITEMS; i++)
        CU_ASSERT_EQUAL(pool_outcome(pool, i) == OUTCOME_LOST, i >= 50 && i < 75);
    pool_over(pool);
}

static void deaths_galore(void)
{
    static const unsigned depths[] = {0, 1, 7}, chunks[] = {1, 3, 40};
    for (unsigned k = 0; k < 9; k++) {
        struct pool *pool =
            pool_begun((struct setup){.items = ITEMS, .depth = depths[k / 3], .workers = 3, .deaths = 60});
        atomic_store(&stage->every, 40);
        CU_ASSERT_EQUAL(map(pool, ITEMS, chunks[k % 3], NULL), -1);
        size_t lost = lost_of(pool, ITEMS);
        CU_ASSERT(depths[k / 3] == 1 && chunks[k % 3] == 1 ? lost == 50 : lost >= 50);
        CU_ASSERT_EQUAL(pool_replaced(pool), 50);
        atomic_store(&stage->every, 0);
        CU_ASSERT_EQUAL(map(pool, ITEMS, chunks[k % 3], NULL), 0);
        CU_ASSERT_EQUAL(lost_of(pool, ITEMS), 0);
        pool_over(pool);
    }
}

static void budget_spent(void)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = pool_begun((struct setup){.items = ITEMS, .deaths = 2});
    atomic_store(&stage->every, 500);
    CU_ASSERT_EQUAL(map(pool, ITEMS, 1, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_DIED);
    unsigned counts[OUTCOME_PENDING] = {0};
    for (size_t i = 0; i < ITEMS; i++) {
        counts[pool_outcome(pool, i)]++;
        CU_ASSERT(pool_outcome(pool, i) != OUTCOME_DONE || ((uint64_t *)pool_out(pool))[i] == i * i + 3);
    }
    CU_ASSERT(counts[OUTCOME_DONE] > 0 && counts[OUTCOME_CANCELLED] > 0 && counts[OUTCOME_LOST] >= 3);
    CU_ASSERT_EQUAL(pool_map(pool, square, 0, 10, 1, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_STATE);
    pool_over(pool);
}

/* Between two maps; one of them stopped before, so that it cannot say anything. */
static void death_of_the_idle(void)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = pool_begun((struct setup){.items = ITEMS, .deaths = 10});
    for (unsigned i = 0; i < 6; i++) {
        pid_t pid = pool_worker_pid(pool, i % 2);
        if (i > 3)
            kill(pid, SIGSTOP);
        kill(pid, SIGKILL);
        if (i % 3)
            usleep(2000);
        /* the other may have done it all before it has died of that */
        for (unsigned maps = 0; maps == 0 || (pool_replaced(pool) <= i && maps < 10000); maps++) {
            CU_ASSERT_EQUAL(map(pool, ITEMS, i % 2 ? 0 : 1, &error), 0);
            CU_ASSERT_EQUAL(lost_of(pool, ITEMS), 0);
        }
    }
    CU_ASSERT_EQUAL(pool_replaced(pool), 6);
    pool_over(pool);
}

/* Busy with a long item, with more in its pipe: what it had not begun runs elsewhere, long before it would have ended.
 */
static void death_of_the_busy(void)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = pool_begun((struct setup){.items = ITEMS, .deaths = 1, .depth = 8});
    const pid_t victim = pool_worker_pid(pool, 0);
    atomic_store(&stage->rests, 1000);
    pid_t killer = fork();
    if (killer == 0) {
        usleep(30000);
        kill(victim, SIGKILL);
        _exit(0);
    }
    CU_ASSERT_EQUAL(map(pool, 200, 2, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_DIED);
    size_t lost = lost_of(pool, 200);
    CU_ASSERT(lost >= 1 && lost <= 16);
    CU_ASSERT_NOT_EQUAL(pool_worker_pid(pool, 0), victim);
    CU_ASSERT_EQUAL(waitpid(killer, NULL, 0), killer);
    pool_over(pool);
}

/* --- recycling --------------------------------------------------------------------------------------------------- */

static void recycled_in_maps(void)
{
    for (unsigned recycle = 1; recycle <= 7; recycle += 3) {
        struct pool *pool = pool_begun((struct setup){.items = ITEMS, .recycle = recycle});
        CU_ASSERT_EQUAL(map(pool, ITEMS, 2, NULL), 0);
        CU_ASSERT_EQUAL(lost_of(pool, ITEMS), 0);
        CU_ASSERT(pool_recycled(pool) >= ITEMS / 2 / recycle - 2 && pool_recycled(pool) <= ITEMS / 2 / recycle);
        CU_ASSERT_EQUAL(pool_replaced(pool), 0);
        pool_over(pool);
    }
}

/* A window full of them, each in a process of its own. */
static void recycled_applied(void)
{
    const unsigned n = getenv("MUSTER_QUICK") ? 1000 : 4000;
    enum { WINDOW = 64 };
    struct async *all[WINDOW] = {NULL};
    struct pool *pool = pool_begun((struct setup){.window = WINDOW, .recycle = 1});
    unsigned wrong = 0;
    for (uint64_t i = 0; i < n + WINDOW; i++) {
        uint64_t result = 0, was = i - WINDOW;
        struct async **at = &all[i % WINDOW];
        if (*at)
            wrong += async_get(*at, GRACE_NS, &result, NULL) || result != was * was + 1;
        async_free(*at);
        *at = NULL;
        if (i < n)
            wrong +=
                pool_apply_async(pool, &(struct apply){.fn = square, .argument = 1, .in = &i}, GRACE_NS, at, NULL) != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(pool_recycled(pool) >= n - 2 && pool_recycled(pool) <= n);
    CU_ASSERT_EQUAL(pool_replaced(pool), 0);
    pool_over(pool);
}

/* --- applied items ----------------------------------------------------------------------------------------------- */

static struct async *apply(struct pool *pool, uint64_t number)
{
    struct error error = {.code = ERROR_NONE};
    struct async *async = NULL;
    const struct apply what = {.fn = square, .argument = 1, .in = &number};
    CU_ASSERT_EQUAL(pool_apply_async(pool, &what, GRACE_NS, &async, &error), 0);
    return async;
}

/* The one that dies is told, those behind it are done. */
static void death_while_applied(void)
{
    struct error error = {.code = ERROR_NONE};
    struct async *all[40];
    struct pool *pool = pool_begun((struct setup){.window = 40, .deaths = 4});
    atomic_store(&stage->every, 10);
    for (uint64_t i = 0; i < 40; i++)
        all[i] = apply(pool, i);
    for (uint64_t i = 0; i < 40; i++) {
        uint64_t result = 0;
        bool dies = i % 10 == 9;
        CU_ASSERT_EQUAL(async_get(all[i], GRACE_NS, &result, &error), dies ? -1 : 0);
        CU_ASSERT(dies ? error.code == ERROR_DIED && error.item == i : result == i * i + 1);
        CU_ASSERT_EQUAL(async_outcome(all[i]), dies ? OUTCOME_LOST : OUTCOME_DONE);
        CU_ASSERT_EQUAL(atomic_load(&stage->ran[i]), 1);
        async_free(all[i]);
    }
    CU_ASSERT_EQUAL(pool_replaced(pool), 4);
    pool_over(pool);
}

/* A long one keeps one worker; the other takes all that comes. */
static void idle_takes_the_next(void)
{
    struct pool *pool = pool_begun((struct setup){.window = 30});
    atomic_store(&stage->rests, 400000);
    struct async *slow = apply(pool, 1000), *all[29];
    while (atomic_load(&stage->ran[0]) == 0)
        usleep(100);
    atomic_store(&stage->rests, 0);
    for (uint64_t i = 0; i < 29; i++)
        all[i] = apply(pool, i);
    for (uint64_t i = 0; i < 29; i++) {
        CU_ASSERT_EQUAL(async_get(all[i], GRACE_NS, NULL, NULL), 0);
        async_free(all[i]);
    }
    CU_ASSERT_FALSE(async_ready(slow));
    CU_ASSERT_EQUAL(async_get(slow, GRACE_NS, NULL, NULL), 0);
    async_free(slow);
    pool_over(pool);
}

/* --- loops ------------------------------------------------------------------------------------------------------- */

static size_t three(void *arg, uint32_t slot, size_t done, bool more)
{
    (void)arg, (void)slot, (void)more;
    return done < 3 ? 1 : 0;
}

static int64_t step(struct worker *w, void *ctx, size_t n)
{
    (void)ctx;
    if (w->slot == 1 && w->done == 1 && atomic_load(&stage->fatal) == 1 && !atomic_exchange(&stage->gone, 1))
        end_here();
    return (int64_t)n;
}

static void death_in_the_loop(void)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = pool_begun((struct setup){.items = ITEMS, .workers = 3, .deaths = 1, .hooks = {.next = three}});
    CU_ASSERT_EQUAL(pool_each(pool, step, &error), 0);
    atomic_store(&stage->fatal, 1);
    CU_ASSERT_EQUAL(pool_each(pool, step, &error), -1);
    CU_ASSERT(error.code == ERROR_DIED && strstr(error.text, "signal 9"));
    CU_ASSERT_EQUAL(pool_each(pool, step, &error), 0);
    atomic_store(&stage->fatal, UINT64_MAX);
    CU_ASSERT_EQUAL(map(pool, 100, 1, &error), 0);
    CU_ASSERT_EQUAL(pool_replaced(pool), 1);
    pool_over(pool);
}

/* --- births ------------------------------------------------------------------------------------------------------ */

static int born_badly(void *arg, uint32_t slot, struct error *error)
{
    (void)arg, (void)slot;
    return atomic_fetch_add(&stage->gone, 1) < 2 ? 0 : error_set(error, ERROR_FAILED, "no place to be");
}

static void unborn_replacement(void)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = pool_with((struct setup){.items = ITEMS, .deaths = 3, .hooks = {.born = born_badly}});
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, &error), 0);
    atomic_store(&stage->fatal, 5);
    atomic_store(&stage->rests, 1000);
    CU_ASSERT_EQUAL(map(pool, 100, 1, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_DIED);
    pool_over(pool);
}

/* --- large ------------------------------------------------------------------------------------------------------- */

#define LARGE ((size_t)16 << 20)

static int turn_over(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                     size_t n)
{
    (void)w, (void)ctx, (void)argument, (void)first;
    for (size_t i = 0; i < n * LARGE / 8; i++)
        ((uint64_t *)out)[i] = ~((const uint64_t *)in)[i];
    return 0;
}

/* Items go out while results come back: neither side waits for the other to read. */
static void large_both_ways(void)
{
    struct pool *pool =
        pool_begun((struct setup){.items = 6, .window = 2, .in_size = LARGE, .out_size = LARGE, .depth = 3});
    uint64_t *in = pool_in(pool), *out = pool_out(pool), wrong = 0;
    const size_t words = 6 * LARGE / 8;
    for (size_t i = 0; i < words; i++)
        in[i] = i * UINT64_C(0x9e3779b97f4a7c15);
    struct async *async = NULL;
    CU_ASSERT_EQUAL(pool_apply_async(pool, &(struct apply){.fn = turn_over, .in = in}, NEVER, &async, NULL), 0);
    CU_ASSERT_EQUAL(pool_map(pool, turn_over, 0, 6, 1, NULL), 0);
    for (size_t i = 0; i < words; i++)
        wrong += out[i] != ~in[i];
    CU_ASSERT_EQUAL(async_get(async, NEVER, out, NULL), 0);
    for (size_t i = 0; i < LARGE / 8; i++)
        wrong += out[i] != ~in[i];
    CU_ASSERT_EQUAL(wrong, 0);
    async_free(async);
    pool_over(pool);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "prefork: a death at depth 1 costs one item", .run = death_at_depth_1},
        {.name = "prefork: a death in a chunk", .run = death_in_chunks},
        {.name = "prefork: a death in an item that did not say so", .run = death_unsaid},
        {.name = "prefork: many deaths, and nothing runs twice", .run = deaths_galore},
        {.name = "prefork: more deaths than are allowed", .run = budget_spent},
        {.name = "prefork: the death of an idle worker costs nothing", .run = death_of_the_idle},
        {.name = "prefork: the death of a busy worker", .run = death_of_the_busy},
        {.name = "prefork: workers recycled in maps", .run = recycled_in_maps},
        {.name = "prefork: a worker for each applied item", .run = recycled_applied},
        {.name = "prefork: deaths in applied items", .run = death_while_applied},
        {.name = "prefork: the idle take the next applied item", .run = idle_takes_the_next},
        {.name = "prefork: a death in the loop", .run = death_in_the_loop},
        {.name = "prefork: a replacement that is not born", .run = unborn_replacement},
        {.name = "prefork: 16 MiB both ways at once", .run = large_both_ways},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
