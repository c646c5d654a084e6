/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * undo.h - a log by which a change that its process did not live to finish is taken back.
 *
 * It lies in the memory that it is about, under the lock that guards that, and knows places as offsets, so each process
 * may have it elsewhere. Whoever changes something saves it first; undo_done() makes all changes since the last one
 * good, at one instant. Whoever finds that the lock's holder died calls undo_back(), which may itself be cut short and
 * be done again by the next. What it guards against is a process that stops anywhere, not a machine that does, so the
 * order in which the program's own stores are made is enough, and the lock's handing over shows them to others. */
#ifndef MUSTER_BENCH_IPC_UNDO_H
#define MUSTER_BENCH_IPC_UNDO_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct undo {
    _Atomic uint64_t used; /* bytes of whole records */
    unsigned char records[];
};

/* Follows its bytes, which are padded to 8, so that the last record is found first. */
struct undo_record {
    uint64_t offset, bytes;
};

static inline size_t undo_padded(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

/* Room that a record of so many bytes takes. */
static inline size_t undo_room(size_t bytes)
{
    return undo_padded(bytes) + sizeof(struct undo_record);
}

static inline void undo_save(struct undo *undo, const void *base, const void *at, size_t bytes)
{
    uint64_t used = atomic_load_explicit(&undo->used, memory_order_relaxed);
    struct undo_record record = {(uint64_t)((const char *)at - (const char *)base), bytes};
    memcpy(undo->records + used, at, bytes);
    memcpy(undo->records + used + undo_padded(bytes), &record, sizeof record);
    atomic_store_explicit(&undo->used, used + undo_room(bytes), memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
}

static inline void undo_done(struct undo *undo)
{
    atomic_store_explicit(&undo->used, 0, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
}

/* The newest first, so that what was saved twice ends as it was first. */
static inline void undo_back(struct undo *undo, void *base)
{
    uint64_t used = atomic_load_explicit(&undo->used, memory_order_acquire);
    while (used > 0) {
        struct undo_record record;
        memcpy(&record, undo->records + used - sizeof record, sizeof record);
        used -= undo_room(record.bytes);
        memcpy((char *)base + record.offset, undo->records + used, record.bytes);
    }
    undo_done(undo);
}

#endif
