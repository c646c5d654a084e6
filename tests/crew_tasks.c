/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * crew_tasks.c - applied items on shared memory: one and many, failing, beside a map, and while workers die. */
#include "bench/registry.h"
#include "tests/crew_scene.h"

#include <CUnit/CUnit.h>

#include <signal.h>
#include <unistd.h>

#define TASKS 10000

static int task(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    struct scene *scene = ctx;
    (void)n;
    if (argument == 1)
        kill(getpid(), SIGKILL);
    if (argument == 2)
        item_failed(w, first, "task %u does not want to", (unsigned)first);
    if (argument == 3)
        return -1;
    atomic_fetch_add(&scene->begun, 1);
    while (argument == 4 && atomic_load(&scene->hold))
        scene_rest(100000);
    *(uint64_t *)out = scene_result(*(const uint64_t *)in, argument);
    return 0;
}

static struct async *apply(struct pool *pool, uint64_t value, uint64_t argument)
{
    struct async *async = NULL;
    struct error error = {.code = ERROR_NONE};
    struct apply what = {.fn = task, .argument = argument, .in = &value};
    CU_ASSERT_EQUAL(pool_apply_async(pool, &what, NEVER, &async, &error), 0);
    return async;
}

/* 1 when it is done and right. */
static unsigned got(struct async *async, uint64_t value, uint64_t argument)
{
    uint64_t out = 0;
    int result = async_get(async, 10 * SECOND, &out, NULL);
    async_free(async);
    return result == 0 && out == scene_result(value, argument);
}

void recycled_for_each_task(void)
{
    struct scene *scene = scene_open();
    struct pool *pool = scene_pool(scene, (struct setup){.workers = 2, .window = 8, .recycle = 1});
    const unsigned tasks = scene_quick() ? TASKS / 5 : TASKS;
    struct async *flying[8] = {NULL};
    unsigned right = 0;
    for (unsigned i = 0; i < tasks + 8; i++) {
        if (i >= 8)
            right += got(flying[i % 8], i - 8, 0);
        if (i < tasks)
            flying[i % 8] = apply(pool, i, 0);
    }
    CU_ASSERT_EQUAL(right, tasks);
    CU_ASSERT(pool_recycled(pool) >= tasks - 2 && pool_recycled(pool) <= tasks);
    scene_close(scene, pool);
}

/* --- applied items ----------------------------------------------------------------------------------------------- */

void applied_in_turn(void)
{
    struct scene *scene = scene_open();
    struct pool *pool = scene_pool(scene, (struct setup){.window = 3});
    struct async *flying[3];
    unsigned right = 0;
    for (uint64_t i = 0; i < 3000; i++)
        right += got(apply(pool, i, 5), i, 5);
    for (uint64_t i = 0; i < 3000; i++) {
        for (unsigned k = 0; k < 3; k++)
            flying[k] = apply(pool, i + k, 6);
        for (unsigned k = 0; k < 3; k++)
            right += got(flying[k], i + k, 6);
    }
    CU_ASSERT_EQUAL(right, 12000);
    CU_ASSERT_EQUAL(atomic_load(&scene->begun), 12000);
    scene_close(scene, pool);
}

void applied_and_failed(void)
{
    struct error error;
    struct scene *scene = scene_open();
    struct pool *pool = scene_pool(scene, (struct setup){.window = 4, .deaths = 2});
    for (uint64_t argument = 1; argument <= 3; argument++) {
        struct async *async = apply(pool, 7, argument);
        CU_ASSERT_EQUAL(async_get(async, 10 * SECOND, NULL, &error), -1);
        CU_ASSERT_EQUAL(error.item, argument - 1);
        CU_ASSERT_EQUAL(error.code, argument == 1 ? ERROR_DIED : ERROR_FAILED);
        CU_ASSERT_EQUAL(async_outcome(async), argument == 1 ? OUTCOME_LOST : OUTCOME_FAILED);
        if (argument == 2)
            CU_ASSERT_STRING_EQUAL(error.text, "task 1 does not want to");
        async_free(async);
    }
    CU_ASSERT_EQUAL(pool_replaced(pool), 1);
    CU_ASSERT_EQUAL(got(apply(pool, 8, 0), 8, 0), 1);
    scene_close(scene, pool);
}

/* A worker that is busy with an applied item joins the map late, and the others do not wait for it. */
void applied_beside_a_map(void)
{
    struct error error;
    struct scene *scene = scene_open();
    struct pool *pool = scene_pool(scene, (struct setup){.items = 1000, .window = 4});
    struct async *async[3];
    atomic_store(&scene->hold, 1);
    async[0] = apply(pool, 1, 4);
    while (atomic_load(&scene->begun) == 0)
        scene_rest(100000);
    for (unsigned i = 1; i < 3; i++)
        async[i] = apply(pool, i, 0);
    CU_ASSERT_EQUAL(got(async[1], 1, 0) + got(async[2], 2, 0), 2);
    CU_ASSERT_FALSE(async_ready(async[0]));
    CU_ASSERT_EQUAL(async_wait(async[0], SECOND / 100, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_TIMEOUT);
    atomic_store(&scene->hold, 0);
    CU_ASSERT_EQUAL(pool_map(pool, scene_items, 3, 1000, 1, &error), 0);
    CU_ASSERT_EQUAL(scene_judge(scene, pool, 3, 1000).lost, 0);
    CU_ASSERT_EQUAL(got(async[0], 1, 4), 1);
    scene_close(scene, pool);
}

/* Each is done or lost, whenever its worker is killed; and the pool goes on. */
void applied_to_the_dying(void)
{
    const unsigned tasks = scene_quick() ? 20000 : 100000;
    struct scene *scene = scene_open();
    struct async *flying[64] = {NULL};
    unsigned right = 0, lost = 0, other = 0;
    scene->longest_us = 2000;
    atomic_store(&scene->alarm, 1);
    struct pool *pool = scene_pool(scene, (struct setup){.window = 64, .deaths = PLENTY});
    for (unsigned i = 0; i < tasks + 64; i++) {
        struct async **at = &flying[i % 64];
        if (*at) {
            uint64_t out = 0, in = i - 64;
            int result = async_get(*at, 10 * SECOND, &out, NULL);
            right += result == 0 && out == scene_result(in, 0);
            lost += async_outcome(*at) == OUTCOME_LOST;
            other += async_outcome(*at) != OUTCOME_LOST && (result || out != scene_result(in, 0));
            async_free(*at);
        }
        *at = i < tasks ? apply(pool, i, 0) : NULL;
    }
    CU_ASSERT_EQUAL(other, 0);
    CU_ASSERT_EQUAL(right + lost, tasks);
    CU_ASSERT(lost <= pool_replaced(pool));
    scene_close(scene, pool);
}

/* --- processes in the pool --------------------------------------------------------------------------------------- */

#define ADDS 20000

static int add_and_append(struct worker *w, void *arg)
{
    struct object *counter = pool_object(w->pool, 0), *list = pool_object(w->pool, 1);
    (void)arg;
    for (int64_t i = 0; i < ADDS; i++) {
        int64_t one = 1, previous;
        if (counter_add(w, counter, &one, &previous, 1) != 1 || list_append(w, list, &i, 1) != 1)
            return 1;
    }
    return 0;
}

static int64_t add_and_append_step(struct worker *w, void *ctx, size_t n)
{
    (void)ctx;
    return w->done == 0 && add_and_append(w, NULL) ? -1 : (int64_t)n;
}

/* Three processes, one of which takes the place of another that is over, and the workers: all use the objects. */
void joined_by_processes(void)
{
    struct error error = {.code = ERROR_NONE};
    struct scene *scene = scene_open();
    struct pool *pool = NULL;
    struct process *processes[3];
    uint64_t total = 0;
    struct setup setup = scene_setup(scene, (struct setup){.processes = 2, .window = 4});
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, strategy_find("shared-memory"), &setup, &error), 0);
    struct object *counter = counter_new(pool, &error), *list = list_new(pool, 8, ADDS * 10, &error);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, &error), 0);
    for (unsigned i = 0; i < 2; i++)
        CU_ASSERT_EQUAL(process_start(&processes[i], pool, add_and_append, NULL, &error), 0);
    struct async *async = apply(pool, 7, 0);
    CU_ASSERT_EQUAL(pool_each(pool, add_and_append_step, &error), 0);
    CU_ASSERT_EQUAL(process_join(processes[0], NEVER, NULL, &error), 0);
    CU_ASSERT_EQUAL(process_start(&processes[2], pool, add_and_append, NULL, &error), 0);
    for (unsigned i = 1; i < 3; i++) {
        int code = -1;
        CU_ASSERT_EQUAL(process_join(processes[i], NEVER, &code, &error), 0);
        CU_ASSERT_EQUAL(code, 0);
    }
    for (unsigned i = 0; i < 3; i++)
        process_free(processes[i], NULL);
    CU_ASSERT_EQUAL(got(async, 7, 0), 1);
    CU_ASSERT_EQUAL(object_read(pool_parent(pool), counter, &total, sizeof total), sizeof total);
    CU_ASSERT_EQUAL(total, ADDS * (WORKERS + 3));
    CU_ASSERT_EQUAL(object_length(pool_parent(pool), list), ADDS * (WORKERS + 3));
    scene_close(scene, pool);
}
