/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * crew.c - the page through which standing workers are commanded. */
#include "bench/ipc/crew.h"
#include "bench/ipc/loop.h"
#include "bench/ipc/memory.h"
#include "bench/ipc/wait.h"

#define LOOKS   64       /* before sleeping: about a microsecond */
#define TICK_NS 20000000 /* how often the sleeping parent looks after its children */

/* epoch: written by the parent, read by all. running: written by all. Command: written by the parent while nobody runs;
 * the release of epoch publishes it. */
struct crew_page {
    _Alignas(LINE_APART) _Atomic uint32_t epoch;
    _Alignas(LINE_APART) _Atomic uint32_t running;
    _Alignas(LINE_APART) _Atomic uint32_t failed;
    _Alignas(LINE_APART) enum crew_command command;
    bool leave;
};

int crew_open(struct crew *crew, struct pool *pool, crew_fn *run, struct error *error)
{
    *crew = (struct crew){.pool = pool, .run = run};
    crew->page = memory_shared(sizeof *crew->page);
    return crew->page ? 0 : error_system(error, "no shared memory for %u workers", pool->setup.workers);
}

static void await_epoch(struct crew_page *page, uint32_t seen)
{
    for (unsigned looks = 0; atomic_load_explicit(&page->epoch, memory_order_acquire) == seen; looks++) {
        if (looks < LOOKS)
            wait_pause();
        else
            futex_wait(&page->epoch, seen, -1);
    }
}

static int crew_main(struct worker *self, void *arg)
{
    struct crew *crew = arg;
    struct crew_page *page = crew->page;
    for (uint32_t seen = 0;; seen++) {
        await_epoch(page, seen);
        if (page->leave)
            return 0;
        if (crew->run(self, page->command))
            atomic_store(&page->failed, 1);
        if (atomic_fetch_sub(&page->running, 1) == 1)
            futex_wake(&page->running, 1);
    }
}

int crew_start(struct crew *crew, struct error *error)
{
    for (unsigned i = 0; i < crew->pool->setup.workers; i++)
        if (child_spawn(&crew->pool->roster[i], crew->pool, i, crew_main, crew, error))
            return -1;
    return 0;
}

static void raise_epoch(struct crew_page *page)
{
    atomic_fetch_add_explicit(&page->epoch, 1, memory_order_release);
    futex_wake(&page->epoch, INT_MAX);
}

int crew_command(struct crew *crew, enum crew_command command, struct error *error)
{
    struct crew_page *page = crew->page;
    page->command = command;
    atomic_store(&page->running, crew->pool->setup.workers);
    raise_epoch(page);
    unsigned looks = 0;
    for (uint32_t left; (left = atomic_load(&page->running)) > 0;) {
        if (looks++ < LOOKS) {
            wait_pause();
            continue;
        }
        futex_wait(&page->running, left, TICK_NS);
        if (atomic_load(&page->running) == left &&
            children_alive(crew->pool->roster, crew->pool->setup.workers, crew->pool, error))
            return -1;
    }
    if (atomic_load(&page->failed))
        return error_set(error, ERROR_FAILED, "an item or a step failed in a worker");
    return 0;
}

int crew_stop(struct crew *crew, int64_t grace_ns, struct error *error)
{
    crew->page->leave = true;
    raise_epoch(crew->page);
    return children_reap(crew->pool->roster, crew->pool->setup.workers, grace_ns, crew->pool, error);
}

void crew_close(struct crew *crew)
{
    memory_free(crew->page, sizeof *crew->page);
}
