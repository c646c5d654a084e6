/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * hello_processes.c - five processes, each of which prints its number.
 *
 *     jobs = [Process(target=worker, args=(i,)) for i in range(5)]
 *     for job in jobs: job.start()
 *     for job in jobs: job.join()
 *
 * A process needs no pool. With the name of a strategy they join one, as they must to use its objects. */
#include "tests/introductions/introduction.h"

static int worker(struct worker *self, void *arg)
{
    const int *number = arg;
    (void)self;
    printf("Worker: %d\n", *number);
    return 0;
}

int main(int argc, char **argv)
{
    struct process *jobs[5];
    int numbers[5];
    POOL_SCOPE struct pool *pool = NULL;
    if (argc > 1) {
        struct setup setup = {.workers = 1, .processes = 5};
        must(pool_open(&pool, strategy_named(argc, argv, NULL), &setup, &error));
        must(pool_start(pool, &error));
    }
    for (int i = 0; i < 5; i++) {
        numbers[i] = i;
        must(process_start(&jobs[i], pool, worker, &numbers[i], &error));
    }
    for (int i = 0; i < 5; i++) {
        must(process_join(jobs[i], NEVER, NULL, &error));
        must(process_free(jobs[i], &error));
    }
    return 0;
}
