/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * twin.h - a duet of this program with itself: what a calibration records, its control, and its live gates. */
#ifndef MUSTER_HARNESS_TWIN_H
#define MUSTER_HARNESS_TWIN_H

#include "harness/duet.h"
#include "harness/job.h"

struct twin {
    struct job job;
    struct duet duet;
    struct duet_run run;
};

/* Plans what `asked` selects, whose lists are copied and stay the caller's. twin_free() in any case. -1 with *problem.
 */
int twin_prepare(struct twin *, const struct asked_for *asked, const struct criteria *, int argc, char **argv,
                 struct problem *);
void twin_free(struct twin *);

/* Where twin_prepare()'s copy of a list is to hold one name instead. -1 when memory is short. */
int twin_name(struct text_list *, const char *name);

/* Deep copies of all lists; -1 when memory is short, then partly filled, wanted_free()'s to free. */
int twin_copy(struct wanted *, const struct wanted *from);

#endif
