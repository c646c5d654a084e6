/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * crew.c - the page through which standing workers are commanded, and replacing those that die or retire. */
#include "bench/ipc/crew.h"
#include "bench/ipc/crew_page.h"
#include "bench/ipc/deadline.h"
#include "bench/ipc/task.h"

#include <poll.h>
#include <signal.h>

#define LOOKS      64                /* before sleeping: about a microsecond */
#define TICK_NS    INT64_C(20000000) /* how often the sleeping parent looks after its children */
#define TICK_MS    20
#define HASTY_MOST 64 /* turns without reading the clock */

static size_t page_bytes(const struct pool *pool)
{
    return sizeof(struct crew_page) + pool->setup.workers * sizeof(struct crew_seat);
}

int crew_open(struct crew *crew, struct pool *pool, crew_fn *run, crew_mourn_fn *mourn, struct error *error)
{
    *crew = (struct crew){.pool = pool, .run = run, .mourn = mourn};
    crew->page = memory_shared(page_bytes(pool));
    if (!crew->page)
        return error_system(error, "no shared memory for %u workers", pool->setup.workers);
    if (crew_tasks_open(crew, error) == 0)
        return 0;
    crew_close(crew);
    return -1;
}

/* --- in a worker ------------------------------------------------------------------------------------------------- */

static void await_call(struct crew_page *page, uint32_t heard)
{
    for (unsigned looks = 0; looks < LOOKS; looks++) {
        if (atomic_load_explicit(&page->call, memory_order_acquire) != heard)
            return;
        wait_pause();
    }
    atomic_fetch_add(&page->asleep, 1);
    futex_wait(&page->call, heard, -1);
    atomic_fetch_sub(&page->asleep, 1);
}

static void tell_failure(struct crew_page *page, const struct error *reason)
{
    uint32_t quiet = FAULT_NONE;
    if (reason->code != ERROR_NONE && atomic_compare_exchange_strong(&page->failure.state, &quiet, FAULT_TELLING)) {
        page->failure.error = *reason;
        atomic_store(&page->failure.state, FAULT_TOLD);
    }
    atomic_store(&page->failed, 1);
}

static int obey(struct crew *crew, struct worker *self, uint32_t epoch)
{
    struct crew_page *page = crew->page;
    struct error reason = {.code = ERROR_NONE};
    self->error = &reason;
    int result = crew->run(self, page->command);
    self->error = NULL;
    if (result == CREW_RETIRES)
        return result;
    if (result)
        tell_failure(page, &reason);
    /* In this order: once all have said that they finished, none takes itself off the next command's `running`. */
    bool last = atomic_fetch_sub(&page->running, 1) == 1;
    atomic_store_explicit(&page->seats[self->slot].finished, epoch, memory_order_release);
    if (last || atomic_load_explicit(&page->careful, memory_order_relaxed))
        crew_ring(page);
    return 0;
}

static int retire(struct crew_page *page, struct worker *self)
{
    atomic_store(&self->mark->retired, 1);
    atomic_fetch_add(&page->retired, 1);
    crew_ring(page);
    return 0;
}

static int crew_main(struct worker *self, void *arg)
{
    struct crew *crew = arg;
    struct crew_page *page = crew->page;
    const _Atomic uint32_t *finished = &page->seats[self->slot].finished;
    for (;;) {
        uint32_t heard = atomic_load_explicit(&page->call, memory_order_acquire);
        uint32_t epoch = atomic_load_explicit(&page->epoch, memory_order_acquire);
        if (atomic_load_explicit(&page->leave, memory_order_relaxed))
            return 0;
        if (epoch != atomic_load_explicit(finished, memory_order_relaxed)) {
            if (obey(crew, self, epoch) == CREW_RETIRES)
                return retire(page, self);
        } else if (!crew_tasks_run(crew, self)) {
            await_call(page, heard);
        } else if (chunk_was_last(self)) {
            return retire(page, self);
        }
    }
}

/* --- in the parent ----------------------------------------------------------------------------------------------- */

int crew_start(struct crew *crew, struct error *error)
{
    for (unsigned i = 0; i < crew->pool->setup.workers; i++)
        if (child_spawn(&crew->pool->roster[i], crew->pool, i, crew_main, crew, error))
            return -1;
    return 0;
}

static void call_all(struct crew_page *page, int most)
{
    atomic_fetch_add(&page->call, 1);
    if (atomic_load(&page->asleep) > 0)
        futex_wake(&page->call, most);
}

static void await_bell(struct crew_page *page, uint32_t heard, int64_t timeout_ns)
{
    for (unsigned looks = 0; looks < LOOKS; looks++) {
        if (atomic_load_explicit(&page->bell, memory_order_acquire) != heard)
            return;
        wait_pause();
    }
    atomic_store(&page->awaited, 1);
    futex_wait(&page->bell, heard, timeout_ns);
    atomic_store_explicit(&page->awaited, 0, memory_order_relaxed);
}

static bool has_finished(const struct crew *crew, unsigned slot)
{
    const struct crew_page *page = crew->page;
    return atomic_load_explicit(&page->seats[slot].finished, memory_order_acquire) ==
           atomic_load_explicit(&page->epoch, memory_order_relaxed);
}

/* Of who died in the midst of a pool_each() the loop is over: its replacement waits for the next command. */
static void end_each(struct crew *crew, const struct obituary *o)
{
    struct crew_page *page = crew->page;
    if (crew->each_of.code == ERROR_NONE)
        child_report(crew->pool, o->slot, o->pid, o->status, &crew->each_of);
    atomic_store(&page->seats[o->slot].finished, atomic_load(&page->epoch));
}

static int replace(struct crew *crew, const struct obituary *o, struct error *error)
{
    struct pool *pool = crew->pool;
    const bool busy = !has_finished(crew, o->slot);
    crew->deaths += !o->retired;
    if (busy && crew->page->command == CREW_MAP && crew->mourn)
        crew->mourn(pool, o);
    crew_tasks_mourn(crew, o);
    if (pool_survives(pool, o, error))
        return -1;
    if (!o->retired)
        atomic_store(&crew->page->careful, 1);
    if (busy && crew->page->command == CREW_EACH && !o->retired)
        end_each(crew, o);
    return child_spawn(&pool->roster[o->slot], pool, o->slot, crew_main, crew, error);
}

/* Who has said that he retires is about to end. */
static void await_retired(struct crew *crew)
{
    struct pool *pool = crew->pool;
    uint32_t retired = atomic_load(&crew->page->retired);
    if (retired == crew->gone)
        return;
    crew->gone = retired;
    for (unsigned i = 0; i < pool->setup.workers; i++) {
        struct pollfd p = {.fd = pool->roster[i].pidfd, .events = POLLIN};
        if (pool->roster[i].pid > 0 && atomic_load(&board_mark(pool, i)->retired))
            poll(&p, 1, TICK_MS);
    }
}

/* Replaces all who are gone. */
static int look_after(struct crew *crew, struct error *error)
{
    struct obituary o;
    await_retired(crew);
    while (children_next_ended(crew->pool, &o))
        if (replace(crew, &o, error))
            return -1;
    crew->hasty = 0;
    crew->looked_ns = clock_now_ns();
    return 0;
}

static bool look_due(const struct crew *crew, int64_t now)
{
    return atomic_load(&crew->page->retired) != crew->gone || now - crew->looked_ns >= TICK_NS;
}

/* --- commands ---------------------------------------------------------------------------------------------------- */

/* Who died may have taken itself off `running`, and its replacement does so again: then only the seats tell. */
static bool command_over(const struct crew *crew)
{
    if (crew->deaths == 0)
        return atomic_load_explicit(&crew->page->running, memory_order_acquire) == 0;
    for (unsigned i = 0; i < crew->pool->setup.workers; i++)
        if (!has_finished(crew, i))
            return false;
    return true;
}

static int tell_result(const struct crew *crew, struct error *error)
{
    const struct crew_page *page = crew->page;
    if (crew->each_of.code != ERROR_NONE) {
        if (error)
            *error = crew->each_of;
        return -1;
    }
    if (!atomic_load(&page->failed))
        return 0;
    if (atomic_load(&page->failure.state) != FAULT_TOLD)
        return error_set(error, ERROR_FAILED, "an item or a step failed in a worker");
    if (error)
        *error = page->failure.error;
    return -1;
}

int crew_command(struct crew *crew, enum crew_command command, struct error *error)
{
    struct crew_page *page = crew->page;
    page->command = command;
    crew->deaths = 0;
    crew->each_of.code = ERROR_NONE;
    atomic_store(&page->careful, 0);
    atomic_store(&page->failed, 0);
    atomic_store(&page->failure.state, FAULT_NONE);
    atomic_store(&page->running, crew->pool->setup.workers);
    atomic_fetch_add(&page->epoch, 1);
    call_all(page, INT_MAX);
    for (;;) {
        uint32_t heard = atomic_load(&page->bell);
        if (command_over(crew))
            return tell_result(crew, error);
        await_bell(page, heard, TICK_NS);
        if (!command_over(crew) && look_due(crew, clock_now_ns()) && look_after(crew, error))
            return -1;
    }
}

/* --- applied items ----------------------------------------------------------------------------------------------- */

int crew_post(struct crew *crew, unsigned ticket, struct error *error)
{
    (void)error;
    crew_tasks_post(crew, ticket);
    call_all(crew->page, 1);
    return 0;
}

/* Dead workers are looked for every tick; the clock is read seldom while items keep coming back. */
static int turn_once(struct crew *crew, bool *something, struct error *error)
{
    const unsigned pending = crew->pool->pending;
    *something = crew_tasks_collect(crew) > 0;
    if (*something && ++crew->hasty < HASTY_MOST && atomic_load(&crew->page->retired) == crew->gone)
        return 0;
    crew->hasty = 0;
    if (look_due(crew, clock_now_ns()) && look_after(crew, error))
        return -1;
    *something = *something || crew->pool->pending < pending;
    return 0;
}

int crew_turn(struct crew *crew, int64_t timeout_ns, struct error *error)
{
    const int64_t deadline = timeout_ns > 0 ? deadline_after(timeout_ns) : 0;
    for (;;) {
        uint32_t heard = atomic_load(&crew->page->bell);
        bool something;
        if (turn_once(crew, &something, error))
            return -1;
        int64_t left = something || deadline == 0 ? 0 : deadline_left(deadline, TICK_NS);
        if (left == 0)
            return 0;
        await_bell(crew->page, heard, left);
    }
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

/* Who had ended before is judged as ever, but needs no replacement. */
static int last_look(struct crew *crew, struct error *error)
{
    struct obituary o;
    const unsigned replaced = crew->pool->replaced;
    int result = 0;
    await_retired(crew);
    while (children_next_ended(crew->pool, &o)) {
        crew_tasks_mourn(crew, &o);
        if (pool_survives(crew->pool, &o, result ? NULL : error))
            result = -1;
    }
    crew->pool->replaced = replaced;
    return result;
}

static void kill_guests(struct pool *pool)
{
    for (unsigned i = pool->setup.workers; i < pool_slots(pool); i++) {
        int status;
        struct child *child = &pool->roster[i];
        if (child->pid <= 0)
            continue;
        syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
        child_wait(child, &status);
    }
}

int crew_stop(struct crew *crew, int64_t grace_ns, struct error *error)
{
    struct pool *pool = crew->pool;
    int result = last_look(crew, error);
    atomic_store(&crew->page->leave, 1);
    call_all(crew->page, INT_MAX);
    kill_guests(pool);
    if (children_leave(pool, grace_ns, result ? NULL : error))
        result = -1;
    return result;
}

void crew_close(struct crew *crew)
{
    crew_tasks_close(crew);
    memory_free(crew->page, page_bytes(crew->pool));
    crew->page = NULL;
}
