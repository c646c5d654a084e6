/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forks_objects.c - fork-pool's objects: what children change in their copies, and what the parent makes of it. */
#include "tests/forks.h"

#include <CUnit/CUnit.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CELLS 4

/* FORK_QUOTA grains each, one by one and two by two. */
static size_t quota_next(void *arg, uint32_t slot, size_t done, bool more)
{
    (void)arg, (void)slot;
    return !more || done >= FORK_QUOTA ? 0 : done + 1 < FORK_QUOTA ? 1 + done % 2 : 1;
}

struct pool *forks_object_pool(struct scene *scene, unsigned processes)
{
    const struct setup setup = {.hooks = {.next = quota_next}, .deaths = 1, .processes = processes};
    return forks_open(scene, "parent", setup);
}

static void run(struct pool *pool, step_fn *step)
{
    struct error error = {.code = ERROR_NONE};
    CU_ASSERT_EQUAL(pool_each(pool, step, &error), 0);
}

/* --- arrays ------------------------------------------------------------------------------------------------------ */

/* Element 0 is added to, each worker sets its own, and swaps the last when it has it still. */
static int64_t array_step(struct worker *w, void *ctx, size_t n)
{
    struct object *array = pool_object(w->pool, 0);
    const struct addend addends[] = {{.at = 0, .delta.i = 1}, {.at = 0, .delta.i = 10}};
    union number before[2];
    int64_t own = (int64_t)w->done, was, pair[] = {(int64_t)w->slot, 77};
    (void)ctx;
    if (array_add(w, array, addends, before, 2) != 2 || before[1].i != before[0].i + 1)
        return -1;
    if (element_set(w, array, 1 + w->slot, &own, 1) != 1 || array_swap(w, array, 3, pair, &was) < 0)
        return -1;
    return element_set(w, array, CELLS, &own, 1) == CALL_RANGE ? (int64_t)n : -1;
}

void array_merges(void)
{
    const int64_t initial[CELLS] = {5, 0, 0, 1};
    int64_t now[CELLS];
    struct scene *scene = scene_open();
    struct pool *pool = forks_object_pool(scene, 0);
    struct object *array = array_new(pool, TYPE_I64, 0, CELLS, initial, NULL);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
    run(pool, array_step);
    CU_ASSERT_EQUAL(element_get(pool_parent(pool), array, 0, now, CELLS), CELLS);
    CU_ASSERT_EQUAL(now[0], 5 + 2 * FORK_QUOTA * 11);
    CU_ASSERT(now[1] == FORK_QUOTA - 1 && now[2] == FORK_QUOTA - 1);
    CU_ASSERT_EQUAL(now[3], 77);
    forks_close(pool);
    scene_close(scene);
}

/* --- lists ------------------------------------------------------------------------------------------------------- */

/* Three more, one of which is another's place taken over; so one more than there were, less one now and then. */
static int64_t list_step(struct worker *w, void *ctx, size_t n)
{
    struct object *list = pool_object(w->pool, 0);
    const uint64_t first[] = {1, 2}, third = 3, zero = 0;
    uint64_t popped;
    (void)ctx;
    int64_t length = object_length(w, list);
    bool good = list_append(w, list, first, 2) == 2 && list_pop(w, list, &popped, 1) == 1 && popped == 2 &&
                list_append(w, list, &third, 1) == 1 && object_length(w, list) == length + 2 &&
                element_set(w, list, 0, &zero, 1) == 1 && element_set(w, list, 1000, &zero, 1) == CALL_RANGE;
    return good ? (int64_t)n : -1;
}

static int64_t append_step(struct worker *w, void *ctx, size_t n)
{
    const uint64_t some[] = {4, 5, 6};
    (void)ctx;
    return list_append(w, pool_object(w->pool, 0), some, 3) == 3 ? (int64_t)n : 0;
}

void list_merges(void)
{
    enum { LENGTH = 2 * 2 * FORK_QUOTA };
    uint64_t now[2 * LENGTH];
    struct scene *scene = scene_open();
    struct pool *pool = forks_object_pool(scene, 0);
    struct object *list = list_new(pool, sizeof(uint64_t), 1000, NULL);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
    run(pool, list_step);
    CU_ASSERT_EQUAL_FATAL(object_length(pool_parent(pool), list), LENGTH);
    CU_ASSERT_EQUAL(object_read(pool_parent(pool), list, now, sizeof now), LENGTH * 8);
    for (unsigned i = 0; i < LENGTH; i++)
        CU_ASSERT_EQUAL(now[i], i == 0 ? 0 : i % 2 == 0 ? 1 : 3);
    CU_ASSERT_EQUAL(object_clear(pool_parent(pool), list), 0);
    run(pool, append_step);
    CU_ASSERT_EQUAL(object_read(pool_parent(pool), list, now, sizeof now), 2 * 3 * FORK_QUOTA * 8);
    for (unsigned i = 0; i < 2 * 3 * FORK_QUOTA; i++)
        CU_ASSERT_EQUAL(now[i], 4 + i % 3);
    forks_close(pool);
    scene_close(scene);
}

/* Counts beside the list what is merged: a step is merged as a whole. */
static int64_t full_step(struct worker *w, void *ctx, size_t n)
{
    const uint64_t some[] = {4, 5, 6};
    const int64_t one = 1;
    int64_t before;
    uint64_t popped;
    (void)ctx;
    if (counter_add(w, pool_object(w->pool, 1), &one, &before, 1) != 1)
        return -1;
    int64_t did = list_append(w, pool_object(w->pool, 0), some, 3);
    /* a third of them with a journal */
    if (did == 3 && w->done % 3 == 2 &&
        (list_pop(w, pool_object(w->pool, 0), &popped, 1) != 1 ||
         list_append(w, pool_object(w->pool, 0), &popped, 1) != 1))
        return -1;
    return did == 3 ? (int64_t)n : 0;
}

void list_full_merges_none(void)
{
    struct scene *scene = scene_open();
    struct pool *pool = forks_object_pool(scene, 0);
    struct object *list = list_new(pool, sizeof(uint64_t), 20, NULL), *counter = counter_new(pool, NULL);
    int64_t steps = 0;
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
    run(pool, full_step);
    CU_ASSERT_EQUAL(object_length(pool_parent(pool), list), 18);
    CU_ASSERT_EQUAL(object_read(pool_parent(pool), counter, &steps, sizeof steps), 8);
    CU_ASSERT_EQUAL(steps, 6);
    forks_close(pool);
    scene_close(scene);
}

/* --- dicts ------------------------------------------------------------------------------------------------------- */

/* Four times the same key, which is new at first: it takes one place, and the dict has no more than that. */
static int64_t again_step(struct worker *w, void *ctx, size_t n)
{
    const struct entry entries[] = {{7, 1}, {7, 2}, {7, 3}, {7, w->slot + 4}};
    uint64_t were[4];
    (void)ctx;
    return dict_put(w, pool_object(w->pool, 0), entries, were, 4) == 4 ? (int64_t)n : -1;
}

void dict_counts_a_key_once(void)
{
    struct entry now[2];
    struct scene *scene = scene_open();
    struct pool *pool = forks_object_pool(scene, 0);
    struct object *dict = dict_new(pool, 4, 4, 1, NULL);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
    run(pool, again_step);
    CU_ASSERT_EQUAL(object_read(pool_parent(pool), dict, now, sizeof now), sizeof *now);
    CU_ASSERT_EQUAL(now[0].key, 7);
    CU_ASSERT(now[0].value >= 4);
    forks_close(pool);
    scene_close(scene);
}

/* Each worker its own keys, all of them key 0, which the parent made; and every fourth is removed. */
static int64_t dict_step(struct worker *w, void *ctx, size_t n)
{
    struct object *dict = pool_object(w->pool, 0);
    uint32_t key = 100 * (w->slot + 1) + (uint32_t)w->done;
    const struct entry entries[] = {{key, key + 1}, {0, w->slot + 7}};
    uint64_t were[2];
    (void)ctx;
    if (dict_put(w, dict, entries, were, 2) != 2 || were[0] != 0 || were[1] != 1)
        return -1;
    if (w->done % 4 == 3 && (dict_remove(w, dict, &key, were, 1) != 1 || were[0] != 1))
        return -1;
    return (int64_t)n;
}

void dict_merges(void)
{
    const struct entry zero = {0, 0};
    struct entry all[100];
    uint64_t was;
    struct scene *scene = scene_open();
    struct pool *pool = forks_object_pool(scene, 0);
    struct object *dict = dict_new(pool, sizeof(uint32_t), sizeof(uint32_t), 20, NULL);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
    CU_ASSERT_EQUAL(dict_put(pool_parent(pool), dict, &zero, &was, 1), 1);
    run(pool, dict_step);
    CU_ASSERT_EQUAL_FATAL(object_read(pool_parent(pool), dict, all, sizeof all), 8 * (1 + 2 * FORK_QUOTA * 3 / 4));
    for (unsigned i = 0; i < 1 + 2 * FORK_QUOTA * 3 / 4; i++) {
        bool own = all[i].value == all[i].key + 1 && all[i].key % 100 % 4 != 3;
        CU_ASSERT(all[i].key == 0 ? all[i].value == 7 || all[i].value == 8 : own);
    }
    forks_close(pool);
    scene_close(scene);
}

/* In a full dict one key makes room for the next; and a key that comes and goes twice takes none. */
static int64_t moving_step(struct worker *w, void *ctx, size_t n)
{
    struct object *dict = pool_object(w->pool, 0);
    uint32_t key = 100 * (w->slot + 1) + (uint32_t)w->done;
    const struct entry next = {key + 1, 1}, passing = {7, 7};
    uint64_t was;
    (void)ctx;
    bool good = dict_remove(w, dict, &key, &was, 1) == 1 && was == 1;
    for (unsigned i = 0; i < 2; i++)
        good &= dict_put(w, dict, &passing, &was, 1) == 1 && dict_remove(w, dict, &passing.key, &was, 1) == 1;
    for (unsigned i = 0; i < 2; i++)
        good &= dict_put(w, dict, &next, &was, 1) == 1;
    return good ? (int64_t)n : -1;
}

static int64_t crowding_step(struct worker *w, void *ctx, size_t n)
{
    const struct entry more = {1000 * (w->slot + 1) + (uint32_t)w->done, 1};
    uint64_t was;
    (void)ctx;
    return dict_put(w, pool_object(w->pool, 0), &more, &was, 1) == 1 ? (int64_t)n : 0;
}

void dict_full_merges(void)
{
    const struct entry initial[] = {{100, 1}, {200, 1}};
    const uint32_t keys[] = {100 + FORK_QUOTA, 200 + FORK_QUOTA};
    uint64_t were[2];
    struct scene *scene = scene_open();
    struct pool *pool = forks_object_pool(scene, 0);
    struct object *dict = dict_new(pool, sizeof(uint32_t), sizeof(uint32_t), 2, NULL);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
    CU_ASSERT_EQUAL(dict_put(pool_parent(pool), dict, initial, were, 2), 2);
    run(pool, moving_step);
    CU_ASSERT_EQUAL(object_length(pool_parent(pool), dict), 2);
    run(pool, crowding_step);
    CU_ASSERT_EQUAL(dict_remove(pool_parent(pool), dict, keys, were, 2), 2);
    CU_ASSERT(were[0] == 1 && were[1] == 1);
    run(pool, crowding_step);
    CU_ASSERT_EQUAL(object_length(pool_parent(pool), dict), 2);
    forks_close(pool);
    scene_close(scene);
}

/* --- trouble ----------------------------------------------------------------------------------------------------- */

static int64_t deadly_step(struct worker *w, void *ctx, size_t n)
{
    struct scene *scene = ctx;
    const int64_t one = 1;
    int64_t before;
    counter_add(w, pool_object(w->pool, 0), &one, &before, 1);
    if (w->slot == 1 && w->done == atomic_load(&scene->fatal))
        scene_end(scene->end);
    return (int64_t)n;
}

void dead_step_merges_none(void)
{
    struct scene *scene = scene_open();
    struct pool *pool = forks_object_pool(scene, 0);
    struct object *counter = counter_new(pool, NULL);
    struct error error = {.code = ERROR_NONE};
    int64_t sum;
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
    scene->end = END_EXIT_0;
    atomic_store(&scene->fatal, 5);
    CU_ASSERT_EQUAL(pool_each(pool, deadly_step, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_DIED);
    object_read(pool_parent(pool), counter, &sum, sizeof sum);
    CU_ASSERT_EQUAL(sum, FORK_QUOTA + 5);
    atomic_store(&scene->fatal, UINT64_MAX);
    run(pool, deadly_step);
    object_read(pool_parent(pool), counter, &sum, sizeof sum);
    CU_ASSERT_EQUAL(sum, 3 * FORK_QUOTA + 5);
    CU_ASSERT_EQUAL(pool_replaced(pool), 1);
    /* one more than the budget */
    atomic_store(&scene->fatal, 0);
    CU_ASSERT_EQUAL(pool_each(pool, deadly_step, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_DIED);
    CU_ASSERT_EQUAL(pool_each(pool, deadly_step, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_STATE);
    pool_free(pool, 1000000000, NULL);
    scene_close(scene);
}

static int64_t failing_step(struct worker *w, void *ctx, size_t n)
{
    const int64_t one = 1;
    int64_t before;
    (void)ctx;
    counter_add(w, pool_object(w->pool, 0), &one, &before, 1);
    return w->slot == 0 && w->done == 2 ? error_set(w->error, ERROR_FAILED, "no more of %d", 42) : (int64_t)n;
}

void failed_step_goes_on(void)
{
    struct scene *scene = scene_open();
    struct pool *pool = forks_object_pool(scene, 0);
    struct object *counter = counter_new(pool, NULL);
    struct error error = {.code = ERROR_NONE};
    int64_t sum;
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
    for (int64_t round = 1; round <= 2; round++) {
        CU_ASSERT_EQUAL(pool_each(pool, failing_step, &error), -1);
        CU_ASSERT_EQUAL(error.code, ERROR_FAILED);
        CU_ASSERT_STRING_EQUAL(error.text, "no more of 42");
        object_read(pool_parent(pool), counter, &sum, sizeof sum);
        CU_ASSERT_EQUAL(sum, round * (FORK_QUOTA + 2));
    }
    forks_close(pool);
    scene_close(scene);
}

void objects_lacking(void)
{
    struct scene *scene = scene_open();
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = forks_object_pool(scene, 0);
    CU_ASSERT_PTR_NULL(lock_new(pool, &error));
    CU_ASSERT_EQUAL(error.code, ERROR_USE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "nothing to lock"));
    forks_close(pool);
    struct setup setup = {.workers = 1, .variant = (unsigned)variant_find(forks_strategy(), "lanes")};
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, forks_strategy(), &setup, &error), 0);
    CU_ASSERT_PTR_NULL(dict_new(pool, 1, 1, 1, &error));
    CU_ASSERT_EQUAL(error.code, ERROR_USE);
    forks_close(pool);
    setup.window = setup.in_size = setup.out_size = 1;
    CU_ASSERT_EQUAL(pool_open(&pool, forks_strategy(), &setup, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_USE);
    scene_close(scene);
}
