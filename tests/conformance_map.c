/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * conformance_map.c - a map gives what one process gives, and runs every item exactly once.
 *
 * An item's result depends on all its bytes, on its place and on the call's argument; the control computes the same in
 * a pool of its own, and both outputs are compared whole. A tally per item says how often it was run. */
#include "tests/conformance.h"

#include <CUnit/CUnit.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SENTINEL    0xa5
#define AGAIN_BYTES ((size_t)1 << 20) /* up to which a case calls twice */

struct map_case {
    struct stage *stage;
    size_t n, chunk, in_size, out_size;
    _Atomic uint32_t *runs; /* per item */
};

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 31) * UINT64_C(0x7fb5d329728ea185);
    return x ^ x >> 27;
}

static uint64_t sum_words(const unsigned char *bytes, size_t size)
{
    uint64_t sum = size, word;
    for (; size >= sizeof word; size -= sizeof word, bytes += sizeof word) {
        memcpy(&word, bytes, sizeof word);
        sum = sum * 3 + word;
    }
    for (; size > 0; size--)
        sum = sum * 5 + *bytes++;
    return sum;
}

static void fill_words(unsigned char *bytes, size_t size, uint64_t seed)
{
    for (uint64_t word; size >= sizeof word; size -= sizeof word, bytes += sizeof word) {
        word = mix(++seed);
        memcpy(bytes, &word, sizeof word);
    }
    for (; size > 0; size--)
        *bytes++ = (unsigned char)mix(++seed);
}

static void run_items(const struct map_case *m, uint64_t argument, const unsigned char *in, unsigned char *out,
                      uint64_t first, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fill_words(out + i * m->out_size, m->out_size,
                   mix(sum_words(in + i * m->in_size, m->in_size) + argument) + first + i);
}

static int control_items(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                         size_t n)
{
    (void)w;
    run_items(ctx, argument, in, out, first, n);
    return 0;
}

static bool misaligned(const void *at, size_t size)
{
    return size % sizeof(uint64_t) == 0 && (uintptr_t)at % sizeof(uint64_t) != 0;
}

static int tested_items(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                        size_t n)
{
    struct map_case *m = ctx;
    struct actor *self = &m->stage->actors[w->slot];
    bool beyond = first >= m->n || n > m->n - first;
    actor_wrong(self, beyond || n == 0 || n > m->chunk || first % m->chunk != 0);
    actor_wrong(self, misaligned(in, m->in_size) || misaligned(out, m->out_size));
    if (beyond)
        return 0;
    run_items(m, argument, in, out, first, n);
    for (size_t i = 0; i < n; i++)
        atomic_fetch_add(&m->runs[first + i], 1);
    atomic_fetch_add(&self->acknowledged, n);
    return 0;
}

/* The control's pool: the same items, one process, an item at a time. */
static struct pool *control_open(const struct situation *c, const struct setup *like)
{
    struct setup setup = *like;
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = NULL;
    setup.workers = 1;
    if (!EXPECT_DONE(c, pool_open(&pool, strategies[0], &setup, &error), &error))
        return NULL;
    EXPECT_DONE(c, pool_start(pool, &error), &error);
    fill_words(pool_in(pool), setup.items * setup.in_size, c->n + c->payload);
    return pool;
}

static void judge_runs(const struct situation *c, struct map_case *m)
{
    uint64_t executed = 0, wrong = 0;
    for (size_t i = 0; i < m->n; i++)
        wrong += atomic_exchange(&m->runs[i], 0) != 1;
    for (unsigned i = 0; i < c->workers; i++)
        executed += atomic_exchange(&m->stage->actors[i].acknowledged, 0);
    EXPECT(c, wrong == 0);
    EXPECT(c, executed == m->n);
    EXPECT(c, stage_wrong(m->stage) == 0);
}

/* One call of `n` items in each pool; the item behind the last must stay as it is. */
static void call_both(const struct situation *c, struct map_case *m, struct pool *pool, struct pool *control,
                      uint64_t argument)
{
    struct error error = {.code = ERROR_NONE};
    unsigned char *out = pool_out(pool);
    memset(out, SENTINEL, (m->n + 1) * m->out_size);
    EXPECT_DONE(c, pool_map(pool, tested_items, argument, m->n, m->chunk, &error), &error);
    EXPECT_DONE(c, pool_map(control, control_items, argument, m->n, 1, &error), &error);
    judge_runs(c, m);
    EXPECT(c, memcmp(out, pool_out(control), m->n * m->out_size) == 0);
    uint64_t untouched = 0;
    for (size_t i = 0; i < m->out_size; i++)
        untouched += out[m->n * m->out_size + i] == SENTINEL;
    EXPECT(c, untouched == m->out_size);
}

static void call_pools(const struct situation *c, struct map_case *m, const struct setup *setup)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *control = control_open(c, setup), *pool = situation_open(c, m->stage, setup);
    if (pool && control) {
        memcpy(pool_in(pool), pool_in(control), setup->items * setup->in_size);
        if (EXPECT_DONE(c, pool_start(pool, &error), &error)) {
            call_both(c, m, pool, control, 11);
            m->n = m->n / 2;
            if (c->n * c->payload <= AGAIN_BYTES)
                call_both(c, m, pool, control, 12);
        }
    }
    situation_close(c, pool);
    situation_close(c, control);
}

/* Results have another size than items now and then, and always where both would be more than a case may hold. */
void map_conforms(const struct situation *c)
{
    bool smaller = c->n * c->payload * 2 > CASE_BYTES, larger = c->payload == 8 && c->n % 2;
    struct map_case m = {
        .stage = stage_open(c->workers),
        .n = c->n,
        .chunk = c->chunk,
        .in_size = c->payload,
        .out_size = smaller  ? 8
                    : larger ? 24
                             : c->payload,
    };
    struct setup setup = {.items = c->n + 1, .in_size = m.in_size, .out_size = m.out_size, .ctx = &m};
    m.runs = memory_shared(setup.items * sizeof *m.runs);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m.runs);
    call_pools(c, &m, &setup);
    memory_free((void *)m.runs, setup.items * sizeof *m.runs);
    stage_close(m.stage);
}

/* --- stealing ---------------------------------------------------------------------------------------------------- */

static void rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

/* The first item lasts until all others are done, and they wait until it has begun: so nobody but the other worker can
 * do them, and he must do them all. */
static int slow_first(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                      size_t n)
{
    struct stage *stage = ctx;
    (void)in, (void)out;
    if (first == 0) {
        atomic_store(&stage->over, 1);
        while (atomic_load(&stage->actors[w->slot ^ 1].acknowledged) < argument - 1)
            rest();
    }
    while (atomic_load(&stage->over) == 0)
        rest();
    atomic_fetch_add(&stage->actors[w->slot].acknowledged, n);
    return 0;
}

/* Two workers and one slow item: the other worker does all the rest. A strategy that does not balance never ends. */
void steal_conforms(const struct situation *c)
{
    struct error error = {.code = ERROR_NONE};
    struct stage *stage = stage_open(c->workers);
    struct setup setup = {.items = c->n, .in_size = 1, .out_size = 1, .depth = 1, .ctx = stage};
    struct pool *pool = situation_open(c, stage, &setup);
    if (pool && EXPECT_DONE(c, pool_start(pool, &error), &error) &&
        EXPECT_DONE(c, pool_map(pool, slow_first, c->n, c->n, 1, &error), &error)) {
        uint64_t a = atomic_load(&stage->actors[0].acknowledged), b = atomic_load(&stage->actors[1].acknowledged);
        EXPECT(c, a + b == c->n);
        EXPECT(c, (a < b ? a : b) == 1);
    }
    situation_close(c, pool);
    stage_close(stage);
}
