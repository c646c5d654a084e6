/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * table_matrix.c - one matrix: strategies by chunk at the most workers.
 *
 * Each chunk has three grid columns, rate, interval and ratio to the limit; a narrow table hides the last two and puts
 * the interval beside the rate. What does not fit even then are chunks: the first ones and auto stay, and a line says
 * so. */
#include "reports/table_parts.h"

#include "reports/format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    PER_CHUNK = 3,
    NARROW_CHUNKS = 4,
    NAME_LEAST = 16,
    NAME_USUAL = 24, /* longer ones are cut before anything else gives way */
    GAIN = 1 + RANK_CHUNKS * PER_CHUNK,
    P50,
    P99,
    WORD,
    COLUMNS,
};

static const char ALIGN[COLUMNS + 1] = "lrrrrrrrrrrrrrrrrrrrrrrrrrrrl";
_Static_assert(COLUMNS == 29, "ALIGN has a letter per column");

/* Where the others stand under what others see of them, the control stands under this. */
static const char CONTROL_GROUP[] = "shares nothing";

static size_t rate_column(size_t chunk)
{
    return 1 + chunk * PER_CHUNK;
}

/* The chunks of a row that carry a mark, as "1,auto"; returns how many. */
static size_t marked(char *list, size_t size, const struct rank_matrix *matrix, const struct rank_row *row, bool best)
{
    size_t count = 0;
    list[0] = '\0';
    for (size_t i = 0; i < matrix->chunk_count; i++) {
        char chunk[FORMAT_SIZE];
        enum rank_word word = row->words[i];
        if (best ? word != RANK_BEST && word != RANK_FASTEST : word != RANK_TIE)
            continue;
        size_t used = strlen(list);
        snprintf(list + used, size - used, "%s%s", count ? "," : "", format_chunk(chunk, matrix->chunks[i]));
        count++;
    }
    return count;
}

static bool has_word(const struct rank_row *row, enum rank_word word)
{
    for (size_t i = 0; i < RANK_CHUNKS; i++)
        if (row->words[i] == word)
            return true;
    return false;
}

/* A mark that does not hold for every chunk names those for which it does. */
static void put_word(struct grid *grid, const struct rank_matrix *matrix, const struct rank_row *row)
{
    char best[32], tied[32];
    size_t measured = 0;
    for (size_t i = 0; i < matrix->chunk_count; i++)
        measured += row->cells[i] && row->cells[i]->status == CELL_OK;
    size_t best_count = marked(best, sizeof best, matrix, row, true);
    size_t tied_count = marked(tied, sizeof tied, matrix, row, false);
    if (row->control)
        grid_put(grid, WORD, GRID_FAINT, "control");
    else if (!row->any->ranked)
        grid_put(grid, WORD, GRID_FAINT, "unranked");
    else if (best_count)
        grid_put(grid, WORD, GRID_GOOD, "%s%s%s", has_word(row, RANK_FASTEST) ? "fastest" : "best",
                 best_count < measured ? " at " : "", best_count < measured ? best : "");
    else if (tied_count)
        grid_put(grid, WORD, GRID_GOOD, "tie%s%s", tied_count < measured ? " at " : "",
                 tied_count < measured ? tied : "");
    else if (row->ties_above)
        grid_put(grid, WORD, GRID_PLAIN, "tie ↑");
}

/* Where one number of a column has a mark, the others keep its place free. */
static bool has_mark(const struct rank_matrix *matrix, size_t chunk)
{
    for (size_t i = 0; i < matrix->row_count; i++)
        if (matrix->rows[i].cells[chunk] && *table_mark(matrix->rows[i].cells[chunk]))
            return true;
    return false;
}

static void put_cell(struct grid *grid, const struct rank_matrix *matrix, size_t chunk, const struct cell *cell,
                     bool wide)
{
    char text[FORMAT_SIZE];
    size_t column = rate_column(chunk);
    if (!wide || !cell || cell->status != CELL_OK) {
        table_put_rate(grid, column, cell);
        return;
    }
    format_rate(text, cell->value);
    grid_put(grid, column, GRID_PLAIN, "%s%s%s%s", text, strchr(text, ' ') ? "" : "  ",
             has_mark(matrix, chunk) ? "\t" : "", table_mark(cell));
    format_rate_range(text, cell->value, cell->ci_low, cell->ci_high);
    grid_put(grid, column + 1, GRID_FAINT, "%s%s", text, !*text || strchr(text, ' ') ? "" : "  ");
    format_ratio(text, rank_limit_ratio(matrix->results, cell));
    grid_put(grid, column + 2, GRID_PLAIN, "%s", text);
}

/* How long one operation takes, where that was measured: at the lead column. */
static void put_latency(struct grid *grid, const struct cell *cell)
{
    char text[FORMAT_SIZE];
    if (!cell || cell->status != CELL_OK || !cell->latency.samples)
        return;
    grid_put(grid, P50, GRID_PLAIN, "%s", format_ns(text, cell->latency.p50));
    grid_put(grid, P99, GRID_PLAIN, "%s", format_ns(text, cell->latency.p99));
}

static void put_titles(struct grid *grid, const struct rank_matrix *matrix, bool wide, bool brief)
{
    char chunk[FORMAT_SIZE];
    bool gains = false, times = false, limits[RANK_CHUNKS] = {false}, ranges[RANK_CHUNKS] = {false};
    grid_row(grid);
    for (size_t row = 0; row < matrix->row_count; row++) {
        const struct cell *lead = matrix->rows[row].cells[matrix->lead];
        gains |= isfinite(matrix->rows[row].gain);
        times |= lead && lead->status == CELL_OK && lead->latency.samples;
        for (size_t i = 0; i < matrix->chunk_count; i++) {
            const struct cell *cell = matrix->rows[row].cells[i];
            limits[i] |= wide && cell && isfinite(rank_limit_ratio(matrix->results, cell));
            ranges[i] |= wide && cell && cell->status == CELL_OK && isfinite(cell->ci_low);
        }
    }
    for (size_t i = 0; i < matrix->chunk_count; i++) {
        grid_put(grid, rate_column(i), GRID_FAINT, "%s%s", matrix->chunks[i] ? "chunk " : "",
                 format_chunk(chunk, matrix->chunks[i]));
        if (ranges[i])
            grid_put(grid, rate_column(i) + 1, GRID_FAINT, "interval");
        if (limits[i])
            grid_put(grid, rate_column(i) + 2, GRID_FAINT, "of limit");
    }
    if (gains)
        grid_put(grid, GAIN, GRID_FAINT, "1→%u%s", matrix->workers, brief ? "" : " workers");
    if (times) {
        grid_put(grid, P50, GRID_FAINT, "p50");
        grid_put(grid, P99, GRID_FAINT, "p99");
    }
}

static void put_row(struct grid *grid, const struct rank_matrix *matrix, const struct rank_row *row, bool wide)
{
    char name[TABLE_NAME], ratio[FORMAT_SIZE];
    grid_row(grid);
    grid_put(grid, 0, GRID_PLAIN, "%s", rank_name(name, sizeof name, row->any));
    for (size_t i = 0; i < matrix->chunk_count; i++)
        put_cell(grid, matrix, i, row->cells[i], wide);
    grid_put(grid, GAIN, GRID_PLAIN, "%s", format_ratio(ratio, row->gain));
    put_latency(grid, row->cells[matrix->lead]);
    put_word(grid, matrix, row);
}

static int fill(struct grid *grid, const struct rank_matrix *matrix, bool wide, bool brief)
{
    const char *group = "";
    if (grid_open(grid, ALIGN) != 0)
        return -1;
    put_titles(grid, matrix, wide, brief);
    for (size_t i = 0; i < matrix->row_count; i++) {
        const struct rank_row *row = &matrix->rows[i];
        const char *visible = row->any->visible ? row->any->visible : "";
        visible = row->control ? CONTROL_GROUP : visible;
        if (strcmp(visible, group) != 0 && (*group || !row->control)) {
            grid_row(grid);
            grid_put(grid, 0, GRID_SPAN, "%s%s", row->control ? "" : "seen ", visible);
            group = visible;
        }
        put_row(grid, matrix, row, wide);
    }
    return 0;
}

static void hide_chunk(struct grid *grid, size_t chunk)
{
    for (size_t i = 0; i < PER_CHUNK; i++)
        grid->hidden[rate_column(chunk) + i] = true;
}

/* Hides chunks, the last but one first, until the rest fits; returns how many are hidden. */
static size_t hide_chunks(struct grid *grid, const struct rank_matrix *matrix, size_t columns)
{
    size_t hidden = 0;
    while (matrix->chunk_count > hidden + 1 &&
           ((columns < TABLE_WIDE && matrix->chunk_count - hidden > NARROW_CHUNKS) ||
            grid_least_width(grid, TABLE_INDENT, NAME_LEAST) > columns)) {
        size_t victim = matrix->chunk_count >= hidden + 2 ? matrix->chunk_count - 2 - hidden : 0;
        hide_chunk(grid, victim);
        hidden++;
    }
    return hidden;
}

static int fill_to_fit(struct grid *grid, const struct rank_matrix *matrix, size_t columns)
{
    bool wide = columns >= TABLE_WIDE;
    if (fill(grid, matrix, wide, false) != 0)
        return -1;
    if (grid_least_width(grid, TABLE_INDENT, NAME_USUAL) <= columns)
        return 0;
    grid_close(grid);
    return fill(grid, matrix, false, true);
}

static int note_flags(FILE *out, const struct rank_matrix *matrix, const struct report_style *style)
{
    size_t count = 0;
    const struct cell **cells = calloc(matrix->row_count * matrix->chunk_count + 1, sizeof *cells);
    for (size_t i = 0; cells && i < matrix->row_count; i++)
        for (size_t column = 0; column < matrix->chunk_count; column++)
            if (matrix->rows[i].cells[column])
                cells[count++] = matrix->rows[i].cells[column];
    int result = cells ? table_flags(out, cells, count, matrix, style) : -1;
    free(cells);
    return result;
}

int table_matrix(FILE *out, const struct rank_matrix *matrix, const struct report_style *style)
{
    struct grid grid;
    char heading[TABLE_LINE];
    format_wrap(out, table_heading(heading, sizeof heading, matrix, true), style->columns, TABLE_INDENT);
    if (fill_to_fit(&grid, matrix, style->columns) != 0) {
        grid_close(&grid);
        return -1;
    }
    size_t hidden = hide_chunks(&grid, matrix, style->columns) + matrix->chunks_left_out;
    int result = grid_write(out, &grid, TABLE_INDENT, style->columns, style->colour);
    grid_close(&grid);
    if (hidden)
        fprintf(out, "%*s%zu more chunk%s: --long\n", TABLE_INDENT, "", hidden, hidden == 1 ? "" : "s");
    if (result == 0)
        result = note_flags(out, matrix, style);
    return result ? result : table_notes(out, matrix, style);
}
