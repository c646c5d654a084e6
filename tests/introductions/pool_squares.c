/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * pool_squares.c - a pool of four workers squares the numbers from 0 to 9.
 *
 *     with Pool(processes=4) as pool:
 *         print(pool.map(f, range(10)))
 *
 * The results come in the order of the items, whoever computed them. */
#include "tests/introductions/introduction.h"

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
    const struct strategy *strategy = strategy_named(argc, argv, "prefork-pipe");
    struct setup setup = {
        .workers = workers_of(strategy, 4), .items = 10, .in_size = sizeof(int32_t), .out_size = sizeof(int32_t)};
    POOL_SCOPE struct pool *pool = NULL;
    must(pool_open(&pool, strategy, &setup, &error));
    must(pool_start(pool, &error));

    int32_t *x = pool_in(pool);
    for (int32_t i = 0; i < 10; i++)
        x[i] = i;
    must(pool_map(pool, f, 0, 10, 0, &error));
    print_integers(pool_out(pool), 10);
    return 0;
}
