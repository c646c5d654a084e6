/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_forks.c - fork-pool where things go wrong: what the death of a child, or of a lane, costs a map and an applied
 * item, and that nothing else is lost, nothing runs twice, and nothing is left. */
#include "bench/ipc/memory.h"
#include "tests/forks.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 8
#define FATAL 13 /* in the chunk of items 8 to 15 */
#define BIG   ((size_t)1 << 20)

static const char *const variants[] = {"parent", "lanes"};

/* --- the scene --------------------------------------------------------------------------------------------------- */

struct scene *scene_open(void)
{
    struct scene *scene = memory_shared(sizeof *scene);
    CU_ASSERT_PTR_NOT_NULL_FATAL(scene);
    scene->marks = true;
    atomic_store(&scene->fatal, UINT64_MAX);
    return scene;
}

void scene_close(struct scene *scene)
{
    memory_free(scene, sizeof *scene);
}

void forks_rest(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

void scene_end(enum end end)
{
    switch (end) {
    case END_NONE:
        return;
    case END_KILL:
        kill(getpid(), SIGKILL);
        break;
    case END_PARENT: /* which takes this one with it */
        kill(getppid(), SIGKILL);
        break;
    case END_EXIT_0:
        _exit(0);
    case END_EXIT_3:
        _exit(3);
    case END_ABORT:
        signal(SIGABRT, SIG_DFL);
        abort();
    case END_SEGV:
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
        break;
    case END_SPLIT: /* somewhere in the next moments */
        signal(SIGALRM, SIG_DFL);
        setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {.tv_usec = 300}}, NULL);
        return;
    }
    while (pause())
        continue;
}

const struct strategy *forks_strategy(void)
{
    return strategy_find("fork-pool");
}

struct pool *forks_open(struct scene *scene, const char *variant, struct setup setup)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = NULL;
    setup.workers = setup.workers ? setup.workers : 2;
    setup.variant = (unsigned)variant_find(forks_strategy(), variant);
    setup.ctx = scene;
    setup.items = FORK_ITEMS;
    setup.in_size = setup.in_size ? setup.in_size : sizeof(uint64_t);
    setup.out_size = setup.out_size ? setup.out_size : sizeof(uint64_t);
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, forks_strategy(), &setup, &error), 0);
    return pool;
}

void forks_close(struct pool *pool)
{
    struct error error = {.code = ERROR_NONE};
    CU_ASSERT_EQUAL(pool_free(pool, 1000000000, &error), 0);
}

struct pool *forks_started(struct scene *scene, const char *variant, struct setup setup)
{
    struct pool *pool = forks_open(scene, variant, setup);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
    for (uint64_t i = 0; i < FORK_ITEMS; i++)
        memcpy((unsigned char *)pool_in(pool) + i * pool->setup.in_size, &i, sizeof i);
    return pool;
}

/* --- maps -------------------------------------------------------------------------------------------------------- */

/* result = 3 * item + argument, at both ends of it. */
int forks_items(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    struct scene *scene = ctx;
    const struct setup *s = &w->pool->setup;
    for (size_t i = 0; i < n; i++) {
        uint64_t item, result;
        memcpy(&item, (const unsigned char *)in + i * s->in_size, sizeof item);
        if (scene->marks)
            item_begin(w, first + i);
        if (item == first + i)
            atomic_fetch_add(&scene->ran[item], 1);
        if (item == atomic_load(&scene->fatal))
            scene_end(scene->end);
        result = 3 * item + argument;
        memcpy((unsigned char *)out + i * s->out_size, &result, sizeof result);
        memcpy((unsigned char *)out + (i + 1) * s->out_size - sizeof result, &result, sizeof result);
    }
    return 0;
}

bool forks_right(struct pool *pool, uint64_t item, uint64_t argument)
{
    const unsigned char *out = (const unsigned char *)pool_out(pool) + item * pool->setup.out_size;
    uint64_t head, tail;
    memcpy(&head, out, sizeof head);
    memcpy(&tail, out + pool->setup.out_size - sizeof tail, sizeof tail);
    return head == 3 * item + argument && tail == head;
}

/* Items from..to are lost, the others done, and each ran once at most. */
static void expect_lost(struct pool *pool, struct scene *scene, uint64_t argument, uint64_t from, uint64_t to)
{
    for (uint64_t i = 0; i < FORK_ITEMS; i++) {
        bool lost = from <= i && i <= to;
        CU_ASSERT_EQUAL(pool_outcome(pool, i), lost ? OUTCOME_LOST : OUTCOME_DONE);
        CU_ASSERT(lost || forks_right(pool, i, argument));
        CU_ASSERT(atomic_load(&scene->ran[i]) == 1 || (lost && atomic_load(&scene->ran[i]) == 0));
    }
}

static void expect_whole(struct pool *pool, struct scene *scene)
{
    struct error error = {.code = ERROR_NONE};
    memset((void *)scene->ran, 0, sizeof scene->ran);
    atomic_store(&scene->fatal, UINT64_MAX);
    CU_ASSERT_EQUAL(pool_map(pool, forks_items, 99, FORK_ITEMS, 3, &error), 0);
    expect_lost(pool, scene, 99, UINT64_MAX, 0);
}

static void one_death(const char *variant, enum end end, bool marks, int status)
{
    struct scene *scene = scene_open();
    struct pool *pool = forks_started(scene, variant, (struct setup){.deaths = 2});
    struct error error = {.code = ERROR_NONE};
    scene->marks = marks;
    scene->end = end;
    atomic_store(&scene->fatal, FATAL);
    CU_ASSERT_EQUAL(pool_map(pool, forks_items, 5, FORK_ITEMS, CHUNK, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_DIED);
    CU_ASSERT_EQUAL(error.item, CHUNK);
    CU_ASSERT_EQUAL(error.wait_status, status);
    CU_ASSERT(error.pid > 0);
    expect_lost(pool, scene, 5, CHUNK, marks ? FATAL : 2 * CHUNK - 1);
    CU_ASSERT_EQUAL(pool_replaced(pool), 1);
    expect_whole(pool, scene);
    CU_ASSERT_EQUAL(pool_replaced(pool), 1);
    CU_ASSERT_EQUAL(pool_recycled(pool), 0);
    forks_close(pool);
    scene_close(scene);
}

static void a_death_costs_its_item(void)
{
    for (size_t v = 0; v < 2; v++) {
        one_death(variants[v], END_KILL, true, SIGKILL);
        one_death(variants[v], END_KILL, false, SIGKILL);
    }
}

static void a_lane_takes_its_child_along(void)
{
    one_death("lanes", END_PARENT, true, SIGKILL);
    one_death("lanes", END_PARENT, false, SIGKILL);
}

static void leaving_is_dying(void)
{
    for (size_t v = 0; v < 2; v++) {
        one_death(variants[v], END_EXIT_0, true, 0);
        one_death(variants[v], END_EXIT_3, true, W_EXITCODE(3, 0));
    }
}

/* With or without a core file. */
static void crashing_is_dying(void)
{
    static const enum end ends[] = {END_ABORT, END_SEGV};
    static const int signals[] = {SIGABRT, SIGSEGV};
    for (size_t i = 0; i < 4; i++) {
        struct scene *scene = scene_open();
        struct pool *pool = forks_started(scene, variants[i % 2], (struct setup){.deaths = 2});
        struct error error = {.code = ERROR_NONE};
        scene->end = ends[i / 2];
        atomic_store(&scene->fatal, FATAL);
        CU_ASSERT_EQUAL(pool_map(pool, forks_items, 5, FORK_ITEMS, CHUNK, &error), -1);
        CU_ASSERT(error.code == ERROR_DIED && WTERMSIG(error.wait_status) == signals[i / 2]);
        expect_lost(pool, scene, 5, CHUNK, FATAL);
        forks_close(pool);
        scene_close(scene);
    }
}

/* Item by item, so that every one of them is the last of its chunk's rest. */
static int deadly_items(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                        size_t n)
{
    struct scene *scene = ctx;
    (void)in, (void)argument;
    for (size_t i = 0; i < n; i++) {
        item_begin(w, first + i);
        atomic_fetch_add(&scene->ran[first + i], 1);
        ((uint64_t *)out)[i] = first + i;
        if ((first + i) % 3 == 1)
            scene_end((first + i) % 2 ? END_KILL : scene->end);
    }
    return 0;
}

static void many_deaths_are_accounted(void)
{
    for (size_t v = 0; v < 2; v++)
        for (size_t chunk = 1; chunk <= FORK_ITEMS; chunk = chunk * 3 + 1) {
            struct scene *scene = scene_open();
            struct pool *pool = forks_started(scene, variants[v], (struct setup){.deaths = 1000, .workers = 3});
            struct error error = {.code = ERROR_NONE};
            scene->end = v ? END_PARENT : END_EXIT_0;
            CU_ASSERT_EQUAL(pool_map(pool, deadly_items, 0, FORK_ITEMS, chunk, &error), -1);
            CU_ASSERT_EQUAL(error.code, ERROR_DIED);
            for (uint64_t i = 0; i < FORK_ITEMS; i++) {
                bool done = pool_outcome(pool, i) == OUTCOME_DONE;
                CU_ASSERT(done || pool_outcome(pool, i) == OUTCOME_LOST);
                CU_ASSERT(i % 3 != 1 || !done);
                CU_ASSERT(chunk > 1 || done == (i % 3 != 1));
                CU_ASSERT_EQUAL(atomic_load(&scene->ran[i]), 1);
                CU_ASSERT(!done || ((uint64_t *)pool_out(pool))[i] == i);
            }
            CU_ASSERT_EQUAL(pool_replaced(pool), FORK_ITEMS / 3);
            expect_whole(pool, scene);
            forks_close(pool);
            scene_close(scene);
        }
}

/* What was done before the pool broke is there; of chunks of one item each death costs one. */
static void expect_broken_off(struct pool *pool, struct scene *scene, unsigned deaths)
{
    unsigned done = 0, lost = 0;
    for (uint64_t i = 0; i < FORK_ITEMS; i++) {
        enum outcome outcome = pool_outcome(pool, i);
        unsigned ran = atomic_load(&scene->ran[i]);
        CU_ASSERT(outcome == OUTCOME_DONE || outcome == OUTCOME_LOST || outcome == OUTCOME_CANCELLED);
        CU_ASSERT(ran == 1 || (ran == 0 && outcome == OUTCOME_CANCELLED));
        CU_ASSERT(outcome != OUTCOME_DONE || ((uint64_t *)pool_out(pool))[i] == i);
        done += outcome == OUTCOME_DONE;
        lost += outcome == OUTCOME_LOST;
    }
    CU_ASSERT_EQUAL(lost, deaths);
    CU_ASSERT(deaths < 5 || done > 0);
}

static void the_budget_holds(void)
{
    for (size_t v = 0; v < 2; v++)
        for (unsigned deaths = 0; deaths < 12; deaths += 1 + deaths) {
            struct scene *scene = scene_open();
            struct pool *pool = forks_started(scene, variants[v], (struct setup){.deaths = deaths});
            struct error error = {.code = ERROR_NONE};
            scene->end = END_KILL;
            CU_ASSERT_EQUAL(pool_map(pool, deadly_items, 0, FORK_ITEMS, 1, &error), -1);
            CU_ASSERT_EQUAL(error.code, ERROR_DIED);
            CU_ASSERT_EQUAL(error.wait_status, SIGKILL);
            CU_ASSERT_EQUAL(error.item % 3, 1);
            CU_ASSERT_EQUAL(pool_replaced(pool), deaths);
            expect_broken_off(pool, scene, deaths + 1);
            CU_ASSERT_EQUAL(pool_map(pool, forks_items, 0, FORK_ITEMS, 1, &error), -1);
            CU_ASSERT_EQUAL(error.code, ERROR_STATE);
            pool_free(pool, 1000000000, NULL);
            scene_close(scene);
        }
}

/* Wherever in its report the child dies, the results are whole or the items are lost. */
static void a_death_in_a_large_report(void)
{
    for (unsigned round = 0; round < 20; round++) {
        struct scene *scene = scene_open();
        struct pool *pool = forks_started(scene, variants[round % 2], (struct setup){.deaths = 9, .out_size = BIG / 4});
        struct error error = {.code = ERROR_NONE};
        scene->end = END_SPLIT;
        atomic_store(&scene->fatal, 4 * (round / 2) + 3);
        int result = pool_map(pool, forks_items, round, FORK_ITEMS, 4, &error);
        for (uint64_t i = 0; i < FORK_ITEMS; i++) {
            bool done = pool_outcome(pool, i) == OUTCOME_DONE;
            CU_ASSERT(done ? forks_right(pool, i, round) : result && i / 4 == round / 2);
            CU_ASSERT_EQUAL(atomic_load(&scene->ran[i]), 1);
        }
        expect_whole(pool, scene);
        forks_close(pool);
        scene_close(scene);
    }
}

static int grandchild(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                      size_t n)
{
    (void)w, (void)ctx, (void)in, (void)out, (void)n;
    if (first == argument && fork() == 0) {
        forks_rest(2000);
        _exit(0);
    }
    return 0;
}

/* A process that an item leaves behind holds all that the child had. */
static void a_grandchild_holds_nobody_up(void)
{
    for (size_t v = 0; v < 2; v++) {
        struct scene *scene = scene_open();
        struct pool *pool = forks_started(scene, variants[v], (struct setup){.deaths = 2});
        time_t before = time(NULL);
        CU_ASSERT_EQUAL(pool_map(pool, grandchild, 5, FORK_ITEMS, 1, NULL), 0);
        CU_ASSERT(time(NULL) - before < 2);
        forks_close(pool);
        scene_close(scene);
    }
    forks_rest(2100);
}

/* --- births ------------------------------------------------------------------------------------------------------ */

static int unborn(void *arg, uint32_t slot, struct error *error)
{
    (void)arg;
    return error_set(error, ERROR_FAILED, "slot %u was born on a Monday", slot);
}

/* Nobody is born any more: that ends. */
static void births_that_fail_end(void)
{
    for (size_t v = 0; v < 2; v++) {
        struct scene *scene = scene_open();
        struct setup setup = {.deaths = 5, .hooks.born = unborn};
        struct pool *pool = forks_started(scene, variants[v], setup);
        struct error error = {.code = ERROR_NONE};
        CU_ASSERT_EQUAL(pool_map(pool, forks_items, 0, FORK_ITEMS, 1, &error), -1);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "born on a Monday"));
        CU_ASSERT_EQUAL(pool_replaced(pool), 5);
        for (uint64_t i = 0; i < FORK_ITEMS; i++)
            CU_ASSERT_EQUAL(atomic_load(&scene->ran[i]), 0);
        pool_free(pool, 1000000000, NULL);
        scene_close(scene);
    }
}

static const struct test tests[] = {
    {"forks: a death costs its item and those before it in the chunk", a_death_costs_its_item, 0},
    {"forks: a lane that dies takes its child along, and no more", a_lane_takes_its_child_along, 0},
    {"forks: an item that leaves the process has died, even by _exit(0)", leaving_is_dying, 0},
    {"forks: a crash is a death", crashing_is_dying, 0},
    {"forks: many deaths, each item accounted for", many_deaths_are_accounted, 60},
    {"forks: deaths beyond the budget break the pool", the_budget_holds, 0},
    {"forks: a death in the middle of a large report", a_death_in_a_large_report, 60},
    {"forks: what an item leaves behind holds nobody up", a_grandchild_holds_nobody_up, 0},
    {"forks: applied items with large results", applied_come_back, 0},
    {"forks: applied items wait for a worker, beside a map", applied_wait_their_turn, 0},
    {"forks: an applied item that dies", applied_died_is_told, 0},
    {"forks: workers that cannot be born end within the budget", births_that_fail_end, 0},
    {"forks: steps beside applied items", applied_and_steps, 0},
    {"forks: terminate ends children, stubborn ones too", terminate_ends_all, 0},
    {"forks: children's adds to an array", array_merges, 0},
    {"forks: children set, pop and append", list_merges, 0},
    {"forks: a list without room takes nothing of a step", list_full_merges_none, 0},
    {"forks: children put into a dict and remove", dict_merges, 0},
    {"forks: a key put more than once takes one place", dict_counts_a_key_once, 0},
    {"forks: a full dict in which one key makes room for another", dict_full_merges, 0},
    {"forks: a step that died changes nothing, and the pool goes on", dead_step_merges_none, 0},
    {"forks: a step that failed says why, and the pool goes on", failed_step_goes_on, 0},
    {"forks: what it has no meaning for is refused", objects_lacking, 0},
    {"forks: a process's changes are merged when it has ended", process_merges_at_join, 0},
    {"forks: a process leaves much while nobody looks", process_leaves_much, 0},
    {"forks: a process that was killed leaves nothing", process_killed_leaves_none, 0},
    {"forks: what a process added may have no room", process_without_room, 0},
    {NULL, NULL, 0},
};

int main(int argc, char **argv)
{
    return frame_main(argc, argv, tests);
}
