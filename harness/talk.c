/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * talk.c - see talk.h. */
#include "harness/talk.h"

#include "harness/clock.h"
#include "harness/estimate.h"
#include "reports/format.h"

#include <math.h>
#include <stdio.h>

#define LEAVE_NS  (5 * NS_PER_S)
#define PREPARE_S 15   /* beside the windows: starting, a pilot, filling a list */
#define FOREVER_S 1e9  /* a deadline's most: a sum that still fits */
#define CLOCKS    1.01 /* by how much a clock may run faster than another of the same machine */

/* 5 s + 10 x what is planned (design), and some for preparing. */
static int64_t deadline_for(const struct talk *t, double windows)
{
    const struct errand *errand = t->request->workload->errand;
    double window = clock_seconds(t->effort->window_ns), operation = estimate_operation_s(t->request, t->cell);
    if (errand)
        operation = errand->longest_s(&t->request->parameters);
    double planned = windows * (operation > window ? operation : window);
    return (int64_t)(fmin(5 + 10 * planned, FOREVER_S) * (double)NS_PER_S);
}

static enum asked ask(struct talk *t, json_t *request, double windows, json_t **reply)
{
    int64_t extra = windows > 0 ? 0 : PREPARE_S * NS_PER_S;
    int64_t limit = deadline_for(t, windows > 0 ? windows : 4);
    return driver_ask(&t->driver, request, clock_now() + limit + extra, reply, t->why);
}

enum asked talk_start(struct talk *t, char *const *command)
{
    struct problem problem;
    if (driver_start(&t->driver, command, &problem) == 0)
        return ASKED_FINE;
    snprintf(t->why, sizeof t->why, "%s", problem.text);
    return ASKED_FAILED;
}

/* The trial ends itself at a deadline of its own, which holds all its windows and those of whom it takes turns with. */
enum asked talk_prepare(struct talk *t, json_t **ready)
{
    json_t *reply;
    unsigned turns = t->turns > 1 ? t->turns : 1;
    double windows = turns * ((double)t->effort->windows + schedule_warmups(t->effort) + 4);
    unsigned deadline = (unsigned)(deadline_for(t, windows) / NS_PER_S) + turns * PREPARE_S;
    enum asked got = ask(t, protocol_prepare(t->request, t->seed, deadline), 0, &reply);
    struct ready settled;
    if (got == ASKED_FINE && protocol_read_ready(reply, &settled)) {
        snprintf(t->why, sizeof t->why, "what the trial settled makes no sense");
        json_decref(reply);
        reply = NULL;
        got = ASKED_FAILED;
    }
    t->stretched = json_number_value(json_object_get(reply, "handicap"));
    if (ready)
        *ready = reply;
    else
        json_decref(reply);
    return got;
}

enum asked talk_measure(struct talk *t, unsigned windows, struct answer *answer)
{
    json_t *reply;
    const int64_t began = clock_now();
    *answer = (struct answer){.rates = NULL};
    enum asked got = ask(t, protocol_measure(windows, t->effort->window_ns), windows, &reply);
    const double took_s = clock_seconds(clock_now() - began);
    if (got == ASKED_FINE && (protocol_read_measured(reply, answer) || answer->rate_count != windows)) {
        snprintf(t->why, sizeof t->why, "the trial's figures cannot be read");
        got = ASKED_FAILED;
    } else if (got == ASKED_FINE && answer->seconds > took_s * (1 + t->stretched) * CLOCKS) {
        snprintf(t->why, sizeof t->why, "the trial's clock is wrong: %.3g s of windows in %.3g s", answer->seconds,
                 took_s);
        got = ASKED_FAILED;
    }
    format_clean(answer->proof);
    json_decref(reply);
    return got;
}

enum asked talk_finish(struct talk *t)
{
    json_t *reply;
    enum asked got = ask(t, protocol_finish(), 1, &reply);
    json_decref(reply);
    return got;
}

int talk_end(struct talk *t, enum asked got)
{
    const int64_t began = clock_now();
    driver_end(&t->driver, got == ASKED_FINE ? LEAVE_NS : 0);
    if (got != ASKED_FINE || clock_now() - began < LEAVE_NS)
        return 0;
    snprintf(t->why, sizeof t->why, "the trial did not leave within %.0f s when it was over, and was killed",
             clock_seconds(LEAVE_NS));
    return -1;
}

void talk_settle(struct entry *entry, struct cell *cell, const json_t *ready)
{
    struct request *r = &entry->request;
    struct parameters *p = &r->parameters;
    bool carries = cell->limit && r->strategy->variants[r->variant].limit_carries_chunk[r->workload->need];
    struct ready settled;
    if (protocol_read_ready(ready, &settled))
        return;
    p->items = settled.items;
    p->chunk = settled.chunk_used;
    cell->items = p->items;
    cell->chunk_used = p->chunk;
    cell->depth = settled.depth;
    cell->limit_carries = carries ? p->chunk : 1;
    entry->settled = true;
}
