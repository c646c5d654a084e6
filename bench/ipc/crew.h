/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * crew.h - standing workers commanded through a shared page, who run applied items while no command is there.
 *
 * The parent writes a command and raises `epoch`; every worker runs it and says that it has finished that epoch; the
 * last one wakes the parent. Both sides look a few times before they sleep on a futex: long enough to catch a command
 * that follows at once, short enough to cost nothing where parent and worker share a processing unit. A worker that
 * died or retired is replaced, and its replacement runs the command in progress if the old one had not finished it.
 * All of this is called in the parent. */
#ifndef MUSTER_BENCH_IPC_CREW_H
#define MUSTER_BENCH_IPC_CREW_H

#include "bench/ipc/child.h"

#include <stdatomic.h>

/* What the board says is to be done. */
enum crew_command { CREW_MAP, CREW_EACH };

/* Runs in each worker, once per command; a replacement may run it again. Returns 0, -1: that worker's part failed, as
 * worker->error may say, or CREW_RETIRES: it has run as many chunks as setup.recycle lets it, and there may be more. */
typedef int crew_fn(struct worker *, enum crew_command);
#define CREW_RETIRES 1

/* A worker died or retired in a map that it had not finished: what it was in is to be put down as lost. Its
 * replacement will run the command too. */
typedef void crew_mourn_fn(struct pool *, const struct obituary *);

struct crew_page;

struct crew {
    struct pool *pool;
    struct crew_page *page;
    crew_fn *run;
    crew_mourn_fn *mourn;  /* NULL: there are no maps */
    unsigned char *tasks;  /* shared: setup.window of struct crew_task, task_bytes apart */
    _Atomic uint32_t *due; /* shared: tickets in the order in which they were posted, a ring of due_size */
    size_t task_bytes;
    uint32_t due_size;
    unsigned deaths;      /* of workers, in the last command */
    uint32_t gone;        /* retirements that were looked after */
    int64_t looked_ns;    /* when dead workers were last looked for */
    unsigned hasty;       /* turns since then that read no clock */
    struct error each_of; /* whose death a CREW_EACH will tell */
};

int crew_open(struct crew *, struct pool *, crew_fn *, crew_mourn_fn *, struct error *);
int crew_start(struct crew *, struct error *);
/* Has every worker run the command; returns when all have: -1 when one failed, or died in a CREW_EACH. And -1 at once
 * when one died that the pool does not survive. */
int crew_command(struct crew *, enum crew_command, struct error *);
/* post() and turn() of a strategy. */
int crew_post(struct crew *, unsigned ticket, struct error *);
int crew_turn(struct crew *, int64_t timeout_ns, struct error *);
/* Has all leave, and reaps them; processes that joined the pool are killed. */
int crew_stop(struct crew *, int64_t grace_ns, struct error *);
void crew_close(struct crew *);

#endif
