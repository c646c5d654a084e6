/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * crew_page.h - the page between a crew's parent and its workers, and the applied items beside it; for crew.c and
 * crew_tasks.c.
 *
 * Workers sleep on `call`, which goes up with every command and every posting; the parent sleeps on `bell`, which goes
 * up when a command is over, an applied item is, or a worker retires. Counts of sleepers only spare system calls: a
 * worker that is killed in its sleep leaves one too many. */
#ifndef MUSTER_BENCH_IPC_CREW_PAGE_H
#define MUSTER_BENCH_IPC_CREW_PAGE_H

#include "bench/ipc/crew.h"
#include "bench/ipc/memory.h"
#include "bench/ipc/wait.h"

/* Of one worker; the parent writes it only while there is none. */
struct crew_seat {
    _Alignas(LINE_APART) _Atomic uint32_t finished; /* the last epoch that it has run to the end */
};

struct crew_page {
    /* Written by the parent. */
    _Alignas(LINE_APART) _Atomic uint32_t call;
    _Atomic uint32_t epoch;
    _Atomic uint32_t posted; /* postings so far: the end of what is due */
    _Atomic uint32_t leave;
    enum crew_command command; /* written before epoch */
    /* Written by all. */
    _Alignas(LINE_APART) _Atomic uint32_t asleep; /* workers on `call` */
    _Alignas(LINE_APART) _Atomic uint32_t running;
    _Alignas(LINE_APART) _Atomic uint32_t claimed; /* the front of what is due */
    _Alignas(LINE_APART) _Atomic uint32_t bell;
    _Atomic uint32_t awaited; /* the parent is on `bell` */
    _Atomic uint32_t retired; /* so many workers, so far */
    _Atomic uint32_t careful; /* somebody died: whoever finishes rings, since `running` may not come to 0 */
    _Atomic uint32_t failed;  /* a worker's part */
    struct fault failure;     /* and why; the first */
    struct crew_seat seats[];
};

/* What became of an applied item; while it is claimed, by which worker, above the low bits. */
enum { TASK_FREE, TASK_POSTED, TASK_CLAIMED, TASK_DONE, TASK_FAILED, TASK_BITS = 3 };

struct crew_task {
    _Alignas(LINE_APART) _Atomic uint32_t word;
    _Alignas(16) unsigned char in[]; /* and, aligned behind it, the result */
};

static inline struct crew_task *crew_task_at(const struct crew *crew, unsigned ticket)
{
    return (struct crew_task *)(crew->tasks + ticket * crew->task_bytes);
}

/* In a worker. */
static inline void crew_ring(struct crew_page *page)
{
    atomic_fetch_add(&page->bell, 1);
    if (atomic_load(&page->awaited))
        futex_wake(&page->bell, 1);
}

int crew_tasks_open(struct crew *, struct error *);
void crew_tasks_close(struct crew *);
/* In a worker: runs the next applied item that is due; false: there is none. */
bool crew_tasks_run(struct crew *, struct worker *);
/* Takes what is over; how many that were. */
unsigned crew_tasks_collect(struct crew *);
/* A worker is gone: what it had claimed is lost. */
unsigned crew_tasks_mourn(struct crew *, const struct obituary *);
/* Writes it down as due. */
void crew_tasks_post(struct crew *, unsigned ticket);

#endif
