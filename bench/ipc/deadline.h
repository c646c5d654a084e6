/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * deadline.h - timeouts as points in time, so that a wait that is interrupted goes on for what is left of it. */
#ifndef MUSTER_BENCH_IPC_DEADLINE_H
#define MUSTER_BENCH_IPC_DEADLINE_H

#include "bench/multiprocessing.h"

#include <time.h>

static inline int64_t clock_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* INT64_MAX: never. A negative timeout other than NEVER is over at once. */
static inline int64_t deadline_after(int64_t timeout_ns)
{
    int64_t now = clock_now_ns();
    if (timeout_ns == NEVER || timeout_ns > INT64_MAX - now)
        return INT64_MAX;
    return timeout_ns > 0 ? now + timeout_ns : now;
}

/* What is left until it, at most `most`; 0: it is over. */
static inline int64_t deadline_left(int64_t deadline, int64_t most)
{
    if (deadline == INT64_MAX)
        return most;
    int64_t left = deadline - clock_now_ns();
    return left <= 0 ? 0 : left < most ? left : most;
}

#endif
