/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * object_models.c - arrays and locks against models, in one process. Dicts are in object_models_dict.c. */
#include "tests/object_models.h"

#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>

static struct worker worker = {.slot = 0};

uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

void random_fill(uint64_t *state, void *to, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ((unsigned char *)to)[i] = (unsigned char)(random_next(state) >> 32);
}

bool object_made(const struct maker *maker, struct object *object)
{
    struct error error = {.code = ERROR_NONE};
    bool made = maker->create(object, &error) == 0;
    CU_ASSERT_TRUE_FATAL(made);
    return made;
}

/* --- numbers ----------------------------------------------------------------------------------------------------- */

#define LENGTH 9

static bool is_signed(enum element_type type)
{
    return type == TYPE_I8 || type == TYPE_I16 || type == TYPE_I32 || type == TYPE_I64;
}

static bool is_floating(enum element_type type)
{
    return type == TYPE_F32 || type == TYPE_F64;
}

static uint64_t mask_of(enum element_type type)
{
    return UINT64_MAX >> (64 - 8 * type_size(type));
}

/* The low bits of a word as this type's number. */
static union number number_of(enum element_type type, uint64_t word)
{
    uint64_t sign = mask_of(type) ^ mask_of(type) >> 1;
    if (is_signed(type) && (word & sign))
        return (union number){.u = word | ~mask_of(type)};
    return (union number){.u = word};
}

/* Whole numbers of all widths: each model element is a word of which the type's low bits count. */
static void whole_numbers_follow(struct object *array, enum element_type type, uint64_t *random)
{
    uint64_t model[LENGTH] = {0}, mask = mask_of(type), wrong = 0;
    for (int round = 0; round < 2000; round++) {
        struct addend addends[5];
        union number previous[5];
        size_t n = random_next(random) % 6;
        for (size_t i = 0; i < n; i++)
            addends[i] = (struct addend){random_next(random) % LENGTH, {.u = random_next(random)}};
        wrong += array_add(&worker, array, addends, previous, n) != (int64_t)n;
        for (size_t i = 0; i < n; i++) {
            wrong += previous[i].u != number_of(type, model[addends[i].at]).u;
            model[addends[i].at] = (model[addends[i].at] + addends[i].delta.u) & mask;
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    for (size_t i = 0; i < LENGTH; i++) {
        uint64_t word = 0;
        CU_ASSERT_EQUAL(element_get(&worker, array, i, &word, 1), 1);
        CU_ASSERT_EQUAL(word, model[i]);
    }
}

static void floating_numbers_follow(struct object *array, enum element_type type, uint64_t *random)
{
    double model[LENGTH] = {0};
    uint64_t wrong = 0;
    for (int round = 0; round < 2000; round++) {
        struct addend addend = {random_next(random) % LENGTH, {.f = (double)(int64_t)random_next(random) / 1e12}};
        union number previous;
        wrong += array_add(&worker, array, &addend, &previous, 1) != 1;
        wrong += previous.f != model[addend.at];
        double sum = model[addend.at] + addend.delta.f;
        model[addend.at] = type == TYPE_F32 ? (double)(float)sum : sum;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* Compared are the bytes, whatever they mean. */
static void swaps_follow(struct object *array, uint64_t *random)
{
    size_t size = array->element_size;
    unsigned char pair[2][128], was[128], now[128];
    for (int round = 0; round < 200; round++) {
        uint64_t at = random_next(random) % LENGTH;
        random_fill(random, pair[1], size);
        CU_ASSERT_EQUAL(element_get(&worker, array, at, pair[0], 1), 1);
        bool other = round % 2;
        if (other)
            pair[0][random_next(random) % size] ^= 0x80;
        unsigned char both[256];
        memcpy(both, pair[0], size);
        memcpy(both + size, pair[1], size);
        CU_ASSERT_EQUAL(array_swap(&worker, array, at, both, was), !other);
        CU_ASSERT_EQUAL(memcmp(was, pair[0], size) == 0, !other);
        CU_ASSERT_EQUAL(element_get(&worker, array, at, now, 1), 1);
        CU_ASSERT_EQUAL(memcmp(now, other ? was : pair[1], size), 0);
    }
}

/* Loads, stores and the whole of it, as bytes. */
static void elements_follow(struct object *array, uint64_t *random)
{
    size_t size = array->element_size, whole = LENGTH * size, wrong = 0;
    unsigned char *model = calloc(3, whole), *piece = model + whole, *back = piece + whole;
    CU_ASSERT_EQUAL(object_clear(&worker, array), 0);
    for (int round = 0; round < 500; round++) {
        uint64_t at = random_next(random) % (LENGTH + 1), n = random_next(random) % (LENGTH + 1 - at);
        random_fill(random, piece, n * size);
        wrong += element_set(&worker, array, at, piece, n) != (int64_t)n;
        memcpy(model + at * size, piece, n * size);
        at = random_next(random) % (LENGTH + 1), n = random_next(random) % (LENGTH + 1 - at);
        wrong += element_get(&worker, array, at, back, n) != (int64_t)n;
        wrong += memcmp(back, model + at * size, n * size) != 0;
    }
    for (size_t most = 0; most <= whole + 1; most++) {
        size_t bytes = most < whole ? most : whole;
        memset(back, 0xAA, whole);
        wrong += object_read(&worker, array, back, most) != (int64_t)bytes;
        wrong += memcmp(back, model, bytes) != 0 || (bytes < whole && back[bytes] != 0xAA);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(object_length(&worker, array), LENGTH);
    CU_ASSERT_EQUAL(object_clear(&worker, array), 0);
    memset(model, 0, whole);
    CU_ASSERT_EQUAL(object_read(&worker, array, back, whole), (int64_t)whole);
    CU_ASSERT_EQUAL(memcmp(back, model, whole), 0);
    free(model);
}

void array_numbers_follow(const struct maker *maker)
{
    for (enum element_type type = TYPE_I8; type < TYPE_BYTES; type++) {
        uint64_t random = 1 + (uint64_t)type;
        struct object array = {.kind = OBJECT_ARRAY, .type = type, .element_size = type_size(type), .capacity = LENGTH};
        if (!object_made(maker, &array))
            return;
        if (is_floating(type))
            floating_numbers_follow(&array, type, &random);
        else
            whole_numbers_follow(&array, type, &random);
        swaps_follow(&array, &random);
        elements_follow(&array, &random);
        maker->free(&array);
    }
}

void array_bytes_follow(const struct maker *maker)
{
    static const size_t sizes[] = {1, 2, 3, 4, 7, 8, 9, 32, 100};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t random = sizes[i];
        struct object array = {.kind = OBJECT_ARRAY, .type = TYPE_BYTES, .element_size = sizes[i], .capacity = LENGTH};
        if (!object_made(maker, &array))
            return;
        elements_follow(&array, &random);
        swaps_follow(&array, &random);
        maker->free(&array);
    }
}

/* --- ranges ------------------------------------------------------------------------------------------------------ */

void array_ranges_follow(const struct maker *maker)
{
    static const struct {
        uint64_t at, n;
    } outside[] = {{LENGTH, 1},         {LENGTH + 1, 0},    {0, LENGTH + 1}, {5, 5},
                   {UINT64_MAX, 1},     {UINT64_MAX, 2},    {1, UINT64_MAX}, {UINT64_MAX, UINT64_MAX},
                   {2, UINT64_MAX - 1}, {UINT64_MAX / 8, 8}};
    for (int typed = 0; typed < 2; typed++) {
        struct object array = {.kind = OBJECT_ARRAY,
                               .type = typed ? TYPE_U16 : TYPE_BYTES,
                               .element_size = typed ? 2 : 3,
                               .capacity = LENGTH};
        unsigned char space[3 * LENGTH] = {0}, back[3 * LENGTH];
        if (!object_made(maker, &array))
            return;
        memset(space, 7, sizeof space);
        for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
            CU_ASSERT_EQUAL(element_get(&worker, &array, outside[i].at, space, outside[i].n), CALL_RANGE);
            CU_ASSERT_EQUAL(element_set(&worker, &array, outside[i].at, space, outside[i].n), CALL_RANGE);
            if (outside[i].at >= LENGTH)
                CU_ASSERT_EQUAL(array_swap(&worker, &array, outside[i].at, space, back), CALL_RANGE);
        }
        CU_ASSERT_EQUAL(element_get(&worker, &array, LENGTH, space, 0), 0);
        /* one that is not there, and none is done */
        struct addend addends[] = {{0, {.u = 1}}, {LENGTH, {.u = 1}}, {1, {.u = 1}}};
        union number previous[3];
        CU_ASSERT_EQUAL(array_add(&worker, &array, addends, previous, 3), typed ? CALL_RANGE : CALL_MISUSED);
        memset(space, 0, sizeof space);
        size_t whole = array.capacity * array.element_size;
        CU_ASSERT_EQUAL(object_read(&worker, &array, back, sizeof back), (int64_t)whole);
        CU_ASSERT_EQUAL(memcmp(back, space, whole), 0);
        maker->free(&array);
    }
}

/* --- locks, and what is not possible ----------------------------------------------------------------------------- */

void lock_follows(const struct maker *maker)
{
    struct object lock = {.kind = OBJECT_LOCK, .element_size = 1, .capacity = 1};
    if (!object_made(maker, &lock))
        return;
    static const int64_t timeouts[] = {NEVER, 0, -5, 1000000, INT64_MAX, INT64_MIN};
    CU_ASSERT_EQUAL(lock_release(&worker, &lock), CALL_NOT_OWNER);
    for (size_t i = 0; i < sizeof timeouts / sizeof *timeouts; i++) {
        CU_ASSERT_EQUAL(lock_acquire(&worker, &lock, timeouts[i]), 0);
        CU_ASSERT_EQUAL(lock_acquire(&worker, &lock, timeouts[i]), CALL_DEADLOCK);
        CU_ASSERT_EQUAL(lock_release(&worker, &lock), 0);
        CU_ASSERT_EQUAL(lock_release(&worker, &lock), CALL_NOT_OWNER);
    }
    CU_ASSERT_EQUAL(object_clear(&worker, &lock), 0);
    CU_ASSERT_EQUAL(lock_acquire(&worker, &lock, 0), 0);
    CU_ASSERT_EQUAL(object_clear(&worker, &lock), 0);
    CU_ASSERT_EQUAL(lock_acquire(&worker, &lock, 0), 0);
    CU_ASSERT_EQUAL(lock_release(&worker, &lock), 0);
    maker->free(&lock);
}

static bool has(enum object_kind kind, enum verb verb)
{
    static const char *const verbs[] = {
        [OBJECT_COUNTER] = "A.RC..........", [OBJECT_ARRAY] = "A.RCGSW.L.....", [OBJECT_LIST] = ".PRCGS.PL.....",
        [OBJECT_DICT] = "..RCG...LPRK..",    [OBJECT_LOCK] = "...C........AR",
    };
    return verbs[kind][verb] != '.';
}

void misuse_follows(const struct maker *maker, bool all)
{
    static const struct object objects[] = {
        {.kind = OBJECT_COUNTER, .element_size = 8, .capacity = 1},
        {.kind = OBJECT_ARRAY, .type = TYPE_I32, .element_size = 4, .capacity = 4},
        {.kind = OBJECT_ARRAY, .type = TYPE_BYTES, .element_size = 5, .capacity = 4},
        {.kind = OBJECT_LIST, .element_size = 4, .capacity = 4},
        {.kind = OBJECT_DICT, .key_size = 4, .element_size = 4, .capacity = 4},
        {.kind = OBJECT_LOCK, .element_size = 1, .capacity = 1},
    };
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        struct object object = objects[i];
        unsigned char in[64] = {0}, out[64];
        if (!all && (object.kind == OBJECT_COUNTER || object.kind == OBJECT_LIST))
            continue;
        if (!object_made(maker, &object))
            return;
        for (enum verb verb = VERB_ADD; verb <= VERBS; verb++)
            if (verb == VERBS || !has(object.kind, verb))
                CU_ASSERT_EQUAL(
                    object_call(&worker, &object, (struct call){.verb = verb, .in = in, .out = out, .n = 1}),
                    CALL_MISUSED);
        if (object.kind == OBJECT_ARRAY)
            for (size_t n = 0; n < 4; n += 2)
                CU_ASSERT_EQUAL(
                    object_call(&worker, &object, (struct call){.verb = VERB_SWAP, .in = in, .out = out, .n = n}),
                    CALL_MISUSED);
        maker->free(&object);
    }
}
