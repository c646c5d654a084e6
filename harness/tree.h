/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * tree.h - how much CPU time a tree of processes used, to the nanosecond, seen from outside.
 *
 * Every process has a clock of its own that anybody may read, all its threads in it; a tree is found from /proc. So a
 * build that is measured is not asked what it used, and an old one need not know how to say it. Out of sight are a
 * process that came and went between two readings, and one whose parent left it behind. */
#ifndef MUSTER_HARNESS_TREE_H
#define MUSTER_HARNESS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* One reading; zeroed at first, its arrays are kept from reading to reading, and freed by tree_free(). */
struct tree {
    pid_t *pids;
    double *cpu_s;
    size_t count, room;
};

/* Whether this system shows a process's children at all (Linux: CONFIG_PROC_CHILDREN). */
bool tree_visible(void);

/* root and everything below it, now. -1 where root is gone, /proc does not say, or memory is short. */
int tree_read(struct tree *, pid_t root);

/* CPU seconds between two readings of one tree that some processing unit lost to it: what its busiest process used, or
 * all of them spread evenly over `units`, whichever is more. What was born in between counts in full. */
double tree_between(const struct tree *before, const struct tree *after, unsigned units);

void tree_free(struct tree *);

#endif
