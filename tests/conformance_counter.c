/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * conformance_counter.c - adds from all workers: an exact sum, and for each add the value that was there just before.
 *
 * Deltas are positive, so where adds happen in one order their answers form a chain: sorted, each is the one before it
 * plus that one's delta, the first is zero and the last one's successor is the total. Nothing weaker passes. */
#include "tests/conformance.h"

#include <CUnit/CUnit.h>

#include <stdlib.h>

#define READ_EVERY 16

struct counter_case {
    struct stage *stage;
    struct object *counter;
    size_t n, chunk;
    bool incorrect;
    int64_t *previous; /* shared, per operation */
    int64_t *deltas;   /* each process's own, a chunk */
};

struct answer {
    int64_t previous, delta;
};

static int64_t delta_of(const struct counter_case *k, uint64_t operation)
{
    return (int64_t)(1 + (operation * 2654435761u + k->stage->round) % 100003);
}

static uint64_t sum_of(const struct counter_case *k, uint64_t first, uint64_t n)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + n; i++)
        sum += (uint64_t)delta_of(k, i);
    return sum;
}

static void add_grain(struct worker *w, struct counter_case *k, struct actor *self, uint64_t grain)
{
    uint64_t first;
    size_t n = stage_grain(self, k->chunk, grain, &first);
    for (size_t i = 0; i < n; i++)
        k->deltas[i] = delta_of(k, first + i);
    int64_t did = counter_add(w, k->counter, k->deltas, k->previous + first, n);
    actor_wrong(self, did != (int64_t)n);
    atomic_fetch_add(&self->acknowledged, n);
    if (grain % READ_EVERY == 0 && !k->incorrect) {
        uint64_t total = 0;
        actor_wrong(self, object_read(w, k->counter, &total, sizeof total) != sizeof total);
        actor_wrong(self, total < (uint64_t)k->previous[first + n - 1] + (uint64_t)k->deltas[n - 1]);
    }
}

static int64_t add_step(struct worker *w, void *ctx, size_t n)
{
    struct counter_case *k = ctx;
    struct actor *self = &k->stage->actors[w->slot];
    for (size_t i = 0; i < n; i++)
        add_grain(w, k, self, w->done + i);
    return (int64_t)n;
}

static int by_previous(const void *a, const void *b)
{
    int64_t x = ((const struct answer *)a)->previous, y = ((const struct answer *)b)->previous;
    return (x > y) - (x < y);
}

static void judge_chain(const struct situation *c, const struct counter_case *k)
{
    struct answer *answers = calloc(k->n + 1, sizeof *answers);
    CU_ASSERT_PTR_NOT_NULL_FATAL(answers);
    for (size_t i = 0; i < k->n; i++)
        answers[i] = (struct answer){.previous = k->previous[i], .delta = delta_of(k, i)};
    qsort(answers, k->n, sizeof *answers, by_previous);
    int64_t reached = 0;
    size_t broken = 0;
    for (size_t i = 0; i < k->n; i++) {
        broken += answers[i].previous != reached;
        reached = answers[i].previous + answers[i].delta;
    }
    EXPECT(c, broken == 0);
    free(answers);
}

/* A worker's answers hold at least what it has added itself. */
static void judge_own(const struct situation *c, const struct counter_case *k)
{
    uint64_t short_ones = 0;
    for (unsigned w = 0; w < c->workers; w++) {
        const struct actor *actor = &k->stage->actors[w];
        int64_t own = 0;
        for (uint64_t i = actor->first; i < actor->first + actor->operations; i++) {
            short_ones += k->previous[i] < own;
            own += delta_of(k, i);
        }
    }
    EXPECT(c, short_ones == 0);
}

static void judge(const struct situation *c, struct counter_case *k, struct pool *pool)
{
    uint64_t total = 0, sum = sum_of(k, 0, k->n);
    EXPECT(c, object_read(pool_parent(pool), k->counter, &total, sizeof total) == sizeof total);
    EXPECT(c, stage_wrong(k->stage) == 0);
    for (unsigned i = 0; i < c->workers; i++)
        EXPECT(c, k->stage->actors[i].done == k->stage->actors[i].quota);
    if (k->incorrect) {
        EXPECT(c, total <= sum);
        return;
    }
    EXPECT(c, total == sum);
    if (situation_is_linear(c))
        judge_chain(c, k);
    judge_own(c, k);
}

static void rounds(const struct situation *c, struct counter_case *k, struct pool *pool)
{
    struct error error = {.code = ERROR_NONE};
    for (k->stage->round = 0; k->stage->round < 2; k->stage->round++) {
        uint64_t total = 1;
        stage_share(k->stage, k->n, k->chunk);
        if (!EXPECT_DONE(c, pool_each(pool, add_step, &error), &error))
            return;
        judge(c, k, pool);
        EXPECT(c, object_clear(pool_parent(pool), k->counter) == 0);
        EXPECT(c, object_read(pool_parent(pool), k->counter, &total, sizeof total) == sizeof total);
        EXPECT(c, total == 0);
    }
}

void counter_conforms(const struct situation *c)
{
    struct counter_case k = {
        .stage = stage_open(c->workers), .n = c->n, .chunk = c->chunk, .incorrect = situation_variant(c)->incorrect};
    struct error error = {.code = ERROR_NONE};
    struct setup setup = {.ctx = &k};
    k.previous = memory_shared((c->n + 1) * sizeof *k.previous);
    k.deltas = memory_private(c->chunk * sizeof *k.deltas);
    CU_ASSERT_FATAL(k.previous && k.deltas);
    struct pool *pool = situation_open(c, k.stage, &setup);
    if (pool) {
        k.counter = counter_new(pool, &error);
        if (EXPECT(c, k.counter != NULL) && EXPECT_DONE(c, pool_start(pool, &error), &error))
            rounds(c, &k, pool);
        situation_close(c, pool);
    }
    memory_free(k.previous, (c->n + 1) * sizeof *k.previous);
    memory_free(k.deltas, c->chunk * sizeof *k.deltas);
    stage_close(k.stage);
}
