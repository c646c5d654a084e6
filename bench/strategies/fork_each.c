/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fork_each.c - steps: a child for each grain, whose changes to objects are merged when it has ended.
 *
 * A worker's loop is the parent's: it asks the clock, forks, merges, and asks again. Of a child that died nothing is
 * merged, and its worker's loop is over. */
#include "bench/ipc/memory.h"
#include "bench/strategies/fork_pool.h"

#include <string.h>

#define CHANGES_ON_STACK 2048

/* --- a child ----------------------------------------------------------------------------------------------------- */

static int tell_failure(const struct fork_job *job, struct error *reason)
{
    if (reason->code == ERROR_NONE)
        error_set(reason, ERROR_FAILED, "a step failed");
    return fork_report(job, &(struct report){.bytes = sizeof *reason, .failed = 1}, reason);
}

static int step_child(struct worker *self, void *arg)
{
    const struct fork_job *job = arg;
    struct pool *pool = self->pool;
    struct error reason = {.code = ERROR_NONE};
    _Alignas(8) unsigned char small[CHANGES_ON_STACK];
    self->error = &reason;
    self->done = job->done;
    int64_t did = pool->board->step(self, pool->setup.ctx, 1);
    self->error = NULL;
    if (did < 0)
        return tell_failure(job, &reason);
    size_t bytes = changes_gather(pool, NULL);
    unsigned char *changes = bytes <= sizeof small ? small : memory_private(bytes);
    if (!changes)
        return 1;
    changes_gather(pool, changes);
    return fork_report(job, &(struct report){.bytes = bytes, .steps = (uint64_t)did}, changes);
}

/* --- the parent -------------------------------------------------------------------------------------------------- */

struct rounds {
    struct error *error; /* the first loop that came to a bad end */
    bool bad;
    unsigned alive;
};

static bool reports_are_bulky(const struct pool *pool)
{
    for (unsigned i = 0; i < pool->object_count; i++)
        if (pool->objects[i].kind != OBJECT_COUNTER)
            return true;
    return false;
}

/* Asks the clock when the grains asked for are done, and forks for the next one unless the loop is over. */
static int go_on(struct pool *pool, struct rounds *rounds, struct fork_slot *slot, bool more, struct error *error)
{
    const struct hooks *hooks = &pool->setup.hooks;
    if (slot->wanted == 0 || !more)
        slot->wanted = hooks->next(hooks->arg, slot->slot, slot->done, more);
    if (slot->wanted == 0)
        return 0;
    slot->work = FORK_STEP;
    changes_base(pool);
    if (fork_slot_launch(slot, pool, step_child, error))
        return -1;
    rounds->alive++;
    return 0;
}

/* 0: the pool goes on, and the others' loops do too. */
static int step_died(struct pool *pool, struct rounds *rounds, struct fork_slot *slot, struct error *error)
{
    struct obituary o;
    fork_pool_died(pool, slot, &o);
    if (pool_survives(pool, &o, error))
        return -1;
    if (!rounds->bad)
        child_report(pool, slot->slot, slot->pid, slot->status, rounds->error);
    rounds->bad = true;
    return 0;
}

static void step_failed(struct rounds *rounds, const struct fork_slot *slot)
{
    if (!rounds->bad && rounds->error && slot->report.bytes == sizeof *rounds->error)
        memcpy(rounds->error, slot->buffer, sizeof *rounds->error);
    rounds->bad = true;
}

static int step_ended(struct pool *pool, struct rounds *rounds, struct fork_slot *slot, struct error *error)
{
    rounds->alive--;
    if (!fork_slot_fine(slot))
        return step_died(pool, rounds, slot, error);
    if (slot->report.failed) {
        step_failed(rounds, slot);
        return 0;
    }
    uint64_t steps = slot->report.steps;
    int merged = steps > 0 ? changes_merge(pool, slot->buffer, slot->report.bytes, error) : 0;
    if (merged < 0)
        return -1;
    slot->done += merged ? steps : 0;
    slot->wanted--;
    return go_on(pool, rounds, slot, merged > 0, error);
}

static int run_rounds(struct pool *pool, struct rounds *rounds, struct error *error)
{
    struct fork_pool *forks = pool->state;
    const bool bulky = reports_are_bulky(pool);
    for (unsigned i = 0; i < forks->slots.count; i++) {
        forks->slots.slot[i].done = forks->slots.slot[i].wanted = 0;
        if (go_on(pool, rounds, &forks->slots.slot[i], true, error))
            return -1;
    }
    while (rounds->alive > 0) {
        unsigned which;
        if (fork_slots_wait(&forks->slots, bulky, fork_slot_buffer, NEVER, &which, error) < 0 ||
            step_ended(pool, rounds, &forks->slots.slot[which], error))
            return -1;
    }
    return 0;
}

/* What breaks off in the middle leaves children that nobody waits for. */
static int broken(struct pool *pool)
{
    if (pool->pool_state == POOL_RUNNING)
        pool->pool_state = POOL_BROKEN;
    return -1;
}

int fork_each(struct pool *pool, struct error *error)
{
    struct fork_pool *forks = pool->state;
    struct rounds rounds = {.error = error};
    uint64_t base[OBJECTS_MAX];
    if (fork_apply_hold(pool, error))
        return broken(pool);
    forks->base = base;
    pool->setup.hooks.gate(pool->setup.hooks.arg, SLOT_PARENT, 1);
    int result = run_rounds(pool, &rounds, error);
    forks->base = NULL;
    if (result || fork_apply_release(pool, error))
        return broken(pool);
    return rounds.bad ? -1 : 0;
}
