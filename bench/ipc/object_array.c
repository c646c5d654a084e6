/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * object_array.c - an array on ordinary memory. */
#include "bench/ipc/memory.h"
#include "bench/ipc/object_parts.h"

#include <string.h>

/* Sums wrap around in the type's width. The previous number fills its union, by sign for a signed type and by zeros for
 * an unsigned one. */
#define ADD_NUMBERS(name, type, unsigned_type, member, member_type)                                                    \
    static void name(void *data, const struct addend *addends, union number *previous, size_t n)                       \
    {                                                                                                                  \
        type *elements = data;                                                                                         \
        for (size_t i = 0; i < n; i++) {                                                                               \
            type was = elements[addends[i].at];                                                                        \
            elements[addends[i].at] = (type)((unsigned_type)was + (unsigned_type)addends[i].delta.member);             \
            previous[i].member = (member_type)was;                                                                     \
        }                                                                                                              \
    }
ADD_NUMBERS(add_i8, int8_t, uint8_t, i, int64_t)
ADD_NUMBERS(add_u8, uint8_t, uint8_t, u, uint64_t)
ADD_NUMBERS(add_i16, int16_t, uint16_t, i, int64_t)
ADD_NUMBERS(add_u16, uint16_t, uint16_t, u, uint64_t)
ADD_NUMBERS(add_i32, int32_t, uint32_t, i, int64_t)
ADD_NUMBERS(add_u32, uint32_t, uint32_t, u, uint64_t)
ADD_NUMBERS(add_i64, int64_t, uint64_t, i, int64_t)
ADD_NUMBERS(add_u64, uint64_t, uint64_t, u, uint64_t)
ADD_NUMBERS(add_f32, float, double, f, double)
ADD_NUMBERS(add_f64, double, double, f, double)

static int64_t add(struct object *object, const struct addend *addends, union number *previous, size_t n)
{
    static void (*const adds[])(void *, const struct addend *, union number *, size_t) = {
        [TYPE_I8] = add_i8,   [TYPE_U8] = add_u8,   [TYPE_I16] = add_i16, [TYPE_U16] = add_u16, [TYPE_I32] = add_i32,
        [TYPE_U32] = add_u32, [TYPE_I64] = add_i64, [TYPE_U64] = add_u64, [TYPE_F32] = add_f32, [TYPE_F64] = add_f64,
    };
    struct object_state *state = object->state;
    if (object->type == TYPE_BYTES)
        return CALL_MISUSED;
    for (size_t i = 0; i < n; i++)
        if (addends[i].at >= object->capacity)
            return CALL_RANGE;
    adds[object->type](state->data, addends, previous, n);
    return (int64_t)n;
}

static int64_t swap(struct object *object, const struct call *call)
{
    const struct object_state *state = object->state;
    size_t size = object->element_size;
    if (call->n != 1)
        return CALL_MISUSED;
    if (call->at >= object->capacity)
        return CALL_RANGE;
    unsigned char *element = state->data + call->at * size;
    const unsigned char *pair = call->in;
    memcpy(call->out, element, size);
    if (memcmp(element, pair, size) != 0)
        return 0;
    memcpy(element, pair + size, size);
    return 1;
}

#define LARGE_BYTES ((size_t)1 << 20)

/* A large one gets new memory, of which only what is used then will be there. */
static int64_t clear(struct object *object)
{
    struct object_state *state = object->state;
    size_t bytes = object->capacity * object->element_size;
    unsigned char *fresh = bytes > LARGE_BYTES ? memory_private(bytes) : NULL;
    if (fresh) {
        memory_free(state->data, bytes);
        state->data = fresh;
    } else {
        memset(state->data, 0, bytes);
    }
    return 0;
}

int64_t array_apply(struct object *object, const struct call *call)
{
    const struct object_state *state = object->state;
    size_t size = object->element_size;
    if ((call->verb == VERB_GET || call->verb == VERB_SET) && !range_fits(call->at, call->n, object->capacity))
        return CALL_RANGE;
    switch (call->verb) {
    case VERB_ADD:
        return add(object, call->in, call->out, call->n);
    case VERB_GET:
        memcpy(call->out, state->data + call->at * size, call->n * size);
        return (int64_t)call->n;
    case VERB_SET:
        memcpy(state->data + call->at * size, call->in, call->n * size);
        return (int64_t)call->n;
    case VERB_SWAP:
        return swap(object, call);
    case VERB_LENGTH:
        return (int64_t)object->capacity;
    case VERB_CLEAR:
        return clear(object);
    default:
        return CALL_MISUSED;
    }
}
