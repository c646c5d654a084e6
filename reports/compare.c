/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * compare.c - matching the cells of two results files, by id, and what is said of those that do not match. */
#include "reports/compare.h"

#include "reports/rank.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is looked for in the other file; NULL where it is not. */
static const struct cell *twin_of(const struct results *results, const struct cell *cell)
{
    for (size_t i = 0; i < results->cell_count; i++)
        if (results->cells[i].status != CELL_PENDING && strcmp(results->cells[i].id, cell->id) == 0)
            return &results->cells[i];
    return NULL;
}

/* --- why a cell cannot be judged --------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : !a && !b;
}

/* What was not the same, though the id is: "" when nothing. The service is planned for the whole run, so that it may
 * differ between runs that held other worker counts. */
static const char *other_terms(const struct cell *a, const struct cell *b)
{
    if (!same_text(a->metric, b->metric) || !same_text(a->unit, b->unit) || !same_text(a->better, b->better))
        return "the two measure another thing";
    if (!same_text(a->idle, b->idle))
        return "the idle modes differ";
    if (!same_text(a->service, b->service))
        return "the service has a place of its own on one side only";
    if (a->oversubscribed != b->oversubscribed)
        return "more workers than places on one side only";
    if (!a->manager != !b->manager)
        return "a manager of its own address served one side only";
    return "";
}

static const char *word_or(const char *text, const char *otherwise)
{
    return text && *text ? text : otherwise;
}

/* The verdict of a cell that one of the two, or both, cannot speak for, with its reason; VERDICT_INCONCLUSIVE and NULL
 * for one that can be judged. -1 when memory is short. */
static int fault_of(const struct cell *const sides[2], const char *const names[2], enum verdict *verdict, char **reason)
{
    *reason = NULL;
    for (size_t i = 0; i < 2; i++)
        if (sides[i] && sides[i]->status == CELL_FAILED) {
            *verdict = VERDICT_FAILED;
            return asprintf(reason, "%s: %s", names[i], word_or(sides[i]->reason, "failed")) < 0 ? -1 : 0;
        }
    *verdict = VERDICT_MISSING;
    for (size_t i = 0; i < 2; i++)
        if (!sides[i])
            return asprintf(reason, "%s does not have it", names[i]) < 0 ? -1 : 0;
    for (size_t i = 0; i < 2; i++)
        if (sides[i]->status == CELL_NA)
            return asprintf(reason, "%s: n/a, %s", names[i], word_or(sides[i]->reason, "it cannot do it")) < 0 ? -1 : 0;
    const char *other = other_terms(sides[0], sides[1]);
    if (*other)
        return asprintf(reason, "%s", other) < 0 ? -1 : 0;
    *verdict = VERDICT_INCONCLUSIVE;
    return 0;
}

/* --- the list of cells ------------------------------------------------------------------------------------------- */

static int list_open(struct comparison *c, size_t room)
{
    c->cells = calloc(room + 1, sizeof *c->cells);
    c->reasons = calloc(room + 1, sizeof *c->reasons);
    c->findings = calloc(room + 1, sizeof *c->findings);
    c->floors = calloc(room + 1, sizeof *c->floors);
    return c->cells && c->reasons && c->findings && c->floors ? 0 : -1;
}

/* Sessions of a shorter time count too, but do not suffice. */
static struct unpaired what_is_known(const struct cell *base, const struct cell *candidate, double *floor,
                                     const struct compare_terms *terms, bool spanned)
{
    const struct calibration *calibration = terms->calibration;
    struct unpaired known = {.base = base, .candidate = candidate, .apart = {.sd = NAN, .up = NAN, .down = NAN}};
    const struct calibrated_cell *cell = calibration ? calibration_cell(calibration, base->id) : NULL;
    if (cell) {
        known.apart.sd = cell->session_sd;
        known.apart.sessions = cell->sessions;
    }
    *floor = cell ? cell->floor : NAN;
    known.margin = fmax(terms->criteria->margin, FLOOR_FACTOR * *floor); /* fmax() leaves out a NAN */
    known.guarded = !spanned || isnan(known.apart.sd);
    if (known.guarded)
        known.margin = fmax(known.margin, MARGIN_SESSIONS);
    return known;
}

/* One of the two may be NULL. -1 when memory is short. */
static int list_add(struct comparison *c, struct unpaired *unpaired, const struct cell *base,
                    const struct cell *candidate, const struct compare_terms *terms)
{
    static const char *const names[] = {"the base", "the candidate"};
    if (base && candidate && base->status == CELL_NA && candidate->status == CELL_NA) {
        c->left_out++;
        return 0;
    }
    const size_t at = c->count++;
    c->cells[at] = base ? base : candidate;
    c->floors[at] = NAN;
    c->findings[at] = finding_unknown(terms->criteria->margin);
    unpaired[at] = (struct unpaired){.base = NULL};
    const struct cell *const sides[] = {base, candidate};
    if (fault_of(sides, names, &c->findings[at].verdict, &c->reasons[at]))
        return -1;
    if (c->findings[at].verdict != VERDICT_INCONCLUSIVE)
        return 0;
    unpaired[at] = what_is_known(base, candidate, &c->floors[at], terms, c->spanned);
    c->uncalibrated += unpaired[at].guarded;
    c->other_items += base->items != candidate->items;
    return 0;
}

static int list_fill(struct comparison *c, struct unpaired *unpaired, const struct results *base,
                     const struct results *candidate, const struct compare_terms *terms)
{
    int result = 0;
    for (size_t i = 0; i < base->cell_count && result == 0; i++)
        if (base->cells[i].status != CELL_PENDING)
            result = list_add(c, unpaired, &base->cells[i], twin_of(candidate, &base->cells[i]), terms);
    for (size_t i = 0; i < candidate->cell_count && result == 0; i++)
        if (candidate->cells[i].status != CELL_PENDING && !twin_of(base, &candidate->cells[i]))
            result = list_add(c, unpaired, NULL, &candidate->cells[i], terms);
    return result;
}

/* --- judging ----------------------------------------------------------------------------------------------------- */

static bool is_recompiled(const struct comparison *c)
{
    for (size_t i = 0; i < c->difference_count; i++)
        if (c->differences[i].hard && c->differences[i].group == GROUP_CODE)
            return true;
    return false;
}

static int look_around(const struct comparison *c, struct controls *controls, const struct results *earlier,
                       const struct results *later, const char *idle)
{
    if (controls_between(controls, earlier, later, idle))
        return -1;
    if (c->recompiled)
        controls->moved[LANE_MEMORY] = NAN;
    return 0;
}

/* How far what surrounds them moved meanwhile, as each cell's idle mode shows it. Between two machines that is no
 * noise, but part of what is asked for. -1 when memory is short. */
static int allow_for_moves(const struct comparison *c, struct unpaired *unpaired, const struct results *earlier,
                           const struct results *later)
{
    for (size_t i = 0; i < c->count && c->judged; i++) {
        const struct cell *cell = unpaired[i].base;
        struct controls controls;
        if (!cell || !unpaired[i].candidate)
            continue;
        if (look_around(c, &controls, earlier, later, cell->idle ? cell->idle : rank_idle(earlier)))
            return -1;
        unpaired[i].apart.up = controls_dearer(&controls);
        unpaired[i].apart.down = controls_cheaper(&controls);
    }
    return 0;
}

/* What the second measurement has of the cells that were slower. -1 when memory is short. */
static int second_of(struct comparison *c, size_t i, const struct results *again, struct unpaired *unpaired)
{
    static const char *const names[] = {"the base", "the second measurement"};
    const struct cell *const sides[] = {unpaired->base, twin_of(again, c->cells[i])};
    enum verdict verdict;
    char *reason;
    if (fault_of(sides, names, &verdict, &reason))
        return -1;
    unpaired->candidate = sides[1];
    if (verdict == VERDICT_INCONCLUSIVE)
        return 0;
    c->findings[i].verdict = verdict;
    c->reasons[i] = reason;
    unpaired->candidate = NULL;
    return 0;
}

static int confirm(struct comparison *c, const struct results *base, const struct results *again,
                   struct unpaired *unpaired, const struct compare_terms *terms)
{
    struct finding *seconds = calloc(c->count + 1, sizeof *seconds);
    int result = seconds ? 0 : -1;
    for (size_t i = 0; i < c->count && result == 0; i++) {
        const bool slower = c->findings[i].verdict == VERDICT_SLOWER;
        c->looked_again |= slower;
        if (slower)
            result = second_of(c, i, again, &unpaired[i]);
        else
            unpaired[i].candidate = NULL;
    }
    if (result == 0 && c->looked_again)
        result = look_around(c, &c->controls_again, base, again, rank_idle(base));
    if (result == 0)
        result = allow_for_moves(c, unpaired, base, again);
    if (result == 0)
        result = compare_decide(unpaired, c->count, terms->criteria, seconds);
    for (size_t i = 0; i < c->count && result == 0; i++)
        if (unpaired[i].candidate)
            verdict_note_again(&c->findings[i], &seconds[i]);
    free(seconds);
    return result;
}

/* A cell that is slower and not confirmed is no regression. */
static void leave_unconfirmed(struct comparison *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->findings[i].verdict == VERDICT_SLOWER && !c->findings[i].confirmed) {
            c->findings[i].verdict = VERDICT_INCONCLUSIVE;
            c->findings[i].doubt = DOUBT_UNCONFIRMED;
            c->findings[i].not_slower = false;
        }
}

/* Ratios and intervals stay, and what is missing or failed is still told. */
static void take_verdicts_off(struct comparison *c)
{
    size_t measured = 0, missing = 0, failed = 0;
    for (size_t i = 0; i < c->count; i++) {
        struct finding *finding = &c->findings[i];
        measured += !isnan(finding->ratio);
        missing += finding->verdict == VERDICT_MISSING;
        failed += finding->verdict == VERDICT_FAILED;
        if (finding->verdict == VERDICT_MISSING || finding->verdict == VERDICT_FAILED)
            continue;
        finding->verdict = VERDICT_INCONCLUSIVE;
        finding->doubt = finding->doubt == DOUBT_FEW ? DOUBT_FEW : DOUBT_NONE;
        finding->needed = 0;
        finding->not_slower = false;
    }
    c->overall = failed ? OVERALL_UNPROVED : missing || !measured ? OVERALL_INCOMPARABLE : OVERALL_PASS;
}

static int judge(struct comparison *c, const struct results *base, const struct results *candidate,
                 const struct results *again, const struct compare_terms *terms)
{
    struct unpaired *unpaired = calloc(base->cell_count + candidate->cell_count + 1, sizeof *unpaired);
    int result = unpaired ? list_fill(c, unpaired, base, candidate, terms) : -1;
    if (result == 0)
        result = look_around(c, &c->controls, base, candidate, rank_idle(base));
    if (result == 0)
        result = allow_for_moves(c, unpaired, base, candidate);
    if (result == 0)
        result = compare_decide(unpaired, c->count, terms->criteria, c->findings);
    if (result == 0 && c->judged && again)
        result = confirm(c, base, again, unpaired, terms);
    free(unpaired);
    if (result)
        return -1;
    leave_unconfirmed(c);
    c->overall = verdict_overall(c->findings, c->count);
    if (!c->judged)
        take_verdicts_off(c);
    return 0;
}

int compare_results(struct comparison *c, const struct results *base, const struct results *candidate,
                    const struct results *again, const struct compare_terms *terms)
{
    *c = (struct comparison){
        .overall = OVERALL_INCOMPARABLE, .controls = controls_unknown(), .controls_again = controls_unknown()};
    int result = fingerprint_compare(base, candidate, &c->differences, &c->difference_count);
    c->judged = !(terms->declared & (GROUP_CPU | GROUP_KERNEL));
    c->spanned = terms->calibration && calibration_spans(terms->calibration, base, candidate) &&
                 (!again || calibration_spans(terms->calibration, base, again));
    c->recompiled = is_recompiled(c);
    c->forbidden = fingerprint_forbids(c->differences, c->difference_count, terms->declared);
    if (result == 0 && !c->forbidden) {
        result = list_open(c, base->cell_count + candidate->cell_count);
        if (result == 0)
            result = judge(c, base, candidate, again, terms);
    }
    if (result)
        comparison_free(c);
    return result;
}

void comparison_free(struct comparison *c)
{
    for (size_t i = 0; c->reasons && i < c->count; i++)
        free(c->reasons[i]);
    free(c->differences);
    free(c->cells);
    free(c->reasons);
    free(c->findings);
    free(c->floors);
    *c = (struct comparison){.overall = OVERALL_INCOMPARABLE};
}
