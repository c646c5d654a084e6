/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * verdict.c - the gate: counts blocks beyond the margin, adjusts over all cells, looks for reasons to doubt, confirms.
 *
 * A cell's blocks are tallied first, each cell by itself; then the tails are adjusted over the cells; only then is
 * there a verdict. Where blocks were spoiled, all of it is done once more with them, and must come to the same. */
#include "reports/verdict.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

const struct criteria criteria_default = {
    .margin = MARGIN_DEFAULT,
    .alpha = 0.05,
    .confidence = STATISTICS_CONFIDENCE,
    .blocks_least = 12,
    .confirm_cells = 2,
    .confirm_blocks = 20,
};

/* What one cell's blocks amount to. */
struct tally {
    size_t blocks;             /* that were used */
    size_t counted;            /* the same, or half of them where neighbours were averaged */
    size_t slower, faster;     /* counted, with w > +d, with w < -d */
    size_t under, over;        /* counted, with w < +d, with w > -d */
    double p_slower, p_faster; /* adjusted; NAN: nothing was counted */
    double median, low, high;  /* of w */
    double lag1;
    bool by_order, tied;
};

static bool is_used(const struct observation *block, bool spoiled_too)
{
    return !isnan(block->worse) && (spoiled_too || !block->spoiled);
}

/* The w of the blocks that are used, in the order of measurement. */
static size_t gather(const struct evidence *evidence, bool spoiled_too, double *w)
{
    size_t count = 0;
    for (size_t i = 0; i < evidence->count; i++)
        if (is_used(&evidence->blocks[i], spoiled_too))
            w[count++] = evidence->blocks[i].worse;
    return count;
}

static size_t gather_order(const struct evidence *evidence, bool spoiled_too, bool candidate_first, double *w)
{
    size_t count = 0;
    for (size_t i = 0; i < evidence->count; i++)
        if (evidence->blocks[i].candidate_first == candidate_first && is_used(&evidence->blocks[i], spoiled_too))
            w[count++] = evidence->blocks[i].worse;
    return count;
}

/* The interval costs more than the medians, and is seldom asked for. */
static bool differs_by_order(const struct evidence *evidence, bool spoiled_too, double d, double confidence, double *w)
{
    struct interval ab, ba;
    size_t ab_count = gather_order(evidence, spoiled_too, false, w);
    size_t ba_count = gather_order(evidence, spoiled_too, true, w + ab_count);
    double between = statistics_median(w, ab_count) - statistics_median(w + ab_count, ba_count);
    if (isnan(between) || fabs(between) <= d)
        return false;
    return statistics_median_interval(w, ab_count, confidence, &ab) &&
           statistics_median_interval(w + ab_count, ba_count, confidence, &ba) &&
           (ab.low > ba.high || ba.low > ab.high);
}

/* Replaces neighbours by their mean; a last one without a neighbour is left out. */
static size_t average_by_two(double *w, size_t count)
{
    for (size_t i = 0; i < count / 2; i++)
        w[i] = (w[2 * i] + w[2 * i + 1]) / 2;
    return count / 2;
}

static void count_sides(struct tally *tally, const double *w, double d)
{
    for (size_t i = 0; i < tally->counted; i++) {
        tally->slower += w[i] > d;
        tally->faster += w[i] < -d;
        tally->under += w[i] < d;
        tally->over += w[i] > -d;
    }
}

static bool are_tied(const double *w, size_t count)
{
    size_t ties = 0;
    for (size_t i = 0; i < count; i++)
        ties += w[i] == 0;
    return (double)ties > TIES_MOST * (double)count;
}

/* Tails are not adjusted yet. -1 when memory is short. */
static int tally_cell(struct tally *tally, const struct evidence *evidence, double margin,
                      const struct criteria *criteria, size_t least, bool spoiled_too)
{
    struct interval interval;
    double d = log1p(margin);
    *tally = (struct tally){.median = NAN, .low = NAN, .high = NAN, .lag1 = NAN, .p_slower = NAN, .p_faster = NAN};
    if (evidence->fault != VERDICT_INCONCLUSIVE || !evidence->count)
        return 0;
    double *w = malloc(evidence->count * sizeof *w);
    if (!w)
        return -1;
    tally->by_order = differs_by_order(evidence, spoiled_too, d, criteria->confidence, w);
    tally->blocks = tally->counted = gather(evidence, spoiled_too, w);
    tally->tied = are_tied(w, tally->blocks);
    tally->lag1 = statistics_lag1(w, tally->blocks);
    if (tally->lag1 > LAG1_MOST)
        tally->counted = average_by_two(w, tally->blocks);
    tally->median = statistics_median(w, tally->counted);
    statistics_median_interval(w, tally->counted, criteria->confidence, &interval);
    tally->low = interval.low;
    tally->high = interval.high;
    count_sides(tally, w, d);
    if (tally->blocks >= least) {
        tally->p_slower = statistics_at_least(tally->slower, tally->counted);
        tally->p_faster = statistics_at_least(tally->faster, tally->counted);
    }
    free(w);
    return 0;
}

/* Two families, each over all cells that have enough blocks. */
static int adjust(struct tally *tallies, size_t count)
{
    double *p = calloc(2 * count + 1, sizeof *p);
    if (!p)
        return -1;
    for (size_t i = 0; i < count; i++) {
        p[i] = tallies[i].p_slower;
        p[count + i] = tallies[i].p_faster;
    }
    int result = statistics_holm(p, count, p);
    if (result == 0)
        result = statistics_holm(p + count, count, p + count);
    for (size_t i = 0; i < count; i++) {
        tallies[i].p_slower = p[i];
        tallies[i].p_faster = p[count + i];
    }
    free(p);
    return result;
}

/* Of the sound blocks; or of all, `sound` being what they alone came to: cells of which too few are sound have no
 * verdict to be held against, and are no members of that family either. */
static int tally_cells(struct tally *tallies, const struct evidence *evidence, size_t count,
                       const struct finding *findings, const struct criteria *criteria, size_t least,
                       const struct tally *sound)
{
    for (size_t i = 0; i < count; i++) {
        if (tally_cell(&tallies[i], &evidence[i], findings[i].margin, criteria, least, sound != NULL) != 0)
            return -1;
        if (sound && sound[i].blocks < least)
            tallies[i].p_slower = tallies[i].p_faster = NAN;
    }
    return adjust(tallies, count);
}

bool verdict_too_noisy(double margin, const struct criteria *criteria)
{
    return margin > criteria->margin && margin > MARGIN_MOST;
}

static bool is_not_slower(const struct tally *tally, double alpha)
{
    return statistics_at_least(tally->under, tally->counted) <= alpha;
}

static enum verdict verdict_of(const struct tally *tally, double alpha)
{
    if (tally->p_slower <= alpha)
        return VERDICT_SLOWER;
    if (tally->p_faster <= alpha)
        return VERDICT_FASTER;
    if (is_not_slower(tally, alpha) && statistics_at_least(tally->over, tally->counted) <= alpha)
        return VERDICT_EQUIVALENT;
    return VERDICT_INCONCLUSIVE;
}

/* By the formula in the header; averaged neighbours cost two blocks each. */
static size_t blocks_needed(const struct tally *tally, double margin, double alpha, size_t cells)
{
    double d = log1p(margin), tail = alpha, favourable;
    if (fabs(tally->median) > d) {
        favourable = (double)(tally->median > d ? tally->slower : tally->faster);
        tail = alpha / (double)cells;
    } else
        favourable = (double)(tally->under < tally->over ? tally->under : tally->over);
    double beyond_half = 2 * favourable / (double)tally->counted - 1;
    double needed = NEEDED_MOST;
    if (beyond_half > 0)
        needed = ceil(pow(gsl_cdf_ugaussian_Qinv(tail) / beyond_half, 2));
    if (tally->counted < tally->blocks)
        needed *= 2;
    return (size_t)fmin(fmax(needed, (double)tally->blocks + 1), NEEDED_MOST);
}

static enum doubt doubt_of(const struct tally *tally, size_t least)
{
    if (tally->blocks < least)
        return DOUBT_FEW;
    if (tally->by_order)
        return DOUBT_ORDER;
    return tally->tied ? DOUBT_TIES : DOUBT_NONE;
}

static void conclude(struct finding *finding, const struct tally *tally, const struct criteria *criteria, size_t least,
                     size_t cells)
{
    finding->ratio = exp(tally->median);
    finding->low = exp(tally->low);
    finding->high = exp(tally->high);
    finding->p_slower = tally->p_slower;
    finding->used = tally->blocks;
    finding->counted = tally->counted;
    finding->lag1 = tally->lag1;
    finding->doubt = doubt_of(tally, least);
    if (finding->doubt == DOUBT_FEW)
        finding->needed = least;
    if (finding->doubt != DOUBT_NONE)
        return;
    finding->verdict = verdict_of(tally, criteria->alpha);
    finding->not_slower = is_not_slower(tally, criteria->alpha);
    if (finding->verdict != VERDICT_SLOWER && finding->verdict != VERDICT_FASTER &&
        verdict_too_noisy(finding->margin, criteria)) {
        finding->verdict = VERDICT_INCONCLUSIVE;
        finding->doubt = DOUBT_NOISE;
        finding->not_slower = false;
    } else if (finding->verdict == VERDICT_INCONCLUSIVE) {
        finding->doubt = DOUBT_WIDE;
        finding->needed = blocks_needed(tally, finding->margin, criteria->alpha, cells);
    }
}

/* What the same blocks and the spoiled ones say together. */
static void compare_with_all(struct finding *finding, const struct tally *all, const struct criteria *criteria)
{
    if (finding->doubt != DOUBT_NONE && finding->doubt != DOUBT_WIDE)
        return;
    finding->not_slower &= is_not_slower(all, criteria->alpha);
    if (finding->doubt == DOUBT_WIDE || verdict_of(all, criteria->alpha) == finding->verdict)
        return;
    finding->sound = finding->verdict;
    finding->with_spoiled = verdict_of(all, criteria->alpha);
    finding->verdict = VERDICT_INCONCLUSIVE;
    finding->doubt = DOUBT_SENSITIVE;
}

static size_t spoiled_in(const struct evidence *evidence)
{
    size_t spoiled = 0;
    for (size_t i = 0; i < evidence->count; i++)
        spoiled += evidence->blocks[i].spoiled && !isnan(evidence->blocks[i].worse);
    return spoiled;
}

/* Both stages: findings have their margins already, and get the rest. */
static int judge(const struct evidence *evidence, size_t count, const struct criteria *criteria, size_t least,
                 struct finding *findings)
{
    size_t spoiled = 0, cells = 0;
    struct tally *tallies = calloc(2 * count + 1, sizeof *tallies);
    int result = tallies ? tally_cells(tallies, evidence, count, findings, criteria, least, NULL) : -1;
    if (result != 0)
        goto done;
    for (size_t i = 0; i < count; i++)
        cells += !isnan(tallies[i].p_slower);
    for (size_t i = 0; i < count; i++) {
        findings[i].verdict = evidence[i].fault;
        findings[i].spoiled = spoiled_in(&evidence[i]);
        spoiled += findings[i].spoiled;
        if (evidence[i].fault == VERDICT_INCONCLUSIVE)
            conclude(&findings[i], &tallies[i], criteria, least, cells);
    }
    if (!spoiled)
        goto done;
    struct tally *all = tallies + count;
    result = tally_cells(all, evidence, count, findings, criteria, least, tallies);
    for (size_t i = 0; i < count && result == 0; i++)
        if (evidence[i].fault == VERDICT_INCONCLUSIVE)
            compare_with_all(&findings[i], &all[i], criteria);
done:
    free(tallies);
    return result;
}

struct finding finding_unknown(double margin)
{
    return (struct finding){
        .margin = margin,
        .ratio = NAN,
        .low = NAN,
        .high = NAN,
        .p_slower = NAN,
        .lag1 = NAN,
        .ratio_again = NAN,
        .low_again = NAN,
        .high_again = NAN,
    };
}

int verdict_decide(const struct evidence *evidence, size_t count, const struct criteria *criteria,
                   struct finding *findings)
{
    for (size_t i = 0; i < count; i++)
        /* fmax() leaves out a NAN */
        findings[i] = finding_unknown(fmax(criteria->margin, FLOOR_FACTOR * evidence[i].floor));
    return judge(evidence, count, criteria, criteria->blocks_least, findings);
}

/* By how many spreads of a single block the median is beyond the margin: an interval narrows with their root. */
static double surely_slower(const struct finding *finding)
{
    double width = log(finding->high) - log(finding->low);
    return (log(finding->ratio) - log1p(finding->margin)) / (width * sqrt((double)finding->used));
}

size_t verdict_worst(const struct finding *findings, size_t count, const struct criteria *criteria, size_t *worst)
{
    size_t chosen = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = chosen;
        if (findings[i].verdict != VERDICT_SLOWER)
            continue;
        for (; at > 0 && surely_slower(&findings[i]) > surely_slower(&findings[worst[at - 1]]); at--)
            if (at < criteria->confirm_cells)
                worst[at] = worst[at - 1];
        if (at < criteria->confirm_cells)
            worst[at] = i;
        chosen += chosen < criteria->confirm_cells;
    }
    return chosen;
}

void verdict_note_again(struct finding *finding, const struct finding *again)
{
    finding->ratio_again = again->ratio;
    finding->low_again = again->low;
    finding->high_again = again->high;
    finding->used_again = again->used;
    finding->spoiled_again = again->spoiled;
    finding->doubt_again = again->doubt;
    finding->needed_again = again->doubt == DOUBT_FEW ? again->needed : 0;
    finding->confirmed = again->verdict == VERDICT_SLOWER;
}

bool verdict_has_again(const struct finding *finding)
{
    return finding->used_again + finding->spoiled_again > 0 || !isnan(finding->ratio_again);
}

/* What the second measurement says of a cell that was slower in the first. */
static void confirm(struct finding *finding, const struct finding *again)
{
    verdict_note_again(finding, again);
    if (again->verdict == VERDICT_MISSING || again->verdict == VERDICT_FAILED)
        finding->verdict = again->verdict;
}

int verdict_confirm(const struct evidence *again, const size_t *worst, size_t worst_count,
                    const struct criteria *criteria, struct finding *findings, size_t count)
{
    size_t least =
        criteria->confirm_blocks < criteria->blocks_least ? criteria->confirm_blocks : criteria->blocks_least;
    struct finding *seconds = calloc(worst_count + 1, sizeof *seconds);
    if (!seconds)
        return -1;
    for (size_t i = 0; i < worst_count; i++)
        seconds[i] = finding_unknown(findings[worst[i]].margin);
    int result = judge(again, worst_count, criteria, least, seconds);
    for (size_t i = 0; i < worst_count && result == 0; i++)
        confirm(&findings[worst[i]], &seconds[i]);
    for (size_t i = 0; i < count && result == 0; i++) {
        if (findings[i].verdict != VERDICT_SLOWER || findings[i].confirmed)
            continue;
        findings[i].verdict = VERDICT_INCONCLUSIVE;
        findings[i].doubt = DOUBT_UNCONFIRMED;
    }
    free(seconds);
    return result;
}

static enum overall overall_of(const struct finding *finding)
{
    switch (finding->verdict) {
    case VERDICT_FAILED:
        return OVERALL_UNPROVED;
    case VERDICT_SLOWER:
        return finding->confirmed ? OVERALL_REGRESSION : OVERALL_INCONCLUSIVE;
    case VERDICT_MISSING:
        return OVERALL_INCOMPARABLE;
    case VERDICT_INCONCLUSIVE:
        return finding->not_slower ? OVERALL_PASS : OVERALL_INCONCLUSIVE;
    default:
        return OVERALL_PASS;
    }
}

enum overall verdict_overall(const struct finding *findings, size_t count)
{
    enum overall gravest = count ? OVERALL_PASS : OVERALL_INCOMPARABLE; /* nothing compared is no pass */
    for (size_t i = 0; i < count; i++) {
        enum overall overall = overall_of(&findings[i]);
        gravest = overall > gravest ? overall : gravest;
    }
    return gravest;
}
