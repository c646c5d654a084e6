/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * flags.h - what a cell's trials show that its value and interval hide: they drift, they fall into two groups, their
 * windows held too few operations, or the host took time from them.
 *
 * Nothing is stored but the trials: flags are computed wherever a cell is shown, so that files of earlier versions have
 * them too. A flag asks for care and changes no value. */
#ifndef MUSTER_REPORTS_FLAGS_H
#define MUSTER_REPORTS_FLAGS_H

#include "reports/results.h"

#define FLAGS_SMALL    0.02 /* a relative drift below this is none */
#define FLAGS_APART    0.05 /* two groups nearer than this are one */
#define FLAGS_STOLEN   0.02 /* of the time of the units that a cell's trials had */
#define FLAGS_FEWEST   100  /* operations in a window: with fewer, one is more than 1 % */
#define FLAGS_TIED     0.2  /* of the windows have a twin, exactly */
#define FLAGS_P_WITHIN 0.001
#define FLAGS_P_BLOCKS 0.003 /* six blocks, each faster than the one before, are enough */

enum flag { FLAG_UNSTEADY, FLAG_BIMODAL, FLAG_QUANTISED, FLAG_STOLEN, FLAGS };

struct flags {
    bool set[FLAGS];
    /* Unsteady: last third against first third, as a part. Within trials, when the windows of all trials together have
     * a trend (Hirsch and Slack's joint test) and a sign test says that trials drift the same way; over blocks, when
     * the trials have one. 0: steady so. */
    double within, over_blocks;
    double low, high; /* bimodal: the groups' medians */
    size_t below, above;
    double operations; /* quantised: a window's, on average; NAN: seen by exact ties alone. What travels together counts
                        * as one, but a map's windows end with whole calls, whose time is exact: there items count */
    double tied;       /* part of windows with an exact twin; NAN: not known */
    double stolen;     /* part of the units' time; NAN: not known */
};

/* Pure. A cell without a value has no flag, and one of fewer than 6 trials none of unsteady and bimodal. */
void flags_of(struct flags *, const struct cell *);

/* "unsteady"; the names in results.json. */
const char *flag_name(enum flag);

/* What it means, for a list of cells: "bimodal: its trials fall into two groups". */
const char *flag_meaning(enum flag);

/* The cell's own figures: "5 trials near 60 k, 4 near 148 k". Returns text; "" where the flag is not set. */
char *flag_figures(char *text, size_t size, const struct flags *, enum flag);

/* "unsteady, bimodal"; "" without. Returns text. */
char *flags_names(char *text, size_t size, const struct flags *);

/* Any of them. */
bool flags_any(const struct flags *);

#endif
