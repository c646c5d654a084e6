/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * calibrate_beside.h - what is measured beside a calibration's recording: a slowdown that is really there, and gates
 * that are run rather than replayed. */
#ifndef MUSTER_HARNESS_CALIBRATE_BESIDE_H
#define MUSTER_HARNESS_CALIBRATE_BESIDE_H

#include "harness/calibrate_options.h"
#include "harness/progress.h"
#include "harness/twin.h"
#include "reports/calibration.h"

struct beside {
    const struct calibrate_asked *asked;
    const struct criteria *criteria;
    struct progress *progress;
    int argc;
    char **argv;
};

/* The physical control: of the recording's cells whose operations are items the quickest one, with work in each item,
 * and a tenth more of it on the candidate's side. Fills calibration->control; its id stays NULL where the recording has
 * no such cell. Exit codes, with *problem where it is neither EXIT_FINE nor EXIT_INTERRUPTED. */
int beside_control(const struct beside *, const struct twin *recording, struct calibration *, struct problem *);

/* One gate of this build against itself, with the calibration's floors, counted in calibration->live. Exit codes as
 * above; a gate's own verdict is none. */
int beside_gate(const struct beside *, struct calibration *, struct problem *);

#endif
