/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * serial.c - the control: one process, no IPC at all.
 *
 * The caller itself runs every item and every operation on ordinary memory. It is what the work costs without sharing,
 * the baseline of every table, and the cost of the harness itself. */
#include "bench/ipc/board.h"
#include "bench/ipc/loop.h"
#include "bench/ipc/object.h"

static int serial_open(struct pool *pool, struct error *error)
{
    return pool_private_items(pool, error);
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
}

static int serial_map(struct pool *pool, struct error *error)
{
    const struct map_order *order = &pool->board->order;
    struct worker self = {.pool = pool, .slot = 0, .mark = board_mark(pool, 0)};
    unsigned char *in = pool->in, *out = pool->out;
    (void)error;
    for (size_t first = 0; first < order->n; first += order->chunk)
        chunk_run(&self, order, in + first * pool->setup.in_size, out + first * pool->setup.out_size, first,
                  order->n - first < order->chunk ? order->n - first : order->chunk);
    return 0;
}

static int serial_each(struct pool *pool, struct error *error)
{
    struct worker self = {.pool = pool, .slot = 0};
    return loop_run(&self, pool->board->step, 1) ? error_set(error, ERROR_FAILED, "a step failed") : 0;
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
    .role = ROLE_CONTROL_ONLY,
    .workers_most = 1,
    .variants = serial_variants,
    .open = serial_open,
    .stop = serial_stop,
    .close = serial_close,
    .map = serial_map,
    .each = serial_each,
    .create = serial_create,
};
