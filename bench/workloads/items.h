/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * items.h - what map and async do with an item: each word is squared, plus a salt that differs from call to call.
 *
 * Inlined, since a chunk may be one item. */
#ifndef MUSTER_BENCH_WORKLOADS_ITEMS_H
#define MUSTER_BENCH_WORKLOADS_ITEMS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ITEM_LEAST 1
#define ITEM_MOST  (1 << 20)

/* Bytes that differ from item to item: multiples of the golden ratio, a word at a time. */
static inline void items_fill(unsigned char *in, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += sizeof(uint64_t)) {
        uint64_t word = (at + 1) * UINT64_C(0x9e3779b97f4a7c15);
        memcpy(in + at, &word, bytes - at < sizeof word ? bytes - at : sizeof word);
    }
}

static inline uint64_t items_salt(uint64_t call)
{
    return call * UINT64_C(0x9e3779b97f4a7c15) + 7;
}

static inline void items_square_words(const unsigned char *in, unsigned char *out, size_t words, uint64_t salt)
{
    for (size_t i = 0; i < words; i++, in += sizeof(uint64_t), out += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, in, sizeof word);
        word = word * word + salt;
        memcpy(out, &word, sizeof word);
    }
}

static inline void items_square_bytes(const unsigned char *in, unsigned char *out, size_t bytes, uint64_t salt)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (unsigned char)(in[i] * in[i] + salt);
}

/* An item's tail, shorter than a word, is squared byte by byte; items of whole words are one row of words. */
static inline void items_square(const unsigned char *in, unsigned char *out, size_t n, size_t payload, uint64_t salt)
{
    size_t words = payload / sizeof(uint64_t), tail = payload % sizeof(uint64_t);
    if (tail == 0) {
        items_square_words(in, out, n * words, salt);
        return;
    }
    for (; n > 0; n--, in += payload, out += payload) {
        items_square_words(in, out, words, salt);
        items_square_bytes(in + payload - tail, out + payload - tail, tail, salt);
    }
}

#endif
