/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * grid.c - lays a table of texts out: measures every column, narrows gaps, shortens the first column, writes the lines.
 *
 * Texts are cleaned when they are put, so nothing that a file says can steer the terminal. */
#include "reports/grid.h"

#include "reports/format.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { WIDEST_GAP = 3, USUAL_GAP = 2, LONG_FIRST = 24, SHORTEST_FIRST = 12, SHORTEST_LAST = 8 };

/* Columns that a grid column takes: texts with a tab need room on both sides of it. */
struct extent {
    size_t head, tail, whole;
};

int grid_open(struct grid *grid, const char *align)
{
    *grid = (struct grid){.column_count = strlen(align), .align = align};
    grid->hidden = calloc(grid->column_count, sizeof *grid->hidden);
    return grid->hidden ? 0 : -1;
}

void grid_close(struct grid *grid)
{
    for (size_t i = 0; i < grid->row_count * grid->column_count; i++)
        free(grid->cells[i].text);
    free(grid->cells);
    free(grid->hidden);
    *grid = (struct grid){0};
}

void grid_row(struct grid *grid)
{
    size_t count = (grid->row_count + 1) * grid->column_count;
    struct grid_cell *cells = grid->short_of_memory ? NULL : realloc(grid->cells, count * sizeof *cells);
    if (!cells) {
        grid->short_of_memory = true;
        return;
    }
    memset(cells + grid->row_count * grid->column_count, 0, grid->column_count * sizeof *cells);
    grid->cells = cells;
    grid->row_count++;
}

/* Cleans around the tab, which is ours. */
static void clean_halves(char *text)
{
    char *tab = strchr(text, '\t');
    if (tab)
        *tab = '\0';
    format_clean(text);
    if (tab) {
        format_clean(tab + 1);
        *tab = '\t';
    }
}

void grid_put(struct grid *grid, size_t column, enum grid_paint paint, const char *format, ...)
{
    va_list arguments;
    char *text;
    if (grid->short_of_memory || !grid->row_count)
        return;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        grid->short_of_memory = true;
        return;
    }
    clean_halves(text);
    struct grid_cell *cell = &grid->cells[(grid->row_count - 1) * grid->column_count + column];
    free(cell->text);
    *cell = (struct grid_cell){.text = text, .paint = paint};
}

static struct extent column_extent(const struct grid *grid, size_t column)
{
    struct extent extent = {0};
    for (size_t row = 0; row < grid->row_count; row++) {
        const char *text = grid->cells[row * grid->column_count + column].text;
        if (!text || grid->cells[row * grid->column_count + column].paint == GRID_SPAN)
            continue;
        const char *tab = strchr(text, '\t');
        size_t all = format_width(text) - (tab ? 1 : 0);
        size_t tail = tab ? format_width(tab + 1) : 0;
        if (tab && all - tail > extent.head)
            extent.head = all - tail;
        if (tail > extent.tail)
            extent.tail = tail;
        if (!tab && all > extent.whole)
            extent.whole = all;
    }
    if (extent.head + extent.tail > extent.whole)
        extent.whole = extent.head + extent.tail;
    return extent;
}

/* Columns of all but the gaps; *shown counts the grid columns that have a width. */
static size_t content_width(const struct grid *grid, size_t first, size_t *shown)
{
    size_t width = 0;
    *shown = 0;
    for (size_t column = 0; column < grid->column_count; column++) {
        size_t whole = grid->hidden[column] ? 0 : column_extent(grid, column).whole;
        if (column == 0 && whole > first)
            whole = first;
        width += whole;
        *shown += whole > 0;
    }
    return width;
}

size_t grid_least_width(const struct grid *grid, size_t indent, size_t least)
{
    size_t shown;
    size_t width = indent + content_width(grid, least, &shown);
    return shown ? width + shown - 1 : width;
}

static void write_blanks(FILE *out, size_t count)
{
    fprintf(out, "%*s", (int)count, "");
}

static const char *paint_code(enum grid_paint paint)
{
    switch (paint) {
    case GRID_GOOD:
        return "\033[1;32m";
    case GRID_BAD:
        return "\033[1;31m";
    case GRID_FAINT:
        return "\033[2m";
    default:
        return NULL;
    }
}

/* Blanks at the end of a text, which stand for a unit that a number does not have. */
static size_t trailing_blanks(const char *text, size_t length)
{
    size_t count = 0;
    while (count < length && text[length - 1 - count] == ' ')
        count++;
    return count;
}

/* Writes a text, or as much as there is room for and a mark; returns the columns it took. */
static size_t write_text(FILE *out, const char *text, size_t length, size_t room)
{
    size_t width = format_width(text);
    if (width <= room) {
        fwrite(text, 1, length, out);
        return width;
    }
    fwrite(text, 1, format_fit(text, room - 1), out);
    fputs("…", out);
    return room;
}

/* Writes a cell into a field of `room` columns; returns the blanks still owed at its right end, so that lines end in
 * text. */
static size_t write_cell(FILE *out, const struct grid_cell *cell, struct extent extent, size_t room, char align,
                         bool colour)
{
    const char *code = colour ? paint_code(cell->paint) : NULL;
    const char *tab = strchr(cell->text, '\t'), *tail = tab ? tab + 1 : "";
    size_t length = tab ? (size_t)(tab - cell->text) : strlen(cell->text);
    size_t width = format_width(cell->text) - (tab ? 1 : 0);
    size_t blanks = *tail ? 0 : trailing_blanks(cell->text, length), left = 0;
    if (tab)
        left = room - extent.tail - (width - format_width(tail));
    else if (align == 'r' && width < room)
        left = room - width;
    write_blanks(out, left);
    if (code)
        fputs(code, out);
    if (tab || blanks)
        fprintf(out, "%.*s%s", (int)(length - blanks), cell->text, tail);
    else
        width = write_text(out, cell->text, length, room);
    if (code)
        fputs("\033[0m", out);
    return room - left - width + blanks;
}

static void write_row(FILE *out, const struct grid *grid, size_t row, const struct extent *extents, size_t gap,
                      bool colour)
{
    const struct grid_cell *first = &grid->cells[row * grid->column_count];
    if (first->paint == GRID_SPAN && first->text) {
        fprintf(out, "%s\n", first->text);
        return;
    }
    size_t owed = 0;
    bool begun = false;
    for (size_t column = 0; column < grid->column_count; column++) {
        const struct grid_cell *cell = &grid->cells[row * grid->column_count + column];
        size_t room = extents[column].whole;
        if (!room)
            continue;
        owed += begun ? gap : 0;
        begun = true;
        if (!cell->text || !*cell->text) {
            owed += room;
            continue;
        }
        write_blanks(out, owed);
        owed = write_cell(out, cell, extents[column], room, grid->align[column], colour);
    }
    fputc('\n', out);
}

/* Shortens a column by as much as is needed, down to `least`; returns what it saved. */
static size_t shorten(struct extent *extent, size_t needed, size_t least)
{
    size_t spare = extent->whole > least ? extent->whole - least : 0;
    size_t saved = needed < spare ? needed : spare;
    extent->whole -= saved;
    return saved;
}

/* Measures the columns that are shown, and fits them into `columns`: gaps and long names give way in turn. Returns the
 * gap. */
static size_t fit(const struct grid *grid, struct extent *extents, size_t indent, size_t columns)
{
    size_t shown, gap = WIDEST_GAP;
    size_t width = indent + content_width(grid, SIZE_MAX, &shown);
    size_t gaps = shown ? shown - 1 : 0;
    for (size_t column = 0; column < grid->column_count; column++)
        if (!grid->hidden[column]) /* a hidden one keeps its width of 0 */
            extents[column] = column_extent(grid, column);
    while (gap > USUAL_GAP && width + gap * gaps > columns)
        gap--;
    if (width + gap * gaps > columns)
        width -= shorten(&extents[0], width + gap * gaps - columns, LONG_FIRST);
    while (gap > 1 && width + gap * gaps > columns)
        gap--;
    if (width + gap * gaps > columns)
        width -= shorten(&extents[0], width + gap * gaps - columns, SHORTEST_FIRST);
    if (width + gap * gaps > columns)
        shorten(&extents[grid->column_count - 1], width + gap * gaps - columns, SHORTEST_LAST);
    return gap;
}

size_t grid_first_room(const struct grid *grid, size_t indent, size_t columns)
{
    struct extent *extents = grid->short_of_memory ? NULL : calloc(grid->column_count, sizeof *extents);
    if (!extents)
        return 0;
    fit(grid, extents, indent, columns);
    size_t room = extents[0].whole;
    free(extents);
    return room;
}

int grid_write(FILE *out, const struct grid *grid, size_t indent, size_t columns, bool colour)
{
    struct extent *extents = grid->short_of_memory ? NULL : calloc(grid->column_count, sizeof *extents);
    if (!extents) {
        errno = ENOMEM;
        return -1;
    }
    size_t gap = fit(grid, extents, indent, columns);
    for (size_t row = 0; row < grid->row_count; row++) {
        write_blanks(out, indent);
        write_row(out, grid, row, extents, gap, colour);
    }
    free(extents);
    return ferror(out) ? -1 : 0;
}
