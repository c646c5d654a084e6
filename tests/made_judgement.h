/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * made_judgement.h - a judgement with a cell of every kind, for tests of what is said of it. */
#ifndef MUSTER_TESTS_MADE_JUDGEMENT_H
#define MUSTER_TESTS_MADE_JUDGEMENT_H

#include "reports/verdict_report.h"

enum { CELLS = 12 };

/* A comparison with a cell of every kind; nothing in it is ever freed. */
struct sample {
    struct cell cells[CELLS];
    const struct cell *pointers[CELLS];
    const char *reasons[CELLS];
    double floors[CELLS];
    struct finding findings[CELLS];
    struct results about;
    struct judgement judgement;
};

/* Made anew by each call, in the same place. */
struct sample *sample(void);

/* Inconclusive; the ratio and its interval in percent. */
struct finding doubted(enum doubt doubt, double change, double low, double high);

/* Measured a second time, with that ratio and interval, in percent. */
void again(struct finding *finding, double change, double low, double high);

#endif
