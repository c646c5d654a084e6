/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * changes.c - see changes.h.
 *
 * Distances within and between the sides of a split follow from those of the split before by one value's distances to
 * all others, so a segment of n values takes n^2 steps. One permutation that does as well as the values themselves is
 * enough to say no: where nothing changed the search ends soon. */
#include "reports/changes.h"

#include "reports/statistics.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SEED 20261120

struct search {
    double *logs, *shuffled;
    size_t count;
    bool *begins; /* a level begins with this value */
    gsl_rng *random;
};

static double distances(const double *x, size_t from, size_t to, double value)
{
    double sum = 0;
    for (size_t i = from; i < to; i++)
        sum += fabs(x[i] - value);
    return sum;
}

/* The best split of x[n]: the right side begins at *at. Returns the scaled energy distance, 0 where none can be. */
static double best_split(const double *x, size_t n, size_t *at)
{
    double left = 0, right = 0, between = 0, best = 0;
    for (size_t i = 0; i < n; i++)
        right += distances(x, 0, i, x[i]);
    *at = 0;
    for (size_t k = 1; k <= n - CHANGES_SEGMENT && n >= 2 * CHANGES_SEGMENT; k++) {
        double to_left = distances(x, 0, k - 1, x[k - 1]), to_right = distances(x, k, n, x[k - 1]);
        double a = (double)k, b = (double)(n - k);
        left += to_left;
        right -= to_right;
        between += to_right - to_left;
        if (k < CHANGES_SEGMENT)
            continue;
        double energy = 2 * between / (a * b) - 2 * left / (a * (a - 1)) - 2 * right / (b * (b - 1));
        double scaled = energy * a * b / (a + b);
        if (scaled > best) {
            best = scaled;
            *at = k;
        }
    }
    return best;
}

static bool is_chance(struct search *s, size_t from, size_t to, double seen)
{
    size_t n = to - from, ignored;
    memcpy(s->shuffled, s->logs + from, n * sizeof *s->shuffled);
    gsl_rng_set(s->random, SEED);
    for (int i = 0; i < CHANGES_PERMUTATIONS; i++) {
        gsl_ran_shuffle(s->random, s->shuffled, n, sizeof *s->shuffled);
        if (best_split(s->shuffled, n, &ignored) >= seen)
            return true;
    }
    return false;
}

/* Splits [from, to) as long as a split is no chance; the deepest recursion is count / CHANGES_SEGMENT. */
static void split(struct search *s, size_t from, size_t to)
{
    size_t at;
    double seen = best_split(s->logs + from, to - from, &at);
    if (at == 0 || is_chance(s, from, to, seen))
        return;
    s->begins[from + at] = true;
    split(s, from, from + at);
    split(s, from + at, to);
}

static size_t level_end(const struct search *s, size_t from)
{
    size_t end = from + 1;
    while (end < s->count && !s->begins[end])
        end++;
    return end;
}

/* Levels that do not differ by the margin are one. */
static int collect(const struct search *s, size_t skipped, double margin, struct change **list, size_t *found)
{
    size_t from = 0;
    *list = calloc(s->count / CHANGES_SEGMENT + 1, sizeof **list);
    if (!*list)
        return -1;
    for (size_t at = level_end(s, 0); at < s->count; at = level_end(s, at)) {
        size_t end = level_end(s, at);
        double before = statistics_median(s->logs + from, at - from), after = statistics_median(s->logs + at, end - at);
        if (fabs(after - before) < log1p(margin))
            continue;
        (*list)[(*found)++] = (struct change){.at = skipped + at,
                                              .before = exp(before),
                                              .after = exp(after),
                                              .sure = at - from >= CHANGES_ALERT && end - at >= CHANGES_ALERT};
        from = at;
    }
    return 0;
}

int changes_find(const double *values, size_t count, double margin, struct change **list, size_t *found)
{
    size_t skipped = count > CHANGES_MOST ? count - CHANGES_MOST : 0;
    struct search s = {.count = count - skipped};
    int result = -1;
    *list = NULL;
    *found = 0;
    s.logs = calloc(s.count + 1, sizeof *s.logs);
    s.shuffled = calloc(s.count + 1, sizeof *s.shuffled);
    s.begins = calloc(s.count + 1, sizeof *s.begins);
    s.random = gsl_rng_alloc(gsl_rng_mt19937);
    if (!s.logs || !s.shuffled || !s.begins || !s.random)
        goto free_all;
    for (size_t i = 0; i < s.count; i++)
        s.logs[i] = log(values[skipped + i]);
    if (s.count >= 2 * CHANGES_SEGMENT)
        split(&s, 0, s.count);
    result = collect(&s, skipped, margin, list, found);
free_all:
    free(s.logs);
    free(s.shuffled);
    free(s.begins);
    if (s.random)
        gsl_rng_free(s.random);
    return result;
}
