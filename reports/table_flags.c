/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * table_flags.c - the mark behind a number that asks for care, and the lines below a table that say why: one per flag,
 * naming the cells that have it. */
#include "reports/table_parts.h"

#include "reports/flags.h"
#include "reports/format.h"

#include <stdlib.h>
#include <string.h>

#define NAMED_MOST 6 /* cells in one line; the others are counted */

const char *table_mark(const struct cell *cell)
{
    struct flags flags;
    flags_of(&flags, cell);
    return flags_any(&flags) ? "*" : "";
}

/* "manager-socket, chunk 1 (4 near 60 k, 6 near 148 k)"; what all cells share is not said. */
static void name_cell(FILE *out, const struct cell *cell, const struct rank_matrix *matrix, const char *figures)
{
    char name[TABLE_NAME], chunk[FORMAT_SIZE];
    const char *idle = matrix ? rank_idle(matrix->results) : cell->idle;
    fputs(matrix ? rank_name(name, sizeof name, cell) : cell->workload, out);
    if (matrix && matrix->chunk_count > 1)
        fprintf(out, ", chunk %s", format_chunk(chunk, cell->chunk));
    if (!matrix || cell->workers != matrix->workers)
        fprintf(out, ", %u worker%s", cell->workers, cell->workers == 1 ? "" : "s");
    if (cell->idle && idle && strcmp(cell->idle, idle) != 0)
        fprintf(out, ", --idle %s", cell->idle);
    fprintf(out, " (%s)", figures);
}

/* The line of one flag as text, to be freed: "" where no cell has it; NULL when memory is short. */
static char *line_of(const struct cell *const *cells, size_t count, const struct rank_matrix *matrix, enum flag flag)
{
    char *text = NULL, figures[128];
    size_t size, named = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        struct flags flags;
        flags_of(&flags, cells[i]);
        if (!flags.set[flag] || named++ >= NAMED_MOST)
            continue;
        if (named == 1)
            fprintf(out, "* %s: ", flag_meaning(flag));
        else
            fputs("; ", out);
        name_cell(out, cells[i], matrix, flag_figures(figures, sizeof figures, &flags, flag));
    }
    if (named > NAMED_MOST)
        fprintf(out, "; and %zu more", named - NAMED_MOST);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

int table_flags(FILE *out, const struct cell *const *cells, size_t count, const struct rank_matrix *matrix,
                const struct report_style *style)
{
    for (int flag = 0; flag < FLAGS; flag++) {
        char *line = line_of(cells, count, matrix, (enum flag)flag);
        int result = !line ? -1 : *line ? table_note(out, style, line) : 0;
        free(line);
        if (result != 0)
            return -1;
    }
    return 0;
}
