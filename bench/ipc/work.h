/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * work.h - work of a known length: a chain of dependent multiplications that no compiler shortens and no cache touches.
 */
#ifndef MUSTER_BENCH_IPC_WORK_H
#define MUSTER_BENCH_IPC_WORK_H

#include <stdint.h>

/* One step is a multiplication and an addition that waits for it (constants of Knuth's MMIX generator). */
static inline uint64_t work_chain(uint64_t steps, uint64_t x)
{
    for (; steps > 0; steps--) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        __asm__ volatile("" : "+r"(x));
    }
    return x;
}

#endif
