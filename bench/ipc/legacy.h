/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * legacy.h - what a process leaves to its parent when it ends: any number of bytes, whole or not at all.
 *
 * It lies in a file without a name, made before the fork, so a process leaves it without waiting for a reader, and the
 * parent takes it when it likes. What died half way has left nothing. */
#ifndef MUSTER_BENCH_IPC_LEGACY_H
#define MUSTER_BENCH_IPC_LEGACY_H

#include <stddef.h>

/* Before the fork: its descriptor, or -1 and errno. */
int legacy_open(void);

/* In the child, once. 0, or -1 and errno. */
int legacy_leave(int fd, const void *bytes, size_t n);

/* In the parent, after the child's end: maps it, aligned to 8. *bytes is NULL when it left nothing. -1 and errno. */
int legacy_take(int fd, unsigned char **bytes, size_t *n);
void legacy_forget(unsigned char *bytes, size_t n);

#endif
