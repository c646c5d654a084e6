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
 * Each worker has segments of its own, its home, which are the same after each CLEAR: so it finds in its cache and in
 * its address space what it wrote before. Only when they are full it takes others', from behind.
 *
 * What orders them: a writer makes its `turn` odd before the fetch_add and even, with release, after its entry; whoever
 * sees the new tail sees the odd turn. A turn that has changed since means that the append under way is over, and a
 * later one has reserved slots at or above the reader's tail. A writer that died inside its append is told by the mutex
 * that it held for life; then, as when single elements are asked for, the list is settled (shared_list_settled.c), and
 * what was reserved and never filled is left out. */
#include "bench/strategies/shared_list.h"
#include "bench/strategies/shared_list_parts.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#define SEGMENT_BYTES    ((size_t)256 << 10)
#define SEGMENT_ELEMENTS 8  /* at least */
#define PROBE_LOOKS      16 /* at a turn that does not change, before its writer's life is looked at, each yielding */

/* object->state: each process has its own, which knows the process's place. */
struct list_seat {
    struct shared_list *list;
    struct list_writer *own;
    uint32_t slot;  /* whose place it is; SLOT_SERVICE: not looked for yet */
    size_t touched; /* bytes of its home that were faulted in ahead of use */
};

static size_t list_bytes(const struct pool *pool)
{
    return sizeof(struct shared_list) + (pool_slots(pool) + 1) * sizeof(struct list_writer);
}

/* --- appending --------------------------------------------------------------------------------------------------- */

/* The caller has made sure of the room. */
static inline void put_entry(struct list_writer *own, uint64_t first, const void *elements, size_t n, size_t bytes)
{
    unsigned char *at = own->segment->entries + own->used;
    struct list_entry head = {.first = first, .n = n};
    memcpy(at, &head, sizeof head);
    if (bytes == sizeof(uint64_t))
        memcpy(at + sizeof head, elements, sizeof(uint64_t));
    else
        memcpy(at + sizeof head, elements, bytes);
    size_t whole = sizeof head + list_padded(bytes);
    own->used += whole;
    own->room -= whole;
    atomic_store_explicit(&own->segment->used, own->used, memory_order_release);
}

/* Of a writer's home; whoever is at home takes the front. */
static bool take_spare(struct list_writer *writer, bool front, uint32_t *index)
{
    uint64_t spare = atomic_load_explicit(&writer->spare, memory_order_relaxed), less;
    do {
        uint32_t next = (uint32_t)spare, end = (uint32_t)(spare >> 32);
        if (next >= end)
            return false;
        *index = front ? next : end - 1;
        less = front ? range_word(next + 1, end) : range_word(next, end - 1);
    } while (!atomic_compare_exchange_weak_explicit(&writer->spare, &spare, less, memory_order_acq_rel,
                                                    memory_order_relaxed));
    return true;
}

/* There are enough segments for a full list whatever the chunk, and two more for each writer: the one that it has not
 * filled, and one that it took and died. Its own come first, always the same ones, which are in its address space and
 * near it; then others'. */
static int take_segment(struct shared_list *list, struct list_writer *own)
{
    size_t place = (size_t)(own - list->writer), i = 0;
    uint32_t index;
    while (!take_spare(&list->writer[(place + i) % list->writers], i == 0, &index))
        if (++i == list->writers)
            return -1;
    own->segment = list_segment_at(list, index);
    own->used = 0;
    own->room = list->segment_bytes - sizeof(struct list_segment);
    return 0;
}

/* What does not fit the segment goes on in the next one, as an entry of its own. Room is a multiple of 8, so padding
 * always fits; and none is left in which one more element would have fitted, on which the number of segments relies. */
static __attribute__((noinline)) int put_pieces(struct shared_list *list, struct list_writer *own, uint64_t first,
                                                const unsigned char *elements, size_t n, size_t size)
{
    own->pieces_first = first;
    own->pieces_n = n;
    atomic_signal_fence(memory_order_seq_cst);
    while (n > 0) {
        size_t fit = own->room < sizeof(struct list_entry) ? 0 : (own->room - sizeof(struct list_entry)) / size;
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
    atomic_signal_fence(memory_order_seq_cst);
    own->pieces_n = 0;
    return 0;
}

/* A process's first append. Its predecessor at this place may have died inside one; then its turn is over now. */
static __attribute__((noinline)) int sit_down(struct worker *w, struct object *object)
{
    struct list_seat *seat = object->state;
    struct shared_list *list = seat->list;
    seat->own = &list->writer[w->slot == SLOT_PARENT ? list->writers - 1 : w->slot];
    uint64_t turn = atomic_load(&seat->own->turn);
    if (turn & 1) {
        if (list_settle(object, list))
            return -1;
        atomic_store(&seat->own->turn, turn + 1);
    }
    if (w->slot != SLOT_PARENT) {
        enum shared_mutex_got got = shared_mutex_lock(&seat->own->life, NEVER);
        if (got == MUTEX_REFUSED)
            return -1;
        if (got == MUTEX_INHERITED)
            shared_mutex_mended(&seat->own->life);
    }
    seat->slot = w->slot;
    return 0;
}

/* Not all found room. A list that is settled has it elsewhere; one in which writers died may have some yet. */
static __attribute__((noinline)) int64_t append_on(struct object *object, uint64_t first, size_t fits,
                                                   const void *elements, size_t n)
{
    struct shared_list *list = ((struct list_seat *)object->state)->list;
    if (!(first & LIST_SETTLED) && (fits > 0 || list_turns_over(list)))
        return (int64_t)fits;
    return list_settled_call(object, list, &(struct call){.verb = VERB_APPEND, .in = elements, .n = n});
}

static int64_t list_append_shared(struct worker *w, struct object *object, const void *elements, size_t n)
{
    struct list_seat *seat = object->state;
    if (__builtin_expect(seat->slot != w->slot, 0) && sit_down(w, object))
        return CALL_BROKEN;
    struct shared_list *list = seat->list;
    struct list_writer *own = seat->own;
    uint64_t turn = atomic_load_explicit(&own->turn, memory_order_relaxed);
    atomic_store_explicit(&own->turn, turn + 1, memory_order_release);
    uint64_t first = atomic_fetch_add_explicit(&list->tail, n, memory_order_seq_cst);
    size_t room = first < object->capacity ? object->capacity - first : 0, fits = n < room ? n : room;
    size_t bytes = fits * object->element_size;
    int bad = 0;
    if (fits > 0 && own->room >= sizeof(struct list_entry) + list_padded(bytes))
        put_entry(own, first, elements, fits, bytes);
    else if (fits > 0)
        bad = put_pieces(list, own, first, elements, fits, object->element_size);
    atomic_store_explicit(&own->turn, turn + 2, memory_order_release);
    if (__builtin_expect(fits < n, 0) && !bad)
        return append_on(object, first, fits, elements, n);
    return bad ? CALL_BROKEN : (int64_t)fits;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* Nobody holds the life of a dead process. */
static bool is_dead(struct shared_list *list, size_t i)
{
    if (i == list->writers - 1)
        return false;
    enum shared_mutex_got got = shared_mutex_lock(&list->writer[i].life, 0);
    if (got == MUTEX_REFUSED)
        return false;
    if (got == MUTEX_INHERITED)
        shared_mutex_mended(&list->writer[i].life);
    shared_mutex_unlock(&list->writer[i].life);
    return true;
}

bool list_turn_over(struct shared_list *list, size_t i)
{
    const _Atomic uint64_t *turn = &list->writer[i].turn;
    const uint64_t seen = atomic_load_explicit(turn, memory_order_acquire);
    for (unsigned looks = 1; (seen & 1) && atomic_load_explicit(turn, memory_order_acquire) == seen; looks++) {
        sched_yield();
        if (looks % PROBE_LOOKS == 0 && is_dead(list, i) && atomic_load(turn) == seen)
            return false;
    }
    return true;
}

bool list_turns_over(struct shared_list *list)
{
    for (size_t i = 0; i < list->writers; i++)
        if (!list_turn_over(list, i))
            return false;
    return true;
}

/* The tail, once every append that may be below it is over. False: the list is settled, or a writer died, and so it
 * must be. A dead writer's turn is ended by its successor, but only after the list is settled: so look at that last. */
static bool whole_tail(const struct object *object, struct shared_list *list, uint64_t *tail)
{
    *tail = atomic_load_explicit(&list->tail, memory_order_seq_cst);
    if ((*tail & LIST_SETTLED) || !list_turns_over(list) || (atomic_load(&list->tail) & LIST_SETTLED))
        return false;
    *tail = *tail < object->capacity ? *tail : object->capacity;
    return true;
}

static void gather(const struct list_segment *segment, uint64_t end, unsigned char *out, size_t size)
{
    const unsigned char *at = segment->entries;
    const unsigned char *last = at + atomic_load_explicit(&segment->used, memory_order_acquire);
    while (at < last) {
        struct list_entry head;
        memcpy(&head, at, sizeof head);
        if (head.first < end)
            memcpy(out + head.first * size, at + sizeof head,
                   (head.n < end - head.first ? head.n : end - head.first) * size);
        at += sizeof head + list_padded(head.n * size);
    }
}

static int64_t list_read(struct object *object, const struct call *call)
{
    struct shared_list *list = ((struct list_seat *)object->state)->list;
    uint64_t end;
    if (!whole_tail(object, list, &end))
        return list_settled_call(object, list, call);
    end = end < call->n / object->element_size ? end : call->n / object->element_size;
    const struct list_segment *segment;
    for (struct list_walk walk = {0}; (segment = list_next(list, &walk));)
        gather(segment, end, call->out, object->element_size);
    return (int64_t)(end * object->element_size);
}

static int64_t list_length(struct object *object, const struct call *call)
{
    struct shared_list *list = ((struct list_seat *)object->state)->list;
    uint64_t end;
    return whole_tail(object, list, &end) ? (int64_t)end : list_settled_call(object, list, call);
}

/* What it used of its home, bytes. */
static uint64_t reach_of(const struct shared_list *list, const struct list_writer *writer)
{
    uint64_t taken = (uint32_t)atomic_load(&writer->spare) - writer->home;
    bool last = taken > 0 && writer->segment == list_segment_at(list, writer->home + taken - 1);
    return taken * list->segment_bytes - (last && writer->room < list->segment_bytes ? writer->room : 0);
}

static int64_t list_clear(struct shared_list *list)
{
    if (list_unsettle(list))
        return CALL_BROKEN;
    struct list_segment *segment;
    for (struct list_walk walk = {0}; (segment = list_next(list, &walk));)
        atomic_store(&segment->used, 0);
    for (size_t i = 0; i < list->writers; i++) {
        struct list_writer *writer = &list->writer[i];
        uint64_t reach = reach_of(list, writer);
        writer->reach = reach > writer->reach ? reach : writer->reach;
        atomic_store(&writer->spare, range_word(writer->home, writer->home_end));
        writer->segment = NULL;
        writer->used = writer->room = writer->pieces_n = 0;
        atomic_fetch_add(&writer->turn, atomic_load(&writer->turn) & 1);
    }
    atomic_store(&list->tail, 0);
    return 0;
}

static int64_t list_call(struct worker *w, struct object *object, const struct call *call)
{
    if (__builtin_expect(call->verb == VERB_APPEND, 1))
        return list_append_shared(w, object, call->in, call->n);
    struct shared_list *list = ((struct list_seat *)object->state)->list;
    switch (call->verb) {
    case VERB_READ:
        return list_read(object, call);
    case VERB_LENGTH:
        return list_length(object, call);
    case VERB_GET:
    case VERB_SET:
    case VERB_POP:
        return list_settled_call(object, list, call);
    case VERB_CLEAR:
        return list_clear(list);
    default:
        return CALL_MISUSED;
    }
}

/* Of a full list, if all were filled. */
static size_t full_segments(const struct shared_list *list)
{
    return list->segment_count - 2 * list->writers;
}

/* When it used more than three quarters of what is there, twice what it used; but all writers together no more than a
 * full list and a quarter. */
void shared_list_ahead(const struct worker *w, struct object *object)
{
    struct list_seat *seat = object->state;
    const struct shared_list *list = seat->list;
    const struct list_writer *writer = &list->writer[w->slot];
    const size_t share = list->segment_bytes * full_segments(list) / object->pool->setup.workers;
    size_t home = (writer->home_end - writer->home) * list->segment_bytes, most = share + share / 4;
    size_t until = 2 * writer->reach < most ? 2 * writer->reach : most;
    until = until < home ? until : home;
    if (until <= seat->touched || writer->reach <= seat->touched / 4 * 3)
        return;
    memory_touch((unsigned char *)list_segment_at(list, writer->home) + seat->touched, until - seat->touched);
    seat->touched = until;
}

/* --- making ------------------------------------------------------------------------------------------------------ */

static void measure_segments(struct shared_list *list, const struct object *object)
{
    size_t alone = sizeof(struct list_entry) + list_padded(object->element_size), least = SEGMENT_ELEMENTS * alone;
    size_t room = least < SEGMENT_BYTES ? SEGMENT_BYTES : (least + LINE_APART - 1) / LINE_APART * LINE_APART;
    list->segment_bytes = sizeof(struct list_segment) + room;
    list->segment_count = object->capacity / (room / alone) + 1 + 2 * list->writers;
}

/* The parent, and processes beside the workers, append little: of what a full list needs they have no share. */
static void deal_homes(struct shared_list *list, size_t workers)
{
    uint64_t full = full_segments(list), home = 0;
    for (uint64_t i = 0; i < list->writers; i++) {
        struct list_writer *writer = &list->writer[i];
        writer->home = (uint32_t)home;
        home += 2 + (i < workers ? full * (i + 1) / workers - full * i / workers : 0);
        writer->home_end = (uint32_t)home;
        atomic_store(&writer->spare, range_word(writer->home, writer->home_end));
    }
}

static int make_lives(struct shared_list *list, struct error *error)
{
    for (size_t i = 0; i < list->writers; i++)
        if (shared_mutex_new(&list->writer[i].life, false))
            return error_system(error, "cannot make a robust mutex that processes share");
    return 0;
}

static int furnish(struct object *object, struct shared_list *list, struct error *error)
{
    list->writers = pool_slots(object->pool) + 1;
    measure_segments(list, object);
    if (make_lives(list, error))
        return -1;
    if (list->segment_count > UINT32_MAX)
        return error_set(error, ERROR_USE, "a list of %zu elements is too large", object->capacity);
    deal_homes(list, object->pool->setup.workers);
    list->segments = memory_shared(list->segment_bytes * list->segment_count);
    if (!list->segments)
        return error_system(error, "no shared memory for a list of %zu elements", object->capacity);
    if (list_settled_create(object, list, error) == 0)
        return 0;
    memory_free(list->segments, list->segment_bytes * list->segment_count);
    return -1;
}

int shared_list_create(struct object *object, struct error *error)
{
    size_t bytes = list_bytes(object->pool);
    struct list_seat *seat = calloc(1, sizeof *seat);
    if (!seat)
        return error_system(error, "no memory for a list");
    seat->slot = SLOT_SERVICE;
    seat->list = memory_shared(bytes);
    if (!seat->list) {
        error_system(error, "no shared memory for a list");
        goto free_seat;
    }
    if (furnish(object, seat->list, error))
        goto free_list;
    object->state = seat;
    object->call = list_call;
    return 0;
free_list:
    memory_free(seat->list, bytes);
free_seat:
    free(seat);
    return -1;
}

void shared_list_free(struct object *object)
{
    struct list_seat *seat = object->state;
    list_settled_free(object, seat->list);
    memory_free(seat->list->segments, seat->list->segment_bytes * seat->list->segment_count);
    memory_free(seat->list, list_bytes(object->pool));
    free(seat);
}
