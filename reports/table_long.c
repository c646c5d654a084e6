/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * table_long.c - the long form, a row per cell, and the raw operations, which have a form of their own.
 *
 * Cells stand in the order of the matrix's rows, so the fastest strategy comes first and the control last; within one
 * strategy by chunk, then workers, so that a column reads as a curve. */
#include "reports/table_parts.h"

#include "reports/format.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LONG_NAME,
    LONG_WORKERS,
    LONG_CHUNK,
    LONG_RATE,
    LONG_RANGE,
    LONG_GAIN,
    LONG_LIMIT,
    LONG_P50,
    LONG_P99,
    LONG_MAX,
    LONG_NOTE
};
enum { RAW_NAME, RAW_WORKERS, RAW_RATE, RAW_UNIT, RAW_RANGE, RAW_SUMMARY };

/* The row of the matrix that a cell stands in; past the end for strategies that were measured with fewer workers only.
 */
static size_t row_index(const struct rank_matrix *matrix, const struct cell *cell)
{
    for (size_t i = 0; i < matrix->row_count; i++) {
        const struct cell *any = matrix->rows[i].any;
        if (strcmp(any->strategy, cell->strategy) == 0 && strcmp(any->variant, cell->variant) == 0)
            return i;
    }
    return matrix->row_count;
}

static int compare_cells(const void *left, const void *right, void *context)
{
    const struct cell *a = *(const struct cell *const *)left, *b = *(const struct cell *const *)right;
    const char *idle = rank_idle(((const struct rank_matrix *)context)->results);
    size_t row_a = row_index(context, a), row_b = row_index(context, b);
    if (row_a != row_b)
        return row_a < row_b ? -1 : 1;
    if (a->chunk != b->chunk) /* auto, 0, comes last */
        return a->chunk - 1 < b->chunk - 1 ? -1 : 1;
    if (a->workers != b->workers)
        return a->workers < b->workers ? -1 : 1;
    int order = (strcmp(a->idle, idle) != 0) - (strcmp(b->idle, idle) != 0);
    return order ? order : strcmp(a->id, b->id);
}

static const char *word_of(const struct rank_matrix *matrix, const struct cell *cell)
{
    static const char *const words[] = {"", "best", "tie", "fastest"};
    size_t row = row_index(matrix, cell);
    if (rank_role(matrix->results, cell->strategy) == ROLE_CONTROL)
        return "control";
    if (!cell->ranked)
        return "unranked";
    for (size_t i = 0; row < matrix->row_count && i < matrix->chunk_count; i++)
        if (matrix->rows[row].cells[i] == cell)
            return words[matrix->rows[row].words[i]];
    return "";
}

static void put_note(struct grid *grid, const struct rank_matrix *matrix, const struct cell *cell)
{
    bool other = strcmp(cell->idle, rank_idle(matrix->results)) != 0;
    const char *word = cell->status == CELL_OK ? word_of(matrix, cell) : "";
    grid_put(grid, LONG_NOTE, *word == 'b' || *word == 't' || *word == 'f' ? GRID_GOOD : GRID_PLAIN, "%s%s%s%s%s", word,
             *word && other ? ", " : "", other ? cell->idle : "", cell->oversubscribed && (*word || other) ? ", " : "",
             cell->oversubscribed ? "oversubscribed" : "");
}

static void put_latency(struct grid *grid, const struct latency *latency, bool wide)
{
    char text[FORMAT_SIZE];
    if (!latency->samples)
        return;
    grid_put(grid, LONG_P50, GRID_PLAIN, "%s", format_ns(text, latency->p50));
    grid_put(grid, LONG_P99, GRID_PLAIN, "%s", format_ns(text, latency->p99));
    if (wide)
        grid_put(grid, LONG_MAX, GRID_FAINT, "%s", format_ns(text, latency->max));
}

static void put_row(struct grid *grid, const struct rank_matrix *matrix, const struct cell *cell, bool wide)
{
    char name[TABLE_NAME], text[FORMAT_SIZE];
    grid_row(grid);
    grid_put(grid, LONG_NAME, GRID_PLAIN, "%s", rank_name(name, sizeof name, cell));
    grid_put(grid, LONG_WORKERS, GRID_PLAIN, "%u", cell->workers);
    grid_put(grid, LONG_CHUNK, GRID_PLAIN, "%s", format_chunk(text, cell->chunk));
    table_put_rate(grid, LONG_RATE, cell);
    if (cell->status == CELL_OK) {
        if (wide)
            grid_put(grid, LONG_RANGE, GRID_FAINT, "%s",
                     format_rate_range(text, cell->value, cell->ci_low, cell->ci_high));
        if (cell->workers > 1)
            grid_put(grid, LONG_GAIN, GRID_PLAIN, "%s", format_ratio(text, rank_gain(matrix->results, cell)));
        grid_put(grid, LONG_LIMIT, GRID_PLAIN, "%s", format_ratio(text, rank_limit_ratio(matrix->results, cell)));
        put_latency(grid, &cell->latency, wide);
    }
    put_note(grid, matrix, cell);
}

static void put_titles(struct grid *grid, const struct rank_matrix *matrix, bool wide)
{
    bool limits = false, gains = false, times = false;
    for (size_t i = 0; i < matrix->results->cell_count; i++) {
        const struct cell *cell = &matrix->results->cells[i];
        if (!rank_same_matrix(matrix, cell))
            continue;
        limits |= isfinite(rank_limit_ratio(matrix->results, cell));
        times |= cell->status == CELL_OK && cell->latency.samples;
        gains |= cell->workers > 1 && isfinite(rank_gain(matrix->results, cell));
    }
    grid_row(grid);
    grid_put(grid, LONG_WORKERS, GRID_FAINT, "workers");
    grid_put(grid, LONG_CHUNK, GRID_FAINT, "chunk");
    grid_put(grid, LONG_RATE, GRID_FAINT, "rate");
    if (wide)
        grid_put(grid, LONG_RANGE, GRID_FAINT, "interval");
    if (gains)
        grid_put(grid, LONG_GAIN, GRID_FAINT, "gain");
    if (limits)
        grid_put(grid, LONG_LIMIT, GRID_FAINT, "of limit");
    if (!times)
        return;
    grid_put(grid, LONG_P50, GRID_FAINT, "p50");
    grid_put(grid, LONG_P99, GRID_FAINT, "p99");
    if (wide)
        grid_put(grid, LONG_MAX, GRID_FAINT, "longest");
}

/* The cells of a matrix's parameters, whatever their workers and idle mode, sorted; NULL when memory is short. */
static const struct cell **collect(const struct rank_matrix *matrix, size_t *count)
{
    const struct results *results = matrix->results;
    const struct cell **cells = calloc(results->cell_count + 1, sizeof *cells);
    *count = 0;
    for (size_t i = 0; cells && i < results->cell_count; i++)
        if (rank_same_matrix(matrix, &results->cells[i]) && results->cells[i].status != CELL_PENDING)
            cells[(*count)++] = &results->cells[i];
    if (cells)
        qsort_r(cells, *count, sizeof *cells, compare_cells, (void *)matrix);
    return cells;
}

int table_long(FILE *out, const struct rank_matrix *matrix, const struct report_style *style)
{
    struct grid grid;
    char heading[TABLE_LINE];
    size_t count;
    bool wide = style->columns >= TABLE_WIDE;
    const struct cell **cells = collect(matrix, &count);
    if (!cells)
        return -1;
    format_wrap(out, table_heading(heading, sizeof heading, matrix, false), style->columns, TABLE_INDENT);
    int result = grid_open(&grid, "lrrrrrrrrrl");
    if (result == 0) {
        put_titles(&grid, matrix, wide);
        for (size_t i = 0; i < count; i++)
            put_row(&grid, matrix, cells[i], wide);
        result = grid_write(out, &grid, TABLE_INDENT, style->columns, style->colour);
    }
    grid_close(&grid);
    if (result == 0)
        result = table_flags(out, cells, count, matrix, style);
    free(cells);
    return result ? result : table_notes(out, matrix, style);
}

/* True when an earlier raw operation says the same of itself: one that is n/a is so at every chunk. */
static bool is_said(const struct results *results, const struct cell *cell)
{
    for (const struct cell *c = results->cells; c < cell; c++)
        if (c->status == cell->status && c->workers == cell->workers && strcmp(c->strategy, cell->strategy) == 0 &&
            strcmp(c->workload, cell->workload) == 0 && c->reason && strcmp(c->reason, cell->reason) == 0)
            return true;
    return false;
}

static void put_raw(struct grid *grid, const struct results *results, const struct cell *cell, bool wide)
{
    char range[FORMAT_SIZE];
    const struct workload_info *workload = rank_workload(results, cell->workload);
    grid_row(grid);
    grid_put(grid, RAW_NAME, GRID_PLAIN, "%s", cell->workload);
    grid_put(grid, RAW_WORKERS, GRID_FAINT, "%u worker%s", cell->workers, cell->workers == 1 ? " " : "s");
    table_put_rate(grid, RAW_RATE, cell);
    if (cell->status == CELL_OK)
        grid_put(grid, RAW_UNIT, GRID_FAINT, "%s", cell->unit);
    if (!wide)
        return;
    if (cell->status == CELL_OK)
        grid_put(grid, RAW_RANGE, GRID_FAINT, "%s", format_rate_range(range, cell->value, cell->ci_low, cell->ci_high));
    if (workload && workload->summary)
        grid_put(grid, RAW_SUMMARY, GRID_PLAIN, "%.*s", (int)format_fit(workload->summary, 60), workload->summary);
}

static int note_raw(FILE *out, const struct results *results, const struct cell *cell, const struct report_style *style)
{
    char text[TABLE_LINE];
    if ((cell->status != CELL_NA && cell->status != CELL_FAILED) || !cell->reason || is_said(results, cell))
        return 0;
    snprintf(text, sizeof text, "%s: %s, %u worker%s: %s", cell->status == CELL_NA ? "n/a" : "failed", cell->workload,
             cell->workers, cell->workers == 1 ? "" : "s", cell->reason);
    return table_note(out, style, text);
}

static int write_yardstick(FILE *out, const struct results *results, const struct strategy_info *yardstick,
                           const struct report_style *style)
{
    struct grid grid;
    char heading[TABLE_LINE];
    int result = grid_open(&grid, "lrrlrl");
    if (result != 0)
        return -1;
    for (size_t i = 0; i < results->cell_count; i++)
        if (results->cells[i].status != CELL_PENDING && strcmp(results->cells[i].strategy, yardstick->name) == 0 &&
            (results->cells[i].status != CELL_NA || !is_said(results, &results->cells[i])))
            put_raw(&grid, results, &results->cells[i], style->columns >= TABLE_WIDE);
    if (grid.row_count) {
        snprintf(heading, sizeof heading, "%s%s%s", yardstick->name, yardstick->summary ? " · " : "",
                 yardstick->summary ? yardstick->summary : "");
        fputc('\n', out);
        format_wrap(out, heading, style->columns, TABLE_INDENT);
        result = grid_write(out, &grid, TABLE_INDENT, style->columns, style->colour);
    } else if (grid.short_of_memory) {
        errno = ENOMEM;
        result = -1;
    }
    grid_close(&grid);
    for (size_t i = 0; i < results->cell_count && result == 0; i++)
        if (strcmp(results->cells[i].strategy, yardstick->name) == 0) {
            const struct cell *cell = &results->cells[i];
            result = note_raw(out, results, cell, style);
            if (result == 0)
                result = table_flags(out, &cell, 1, NULL, style);
        }
    return result;
}

int table_yardsticks(FILE *out, const struct results *results, const struct report_style *style)
{
    for (size_t i = 0; i < results->strategy_count; i++)
        if (results->strategies[i].role == ROLE_YARDSTICK &&
            write_yardstick(out, results, &results->strategies[i], style) != 0)
            return -1;
    return 0;
}
