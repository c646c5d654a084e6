/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_list.c - five processes append their number to one list.
 *
 *     shared = Manager().list()
 *     jobs = [Process(target=worker, args=(i, shared)) for i in range(5)]
 *     ...
 *     print(shared)
 *
 * Objects are made before the pool starts, so that all its processes know them. Who appends first is not said, so the
 * list is sorted before it is printed. */
#include "tests/introductions/introduction.h"

static struct object *shared;

static int worker(struct worker *self, void *arg)
{
    const int32_t *number = arg;
    return list_append(self, shared, number, 1) == 1 ? 0 : 1;
}

static int by_size(const void *a, const void *b)
{
    return *(const int32_t *)a - *(const int32_t *)b;
}

int main(int argc, char **argv)
{
    struct setup setup = {.workers = 1, .processes = 5};
    struct process *jobs[5];
    int32_t numbers[5], found[5] = {0};
    POOL_SCOPE struct pool *pool = NULL;
    must(pool_open(&pool, strategy_named(argc, argv, "manager-socket"), &setup, &error));
    shared = list_new(pool, sizeof(int32_t), 100, &error);
    must(shared ? 0 : -1);
    must(pool_start(pool, &error));

    for (int i = 0; i < 5; i++) {
        numbers[i] = i;
        must(process_start(&jobs[i], pool, worker, &numbers[i], &error));
    }
    for (int i = 0; i < 5; i++) {
        must(process_join(jobs[i], NEVER, NULL, &error));
        must(process_free(jobs[i], &error));
    }
    size_t n = (size_t)object_read(pool_parent(pool), shared, found, sizeof found) / sizeof *found;
    qsort(found, n, sizeof *found, by_size);
    print_integers(found, n);
    return 0;
}
