/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * async.c - applied items: handles, the bounded window of those that are not over, and waiting, which serves the pool.
 *
 * A handle is the parent's. While it is not over the pool knows it by its ticket; afterwards it stands alone, so that
 * it may outlive the pool, and freeing it earlier only means that nobody wants the result. */
#include "bench/ipc/board.h"
#include "bench/ipc/deadline.h"
#include "bench/ipc/task.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_NS INT64_C(1000000000) /* one turn of a wait without end */

struct async {
    struct pool *pool; /* NULL: over */
    unsigned ticket;
    bool unwanted; /* freed before it was over, or before its caller was told */
    bool untold;
    enum outcome outcome;
    struct error error; /* why it is not done */
    void (*over)(void *arg, struct async *);
    void *arg;
    struct async *next; /* over and untold */
    bool lent;          /* a message that is half sent may go on from `in`, until the strategy has stopped */
    struct async *next_lent;
    size_t in_size, out_size;
    unsigned char *out;
    _Alignas(16) unsigned char in[]; /* and, aligned behind it, out */
};

static size_t aligned(size_t bytes)
{
    return (bytes + 15) & ~(size_t)15;
}

/* --- for strategies ---------------------------------------------------------------------------------------------- */

const void *task_input(const struct pool *pool, unsigned ticket)
{
    return pool->tasks[ticket]->in;
}

void *task_output(struct pool *pool, unsigned ticket)
{
    return pool->tasks[ticket]->out;
}

/* When it is over, told, unwanted, and nobody's any more. */
static void free_unwanted(struct async *a)
{
    if (a->unwanted && !a->untold && !a->lent)
        free(a);
}

/* Its caller is told later, outside of the strategy. */
static void end(struct async *a, enum outcome outcome)
{
    struct pool *pool = a->pool;
    pool->tasks[a->ticket] = NULL;
    pool->pending--;
    a->pool = NULL;
    a->outcome = outcome;
    if (a->over) {
        a->untold = true;
        *(pool->ended ? &pool->ended_last->next : &pool->ended) = a;
        pool->ended_last = a;
    } else
        free_unwanted(a);
}

void task_over(struct pool *pool, unsigned ticket, bool failed)
{
    const struct posting *posting = &pool->board->postings[ticket];
    struct async *a = pool->tasks[ticket];
    if (failed) {
        error_set(&a->error, ERROR_FAILED, "%s", posting->text);
        a->error.item = posting->sequence;
    }
    end(a, failed ? OUTCOME_FAILED : OUTCOME_DONE);
}

static void cancel(struct pool *pool, unsigned ticket, const struct error *why)
{
    struct async *a = pool->tasks[ticket];
    error_set(&a->error, ERROR_CANCELLED, "cancelled: %s",
              why && why->text[0] ? why->text : "the pool ended before it was over");
    a->error.item = pool->board->postings[ticket].sequence;
    end(a, OUTCOME_CANCELLED);
}

/* Who was told to end did not die with it. */
void task_lost(struct pool *pool, unsigned ticket, pid_t pid, int status)
{
    struct async *a = pool->tasks[ticket];
    if (pool->pool_state == POOL_OVER) {
        cancel(pool, ticket, NULL);
        return;
    }
    error_died(&a->error, "the worker of an applied item", pid, status);
    a->error.item = pool->board->postings[ticket].sequence;
    end(a, OUTCOME_LOST);
}

bool tasks_pending(const struct pool *pool)
{
    return pool->pending > 0;
}

static void lend(struct pool *pool, struct async *a)
{
    a->lent = true;
    a->next_lent = pool->lent;
    pool->lent = a;
}

/* A death that broke the pool before the strategy could tell whose item it took. */
static void lose_with(struct pool *pool, const struct error *why)
{
    const struct board *board = pool->board;
    if (board->fatal_any && board->fatal_ticket < pool->setup.window && pool->tasks[board->fatal_ticket])
        task_lost(pool, (unsigned)board->fatal_ticket, why->pid, why->wait_status);
}

void tasks_cancel(struct pool *pool, const struct error *why)
{
    for (unsigned ticket = 0; ticket < pool->setup.window; ticket++)
        if (pool->tasks[ticket])
            lend(pool, pool->tasks[ticket]);
    if (why && why->code == ERROR_DIED && why->pid > 0)
        lose_with(pool, why);
    for (unsigned ticket = 0; ticket < pool->setup.window; ticket++)
        if (pool->tasks[ticket])
            cancel(pool, ticket, why);
}

void tasks_return(struct pool *pool)
{
    for (struct async *a; (a = pool->lent);) {
        pool->lent = a->next_lent;
        a->lent = false;
        free_unwanted(a);
    }
}

/* Whoever is told may apply, wait, terminate the pool, and so come here again. */
void tasks_tell(struct pool *pool)
{
    pool->telling++;
    for (struct async *a; (a = pool->ended);) {
        pool->ended = a->next;
        a->over(a->arg, a);
        a->untold = false;
        free_unwanted(a);
    }
    pool->telling--;
}

int tasks_serve(struct pool *pool, int64_t timeout_ns, struct error *error)
{
    struct error why = {.code = ERROR_NONE};
    if (pool->strategy->turn(pool, timeout_ns, &why) == 0) {
        tasks_tell(pool);
        return 0;
    }
    pool_break(pool, &why);
    if (error)
        *error = why;
    return -1;
}

/* --- applying ---------------------------------------------------------------------------------------------------- */

static struct async *async_new(struct pool *pool, const struct apply *apply)
{
    size_t in = pool->setup.in_size, out = pool->setup.out_size;
    struct async *a = malloc(sizeof *a + aligned(in) + out);
    if (!a)
        return NULL;
    *a = (struct async){.pool = pool, .outcome = OUTCOME_PENDING, .over = apply->over, .arg = apply->arg};
    a->in_size = in;
    a->out_size = out;
    a->out = a->in + aligned(in);
    memcpy(a->in, apply->in, in);
    return a;
}

static int await_room(struct pool *pool, int64_t timeout_ns, struct error *error)
{
    const int64_t deadline = deadline_after(timeout_ns);
    for (bool looked = false; pool->pending == pool->setup.window; looked = true) {
        int64_t left = deadline_left(deadline, LOOK_NS);
        if (left == 0 && looked)
            return error_set(error, ERROR_TIMEOUT, "%u applied items are not over: there is no room for another",
                             pool->setup.window);
        if (tasks_serve(pool, left, error))
            return -1;
    }
    /* whoever was told meanwhile may have ended it */
    return pool_check_running(pool, error);
}

/* It was never handed over: nobody has its handle, nor is told. It goes with what is cancelled. */
static void withdraw(struct async *a)
{
    if (a->pool)
        a->over = NULL;
    async_free(a);
}

static unsigned free_ticket(const struct pool *pool)
{
    unsigned ticket = (unsigned)(pool->applied % pool->setup.window);
    while (pool->tasks[ticket])
        ticket = (ticket + 1) % pool->setup.window;
    return ticket;
}

int pool_apply_async(struct pool *pool, const struct apply *apply, int64_t timeout_ns, struct async **out,
                     struct error *error)
{
    *out = NULL;
    if (pool_check_running(pool, error))
        return -1;
    if (pool->setup.window == 0)
        return error_set(error, ERROR_USE, "this pool takes no applied items: setup.window is 0");
    if (pool->pending == pool->setup.window && await_room(pool, timeout_ns, error))
        return -1;
    struct async *a = async_new(pool, apply);
    if (!a)
        return error_system(error, "no memory for an applied item");
    a->ticket = free_ticket(pool);
    pool->tasks[a->ticket] = a;
    pool->pending++;
    struct posting *posting = &pool->board->postings[a->ticket];
    posting->fn = apply->fn;
    posting->argument = apply->argument;
    posting->sequence = pool->applied++;
    posting->failed = false;
    struct error why = {.code = ERROR_NONE};
    if (pool->strategy->post(pool, a->ticket, &why) == 0) {
        *out = a;
        return 0;
    }
    withdraw(a);
    pool_break(pool, &why);
    if (error)
        *error = why;
    return -1;
}

/* --- waiting ----------------------------------------------------------------------------------------------------- */

static int check_waiter(const struct async *a, struct error *error)
{
    if (a->pool && a->pool->owner != getpid())
        return error_set(error, ERROR_STATE, "an applied item belongs to the process that applied it");
    if (a->pool && a->pool->within)
        return error_set(error, ERROR_STATE, "an item may not wait for another of its pool");
    return 0;
}

bool async_ready(struct async *a)
{
    if (a->pool && check_waiter(a, NULL) == 0)
        tasks_serve(a->pool, 0, NULL);
    return !a->pool;
}

int async_wait(struct async *a, int64_t timeout_ns, struct error *error)
{
    if (!a->pool)
        return 0;
    const int64_t deadline = deadline_after(timeout_ns);
    if (check_waiter(a, error))
        return -1;
    for (bool looked = false; a->pool; looked = true) {
        int64_t left = deadline_left(deadline, LOOK_NS);
        if (left == 0 && looked)
            return error_set(error, ERROR_TIMEOUT, "the applied item is not over");
        tasks_serve(a->pool, left, NULL);
    }
    return 0;
}

enum outcome async_outcome(struct async *a)
{
    return a->outcome;
}

int async_get(struct async *a, int64_t timeout_ns, void *out, struct error *error)
{
    if (async_wait(a, timeout_ns, error))
        return -1;
    if (a->outcome == OUTCOME_DONE) {
        if (out)
            memcpy(out, a->out, a->out_size);
        return 0;
    }
    if (error)
        *error = a->error;
    return -1;
}

void async_free(struct async *a)
{
    if (!a)
        return;
    a->unwanted = true;
    if (!a->pool)
        free_unwanted(a);
}
