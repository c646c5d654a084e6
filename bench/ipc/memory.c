/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * memory.c - anonymous mappings, shared or private. */
#include "bench/ipc/memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Since Linux 5.14. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

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

/* A byte of each page, written back as it is; a compiler may not leave that out, as it may an addition of nothing. */
static void touch_pages(unsigned char *at, const unsigned char *end, size_t page)
{
    for (; at < end; at += page) {
        unsigned char byte = atomic_load_explicit((_Atomic unsigned char *)at, memory_order_relaxed);
        atomic_compare_exchange_strong((_Atomic unsigned char *)at, &byte, byte);
    }
}

void memory_touch(void *p, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *end = (unsigned char *)p + bytes, *first = (unsigned char *)p - (uintptr_t)p % page;
    if (bytes > 0 && madvise(first, (size_t)(end - first), MADV_POPULATE_WRITE) && errno == EINVAL)
        touch_pages(first, end, page);
}
