/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet_evidence.c - from pairs to what a verdict looks at: how much worse, which order, spoiled or not. */
#include "reports/duet.h"

#include "reports/verdict.h"

#include <stdlib.h>

/* Adds a unit that is not among them yet; returns how many there are then. */
static unsigned add(unsigned *units, unsigned count, unsigned unit)
{
    for (unsigned i = 0; i < count; i++)
        if (units[i] == unit)
            return count;
    units[count] = unit;
    return count + 1;
}

unsigned duet_units(const struct duet *duet)
{
    const struct results *about = &duet->about;
    unsigned count = 0;
    size_t room = 1;
    for (size_t i = 0; i < about->cell_count; i++)
        room += about->cells[i].workers + 1;
    unsigned *units = malloc(room * sizeof *units);
    for (size_t i = 0; units && i < about->cell_count; i++) {
        const struct cell *cell = &about->cells[i];
        for (unsigned w = 0; cell->pus && w < cell->workers; w++)
            count = add(units, count, cell->pus[w]);
        if (cell->service_pu >= 0)
            count = add(units, count, (unsigned)cell->service_pu);
    }
    free(units);
    if (count == 0)
        count = about->host.pus;
    return count > 0 ? count : 1;
}

struct observation *duet_observations(const struct duet *duet, size_t cell, bool confirming, size_t *count)
{
    const struct duet_cell *of = &duet->cells[cell];
    const unsigned units = duet_units(duet);
    struct observation *seen = calloc(of->pair_count + 1, sizeof *seen);
    *count = 0;
    for (size_t i = 0; seen && i < of->pair_count; i++) {
        const struct pair *pair = &of->pairs[i];
        if (pair->confirming == confirming && pair_counts(of, pair))
            seen[(*count)++] = (struct observation){
                .worse = pair_worse(&duet->about.cells[cell], pair),
                .candidate_first = pair->candidate_first,
                .spoiled = pair_spoiled(pair, units) != NULL,
            };
    }
    return seen;
}
