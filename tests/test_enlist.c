/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_enlist.c - processes in a pool: on every strategy that has a place for them, and on the control with a place
 * put to it, where each call that the strategy gets is counted. */
#include "bench/ipc/child.h"
#include "bench/ipc/deadline.h"
#include "tests/frame.h"
#include "tests/pooled.h"

#include <CUnit/CUnit.h>

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PLACES 3
#define ADDS   100

/* --- the control, with places ------------------------------------------------------------------------------------ */

static struct strategy placed;
static unsigned enlisted, discharged, turns;
static enum error_code refuses;

static int count_enlist(struct pool *pool, uint32_t slot, child_main *main, void *arg, struct error *error)
{
    CU_ASSERT(slot >= pool->setup.workers && slot < pool_slots(pool));
    CU_ASSERT_EQUAL(pool->roster[slot].pid, 0);
    enlisted++;
    return child_spawn(&pool->roster[slot], pool, slot, main, arg, error);
}

static int count_discharge(struct pool *pool, uint32_t slot, struct error *error)
{
    CU_ASSERT(slot >= pool->setup.workers && slot < pool_slots(pool));
    CU_ASSERT_EQUAL(pool->roster[slot].pid, 0);
    discharged++;
    return refuses ? error_set(error, refuses, "what it left cannot be read") : 0;
}

static int count_turn(struct pool *pool, int64_t timeout_ns, struct error *error)
{
    turns++;
    return strategies[0]->turn(pool, timeout_ns, error);
}

static int stop_alone(struct pool *pool, int64_t grace_ns, struct error *error)
{
    CU_ASSERT_EQUAL(enlisted, discharged);
    return strategies[0]->stop(pool, grace_ns, error);
}

static struct pool *open_placed(void)
{
    struct pool *pool = NULL;
    const struct setup setup = {
        .workers = 1, .processes = PLACES, .items = 8, .in_size = 8, .out_size = 8, .window = 4};
    placed = *strategies[0];
    placed.serves = true;
    placed.enlist = count_enlist;
    placed.discharge = count_discharge;
    placed.turn = count_turn;
    placed.stop = stop_alone;
    enlisted = discharged = turns = 0;
    refuses = ERROR_NONE;
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, &placed, &setup, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
    return pool;
}

static struct process *started_in(struct pool *pool, process_fn *fn, void *arg)
{
    struct process *p = NULL;
    struct error error = {.code = ERROR_NONE};
    if (process_start(&p, pool, fn, arg, &error))
        fprintf(stderr, "%s\n", error.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    return p;
}

static int slot_of(struct worker *self, void *arg)
{
    return self->pool == arg ? (int)self->slot : 200;
}

static void places(void)
{
    struct pool *pool = open_placed();
    struct process *p[PLACES], *late = NULL;
    struct error error = {.code = ERROR_NONE};
    for (int i = 0; i < PLACES; i++)
        p[i] = started_in(pool, sleeping, NULL);
    expect_code(process_start(&late, pool, sleeping, NULL, &error), &error, ERROR_USE);
    CU_ASSERT_PTR_NULL(late);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "setup.processes"));
    CU_ASSERT_EQUAL(process_kill(p[1], NULL), 0);
    CU_ASSERT_EQUAL(joined(p[1]), -SIGKILL);
    CU_ASSERT_EQUAL(discharged, 1);
    CU_ASSERT_EQUAL(joined(started_in(pool, slot_of, pool)), 2);
    /* one that has ended makes room before it is joined, and can be joined then */
    CU_ASSERT_EQUAL(process_kill(p[0], NULL), 0);
    CU_ASSERT_EQUAL(poll(&(struct pollfd){.fd = process_pidfd(p[0]), .events = POLLIN}, 1, 1000), 1);
    p[1] = started_in(pool, sleeping, NULL);
    CU_ASSERT_EQUAL(joined(started_in(pool, slot_of, pool)), 2);
    CU_ASSERT_EQUAL(joined(p[0]), -SIGKILL);
    CU_ASSERT_EQUAL(discharged, 4);
    /* freed without being joined */
    CU_ASSERT_EQUAL(process_kill(p[1], NULL), 0);
    CU_ASSERT_EQUAL(poll(&(struct pollfd){.fd = process_pidfd(p[1]), .events = POLLIN}, 1, 1000), 1);
    CU_ASSERT_EQUAL(process_free(p[1], NULL), 0);
    CU_ASSERT_EQUAL(discharged, 5);
    CU_ASSERT_EQUAL(process_kill(p[2], NULL), 0);
    CU_ASSERT_EQUAL(joined(p[2]), -SIGKILL);
    CU_ASSERT_EQUAL(enlisted, discharged);
    pool_gone(pool);
}

/* Whoever waits for a process makes the pool go on. */
static void served(void)
{
    struct pool *pool = open_placed();
    struct error error = {.code = ERROR_NONE};
    struct process *p = started_in(pool, sleeping, NULL);
    struct async *async = applied(pool, square, 6);
    turns = 0;
    expect_code(process_join(p, 20 * MS, NULL, &error), &error, ERROR_TIMEOUT);
    CU_ASSERT(turns > 0);
    CU_ASSERT_EQUAL(async_outcome(async), OUTCOME_DONE);
    CU_ASSERT_EQUAL(result_of(async), 36);
    process_kill(p, NULL);
    CU_ASSERT_EQUAL(joined(p), -SIGKILL);
    pool_gone(pool);
}

static void expect_ended(struct process *p, int wanted)
{
    int code = 1000;
    CU_ASSERT_FALSE(process_alive(p));
    CU_ASSERT_EQUAL(process_join(p, NEVER, &code, NULL), 0);
    CU_ASSERT_EQUAL(code, wanted);
    CU_ASSERT_EQUAL(process_terminate(p, NULL), 0);
    CU_ASSERT_EQUAL(process_free(p, NULL), 0);
}

static int stubborn(struct worker *self, void *arg)
{
    int out = *(const int *)arg;
    signal(SIGTERM, SIG_IGN);
    dprintf(out, "i");
    return sleeping(self, NULL);
}

static void ended_with_pool(void)
{
    int ends[2];
    char byte;
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    for (int how = 0; how < 2; how++) {
        struct pool *pool = open_placed();
        struct process *meek = started_in(pool, sleeping, NULL), *deaf = started_in(pool, stubborn, &ends[1]);
        struct error error = {.code = ERROR_NONE};
        CU_ASSERT_EQUAL(read(ends[0], &byte, 1), 1);
        int64_t before = clock_now_ns();
        if (how == 0)
            CU_ASSERT_EQUAL(pool_terminate(pool, 100 * MS, NULL), 0);
        pool_free(pool, 100 * MS, NULL);
        CU_ASSERT(clock_now_ns() - before < SOON_NS);
        expect_ended(meek, -SIGTERM);
        expect_ended(deaf, -SIGKILL);
        CU_ASSERT_EQUAL(discharged, 2);
        CU_ASSERT_EQUAL(error.code, ERROR_NONE);
    }
    close(ends[0]);
    close(ends[1]);
}

static int resting(struct worker *self, void *arg)
{
    (void)self;
    poll(NULL, 0, *(const int *)arg);
    return 9;
}

static void joined_with_pool(void)
{
    struct pool *pool = open_placed();
    int ms = 200;
    struct process *p = started_in(pool, resting, &ms), *late;
    struct error error = {.code = ERROR_NONE};
    CU_ASSERT_EQUAL(pool_close(pool, NULL), 0);
    expect_code(process_start(&late, pool, resting, &ms, &error), &error, ERROR_STATE);
    expect_code(pool_join(pool, 10 * MS, &error), &error, ERROR_TIMEOUT);
    CU_ASSERT_EQUAL(pool_join(pool, NEVER, NULL), 0);
    expect_ended(p, 9);
    pool_gone(pool);
}

static void left_badly(void)
{
    struct pool *pool = open_placed();
    struct error error = {.code = ERROR_NONE};
    int none = 0, code = 1000;
    struct process *p = started_in(pool, returning, &none);
    refuses = ERROR_FAILED;
    expect_code(process_join(p, NEVER, &code, &error), &error, ERROR_FAILED);
    CU_ASSERT_EQUAL(pool_map(pool, square, 0, 1, 1, &error), 0);
    CU_ASSERT_EQUAL(joined(p), 0);
    p = started_in(pool, returning, &none);
    refuses = ERROR_BROKEN;
    expect_code(process_join(p, NEVER, &code, &error), &error, ERROR_BROKEN);
    expect_code(pool_map(pool, square, 0, 1, 1, &error), &error, ERROR_STATE);
    /* it has ended all the same */
    CU_ASSERT_EQUAL(process_join(p, NEVER, &code, NULL), 0);
    CU_ASSERT_EQUAL(code, 0);
    CU_ASSERT_EQUAL(process_free(p, NULL), 0);
    pool_gone(pool);
}

/* Another's start, which makes room, comes before its join: the error is still its own. */
static void left_badly_and_late(void)
{
    struct pool *pool = open_placed();
    struct error error = {.code = ERROR_NONE};
    int none = 0;
    struct process *p = started_in(pool, returning, &none);
    CU_ASSERT_EQUAL(poll(&(struct pollfd){.fd = process_pidfd(p), .events = POLLIN}, 1, 1000), 1);
    refuses = ERROR_FAILED;
    struct process *next = started_in(pool, sleeping, NULL);
    refuses = ERROR_NONE;
    expect_code(process_join(p, NEVER, NULL, &error), &error, ERROR_FAILED);
    CU_ASSERT_EQUAL(process_free(p, NULL), 0);
    CU_ASSERT_EQUAL(process_kill(next, NULL), 0);
    CU_ASSERT_EQUAL(joined(next), -SIGKILL);
    pool_gone(pool);
}

static void not_for_it(void)
{
    struct pool *pool = pool_on(strategies[0], 8, 0), *other = NULL;
    struct process *p = NULL;
    struct error error = {.code = ERROR_NONE};
    const struct setup setup = {.workers = 1, .processes = 1};
    expect_code(process_start(&p, pool, sleeping, NULL, &error), &error, ERROR_USE);
    CU_ASSERT_PTR_NULL(p);
    expect_code(pool_open(&other, strategies[0], &setup, &error), &error, ERROR_USE);
    CU_ASSERT_PTR_NULL(other);
    pool_gone(pool);
}

/* --- every strategy that has places ------------------------------------------------------------------------------ */

static int adding(struct worker *self, void *arg)
{
    struct object *counter = arg;
    int64_t one = 1, previous;
    for (int i = 0; i < ADDS; i++)
        if (counter_add(self, counter, &one, &previous, 1) != 1)
            return 1;
    return 0;
}

/* They add to a counter, one after the other and at once, while a map and applied items run. */
static void adding_on(const struct strategy *s)
{
    const struct setup setup = {.workers = s->workers_most == 1 ? 1 : 2,
                                .processes = PLACES,
                                .items = 64,
                                .in_size = 8,
                                .out_size = 8,
                                .window = s->post ? 4 : 0};
    struct pool *pool = NULL;
    struct process *p[PLACES];
    struct error error = {.code = ERROR_NONE};
    int64_t total = 0;
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, s, &setup, &error), 0);
    struct object *counter = counter_new(pool, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(counter);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, &error), 0);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < PLACES; i++)
            p[i] = started_in(pool, adding, counter);
        CU_ASSERT_EQUAL(pool_map(pool, square, 0, 64, 4, &error), 0);
        if (s->post)
            CU_ASSERT_EQUAL(result_of(applied(pool, square, 7)), 49);
        for (int i = 0; i < PLACES; i++)
            CU_ASSERT_EQUAL(joined(p[i]), 0);
        CU_ASSERT_EQUAL(object_read(pool_parent(pool), counter, &total, sizeof total), (int64_t)sizeof total);
        CU_ASSERT_EQUAL(total, (round + 1) * PLACES * ADDS);
    }
    if (error.code)
        fprintf(stderr, "%s\n", error.text);
    pool_gone(pool);
}

static void killed_on(const struct strategy *s)
{
    const struct setup setup = {.workers = 1, .processes = PLACES, .items = 8, .in_size = 8, .out_size = 8};
    struct pool *pool = NULL;
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, s, &setup, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
    for (int i = 0; i < 4; i++) {
        struct process *p = started_in(pool, sleeping, NULL);
        CU_ASSERT_EQUAL(i % 2 ? process_kill(p, NULL) : process_terminate(p, NULL), 0);
        CU_ASSERT_EQUAL(joined(p), i % 2 ? -SIGKILL : -SIGTERM);
        CU_ASSERT_EQUAL(pool_map(pool, square, 0, 8, 1, NULL), 0);
    }
    struct process *p = started_in(pool, sleeping, NULL);
    int64_t before = clock_now_ns();
    pool_free(pool, 100 * MS, NULL);
    CU_ASSERT(clock_now_ns() - before < 2 * SOON_NS);
    expect_ended(p, -SIGTERM);
}

static int counting_descriptors(struct worker *self, void *arg)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    (void)self, (void)arg;
    while (folder && readdir(folder))
        count++;
    return count;
}

/* It holds neither pidfds nor channels of the others, however many there are. */
static void siblings_on(const struct strategy *s)
{
    struct pool *pool = NULL;
    const struct setup setup = {.workers = 2, .processes = PLACES, .items = 8, .in_size = 8, .out_size = 8};
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, s, &setup, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
    int alone = joined(started_in(pool, counting_descriptors, NULL));
    struct process *p[] = {started_in(pool, sleeping, NULL), started_in(pool, sleeping, NULL)};
    CU_ASSERT_EQUAL(joined(started_in(pool, counting_descriptors, NULL)), alone);
    CU_ASSERT(alone > 0);
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(process_kill(p[i], NULL), 0);
        CU_ASSERT_EQUAL(joined(p[i]), -SIGKILL);
    }
    pool_gone(pool);
}

static unsigned on_every_place(void (*run)(const struct strategy *))
{
    unsigned ran = 0;
    for (const struct strategy *const *s = strategies; *s; s++) {
        if (!(*s)->enlist)
            continue;
        fprintf(stderr, "on %s\n", (*s)->name);
        run(*s);
        ran++;
    }
    return ran;
}

static void adding_everywhere(void)
{
    if (on_every_place(adding_on) == 0)
        frame_skip("no strategy has a place for a process in its pool");
}

static void killed_everywhere(void)
{
    if (on_every_place(killed_on) == 0)
        frame_skip("no strategy has a place for a process in its pool");
}

static void siblings_everywhere(void)
{
    if (on_every_place(siblings_on) == 0)
        frame_skip("no strategy has a place for a process in its pool");
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "enlist: places, taken and free again", .run = places},
        {.name = "enlist: the pool is served while one is waited for", .run = served},
        {.name = "enlist: terminated and freed with their pool", .run = ended_with_pool},
        {.name = "enlist: a closed pool waits for them", .run = joined_with_pool},
        {.name = "enlist: what one leaves breaks the pool", .run = left_badly},
        {.name = "enlist: what one left is told to whoever joins it", .run = left_badly_and_late},
        {.name = "enlist: where there is no place", .run = not_for_it},
        {.name = "enlist: they add to a counter on every strategy", .run = adding_everywhere},
        {.name = "enlist: killed on every strategy", .run = killed_everywhere},
        {.name = "enlist: they keep nothing of each other on any strategy", .run = siblings_everywhere},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
