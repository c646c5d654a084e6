/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * frame_gate.h - what a test must not leave behind: an inventory before it, one after it, and the difference.
 *
 * An inventory is a list of lines that name things ("descriptor 5: socket:[4711]"); a line that is only in the later
 * one is a leak, and is printed as it stands. Half of it is about the test's own process (descriptors, shared memory,
 * threads, children), half about the system (/dev/shm, the temporary folder, descendants). Only frame.c uses this. */
#ifndef MUSTER_TESTS_FRAME_GATE_H
#define MUSTER_TESTS_FRAME_GATE_H

#include <stddef.h>
#include <stdio.h>

struct gate {
    char **lines; /* the inventory before the test */
    size_t count;
};

/* In the test's process. compare prints what is left, and returns how many things that are. */
int gate_enter_process(struct gate *gate);
int gate_compare_process(const struct gate *gate, FILE *to);

/* In the program that runs the tests. compare counts the entries of `folder`, which was empty, too. */
int gate_enter_system(struct gate *gate);
int gate_compare_system(const struct gate *gate, const char *folder, FILE *to);

/* Ends what fell to this subreaper: waits a moment for what is about to leave (not when `at_once`), then names and
 * kills it. Returns how many processes had to be killed. */
int gate_reap_descendants(int at_once, FILE *to);

void gate_leave(struct gate *gate);
void gate_remove_folder(const char *path);

#endif
