/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rows_elements.c - what several processes change at once: nothing lost, nothing torn, and every snapshot whole. */
#include "tests/rows.h"

#include "bench/ipc/memory.h"

#include <CUnit/CUnit.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- CX17: updates are lost only where that is the point --------------------------------------------------------- */

#define ADDS  64
#define CALLS 10
#define STEPS 30

/* They begin together, or one would be done before the other has begun. */
static void begin_together(struct worker *w, _Atomic uint32_t *arrived)
{
    int64_t end = row_now() + 1000 * MS;
    if (w->done > 0)
        return;
    atomic_fetch_add(arrived, 1);
    while (atomic_load(arrived) < pool_workers(w->pool) && row_now() < end)
        ;
}

static int64_t add_ones(struct worker *w, void *ctx, size_t n)
{
    struct object *counter = pool_object(w->pool, 0), *array = pool_object(w->pool, 1);
    int64_t ones[ADDS], previous[ADDS];
    begin_together(w, ctx);
    for (unsigned i = 0; i < ADDS; i++)
        ones[i] = 1;
    for (unsigned call = 0; call < CALLS; call++) {
        if (counter_add(w, counter, ones, previous, ADDS) != ADDS)
            return -1;
        union number was;
        if (array && array_add(w, array, &(struct addend){.at = 1, .delta = {.i = 2}}, &was, 1) != 1)
            return -1;
    }
    return (int64_t)n;
}

/* How many adds are missing at the end. */
static int64_t lost_adds(const struct situation *c, size_t steps)
{
    _Atomic uint32_t *arrived = memory_shared(sizeof *arrived);
    CU_ASSERT_PTR_NOT_NULL_FATAL(arrived);
    struct pool *pool = row_open(c, &(struct setup){.workers = 2, .ctx = (void *)arrived}, steps);
    int64_t total = -1, numbers[3] = {0}, wanted;
    if (!pool)
        return 0;
    wanted = (int64_t)(pool_workers(pool) * steps * CALLS * ADDS);
    struct object *counter = counter_new(pool, NULL), *array = array_new(pool, TYPE_I64, 0, 3, NULL, NULL);
    if (EXPECT(c, counter != NULL) && row_go(c, pool)) {
        row_each(c, pool, add_ones);
        EXPECT(c, object_read(pool_parent(pool), counter, &total, sizeof total) == sizeof total);
        if (array) {
            EXPECT(c, object_read(pool_parent(pool), array, numbers, sizeof numbers) == sizeof numbers);
            EXPECT(c, numbers[0] == 0 && numbers[1] * ADDS == 2 * wanted && numbers[2] == 0);
        }
    }
    row_free(c, pool);
    memory_free((void *)arrived, sizeof *arrived);
    return wanted - total;
}

/* Where updates may be lost they are, sooner or later, unless one processor runs one process at a time. */
static void lost_updates(const struct situation *c)
{
    const int64_t end = row_now() + 8000 * MS;
    int64_t lost = 0;
    if (!situation_variant(c)->incorrect) {
        for (unsigned i = 0; i < 3; i++)
            EXPECT(c, lost_adds(c, STEPS) == 0);
        return;
    }
    while (lost == 0 && row_now() < end)
        lost = lost_adds(c, 10 * STEPS);
    EXPECT(c, lost > 0 || sysconf(_SC_NPROCESSORS_ONLN) < 2);
}

/* --- CX18: torn elements ----------------------------------------------------------------------------------------- */

#define RECORDS 4

struct record {
    uint64_t writer, sequence, noise, sum;
};

static struct record record_of(uint64_t writer, uint64_t sequence)
{
    struct record r = {.writer = writer, .sequence = sequence, .noise = (writer + 1) * sequence * 0x9e3779b97f4a7c15U};
    r.sum = ~(r.writer ^ r.sequence ^ r.noise);
    return r;
}

static bool is_whole(const struct record *r)
{
    struct record wanted = record_of(r->writer, r->sequence);
    return memcmp(r, &wanted, sizeof wanted) == 0;
}

static int64_t write_and_read(struct worker *w, void *ctx, size_t n)
{
    struct object *array = pool_object(w->pool, 0);
    (void)ctx;
    for (uint64_t i = 0; i < 50; i++) {
        struct record r = record_of(w->slot, w->done * 50 + i), found[RECORDS];
        if (element_set(w, array, i % RECORDS, &r, 1) != 1 || element_get(w, array, 0, found, RECORDS) != RECORDS)
            return -1;
        for (unsigned k = 0; k < RECORDS; k++)
            if (!is_whole(&found[k]))
                return error_set(w->error, ERROR_FAILED, "record %u is torn", k);
    }
    return (int64_t)n;
}

static void torn_elements(const struct situation *c)
{
    struct record first[RECORDS], found[RECORDS];
    struct pool *pool = row_open(c, &(struct setup){.workers = 3}, 60);
    if (!pool)
        return;
    for (unsigned i = 0; i < RECORDS; i++)
        first[i] = record_of(9, i);
    struct object *array = array_new(pool, TYPE_BYTES, sizeof *first, RECORDS, first, NULL);
    if (EXPECT(c, array != NULL) && row_go(c, pool)) {
        row_each(c, pool, write_and_read);
        EXPECT(c, object_read(pool_parent(pool), array, found, sizeof found) == sizeof found);
        for (unsigned i = 0; i < RECORDS; i++)
            EXPECT(c, is_whole(&found[i]) && found[i].writer < 3);
    }
    row_free(c, pool);
}

/* --- CX19: appends ----------------------------------------------------------------------------------------------- */

static void appends(const struct situation *c)
{
    static const size_t chunks[] = {1, 7, 100};
    for (size_t i = 0; i < 3; i++) {
        struct situation one = *c;
        one.workers = row_workers(c, 3);
        one.n = situation_forks(c, NEED_LIST) ? 40 * chunks[i] : 3000;
        one.chunk = chunks[i];
        one.payload = 24;
        list_conforms(&one);
    }
}

/* --- CX20: a sum that every snapshot must have ------------------------------------------------------------------- */

#define ACCOUNTS 8
#define SUM      8000

static int64_t transfer(struct worker *w, struct object *array, unsigned *seed)
{
    uint64_t from = (uint64_t)rand_r(seed) % ACCOUNTS, to = (uint64_t)rand_r(seed) % ACCOUNTS;
    int64_t amount = rand_r(seed) % 100, balance = 0;
    if (element_get(w, array, from, &balance, 1) != 1)
        return -1;
    balance -= amount;
    if (element_set(w, array, from, &balance, 1) != 1)
        return -1;
    union number was;
    return array_add(w, array, &(struct addend){.at = to, .delta = {.i = amount}}, &was, 1) == 1 ? 0 : -1;
}

static bool balanced(struct worker *w, struct object *array)
{
    int64_t accounts[ACCOUNTS], sum = 0;
    if (object_read(w, array, accounts, sizeof accounts) != sizeof accounts)
        return false;
    for (unsigned i = 0; i < ACCOUNTS; i++)
        sum += accounts[i];
    return sum == SUM;
}

static int64_t transfer_and_look(struct worker *w, void *ctx, size_t n)
{
    struct object *array = pool_object(w->pool, 0), *lock = pool_object(w->pool, 1);
    unsigned seed = w->slot * 1000 + (unsigned)w->done;
    (void)ctx;
    for (unsigned i = 0; i < 20; i++) {
        if (lock_acquire(w, lock, NEVER) != 0)
            return -1;
        bool fine = i % 2 ? balanced(w, array) : transfer(w, array, &seed) == 0;
        if (lock_release(w, lock) != 0 || !fine)
            return error_set(w->error, ERROR_FAILED, "step %u of worker %u: the sum is another", i, w->slot);
    }
    return (int64_t)n;
}

static void snapshots_keep_a_sum(const struct situation *c)
{
    int64_t first[ACCOUNTS];
    for (unsigned i = 0; i < ACCOUNTS; i++)
        first[i] = SUM / ACCOUNTS;
    struct pool *pool = row_open(c, &(struct setup){.workers = 3}, 50);
    if (!pool)
        return;
    struct object *array = array_new(pool, TYPE_I64, 0, ACCOUNTS, first, NULL), *lock = lock_new(pool, NULL);
    if (EXPECT(c, array && lock) && row_go(c, pool)) {
        row_each(c, pool, transfer_and_look);
        EXPECT(c, balanced(pool_parent(pool), array));
    }
    row_free(c, pool);
}

const struct row rows_elements[] = {
    {.name = "CX17 updates lost only where that is the point",
     .run = lost_updates,
     .uses = USES(NEED_COUNTER),
     .variants = true},
    {.name = "CX18 torn elements", .run = torn_elements, .uses = USES(NEED_ARRAY), .variants = true},
    {.name = "CX19 appends: all, once, in order", .run = appends, .uses = USES(NEED_LIST), .variants = true},
    {.name = "CX20 a sum that every snapshot has",
     .run = snapshots_keep_a_sum,
     .uses = USES(NEED_ARRAY) | USES(NEED_LOCK)},
    {.name = NULL},
};
