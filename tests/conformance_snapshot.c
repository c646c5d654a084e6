/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * conformance_snapshot.c - reading a whole list while others append to it.
 *
 * Odd workers append, even ones read; a single one does both in turn. Before each read the reader notes what every
 * appender had acknowledged. The snapshot must hold at least that, whole elements only, of each appender a sequence
 * without a gap; and what the reader's last snapshot held must stand at its head unchanged. Appenders stop half way
 * until a reader has taken its last snapshot, so at least one is taken in their midst, whatever the scheduler does. */
#include "tests/conformance.h"
#include "tests/conformance_elements.h"

#include <CUnit/CUnit.h>

#include <sched.h>
#include <string.h>

#define READS       12
#define READS_BYTES ((size_t)96 << 20) /* that all reads of one reader may come to */
#define APPENDERS   8

struct snapshot_case {
    struct stage *stage;
    struct object *list;
    size_t chunk, element, capacity;
    unsigned workers, appenders; /* appenders that stop half way */
    uint64_t stride;             /* a single worker reads after so many grains */
    bool linear;
    unsigned char *buffer;           /* each process's own: a grain */
    unsigned char *snapshot, *older; /* each process's own */
    size_t older_count;
    _Atomic uint64_t *reads; /* shared: snapshots taken, and of them those while all appenders stood half way */
};

static bool appends(const struct snapshot_case *k, uint32_t slot, uint64_t grain)
{
    return k->workers == 1 ? grain % (k->stride + 1) != k->stride : slot % 2 == 1;
}

static uint64_t appended_grain(const struct snapshot_case *k, uint64_t grain)
{
    return k->workers == 1 ? grain - grain / (k->stride + 1) : grain;
}

static void stop_half_way(struct snapshot_case *k)
{
    atomic_fetch_add(&k->stage->over, 1);
    while (atomic_load(&k->reads[1]) == 0)
        sched_yield();
}

static void append_one(struct worker *w, struct snapshot_case *k, uint64_t grain)
{
    struct actor *self = &k->stage->actors[w->slot];
    uint64_t first;
    if (k->workers > 1 && self->quota > 1 && grain == self->quota / 2)
        stop_half_way(k);
    size_t n = stage_grain(self, k->chunk, appended_grain(k, grain), &first);
    element_rows(k->buffer, n, k->element, w->slot, first - self->first);
    int64_t found = list_append(w, k->list, k->buffer, n);
    actor_wrong(self, found != (int64_t)n);
    atomic_fetch_add_explicit(&self->acknowledged, n, memory_order_release);
    if (grain % 8 == 0)
        sched_yield();
}

static void note_acknowledged(const struct snapshot_case *k, const struct worker *w, uint64_t *noted)
{
    for (unsigned i = 0; i < k->workers; i++)
        noted[i] = k->linear || i == w->slot
                       ? atomic_load_explicit(&k->stage->actors[i].acknowledged, memory_order_acquire)
                       : 0;
}

static void judge_snapshot(struct snapshot_case *k, struct actor *self, const uint64_t *noted, size_t count)
{
    uint64_t found[APPENDERS];
    actor_wrong(self, element_faults(k->snapshot, count, k->element, found, k->workers) > 0);
    for (unsigned i = 0; i < k->workers; i++)
        actor_wrong(self, found[i] < noted[i]);
    actor_wrong(self, count < k->older_count);
    actor_wrong(self, memcmp(k->snapshot, k->older, (count < k->older_count ? count : k->older_count) * k->element));
}

static void read_one(struct worker *w, struct snapshot_case *k, uint64_t grain)
{
    struct actor *self = &k->stage->actors[w->slot];
    uint64_t noted[APPENDERS];
    bool last = k->workers > 1 && grain + 1 == self->quota;
    while (last && atomic_load(&k->stage->over) < k->appenders)
        sched_yield();
    note_acknowledged(k, w, noted);
    int64_t bytes = object_read(w, k->list, k->snapshot, k->capacity * k->element);
    actor_wrong(self, bytes < 0 || (size_t)bytes % k->element != 0);
    size_t count = bytes > 0 ? (size_t)bytes / k->element : 0;
    judge_snapshot(k, self, noted, count);
    atomic_fetch_add(&k->reads[0], 1);
    atomic_fetch_add(&k->reads[1], last);
    unsigned char *older = k->older;
    k->older = k->snapshot;
    k->snapshot = older;
    k->older_count = count;
}

static int64_t snapshot_step(struct worker *w, void *ctx, size_t n)
{
    struct snapshot_case *k = ctx;
    for (size_t i = 0; i < n; i++) {
        if (appends(k, w->slot, w->done + i))
            append_one(w, k, w->done + i);
        else
            read_one(w, k, w->done + i);
    }
    return (int64_t)n;
}

static size_t reads_each(const struct situation *c)
{
    size_t whole = c->n * c->payload + 1, fit = READS_BYTES / whole;
    return fit < 2 ? 2 : fit < READS ? fit : READS;
}

/* Only appenders share the operations; readers have a number of reads. */
static void share(const struct situation *c, struct snapshot_case *k)
{
    struct stage *stage = k->stage;
    stage_share(stage, c->n, c->chunk);
    if (c->workers == 1) {
        uint64_t grains = stage->actors[0].quota, reads = reads_each(c);
        k->stride = grains > reads ? grains / reads : 1;
        stage->actors[0].quota = (grains / k->stride + 1) * (k->stride + 1);
        return;
    }
    unsigned appenders = c->workers / 2, turn = 0;
    for (unsigned i = 0; i < c->workers; i++) {
        struct actor *a = &stage->actors[i];
        uint64_t from = c->n * turn / appenders, to = c->n * (turn + 1) / appenders;
        turn += i % 2;
        a->first = i % 2 ? from : 0;
        a->operations = i % 2 ? to - from : 0;
        a->quota = i % 2 ? (a->operations + c->chunk - 1) / c->chunk : reads_each(c);
        k->appenders += i % 2 && a->quota > 1;
    }
}

static void judge_end(const struct situation *c, struct snapshot_case *k, struct pool *pool)
{
    uint64_t found[APPENDERS];
    int64_t bytes = object_read(pool_parent(pool), k->list, k->snapshot, k->capacity * k->element);
    EXPECT(c, bytes == (int64_t)(c->n * k->element));
    EXPECT(c, element_faults(k->snapshot, c->n, k->element, found, c->workers) == 0);
    EXPECT(c, stage_wrong(k->stage) == 0);
    EXPECT(c, atomic_load(&k->reads[0]) > 0);
}

static void run_pool(const struct situation *c, struct snapshot_case *k)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = situation_open(c, k->stage, &(struct setup){.ctx = k});
    if (!pool)
        return;
    share(c, k);
    k->list = list_new(pool, k->element, k->capacity, &error);
    if (EXPECT(c, k->list != NULL) && EXPECT_DONE(c, pool_start(pool, &error), &error)) {
        if (EXPECT_DONE(c, pool_each(pool, snapshot_step, &error), &error))
            judge_end(c, k, pool);
    }
    situation_close(c, pool);
}

void snapshot_conforms(const struct situation *c)
{
    struct snapshot_case k = {
        .stage = stage_open(c->workers),
        .chunk = c->chunk,
        .element = c->payload,
        .capacity = c->n + 1,
        .workers = c->workers,
        .linear = situation_is_linear(c),
    };
    size_t grain = c->chunk < k.capacity ? c->chunk : k.capacity;
    CU_ASSERT_FATAL(c->workers <= APPENDERS);
    k.buffer = memory_private(grain * k.element);
    k.snapshot = memory_private(k.capacity * k.element);
    k.older = memory_private(k.capacity * k.element);
    k.reads = memory_shared(2 * sizeof *k.reads);
    CU_ASSERT_FATAL(k.buffer && k.snapshot && k.older && k.reads);
    run_pool(c, &k);
    memory_free((void *)k.reads, 2 * sizeof *k.reads);
    memory_free(k.older, k.capacity * k.element);
    memory_free(k.snapshot, k.capacity * k.element);
    memory_free(k.buffer, grain * k.element);
    stage_close(k.stage);
}
