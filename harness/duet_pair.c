/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet_pair.c - both arms of one cell, next to each other, between two readings of the lanes.
 *
 * Where windows alternate, both trees live at once, and while one is measured the other waits for its next request.
 * The order A B B A B A A B ... (Thue and Morse's) takes out of the difference what drifts, of the first order and of
 * the second. */
#include "harness/duet_parts.h"

#include "harness/clock.h"
#include "harness/record.h"
#include "harness/tree.h"
#include "reports/statistics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORTEST 0.25 /* of the windows' time that was asked for */

struct playing {
    struct duet_run *run;
    size_t entry;
    enum arm order[ARMS];
    enum arm now;   /* who is asked */
    bool disproved; /* what failed is a proof */
    struct talk talks[ARMS];
    struct answer answers[ARMS];
    double started_s[ARMS], elapsed_s[ARMS];
    double parked_s[ARMS]; /* as in struct pair */
    struct tree before, after;
};

/* --- one arm ------------------------------------------------------------------------------------------------------ */

static enum asked start(struct playing *p, enum arm arm)
{
    p->now = arm;
    p->started_s[arm] = duet_elapsed_s(p->run);
    struct talk *talk = &p->talks[arm];
    json_t *ready = NULL;
    enum asked got = talk_start(talk, p->run->commands[arm]);
    if (got == ASKED_FINE)
        got = talk_prepare(talk, &ready);
    if (got == ASKED_FINE && duet_recognise(p->run, arm, talk->driver.pid, ready))
        got = ASKED_INTERRUPTED;
    json_decref(ready);
    return got;
}

/* Adds windows to the arm's answer. */
static enum asked measure(struct playing *p, enum arm arm, unsigned windows)
{
    struct answer answer;
    p->now = arm;
    enum asked got = talk_measure(&p->talks[arm], windows, &answer);
    if (got == ASKED_FINE && p->answers[arm].rates && answer_join(&p->answers[arm], &answer)) {
        snprintf(p->talks[arm].why, DRIVER_WHY, "no memory for its figures");
        got = ASKED_FAILED;
    }
    if (got == ASKED_FINE && !p->answers[arm].rates)
        p->answers[arm] = answer;
    else
        answer_free(&answer);
    return got;
}

/* Warm-up windows are proved like the others and kept out of the figures. */
static enum asked warm_up(struct playing *p, enum arm arm, struct answer *warm)
{
    unsigned windows = schedule_warmups(&p->run->effort);
    p->now = arm;
    *warm = (struct answer){.verified = true};
    return windows ? talk_measure(&p->talks[arm], windows, warm) : ASKED_FINE;
}

/* What fails its proof has no number. */
static enum asked finish(struct playing *p, enum arm arm, const struct answer *warm)
{
    const struct request *r = p->talks[arm].request;
    p->now = arm;
    enum asked got = talk_finish(&p->talks[arm]);
    answer_disprove(&p->answers[arm], warm);
    if (got == ASKED_FINE && !p->answers[arm].verified && !r->strategy->variants[r->variant].incorrect) {
        memcpy(p->talks[arm].why, p->answers[arm].proof, sizeof p->answers[arm].proof);
        p->disproved = true;
        got = ASKED_FAILED;
    }
    return got;
}

/* A rate of nothing has no logarithm, and leaving it out would speak for who did nothing. And windows that are over
 * before their time are none, but where the room is; what a busy machine takes off their beginning is never that much.
 */
static enum asked check_figures(struct playing *p, enum arm arm)
{
    const struct effort *e = &p->run->effort;
    const struct answer *answer = &p->answers[arm];
    struct talk *talk = &p->talks[arm];
    const double asked_s = e->windows * clock_seconds(e->window_ns) * (1 + talk->stretched);
    p->now = arm;
    if (!(statistics_median(answer->rates, answer->rate_count) > 0))
        snprintf(talk->why, DRIVER_WHY, "nothing was done in most of its windows");
    else if (answer->seconds < SHORTEST * asked_s && !talk->request->workload->fills_up)
        snprintf(talk->why, DRIVER_WHY, "its windows lasted %.3g s, where %.3g s were asked for", answer->seconds,
                 asked_s);
    else
        return ASKED_FINE;
    return ASKED_FAILED;
}

/* What it came to, with that. */
static enum asked leave(struct playing *p, enum arm arm, enum asked got)
{
    if (talk_end(&p->talks[arm], got)) {
        p->now = arm;
        got = ASKED_FAILED;
    }
    p->elapsed_s[arm] = duet_elapsed_s(p->run) - p->started_s[arm];
    return got;
}

/* --- both --------------------------------------------------------------------------------------------------------- */

/* 0 1 1 0 1 0 0 1 ... */
static unsigned whose_turn(unsigned i)
{
    return (unsigned)__builtin_popcount(i) & 1;
}

/* A window of one arm, and what the other's processes do meanwhile. */
static enum asked take_turn(struct playing *p, enum arm arm)
{
    const enum arm parked = arm == ARM_BASE ? ARM_CANDIDATE : ARM_BASE;
    const pid_t root = p->talks[parked].driver.pid;
    const unsigned units = p->talks[parked].request->parameters.workers;
    bool seen = tree_read(&p->before, root) == 0;
    enum asked got = measure(p, arm, 1);
    seen = seen && got == ASKED_FINE && tree_read(&p->after, root) == 0;
    p->parked_s[parked] += seen ? tree_between(&p->before, &p->after, units) : NAN;
    return got;
}

static enum asked by_windows(struct playing *p)
{
    struct answer warm[ARMS] = {{.rates = NULL}};
    enum asked got = ASKED_FINE;
    for (unsigned k = 0; k < ARMS && got == ASKED_FINE; k++)
        got = start(p, p->order[k]);
    for (unsigned k = 0; k < ARMS && got == ASKED_FINE; k++)
        got = warm_up(p, p->order[k], &warm[p->order[k]]);
    for (unsigned i = 0; i < ARMS * p->run->effort.windows && got == ASKED_FINE; i++)
        got = take_turn(p, p->order[whose_turn(i)]);
    for (unsigned k = 0; k < ARMS && got == ASKED_FINE; k++)
        got = finish(p, p->order[k], &warm[p->order[k]]);
    tree_free(&p->before);
    tree_free(&p->after);
    for (unsigned k = 0; k < ARMS; k++) {
        got = leave(p, p->order[k], got);
        answer_free(&warm[k]);
    }
    return got;
}

static enum asked by_trials(struct playing *p)
{
    enum asked got = ASKED_FINE;
    p->parked_s[ARM_BASE] = p->parked_s[ARM_CANDIDATE] = NAN;
    for (unsigned k = 0; k < ARMS && got == ASKED_FINE; k++) {
        enum arm arm = p->order[k];
        struct answer warm = {.rates = NULL};
        got = start(p, arm);
        if (got == ASKED_FINE)
            got = warm_up(p, arm, &warm);
        if (got == ASKED_FINE)
            got = measure(p, arm, p->run->effort.windows);
        if (got == ASKED_FINE)
            got = finish(p, arm, &warm);
        got = leave(p, arm, got);
        answer_free(&warm);
    }
    return got;
}

/* --- what is around it -------------------------------------------------------------------------------------------- */

static struct moment look(const struct duet_run *run)
{
    return (struct moment){
        .at_s = duet_elapsed_s(run),
        .units = run->state->stolen ? stolen_read(run->state->stolen) : (struct stolen_reading){NAN, NAN},
        .own_cpu_s = own_cpu_s() + idle_spent_s(run->state->idle),
    };
}

static void read_lanes(struct duet_state *s)
{
    s->gap_s = NAN;
    for (int lane = 0; lane < LANES; lane++)
        s->now.rates[lane] = NAN;
    if (s->lanes)
        lanes_read(s->lanes, &s->now, &s->gap_s);
    s->fresh = true;
}

static void surround(struct pair *pair, const struct moment *before, const struct moment *after)
{
    pair->started_s = before->at_s;
    pair->elapsed_s = after->at_s - before->at_s;
    pair->steal_s = after->units.steal_s - before->units.steal_s;
    if (pair->steal_s < 0) /* some hosts count backwards */
        pair->steal_s = 0;
    pair->foreign_s = after->units.busy_s - before->units.busy_s - (after->own_cpu_s - before->own_cpu_s);
    if (pair->elapsed_s < FOREIGN_LEAST_S)
        pair->foreign_s = NAN;
}

static void take(struct playing *p, struct pair *pair)
{
    for (enum arm arm = 0; arm < ARMS; arm++) {
        const struct occasion o = {
            .block = pair->block,
            .started_s = p->started_s[arm],
            .elapsed_s = p->elapsed_s[arm],
            .wake_before_ns = NAN,
            .wake_after_ns = NAN,
        };
        pair->trials[arm] = record_take(&p->answers[arm], &o);
        pair->parked_s[arm] = p->parked_s[arm];
        /* Not kept in the file, so that the duet's memory does not hold it either. */
        free(pair->trials[arm].per_worker);
        pair->trials[arm].per_worker = NULL;
        pair->trials[arm].worker_count = 0;
    }
}

void duet_pair_free(struct pair *pair)
{
    for (enum arm arm = 0; arm < ARMS; arm++) {
        free(pair->trials[arm].windows);
        pair->trials[arm] = (struct trial){.windows = NULL};
    }
}

/* One try; answers and what surrounded them are in *pair after ASKED_FINE only. */
static enum asked measure_pair(struct playing *p, struct pair *pair)
{
    const struct duet_run *run = p->run;
    struct duet_state *s = run->state;
    const bool alternating = run->duet->by_windows && !run->duet->cells[p->entry].whole_trials;
    if (!s->fresh)
        read_lanes(s);
    pair->before = s->now;
    pair->clock_gap_s = s->gap_s;
    struct moment before = look(run);
    enum asked got = alternating ? by_windows(p) : by_trials(p);
    struct moment after = look(run);
    s->fresh = false;
    for (unsigned k = 0; k < ARMS && got == ASKED_FINE; k++)
        got = check_figures(p, p->order[k]);
    if (got == ASKED_FINE) {
        surround(pair, &before, &after);
        take(p, pair);
        read_lanes(s);
        pair->after = s->now;
        pair->clock_gap_s = fmax(pair->clock_gap_s, s->gap_s);
    }
    answer_free(&p->answers[ARM_BASE]);
    answer_free(&p->answers[ARM_CANDIDATE]);
    return got;
}

bool duet_may_stumble(struct duet_run *run, size_t entry, enum arm arm, const char *why)
{
    struct duet_state *s = run->state;
    if (s->stumbled[entry])
        return false;
    s->stumbled[entry] = true;
    s->stumbles++;
    snprintf(s->stumble, sizeof s->stumble, "%s: the %s: %s", run->duet->about.cells[entry].id, arm_name(arm), why);
    progress_note(run->progress, "muster: %s; tried anew, once", s->stumble);
    return true;
}

/* How much of it was good before: without that, one bad pair looks like none that was good. */
static void fail(const struct playing *p, enum side_status status)
{
    const struct duet_cell *cell = &p->run->duet->cells[p->entry];
    const char *why = p->talks[p->now].why;
    char text[DRIVER_WHY + 60];
    snprintf(text, sizeof text, "after %zu good pair%s: %s", cell->pair_count, cell->pair_count == 1 ? "" : "s", why);
    duet_fault(p->run, p->entry, p->now, status, cell->pair_count ? text : why);
}

enum asked duet_pair(struct duet_run *run, size_t entry, struct pair *pair)
{
    struct playing p;
    enum asked got;
    do {
        p = (struct playing){
            .run = run,
            .entry = entry,
            .order = {pair->candidate_first ? ARM_CANDIDATE : ARM_BASE,
                      pair->candidate_first ? ARM_BASE : ARM_CANDIDATE},
            .talks = {duet_talk(run, entry, ARM_BASE), duet_talk(run, entry, ARM_CANDIDATE)},
        };
        got = measure_pair(&p, pair);
    } while (got == ASKED_FAILED && !p.disproved && duet_may_stumble(run, entry, p.now, p.talks[p.now].why));
    if (got == ASKED_NA || got == ASKED_FAILED)
        fail(&p, got == ASKED_NA ? SIDE_LACKS : SIDE_FAILED);
    return got;
}
