/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * broken.c - strategies that do one thing wrong, each a thin coat over a good one; the proofs must catch all of them.
 *
 * The good one is the strategy with standing workers on shared memory. A coat hands every operation on, and now and
 * then does what its name says. Workers are forked before a map is called, so the function that a coat puts in front of
 * the items finds the real one in a shared page. */
#include "bench/ipc/board.h"
#include "bench/ipc/memory.h"
#include "tests/broken_list.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define NOW_AND_THEN 8 /* calls */
#define ELEMENT_MOST 65536

extern const struct strategy strategy_shared_memory;
static const struct strategy *const good = &strategy_shared_memory;

struct relay {
    items_fn *fn;
};
static struct relay *relay;                     /* shared */
static struct object good_objects[OBJECTS_MAX]; /* as the good strategy made them */
static unsigned calls;                          /* each process's own */

/* --- operations on objects --------------------------------------------------------------------------------------- */

static int64_t hand_on(struct worker *w, struct object *object, enum verb verb, const void *in, void *out, size_t n)
{
    struct object *as_made = &good_objects[object->index];
    if (verb == VERB_ADD)
        return counter_add(w, as_made, in, out, n);
    return object_call(w, as_made, (struct call){.verb = verb, .in = in, .out = out, .n = n});
}

static bool changes(enum verb verb, size_t n)
{
    return n > 0 && (verb == VERB_ADD || verb == VERB_APPEND);
}

static const unsigned char *last_of(const struct object *object, const void *in, size_t n)
{
    return (const unsigned char *)in + (n - 1) * object->element_size;
}

/* The last update of a call gets its answer and is not made. */
static int64_t lose_last(struct worker *w, struct object *object, enum verb verb, const void *in, void *out, size_t n)
{
    static const int64_t nothing = 0;
    if (hand_on(w, object, verb, in, out, n - 1) < 0)
        return -1;
    if (verb == VERB_ADD && hand_on(w, object, verb, &nothing, (int64_t *)out + n - 1, 1) < 0)
        return -1;
    return (int64_t)n;
}

static int64_t losing_call(struct worker *w, struct object *object, enum verb verb, const void *in, void *out, size_t n)
{
    bool now = changes(verb, n) && ++calls % NOW_AND_THEN == 0;
    return now ? lose_last(w, object, verb, in, out, n) : hand_on(w, object, verb, in, out, n);
}

/* Only what comes first is lost: in the warm-up, where there is one. */
static int64_t starting_call(struct worker *w, struct object *object, enum verb verb, const void *in, void *out,
                             size_t n)
{
    bool now = changes(verb, n) && ++calls == 2;
    return now ? lose_last(w, object, verb, in, out, n) : hand_on(w, object, verb, in, out, n);
}

/* The last update of a call is made twice. */
static int64_t doubling_call(struct worker *w, struct object *object, enum verb verb, const void *in, void *out,
                             size_t n)
{
    int64_t did = hand_on(w, object, verb, in, out, n), ignored;
    if (changes(verb, n) && ++calls % NOW_AND_THEN == 0 && did == (int64_t)n)
        hand_on(w, object, verb, last_of(object, in, n), &ignored, 1);
    return did;
}

/* Of the last element only the head is written; of a snapshot the first bytes are of another time. */
static int64_t tearing_call(struct worker *w, struct object *object, enum verb verb, const void *in, void *out,
                            size_t n)
{
    static unsigned char torn[ELEMENT_MOST];
    if (verb == VERB_READ && ++calls % NOW_AND_THEN == 0) {
        int64_t bytes = hand_on(w, object, verb, in, out, n);
        if (bytes > 0)
            memset(out, 0xee, 4);
        return bytes;
    }
    if (verb != VERB_APPEND || n == 0 || ++calls % NOW_AND_THEN)
        return hand_on(w, object, verb, in, out, n);
    memcpy(torn, last_of(object, in, n), object->element_size);
    memset(torn + object->element_size - 4, 0xee, 4);
    int64_t did = hand_on(w, object, verb, in, out, n - 1);
    return did == (int64_t)n - 1 ? did + hand_on(w, object, verb, torn, NULL, 1) : did;
}

static int64_t hanging_call(struct worker *w, struct object *object, enum verb verb, const void *in, void *out,
                            size_t n)
{
    while (++calls > NOW_AND_THEN)
        pause();
    return hand_on(w, object, verb, in, out, n);
}

static int64_t dying_call(struct worker *w, struct object *object, enum verb verb, const void *in, void *out, size_t n)
{
    if (++calls > NOW_AND_THEN && w->slot != SLOT_PARENT)
        raise(SIGKILL);
    return hand_on(w, object, verb, in, out, n);
}

/* --- maps -------------------------------------------------------------------------------------------------------- */

static int doubling_items(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                          size_t n)
{
    return relay->fn(w, ctx, argument, in, out, first, n) ||
           (first == 0 && relay->fn(w, ctx, argument, in, out, first, 1));
}

static int hanging_items(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                         size_t n)
{
    while (first == 0)
        pause();
    return relay->fn(w, ctx, argument, in, out, first, n);
}

static int dying_items(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                       size_t n)
{
    if (first == 0)
        raise(SIGKILL);
    return relay->fn(w, ctx, argument, in, out, first, n);
}

static int swapping_map(struct pool *pool, struct error *error)
{
    static unsigned char held[ELEMENT_MOST];
    size_t size = pool->setup.out_size;
    unsigned char *first = pool->out, *last = first + (pool->board->order.n - 1) * size;
    if (good->map(pool, error))
        return -1;
    if (size > sizeof held)
        return 0;
    memcpy(held, first, size);
    memcpy(first, last, size);
    memcpy(last, held, size);
    return 0;
}

static int skipping_map(struct pool *pool, struct error *error)
{
    struct map_order *order = &pool->board->order;
    order->n--;
    order->chunk = order->chunk < order->n ? order->chunk : order->n;
    return order->n > 0 ? good->map(pool, error) : 0;
}

/* --- what all coats share ---------------------------------------------------------------------------------------- */

static int broken_open(struct pool *pool, struct error *error)
{
    calls = 0;
    relay = memory_shared(sizeof *relay);
    if (!relay)
        return error_system(error, "no shared memory for a pool");
    if (good->open(pool, error) == 0)
        return 0;
    memory_free(relay, sizeof *relay);
    return -1;
}

static int broken_start(struct pool *pool, struct error *error)
{
    return good->start(pool, error);
}

static int broken_stop(struct pool *pool, int64_t grace_ns, struct error *error)
{
    return good->stop(pool, grace_ns, error);
}

static void broken_close(struct pool *pool)
{
    good->close(pool);
    memory_free(relay, sizeof *relay);
}

static int broken_each(struct pool *pool, struct error *error)
{
    return good->each(pool, error);
}

static int create_with(struct object *object, call_fn *call, struct error *error)
{
    if (good->create(object, error))
        return -1;
    good_objects[object->index] = *object;
    object->call = call;
    object->word = NULL;
    return 0;
}

#define CREATE(name, does)                                                                                             \
    static int64_t name##_call(struct worker *w, struct object *object, const struct call *call)                       \
    {                                                                                                                  \
        return does(w, object, call->verb, call->in, call->out, call->n);                                              \
    }                                                                                                                  \
    static int name(struct object *object, struct error *error)                                                        \
    {                                                                                                                  \
        return create_with(object, name##_call, error);                                                                \
    }
CREATE(losing_create, losing_call)
CREATE(starting_create, starting_call)
CREATE(doubling_create, doubling_call)
CREATE(tearing_create, tearing_call)
CREATE(hanging_create, hanging_call)
CREATE(dying_create, dying_call)
CREATE(plain_create, hand_on)

#define MAP(name, items)                                                                                               \
    static int name(struct pool *pool, struct error *error)                                                            \
    {                                                                                                                  \
        relay->fn = pool->board->order.fn;                                                                             \
        pool->board->order.fn = items;                                                                                 \
        return good->map(pool, error);                                                                                 \
    }
MAP(doubling_map, doubling_items)
MAP(hanging_map, hanging_items)
MAP(dying_map, dying_items)

static int plain_map(struct pool *pool, struct error *error)
{
    return good->map(pool, error);
}

#define NOT_HERE "nothing is broken in this"
#define NO_RAW                                                                                                         \
    [NEED_RAW] = "a raw operation belongs to limits", [NEED_PROCESS] = PROCESS_IS_ALONE, [NEED_ARRAY] = NOT_HERE,      \
    [NEED_DICT] = NOT_HERE, [NEED_LOCK] = NOT_HERE, [NEED_ASYNC] = NOT_HERE

/* COAT(name, what people read, need that is n/a..., create, map) */
#define COAT(id, text, wrong, creates, maps, ...)                                                                      \
    static const struct variant id##_variants[] = {                                                                    \
        {.name = "plain", .summary = wrong, .visible = "once acknowledged", .lacks = {NO_RAW, __VA_ARGS__}},           \
        {.name = NULL},                                                                                                \
    };                                                                                                                 \
    extern const struct strategy strategy_##id;                                                                        \
    const struct strategy strategy_##id = {                                                                            \
        .name = text,                                                                                                  \
        .summary = "broken on purpose: " wrong,                                                                        \
        .does_map = wrong,                                                                                             \
        .does_counter = wrong,                                                                                         \
        .does_list = wrong,                                                                                            \
        .role = ROLE_COMPARED,                                                                                         \
        .variants = id##_variants,                                                                                     \
        .open = broken_open,                                                                                           \
        .start = broken_start,                                                                                         \
        .stop = broken_stop,                                                                                           \
        .close = broken_close,                                                                                         \
        .map = maps,                                                                                                   \
        .each = broken_each,                                                                                           \
        .create = creates,                                                                                             \
    };

COAT(broken_loses, "broken-loses", "loses an update", losing_create, plain_map, [NEED_MAP] = NOT_HERE)
COAT(broken_starts, "broken-starts", "loses an update at the start", starting_create, plain_map, [NEED_MAP] = NOT_HERE)
COAT(broken_doubles, "broken-doubles", "does an operation twice", doubling_create, doubling_map, [NEED_MAP] = NULL)
COAT(broken_tears, "broken-tears", "tears an element", tearing_create,
     plain_map, [NEED_MAP] = NOT_HERE, [NEED_COUNTER] = NOT_HERE)
COAT(broken_swaps, "broken-swaps", "swaps two results", plain_create,
     swapping_map, [NEED_COUNTER] = NOT_HERE, [NEED_LIST] = NOT_HERE)
COAT(broken_skips, "broken-skips", "skips an item", plain_create,
     skipping_map, [NEED_COUNTER] = NOT_HERE, [NEED_LIST] = NOT_HERE)
COAT(broken_hangs, "broken-hangs", "waits for ever", hanging_create, hanging_map, [NEED_MAP] = NULL)
COAT(broken_dies, "broken-dies", "dies in its work", dying_create, dying_map, [NEED_MAP] = NULL)
