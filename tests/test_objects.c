/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_objects.c - every verb of every object on ordinary memory, and what a server believes of a call that came.
 *
 * Counter and list alone are in test_ipc.c too, as far as all strategies have had them from the start. */
#include "bench/ipc/object.h"
#include "tests/frame.h"
#include "tests/object_models.h"

#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>

static struct worker worker = {.slot = 0};

static int create_here(struct object *object, struct error *error)
{
    object->call = object_call_here;
    return object_state_new(object, error);
}

static const struct maker here = {create_here, object_state_free};

/* --- models ------------------------------------------------------------------------------------------------------ */

static void numbers(void)
{
    array_numbers_follow(&here);
}

static void bytes(void)
{
    array_bytes_follow(&here);
}

static void array_ranges(void)
{
    array_ranges_follow(&here);
}

static void dict(void)
{
    dict_follows(&here);
}

static void dict_capacity(void)
{
    dict_capacity_follows(&here);
}

static void dict_value(void)
{
    dict_value_follows(&here);
    dict_clear_follows(&here);
}

static void lock(void)
{
    lock_follows(&here);
}

static void misuse(void)
{
    misuse_follows(&here, true);
}

/* --- numbers at their ends --------------------------------------------------------------------------------------- */

static union number add_once(enum element_type type, const void *initial, union number delta, void *after)
{
    struct object array = {.kind = OBJECT_ARRAY, .type = type, .element_size = type_size(type), .capacity = 1};
    union number previous = {.u = 99};
    CU_ASSERT_EQUAL_FATAL(create_here(&array, NULL), 0);
    CU_ASSERT_EQUAL(element_set(&worker, &array, 0, initial, 1), 1);
    CU_ASSERT_EQUAL(array_add(&worker, &array, &(struct addend){0, delta}, &previous, 1), 1);
    CU_ASSERT_EQUAL(element_get(&worker, &array, 0, after, 1), 1);
    object_state_free(&array);
    return previous;
}

static void wrap_around(void)
{
    int8_t i8 = INT8_MAX;
    CU_ASSERT_EQUAL(add_once(TYPE_I8, &i8, (union number){.i = 1}, &i8).i, INT8_MAX);
    CU_ASSERT_EQUAL(i8, INT8_MIN);
    CU_ASSERT_EQUAL(add_once(TYPE_I8, &i8, (union number){.i = -1}, &i8).i, INT8_MIN);
    CU_ASSERT_EQUAL(i8, INT8_MAX);
    uint8_t u8 = 0;
    CU_ASSERT_EQUAL(add_once(TYPE_U8, &u8, (union number){.i = -1}, &u8).u, 0);
    CU_ASSERT_EQUAL(add_once(TYPE_U8, &u8, (union number){.u = 2}, &u8).u, 255);
    CU_ASSERT_EQUAL(u8, 1);
    uint32_t u32 = UINT32_MAX;
    CU_ASSERT_EQUAL(add_once(TYPE_U32, &u32, (union number){.u = UINT64_C(1) << 40 | 1}, &u32).u, UINT32_MAX);
    CU_ASSERT_EQUAL(u32, 0);
    int64_t i64 = INT64_MAX;
    CU_ASSERT_EQUAL(add_once(TYPE_I64, &i64, (union number){.i = INT64_MAX}, &i64).i, INT64_MAX);
    CU_ASSERT_EQUAL(i64, -2);
    float f32 = 16777216.0F;
    CU_ASSERT_EQUAL(add_once(TYPE_F32, &f32, (union number){.f = 1.0}, &f32).f, 16777216.0);
    CU_ASSERT_EQUAL(f32, 16777216.0F);
    double f64 = 0.5;
    CU_ASSERT_EQUAL(add_once(TYPE_F64, &f64, (union number){.f = -0.75}, &f64).f, 0.5);
    CU_ASSERT_EQUAL(f64, -0.25);
}

/* It comes back as new memory. */
static void large_array(void)
{
    struct object array = {.kind = OBJECT_ARRAY, .type = TYPE_U8, .element_size = 1, .capacity = (size_t)1 << 30};
    unsigned char byte = 7;
    CU_ASSERT_EQUAL_FATAL(create_here(&array, NULL), 0);
    CU_ASSERT_EQUAL(element_set(&worker, &array, array.capacity - 1, &byte, 1), 1);
    CU_ASSERT_EQUAL(object_clear(&worker, &array), 0);
    CU_ASSERT_EQUAL(element_get(&worker, &array, array.capacity - 1, &byte, 1), 1);
    CU_ASSERT_EQUAL(byte, 0);
    object_state_free(&array);
}

/* --- list -------------------------------------------------------------------------------------------------------- */

#define CAPACITY 40
#define SIZE     5

struct list_model {
    unsigned char elements[CAPACITY][SIZE];
    size_t count;
};

static uint64_t list_step(struct object *list, struct list_model *model, uint64_t *random)
{
    unsigned char piece[8][SIZE], back[8][SIZE];
    size_t n = random_next(random) % 8, at = random_next(random) % (CAPACITY + 2), wrong = 0;
    bool inside = at <= model->count && n <= model->count - at;
    size_t room = CAPACITY - model->count, fits = n < room ? n : room, pops = n < model->count ? n : model->count;
    random_fill(random, piece, sizeof piece);
    switch (random_next(random) % 5) {
    case 0:
    case 1:
        wrong += list_append(&worker, list, piece, n) != (int64_t)fits;
        memcpy(model->elements[model->count], piece, fits * SIZE);
        model->count += fits;
        return wrong;
    case 2:
        wrong += element_set(&worker, list, at, piece, n) != (inside ? (int64_t)n : CALL_RANGE);
        if (inside)
            memcpy(model->elements[at], piece, n * SIZE);
        return wrong;
    case 3:
        wrong += element_get(&worker, list, at, back, n) != (inside ? (int64_t)n : CALL_RANGE);
        return wrong + (inside && memcmp(back, model->elements[at], n * SIZE) != 0);
    default:
        wrong += list_pop(&worker, list, back, n) != (int64_t)pops;
        for (size_t i = 0; i < pops; i++)
            wrong += memcmp(back[i], model->elements[--model->count], SIZE) != 0;
        return wrong;
    }
}

static void list(void)
{
    struct object object = {.kind = OBJECT_LIST, .element_size = SIZE, .capacity = CAPACITY};
    struct list_model model = {.count = 0};
    unsigned char back[CAPACITY * SIZE + 1];
    uint64_t random = 5, wrong = 0;
    CU_ASSERT_EQUAL_FATAL(create_here(&object, NULL), 0);
    for (int round = 0; round < 20000; round++) {
        wrong += list_step(&object, &model, &random);
        wrong += object_length(&worker, &object) != (int64_t)model.count;
        wrong += object_read(&worker, &object, back, sizeof back) != (int64_t)model.count * SIZE;
        wrong += memcmp(back, model.elements, model.count * SIZE) != 0;
        if (round % 1000 == 999) {
            wrong += object_clear(&worker, &object) != 0;
            model.count = 0;
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(element_get(&worker, &object, UINT64_MAX, back, 2), CALL_RANGE);
    CU_ASSERT_EQUAL(element_set(&worker, &object, 0, back, SIZE_MAX), CALL_RANGE);
    object_state_free(&object);
}

/* What was handed out to be sent is not touched by what comes meanwhile. */
static void list_lent(void)
{
    struct object object = {.kind = OBJECT_LIST, .element_size = 1, .capacity = 8};
    char out[8];
    CU_ASSERT_EQUAL_FATAL(create_here(&object, NULL), 0);
    for (int round = 0; round < 3; round++) {
        CU_ASSERT_EQUAL(list_append(&worker, &object, "abcd", 4), 4);
        struct object_value value = object_value(&object, SIZE_MAX);
        CU_ASSERT(value.stays && value.bytes == 4);
        CU_ASSERT_EQUAL(list_append(&worker, &object, "ef", 2), 2);
        CU_ASSERT_EQUAL(list_pop(&worker, &object, out, 4), 4);
        CU_ASSERT_EQUAL(memcmp(out, "fedc", 4), 0);
        CU_ASSERT_EQUAL(element_set(&worker, &object, 0, "X", 1), 1);
        CU_ASSERT_EQUAL(list_append(&worker, &object, "YZ", 2), 2);
        CU_ASSERT_EQUAL(memcmp(value.at, "abcd", 4), 0);
        struct object_value now = object_value(&object, 3);
        CU_ASSERT(!now.stays && now.bytes == 3 && memcmp(now.at, "XbY", 3) == 0);
        CU_ASSERT_EQUAL(object_clear(&worker, &object), 0);
    }
    object_state_free(&object);
}

/* --- locks with several holders ---------------------------------------------------------------------------------- */

static void lock_of_several(void)
{
    struct object_lock lock_of = {.held = false};
    CU_ASSERT_EQUAL(object_lock_release(&lock_of, 0), CALL_NOT_OWNER);
    CU_ASSERT_EQUAL(object_lock_acquire(&lock_of, 3), 0);
    CU_ASSERT_EQUAL(object_lock_acquire(&lock_of, 3), CALL_DEADLOCK);
    CU_ASSERT_EQUAL(object_lock_acquire(&lock_of, 4), CALL_TIMEOUT);
    CU_ASSERT_EQUAL(object_lock_release(&lock_of, 4), CALL_NOT_OWNER);
    CU_ASSERT_FALSE(object_lock_abandon(&lock_of, 4));
    CU_ASSERT_TRUE(object_lock_abandon(&lock_of, 3));
    CU_ASSERT_FALSE(object_lock_abandon(&lock_of, 3));
    CU_ASSERT_EQUAL(object_lock_release(&lock_of, 3), CALL_NOT_OWNER);
    CU_ASSERT_EQUAL(object_lock_acquire(&lock_of, 4), LOCK_ORPHANED);
    CU_ASSERT_EQUAL(object_lock_release(&lock_of, 4), 0);
    CU_ASSERT_EQUAL(object_lock_acquire(&lock_of, SLOT_PARENT), 0);
    CU_ASSERT_EQUAL(object_lock_release(&lock_of, SLOT_PARENT), 0);
}

/* --- what a server believes -------------------------------------------------------------------------------------- */

static const struct object shapes[] = {
    {.kind = OBJECT_COUNTER, .element_size = 8, .capacity = 1},
    {.kind = OBJECT_ARRAY, .type = TYPE_I8, .element_size = 1, .capacity = 1},
    {.kind = OBJECT_ARRAY, .type = TYPE_F64, .element_size = 8, .capacity = (size_t)1 << 38},
    {.kind = OBJECT_ARRAY, .type = TYPE_BYTES, .element_size = 1, .capacity = 5},
    {.kind = OBJECT_ARRAY, .type = TYPE_BYTES, .element_size = CALL_BYTES_MOST / 4, .capacity = 1000},
    {.kind = OBJECT_LIST, .element_size = 1, .capacity = (size_t)1 << 38},
    {.kind = OBJECT_DICT, .key_size = 1, .element_size = 1, .capacity = (size_t)1 << 38},
    {.kind = OBJECT_DICT, .key_size = CALL_BYTES_MOST / 4, .element_size = CALL_BYTES_MOST / 4, .capacity = 100},
    {.kind = OBJECT_LOCK, .element_size = 1, .capacity = 1},
};
#define SHAPES (sizeof shapes / sizeof *shapes)

/* Counted with more bits than any sum has. */
static unsigned __int128 in_exactly(const struct object *o, enum verb verb, unsigned __int128 n)
{
    switch (verb) {
    case VERB_ADD:
        return n * (o->kind == OBJECT_COUNTER ? 8 : 16);
    case VERB_APPEND:
    case VERB_SET:
        return n * o->element_size;
    case VERB_SWAP:
        return 2 * (unsigned __int128)o->element_size;
    case VERB_PUT:
        return n * (o->key_size + o->element_size);
    case VERB_GET:
    case VERB_REMOVE:
        return o->kind == OBJECT_DICT ? n * o->key_size : 0;
    default:
        return 0;
    }
}

static void calls_are_bounded(void)
{
    static const uint64_t numbers_of[] = {0,
                                          1,
                                          2,
                                          1000,
                                          CALL_BYTES_MOST - 1,
                                          CALL_BYTES_MOST,
                                          CALL_BYTES_MOST + 1,
                                          UINT32_MAX,
                                          UINT64_C(1) << 40,
                                          UINT64_MAX / 16,
                                          UINT64_MAX / 16 + 1,
                                          UINT64_MAX / 2 + 1,
                                          UINT64_MAX - 1,
                                          UINT64_MAX};
    uint64_t wrong = 0, possible = 0;
    for (size_t i = 0; i < SHAPES; i++) {
        CU_ASSERT_TRUE(object_possible(&shapes[i]));
        for (enum verb verb = VERB_ADD; verb < VERBS; verb++)
            for (size_t k = 0; k < sizeof numbers_of / sizeof *numbers_of; k++) {
                uint64_t n = numbers_of[k];
                if (!call_possible(&shapes[i], verb, n))
                    continue;
                possible++;
                wrong += call_in_bytes(&shapes[i], verb, n) != in_exactly(&shapes[i], verb, n);
                wrong += call_in_bytes(&shapes[i], verb, n) > CALL_BYTES_MOST;
                wrong += call_out_most(&shapes[i], verb, n) > CALL_BYTES_MOST;
                wrong += call_out_bytes(&shapes[i], verb, n, -3) != 0;
                wrong += call_out_bytes(&shapes[i], verb, n, 0) > call_out_most(&shapes[i], verb, n);
            }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(possible > 100);
}

static void calls_that_are_none(void)
{
    const struct object *array = &shapes[1], *untyped = &shapes[3], *dict_of = &shapes[6];
    CU_ASSERT_FALSE(call_possible(array, VERBS, 1));
    CU_ASSERT_FALSE(call_possible(array, (enum verb)255, 1));
    CU_ASSERT_FALSE(call_possible(array, VERB_SWAP, 0));
    CU_ASSERT_FALSE(call_possible(array, VERB_SWAP, 2));
    CU_ASSERT_TRUE(call_possible(array, VERB_SWAP, 1));
    CU_ASSERT_TRUE(call_possible(untyped, VERB_SWAP, 1));
    CU_ASSERT_FALSE(call_possible(untyped, VERB_ADD, 1));
    CU_ASSERT_FALSE(call_possible(array, VERB_PUT, 1));
    CU_ASSERT_FALSE(call_possible(dict_of, VERB_SET, 1));
    CU_ASSERT_TRUE(call_possible(array, VERB_READ, UINT64_MAX));
    CU_ASSERT_EQUAL(call_out_most(array, VERB_READ, UINT64_MAX), 1);
    CU_ASSERT_FALSE(call_possible(dict_of, VERB_READ, UINT64_MAX));
    CU_ASSERT_EQUAL(call_out_most(dict_of, VERB_GET, 3), 3 * dict_answer_size(dict_of));
    CU_ASSERT_EQUAL(call_out_most(array, VERB_GET, 3), 3);
    CU_ASSERT_EQUAL(call_out_bytes(array, VERB_SWAP, 1, 0), 1);
    CU_ASSERT_EQUAL(call_out_bytes(dict_of, VERB_PUT, 5, 2), 16);
}

static void objects_that_cannot_be(void)
{
    static const struct object none[] = {
        {.kind = (enum object_kind)9, .element_size = 8, .capacity = 1},
        {.kind = OBJECT_COUNTER, .element_size = 4, .capacity = 1},
        {.kind = OBJECT_COUNTER, .element_size = 8, .capacity = 2},
        {.kind = OBJECT_LOCK, .element_size = 1, .capacity = 2},
        {.kind = OBJECT_ARRAY, .type = (enum element_type)77, .element_size = 1, .capacity = 1},
        {.kind = OBJECT_ARRAY, .type = TYPE_I32, .element_size = 8, .capacity = 1},
        {.kind = OBJECT_ARRAY, .type = TYPE_I32, .element_size = 4, .capacity = 0},
        {.kind = OBJECT_ARRAY, .type = TYPE_I32, .element_size = 4, .key_size = 4, .capacity = 1},
        {.kind = OBJECT_ARRAY, .type = TYPE_U64, .element_size = 8, .capacity = SIZE_MAX / 8 + 2},
        {.kind = OBJECT_LIST, .element_size = 0, .capacity = 1},
        {.kind = OBJECT_LIST, .element_size = SIZE_MAX, .capacity = 1},
        {.kind = OBJECT_LIST, .element_size = 2, .capacity = SIZE_MAX},
        {.kind = OBJECT_DICT, .key_size = 0, .element_size = 1, .capacity = 1},
        {.kind = OBJECT_DICT, .key_size = SIZE_MAX, .element_size = 2, .capacity = 1},
        {.kind = OBJECT_DICT, .key_size = 8, .element_size = 8, .capacity = SIZE_MAX / 16 + 1},
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct object object = none[i];
        struct error error = {.code = ERROR_NONE};
        CU_ASSERT_FALSE(object_possible(&none[i]));
        CU_ASSERT_EQUAL(object_state_new(&object, &error), -1);
        CU_ASSERT_EQUAL(error.code, ERROR_USE);
    }
}

static const struct test tests[] = {
    {.name = "objects: arrays of every type", .run = numbers},
    {.name = "objects: arrays of bytes", .run = bytes},
    {.name = "objects: ranges of arrays", .run = array_ranges},
    {.name = "objects: sums wrap around", .run = wrap_around},
    {.name = "objects: a large array is cleared", .run = large_array},
    {.name = "objects: list", .run = list},
    {.name = "objects: list, what is being sent stays", .run = list_lent},
    {.name = "objects: dict", .run = dict},
    {.name = "objects: capacity of a dict", .run = dict_capacity},
    {.name = "objects: value of a dict", .run = dict_value},
    {.name = "objects: lock", .run = lock},
    {.name = "objects: lock of several", .run = lock_of_several},
    {.name = "objects: what a kind has not", .run = misuse},
    {.name = "objects: calls are bounded", .run = calls_are_bounded},
    {.name = "objects: calls that are none", .run = calls_that_are_none},
    {.name = "objects: objects that cannot be", .run = objects_that_cannot_be},
    {.name = NULL},
};

int main(int argc, char **argv)
{
    return frame_main(argc, argv, tests);
}
