/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * object.c - the state of an object in ordinary memory, and who applies a call to it. */
#include "bench/ipc/memory.h"
#include "bench/ipc/object_parts.h"

#include <stdlib.h>
#include <string.h>

/* --- state ------------------------------------------------------------------------------------------------------- */

static size_t data_bytes(const struct object *object)
{
    return object->kind == OBJECT_DICT ? dict_bytes(object, false) : object->capacity * object->element_size;
}

static int data_new(struct object *object, struct object_state *state)
{
    if (object->kind != OBJECT_ARRAY && object->kind != OBJECT_LIST && object->kind != OBJECT_DICT)
        return 0;
    state->data = memory_private(data_bytes(object));
    if (!state->data)
        return -1;
    if (object->kind == OBJECT_DICT)
        dict_view(&state->dict, object, state->data, false);
    if (object->kind == OBJECT_ARRAY)
        state->count = object->capacity;
    return 0;
}

int object_state_new(struct object *object, struct error *error)
{
    if (!object_possible(object))
        return error_set(error, ERROR_USE, "an object of %zu elements of %zu bytes cannot be", object->capacity,
                         object->key_size + object->element_size);
    struct object_state *state = calloc(1, sizeof *state);
    if (!state)
        return error_system(error, "no memory for an object");
    if (data_new(object, state)) {
        error_system(error, "no memory for an object of %zu elements", object->capacity);
        free(state);
        return -1;
    }
    object->state = state;
    return 0;
}

void object_state_free(struct object *object)
{
    struct object_state *state = object->state;
    if (state) {
        memory_free(state->data, data_bytes(object));
        memory_free(state->other, data_bytes(object));
    }
    free(state);
    object->state = NULL;
}

/* --- the whole value --------------------------------------------------------------------------------------------- */

static size_t value_bytes(const struct object *object)
{
    const struct object_state *state = object->state;
    if (object->kind == OBJECT_DICT)
        return state->dict.head->count * dict_entry_size(&state->dict);
    return object->kind == OBJECT_COUNTER ? sizeof state->value : state->count * object->element_size;
}

struct object_value object_value(const struct object *object, size_t most)
{
    struct object_state *state = object->state;
    size_t bytes = value_bytes(object);
    struct object_value value = {.at = state->data, .bytes = bytes < most ? bytes : most};
    if (object->kind == OBJECT_COUNTER)
        value.at = &state->value;
    else if (object->kind == OBJECT_DICT)
        value.at = state->dict.entries;
    else if (object->kind == OBJECT_LIST)
        state->lent = value.stays = !state->changes;
    return value;
}

/* --- operations -------------------------------------------------------------------------------------------------- */

static int64_t counter_add_here(struct object_state *state, const int64_t *deltas, int64_t *previous, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        previous[i] = (int64_t)state->value;
        state->value += (uint64_t)deltas[i];
    }
    return (int64_t)n;
}

static int64_t counter_clear(struct object_state *state)
{
    state->value = 0;
    return 0;
}

static int64_t lock_apply(struct object_lock *lock, const struct call *call, uint32_t slot)
{
    switch (call->verb) {
    case VERB_ACQUIRE:
        return object_lock_acquire(lock, slot);
    case VERB_RELEASE:
        return object_lock_release(lock, slot);
    case VERB_CLEAR:
        *lock = (struct object_lock){.held = false};
        return 0;
    default:
        return CALL_MISUSED;
    }
}

static int64_t read_value(const struct object *object, void *out, size_t most)
{
    struct object_state *state = object->state;
    bool lent = state->lent;
    struct object_value value = object_value(object, most);
    state->lent = lent;
    memcpy(out, value.at, value.bytes);
    return (int64_t)value.bytes;
}

static int64_t apply_rest(struct object *object, const struct call *call, uint32_t slot)
{
    struct object_state *state = object->state;
    if (call->verb == VERB_READ && object->kind != OBJECT_LOCK)
        return read_value(object, call->out, call->n);
    switch (object->kind) {
    case OBJECT_COUNTER:
        return call->verb == VERB_CLEAR ? counter_clear(state) : CALL_MISUSED;
    case OBJECT_ARRAY:
        return array_apply(object, call);
    case OBJECT_LIST:
        return list_apply(object, call);
    case OBJECT_DICT:
        return dict_apply(&state->dict, call);
    default:
        return lock_apply(&state->lock, call, slot);
    }
}

/* What is measured by the million comes first. */
static inline int64_t apply(struct object *object, const struct call *call, uint32_t slot)
{
    if (call->verb == VERB_ADD && object->kind == OBJECT_COUNTER)
        return counter_add_here(object->state, call->in, call->out, call->n);
    if (call->verb == VERB_APPEND && object->kind == OBJECT_LIST)
        return list_append_here(object, call->in, call->n);
    return apply_rest(object, call, slot);
}

int64_t object_apply(struct object *object, const struct call *call)
{
    return apply(object, call, SLOT_PARENT);
}

int64_t object_call_here(struct worker *w, struct object *object, const struct call *call)
{
    return apply(object, call, w->slot);
}
