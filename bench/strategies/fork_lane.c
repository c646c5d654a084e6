/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fork_lane.c - a lane of fork-pool: forks a child per chunk, and sends the results on, many at a time.
 *
 * It is forked anew for every map, since a child gets its inputs by copy-on-write and so must descend from a process
 * that has them. */
#include "bench/strategies/fork_lanes.h"

#include <unistd.h>

/* What a lane has of its own. */
struct lane {
    struct pool *pool;
    struct fork_slots slots; /* one */
    struct child child;
    struct channel up;
    unsigned char *result; /* of the chunk in hand */
};

static struct lane_log *log_of(const struct lane *lane)
{
    return &((struct fork_pool *)lane->pool->state)->lane_page->logs[lane->slots.slot[0].slot];
}

/* The log first, then who has the chunk: so a chunk that the lane has is in its log. */
static void take_down(const struct lane *lane, struct fork_range range)
{
    struct lane_log *log = log_of(lane);
    struct lane_page *page = ((struct fork_pool *)lane->pool->state)->lane_page;
    uint64_t launches = atomic_load_explicit(&log->launches, memory_order_relaxed) + 1;
    atomic_store_explicit(&log->first[launches % 2], range.first, memory_order_relaxed);
    atomic_store_explicit(&log->n[launches % 2], range.n, memory_order_relaxed);
    atomic_store_explicit(&log->launches, launches, memory_order_release);
    atomic_store_explicit(&lane_holders(lane->pool, page)[range.first / lane->pool->board->order.chunk],
                          (uint16_t)(lane->slots.slot[0].slot + 1), memory_order_release);
}

static int forward(struct lane *lane)
{
    const struct fork_slot *slot = &lane->slots.slot[0];
    struct frame result = {
        .bytes = (uint32_t)slot->result_bytes, .kind = FRAME_RESULT, .first = slot->first, .n = slot->n};
    if (!channel_room(&lane->up, slot->result_bytes) && channel_flush(&lane->up) < 0)
        return -1;
    channel_put(&lane->up, &result, lane->result);
    /* A large one is sent from where it lies, and the next one will lie there too. Where deaths are survived, a lane's
     * shall cost no more than what it is at. */
    bool now = slot->result_bytes > CHANNEL_SMALL || lane->pool->setup.deaths > 0;
    return now && channel_flush(&lane->up) < 0 ? -1 : 0;
}

/* The lane leaves with its child: all that came back goes first. */
static int follow(struct lane *lane)
{
    const struct fork_slot *slot = &lane->slots.slot[0];
    const struct lane_death death = {.pid = slot->pid, .status = slot->status};
    const struct frame frame = {.bytes = sizeof death, .kind = FRAME_OBITUARY};
    if ((slot->whole && forward(lane)) || channel_flush(&lane->up) < 0)
        return -1;
    channel_put(&lane->up, &frame, &death);
    channel_flush(&lane->up);
    return -1;
}

static int run(struct lane *lane, struct fork_range range, struct error *error)
{
    struct fork_slot *slot = &lane->slots.slot[0];
    const bool bulky = fork_pool_bulky(lane->pool, range.n);
    unsigned which;
    if (fork_pool_launch(slot, lane->pool, range, lane->result, error) ||
        fork_slots_wait(&lane->slots, bulky, fork_pool_place, NEVER, &which, error) < 0)
        return -1;
    return fork_slot_fine(slot) ? forward(lane) : follow(lane);
}

static int run_chunks(struct lane *lane, struct error *error)
{
    struct lane_page *page = ((struct fork_pool *)lane->pool->state)->lane_page;
    const struct map_order *order = &lane->pool->board->order;
    for (uint64_t first; (first = atomic_fetch_add(&page->next, order->chunk)) < order->n;) {
        uint64_t left = order->n - first;
        struct fork_range range = {.first = first, .n = left < order->chunk ? left : order->chunk};
        take_down(lane, range);
        if (run(lane, range, error))
            return -1;
    }
    return channel_flush(&lane->up) < 0 ? -1 : 0;
}

int fork_lane_main(struct worker *self, void *arg)
{
    const struct lane_birth *birth = arg;
    const struct map_order *order = &self->pool->board->order;
    struct lane lane = {.pool = self->pool};
    struct error error = {.code = ERROR_NONE};
    close(birth->ends[0]);
    lane.result = memory_unforked(order->chunk * self->pool->setup.out_size);
    if (!lane.result || channel_open(&lane.up, -1, birth->ends[1]) ||
        fork_slots_open(&lane.slots, &lane.child, self->slot, 1, 0, &error) ||
        (birth->own.n > 0 && run(&lane, birth->own, &error)) || run_chunks(&lane, &error)) {
        if (error.code != ERROR_NONE)
            board_fault(self->pool, &error);
        return 1;
    }
    return 0;
}
