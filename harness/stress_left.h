/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * stress_left.h - what a round could leave behind: in its own process descriptors, shared mappings and children; in the
 * system processes and files in /dev/shm. */
#ifndef MUSTER_HARNESS_STRESS_LEFT_H
#define MUSTER_HARNESS_STRESS_LEFT_H

#include <stdbool.h>
#include <stdint.h>

struct left {
    unsigned descriptors, shared_mappings, children;
};

/* Of the calling process. What cannot be looked at counts as none. */
void left_look(struct left *);
bool left_differs(const struct left *before, const struct left *after);
/* "2 descriptors, 1 shared mapping"; static storage. */
const char *left_text(const struct left *before, const struct left *after);

/* The names in /dev/shm, as their number and a sum. */
struct left_system {
    unsigned files;
    uint64_t names;
};

void left_look_system(struct left_system *);
/* More files than before; fewer are another's doing. */
bool left_system_differs(const struct left_system *before, const struct left_system *after);

/* Kills and reaps all children of the calling process: how many there were. */
unsigned left_kill_children(void);

#endif
