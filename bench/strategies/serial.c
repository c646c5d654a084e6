/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * serial.c - the control: one process, no IPC at all.
 *
 * The caller itself runs every item and every operation on ordinary memory. It is what the work costs without sharing,
 * the baseline of every table, and the cost of the harness itself. An applied item runs when somebody waits for one,
 * each turn the oldest: applying does not wait for it, and what was not waited for can still be cancelled. */
#include "bench/ipc/board.h"
#include "bench/ipc/loop.h"
#include "bench/ipc/object.h"
#include "bench/ipc/task.h"

#include <stdlib.h>

/* Applied items that nobody has run yet, the oldest first: setup.window places in a ring. */
struct queue {
    unsigned first, count;
    unsigned tickets[];
};

static int serial_open(struct pool *pool, struct error *error)
{
    struct queue *queue = calloc(1, sizeof *queue + pool->setup.window * sizeof *queue->tickets);
    if (!queue)
        return error_system(error, "no memory for a pool");
    pool->state = queue;
    if (pool_private_items(pool, error) == 0)
        return 0;
    free(queue);
    return -1;
}

static int serial_stop(struct pool *pool, int64_t grace_ns, struct error *error)
{
    (void)pool, (void)grace_ns, (void)error;
    return 0;
}

static void serial_close(struct pool *pool)
{
    for (unsigned i = 0; i < pool->object_count; i++)
        object_state_free(&pool->objects[i]);
    pool_free_items(pool);
    free(pool->state);
}

/* What runs here is in the opener's process, but not in its place. */
static struct worker worker_here(struct pool *pool)
{
    return (struct worker){.pool = pool, .slot = 0, .mark = board_mark(pool, 0)};
}

static int serial_map(struct pool *pool, struct error *error)
{
    const struct map_order *order = &pool->board->order;
    struct worker self = worker_here(pool);
    unsigned char *in = pool->in, *out = pool->out;
    (void)error;
    pool->within = true;
    for (size_t first = 0; first < order->n; first += order->chunk)
        chunk_run(&self, order, in + first * pool->setup.in_size, out + first * pool->setup.out_size, first,
                  order->n - first < order->chunk ? order->n - first : order->chunk);
    pool->within = false;
    return 0;
}

static int serial_post(struct pool *pool, unsigned ticket, struct error *error)
{
    struct queue *queue = pool->state;
    (void)error;
    queue->tickets[(queue->first + queue->count++) % pool->setup.window] = ticket;
    return 0;
}

static int serial_turn(struct pool *pool, int64_t timeout_ns, struct error *error)
{
    struct queue *queue = pool->state;
    struct worker self = worker_here(pool);
    (void)timeout_ns, (void)error;
    if (queue->count == 0)
        return 0;
    unsigned ticket = queue->tickets[queue->first];
    queue->first = (queue->first + 1) % pool->setup.window;
    queue->count--;
    pool->within = true;
    int result = posting_run(&self, ticket, task_input(pool, ticket), task_output(pool, ticket));
    pool->within = false;
    task_over(pool, ticket, result != 0);
    return 0;
}

static int serial_each(struct pool *pool, struct error *error)
{
    struct worker self = worker_here(pool);
    pool->within = true;
    int result = loop_run(&self, pool->board->step, 1);
    pool->within = false;
    return result ? error_set(error, ERROR_FAILED, "a step failed") : 0;
}

static int serial_create(struct object *object, struct error *error)
{
    object->call = object_call_here;
    return object_state_new(object, error);
}

static const struct variant serial_variants[] = {
    {
        .name = "plain",
        .summary = "one process, a loop",
        .visible = "there are no others",
        .lacks = {[NEED_RAW] = "a raw operation belongs to limits"},
    },
    {.name = NULL},
};

const struct strategy strategy_serial = {
    .name = "serial",
    .summary = "one process and no IPC: the control",
    .does_map = "a loop",
    .does_counter = "a local add",
    .does_list = "a local append",
    .does_array = "a local add",
    .does_dict = "a local put",
    .does_lock = "nothing to wait for: there are no others",
    .does_async = "a local call, when its result is waited for",
    .role = ROLE_CONTROL_ONLY,
    .workers_most = 1,
    .variants = serial_variants,
    .open = serial_open,
    .stop = serial_stop,
    .close = serial_close,
    .map = serial_map,
    .each = serial_each,
    .create = serial_create,
    .post = serial_post,
    .turn = serial_turn,
};
