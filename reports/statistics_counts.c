/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * statistics_counts.c - what counting can tell: tails of a fair coin, Holm's adjustment, intervals of a proportion.
 *
 * GSL's own inverse of the beta distribution ends the program where it does not converge, so proportions are found by
 * bisection of the binomial tail, which always does. */
#include "reports/statistics.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>

double statistics_at_least(size_t k, size_t n)
{
    if (k == 0)
        return 1;
    if (k > n)
        return 0;
    if (k == n)
        return ldexp(1, -(int)n); /* what GSL rounds */
    return gsl_cdf_binomial_Q((unsigned)(k - 1), 0.5, (unsigned)n);
}

size_t statistics_count_needed(size_t n, double alpha)
{
    size_t least = 0, most = n + 1; /* the count is in [least, most]: the tail falls with k */
    while (least < most) {
        size_t k = least + (most - least) / 2;
        if (statistics_at_least(k, n) <= alpha)
            most = k;
        else
            least = k + 1;
    }
    return least;
}

int statistics_holm(const double *p, size_t count, double *adjusted)
{
    size_t members = 0;
    double *sorted = calloc(count + 1, sizeof *sorted);
    size_t *order = calloc(count + 1, sizeof *order), *where = calloc(count + 1, sizeof *where);
    int result = sorted && order && where ? 0 : -1;
    if (result == 0) {
        for (size_t i = 0; i < count; i++) {
            adjusted[i] = p[i];
            if (isnan(p[i]))
                continue;
            where[members] = i;
            sorted[members++] = p[i];
        }
        gsl_sort_index(order, sorted, 1, members);
        double highest = 0;
        for (size_t i = 0; i < members; i++) {
            highest = fmax(highest, fmin(1, (double)(members - i) * sorted[order[i]]));
            adjusted[where[order[i]]] = highest;
        }
    }
    free(where);
    free(order);
    free(sorted);
    return result;
}

/* The proportion under which `hits` or more of `count` have the probability `tail`; it rises with the proportion. */
static double proportion_of_tail(size_t hits, size_t count, double tail)
{
    double low = 0, high = 1;
    for (;;) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            return middle;
        if (gsl_cdf_binomial_Q((unsigned)(hits - 1), middle, (unsigned)count) < tail)
            low = middle;
        else
            high = middle;
    }
}

/* From below; by the same token the bound from above is 1 less that of the misses. */
static double proportion_least(size_t hits, size_t count, double tail)
{
    return hits ? proportion_of_tail(hits, count, tail) : 0;
}

struct interval statistics_proportion(size_t hits, size_t count, double confidence)
{
    double tail = (1 - confidence) / 2;
    if (hits > count)
        return (struct interval){.low = NAN, .high = NAN, .coverage = NAN};
    return (struct interval){.low = proportion_least(hits, count, tail),
                             .high = 1 - proportion_least(count - hits, count, tail),
                             .coverage = confidence};
}

double statistics_proportion_most(size_t hits, size_t count, double confidence)
{
    return hits > count ? NAN : 1 - proportion_least(count - hits, count, 1 - confidence);
}
