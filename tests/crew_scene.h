/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * crew_scene.h - a pool on shared memory whose workers may die at any time, and what its items did.
 *
 * Workers end themselves, by SIGKILL at a chosen item or by a timer at any instruction, so that no signal can hit
 * another process. Each item counts its runs in memory that outlives its worker, so the tests see what nobody may: an
 * item run twice, or neither done nor lost. */
#ifndef MUSTER_TESTS_CREW_SCENE_H
#define MUSTER_TESTS_CREW_SCENE_H

#include "bench/multiprocessing.h"

#define WORKERS 4
#define ITEMS   20000
#define PLENTY  100000
#define SECOND  INT64_C(1000000000)

struct scene {
    uint64_t deadly;        /* of each so many items one kills its worker; 0: none does */
    bool silent;            /* the function does not say its items */
    unsigned longest_us;    /* a worker's life, at random up to this; 0: for ever */
    _Atomic uint32_t alarm; /* lives are short now */
    _Atomic uint32_t begun, hold;
    _Atomic uint32_t victim; /* this slot's next step kills it; UINT32_MAX: none */
    _Atomic uint32_t steps;
    _Atomic unsigned char runs[ITEMS];
};

bool scene_quick(void); /* MUSTER_QUICK is set */
int64_t scene_now_ns(void);
void scene_rest(long ns);
struct scene *scene_open(void);
/* What the scene sets of it, and the workers if there are none. */
struct setup scene_setup(struct scene *, struct setup setup);
/* A started pool of it. */
struct pool *scene_pool(struct scene *, struct setup setup);
void scene_close(struct scene *, struct pool *);

/* What item `in` comes to, and a function that does it. */
uint64_t scene_result(uint64_t in, uint64_t argument);
items_fn scene_items;

struct tally {
    uint64_t done, lost, wrong;
};
/* Every item is done, once and rightly, or lost, and then was begun at most once. */
struct tally scene_judge(struct scene *, struct pool *, uint64_t argument, size_t n);

/* The tests of crew_tasks.c. */
void recycled_for_each_task(void);
void applied_in_turn(void);
void applied_and_failed(void);
void applied_beside_a_map(void);
void applied_to_the_dying(void);
void joined_by_processes(void);

#endif
