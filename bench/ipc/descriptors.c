/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * descriptors.c - a set of bits, one per descriptor. */
#include "bench/ipc/descriptors.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BITS 64 /* of a word */

static uint64_t *words;
static size_t word_count;
static unsigned entered;

static int grow(size_t wanted)
{
    uint64_t *grown = realloc(words, wanted * sizeof *words);
    if (!grown)
        return -1;
    memset(grown + word_count, 0, (wanted - word_count) * sizeof *words);
    words = grown;
    word_count = wanted;
    return 0;
}

static bool has(size_t fd)
{
    return fd / BITS < word_count && (words[fd / BITS] >> fd % BITS & 1);
}

int descriptor_enter(int fd)
{
    size_t word = (size_t)fd / BITS;
    if (word >= word_count && grow(2 * (word + 1)))
        return -1;
    entered += !has((size_t)fd);
    words[word] |= UINT64_C(1) << (size_t)fd % BITS;
    return 0;
}

void descriptor_leave(int fd)
{
    if (fd < 0 || !has((size_t)fd))
        return;
    words[(size_t)fd / BITS] &= ~(UINT64_C(1) << (size_t)fd % BITS);
    entered--;
}

/* Bare calls and nothing written when there is nothing to shed: each page that a child enters costs it a fault. */
void descriptors_shed(void)
{
    const size_t most = word_count * BITS;
    if (entered == 0)
        return;
    for (size_t fd = 0, end; fd < most; fd = end + 1) {
        if (fd % BITS == 0 && words[fd / BITS] == 0) {
            end = fd + BITS - 1;
            continue;
        }
        for (end = fd; has(end);)
            end++;
        if (end > fd)
            syscall(SYS_close_range, (unsigned)fd, (unsigned)end - 1, 0U);
    }
    memset(words, 0, word_count * sizeof *words);
    entered = 0;
}
