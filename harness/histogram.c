/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * histogram.c - reading histograms of durations back. */
#include "harness/histogram.h"

#include <math.h>

double histogram_middle(size_t bin)
{
    const size_t parts = (size_t)1 << HISTOGRAM_PART_BITS;
    if (bin < 2 * parts)
        return (double)bin;
    size_t shift = (bin >> HISTOGRAM_PART_BITS) - 1;
    double width = ldexp(1, (int)shift);
    return (double)(parts + bin % parts) * width + (width - 1) / 2;
}

void histogram_merge(struct histogram *h, const struct histogram *from)
{
    for (size_t i = 0; i < HISTOGRAM_BINS; i++)
        h->counts[i] += from->counts[i];
    h->samples += from->samples;
    h->max_ns = from->max_ns > h->max_ns ? from->max_ns : h->max_ns;
}

double histogram_quantile(const struct histogram *h, double part)
{
    double wanted = ceil(part * (double)h->samples);
    uint64_t below = 0;
    if (h->samples == 0)
        return NAN;
    for (size_t i = 0; i < HISTOGRAM_BINS; i++) {
        below += h->counts[i];
        if (below > 0 && (double)below >= wanted)
            return fmin(histogram_middle(i), (double)h->max_ns);
    }
    return (double)h->max_ns;
}
