/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * conformance_pairs.c - the greedy search, over all rows that there are. */
#include "tests/conformance_pairs.h"

struct covered {
    bool pair[DIMENSIONS][LEVELS][DIMENSIONS][LEVELS];
};

/* The next row in the order of counting; false after the last. */
static bool advance(struct row *row, const unsigned levels[DIMENSIONS])
{
    for (unsigned d = 0; d < DIMENSIONS; d++) {
        if (++row->level[d] < levels[d])
            return true;
        row->level[d] = 0;
    }
    return false;
}

static unsigned fresh_pairs(const struct row *row, const struct covered *covered)
{
    unsigned fresh = 0;
    for (unsigned a = 0; a < DIMENSIONS; a++)
        for (unsigned b = a + 1; b < DIMENSIONS; b++)
            fresh += !covered->pair[a][row->level[a]][b][row->level[b]];
    return fresh;
}

static void mark(const struct row *row, struct covered *covered)
{
    for (unsigned a = 0; a < DIMENSIONS; a++)
        for (unsigned b = a + 1; b < DIMENSIONS; b++)
            covered->pair[a][row->level[a]][b][row->level[b]] = true;
}

static void list_missing(const unsigned levels[DIMENSIONS], const struct covered *covered, struct cover *cover)
{
    for (unsigned a = 0; a < DIMENSIONS; a++)
        for (unsigned b = a + 1; b < DIMENSIONS; b++)
            for (unsigned i = 0; i < levels[a]; i++)
                for (unsigned k = 0; k < levels[b]; k++)
                    if (!covered->pair[a][i][b][k])
                        cover->missing[cover->missing_count++] =
                            (struct pair){.a = a, .level_a = i, .b = b, .level_b = k};
}

void pairs_cover(const unsigned levels[DIMENSIONS], possible_fn *possible, const void *arg, struct cover *cover)
{
    struct covered covered = {0};
    *cover = (struct cover){.count = 0};
    for (unsigned most = 1; most > 0 && cover->count < ROWS;) {
        struct row row = {{0}}, best = row;
        most = 0;
        do {
            unsigned fresh = fresh_pairs(&row, &covered);
            if (fresh > most && possible(arg, &row)) {
                most = fresh;
                best = row;
            }
        } while (advance(&row, levels));
        if (most > 0) {
            cover->rows[cover->count++] = best;
            mark(&best, &covered);
        }
    }
    list_missing(levels, &covered, cover);
}
