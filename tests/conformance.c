/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * conformance.c - the stage: a gate, quotas instead of a clock, and assertions that say which case they are of. */
#include "tests/conformance.h"

#include "bench/ipc/wait.h"

#include <CUnit/CUnit.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOKS 64

static size_t stage_bytes(unsigned workers)
{
    return sizeof(struct stage) + (workers + 1) * sizeof(struct actor);
}

struct stage *stage_open(unsigned workers)
{
    struct stage *stage = memory_shared(stage_bytes(workers));
    CU_ASSERT_PTR_NOT_NULL_FATAL(stage);
    stage->workers = workers;
    stage->unborn = UINT32_MAX - 2;
    return stage;
}

void stage_close(struct stage *stage)
{
    memory_free(stage, stage_bytes(stage->workers));
}

/* Of three workers one gets three shares, one gets one and one gets two. */
static uint64_t weight_below(uint64_t worker)
{
    static const uint64_t below[] = {0, 3, 4};
    return worker / 3 * 6 + below[worker % 3];
}

void stage_share(struct stage *stage, size_t n, size_t chunk)
{
    uint64_t all = weight_below(stage->workers);
    for (uint64_t i = 0; i < stage->workers; i++) {
        struct actor *actor = &stage->actors[i];
        actor->first = n * weight_below(i) / all;
        actor->operations = n * weight_below(i + 1) / all - actor->first;
        actor->quota = (actor->operations + chunk - 1) / chunk;
        actor->done = 0;
        atomic_store(&actor->acknowledged, 0);
        atomic_store(&actor->wrong, 0);
    }
    atomic_store(&stage->arrived, 0);
    atomic_store(&stage->over, 0);
}

size_t stage_grain(const struct actor *actor, size_t chunk, uint64_t grain, uint64_t *first)
{
    uint64_t before = grain * chunk, left = before < actor->operations ? actor->operations - before : 0;
    *first = actor->first + before;
    return left < chunk ? left : chunk;
}

uint64_t stage_wrong(const struct stage *stage)
{
    uint64_t wrong = 0;
    for (unsigned i = 0; i < stage->workers; i++)
        wrong += atomic_load(&stage->actors[i].wrong);
    return wrong;
}

void actor_wrong(struct actor *actor, bool wrong)
{
    if (wrong)
        atomic_fetch_add(&actor->wrong, 1);
}

/* --- hooks ------------------------------------------------------------------------------------------------------- */

static int hook_born(void *arg, uint32_t slot, struct error *error)
{
    struct stage *stage = arg;
    if (slot == stage->unborn)
        return error_set(error, ERROR_FAILED, "slot %u was born on a Monday", slot);
    if (slot == SLOT_SERVICE)
        atomic_store(&stage->service, getpid());
    else if (slot < stage->workers)
        atomic_store(&stage->actors[slot].pid, getpid());
    return 0;
}

static void hook_gate(void *arg, uint32_t slot, unsigned parties)
{
    struct stage *stage = arg;
    uint32_t seen = atomic_load(&stage->opened);
    (void)slot;
    if (atomic_fetch_add(&stage->arrived, 1) + 1 == parties) {
        atomic_fetch_add(&stage->opened, 1);
        futex_wake(&stage->opened, INT_MAX);
    }
    for (unsigned looks = 0; atomic_load(&stage->opened) == seen; looks++) {
        if (looks < LOOKS)
            wait_pause();
        else
            futex_wait(&stage->opened, seen, -1);
    }
}

/* One to five grains at a time. */
static size_t hook_next(void *arg, uint32_t slot, size_t done, bool more)
{
    struct stage *stage = arg;
    struct actor *actor = &stage->actors[slot == SLOT_PARENT ? stage->workers : slot];
    actor->done = done;
    uint64_t left = actor->quota > done ? actor->quota - done : 0, some = 1 + (done * 7 + slot) % 5;
    return !more ? 0 : left < some ? left : some;
}

struct hooks stage_hooks(struct stage *stage)
{
    return (struct hooks){.arg = stage, .born = hook_born, .gate = hook_gate, .next = hook_next};
}

/* --- cases ------------------------------------------------------------------------------------------------------- */

bool conformance_quick(void)
{
    const char *quick = getenv("MUSTER_QUICK");
    return quick && *quick && strcmp(quick, "0") != 0;
}

const struct variant *situation_variant(const struct situation *c)
{
    return &c->strategy->variants[c->variant];
}

bool situation_is_linear(const struct situation *c)
{
    const struct variant *v = situation_variant(c);
    return !v->incorrect && (c->strategy->role == ROLE_CONTROL_ONLY || strcmp(v->visible, "once acknowledged") == 0);
}

bool situation_forks(const struct situation *c, enum need need)
{
    const char *limit = situation_variant(c)->limit[need];
    return limit && strcmp(limit, "fork-wait") == 0;
}

static void situation_print(const struct situation *c)
{
    fprintf(stderr, "%s:%s workers %u, n %zu, chunk %zu, payload %zu: ", c->strategy->name, situation_variant(c)->name,
            c->workers, c->n, c->chunk, c->payload);
}

bool situation_expect(const struct situation *c, bool holds, const char *condition, const char *file, unsigned line)
{
    if (!holds) {
        situation_print(c);
        fprintf(stderr, "%s\n", condition);
    }
    CU_assertImplementation(holds, line, condition, file, "", CU_FALSE);
    return holds;
}

bool situation_expect_done(const struct situation *c, int result, const struct error *error, const char *call,
                           const char *file, unsigned line)
{
    if (result) {
        situation_print(c);
        fprintf(stderr, "%s\n", error->text);
    }
    CU_assertImplementation(result == 0, line, call, file, "", CU_FALSE);
    return result == 0;
}

struct pool *situation_open(const struct situation *c, struct stage *stage, const struct setup *setup)
{
    struct error error = {.code = ERROR_NONE};
    struct setup complete = *setup;
    struct pool *pool;
    complete.workers = c->workers;
    complete.variant = c->variant;
    complete.hooks = stage_hooks(stage);
    return EXPECT_DONE(c, pool_open(&pool, c->strategy, &complete, &error), &error) ? pool : NULL;
}

void situation_close(const struct situation *c, struct pool *pool)
{
    struct error error = {.code = ERROR_NONE};
    EXPECT_DONE(c, pool_free(pool, GRACE_NS, &error), &error);
}
