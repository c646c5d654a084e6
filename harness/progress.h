/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * progress.h - one line on stderr that says how far a run is, rewritten in place and gone at the end.
 *
 *     block 3 of 6 · counter/prefork-pipe · 41 s left */
#ifndef MUSTER_HARNESS_PROGRESS_H
#define MUSTER_HARNESS_PROGRESS_H

enum progress_mode { PROGRESS_AUTO, PROGRESS_ALWAYS, PROGRESS_NEVER }; /* auto: on a terminal */

/* Their names, in this order, ended by NULL; for options_choice(). */
extern const char *const progress_modes[];

struct progress;

/* NULL when memory is short, or in mode never; all others take NULL, and then only notes are shown. */
struct progress *progress_open(enum progress_mode);

/* At most ten times a second; what comes in between is not shown. blocks 0: nobody knows how many, and a
 * round is shown. `cell` is what is measured now; left_s may be NAN:
 * not known yet. */
void progress_show(struct progress *, unsigned block, unsigned blocks, const char *cell, double left_s);

/* What is counted from now on, instead of blocks: kept until the next call, and not copied. */
void progress_count(struct progress *, const char *what);

/* A whole line for the user to keep, above the progress line; also where there is none. */
void progress_note(struct progress *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes the line away, until the next progress_show(). */
void progress_clear(struct progress *);
void progress_close(struct progress *); /* clears too */

#endif
