/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * raw_adds.c - the raw operations without a partner: fetch_add on one line and on own lines, an add under a robust
 * mutex, and fork with its wait. Workloads of the strategy `limits`. */
#include "bench/ipc/child.h"
#include "bench/workloads/raw.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BATCH 64 /* operations of a grain, where one is too short to count */

static size_t shared_bytes(const struct raw_run *run)
{
    return sizeof *run->shared + run->workers * sizeof run->shared->line[0];
}

uint64_t raw_chunk_auto(const struct parameters *p)
{
    (void)p;
    return 1;
}

int raw_objects(struct pool *pool, struct error *error)
{
    (void)pool, (void)error;
    return 0;
}

void raw_release(void *ctx)
{
    struct raw_run *run = ctx;
    if (!run)
        return;
    for (size_t i = 0; run->ends && i < run->workers; i++)
        for (int end = 0; end < 2; end++)
            if (run->ends[i][end] >= 0)
                close(run->ends[i][end]);
    free(run->ends);
    memory_free(run->shared, shared_bytes(run));
    free(run);
}

static int robust_mutex(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t a;
    if (pthread_mutexattr_init(&a))
        return -1;
    int bad = pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED) ||
              pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST) || pthread_mutex_init(mutex, &a);
    pthread_mutexattr_destroy(&a);
    return bad ? -1 : 0;
}

int raw_prepare(const struct parameters *p, struct setup *setup, struct error *error)
{
    struct raw_run *run = calloc(1, sizeof *run);
    if (!run)
        return error_system(error, "no memory for the workload");
    run->workers = p->workers;
    run->shared = memory_shared(shared_bytes(run));
    if (!run->shared || robust_mutex(&run->shared->mutex)) {
        error_set(error, ERROR_SYSTEM, "no shared memory or no robust mutex for the workload");
        raw_release(run);
        return -1;
    }
    setup->ctx = run;
    return 0;
}

static uint64_t grain_batch(const void *ctx)
{
    (void)ctx;
    return BATCH;
}

static uint64_t grain_one(const void *ctx)
{
    (void)ctx;
    return 1;
}

static int64_t step_fetch_add(struct worker *w, void *ctx, size_t n)
{
    struct raw_run *run = ctx;
    (void)w;
    for (size_t i = 0; i < n * BATCH; i++)
        atomic_fetch_add(&run->shared->same, 1);
    return (int64_t)n;
}

static int64_t step_fetch_add_own(struct worker *w, void *ctx, size_t n)
{
    struct raw_run *run = ctx;
    for (size_t i = 0; i < n * BATCH; i++)
        atomic_fetch_add(&run->shared->line[w->slot].value, 1);
    return (int64_t)n;
}

static int64_t step_mutex_add(struct worker *w, void *ctx, size_t n)
{
    struct raw_run *run = ctx;
    (void)w;
    for (size_t i = 0; i < n * BATCH; i++) {
        if (pthread_mutex_lock(&run->shared->mutex))
            return -1;
        run->shared->guarded++;
        pthread_mutex_unlock(&run->shared->mutex);
    }
    return (int64_t)n;
}

static int check_adds(struct pool *pool, const uint64_t *done, struct proof *proof, struct error *error)
{
    struct raw_run *run = pool_context(pool);
    uint64_t wanted = 0, found = atomic_exchange(&run->shared->same, 0) + run->shared->guarded;
    (void)error;
    run->shared->guarded = 0;
    for (size_t i = 0; i < run->workers; i++) {
        wanted += done[i] * BATCH;
        found += atomic_exchange(&run->shared->line[i].value, 0);
    }
    *proof = (struct proof){.holds = found == wanted, .lost = found < wanted ? wanted - found : 0};
    if (!proof->holds)
        snprintf(proof->text, sizeof proof->text, "%llu adds were made, %llu are there", (unsigned long long)wanted,
                 (unsigned long long)found);
    return 0;
}

/* A child that did not leave with 0 fails the step, so there is nothing else to prove. */
static int64_t step_fork_wait(struct worker *w, void *ctx, size_t n)
{
    (void)ctx;
    for (size_t i = 0; i < n; i++)
        if (child_empty(w->error))
            return -1;
    return (int64_t)n;
}

static int check_forks(struct pool *pool, const uint64_t *done, struct proof *proof, struct error *error)
{
    (void)pool, (void)done, (void)error;
    *proof = (struct proof){.holds = true};
    return 0;
}

const struct workload workload_raw_fetch_add = {
    RAW_WORKLOAD,           .name = "fetch-add",    .summary = "fetch_add, all workers on one cache line",
    .unit = "adds/s",       .prepare = raw_prepare, .grain = grain_batch,
    .step = step_fetch_add, .check = check_adds,
};

const struct workload workload_raw_fetch_add_own = {
    RAW_WORKLOAD,
    .name = "fetch-add-own",
    .summary = "fetch_add, each worker on a line of its own",
    .unit = "adds/s",
    .prepare = raw_prepare,
    .grain = grain_batch,
    .step = step_fetch_add_own,
    .check = check_adds,
};

const struct workload workload_raw_mutex_add = {
    RAW_WORKLOAD,           .name = "mutex-add",    .summary = "an add under a robust mutex that processes share",
    .unit = "adds/s",       .prepare = raw_prepare, .grain = grain_batch,
    .step = step_mutex_add, .check = check_adds,
};

const struct workload workload_raw_fork_wait = {
    RAW_WORKLOAD,           .name = "fork-wait",    .summary = "fork, _exit, waitpid, one at a time in each worker",
    .unit = "processes/s",  .prepare = raw_prepare, .grain = grain_one,
    .step = step_fork_wait, .check = check_forks,
};
