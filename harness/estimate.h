/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * estimate.h - how long things take here, before anything is measured: the work chain, and the plan itself. */
#ifndef MUSTER_HARNESS_ESTIMATE_H
#define MUSTER_HARNESS_ESTIMATE_H

#include "harness/plan.h"
#include "harness/schedule.h"

/* ns per step of ipc/work.h's chain: the fastest of several tries, since only disturbance makes it slower. */
double estimate_chain(void);

/* Seconds that settling item counts takes, and that one block takes. */
double estimate_pilots_s(const struct plan *, const struct results *);
double estimate_block_s(const struct plan *, const struct results *, const struct effort *);

/* Seconds that one operation (a map call, a chunk) of the request lasts at least, as far as its cell's item cost tells.
 */
double estimate_operation_s(const struct request *, const struct cell *);

#endif
