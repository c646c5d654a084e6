/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * process_starts.c - a process that does nothing is started and joined, one after the other.
 *
 * It needs no pool, so the control alone measures it. Proof: every process ran, as each notes in shared memory, and
 * ended with the exit code that it was given. */
#include "bench/ipc/memory.h"
#include "bench/workload.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define CODES 100 /* exit codes that are given in turn */

struct process_run {
    uint64_t started, wrong, joined; /* since it began; since the last check; between the last two */
    _Atomic uint64_t *ran;           /* shared */
};

static uint64_t process_chunk_auto(const struct parameters *p)
{
    (void)p;
    return 1;
}

static void process_release(void *ctx)
{
    struct process_run *run = ctx;
    if (!run)
        return;
    memory_free(run->ran, sizeof *run->ran);
    free(run);
}

static int process_prepare(const struct parameters *p, struct setup *setup, struct error *error)
{
    struct process_run *run = calloc(1, sizeof *run);
    (void)p;
    if (!run)
        return error_system(error, "no memory for the workload");
    run->ran = memory_shared(sizeof *run->ran);
    if (!run->ran) {
        error_system(error, "no memory for the workload");
        process_release(run);
        return -1;
    }
    setup->ctx = run;
    return 0;
}

static int process_objects(struct pool *pool, struct error *error)
{
    (void)pool, (void)error;
    return 0;
}

static uint64_t process_grain(const void *ctx)
{
    (void)ctx;
    return 1;
}

static int nothing(struct worker *self, void *arg)
{
    struct process_run *run = arg;
    (void)self;
    atomic_fetch_add_explicit(run->ran, 1, memory_order_relaxed);
    return (int)(run->started % CODES);
}

static int start_and_join(struct process_run *run, struct error *error)
{
    struct process *process;
    int code = -1;
    run->started++;
    if (process_start(&process, NULL, nothing, run, error))
        return -1;
    int result = process_join(process, NEVER, &code, error);
    run->wrong += code != (int)(run->started % CODES);
    return process_free(process, result ? NULL : error) || result ? -1 : 0;
}

static int64_t process_step(struct worker *w, void *ctx, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (start_and_join(ctx, w->error))
            return -1;
    return (int64_t)n;
}

static int process_check(struct pool *pool, const uint64_t *done, struct proof *proof, struct error *error)
{
    struct process_run *run = pool_context(pool);
    uint64_t joined = done[pool_workers(pool)], ran = atomic_exchange(run->ran, 0);
    (void)error;
    run->joined = joined;
    *proof = (struct proof){.holds = ran == joined && run->wrong == 0};
    if (ran != joined) {
        proof->lost = ran < joined ? joined - ran : 0;
        snprintf(proof->text, sizeof proof->text, "%llu processes were joined and %llu of them ran",
                 (unsigned long long)joined, (unsigned long long)ran);
    } else if (run->wrong) {
        snprintf(proof->text, sizeof proof->text, "%llu of %llu processes ended with another's exit code",
                 (unsigned long long)run->wrong, (unsigned long long)joined);
    }
    run->wrong = 0;
    return 0;
}

/* The control has one worker. */
static void process_shares(const void *ctx, uint64_t *per_worker)
{
    per_worker[0] = ((const struct process_run *)ctx)->joined;
}

const struct workload workload_process = {
    .name = "process",
    .summary = "an empty process is started and joined, one after the other",
    .unit = "processes/s",
    .need = NEED_PROCESS,
    .from_parent = true,
    .unchunked = true,
    .timed = true,
    .chunk_auto = process_chunk_auto,
    .prepare = process_prepare,
    .objects = process_objects,
    .grain = process_grain,
    .step = process_step,
    .check = process_check,
    .shares = process_shares,
    .release = process_release,
};
