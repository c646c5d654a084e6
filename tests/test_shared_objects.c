/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_shared_objects.c - arrays, dicts and locks in shared memory, used by several processes at once, some of which
 * are killed in the middle: sums are exact, nothing is torn, nobody waits for the dead. */
#include "bench/ipc/memory.h"
#include "tests/frame.h"
#include "tests/shared_deaths.h"
#include "tests/shared_parts.h"

#include <CUnit/CUnit.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PROCESSES 3

static struct worker worker = {.slot = 0};

/* --- one process ------------------------------------------------------------------------------------------------- */

static void models(void)
{
    array_numbers_follow(&shared);
    array_bytes_follow(&shared);
    array_ranges_follow(&shared);
    dict_follows(&shared);
    dict_capacity_follows(&shared);
    dict_value_follows(&shared);
    dict_clear_follows(&shared);
    lock_follows(&shared);
    misuse_follows(&shared, false);
}

/* The same memory at two addresses is one dict. */
static void dict_lies_anywhere(void)
{
    struct object dict = {.kind = OBJECT_DICT, .key_size = 4, .element_size = 4, .capacity = 10};
    uint32_t entry[2] = {7, 8}, other[2] = {9, 10};
    uint64_t were;
    unsigned char back[16];
    if (!object_made(&shared, &dict))
        return;
    struct object elsewhere = dict;
    elsewhere.state = mremap(dict.state, 0, 4096, MREMAP_MAYMOVE);
    CU_ASSERT_NOT_EQUAL_FATAL(elsewhere.state, MAP_FAILED);
    CU_ASSERT_NOT_EQUAL(elsewhere.state, dict.state);
    CU_ASSERT_EQUAL(dict_put(&worker, &dict, entry, &were, 1), 1);
    CU_ASSERT_EQUAL(dict_put(&worker, &elsewhere, other, &were, 1), 1);
    CU_ASSERT_EQUAL(dict_remove(&worker, &elsewhere, entry, &were, 1), 1);
    CU_ASSERT_EQUAL(were, 1);
    CU_ASSERT_EQUAL(object_read(&worker, &dict, back, sizeof back), 8);
    CU_ASSERT_EQUAL(memcmp(back, other, 8), 0);
    munmap(elsewhere.state, 4096);
    shared.free(&dict);
}

/* --- sums and swaps ---------------------------------------------------------------------------------------------- */

#define ADDS     20000
#define ELEMENTS 4

static uint64_t add_many(void *arg, unsigned index)
{
    struct object *array = arg;
    bool floating = array->type == TYPE_F32 || array->type == TYPE_F64;
    uint64_t random = index + 1, wrong = 0;
    for (unsigned i = 0; i < ADDS; i++) {
        struct addend addend = {random_next(&random) % ELEMENTS, {.u = 1}};
        union number previous;
        if (floating)
            addend.delta.f = 1;
        wrong += array_add(&worker, array, &addend, &previous, 1) != 1;
    }
    return wrong;
}

static void sums_are_exact(void)
{
    for (enum element_type type = TYPE_I8; type < TYPE_BYTES; type++) {
        struct object array = {
            .kind = OBJECT_ARRAY, .type = type, .element_size = type_size(type), .capacity = ELEMENTS};
        uint64_t total = 0;
        if (!object_made(&shared, &array))
            return;
        CU_ASSERT_EQUAL(family_run(add_many, &array, PROCESSES), 0);
        for (uint64_t i = 0; i < ELEMENTS; i++) {
            struct addend nothing = {i, {.u = 0}};
            union number number;
            CU_ASSERT_EQUAL(array_add(&worker, &array, &nothing, &number, 1), 1);
            total += type == TYPE_F32 || type == TYPE_F64 ? (uint64_t)number.f : number.u;
        }
        unsigned bits = type_size(type) < 4 ? 8 * (unsigned)type_size(type) : 32;
        CU_ASSERT_EQUAL(total & (UINT64_MAX >> (64 - bits)), PROCESSES * ADDS & (UINT64_MAX >> (64 - bits)));
        shared.free(&array);
    }
}

#define SWAPS 4000

/* Each swap that was done counts one more, in an element of any size. */
static uint64_t swap_many(void *arg, unsigned index)
{
    struct object *array = arg;
    size_t size = array->element_size, width = size < 8 ? size : 8;
    unsigned char pair[64] = {0}, was[32];
    uint64_t wrong = 0;
    (void)index;
    for (unsigned done = 0; done < SWAPS;) {
        uint64_t number = 0;
        memcpy(&number, pair, width);
        number++;
        memcpy(pair + size, &number, width);
        int64_t swapped = array_swap(&worker, array, 1, pair, was);
        wrong += swapped != 0 && swapped != 1;
        done += swapped != 0;
        memcpy(pair, swapped == 1 ? pair + size : was, size);
    }
    return wrong;
}

static void swaps_are_exact(void)
{
    static const size_t sizes[] = {1, 2, 4, 8, 9, 32};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct object array = {.kind = OBJECT_ARRAY, .type = TYPE_BYTES, .element_size = sizes[i], .capacity = 3};
        unsigned char back[32];
        uint64_t number = 0, mask = sizes[i] < 8 ? (UINT64_C(1) << 8 * sizes[i]) - 1 : UINT64_MAX;
        if (!object_made(&shared, &array))
            return;
        CU_ASSERT_EQUAL(family_run(swap_many, &array, PROCESSES), 0);
        CU_ASSERT_EQUAL(element_get(&worker, &array, 1, back, 1), 1);
        memcpy(&number, back, sizes[i] < 8 ? sizes[i] : 8);
        CU_ASSERT_EQUAL(number, (PROCESSES * SWAPS) & mask);
        shared.free(&array);
    }
}

/* --- records that must not be torn ------------------------------------------------------------------------------- */

#define RECORDS 5

static uint64_t records_torn(struct object *array)
{
    struct record all[RECORDS];
    uint64_t torn = element_get(&worker, array, 0, all, RECORDS) != RECORDS;
    for (unsigned i = 0; i < RECORDS; i++)
        torn += !record_whole(&all[i]);
    torn += object_read(&worker, array, all, sizeof all) != sizeof all;
    for (unsigned i = 0; i < RECORDS; i++)
        torn += !record_whole(&all[i]);
    return torn;
}

/* Every other process writes, the others read. */
static uint64_t read_or_write(void *arg, unsigned index)
{
    uint64_t random = index + 9, wrong = 0;
    for (unsigned i = 0; i < 20000; i++) {
        struct record records[2] = {record_new(&random), record_new(&random)};
        if (index % 2)
            wrong += records_torn(arg);
        else
            wrong += element_set(&worker, arg, random_next(&random) % (RECORDS - 1), records, 2) != 2;
    }
    return wrong;
}

static uint64_t write_for_ever(void *arg, unsigned index)
{
    uint64_t random = (uint64_t)now_ns() + index;
    for (;;) {
        struct record record = record_new(&random), pair[2], was;
        uint64_t at = random_next(&random) % RECORDS;
        element_set(&worker, arg, at, &record, 1);
        pair[0] = record, pair[1] = record_new(&random);
        array_swap(&worker, arg, at, pair, &was);
    }
    return 0;
}

/* Two write, one of them is killed at any moment; what the other one and this process need goes on. */
static void kill_writers(struct object *object, task_fn *task, uint64_t (*wrong_of)(struct object *), unsigned rounds)
{
    uint64_t random = 4711, wrong = 0;
    unsigned late = 0;
    pid_t pids[2] = {child_start(task, object, 0), child_start(task, object, 1)};
    for (unsigned round = 0; round < rounds; round++) {
        rest_ns((int64_t)(random_next(&random) % 1000000));
        child_kill(pids[round % 2]);
        int64_t started = now_ns();
        wrong += wrong_of(object);
        late += now_ns() - started > AT_ONCE;
        pids[round % 2] = child_start(task, object, round % 2);
    }
    child_kill(pids[0]);
    child_kill(pids[1]);
    CU_ASSERT_EQUAL(wrong + wrong_of(object), 0);
    CU_ASSERT_TRUE(mostly_at_once(late, rounds));
}

static void records_are_whole(void)
{
    struct object array = {
        .kind = OBJECT_ARRAY, .type = TYPE_BYTES, .element_size = sizeof(struct record), .capacity = RECORDS};
    if (!object_made(&shared, &array))
        return;
    CU_ASSERT_EQUAL(family_run(read_or_write, &array, 4), 0);
    kill_writers(&array, write_for_ever, records_torn, rounds_of(500));
    shared.free(&array);
}

/* --- dict -------------------------------------------------------------------------------------------------------- */

#define KEYS 200

/* Whether what can be found and what can be read is the same, and whole. */
static uint64_t dict_wrong(struct object *dict)
{
    struct entry *all = calloc(dict->capacity, sizeof *all);
    struct {
        uint64_t found;
        struct record value;
    } answers[KEYS];
    struct {
        uint32_t key, pad;
    } keys[KEYS];
    uint64_t wrong = 0, found = 0;
    int64_t bytes = object_read(&worker, dict, all, dict->capacity * sizeof *all);
    for (unsigned i = 0; i < KEYS; i++)
        keys[i].key = i, keys[i].pad = 0;
    wrong += bytes < 0 || bytes % (int64_t)sizeof *all != 0;
    for (int64_t i = 0; i < bytes / (int64_t)sizeof *all; i++)
        wrong += all[i].key >= KEYS || !record_whole(&all[i].value);
    wrong += dict_get(&worker, dict, keys, (struct dict_answer *)answers, KEYS) != KEYS;
    for (unsigned i = 0; i < KEYS; i++) {
        found += answers[i].found;
        wrong += answers[i].found > 1 || !record_whole(&answers[i].value);
    }
    wrong += found > dict->capacity;
    free(all);
    return wrong;
}

static bool dict_settled(struct object *dict)
{
    unsigned char all[KEYS * sizeof(struct entry)];
    int64_t bytes = object_read(&worker, dict, all, sizeof all), length = object_length(&worker, dict);
    int64_t keys = 0;
    for (uint32_t key[2] = {0, 0}; key[0] < KEYS; key[0]++) {
        unsigned char answer[sizeof(struct dict_answer) + sizeof(struct record)];
        dict_get(&worker, dict, key, (struct dict_answer *)answer, 1);
        keys += ((struct dict_answer *)answer)->found != 0;
    }
    return bytes == length * (int64_t)sizeof(struct entry) && keys == length;
}

/* Each process has keys of its own, and knows what is there. */
static uint64_t dict_own_keys(void *arg, unsigned index)
{
    struct object *dict = arg;
    bool there[KEYS] = {false};
    struct record values[KEYS];
    uint64_t random = index + 100, wrong = 0, were;
    for (unsigned i = 0; i < 20000; i++) {
        unsigned key = (unsigned)(random_next(&random) % (KEYS / PROCESSES)) * PROCESSES + index;
        struct entry entry = {.key = key, .value = record_new(&random)};
        struct {
            uint64_t found;
            struct record value;
        } answer;
        wrong += dict_get(&worker, dict, &entry, (struct dict_answer *)&answer, 1) != 1;
        wrong += answer.found != there[key];
        wrong += there[key] && memcmp(&answer.value, &values[key], sizeof answer.value) != 0;
        if (random_next(&random) % 3 == 0) {
            wrong += dict_remove(&worker, dict, &entry, &were, 1) != 1 || were != there[key];
            there[key] = false;
        } else {
            wrong += dict_put(&worker, dict, &entry, &were, 1) != 1 || were != there[key];
            there[key] = true;
            values[key] = entry.value;
        }
    }
    return wrong;
}

static uint64_t dict_for_ever(void *arg, unsigned index)
{
    uint64_t random = (uint64_t)now_ns() + index, were;
    for (;;) {
        struct entry entry = {.key = (uint32_t)(random_next(&random) % KEYS), .value = record_new(&random)};
        if (random_next(&random) % 2)
            dict_put(&worker, arg, &entry, &were, 1);
        else
            dict_remove(&worker, arg, &entry, &were, 1);
    }
    return 0;
}

static void dict_of_several(void)
{
    struct object dict = dict_shape(KEYS);
    if (!object_made(&shared, &dict))
        return;
    CU_ASSERT_EQUAL(family_run(dict_own_keys, &dict, PROCESSES), 0);
    CU_ASSERT_TRUE(dict_settled(&dict));
    shared.free(&dict);
    /* one that is nearly always full */
    dict = dict_shape(KEYS / 2);
    if (!object_made(&shared, &dict))
        return;
    kill_writers(&dict, dict_for_ever, dict_wrong, rounds_of(500));
    CU_ASSERT_TRUE(dict_settled(&dict));
    shared.free(&dict);
}

static const struct test tests[] = {
    {.name = "shared objects: models", .run = models},
    {.name = "shared objects: a dict lies anywhere", .run = dict_lies_anywhere},
    {.name = "shared objects: sums are exact", .run = sums_are_exact},
    {.name = "shared objects: swaps are exact", .run = swaps_are_exact},
    {.name = "shared objects: records are whole", .run = records_are_whole},
    {.name = "shared objects: a record's writer cut short anywhere", .run = record_dissected, .limit_s = 120},
    {.name = "shared objects: dict of several processes", .run = dict_of_several},
    {.name = "shared objects: a dict's writer cut short anywhere", .run = dict_dissected, .limit_s = 120},
    {.name = "shared objects: a dict after each instruction", .run = dict_laid_open, .limit_s = 120},
    {.name = "shared objects: a lock excludes", .run = lock_excludes},
    {.name = "shared objects: the next one is told of a holder's death", .run = lock_of_the_dead},
    {.name = "shared objects: a lock's timeouts", .run = lock_times_out},
    {.name = "shared objects: a lock freed by its holder", .run = lock_freed_while_held},
    {.name = "shared objects: holders of a lock killed", .run = lock_holders_killed},
    {.name = NULL},
};

int main(int argc, char **argv)
{
    return frame_main(argc, argv, tests);
}
