/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * object_calls.c - which objects can be, which calls they have, and what such a call brings and gets.
 *
 * What a server trusts against peers that may say anything, so no sum here wraps around, whatever it is asked. */
#include "bench/ipc/object.h"

#define BIT(verb) (1u << (verb))
static const unsigned verbs_of[] = {
    [OBJECT_COUNTER] = BIT(VERB_ADD) | BIT(VERB_READ) | BIT(VERB_CLEAR),
    [OBJECT_ARRAY] = BIT(VERB_ADD) | BIT(VERB_READ) | BIT(VERB_CLEAR) | BIT(VERB_GET) | BIT(VERB_SET) | BIT(VERB_SWAP) |
                     BIT(VERB_LENGTH),
    [OBJECT_LIST] = BIT(VERB_APPEND) | BIT(VERB_READ) | BIT(VERB_CLEAR) | BIT(VERB_GET) | BIT(VERB_SET) |
                    BIT(VERB_POP) | BIT(VERB_LENGTH),
    [OBJECT_DICT] = BIT(VERB_READ) | BIT(VERB_CLEAR) | BIT(VERB_GET) | BIT(VERB_LENGTH) | BIT(VERB_PUT) |
                    BIT(VERB_REMOVE) | BIT(VERB_KEYS),
    [OBJECT_LOCK] = BIT(VERB_CLEAR) | BIT(VERB_ACQUIRE) | BIT(VERB_RELEASE),
};

/* --- objects ----------------------------------------------------------------------------------------------------- */

/* An address space has 2^47 bytes, and nothing takes more than 128 bytes per element beside the element itself. */
#define OBJECT_BYTES_MOST  (UINT64_C(1) << 47)
#define ELEMENT_BYTES_MORE 128

static bool sizes_possible(const struct object *object)
{
    if (object->kind == OBJECT_COUNTER || object->kind == OBJECT_LOCK)
        return object->capacity == 1;
    uint64_t key = object->key_size, size = object->element_size;
    return key <= CALL_BYTES_MOST / 4 && size <= CALL_BYTES_MOST / 4 && object->capacity > 0 &&
           object->capacity <= OBJECT_BYTES_MOST / (key + size + ELEMENT_BYTES_MORE);
}

bool object_possible(const struct object *object)
{
    if ((unsigned)object->kind > OBJECT_LOCK || (unsigned)object->type > TYPE_BYTES || object->element_size == 0)
        return false;
    if ((object->kind == OBJECT_DICT) != (object->key_size > 0))
        return false;
    if (object->kind == OBJECT_COUNTER && object->element_size != sizeof(int64_t))
        return false;
    if (object->kind == OBJECT_ARRAY && object->type != TYPE_BYTES && object->element_size != type_size(object->type))
        return false;
    return sizes_possible(object);
}

/* --- calls ------------------------------------------------------------------------------------------------------- */

/* What one of n brings or gets, whatever the verb, is not more. */
static size_t widest(const struct object *object)
{
    return sizeof(struct dict_answer) + sizeof(struct addend) + object->key_size + 2 * object->element_size;
}

/* Of what READ or KEYS can get. */
static uint64_t value_most(const struct object *object, enum verb verb)
{
    return object->capacity * (object->key_size + (verb == VERB_KEYS ? 0 : object->element_size));
}

bool call_possible(const struct object *object, enum verb verb, uint64_t n)
{
    if ((unsigned)verb >= VERBS || !(verbs_of[object->kind] & BIT(verb)))
        return false;
    if (verb == VERB_ADD && object->kind == OBJECT_ARRAY && object->type == TYPE_BYTES)
        return false;
    if (verb == VERB_SWAP && n != 1)
        return false;
    if (verb == VERB_READ || verb == VERB_KEYS)
        return n <= CALL_BYTES_MOST || value_most(object, verb) <= CALL_BYTES_MOST;
    return n <= CALL_BYTES_MOST / widest(object);
}

size_t call_in_bytes(const struct object *object, enum verb verb, uint64_t n)
{
    switch (verb) {
    case VERB_ADD:
        return n * (object->kind == OBJECT_COUNTER ? sizeof(int64_t) : sizeof(struct addend));
    case VERB_APPEND:
    case VERB_SET:
        return n * object->element_size;
    case VERB_SWAP:
        return 2 * object->element_size;
    case VERB_PUT:
        return n * (object->key_size + object->element_size);
    case VERB_GET:
    case VERB_REMOVE:
        return n * object->key_size;
    default:
        return 0;
    }
}

size_t call_out_most(const struct object *object, enum verb verb, uint64_t n)
{
    switch (verb) {
    case VERB_ADD:
    case VERB_PUT:
    case VERB_REMOVE:
        return n * sizeof(uint64_t);
    case VERB_GET:
        return n * (object->kind == OBJECT_DICT ? dict_answer_size(object) : object->element_size);
    case VERB_POP:
        return n * object->element_size;
    case VERB_SWAP:
        return object->element_size;
    case VERB_READ:
    case VERB_KEYS: {
        uint64_t most = value_most(object, verb);
        return n < most ? n : most;
    }
    default:
        return 0;
    }
}

size_t call_out_bytes(const struct object *object, enum verb verb, uint64_t n, int64_t result)
{
    if (result < 0)
        return 0;
    if (verb == VERB_READ || verb == VERB_KEYS)
        return (size_t)result;
    return call_out_most(object, verb, verb == VERB_SWAP || (uint64_t)result > n ? n : (uint64_t)result);
}

bool call_managed(const struct object *object, enum verb verb, uint64_t n)
{
    if (verb == VERB_READ || verb == VERB_KEYS)
        return true;
    if (object->kind == OBJECT_DICT && n > CALL_MANAGED_ENTRIES)
        return false;
    return call_in_bytes(object, verb, n) <= CALL_MANAGED_BYTES && call_out_most(object, verb, n) <= CALL_MANAGED_BYTES;
}
