/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet_settle.c - before anything is measured: whether both sides are there, and what each can do.
 *
 * Every cell is prepared once by either side. What a side cannot do is told by itself; the items of a call are found by
 * the base side, or by the candidate where the base lacks the cell, and are then those of both. */
#include "harness/duet_parts.h"

#include "harness/clock.h"
#include "reports/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- whether it is there ------------------------------------------------------------------------------------------ */

/* A cell that no build knows: whoever speaks the protocol answers n/a, quickly. */
static json_t *hello(void)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i}", "do", "prepare", "protocol", PROTOCOL, "workload", "-",
                     "strategy", "-", "variant", "-", "workers", 1);
}

static int greet(struct duet_run *run, enum arm arm, struct problem *problem)
{
    struct driver driver;
    struct problem cannot;
    json_t *reply = NULL;
    char why[DRIVER_WHY] = "";
    if (driver_start(&driver, run->commands[arm], &cannot)) {
        problem_set(problem, EXIT_UNPROVED, "--%s: %s", arm_name(arm), cannot.text);
        return EXIT_UNPROVED;
    }
    enum asked got = driver_ask(&driver, hello(), clock_now() + DUET_HELLO_S * NS_PER_S, &reply, why);
    json_decref(reply);
    driver_end(&driver, got == ASKED_NA ? NS_PER_S : 0);
    if (got == ASKED_NA)
        return EXIT_FINE;
    if (got == ASKED_INTERRUPTED)
        return EXIT_INTERRUPTED;
    problem_set(problem, EXIT_UNPROVED, "--%s: %s trial does not answer as muster does: %s", arm_name(arm),
                run->commands[arm] ? run->commands[arm][0] : "muster",
                *why ? format_clean(why) : "it knows every cell");
    return EXIT_UNPROVED;
}

int duet_greet(struct duet_run *run, struct problem *problem)
{
    int code = EXIT_FINE;
    for (enum arm arm = 0; arm < ARMS && code == EXIT_FINE; arm++)
        code = greet(run, arm, problem);
    return code;
}

/* --- what it says of itself --------------------------------------------------------------------------------------- */

static char *text_in(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? strdup(text) : NULL;
}

static bool same_text(const char *was, const char *is)
{
    return was && is ? strcmp(was, is) == 0 : was == is;
}

/* Some programs may not be looked at. */
static bool find_program(pid_t trial, struct stat *program)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/exe", (int)trial);
    return stat(path, program) == 0;
}

static bool same_program(const struct stat *was, const struct stat *is)
{
    return was->st_dev == is->st_dev && was->st_ino == is->st_ino && was->st_size == is->st_size &&
           was->st_mtim.tv_sec == is->st_mtim.tv_sec && was->st_mtim.tv_nsec == is->st_mtim.tv_nsec;
}

int duet_recognise(struct duet_run *run, enum arm arm, pid_t trial, const json_t *ready)
{
    struct build *known = &run->state->builds[arm];
    struct side *side = &run->duet->sides[arm], is = {.version = NULL};
    const json_t *build = json_object_get(ready, "muster"), *handicap = json_object_get(ready, "handicap");
    struct stat program;
    const char *what = NULL;
    bool seen = find_program(trial, &program);
    is.version = text_in(build, "version");
    is.commit = text_in(build, "commit");
    is.handicap = json_is_number(handicap) ? json_number_value(handicap) : 0;
    if (!known->known) {
        side->version = is.version;
        side->commit = is.commit;
        side->handicap = is.handicap;
        *known = (struct build){.known = true, .seen = seen, .program = program};
        return 0;
    }
    if (!same_text(side->version, is.version) || !same_text(side->commit, is.commit))
        what = "it says that it is another build";
    else if (side->handicap != is.handicap)
        what = "its handicap is another";
    else if (seen && known->seen && !same_program(&known->program, &program))
        what = "its program was replaced";
    free(is.version);
    free(is.commit);
    if (what)
        snprintf(run->state->changed, sizeof run->state->changed,
                 "the %s changed while it was measured: %s; leave both builds alone until the end", arm_name(arm),
                 what);
    return what ? -1 : 0;
}

static json_int_t number_in(const json_t *ready, const char *name)
{
    return json_integer_value(json_object_get(ready, name));
}

/* Both get the same items and chunk; a build that makes something else of them is told once. */
static void compare_terms(struct duet_run *run, size_t entry, const json_t *ready)
{
    const struct cell *cell = &run->duet->about.cells[entry];
    static const char *const names[] = {"items", "chunk_used", "depth"};
    const json_int_t base[] = {(json_int_t)cell->items, (json_int_t)cell->chunk_used, cell->depth};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (number_in(ready, names[i]) != base[i])
            progress_note(run->progress, "muster: %s: %s is %lld with the base and %lld with the candidate", cell->id,
                          names[i], (long long)base[i], (long long)number_in(ready, names[i]));
}

static void learn(struct duet_run *run, size_t i, const json_t *ready)
{
    struct entry *entry = &run->plan->entries[i];
    struct parameters *candidate = &run->state->candidate[i].parameters;
    if (entry->settled) {
        compare_terms(run, i, ready);
        return;
    }
    talk_settle(entry, &run->duet->about.cells[i], ready);
    candidate->items = entry->request.parameters.items;
    candidate->chunk = entry->request.parameters.chunk;
}

/* --- cell by cell ------------------------------------------------------------------------------------------------- */

#define LATE_MOST 2
#define LATE_S    4 /* a failure that takes so long is a deadline's: the shortest is that for leaving */

/* talk->why says why not. */
static enum asked ask_arm(struct duet_run *run, size_t entry, enum arm arm, struct talk *talk)
{
    json_t *ready = NULL;
    const double began_s = duet_elapsed_s(run);
    *talk = duet_talk(run, entry, arm);
    enum asked got = talk_start(talk, run->commands[arm]);
    if (got == ASKED_FINE)
        got = talk_prepare(talk, &ready);
    if (got == ASKED_FINE && duet_recognise(run, arm, talk->driver.pid, ready))
        got = ASKED_INTERRUPTED;
    if (talk_end(talk, got))
        got = ASKED_FAILED;
    if (got == ASKED_FINE)
        learn(run, entry, ready);
    run->state->late[arm] += got == ASKED_FAILED && duet_elapsed_s(run) - began_s > LATE_S;
    json_decref(ready);
    return got;
}

static enum asked try_arm(struct duet_run *run, size_t entry, enum arm arm)
{
    const unsigned late = run->state->late[arm];
    struct talk talk;
    if (late >= LATE_MOST) {
        duet_fault(run, entry, arm, SIDE_FAILED, "it was not asked, since it let two deadlines pass before");
        return ASKED_FAILED;
    }
    enum asked got = ask_arm(run, entry, arm, &talk);
    if (got == ASKED_FAILED && run->state->late[arm] == late && duet_may_stumble(run, entry, arm, talk.why))
        got = ask_arm(run, entry, arm, &talk);
    if (got == ASKED_NA || got == ASKED_FAILED)
        duet_fault(run, entry, arm, got == ASKED_NA ? SIDE_LACKS : SIDE_FAILED, talk.why);
    return got;
}

static void set_status(struct duet_run *run, size_t i)
{
    const struct duet_cell *seen = &run->duet->cells[i];
    struct cell *cell = &run->duet->about.cells[i];
    if (seen->status[ARM_BASE] != SIDE_LACKS || seen->status[ARM_CANDIDATE] != SIDE_LACKS)
        return;
    cell->status = CELL_NA;
    free(cell->reason);
    cell->reason = strdup(seen->reasons[ARM_BASE]);
}

int duet_settle(struct duet_run *run)
{
    for (size_t i = 0; i < run->plan->count; i++) {
        const struct cell *cell = &run->duet->about.cells[i];
        char what[160];
        if (cell->status == CELL_NA)
            continue;
        if (duet_elapsed_s(run) > run->state->budget_s) {
            run->state->unasked = true;
            progress_note(run->progress, "muster: the time ended before both builds were asked about every cell");
            break;
        }
        snprintf(what, sizeof what, "%s/%s", cell->workload, cell->strategy);
        progress_show(run->progress, 0, run->duet->about.blocks_planned, what, NAN);
        for (enum arm arm = 0; arm < ARMS; arm++)
            if (try_arm(run, i, arm) == ASKED_INTERRUPTED)
                return EXIT_INTERRUPTED;
        set_status(run, i);
    }
    return EXIT_FINE;
}
