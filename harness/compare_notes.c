/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * compare_notes.c - see compare_notes.h. */
#include "harness/compare_notes.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int note(struct compare_notes *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int note(struct compare_notes *notes, const char *format, ...)
{
    va_list arguments;
    if (notes->count == NOTES_MOST)
        return 0;
    va_start(arguments, format);
    int length = vasprintf(&notes->lines[notes->count], format, arguments);
    va_end(arguments);
    if (length < 0) {
        notes->lines[notes->count] = NULL;
        return -1;
    }
    notes->count++;
    return 0;
}

bool notes_of_calibration(struct compare_notes *notes, const struct calibration *calibration,
                          const struct results *about)
{
    char why[200];
    const double days = calibration_age_days(calibration, (double)time(NULL));
    const char *unfit = calibration_unfit(calibration, about, why, sizeof why);
    if (unfit)
        note(notes, "the calibration of this machine was left out: %s", unfit);
    else if (days > CALIBRATION_DAYS)
        note(notes, "the calibration of this machine is %.0f days old; muster calibrate renews it", days);
    return !unfit;
}

int notes_of_file(struct compare_notes *notes, const struct results *results, const char *name)
{
    if (results->handicap != 0 &&
        note(notes, "%s: its times were %s by %.3g %% (--handicap)", name,
             results->handicap < 0 ? "shortened" : "stretched", 100 * fabs(results->handicap)))
        return -1;
    if (results->interrupted && note(notes, "%s: the run was interrupted", name))
        return -1;
    return 0;
}

static int note_declared(struct compare_notes *notes, const struct comparison *c, unsigned declared)
{
    static const struct {
        enum group group;
        const char *name;
    } groups[] = {{GROUP_CPU, "cpu"}, {GROUP_KERNEL, "kernel"}, {GROUP_CODE, "code"}};
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        size_t differing = 0;
        for (size_t i = 0; i < c->difference_count; i++)
            differing += c->differences[i].group == groups[g].group;
        if ((declared & groups[g].group) && !differing &&
            note(notes, "--vary %s: nothing of %s differs%s", groups[g].name, groups[g].name,
                 groups[g].group == GROUP_CODE ? "" : "; without it there are verdicts"))
            return -1;
    }
    return 0;
}

#define STILL        0.01 /* within which what surrounds the code is as it was */
#define NATURAL_WAKE "wake in idle mode natural"

/* "spin +5.2 %, call +0.3 %, wake +72.0 %": how much longer each took. */
static void list_controls(const struct controls *controls, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < CONTROLS && used < size; i++)
        if (isfinite(controls->moved[i]))
            used += (size_t)snprintf(text + used, size - used, "%s%s %+.1f %%", used ? ", " : "", control_name(i),
                                     100 * expm1(controls->moved[i]));
    if (isfinite(controls->natural) && used < size)
        snprintf(text + used, size - used, "%s" NATURAL_WAKE " %+.1f %%", used ? ", " : "",
                 100 * expm1(controls->natural));
}

/* "up to 72.0 % longer (wake)"; "" where none moved that way. */
static void say_reach(const struct controls *controls, int direction, char *text, size_t size)
{
    const int farthest = controls_farthest(controls, direction);
    const double most = farthest < 0 ? 0 : controls->moved[farthest], natural = controls->natural;
    const bool naturally = direction * natural > direction * most;
    text[0] = '\0';
    if (naturally || farthest >= 0)
        snprintf(text, size, "up to %.1f %% %s (%s)", 100 * fabs(expm1(naturally ? natural : most)),
                 direction > 0 ? "longer" : "shorter", naturally ? NATURAL_WAKE : control_name(farthest));
}

/* "; nothing is known of spin, line"; "" where all were measured in both runs. */
static void list_unknown(const struct comparison *c, const struct controls *controls, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < CONTROLS && used < size; i++)
        if (!isfinite(controls->moved[i]) && !(c->recompiled && i == LANE_MEMORY))
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "; nothing is known of ",
                                     control_name(i));
    if (c->recompiled && used < size)
        snprintf(text + used, size - used, "; memory is left out, since compilers differ in what they make of it");
}

/* The farthest of all, either way. */
static double farthest(const struct controls *controls)
{
    const double most = fmax(controls_dearer(controls), controls_cheaper(controls));
    return isfinite(controls->natural) ? fmax(most, fabs(controls->natural)) : most;
}

static int note_still(struct compare_notes *notes, const char *later, const char *unknown)
{
    return note(notes,
                "what surrounds the code changed by less than %.3g %% from BASE to %s: work that holds none of it "
                "took as long%s",
                100 * STILL, later, unknown);
}

/* Cells in idle mode natural have their own waking, and as much is allowed for it. */
static int note_moved(struct compare_notes *notes, const struct controls *controls, const char *later,
                      const char *unknown)
{
    char list[240], longer[80], shorter[80];
    list_controls(controls, list, sizeof list);
    say_reach(controls, 1, longer, sizeof longer);
    say_reach(controls, -1, shorter, sizeof shorter);
    return note(
        notes,
        "what surrounds the code (the host, other programs) changed from BASE to %s: work that holds none of it "
        "took %s; a cell that takes %s%s%s may owe that to it, and the intervals allow for that%s",
        later, list, longer, *longer && *shorter ? ", or " : "", shorter, unknown);
}

static int note_controls(struct compare_notes *notes, const struct comparison *c, const struct controls *controls,
                         const char *later)
{
    char unknown[160];
    list_unknown(c, controls, unknown, sizeof unknown);
    if (!controls_known(controls))
        return note(notes,
                    "BASE and %s do not both hold work that could tell whether what surrounds the code changed "
                    "between them; runs of %d blocks and more, on two processing units or more, do",
                    later, STATISTICS_LEAST);
    return farthest(controls) < STILL ? note_still(notes, later, unknown) : note_moved(notes, controls, later, unknown);
}

static int note_machines(struct compare_notes *notes, const struct comparison *c)
{
    char list[240];
    if (note(notes,
             "ratios only: these are one machine each, which says little of others of their kind, and nothing of "
             "the code"))
        return -1;
    list_controls(&c->controls, list, sizeof list);
    return *list ? note(notes, "work that holds no code under test took, on the second against the first: %s", list)
                 : 0;
}

static int note_terms(struct compare_notes *notes, const struct comparison *c)
{
    if (c->left_out && note(notes, "%zu cell%s that neither side can do %s left out", c->left_out,
                            c->left_out == 1 ? "" : "s", c->left_out == 1 ? "is" : "are"))
        return -1;
    if (c->other_items && note(notes, "%zu cell%s of map had other numbers of items in a call; --items would fix them",
                               c->other_items, c->other_items == 1 ? "" : "s"))
        return -1;
    if (c->judged && c->uncalibrated &&
        note(notes,
             "how much two runs so far apart differ here without any cause is not known for %zu cell%s (muster "
             "calibrate, "
             "for as long as lies between them), so their margin is %.3g %% at least; muster duet needs no such "
             "allowance",
             c->uncalibrated, c->uncalibrated == 1 ? "" : "s", 100 * MARGIN_SESSIONS))
        return -1;
    return 0;
}

/* Where most of a cell is spoiled, what is left may be too little, or a quiet minute of a loud hour. */
static int note_spoiled(struct compare_notes *notes, const struct comparison *c)
{
    size_t mostly = 0;
    for (size_t i = 0; i < c->count; i++)
        mostly += c->findings[i].spoiled > c->findings[i].used;
    if (mostly && note(notes,
                       "most trials of %zu cell%s were spoiled by others' work or by the host: measure again when the "
                       "machine is quiet (muster doctor)",
                       mostly, mostly == 1 ? "" : "s"))
        return -1;
    return 0;
}

/* A second look at the base is what AGAIN does not give. */
static int note_slower(struct compare_notes *notes, const struct comparison *c)
{
    size_t alone = 0;
    for (size_t i = 0; i < c->count; i++)
        alone += c->findings[i].doubt == DOUBT_UNCONFIRMED && !verdict_has_again(&c->findings[i]);
    if (alone && note(notes, "to confirm what is slower, measure NEW once more and give that file third, or use muster "
                             "duet"))
        return -1;
    return 0;
}

int notes_of_comparison(struct compare_notes *notes, const struct comparison *c, const struct compare_terms *terms)
{
    if (note_declared(notes, c, terms->declared))
        return -1;
    if (c->forbidden)
        return 0;
    if (!c->judged ? note_machines(notes, c) : note_controls(notes, c, &c->controls, "NEW"))
        return -1;
    if (c->judged && c->looked_again && (controls_known(&c->controls) || controls_known(&c->controls_again)) &&
        note_controls(notes, c, &c->controls_again, "AGAIN"))
        return -1;
    return note_terms(notes, c) || note_spoiled(notes, c) || note_slower(notes, c) ? -1 : 0;
}

void notes_free(struct compare_notes *notes)
{
    while (notes->count)
        free(notes->lines[--notes->count]);
}
