/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fork_apply.c - applied items: a child each, forked at once where a worker's slot is free, else when one becomes so.
 *
 * Nothing is recycled here, whatever setup.recycle says, and pool_recycled() stays 0: no child ever runs two items. */
#include "bench/ipc/memory.h"
#include "bench/ipc/task.h"
#include "bench/strategies/fork_pool.h"

#include <time.h>

#define RESULT_ON_STACK 2048

static struct fork_queue *queue_of(struct pool *pool)
{
    return &((struct fork_pool *)pool->state)->queue;
}

static int apply_child(struct worker *self, void *arg)
{
    const struct fork_job *job = arg;
    struct pool *pool = self->pool;
    unsigned char small[RESULT_ON_STACK] __attribute__((aligned(16)));
    size_t bytes = pool->setup.out_size;
    unsigned char *out = bytes <= sizeof small ? small : memory_private(bytes);
    if (!out)
        return 1;
    bool failed = posting_run(self, job->ticket, task_input(pool, job->ticket), out);
    return fork_report(job, &(struct report){.bytes = failed ? 0 : bytes, .failed = failed}, out);
}

/* --- forking ----------------------------------------------------------------------------------------------------- */

static int launch(struct pool *pool, struct fork_slot *slot, unsigned ticket, struct error *error)
{
    slot->work = FORK_APPLIED;
    slot->ticket = ticket;
    slot->result = task_output(pool, ticket);
    slot->result_bytes = pool->setup.out_size;
    return fork_slot_launch(slot, pool, apply_child, error);
}

static struct fork_slot *idle_slot(struct fork_slots *slots)
{
    for (unsigned i = 0; i < slots->count; i++)
        if (fork_slot_idle(&slots->slot[i]))
            return &slots->slot[i];
    return NULL;
}

int fork_post(struct pool *pool, unsigned ticket, struct error *error)
{
    struct fork_pool *forks = pool->state;
    struct fork_queue *queue = &forks->queue;
    struct fork_slot *slot = queue->held || queue->count > 0 ? NULL : idle_slot(&forks->slots);
    if (slot)
        return launch(pool, slot, ticket, error);
    queue->tickets[(queue->from + queue->count++) % pool->setup.window] = ticket;
    return 0;
}

int fork_apply_next(struct pool *pool, struct fork_slot *slot, struct error *error)
{
    struct fork_queue *queue = queue_of(pool);
    if (queue->held || queue->count == 0)
        return 0;
    unsigned ticket = queue->tickets[queue->from];
    queue->from = (queue->from + 1) % pool->setup.window;
    queue->count--;
    return launch(pool, slot, ticket, error) ? -1 : 1;
}

/* One whose child died before it had begun is the next one. */
static void put_back(struct pool *pool, unsigned ticket)
{
    struct fork_queue *queue = queue_of(pool);
    queue->from = (queue->from + pool->setup.window - 1) % pool->setup.window;
    queue->tickets[queue->from] = ticket;
    queue->count++;
}

/* --- ends -------------------------------------------------------------------------------------------------------- */

static int applied_died(struct pool *pool, struct fork_slot *slot, struct error *error)
{
    struct obituary o;
    bool begun = fork_pool_died(pool, slot, &o);
    bool survives = pool_survives(pool, &o, error) == 0;
    if (begun && error && !survives)
        error->item = pool->board->postings[slot->ticket].sequence;
    if (slot->whole)
        task_over(pool, slot->ticket, slot->report.failed != 0);
    else if (begun || !survives)
        task_lost(pool, slot->ticket, slot->pid, slot->status);
    else
        put_back(pool, slot->ticket);
    return survives ? 0 : -1;
}

int fork_apply_ended(struct pool *pool, struct fork_slot *slot, struct error *error)
{
    if (!fork_slot_fine(slot))
        return applied_died(pool, slot, error);
    slot->completed++;
    task_over(pool, slot->ticket, slot->report.failed != 0);
    return 0;
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Waits for one end and serves it: 1, 0: there was none in time, -1. */
static int serve(struct pool *pool, int64_t timeout_ns, struct error *error)
{
    struct fork_pool *forks = pool->state;
    unsigned which;
    int ended = fork_slots_wait(&forks->slots, fork_pool_bulky(pool, 1), fork_pool_place, timeout_ns, &which, error);
    if (ended <= 0)
        return ended;
    struct fork_slot *slot = &forks->slots.slot[which];
    return fork_apply_ended(pool, slot, error) || fork_apply_next(pool, slot, error) < 0 ? -1 : 1;
}

/* Everything that has ended by now, and at least one that ends in time. */
int fork_turn(struct pool *pool, int64_t timeout_ns, struct error *error)
{
    int served = serve(pool, timeout_ns < 0 ? 0 : timeout_ns, error);
    for (const int64_t until = now_ns() + 1000000; served > 0 && now_ns() < until;)
        served = serve(pool, 0, error);
    return served < 0 ? -1 : 0;
}

/* --- while workers do something else ----------------------------------------------------------------------------- */

static bool any_runs(const struct fork_slots *slots)
{
    for (unsigned i = 0; i < slots->count; i++)
        if (!fork_slot_idle(&slots->slot[i]))
            return true;
    return false;
}

int fork_apply_hold(struct pool *pool, struct error *error)
{
    struct fork_pool *forks = pool->state;
    forks->queue.held = true;
    while (any_runs(&forks->slots))
        if (serve(pool, NEVER, error) < 0)
            return -1;
    return 0;
}

int fork_apply_release(struct pool *pool, struct error *error)
{
    struct fork_pool *forks = pool->state;
    forks->queue.held = false;
    for (unsigned i = 0; i < forks->slots.count && forks->queue.count > 0; i++)
        if (fork_slot_idle(&forks->slots.slot[i]) && fork_apply_next(pool, &forks->slots.slot[i], error) < 0)
            return -1;
    return 0;
}
