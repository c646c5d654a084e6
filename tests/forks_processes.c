/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forks_processes.c - processes in a fork-pool: what they change in their copies of the objects comes with their end.
 */
#include "tests/forks.h"

#include <CUnit/CUnit.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define CELLS 4
#define MUCH  100000 /* of 16 bytes: more than any pipe holds */

/* Counter, array, list, dict: something of each, once it may. */
static int changing(struct worker *self, void *arg)
{
    struct scene *scene = pool_context(self->pool);
    const int64_t five = 5;
    const struct addend addend = {.at = 1, .delta.i = 3};
    const uint64_t element = 9;
    union number number;
    int64_t before;
    uint64_t was, popped;
    struct entry entry = {*(const uint32_t *)arg, 1};
    while (atomic_load(&scene->at_once) == 0)
        forks_rest(1);
    counter_add(self, pool_object(self->pool, 0), &five, &before, 1);
    array_add(self, pool_object(self->pool, 1), &addend, &number, 1);
    list_append(self, pool_object(self->pool, 2), &element, 1);
    dict_put(self, pool_object(self->pool, 3), &entry, &was, 1);
    if (entry.key == 0)
        list_pop(self, pool_object(self->pool, 2), &popped, 1);
    return (int)entry.key;
}

static int64_t lengths(struct pool *pool)
{
    int64_t sum = 0, number = 0;
    object_read(pool_parent(pool), pool_object(pool, 0), &number, sizeof number);
    sum += number;
    element_get(pool_parent(pool), pool_object(pool, 1), 1, &number, 1);
    sum += 100 * number;
    sum += 10000 * object_length(pool_parent(pool), pool_object(pool, 2));
    return sum + 1000000 * object_length(pool_parent(pool), pool_object(pool, 3));
}

static struct pool *pool_of_all(struct scene *scene, size_t capacity)
{
    struct pool *pool = forks_object_pool(scene, 3);
    counter_new(pool, NULL);
    array_new(pool, TYPE_I64, 0, CELLS, NULL, NULL);
    list_new(pool, sizeof(uint64_t), capacity, NULL);
    dict_new(pool, sizeof(uint32_t), sizeof(uint32_t), capacity, NULL);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
    return pool;
}

void process_merges_at_join(void)
{
    static const uint32_t keys[] = {0, 1, 2};
    struct scene *scene = scene_open();
    struct pool *pool = pool_of_all(scene, 100);
    struct process *processes[3];
    struct error error = {.code = ERROR_NONE};
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT_EQUAL_FATAL(process_start(&processes[i], pool, changing, (void *)&keys[i], &error), 0);
    atomic_store(&scene->at_once, 1);
    forks_rest(20);
    CU_ASSERT_EQUAL(lengths(pool), 0);
    for (unsigned i = 0; i < 3; i++) {
        int code = -1;
        CU_ASSERT_EQUAL(process_join(processes[i], NEVER, &code, &error), 0);
        CU_ASSERT_EQUAL(code, (int)i);
        /* the first one has popped what it appended */
        CU_ASSERT_EQUAL(lengths(pool), (i + 1) * 1000000 + i * 10000 + (i + 1) * 300 + (i + 1) * 5);
        CU_ASSERT_EQUAL(process_free(processes[i], &error), 0);
    }
    forks_close(pool);
    scene_close(scene);
}

static int putting_much(struct worker *self, void *arg)
{
    struct object *dict = pool_object(self->pool, 3);
    uint64_t was;
    (void)arg;
    for (uint32_t i = 0; i < MUCH; i++)
        if (dict_put(self, dict, &(struct entry){i, i * 7}, &was, 1) != 1)
            return 1;
    return 0;
}

void process_leaves_much(void)
{
    struct scene *scene = scene_open();
    struct pool *pool = pool_of_all(scene, MUCH);
    struct process *p;
    struct error error = {.code = ERROR_NONE};
    int code = -1;
    CU_ASSERT_EQUAL_FATAL(process_start(&p, pool, putting_much, NULL, &error), 0);
    while (process_alive(p))
        forks_rest(1);
    CU_ASSERT_EQUAL(process_join(p, 0, &code, &error), 0);
    CU_ASSERT_EQUAL(code, 0);
    CU_ASSERT_EQUAL(object_length(pool_parent(pool), pool_object(pool, 3)), MUCH);
    for (uint32_t key = 0; key < MUCH; key += 991) {
        _Alignas(8) unsigned char bytes[16];
        struct dict_answer *answer = (struct dict_answer *)bytes;
        uint32_t value;
        CU_ASSERT_EQUAL(dict_get(pool_parent(pool), pool_object(pool, 3), &key, answer, 1), 1);
        memcpy(&value, answer->value, sizeof value);
        CU_ASSERT(answer->found == 1 && value == key * 7);
    }
    CU_ASSERT_EQUAL(process_free(p, &error), 0);
    forks_close(pool);
    scene_close(scene);
}

static int changing_and_dying(struct worker *self, void *arg)
{
    static const uint32_t key = 1;
    changing(self, (void *)&key);
    scene_end(*(const enum end *)arg);
    return 0;
}

void process_killed_leaves_none(void)
{
    static const enum end ends[] = {END_KILL, END_EXIT_3, END_ABORT};
    static const int codes[] = {-SIGKILL, 3, -SIGABRT};
    struct scene *scene = scene_open();
    atomic_store(&scene->at_once, 1);
    struct pool *pool = pool_of_all(scene, 100);
    for (unsigned i = 0; i < 3; i++) {
        struct process *p;
        struct error error = {.code = ERROR_NONE};
        int code = -1;
        CU_ASSERT_EQUAL_FATAL(process_start(&p, pool, changing_and_dying, (void *)&ends[i], &error), 0);
        CU_ASSERT_EQUAL(process_join(p, NEVER, &code, &error), 0);
        CU_ASSERT_EQUAL(code, codes[i]);
        CU_ASSERT_EQUAL(process_free(p, &error), 0);
        CU_ASSERT_EQUAL(lengths(pool), 0);
    }
    forks_close(pool);
    scene_close(scene);
}

static int appending(struct worker *self, void *arg)
{
    const uint64_t some[] = {1, 2, 3};
    const int64_t one = 1;
    int64_t before;
    (void)arg;
    while (atomic_load(&((struct scene *)pool_context(self->pool))->at_once) == 0)
        forks_rest(1);
    counter_add(self, pool_object(self->pool, 0), &one, &before, 1);
    return (int)list_append(self, pool_object(self->pool, 2), some, 3);
}

void process_without_room(void)
{
    struct scene *scene = scene_open();
    struct pool *pool = pool_of_all(scene, 5);
    struct process *processes[2];
    struct error error = {.code = ERROR_NONE};
    int code = -1;
    for (unsigned i = 0; i < 2; i++)
        CU_ASSERT_EQUAL_FATAL(process_start(&processes[i], pool, appending, NULL, &error), 0);
    atomic_store(&scene->at_once, 1);
    CU_ASSERT_EQUAL(process_join(processes[0], NEVER, &code, &error), 0);
    CU_ASSERT_EQUAL(process_join(processes[1], NEVER, &code, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_FAILED);
    /* it has ended all the same, and the pool goes on */
    CU_ASSERT_EQUAL(process_join(processes[1], NEVER, &code, &error), 0);
    CU_ASSERT_EQUAL(code, 3);
    CU_ASSERT_EQUAL(lengths(pool), 3 * 10000 + 1);
    for (unsigned i = 0; i < 2; i++)
        CU_ASSERT_EQUAL(process_free(processes[i], &error), 0);
    CU_ASSERT_EQUAL(pool_map(pool, forks_items, 0, 1, 1, &error), 0);
    forks_close(pool);
    scene_close(scene);
}
