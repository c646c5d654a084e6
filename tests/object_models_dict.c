/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * object_models_dict.c - dicts against a model that looks at all its entries, in one process. */
#include "tests/object_models.h"

#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>

#define MOST 300

static struct worker worker = {.slot = 0};

struct model {
    size_t key_size, value_size, capacity, count;
    unsigned char entries[MOST][64];
};

static size_t model_find(const struct model *model, const unsigned char *key)
{
    size_t i = 0;
    while (i < model->count && memcmp(model->entries[i], key, model->key_size) != 0)
        i++;
    return i;
}

/* Keys of few values, so that they meet again; all bytes of the wide ones differ somewhere else. */
static void make_key(uint64_t *random, unsigned char *key, size_t bytes, unsigned range)
{
    uint64_t number = random_next(random) % range;
    memset(key, (int)(number % 3), bytes);
    memcpy(key + (bytes > 2 ? (number % 2) * (bytes - 2) : 0), &number, bytes < 2 ? bytes : 2);
}

static void model_put(struct model *model, const unsigned char *entry)
{
    size_t i = model_find(model, entry);
    if (i == model->capacity)
        return;
    memcpy(model->entries[i], entry, model->key_size + model->value_size);
    model->count += i == model->count;
}

static bool same_entries(struct object *dict, const struct model *model)
{
    size_t entry = model->key_size + model->value_size, whole = model->count * entry;
    unsigned char *all = malloc(whole + 1);
    bool same = object_read(&worker, dict, all, whole + 1) == (int64_t)whole &&
                object_length(&worker, dict) == (int64_t)model->count;
    for (size_t i = 0; same && i < model->count; i++) {
        size_t at = model_find(model, all + i * entry);
        same = at < model->count && memcmp(model->entries[at], all + i * entry, entry) == 0;
        for (size_t j = 0; same && j < i; j++)
            same = memcmp(all + i * entry, all + j * entry, model->key_size) != 0;
    }
    free(all);
    return same;
}

static uint64_t step(struct object *dict, struct model *model, uint64_t *random, unsigned range)
{
    unsigned char entry[64], answer_space[sizeof(struct dict_answer) + 64];
    struct dict_answer *answer = (struct dict_answer *)answer_space;
    uint64_t were = 9;
    make_key(random, entry, model->key_size, range);
    random_fill(random, entry + model->key_size, model->value_size);
    size_t at = model_find(model, entry);
    bool known = at < model->count;
    switch (random_next(random) % 3) {
    case 0: {
        bool full = !known && model->count == model->capacity;
        int64_t done = dict_put(&worker, dict, entry, &were, 1);
        model_put(model, entry);
        return done != (full ? 0 : 1) || (!full && were != known);
    }
    case 1: {
        int64_t done = dict_remove(&worker, dict, entry, &were, 1);
        if (known)
            memmove(model->entries[at], model->entries[--model->count], sizeof model->entries[at]);
        return done != 1 || were != known;
    }
    default:
        return dict_get(&worker, dict, entry, answer, 1) != 1 || answer->found != known ||
               (known && memcmp(answer->value, model->entries[at] + model->key_size, model->value_size) != 0);
    }
}

void dict_follows(const struct maker *maker)
{
    static const struct {
        size_t key_size, value_size, capacity;
        unsigned range;
    } cases[] = {{1, 1, 1, 3},    {1, 3, 256, 256}, {2, 8, 50, 80},   {8, 8, 100, 150},
                 {13, 7, 64, 90}, {16, 1, 31, 33},  {17, 40, 20, 40}, {3, 33, 300, 300}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct object dict = {.kind = OBJECT_DICT,
                              .key_size = cases[i].key_size,
                              .element_size = cases[i].value_size,
                              .capacity = cases[i].capacity};
        struct model *model = calloc(1, sizeof *model);
        uint64_t random = 77 + i, wrong = 0;
        if (!object_made(maker, &dict))
            return;
        model->key_size = dict.key_size, model->value_size = dict.element_size, model->capacity = dict.capacity;
        for (int round = 0; round < 6000; round++) {
            wrong += step(&dict, model, &random, cases[i].range);
            if (round % 100 == 0)
                wrong += !same_entries(&dict, model);
        }
        CU_ASSERT_EQUAL(wrong, 0);
        free(model);
        maker->free(&dict);
    }
}

void dict_capacity_follows(const struct maker *maker)
{
    struct object dict = {.kind = OBJECT_DICT, .key_size = 2, .element_size = 2, .capacity = 1000};
    uint16_t entries[1200][2], keys[1200];
    uint64_t were[1200];
    if (!object_made(maker, &dict))
        return;
    for (unsigned i = 0; i < 1200; i++)
        entries[i][0] = keys[i] = (uint16_t)(i * 7), entries[i][1] = (uint16_t)i;
    CU_ASSERT_EQUAL(dict_put(&worker, &dict, entries, were, 0), 0);
    CU_ASSERT_EQUAL(dict_put(&worker, &dict, entries, were, 1200), 1000);
    CU_ASSERT_EQUAL(object_length(&worker, &dict), 1000);
    CU_ASSERT_EQUAL(dict_put(&worker, &dict, entries[1000], were, 1), 0);
    /* what is there is replaced, up to the first that is not */
    for (unsigned i = 0; i < 1200; i++)
        entries[i][1] = (uint16_t)(i + 1);
    CU_ASSERT_EQUAL(dict_put(&worker, &dict, entries[900], were, 200), 100);
    CU_ASSERT(were[0] == 1 && were[99] == 1);
    struct {
        uint64_t found;
        uint16_t value, zeros[3];
    } answers[1200];
    CU_ASSERT_EQUAL_FATAL(dict_answer_size(&dict), sizeof answers[0]);
    CU_ASSERT_EQUAL(dict_get(&worker, &dict, keys, (struct dict_answer *)answers, 1200), 1200);
    uint64_t wrong = 0;
    for (unsigned i = 0; i < 1200; i++) {
        wrong += answers[i].found != (i < 1000) || answers[i].zeros[0] + answers[i].zeros[2] != 0;
        wrong += answers[i].value != (i < 900 ? i : i < 1000 ? i + 1 : 0);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(dict_remove(&worker, &dict, keys, were, 1200), 1200);
    CU_ASSERT(were[0] == 1 && were[999] == 1 && were[1000] == 0);
    CU_ASSERT_EQUAL(object_length(&worker, &dict), 0);
    CU_ASSERT_EQUAL(dict_put(&worker, &dict, entries[200], were, 1000), 1000);
    maker->free(&dict);
}

/* Few in a large one, many, and few again. */
void dict_clear_follows(const struct maker *maker)
{
    static const unsigned counts[] = {3, 1000, 0, 100, 5};
    struct object dict = {.kind = OBJECT_DICT, .key_size = 4, .element_size = 4, .capacity = 1000};
    uint32_t back[2000];
    uint64_t were, wrong = 0;
    if (!object_made(maker, &dict))
        return;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (uint32_t key = 0; key < counts[i]; key++)
            wrong += dict_put(&worker, &dict, (uint32_t[2]){key * 3, key}, &were, 1) != 1 || were != 0;
        wrong += object_read(&worker, &dict, back, sizeof back) != (int64_t)(counts[i] * sizeof(uint32_t[2]));
        wrong += object_clear(&worker, &dict) != 0 || object_length(&worker, &dict) != 0;
        for (uint32_t key = 0; key < counts[i]; key++)
            wrong += dict_remove(&worker, &dict, (uint32_t[1]){key * 3}, &were, 1) != 1 || were != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    maker->free(&dict);
}

void dict_value_follows(const struct maker *maker)
{
    struct object dict = {.kind = OBJECT_DICT, .key_size = 3, .element_size = 2, .capacity = 4};
    unsigned char back[32];
    uint64_t were[4];
    if (!object_made(maker, &dict))
        return;
    CU_ASSERT_EQUAL(object_read(&worker, &dict, back, sizeof back), 0);
    CU_ASSERT_EQUAL(dict_keys(&worker, &dict, back, sizeof back), 0);
    CU_ASSERT_EQUAL(dict_put(&worker, &dict, "abc12def34ghi56", were, 3), 3);
    CU_ASSERT_EQUAL(object_read(&worker, &dict, back, sizeof back), 15);
    CU_ASSERT_EQUAL(memcmp(back, "abc12def34ghi56", 15), 0);
    CU_ASSERT_EQUAL(object_read(&worker, &dict, back, 7), 7);
    CU_ASSERT_EQUAL(dict_keys(&worker, &dict, back, sizeof back), 9);
    CU_ASSERT_EQUAL(memcmp(back, "abcdefghi", 9), 0);
    memset(back, 0, sizeof back);
    CU_ASSERT_EQUAL(dict_keys(&worker, &dict, back, 5), 5);
    CU_ASSERT_EQUAL(memcmp(back, "abcde\0", 6), 0);
    /* one key is the same in every order of a call */
    CU_ASSERT_EQUAL(dict_put(&worker, &dict, "xyz00xyz11", were, 2), 2);
    CU_ASSERT(were[0] == 0 && were[1] == 1);
    CU_ASSERT_EQUAL(dict_remove(&worker, &dict, "xyzxyz", were, 2), 2);
    CU_ASSERT(were[0] == 1 && were[1] == 0);
    CU_ASSERT_EQUAL(object_clear(&worker, &dict), 0);
    CU_ASSERT_EQUAL(object_length(&worker, &dict), 0);
    CU_ASSERT_EQUAL(dict_put(&worker, &dict, "abc99", were, 1), 1);
    CU_ASSERT_EQUAL(were[0], 0);
    maker->free(&dict);
}
