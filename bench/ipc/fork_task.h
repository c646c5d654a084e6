/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fork_task.h - one child per task: what fork_pool.c forks, and how a child's report comes back.
 *
 * A slot has a pipe that outlives its children: a child writes one report, ends, and is reaped before the next child of
 * the slot is forked. A report that surely fits the pipe is read after the child's end, with one wake-up instead of
 * two; a larger one is read while it is written. What this process writes between two forks lies in memory that
 * children do not get (memory_unforked()), and what a child needs to know is on the stack: each page that both sides
 * have costs a fork a copy, or a fault. */
#ifndef MUSTER_BENCH_IPC_FORK_TASK_H
#define MUSTER_BENCH_IPC_FORK_TASK_H

#include "bench/ipc/child.h"

/* What precedes a report's payload. */
struct report {
    uint64_t bytes; /* of the payload */
    uint64_t steps; /* grains done; a map's: 1 */
    int64_t failed; /* 0: fine */
};

/* What a child is told; it has no other part of its slot. */
struct fork_job {
    int report_to;
    uint64_t first, n; /* a map's items */
    uint64_t done;     /* grains of this pool_each() so far */
    unsigned ticket;   /* an applied item */
};

enum fork_work { FORK_CHUNK, FORK_APPLIED, FORK_STEP };

struct fork_slot {
    struct child *child; /* whoever opened the slots has them */
    int pipe[2];
    uint32_t slot;
    enum fork_work work; /* of its child, or of the last one */
    struct report report;
    size_t got;            /* bytes of report and payload read so far */
    unsigned char *into;   /* where the payload goes */
    unsigned char *buffer; /* the slot's own, where the payload has no place yet */
    size_t buffer_bytes;
    uint64_t first, n; /* a map's items */
    unsigned ticket;
    unsigned char *result; /* where the results of items go */
    size_t result_bytes;
    uint64_t done;      /* grains of this pool_each() so far */
    size_t wanted;      /* grains to go before the clock is read again */
    uint64_t completed; /* chunks and applied items that came back since its mark was cleared last */
    pid_t pid;          /* of the child that ended last: which, */
    int status;         /* how, */
    bool whole;         /* and whether its report is all here */
};

/* Slots of one process, which alone forks for them. */
struct fork_slots {
    struct fork_slot *slot;
    unsigned count;
    struct child *beside; /* other children, which only end a wait that has a limit, once each */
    unsigned beside_count;
    pid_t *beside_seen;
    struct pollfd *fds; /* two per slot, and those beside */
    unsigned *owner;    /* whose each of them is */
    unsigned turn;      /* who is looked at first: each in turn, so that none is passed over for long */
};

/* `count` slots, named from `first_slot` on, whose children are kept in `children`; `beside_count` others follow there.
 */
int fork_slots_open(struct fork_slots *, struct child *children, uint32_t first_slot, unsigned count,
                    unsigned beside_count, struct error *);
void fork_slots_close(struct fork_slots *);

static inline bool fork_slot_idle(const struct fork_slot *s)
{
    return s->child->pid <= 0;
}

/* Forks a child that runs `main` with a struct fork_job, and ends with fork_report(). */
int fork_slot_launch(struct fork_slot *, struct pool *, child_main *, struct error *);

/* In the child, whose arg is a struct fork_job: writes the report and its payload. Returns its exit status. */
int fork_report(const struct fork_job *, const struct report *, const void *payload);

/* Waits until a child of one of the slots has ended: 1, and *which says which; how is in its slot. 0: not within
 * timeout_ns, or a child beside has ended, or a signal came. `place` says where a payload goes, once its report is
 * read; `bulk`: reports may be larger than a pipe. */
typedef unsigned char *place_fn(struct fork_slot *);
int fork_slots_wait(struct fork_slots *slots, bool bulk, place_fn *place, int64_t timeout_ns, unsigned *which,
                    struct error *error);

/* Whether the child that ended last came to a good end. */
static inline bool fork_slot_fine(const struct fork_slot *s)
{
    return s->whole && s->status == 0;
}

/* A payload buffer of the slot's own. */
unsigned char *fork_slot_buffer(struct fork_slot *);

#define FORK_REPORT_SURE 32768 /* bytes that a pipe takes at once, wherever muster runs */

#endif
