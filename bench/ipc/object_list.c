/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * object_list.c - a list on ordinary memory.
 *
 * Appends go behind what is there, so a value that was handed out by object_value() stays as it is. The first SET or
 * POP after that goes on in a copy, once, and what was handed out is left alone until the next CLEAR.
 *
 * Who clears a list will fill it again: when more than three quarters of the memory that is there were used, CLEAR
 * faults in twice what was used, so that appends need not. */
#include "bench/ipc/memory.h"
#include "bench/ipc/object_parts.h"

#include <string.h>

#define AHEAD_MOST ((size_t)64 << 20) /* bytes beyond what was used that are faulted in */

/* Before anything that has been appended changes. */
static int part_from_lent(struct object *object)
{
    struct object_state *state = object->state;
    state->changes = true;
    if (!state->lent)
        return 0;
    if (!state->other && !(state->other = memory_private(object->capacity * object->element_size)))
        return -1;
    unsigned char *lent = state->data;
    memcpy(state->other, lent, state->count * object->element_size);
    state->data = state->other;
    state->other = lent;
    state->touched = 0;
    state->lent = false;
    return 0;
}

static int64_t get(const struct object *object, uint64_t at, void *out, size_t n)
{
    const struct object_state *state = object->state;
    if (!range_fits(at, n, state->count))
        return CALL_RANGE;
    memcpy(out, list_element(object, at), n * object->element_size);
    return (int64_t)n;
}

static int64_t set(struct object *object, uint64_t at, const void *in, size_t n)
{
    const struct object_state *state = object->state;
    if (!range_fits(at, n, state->count))
        return CALL_RANGE;
    if (part_from_lent(object))
        return CALL_BROKEN;
    memcpy(list_element(object, at), in, n * object->element_size);
    return (int64_t)n;
}

static int64_t pop(struct object *object, unsigned char *out, size_t n)
{
    struct object_state *state = object->state;
    size_t pops = n < state->count ? n : state->count;
    if (part_from_lent(object))
        return CALL_BROKEN;
    for (size_t i = 0; i < pops; i++)
        memcpy(out + i * object->element_size, list_element(object, --state->count), object->element_size);
    return (int64_t)pops;
}

static void touch_ahead(const struct object *object, struct object_state *state)
{
    const size_t used = state->count * object->element_size, room = object->capacity * object->element_size - used;
    size_t ahead = used < AHEAD_MOST ? used : AHEAD_MOST, until = used + (ahead < room ? ahead : room);
    if (state->forked || until <= state->touched || used <= state->touched / 4 * 3)
        return;
    memory_touch(state->data + state->touched, until - state->touched);
    state->touched = until;
}

static int64_t clear(const struct object *object)
{
    struct object_state *state = object->state;
    touch_ahead(object, state);
    state->count = 0;
    state->lent = state->changes = false;
    return 0;
}

int64_t list_apply(struct object *object, const struct call *call)
{
    struct object_state *state = object->state;
    switch (call->verb) {
    case VERB_APPEND:
        return list_append_here(object, call->in, call->n);
    case VERB_GET:
        return get(object, call->at, call->out, call->n);
    case VERB_SET:
        return set(object, call->at, call->in, call->n);
    case VERB_POP:
        return pop(object, call->out, call->n);
    case VERB_LENGTH:
        return (int64_t)state->count;
    case VERB_CLEAR:
        return clear(object);
    default:
        return CALL_MISUSED;
    }
}
