/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_list_settled.c - a list once single elements have been asked for: one array, under a robust mutex.
 *
 * Settling closes the tail to appends, waits for those that are under way, and puts all entries into the array by their
 * slots. What a writer that died has reserved and not filled is left out, and of what it has filled in part, all. It
 * leaves the segments as they are, so who settles may die in the midst of it, and the next one begins anew. From then
 * on each change holds with one store, or is taken back by the log. */
#include "bench/strategies/shared_list_parts.h"

#include <errno.h>

/* --- settling ---------------------------------------------------------------------------------------------------- */

/* What is to be brought together. */
struct gathering {
    struct shared_list *list;
    size_t size;            /* of an element */
    bool drops;             /* some appends are left out */
    uint64_t sum, top;      /* elements, and the end of their slots */
    unsigned char *covered; /* a bit for each slot; NULL: all are */
};

/* Whether these slots belong to an append in several pieces that was not finished. */
static bool dropped(const struct gathering *g, uint64_t first)
{
    for (size_t i = 0; g->drops && i < g->list->writers; i++) {
        const struct list_writer *writer = &g->list->writer[i];
        if (first - writer->pieces_first < writer->pieces_n)
            return true;
    }
    return false;
}

static void count_entry(struct gathering *g, const struct list_entry *entry, const unsigned char *elements)
{
    (void)elements;
    g->sum += entry->n;
    g->top = entry->first + entry->n > g->top ? entry->first + entry->n : g->top;
}

static void place_entry(struct gathering *g, const struct list_entry *entry, const unsigned char *elements)
{
    memcpy(g->list->array + entry->first * g->size, elements, entry->n * g->size);
    for (uint64_t i = entry->first; g->covered && i < entry->first + entry->n; i++)
        g->covered[i / 8] |= (unsigned char)(1u << i % 8);
}

static void for_entries(struct gathering *g,
                        void (*take)(struct gathering *, const struct list_entry *, const unsigned char *))
{
    const struct list_segment *segment;
    for (struct list_walk walk = {0}; (segment = list_next(g->list, &walk));) {
        const unsigned char *at = segment->entries;
        const unsigned char *last = at + atomic_load_explicit(&segment->used, memory_order_acquire);
        while (at < last) {
            struct list_entry entry;
            memcpy(&entry, at, sizeof entry);
            if (!dropped(g, entry.first))
                take(g, &entry, at + sizeof entry);
            at += sizeof entry + list_padded(entry.n * g->size);
        }
    }
}

/* Closes the slots that nobody filled. */
static void close_up(struct gathering *g)
{
    uint64_t to = 0;
    for (uint64_t from = 0; from < g->top; from++) {
        if (!(g->covered[from / 8] & (1u << from % 8)))
            continue;
        if (to != from)
            memcpy(g->list->array + to * g->size, g->list->array + from * g->size, g->size);
        to++;
    }
}

static int bring_together(struct gathering *g)
{
    for_entries(g, count_entry);
    size_t bytes = g->top / 8 + 1;
    if (g->sum < g->top && !(g->covered = memory_private(bytes)))
        return -1;
    for_entries(g, place_entry);
    if (g->covered) {
        close_up(g);
        memory_free(g->covered, bytes);
    }
    return 0;
}

/* By the mutex's owner. */
static int make_ready(const struct object *object, struct shared_list *list)
{
    struct gathering g = {.list = list, .size = object->element_size};
    atomic_fetch_or(&list->tail, LIST_SETTLED);
    for (size_t i = 0; i < list->writers; i++)
        g.drops |= !list_turn_over(list, i) && list->writer[i].pieces_n > 0;
    if (bring_together(&g))
        return -1;
    atomic_store(&list->length, g.sum);
    atomic_store(&list->ready, 1);
    return 0;
}

/* Takes the mutex, and has the list whole and ready. */
static int own(const struct object *object, struct shared_list *list)
{
    enum shared_mutex_got got = shared_mutex_lock(&list->mutex, NEVER);
    if (got == MUTEX_REFUSED)
        return -1;
    if (got == MUTEX_INHERITED) {
        undo_back(list->undo, list->array);
        shared_mutex_mended(&list->mutex);
    }
    if (atomic_load_explicit(&list->ready, memory_order_relaxed) || make_ready(object, list) == 0)
        return 0;
    shared_mutex_unlock(&list->mutex);
    return -1;
}

int64_t list_settle(struct object *object, struct shared_list *list)
{
    if (own(object, list) || shared_mutex_unlock(&list->mutex))
        return CALL_BROKEN;
    return 0;
}

/* --- operations -------------------------------------------------------------------------------------------------- */

static int64_t append(const struct object *object, struct shared_list *list, uint64_t length, const struct call *call)
{
    uint64_t room = object->capacity - length, fits = call->n < room ? call->n : room;
    memcpy(list->array + length * object->element_size, call->in, fits * object->element_size);
    atomic_store_explicit(&list->length, length + fits, memory_order_release);
    return (int64_t)fits;
}

static int64_t pop(const struct object *object, struct shared_list *list, uint64_t length, const struct call *call)
{
    const size_t size = object->element_size;
    uint64_t pops = call->n < length ? call->n : length;
    unsigned char *out = call->out;
    for (uint64_t i = 0; i < pops; i++)
        memcpy(out + i * size, list->array + (length - 1 - i) * size, size);
    atomic_store_explicit(&list->length, length - pops, memory_order_release);
    return (int64_t)pops;
}

static int64_t get(const struct object *object, const struct shared_list *list, const struct call *call)
{
    memcpy(call->out, list->array + call->at * object->element_size, call->n * object->element_size);
    return (int64_t)call->n;
}

static int64_t set(const struct object *object, struct shared_list *list, const struct call *call)
{
    const size_t bytes = call->n * object->element_size;
    unsigned char *at = list->array + call->at * object->element_size;
    undo_save(list->undo, list->array, at, bytes);
    memcpy(at, call->in, bytes);
    undo_done(list->undo);
    return (int64_t)call->n;
}

static int64_t read_all(const struct object *object, const struct shared_list *list, uint64_t length,
                        const struct call *call)
{
    uint64_t most = call->n / object->element_size, n = length < most ? length : most;
    memcpy(call->out, list->array, n * object->element_size);
    return (int64_t)(n * object->element_size);
}

static int64_t apply(const struct object *object, struct shared_list *list, const struct call *call)
{
    uint64_t length = atomic_load_explicit(&list->length, memory_order_relaxed);
    const bool inside = call->at <= length && call->n <= length - call->at;
    switch (call->verb) {
    case VERB_APPEND:
        return append(object, list, length, call);
    case VERB_POP:
        return pop(object, list, length, call);
    case VERB_GET:
        return inside ? get(object, list, call) : CALL_RANGE;
    case VERB_SET:
        return inside ? set(object, list, call) : CALL_RANGE;
    case VERB_READ:
        return read_all(object, list, length, call);
    case VERB_LENGTH:
        return (int64_t)length;
    default:
        return CALL_MISUSED;
    }
}

int64_t list_settled_call(struct object *object, struct shared_list *list, const struct call *call)
{
    if (own(object, list))
        return CALL_BROKEN;
    int64_t result = apply(object, list, call);
    return shared_mutex_unlock(&list->mutex) ? CALL_BROKEN : result;
}

/* --- making ------------------------------------------------------------------------------------------------------ */

int64_t list_unsettle(struct shared_list *list)
{
    enum shared_mutex_got got = shared_mutex_lock(&list->mutex, NEVER);
    if (got == MUTEX_REFUSED)
        return CALL_BROKEN;
    undo_done(list->undo);
    if (got == MUTEX_INHERITED)
        shared_mutex_mended(&list->mutex);
    atomic_store(&list->ready, 0);
    atomic_store(&list->length, 0);
    return shared_mutex_unlock(&list->mutex) ? CALL_BROKEN : 0;
}

static size_t array_bytes(const struct object *object)
{
    return object->capacity * object->element_size;
}

static size_t undo_bytes(const struct object *object)
{
    return sizeof(struct undo) + undo_room(array_bytes(object));
}

/* Memory that is not touched unless it is needed. */
int list_settled_create(struct object *object, struct shared_list *list, struct error *error)
{
    if (shared_mutex_new(&list->mutex, false))
        return error_system(error, "cannot make a robust mutex that processes share");
    list->array = memory_shared(array_bytes(object));
    list->undo = memory_shared(undo_bytes(object));
    if (list->array && list->undo)
        return 0;
    error_system(error, "no shared memory for a list of %zu elements", object->capacity);
    list_settled_free(object, list);
    return -1;
}

void list_settled_free(struct object *object, struct shared_list *list)
{
    memory_free(list->undo, undo_bytes(object));
    memory_free(list->array, array_bytes(object));
}
