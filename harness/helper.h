/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * helper.h - a process of the harness's own, bound to one processing unit: a spinner, a prober.
 *
 * It dies with its parent, whatever ends that one, and it holds none of the parent's descriptors, so that a pipe whose
 * end somebody waits for does end. It never ends by itself. */
#ifndef MUSTER_HARNESS_HELPER_H
#define MUSTER_HARNESS_HELPER_H

#include "harness/binder.h"

#include <sys/types.h>

struct helper {
    pid_t pid; /* 0: none */
};

/* Runs for ever. */
typedef void helper_main(void *arg);

/* Returns once the helper runs where it shall. 0, or -1 with *problem filled and nothing left. */
int helper_start(struct helper *helper, struct binder *binder, unsigned pu, helper_main *main, void *arg,
                 struct problem *problem);

/* Kills and reaps it; what is not there is passed over. */
void helper_end(struct helper *helper);

#endif
