/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * object.h - what the operations on a counter and on a list do, written once, on state in ordinary memory.
 *
 * For every strategy in which one process at a time owns the state: serial, the parent of prefork-pipe, a manager, a
 * child of fork-pool on its copy. Not to be called concurrently on one state. */
#ifndef MUSTER_BENCH_IPC_OBJECT_H
#define MUSTER_BENCH_IPC_OBJECT_H

#include "bench/strategy.h"

#define CALL_BYTES_MOST (UINT64_C(1) << 31) /* of one call, each way */

struct object_state {
    uint64_t value;      /* of a counter */
    size_t count;        /* of a list, elements */
    unsigned char *data; /* of a list */
};

/* State for *object in private memory; the caller sets object->call. */
int object_state_new(struct object *, struct error *);
void object_state_free(struct object *);

/* As call_fn says. Appending copies; READ copies at most n bytes. */
int64_t object_apply(struct object *, const struct call *);

/* Whether this kind of object has this operation, with so many at once. */
bool call_possible(const struct object *, enum verb, uint64_t n);
/* Bytes that a possible call brings, and at most gets. */
size_t call_in_bytes(const struct object *, enum verb, uint64_t n);
size_t call_out_most(const struct object *, enum verb, uint64_t n);

/* The whole value where it lies, and its bytes: it stays there until the next CLEAR, appends go behind it. */
const void *object_value(const struct object *, size_t *bytes);

/* A call_fn for processes that own the state themselves. */
int64_t object_call_here(struct worker *, struct object *, const struct call *);

#endif
