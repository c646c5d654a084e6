/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * verdict.h - from evidence to verdicts: what paired blocks say of a candidate, cell by cell and for all of them.
 *
 * Everything is counting. A block's evidence is w = ln(candidate's time / base's time), positive is worse, and with a
 * margin d = ln(1 + margin) a cell is
 *
 *   slower        if more blocks have w > +d than a fair coin would give (Holm over all cells: the family of alarms)
 *   faster        if more have w < -d (Holm likewise)
 *   equivalent    if more have w < +d, and more have w > -d (each at alpha: two one-sided tests)
 *   inconclusive  otherwise, and where the noise asks for a margin above MARGIN_MOST instead of equivalent: a gate
 *                 that would let anything through says so
 *
 * so nothing is assumed but independent blocks, and each p is an exact binomial tail. Where neighbours hang together
 * (lag-1 of 0.5) averaging them mends half of it: at just the margin, one first measurement in five would alarm, and it
 * is the second that keeps the gate within alpha (tests/test_verdict_odds.c). Pure: replays call it as the gate does.
 * Sources: the sign test; Holm 1979; Schuirmann's two one-sided tests, 1987. */
#ifndef MUSTER_REPORTS_VERDICT_H
#define MUSTER_REPORTS_VERDICT_H

#include "reports/statistics.h"

#include <stdbool.h>
#include <stddef.h>

#define MARGIN_DEFAULT 0.02
#define MARGIN_LEAST   0.01
#define MARGIN_MOST    0.10 /* a floor that asks for more leaves no room for "no slower"; a person may ask for more */
#define FLOOR_FACTOR   1.5  /* a margin is at least this much of the cell's calibrated noise floor */

enum verdict {
    VERDICT_INCONCLUSIVE,
    VERDICT_SLOWER,
    VERDICT_FASTER,
    VERDICT_EQUIVALENT,
    VERDICT_MISSING, /* one side does not have the cell: never a pass */
    VERDICT_FAILED,  /* a proof failed on one side, or the cell could not be measured: never a pass */
};

/* What is asked of the evidence; the same for all cells. */
struct criteria {
    double margin;         /* 0.02 */
    double alpha;          /* 0.05, of each family */
    double confidence;     /* 0.95, of the intervals shown */
    size_t blocks_least;   /* under these no verdict: 12 */
    size_t confirm_cells;  /* how many of the worst are measured again: 2 */
    size_t confirm_blocks; /* how often each: 20 */
};

extern const struct criteria criteria_default;

/* A block of a cell. */
struct observation {
    double worse; /* w, above */
    bool candidate_first;
    bool spoiled; /* by what surrounds it; left out, but for the sensitivity check */
};

struct evidence {
    const struct observation *blocks;
    size_t count;
    double floor;       /* the cell's calibrated noise floor, 0.004 for 0.4 %; NAN: not calibrated */
    enum verdict fault; /* VERDICT_MISSING or VERDICT_FAILED: no evidence at all; else VERDICT_INCONCLUSIVE */
};

/* Why a cell is inconclusive; or what else is to be said of it. */
enum doubt {
    DOUBT_NONE,
    DOUBT_FEW,         /* too few blocks */
    DOUBT_WIDE,        /* the interval holds too much */
    DOUBT_MOVED,       /* so it does for what surrounds the runs, which changed by as much as would decide: of files */
    DOUBT_ORDER,       /* which arm came first matters more than the margin */
    DOUBT_TIES,        /* a fifth of the blocks shows no difference at all: the clock's resolution */
    DOUBT_NOISE,       /* the margin that this machine's noise asks for is too wide for a pass */
    DOUBT_SENSITIVE,   /* with the spoiled blocks the verdict would be another */
    DOUBT_UNCONFIRMED, /* slower at first, and not in the second measurement, or not measured a second time */
};

struct finding {
    enum verdict verdict;
    enum doubt doubt;
    enum verdict sound, with_spoiled; /* of DOUBT_SENSITIVE: what it would be without, and with the spoiled blocks */
    double ratio;                     /* candidate's time / base's: the median over the blocks used */
    double low, high;                 /* its interval; NAN under 6 blocks */
    double margin;                    /* that was used */
    double p_slower;                  /* adjusted by Holm; NAN where nothing was counted */
    size_t used, spoiled;
    size_t counted;  /* of those used; half of them where neighbours were averaged */
    size_t needed;   /* blocks with which these data would have decided, at a guess (below); 0: decided, or no help */
    double lag1;     /* of w; above 0.3 neighbours are averaged by two before they are counted */
    bool not_slower; /* more blocks have w < +d than a coin would give: enough to pass where the interval is wide; false
                      * with any other doubt, and with DOUBT_SENSITIVE where the spoiled blocks gainsay it */
    bool confirmed;  /* measured again, and slower again */
    double ratio_again, low_again, high_again; /* of that second measurement; NAN */
    size_t used_again, spoiled_again;          /* its blocks; both 0: there was none */
    enum doubt doubt_again;                    /* why it does not confirm; none or wide: its figures say so */
    size_t needed_again;                       /* as `needed`, where doubt_again is few */
};

#define LAG1_MOST   0.3  /* of neighbouring blocks, before they are averaged by two */
#define TIES_MOST   0.2  /* of the blocks used */
#define NEEDED_MOST 9999 /* `needed` is never more: then more blocks are no way to decide */

/* Of which nothing is known yet. */
struct finding finding_unknown(double margin);

/* First stage. findings[count] is filled; -1 when memory is short.
 *
 * The order of the arms is doubted when its two medians differ by more than the margin and their intervals, at
 * criteria->confidence, do not touch: so a cell must have 6 blocks of each order, and one that is merely wild is not
 * accused.
 *
 * `needed`: a share q of the blocks lies where the verdict wants it; of n blocks a coin's tail of alpha asks for about
 * n/2 + z sqrt(n)/2, so n = (z / (2q - 1))^2, where z is the normal quantile of alpha; of alpha / cells, Holm's first
 * step, where the median lies beyond the margin. */
int verdict_decide(const struct evidence *, size_t count, const struct criteria *, struct finding *findings);

/* The slower cells that are to be measured again: those that stand out of their own noise the most, so that few blocks
 * will do. (Chosen by their size alone, wild cells that happen to look bad come first, and are then not confirmed.)
 * Returns how many; their indices are in worst[criteria->confirm_cells]. */
size_t verdict_worst(const struct finding *, size_t count, const struct criteria *, size_t *worst);

/* Takes over what was found when a slower cell was measured again, whether or not that confirms it. */
void verdict_note_again(struct finding *, const struct finding *again);

/* Whether it was measured a second time, even if nothing of that can be used. */
bool verdict_has_again(const struct finding *);

/* Second stage: the evidence of those cells only, of later blocks. What is slower again is confirmed; another cell that
 * was slower becomes inconclusive. -1 when memory is short. */
int verdict_confirm(const struct evidence *again, const size_t *worst, size_t worst_count, const struct criteria *,
                    struct finding *findings, size_t count);

/* Whether a margin is more than was asked for, and too wide for a pass. */
bool verdict_too_noisy(double margin, const struct criteria *);

/* All cells together, the gravest that holds. */
enum overall {
    OVERALL_PASS, /* every cell is equivalent or faster, or not slower than the margin */
    OVERALL_INCONCLUSIVE,
    OVERALL_INCOMPARABLE, /* a cell is missing on a side */
    OVERALL_REGRESSION,   /* at least one cell is slower, and that was confirmed */
    OVERALL_UNPROVED,     /* a cell failed */
    OVERALL_INTERRUPTED,  /* it was broken off: what it found until then says nothing of the rest; never of cells */
};

enum overall verdict_overall(const struct finding *, size_t count);

const char *verdict_name(enum verdict); /* "slower", "faster", "equivalent", "inconclusive", "missing", "failed" */
const char *doubt_name(enum doubt);     /* a clause; "" for none */
const char *doubt_key(enum doubt);      /* "none", "few", "wide", "order", "ties", "noise", ... */
const char *
    overall_name(enum overall); /* "pass", "inconclusive", "incomparable", "regression", "unproved", "interrupted" */

#endif
