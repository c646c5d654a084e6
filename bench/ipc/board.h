/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * board.h - a shared page on which a pool's processes say what they are at and what went wrong.
 *
 * It stands beside every strategy and carries no work and no results: those travel as the strategy has them travel.
 * The parent writes what call is in progress; every process has a mark of its own, with the item that it runs and the
 * lowest item that failed in it, so that after its death it is known what it held. Functions go by the board, never
 * by a message: parent and workers are forks of one image, a manager need not be. */
#ifndef MUSTER_BENCH_IPC_BOARD_H
#define MUSTER_BENCH_IPC_BOARD_H

#include "bench/strategy.h"

/* The map in progress. */
struct map_order {
    items_fn *fn;
    uint64_t argument, n, chunk;
};

/* An applied item, by ticket. */
struct posting {
    items_fn *fn;
    uint64_t argument, sequence;
    bool failed;    /* by the worker, before it says that it is over */
    char text[200]; /* and why */
};

/* In a mark's n: its `first` is the ticket of an applied item. */
#define MARK_POSTING UINT64_MAX

/* The first error of a process that cannot go on. */
enum { FAULT_NONE, FAULT_TELLING, FAULT_TOLD };
struct fault {
    _Atomic uint32_t state;
    struct error error;
};

struct board {
    struct fault fault;
    _Atomic uint32_t leaving; /* the pool ends: a process that does not find its place any more just leaves */
    bool fatal_any;           /* the parent's: the worker whose death broke the pool was at this applied item */
    uint64_t fatal_ticket;
    struct map_order order;         /* written by the parent while nobody runs */
    step_fn *step;                  /* of the pool_each() in progress, likewise */
    struct posting *postings;       /* setup.window of them, shared; each written by the parent before it is posted */
    _Atomic unsigned char *outcome; /* of each item of the map, shared: an enum outcome */
    _Atomic uint32_t troubled;      /* some outcome is not OUTCOME_DONE */
    bool cancelled_any;             /* the parent's, of this map */
    bool lost_any;                  /* the parent's, of this map: the lowest item lost, and whose death it was */
    uint64_t lost_item, lost_at;    /* and the item that was under way; ITEM_NONE: none, or not known */
    pid_t lost_pid;
    int lost_status;
    uint64_t failed_item; /* the parent's: the lowest that failed in a process that is gone; ITEM_NONE: none */
    char failed_text[200];
    struct mark marks[]; /* by slot: workers, processes; then the parent's */
};

/* What a process left when it ended. */
struct obituary {
    uint32_t slot;
    bool retired; /* it left as setup.recycle had it, holding nothing */
    pid_t pid;
    int status;
    uint64_t begun;    /* chunks and applied items that it began */
    uint64_t item;     /* that it was in; ITEM_NONE: not said, or between items */
    uint64_t first, n; /* the chunk that it was in; n = 0: in none; MARK_POSTING: an applied item */
};

int board_open(struct pool *, struct error *);
void board_close(struct pool *);

static inline struct mark *board_mark(struct pool *pool, uint32_t slot)
{
    return &pool->board->marks[slot == SLOT_PARENT ? pool_slots(pool) : slot];
}

/* In the parent: a map begins; what the last one left is cleared. */
void board_begin(struct pool *, const struct map_order *);
/* What became of the map: 0 when all items are done, else -1 and the lowest that is not. */
int board_verdict(struct pool *, struct error *);
/* Items first .. first+n-1 were lost with a process. */
void board_lost(struct pool *, const struct obituary *, uint64_t first, uint64_t n);
void board_cancelled(struct pool *, uint64_t first, uint64_t n);
/* The map broke the pool: unless board_cancelled() has told which items remained, none is known to be done. */
void board_broke(struct pool *);
/* Reads what a process that has ended left, keeps what failed in it, and clears its mark for the next one. */
void board_obituary(struct pool *, uint32_t slot, pid_t, int status, struct obituary *);

/* In a worker: a chunk is begun and over. Between them item_begin() and item_failed(). */
static inline void chunk_begin(struct worker *w, uint64_t first, uint64_t n)
{
    struct mark *mark = w->mark;
    atomic_store_explicit(&mark->first, first, memory_order_relaxed);
    atomic_store_explicit(&mark->n, n, memory_order_relaxed);
    atomic_store_explicit(&mark->begun, atomic_load_explicit(&mark->begun, memory_order_relaxed) + 1,
                          memory_order_release);
}

static inline void chunk_end(struct worker *w)
{
    atomic_store_explicit(&w->mark->item, ITEM_NONE, memory_order_relaxed);
    atomic_store_explicit(&w->mark->n, 0, memory_order_release);
}

/* The function gave up: what it had begun and what is behind it has failed. */
void chunk_gave_up(struct worker *, uint64_t first, uint64_t n);

/* A chunk of the map in progress. */
static inline void chunk_run(struct worker *w, const struct map_order *order, const void *in, void *out, uint64_t first,
                             size_t n)
{
    chunk_begin(w, first, n);
    if (order->fn(w, w->pool->setup.ctx, order->argument, in, out, first, n))
        chunk_gave_up(w, first, n);
    chunk_end(w);
}

/* Whether an items function runs here now: of a strategy whose marks are chunk_begin()'s and chunk_end()'s. */
static inline bool chunk_runs(const struct worker *w)
{
    return w->mark && atomic_load_explicit(&w->mark->n, memory_order_relaxed) != 0;
}

/* An applied item: 0 done, -1 failed, with its text in its posting. */
int posting_run(struct worker *, unsigned ticket, const void *in, void *out);

/* Whether this worker has run as many as setup.recycle lets it. */
static inline bool chunk_was_last(const struct worker *w)
{
    unsigned most = w->pool->setup.recycle;
    return most > 0 && atomic_load_explicit(&w->mark->begun, memory_order_relaxed) >= most;
}

/* Called in a child: leaves the error for the parent to find; the first one stays. */
void board_fault(struct pool *, const struct error *);

#endif
