/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rank_precision.c - what --precision came to, in a sentence: that all intervals are narrow, or which are not. */
#include "reports/noise.h"
#include "reports/rank.h"

#include "reports/format.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAMED_MOST 4 /* cells; the others are counted */

__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

static void append_wide(char *text, size_t size, const struct results *r)
{
    unsigned named = 0;
    for (size_t i = 0; i < r->cell_count && named < NAMED_MOST; i++) {
        const struct cell *cell = &r->cells[i];
        double half = format_half_width(cell->value, cell->ci_low, cell->ci_high);
        if (cell->status != CELL_OK || half <= r->precision.wanted)
            continue;
        append(text, size, "%s%s", named++ ? ", " : ": ", cell->id);
        if (isfinite(half))
            append(text, size, " (%.*f %%)", half < 0.095 ? 1 : 0, 100 * half);
        else
            append(text, size, " (no interval)");
    }
    if (r->precision.wide > named)
        append(text, size, " and %u more", r->precision.wide - named);
}

char *rank_precision_sentence(char *text, size_t size, const struct results *r)
{
    const struct precision_reached *p = &r->precision;
    size_t trials;
    *text = '\0';
    if (!p->looks)
        return text;
    if (!p->cells) {
        append(text, size, "within %.3g %%: no cell was measured", 100 * p->wanted);
    } else if (!p->wide) {
        append(text, size, "%s is within %.3g %%, after %u block%s", p->cells == 1 ? "the cell" : "every cell",
               100 * p->wanted, r->blocks_complete, r->blocks_complete == 1 ? "" : "s");
    } else {
        append(text, size, "%u of %u cell%s %s wider than %.3g %% after %u block%s", p->wide, p->cells,
               p->cells == 1 ? "" : "s", p->wide == 1 ? "is" : "are", 100 * p->wanted, r->blocks_complete,
               r->blocks_complete == 1 ? "" : "s");
        append_wide(text, size, r);
    }
    if (noise_spoiled(r, &trials))
        append(text, size, "; spoiled by others' work or by the host, and counted like the rest: %zu of %zu trials",
               noise_spoiled(r, &trials), trials);
    return text;
}
