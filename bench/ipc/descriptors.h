/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * descriptors.h - open descriptors that a forked child has no use for, such as the pidfds of its siblings.
 *
 * fork() copies them all; a child that kept them would hold its siblings' channels open. They are entered here where
 * they are opened, and a child sheds them at once, in as many calls as there are gaps between them. Not from two
 * threads at once. */
#ifndef MUSTER_BENCH_IPC_DESCRIPTORS_H
#define MUSTER_BENCH_IPC_DESCRIPTORS_H

/* Children made from now on shed fd. -1 with errno: no memory. */
int descriptor_enter(int fd);

/* Before it is closed: its number may come back for something else. */
void descriptor_leave(int fd);

/* In a child: closes all that its parent had entered. */
void descriptors_shed(void);

#endif
