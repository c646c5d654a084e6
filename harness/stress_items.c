/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * stress_items.c - exercises on items, mapped and applied: each ends in exactly one way, runs at most once, and if it
 * is done its result is right. Some say that they failed, so that failures and deaths come together. */
#include "bench/ipc/work.h"
#include "harness/clock.h"
#include "harness/stress.h"

#include <stdlib.h>
#include <string.h>

#define ITEMS     256
#define CALLS     24
#define APPLIED   600
#define WINDOW    16
#define WORK_MOST 20000 /* steps: some tens of microseconds */

/* Of the items of all calls: which one this is. */
static uint64_t number_of(uint64_t call, uint64_t item)
{
    return call * ITEMS + item;
}

static bool shall_fail(const struct stage *stage, uint64_t number)
{
    return stress_mix(stage->round.seed, number, 1) % 41 == 0;
}

static uint64_t result_of(uint64_t in, uint64_t number)
{
    return in * in + number;
}

/* An item is its first word and, behind it, what makes it as large as the round has it. */
static uint64_t word_of(const struct stage *stage, const void *items, size_t i)
{
    uint64_t word;
    memcpy(&word, (const unsigned char *)items + i * stage->round.payload, sizeof word);
    return word;
}

static void set_word(const struct stage *stage, void *items, size_t i, uint64_t word)
{
    unsigned char *item = (unsigned char *)items + i * stage->round.payload;
    memcpy(item, &word, sizeof word);
    memcpy(item + stage->round.payload - sizeof word, &word, sizeof word);
}

/* Its last word too, so that a result of which a part is missing shows. */
static bool is_right(const struct stage *stage, const void *items, size_t i, uint64_t wanted)
{
    uint64_t last;
    const unsigned char *item = (const unsigned char *)items + i * stage->round.payload;
    memcpy(&last, item + stage->round.payload - sizeof last, sizeof last);
    return word_of(stage, items, i) == wanted && last == wanted;
}

/* `argument` is the call, or CALLS for applied items, whose `first` goes on counting. */
static int items(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    struct stage *stage = ctx;
    stress_expose(w);
    for (size_t i = 0; i < n; i++) {
        uint64_t number = argument == CALLS ? first + i : number_of(argument, first + i);
        item_begin(w, first + i);
        if (atomic_fetch_add(&stage->ran[number], 1) > 0)
            stress_broken(stage, "item %llu runs a second time", (unsigned long long)number);
        uint64_t work = work_chain(stress_mix(stage->round.seed, number, 2) % WORK_MOST, number);
        set_word(stage, out, i, result_of(word_of(stage, in, i), number) + (work == 1));
        if (shall_fail(stage, number))
            item_failed(w, first + i, "item %llu shall fail", (unsigned long long)(first + i));
    }
    return 0;
}

/* --- one item's end ---------------------------------------------------------------------------------------------- */

static const char *wrong_end(struct stage *stage, enum outcome outcome, uint64_t number, bool right)
{
    unsigned ran = atomic_load(&stage->ran[number]);
    switch (outcome) {
    case OUTCOME_DONE:
        return ran != 1                    ? "is done and did not run once"
               : shall_fail(stage, number) ? "failed and is called done"
               : !right                    ? "is done and its result is wrong"
                                           : NULL;
    case OUTCOME_FAILED:
        return ran != 1 || !shall_fail(stage, number) ? "is called failed and did not" : NULL;
    case OUTCOME_LOST:
        return ran > 1 ? "is lost and ran twice" : NULL;
    case OUTCOME_CANCELLED:
        return stage->round.kills_service ? NULL : "was cancelled";
    case OUTCOME_PENDING:
        break;
    }
    return "has no end";
}

static void account_item(struct stage *stage, enum outcome outcome, uint64_t number, bool right)
{
    struct account *account = &stage->finding.account;
    const char *wrong = wrong_end(stage, outcome, number, right);
    account->done += outcome == OUTCOME_DONE;
    account->failed += outcome == OUTCOME_FAILED;
    account->lost += outcome == OUTCOME_LOST;
    account->cancelled += outcome == OUTCOME_CANCELLED;
    if (wrong)
        stress_found(stage, "item %llu %s (outcome %d, ran %u times)", (unsigned long long)number, wrong, (int)outcome,
                     (unsigned)atomic_load(&stage->ran[number]));
}

/* --- map --------------------------------------------------------------------------------------------------------- */

static void map_setup(const struct round *round, struct setup *setup)
{
    setup->items = ITEMS;
    setup->in_size = setup->out_size = round->payload;
}

static void account_map(struct pool *pool, struct stage *stage, uint64_t call, int result, const struct error *error)
{
    const void *in = pool_in(pool), *out = pool_out(pool);
    uint64_t lowest = ITEMS;
    for (uint64_t i = 0; i < ITEMS; i++) {
        enum outcome outcome = pool_outcome(pool, i);
        uint64_t number = number_of(call, i);
        account_item(stage, outcome, number, is_right(stage, out, i, result_of(word_of(stage, in, i), number)));
        if (outcome != OUTCOME_DONE && i < lowest)
            lowest = i;
    }
    if (result == 0 && lowest < ITEMS)
        stress_found(stage, "call %llu is called done, and item %llu is not", (unsigned long long)call,
                     (unsigned long long)lowest);
    if (result && (error->code == ERROR_FAILED || error->code == ERROR_DIED) && lowest < ITEMS &&
        error->item != lowest && !stage->round.kills_service)
        stress_found(stage, "call %llu names item %llu, and %llu is the lowest", (unsigned long long)call,
                     (unsigned long long)error->item, (unsigned long long)lowest);
}

static bool broke(const struct error *error)
{
    return error->code != ERROR_FAILED && error->code != ERROR_DIED;
}

int stress_map(struct pool *pool, struct stage *stage, struct error *error)
{
    void *in = pool_in(pool);
    for (uint64_t call = 0; call < CALLS && stage->finding.holds && clock_now() < stage->until; call++) {
        for (uint64_t i = 0; i < ITEMS; i++)
            set_word(stage, in, i, stress_mix(stage->round.seed, call, i));
        int result = pool_map(pool, items, call, ITEMS, stage->round.chunk, error);
        account_map(pool, stage, call, result, error);
        if (result && (broke(error) || stage->round.kills_service))
            return -1;
    }
    return 0;
}

/* --- applied items ----------------------------------------------------------------------------------------------- */

static void async_setup(const struct round *round, struct setup *setup)
{
    setup->window = WINDOW;
    setup->in_size = setup->out_size = round->payload;
}

static int collect(struct stage *stage, struct async *handle, uint64_t number, struct error *error)
{
    static unsigned char out[STRESS_PAYLOAD_MOST];
    struct error why = {.code = ERROR_NONE};
    int result = async_get(handle, 20 * NS_PER_S, out, &why);
    if (result && why.code == ERROR_TIMEOUT)
        stress_found(stage, "applied item %llu is not over after 20 s", (unsigned long long)number);
    account_item(stage, async_outcome(handle), number, is_right(stage, out, 0, result_of(number * 3, number)));
    bool cancelled = async_outcome(handle) == OUTCOME_CANCELLED;
    async_free(handle);
    if (cancelled && error)
        *error = why;
    return cancelled ? -1 : 0;
}

static int post(struct pool *pool, struct stage *stage, uint64_t number, struct async **handle, struct error *error)
{
    static unsigned char in[STRESS_PAYLOAD_MOST];
    struct apply apply = {.fn = items, .argument = CALLS, .in = in};
    set_word(stage, in, 0, number * 3);
    return pool_apply_async(pool, &apply, 20 * NS_PER_S, handle, error);
}

static bool more_to_post(const struct stage *stage, uint64_t posted)
{
    return posted < APPLIED && clock_now() < stage->until;
}

int stress_async(struct pool *pool, struct stage *stage, struct error *error)
{
    struct async *handles[WINDOW] = {NULL};
    int result = 0;
    uint64_t posted = 0, got = 0;
    while (!result && stage->finding.holds && (got < posted || more_to_post(stage, posted))) {
        if (more_to_post(stage, posted) && posted - got < WINDOW) {
            result = post(pool, stage, posted, &handles[posted % WINDOW], error);
            posted += result == 0;
        } else {
            result = collect(stage, handles[got % WINDOW], got, error);
            got++;
        }
    }
    for (; got < posted; got++)
        collect(stage, handles[got % WINDOW], got, result ? NULL : error);
    return result;
}

/* --- applied items beside another exercise ----------------------------------------------------------------------- */

struct posted {
    struct async *handles[WINDOW];
    uint64_t count;
};

int stress_post(struct pool *pool, struct stage *stage, struct posted **out, struct error *error)
{
    struct posted *posted = calloc(1, sizeof *posted);
    *out = posted;
    if (!posted)
        return error_system(error, "no memory for applied items");
    for (; posted->count < WINDOW; posted->count++)
        if (post(pool, stage, posted->count, &posted->handles[posted->count], error))
            return -1;
    return 0;
}

void stress_collect(struct stage *stage, struct posted *posted)
{
    for (uint64_t i = 0; posted && i < posted->count; i++)
        collect(stage, posted->handles[i], i, NULL);
    free(posted);
}

/* --- all of them ------------------------------------------------------------------------------------------------- */

static void object_setup(const struct round *round, struct setup *setup)
{
    if (round->posts_first)
        async_setup(round, setup);
}

static int counter_objects(struct pool *pool, struct error *error)
{
    return counter_new(pool, error) ? 0 : -1;
}

static int list_objects(struct pool *pool, struct error *error)
{
    size_t capacity = (size_t)pool_workers(pool) * STRESS_OPERATIONS;
    return list_new(pool, 2 * sizeof(uint64_t), capacity, error) ? 0 : -1;
}

static int array_objects(struct pool *pool, struct error *error)
{
    return array_new(pool, TYPE_I64, 0, 4 * (size_t)pool_workers(pool), NULL, error) ? 0 : -1;
}

static int dict_objects(struct pool *pool, struct error *error)
{
    size_t capacity = 4 * (size_t)pool_workers(pool);
    return dict_new(pool, sizeof(uint64_t), 2 * sizeof(uint64_t), capacity, error) ? 0 : -1;
}

static int lock_objects(struct pool *pool, struct error *error)
{
    return lock_new(pool, error) && value_new(pool, TYPE_I64, NULL, error) ? 0 : -1;
}

const struct exercise exercises[] = {
    {.name = "map", .need = NEED_MAP, .itemised = true, .setup = map_setup, .run = stress_map},
    {.name = "async", .need = NEED_ASYNC, .itemised = true, .setup = async_setup, .run = stress_async},
    {.name = "counter", .need = NEED_COUNTER, .setup = object_setup, .objects = counter_objects, .run = stress_counter},
    {.name = "list", .need = NEED_LIST, .setup = object_setup, .objects = list_objects, .run = stress_list},
    {.name = "array", .need = NEED_ARRAY, .setup = object_setup, .objects = array_objects, .run = stress_array},
    {.name = "dict", .need = NEED_DICT, .setup = object_setup, .objects = dict_objects, .run = stress_dict},
    {.name = "lock", .need = NEED_LOCK, .setup = object_setup, .objects = lock_objects, .run = stress_lock},
    {.name = NULL},
};
