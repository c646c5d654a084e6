/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * grid.h - a table of texts for the terminal: columns as wide as what is in them, aligned, within a given width.
 *
 * A text with a tab in it is aligned at the tab: what stands before ends there, what follows begins there, so that
 * units stand below each other. A grid that is too wide narrows its gaps and shortens its first column in turn, then
 * its last. */
#ifndef MUSTER_REPORTS_GRID_H
#define MUSTER_REPORTS_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum grid_paint {
    GRID_PLAIN,
    GRID_GOOD,
    GRID_BAD,
    GRID_FAINT,
    GRID_SPAN, /* plain, runs over the columns to its right and widens none; its row holds nothing else */
};

struct grid_cell {
    char *text; /* NULL is empty */
    enum grid_paint paint;
};

struct grid {
    size_t column_count, row_count;
    const char *align; /* 'l' or 'r' for each column */
    struct grid_cell *cells;
    bool *hidden; /* for each column */
    bool short_of_memory;
};

/* `align` has a letter per column and must outlive the grid. 0, or -1 when memory is short. */
int grid_open(struct grid *, const char *align);
void grid_close(struct grid *);

/* Starts a row; grid_put() fills its columns. Failures are kept and reported by grid_write(). */
void grid_row(struct grid *);
void grid_put(struct grid *, size_t column, enum grid_paint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Columns that it needs with the narrowest gaps, its first column cut to `least` columns at worst. */
size_t grid_least_width(const struct grid *, size_t indent, size_t least);

/* Columns that grid_write() will leave to the first one, so that its texts can be cut elsewhere than at their end; 0
 * when memory is short. */
size_t grid_first_room(const struct grid *, size_t indent, size_t columns);

/* 0, or -1 with errno set. */
int grid_write(FILE *, const struct grid *, size_t indent, size_t columns, bool colour);

#endif
