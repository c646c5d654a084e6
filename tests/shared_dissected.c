/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_dissected.c - whoever changes a record or a dict in shared memory is killed after each of its instructions:
 * what is found then is as it was or as it was to be. */
#include "bench/ipc/dict.h"
#include "bench/ipc/memory.h"
#include "tests/frame.h"
#include "tests/shared_deaths.h"
#include "tests/shared_parts.h"

#include <CUnit/CUnit.h>

#define WIDE_DEATHS 100 /* of each operation */
#define DICT_DEATHS 8   /* dict_laid_open() looks at each instruction */

static struct worker worker = {.slot = 0};

/* --- a writer that dies in an element of many words -------------------------------------------------------------- */

#define WORDS 128 /* so that much of what its writer does is copying */

struct wide {
    struct object array;
    uint64_t old[WORDS], new[WORDS];
    uint64_t wrong, as_before, as_after;
    bool swaps;
};

static void wide_ready(void *arg)
{
    struct wide *wide = arg;
    CU_ASSERT_EQUAL(element_set(&worker, &wide->array, 2, wide->old, 1), 1);
}

static uint64_t wide_write(void *arg, unsigned index)
{
    struct wide *wide = arg;
    uint64_t pair[2 * WORDS], was[WORDS];
    (void)index;
    if (!wide->swaps)
        return element_set(&worker, &wide->array, 2, wide->new, 1) != 1;
    memcpy(pair, wide->old, sizeof wide->old);
    memcpy(pair + WORDS, wide->new, sizeof wide->new);
    return array_swap(&worker, &wide->array, 2, pair, was) != 1;
}

static void wide_check(void *arg)
{
    struct wide *wide = arg;
    uint64_t now[WORDS];
    int64_t started = now_ns();
    wide->wrong += element_get(&worker, &wide->array, 2, now, 1) != 1;
    wide->wrong += now_ns() - started > 10 * AT_ONCE;
    bool before = memcmp(now, wide->old, sizeof now) == 0, after = memcmp(now, wide->new, sizeof now) == 0;
    wide->wrong += !before && !after;
    wide->as_before += before;
    wide->as_after += after;
}

void record_dissected(void)
{
    struct wide wide = {
        .array = {.kind = OBJECT_ARRAY, .type = TYPE_BYTES, .element_size = sizeof wide.old, .capacity = 5}};
    uint64_t random = 3;
    random_fill(&random, wide.old, sizeof wide.old);
    random_fill(&random, wide.new, sizeof wide.new);
    if (!object_made(&shared, &wide.array))
        return;
    unsigned deaths = 0;
    for (int swaps = 0; swaps < 2; swaps++) {
        wide.swaps = swaps;
        deaths += dissect(&(struct dissection){wide_ready, wide_write, wide_check, &wide}, rounds_of(WIDE_DEATHS));
    }
    CU_ASSERT_EQUAL(wide.wrong, 0);
    if (deaths == 0)
        frame_skip("no process can be stepped here");
    else
        CU_ASSERT(wide.as_before > 2 && wide.as_after > 2);
    shared.free(&wide.array);
}

/* --- a dict's writer that dies after each instruction ------------------------------------------------------------ */

struct cut {
    struct object object;
    struct record old, new;
    uint64_t wrong, as_before, as_after;
    bool clears;
    unsigned which;
};

#define CUT_KEYS 12 /* in a dict for 12: its table is short, so keys stand in each other's places */

/* Key 0 .. CUT_KEYS-2 are there, all with the old value. */
static void dict_ready(void *arg)
{
    struct cut *cut = arg;
    uint64_t were;
    CU_ASSERT_EQUAL(object_clear(&worker, &cut->object), 0);
    for (uint32_t key = 0; key < CUT_KEYS - 1; key++) {
        struct entry entry = {.key = key, .value = cut->old};
        CU_ASSERT_EQUAL(dict_put(&worker, &cut->object, &entry, &were, 1), 1);
    }
}

static uint64_t dict_change(void *arg, unsigned index)
{
    struct cut *cut = arg;
    uint64_t were;
    struct entry known = {.key = cut->which % CUT_KEYS, .value = cut->new},
                 added = {.key = CUT_KEYS - 1, .value = cut->new};
    (void)index;
    if (cut->clears)
        object_clear(&worker, &cut->object);
    else if (cut->which == CUT_KEYS - 1)
        dict_put(&worker, &cut->object, &added, &were, 1);
    else if (cut->which < CUT_KEYS)
        dict_remove(&worker, &cut->object, &known, &were, 1);
    else
        dict_put(&worker, &cut->object, &known, &were, 1);
    return 0;
}

/* All keys but the one that was changed are as they were; that one is as before or as after. */
static void dict_check(void *arg)
{
    struct cut *cut = arg;
    uint32_t changed = cut->which % CUT_KEYS;
    int64_t length = 0, whole = (CUT_KEYS - 1) * (int64_t)sizeof(struct entry);
    unsigned char all[CUT_KEYS * sizeof(struct entry)];
    for (uint32_t key[2] = {0, 0}; key[0] < CUT_KEYS; key[0]++) {
        struct {
            uint64_t found;
            struct record value;
        } answer;
        cut->wrong += dict_get(&worker, &cut->object, key, (struct dict_answer *)&answer, 1) != 1;
        length += answer.found != 0;
        bool old = answer.found && memcmp(&answer.value, &cut->old, sizeof cut->old) == 0;
        bool new = answer.found &&memcmp(&answer.value, &cut->new, sizeof cut->new) == 0;
        cut->wrong += answer.found && !old && !new;
        if (!cut->clears && key[0] != changed)
            cut->wrong += key[0] < CUT_KEYS - 1 ? !old : answer.found != 0;
    }
    cut->wrong += object_length(&worker, &cut->object) != length;
    int64_t bytes = object_read(&worker, &cut->object, all, sizeof all);
    cut->wrong += bytes != length * (int64_t)sizeof(struct entry);
    cut->wrong += cut->clears && length != 0 && length != CUT_KEYS - 1;
    cut->as_before += bytes == whole;
    cut->as_after += bytes != whole;
}

/* Each key removed, one added, one replaced, all cleared. */
static unsigned each_change(struct cut *cut, unsigned (*run)(struct cut *))
{
    unsigned deaths = 0;
    for (cut->which = 0; cut->which <= CUT_KEYS; cut->which += getenv("MUSTER_QUICK") ? 4 : 1)
        deaths += run(cut);
    cut->clears = true;
    return deaths + run(cut);
}

static void expect_cut(const struct cut *cut, unsigned deaths)
{
    CU_ASSERT_EQUAL(cut->wrong, 0);
    if (deaths == 0)
        frame_skip("no process can be stepped here");
    else
        CU_ASSERT(cut->as_before > 2 && cut->as_after > 2);
}

static unsigned kill_in_change(struct cut *cut)
{
    return dissect(&(struct dissection){dict_ready, dict_change, dict_check, cut}, DICT_DEATHS);
}

void dict_dissected(void)
{
    uint64_t random = 3;
    struct cut cut = {.object = dict_shape(CUT_KEYS), .old = record_new(&random), .new = record_new(&random)};
    if (!object_made(&shared, &cut.object))
        return;
    unsigned deaths = each_change(&cut, kill_in_change);
    expect_cut(&cut, deaths);
    shared.free(&cut.object);
}

/* --- each instruction of a change, and of its repair ------------------------------------------------------------- */

/* The dict's own memory, without a mutex; a copy of it is repaired and checked while the process that works on it
 * stands still. */
struct laid_open {
    struct cut cut;
    unsigned char *memory, *copy, *worst; /* the one with most to take back */
    size_t bytes;
    uint64_t worst_used;
};

static int64_t call_laid_open(struct worker *w, struct object *object, const struct call *call)
{
    struct dict dict;
    (void)w;
    dict_view(&dict, object, object->state, true);
    return dict_apply(&dict, call);
}

static void open_ready(void *arg)
{
    struct laid_open *open = arg;
    memset(open->memory, 0, open->bytes);
    open->cut.object.state = open->memory;
    dict_ready(&open->cut);
}

static uint64_t open_change(void *arg, unsigned index)
{
    struct laid_open *open = arg;
    open->cut.object.state = open->memory;
    return dict_change(&open->cut, index);
}

static void open_check(void *arg)
{
    struct laid_open *open = arg;
    struct dict dict;
    memcpy(open->copy, open->memory, open->bytes);
    dict_view(&dict, &open->cut.object, open->copy, true);
    uint64_t used = atomic_load(&dict.undo->used);
    if (used > open->worst_used) {
        open->worst_used = used;
        memcpy(open->worst, open->memory, open->bytes);
    }
    dict_repair(&dict);
    open->cut.object.state = open->copy;
    dict_check(&open->cut);
}

static void worst_ready(void *arg)
{
    struct laid_open *open = arg;
    memcpy(open->memory, open->worst, open->bytes);
}

static uint64_t worst_repair(void *arg, unsigned index)
{
    struct laid_open *open = arg;
    struct dict dict;
    (void)index;
    dict_view(&dict, &open->cut.object, open->memory, true);
    dict_repair(&dict);
    return 0;
}

static unsigned look_into_change(struct cut *cut)
{
    struct laid_open *open = (struct laid_open *)cut;
    open->worst_used = 0;
    unsigned steps = dissect_whole(&(struct dissection){open_ready, open_change, open_check, open});
    if (open->worst_used > 0)
        steps += dissect_whole(&(struct dissection){worst_ready, worst_repair, open_check, open});
    return steps;
}

static void lay_open(size_t capacity, bool clears_only)
{
    uint64_t random = 3;
    struct laid_open open = {
        .cut = {.object = dict_shape(capacity), .old = record_new(&random), .new = record_new(&random)}};
    open.bytes = dict_bytes(&open.cut.object, true);
    open.memory = memory_shared(open.bytes);
    open.copy = malloc(open.bytes);
    open.worst = malloc(open.bytes);
    CU_ASSERT_FATAL(open.memory && open.copy && open.worst);
    open.cut.object.call = call_laid_open;
    open.cut.clears = clears_only;
    unsigned steps = clears_only ? look_into_change(&open.cut) : each_change(&open.cut, look_into_change);
    expect_cut(&open.cut, steps);
    free(open.copy);
    free(open.worst);
    memory_free(open.memory, open.bytes);
}

/* A dict that is nearly full, and one that is nearly empty, which is cleared in another way. */
void dict_laid_open(void)
{
    lay_open(CUT_KEYS, false);
    lay_open((size_t)20 * CUT_KEYS, true);
}
