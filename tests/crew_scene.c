/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * crew_scene.c - pools whose workers die, and the judgement on their items. */
#include "tests/crew_scene.h"
#include "bench/ipc/memory.h"
#include "bench/registry.h"

#include <CUnit/CUnit.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

bool scene_quick(void)
{
    return getenv("MUSTER_QUICK") != NULL;
}

int64_t scene_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

void scene_rest(long ns)
{
    nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

/* A worker's life may be short. */
static int born(void *arg, uint32_t slot, struct error *error)
{
    struct scene *scene = arg;
    (void)slot, (void)error;
    if (!atomic_load(&scene->alarm))
        return 0;
    srand((unsigned)getpid() * 2654435761u + (unsigned)scene_now_ns());
    struct itimerval life = {.it_value.tv_usec = 1 + rand() % (int)scene->longest_us};
    return setitimer(ITIMER_REAL, &life, NULL);
}

static size_t ten_steps(void *arg, uint32_t slot, size_t done, bool more)
{
    (void)arg, (void)slot, (void)more;
    return done < 10;
}

struct scene *scene_open(void)
{
    struct scene *scene = memory_shared(sizeof *scene);
    CU_ASSERT_PTR_NOT_NULL_FATAL(scene);
    atomic_store(&scene->victim, UINT32_MAX);
    return scene;
}

struct setup scene_setup(struct scene *scene, struct setup setup)
{
    setup.workers = setup.workers ? setup.workers : WORKERS;
    setup.in_size = setup.out_size = sizeof(uint64_t);
    setup.ctx = scene;
    setup.hooks = (struct hooks){.arg = scene, .born = born, .next = ten_steps};
    return setup;
}

struct pool *scene_pool(struct scene *scene, struct setup setup)
{
    struct pool *pool = NULL;
    struct error error = {.code = ERROR_NONE};
    setup = scene_setup(scene, setup);
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, strategy_find("shared-memory"), &setup, &error), 0);
    for (uint64_t i = 0; i < setup.items; i++)
        ((uint64_t *)pool_in(pool))[i] = i;
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, &error), 0);
    return pool;
}

/* A pool whose last deaths nobody has looked at may say so when it ends. */
void scene_close(struct scene *scene, struct pool *pool)
{
    pool_free(pool, SECOND, NULL);
    memory_free(scene, sizeof *scene);
}

uint64_t scene_result(uint64_t in, uint64_t argument)
{
    return in * in + argument;
}

int scene_items(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    struct scene *scene = ctx;
    const uint64_t *from = in;
    uint64_t *to = out;
    for (uint64_t i = 0; i < n; i++) {
        if (!scene->silent)
            item_begin(w, first + i);
        atomic_fetch_add(&scene->runs[first + i], 1);
        if (scene->deadly && (first + i) % scene->deadly == scene->deadly / 2)
            kill(getpid(), SIGKILL);
        to[i] = scene_result(from[i], argument);
    }
    return 0;
}

struct tally scene_judge(struct scene *scene, struct pool *pool, uint64_t argument, size_t n)
{
    struct tally t = {.done = 0};
    const uint64_t *out = pool_out(pool);
    for (uint64_t i = 0; i < n; i++) {
        unsigned runs = atomic_exchange(&scene->runs[i], 0);
        enum outcome outcome = pool_outcome(pool, i);
        t.done += outcome == OUTCOME_DONE;
        t.lost += outcome == OUTCOME_LOST;
        t.wrong += outcome == OUTCOME_DONE ? runs != 1 || out[i] != scene_result(i, argument)
                                           : outcome != OUTCOME_LOST || runs > 1;
    }
    memset(pool_out(pool), 0, n * sizeof(uint64_t));
    CU_ASSERT_EQUAL(t.wrong, 0);
    CU_ASSERT_EQUAL(t.done + t.lost, n);
    return t;
}
