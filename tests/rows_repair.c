/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rows_repair.c - objects whose users are killed in the middle of operations: each operation is done or not done, and
 * nobody has to wait for the dead.
 *
 * Workers note what was acknowledged in shared memory; what they had begun when they died may be there or not. */
#include "tests/rows.h"

#include "bench/ipc/memory.h"

#include <CUnit/CUnit.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS  2
#define STEPS    2000
#define LENGTH   400000
#define KEYS     50
#define ACCOUNTS 4

enum { AT_COUNTER, AT_LIST, AT_DICT, AT_RECORDS, AT_NUMBERS };

/* Of one operation of all workers. `begun` is noted before it, `done` when it was acknowledged. */
struct tally {
    _Atomic uint64_t begun, done;
};

struct books {
    struct tally adds, appends, numbers;
    _Atomic int64_t longest; /* of one step, ns */
};

struct record {
    uint64_t worker, sequence, word[5], sum;
};

static struct record record_of(uint64_t worker, uint64_t sequence)
{
    struct record r = {.worker = worker, .sequence = sequence};
    r.sum = ~worker ^ sequence;
    for (uint64_t i = 0; i < 5; i++)
        r.sum ^= r.word[i] = (sequence * 5 + i + 1) * 0x9e3779b97f4a7c15U + worker;
    return r;
}

static bool is_whole(const struct record *r)
{
    struct record wanted = record_of(r->worker, r->sequence);
    return memcmp(r, &wanted, sizeof wanted) == 0;
}

/* A key has always a value of the same worker and sequence, whoever put it last. */
static bool put_and_get(struct worker *w, struct object *dict, const struct record *r)
{
    struct {
        uint64_t key;
        struct record value;
    } entry = {.key = r->sequence % KEYS, .value = *r};
    _Alignas(8) unsigned char answer[sizeof(struct dict_answer) + sizeof(struct record)];
    struct dict_answer *found = (struct dict_answer *)answer;
    struct record value;
    uint64_t was, key = (r->sequence * 7) % KEYS;
    if (r->sequence % 5 == 4)
        return dict_remove(w, dict, &key, &was, 1) == 1;
    if (dict_put(w, dict, &entry, &was, 1) != 1 || dict_get(w, dict, &key, found, 1) != 1)
        return false;
    memcpy(&value, found->value, sizeof value);
    return !found->found || (is_whole(&value) && value.sequence % KEYS == key);
}

static bool operate(struct worker *w, struct books *books, uint64_t sequence)
{
    struct record r = record_of(w->slot, sequence), found;
    int64_t one = 1, previous;
    union number was;
    struct addend addend = {.at = sequence % ACCOUNTS, .delta = {.i = 1}};
    atomic_fetch_add(&books->adds.begun, 1);
    if (counter_add(w, pool_object(w->pool, AT_COUNTER), &one, &previous, 1) != 1)
        return false;
    atomic_fetch_add(&books->adds.done, 1);
    atomic_fetch_add(&books->appends.begun, 1);
    if (list_append(w, pool_object(w->pool, AT_LIST), &r, 1) != 1)
        return false;
    atomic_fetch_add(&books->appends.done, 1);
    atomic_fetch_add(&books->numbers.begun, 1);
    if (array_add(w, pool_object(w->pool, AT_NUMBERS), &addend, &was, 1) != 1)
        return false;
    atomic_fetch_add(&books->numbers.done, 1);
    return put_and_get(w, pool_object(w->pool, AT_DICT), &r) &&
           element_set(w, pool_object(w->pool, AT_RECORDS), sequence % 3, &r, 1) == 1 &&
           element_get(w, pool_object(w->pool, AT_RECORDS), (sequence + 1) % 3, &found, 1) == 1 && is_whole(&found);
}

static int64_t busy_step(struct worker *w, void *ctx, size_t n)
{
    struct books *books = ctx;
    int64_t started = row_now();
    if (!operate(w, books, w->done))
        return error_set(w->error, ERROR_FAILED, "worker %u, step %u: an operation failed, or something is torn",
                         w->slot, (unsigned)w->done);
    int64_t took = row_now() - started, longest = atomic_load(&books->longest);
    while (took > longest && !atomic_compare_exchange_weak(&books->longest, &longest, took))
        ;
    return (int64_t)n;
}

static bool within(const struct tally *tally, uint64_t found)
{
    return found >= atomic_load(&tally->done) && found <= atomic_load(&tally->begun);
}

static void judge_list(const struct situation *c, struct pool *pool, const struct books *books, struct record *records)
{
    int64_t bytes = object_read(pool_parent(pool), pool_object(pool, AT_LIST), records, LENGTH * sizeof *records);
    uint64_t wrong = 0, count = bytes < 0 ? 0 : (uint64_t)bytes / sizeof *records;
    EXPECT(c, bytes >= 0 && bytes % (int64_t)sizeof *records == 0);
    for (uint64_t i = 0; i < count; i++)
        wrong += !is_whole(&records[i]) || records[i].worker >= WORKERS;
    EXPECT(c, wrong == 0);
    EXPECT(c, object_length(pool_parent(pool), pool_object(pool, AT_LIST)) == (int64_t)count);
    EXPECT(c, within(&books->appends, count));
}

static void judge_numbers(const struct situation *c, struct pool *pool, const struct books *books)
{
    int64_t numbers[ACCOUNTS] = {0}, sum = 0, total = 0;
    struct worker *parent = pool_parent(pool);
    EXPECT(c, object_read(parent, pool_object(pool, AT_COUNTER), &total, sizeof total) == sizeof total);
    EXPECT(c, object_read(parent, pool_object(pool, AT_NUMBERS), numbers, sizeof numbers) == sizeof numbers);
    for (unsigned i = 0; i < ACCOUNTS; i++)
        sum += numbers[i];
    EXPECT(c, within(&books->adds, (uint64_t)total) && within(&books->numbers, (uint64_t)sum));
}

/* Before the list is full. */
static void make_room(const struct situation *c, struct pool *pool, struct books *books)
{
    if (atomic_load(&books->appends.begun) < LENGTH / 2)
        return;
    EXPECT(c, object_clear(pool_parent(pool), pool_object(pool, AT_LIST)) == 0);
    atomic_store(&books->appends.begun, 0);
    atomic_store(&books->appends.done, 0);
}

static void judge_dict(const struct situation *c, struct pool *pool)
{
    struct {
        uint64_t key;
        struct record value;
    } entries[KEYS];
    unsigned seen[KEYS] = {0}, wrong = 0;
    int64_t bytes = object_read(pool_parent(pool), pool_object(pool, AT_DICT), entries, sizeof entries);
    size_t count = bytes < 0 ? 0 : (size_t)bytes / sizeof *entries;
    EXPECT(c, bytes >= 0 && object_length(pool_parent(pool), pool_object(pool, AT_DICT)) == (int64_t)count);
    for (size_t i = 0; i < count; i++)
        wrong += entries[i].key >= KEYS || seen[entries[i].key]++ > 0 || !is_whole(&entries[i].value) ||
                 entries[i].value.sequence % KEYS != entries[i].key;
    EXPECT(c, wrong == 0);
}

static bool make_objects(struct pool *pool)
{
    struct record first[3] = {record_of(0, 0), record_of(0, 1), record_of(0, 2)};
    return counter_new(pool, NULL) && list_new(pool, sizeof(struct record), LENGTH, NULL) &&
           dict_new(pool, sizeof(uint64_t), sizeof(struct record), KEYS, NULL) &&
           array_new(pool, TYPE_BYTES, sizeof(struct record), 3, first, NULL) &&
           array_new(pool, TYPE_I64, 0, ACCOUNTS, NULL, NULL);
}

void users_killed(const struct situation *c)
{
    const int64_t end = row_now() + (conformance_quick() ? 500 : 800) * MS, last = end + ROW_PATIENCE_NS;
    struct books *books = memory_shared(sizeof *books);
    struct record *records = malloc(LENGTH * sizeof *records);
    CU_ASSERT_FATAL(books && records);
    struct pool *pool = row_open(c, &(struct setup){.workers = WORKERS, .deaths = 1000000, .ctx = books}, STEPS);
    unsigned deaths = 0;
    if (pool && EXPECT(c, make_objects(pool)) && row_go(c, pool)) {
        pid_t killer = row_killer(pool_service(pool), 5 * MS);
        while (row_now() < (deaths ? end : last)) {
            struct error error = {.code = ERROR_NONE};
            if (pool_each(pool, busy_step, &error) == 0) {
                make_room(c, pool, books);
                continue;
            }
            deaths++;
            if (!EXPECT(c, error.code == ERROR_DIED && strstr(error.text, "signal 9"))) {
                fprintf(stderr, "%s\n", error.text);
                break;
            }
            judge_list(c, pool, books, records);
            judge_numbers(c, pool, books);
            judge_dict(c, pool);
            make_room(c, pool, books);
        }
        row_killer_end(killer);
        EXPECT(c, deaths > 0);
        EXPECT_WITHIN(c, atomic_load(&books->longest), 1000 * MS);
    }
    row_free_killed(c, pool);
    free(records);
    memory_free(books, sizeof *books);
}
