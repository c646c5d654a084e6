/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * processes.h - which processes a tested program started are still alive, however they came to be.
 *
 * Neither parent nor process group finds them all once the program that started them is dead; the environment that
 * they inherited does. */
#ifndef MUSTER_TESTS_PROCESSES_H
#define MUSTER_TESTS_PROCESSES_H

#include <sys/types.h>

/* Programs that this test executes from now on carry a mark, and so does what they start in turn. */
void processes_mark(void);

/* How many processes that live carry it; one that has ended and waits to be reaped does not live. */
unsigned processes_marked(void);

/* Waits until there are no more than `expected`, for limit_s at most; how many there are. */
unsigned processes_left(unsigned expected, double limit_s);

/* Reaps a child: its exit code, 128 + the signal that ended it, or -1 when it had not ended after limit_s; then it is
 * killed. */
int processes_wait(pid_t child, double limit_s);

double processes_now_s(void);
void processes_pause(double seconds);

#endif
