/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * trial.h - one trial of one cell: a pool, its workload, timed windows, and the proof of each.
 *
 * Lives in the process that is the parent of the trial's workers. command_trial.c speaks for it in JSON lines; it
 * can also be used directly, as the pilot does. */
#ifndef MUSTER_HARNESS_TRIAL_H
#define MUSTER_HARNESS_TRIAL_H

#include "bench/registry.h"
#include "harness/gate.h"
#include "harness/probe.h"

/* A cell as a trial is asked for it. Everything that can be chosen is chosen: `auto` is settled by trial_settle(). */
struct request {
    const struct strategy *strategy;
    unsigned variant;
    const struct workload *workload;
    struct parameters parameters; /* chunk 0: auto; items 0: by a pilot, where the workload has items */
    unsigned depth;               /* 0: the strategy's choice */
    unsigned *pus;                /* [workers]; NULL: nothing is bound */
    char *input;                  /* parameters.input, of an errand; NULL: none */
    int service_pu;               /* where the parent and a serving process run; -1: not bound */
    bool oversubscribed;
    char *manager;  /* the address of a manager that serves; NULL: the pool's own */
    char *key_file; /* its key; NULL: none */
};

struct measured {
    double rate;    /* operations per second, summed over workers by their own time stamps */
    double seconds; /* from the first stamp to the last */
    uint64_t operations;
};

/* What a series of windows came to. */
struct series {
    struct measured *windows;
    size_t count;
    uint64_t *per_worker; /* operations, summed over the windows */
    struct paid workers, service;
    struct histogram *times; /* of each grain, where the workload is timed; else NULL */
    uint64_t lost;
    bool verified;
    char proof[200]; /* of the first window whose proof did not hold */
};

struct session;

/* Settles items (by a pilot of a few calls) and chunk. */
int trial_settle(struct request *, struct binder *, struct error *);
int trial_open(struct session **, const struct request *, struct binder *, struct error *);
/* Measures `count` windows into *series, whose arrays are allocated here and freed by series_free(). */
int trial_measure(struct session *, size_t count, int64_t window_ns, struct series *, struct error *);
/* Ends and reaps every process. Frees the session even when it returns -1. */
int trial_close(struct session *, int64_t grace_ns, struct error *);
/* Of an errand: what people read of the last window's items; see workload.h. Else false. */
bool trial_tell(struct session *, size_t index, struct told *);
const struct gate *trial_gate(const struct session *);
unsigned trial_depth(const struct session *);
void series_free(struct series *);

#endif
