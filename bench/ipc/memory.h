/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * memory.h - anonymous memory that processes share, or that fork copies. It has no name, so nothing stays behind. */
#ifndef MUSTER_BENCH_IPC_MEMORY_H
#define MUSTER_BENCH_IPC_MEMORY_H

#include <stddef.h>

/* What two processes write must be this far apart, bytes: two 64-byte lines, since processors fetch them in pairs. */
#define LINE_APART 128

/* Zeroed memory, page-aligned, not yet faulted in. `bytes` of 0 gives a page. NULL and errno. Shared: all processes
 * forked afterwards see each other's writes. Private: each has its own copy from the fork on. */
void *memory_shared(size_t bytes);
void *memory_private(size_t bytes);
/* Private memory that children do not get at all, so that a fork costs nothing for it: neither a copied page table nor,
 * at this process's next write, a copied page. */
void *memory_unforked(size_t bytes);
void memory_free(void *, size_t bytes);

/* Faults in what is not there yet, in the caller's address space, for writing, so that nothing has to wait for it
 * later; its content stays, and others may write it meanwhile. Where memory is short it does less. */
void memory_touch(void *, size_t bytes);

#endif
