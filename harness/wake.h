/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * wake.h - what waking an idle CPU costs here and now: the condition that moves results most, measured with them.
 *
 * A sleeper on one processing unit is woken from another after both had time to go idle; the cost is the time from just
 * before the wake-up call to the sleeper's first look at the clock. */
#ifndef MUSTER_HARNESS_WAKE_H
#define MUSTER_HARNESS_WAKE_H

#include "harness/problem.h"

struct wake;

/* The sleeper is forked here and lives until wake_close(), or until this process ends. 0, or -1 with *problem filled.
 * *wake stays NULL when both units are the same: there is nobody to wake, and that is no error. */
int wake_open(struct wake **wake, unsigned from_pu, unsigned to_pu, struct problem *problem);
void wake_close(struct wake *wake);

/* The median of `samples`, ns; about 0.5 ms each. NAN: it cannot be measured, or `wake` is NULL. The calling thread is
 * on from_pu meanwhile, and afterwards again where it was allowed to be. */
double wake_measure(struct wake *wake, unsigned samples);

#endif
