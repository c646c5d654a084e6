/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * loop.h - the one loop that runs steps: in each standing worker, and in the parent where the parent drives.
 *
 * Gate, then as many grains as hooks.next asks for, until it asks for none. */
#ifndef MUSTER_BENCH_IPC_LOOP_H
#define MUSTER_BENCH_IPC_LOOP_H

#include "bench/strategy.h"

/* `parties` processes come to this gate. Returns 0, or -1 when a step failed. */
static inline int loop_run(struct worker *w, step_fn *step, unsigned parties)
{
    const struct hooks *hooks = &w->pool->setup.hooks;
    bool more = true;
    int result = 0;
    w->done = 0;
    hooks->gate(hooks->arg, w->slot, parties);
    for (size_t n; (n = hooks->next(hooks->arg, w->slot, w->done, more)) > 0;) {
        int64_t did = step(w, w->pool->setup.ctx, n);
        if (did < 0) {
            result = -1;
            break;
        }
        w->done += (uint64_t)did;
        more = (uint64_t)did == n;
    }
    if (w->pool->setup.over)
        w->pool->setup.over(w, w->pool->setup.ctx);
    return result;
}

#endif
