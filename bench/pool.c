/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * pool.c - what every strategy's pool has in common: checks, the objects' table, and handing over to the strategy. */
#include "bench/ipc/loop.h"
#include "bench/ipc/memory.h"
#include "bench/strategy.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define CHUNK_BYTES_MOST ((size_t)1 << 31) /* of one message */

static int born_nowhere(void *arg, uint32_t slot, struct error *error)
{
    (void)arg, (void)slot, (void)error;
    return 0;
}

static int fork_anywhere(void *arg, uint32_t slot)
{
    (void)arg, (void)slot;
    return 0;
}

static void forked_anywhere(void *arg, int before)
{
    (void)arg, (void)before;
}

static void gate_open(void *arg, uint32_t slot, unsigned parties)
{
    (void)arg, (void)slot, (void)parties;
}

static size_t next_none(void *arg, uint32_t slot, size_t done, bool more)
{
    (void)arg, (void)slot, (void)done, (void)more;
    return 0;
}

static int check_setup(const struct strategy *strategy, const struct setup *setup, struct error *error)
{
    if (setup->workers < 1 || setup->workers > WORKERS_MAX)
        return error_set(error, ERROR_USE, "a pool has 1 to %d workers, not %u", WORKERS_MAX, setup->workers);
    if (strategy->workers_most && setup->workers > strategy->workers_most)
        return error_set(error, ERROR_USE, "%s has at most %u worker(s)", strategy->name, strategy->workers_most);
    if (setup->items > 0 && (setup->in_size == 0 || setup->out_size == 0))
        return error_set(error, ERROR_USE, "an item and its result have at least 1 byte");
    return 0;
}

static void complete(struct pool *pool)
{
    struct hooks *hooks = &pool->setup.hooks;
    hooks->born = hooks->born ? hooks->born : born_nowhere;
    hooks->before_fork = hooks->before_fork ? hooks->before_fork : fork_anywhere;
    hooks->after_fork = hooks->after_fork ? hooks->after_fork : forked_anywhere;
    hooks->gate = hooks->gate ? hooks->gate : gate_open;
    hooks->next = hooks->next ? hooks->next : next_none;
    pool->parent = (struct worker){.pool = pool, .slot = SLOT_PARENT};
    pool->service = getpid();
}

int pool_open(struct pool **out, const struct strategy *strategy, const struct setup *setup, struct error *error)
{
    *out = NULL;
    if (check_setup(strategy, setup, error))
        return -1;
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return error_system(error, "no memory for a pool");
    pool->strategy = strategy;
    pool->variant = &strategy->variants[setup->variant];
    pool->setup = *setup;
    complete(pool);
    /* A peer that has died shows as EPIPE at the write that meets it. */
    signal(SIGPIPE, SIG_IGN);
    pool->fault = memory_shared(sizeof *pool->fault);
    if (!pool->fault) {
        error_system(error, "no shared memory for a pool");
        goto free_pool;
    }
    if (strategy->open(pool, error))
        goto free_fault;
    *out = pool;
    return 0;
free_fault:
    memory_free(pool->fault, sizeof *pool->fault);
free_pool:
    free(pool);
    return -1;
}

int pool_start(struct pool *pool, struct error *error)
{
    pool->started = true;
    return pool->strategy->start ? pool->strategy->start(pool, error) : 0;
}

int pool_close(struct pool *pool, int64_t grace_ns, struct error *error)
{
    if (!pool)
        return 0;
    int result = pool->strategy->close(pool, grace_ns, error);
    memory_free(pool->fault, sizeof *pool->fault);
    free(pool);
    return result;
}

void *pool_in(struct pool *pool)
{
    return pool->in;
}

void *pool_out(struct pool *pool)
{
    return pool->out;
}

int pool_map(struct pool *pool, items_fn *fn, uint64_t argument, size_t n, size_t chunk, struct error *error)
{
    if (n > pool->setup.items)
        return error_set(error, ERROR_USE, "a map of %zu items in a pool for %zu", n, pool->setup.items);
    if (chunk == 0)
        return error_set(error, ERROR_USE, "a chunk has at least 1 item");
    if (n == 0)
        return 0;
    size_t widest = pool->setup.in_size > pool->setup.out_size ? pool->setup.in_size : pool->setup.out_size;
    if ((chunk < n ? chunk : n) > CHUNK_BYTES_MOST / widest)
        return error_set(error, ERROR_USE, "a chunk of %zu items of %zu bytes is over 2 GiB: take a smaller one", chunk,
                         widest);
    return pool->strategy->map(pool, fn, argument, n, chunk < n ? chunk : n, error);
}

int pool_each(struct pool *pool, step_fn *step, struct error *error)
{
    return pool->strategy->each(pool, step, error);
}

int pool_drive(struct pool *pool, step_fn *step, struct error *error)
{
    struct error reason = {.code = ERROR_NONE};
    pool->parent.error = &reason;
    int result = loop_run(&pool->parent, step, 1);
    if (result && reason.code == ERROR_NONE)
        error_set(&reason, ERROR_FAILED, "a step failed in the parent");
    if (result && error)
        *error = reason;
    pool->parent.error = NULL;
    return result;
}

pid_t pool_service(const struct pool *pool)
{
    return pool->service;
}

unsigned pool_depth(const struct pool *pool, size_t chunk)
{
    return pool->strategy->depth ? pool->strategy->depth(pool, chunk) : 0;
}

unsigned pool_workers(const struct pool *pool)
{
    return pool->setup.workers;
}

void *pool_context(const struct pool *pool)
{
    return pool->setup.ctx;
}

struct worker *pool_parent(struct pool *pool)
{
    return &pool->parent;
}

static struct object *object_new(struct pool *pool, enum object_kind kind, size_t element_size, size_t capacity,
                                 struct error *error)
{
    enum need need = kind == OBJECT_COUNTER ? NEED_COUNTER : NEED_LIST;
    if (pool->variant->lacks[need]) {
        error_set(error, ERROR_USE, "%s", pool->variant->lacks[need]);
        return NULL;
    }
    if (pool->started || pool->object_count == OBJECTS_MAX) {
        error_set(error, ERROR_USE, "objects, at most %d, are made before the pool starts", OBJECTS_MAX);
        return NULL;
    }
    struct object *object = &pool->objects[pool->object_count];
    *object = (struct object){
        .pool = pool,
        .kind = kind,
        .index = pool->object_count,
        .element_size = element_size,
        .capacity = capacity,
    };
    if (pool->strategy->create(object, error))
        return NULL;
    pool->object_count++;
    return object;
}

struct object *counter_new(struct pool *pool, struct error *error)
{
    return object_new(pool, OBJECT_COUNTER, sizeof(int64_t), 1, error);
}

struct object *list_new(struct pool *pool, size_t element_size, size_t capacity, struct error *error)
{
    return object_new(pool, OBJECT_LIST, element_size, capacity, error);
}

int pool_private_items(struct pool *pool, struct error *error)
{
    const struct setup *s = &pool->setup;
    if (s->items == 0)
        return 0;
    pool->in = memory_private(s->items * s->in_size);
    pool->out = memory_private(s->items * s->out_size);
    if (pool->in && pool->out)
        return 0;
    error_system(error, "no memory for %zu items", s->items);
    pool_free_items(pool);
    return -1;
}

void pool_free_items(struct pool *pool)
{
    memory_free(pool->in, pool->setup.items * pool->setup.in_size);
    memory_free(pool->out, pool->setup.items * pool->setup.out_size);
    pool->in = pool->out = NULL;
}
