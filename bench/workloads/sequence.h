/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sequence.h - pseudo-random numbers that need no state: the one at a place of a worker's sequence.
 *
 * A forked child goes on where its worker's last one ended, and nothing has to be kept for it. */
#ifndef MUSTER_BENCH_WORKLOADS_SEQUENCE_H
#define MUSTER_BENCH_WORKLOADS_SEQUENCE_H

#include <stdint.h>

/* The finaliser of SplitMix64 (Steele, Lea, Flood 2014) of a counter that no two workers of a seed share. */
static inline uint64_t sequence_draw(uint64_t seed, uint32_t slot, uint64_t at)
{
    uint64_t x = (seed << 16) + ((uint64_t)slot << 48) + (at + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

#endif
