/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rows_map_more.c - streams, large items both ways, chunks of every size, what fails inside a chunk, maps in maps. */
#include "tests/rows.h"

#include <CUnit/CUnit.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORD   sizeof(uint64_t)
#define WINDOW 8

/* --- *15, *16: streams ------------------------------------------------------------------------------------------- */

struct line_of_items {
    const struct situation *c;
    uint64_t fails_at, length; /* items that can be made */
    uint64_t taken, next;
    unsigned times[2000];
    bool ordered;
};

static int make_item(void *arg, uint64_t index, void *in, struct error *error)
{
    struct line_of_items *line = arg;
    if (index == line->fails_at)
        return error_set(error, ERROR_FAILED, "nobody can make item %llu", (unsigned long long)index);
    if (index == line->length)
        return 0;
    memcpy(in, &index, WORD);
    return 1;
}

static int take_result(void *arg, uint64_t index, const void *out, struct error *error)
{
    struct line_of_items *line = arg;
    uint64_t result;
    (void)error;
    memcpy(&result, out, WORD);
    EXPECT(line->c, result == index * index);
    EXPECT(line->c, !line->ordered || index == line->next);
    line->next = index + 1;
    line->times[index]++;
    line->taken++;
    return 0;
}

static int stream(struct line_of_items *line, struct pool *pool, struct error *error)
{
    struct stream s = {.fn = squares, .make = make_item, .take = take_result, .arg = line, .unordered = !line->ordered};
    return pool_stream(pool, &s, error);
}

static void failing_producer(const struct situation *c)
{
    static const uint64_t fails_at[] = {0, 1, 3, 40};
    struct setup setup = {.items = 10, .in_size = WORD, .out_size = WORD, .window = WINDOW};
    struct pool *pool = row_start(c, &setup);
    for (size_t i = 0; pool && i < 8; i++) {
        struct error error = {.code = ERROR_NONE};
        struct line_of_items line = {.c = c, .fails_at = fails_at[i / 2], .length = 100, .ordered = i % 2};
        EXPECT_FAILS(c, stream(&line, pool, &error), ERROR_FAILED, "nobody can make item", &error);
        EXPECT(c, line.taken <= line.fails_at);
        expect_squares(c, pool, 10, 1);
    }
    row_free(c, pool);
}

static void unordered_stream(const struct situation *c)
{
    static const uint64_t lengths[] = {0, 1, 10, 1000};
    struct setup setup = {.in_size = WORD, .out_size = WORD, .window = WINDOW};
    struct pool *pool = row_start(c, &setup);
    for (size_t i = 0; pool && i < 8; i++) {
        struct error error = {.code = ERROR_NONE};
        struct line_of_items line = {.c = c, .fails_at = UINT64_MAX, .length = lengths[i / 2], .ordered = i % 2};
        EXPECT_DONE(c, stream(&line, pool, &error), &error);
        EXPECT(c, line.taken == line.length);
        for (uint64_t k = 0; k < line.length; k++)
            EXPECT(c, line.times[k] == 1);
    }
    row_free(c, pool);
}

/* --- CX13: pipes that are full both ways ------------------------------------------------------------------------- */

static unsigned char byte_at(uint64_t item, size_t at, uint64_t salt)
{
    return (unsigned char)(item * 31 + at * 7 + (at >> 12) + salt);
}

struct large {
    size_t bytes;
};

/* Every byte is looked at in steps that are no power of two, and all are written. */
static int invert_large(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                        size_t n)
{
    const struct large *large = ctx;
    for (size_t i = 0; i < n; i++) {
        const unsigned char *from = (const unsigned char *)in + i * large->bytes;
        unsigned char *to = (unsigned char *)out + i * large->bytes;
        for (size_t at = 0; at < large->bytes; at += 509)
            if (from[at] != byte_at(first + i, at, argument))
                item_failed(w, first + i, "item %llu came damaged", (unsigned long long)(first + i));
        for (size_t at = 0; at < large->bytes; at++)
            to[at] = (unsigned char)~from[at];
    }
    return 0;
}

static void fill_large(struct pool *pool, size_t n, size_t bytes)
{
    unsigned char *in = pool_in(pool);
    for (size_t i = 0; i < n; i++)
        for (size_t at = 0; at < bytes; at++)
            in[i * bytes + at] = byte_at(i, at, 3);
}

static void judge_large(const struct situation *c, const unsigned char *out, uint64_t item, size_t bytes)
{
    size_t wrong = 0;
    for (size_t at = 0; at < bytes; at++)
        wrong += out[at] != (unsigned char)~byte_at(item, at, 3);
    EXPECT(c, wrong == 0);
}

/* Applied while others come back: the window is as wide as there are items. */
static void apply_large(const struct situation *c, struct pool *pool, size_t n, size_t bytes)
{
    struct error error = {.code = ERROR_NONE};
    struct async **handles = calloc(n, sizeof *handles);
    unsigned char *out = malloc(bytes);
    CU_ASSERT_FATAL(handles && out);
    for (size_t i = 0; i < n; i++) {
        struct apply apply = {.fn = invert_large, .argument = 3, .in = (unsigned char *)pool_in(pool) + i * bytes};
        EXPECT_DONE(c, pool_apply_async(pool, &apply, NEVER, &handles[i], &error), &error);
    }
    for (size_t i = 0; i < n; i++) {
        if (handles[i] && EXPECT_DONE(c, async_get(handles[i], NEVER, out, &error), &error))
            judge_large(c, out, i, bytes);
        async_free(handles[i]);
    }
    free(out);
    free(handles);
}

static void large_items(const struct situation *c)
{
    static const struct {
        size_t bytes, n;
    } sizes[] = {{65537, 40}, {(size_t)1 << 20, 12}, {(size_t)16 << 20, 4}};
    const bool applies = c->strategy->post && !situation_variant(c)->lacks[NEED_ASYNC];
    for (size_t i = 0; i < 3; i++) {
        struct error error = {.code = ERROR_NONE};
        struct large large = {.bytes = sizes[i].bytes};
        struct setup setup = {.items = sizes[i].n,
                              .in_size = large.bytes,
                              .out_size = large.bytes,
                              .ctx = &large,
                              .window = applies ? (unsigned)sizes[i].n / 2 : 0};
        struct pool *pool = row_start(c, &setup);
        if (!pool)
            return;
        fill_large(pool, sizes[i].n, large.bytes);
        for (size_t chunk = 1; chunk <= 3; chunk += 2) {
            memset(pool_out(pool), 0, sizes[i].n * large.bytes);
            EXPECT_DONE(c, pool_map(pool, invert_large, 3, sizes[i].n, chunk, &error), &error);
            for (size_t k = 0; k < sizes[i].n; k++)
                judge_large(c, (unsigned char *)pool_out(pool) + k * large.bytes, k, large.bytes);
        }
        if (applies)
            apply_large(c, pool, sizes[i].n, large.bytes);
        row_free(c, pool);
    }
}

/* --- CX15: an error inside a chunk ------------------------------------------------------------------------------- */

/* Every item that is a multiple of `argument` fails; the others' results are their squares. */
static int multiples_fail(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                          size_t n)
{
    squares(w, ctx, 0, in, out, first, n);
    for (uint64_t i = first; i < first + n; i++)
        if (i % argument == argument - 1)
            item_failed(w, i, "%llu is no good number", (unsigned long long)i);
    return 0;
}

/* Gives up at item `argument`, which fails it and what is behind it in its chunk. */
static int gives_up(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    (void)ctx, (void)in;
    for (uint64_t i = first; i < first + n; i++) {
        item_begin(w, i);
        if (i == argument)
            return -1;
        ((uint64_t *)out)[i - first] = i;
    }
    return 0;
}

static void error_in_a_chunk(const struct situation *c)
{
    static const size_t chunks[] = {1, 7, 25, 100};
    struct setup setup = {.items = 100, .in_size = WORD, .out_size = WORD};
    struct pool *pool = row_start(c, &setup);
    for (size_t k = 0; pool && k < 4; k++) {
        struct error error = {.code = ERROR_NONE};
        uint64_t *in = pool_in(pool), *out = pool_out(pool), begun = 33 - 33 % chunks[k];
        for (uint64_t i = 0; i < 100; i++)
            in[i] = i;
        EXPECT_FAILS(c, pool_map(pool, multiples_fail, 10, 100, chunks[k], &error), ERROR_FAILED, "9 is no good number",
                     &error);
        EXPECT(c, error.item == 9);
        for (uint64_t i = 0; i < 100; i++)
            EXPECT(c, out[i] == i * i && pool_outcome(pool, i) == (i % 10 == 9 ? OUTCOME_FAILED : OUTCOME_DONE));
        EXPECT_FAILS(c, pool_map(pool, gives_up, 33, 100, chunks[k], &error), ERROR_FAILED, "33", &error);
        EXPECT(c, error.item == 33);
        for (uint64_t i = 0; i < 100; i++)
            EXPECT(c, pool_outcome(pool, i) == (i >= 33 && i < begun + chunks[k] ? OUTCOME_FAILED : OUTCOME_DONE));
    }
    row_free(c, pool);
}

/* --- CX16: chunks and counts of every size ----------------------------------------------------------------------- */

static void chunks_of_every_size(const struct situation *c)
{
    static const unsigned counts[] = {1, 2, 64};
    const size_t most = conformance_quick() ? 100000 : 1000000;
    for (size_t i = 0; i < 3; i++) {
        struct setup setup = {.items = most, .in_size = WORD, .out_size = WORD, .workers = counts[i]};
        struct pool *pool = row_start(c, &setup);
        if (!pool)
            return;
        const size_t few[] = {0, 1, counts[i] > 1 ? counts[i] - 1 : 1, most};
        for (size_t k = 0; k < 4; k++) {
            expect_squares(c, pool, few[k], SIZE_MAX);
            expect_squares(c, pool, few[k], 0);
        }
        expect_squares(c, pool, most, 4999);
        row_free(c, pool);
    }
}

/* --- CX31: a map inside a map ------------------------------------------------------------------------------------ */

/* What came of it goes into the result: the same pool refuses, a new one works. */
static int maps_inside(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                       size_t n)
{
    const struct situation *c = ctx;
    (void)argument, (void)in;
    for (size_t i = 0; i < n; i++) {
        struct error error = {.code = ERROR_NONE};
        uint64_t *result = (uint64_t *)out + i;
        *result = pool_map(w->pool, squares, 0, 5, 1, &error) == -1 && error.code == ERROR_STATE;
        struct setup setup = {.workers = 1, .variant = c->variant, .items = 5, .in_size = WORD, .out_size = WORD};
        struct pool *inner = NULL;
        if (pool_open(&inner, c->strategy, &setup, &error) == 0 && pool_start(inner, &error) == 0) {
            ((uint64_t *)pool_in(inner))[4] = first + i;
            *result += pool_map(inner, squares, 0, 5, 1, &error) == 0 &&
                       ((uint64_t *)pool_out(inner))[4] == (first + i) * (first + i);
        }
        *result += pool_free(inner, GRACE_NS, &error) == 0;
    }
    return 0;
}

static void map_inside_a_map(const struct situation *c)
{
    struct error error = {.code = ERROR_NONE};
    struct setup setup = {.items = 8, .in_size = WORD, .out_size = WORD, .ctx = (void *)(uintptr_t)c};
    struct pool *pool = row_start(c, &setup);
    if (!pool)
        return;
    EXPECT_DONE(c, pool_map(pool, maps_inside, 0, 8, 2, &error), &error);
    for (size_t i = 0; i < 8; i++)
        EXPECT(c, ((uint64_t *)pool_out(pool))[i] == 3);
    expect_squares(c, pool, 8, 1);
    row_free(c, pool);
}

const struct row rows_map_more[] = {
    {.name = "*15 failing producer", .run = failing_producer, .uses = USES(NEED_MAP) | USES(NEED_ASYNC)},
    {.name = "*16 unordered stream", .run = unordered_stream, .uses = USES(NEED_ASYNC)},
    {.name = "CX13 large items both ways", .run = large_items, .uses = USES(NEED_MAP), .limit_s = 60},
    {.name = "CX15 an error inside a chunk", .run = error_in_a_chunk, .uses = USES(NEED_MAP), .variants = true},
    {.name = "CX16 chunks and counts of every size", .run = chunks_of_every_size, .uses = USES(NEED_MAP)},
    {.name = "CX31 a map inside an item", .run = map_inside_a_map, .uses = USES(NEED_MAP)},
    {.name = NULL},
};
