/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * conformance_cases.c - which cases a combination goes through: every pair of item count, chunk, payload and workers.
 *
 * A case is at most CASE_BYTES and, where every chunk forks, CASE_CHILDREN; what that makes impossible is stated here
 * once more, as a rule, and nothing else may be missing. */
#include "tests/conformance.h"
#include "tests/conformance_pairs.h"

#include <CUnit/CUnit.h>

#include <stdio.h>

#define MANY        10000
#define QUICK_ROWS  9
#define QUICK_BYTES ((size_t)8 << 20)
#define READS_MOST  100 /* of snapshots beside a case, where each is a child */

enum { BY_ITEMS, BY_CHUNK, BY_PAYLOAD, BY_WORKERS };
enum { ITEMS_NONE, ITEMS_ONE, ITEMS_FEWER, ITEMS_EACH, ITEMS_ONE_MORE, ITEMS_FOUR_EACH, ITEMS_MANY, ITEM_LEVELS };
enum { CHUNK_ONE, CHUNK_SEVEN, CHUNK_ALL, CHUNK_MORE, CHUNK_LEVELS };

static const unsigned worker_counts[] = {1, 2, 3, 5};
#define WORKER_LEVELS (sizeof worker_counts / sizeof worker_counts[0])

struct plan {
    const struct situation *base;
    const struct sizes *sizes;
};

static unsigned payload_levels(const struct sizes *sizes)
{
    unsigned levels = 0;
    while (levels < 4 && sizes->payloads[levels] > 0)
        levels++;
    return levels ? levels : 1;
}

static size_t items_of(unsigned level, unsigned workers)
{
    const size_t items[] = {0, 1, workers - 1, workers, workers + 1, 4 * (size_t)workers + 1, MANY};
    return items[level];
}

static size_t chunk_of(unsigned level, size_t n)
{
    const size_t chunks[] = {1, 7, n ? n : 1, n + 3};
    return chunks[level];
}

static struct situation situation_of(const struct plan *plan, const struct row *row)
{
    struct situation c = *plan->base;
    c.workers = worker_counts[row->level[BY_WORKERS]];
    c.n = items_of(row->level[BY_ITEMS], c.workers);
    c.chunk = chunk_of(row->level[BY_CHUNK], c.n);
    c.payload = plan->sizes->payloads[row->level[BY_PAYLOAD]];
    c.reads = plan->sizes->reads;
    return c;
}

static bool too_many_workers(const struct situation *base, unsigned workers)
{
    return base->strategy->workers_most && workers > base->strategy->workers_most;
}

static bool row_possible(const void *arg, const struct row *row)
{
    const struct plan *plan = arg;
    struct situation c = situation_of(plan, row);
    size_t children = c.n / c.chunk + c.workers + (c.reads ? READS_MOST : 0);
    if (too_many_workers(&c, c.workers) || c.n * c.payload > CASE_BYTES)
        return false;
    return !situation_forks(&c, plan->sizes->need) || children <= CASE_CHILDREN;
}

/* The rule for what may be missing: too many workers; many of the largest payload; many in small chunks that fork. */
static bool pair_excused(const struct plan *plan, const struct pair *pair)
{
    const unsigned levels[] = {[BY_PAYLOAD] = payload_levels(plan->sizes)};
    if (pair->b == BY_WORKERS && too_many_workers(plan->base, worker_counts[pair->level_b]))
        return true;
    if (pair->a != BY_ITEMS || pair->level_a != ITEMS_MANY)
        return false;
    if (pair->b == BY_PAYLOAD && levels[BY_PAYLOAD] > 1)
        return pair->level_b == levels[BY_PAYLOAD] - 1;
    return pair->b == BY_CHUNK && situation_forks(plan->base, plan->sizes->need) &&
           (pair->level_b == CHUNK_ONE || pair->level_b == CHUNK_SEVEN);
}

static bool cover_holds(const struct cover *cover, const struct pair *pair)
{
    for (size_t i = 0; i < cover->count; i++)
        if (cover->rows[i].level[pair->a] == pair->level_a && cover->rows[i].level[pair->b] == pair->level_b)
            return true;
    return false;
}

/* Counted anew from the rows: a pair is in one of them exactly when nothing excuses it. */
static void check_cover(const struct plan *plan, const unsigned *levels, const struct cover *cover)
{
    struct pair p;
    for (p.a = 0; p.a < DIMENSIONS; p.a++)
        for (p.b = p.a + 1; p.b < DIMENSIONS; p.b++)
            for (p.level_a = 0; p.level_a < levels[p.a]; p.level_a++)
                for (p.level_b = 0; p.level_b < levels[p.b]; p.level_b++)
                    CU_ASSERT(cover_holds(cover, &p) != pair_excused(plan, &p));
    for (size_t i = 0; i < cover->missing_count; i++)
        printf("impossible: pair %u:%u with %u:%u\n", cover->missing[i].a, cover->missing[i].level_a,
               cover->missing[i].b, cover->missing[i].level_b);
}

void cases_run(const struct situation *base, const struct sizes *sizes, case_fn *run)
{
    static struct cover cover;
    struct plan plan = {.base = base, .sizes = sizes};
    const unsigned levels[DIMENSIONS] = {[BY_ITEMS] = ITEM_LEVELS,
                                         [BY_CHUNK] = CHUNK_LEVELS,
                                         [BY_PAYLOAD] = payload_levels(sizes),
                                         [BY_WORKERS] = WORKER_LEVELS};
    pairs_cover(levels, row_possible, &plan, &cover);
    check_cover(&plan, levels, &cover);
    size_t ran = 0;
    for (size_t i = 0; i < cover.count; i++) {
        struct situation c = situation_of(&plan, &cover.rows[i]);
        if (conformance_quick() && (ran >= QUICK_ROWS || c.n * c.payload > QUICK_BYTES))
            continue;
        run(&c);
        ran++;
    }
    printf("%zu of %zu cases\n", ran, cover.count);
    CU_ASSERT(ran > 0);
}
