/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * plot_pictures.h - the pictures of one workload: what each shows, as a piece of gnuplot script.
 *
 * Each takes a matrix of comparable cells (reports/rank.h) and adds one picture, or none where there is nothing to
 * show: one chunk only, one worker count only, nothing measured. Every value stands beside its mark as text, every
 * series has a marker and a label of its own: nothing is said by colour alone. 0, or -1 when memory is short. */
#ifndef MUSTER_REPORTS_PLOT_PICTURES_H
#define MUSTER_REPORTS_PLOT_PICTURES_H

#include "reports/plot.h"
#include "reports/rank.h"

enum {
    PLOT_NAME = 128,
    PLOT_NAME_LETTERS = 22,
};

/* A row of a picture: a heading, or a cell. */
struct plot_row {
    const struct cell *cell; /* NULL: a heading */
    const char *heading;     /* when others see a write */
    bool first;              /* of its strategy: the name stands here */
    enum rank_word word;
};

struct plot_rows {
    struct plot_row *rows;
    size_t count;
    size_t label_width; /* letters of the longest name */
};

/* rank_name(), shortened to what a picture has room for; `text` has room for PLOT_NAME bytes. Returns text. */
char *plot_name(char *text, const struct cell *cell);

/* The matrix's cells with a value, a row each, in its order, under headings where visibilities differ. */
int plot_rows_build(struct plot_rows *rows, const struct rank_matrix *m);
void plot_rows_free(struct plot_rows *rows);

/* Height of a picture with that many rows, and the script that sets margins and writes names and chunks at the left;
 * `right` letters stay free at the right. */
int plot_rows_height(const struct plot_rows *rows);
void plot_rows_frame(FILE *script, const struct plot_rows *rows, size_t right);

/* Writes a text at the right of row `i`. */
void plot_rows_note(FILE *script, size_t i, const char *text);

/* Writes what the marks mean below the axis, in the middle of the picture. */
void plot_rows_key(FILE *script, const struct plot_rows *rows, const char *text);

/* A log axis ("x" or "y") that holds low to high, at least a decade wide. */
void plot_log_axis(FILE *script, char axis, double low, double high);

/* Rates of all cells at the most workers, with intervals, limits and the control. */
int plot_rates(struct plots *p, const char *name, const struct rank_matrix *m);

/* Rate against chunk, at the most workers; rate against workers, at the lead chunk, with the ideal
 * where there is one. */
int plot_chunks(struct plots *p, const char *name, const struct rank_matrix *m);
int plot_workers(struct plots *p, const char *name, const struct rank_matrix *m);

/* Operations per worker, as parts of an even share; CPU time per operation, of workers and of parent or manager. */
int plot_fairness(struct plots *p, const char *name, const struct rank_matrix *m);
int plot_costs(struct plots *p, const char *name, const struct rank_matrix *m);

#endif
