/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * compare_notes.h - the sentences below the table of `muster compare`: what it rests on, and what would make it surer.
 */
#ifndef MUSTER_HARNESS_COMPARE_NOTES_H
#define MUSTER_HARNESS_COMPARE_NOTES_H

#include "reports/compare.h"

enum { NOTES_MOST = 16 };

struct compare_notes {
    char *lines[NOTES_MOST + 1]; /* ended by NULL */
    size_t count;
};

/* Whether the calibration fits measurements on these terms; what is to be said of it is added. */
bool notes_of_calibration(struct compare_notes *, const struct calibration *, const struct results *about);

/* What a file says of itself that changes how it is to be read; `name` is its path. -1 when memory is short. */
int notes_of_file(struct compare_notes *, const struct results *, const char *name);

/* -1 when memory is short. */
int notes_of_comparison(struct compare_notes *, const struct comparison *, const struct compare_terms *);

void notes_free(struct compare_notes *);

#endif
