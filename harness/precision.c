/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * precision.c - see precision.h. */
#include "harness/precision.h"
#include "reports/format.h"
#include "reports/statistics.h"

#include <math.h>

void precision_plan(struct precision *p, double wanted, unsigned blocks)
{
    *p = (struct precision){.wanted = wanted};
    if (!(wanted > 0))
        return;
    if (blocks <= PRECISION_FIRST) {
        p->looks[p->count++] = blocks;
        return;
    }
    for (unsigned i = 0; i < PRECISION_LOOKS; i++) {
        double exact = PRECISION_FIRST * pow((double)blocks / PRECISION_FIRST, (double)i / (PRECISION_LOOKS - 1));
        unsigned look = (unsigned)lround(exact);
        if (p->count == 0 || look > p->looks[p->count - 1])
            p->looks[p->count++] = look;
    }
}

bool precision_looks_at(const struct precision *p, unsigned blocks)
{
    for (unsigned i = 0; i < p->count; i++)
        if (p->looks[i] == blocks)
            return true;
    return false;
}

double precision_coverage(const struct precision *p, unsigned blocks)
{
    const double miss = 1 - STATISTICS_CONFIDENCE;
    unsigned before = 0;
    if (p->count == 0)
        return STATISTICS_CONFIDENCE;
    while (before < p->count && p->looks[before] < blocks)
        before++;
    if (precision_looks_at(p, blocks))
        return 1 - miss / p->count;
    return 1 - miss * (p->count - before) / p->count;
}

unsigned precision_settle(const struct precision *p, struct results *r, unsigned blocks)
{
    double coverage = precision_coverage(p, blocks);
    r->precision = (struct precision_reached){.wanted = p->wanted, .looks = p->count};
    for (size_t i = 0; i < r->cell_count && p->count; i++) {
        struct cell *cell = &r->cells[i];
        if (cell->status != CELL_OK)
            continue;
        cell_widen(cell, coverage);
        r->precision.cells++;
        r->precision.wide += !(format_half_width(cell->value, cell->ci_low, cell->ci_high) <= p->wanted);
    }
    return r->precision.wide;
}
