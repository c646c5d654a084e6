/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * plot_lines.c - rate against chunk and rate against workers, a line per strategy and variant.
 *
 * Both axes are logarithmic, so that one more factor is the same step everywhere and the ideal is a straight line of
 * slope one. Each line ends in its name at the right; names that would meet are moved apart. */
#include "reports/plot_pictures.h"

#include "reports/format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEIGHT = 320,
    HEAD = 22,
    FOOT = 48,
    LEFT = 56,
    LINE_HEIGHT = 17, /* pixels between two names */
    POINTS_MOST = 16, /* on a line */
};

struct point {
    double x, y;
};

struct line {
    const struct cell *cell;
    struct point points[POINTS_MOST];
    size_t count;
    double label; /* height of its name, 0 to 1 */
};

struct lines {
    struct line *lines;
    size_t count;
    double x_low, x_high, y_low, y_high;
};

static int compare_points(const void *a, const void *b)
{
    double difference = ((const struct point *)a)->x - ((const struct point *)b)->x;

    return difference < 0 ? -1 : difference > 0;
}

static void add_point(struct line *line, const struct cell *cell, double x)
{
    if (line->count == POINTS_MOST || cell->status != CELL_OK || !(cell->value > 0) || !(x > 0))
        return;
    line->points[line->count++] = (struct point){x, cell->value};
}

/* Keeps a line that has something to show, and widens the ranges to it. */
static void add_line(struct lines *lines, struct line *line)
{
    if (line->count < 2)
        return;
    qsort(line->points, line->count, sizeof(line->points[0]), compare_points);
    for (size_t i = 0; i < line->count; i++) {
        lines->x_low = fmin(lines->x_low, line->points[i].x);
        lines->x_high = fmax(lines->x_high, line->points[i].x);
        lines->y_low = fmin(lines->y_low, line->points[i].y);
        lines->y_high = fmax(lines->y_high, line->points[i].y);
    }
    lines->lines[lines->count++] = *line;
}

static int open_lines(struct lines *lines, const struct rank_matrix *m)
{
    *lines = (struct lines){.x_low = NAN, .x_high = NAN, .y_low = NAN, .y_high = NAN};
    lines->lines = calloc(m->row_count + 1, sizeof(*lines->lines));
    return lines->lines ? 0 : -1;
}

static int compare_labels(const void *a, const void *b)
{
    double difference = (*(struct line *const *)a)->label - (*(struct line *const *)b)->label;

    return difference < 0 ? -1 : difference > 0;
}

/* Names at the heights of their lines' ends, moved up where two would meet, and all down again if the top is reached.
 */
static int place_labels(struct lines *lines, double y_from, double y_to)
{
    double gap = (double)LINE_HEIGHT / (HEIGHT - HEAD - FOOT), top = 1;
    struct line **order = calloc(lines->count + 1, sizeof(struct line *));

    if (!order)
        return -1;
    for (size_t i = 0; i < lines->count; i++) {
        struct line *line = order[i] = &lines->lines[i];

        line->label = (log10(line->points[line->count - 1].y) - y_from) / (y_to - y_from);
    }
    qsort(order, lines->count, sizeof(*order), compare_labels);
    for (size_t i = 1; i < lines->count; i++)
        order[i]->label = fmax(order[i]->label, order[i - 1]->label + gap);
    for (size_t i = lines->count; i-- > 0; top = order[i]->label - gap)
        order[i]->label = fmin(order[i]->label, top);
    free(order);
    return 0;
}

/* Beyond this range of chunks a number at every other power of two runs into its neighbour. */
#define WIDE 2048

static size_t widest_name(const struct lines *lines)
{
    size_t widest = 0;
    char name[PLOT_NAME];

    for (size_t i = 0; i < lines->count; i++) {
        size_t width = format_width(plot_name(name, lines->lines[i].cell));

        widest = width > widest ? width : widest;
    }
    return widest;
}

static void write_frame(FILE *script, const struct lines *lines, const char *x_title, const char *unit)
{
    double right = 1 - (double)((widest_name(lines) + 4) * PLOT_LETTER_WIDTH) / PLOT_WIDTH;

    fprintf(script,
            "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\n"
            "set bmargin at screen %.4f\nunset key\nset grid xtics ytics lt 1 lc rgb '#d0d0d0'\nset border 3\n",
            (double)LEFT / PLOT_WIDTH, right, 1 - (double)HEAD / HEIGHT, (double)FOOT / HEIGHT);
    fprintf(script, "set label ");
    plot_quote(script, unit);
    fprintf(script, " at screen 0.01, screen %.4f left tc rgb '#606060'\nset label ", 1 - 8.0 / HEIGHT);
    plot_quote(script, x_title);
    fprintf(script, " at graph 0.5, screen %.4f center tc rgb '#606060'\n", 11.0 / HEIGHT);
    fprintf(script, "set logscale x 2\nset format x '%%.0f'\nset xrange [%.6g:%.6g]\n", lines->x_low / 1.15,
            lines->x_high * 1.15);
    if (lines->x_high / lines->x_low > WIDE)
        fprintf(script, "set xtics 1,16\n");
    plot_log_axis(script, 'y', lines->y_low, lines->y_high);
}

/* The name at the right, and a thin line to it from the end of the curve. */
static void write_name(FILE *script, const struct line *line)
{
    const struct point *end = &line->points[line->count - 1];
    char name[PLOT_NAME];

    fprintf(script, "set arrow from %.6g, %.6g to graph 1.06, graph %.4f nohead lw 0.7 lc rgb '#7f7f7f'\nset label ",
            end->x, end->y, line->label);
    plot_quote(script, plot_name(name, line->cell));
    fprintf(script, " at graph 1.08, graph %.4f left\n", line->label);
}

static void write_points(FILE *script, const struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        const struct line *line = &lines->lines[i];

        fprintf(script, "$line%zu << END\n", i);
        for (size_t k = 0; k < line->count; k++)
            fprintf(script, "%.6g %.6g\n", line->points[k].x, line->points[k].y);
        fprintf(script, "END\n");
    }
}

/* `ideal`: a dotted line of slope one through each first point. */
static void write_plot(FILE *script, const struct lines *lines, const struct results *r, bool ideal)
{
    write_points(script, lines);
    for (size_t i = 0; i < lines->count; i++) {
        const struct line *line = &lines->lines[i];
        size_t series = plot_series(r, line->cell->strategy);

        fprintf(script, "%s", i ? ", " : "plot ");
        if (ideal)
            fprintf(script, "%.6g * x with lines dt 3 lw 1.5 lc rgb '%s', ", line->points[0].y / line->points[0].x,
                    plot_colour(series));
        fprintf(script, "$line%zu using 1:2 with linespoints pt %d ps 0.8 lw 2%s lc rgb '%s'", i, plot_marker(series),
                line->cell->variant_default ? "" : " dt 2", plot_colour(series));
    }
    fputc('\n', script);
}

static int draw(struct plots *p, const char *name, const struct rank_matrix *m, struct lines *lines,
                const char *x_title, bool ideal)
{
    double span = log10(lines->y_high) - log10(lines->y_low) + 0.3, from = log10(lines->y_low) - 0.15;
    FILE *script;

    if (span < 1.1) {
        from -= (1.1 - span) / 2;
        span = 1.1;
    }
    if (place_labels(lines, from, from + span) != 0)
        return -1;
    script = plots_add(p, name, HEIGHT);
    if (!script)
        return -1;
    write_frame(script, lines, x_title, m->unit ? m->unit : "");
    for (size_t i = 0; i < lines->count; i++)
        write_name(script, &lines->lines[i]);
    write_plot(script, lines, m->results, ideal);
    return 0;
}

int plot_chunks(struct plots *p, const char *name, const struct rank_matrix *m)
{
    struct lines lines;
    int status = 0;

    if (open_lines(&lines, m) != 0)
        return -1;
    for (size_t i = 0; i < m->row_count; i++) {
        struct line line = {.cell = m->rows[i].any};

        for (size_t column = 0; column < m->chunk_count && !m->rows[i].control; column++) {
            const struct cell *cell = m->rows[i].cells[column];

            if (cell)
                add_point(&line, cell, (double)cell->chunk_used);
        }
        add_line(&lines, &line);
    }
    if (lines.count > 0 && lines.x_high > lines.x_low)
        status = draw(p, name, m, &lines, "operations that travel together (chunk)", false);
    free(lines.lines);
    return status;
}

static bool same_but_workers(const struct cell *a, const struct cell *b)
{
    return strcmp(a->strategy, b->strategy) == 0 && strcmp(a->variant, b->variant) == 0 && a->chunk == b->chunk &&
           strcmp(a->idle, b->idle) == 0 && strcmp(a->service, b->service) == 0;
}

int plot_workers(struct plots *p, const char *name, const struct rank_matrix *m)
{
    const struct results *r = m->results;
    bool ideal = !rank_matrix_in_turn(m);
    struct lines lines;
    int status = 0;

    if (open_lines(&lines, m) != 0)
        return -1;
    for (size_t i = 0; i < m->row_count; i++) {
        const struct cell *lead = m->rows[i].cells[m->lead];
        struct line line = {.cell = m->rows[i].any};

        for (size_t k = 0; k < r->cell_count && lead && !m->rows[i].control; k++)
            if (rank_same_matrix(m, &r->cells[k]) && same_but_workers(lead, &r->cells[k]))
                add_point(&line, &r->cells[k], r->cells[k].workers);
        add_line(&lines, &line);
    }
    if (lines.count > 0 && lines.x_high > lines.x_low)
        status = draw(p, name, m, &lines, ideal ? "workers (dotted: the ideal)" : "workers", ideal);
    free(lines.lines);
    return status;
}
