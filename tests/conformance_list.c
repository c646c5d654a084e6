/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * conformance_list.c - appends from all workers: every element once, untorn, in order per appender; and a full list.
 *
 * A list that fills up refuses: what it has acknowledged stays, nothing is written over, and the objects beside it do
 * not change. */
#include "tests/conformance.h"
#include "tests/conformance_elements.h"

#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>

#define BESIDE 77 /* what the counter and the one element beside the list hold */

struct list_case {
    struct stage *stage;
    struct object *list, *beside, *counter;
    size_t chunk, element, capacity;
    unsigned char *buffer;   /* each process's own, a chunk */
    unsigned char *readback; /* the parent's */
    uint64_t *found;
};

/* 0: there was no room for the whole grain, as the next call then learns. */
static int append_grain(struct worker *w, struct list_case *k, uint64_t grain)
{
    struct actor *self = &k->stage->actors[w->slot];
    uint64_t first;
    size_t n = stage_grain(self, k->chunk, grain, &first);
    element_rows(k->buffer, n, k->element, w->slot, first - self->first);
    int64_t found = list_append(w, k->list, k->buffer, n);
    actor_wrong(self, found < 0 || found > (int64_t)n);
    atomic_fetch_add(&self->acknowledged, (uint64_t)found);
    return found == (int64_t)n;
}

static int64_t append_step(struct worker *w, void *ctx, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!append_grain(w, ctx, w->done + i))
            return (int64_t)i;
    return (int64_t)n;
}

static size_t read_back(const struct situation *c, struct list_case *k, struct pool *pool)
{
    int64_t bytes = object_read(pool_parent(pool), k->list, k->readback, k->capacity * k->element);
    EXPECT(c, bytes >= 0 && (size_t)bytes % k->element == 0 && (size_t)bytes <= k->capacity * k->element);
    size_t count = bytes > 0 ? (size_t)bytes / k->element : 0;
    EXPECT(c, element_faults(k->readback, count, k->element, k->found, c->workers) == 0);
    EXPECT(c, stage_wrong(k->stage) == 0);
    return count;
}

static void judge_complete(const struct situation *c, struct list_case *k, struct pool *pool)
{
    EXPECT(c, read_back(c, k, pool) == c->n);
    for (unsigned i = 0; i < c->workers; i++) {
        EXPECT(c, k->found[i] == k->stage->actors[i].operations);
        EXPECT(c, k->stage->actors[i].done == k->stage->actors[i].quota);
    }
}

/* Acknowledged grains are there, and of the next one at most a part. A chunk that found no room may leave a gap at the
 * end only where chunks are merged whole. */
static void judge_full(const struct situation *c, struct list_case *k, struct pool *pool)
{
    bool whole = situation_forks(c, NEED_LIST);
    size_t count = read_back(c, k, pool);
    EXPECT(c, whole ? count + c->chunk > k->capacity : count == k->capacity);
    for (unsigned i = 0; i < c->workers; i++) {
        const struct actor *actor = &k->stage->actors[i];
        uint64_t sure = actor->done * c->chunk < actor->operations ? actor->done * c->chunk : actor->operations;
        EXPECT(c, k->found[i] >= sure && k->found[i] < sure + c->chunk);
        if (!whole)
            EXPECT(c, k->found[i] == atomic_load(&actor->acknowledged));
    }
}

static void judge_beside(const struct situation *c, struct list_case *k, struct pool *pool)
{
    struct worker *parent = pool_parent(pool);
    uint64_t one = 0, total = 0;
    if (!k->beside)
        return;
    EXPECT(c, object_read(parent, k->beside, &one, sizeof one) == sizeof one && one == BESIDE);
    if (k->counter)
        EXPECT(c, object_read(parent, k->counter, &total, sizeof total) == sizeof total && total == BESIDE);
}

static void rounds(const struct situation *c, struct list_case *k, struct pool *pool)
{
    struct error error = {.code = ERROR_NONE};
    for (int round = 0; round < 2; round++) {
        stage_share(k->stage, c->n, c->chunk);
        if (!EXPECT_DONE(c, pool_each(pool, append_step, &error), &error))
            return;
        if (k->capacity >= c->n)
            judge_complete(c, k, pool);
        else
            judge_full(c, k, pool);
        judge_beside(c, k, pool);
        EXPECT(c, object_clear(pool_parent(pool), k->list) == 0);
        EXPECT(c, object_read(pool_parent(pool), k->list, k->readback, k->capacity * k->element) == 0);
    }
}

static bool make_beside(const struct situation *c, struct list_case *k, struct pool *pool, struct error *error)
{
    k->beside = list_new(pool, sizeof(uint64_t), 1, error);
    if (!situation_variant(c)->lacks[NEED_COUNTER])
        k->counter = counter_new(pool, error);
    return k->beside != NULL;
}

static void fill_beside(const struct situation *c, struct list_case *k, struct pool *pool)
{
    int64_t value = BESIDE, previous = 1;
    EXPECT(c, list_append(pool_parent(pool), k->beside, &value, 1) == 1);
    EXPECT(c, list_append(pool_parent(pool), k->beside, &previous, 1) == 0);
    if (k->counter)
        EXPECT(c, counter_add(pool_parent(pool), k->counter, &value, &previous, 1) == 1 && previous == 0);
}

static void run_case(const struct situation *c, size_t capacity, bool beside)
{
    struct list_case k = {
        .stage = stage_open(c->workers), .chunk = c->chunk, .element = c->payload, .capacity = capacity};
    size_t grain = c->chunk < c->n + 1 ? c->chunk : c->n + 1;
    struct error error = {.code = ERROR_NONE};
    struct setup setup = {.ctx = &k};
    k.buffer = memory_private(grain * k.element);
    k.readback = memory_private(capacity * k.element);
    k.found = calloc(c->workers, sizeof *k.found);
    CU_ASSERT_FATAL(k.buffer && k.readback && k.found);
    struct pool *pool = situation_open(c, k.stage, &setup);
    if (pool) {
        k.list = list_new(pool, k.element, capacity, &error);
        bool made = k.list && (!beside || make_beside(c, &k, pool, &error));
        if (EXPECT(c, made) && EXPECT_DONE(c, pool_start(pool, &error), &error)) {
            if (beside)
                fill_beside(c, &k, pool);
            rounds(c, &k, pool);
        }
        situation_close(c, pool);
    }
    free(k.found);
    memory_free(k.readback, capacity * k.element);
    memory_free(k.buffer, grain * k.element);
    stage_close(k.stage);
}

void list_conforms(const struct situation *c)
{
    run_case(c, c->n + 1, false);
}

void list_full_conforms(const struct situation *c)
{
    run_case(c, c->n * 2 / 3, true);
}

/* --- the parent alone -------------------------------------------------------------------------------------------- */

/* Seven single elements, then two at once, until the list is full; then what a reader with less room gets. */
static void fill_mixed(const struct situation *c, struct list_case *k, struct pool *pool)
{
    struct worker *parent = pool_parent(pool);
    size_t appended = 0;
    for (unsigned turn = 0; appended < k->capacity; turn++) {
        size_t n = turn % 8 == 7 ? 2 : 1, fits = n < k->capacity - appended ? n : k->capacity - appended;
        element_rows(k->buffer, n, k->element, 0, appended);
        if (!EXPECT(c, list_append(parent, k->list, k->buffer, n) == (int64_t)fits))
            return;
        appended += fits;
    }
    EXPECT(c, list_append(parent, k->list, k->buffer, 1) == 0);
    EXPECT(c, read_back(c, k, pool) == k->capacity && k->found[0] == k->capacity);
    memset(k->readback, 0, k->capacity * k->element);
    for (size_t part = 0; part < k->capacity; part += 1 + k->capacity / 5) {
        EXPECT(c, object_read(parent, k->list, k->readback, part * k->element) == (int64_t)(part * k->element));
        EXPECT(c, element_faults(k->readback, part, k->element, k->found, 1) == 0);
    }
}

void list_mixed_conforms(const struct situation *c)
{
    struct list_case k = {.stage = stage_open(c->workers), .element = c->payload, .capacity = c->n};
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = situation_open(c, k.stage, &(struct setup){.ctx = &k});
    k.buffer = memory_private(2 * k.element);
    k.readback = memory_private(k.capacity * k.element);
    k.found = calloc(c->workers, sizeof *k.found);
    CU_ASSERT_FATAL(k.buffer && k.readback && k.found && pool);
    k.list = list_new(pool, k.element, k.capacity, &error);
    if (EXPECT(c, k.list != NULL) && EXPECT_DONE(c, pool_start(pool, &error), &error))
        for (unsigned round = 0; round < 2; round++) {
            fill_mixed(c, &k, pool);
            EXPECT(c, object_clear(pool_parent(pool), k.list) == 0);
        }
    situation_close(c, pool);
    free(k.found);
    memory_free(k.readback, k.capacity * k.element);
    memory_free(k.buffer, 2 * k.element);
    stage_close(k.stage);
}
