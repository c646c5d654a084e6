/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forks_apply.c - applied items of fork-pool: large results, more of them than workers, deaths, and an end by force. */
#include "tests/forks.h"

#include <CUnit/CUnit.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BIG ((size_t)1 << 20)

static struct setup applying(unsigned window)
{
    return (struct setup){.window = window, .deaths = 2};
}

static struct async *apply(struct pool *pool, items_fn *fn, uint64_t argument, uint64_t in)
{
    struct async *a = NULL;
    unsigned char *bytes = calloc(1, pool->setup.in_size);
    memcpy(bytes, &in, sizeof in);
    CU_ASSERT_EQUAL_FATAL(
        pool_apply_async(pool, &(struct apply){.fn = fn, .argument = argument, .in = bytes}, 1000000000, &a, NULL), 0);
    free(bytes);
    return a;
}

void applied_come_back(void)
{
    struct scene *scene = scene_open();
    struct setup setup = applying(8);
    setup.out_size = BIG;
    struct pool *pool = forks_started(scene, "parent", setup);
    uint64_t *out = malloc(BIG);
    struct async *handles[8];
    for (uint64_t i = 0; i < 24; i += 8) {
        for (uint64_t k = 0; k < 8; k++)
            handles[k] = apply(pool, forks_items, 7, i + k + 1000);
        for (uint64_t k = 0; k < 8; k++) {
            CU_ASSERT_EQUAL(async_get(handles[k], 5000000000, out, NULL), 0);
            CU_ASSERT_EQUAL(out[0], 3 * (i + k + 1000) + 7);
            CU_ASSERT_EQUAL(out[BIG / sizeof *out - 1], out[0]);
            async_free(handles[k]);
        }
    }
    free(out);
    forks_close(pool);
    scene_close(scene);
}

static int crowding(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    struct scene *scene = ctx;
    (void)in, (void)n;
    atomic_fetch_add(&scene->ran[first], 1);
    unsigned now = atomic_fetch_add(&scene->at_once, 1) + 1, most = atomic_load(&scene->most_at_once);
    while (now > most && !atomic_compare_exchange_weak(&scene->most_at_once, &most, now))
        continue;
    forks_rest((long)argument);
    *(uint64_t *)out = first;
    atomic_fetch_sub(&scene->at_once, 1);
    if (first == 30)
        item_failed(w, first, "the %s one", "thirty-first");
    return 0;
}

void applied_wait_their_turn(void)
{
    struct scene *scene = scene_open();
    struct pool *pool = forks_started(scene, "parent", applying(50));
    struct async *handles[50];
    struct error error = {.code = ERROR_NONE};
    for (unsigned i = 0; i < 50; i++)
        handles[i] = apply(pool, crowding, 2, i);
    CU_ASSERT_EQUAL(pool_map(pool, forks_items, 1, FORK_ITEMS, 4, &error), 0);
    for (unsigned i = 0; i < 50; i++) {
        uint64_t out = 0;
        CU_ASSERT_EQUAL(async_get(handles[i], 5000000000, &out, &error), i == 30 ? -1 : 0);
        CU_ASSERT(i == 30 ? error.code == ERROR_FAILED && strcmp(error.text, "the thirty-first one") == 0 : out == i);
        async_free(handles[i]);
    }
    CU_ASSERT_EQUAL(atomic_load(&scene->most_at_once), 2);
    for (uint64_t i = 0; i < FORK_ITEMS; i++)
        CU_ASSERT(forks_right(pool, i, 1));
    forks_close(pool);
    scene_close(scene);
}

void applied_died_is_told(void)
{
    static const enum end ends[] = {END_KILL, END_EXIT_0, END_ABORT};
    struct scene *scene = scene_open();
    struct pool *pool = forks_started(scene, "parent", applying(4));
    struct error error = {.code = ERROR_NONE};
    for (unsigned i = 0; i < 3; i++) {
        scene->end = ends[i];
        atomic_store(&scene->fatal, 1000 + i);
        struct async *dies = apply(pool, forks_items, 1, 1000 + i), *lives = apply(pool, forks_items, 1, 2000);
        uint64_t out = 0;
        CU_ASSERT_EQUAL(async_get(dies, 5000000000, &out, &error), -1);
        CU_ASSERT(error.code == ERROR_DIED && error.pid > 0 && async_outcome(dies) == OUTCOME_LOST);
        /* the third death is one too many */
        int got = async_get(lives, 5000000000, &out, &error);
        CU_ASSERT(got == 0 ? out == 6001 : i == 2 && error.code == ERROR_CANCELLED);
        CU_ASSERT_EQUAL(pool_replaced(pool), i < 2 ? i + 1 : 2);
        async_free(dies);
        async_free(lives);
    }
    CU_ASSERT_EQUAL(pool_map(pool, forks_items, 0, FORK_ITEMS, 1, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_STATE);
    pool_free(pool, 1000000000, NULL);
    scene_close(scene);
}

static int64_t counting(struct worker *w, void *ctx, size_t n)
{
    const int64_t one = 1;
    int64_t before;
    (void)ctx;
    return counter_add(w, pool_object(w->pool, 0), &one, &before, 1) == 1 ? (int64_t)n : -1;
}

static size_t ten(void *arg, uint32_t slot, size_t done, bool more)
{
    (void)arg, (void)slot;
    return more && done < 10 ? 10 - done : 0;
}

/* Those that run end first, those that wait go on waiting. */
void applied_and_steps(void)
{
    struct scene *scene = scene_open();
    struct setup setup = applying(6);
    setup.hooks.next = ten;
    struct pool *pool = forks_open(scene, "parent", setup);
    struct object *counter = counter_new(pool, NULL);
    struct async *handles[6];
    int64_t sum = 0;
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
    for (unsigned i = 0; i < 6; i++)
        handles[i] = apply(pool, crowding, 5, i);
    CU_ASSERT_EQUAL(pool_each(pool, counting, NULL), 0);
    object_read(pool_parent(pool), counter, &sum, sizeof sum);
    CU_ASSERT_EQUAL(sum, 20);
    for (unsigned i = 0; i < 6; i++) {
        uint64_t out = 0;
        CU_ASSERT_EQUAL(async_get(handles[i], 5000000000, &out, NULL), 0);
        CU_ASSERT(out == i && atomic_load(&scene->ran[i]) == 1);
        async_free(handles[i]);
    }
    CU_ASSERT_EQUAL(atomic_load(&scene->most_at_once), 2);
    forks_close(pool);
    scene_close(scene);
}

static int stubborn(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    struct scene *scene = ctx;
    (void)w, (void)argument, (void)in, (void)out, (void)n;
    if (first == 0)
        signal(SIGTERM, SIG_IGN);
    atomic_fetch_add(&scene->at_once, 1);
    while (pause())
        continue;
    return 0;
}

void terminate_ends_all(void)
{
    struct scene *scene = scene_open();
    struct pool *pool = forks_started(scene, "parent", applying(30));
    struct async *handles[30];
    struct error error = {.code = ERROR_NONE};
    for (unsigned i = 0; i < 30; i++)
        handles[i] = apply(pool, stubborn, 0, i);
    while (atomic_load(&scene->at_once) < 2)
        forks_rest(1);
    CU_ASSERT_EQUAL(pool_terminate(pool, 50000000, &error), 0);
    for (unsigned i = 0; i < 30; i++) {
        CU_ASSERT_EQUAL(async_get(handles[i], NEVER, NULL, &error), -1);
        CU_ASSERT_EQUAL(error.code, ERROR_CANCELLED);
        async_free(handles[i]);
    }
    CU_ASSERT_EQUAL(pool_worker_pid(pool, 0), 0);
    forks_close(pool);
    scene_close(scene);
}
