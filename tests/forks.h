/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forks.h - what the tests of fork-pool share: a scene in shared memory, and pools on it. */
#ifndef MUSTER_TESTS_FORKS_H
#define MUSTER_TESTS_FORKS_H

#include "bench/registry.h"

#include <stdatomic.h>

#define FORK_ITEMS 64
#define FORK_QUOTA 12 /* grains of each worker in a pool_each() */

/* How a process shall die. */
enum end { END_NONE, END_KILL, END_PARENT, END_EXIT_0, END_EXIT_3, END_ABORT, END_SEGV, END_SPLIT };

struct scene {
    _Atomic unsigned ran[FORK_ITEMS]; /* how often */
    _Atomic unsigned at_once, most_at_once;
    _Atomic uint64_t fatal; /* the item or grain in which a process dies; */
    enum end end;           /* so */
    bool marks;             /* items are begun with item_begin() */
};

/* Of a dict. */
struct entry {
    uint32_t key, value;
};

struct scene *scene_open(void);
void scene_close(struct scene *);
/* Ends the calling process so. */
void scene_end(enum end);

/* Opened; nothing of it may fail. */
struct pool *forks_open(struct scene *, const char *variant, struct setup);
/* And started, with items that are their own numbers. */
struct pool *forks_started(struct scene *, const char *variant, struct setup);
void forks_close(struct pool *);
/* Items whose result is 3 * item + argument, at both ends of it; and whether it is that. */
items_fn forks_items;
bool forks_right(struct pool *, uint64_t item, uint64_t argument);
/* Without items' sizes of its own; in a pool_each() each worker has FORK_QUOTA grains. */
struct pool *forks_object_pool(struct scene *, unsigned processes);
const struct strategy *forks_strategy(void);
void forks_rest(long ms);

/* forks_apply.c */
void applied_come_back(void);
void applied_wait_their_turn(void);
void applied_died_is_told(void);
void applied_and_steps(void);
void terminate_ends_all(void);

/* forks_objects.c */
void array_merges(void);
void list_merges(void);
void list_full_merges_none(void);
void dict_merges(void);
void dict_full_merges(void);
void dict_counts_a_key_once(void);
void dead_step_merges_none(void);
void failed_step_goes_on(void);
void objects_lacking(void);

/* forks_processes.c */
void process_merges_at_join(void);
void process_leaves_much(void);
void process_killed_leaves_none(void);
void process_without_room(void);

#endif
