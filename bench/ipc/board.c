/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * board.c - marks, outcomes, and what becomes of a map in which something went wrong. */
#include "bench/ipc/board.h"
#include "bench/ipc/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* --- opening ----------------------------------------------------------------------------------------------------- */

static size_t board_bytes(const struct pool *pool)
{
    return sizeof(struct board) + (pool_slots(pool) + 1) * sizeof(struct mark);
}

static void clear_mark(struct mark *mark)
{
    *mark = (struct mark){.item = ITEM_NONE, .lowest = ITEM_NONE};
}

int board_open(struct pool *pool, struct error *error)
{
    const struct setup *s = &pool->setup;
    struct board *board = pool->board = memory_shared(board_bytes(pool));
    if (!board)
        return error_system(error, "no shared memory for a pool");
    board->failed_item = ITEM_NONE;
    for (unsigned i = 0; i <= pool_slots(pool); i++)
        clear_mark(&board->marks[i]);
    board->outcome = memory_shared(s->items);
    board->postings = memory_shared(s->window * sizeof *board->postings);
    if (board->outcome && board->postings)
        return 0;
    error_system(error, "no shared memory for %zu items", s->items);
    board_close(pool);
    return -1;
}

void board_close(struct pool *pool)
{
    struct board *board = pool->board;
    memory_free((void *)board->outcome, pool->setup.items);
    memory_free(board->postings, pool->setup.window * sizeof *board->postings);
    memory_free(board, board_bytes(pool));
    pool->board = NULL;
}

/* --- in any process ---------------------------------------------------------------------------------------------- */

void board_fault(struct pool *pool, const struct error *error)
{
    struct fault *fault = &pool->board->fault;
    uint32_t quiet = FAULT_NONE;
    if (!atomic_compare_exchange_strong(&fault->state, &quiet, FAULT_TELLING))
        return;
    fault->error = *error;
    atomic_store(&fault->state, FAULT_TOLD);
}

static void note(struct board *board, uint64_t first, uint64_t n, enum outcome outcome)
{
    for (uint64_t i = first; i < first + n; i++)
        atomic_store_explicit(&board->outcome[i], (unsigned char)outcome, memory_order_relaxed);
    atomic_store(&board->troubled, 1);
}

/* Takes an applied item's failure, whatever number the function calls it by. */
static bool posting_failed(struct worker *w, const char *format, va_list args)
{
    if (atomic_load_explicit(&w->mark->n, memory_order_relaxed) != MARK_POSTING)
        return false;
    struct posting *posting = &w->pool->board->postings[atomic_load_explicit(&w->mark->first, memory_order_relaxed)];
    vsnprintf(posting->text, sizeof posting->text, format, args);
    posting->failed = true;
    return true;
}

/* A number that is not of this chunk is put down to its first item. */
static uint64_t item_of_chunk(const struct mark *mark, uint64_t item)
{
    uint64_t first = atomic_load_explicit(&mark->first, memory_order_relaxed);
    uint64_t n = atomic_load_explicit(&mark->n, memory_order_relaxed);
    return item >= first && item - first < n ? item : first;
}

static void say(struct worker *w, uint64_t item, const char *format, va_list args)
{
    struct mark *mark = w->mark;
    if (atomic_load_explicit(&mark->n, memory_order_relaxed) == 0 || posting_failed(w, format, args))
        return;
    item = item_of_chunk(mark, item);
    note(w->pool->board, item, 1, OUTCOME_FAILED);
    if (item >= mark->lowest)
        return;
    atomic_fetch_add(&mark->failures, 1);
    mark->lowest = item;
    vsnprintf(mark->text, sizeof mark->text, format, args);
    atomic_fetch_add(&mark->failures, 1);
}

void item_failed(struct worker *w, uint64_t item, const char *format, ...)
{
    if (!w->mark)
        return;
    va_list args;
    va_start(args, format);
    say(w, item, format, args);
    va_end(args);
}

void chunk_gave_up(struct worker *w, uint64_t first, uint64_t n)
{
    uint64_t begun = atomic_load_explicit(&w->mark->item, memory_order_relaxed);
    uint64_t from = begun == ITEM_NONE || begun < first || begun >= first + n ? first : begun;
    for (uint64_t i = from; i < first + n; i++)
        if (atomic_load(&w->pool->board->outcome[i]) != OUTCOME_FAILED)
            item_failed(w, i, "item %llu failed", (unsigned long long)i);
}

int posting_run(struct worker *w, unsigned ticket, const void *in, void *out)
{
    struct posting *posting = &w->pool->board->postings[ticket];
    chunk_begin(w, ticket, MARK_POSTING);
    item_begin(w, posting->sequence);
    if (posting->fn(w, w->pool->setup.ctx, posting->argument, in, out, posting->sequence, 1) && !posting->failed)
        item_failed(w, posting->sequence, "applied item %llu failed", (unsigned long long)posting->sequence);
    chunk_end(w);
    return posting->failed ? -1 : 0;
}

/* --- in the parent ----------------------------------------------------------------------------------------------- */

void board_begin(struct pool *pool, const struct map_order *order)
{
    struct board *board = pool->board;
    board->order = *order;
    if (!atomic_load_explicit(&board->troubled, memory_order_relaxed))
        return;
    memset((void *)board->outcome, OUTCOME_DONE, pool->setup.items);
    for (unsigned i = 0; i <= pool_slots(pool); i++)
        board->marks[i].lowest = ITEM_NONE;
    board->failed_item = ITEM_NONE;
    board->lost_any = board->cancelled_any = false;
    atomic_store(&board->troubled, 0);
}

static void keep_failure(struct board *board, const struct mark *mark)
{
    if (atomic_load(&mark->failures) % 2 == 1 || mark->lowest >= board->failed_item)
        return;
    board->failed_item = mark->lowest;
    memcpy(board->failed_text, mark->text, sizeof board->failed_text);
}

void board_obituary(struct pool *pool, uint32_t slot, pid_t pid, int status, struct obituary *o)
{
    struct mark *mark = board_mark(pool, slot);
    *o = (struct obituary){
        .slot = slot,
        .retired = atomic_load(&mark->retired) && WIFEXITED(status) && WEXITSTATUS(status) == 0,
        .pid = pid,
        .status = status,
        .begun = atomic_load(&mark->begun),
        .item = atomic_load(&mark->item),
        .first = atomic_load(&mark->first),
        .n = atomic_load(&mark->n),
    };
    keep_failure(pool->board, mark);
    clear_mark(mark);
}

/* An item that said it failed has failed, and a lost one is lost, whatever came then. Returns the lowest that was
 * neither, or ITEM_NONE. */
static uint64_t note_if_done(struct board *board, uint64_t first, uint64_t n, enum outcome outcome)
{
    uint64_t lowest = ITEM_NONE;
    for (uint64_t i = first; i < first + n; i++) {
        if (atomic_load(&board->outcome[i]) != OUTCOME_DONE)
            continue;
        note(board, i, 1, outcome);
        lowest = lowest == ITEM_NONE ? i : lowest;
    }
    return lowest;
}

void board_lost(struct pool *pool, const struct obituary *o, uint64_t first, uint64_t n)
{
    struct board *board = pool->board;
    uint64_t lowest = note_if_done(board, first, n, OUTCOME_LOST);
    atomic_store(&board->troubled, 1);
    if (lowest == ITEM_NONE || (board->lost_any && board->lost_item <= lowest))
        return;
    board->lost_any = true;
    board->lost_item = lowest;
    const bool in_it = o->n != MARK_POSTING && o->item >= o->first && o->item - o->first < o->n;
    board->lost_at = in_it ? o->item : ITEM_NONE;
    board->lost_pid = o->pid;
    board->lost_status = o->status;
}

void board_cancelled(struct pool *pool, uint64_t first, uint64_t n)
{
    pool->board->cancelled_any = true;
    note_if_done(pool->board, first, n, OUTCOME_CANCELLED);
}

void board_broke(struct pool *pool)
{
    struct board *board = pool->board;
    if (board->cancelled_any)
        return;
    for (uint64_t i = 0; i < board->order.n; i++)
        if (atomic_load(&board->outcome[i]) == OUTCOME_DONE)
            board_cancelled(pool, i, 1);
}

static int tell_lost(const struct board *board, struct error *error)
{
    const uint64_t item = board->lost_item, at = board->lost_at == ITEM_NONE ? item : board->lost_at;
    char who[64];
    snprintf(who, sizeof who, "the worker of item %llu", (unsigned long long)at);
    error_died(error, who, board->lost_pid, board->lost_status);
    if (!error)
        return -1;
    error->item = item;
    size_t used = strlen(error->text);
    if (at != item)
        snprintf(error->text + used, sizeof error->text - used, "; with it item %llu's result",
                 (unsigned long long)item);
    return -1;
}

/* A process may have died between saying that an item failed and saying why. */
static int tell_failed(const struct board *board, uint64_t item, struct error *error)
{
    if (item == board->failed_item)
        error_set(error, ERROR_FAILED, "%s", board->failed_text);
    else
        error_set(error, ERROR_FAILED, "item %llu failed", (unsigned long long)item);
    if (error)
        error->item = item;
    return -1;
}

/* The lowest item that came to this end; ITEM_NONE: none did. */
static uint64_t lowest_of(const struct board *board, enum outcome outcome)
{
    for (uint64_t i = 0; i < board->order.n; i++)
        if (atomic_load_explicit(&board->outcome[i], memory_order_relaxed) == outcome)
            return i;
    return ITEM_NONE;
}

int board_verdict(struct pool *pool, struct error *error)
{
    struct board *board = pool->board;
    if (!atomic_load(&board->troubled))
        return 0;
    for (unsigned i = 0; i <= pool_slots(pool); i++)
        keep_failure(board, &board->marks[i]);
    uint64_t failed = lowest_of(board, OUTCOME_FAILED);
    if (board->lost_any && board->lost_item < failed)
        return tell_lost(board, error);
    if (failed != ITEM_NONE)
        return tell_failed(board, failed, error);
    return error_set(error, ERROR_CANCELLED, "items of the map were cancelled");
}
