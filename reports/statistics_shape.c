/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * statistics_shape.c - whether values in the order in which they came hang together, drift, repeat exactly, or fall
 * into two groups: what a median and its interval do not show.
 *
 * Values that are NAN are left out; neighbours are those that were both measured. */
#include "reports/statistics.h"

#include <math.h>
#include <stdlib.h>

static size_t measured(const double *values, size_t count, double *mean)
{
    size_t kept = 0;
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i])) {
            sum += values[i];
            kept++;
        }
    *mean = kept ? sum / (double)kept : NAN;
    return kept;
}

double statistics_lag1(const double *values, size_t count)
{
    double mean, products = 0, squares = 0;
    if (measured(values, count, &mean) < 3)
        return NAN;
    for (size_t i = 0; i < count; i++) {
        double here = values[i] - mean;
        if (isnan(here))
            continue;
        squares += here * here;
        if (i + 1 < count && !isnan(values[i + 1]))
            products += here * (values[i + 1] - mean);
    }
    return squares > 0 && isfinite(squares) ? products / squares : NAN;
}
