/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * leftovers.h - what trials left behind: processes that still run after the trial that started them has ended.
 *
 * A trial's process group ends with it. What went into a session of its own is found by the environment that it
 * inherited, and only told: whoever started it may have meant it. */
#ifndef MUSTER_HARNESS_LEFTOVERS_H
#define MUSTER_HARNESS_LEFTOVERS_H

/* NAME=VALUE for the environment of every trial; ours alone. To be asked for before the fork. */
char *leftovers_mark(void);

/* "1234 (sleep), 1240 (cat)": those that still run now, a few named and the others counted, free()'s to free; NULL when
 * there are none, or memory is short. Waits a moment for those that are about to end. */
char *leftovers_text(void);

#endif
