/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_list.c - a list that any number of processes append to, each into segments of its own.
 *
 * An append reserves its slots, which are places in the list's order, by one fetch_add on the tail, and writes them
 * with its elements into the writer's current segment. So writers share one cache line, the tail's, and nothing else:
 * with elements side by side in one array every append would also wait for its neighbour's line. A reader takes the
 * tail, waits for the appends that were under way at that moment, and gathers all segments by slot: every slot below
 * that tail is then there, so it is a consistent snapshot that holds whatever was acknowledged before the read began.
 *
 * What orders them: a writer makes its `turn` odd before the fetch_add and even, with release, after its entry; whoever
 * sees the new tail sees the odd turn. A turn that has changed since means that the append under way is over, and a
 * later one has reserved slots at or above the reader's tail. A writer that dies inside its append holds readers up;
 * the pool notices the death and ends. */
#include "bench/strategies/shared_list.h"
#include "bench/ipc/memory.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#define SEGMENT_BYTES    ((size_t)256 << 10)
#define SEGMENT_ELEMENTS 8 /* at least */

/* Precedes its elements in a segment. */
struct entry {
    uint64_t first, n; /* slots */
};

struct segment {
    _Alignas(LINE_APART) _Atomic uint64_t used; /* bytes of whole entries; its writer stores, with release */
    _Alignas(LINE_APART) unsigned char entries[];
};

struct writer {
    _Alignas(LINE_APART) _Atomic uint64_t turn; /* odd: inside an append; its owner stores */
    struct segment *segment;                    /* the owner's only, as the next two */
    uint64_t used, room;                        /* bytes */
};

struct shared_list {
    _Alignas(LINE_APART) _Atomic uint64_t tail;  /* slots reserved; runs past the capacity when the list is full */
    _Alignas(LINE_APART) _Atomic uint64_t taken; /* segments in use */
    _Alignas(LINE_APART) unsigned char *segments;
    size_t segment_bytes, segment_count, writers;
    struct writer writer[];
};

static size_t list_bytes(const struct pool *pool)
{
    return sizeof(struct shared_list) + (pool->setup.workers + 1) * sizeof(struct writer);
}

static struct segment *segment_at(const struct shared_list *list, size_t index)
{
    return (struct segment *)(list->segments + index * list->segment_bytes);
}

/* --- appending --------------------------------------------------------------------------------------------------- */

static inline size_t padded(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

/* The caller has made sure of the room. */
static inline void put_entry(struct writer *own, uint64_t first, const void *elements, size_t n, size_t bytes)
{
    unsigned char *at = own->segment->entries + own->used;
    struct entry head = {.first = first, .n = n};
    memcpy(at, &head, sizeof head);
    if (bytes == sizeof(uint64_t))
        memcpy(at + sizeof head, elements, sizeof(uint64_t));
    else
        memcpy(at + sizeof head, elements, bytes);
    size_t whole = sizeof head + padded(bytes);
    own->used += whole;
    own->room -= whole;
    atomic_store_explicit(&own->segment->used, own->used, memory_order_release);
}

/* There are enough segments for a full list whatever the chunk, and one more for each writer. */
static int take_segment(struct shared_list *list, struct writer *own)
{
    uint64_t index = atomic_fetch_add(&list->taken, 1);
    if (index >= list->segment_count)
        return -1;
    own->segment = segment_at(list, index);
    own->used = 0;
    own->room = list->segment_bytes - sizeof(struct segment);
    return 0;
}

/* What does not fit the segment goes on in the next one, as an entry of its own. Room is a multiple of 8, so padding
 * always fits; and none is left in which one more element would have fitted, on which the number of segments relies. */
static __attribute__((noinline)) int put_pieces(struct shared_list *list, struct writer *own, uint64_t first,
                                                const unsigned char *elements, size_t n, size_t size)
{
    while (n > 0) {
        size_t fit = own->room < sizeof(struct entry) ? 0 : (own->room - sizeof(struct entry)) / size;
        size_t piece = fit < n ? fit : n;
        if (piece > 0) {
            put_entry(own, first, elements, piece, piece * size);
            first += piece;
            elements += piece * size;
            n -= piece;
        }
        if (n > 0 && take_segment(list, own))
            return -1;
    }
    return 0;
}

static int64_t list_append_shared(struct worker *w, struct object *object, const void *elements, size_t n)
{
    struct shared_list *list = object->state;
    struct writer *own = &list->writer[w->slot == SLOT_PARENT ? list->writers - 1 : w->slot];
    uint64_t turn = atomic_load_explicit(&own->turn, memory_order_relaxed);
    atomic_store_explicit(&own->turn, turn + 1, memory_order_release);
    uint64_t first = atomic_fetch_add_explicit(&list->tail, n, memory_order_seq_cst);
    size_t room = first < object->capacity ? object->capacity - first : 0, fits = n < room ? n : room;
    size_t bytes = fits * object->element_size;
    int bad = 0;
    if (fits > 0 && own->room >= sizeof(struct entry) + padded(bytes))
        put_entry(own, first, elements, fits, bytes);
    else if (fits > 0)
        bad = put_pieces(list, own, first, elements, fits, object->element_size);
    atomic_store_explicit(&own->turn, turn + 2, memory_order_release);
    return bad ? -1 : (int64_t)fits;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* The tail, once every append that may be below it is over. */
static uint64_t settled_tail(struct shared_list *list)
{
    uint64_t tail = atomic_load_explicit(&list->tail, memory_order_seq_cst);
    for (size_t i = 0; i < list->writers; i++) {
        uint64_t turn = atomic_load_explicit(&list->writer[i].turn, memory_order_acquire);
        while ((turn & 1) && atomic_load_explicit(&list->writer[i].turn, memory_order_acquire) == turn)
            sched_yield();
    }
    return tail;
}

static void gather(const struct segment *segment, uint64_t end, unsigned char *out, size_t size)
{
    const unsigned char *at = segment->entries;
    const unsigned char *last = at + atomic_load_explicit(&segment->used, memory_order_acquire);
    while (at < last) {
        struct entry head;
        memcpy(&head, at, sizeof head);
        if (head.first < end)
            memcpy(out + head.first * size, at + sizeof head,
                   (head.n < end - head.first ? head.n : end - head.first) * size);
        at += sizeof head + padded(head.n * size);
    }
}

static int64_t list_read(struct object *object, void *out, size_t most)
{
    struct shared_list *list = object->state;
    uint64_t end = settled_tail(list);
    end = end < object->capacity ? end : object->capacity;
    end = end < most / object->element_size ? end : most / object->element_size;
    uint64_t taken = atomic_load_explicit(&list->taken, memory_order_acquire);
    for (uint64_t i = 0; i < taken && i < list->segment_count; i++)
        gather(segment_at(list, i), end, out, object->element_size);
    return (int64_t)(end * object->element_size);
}

static int64_t list_clear(struct shared_list *list)
{
    uint64_t taken = atomic_load(&list->taken);
    for (uint64_t i = 0; i < taken && i < list->segment_count; i++)
        atomic_store(&segment_at(list, i)->used, 0);
    for (size_t i = 0; i < list->writers; i++)
        list->writer[i].segment = NULL, list->writer[i].used = list->writer[i].room = 0;
    atomic_store(&list->taken, 0);
    atomic_store(&list->tail, 0);
    return 0;
}

static int64_t list_call(struct worker *w, struct object *object, const struct call *call)
{
    if (__builtin_expect(call->verb == VERB_APPEND, 1))
        return list_append_shared(w, object, call->in, call->n);
    if (call->verb == VERB_READ)
        return list_read(object, call->out, call->n);
    return call->verb == VERB_CLEAR ? list_clear(object->state) : CALL_MISUSED;
}

/* --- making ------------------------------------------------------------------------------------------------------ */

static void measure_segments(struct shared_list *list, const struct object *object)
{
    size_t alone = sizeof(struct entry) + padded(object->element_size), least = SEGMENT_ELEMENTS * alone;
    size_t room = least < SEGMENT_BYTES ? SEGMENT_BYTES : (least + LINE_APART - 1) / LINE_APART * LINE_APART;
    list->segment_bytes = sizeof(struct segment) + room;
    list->segment_count = object->capacity / (room / alone) + 1 + list->writers;
}

int shared_list_create(struct object *object, struct error *error)
{
    size_t bytes = list_bytes(object->pool);
    struct shared_list *list = memory_shared(bytes);
    if (!list)
        return error_system(error, "no shared memory for a list");
    list->writers = object->pool->setup.workers + 1;
    measure_segments(list, object);
    list->segments = memory_shared(list->segment_bytes * list->segment_count);
    if (!list->segments) {
        error_system(error, "no shared memory for a list of %zu elements", object->capacity);
        memory_free(list, bytes);
        return -1;
    }
    object->state = list;
    object->call = list_call;
    return 0;
}

void shared_list_free(struct object *object)
{
    struct shared_list *list = object->state;
    memory_free(list->segments, list->segment_bytes * list->segment_count);
    memory_free(list, list_bytes(object->pool));
}
