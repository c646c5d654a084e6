/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * histogram.h - how often something took how long, in a fixed amount of memory.
 *
 * Log-linear: every power of two is cut into 128 equal parts, so that a duration read back is off by 0.4 % at most,
 * from 1 ns to more than an hour; what is longer counts as the longest. All zero bytes are an empty histogram, so it
 * may lie in fresh shared memory. One writer at a time. */
#ifndef MUSTER_HARNESS_HISTOGRAM_H
#define MUSTER_HARNESS_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_PART_BITS 7
#define HISTOGRAM_BITS      42 /* of the longest duration, ns */
#define HISTOGRAM_BINS      ((HISTOGRAM_BITS - HISTOGRAM_PART_BITS + 1) << HISTOGRAM_PART_BITS)

struct histogram {
    uint64_t samples, max_ns;
    uint64_t counts[HISTOGRAM_BINS];
};

static inline size_t histogram_bin(uint64_t ns)
{
    const uint64_t parts = UINT64_C(1) << HISTOGRAM_PART_BITS;
    if (ns < parts)
        return (size_t)ns;
    if (ns >> HISTOGRAM_BITS)
        return HISTOGRAM_BINS - 1;
    unsigned shift = 63 - (unsigned)__builtin_clzll(ns) - HISTOGRAM_PART_BITS;
    return ((size_t)shift << HISTOGRAM_PART_BITS) + (size_t)(ns >> shift);
}

static inline void histogram_add(struct histogram *h, uint64_t ns)
{
    h->counts[histogram_bin(ns)]++;
    h->samples++;
    h->max_ns = ns > h->max_ns ? ns : h->max_ns;
}

/* What stands for a bin: the middle of its durations, ns. */
double histogram_middle(size_t bin);
void histogram_merge(struct histogram *, const struct histogram *from);
/* The duration that a part (0 to 1) of the samples does not exceed, ns; NAN without samples. */
double histogram_quantile(const struct histogram *, double part);

#endif
