/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * pooled.c - pools on every strategy that can apply items, and items that do little. */
#include "tests/pooled.h"

#include <CUnit/CUnit.h>

#include <poll.h>
#include <stdio.h>

void on_every_pool(void (*run)(const struct strategy *))
{
    unsigned ran = 0;
    for (const struct strategy *const *s = strategies; *s; s++) {
        if (!(*s)->post || (*s)->variants[0].lacks[NEED_ASYNC])
            continue;
        fprintf(stderr, "on %s\n", (*s)->name);
        run(*s);
        ran++;
    }
    CU_ASSERT(ran > 0);
}

bool runs_here(const struct strategy *strategy)
{
    return strategy->role == ROLE_CONTROL_ONLY;
}

struct pool *pool_on(const struct strategy *strategy, size_t items, unsigned window)
{
    struct pool *pool = NULL;
    struct error error = {.code = ERROR_NONE};
    const struct setup setup = {
        .workers = strategy->workers_most == 1 ? 1 : 2,
        .items = items,
        .in_size = sizeof(int64_t),
        .out_size = sizeof(int64_t),
        .window = window,
    };
    if (pool_open(&pool, strategy, &setup, &error) || pool_start(pool, &error))
        fprintf(stderr, "%s\n", error.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
    CU_ASSERT_EQUAL_FATAL(error.code, ERROR_NONE);
    return pool;
}

void pool_gone(struct pool *pool)
{
    struct error error = {.code = ERROR_NONE};
    CU_ASSERT_EQUAL(pool_free(pool, GRACE_NS, &error), 0);
    if (error.code)
        fprintf(stderr, "%s\n", error.text);
}

struct async *applied(struct pool *pool, items_fn *fn, int64_t number)
{
    struct async *async = NULL;
    struct error error = {.code = ERROR_NONE};
    const struct apply apply = {.fn = fn, .argument = 0, .in = &number};
    if (pool_apply_async(pool, &apply, GRACE_NS, &async, &error))
        fprintf(stderr, "%s\n", error.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(async);
    return async;
}

int64_t result_of(struct async *async)
{
    int64_t result = -1;
    struct error error = {.code = ERROR_NONE};
    CU_ASSERT_EQUAL(async_get(async, GRACE_NS, &result, &error), 0);
    if (error.code)
        fprintf(stderr, "%s\n", error.text);
    async_free(async);
    return result;
}

int square(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    const int64_t *numbers = in;
    int64_t *results = out;
    (void)w, (void)ctx, (void)first;
    for (size_t i = 0; i < n; i++)
        results[i] = numbers[i] * numbers[i] + (int64_t)argument;
    return 0;
}

int rest(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    (void)w, (void)ctx, (void)argument, (void)first, (void)n;
    poll(NULL, 0, (int)*(const int64_t *)in);
    *(int64_t *)out = *(const int64_t *)in;
    return 0;
}

int fail_saying(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    (void)ctx, (void)argument, (void)out, (void)n;
    /* a number that no item here has does not lead astray */
    item_failed(w, *(const int64_t *)in < 0 ? UINT64_MAX - 1 : first, "no root of %d", (int)*(const int64_t *)in);
    return 0;
}

int fail_silently(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    (void)w, (void)ctx, (void)argument, (void)in, (void)out, (void)first, (void)n;
    return -1;
}
