/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet_judge.c - see duet_judge.h. */
#include "harness/duet_judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- evidence ----------------------------------------------------------------------------------------------------- */

static enum verdict fault_of(const struct duet_cell *cell)
{
    if (cell->status[ARM_BASE] == SIDE_FAILED || cell->status[ARM_CANDIDATE] == SIDE_FAILED)
        return VERDICT_FAILED;
    if (cell->status[ARM_BASE] == SIDE_LACKS || cell->status[ARM_CANDIDATE] == SIDE_LACKS)
        return VERDICT_MISSING;
    return VERDICT_INCONCLUSIVE;
}

static void free_evidence(struct evidence *evidence, size_t count)
{
    for (size_t i = 0; evidence && i < count; i++)
        free((void *)evidence[i].blocks);
    free(evidence);
}

/* Of these cells, [count] indices into j->entries; NULL: of all, in order. NULL when memory is short. */
static struct evidence *gather(const struct duet_judged *j, const struct duet *duet, const size_t *which, size_t count,
                               bool confirming)
{
    struct evidence *evidence = calloc(count + 1, sizeof *evidence);
    for (size_t i = 0; evidence && i < count; i++) {
        size_t k = which ? which[i] : i, entry = j->entries[k], seen;
        evidence[i].blocks = duet_observations(duet, entry, confirming, &seen);
        evidence[i].count = seen;
        evidence[i].floor = j->floors ? j->floors[k] : NAN;
        evidence[i].fault = fault_of(&duet->cells[entry]);
        if (!evidence[i].blocks) {
            free_evidence(evidence, i);
            return NULL;
        }
    }
    return evidence;
}

/* --- two stages --------------------------------------------------------------------------------------------------- */

static int decide(struct duet_judged *j, const struct duet_run *run)
{
    struct evidence *evidence = gather(j, run->duet, NULL, j->count, false);
    int result = evidence ? verdict_decide(evidence, j->count, run->criteria, j->findings) : -1;
    free_evidence(evidence, j->count);
    return result;
}

/* The worst once more, later. Returns an exit code; *counted says how many of them are whole. */
static int measure_again(struct duet_judged *j, struct duet_run *run, const size_t *worst, size_t count,
                         struct problem *problem)
{
    size_t *entries = calloc(count + 1, sizeof *entries);
    if (!entries)
        return problem_set(problem, EXIT_UNPROVED, "no memory for the second measurement"), EXIT_UNPROVED;
    for (size_t i = 0; i < count; i++)
        entries[i] = j->entries[worst[i]];
    int code = duet_confirm(run, entries, count, (unsigned)run->criteria->confirm_blocks, problem);
    free(entries);
    return code;
}

/* `recorded`: the worst were measured again when the duet was. */
static int confirm(struct duet_judged *j, struct duet_run *run, bool interrupted, bool recorded,
                   struct problem *problem)
{
    size_t *worst = calloc(run->criteria->confirm_cells + 1, sizeof *worst), count = 0;
    int code = EXIT_FINE;
    if (!worst)
        return problem_set(problem, EXIT_UNPROVED, "no memory for the second measurement"), EXIT_UNPROVED;
    if (!interrupted)
        count = verdict_worst(j->findings, j->count, run->criteria, worst);
    if (count > 0 && !recorded)
        code = measure_again(j, run, worst, count, problem);
    if (code == EXIT_FINE || code == EXIT_INTERRUPTED) {
        /* A measurement that was broken off confirms nothing. */
        size_t whole = code == EXIT_FINE ? count : 0;
        struct evidence *again = gather(j, run->duet, worst, whole, true);
        if (!again || verdict_confirm(again, worst, whole, run->criteria, j->findings, j->count)) {
            problem_set(problem, EXIT_UNPROVED, "no memory for the verdicts");
            code = EXIT_UNPROVED;
        }
        free_evidence(again, whole);
    }
    free(worst);
    return code;
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static char *join(char *const *words, size_t count)
{
    size_t length = 1;
    for (size_t i = 0; i < count; i++)
        length += strlen(words[i]) + 1;
    char *text = calloc(length, 1);
    for (size_t i = 0; text && i < count; i++) {
        strcat(text, i ? " " : "");
        strcat(text, words[i]);
    }
    return text;
}

static char *reason_of(const struct duet_cell *cell)
{
    const bool base = cell->status[ARM_BASE] != SIDE_OK, candidate = cell->status[ARM_CANDIDATE] != SIDE_OK;
    char *text = NULL;
    int bad = 0;
    if (base && candidate)
        bad = asprintf(&text, "the base: %s; the candidate: %s", cell->reasons[ARM_BASE], cell->reasons[ARM_CANDIDATE]);
    else if (base || candidate)
        bad = asprintf(&text, "the %s: %s", arm_name(base ? ARM_BASE : ARM_CANDIDATE),
                       cell->reasons[base ? ARM_BASE : ARM_CANDIDATE]);
    return bad < 0 ? NULL : text;
}

static void say(struct duet_judged *j, const struct duet_run *run, bool interrupted)
{
    const struct side *sides = run->duet->sides;
    for (enum arm arm = 0; arm < ARMS; arm++)
        j->names[arm] = join(sides[arm].command, sides[arm].command_count);
    for (size_t i = 0; i < j->count; i++)
        j->reasons[i] = reason_of(&run->duet->cells[j->entries[i]]);
    j->judgement = (struct judgement){
        .kind = "duet",
        .base = {j->names[ARM_BASE], sides[ARM_BASE].version, sides[ARM_BASE].commit},
        .candidate = {j->names[ARM_CANDIDATE], sides[ARM_CANDIDATE].version, sides[ARM_CANDIDATE].commit},
        .about = &run->duet->about,
        .cells = j->cells,
        .reasons = (const char **)j->reasons,
        .findings = j->findings,
        .count = j->count,
        .overall = interrupted ? OVERALL_INTERRUPTED : verdict_overall(j->findings, j->count),
        .criteria = run->criteria,
        .floors = j->floors,
        .judged = true,
        .ended = run->duet->ended != ENDED_NOT ? ended_name(run->duet->ended) : NULL,
    };
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

/* Cells that neither side has are no part of it. */
static int choose(struct duet_judged *j, const struct duet_run *run, const double *floors)
{
    const size_t count = run->plan->count;
    *j = (struct duet_judged){
        .entries = calloc(count + 1, sizeof *j->entries),
        .findings = calloc(count + 1, sizeof *j->findings),
        .cells = calloc(count + 1, sizeof *j->cells),
        .reasons = calloc(count + 1, sizeof *j->reasons),
        .floors = floors ? calloc(count + 1, sizeof *j->floors) : NULL,
    };
    if (!j->entries || !j->findings || !j->cells || !j->reasons || (floors && !j->floors))
        return -1;
    for (size_t i = 0; i < count; i++) {
        const struct cell *cell = &run->duet->about.cells[i];
        const enum side_status *status = run->duet->cells[i].status; /* all that a file has */
        if (cell->status == CELL_NA || (status[ARM_BASE] == SIDE_LACKS && status[ARM_CANDIDATE] == SIDE_LACKS))
            continue;
        j->cells[j->count] = cell;
        if (floors)
            j->floors[j->count] = floors[i];
        j->entries[j->count++] = i;
    }
    return 0;
}

static int judge(struct duet_judged *j, struct duet_run *run, const double *floors, bool interrupted, bool recorded,
                 struct problem *problem)
{
    if (choose(j, run, floors) || decide(j, run)) {
        problem_set(problem, EXIT_UNPROVED, "no memory for the verdicts");
        return EXIT_UNPROVED;
    }
    int code = confirm(j, run, interrupted, recorded, problem);
    if (code == EXIT_FINE || code == EXIT_INTERRUPTED)
        say(j, run, interrupted || code == EXIT_INTERRUPTED);
    return interrupted ? EXIT_INTERRUPTED : code;
}

int duet_judge(struct duet_judged *j, struct duet_run *run, const double *floors, bool interrupted,
               struct problem *problem)
{
    return judge(j, run, floors, interrupted, false, problem);
}

int duet_judge_recorded(struct duet_judged *j, struct duet *duet, const struct criteria *criteria, const double *floors,
                        struct problem *problem)
{
    struct plan plan = {.count = duet->about.cell_count};
    struct duet_run run = {.plan = &plan, .duet = duet, .criteria = criteria};
    return judge(j, &run, floors, duet->ended == ENDED_INTERRUPTED, true, problem);
}

void duet_judged_free(struct duet_judged *j)
{
    for (size_t i = 0; j->reasons && i < j->count; i++)
        free(j->reasons[i]);
    for (enum arm arm = 0; arm < ARMS; arm++)
        free(j->names[arm]);
    free(j->entries);
    free(j->findings);
    free(j->cells);
    free(j->reasons);
    free(j->floors);
    *j = (struct duet_judged){.entries = NULL};
}

int duet_exit_code(enum overall overall)
{
    static const int codes[] = {
        [OVERALL_PASS] = EXIT_FINE,
        [OVERALL_INCONCLUSIVE] = EXIT_INCONCLUSIVE,
        [OVERALL_INCOMPARABLE] = EXIT_INCOMPARABLE,
        [OVERALL_REGRESSION] = EXIT_REGRESSION,
        [OVERALL_UNPROVED] = EXIT_UNPROVED,
        [OVERALL_INTERRUPTED] = EXIT_INTERRUPTED,
    };
    return codes[overall];
}
