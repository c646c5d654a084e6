/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_deaths.h - processes that work on shared memory, and that are killed there: at random, or after each single
 * instruction of what they do. */
#ifndef MUSTER_TESTS_SHARED_DEATHS_H
#define MUSTER_TESTS_SHARED_DEATHS_H

#include <stdint.h>
#include <sys/types.h>

/* What a process does; returns how much it found wrong. */
typedef uint64_t task_fn(void *arg, unsigned index);

#define FAMILY_MOST 8

/* Runs it in `n` processes at once, waits for all; returns how many found something wrong or did not end well. */
unsigned family_run(task_fn *, void *arg, unsigned n);
/* Starts one; ends and reaps one. */
pid_t child_start(task_fn *, void *arg, unsigned index);
void child_kill(pid_t);
/* 0 when it found nothing wrong. */
int child_wait(pid_t);

struct dissection {
    void (*ready)(void *arg);
    task_fn *task;
    void (*check)(void *arg);
    void *arg;
};
/* Again and again: `ready` in this process, `task` in another one, which is killed after some of its instructions,
 * `deaths` times spread over all of them, `check` in this one. Returns how many died; 0: none can be stepped here. */
unsigned dissect(const struct dissection *, unsigned deaths);
/* Once: `ready`, then `task` in another process, and after each of its instructions `check`, while it stands still.
 * Returns how many there were. */
unsigned dissect_whole(const struct dissection *);

int64_t now_ns(void);
void rest_ns(int64_t);

#endif
