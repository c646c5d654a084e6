/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * pool_squares_gap.c - a pool of five squares a list of nine numbers; then one more is applied, the pool closed and
 * joined.
 *
 *     pool = Pool(5)
 *     print(pool.map(f, [1, 3, 4, 5, 6, 7, 8, 9, 10]))
 *     res = pool.apply_async(f, [10])
 *     pool.close()
 *     pool.join()
 *     print(res.get())
 *
 * After close() no more work is taken, and join() waits for what is in flight. The handle outlives it. */
#include "tests/introductions/introduction.h"

#include <string.h>

static int f(struct worker *self, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    const int32_t *x = in;
    int32_t *y = out;
    (void)self, (void)ctx, (void)argument, (void)first;
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * x[i];
    return 0;
}

int main(int argc, char **argv)
{
    static const int32_t numbers[] = {1, 3, 4, 5, 6, 7, 8, 9, 10};
    const struct strategy *strategy = strategy_named(argc, argv, "prefork-pipe");
    struct setup setup = {.workers = workers_of(strategy, 5),
                          .items = 9,
                          .in_size = sizeof(int32_t),
                          .out_size = sizeof(int32_t),
                          .window = 1};
    POOL_SCOPE struct pool *pool = NULL;
    must(pool_open(&pool, strategy, &setup, &error));
    must(pool_start(pool, &error));

    memcpy(pool_in(pool), numbers, sizeof numbers);
    must(pool_map(pool, f, 0, 9, 0, &error));
    print_integers(pool_out(pool), 9);

    struct apply ten = {.fn = f, .in = &numbers[8]};
    struct async *res;
    int32_t result;
    must(pool_apply_async(pool, &ten, NEVER, &res, &error));
    must(pool_close(pool, &error));
    must(pool_join(pool, NEVER, &error));
    must(async_get(res, NEVER, &result, &error));
    printf("%d\n", (int)result);
    async_free(res);
    return 0;
}
