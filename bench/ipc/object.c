/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * object.c - counter and list on ordinary memory. */
#include "bench/ipc/object.h"
#include "bench/ipc/memory.h"

#include <stdlib.h>
#include <string.h>

int object_state_new(struct object *object, struct error *error)
{
    struct object_state *state = calloc(1, sizeof *state);
    if (!state)
        return error_system(error, "no memory for an object");
    if (object->kind == OBJECT_LIST && !(state->data = memory_private(object->capacity * object->element_size))) {
        error_system(error, "no memory for a list of %zu elements", object->capacity);
        free(state);
        return -1;
    }
    object->state = state;
    return 0;
}

void object_state_free(struct object *object)
{
    struct object_state *state = object->state;
    if (state)
        memory_free(state->data, object->capacity * object->element_size);
    free(state);
    object->state = NULL;
}

/* --- what a call brings and gets --------------------------------------------------------------------------------- */

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

static size_t widest(const struct object *object)
{
    return sizeof(struct dict_answer) + 8 + object->key_size + object->element_size;
}

bool call_possible(const struct object *object, enum verb verb, uint64_t n)
{
    if (verb >= VERBS || !(verbs_of[object->kind] & BIT(verb)))
        return false;
    if (verb == VERB_ADD && object->type == TYPE_BYTES && object->kind == OBJECT_ARRAY)
        return false;
    return verb == VERB_READ || verb == VERB_KEYS || n <= CALL_BYTES_MOST / widest(object);
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
    case VERB_KEYS:
        return n;
    default:
        return 0;
    }
}

/* --- operations -------------------------------------------------------------------------------------------------- */

static int64_t add(struct object_state *state, const int64_t *deltas, int64_t *previous, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        previous[i] = (int64_t)state->value;
        state->value += (uint64_t)deltas[i];
    }
    return (int64_t)n;
}

static int64_t append(struct object *object, const unsigned char *elements, size_t n)
{
    struct object_state *state = object->state;
    size_t room = object->capacity - state->count, fits = n < room ? n : room;
    memcpy(state->data + state->count * object->element_size, elements, fits * object->element_size);
    state->count += fits;
    return (int64_t)fits;
}

const void *object_value(const struct object *object, size_t *bytes)
{
    const struct object_state *state = object->state;
    *bytes = object->kind == OBJECT_COUNTER ? sizeof state->value : state->count * object->element_size;
    return object->kind == OBJECT_COUNTER ? (const void *)&state->value : state->data;
}

static int64_t copy_value(const struct object *object, void *out, size_t most)
{
    size_t bytes;
    const void *value = object_value(object, &bytes);
    bytes = bytes < most ? bytes : most;
    memcpy(out, value, bytes);
    return (int64_t)bytes;
}

int64_t object_apply(struct object *object, const struct call *call)
{
    struct object_state *state = object->state;
    switch (call->verb) {
    case VERB_ADD:
        return add(state, call->in, call->out, call->n);
    case VERB_APPEND:
        return append(object, call->in, call->n);
    case VERB_READ:
        return copy_value(object, call->out, call->n);
    case VERB_CLEAR:
        state->value = 0;
        state->count = 0;
        return 0;
    default:
        return CALL_MISUSED;
    }
}

int64_t object_call_here(struct worker *w, struct object *object, const struct call *call)
{
    (void)w;
    return object_apply(object, call);
}
