/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ranges.h - chunks of work that each worker owns, and steals when its own are done.
 *
 * A range [next, end) of chunk numbers lies in one 64-bit word on a line of its own. The owner takes its next chunk by
 * fetch_add, which costs a core next to nothing while nobody steals; a thief moves the upper half to its own word by
 * compare-and-swap. The word says all there is to know, so a stale compare that succeeds is no mistake: within one
 * map each chunk number is in at most one range, and leaves it once. The idea of splitting the remaining range in
 * halves is that of lazy binary splitting (Tzannes, Caragea, Barua, Vishkin, PPoPP 2010). */
#ifndef MUSTER_BENCH_IPC_RANGES_H
#define MUSTER_BENCH_IPC_RANGES_H

#include "bench/ipc/memory.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define RANGES_CHUNKS_MOST (UINT32_C(1) << 31)

struct range {
    _Alignas(LINE_APART) _Atomic uint64_t word; /* end in the high half, next in the low one */
};

static inline uint64_t range_word(uint32_t next, uint32_t end)
{
    return (uint64_t)end << 32 | next;
}

/* By whoever owns all ranges before the workers start; `chunks` at most RANGES_CHUNKS_MOST. */
static inline void ranges_deal(struct range *ranges, unsigned workers, uint32_t chunks)
{
    for (uint64_t w = 0; w < workers; w++)
        atomic_store_explicit(&ranges[w].word,
                              range_word((uint32_t)(chunks * w / workers), (uint32_t)(chunks * (w + 1) / workers)),
                              memory_order_relaxed);
}

/* By the owner only. The low half runs at most a few past the end, once per visit to an empty range. */
static inline bool range_take(struct range *own, uint32_t *chunk)
{
    uint64_t word = atomic_fetch_add_explicit(&own->word, 1, memory_order_acq_rel);
    *chunk = (uint32_t)word;
    return (uint32_t)word < (uint32_t)(word >> 32);
}

/* By a worker whose own range is empty: takes the upper half of the first range that has any. False: none has. */
static inline bool range_steal(struct range *ranges, unsigned workers, unsigned self)
{
    for (unsigned i = 1; i < workers; i++) {
        struct range *victim = &ranges[(self + i) % workers];
        uint64_t word = atomic_load_explicit(&victim->word, memory_order_acquire);
        uint32_t next = (uint32_t)word, end = (uint32_t)(word >> 32);
        while (next < end) {
            uint32_t middle = next + (end - next) / 2;
            if (atomic_compare_exchange_weak_explicit(&victim->word, &word, range_word(next, middle),
                                                      memory_order_acq_rel, memory_order_acquire)) {
                atomic_store_explicit(&ranges[self].word, range_word(middle, end), memory_order_release);
                return true;
            }
            next = (uint32_t)word;
            end = (uint32_t)(word >> 32);
        }
    }
    return false;
}

#endif
