/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * frames.h - a queue of frames without their payloads: what was handed out and is not answered, what waits for room.
 *
 * A ring that grows and never shrinks. Zeroed at first. */
#ifndef MUSTER_BENCH_IPC_FRAMES_H
#define MUSTER_BENCH_IPC_FRAMES_H

#include "bench/ipc/channel.h"

#include <stdlib.h>

struct frames {
    struct frame *at; /* `most` of them, a power of two */
    size_t from, count, most;
};

static inline struct frame *frames_at(const struct frames *q, size_t i)
{
    return &q->at[(q->from + i) & (q->most - 1)];
}

/* 0, or -1 and errno when there is no memory for one more. */
static inline int frames_grow(struct frames *q)
{
    if (q->count < q->most)
        return 0;
    size_t most = q->most ? 2 * q->most : 8;
    struct frame *at = malloc(most * sizeof *at);
    if (!at)
        return -1;
    for (size_t i = 0; i < q->count; i++)
        at[i] = *frames_at(q, i);
    free(q->at);
    *q = (struct frames){.at = at, .count = q->count, .most = most};
    return 0;
}

static inline int frames_push(struct frames *q, const struct frame *frame)
{
    if (frames_grow(q))
        return -1;
    q->count++;
    *frames_at(q, q->count - 1) = *frame;
    return 0;
}

static inline int frames_push_front(struct frames *q, const struct frame *frame)
{
    if (frames_grow(q))
        return -1;
    q->from = (q->from + q->most - 1) & (q->most - 1);
    q->count++;
    *frames_at(q, 0) = *frame;
    return 0;
}

static inline void frames_pop(struct frames *q)
{
    q->from = (q->from + 1) & (q->most - 1);
    q->count--;
}

static inline void frames_free(struct frames *q)
{
    free(q->at);
    *q = (struct frames){.at = NULL};
}

#endif
