/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * plot.h - pictures of a report: gnuplot is run once for all of them, as a child with a deadline.
 *
 * A caller adds pictures one after the other, each a name and a piece of gnuplot script written to the stream that
 * plots_add() returns; plots_draw() runs gnuplot, and after it every picture has its text, or NULL where gnuplot
 * could not draw it. The same text goes to a file of its own (fixed colours on white, so that it can be shown anywhere)
 * and, through plot_write_inline(), into the page (colours are the page's, so that dark mode and print have theirs). */
#ifndef MUSTER_REPORTS_PLOT_H
#define MUSTER_REPORTS_PLOT_H

#include "reports/results.h"

#include <stddef.h>
#include <stdio.h>

enum {
    PLOT_WIDTH = 480,      /* of every picture: it still reads when a phone shrinks it */
    PLOT_FONT = 13,        /* pixels */
    PLOT_SERIES = 7,       /* colours and markers; a run with more strategies starts over */
    PLOT_LETTER_WIDTH = 7, /* pixels to leave for a letter */
    PLOT_DEADLINE_MS = 20000,
};

struct picture {
    char *name; /* file name without .svg: letters, digits and '-' */
    char *svg;  /* NULL: not drawn */
};

struct plots {
    struct picture *pictures;
    size_t count;
    char *script; /* of all pictures; valid once plots_draw() has been called */
    size_t script_size;
    FILE *stream;
    char trouble[512]; /* after plots_draw(): why pictures are missing; "" when none is */
};

/* Makes *p ready for plots_add(). 0, or -1 when memory is short. */
int plots_open(struct plots *p);

/* Starts the next picture, `height` pixels high; unsuitable characters of `name` become '-'. The script that follows
 * is written to the stream returned, which belongs to *p; NULL when memory is short. */
FILE *plots_add(struct plots *p, const char *name, int height);

/* Runs gnuplot in `dir`, an existing folder that it may write to. Without gnuplot, or when it fails or takes too long,
 * this succeeds and says so in p->trouble. -1 only when memory is short. */
int plots_draw(struct plots *p, const char *dir);

/* The picture of that name, drawn or not; NULL when it was never added. */
const struct picture *plots_find(const struct plots *p, const char *name);

void plots_close(struct plots *p);

/* The picture for the inside of a page: ids of its own, colours as the page's variables, `description` for those who
 * do not see it. */
void plot_write_inline(FILE *out, const struct picture *picture, const char *description);

/* A text in a script, in quotes. Names come from files that others wrote, and gnuplot runs what it finds in backquotes:
 * nothing of the text is interpreted. */
void plot_quote(FILE *script, const char *text);

/* The fixed colour, "#rrggbb", of series `i`, and its marker (a gnuplot point type): no two series share both. */
const char *plot_colour(size_t i);
int plot_marker(size_t i);

/* Series of a strategy: its place among those of the run, so that it looks the same in every picture. */
size_t plot_series(const struct results *r, const char *strategy);

#endif
