/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * compare.h - two results files, measured at different times: which cells are the same, and what became of them.
 *
 * There are no pairs here, so a cell is judged by the interval of the difference of its two medians
 * (statistics_difference), never by whether two intervals overlap. With w = ln(candidate's time / base's time) and the
 * margin d = ln(1 + margin) a cell is
 *
 *   slower        if the tail of "w is +d or less" is at most alpha (Holm over all cells)
 *   faster        if that of "w is -d or more" is (Holm likewise)
 *   equivalent    if those of "w is +d or more" and of "w is -d or less" are (each at alpha: two one-sided tests)
 *   inconclusive  otherwise; never equivalent where the noise asks for a margin above MARGIN_MOST, nor slower or faster
 *                 where more than TIES_MOST of a run's trials are exactly alike: their intervals mean nothing
 *
 * Trials from which the host, or others' work on the cell's processing units, took too much are spoiled as a duet's
 * pairs are, and left out; with them the verdict must be the same.
 *
 * What two runs differ by without any cause is learned by `muster calibrate`, for runs that lie no further apart than
 * its recording was long. Where it is not known, nothing below MARGIN_SESSIONS is called slower or faster, since no run
 * shows from inside what the next one will find.
 *
 * What surrounds the runs may change for longer than a calibration looked at it. Both runs hold controls (controls.h),
 * so that the comparison sees by how much it did, and allows every cell as much: where the controls took up to 20 %
 * more time, a cell may have as well, and its interval reaches down by so much more. On a virtual machine whose host
 * has slow and fast times, the intervals over the 21 pairs of seven runs of a minute, three hours apart at most, held
 * no difference in all of 315 cells, and in 310 without a calibration; in 232 and 147 before the controls were looked
 * at. The rule was found on those runs; over the ten pairs of five later ones it held in 150 of 150, with and without.
 */
#ifndef MUSTER_REPORTS_COMPARE_H
#define MUSTER_REPORTS_COMPARE_H

#include "reports/calibration.h"
#include "reports/controls.h"
#include "reports/fingerprint.h"
#include "reports/verdict.h"

#define MARGIN_SESSIONS 0.10

struct compare_terms {
    const struct criteria *criteria;
    unsigned declared;                     /* what may differ, enum group as bits; GROUP_CPU or _KERNEL: no verdicts */
    const struct calibration *calibration; /* of this machine; NULL: none */
};

struct comparison {
    struct difference *differences; /* of the candidate from the base */
    size_t difference_count;
    bool forbidden; /* one of them is hard and was not declared: no cell was looked at */
    bool judged;    /* false: ratios only */
    bool spanned;   /* the runs lie no further apart than the calibration's recording was long */
    /* From the base to the candidate, and to the second measurement, where anything was slower; waking in the base's
     * idle mode. All NAN where no cell was looked at. */
    struct controls controls, controls_again;
    bool looked_again; /* something was slower, and there is a second measurement */
    bool recompiled;   /* compiler or flags differ: they make the loop of the memory lane, which is left out */
    /* Cells in the base's order, then those that only the candidate has; all four have `count` elements. */
    const struct cell **cells; /* of the base where it has it: not owned */
    char **reasons;            /* why a cell is missing or failed, and on which side; NULL elsewhere */
    struct finding *findings;
    double *floors; /* calibrated; NAN */
    size_t count;
    size_t left_out;     /* cells that both sides call n/a */
    size_t uncalibrated; /* cells that both sides have, for which it is not known how runs so far apart differ */
    size_t other_items;  /* cells whose map calls held other numbers of items on the two sides */
    enum overall overall;
};

/* Matches and judges. `again` is the candidate measured once more, later, or NULL: what is slower there too (Holm over
 * those that were) is confirmed; a slower cell that is not becomes inconclusive. Both measurements are held against the
 * same base, so that a base of an unusually fast hour is not found out. -1 when memory is short. */
int compare_results(struct comparison *, const struct results *base, const struct results *candidate,
                    const struct results *again, const struct compare_terms *);

void comparison_free(struct comparison *);

/* --- inside: one cell's two runs ---------------------------------------------------------------------------------- */

/* A cell that both sides measured, and what is known of it. */
struct unpaired {
    const struct cell *base, *candidate; /* one of them NULL: no evidence */
    double margin;
    struct apart apart;
    bool guarded; /* sessions are not known, or not over so long a time: the margin is MARGIN_SESSIONS at least */
};

/* Fills ratio, interval, verdict and doubt of those findings whose unpaired[i] has both cells; the others stay. -1 when
 * memory is short. */
int compare_decide(const struct unpaired *, size_t count, const struct criteria *, struct finding *findings);

#endif
