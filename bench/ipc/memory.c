/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * memory.c - anonymous mappings, shared or private. */
#include "bench/ipc/memory.h"

#include <sys/mman.h>
#include <unistd.h>

static size_t whole_pages(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return bytes ? (bytes + page - 1) / page * page : page;
}

static void *map(size_t bytes, int sharing)
{
    void *p = mmap(NULL, whole_pages(bytes), PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void *memory_shared(size_t bytes)
{
    return map(bytes, MAP_SHARED);
}

void *memory_private(size_t bytes)
{
    return map(bytes, MAP_PRIVATE);
}

void *memory_unforked(size_t bytes)
{
    void *p = memory_private(bytes);
    if (p)
        madvise(p, whole_pages(bytes), MADV_DONTFORK);
    return p;
}

void memory_free(void *p, size_t bytes)
{
    if (p)
        munmap(p, whole_pages(bytes));
}
