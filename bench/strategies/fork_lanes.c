/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fork_lanes.c - fork-pool's variant `lanes`: a process at each worker's place forks the children there, so that forks
 * run side by side.
 *
 * Lanes are forked anew for every map, since a child gets its inputs by copy-on-write and so must descend from a
 * process that has them. They take chunks from a shared counter, collect their children's results, and send them to the
 * parent many at a time, so that the parent is seldom woken. */
#include "bench/ipc/memory.h"
#include "bench/strategies/fork_pool.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* What a lane has of its own. */
struct lane {
    struct pool *pool;
    struct fork_slots slots; /* one */
    struct channel up;
    unsigned char *result; /* of the chunk in hand */
};

static int forward(struct lane *lane)
{
    const struct fork_slot *slot = &lane->slots.slot[0];
    struct frame result = {
        .bytes = (uint32_t)slot->result_bytes, .kind = FRAME_RESULT, .first = slot->first, .n = slot->n};
    if (!channel_room(&lane->up, slot->result_bytes) && channel_flush(&lane->up) < 0)
        return -1;
    channel_put(&lane->up, &result, lane->result);
    /* A large one is sent from where it lies, and the next one will lie there too. */
    return slot->result_bytes > CHANNEL_SMALL && channel_flush(&lane->up) < 0 ? -1 : 0;
}

static int run_chunks(struct lane *lane, struct error *error)
{
    struct fork_pool *forks = lane->pool->state;
    const struct map_order *order = &lane->pool->board->order;
    const bool bulky = fork_pool_bulky(lane->pool);
    unsigned which;
    for (uint64_t first; (first = atomic_fetch_add(forks->lane_next, order->chunk)) < order->n;)
        if (fork_pool_launch(&lane->slots.slot[0], lane->pool, first, lane->result, error) ||
            fork_slots_wait(&lane->slots, lane->pool, bulky, fork_pool_place, &which, error) || forward(lane))
            return -1;
    return channel_flush(&lane->up) < 0 ? -1 : 0;
}

static int lane_main(struct worker *self, void *arg)
{
    const struct map_order *order = &self->pool->board->order;
    struct lane lane = {.pool = self->pool};
    struct error error = {.code = ERROR_NONE};
    int *ends = arg;
    close(ends[0]);
    lane.result = memory_unforked(order->chunk * self->pool->setup.out_size);
    if (!lane.result || channel_open(&lane.up, -1, ends[1]) || fork_slots_open(&lane.slots, self->slot, 1, &error) ||
        run_chunks(&lane, &error)) {
        if (error.code != ERROR_NONE)
            board_fault(self->pool, &error);
        return 1;
    }
    return 0;
}

/* --- the parent -------------------------------------------------------------------------------------------------- */

static void *lane_place(void *arg, const struct frame *frame)
{
    struct pool *pool = arg;
    bool fits = frame->first + frame->n <= pool->setup.items && frame->bytes == frame->n * pool->setup.out_size;
    return fits ? (unsigned char *)pool->out + frame->first * pool->setup.out_size : NULL;
}

static int lane_handle(void *arg, const struct frame *frame, const void *payload)
{
    unsigned char *to = lane_place(arg, frame);
    if (!to || frame->kind != FRAME_RESULT)
        return -1;
    if (frame->bytes <= CHANNEL_SMALL)
        memcpy(to, payload, frame->bytes);
    return 0;
}

static int start_lane(struct pool *pool, unsigned slot, struct error *error)
{
    struct fork_pool *forks = pool->state;
    int ends[2];
    if (pipe(ends))
        return error_system(error, "cannot open the pipe of lane %u (limit on descriptors: ulimit -n)", slot);
    int result = child_spawn(&forks->lanes[slot], pool, slot, lane_main, ends, error);
    close(ends[1]);
    if (!result && channel_open(&forks->from_lanes[slot], ends[0], -1))
        return error_system(error, "no memory for a channel");
    if (result)
        close(ends[0]);
    return result;
}

static int reap_lanes(struct pool *pool, unsigned lanes, struct error *error)
{
    struct fork_pool *forks = pool->state;
    for (unsigned i = 0; i < lanes; i++) {
        int status = 0;
        pid_t pid = forks->lanes[i].pid;
        if (child_wait(&forks->lanes[i], &status) || status)
            return child_report(pool, i, pid, status, error);
    }
    return 0;
}

/* Until every lane has closed its pipe. */
static int receive_from_lanes(struct pool *pool, unsigned lanes, struct error *error)
{
    static struct pollfd fds[WORKERS_MAX];
    struct fork_pool *forks = pool->state;
    struct receiver receiver = {.arg = pool, .place = lane_place, .handle = lane_handle};
    for (unsigned i = 0; i < lanes; i++)
        fds[i] = (struct pollfd){.fd = forks->from_lanes[i].in_fd, .events = POLLIN};
    for (unsigned open = lanes; open > 0;) {
        if (poll(fds, lanes, -1) < 0 && errno != EINTR)
            return error_system(error, "cannot wait for %u lanes", lanes);
        for (unsigned i = 0; i < lanes; i++)
            if (fds[i].revents && channel_receive(&forks->from_lanes[i], &receiver) < 0) {
                fds[i].fd = -1;
                open--;
            }
    }
    return reap_lanes(pool, lanes, error);
}

int fork_lanes_map(struct pool *pool, struct error *error)
{
    struct fork_pool *forks = pool->state;
    unsigned lanes = 0;
    int result = 0;
    atomic_store(forks->lane_next, 0);
    for (; lanes < pool->setup.workers && !result; lanes++)
        result = start_lane(pool, lanes, error);
    if (!result)
        result = receive_from_lanes(pool, lanes, error);
    for (unsigned i = 0; i < lanes; i++)
        channel_close(&forks->from_lanes[i]);
    return result;
}
