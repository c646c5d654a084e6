/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * legacy.c - a memfd whose first word, written last, says how much is in it. */
#include "bench/ipc/legacy.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* At the file's beginning; 0: nothing is left yet. */
struct head {
    uint64_t bytes_and_head;
};

int legacy_open(void)
{
    return memfd_create("muster-legacy", MFD_CLOEXEC);
}

static int put(int fd, const unsigned char *bytes, size_t n, off_t at)
{
    while (n > 0) {
        ssize_t did = pwrite(fd, bytes, n, at);
        if (did < 0 && errno == EINTR)
            continue;
        if (did < 0)
            return -1;
        bytes += did;
        at += did;
        n -= (size_t)did;
    }
    return 0;
}

int legacy_leave(int fd, const void *bytes, size_t n)
{
    const struct head head = {.bytes_and_head = n + sizeof head};
    if (put(fd, bytes, n, sizeof head))
        return -1;
    return put(fd, (const unsigned char *)&head, sizeof head, 0);
}

int legacy_take(int fd, unsigned char **bytes, size_t *n)
{
    struct stat is;
    *bytes = NULL;
    *n = 0;
    if (fstat(fd, &is))
        return -1;
    if ((size_t)is.st_size < sizeof(struct head))
        return 0;
    unsigned char *all = mmap(NULL, (size_t)is.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (all == MAP_FAILED)
        return -1;
    uint64_t whole = ((const struct head *)all)->bytes_and_head;
    if (whole != (uint64_t)is.st_size)
        return munmap(all, (size_t)is.st_size);
    *bytes = all + sizeof(struct head);
    *n = whole - sizeof(struct head);
    return 0;
}

void legacy_forget(unsigned char *bytes, size_t n)
{
    if (bytes)
        munmap(bytes - sizeof(struct head), n + sizeof(struct head));
}
