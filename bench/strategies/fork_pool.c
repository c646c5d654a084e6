/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fork_pool.c - a child is forked for every chunk, and its end is the message that it is done.
 *
 * Inputs reach the child by copy-on-write; its report comes back through its slot's pipe (fork_task.h). A child
 * works on private copies of the objects: what it added or appended is merged into the parent's when it ends, and
 * counts only then. At most one child per worker lives at a time. In the variant `lanes` a process bound to each
 * worker's place does the forking there, so that forks run side by side. It isolates best and costs most. */
#include "bench/strategies/fork_pool.h"
#include "bench/ipc/memory.h"
#include "bench/ipc/object.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RESULT_ON_STACK 2048

/* --- opening and closing ----------------------------------------------------------------------------------------- */

static void fork_free(struct pool *pool)
{
    struct fork_pool *forks = pool->state;
    fork_slots_close(&forks->slots);
    for (unsigned i = 0; i < pool->object_count; i++)
        object_state_free(&pool->objects[i]);
    pool_free_items(pool);
    memory_free(forks->lane_next, sizeof *forks->lane_next);
    free(forks->from_lanes);
    free(forks->lanes);
    free(forks);
}

/* Children have no use for the results of others. */
static int allocate_items(struct pool *pool, struct error *error)
{
    const struct setup *s = &pool->setup;
    if (s->items == 0)
        return 0;
    pool->in = memory_private(s->items * s->in_size);
    pool->out = memory_unforked(s->items * s->out_size);
    return pool->in && pool->out ? 0 : error_system(error, "no memory for %zu items", s->items);
}

static int allocate_lanes(struct pool *pool, struct error *error)
{
    struct fork_pool *forks = pool->state;
    unsigned workers = pool->setup.workers;
    forks->lanes = calloc(workers, sizeof *forks->lanes);
    forks->from_lanes = calloc(workers, sizeof *forks->from_lanes);
    forks->lane_next = memory_shared(sizeof *forks->lane_next);
    if (!forks->lanes || !forks->from_lanes || !forks->lane_next)
        return error_system(error, "no memory for %u workers", workers);
    for (unsigned i = 0; i < workers; i++)
        forks->from_lanes[i] = (struct channel){.in_fd = -1, .out_fd = -1};
    return 0;
}

static int fork_open(struct pool *pool, struct error *error)
{
    struct fork_pool *forks = calloc(1, sizeof *forks);
    if (!forks)
        return error_system(error, "no memory for a pool");
    pool->state = forks;
    if (fork_slots_open(&forks->slots, 0, pool->setup.workers, error) == 0 && allocate_lanes(pool, error) == 0 &&
        allocate_items(pool, error) == 0)
        return 0;
    fork_free(pool);
    return -1;
}

/* Children are left only where a call failed half way: nobody reads what they have to say, so they are not waited for.
 */
static int fork_stop(struct pool *pool, int64_t grace_ns, struct error *error)
{
    struct fork_pool *forks = pool->state;
    int result = children_reap(forks->lanes, pool->setup.workers, grace_ns, pool, error);
    for (unsigned i = 0; i < pool->setup.workers; i++)
        if (children_reap(&forks->slots.slot[i].child, 1, 0, pool, error))
            result = -1;
    return result;
}

static void fork_close(struct pool *pool)
{
    fork_free(pool);
}

/* --- a map, forked by the parent --------------------------------------------------------------------------------- */

static int map_child(struct worker *self, void *arg)
{
    const struct fork_job *job = arg;
    struct pool *pool = self->pool;
    const struct map_order *order = &pool->board->order;
    unsigned char small[RESULT_ON_STACK] __attribute__((aligned(16)));
    size_t bytes = job->n * pool->setup.out_size;
    unsigned char *out = bytes <= sizeof small ? small : memory_private(bytes);
    if (!out)
        return 1;
    chunk_run(self, order, (unsigned char *)pool->in + job->first * pool->setup.in_size, out, job->first, job->n);
    return fork_report(job, &(struct report){.bytes = bytes, .steps = 1}, out);
}

/* Where the launcher said; NULL for a report of another size. */
unsigned char *fork_pool_place(struct fork_slot *slot)
{
    return slot->report.bytes == slot->result_bytes ? slot->result : NULL;
}

bool fork_pool_bulky(const struct pool *pool)
{
    const struct map_order *order = &pool->board->order;
    return sizeof(struct report) + order->chunk * pool->setup.out_size > FORK_REPORT_SURE;
}

int fork_pool_launch(struct fork_slot *slot, struct pool *pool, uint64_t first, unsigned char *result,
                     struct error *error)
{
    const struct map_order *order = &pool->board->order;
    slot->first = first;
    slot->n = order->n - first < order->chunk ? order->n - first : order->chunk;
    slot->result = result;
    slot->result_bytes = slot->n * pool->setup.out_size;
    return fork_slot_launch(slot, pool, map_child, error);
}

static int launch_task(struct fork_slot *slot, struct pool *pool, uint64_t first, struct error *error)
{
    return fork_pool_launch(slot, pool, first, (unsigned char *)pool->out + first * pool->setup.out_size, error);
}

static int map_from_parent(struct pool *pool, struct error *error)
{
    struct fork_pool *forks = pool->state;
    const struct map_order *order = &pool->board->order;
    const bool bulky = fork_pool_bulky(pool);
    unsigned alive = 0;
    uint64_t next = 0;
    for (; alive < forks->slots.count && next < order->n; alive++, next += order->chunk)
        if (launch_task(&forks->slots.slot[alive], pool, next, error))
            return -1;
    while (alive > 0) {
        unsigned which;
        if (fork_slots_wait(&forks->slots, pool, bulky, fork_pool_place, &which, error))
            return -1;
        if (next >= order->n) {
            alive--;
            continue;
        }
        if (launch_task(&forks->slots.slot[which], pool, next, error))
            return -1;
        next += order->chunk;
    }
    return 0;
}

/* --- both ways ---------------------------------------------------------------------------------------------------- */

static int fork_map(struct pool *pool, struct error *error)
{
    return pool->setup.variant == FORK_LANES ? fork_lanes_map(pool, error) : map_from_parent(pool, error);
}

/* --- operations on objects --------------------------------------------------------------------------------------- */

/* In a report, after each other: a counter's delta, 8 bytes; a list's new elements, their count and then themselves. */
static size_t gather_changes(struct pool *pool, const struct object_state *before, unsigned char *to)
{
    size_t used = 0;
    for (unsigned i = 0; i < pool->object_count; i++) {
        const struct object *object = &pool->objects[i];
        const struct object_state *now = object->state;
        uint64_t change = object->kind == OBJECT_COUNTER ? now->value - before[i].value : now->count - before[i].count;
        size_t bytes = object->kind == OBJECT_COUNTER ? 0 : change * object->element_size;
        if (to) {
            memcpy(to + used, &change, sizeof change);
            if (bytes > 0)
                memcpy(to + used + sizeof change, now->data + before[i].count * object->element_size, bytes);
        }
        used += sizeof change + bytes;
    }
    return used;
}

static int step_child(struct worker *self, void *arg)
{
    const struct fork_job *job = arg;
    struct pool *pool = self->pool;
    struct object_state before[OBJECTS_MAX];
    unsigned char small[RESULT_ON_STACK];
    for (unsigned i = 0; i < pool->object_count; i++)
        before[i] = *(struct object_state *)pool->objects[i].state;
    self->done = job->done;
    int64_t did = pool->board->step(self, pool->setup.ctx, 1);
    size_t bytes = gather_changes(pool, before, NULL);
    unsigned char *changes = bytes <= sizeof small ? small : memory_private(bytes);
    if (!changes)
        return 1;
    gather_changes(pool, before, changes);
    struct report report = {.bytes = bytes, .steps = did > 0 ? (uint64_t)did : 0, .failed = did < 0};
    return fork_report(job, &report, changes);
}

static bool lists_have_room(const struct pool *pool, const unsigned char *changes)
{
    for (unsigned i = 0; i < pool->object_count; i++) {
        const struct object *object = &pool->objects[i];
        uint64_t change;
        memcpy(&change, changes, sizeof change);
        changes += sizeof change;
        if (object->kind == OBJECT_COUNTER)
            continue;
        if (change > object->capacity - ((struct object_state *)object->state)->count)
            return false;
        changes += change * object->element_size;
    }
    return true;
}

/* All of a child's changes or, when a list has filled up meanwhile, none: then its step is not done. */
static void merge(struct pool *pool, struct fork_slot *slot)
{
    const unsigned char *changes = slot->buffer;
    if (slot->report.steps == 0 || !lists_have_room(pool, changes)) {
        slot->report.steps = 0;
        return;
    }
    for (unsigned i = 0; i < pool->object_count; i++) {
        struct object *object = &pool->objects[i];
        uint64_t change;
        memcpy(&change, changes, sizeof change);
        changes += sizeof change;
        if (object->kind == OBJECT_COUNTER) {
            ((struct object_state *)object->state)->value += change;
            continue;
        }
        object_apply(object, &(struct call){.verb = VERB_APPEND, .in = changes, .n = change});
        changes += change * object->element_size;
    }
}

static bool reports_are_bulky(const struct pool *pool)
{
    for (unsigned i = 0; i < pool->object_count; i++)
        if (pool->objects[i].kind == OBJECT_LIST)
            return true;
    return false;
}

/* Asks the clock when the grains asked for are done. Returns 1 when a child was launched, 0 when the slot is over. */
static int go_on(struct pool *pool, struct fork_slot *slot, bool more, struct error *error)
{
    const struct hooks *hooks = &pool->setup.hooks;
    if (slot->wanted == 0 || !more)
        slot->wanted = hooks->next(hooks->arg, slot->slot, slot->done, more);
    if (slot->wanted == 0)
        return 0;
    return fork_slot_launch(slot, pool, step_child, error) ? -1 : 1;
}

static int fork_each(struct pool *pool, struct error *error)
{
    struct fork_pool *forks = pool->state;
    unsigned workers = pool->setup.workers, alive = 0;
    bool bulk = reports_are_bulky(pool);
    pool->setup.hooks.gate(pool->setup.hooks.arg, SLOT_PARENT, 1);
    for (unsigned i = 0; i < workers; i++) {
        forks->slots.slot[i].done = forks->slots.slot[i].wanted = 0;
        int launched = go_on(pool, &forks->slots.slot[i], true, error);
        if (launched < 0)
            return -1;
        alive += (unsigned)launched;
    }
    while (alive > 0) {
        unsigned which;
        if (fork_slots_wait(&forks->slots, pool, bulk, fork_slot_buffer, &which, error))
            return -1;
        struct fork_slot *slot = &forks->slots.slot[which];
        merge(pool, slot);
        slot->done += slot->report.steps;
        slot->wanted--;
        int launched = go_on(pool, slot, slot->report.steps > 0, error);
        if (launched < 0)
            return -1;
        alive -= launched == 0;
    }
    return 0;
}

static int fork_create(struct object *object, struct error *error)
{
    object->call = object_call_here;
    return object_state_new(object, error);
}

#define LANES_MAP_ONLY "this variant changes the map only"

/* In the order of enum fork_variant. */
static const struct variant fork_variants[] = {
    {
        .name = "parent",
        .summary = "the parent forks every child",
        .visible = "at join",
        .lacks = {[NEED_RAW] = "a raw operation belongs to limits", [NEED_PROCESS] = PROCESS_IS_ALONE},
        .limit = {[NEED_MAP] = "fork-wait", [NEED_COUNTER] = "fork-wait", [NEED_LIST] = "fork-wait"},
        .limit_carries_chunk = {true, true, true, false},
    },
    {
        .name = "lanes",
        .summary = "a process at each worker's place forks there",
        .visible = "at join",
        .lacks = {[NEED_COUNTER] = LANES_MAP_ONLY,
                  [NEED_LIST] = LANES_MAP_ONLY,
                  [NEED_RAW] = "a raw operation belongs to limits",
                  [NEED_PROCESS] = PROCESS_IS_ALONE},
        .limit = {[NEED_MAP] = "fork-wait"},
        .limit_carries_chunk = {true, true, true, false},
    },
    {.name = NULL},
};

const struct strategy strategy_fork_pool = {
    .name = "fork-pool",
    .summary = "a child is forked for every chunk; its end is the message that it is done",
    .does_map =
        "the parent forks a child per chunk, at most one per worker at a time; inputs by copy-on-write; results "
        "back through the child's own pipe (variant lanes: a process bound to each worker's place forks there)",
    .does_counter = "each child adds to its private copy; its delta is merged when it ends, and counts only then",
    .does_list = "each child appends to a private segment, merged when it ends",
    .role = ROLE_COMPARED,
    .serves = true,
    .variants = fork_variants,
    .open = fork_open,
    .stop = fork_stop,
    .close = fork_close,
    .map = fork_map,
    .each = fork_each,
    .create = fork_create,
};
