/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * made_duet.h - a recording that was never measured: pairs whose noise is known, from a fixed seed. */
#ifndef MUSTER_TESTS_MADE_DUET_H
#define MUSTER_TESTS_MADE_DUET_H

#include "reports/duet.h"

struct made {
    size_t cells;
    unsigned blocks;
    double sd[4];          /* of each cell's evidence; the last given holds for the others */
    double wander;         /* of ln(value) from pair to pair, both arms alike */
    double sessions_sd;    /* of ln(value) from session to session, both arms alike */
    unsigned session;      /* blocks of one */
    unsigned storm_from;   /* from this block (0: never) the candidate takes `storm` more time, in cell 0 */
    double storm;          /* 0.1 */
    unsigned spoiled_each; /* of each cell every so many-th block is spoiled, wild, and measured again; 0: none */
};

/* duet_free()'s to free. */
void made_duet(struct duet *, const struct made *);

#endif
