/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fork_lanes.c - fork-pool's variant `lanes`: a process at each worker's place forks the children there, so that forks
 * run side by side. This is the parent's side.
 *
 * The parent puts down what lanes send, and is seldom woken. When a lane dies, or leaves after its child died, its log
 * and its worker's mark say what it held: results that had not come are lost, but for the items of its last chunk that
 * nobody had begun, which the next lane at this place runs. A lane that is killed takes its child with it, so the
 * parent waits for the end of the pipe, which both had, before it looks. */
#include "bench/strategies/fork_lanes.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LAST_WORDS_NS INT64_C(50000000) /* for the end of a dead lane's pipe, which another may hold open */

/* The parent's end of a lane. */
struct lane_peer {
    struct channel from;
    uint64_t base; /* its mark's count of chunks when it came */
    bool told;     /* of its child's death; */
    struct lane_death death;
};

static size_t page_bytes(const struct pool *pool)
{
    return sizeof(struct lane_page) + pool->setup.workers * sizeof(struct lane_log) +
           (pool->setup.items + 1) * sizeof(_Atomic uint16_t);
}

int fork_lanes_open(struct pool *pool, struct error *error)
{
    struct fork_pool *forks = pool->state;
    unsigned workers = pool->setup.workers;
    forks->lanes = calloc(workers, sizeof *forks->lanes);
    forks->lane_page = memory_shared(page_bytes(pool));
    if (!forks->lanes || !forks->lane_page)
        return error_system(error, "no memory for %u workers", workers);
    for (unsigned i = 0; i < workers; i++)
        forks->lanes[i].from = (struct channel){.in_fd = -1, .out_fd = -1};
    return 0;
}

void fork_lanes_close(struct pool *pool)
{
    struct fork_pool *forks = pool->state;
    memory_free(forks->lane_page, page_bytes(pool));
    free(forks->lanes);
}

/* --- what lanes send --------------------------------------------------------------------------------------------- */

struct sender {
    struct pool *pool;
    struct lane_peer *lane;
};

static void *lane_place(void *arg, const struct frame *frame)
{
    const struct sender *from = arg;
    const struct pool *pool = from->pool;
    bool fits = frame->kind == FRAME_RESULT && frame->n > 0 && frame->n <= pool->setup.items &&
                frame->first <= pool->setup.items - frame->n && frame->bytes == frame->n * pool->setup.out_size;
    return fits ? (unsigned char *)pool->out + frame->first * pool->setup.out_size : NULL;
}

static void is_over(struct pool *pool, uint64_t item)
{
    struct lane_page *page = ((struct fork_pool *)pool->state)->lane_page;
    atomic_store_explicit(&lane_holders(pool, page)[item / pool->board->order.chunk], CHUNK_OVER, memory_order_relaxed);
}

static int lane_handle(void *arg, const struct frame *frame, const void *payload)
{
    struct sender *from = arg;
    if (frame->kind == FRAME_OBITUARY && frame->bytes == sizeof from->lane->death) {
        memcpy(&from->lane->death, payload, sizeof from->lane->death);
        from->lane->told = true;
        return 0;
    }
    unsigned char *to = lane_place(arg, frame);
    if (!to)
        return -1;
    if (frame->bytes <= CHANNEL_SMALL)
        memcpy(to, payload, frame->bytes);
    is_over(from->pool, frame->first);
    return 0;
}

static int receive(struct pool *pool, struct lane_peer *lane)
{
    struct sender sender = {.pool = pool, .lane = lane};
    struct receiver receiver = {.arg = &sender, .place = lane_place, .handle = lane_handle};
    return channel_receive(&lane->from, &receiver);
}

/* --- starting ---------------------------------------------------------------------------------------------------- */

/* A lane that runs `own` first, if that is any. */
static int start_lane(struct pool *pool, unsigned slot, struct fork_range own, struct error *error)
{
    struct fork_pool *forks = pool->state;
    struct lane_peer *lane = &forks->lanes[slot];
    struct lane_log *log = &forks->lane_page->logs[slot];
    struct lane_birth birth = {.own = own};
    if (pipe(birth.ends))
        return error_system(error, "cannot open the pipe of lane %u (limit on descriptors: ulimit -n)", slot);
    lane->told = false;
    lane->base = atomic_load(&board_mark(pool, slot)->begun);
    atomic_store(&log->launches, own.n > 0);
    atomic_store(&log->first[1], own.first);
    atomic_store(&log->n[1], own.n);
    int result = child_spawn(&pool->roster[slot], pool, slot, fork_lane_main, &birth, error);
    close(birth.ends[1]);
    if (result) {
        close(birth.ends[0]);
        return result;
    }
    return channel_open(&lane->from, birth.ends[0], -1) ? error_system(error, "no memory for a channel") : 0;
}

/* --- deaths ------------------------------------------------------------------------------------------------------ */

/* Whose results had not left the lane; the range that it had last is not among them. */
static void lose_gathered(struct pool *pool, const struct obituary *o, struct fork_range last)
{
    const struct map_order *order = &pool->board->order;
    _Atomic uint16_t *holders = lane_holders(pool, ((struct fork_pool *)pool->state)->lane_page);
    for (uint64_t chunk = 0, first = 0; first < order->n; chunk++, first += order->chunk) {
        if (atomic_load_explicit(&holders[chunk], memory_order_relaxed) != o->slot + 1 ||
            (last.n > 0 && last.first / order->chunk == chunk))
            continue;
        board_lost(pool, o, first, order->n - first < order->chunk ? order->n - first : order->chunk);
        atomic_store(&holders[chunk], CHUNK_OVER);
    }
}

/* What another lane shall run of what a dead one had. */
static struct fork_range settle(struct pool *pool, const struct lane_peer *lane, const struct obituary *o)
{
    struct lane_page *page = ((struct fork_pool *)pool->state)->lane_page;
    const struct lane_log *log = &page->logs[o->slot];
    uint64_t launches = atomic_load(&log->launches);
    struct fork_range last = {.first = atomic_load(&log->first[launches % 2]), .n = atomic_load(&log->n[launches % 2])};
    if (launches == 0)
        last.n = 0;
    lose_gathered(pool, o, last);
    if (last.n == 0 || atomic_load(&lane_holders(pool, page)[last.first / pool->board->order.chunk]) == CHUNK_OVER)
        return (struct fork_range){.n = 0};
    if (o->begun - lane->base < launches)
        return last;
    struct fork_range rest = fork_pool_lost(pool, o, last);
    if (rest.n == 0)
        is_over(pool, last.first);
    return rest;
}

/* Starts the next lane at a dead one's place, where there is something left to do: 1, 0, or -1. */
static int succeed(struct pool *pool, unsigned slot, pid_t pid, int status, struct error *error)
{
    struct fork_pool *forks = pool->state;
    struct lane_peer *lane = &forks->lanes[slot];
    struct obituary o;
    board_obituary(pool, slot, lane->told ? lane->death.pid : pid, lane->told ? lane->death.status : status, &o);
    struct fork_range rest = settle(pool, lane, &o);
    if (pool_survives(pool, &o, error))
        return o.n > 0 ? fork_pool_blame(&o, (struct fork_range){.first = o.first, .n = o.n}, error) : -1;
    if (rest.n == 0 && atomic_load(&forks->lane_page->next) >= pool->board->order.n)
        return 0;
    return start_lane(pool, slot, rest, error) ? -1 : 1;
}

/* --- the map ----------------------------------------------------------------------------------------------------- */

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Of a lane that has ended. Whoever else has its pipe does not hold us up for long. */
static void hear_out(struct pool *pool, struct lane_peer *lane, int64_t most_ns)
{
    struct pollfd p = {.fd = lane->from.in_fd, .events = POLLIN};
    const int64_t until = now_ns() + most_ns;
    for (int got = 1; got != 0;) {
        int64_t left = until - now_ns();
        got = poll(&p, 1, left > 0 ? (int)(left / 1000000) + 1 : 0);
        if (got > 0 && receive(pool, lane) < 0)
            return;
    }
}

/* The lane's pipe has ended, or the lane has: 1 another stands at its place, 0 none does, -1. */
static int lane_ended(struct pool *pool, unsigned slot, bool pipe_ended, struct error *error)
{
    struct lane_peer *lane = &((struct fork_pool *)pool->state)->lanes[slot];
    pid_t pid = pool->roster[slot].pid;
    int status = 0;
    if (child_wait(&pool->roster[slot], &status))
        return error_system(error, "cannot wait for lane %u", slot);
    if (!pipe_ended)
        hear_out(pool, lane, status ? LAST_WORDS_NS : 0);
    channel_close(&lane->from);
    return status ? succeed(pool, slot, pid, status, error) : 0;
}

/* What poll() found of a lane. 1 it still stands, or another does; 0, -1. */
static int serve_lane(struct pool *pool, unsigned slot, const struct pollfd fds[2], struct error *error)
{
    struct lane_peer *lane = &((struct fork_pool *)pool->state)->lanes[slot];
    if (fds[0].revents == 0)
        return fds[1].revents ? lane_ended(pool, slot, false, error) : 1;
    if (receive(pool, lane) >= 0)
        return 1;
    /* One that sends nonsense would not end by itself. */
    if (errno != 0)
        syscall(SYS_pidfd_send_signal, pool->roster[slot].pidfd, SIGKILL, NULL, 0);
    return lane_ended(pool, slot, true, error);
}

static void watch(struct pool *pool, unsigned slot, struct pollfd fds[2])
{
    const struct lane_peer *lane = &((struct fork_pool *)pool->state)->lanes[slot];
    bool stands = pool->roster[slot].pid > 0;
    fds[0] = (struct pollfd){.fd = stands ? lane->from.in_fd : -1, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = stands ? pool->roster[slot].pidfd : -1, .events = POLLIN};
}

/* Until every lane of the first so many places is over. */
static int serve_lanes(struct pool *pool, unsigned lanes, struct error *error)
{
    static struct pollfd fds[2 * WORKERS_MAX];
    for (unsigned i = 0; i < lanes; i++)
        watch(pool, i, &fds[2 * i]);
    for (unsigned open = lanes; open > 0;) {
        int got = poll(fds, 2 * lanes, -1);
        if (got < 0 && errno != EINTR)
            return error_system(error, "cannot wait for %u lanes", lanes);
        for (unsigned i = 0; got > 0 && i < lanes; i++) {
            pid_t pid = pool->roster[i].pid;
            if (!fds[2 * i].revents && !fds[2 * i + 1].revents)
                continue;
            int stands = serve_lane(pool, i, &fds[2 * i], error);
            if (stands < 0)
                return -1;
            if (pool->roster[i].pid != pid)
                watch(pool, i, &fds[2 * i]);
            open -= stands == 0;
        }
    }
    return 0;
}

/* What a lane took and died before it had put it down; nobody has it. */
static int serve_left_over(struct pool *pool, struct error *error)
{
    const struct map_order *order = &pool->board->order;
    _Atomic uint16_t *holders = lane_holders(pool, ((struct fork_pool *)pool->state)->lane_page);
    for (uint64_t chunk = 0, first = 0; first < order->n; chunk++, first += order->chunk) {
        uint64_t left = order->n - first;
        struct fork_range range = {.first = first, .n = left < order->chunk ? left : order->chunk};
        if (atomic_load(&holders[chunk]) == CHUNK_FREE &&
            (start_lane(pool, 0, range, error) || serve_lanes(pool, 1, error)))
            return -1;
        if (atomic_load(&holders[chunk]) != CHUNK_OVER)
            return error_set(error, ERROR_BROKEN, "a lane left without the results of item %llu",
                             (unsigned long long)first);
    }
    return 0;
}

/* The map broke off: what has come is there, the rest will not come. */
static void cancel(struct pool *pool)
{
    const struct map_order *order = &pool->board->order;
    _Atomic uint16_t *holders = lane_holders(pool, ((struct fork_pool *)pool->state)->lane_page);
    board_cancelled(pool, 0, 0);
    for (uint64_t i = 0; i < order->n; i++)
        if (atomic_load(&holders[i / order->chunk]) != CHUNK_OVER && pool_outcome(pool, i) == OUTCOME_DONE)
            board_cancelled(pool, i, 1);
}

int fork_lanes_map(struct pool *pool, struct error *error)
{
    struct fork_pool *forks = pool->state;
    const struct map_order *order = &pool->board->order;
    unsigned lanes = 0;
    int result = 0;
    atomic_store(&forks->lane_page->next, 0);
    memset((void *)lane_holders(pool, forks->lane_page), 0, (order->n / order->chunk + 1) * sizeof(uint16_t));
    for (; lanes < pool->setup.workers && !result; lanes++)
        result = start_lane(pool, lanes, (struct fork_range){.n = 0}, error);
    if (!result)
        result = serve_lanes(pool, lanes, error);
    if (!result)
        result = serve_left_over(pool, error);
    if (result)
        cancel(pool);
    for (unsigned i = 0; i < pool->setup.workers; i++)
        channel_close(&forks->lanes[i].from);
    return result;
}
