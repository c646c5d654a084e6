/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * driver.h - a trial's process seen from the driver: started, asked, and ended under a deadline.
 *
 * The trial is a fork and exec of `COMMAND trial` in a process group of its own, which dies with the driver even when
 * that is killed with SIGKILL; its workers die with it in turn. One trial at a time is asked, from one thread. */
#ifndef MUSTER_HARNESS_DRIVER_H
#define MUSTER_HARNESS_DRIVER_H

#include "harness/problem.h"

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

struct driver {
    pid_t pid; /* 0: none */
    int pidfd, to, from;
    char *line; /* what came and is not yet a whole line */
    size_t used, size;
};

enum asked {
    ASKED_FINE,        /* *reply is the reply, of the kind that does what was asked */
    ASKED_NA,          /* the cell cannot be: why[] says it */
    ASKED_FAILED,      /* the trial failed, died or ran past its deadline: why[] says it */
    ASKED_INTERRUPTED, /* driver_interrupted() was set meanwhile */
};

#define DRIVER_WHY 400

/* command: NULL for this program itself; else argv of another build, ended by NULL, to which "trial" is added. Its
 * first word is looked for as a shell does, and started without one. */
int driver_start(struct driver *, char *const *command, struct problem *);

/* Sends the request (a reference that it takes over) and waits for its reply until `deadline`, on clock_now()'s scale.
 * why[] has no control characters. */
enum asked driver_ask(struct driver *, json_t *request, int64_t deadline, json_t **reply, char why[DRIVER_WHY]);

/* Ends it: by the end of its input within grace_ns, else by SIGKILL to the whole group. Reaps it. */
void driver_end(struct driver *, int64_t grace_ns);

/* SIGINT, SIGTERM and, unless it is ignored, SIGHUP then set a flag, which every wait of the driver looks at. */
void driver_watch_signals(void);
int driver_interrupted(void); /* the signal, or 0 */

#endif
