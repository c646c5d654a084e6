/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_array.c - an array in memory that all processes map.
 *
 * Elements of 1, 2, 4 and 8 bytes are atomic words where they lie, aligned by their size, whatever they mean; any
 * number of processes work on them without waiting for each other. Elements of other sizes, bytes without a type, are
 * under one robust mutex, and each is saved in a log before it is written, so that none is torn even when its writer
 * dies. Several elements in one call are each whole, not all of them together. */
#include "bench/ipc/memory.h"
#include "bench/ipc/object_parts.h"
#include "bench/strategies/shared_mutex.h"
#include "bench/strategies/shared_parts.h"

#include <string.h>

struct shared_array {
    _Alignas(LINE_APART) pthread_mutex_t mutex; /* of elements that are no words; with a log behind them */
    _Alignas(LINE_APART) unsigned char elements[];
};

static bool is_word(size_t size)
{
    return size == 1 || size == 2 || size == 4 || size == 8;
}

/* --- words: loads and stores ------------------------------------------------------------------------------------- */

#define WORDS(width, type)                                                                                             \
    static inline void load_##width(void *words, unsigned char *out, size_t n)                                         \
    {                                                                                                                  \
        for (size_t i = 0; i < n; i++) {                                                                               \
            type word = atomic_load_explicit((_Atomic type *)words + i, memory_order_acquire);                         \
            memcpy(out + i * sizeof word, &word, sizeof word);                                                         \
        }                                                                                                              \
    }                                                                                                                  \
    static inline void store_##width(void *words, const unsigned char *in, size_t n)                                   \
    {                                                                                                                  \
        for (size_t i = 0; i < n; i++) {                                                                               \
            type word;                                                                                                 \
            memcpy(&word, in + i * sizeof word, sizeof word);                                                          \
            atomic_store_explicit((_Atomic type *)words + i, word, memory_order_release);                              \
        }                                                                                                              \
    }                                                                                                                  \
    static bool swap_##width(void *at, const unsigned char *pair, unsigned char *was)                                  \
    {                                                                                                                  \
        type expected, desired;                                                                                        \
        memcpy(&expected, pair, sizeof expected);                                                                      \
        memcpy(&desired, pair + sizeof expected, sizeof desired);                                                      \
        bool swapped = atomic_compare_exchange_strong_explicit((_Atomic type *)at, &expected, desired,                 \
                                                               memory_order_acq_rel, memory_order_acquire);            \
        memcpy(was, &expected, sizeof expected);                                                                       \
        return swapped;                                                                                                \
    }
WORDS(1, uint8_t)
WORDS(2, uint16_t)
WORDS(4, uint32_t)
WORDS(8, uint64_t)

static void load_words(void *words, size_t size, void *out, size_t n)
{
    switch (size) {
    case 1:
        load_1(words, out, n);
        break;
    case 2:
        load_2(words, out, n);
        break;
    case 4:
        load_4(words, out, n);
        break;
    default:
        load_8(words, out, n);
    }
}

static void store_words(void *words, size_t size, const void *in, size_t n)
{
    switch (size) {
    case 1:
        store_1(words, in, n);
        break;
    case 2:
        store_2(words, in, n);
        break;
    case 4:
        store_4(words, in, n);
        break;
    default:
        store_8(words, in, n);
    }
}

static bool swap_word(void *at, size_t size, const void *pair, void *was)
{
    switch (size) {
    case 1:
        return swap_1(at, pair, was);
    case 2:
        return swap_2(at, pair, was);
    case 4:
        return swap_4(at, pair, was);
    default:
        return swap_8(at, pair, was);
    }
}

/* The last element may be wanted in part only. */
static int64_t read_words(void *words, const struct object *object, unsigned char *out, size_t most)
{
    size_t size = object->element_size, whole = object->capacity * size, bytes = whole < most ? whole : most;
    size_t n = bytes / size, rest = bytes % size;
    load_words(words, size, out, n);
    if (rest > 0) {
        unsigned char last[sizeof(uint64_t)];
        load_words((unsigned char *)words + n * size, size, last, 1);
        memcpy(out + n * size, last, rest);
    }
    return (int64_t)bytes;
}

/* --- words: sums ------------------------------------------------------------------------------------------------- */

#define ADD_WHOLE(name, type, word_type, member, member_type)                                                          \
    static member_type name(void *words, uint64_t at, const union number *delta)                                       \
    {                                                                                                                  \
        return (member_type)(type)atomic_fetch_add_explicit((_Atomic word_type *)words + at, (word_type)delta->member, \
                                                            memory_order_acq_rel);                                     \
    }
ADD_WHOLE(add_i8, int8_t, uint8_t, i, int64_t)
ADD_WHOLE(add_u8, uint8_t, uint8_t, u, uint64_t)
ADD_WHOLE(add_i16, int16_t, uint16_t, i, int64_t)
ADD_WHOLE(add_u16, uint16_t, uint16_t, u, uint64_t)
ADD_WHOLE(add_i32, int32_t, uint32_t, i, int64_t)
ADD_WHOLE(add_u32, uint32_t, uint32_t, u, uint64_t)
ADD_WHOLE(add_i64, int64_t, uint64_t, i, int64_t)
ADD_WHOLE(add_u64, uint64_t, uint64_t, u, uint64_t)

/* No processor adds these where they lie. */
#define ADD_FLOATING(name, type, word_type)                                                                            \
    static double name(void *words, uint64_t at, const union number *delta)                                            \
    {                                                                                                                  \
        _Atomic word_type *word = (_Atomic word_type *)words + at;                                                     \
        word_type was = atomic_load_explicit(word, memory_order_relaxed), becomes;                                     \
        type number, sum;                                                                                              \
        do {                                                                                                           \
            memcpy(&number, &was, sizeof number);                                                                      \
            sum = (type)((double)number + delta->f);                                                                   \
            memcpy(&becomes, &sum, sizeof becomes);                                                                    \
        } while (                                                                                                      \
            !atomic_compare_exchange_weak_explicit(word, &was, becomes, memory_order_acq_rel, memory_order_relaxed));  \
        return (double)number;                                                                                         \
    }
ADD_FLOATING(add_f32, float, uint32_t)
ADD_FLOATING(add_f64, double, uint64_t)

static union number add_one(void *words, enum element_type type, uint64_t at, const union number *delta)
{
    switch (type) {
    case TYPE_I8:
        return (union number){.i = add_i8(words, at, delta)};
    case TYPE_U8:
        return (union number){.u = add_u8(words, at, delta)};
    case TYPE_I16:
        return (union number){.i = add_i16(words, at, delta)};
    case TYPE_U16:
        return (union number){.u = add_u16(words, at, delta)};
    case TYPE_I32:
        return (union number){.i = add_i32(words, at, delta)};
    case TYPE_U32:
        return (union number){.u = add_u32(words, at, delta)};
    case TYPE_I64:
        return (union number){.i = add_i64(words, at, delta)};
    case TYPE_U64:
        return (union number){.u = add_u64(words, at, delta)};
    case TYPE_F32:
        return (union number){.f = add_f32(words, at, delta)};
    default:
        return (union number){.f = add_f64(words, at, delta)};
    }
}

static int64_t add(struct object *object, void *words, const struct call *call)
{
    const struct addend *addends = call->in;
    union number *previous = call->out;
    if (object->type == TYPE_BYTES)
        return CALL_MISUSED;
    for (size_t i = 0; i < call->n; i++)
        if (addends[i].at >= object->capacity)
            return CALL_RANGE;
    for (size_t i = 0; i < call->n; i++)
        previous[i] = add_one(words, object->type, addends[i].at, &addends[i].delta);
    return (int64_t)call->n;
}

static int64_t words_call(struct worker *w, struct object *object, const struct call *call)
{
    unsigned char *words = ((struct shared_array *)object->state)->elements;
    const size_t size = object->element_size;
    (void)w;
    switch (call->verb) {
    case VERB_GET:
        if (!range_fits(call->at, call->n, object->capacity))
            return CALL_RANGE;
        load_words(words + call->at * size, size, call->out, call->n);
        return (int64_t)call->n;
    case VERB_SET:
        if (!range_fits(call->at, call->n, object->capacity))
            return CALL_RANGE;
        store_words(words + call->at * size, size, call->in, call->n);
        return (int64_t)call->n;
    case VERB_ADD:
        return add(object, words, call);
    case VERB_SWAP:
        if (call->n != 1 || call->at >= object->capacity)
            return call->n != 1 ? CALL_MISUSED : CALL_RANGE;
        return swap_word(words + call->at * size, size, call->in, call->out);
    case VERB_READ:
        return read_words(words, object, call->out, call->n);
    case VERB_LENGTH:
        return (int64_t)object->capacity;
    case VERB_CLEAR:
        memset(words, 0, object->capacity * size);
        return 0;
    default:
        return CALL_MISUSED;
    }
}

/* --- bytes ------------------------------------------------------------------------------------------------------- */

static struct undo *undo_of(const struct object *object)
{
    struct shared_array *array = object->state;
    return (struct undo *)(array->elements + undo_padded(object->capacity * object->element_size));
}

static void write_element(const struct object *object, unsigned char *to, const unsigned char *from)
{
    undo_save(undo_of(object), object->state, to, object->element_size);
    memcpy(to, from, object->element_size);
    undo_done(undo_of(object));
}

static int64_t swap_bytes(const struct object *object, unsigned char *at, const unsigned char *pair, void *was)
{
    const size_t size = object->element_size;
    memcpy(was, at, size);
    if (memcmp(at, pair, size) != 0)
        return 0;
    write_element(object, at, pair + size);
    return 1;
}

/* Of a call that is within the array, with the mutex. */
static int64_t bytes_apply(const struct object *object, const struct call *call)
{
    struct shared_array *array = object->state;
    const size_t size = object->element_size, whole = object->capacity * size;
    unsigned char *at = array->elements + call->at * size;
    const unsigned char *in = call->in;
    size_t bytes = whole < call->n ? whole : call->n;
    switch (call->verb) {
    case VERB_GET:
        memcpy(call->out, at, call->n * size);
        return (int64_t)call->n;
    case VERB_SET:
        for (size_t i = 0; i < call->n; i++)
            write_element(object, at + i * size, in + i * size);
        return (int64_t)call->n;
    case VERB_SWAP:
        return swap_bytes(object, at, in, call->out);
    case VERB_READ:
        memcpy(call->out, array->elements, bytes);
        return (int64_t)bytes;
    default:
        memset(array->elements, 0, whole);
        return 0;
    }
}

static int64_t bytes_call(struct worker *w, struct object *object, const struct call *call)
{
    struct shared_array *array = object->state;
    const bool places = call->verb == VERB_GET || call->verb == VERB_SET || call->verb == VERB_SWAP;
    (void)w;
    if (call->verb == VERB_LENGTH)
        return (int64_t)object->capacity;
    if ((!places && call->verb != VERB_READ && call->verb != VERB_CLEAR) || (call->verb == VERB_SWAP && call->n != 1))
        return CALL_MISUSED;
    if (places && !range_fits(call->at, call->n, object->capacity))
        return CALL_RANGE;
    enum shared_mutex_got got = shared_mutex_lock(&array->mutex, NEVER);
    if (got == MUTEX_REFUSED)
        return CALL_BROKEN;
    if (got == MUTEX_INHERITED) {
        undo_back(undo_of(object), array);
        shared_mutex_mended(&array->mutex);
    }
    int64_t result = bytes_apply(object, call);
    return shared_mutex_unlock(&array->mutex) ? CALL_BROKEN : result;
}

/* --- making ------------------------------------------------------------------------------------------------------ */

static size_t array_bytes(const struct object *object)
{
    return sizeof(struct shared_array) + undo_padded(object->capacity * object->element_size) + sizeof(struct undo) +
           undo_room(object->element_size);
}

int shared_array_create(struct object *object, struct error *error)
{
    struct shared_array *array = memory_shared(array_bytes(object));
    if (!array)
        return error_system(error, "no shared memory for an array of %zu elements", object->capacity);
    if (shared_mutex_new(&array->mutex, false)) {
        error_system(error, "cannot make a robust mutex that processes share");
        memory_free(array, array_bytes(object));
        return -1;
    }
    object->state = array;
    object->call = is_word(object->element_size) ? words_call : bytes_call;
    return 0;
}

void shared_array_free(struct object *object)
{
    memory_free(object->state, array_bytes(object));
}
