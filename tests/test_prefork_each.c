/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_prefork_each.c - the loop of pool_each() in workers that are sent messages, begun at a bad time: while a large
 * item is on its way to them, while they leave since they have run as many as they may. */
#include "bench/ipc/memory.h"
#include "bench/registry.h"
#include "tests/frame.h"
#include "tests/started.h"

#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>

#define GRACE_NS (5 * SOON_NS)
#define ROUNDS   30

static _Atomic uint32_t *steps; /* of all workers */

static size_t next_one(void *arg, uint32_t slot, size_t done, bool more)
{
    (void)arg, (void)slot;
    return done < 1 && more;
}

static int64_t step(struct worker *w, void *ctx, size_t n)
{
    (void)w, (void)ctx;
    atomic_fetch_add(steps, 1);
    return (int64_t)n;
}

static int nothing(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    (void)w, (void)ctx, (void)argument, (void)in, (void)first;
    memset(out, 0, n * sizeof(uint64_t));
    return 0;
}

static struct pool *pool_of(const char *name, struct setup setup)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool;
    fprintf(stderr, "on %s\n", name);
    steps = memory_shared(sizeof *steps);
    CU_ASSERT_PTR_NOT_NULL_FATAL(steps);
    setup.hooks.next = next_one;
    setup.out_size = sizeof(uint64_t);
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, strategy_find(name), &setup, &error), 0);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, &error), 0);
    return pool;
}

static void pool_ends(struct pool *pool)
{
    CU_ASSERT_EQUAL(pool_free(pool, GRACE_NS, NULL), 0);
    memory_free(steps, sizeof *steps);
}

static void on_both(void (*run)(const char *))
{
    run("prefork-pipe");
    run("manager-socket");
}

static void each(struct pool *pool, uint32_t want)
{
    struct error error = {.code = ERROR_NONE};
    atomic_store(steps, 0);
    CU_ASSERT_EQUAL_FATAL(pool_each(pool, step, &error), 0);
    CU_ASSERT_EQUAL(atomic_load(steps), want);
}

static struct async *apply(struct pool *pool, const void *in)
{
    struct async *async = NULL;
    const struct apply what = {.fn = nothing, .in = in};
    CU_ASSERT_EQUAL_FATAL(pool_apply_async(pool, &what, GRACE_NS, &async, NULL), 0);
    return async;
}

static void behind_a_large_item(const char *name)
{
    const size_t bytes = (size_t)8 << 20;
    struct pool *pool = pool_of(name, (struct setup){.workers = 2, .window = 4, .in_size = bytes});
    struct async *asyncs[4];
    void *in = calloc(1, bytes);
    CU_ASSERT_PTR_NOT_NULL_FATAL(in);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++)
            asyncs[i] = apply(pool, in);
        each(pool, 2);
        for (int i = 0; i < 4; i++) {
            CU_ASSERT_EQUAL(async_get(asyncs[i], GRACE_NS, NULL, NULL), 0);
            async_free(asyncs[i]);
        }
    }
    free(in);
    pool_ends(pool);
}

static void large_items(void)
{
    on_both(behind_a_large_item);
}

/* The last result of a map is there before its worker has left. */
static void behind_a_map_of(const char *name)
{
    struct error error = {.code = ERROR_NONE};
    const struct setup setup = {.workers = 1, .items = 8, .in_size = 8, .recycle = 4};
    struct pool *pool = pool_of(name, setup);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        CU_ASSERT_EQUAL_FATAL(pool_map(pool, nothing, 0, 4, 1, &error), 0);
        each(pool, 1);
        CU_ASSERT_EQUAL(pool_recycled(pool), round);
    }
    CU_ASSERT_EQUAL(pool_replaced(pool), 0);
    pool_ends(pool);
}

static void recycled_after_maps(void)
{
    on_both(behind_a_map_of);
}

/* One that has an applied item to run, and leaves after it, never comes to the loop that it was told of. */
static void behind_applied_items(const char *name)
{
    const struct setup setup = {.workers = 2, .window = 8, .in_size = 8, .recycle = 1, .deaths = 1};
    struct pool *pool = pool_of(name, setup);
    struct async *asyncs[8];
    const uint64_t in = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 8; i++)
            asyncs[i] = apply(pool, &in);
        each(pool, 2);
        for (int i = 0; i < 8; i++) {
            CU_ASSERT_EQUAL(async_get(asyncs[i], GRACE_NS, NULL, NULL), 0);
            async_free(asyncs[i]);
        }
    }
    CU_ASSERT_EQUAL(pool_replaced(pool), 0);
    pool_ends(pool);
}

static void recycled_after_applied(void)
{
    on_both(behind_applied_items);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "each: behind large items that are on their way", .run = large_items},
        {.name = "each: as workers are recycled after a map", .run = recycled_after_maps},
        {.name = "each: as workers are recycled after applied items", .run = recycled_after_applied},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
