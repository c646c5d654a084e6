/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * conformance_trouble.c - what goes wrong is told, at once and with its name, and nothing is left behind.
 *
 * An item or a step that fails; a worker, or the process that serves, killed in the middle of a call or between two; a
 * process that cannot be born; the death of the parent. The frame's gate sees to it that no process, descriptor or
 * mapping survives. */
#include "tests/conformance.h"

#include <CUnit/CUnit.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ITEMS     64
#define TOLD_NS   INT64_C(1000000000)
#define SHORT_NS  INT64_C(100000000)
#define BIG_GRAIN 1000000 /* more than is ever done */

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void rest(long ns)
{
    nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

/* A pool with items, started; its first error is in *error. */
static struct pool *trouble_open(const struct situation *c, struct stage *stage)
{
    struct error error = {.code = ERROR_NONE};
    struct setup setup = {.items = ITEMS, .in_size = c->payload, .out_size = c->payload, .ctx = stage};
    stage_share(stage, BIG_GRAIN, 1);
    struct pool *pool = situation_open(c, stage, &setup);
    if (pool && EXPECT_DONE(c, pool_start(pool, &error), &error))
        return pool;
    pool_free(pool, 0, NULL);
    return NULL;
}

/* A call that must fail, soon, with `words` in its text. */
static void expect_told(const struct situation *c, int result, const struct error *error, int64_t started,
                        enum error_code code, const char *words)
{
    EXPECT(c, result == -1);
    EXPECT(c, now_ns() - started < TOLD_NS);
    EXPECT(c, code == ERROR_NONE || error->code == code);
    if (!EXPECT(c, error->code != ERROR_NONE && strstr(error->text, words) != NULL))
        fprintf(stderr, "code %d, text '%s', wanted '%s'\n", (int)error->code, error->text, words);
}

static void trouble_close(const struct situation *c, struct pool *pool, struct stage *stage)
{
    struct error error = {.code = ERROR_NONE};
    int64_t started = now_ns();
    pool_free(pool, SHORT_NS, &error);
    EXPECT(c, now_ns() - started < TOLD_NS);
    stage_close(stage);
}

/* --- failures ---------------------------------------------------------------------------------------------------- */

static int failing_items(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                         size_t n)
{
    (void)w, (void)ctx, (void)in, (void)out;
    return first <= argument && argument < first + n ? -1 : 0;
}

void item_failure_told(const struct situation *c)
{
    struct error error = {.code = ERROR_NONE};
    struct stage *stage = stage_open(c->workers);
    struct pool *pool = trouble_open(c, stage);
    int64_t started = now_ns();
    if (!pool)
        return stage_close(stage);
    int result = pool_map(pool, failing_items, ITEMS / 2, ITEMS, c->chunk, &error);
    expect_told(c, result, &error, started, ERROR_NONE, "failed");
    trouble_close(c, pool, stage);
}

static int64_t failing_step(struct worker *w, void *ctx, size_t n)
{
    (void)ctx;
    return w->slot == pool_workers(w->pool) - 1 && w->done > 3 ? -1 : (int64_t)n;
}

void step_failure_told(const struct situation *c)
{
    struct error error = {.code = ERROR_NONE};
    struct stage *stage = stage_open(c->workers);
    struct pool *pool = trouble_open(c, stage);
    int64_t started = now_ns();
    if (!pool)
        return stage_close(stage);
    stage_share(stage, 40 * (size_t)c->workers, 1);
    int result = pool_each(pool, failing_step, &error);
    expect_told(c, result, &error, started, ERROR_NONE, "failed");
    trouble_close(c, pool, stage);
}

/* --- deaths ------------------------------------------------------------------------------------------------------ */

/* Item `argument` kills whom the stage names, or itself, while the others are at work. */
static int deadly_items(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                        size_t n)
{
    struct stage *stage = ctx;
    (void)w, (void)in, (void)out;
    rest(500000);
    if (first <= argument && argument < first + n) {
        pid_t victim = atomic_load(&stage->victim);
        kill(victim ? victim : getpid(), SIGKILL);
    }
    return 0;
}

void death_in_map_told(const struct situation *c)
{
    for (unsigned item = 0; item < ITEMS; item += ITEMS / 2) {
        struct error error = {.code = ERROR_NONE};
        struct stage *stage = stage_open(c->workers);
        struct pool *pool = trouble_open(c, stage);
        int64_t started = now_ns();
        if (!pool)
            return stage_close(stage);
        int result = pool_map(pool, deadly_items, item, ITEMS, c->chunk, &error);
        expect_told(c, result, &error, started, ERROR_DIED, "signal 9");
        trouble_close(c, pool, stage);
    }
}

/* In worker `round` after some steps; the others go on. */
static int64_t deadly_step(struct worker *w, void *ctx, size_t n)
{
    struct stage *stage = ctx;
    pid_t victim = atomic_load(&stage->victim);
    rest(200000);
    if (w->slot == stage->round && w->done > 10)
        kill(victim ? victim : getpid(), SIGKILL);
    return (int64_t)n;
}

void death_in_each_told(const struct situation *c)
{
    for (unsigned slot = 0; slot < c->workers; slot++) {
        struct error error = {.code = ERROR_NONE};
        struct stage *stage = stage_open(c->workers);
        stage->round = slot;
        struct pool *pool = trouble_open(c, stage);
        int64_t started = now_ns();
        if (!pool)
            return stage_close(stage);
        int result = pool_each(pool, deadly_step, &error);
        expect_told(c, result, &error, started, ERROR_DIED, "signal 9");
        trouble_close(c, pool, stage);
    }
}

void death_between_calls_told(const struct situation *c)
{
    struct error error = {.code = ERROR_NONE};
    struct stage *stage = stage_open(c->workers);
    struct pool *pool = trouble_open(c, stage);
    if (!pool)
        return stage_close(stage);
    EXPECT_DONE(c, pool_map(pool, failing_items, UINT64_MAX, ITEMS, c->chunk, &error), &error);
    /* where every chunk forks nobody stands between two calls, and the last pid may be somebody else's by now */
    pid_t victim = atomic_load(&stage->actors[c->workers - 1].pid);
    siginfo_t info;
    if (waitid(P_PID, (id_t)victim, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
        EXPECT(c, kill(victim, SIGKILL) == 0 && waitid(P_PID, (id_t)victim, &info, WEXITED | WNOWAIT) == 0);
        int64_t started = now_ns();
        int result = pool_map(pool, failing_items, UINT64_MAX, ITEMS, c->chunk, &error);
        expect_told(c, result, &error, started, ERROR_DIED, "signal 9");
    } else {
        EXPECT(c, errno == ECHILD);
    }
    trouble_close(c, pool, stage);
}

/* Where another process serves the workers. */
void service_death_told(const struct situation *c)
{
    struct error error = {.code = ERROR_NONE};
    for (int in_each = 0; in_each < 2; in_each++) {
        struct stage *stage = stage_open(c->workers);
        struct pool *pool = trouble_open(c, stage);
        if (!pool)
            return stage_close(stage);
        if (pool_service(pool) != getpid()) {
            int64_t started = now_ns();
            atomic_store(&stage->victim, pool_service(pool));
            int result = in_each ? pool_each(pool, deadly_step, &error)
                                 : pool_map(pool, deadly_items, ITEMS / 2, ITEMS, c->chunk, &error);
            expect_told(c, result, &error, started, ERROR_DIED, "signal 9");
        }
        trouble_close(c, pool, stage);
    }
}

/* --- births ------------------------------------------------------------------------------------------------------ */

static int64_t idle_step(struct worker *w, void *ctx, size_t n)
{
    (void)w, (void)ctx;
    rest(1000000);
    return (int64_t)n;
}

static void birth_failure_of(const struct situation *c, uint32_t slot)
{
    struct error error = {.code = ERROR_NONE};
    struct stage *stage = stage_open(c->workers);
    struct setup setup = {.items = ITEMS, .in_size = c->payload, .out_size = c->payload, .ctx = stage};
    stage_share(stage, BIG_GRAIN, 1);
    stage->unborn = slot;
    struct pool *pool = situation_open(c, stage, &setup);
    if (!pool)
        return stage_close(stage);
    int64_t started = now_ns();
    int result = pool_start(pool, &error);
    if (result == 0)
        result = pool_map(pool, failing_items, UINT64_MAX, ITEMS, c->chunk, &error);
    expect_told(c, result, &error, started, ERROR_NONE, "born on a Monday");
    trouble_close(c, pool, stage);
}

static bool has_service(const struct situation *c)
{
    struct stage *stage = stage_open(c->workers);
    struct pool *pool = trouble_open(c, stage);
    bool has = pool && pool_service(pool) != getpid();
    trouble_close(c, pool, stage);
    return has;
}

void birth_failure_told(const struct situation *c)
{
    birth_failure_of(c, 0);
    birth_failure_of(c, c->workers - 1);
    if (has_service(c))
        birth_failure_of(c, SLOT_SERVICE);
}

/* --- the parent's death ------------------------------------------------------------------------------------------ */

static void be_parent(const struct situation *c, struct stage *stage)
{
    struct error error = {.code = ERROR_NONE};
    struct setup setup = {.workers = c->workers, .variant = c->variant, .ctx = stage, .hooks = stage_hooks(stage)};
    struct pool *pool;
    stage_share(stage, BIG_GRAIN, 1);
    if (pool_open(&pool, c->strategy, &setup, &error) || pool_start(pool, &error))
        _exit(1);
    pool_each(pool, idle_step, &error);
    _exit(2);
}

static bool all_born(const struct stage *stage)
{
    for (unsigned i = 0; i < stage->workers; i++)
        if (atomic_load(&stage->actors[i].pid) == 0 || stage->actors[i].done == 0)
            return false;
    return true;
}

static unsigned alive(const struct stage *stage)
{
    pid_t service = atomic_load(&stage->service);
    unsigned count = service > 0 && kill(service, 0) == 0;
    for (unsigned i = 0; i < stage->workers; i++)
        count += kill(atomic_load(&stage->actors[i].pid), 0) == 0;
    return count;
}

void parent_death_ends_all(const struct situation *c)
{
    struct stage *stage = stage_open(c->workers);
    pid_t parent = fork();
    if (parent == 0)
        be_parent(c, stage);
    CU_ASSERT_FATAL(parent > 0);
    for (int64_t until = now_ns() + 5 * TOLD_NS; !all_born(stage) && now_ns() < until;)
        rest(1000000);
    EXPECT(c, all_born(stage));
    kill(parent, SIGKILL);
    EXPECT(c, waitpid(parent, NULL, 0) == parent);
    for (int64_t until = now_ns() + TOLD_NS; alive(stage) > 0 && now_ns() < until;)
        rest(1000000);
    EXPECT(c, alive(stage) == 0);
    stage_close(stage);
}
