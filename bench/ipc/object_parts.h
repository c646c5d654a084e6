/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * object_parts.h - each kind's operations on ordinary memory, for object.c; and small sums that all of them do.
 *
 * As object_apply(): of a possible call, not concurrently on one state. */
#ifndef MUSTER_BENCH_IPC_OBJECT_PARTS_H
#define MUSTER_BENCH_IPC_OBJECT_PARTS_H

#include "bench/ipc/object.h"

#include <string.h>

int64_t array_apply(struct object *, const struct call *);
int64_t list_apply(struct object *, const struct call *);

static inline unsigned char *list_element(const struct object *object, uint64_t at)
{
    return ((struct object_state *)object->state)->data + at * object->element_size;
}

/* Inlined where it is measured. */
static inline int64_t list_append_here(struct object *object, const void *elements, size_t n)
{
    struct object_state *state = object->state;
    size_t room = object->capacity - state->count, fits = n < room ? n : room;
    memcpy(list_element(object, state->count), elements, fits * object->element_size);
    state->count += fits;
    return (int64_t)fits;
}

/* Whether elements at .. at+n-1 are among `count`, for any values of the three. */
static inline bool range_fits(uint64_t at, uint64_t n, uint64_t count)
{
    return at <= count && n <= count - at;
}

#endif
