/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_list_parts.h - what a list in a shared region consists of, for shared_list.c, which appends and takes
 * snapshots, and shared_list_settled.c, which does all else.
 *
 * A list is appended to in segments until the first operation on single elements settles it: then its elements are
 * brought together in one array, and all works on that, under a mutex, until the next CLEAR. */
#ifndef MUSTER_BENCH_STRATEGIES_SHARED_LIST_PARTS_H
#define MUSTER_BENCH_STRATEGIES_SHARED_LIST_PARTS_H

#include "bench/ipc/memory.h"
#include "bench/ipc/ranges.h"
#include "bench/ipc/undo.h"
#include "bench/strategies/shared_mutex.h"
#include "bench/strategy.h"

/* In the tail of a list that is settled or about to be: appends do not find room in front of it. */
#define LIST_SETTLED (UINT64_C(1) << 63)

/* Precedes its elements in a segment. */
struct list_entry {
    uint64_t first, n; /* slots */
};

struct list_segment {
    _Alignas(LINE_APART) _Atomic uint64_t used; /* bytes of whole entries; its writer stores, with release */
    _Alignas(LINE_APART) unsigned char entries[];
};

struct list_writer {
    _Alignas(LINE_APART) _Atomic uint64_t turn; /* odd: inside an append; its owner stores */
    struct list_segment *segment;               /* the owner's only, as the next two */
    uint64_t used, room;                        /* bytes */
    uint64_t pieces_first, pieces_n;            /* slots of an append that is several entries, until all are there */
    /* Of its home, the segments home to home_end-1, those that nobody has taken: a range_word(). */
    _Atomic uint64_t spare;
    uint32_t home, home_end;
    uint64_t reach; /* bytes of its home, from the front, that it used at most before a CLEAR */
    /* Held by its process, from its first append on, for the rest of its life: whoever waits for its turn can tell by
     * it that it is dead. The parent has none: when it dies all do. */
    _Alignas(LINE_APART) pthread_mutex_t life;
};

struct shared_list {
    _Alignas(LINE_APART) _Atomic uint64_t tail; /* slots reserved; runs past the capacity when the list is full */
    /* Once it is settled. */
    _Alignas(LINE_APART) pthread_mutex_t mutex;
    _Atomic uint64_t length; /* elements; storing it makes an append or a pop hold */
    _Atomic uint32_t ready;  /* all elements are in the array */
    unsigned char *array;
    struct undo *undo; /* of a SET */
    /* Never changed. */
    _Alignas(LINE_APART) unsigned char *segments;
    size_t segment_bytes, segment_count, writers;
    struct list_writer writer[];
};

static inline struct list_segment *list_segment_at(const struct shared_list *list, size_t index)
{
    return (struct list_segment *)(list->segments + index * list->segment_bytes);
}

/* Goes through the segments that are taken, each writer's home from the front and then what others took from its back.
 * Zeroed to begin with. */
struct list_walk {
    size_t writer;
    uint64_t at, end, gap, gap_end;
};

/* NULL: there are no more. */
static inline struct list_segment *list_next(const struct shared_list *list, struct list_walk *walk)
{
    for (;;) {
        if (walk->at == walk->gap)
            walk->at = walk->gap_end;
        if (walk->at < walk->end)
            return list_segment_at(list, walk->at++);
        if (walk->writer == list->writers)
            return NULL;
        const struct list_writer *writer = &list->writer[walk->writer++];
        uint64_t spare = atomic_load_explicit(&writer->spare, memory_order_acquire);
        walk->at = writer->home;
        walk->end = writer->home_end;
        walk->gap = (uint32_t)spare;
        walk->gap_end = spare >> 32;
    }
}

static inline size_t list_padded(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

/* Waits until the append under way in writer i, if there is one, is over. False: it never will be, for its process is
 * dead; that is known after some milliseconds at most. */
bool list_turn_over(struct shared_list *, size_t i);

/* The same for all writers: false: one is dead. */
bool list_turns_over(struct shared_list *);

/* Has the list settled: afterwards no hole is in it that a dead writer left. 0, or CALL_BROKEN. */
int64_t list_settle(struct object *, struct shared_list *);
/* Any verb but CLEAR, settling it first. */
int64_t list_settled_call(struct object *, struct shared_list *, const struct call *);
/* Back to where it is not settled; nobody else uses it. */
int64_t list_unsettle(struct shared_list *);

int list_settled_create(struct object *, struct shared_list *, struct error *);
void list_settled_free(struct object *, struct shared_list *);

#endif
