/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rows_objects.c - values, arrays and lists that a worker changes and the parent sees changed.
 *
 * The first worker runs the step once, in a pool_each(); what it finds there and what the parent finds afterwards must
 * be what one process would find. */
#include "tests/rows.h"

#include <CUnit/CUnit.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* --- *27: types of values ---------------------------------------------------------------------------------------- */

union bits {
    int8_t i8;
    uint8_t u8;
    int16_t i16;
    uint16_t u16;
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    float f32;
    double f64;
};

/* What a value begins with, and what the worker then sets. */
static const struct value_case {
    enum element_type type;
    union bits first, then;
} values[] = {
    {TYPE_I8, {.i8 = INT8_MIN}, {.i8 = INT8_MAX}},      {TYPE_U8, {.u8 = 1}, {.u8 = UINT8_MAX}},
    {TYPE_I16, {.i16 = INT16_MIN}, {.i16 = INT16_MAX}}, {TYPE_U16, {.u16 = 1}, {.u16 = UINT16_MAX}},
    {TYPE_I32, {.i32 = INT32_MIN}, {.i32 = INT32_MAX}}, {TYPE_U32, {.u32 = 7}, {.u32 = UINT32_MAX}},
    {TYPE_I64, {.i64 = INT64_MIN}, {.i64 = INT64_MAX}}, {TYPE_U64, {.u64 = UINT64_C(1) << 33}, {.u64 = UINT64_MAX}},
    {TYPE_F32, {.f32 = -0.5F}, {.f32 = 3.4e38F}},       {TYPE_F64, {.f64 = 2.4}, {.f64 = -1.25}},
};

static const struct value_case *value_now;

static bool holds(struct worker *w, struct object *value, const union bits *wanted)
{
    union bits found = {.u64 = 0};
    return element_get(w, value, 0, &found, 1) == 1 && memcmp(&found, wanted, type_size(value->type)) == 0;
}

/* The first worker changes it; a failed step says what was wrong. */
static int64_t change_value(struct worker *w, void *ctx, size_t n)
{
    struct object *value = pool_object(w->pool, 0);
    (void)ctx;
    if (w->slot != 0)
        return (int64_t)n;
    if (!holds(w, value, &value_now->first))
        return error_set(w->error, ERROR_FAILED, "the value does not begin as it was made");
    return element_set(w, value, 0, &value_now->then, 1) == 1 && holds(w, value, &value_now->then) ? (int64_t)n : -1;
}

static void value_types(const struct situation *c)
{
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct pool *pool = row_open(c, &(struct setup){.workers = 0}, 1);
        if (!pool)
            return;
        struct object *value = value_new(pool, values[i].type, &values[i].first, NULL);
        value_now = &values[i];
        if (EXPECT(c, value != NULL) && row_go(c, pool)) {
            EXPECT(c, holds(pool_parent(pool), value, &values[i].first));
            row_each(c, pool, change_value);
            EXPECT(c, holds(pool_parent(pool), value, &values[i].then));
        }
        row_free(c, pool);
    }
}

/* --- *28, *29, *30: arrays --------------------------------------------------------------------------------------- */

static const int32_t tens[] = {680, 626, 934, 821, 150, 233, 548, 982, 714, 831};

static int64_t sum_prefixes(struct worker *w, void *ctx, size_t n)
{
    struct object *array = pool_object(w->pool, 0);
    (void)ctx;
    for (uint64_t i = 1; w->slot == 0 && i < 10; i++) {
        int32_t two[2];
        if (element_get(w, array, i - 1, two, 2) != 2)
            return -1;
        two[1] += two[0];
        if (element_set(w, array, i, &two[1], 1) != 1)
            return -1;
    }
    return (int64_t)n;
}

static void array_in_place(const struct situation *c)
{
    struct pool *pool = row_open(c, &(struct setup){.workers = 0}, 1);
    int32_t found[12] = {0}, sum = 0;
    if (!pool)
        return;
    struct object *array = array_new(pool, TYPE_I32, 0, 10, tens, NULL);
    if (EXPECT(c, array != NULL) && row_go(c, pool)) {
        struct worker *parent = pool_parent(pool);
        EXPECT(c, object_length(parent, array) == 10);
        EXPECT(c, element_get(parent, array, 2, found, 5) == 5 && memcmp(found, tens + 2, 5 * sizeof *tens) == 0);
        row_each(c, pool, sum_prefixes);
        EXPECT(c, object_read(parent, array, found, sizeof found) == sizeof tens);
        for (size_t i = 0; i < 10; i++)
            EXPECT(c, found[i] == (sum += tens[i]));
        /* outside of it nothing is read or written, and the neighbours stay */
        EXPECT(c, element_get(parent, array, 10, found, 1) == CALL_RANGE);
        EXPECT(c, element_get(parent, array, 8, found, 3) == CALL_RANGE);
        EXPECT(c, element_set(parent, array, 9, (int32_t[]){0, 0}, 2) == CALL_RANGE);
        EXPECT(c, element_set(parent, array, UINT64_MAX, &sum, 1) == CALL_RANGE);
        EXPECT(c, element_get(parent, array, 9, found, 1) == 1 && found[0] == sum);
    }
    row_free(c, pool);
}

static int64_t scribble(struct worker *w, void *ctx, size_t n)
{
    unsigned char ones[4096];
    (void)ctx;
    memset(ones, 0xff, sizeof ones);
    return w->slot > 0 || element_set(w, pool_object(w->pool, 0), 0, ones, 512) == 512 ? (int64_t)n : -1;
}

static bool all_zero(struct worker *w, struct object *array)
{
    unsigned char found[4096];
    memset(found, 0xaa, sizeof found);
    if (object_read(w, array, found, sizeof found) != sizeof found)
        return false;
    for (size_t i = 0; i < sizeof found; i++)
        if (found[i])
            return false;
    return true;
}

/* Made from a size alone, it is zero, though the memory before it was not. */
static void zeroed_on_reuse(const struct situation *c)
{
    for (unsigned again = 0; again < 4; again++) {
        struct pool *pool = row_open(c, &(struct setup){.workers = 0}, 1);
        if (!pool)
            return;
        struct object *array = array_new(pool, TYPE_U64, 0, 512, NULL, NULL);
        if (EXPECT(c, array != NULL) && row_go(c, pool)) {
            EXPECT(c, all_zero(pool_parent(pool), array));
            row_each(c, pool, scribble);
            EXPECT(c, !all_zero(pool_parent(pool), array));
            EXPECT(c, object_clear(pool_parent(pool), array) == 0);
            EXPECT(c, all_zero(pool_parent(pool), array));
        }
        row_free(c, pool);
    }
}

struct point {
    double x;
    char name[20];
    int32_t n;
};

enum { AT_I32, AT_F64, AT_I64, AT_POINT, AT_NUMBERS, AT_TEXT, AT_LOCK };

static bool double_numbers(struct worker *w, unsigned index, size_t length)
{
    double numbers[10];
    if (element_get(w, pool_object(w->pool, index), 0, numbers, length) != (int64_t)length)
        return false;
    for (size_t i = 0; i < length; i++)
        numbers[i] *= 2;
    return element_set(w, pool_object(w->pool, index), 0, numbers, length) == (int64_t)length;
}

static bool double_point(struct worker *w)
{
    struct point p;
    if (element_get(w, pool_object(w->pool, AT_POINT), 0, &p, 1) != 1)
        return false;
    p.x *= 2;
    p.n *= 2;
    p.name[0]++;
    return element_set(w, pool_object(w->pool, AT_POINT), 0, &p, 1) == 1;
}

static bool double_integers(struct worker *w)
{
    int32_t small = 0;
    int64_t large = 0;
    char text[20];
    struct object *at = pool_object(w->pool, AT_TEXT);
    if (element_get(w, pool_object(w->pool, AT_I32), 0, &small, 1) != 1 ||
        element_get(w, pool_object(w->pool, AT_I64), 0, &large, 1) != 1 || element_get(w, at, 0, text, 20) != 20)
        return false;
    small *= 2;
    large *= 2;
    memmove(text + 5, text, 5);
    return element_set(w, pool_object(w->pool, AT_I32), 0, &small, 1) == 1 &&
           element_set(w, pool_object(w->pool, AT_I64), 0, &large, 1) == 1 && element_set(w, at, 0, text, 20) == 20;
}

/* Under the lock, where there is one. */
static int64_t double_all(struct worker *w, void *ctx, size_t n)
{
    struct object *lock = pool_object(w->pool, AT_LOCK);
    (void)ctx;
    if (w->slot != 0)
        return (int64_t)n;
    if (lock && lock_acquire(w, lock, NEVER) != 0)
        return -1;
    bool done =
        double_integers(w) && double_point(w) && double_numbers(w, AT_F64, 1) && double_numbers(w, AT_NUMBERS, 10);
    if (lock && lock_release(w, lock) != 0)
        return -1;
    return done ? (int64_t)n : -1;
}

static void make_mixed(struct pool *pool, bool locked)
{
    static const double half = 0.5, numbers[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    static const int64_t large = INT64_C(1) << 33;
    value_new(pool, TYPE_I32, &(int32_t){7}, NULL);
    value_new(pool, TYPE_F64, &half, NULL);
    value_new(pool, TYPE_I64, &large, NULL);
    array_new(pool, TYPE_BYTES, sizeof(struct point), 1, &(struct point){.x = 3, .name = "a point", .n = 2}, NULL);
    array_new(pool, TYPE_F64, 0, 10, numbers, NULL);
    array_new(pool, TYPE_U8, 0, 20, "hello\0\0\0\0\0\0\0\0\0\0\0\0\0\0", NULL);
    if (locked)
        lock_new(pool, NULL);
}

static void judge_mixed(const struct situation *c, struct pool *pool)
{
    struct worker *parent = pool_parent(pool);
    int32_t small = 0;
    int64_t large = 0;
    double half = 0, numbers[10] = {0};
    char text[20] = "";
    struct point p = {.x = 0};
    object_read(parent, pool_object(pool, AT_I32), &small, sizeof small);
    object_read(parent, pool_object(pool, AT_I64), &large, sizeof large);
    object_read(parent, pool_object(pool, AT_F64), &half, sizeof half);
    object_read(parent, pool_object(pool, AT_NUMBERS), numbers, sizeof numbers);
    object_read(parent, pool_object(pool, AT_TEXT), text, sizeof text);
    object_read(parent, pool_object(pool, AT_POINT), &p, sizeof p);
    EXPECT(c, small == 14 && large == INT64_C(1) << 34 && half == 1.0);
    EXPECT(c, strcmp(text, "hellohello") == 0);
    EXPECT(c, p.x == 6 && p.n == 4 && strcmp(p.name, "b point") == 0);
    for (unsigned i = 0; i < 10; i++)
        EXPECT(c, numbers[i] == 2 * i);
}

static void mixed_types(const struct situation *c)
{
    for (int locked = 0; locked < 2; locked++) {
        struct pool *pool = row_open(c, &(struct setup){.workers = 0}, 1);
        if (!pool)
            return;
        make_mixed(pool, locked);
        if (EXPECT(c, pool_object(pool, AT_TEXT)) && row_go(c, pool)) {
            row_each(c, pool, double_all);
            judge_mixed(c, pool);
        }
        row_free(c, pool);
    }
}

/* --- *33, *34: lists --------------------------------------------------------------------------------------------- */

/* All that a list can do, from an empty one to one that holds 0 10 2 3 4 5. */
static bool list_operations(struct worker *w, struct object *list)
{
    static const int64_t first[] = {0, 1, 2}, more[] = {3, 4, 5, 6};
    int64_t found[8] = {0}, ten = 10;
    bool fine = object_length(w, list) == 0 && list_pop(w, list, found, 1) == 0;
    fine = fine && list_append(w, list, first, 3) == 3 && list_append(w, list, more, 4) == 4;
    fine = fine && object_length(w, list) == 7;
    fine = fine && element_get(w, list, 2, found, 3) == 3 && found[0] == 2 && found[2] == 4;
    fine = fine && element_set(w, list, 1, &ten, 1) == 1 && element_get(w, list, 0, found, 2) == 2 && found[1] == 10;
    fine = fine && element_get(w, list, 7, found, 1) == CALL_RANGE && element_get(w, list, 6, found, 2) == CALL_RANGE;
    fine = fine && element_set(w, list, 7, &ten, 1) == CALL_RANGE;
    fine = fine && list_pop(w, list, found, 1) == 1 && found[0] == 6 && object_length(w, list) == 6;
    return fine;
}

static bool list_left(struct worker *w, struct object *list)
{
    static const int64_t left[] = {0, 10, 2, 3, 4, 5};
    int64_t found[8] = {0};
    return object_length(w, list) == 6 && object_read(w, list, found, sizeof found) == sizeof left &&
           memcmp(found, left, sizeof left) == 0;
}

static int64_t operate_on_list(struct worker *w, void *ctx, size_t n)
{
    struct object *list = pool_object(w->pool, 0);
    (void)ctx;
    return w->slot > 0 || (list_operations(w, list) && list_left(w, list)) ? (int64_t)n : -1;
}

static void list_core(const struct situation *c)
{
    struct pool *pool = row_open(c, &(struct setup){.workers = 0}, 1);
    if (!pool)
        return;
    struct object *list = list_new(pool, sizeof(int64_t), 100, NULL);
    if (EXPECT(c, list != NULL) && row_go(c, pool)) {
        struct worker *parent = pool_parent(pool);
        int64_t found[8];
        row_each(c, pool, operate_on_list);
        EXPECT(c, list_left(parent, list));
        EXPECT(c, list_pop(parent, list, found, 8) == 6 && found[0] == 5 && found[5] == 0);
        EXPECT(c, object_length(parent, list) == 0);
        EXPECT(c, list_operations(parent, list) && list_left(parent, list));
        EXPECT(c, object_clear(parent, list) == 0 && object_length(parent, list) == 0);
        row_each(c, pool, operate_on_list);
        EXPECT(c, list_left(parent, list));
    }
    row_free(c, pool);
}

/* What was read is a copy that stays; get() sees what is there now. */
static void live_and_snapshot(const struct situation *c)
{
    struct pool *pool = row_open(c, &(struct setup){.workers = 0}, 1);
    if (!pool)
        return;
    struct object *list = list_new(pool, sizeof(int64_t), 100, NULL);
    if (EXPECT(c, list != NULL) && row_go(c, pool)) {
        struct worker *parent = pool_parent(pool);
        int64_t snapshot[8] = {0}, now = 0;
        row_each(c, pool, operate_on_list);
        EXPECT(c, object_read(parent, list, snapshot, sizeof snapshot) == 6 * sizeof(int64_t));
        EXPECT(c, element_set(parent, list, 2, &(int64_t){77}, 1) == 1 && list_append(parent, list, &now, 1) == 1);
        EXPECT(c, snapshot[2] == 2 && snapshot[5] == 5 && snapshot[6] == 0);
        EXPECT(c, element_get(parent, list, 2, &now, 1) == 1 && now == 77);
        EXPECT(c, object_read(parent, list, snapshot, sizeof snapshot) == 7 * sizeof(int64_t) && snapshot[2] == 77);
        /* no more than there is room for */
        EXPECT(c, object_read(parent, list, snapshot, 2 * sizeof(int64_t)) == 2 * sizeof(int64_t));
    }
    row_free(c, pool);
}

/* --- CX23: no memory --------------------------------------------------------------------------------------------- */

static void no_memory(const struct situation *c)
{
    static const rlim_t room = (rlim_t)64 << 20;
    struct error error = {.code = ERROR_NONE};
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    CU_ASSERT_FATAL(file && fscanf(file, "%lu", &pages) == 1);
    fclose(file);
    struct rlimit before, limit;
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_AS, &before), 0);
    limit = before;
    limit.rlim_cur = pages * (rlim_t)sysconf(_SC_PAGESIZE) + room;
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_AS, &limit), 0);
    struct setup setup = {.workers = 1, .variant = c->variant, .items = 1 << 20, .in_size = 1024, .out_size = 1024};
    struct pool *pool = NULL;
    EXPECT_FAILS(c, pool_open(&pool, c->strategy, &setup, &error), ERROR_SYSTEM, "memory", &error);
    EXPECT(c, pool == NULL);
    setup.items = 0;
    if (EXPECT_DONE(c, pool_open(&pool, c->strategy, &setup, &error), &error)) {
        error.code = ERROR_NONE;
        int result = list_new(pool, 1024, 1 << 20, &error) ? 0 : -1;
        /* a process that serves reserves it where it serves: then the pool cannot start */
        result = result ? result : pool_start(pool, &error);
        EXPECT_FAILS(c, result, error.code, "memory", &error);
        pool_free(pool, 1000 * MS, NULL);
    }
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_AS, &before), 0);
}

const struct row rows_objects[] = {
    {.name = "*27 types of values", .run = value_types, .uses = USES(NEED_ARRAY), .variants = true},
    {.name = "*28 an array changed in place", .run = array_in_place, .uses = USES(NEED_ARRAY), .variants = true},
    {.name = "*29 zeroed on reuse", .run = zeroed_on_reuse, .uses = USES(NEED_ARRAY), .variants = true},
    {.name = "*30 records and arrays, with and without a lock", .run = mixed_types, .uses = USES(NEED_ARRAY)},
    {.name = "*33 what a list can do", .run = list_core, .uses = USES(NEED_LIST), .variants = true},
    {.name = "*34 live or a snapshot", .run = live_and_snapshot, .uses = USES(NEED_LIST), .variants = true},
    {.name = "CX23 no memory for it", .run = no_memory, .uses = USES(NEED_LIST)},
    {.name = NULL},
};
