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

#define NOW_AND_THEN 8   /* calls */
#define PATIENCE     200 /* looks, a tenth of a millisecond apart */
#define ELEMENT_MOST 65536

extern const struct strategy strategy_shared_memory;
static const struct strategy *const good = &strategy_shared_memory;

struct relay {
    items_fn *fn;
    _Atomic unsigned sets; /* done by all processes */
    unsigned recovered;    /* deaths that have been recovered from */
};
static struct relay *relay;                     /* shared */
static struct object good_objects[OBJECTS_MAX]; /* as the good strategy made them */
static unsigned calls;                          /* each process's own */

/* --- operations on objects --------------------------------------------------------------------------------------- */

static int64_t hand_on(struct worker *w, struct object *object, struct call call)
{
    struct object *as_made = &good_objects[object->index];
    if (call.verb == VERB_ADD && object->kind == OBJECT_COUNTER)
        return counter_add(w, as_made, call.in, call.out, call.n);
    return object_call(w, as_made, call);
}

static bool changes(const struct call *call)
{
    return call->n > 0 && (call->verb == VERB_ADD || call->verb == VERB_APPEND || call->verb == VERB_PUT);
}

/* Bytes of what a changing call brings for one operation. */
static size_t brought(const struct object *object)
{
    return object->kind == OBJECT_ARRAY  ? sizeof(struct addend)
           : object->kind == OBJECT_DICT ? object->key_size + object->element_size
                                         : object->element_size;
}

static const unsigned char *last_of(const struct object *object, const struct call *call)
{
    return (const unsigned char *)call->in + (call->n - 1) * brought(object);
}

/* An add of nothing where the last one should have been, for its answer. */
static int64_t add_nothing(struct worker *w, struct object *object, const struct call *call)
{
    static const int64_t nothing = 0;
    struct addend none = {.at = 0};
    if (object->kind == OBJECT_ARRAY)
        memcpy(&none.at, last_of(object, call), sizeof none.at);
    return hand_on(w, object,
                   (struct call){.verb = VERB_ADD,
                                 .in = object->kind == OBJECT_ARRAY ? (const void *)&none : &nothing,
                                 .out = (int64_t *)call->out + call->n - 1,
                                 .n = 1});
}

/* The last update of a call gets its answer and is not made. */
static int64_t lose_last(struct worker *w, struct object *object, const struct call *call)
{
    struct call fewer = *call;
    fewer.n--;
    if (fewer.n > 0 && hand_on(w, object, fewer) < 0)
        return -1;
    if (call->verb == VERB_ADD && add_nothing(w, object, call) < 0)
        return -1;
    if (call->verb == VERB_PUT)
        ((uint64_t *)call->out)[call->n - 1] = 1;
    return (int64_t)call->n;
}

static int64_t losing_call(struct worker *w, struct object *object, const struct call *call)
{
    bool now = changes(call) && ++calls % NOW_AND_THEN == 0;
    return now ? lose_last(w, object, call) : hand_on(w, object, *call);
}

/* Only what comes first is lost: in the warm-up, where there is one. */
static int64_t starting_call(struct worker *w, struct object *object, const struct call *call)
{
    bool now = changes(call) && ++calls == 2;
    return now ? lose_last(w, object, call) : hand_on(w, object, *call);
}

/* The last update of a call is made twice. */
static int64_t doubling_call(struct worker *w, struct object *object, const struct call *call)
{
    int64_t did = hand_on(w, object, *call), ignored;
    if (changes(call) && ++calls % NOW_AND_THEN == 0 && did == (int64_t)call->n)
        hand_on(w, object, (struct call){.verb = call->verb, .in = last_of(object, call), .out = &ignored, .n = 1});
    return did;
}

/* Of the last element or value the tail is another one's. */
static int64_t tear_last(struct worker *w, struct object *object, const struct call *call)
{
    static unsigned char torn[ELEMENT_MOST + sizeof(uint64_t)];
    size_t size = brought(object);
    struct call fewer = *call, last = *call;
    memcpy(torn, last_of(object, call), size);
    memset(torn + size - 4, 0xee, 4);
    fewer.n--;
    last.in = torn;
    last.n = 1;
    last.out = call->out ? (uint64_t *)call->out + fewer.n : NULL;
    int64_t did = fewer.n > 0 ? hand_on(w, object, fewer) : 0;
    return did == (int64_t)fewer.n ? did + hand_on(w, object, last) : did;
}

/* Of a snapshot the first bytes are of another time. */
static int64_t tearing_call(struct worker *w, struct object *object, const struct call *call)
{
    bool tearable = call->n > 0 && (call->verb == VERB_READ || call->verb == VERB_APPEND || call->verb == VERB_PUT);
    if (!tearable || ++calls % NOW_AND_THEN)
        return hand_on(w, object, *call);
    if (call->verb != VERB_READ)
        return tear_last(w, object, call);
    int64_t bytes = hand_on(w, object, *call);
    if (bytes > 0)
        memset(call->out, 0xee, 4);
    return bytes;
}

static int64_t hanging_call(struct worker *w, struct object *object, const struct call *call)
{
    while (++calls > NOW_AND_THEN)
        pause();
    return hand_on(w, object, *call);
}

static int64_t dying_call(struct worker *w, struct object *object, const struct call *call)
{
    if (++calls > NOW_AND_THEN && w->slot != SLOT_PARENT)
        raise(SIGKILL);
    return hand_on(w, object, *call);
}

/* Waits until another process has set something, for a while: what it set then is wiped out. */
static void await_another(void)
{
    unsigned seen = atomic_load(&relay->sets);
    for (unsigned i = 0; i < PATIENCE && atomic_load(&relay->sets) == seen; i++)
        usleep(100);
}

/* Everybody gets the lock, and nobody has it; and so that this does not go well by chance, they meet. */
static int64_t opening_call(struct worker *w, struct object *object, const struct call *call)
{
    if (call->verb == VERB_ACQUIRE || call->verb == VERB_RELEASE)
        return 0;
    if (call->verb == VERB_SET && calls++ % NOW_AND_THEN == 0)
        await_another();
    int64_t did = hand_on(w, object, *call);
    if (call->verb == VERB_SET)
        atomic_fetch_add(&relay->sets, 1);
    return did;
}

static int64_t plain_call(struct worker *w, struct object *object, const struct call *call)
{
    return hand_on(w, object, *call);
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

/* Takes one add back for each worker that was replaced: an update lost in recovery. */
static int forgetting_each(struct pool *pool, struct error *error)
{
    static const int64_t back = -1;
    int64_t previous;
    int result = good->each(pool, error);
    for (; relay->recovered < pool->replaced; relay->recovered++)
        counter_add(&pool->parent, &good_objects[0], &back, &previous, 1);
    return result;
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

#define CREATE(name)                                                                                                   \
    static int name##_create(struct object *object, struct error *error)                                               \
    {                                                                                                                  \
        return create_with(object, name##_call, error);                                                                \
    }
CREATE(losing)
CREATE(starting)
CREATE(doubling)
CREATE(tearing)
CREATE(hanging)
CREATE(dying)
CREATE(opening)
CREATE(plain)

/* A mapping that nobody will take away again. */
static int leaving_create(struct object *object, struct error *error)
{
    return memory_shared(1) ? plain_create(object, error) : error_system(error, "no shared memory to leave behind");
}

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
    [NEED_RAW] = "a raw operation belongs to limits", [NEED_PROCESS] = PROCESS_IS_ALONE, [NEED_ASYNC] = NOT_HERE

/* COAT(name, what people read, create, map, need that is n/a...); COAT_EACH takes the loop too */
#define COAT(id, text, wrong, creates, maps, ...) COAT_EACH(id, text, wrong, creates, maps, broken_each, __VA_ARGS__)
#define COAT_EACH(id, text, wrong, creates, maps, eachs, ...)                                                          \
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
        .does_array = wrong,                                                                                           \
        .does_dict = wrong,                                                                                            \
        .does_lock = wrong,                                                                                            \
        .role = ROLE_COMPARED,                                                                                         \
        .variants = id##_variants,                                                                                     \
        .open = broken_open,                                                                                           \
        .start = broken_start,                                                                                         \
        .stop = broken_stop,                                                                                           \
        .close = broken_close,                                                                                         \
        .map = maps,                                                                                                   \
        .each = eachs,                                                                                                 \
        .create = creates,                                                                                             \
    };

/* Not the counter, the list and what is like them. */
#define NO_OBJECTS                                                                                                     \
    [NEED_COUNTER] = NOT_HERE, [NEED_LIST] = NOT_HERE, [NEED_ARRAY] = NOT_HERE, [NEED_DICT] = NOT_HERE,                \
    [NEED_LOCK] = NOT_HERE

COAT(broken_loses, "broken-loses", "loses an update", losing_create,
     plain_map, [NEED_MAP] = NOT_HERE, [NEED_LOCK] = NOT_HERE)
COAT(broken_starts, "broken-starts", "loses an update at the start", starting_create,
     plain_map, [NEED_MAP] = NOT_HERE, [NEED_LOCK] = NOT_HERE)
COAT(broken_doubles, "broken-doubles", "does an operation twice", doubling_create,
     doubling_map, [NEED_DICT] = NOT_HERE, [NEED_LOCK] = NOT_HERE)
COAT(broken_tears, "broken-tears", "tears an element", tearing_create,
     plain_map, [NEED_MAP] = NOT_HERE, [NEED_COUNTER] = NOT_HERE, [NEED_ARRAY] = NOT_HERE, [NEED_LOCK] = NOT_HERE)
COAT(broken_opens, "broken-opens", "has a lock that does not exclude", opening_create,
     plain_map, [NEED_MAP] = NOT_HERE, [NEED_COUNTER] = NOT_HERE, [NEED_LIST] = NOT_HERE, [NEED_DICT] = NOT_HERE)
COAT(broken_swaps, "broken-swaps", "swaps two results", plain_create, swapping_map, NO_OBJECTS)
COAT(broken_skips, "broken-skips", "skips an item", plain_create, skipping_map, NO_OBJECTS)
COAT(broken_hangs, "broken-hangs", "waits for ever", hanging_create, hanging_map, [NEED_MAP] = NULL)
COAT(broken_dies, "broken-dies", "dies in its work", dying_create, dying_map, [NEED_MAP] = NULL)
COAT_EACH(broken_forgets, "broken-forgets", "loses an update in recovery", plain_create, plain_map,
          forgetting_each, [NEED_MAP] = NOT_HERE, [NEED_LIST] = NOT_HERE)
COAT(broken_leaves, "broken-leaves", "leaves a segment behind", leaving_create, plain_map, [NEED_MAP] = NOT_HERE)
