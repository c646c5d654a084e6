/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * talk.h - the driver's conversation with one trial: prepare, measure as often as wanted, finish, each under a
 * deadline.
 *
 * Several may be open at once, as in a duet, where two trees take turns; they are asked one after the other. */
#ifndef MUSTER_HARNESS_TALK_H
#define MUSTER_HARNESS_TALK_H

#include "harness/driver.h"
#include "harness/plan.h"
#include "harness/protocol.h"
#include "harness/schedule.h"

struct talk {
    const struct request *request;
    const struct cell *cell; /* what is asked for, to estimate how long it takes */
    const struct effort *effort;
    uint64_t seed;
    unsigned turns;   /* how many trees take turns; 0 and 1: this one is alone */
    double stretched; /* what `ready` said its times are stretched by, 0.05 */
    struct driver driver;
    char why[DRIVER_WHY]; /* after anything but ASKED_FINE */
};

/* Starts `COMMAND trial`, or this program when command is NULL. What begins here, however it goes, talk_end() ends. */
enum asked talk_start(struct talk *, char *const *command);

/* *ready, unless NULL, is a new reference to the reply, or NULL where there is none. */
enum asked talk_prepare(struct talk *, json_t **ready);

/* *answer is answer_free()'s to free, whatever is returned. Each trial keeps its own time; windows that lasted longer
 * than it took to ask for them show that it does so wrongly, and fail. */
enum asked talk_measure(struct talk *, unsigned windows, struct answer *answer);
enum asked talk_finish(struct talk *);

/* `got`: what the conversation came to; a trial that did all it was asked for gets time to leave. -1 with why[] where
 * such a one did not, and had to be killed. */
int talk_end(struct talk *, enum asked got);

/* What a trial settled by itself becomes that of the entry and its cell. */
void talk_settle(struct entry *, struct cell *, const json_t *ready);

#endif
