/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * objects.h - what the processes of a pool share: counter, value, array, list, dict and lock, and the operations on
 * them. Part of multiprocessing.h, which includes it.
 *
 * An object is made before its pool starts and operated on by any process of the pool, the parent too. An operation
 * is acknowledged: when it returns, it holds. */
#ifndef MUSTER_BENCH_OBJECTS_H
#define MUSTER_BENCH_OBJECTS_H

#include "bench/multiprocessing.h"

#define OBJECTS_MAX 8 /* of one pool */

enum object_kind { OBJECT_COUNTER, OBJECT_ARRAY, OBJECT_LIST, OBJECT_DICT, OBJECT_LOCK };

/* Fixed widths, native byte order. TYPE_BYTES: elements of any size, which are never torn. */
enum element_type {
    TYPE_I8,
    TYPE_U8,
    TYPE_I16,
    TYPE_U16,
    TYPE_I32,
    TYPE_U32,
    TYPE_I64,
    TYPE_U64,
    TYPE_F32,
    TYPE_F64,
    TYPE_BYTES,
};
size_t type_size(enum element_type);

union number {
    int64_t i;
    uint64_t u;
    double f; /* of TYPE_F32 and TYPE_F64 */
};

/* An add to an array's element. */
struct addend {
    uint64_t at;
    union number delta;
};

enum verb {
    VERB_ADD,     /* counter: in n int64_t deltas, out n int64_t previous values. array: in n addends, out n numbers */
    VERB_APPEND,  /* list: in n elements */
    VERB_READ,    /* counter, array, list, dict: out the whole value, at most n bytes */
    VERB_CLEAR,   /* back to zero, empty or free; by the parent, while no other uses the object */
    VERB_GET,     /* array, list: out n elements from `at`. dict: in n keys, out n answers */
    VERB_SET,     /* array, list: in n elements from `at` */
    VERB_SWAP,    /* array: in two elements, the expected and the desired one; out the one that was there; n = 1 */
    VERB_POP,     /* list: out the last n elements, the last one first */
    VERB_LENGTH,  /* list, dict, array */
    VERB_PUT,     /* dict: in n entries, key and value; out n uint64_t, 1 where the key was there */
    VERB_REMOVE,  /* dict: in n keys; out n uint64_t, 1 where the key was there */
    VERB_KEYS,    /* dict: out all keys, at most n bytes */
    VERB_ACQUIRE, /* lock: `at` a timeout in ns */
    VERB_RELEASE, /* lock */
    VERBS,
};

/* An operation on an object. */
struct call {
    enum verb verb;
    uint64_t at; /* an index, or what the verb says */
    const void *in;
    void *out;
    size_t n;
};

/* What an operation that was not done returns. After CALL_BROKEN and CALL_UNKNOWN the pool is broken. */
enum call_refusal {
    CALL_BROKEN = -1,    /* the owner is gone, or sent nonsense: not done */
    CALL_RANGE = -2,     /* an index that is not there: nothing is changed */
    CALL_TIMEOUT = -3,   /* no lock in time */
    CALL_DEADLOCK = -4,  /* the caller holds this lock */
    CALL_NOT_OWNER = -5, /* the caller does not hold this lock */
    CALL_MISUSED = -6,   /* this kind of object has no such operation, or no items_fn may call it (see there) */
    CALL_UNKNOWN = -7,   /* the owner went away between request and reply: done or not */
    CALL_LARGE = -8,     /* more than a manager takes in one call: nothing is changed; go in pieces */
    CALL_LAST = CALL_LARGE,
};

/* Returns operations done (ADD, APPEND, GET, SET, POP, PUT, REMOVE: fewer than n when full or empty), 1 or 0 (SWAP:
 * done or not), a length, bytes (READ, KEYS), 0 (CLEAR, RELEASE), 0 or LOCK_ORPHANED (ACQUIRE); or a call_refusal. Any
 * number of processes may call it at once. Acknowledged, when it returns. */
typedef int64_t call_fn(struct worker *, struct object *, const struct call *);

struct object {
    call_fn *call; /* set by the strategy */
    /* Of a counter that every process may add to where it is, by fetch_add: its word, set by the strategy. Such an add
     * is inlined, since a call costs a tenth of it. NULL: call. */
    _Atomic uint64_t *word;
    void *state;   /* the strategy's */
    void *initial; /* of an array, until the pool starts */
    struct pool *pool;
    enum object_kind kind;
    enum element_type type;
    unsigned index;      /* in the pool */
    size_t element_size; /* bytes; of a dict's value */
    size_t key_size;     /* bytes, of a dict's key */
    size_t capacity;     /* elements, entries */
};

/* Made before pool_start(), at most OBJECTS_MAX in a pool, owned by it. NULL with *error filled when memory is short,
 * the strategy lacks it, or it is too late or one too many. */
struct object *counter_new(struct pool *, struct error *);
/* A Value is an array of one. Without `initial` all is zero. element_size: of TYPE_BYTES, else 0. */
struct object *value_new(struct pool *, enum element_type, const void *initial, struct error *);
struct object *array_new(struct pool *, enum element_type, size_t element_size, size_t length, const void *initial,
                         struct error *);
struct object *list_new(struct pool *, size_t element_size, size_t capacity, struct error *);
/* Keys and values are key_size and value_size bytes, all of which count: fill what a shorter key leaves with zeros. */
struct object *dict_new(struct pool *, size_t key_size, size_t value_size, size_t capacity, struct error *);
struct object *lock_new(struct pool *, struct error *);
/* Of a guest, or of any pool: the objects in the order in which they were made. NULL: there are no more. */
struct object *pool_object(struct pool *, unsigned index);

static inline int64_t object_call(struct worker *w, struct object *object, struct call call)
{
    return object->call(w, object, &call);
}

/* n adds, one after the other, each with its own delta and its own answer: the value just before it. Sums wrap around
 * as unsigned ones do. */
static inline int64_t counter_add(struct worker *w, struct object *counter, const int64_t *deltas, int64_t *previous,
                                  size_t n)
{
    if (!counter->word)
        return object_call(w, counter, (struct call){.verb = VERB_ADD, .in = deltas, .out = previous, .n = n});
    for (size_t i = 0; i < n; i++)
        previous[i] = (int64_t)atomic_fetch_add_explicit(counter->word, (uint64_t)deltas[i], memory_order_acq_rel);
    return (int64_t)n;
}

/* The whole value as one consistent snapshot, at most `bytes`; returns its bytes. Of an array in shared memory each
 * element is consistent, and the whole only under a lock that its writers take too. A dict's entries are key and value,
 * key and value. */
static inline int64_t object_read(struct worker *w, struct object *object, void *into, size_t bytes)
{
    return object_call(w, object, (struct call){.verb = VERB_READ, .out = into, .n = bytes});
}

static inline int64_t object_clear(struct worker *w, struct object *object)
{
    return object_call(w, object, (struct call){.verb = VERB_CLEAR});
}

static inline int64_t object_length(struct worker *w, struct object *object)
{
    return object_call(w, object, (struct call){.verb = VERB_LENGTH});
}

/* Arrays and lists: n elements from `at`; all of them, or CALL_RANGE. */
static inline int64_t element_get(struct worker *w, struct object *object, uint64_t at, void *into, size_t n)
{
    return object_call(w, object, (struct call){.verb = VERB_GET, .at = at, .out = into, .n = n});
}

static inline int64_t element_set(struct worker *w, struct object *object, uint64_t at, const void *from, size_t n)
{
    return object_call(w, object, (struct call){.verb = VERB_SET, .at = at, .in = from, .n = n});
}

/* n adds to elements, each atomic, each answered with the number just before it. Not of TYPE_BYTES. */
static inline int64_t array_add(struct worker *w, struct object *array, const struct addend *addends,
                                union number *previous, size_t n)
{
    return object_call(w, array, (struct call){.verb = VERB_ADD, .in = addends, .out = previous, .n = n});
}

/* Compare and swap: puts `pair[1]` where `pair[0]` is; returns 1 when it did, else 0, and what was there in `was`. */
static inline int64_t array_swap(struct worker *w, struct object *array, uint64_t at, const void *pair, void *was)
{
    return object_call(w, array, (struct call){.verb = VERB_SWAP, .at = at, .in = pair, .out = was, .n = 1});
}

/* Appends n elements, in order and next to each other; returns how many found room. */
static inline int64_t list_append(struct worker *w, struct object *list, const void *elements, size_t n)
{
    return object_call(w, list, (struct call){.verb = VERB_APPEND, .in = elements, .n = n});
}

static inline int64_t list_pop(struct worker *w, struct object *list, void *into, size_t n)
{
    return object_call(w, list, (struct call){.verb = VERB_POP, .out = into, .n = n});
}

/* An answer to a get: `found`, 1 or 0, and the value behind it. They are dict_answer_size() bytes apart. */
struct dict_answer {
    uint64_t found;
    unsigned char value[];
};

static inline size_t dict_answer_size(const struct object *dict)
{
    return sizeof(struct dict_answer) + ((dict->element_size + 7) & ~(size_t)7);
}

/* Entries are key and value without padding. Fewer than n: the dict is full. */
static inline int64_t dict_put(struct worker *w, struct object *dict, const void *entries, uint64_t *were, size_t n)
{
    return object_call(w, dict, (struct call){.verb = VERB_PUT, .in = entries, .out = were, .n = n});
}

static inline int64_t dict_get(struct worker *w, struct object *dict, const void *keys, struct dict_answer *answers,
                               size_t n)
{
    return object_call(w, dict, (struct call){.verb = VERB_GET, .in = keys, .out = answers, .n = n});
}

static inline int64_t dict_remove(struct worker *w, struct object *dict, const void *keys, uint64_t *were, size_t n)
{
    return object_call(w, dict, (struct call){.verb = VERB_REMOVE, .in = keys, .out = were, .n = n});
}

static inline int64_t dict_keys(struct worker *w, struct object *dict, void *into, size_t bytes)
{
    return object_call(w, dict, (struct call){.verb = VERB_KEYS, .out = into, .n = bytes});
}

/* A lock belongs to the process that acquired it. When that ends without releasing it, the next one gets it, and is
 * told once: LOCK_ORPHANED, what it guards may be half changed. */
#define LOCK_ORPHANED 1
static inline int64_t lock_acquire(struct worker *w, struct object *lock, int64_t timeout_ns)
{
    return object_call(w, lock, (struct call){.verb = VERB_ACQUIRE, .at = (uint64_t)timeout_ns});
}

static inline int64_t lock_release(struct worker *w, struct object *lock)
{
    return object_call(w, lock, (struct call){.verb = VERB_RELEASE});
}

#endif
