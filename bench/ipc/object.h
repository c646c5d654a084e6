/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * object.h - what the operations on objects do, written once, on state in ordinary memory.
 *
 * For every strategy in which one process at a time owns the state: serial, the parent of prefork-pipe, a manager, a
 * child of fork-pool on its copy. Not to be called concurrently on one state. */
#ifndef MUSTER_BENCH_IPC_OBJECT_H
#define MUSTER_BENCH_IPC_OBJECT_H

#include "bench/ipc/dict.h"
#include "bench/strategy.h"

#define CALL_BYTES_MOST (UINT64_C(1) << 31) /* of one call, each way */

/* What a manager does at once for one client, so that none of the others waits for long: bytes each way, entries of a
 * dict. A list that was only appended to is read without being copied, however long it is. */
#define CALL_MANAGED_BYTES   (UINT64_C(64) << 20)
#define CALL_MANAGED_ENTRIES (UINT64_C(1) << 20)

/* A lock as its owner sees it; whoever waits for it is the owner's affair. */
struct object_lock {
    bool held;
    bool orphaned; /* its holder ended; the next one is told */
    uint32_t slot; /* of the holder, while it is held */
};

struct object_state {
    uint64_t value;          /* of a counter */
    size_t count;            /* of a list or an array: elements */
    unsigned char *data;     /* theirs */
    unsigned char *other;    /* of a list: what was lent when it changed; NULL: nothing yet */
    bool lent, changes;      /* of a list: object_value() handed it out to stay; it does not stay any more */
    bool forked;             /* children get copies again and again: each page that is there costs every fork */
    size_t touched;          /* of a list: bytes of `data` that were faulted in ahead of use */
    struct dict dict;        /* of a dict; */
    struct object_lock lock; /* of a lock */
};

/* Whether such an object can be: a kind and a type that there are, sizes that fit them and each other. To be asked of
 * what a peer says before anything is computed with it. */
bool object_possible(const struct object *);

/* State for *object in private memory; the caller sets object->call. */
int object_state_new(struct object *, struct error *);
void object_state_free(struct object *);

/* As call_fn says, of a possible call. A lock is taken and released in the name of SLOT_PARENT, and refused with
 * CALL_TIMEOUT at once when another holds it: who serves several says object_lock_*() instead. */
int64_t object_apply(struct object *, const struct call *);

/* Whether this kind of object has this operation, with so many at once. */
bool call_possible(const struct object *, enum verb, uint64_t n);
/* Whether a manager does a possible call at once; of READ and KEYS it depends on what is there. */
bool call_managed(const struct object *, enum verb, uint64_t n);
/* Bytes that a possible call brings, and at most gets; and those that it gets when it returned `result`. */
size_t call_in_bytes(const struct object *, enum verb, uint64_t n);
size_t call_out_most(const struct object *, enum verb, uint64_t n);
size_t call_out_bytes(const struct object *, enum verb, uint64_t n, int64_t result);

/* What READ with n = `most` gets, where it lies. */
struct object_value {
    const void *at;
    size_t bytes;
    bool stays; /* it lies there unchanged until the next CLEAR, whatever comes; else only until the next call */
};
struct object_value object_value(const struct object *, size_t most);

/* 0 or LOCK_ORPHANED: it is the slot's now. CALL_DEADLOCK: it was already. CALL_TIMEOUT: another holds it. */
int64_t object_lock_acquire(struct object_lock *, uint32_t slot);
/* 0 or CALL_NOT_OWNER. */
int64_t object_lock_release(struct object_lock *, uint32_t slot);
/* The process at this slot has ended; returns whether it held the lock, which is free then, and orphaned. */
bool object_lock_abandon(struct object_lock *, uint32_t slot);

/* A call_fn for processes that own the state themselves. */
int64_t object_call_here(struct worker *, struct object *, const struct call *);

#endif
