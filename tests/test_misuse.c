/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_misuse.c - what a pool does not do, on every strategy: that it says so, and that nothing is lost in silence.
 * Also whom it blames for a death, and whom it forgives. */
#include "bench/ipc/board.h"
#include "tests/frame.h"
#include "tests/pooled.h"

#include <CUnit/CUnit.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- objects from inside items ----------------------------------------------------------------------------------- */

enum { ITEMS = 40 };

static struct kit {
    struct object *counter, *array, *list, *dict, *lock;
} kit;

/* What an add and each of the other calls returned, where they agree. */
static int use_objects(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                       size_t n)
{
    (void)ctx, (void)argument, (void)in, (void)first;
    for (size_t i = 0; i < n; i++) {
        const int64_t one = 1;
        int64_t got[2] = {0}, said = counter_add(w, kit.counter, &one, got, 1);
        const struct addend addend = {.delta.i = 1};
        union number was;
        uint64_t were;
        bool agree = array_add(w, kit.array, &addend, &was, 1) == said && list_append(w, kit.list, &one, 1) == said &&
                     dict_put(w, kit.dict, (int64_t[]){1, 2}, &were, 1) == said;
        /* the length of a list is 1 or more once it was appended to */
        agree = agree && (object_length(w, kit.list) < 0) == (said < 0);
        if (kit.lock)
            agree = agree && (lock_acquire(w, kit.lock, NEVER) < 0) == (said < 0) &&
                    (lock_release(w, kit.lock) < 0) == (said < 0);
        ((int64_t *)out)[i] = agree ? said : 0;
    }
    return 0;
}

static struct pool *pool_with_kit(const struct strategy *s)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = NULL;
    const struct setup setup = {
        .workers = s->workers_most == 1 ? 1 : 2, .items = ITEMS, .in_size = 8, .out_size = 8, .window = 4};
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, s, &setup, &error), 0);
    kit.counter = counter_new(pool, &error);
    kit.array = array_new(pool, TYPE_I64, 0, 1, NULL, &error);
    kit.list = list_new(pool, 8, 100, &error);
    kit.dict = dict_new(pool, 8, 8, 100, &error);
    kit.lock = s->variants[0].lacks[NEED_LOCK] ? NULL : lock_new(pool, &error);
    CU_ASSERT_EQUAL_FATAL(error.code, ERROR_NONE);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, &error), 0);
    return pool;
}

/* All that was done is there, and nothing that was refused. */
static void expect_done(struct pool *pool, int64_t done)
{
    int64_t value = -1, element = -1, list[100];
    struct worker *parent = pool_parent(pool);
    CU_ASSERT_EQUAL(object_read(parent, kit.counter, &value, sizeof value), 8);
    CU_ASSERT_EQUAL(element_get(parent, kit.array, 0, &element, 1), 1);
    CU_ASSERT_EQUAL(value, done);
    CU_ASSERT_EQUAL(element, done);
    CU_ASSERT_EQUAL(object_read(parent, kit.list, list, sizeof list), done * 8);
    CU_ASSERT_EQUAL(object_length(parent, kit.dict), done > 0);
}

static void objects_inside_items_on(const struct strategy *s)
{
    struct pool *pool = pool_with_kit(s);
    struct error error = {.code = ERROR_NONE};
    const int64_t *out = pool_out(pool), wanted = s->serves ? CALL_MISUSED : 1;
    CU_ASSERT_EQUAL(pool_map(pool, use_objects, 0, ITEMS, 3, &error), 0);
    for (int i = 0; i < ITEMS; i++)
        CU_ASSERT_EQUAL(out[i], wanted);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(result_of(applied(pool, use_objects, 0)), wanted);
    expect_done(pool, s->serves ? 0 : ITEMS + 3);
    pool_gone(pool);
}

static void objects_inside_items(void)
{
    on_every_pool(objects_inside_items_on);
}

/* --- one object too many, a loop without an end ------------------------------------------------------------------- */

static void expect_refused(struct pool *pool, const char *why)
{
    struct error error = {.code = ERROR_NONE};
    CU_ASSERT_PTR_NULL(counter_new(pool, &error));
    CU_ASSERT_EQUAL(error.code, ERROR_USE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, why));
}

static void too_many_objects_on(const struct strategy *s)
{
    struct pool *pool = NULL;
    const struct setup setup = {.workers = 1, .items = 1, .in_size = 8, .out_size = 8};
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, s, &setup, NULL), 0);
    for (unsigned i = 0; i < OBJECTS_MAX; i++)
        CU_ASSERT_PTR_NOT_NULL(counter_new(pool, NULL));
    expect_refused(pool, "8 objects already");
    CU_ASSERT_EQUAL(pool_start(pool, NULL), 0);
    expect_refused(pool, "before pool_start()");
    pool_gone(pool);
}

static void too_many_objects(void)
{
    on_every_pool(too_many_objects_on);
}

/* The raw operations are no strategy for a map, though there is a place for its items. */
static void nothing_to_map(void)
{
    for (const struct strategy *const *s = strategies; *s; s++) {
        struct pool *pool = NULL;
        struct error error = {.code = ERROR_NONE};
        const struct setup setup = {.workers = 1, .items = 1, .in_size = 8, .out_size = 8};
        if ((*s)->role != ROLE_LIMITS)
            continue;
        CU_ASSERT_EQUAL_FATAL(pool_open(&pool, *s, &setup, NULL), 0);
        CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
        CU_ASSERT(pool_in(pool) && pool_out(pool));
        expect_code(pool_map(pool, square, 0, 1, 1, &error), &error, ERROR_USE);
        pool_gone(pool);
    }
}

static int64_t no_step(struct worker *w, void *ctx, size_t n)
{
    (void)w, (void)ctx;
    return (int64_t)n;
}

static void loop_without_next_on(const struct strategy *s)
{
    struct pool *pool = pool_on(s, 8, 0);
    struct error error = {.code = ERROR_NONE};
    expect_code(pool_each(pool, no_step, &error), &error, ERROR_USE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "pool_each() needs hooks.next"));
    expect_code(pool_drive(pool, no_step, &error), &error, ERROR_USE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "pool_drive() needs hooks.next"));
    CU_ASSERT_EQUAL(pool_map(pool, square, 0, 8, 1, &error), 0);
    pool_gone(pool);
}

static void loop_without_next(void)
{
    on_every_pool(loop_without_next_on);
}

/* --- deaths ------------------------------------------------------------------------------------------------------ */

/* A worker that died in one item with the result of another is named by the one that it was in. */
static void blame(void)
{
    struct pool *pool = pool_on(strategies[0], 8, 0);
    struct error error = {.code = ERROR_NONE};
    struct obituary o;
    struct worker w = {.pool = pool, .slot = 0, .mark = board_mark(pool, 0)};
    board_begin(pool, &(struct map_order){.fn = square, .n = 8, .chunk = 1});
    chunk_begin(&w, 7, 1);
    item_begin(&w, 7);
    board_obituary(pool, 0, 4711, SIGABRT, &o);
    board_lost(pool, &o, 6, 1);
    board_lost(pool, &o, 7, 1);
    expect_code(board_verdict(pool, &error), &error, ERROR_DIED);
    CU_ASSERT_EQUAL(error.item, 6);
    CU_ASSERT_STRING_EQUAL(error.text, "the worker of item 7 (pid 4711) was killed by signal 6 (Aborted); with it "
                                       "item 6's result");
    board_begin(pool, &(struct map_order){.fn = square, .n = 8, .chunk = 1});
    chunk_begin(&w, 7, 1);
    board_obituary(pool, 0, 4711, SIGABRT, &o);
    board_lost(pool, &o, 7, 1);
    expect_code(board_verdict(pool, &error), &error, ERROR_DIED);
    CU_ASSERT_STRING_EQUAL(error.text, "the worker of item 7 (pid 4711) was killed by signal 6 (Aborted)");
    pool_gone(pool);
}

/* Killed so late that only the pool's end meets it. */
static void forgiven_on(const struct strategy *s)
{
    for (unsigned deaths = 0; deaths <= 2; deaths++) {
        struct pool *pool = NULL;
        struct error error = {.code = ERROR_NONE};
        const struct setup setup = {.workers = 2, .items = 8, .in_size = 8, .out_size = 8, .deaths = deaths};
        if (s->workers_most == 1)
            return;
        CU_ASSERT_EQUAL_FATAL(pool_open(&pool, s, &setup, NULL), 0);
        CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
        pid_t pids[] = {pool_worker_pid(pool, 0), pool_worker_pid(pool, 1)};
        const bool stands = pids[0] > 0;
        for (int i = 0; i < 2 && stands; i++)
            CU_ASSERT_EQUAL(kill(pids[i], SIGKILL), 0);
        int result = pool_free(pool, GRACE_NS, &error);
        CU_ASSERT_EQUAL(result, stands && deaths < 2 ? -1 : 0);
        if (result)
            expect_code(result, &error, ERROR_DIED);
    }
}

static void forgiven(void)
{
    for (int i = 0; i < 5; i++)
        on_every_pool(forgiven_on);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "misuse: objects from inside items", .run = objects_inside_items},
        {.name = "misuse: an object too many, or too late", .run = too_many_objects},
        {.name = "misuse: a pool with no map", .run = nothing_to_map},
        {.name = "misuse: a loop that nobody ends", .run = loop_without_next},
        {.name = "misuse: who is blamed for a death", .run = blame},
        {.name = "misuse: who died just before the end", .run = forgiven},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
