/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * clock.h - the one clock of all measurements: monotonic, read without a system call where the kernel allows it. */
#ifndef MUSTER_HARNESS_CLOCK_H
#define MUSTER_HARNESS_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

static inline int64_t clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static inline double clock_seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

#endif
