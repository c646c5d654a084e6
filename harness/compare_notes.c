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
            note(notes, "--vary %s: nothing of %s differs", groups[g].name, groups[g].name))
            return -1;
    }
    return 0;
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
    if (!c->judged && note(notes, "ratios only: these are one machine each, which says little of others of their kind, "
                                  "and nothing of the code"))
        return -1;
    return note_terms(notes, c) || note_spoiled(notes, c) || note_slower(notes, c) ? -1 : 0;
}

void notes_free(struct compare_notes *notes)
{
    while (notes->count)
        free(notes->lines[--notes->count]);
}
