/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_stream.c - streams on every strategy that can apply items: in order and unordered, empty and long, held back by
 * the window, and ended by whoever makes, works or takes; after each the pool is as good as before. */
#include "tests/frame.h"
#include "tests/pooled.h"

#include <CUnit/CUnit.h>

#include <stdio.h>
#include <string.h>

#define WINDOW 8
#define MOST   1000
#define NONE   UINT64_MAX

/* What makes and takes, and when it fails. */
struct line {
    uint64_t n, made, taken, ahead; /* ahead: the most that was made and not taken */
    uint64_t bad_make, bad_take;
    bool silent;       /* it says not why */
    struct pool *ends; /* when it fails, this is terminated instead */
    bool seen[MOST];
};

static int make(void *arg, uint64_t index, void *in, struct error *error)
{
    struct line *l = arg;
    CU_ASSERT_EQUAL(index, l->made);
    if (index == l->bad_make)
        return l->silent ? -1 : error_set(error, ERROR_USE, "nothing to make %d of", (int)index);
    if (index == l->n)
        return 0;
    *(int64_t *)in = (int64_t)index;
    l->made++;
    l->ahead = l->made - l->taken > l->ahead ? l->made - l->taken : l->ahead;
    return 1;
}

static int take(void *arg, uint64_t index, const void *out, struct error *error)
{
    struct line *l = arg;
    CU_ASSERT_FATAL(index < MOST && !l->seen[index]);
    CU_ASSERT_EQUAL(*(const int64_t *)out, (int64_t)(index * index) + 5);
    l->seen[index] = true;
    l->taken++;
    if (index != l->bad_take)
        return 0;
    if (l->ends)
        return pool_terminate(l->ends, GRACE_NS, NULL);
    return l->silent ? -1 : error_set(error, ERROR_USE, "nowhere to put %d", (int)index);
}

static int take_in_order(void *arg, uint64_t index, const void *out, struct error *error)
{
    CU_ASSERT_EQUAL(index, ((struct line *)arg)->taken);
    return take(arg, index, out, error);
}

static struct line line_of(uint64_t n)
{
    return (struct line){.n = n, .bad_make = NONE, .bad_take = NONE};
}

static int stream(struct pool *pool, struct line *l, items_fn *fn, bool unordered, struct error *error)
{
    const struct stream s = {.fn = fn,
                             .argument = 5,
                             .make = make,
                             .take = unordered ? take : take_in_order,
                             .arg = l,
                             .unordered = unordered};
    return pool_stream(pool, &s, error);
}

static void expect_good(struct pool *pool)
{
    struct line l = line_of(20);
    CU_ASSERT_EQUAL(stream(pool, &l, square, false, NULL), 0);
    CU_ASSERT_EQUAL(l.taken, 20);
    CU_ASSERT_EQUAL(result_of(applied(pool, square, 7)), 49);
}

/* --- to its end -------------------------------------------------------------------------------------------------- */

static void whole_on(const struct strategy *s)
{
    const uint64_t sizes[] = {0, 1, 10, WINDOW, MOST};
    struct pool *pool = pool_on(s, 0, WINDOW);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int unordered = 0; unordered < 2; unordered++) {
            struct line l = line_of(sizes[i]);
            struct error error = {.code = ERROR_NONE};
            CU_ASSERT_EQUAL(stream(pool, &l, square, unordered, &error), 0);
            CU_ASSERT_EQUAL(l.made, sizes[i]);
            CU_ASSERT_EQUAL(l.taken, sizes[i]);
            CU_ASSERT(l.ahead <= WINDOW);
        }
    expect_good(pool);
    pool_gone(pool);
}

static void whole(void)
{
    on_every_pool(whole_on);
}

/* Other applied items take their places of the window, and are over when they are. */
static void among_others_on(const struct strategy *s)
{
    struct pool *pool = pool_on(s, 0, 4);
    struct async *others[] = {applied(pool, rest, 50), applied(pool, rest, 1), applied(pool, rest, 20)};
    struct line l = line_of(100);
    CU_ASSERT_EQUAL(stream(pool, &l, square, false, NULL), 0);
    CU_ASSERT_EQUAL(l.taken, 100);
    CU_ASSERT_EQUAL(result_of(others[0]), 50);
    CU_ASSERT_EQUAL(result_of(others[1]), 1);
    CU_ASSERT_EQUAL(result_of(others[2]), 20);
    pool_gone(pool);
}

static void among_others(void)
{
    on_every_pool(among_others_on);
}

/* --- ended early ------------------------------------------------------------------------------------------------- */

static void made_badly_on(const struct strategy *s)
{
    struct pool *pool = pool_on(s, 0, WINDOW);
    const uint64_t at[] = {0, 3, 100};
    for (size_t i = 0; i < 3; i++)
        for (int unordered = 0; unordered < 2; unordered++) {
            struct line l = line_of(MOST);
            struct error error = {.code = ERROR_NONE};
            l.bad_make = at[i];
            l.silent = i == 1;
            expect_code(stream(pool, &l, square, unordered, &error), &error, l.silent ? ERROR_FAILED : ERROR_USE);
            CU_ASSERT_EQUAL(error.item, at[i]);
            CU_ASSERT_PTR_NOT_NULL(strstr(error.text, l.silent ? "made" : "nothing to make"));
            CU_ASSERT_EQUAL(l.made, at[i]);
            CU_ASSERT_EQUAL(l.taken, at[i]);
            expect_good(pool);
        }
    pool_gone(pool);
}

static void made_badly(void)
{
    on_every_pool(made_badly_on);
}

static void taken_badly_on(const struct strategy *s)
{
    struct pool *pool = pool_on(s, 0, WINDOW);
    const uint64_t at[] = {0, 3, 100};
    for (size_t i = 0; i < 3; i++)
        for (int unordered = 0; unordered < 2; unordered++) {
            struct line l = line_of(MOST);
            struct error error = {.code = ERROR_NONE};
            l.bad_take = at[i];
            l.silent = i == 1;
            expect_code(stream(pool, &l, square, unordered, &error), &error, l.silent ? ERROR_FAILED : ERROR_USE);
            CU_ASSERT_EQUAL(error.item, at[i]);
            CU_ASSERT(unordered || l.taken == at[i] + 1);
            CU_ASSERT(l.made <= l.taken + WINDOW);
            expect_good(pool);
        }
    pool_gone(pool);
}

static void taken_badly(void)
{
    on_every_pool(taken_badly_on);
}

static int square_but_some(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                           size_t n)
{
    if (*(const int64_t *)in >= 6 && *(const int64_t *)in % 3 == 0)
        item_failed(w, first, "%d is a multiple of three", (int)*(const int64_t *)in);
    return square(w, ctx, argument, in, out, first, n);
}

static void worked_badly_on(const struct strategy *s)
{
    struct pool *pool = pool_on(s, 0, WINDOW);
    for (int unordered = 0; unordered < 2; unordered++) {
        struct line l = line_of(MOST);
        struct error error = {.code = ERROR_NONE};
        /* what was applied before moves the items' own numbers: the stream's are told */
        expect_good(pool);
        expect_code(stream(pool, &l, square_but_some, unordered, &error), &error, ERROR_FAILED);
        CU_ASSERT(unordered || error.item == 6);
        CU_ASSERT(error.item >= 6 && error.item % 3 == 0);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "is a multiple of three"));
        CU_ASSERT(unordered || l.taken == 6);
        CU_ASSERT(l.made < MOST);
        expect_good(pool);
    }
    pool_gone(pool);
}

static void worked_badly(void)
{
    on_every_pool(worked_badly_on);
}

static void ended_by_taker_on(const struct strategy *s)
{
    for (int unordered = 0; unordered < 2; unordered++) {
        struct pool *pool = pool_on(s, 0, WINDOW);
        struct line l = line_of(MOST);
        struct error error = {.code = ERROR_NONE};
        l.bad_take = 3;
        l.ends = pool;
        CU_ASSERT_EQUAL(stream(pool, &l, square, unordered, &error), -1);
        CU_ASSERT(error.code == ERROR_CANCELLED || error.code == ERROR_STATE);
        CU_ASSERT(l.made <= l.taken + WINDOW);
        pool_gone(pool);
    }
}

static void ended_by_taker(void)
{
    on_every_pool(ended_by_taker_on);
}

static void not_for_it_on(const struct strategy *s)
{
    struct pool *pool = pool_on(s, 8, 0);
    struct line l = line_of(3);
    struct error error = {.code = ERROR_NONE};
    expect_code(stream(pool, &l, square, false, &error), &error, ERROR_USE);
    CU_ASSERT_EQUAL(l.made, 0);
    pool_gone(pool);
}

static void not_for_it(void)
{
    on_every_pool(not_for_it_on);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "stream: *16 whole, in order and unordered", .run = whole},
        {.name = "stream: beside other applied items", .run = among_others},
        {.name = "stream: *15 ended by who makes, what was made is taken", .run = made_badly},
        {.name = "stream: ended by who takes", .run = taken_badly},
        {.name = "stream: ended by an item", .run = worked_badly},
        {.name = "stream: its taker terminates the pool", .run = ended_by_taker},
        {.name = "stream: of a pool without a window", .run = not_for_it},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
