/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * crew_tasks.c - applied items of a crew: posted by the parent in shared memory, claimed by idle workers.
 *
 * A task's word says all that must survive a worker: posted, claimed and by whom, over. What is due is a ring of
 * tickets whose front is only a hint: a claim is the compare-and-swap of the task's word, and whoever finds the front
 * claimed already moves it on, so that no claimer that dies leaves it behind. The parent moves it on as well before it
 * posts, so a ticket that is posted again does not stand in the ring twice. */
#include "bench/ipc/crew_page.h"
#include "bench/ipc/task.h"

#include <string.h>

static size_t aligned(size_t bytes, size_t to)
{
    return (bytes + to - 1) / to * to;
}

static size_t tasks_bytes(const struct crew *crew)
{
    return crew->pool->setup.window * crew->task_bytes;
}

/* A worker that fell asleep between reading the front and claiming may claim a ticket behind it, out of turn; there
 * are no more such tickets in the ring than workers. */
static uint32_t due_size(const struct setup *s)
{
    uint32_t size = 2;
    while (size < s->window + s->workers)
        size *= 2;
    return 2 * size;
}

int crew_tasks_open(struct crew *crew, struct error *error)
{
    const struct setup *s = &crew->pool->setup;
    if (s->window == 0)
        return 0;
    crew->task_bytes = aligned(sizeof(struct crew_task) + aligned(s->in_size, 16) + s->out_size, LINE_APART);
    crew->due_size = due_size(s);
    crew->tasks = memory_shared(tasks_bytes(crew));
    crew->due = memory_shared(crew->due_size * sizeof *crew->due);
    if (crew->tasks && crew->due)
        return 0;
    error_system(error, "no shared memory for %u applied items", s->window);
    crew_tasks_close(crew);
    return -1;
}

void crew_tasks_close(struct crew *crew)
{
    memory_free(crew->tasks, tasks_bytes(crew));
    memory_free((void *)crew->due, crew->due_size * sizeof *crew->due);
    crew->tasks = NULL;
    crew->due = NULL;
}

static void *output_of(const struct crew *crew, struct crew_task *task)
{
    return task->in + aligned(crew->pool->setup.in_size, 16);
}

/* --- in a worker ------------------------------------------------------------------------------------------------- */

static bool claim(struct crew *crew, uint32_t slot, unsigned *ticket)
{
    struct crew_page *page = crew->page;
    for (;;) {
        uint32_t front = atomic_load(&page->claimed);
        if (front == atomic_load(&page->posted))
            return false;
        *ticket = atomic_load_explicit(&crew->due[front % crew->due_size], memory_order_relaxed);
        uint32_t word = TASK_POSTED;
        bool mine =
            atomic_compare_exchange_strong(&crew_task_at(crew, *ticket)->word, &word, TASK_CLAIMED | slot << TASK_BITS);
        atomic_compare_exchange_strong(&page->claimed, &front, front + 1);
        if (mine)
            return true;
    }
}

bool crew_tasks_run(struct crew *crew, struct worker *w)
{
    unsigned ticket;
    if (!crew->tasks || !claim(crew, w->slot, &ticket))
        return false;
    struct crew_task *task = crew_task_at(crew, ticket);
    bool failed = posting_run(w, ticket, task->in, output_of(crew, task)) != 0;
    atomic_store_explicit(&task->word, failed ? TASK_FAILED : TASK_DONE, memory_order_release);
    crew_ring(crew->page);
    return true;
}

/* --- in the parent ----------------------------------------------------------------------------------------------- */

void crew_tasks_post(struct crew *crew, unsigned ticket)
{
    struct crew_page *page = crew->page;
    struct crew_task *task = crew_task_at(crew, ticket);
    uint32_t posted = atomic_load_explicit(&page->posted, memory_order_relaxed), front = atomic_load(&page->claimed);
    memcpy(task->in, task_input(crew->pool, ticket), crew->pool->setup.in_size);
    while (front != posted) {
        unsigned due = atomic_load_explicit(&crew->due[front % crew->due_size], memory_order_relaxed);
        if (atomic_load(&crew_task_at(crew, due)->word) == TASK_POSTED)
            break;
        if (atomic_compare_exchange_strong(&page->claimed, &front, front + 1))
            front++;
    }
    atomic_store_explicit(&crew->due[posted % crew->due_size], ticket, memory_order_relaxed);
    atomic_store(&task->word, TASK_POSTED);
    atomic_store(&page->posted, posted + 1);
}

unsigned crew_tasks_collect(struct crew *crew)
{
    struct pool *pool = crew->pool;
    unsigned over = 0;
    /* what is told may post anew, and that is then looked at as well, or next time */
    for (unsigned ticket = 0, pending = pool->pending; ticket < pool->setup.window && pending > 0; ticket++) {
        if (!pool->tasks[ticket])
            continue;
        pending--;
        struct crew_task *task = crew_task_at(crew, ticket);
        uint32_t word = atomic_load_explicit(&task->word, memory_order_acquire);
        if (word != TASK_DONE && word != TASK_FAILED)
            continue;
        if (word == TASK_DONE)
            memcpy(task_output(pool, ticket), output_of(crew, task), pool->setup.out_size);
        atomic_store_explicit(&task->word, TASK_FREE, memory_order_relaxed);
        task_over(pool, ticket, word == TASK_FAILED);
        over++;
    }
    return over;
}

unsigned crew_tasks_mourn(struct crew *crew, const struct obituary *o)
{
    struct pool *pool = crew->pool;
    unsigned lost = 0;
    for (unsigned ticket = 0; ticket < pool->setup.window; ticket++) {
        if (!pool->tasks[ticket])
            continue;
        struct crew_task *task = crew_task_at(crew, ticket);
        if (atomic_load(&task->word) != (TASK_CLAIMED | o->slot << TASK_BITS))
            continue;
        atomic_store(&task->word, TASK_FREE);
        task_lost(pool, ticket, o->pid, o->status);
        lost++;
    }
    return lost;
}
