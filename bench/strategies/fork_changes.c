/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fork_changes.c - what a child changes in its copies of the objects, and how the parent merges it.
 *
 * Of a counter and of a list that is only appended to, the state at the fork and the state now tell all: a delta, or
 * the elements behind the old end. Every other change is noted in a journal, which the parent replays, call by call, as
 * if the child called now: the last one to end wins, and a call that no longer fits (an index that is gone, a swap
 * whose expected element is not there) changes nothing. One report is merged as a whole or, when a list or a dict
 * has no room for it, not at all.
 *
 * A report has, in the objects' order, 8 bytes for each counter, its delta, and for each list, the number of elements
 * appended, and these elements; and then, aligned to 8, the journal. */
#include "bench/ipc/memory.h"
#include "bench/ipc/object.h"
#include "bench/strategies/fork_pool.h"

#include <stdlib.h>
#include <string.h>

#define JOURNAL_FIRST 4096 /* bytes */

/* A call in the journal; what it brings follows, padded to 8. */
struct journal_call {
    uint64_t at, n, bytes;
    uint32_t object, verb;
};

static size_t aligned(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

static struct object_state *state_of(const struct object *object)
{
    return object->state;
}

/* A counter's value, or a length. */
static uint64_t level(const struct object *object)
{
    const struct object_state *state = object->state;
    if (object->kind == OBJECT_DICT)
        return state->dict.head->count;
    return object->kind == OBJECT_COUNTER ? state->value : state->count;
}

/* --- in a child: noting ------------------------------------------------------------------------------------------ */

/* Room for a call that brings so much; NULL: there is no memory. */
static struct journal_call *journal_room(struct fork_journal *journal, size_t bytes)
{
    size_t needed = journal->used + sizeof(struct journal_call) + aligned(bytes);
    if (needed > journal->size) {
        size_t size = journal->size ? journal->size : JOURNAL_FIRST;
        while (size < needed)
            size *= 2;
        unsigned char *bigger = realloc(journal->bytes, size);
        if (!bigger)
            return NULL;
        journal->bytes = bigger;
        journal->size = size;
    }
    return (struct journal_call *)(journal->bytes + journal->used);
}

static void journal_put(struct fork_journal *journal, struct journal_call *entry, const struct object *object,
                        const struct call *call, uint64_t n)
{
    size_t bytes = call_in_bytes(object, call->verb, n);
    *entry = (struct journal_call){
        .at = call->at, .n = n, .bytes = bytes, .object = object->index, .verb = (uint32_t)call->verb};
    memset(entry + 1, 0, aligned(bytes));
    if (bytes > 0)
        memcpy(entry + 1, call->in, bytes);
    journal->used += sizeof *entry + aligned(bytes);
}

static bool changes_something(enum verb verb)
{
    switch (verb) {
    case VERB_ADD:
    case VERB_APPEND:
    case VERB_CLEAR:
    case VERB_SET:
    case VERB_SWAP:
    case VERB_POP:
    case VERB_PUT:
    case VERB_REMOVE:
        return true;
    default:
        return false;
    }
}

/* How many of the call's n were done, by what it returned. */
static uint64_t done_of(const struct call *call, int64_t returned)
{
    if (call->verb == VERB_CLEAR)
        return 0;
    return returned > 0 ? (uint64_t)returned : 0;
}

static int64_t journaled(struct worker *w, struct object *object, const struct call *call)
{
    if (w->slot == SLOT_PARENT || !changes_something(call->verb))
        return object_apply(object, call);
    if (!call_possible(object, call->verb, call->n))
        return CALL_MISUSED;
    struct fork_journal *journal = &((struct fork_pool *)object->pool->state)->journal;
    struct journal_call *entry = journal_room(journal, call_in_bytes(object, call->verb, call->n));
    if (!entry)
        return CALL_BROKEN;
    int64_t returned = object_apply(object, call);
    uint64_t done = done_of(call, returned);
    if (done > 0 || (call->verb == VERB_CLEAR && returned == 0))
        journal_put(journal, entry, object, call, done);
    return returned;
}

/* Appends so far come into the journal before the first call that is not one, so that it has all in order. */
static int begin_list(struct fork_pool *forks, const struct object *list)
{
    struct fork_journal *journal = &forks->journal;
    uint64_t before = forks->base[list->index], n = level(list) - before;
    const struct call appended = {
        .verb = VERB_APPEND, .in = state_of(list)->data + before * list->element_size, .n = n};
    if (n > 0) {
        struct journal_call *entry = journal_room(journal, n * list->element_size);
        if (!entry)
            return -1;
        journal_put(journal, entry, list, &appended, n);
    }
    journal->lists |= 1u << list->index;
    return 0;
}

static int64_t list_call(struct worker *w, struct object *list, const struct call *call)
{
    struct fork_pool *forks = list->pool->state;
    if (w->slot == SLOT_PARENT || !changes_something(call->verb))
        return object_apply(list, call);
    bool all = forks->journal.lists & 1u << list->index;
    if (call->verb == VERB_APPEND && !all)
        return object_apply(list, call);
    if (!all && begin_list(forks, list))
        return CALL_BROKEN;
    return journaled(w, list, call);
}

/* What a child changes while it runs items would be lost with it: its report has results only. */
static int64_t fork_call(struct worker *w, struct object *object, const struct call *call)
{
    if (chunk_runs(w))
        return CALL_MISUSED;
    if (object->kind == OBJECT_COUNTER)
        return object_call_here(w, object, call);
    return object->kind == OBJECT_LIST ? list_call(w, object, call) : journaled(w, object, call);
}

int fork_create(struct object *object, struct error *error)
{
    object->call = fork_call;
    if (object_state_new(object, error))
        return -1;
    state_of(object)->forked = true;
    return 0;
}

void changes_base(struct pool *pool)
{
    struct fork_pool *forks = pool->state;
    for (unsigned i = 0; i < pool->object_count; i++)
        if (pool->objects[i].kind == OBJECT_COUNTER || pool->objects[i].kind == OBJECT_LIST)
            forks->base[i] = level(&pool->objects[i]);
}

size_t changes_gather(struct pool *pool, unsigned char *to)
{
    const struct fork_pool *forks = pool->state;
    size_t used = 0;
    for (unsigned i = 0; i < pool->object_count; i++) {
        const struct object *object = &pool->objects[i];
        if (object->kind != OBJECT_COUNTER && object->kind != OBJECT_LIST)
            continue;
        uint64_t change = forks->journal.lists & 1u << i ? 0 : level(object) - forks->base[i];
        size_t bytes = object->kind == OBJECT_COUNTER ? 0 : change * object->element_size;
        if (to) {
            memcpy(to + used, &change, sizeof change);
            if (bytes > 0)
                memcpy(to + used + sizeof change, state_of(object)->data + forks->base[i] * object->element_size,
                       bytes);
        }
        used += sizeof change + bytes;
    }
    if (forks->journal.used == 0)
        return used;
    if (to)
        memset(to + used, 0, aligned(used) - used);
    if (to)
        memcpy(to + aligned(used), forks->journal.bytes, forks->journal.used);
    return aligned(used) + forks->journal.used;
}

/* --- in the parent: merging -------------------------------------------------------------------------------------- */

/* A report that is read: `at` goes through it. */
struct changes {
    struct pool *pool;
    const unsigned char *bytes;
    size_t at, size;
    size_t journal;               /* where that begins */
    unsigned examined;            /* bits of the dicts that have room for all of it */
    uint64_t length[OBJECTS_MAX]; /* of each list or dict, had it been merged so far; of a dict, at most */
};

/* The next object's delta, or the number of elements that it brings: false: it is not there. */
static bool next_delta(struct changes *c, const struct object *object, uint64_t *change, const unsigned char **elements)
{
    if (c->size - c->at < sizeof *change)
        return false;
    memcpy(change, c->bytes + c->at, sizeof *change);
    c->at += sizeof *change;
    *elements = c->bytes + c->at;
    if (object->kind == OBJECT_COUNTER)
        return true;
    if (*change > (c->size - c->at) / object->element_size)
        return false;
    c->at += *change * object->element_size;
    return true;
}

/* The next call of the journal: 1, 0 there is none, -1 it is none. */
static int next_call(struct changes *c, struct object **object, struct call *call)
{
    c->at = aligned(c->at);
    if (c->at >= c->size)
        return 0;
    if (c->size - c->at < sizeof(struct journal_call))
        return -1;
    const struct journal_call *entry = (const struct journal_call *)(c->bytes + c->at);
    c->at += sizeof *entry;
    if (entry->object >= c->pool->object_count ||
        !call_possible(&c->pool->objects[entry->object], entry->verb, entry->n))
        return -1;
    *object = &c->pool->objects[entry->object];
    *call = (struct call){.verb = entry->verb, .at = entry->at, .in = entry + 1, .n = entry->n};
    if (entry->bytes != call_in_bytes(*object, call->verb, call->n) || c->size - c->at < aligned(entry->bytes))
        return -1;
    c->at += aligned(entry->bytes);
    return 1;
}

/* Where the answers of a call go: nobody asks for them again. */
static void *scratch_for(struct fork_pool *forks, size_t bytes)
{
    if (bytes > forks->scratch_bytes) {
        memory_free(forks->scratch, forks->scratch_bytes);
        forks->scratch = memory_unforked(bytes);
        forks->scratch_bytes = forks->scratch ? bytes : 0;
    }
    return forks->scratch;
}

static int replay(struct pool *pool, struct object *object, struct call *call)
{
    call->out = scratch_for(pool->state, call_out_most(object, call->verb, call->n));
    if (!call->out && call_out_most(object, call->verb, call->n) > 0)
        return -1;
    object_apply(object, call);
    return 0;
}

/* A key that the journal puts or removes, and whether the dict has it. */
struct touched {
    const unsigned char *key;
    bool there;
};

static size_t stride_of(const struct object *dict, const struct call *call)
{
    return call->verb == VERB_PUT ? dict->key_size + dict->element_size : dict->key_size;
}

/* The next call of the journal that changes this dict. */
static bool next_of_dict(struct changes *c, const struct object *dict, struct call *call)
{
    struct object *object;
    while (next_call(c, &object, call) > 0)
        if (object == dict && (call->verb == VERB_PUT || call->verb == VERB_REMOVE || call->verb == VERB_CLEAR))
            return true;
    return false;
}

static int compare_keys(const void *left, const void *right, void *key_size)
{
    const struct touched *a = left, *b = right;
    return memcmp(a->key, b->key, *(const size_t *)key_size);
}

/* Every key once, sorted. NULL: there is no memory. */
static struct touched *touched_keys(struct changes c, struct object *dict, size_t *count)
{
    struct changes again = c;
    struct call call;
    size_t most = 1, n = 0;
    while (next_of_dict(&c, dict, &call))
        most += call.verb == VERB_CLEAR ? 0 : call.n;
    struct touched *keys = malloc(most * sizeof *keys);
    unsigned char *answer = scratch_for(c.pool->state, dict_answer_size(dict));
    if (!keys || !answer) {
        free(keys);
        return NULL;
    }
    while (next_of_dict(&again, dict, &call))
        for (uint64_t i = 0; call.verb != VERB_CLEAR && i < call.n; i++)
            keys[n++].key = (const unsigned char *)call.in + i * stride_of(dict, &call);
    qsort_r(keys, n, sizeof *keys, compare_keys, &dict->key_size);
    *count = 0;
    for (size_t i = 0; i < n; i++) {
        if (*count > 0 && compare_keys(&keys[*count - 1], &keys[i], &dict->key_size) == 0)
            continue;
        uint64_t found;
        object_apply(dict, &(struct call){.verb = VERB_GET, .in = keys[i].key, .out = answer, .n = 1});
        memcpy(&found, answer, sizeof found);
        keys[(*count)++] = (struct touched){.key = keys[i].key, .there = found != 0};
    }
    return keys;
}

static struct touched *find_key(struct touched *keys, size_t count, const unsigned char *key, size_t key_size)
{
    const struct touched wanted = {.key = key};
    size_t low = 0;
    while (count > 1) {
        size_t half = count / 2;
        if (compare_keys(&keys[low + half], &wanted, &key_size) <= 0)
            low += half;
        count -= half;
    }
    return &keys[low];
}

/* Whether the dict has room for all that the journal does to it, call by call. For when that may matter. */
static bool dict_fits(struct changes c, struct object *dict)
{
    size_t count;
    uint64_t length = level(dict);
    struct call call;
    bool fits = true;
    c.at = c.journal;
    struct touched *keys = touched_keys(c, dict, &count);
    if (!keys)
        return false;
    while (fits && next_of_dict(&c, dict, &call)) {
        for (size_t i = 0; call.verb == VERB_CLEAR && i < count; i++)
            keys[i].there = false;
        length = call.verb == VERB_CLEAR ? 0 : length;
        for (uint64_t i = 0; call.verb != VERB_CLEAR && i < call.n; i++) {
            const unsigned char *key = (const unsigned char *)call.in + i * stride_of(dict, &call);
            struct touched *touched = find_key(keys, count, key, dict->key_size);
            bool there = call.verb == VERB_PUT;
            length += there && !touched->there ? 1 : 0;
            length -= !there && touched->there ? 1 : 0;
            touched->there = there;
            fits &= length <= dict->capacity;
        }
    }
    free(keys);
    return fits;
}

/* Whether there is room for it, in a list or a dict that is as long as length[] says; then it says how long it is. */
static bool has_room(struct changes *c, struct object *object, const struct call *call)
{
    uint64_t *length = &c->length[object->index], room = object->capacity - *length;
    switch (call->verb) {
    case VERB_APPEND:
        *length += call->n;
        return call->n <= room;
    case VERB_POP:
        *length -= call->n < *length ? call->n : *length;
        return true;
    case VERB_PUT:
        if (call->n <= room)
            *length += call->n;
        else if (!(c->examined & 1u << object->index)) {
            c->examined |= 1u << object->index;
            return dict_fits(*c, object);
        }
        return true;
    case VERB_CLEAR:
        *length = 0;
        return true;
    default:
        return true;
    }
}

/* 1 all fits, 0 it does not, -1 it is nonsense. */
static int fits(struct changes c)
{
    struct object *object;
    struct call call;
    const unsigned char *elements;
    uint64_t change;
    int got;
    for (unsigned i = 0; i < c.pool->object_count; i++) {
        object = &c.pool->objects[i];
        c.length[i] = object->kind == OBJECT_LIST || object->kind == OBJECT_DICT ? level(object) : 0;
        if (object->kind != OBJECT_COUNTER && object->kind != OBJECT_LIST)
            continue;
        if (!next_delta(&c, object, &change, &elements))
            return -1;
        if (object->kind == OBJECT_LIST && !has_room(&c, object, &(struct call){.verb = VERB_APPEND, .n = change}))
            return 0;
    }
    c.journal = c.at;
    while ((got = next_call(&c, &object, &call)) > 0)
        if (!has_room(&c, object, &call))
            return 0;
    return got < 0 ? -1 : 1;
}

static int merge(struct changes c)
{
    struct object *object;
    struct call call;
    for (unsigned i = 0; i < c.pool->object_count; i++) {
        const unsigned char *elements;
        uint64_t change;
        object = &c.pool->objects[i];
        if (object->kind != OBJECT_COUNTER && object->kind != OBJECT_LIST)
            continue;
        next_delta(&c, object, &change, &elements);
        if (object->kind == OBJECT_COUNTER)
            state_of(object)->value += change;
        else
            object_apply(object, &(struct call){.verb = VERB_APPEND, .in = elements, .n = change});
    }
    while (next_call(&c, &object, &call) > 0)
        if (replay(c.pool, object, &call))
            return -1;
    return 1;
}

int changes_merge(struct pool *pool, const unsigned char *bytes, size_t size, struct error *error)
{
    struct changes changes = {.pool = pool, .bytes = bytes, .size = size};
    int fit = fits(changes);
    if (fit < 0)
        return error_set(error, ERROR_BROKEN, "a child reports changes that are none");
    if (fit > 0 && merge(changes) < 0)
        return error_system(error, "no memory for what a child changed");
    return fit;
}
