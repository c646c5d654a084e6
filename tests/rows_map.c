/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rows_map.c - what a map promises: order, nothing in nothing out, sizes, use at the wrong time, and what it keeps. */
#include "tests/rows.h"

#include <CUnit/CUnit.h>

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WORD sizeof(uint64_t)

/* --- *10, *11: order, and nothing -------------------------------------------------------------------------------- */

static void map_order(const struct situation *c)
{
    struct setup setup = {.items = 1000, .in_size = WORD, .out_size = WORD, .workers = 3};
    struct pool *pool = row_start(c, &setup);
    if (!pool)
        return;
    const size_t p = pool_workers(pool), counts[] = {1, p > 1 ? p - 1 : 1, p, p + 1, 4 * p, 4 * p + 1, 10, 100, 1000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const size_t n = counts[i], chunks[] = {0, 7, 20, n, n + 1};
        for (size_t k = 0; k < sizeof chunks / sizeof *chunks; k++)
            expect_squares(c, pool, n, chunks[k]);
    }
    expect_squares(c, pool, 100, 1);
    row_free(c, pool);
}

static int never_called(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                        size_t n)
{
    (void)ctx, (void)argument, (void)in, (void)out, (void)n;
    item_failed(w, first, "there was nothing to do");
    return -1;
}

static void empty_input(const struct situation *c)
{
    struct error error = {.code = ERROR_NONE};
    struct setup setup = {.items = 10, .in_size = WORD, .out_size = WORD};
    struct pool *pool = row_start(c, &setup);
    if (!pool)
        return;
    for (size_t chunk = 0; chunk < 3; chunk++)
        EXPECT_DONE(c, pool_map(pool, never_called, 0, 0, chunk, &error), &error);
    expect_squares(c, pool, 10, 1);
    EXPECT_DONE(c, pool_map(pool, never_called, 0, 0, 1, &error), &error);
    row_free(c, pool);
}

/* --- *17, *19: sizes, and the wrong time ------------------------------------------------------------------------- */

static int note_pid(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    pid_t *pids = out;
    (void)w, (void)ctx, (void)argument, (void)in, (void)first;
    for (size_t i = 0; i < n; i++)
        pids[i] = getpid();
    row_rest(2 * MS);
    return 0;
}

static void expect_refused(const struct situation *c, struct setup setup)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = NULL;
    setup.variant = c->variant;
    EXPECT_FAILS(c, pool_open(&pool, c->strategy, &setup, &error), ERROR_USE, NULL, &error);
    EXPECT(c, pool == NULL);
}

static void sizes_validated(const struct situation *c)
{
    const unsigned workers = row_workers(c, 3);
    expect_refused(c, (struct setup){.workers = 0});
    expect_refused(c, (struct setup){.workers = (unsigned)-1});
    expect_refused(c, (struct setup){.workers = WORKERS_MAX + 1});
    expect_refused(c, (struct setup){.workers = 1, .items = 5, .in_size = 0, .out_size = 8});
    expect_refused(c, (struct setup){.workers = 1, .items = 5, .in_size = 8, .out_size = 0});
    expect_refused(c, (struct setup){.workers = 1, .processes = PROCESSES_MAX + 1});
    struct setup setup = {.items = 60, .in_size = 1, .out_size = sizeof(pid_t), .workers = 3};
    struct pool *pool = row_start(c, &setup);
    struct error error = {.code = ERROR_NONE};
    if (!pool)
        return;
    EXPECT(c, pool_workers(pool) == workers);
    for (unsigned i = 0; i < workers && pool_worker_pid(pool, 0); i++) {
        pid_t pid = pool_worker_pid(pool, i);
        EXPECT(c, pid > 0 && pid != getpid() && kill(pid, 0) == 0);
        for (unsigned k = 0; k < i; k++)
            EXPECT(c, pool_worker_pid(pool, k) != pid);
    }
    EXPECT(c, pool_worker_pid(pool, workers) == 0);
    EXPECT_DONE(c, pool_map(pool, note_pid, 0, 60, 1, &error), &error);
    const pid_t *pids = pool_out(pool);
    for (unsigned i = 0; i < 60; i++)
        EXPECT(c, (pids[i] == getpid()) == (c->strategy->role == ROLE_CONTROL_ONLY));
    EXPECT_FAILS(c, pool_map(pool, note_pid, 0, 61, 1, &error), ERROR_USE, "61", &error);
    row_free(c, pool);
}

static void expect_no_more_work(const struct situation *c, struct pool *pool)
{
    struct error error = {.code = ERROR_NONE};
    EXPECT_FAILS(c, pool_map(pool, squares, 0, 5, 1, &error), ERROR_STATE, NULL, &error);
    EXPECT_FAILS(c, pool_map(pool, squares, 0, 0, 1, &error), ERROR_STATE, NULL, &error);
    EXPECT_FAILS(c, pool_each(pool, NULL, &error), ERROR_STATE, NULL, &error);
    EXPECT_FAILS(c, pool_start(pool, &error), ERROR_STATE, NULL, &error);
    struct async *async = NULL;
    struct apply apply = {.fn = squares, .in = &(uint64_t){3}};
    EXPECT_FAILS(c, pool_apply_async(pool, &apply, 0, &async, &error), ERROR_STATE, NULL, &error);
    EXPECT(c, async == NULL);
}

static void use_after_end(const struct situation *c)
{
    struct error error = {.code = ERROR_NONE};
    struct setup setup = {.items = 10, .in_size = WORD, .out_size = WORD};
    for (int way = 0; way < 3; way++) {
        struct pool *pool = row_open(c, &setup, 1);
        EXPECT_FAILS(c, pool_map(pool, squares, 0, 1, 1, &error), ERROR_STATE, "not started", &error);
        if (!row_go(c, pool))
            return;
        EXPECT_FAILS(c, pool_join(pool, NEVER, &error), ERROR_STATE, NULL, &error);
        expect_squares(c, pool, 10, 1);
        if (way < 2) {
            EXPECT_DONE(c, pool_close(pool, &error), &error);
            EXPECT_DONE(c, pool_close(pool, &error), &error);
            expect_no_more_work(c, pool);
        }
        if (way > 0) {
            EXPECT_DONE(c, pool_terminate(pool, 1000 * MS, &error), &error);
            EXPECT_DONE(c, pool_terminate(pool, 1000 * MS, &error), &error);
            expect_no_more_work(c, pool);
        }
        EXPECT_DONE(c, pool_join(pool, 5000 * MS, &error), &error);
        EXPECT_DONE(c, pool_join(pool, 5000 * MS, &error), &error);
        EXPECT(c, row_children() == 0);
        expect_no_more_work(c, pool);
        row_free(c, pool);
    }
}

/* --- *20, *21, *23: what failed ---------------------------------------------------------------------------------- */

/* Items 13 and 57 fail, each with a text of its own. */
static int two_fail(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    squares(w, ctx, argument, in, out, first, n);
    for (uint64_t i = first; i < first + n; i++) {
        item_begin(w, i);
        if (i == 13 || i == 57)
            item_failed(w, i, "item %llu: no such thing as %llu%%", (unsigned long long)i,
                        (unsigned long long)argument);
    }
    return 0;
}

static void error_detail(const struct situation *c)
{
    struct setup setup = {.items = 100, .in_size = WORD, .out_size = WORD};
    for (unsigned workers = 1; workers <= 2; workers++) {
        setup.workers = workers;
        struct pool *pool = row_start(c, &setup);
        for (size_t chunk = 0; pool && chunk < 60; chunk += 7) {
            struct error error = {.code = ERROR_NONE};
            EXPECT_FAILS(c, pool_map(pool, two_fail, 101, 100, chunk, &error), ERROR_FAILED,
                         "item 13: no such thing as 101%", &error);
            EXPECT(c, error.item == 13);
            for (uint64_t i = 0; i < 100; i++)
                EXPECT(c, pool_outcome(pool, i) == (i == 13 || i == 57 ? OUTCOME_FAILED : OUTCOME_DONE));
            expect_squares(c, pool, 100, chunk);
        }
        row_free(c, pool);
    }
}

/* Every item fails with a text that is longer than what is kept. */
static int all_fail_at_length(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                              size_t n)
{
    static char text[1 << 20];
    (void)ctx, (void)argument, (void)in;
    memset(text, 'x', sizeof text - 1);
    for (uint64_t i = 0; i < n; i++) {
        ((uint64_t *)out)[i] = first + i;
        item_failed(w, first + i, "%04llu %s", (unsigned long long)(first + i), text);
    }
    return 0;
}

static void long_errors(const struct situation *c)
{
    struct error error = {.code = ERROR_NONE};
    struct setup setup = {.items = 64, .in_size = WORD, .out_size = WORD};
    struct pool *pool = row_start(c, &setup);
    if (!pool)
        return;
    memset(pool_out(pool), 0xff, 64 * WORD);
    EXPECT_FAILS(c, pool_map(pool, all_fail_at_length, 0, 64, 1, &error), ERROR_FAILED, "0000 xxxxxxxx", &error);
    EXPECT(c, error.item == 0 && strlen(error.text) == sizeof error.text - 1);
    for (uint64_t i = 0; i < 64; i++)
        EXPECT(c, pool_outcome(pool, i) == OUTCOME_FAILED && ((uint64_t *)pool_out(pool))[i] == i);
    EXPECT_DONE(c, pool_close(pool, &error), &error);
    EXPECT_DONE(c, pool_join(pool, 5000 * MS, &error), &error);
    row_free(c, pool);
}

#define CAP 100

/* A result of `in` bytes, where CAP are the most. */
static int some_do_not_fit(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                           size_t n)
{
    const uint64_t *sizes = in;
    (void)ctx, (void)argument;
    for (size_t i = 0; i < n; i++) {
        char *result = (char *)out + i * CAP;
        if (sizes[i] > CAP)
            item_failed(w, first + i, "a result of %llu bytes, where %d are the most", (unsigned long long)sizes[i],
                        CAP);
        else
            memset(result, (int)sizes[i], sizes[i]);
    }
    return 0;
}

static void results_over_the_cap(const struct situation *c)
{
    struct setup setup = {.items = 20, .in_size = WORD, .out_size = CAP};
    struct pool *pool = row_start(c, &setup);
    if (!pool)
        return;
    pid_t first = pool_worker_pid(pool, 0);
    for (uint64_t round = 0; round < 20; round++) {
        struct error error = {.code = ERROR_NONE};
        for (uint64_t i = 0; i < 20; i++)
            ((uint64_t *)pool_in(pool))[i] = i == round ? 4711 : CAP;
        EXPECT_FAILS(c, pool_map(pool, some_do_not_fit, 0, 20, 3, &error), ERROR_FAILED, "4711 bytes", &error);
        EXPECT(c, error.item == round);
        for (uint64_t i = 0; i < 20; i++)
            EXPECT(c, i == round ? pool_outcome(pool, i) == OUTCOME_FAILED
                                 : ((char *)pool_out(pool))[i * CAP + CAP - 1] == CAP);
    }
    EXPECT(c, pool_worker_pid(pool, 0) == first && pool_replaced(pool) == 0);
    row_free(c, pool);
}

/* --- *22: nothing is kept ---------------------------------------------------------------------------------------- */

struct kept {
    size_t heap, parent_kib, worker_kib;
    unsigned descriptors;
};

static struct kept kept_now(struct pool *pool)
{
    pid_t worker = pool_worker_pid(pool, 0);
    return (struct kept){.heap = mallinfo2().uordblks,
                         .parent_kib = row_resident_kib(getpid()),
                         .worker_kib = worker ? row_resident_kib(worker) : 0,
                         .descriptors = row_descriptors()};
}

static void nothing_retained(const struct situation *c)
{
    const unsigned maps = conformance_quick() ? 300 : 2000, warm = 50;
    struct setup setup = {.items = 16, .in_size = 4096, .out_size = 4096};
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = row_start(c, &setup);
    struct kept before = {0}, after;
    if (!pool)
        return;
    memset(pool_in(pool), 0, 16 * 4096);
    for (unsigned i = 0; i < maps; i++) {
        if (i == warm)
            before = kept_now(pool);
        if (!EXPECT_DONE(c, pool_map(pool, squares, 0, 16, 8, &error), &error))
            break;
    }
    after = kept_now(pool);
    EXPECT(c, before.parent_kib > 0);
    EXPECT(c, after.heap <= before.heap + 4096);
    EXPECT(c, after.parent_kib <= before.parent_kib + ROW_KEPT_KIB);
    EXPECT(c, after.worker_kib <= before.worker_kib + ROW_KEPT_KIB);
    EXPECT(c, after.descriptors == before.descriptors);
    row_free(c, pool);
}

const struct row rows_map[] = {
    {.name = "*10 map order and equality", .run = map_order, .uses = USES(NEED_MAP), .variants = true},
    {.name = "*11 empty input", .run = empty_input, .uses = USES(NEED_MAP), .variants = true},
    {.name = "*17 size validation", .run = sizes_validated, .uses = USES(NEED_MAP), .variants = true},
    {.name = "*19 use after end", .run = use_after_end, .uses = USES(NEED_MAP), .variants = true},
    {.name = "*20 remote error detail", .run = error_detail, .uses = USES(NEED_MAP), .variants = true},
    {.name = "*21 errors of the greatest length, no deadlock", .run = long_errors, .uses = USES(NEED_MAP)},
    {.name = "*22 no retention", .run = nothing_retained, .uses = USES(NEED_MAP)},
    {.name = "*23 results over the cap", .run = results_over_the_cap, .uses = USES(NEED_MAP)},
    {.name = NULL},
};
