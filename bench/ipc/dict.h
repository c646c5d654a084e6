/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dict.h - a dict of fixed capacity in one piece of memory that holds offsets only, so it may lie anywhere, and
 * elsewhere in each process that maps it.
 *
 * Entries lie side by side, in the order in which they came but for removals, which put the last one in the gap; so
 * the whole value is one piece. Beside them a table of open addressing, at most half full, finds them. With an undo log
 * (ipc/undo.h) a process may die in any of this, and dict_repair() leaves each entry as it was or as it was to be. Not
 * to be called concurrently on one dict. */
#ifndef MUSTER_BENCH_IPC_DICT_H
#define MUSTER_BENCH_IPC_DICT_H

#include "bench/ipc/undo.h"
#include "bench/multiprocessing.h"

struct dict_head {
    uint64_t count;
    uint64_t clearing; /* 1: CLEAR is under way */
};

/* Where its parts lie in this process. */
struct dict {
    size_t key_size, value_size, capacity;
    uint64_t mask; /* places of the table, less one */
    struct dict_head *head;
    uint64_t *table; /* an entry's index + 1 below 16 bits of its key's hash; 0: none */
    unsigned char *entries;
    struct undo *undo; /* NULL: nobody can die in the middle */
};

/* Bytes of memory, zeroed for an empty dict, aligned to 8, that it takes; of an object_possible(). */
size_t dict_bytes(const struct object *, bool undo);
void dict_view(struct dict *, const struct object *, void *memory, bool undo);
/* As call_fn says, of a possible call. */
int64_t dict_apply(struct dict *, const struct call *);
/* After the death of a process that may have been in dict_apply(). */
void dict_repair(struct dict *);

static inline size_t dict_entry_size(const struct dict *dict)
{
    return dict->key_size + dict->value_size;
}

#endif
