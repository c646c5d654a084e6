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

int64_t object_apply(struct object *object, enum verb verb, const void *in, void *out, size_t n)
{
    struct object_state *state = object->state;
    switch (verb) {
    case VERB_ADD:
        return add(state, in, out, n);
    case VERB_APPEND:
        return append(object, in, n);
    case VERB_READ:
        return copy_value(object, out, n);
    case VERB_CLEAR:
        state->value = 0;
        state->count = 0;
        return 0;
    }
    return -1;
}

int64_t object_call_here(struct worker *w, struct object *object, enum verb verb, const void *in, void *out, size_t n)
{
    (void)w;
    return object_apply(object, verb, in, out, n);
}
