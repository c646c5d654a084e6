/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * elements.h - elements of a list, and values of a dict, that prove themselves: who made them, as which of his, and
 * whether they are whole. */
#ifndef MUSTER_BENCH_WORKLOADS_ELEMENTS_H
#define MUSTER_BENCH_WORKLOADS_ELEMENTS_H

#include "bench/workload.h"

#include <string.h>

#define ELEMENT_LEAST 8
#define ELEMENT_MOST  65536

/* 16 bits of worker, 48 of sequence. */
static inline uint64_t element_word(uint32_t slot, uint64_t sequence)
{
    return (uint64_t)(slot & 0xffff) << 48 | (sequence & ((UINT64_C(1) << 48) - 1));
}

static inline uint64_t element_slot(uint64_t word)
{
    return word >> 48;
}

static inline uint64_t element_sequence(uint64_t word)
{
    return word & ((UINT64_C(1) << 48) - 1);
}

/* n elements of `size` bytes: the word at the head, rotated by each word's place behind it, and at the tail again. */
static inline void elements_fill(unsigned char *to, size_t n, size_t size, uint32_t slot, uint64_t first)
{
    for (size_t i = 0; i < n; i++, to += size) {
        uint64_t word = element_word(slot, first + i);
        memcpy(to, &word, sizeof word);
        for (size_t at = sizeof word; at + 2 * sizeof word <= size; at += sizeof word) {
            uint64_t between = word + at;
            memcpy(to + at, &between, sizeof between);
        }
        memcpy(to + size - sizeof word, &word, sizeof word);
    }
}

/* Whether all its words agree. */
bool element_whole(const unsigned char *element, size_t size);

/* Reads `count` elements and sets next[slot] to how many each worker's sequence holds, in order and without a gap. The
 * proof says what is torn, foreign, doubled or missing; counts that are right or wrong are for the caller. */
void elements_judge(const unsigned char *elements, size_t count, size_t size, uint64_t *next, size_t workers,
                    struct proof *);

#endif
