/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * host.h - the machine and the conditions of a run, as the results file holds them.
 *
 * Read once, at the start. Everything comes from where it can be had without privileges; nothing is guessed. */
#ifndef MUSTER_HARNESS_HOST_H
#define MUSTER_HARNESS_HOST_H

#include "harness/problem.h"
#include "harness/topology.h"
#include "reports/results.h"

/* Fills a zeroed *host; what is not known stays NULL or 0. The strings belong to the struct results that *host lies in.
 * 0, or -1 with *problem filled when the system does not even say its name. */
int host_read(struct host *host, const struct topology *topology, struct problem *problem);

bool host_is_virtual(const struct host *host);

#endif
