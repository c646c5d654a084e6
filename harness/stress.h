/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * stress.h - strategies under fire: rounds in which processes are killed at random moments, and what must hold all the
 * same.
 *
 * A round is one exercise on one strategy, in a process tree of its own. Each of its processes sets a timer that will
 * kill it, at a moment that follows from the round's seed. Afterwards every item, add and element is accounted for,
 * and nothing is left: no process, descriptor, mapping or file. A round is replayed by its seed; the moments are the
 * same, what they hit is the scheduler's. */
#ifndef MUSTER_HARNESS_STRESS_H
#define MUSTER_HARNESS_STRESS_H

#include "bench/multiprocessing.h"
#include "bench/strategy.h"

struct exercise;

struct round {
    const struct strategy *strategy;
    const struct exercise *exercise;
    unsigned variant, workers;
    unsigned recycle; /* a worker is replaced after so many chunks or applied items; 0: never */
    size_t payload;   /* bytes of an item, 8 at least */
    uint64_t chunk, seed;
    bool posts_first;                 /* applied items are under way while the exercise goes on */
    bool kills_service, kills_parent; /* these too; the workers always */
};

/* Operations, by how they ended. */
struct account {
    uint64_t done, failed, lost, cancelled;
    uint64_t unsure; /* their process was killed between asking and being answered */
    uint64_t kills;
};

struct finding {
    bool holds;
    char text[240]; /* when it does not */
    struct account account;
};

/* What the processes of a round share, and one of them its account of what it did. */
struct actor {
    _Alignas(128) _Atomic uint64_t attempted; /* operations begun; also the next one's number */
    _Atomic uint64_t told;                    /* grains that hooks.next was told of */
    uint64_t before;                          /* of which in earlier calls of pool_each() */
};

#define STRESS_OPERATIONS   8192  /* of one actor */
#define STRESS_PAYLOAD_MOST 20000 /* bytes of an item: more than messages gather */
enum { OPERATION_NONE, OPERATION_ATTEMPTED, OPERATION_ANSWERED };

struct stage {
    struct round round;
    struct finding finding;      /* the parent's, when it comes to its end */
    _Atomic uint32_t over;       /* it has */
    _Atomic uint32_t under_fire; /* who works now arms its timer */
    _Atomic uint64_t armed;      /* timers set so far */
    _Atomic uint32_t inside;     /* who is in a critical section, slot + 1 */
    int64_t until;               /* when the exercise comes to its end, done or not: monotonic ns */
    _Atomic uint32_t broken;     /* a worker saw what must not be */
    char broken_text[200];
    _Atomic unsigned char *ran;       /* times that each item ran */
    _Atomic unsigned char *operation; /* STRESS_OPERATIONS per actor */
    struct actor actors[];            /* one per worker */
};

/* An exercise on a pool that is not started yet. */
struct exercise {
    const char *name; /* of the workload that it is like */
    enum need need;
    bool itemised; /* it is on items, and not on an object */
    void (*setup)(const struct round *, struct setup *);
    int (*objects)(struct pool *, struct error *); /* NULL: none */
    /* Works, and accounts for it in stage->finding. -1 when the pool broke, as it may only when its service died. */
    int (*run)(struct pool *, struct stage *, struct error *);
};

/* Ended by a NULL name. */
extern const struct exercise exercises[];

/* Runs a round in a process of its own, and looks at what it left. 0, or -1 with *error when it could not be run. */
int stress_round(const struct round *, struct finding *, struct error *);

/* --- for exercises ----------------------------------------------------------------------------------------------- */

/* A number that follows from three. */
uint64_t stress_mix(uint64_t a, uint64_t b, uint64_t c);
/* The hooks of a round: who is born under fire arms its timer. */
struct hooks stress_hooks(struct stage *);
/* In a worker, at its work: arms the timer of who was born before. */
void stress_expose(struct worker *);
/* In any process: what must not be has been seen. Returns -1. */
int stress_broken(struct stage *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The parent's finding: it does not hold. Returns 0, since that is a finding and no error. */
int stress_found(struct stage *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Whether acknowledged operations hold at once, and not only when their process has ended well. */
bool stress_holds_at_once(const struct pool *);

/* Items applied before the exercise, and their end after it; for rounds that post first. */
struct posted;
int stress_post(struct pool *, struct stage *, struct posted **, struct error *);
void stress_collect(struct stage *, struct posted *);

int stress_map(struct pool *, struct stage *, struct error *);
int stress_async(struct pool *, struct stage *, struct error *);
int stress_counter(struct pool *, struct stage *, struct error *);
int stress_list(struct pool *, struct stage *, struct error *);
int stress_array(struct pool *, struct stage *, struct error *);
int stress_dict(struct pool *, struct stage *, struct error *);
int stress_lock(struct pool *, struct stage *, struct error *);

#endif
