/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * handicap.h - `muster --handicap PCT COMMAND`: trials report their times stretched by PCT, a slowdown of exactly known
 * size in every cell, by which a gate is shown to be able to fail.
 *
 * Only what is reported is stretched: the work is the same. A trial that does it says so in its first reply, and every
 * output made from it tells. Set once by main() before a command runs. */
#ifndef MUSTER_HARNESS_HANDICAP_H
#define MUSTER_HARNESS_HANDICAP_H

#include "harness/problem.h"
#include "harness/trial.h"

/* "5%" or "5": times 1.05. Negative down to -50 % too, a speed-up. -1 with *problem (EXIT_USAGE). */
int handicap_set(const char *text, struct problem *);
double handicap_get(void);        /* 0.05; 0: none */
const char *handicap_typed(void); /* as it was given, for who is to have the same; NULL: none */

/* Rates, seconds and latencies of the series, as they would be; CPU times stay what they were. */
void handicap_apply(struct series *);

#endif
