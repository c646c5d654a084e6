/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * raw_trips.c - round trips between two processes by cache line, futex, pipe and unix socket; workloads of `limits`.
 *
 * Workers come in pairs. The even one sends a number and waits until it comes back: that is one operation. The odd one
 * answers until he is told to stop, and counts nothing. Proof: every number came back. */
#include "bench/ipc/wait.h"
#include "bench/workloads/raw.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define STOP UINT32_MAX /* tells the odd worker to stop; 0 is no ball at all */

/* How a ball travels: thrown to `slot`, who catches it. catch_ball returns STOP when the way is broken. */
struct way {
    int (*throw_ball)(struct raw_run *, uint32_t to, uint32_t ball);
    uint32_t (*catch_ball)(struct raw_run *, uint32_t slot, uint32_t last);
};

static int line_throw(struct raw_run *run, uint32_t to, uint32_t ball)
{
    atomic_store_explicit(&run->shared->line[to ^ 1].value, ball, memory_order_release);
    return 0;
}

static uint32_t line_catch(struct raw_run *run, uint32_t slot, uint32_t last)
{
    uint64_t ball;
    while ((ball = atomic_load_explicit(&run->shared->line[slot ^ 1].value, memory_order_acquire)) == last || ball == 0)
        wait_pause();
    return (uint32_t)ball;
}

static int futex_throw(struct raw_run *run, uint32_t to, uint32_t ball)
{
    atomic_store(&run->shared->line[to].word, ball);
    futex_wake(&run->shared->line[to].word, 1);
    return 0;
}

static uint32_t futex_catch(struct raw_run *run, uint32_t slot, uint32_t last)
{
    _Atomic uint32_t *word = &run->shared->line[slot].word;
    uint32_t ball;
    while ((ball = atomic_load(word)) == last || ball == 0)
        futex_wait(word, ball, -1);
    return ball;
}

static int end_throw(struct raw_run *run, uint32_t to, uint32_t ball)
{
    return write(run->ends[to ^ 1][1], &ball, sizeof ball) == sizeof ball ? 0 : -1;
}

static uint32_t end_catch(struct raw_run *run, uint32_t slot, uint32_t last)
{
    uint32_t ball;
    (void)last;
    return read(run->ends[slot][0], &ball, sizeof ball) == sizeof ball ? ball : STOP;
}

static int64_t answer(struct raw_run *run, uint32_t slot, const struct way *way)
{
    for (uint32_t ball = 0; (ball = way->catch_ball(run, slot, ball)) != STOP;)
        if (way->throw_ball(run, slot ^ 1, ball))
            return -1;
    return 0;
}

/* The first ball of a window is 1, and both words are empty then: see check_trips(). */
static int64_t trips(struct worker *w, struct raw_run *run, const struct way *way, size_t n)
{
    if (w->slot & 1)
        return answer(run, w->slot, way);
    for (size_t i = 0; i < n; i++) {
        uint32_t ball = (uint32_t)((w->done + i) % (STOP - 1) + 1), last = ball > 1 ? ball - 1 : STOP - 1;
        if (way->throw_ball(run, w->slot ^ 1, ball))
            return -1;
        if (way->catch_ball(run, w->slot, w->done + i ? last : 0) != ball)
            atomic_fetch_add_explicit(&run->shared->line[w->slot].wrong, 1, memory_order_relaxed);
    }
    return (int64_t)n;
}

#define WAY(name)                                                                                                      \
    static const struct way way_##name = {.throw_ball = name##_throw, .catch_ball = name##_catch};                     \
    static int64_t step_##name(struct worker *w, void *ctx, size_t n)                                                  \
    {                                                                                                                  \
        return trips(w, ctx, &way_##name, n);                                                                          \
    }                                                                                                                  \
    static void over_##name(struct worker *w, void *ctx)                                                               \
    {                                                                                                                  \
        if (!(w->slot & 1))                                                                                            \
            way_##name.throw_ball(ctx, w->slot ^ 1, STOP);                                                             \
    }
WAY(line)
WAY(futex)
WAY(end)

static int prepare_line(const struct parameters *p, struct setup *setup, struct error *error)
{
    setup->over = over_line;
    return raw_prepare(p, setup, error);
}

static int prepare_futex(const struct parameters *p, struct setup *setup, struct error *error)
{
    setup->over = over_futex;
    return raw_prepare(p, setup, error);
}

/* Both ways of a pair: two pipes, or the two ends of one socket. */
static int connect_pair(int even[2], int odd[2], bool sockets)
{
    int there[2], back[2];
    if (sockets) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, there))
            return -1;
        back[0] = dup(there[0]);
        back[1] = dup(there[1]);
        even[0] = back[0], even[1] = there[0], odd[0] = there[1], odd[1] = back[1];
        return back[0] < 0 || back[1] < 0 ? -1 : 0;
    }
    if (pipe2(there, O_CLOEXEC))
        return -1;
    odd[0] = there[0], even[1] = there[1];
    if (pipe2(back, O_CLOEXEC))
        return -1;
    even[0] = back[0], odd[1] = back[1];
    return 0;
}

static int prepare_ends(const struct parameters *p, struct setup *setup, bool sockets, struct error *error)
{
    if (raw_prepare(p, setup, error))
        return -1;
    struct raw_run *run = setup->ctx;
    setup->over = over_end;
    run->ends = malloc(run->workers * sizeof *run->ends);
    for (size_t i = 0; run->ends && i < run->workers; i++)
        run->ends[i][0] = run->ends[i][1] = -1;
    int bad = run->ends ? 0 : -1;
    for (size_t i = 0; !bad && i + 1 < run->workers; i += 2)
        bad = connect_pair(run->ends[i], run->ends[i + 1], sockets);
    if (!bad)
        return 0;
    error_system(error, "cannot open the descriptors of %zu workers (limit: ulimit -n)", run->workers);
    raw_release(run);
    setup->ctx = NULL;
    return -1;
}

static int prepare_pipe(const struct parameters *p, struct setup *setup, struct error *error)
{
    return prepare_ends(p, setup, false, error);
}

static int prepare_unix(const struct parameters *p, struct setup *setup, struct error *error)
{
    return prepare_ends(p, setup, true, error);
}

static uint64_t grain_trip(const void *ctx)
{
    (void)ctx;
    return 1;
}

/* Empties the words as well, so that a number left from this window is no ball of the next. */
static int check_trips(struct pool *pool, const uint64_t *done, struct proof *proof, struct error *error)
{
    struct raw_run *run = pool_context(pool);
    uint64_t wrong = 0;
    (void)done, (void)error;
    for (size_t i = 0; i < run->workers; i++) {
        wrong += atomic_exchange(&run->shared->line[i].wrong, 0);
        atomic_store(&run->shared->line[i].value, 0);
        atomic_store(&run->shared->line[i].word, 0);
    }
    *proof = (struct proof){.holds = wrong == 0, .lost = wrong};
    if (wrong)
        snprintf(proof->text, sizeof proof->text, "%llu round trips brought another number back",
                 (unsigned long long)wrong);
    return 0;
}

#define TRIP_WORKLOAD RAW_WORKLOAD, .multiple = 2, .grain = grain_trip, .check = check_trips, .unit = "round trips/s"

const struct workload workload_raw_line_trip = {
    TRIP_WORKLOAD,           .name = "line-trip", .summary = "round trip between two processes through two cache lines",
    .prepare = prepare_line, .step = step_line,
};

const struct workload workload_raw_futex_trip = {
    TRIP_WORKLOAD,
    .name = "futex-trip",
    .summary = "round trip between two processes that sleep on futexes",
    .prepare = prepare_futex,
    .step = step_futex,
};

const struct workload workload_raw_pipe_trip = {
    TRIP_WORKLOAD,           .name = "pipe-trip", .summary = "round trip between two processes through two pipes",
    .prepare = prepare_pipe, .step = step_end,
};

const struct workload workload_raw_unix_trip = {
    TRIP_WORKLOAD,           .name = "unix-trip", .summary = "round trip between two processes through a unix socket",
    .prepare = prepare_unix, .step = step_end,
};
