/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dict.c - open addressing by linear steps over entries that lie side by side; see dict.h.
 *
 * A removal closes the gap in the table by moving back what stands behind it, so there are no tombstones, and a dict
 * that is used for ever stays as fast as a new one. */
#include "bench/ipc/dict.h"

#define TAG_SHIFT  48
#define INDEX_MASK ((UINT64_C(1) << TAG_SHIFT) - 1)

/* --- where it lies ----------------------------------------------------------------------------------------------- */

/* A power of two, at least twice the capacity. */
static size_t places_for(size_t capacity)
{
    return capacity < 2 ? 4 : (size_t)1 << (64 - __builtin_clzll(2 * (uint64_t)capacity - 1));
}

static size_t entries_bytes(const struct object *object)
{
    return undo_padded(object->capacity * (object->key_size + object->element_size));
}

/* One operation saves each word of the table at most once more than it changes it, two entries, and the count. */
static size_t undo_bytes(const struct object *object, size_t places)
{
    return sizeof(struct undo) + (places + 4) * undo_room(sizeof(uint64_t)) +
           2 * undo_room(object->key_size + object->element_size);
}

size_t dict_bytes(const struct object *object, bool undo)
{
    size_t places = places_for(object->capacity);
    return sizeof(struct dict_head) + places * sizeof(uint64_t) + entries_bytes(object) +
           (undo ? undo_bytes(object, places) : 0);
}

void dict_view(struct dict *dict, const struct object *object, void *memory, bool undo)
{
    size_t places = places_for(object->capacity);
    unsigned char *entries = (unsigned char *)memory + sizeof(struct dict_head) + places * sizeof(uint64_t);
    *dict = (struct dict){
        .key_size = object->key_size,
        .value_size = object->element_size,
        .capacity = object->capacity,
        .mask = places - 1,
        .head = memory,
        .table = (uint64_t *)((unsigned char *)memory + sizeof(struct dict_head)),
        .entries = entries,
        .undo = undo ? (struct undo *)(entries + entries_bytes(object)) : NULL,
    };
}

static unsigned char *entry_at(const struct dict *dict, uint64_t index)
{
    return dict->entries + index * dict_entry_size(dict);
}

/* --- changing it so that it can be taken back -------------------------------------------------------------------- */

static inline void save(struct dict *dict, const void *at, size_t bytes)
{
    if (dict->undo)
        undo_save(dict->undo, dict->head, at, bytes);
}

static inline void done(struct dict *dict)
{
    if (dict->undo)
        undo_done(dict->undo);
}

static inline void change(struct dict *dict, uint64_t *word, uint64_t to)
{
    save(dict, word, sizeof *word);
    *word = to;
}

/* --- finding ----------------------------------------------------------------------------------------------------- */

static inline uint64_t mixed(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 32;
}

static uint64_t hash_of(const unsigned char *key, size_t bytes)
{
    uint64_t hash = bytes, word;
    for (; bytes >= sizeof word; bytes -= sizeof word, key += sizeof word) {
        memcpy(&word, key, sizeof word);
        hash = mixed(hash, word);
    }
    word = 0;
    memcpy(&word, key, bytes);
    return mixed(mixed(hash, word), 0);
}

/* The place where the key is, or the free one where it would be. */
static uint64_t place_of(const struct dict *dict, const void *key, uint64_t hash)
{
    uint64_t place = hash & dict->mask, word;
    for (; (word = dict->table[place]) != 0; place = (place + 1) & dict->mask)
        if (word >> TAG_SHIFT == hash >> TAG_SHIFT &&
            memcmp(entry_at(dict, (word & INDEX_MASK) - 1), key, dict->key_size) == 0)
            break;
    return place;
}

static uint64_t index_at(const struct dict *dict, uint64_t place)
{
    return (dict->table[place] & INDEX_MASK) - 1;
}

static uint64_t place_of_entry(const struct dict *dict, uint64_t index)
{
    const unsigned char *entry = entry_at(dict, index);
    return place_of(dict, entry, hash_of(entry, dict->key_size));
}

/* --- operations -------------------------------------------------------------------------------------------------- */

/* 1: the key was there, 0: it is new, -1: there is no room for it. */
static int put(struct dict *dict, const unsigned char *entry)
{
    uint64_t hash = hash_of(entry, dict->key_size), place = place_of(dict, entry, hash);
    if (dict->table[place] != 0) {
        unsigned char *value = entry_at(dict, index_at(dict, place)) + dict->key_size;
        save(dict, value, dict->value_size);
        memcpy(value, entry + dict->key_size, dict->value_size);
        done(dict);
        return 1;
    }
    uint64_t index = dict->head->count;
    if (index == dict->capacity)
        return -1;
    memcpy(entry_at(dict, index), entry, dict_entry_size(dict));
    change(dict, &dict->table[place], (hash >> TAG_SHIFT) << TAG_SHIFT | (index + 1));
    change(dict, &dict->head->count, index + 1);
    done(dict);
    return 0;
}

static int64_t put_all(struct dict *dict, const struct call *call)
{
    const unsigned char *entry = call->in;
    uint64_t *were = call->out;
    for (size_t i = 0; i < call->n; i++, entry += dict_entry_size(dict)) {
        int was = put(dict, entry);
        if (was < 0)
            return (int64_t)i;
        were[i] = (uint64_t)was;
    }
    return (int64_t)call->n;
}

/* What stands behind the gap, up to the next free place, moves back into it when its own first place is not between
 * the two. */
static void close_gap(struct dict *dict, uint64_t gap)
{
    for (uint64_t at = (gap + 1) & dict->mask; dict->table[at] != 0; at = (at + 1) & dict->mask) {
        const unsigned char *key = entry_at(dict, index_at(dict, at));
        uint64_t first = hash_of(key, dict->key_size) & dict->mask;
        if (((at - first) & dict->mask) < ((at - gap) & dict->mask))
            continue;
        change(dict, &dict->table[gap], dict->table[at]);
        gap = at;
    }
    change(dict, &dict->table[gap], 0);
}

static void move_last_to(struct dict *dict, uint64_t index)
{
    uint64_t last = dict->head->count - 1;
    if (index != last) {
        uint64_t *word = &dict->table[place_of_entry(dict, last)];
        unsigned char *to = entry_at(dict, index);
        change(dict, word, (*word & ~INDEX_MASK) | (index + 1));
        save(dict, to, dict_entry_size(dict));
        memcpy(to, entry_at(dict, last), dict_entry_size(dict));
    }
    change(dict, &dict->head->count, last);
}

static int64_t remove_all(struct dict *dict, const struct call *call)
{
    const unsigned char *key = call->in;
    uint64_t *were = call->out;
    for (size_t i = 0; i < call->n; i++, key += dict->key_size) {
        uint64_t place = place_of(dict, key, hash_of(key, dict->key_size));
        were[i] = dict->table[place] != 0;
        if (!were[i])
            continue;
        uint64_t index = index_at(dict, place);
        close_gap(dict, place);
        move_last_to(dict, index);
        done(dict);
    }
    return (int64_t)call->n;
}

static int64_t get_all(const struct dict *dict, const struct call *call)
{
    const unsigned char *key = call->in;
    unsigned char *to = call->out;
    size_t room = undo_padded(dict->value_size);
    for (size_t i = 0; i < call->n; i++, key += dict->key_size, to += sizeof(struct dict_answer) + room) {
        uint64_t place = place_of(dict, key, hash_of(key, dict->key_size));
        struct dict_answer *answer = (struct dict_answer *)to;
        answer->found = dict->table[place] != 0;
        size_t bytes = answer->found ? dict->value_size : 0;
        if (bytes > 0)
            memcpy(answer->value, entry_at(dict, index_at(dict, place)) + dict->key_size, bytes);
        memset(answer->value + bytes, 0, room - bytes);
    }
    return (int64_t)call->n;
}

static int64_t copy_all(const struct dict *dict, void *out, size_t most)
{
    size_t whole = dict->head->count * dict_entry_size(dict), bytes = whole < most ? whole : most;
    memcpy(out, dict->entries, bytes);
    return (int64_t)bytes;
}

static int64_t copy_keys(const struct dict *dict, unsigned char *out, size_t most)
{
    size_t whole = dict->head->count * dict->key_size, bytes = whole < most ? whole : most;
    for (size_t at = 0, i = 0; at < bytes; at += dict->key_size, i++)
        memcpy(out + at, entry_at(dict, i), bytes - at < dict->key_size ? bytes - at : dict->key_size);
    return (int64_t)bytes;
}

/* From the last entry on, each found by its index, since the steps to a place may already be broken. */
static void clear_few(struct dict *dict)
{
    for (uint64_t count; (count = dict->head->count) > 0; done(dict)) {
        uint64_t place = hash_of(entry_at(dict, count - 1), dict->key_size) & dict->mask;
        while ((dict->table[place] & INDEX_MASK) != count)
            place = (place + 1) & dict->mask;
        change(dict, &dict->table[place], 0);
        change(dict, &dict->head->count, count - 1);
    }
}

#define FEW_OF 16 /* the table is then left alone, much of which may never have been touched */

/* Too much to be saved as a whole: one that is cut short is finished instead, in the way in which it began. */
static void clear(struct dict *dict)
{
    dict->head->clearing = 1;
    atomic_signal_fence(memory_order_seq_cst);
    if (dict->head->count <= dict->mask / FEW_OF)
        clear_few(dict);
    else
        memset(dict->table, 0, (dict->mask + 1) * sizeof *dict->table);
    atomic_signal_fence(memory_order_seq_cst);
    dict->head->count = 0;
    atomic_signal_fence(memory_order_seq_cst);
    dict->head->clearing = 0;
}

int64_t dict_apply(struct dict *dict, const struct call *call)
{
    switch (call->verb) {
    case VERB_GET:
        return get_all(dict, call);
    case VERB_PUT:
        return put_all(dict, call);
    case VERB_REMOVE:
        return remove_all(dict, call);
    case VERB_READ:
        return copy_all(dict, call->out, call->n);
    case VERB_KEYS:
        return copy_keys(dict, call->out, call->n);
    case VERB_LENGTH:
        return (int64_t)dict->head->count;
    case VERB_CLEAR:
        clear(dict);
        return 0;
    default:
        return CALL_MISUSED;
    }
}

void dict_repair(struct dict *dict)
{
    undo_back(dict->undo, dict->head);
    if (dict->head->clearing)
        clear(dict);
}
