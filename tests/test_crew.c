/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_crew.c - standing workers on shared memory: their deaths at every stage, and recycling. Applied items are in
 * crew_tasks.c. */
#include "tests/crew_scene.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* --- deaths in a map --------------------------------------------------------------------------------------------- */

static void deaths_at_items(void)
{
    struct error error;
    struct scene *scene = scene_open();
    struct pool *pool = scene_pool(scene, (struct setup){.items = ITEMS, .deaths = PLENTY});
    static const size_t chunks[] = {1, 7, 64, 0};
    for (unsigned i = 0; i < 4; i++) {
        scene->deadly = 2000;
        CU_ASSERT_EQUAL(pool_map(pool, scene_items, i, ITEMS, chunks[i], &error), -1);
        CU_ASSERT_EQUAL(error.code, ERROR_DIED);
        CU_ASSERT_EQUAL(error.item, 1000);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "item 1000 "));
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "signal 9"));
        CU_ASSERT_EQUAL(scene_judge(scene, pool, i, ITEMS).lost, 10);
        CU_ASSERT_EQUAL(pool_replaced(pool), 10 * (i + 1));
        for (unsigned w = 0; w < WORKERS; w++)
            CU_ASSERT(pool_worker_pid(pool, w) > 0);
    }
    scene->deadly = 0;
    CU_ASSERT_EQUAL(pool_map(pool, scene_items, 9, ITEMS, 1, &error), 0);
    CU_ASSERT_EQUAL(scene_judge(scene, pool, 9, ITEMS).lost, 0);
    scene_close(scene, pool);
}

/* Two items of each chunk, the last one too: the rest of the chunk is run in between. */
static void deaths_twice_in_a_chunk(void)
{
    struct error error;
    struct scene *scene = scene_open();
    struct pool *pool = scene_pool(scene, (struct setup){.items = 100, .deaths = PLENTY});
    scene->deadly = 5;
    CU_ASSERT_EQUAL(pool_map(pool, scene_items, 3, 100, 8, &error), -1);
    CU_ASSERT_EQUAL(scene_judge(scene, pool, 3, 100).lost, 20);
    CU_ASSERT_EQUAL(error.item, 2);
    scene->deadly = 1;
    CU_ASSERT_EQUAL(pool_map(pool, scene_items, 3, 100, 8, &error), -1);
    CU_ASSERT_EQUAL(scene_judge(scene, pool, 3, 100).lost, 100);
    scene_close(scene, pool);
}

/* Who does not say its items loses the chunk. */
static void deaths_of_silent_items(void)
{
    struct error error;
    struct scene *scene = scene_open();
    struct pool *pool = scene_pool(scene, (struct setup){.items = 1000, .deaths = PLENTY});
    scene->silent = true;
    scene->deadly = 500;
    CU_ASSERT_EQUAL(pool_map(pool, scene_items, 3, 1000, 10, &error), -1);
    CU_ASSERT_EQUAL(error.item, 250);
    CU_ASSERT_EQUAL(scene_judge(scene, pool, 3, 1000).lost, 20);
    scene_close(scene, pool);
}

static int fail_and_die(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                        size_t n)
{
    struct scene *scene = ctx;
    (void)argument, (void)in, (void)out;
    for (uint64_t i = first; i < first + n; i++) {
        item_begin(w, i);
        atomic_fetch_add(&scene->runs[i], 1);
        if (i % 10 == 5) {
            item_failed(w, i, "item %u is the end", (unsigned)i);
            kill(getpid(), SIGKILL);
        }
    }
    return 0;
}

/* What an item said before its worker died holds; and it is not run again. */
static void deaths_after_failures(void)
{
    struct error error;
    struct scene *scene = scene_open();
    struct pool *pool = scene_pool(scene, (struct setup){.items = 100, .deaths = PLENTY});
    unsigned right = 0;
    CU_ASSERT_EQUAL(pool_map(pool, fail_and_die, 0, 100, 8, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_FAILED);
    CU_ASSERT_EQUAL(error.item, 5);
    for (unsigned i = 0; i < 100; i++)
        right +=
            atomic_load(&scene->runs[i]) == 1 && pool_outcome(pool, i) == (i % 10 == 5 ? OUTCOME_FAILED : OUTCOME_DONE);
    CU_ASSERT_EQUAL(right, 100);
    CU_ASSERT_EQUAL(pool_replaced(pool), 10);
    scene_close(scene, pool);
}

static int all_die(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    struct scene *scene = ctx;
    item_begin(w, first);
    if (atomic_fetch_add(&scene->begun, 1) < WORKERS) {
        atomic_fetch_add(&scene->runs[first], 1);
        while (atomic_load(&scene->begun) < WORKERS)
            scene_rest(100000);
        kill(getpid(), SIGKILL);
    }
    return scene_items(w, ctx, argument, in, out, first, n);
}

static void deaths_of_all_at_once(void)
{
    struct error error;
    struct scene *scene = scene_open();
    struct pool *pool = scene_pool(scene, (struct setup){.items = 1000, .deaths = WORKERS});
    CU_ASSERT_EQUAL(pool_map(pool, all_die, 3, 1000, 1, &error), -1);
    CU_ASSERT_EQUAL(scene_judge(scene, pool, 3, 1000).lost, WORKERS);
    CU_ASSERT_EQUAL(pool_replaced(pool), WORKERS);
    scene_close(scene, pool);
}

/* Killed at any instruction: between chunks, stealing, waiting, finishing. */
static void deaths_anywhere(void)
{
    static const size_t chunks[] = {1, 3, 50};
    const int64_t until = scene_now_ns() + (scene_quick() ? SECOND : 3 * SECOND);
    struct error error;
    struct scene *scene = scene_open();
    uint64_t lost = 0, maps = 0;
    scene->longest_us = 3000;
    atomic_store(&scene->alarm, 1);
    struct pool *pool = scene_pool(scene, (struct setup){.items = ITEMS, .deaths = PLENTY});
    while (scene_now_ns() < until) {
        int result = pool_map(pool, scene_items, maps, ITEMS, chunks[maps % 3], &error);
        struct tally t = scene_judge(scene, pool, maps, ITEMS);
        CU_ASSERT_EQUAL(result, t.lost > 0 ? -1 : 0);
        lost += t.lost;
        maps++;
    }
    CU_ASSERT(pool_replaced(pool) > 20);
    CU_ASSERT(lost <= pool_replaced(pool));
    scene_close(scene, pool);
}

static void deaths_while_idle(void)
{
    struct error error;
    struct scene *scene = scene_open();
    struct pool *pool = scene_pool(scene, (struct setup){.items = 1000, .deaths = 3});
    for (unsigned i = 0; i < 3; i++) {
        const int64_t until = scene_now_ns() + 10 * SECOND;
        kill(pool_worker_pid(pool, i), SIGKILL);
        /* the others may have done it all before it has died of that */
        do {
            CU_ASSERT_EQUAL(pool_map(pool, scene_items, i, 1000, 1, &error), 0);
            CU_ASSERT_EQUAL(scene_judge(scene, pool, i, 1000).lost, 0);
        } while (pool_replaced(pool) <= i && scene_now_ns() < until);
    }
    CU_ASSERT_EQUAL(pool_replaced(pool), 3);
    scene_close(scene, pool);
}

static void deaths_beyond_the_budget(void)
{
    for (unsigned deaths = 0; deaths < 3; deaths += 2) {
        struct error error;
        struct scene *scene = scene_open();
        struct pool *pool = scene_pool(scene, (struct setup){.items = ITEMS, .deaths = deaths});
        scene->deadly = 1000;
        int64_t began = scene_now_ns();
        CU_ASSERT_EQUAL(pool_map(pool, scene_items, 3, ITEMS, 1, &error), -1);
        CU_ASSERT(scene_now_ns() - began < SECOND);
        CU_ASSERT_EQUAL(error.code, ERROR_DIED);
        CU_ASSERT_EQUAL(error.item % 1000, 500);
        CU_ASSERT_EQUAL(pool_outcome(pool, error.item), OUTCOME_LOST);
        CU_ASSERT_EQUAL(pool_map(pool, scene_items, 3, ITEMS, 1, &error), -1);
        CU_ASSERT_EQUAL(error.code, ERROR_STATE);
        scene_close(scene, pool);
    }
}

static int64_t step(struct worker *w, void *ctx, size_t n)
{
    struct scene *scene = ctx;
    if (atomic_load(&scene->victim) == w->slot && w->done == 3)
        kill(getpid(), SIGKILL);
    atomic_fetch_add(&scene->steps, (uint32_t)n);
    return (int64_t)n;
}

static void death_in_each(void)
{
    struct error error;
    struct scene *scene = scene_open();
    struct pool *pool = scene_pool(scene, (struct setup){.deaths = 1});
    atomic_store(&scene->victim, 2);
    CU_ASSERT_EQUAL(pool_each(pool, step, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_DIED);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "signal 9"));
    CU_ASSERT_EQUAL(atomic_exchange(&scene->steps, 0), 10 * (WORKERS - 1) + 3);
    atomic_store(&scene->victim, UINT32_MAX);
    CU_ASSERT_EQUAL(pool_each(pool, step, &error), 0);
    CU_ASSERT_EQUAL(atomic_exchange(&scene->steps, 0), 10 * WORKERS);
    atomic_store(&scene->victim, 1);
    CU_ASSERT_EQUAL(pool_each(pool, step, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_DIED);
    CU_ASSERT_EQUAL(pool_each(pool, step, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_STATE);
    scene_close(scene, pool);
}

static int64_t failing_step(struct worker *w, void *ctx, size_t n)
{
    (void)ctx;
    return w->slot == 1 ? error_set(w->error, ERROR_FAILED, "slot 1 is tired") : (int64_t)n;
}

static void failure_in_each(void)
{
    struct error error;
    struct scene *scene = scene_open();
    struct pool *pool = scene_pool(scene, (struct setup){.deaths = 0});
    CU_ASSERT_EQUAL(pool_each(pool, failing_step, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_FAILED);
    CU_ASSERT_STRING_EQUAL(error.text, "slot 1 is tired");
    CU_ASSERT_EQUAL(pool_each(pool, step, &error), 0);
    scene_close(scene, pool);
}

/* --- recycling --------------------------------------------------------------------------------------------------- */

static void recycled_in_maps(void)
{
    struct error error;
    struct scene *scene = scene_open();
    struct pool *pool = scene_pool(scene, (struct setup){.items = ITEMS, .recycle = 5});
    size_t n = scene_quick() ? 2000 : 5000;
    CU_ASSERT_EQUAL(pool_map(pool, scene_items, 3, n, 1, &error), 0);
    CU_ASSERT_EQUAL(scene_judge(scene, pool, 3, n).lost, 0);
    CU_ASSERT(pool_recycled(pool) >= n / 5 - WORKERS && pool_recycled(pool) <= n / 5);
    CU_ASSERT_EQUAL(pool_replaced(pool), 0);
    scene_close(scene, pool);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "crew: an item that kills its worker is lost, and it alone", .run = deaths_at_items},
        {.name = "crew: several deaths in a chunk", .run = deaths_twice_in_a_chunk},
        {.name = "crew: items that are not said are lost by the chunk", .run = deaths_of_silent_items},
        {.name = "crew: items that fail and then kill", .run = deaths_after_failures},
        {.name = "crew: all workers die at once", .run = deaths_of_all_at_once},
        {.name = "crew: workers die at any instruction of a map", .run = deaths_anywhere},
        {.name = "crew: workers die between maps", .run = deaths_while_idle},
        {.name = "crew: more deaths than the pool may have", .run = deaths_beyond_the_budget},
        {.name = "crew: a death in the midst of steps", .run = death_in_each},
        {.name = "crew: a step that fails says why", .run = failure_in_each},
        {.name = "crew: workers recycled in a map", .run = recycled_in_maps},
        {.name = "crew: a worker for every task", .run = recycled_for_each_task},
        {.name = "crew: applied items, one after the other and several", .run = applied_in_turn},
        {.name = "crew: applied items that fail or kill", .run = applied_and_failed},
        {.name = "crew: applied items beside a map", .run = applied_beside_a_map},
        {.name = "crew: applied items while workers die", .run = applied_to_the_dying},
        {.name = "crew: processes in the pool beside its work", .run = joined_by_processes},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
