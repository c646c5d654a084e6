/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * value_array.c - a Value and an Array in shared memory, which a child changes and its parent sees changed.
 *
 *     num = Value('d', 0.0)
 *     arr = Array('i', range(10))
 *     p = Process(target=f, args=(num, arr)); p.start(); p.join()
 *     print(num.value); print(arr[:])
 *
 * A Value is an Array of one. Their type is fixed; an index that is not there is refused. */
#include "tests/introductions/introduction.h"

struct shared {
    struct object *num, *arr;
};

static int f(struct worker *self, void *arg)
{
    const struct shared *shared = arg;
    bool done = element_set(self, shared->num, 0, &(double){3.14}, 1) == 1 &&
                element_set(self, shared->arr, 0, &(int32_t){5}, 1) == 1;
    return done ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const int32_t range[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct setup setup = {.workers = 1, .processes = 1};
    POOL_SCOPE struct pool *pool = NULL;
    must(pool_open(&pool, strategy_named(argc, argv, "shared-memory"), &setup, &error));
    struct shared shared = {
        .num = value_new(pool, TYPE_F64, &(double){0.0}, &error),
        .arr = array_new(pool, TYPE_I32, 0, 10, range, &error),
    };
    must(shared.num && shared.arr ? 0 : -1);
    must(pool_start(pool, &error));

    struct process *p;
    must(process_start(&p, pool, f, &shared, &error));
    must(process_join(p, NEVER, NULL, &error));
    must(process_free(p, &error));

    double num = 0;
    int32_t arr[10] = {0};
    element_get(pool_parent(pool), shared.num, 0, &num, 1);
    object_read(pool_parent(pool), shared.arr, arr, sizeof arr);
    printf("%g\n", num);
    print_integers(arr, 10);
    return 0;
}
