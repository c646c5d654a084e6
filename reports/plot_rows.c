/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * plot_rows.c - pictures with a row per cell: their frame, and the rates of one workload.
 *
 * The frame is that of a table: names and chunks at the left, figures at the right, and between them the axis. Row i
 * stands at y = i, the first at the top. Texts are labels at places on the screen, so that no text meets a mark. */
#include "reports/plot_pictures.h"

#include "reports/format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROW_HEIGHT = 19,
    HEAD = 26, /* above the first row: the control's label */
    FOOT = 48, /* below the last: numbers and title of the axis */
    CHUNK_LETTERS = 6,
    NOTE_SIZE = 128,
};

char *plot_name(char *text, const struct cell *cell)
{
    size_t fit;

    rank_name(text, PLOT_NAME - 4, cell);
    if (format_width(text) > PLOT_NAME_LETTERS) {
        fit = format_fit(text, PLOT_NAME_LETTERS - 1);
        strcpy(text + fit, "…");
    }
    return text;
}

static bool shown(const struct cell *cell)
{
    return cell && cell->status == CELL_OK && cell->value > 0;
}

static const char *heading_of(const struct rank_row *row)
{
    return row->any->visible ? row->any->visible : "";
}

static bool several_headings(const struct rank_matrix *m)
{
    const char *first = NULL;

    for (size_t i = 0; i < m->row_count; i++) {
        if (m->rows[i].control)
            continue;
        if (first && strcmp(first, heading_of(&m->rows[i])) != 0)
            return true;
        first = heading_of(&m->rows[i]);
    }
    return false;
}

static void add_cells(struct plot_rows *rows, const struct rank_matrix *m, const struct rank_row *row)
{
    bool first = true;
    char name[PLOT_NAME];

    for (size_t i = 0; i < m->chunk_count; i++) {
        if (!shown(row->cells[i]))
            continue;
        rows->rows[rows->count++] = (struct plot_row){
            .cell = row->cells[i],
            .first = first,
            .word = row->words[i],
        };
        first = false;
        rows->label_width =
            (size_t)fmax((double)rows->label_width, (double)format_width(plot_name(name, row->cells[i])));
    }
}

int plot_rows_build(struct plot_rows *rows, const struct rank_matrix *m)
{
    bool headings = several_headings(m);
    const char *heading = "";

    *rows = (struct plot_rows){.rows = calloc(m->row_count * (m->chunk_count + 1) + 1, sizeof(*rows->rows))};
    if (!rows->rows)
        return -1;
    for (size_t i = 0; i < m->row_count; i++) {
        size_t before = rows->count;

        if (m->rows[i].control)
            continue;
        if (headings && strcmp(heading, heading_of(&m->rows[i])) != 0)
            rows->rows[rows->count++].heading = heading_of(&m->rows[i]);
        before = rows->count - before;
        add_cells(rows, m, &m->rows[i]);
        if (rows->count > 0 && before == 1 && !rows->rows[rows->count - 1].cell)
            rows->count--; /* a heading over nothing */
        else
            heading = heading_of(&m->rows[i]);
    }
    return 0;
}

void plot_rows_free(struct plot_rows *rows)
{
    free(rows->rows);
}

int plot_rows_height(const struct plot_rows *rows)
{
    return HEAD + FOOT + ROW_HEIGHT * (int)rows->count;
}

static void label_row(FILE *script, const struct plot_rows *rows, size_t i, double left)
{
    const struct plot_row *row = &rows->rows[i];
    char text[160], chunk[FORMAT_SIZE];

    if (!row->cell) {
        snprintf(text, sizeof(text), "seen %s", row->heading);
        fprintf(script, "set label ");
        plot_quote(script, text);
        fprintf(script, " at screen 0.01, first %zu left tc rgb '#606060'\n", i);
        return;
    }
    if (row->first) {
        fprintf(script, "set label ");
        plot_quote(script, plot_name(text, row->cell));
        fprintf(script, " at screen 0.01, first %zu left\n", i);
    }
    fprintf(script, "set label ");
    plot_quote(script, format_chunk(chunk, row->cell->chunk));
    fprintf(script, " at screen %.4f, first %zu right tc rgb '#606060'\n", left - 0.015, i);
}

void plot_rows_frame(FILE *script, const struct plot_rows *rows, size_t right)
{
    double height = plot_rows_height(rows);
    double left = (double)(rows->label_width + CHUNK_LETTERS) * PLOT_LETTER_WIDTH / PLOT_WIDTH;

    fprintf(script,
            "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\n"
            "set bmargin at screen %.4f\nset yrange [%zu.6:-0.6]\nunset ytics\nunset key\n",
            left, 1 - (double)right * PLOT_LETTER_WIDTH / PLOT_WIDTH, 1 - HEAD / height, FOOT / height,
            rows->count - 1);
    fprintf(script, "set label 'chunk' at screen %.4f, screen %.4f right tc rgb '#606060'\n", left - 0.015,
            1 - HEAD / 2.0 / height);
    for (size_t i = 0; i < rows->count; i++)
        label_row(script, rows, i, left);
}

void plot_rows_key(FILE *script, const struct plot_rows *rows, const char *text)
{
    fprintf(script, "set label ");
    plot_quote(script, text);
    fprintf(script, " at screen 0.5, screen %.4f center tc rgb '#606060'\n", 11.0 / plot_rows_height(rows));
}

void plot_rows_note(FILE *script, size_t i, const char *text)
{
    fprintf(script, "set label ");
    plot_quote(script, text);
    fprintf(script, " at screen 0.99, first %zu right\n", i);
}

void plot_log_axis(FILE *script, char axis, double low, double high)
{
    double from = log10(low) - 0.15, to = log10(high) + 0.15;

    if (to - from < 1.1) {
        from -= (1.1 - (to - from)) / 2;
        to = from + 1.1;
    }
    fprintf(script, "set logscale %c\nset %crange [%.6g:%.6g]\n", axis, axis, pow(10, from), pow(10, to));
    fprintf(script, "set %ctics 1e%d, %d\nset m%ctics 1\nset format %c '%%.0s %%c'\n", axis, (int)ceil(from),
            to - from > 4.5 ? 100 : 10, axis, axis);
}

static double limit_of(const struct rank_matrix *m, const struct cell *cell)
{
    return cell->value / rank_limit_ratio(m->results, cell);
}

static void set_range(FILE *script, const struct plot_rows *rows, const struct rank_matrix *m,
                      const struct cell *control)
{
    double low = control ? control->value : NAN, high = low;

    for (size_t i = 0; i < rows->count; i++) {
        const struct cell *cell = rows->rows[i].cell;

        if (!cell)
            continue;
        low = fmin(low, fmin(cell->value, fmin(cell->ci_low, limit_of(m, cell))));
        high = fmax(high, fmax(cell->value, fmax(cell->ci_high, limit_of(m, cell))));
    }
    plot_log_axis(script, 'x', low, high);
}

static void draw_control(FILE *script, const struct cell *control)
{
    char text[256], rate[FORMAT_SIZE], name[128], chunk[FORMAT_SIZE];

    snprintf(text, sizeof(text), "%s %s, chunk %.40s", plot_name(name, control), format_rate(rate, control->value),
             format_chunk(chunk, control->chunk));
    fprintf(script, "set arrow from %.6g, graph 0 to %.6g, graph 1 nohead dt 2 lw 1.5 lc rgb '%s'\nset label ",
            control->value, control->value, plot_colour(0));
    plot_quote(script, text);
    fprintf(script, " at %.6g, graph 1 center offset 0, 0.7 tc rgb '#606060'\n", control->value);
}

/* "best 287 M ±1%" */
static char *rate_note(char text[NOTE_SIZE], const struct plot_row *row)
{
    static const char *const words[] = {
        [RANK_NONE] = "",
        [RANK_BEST] = "best ",
        [RANK_TIE] = "tie ",
        [RANK_FASTEST] = "fastest ",
    };
    char rate[FORMAT_SIZE], around[FORMAT_SIZE];

    snprintf(text, NOTE_SIZE, "%s%s %s", row->cell->verified ? words[row->word] : "incorrect ",
             format_rate(rate, row->cell->value),
             format_around(around, row->cell->value, row->cell->ci_low, row->cell->ci_high));
    return text;
}

static void draw_row(FILE *script, const struct plot_rows *rows, size_t i, const struct rank_matrix *m)
{
    const struct cell *cell = rows->rows[i].cell;
    double limit = limit_of(m, cell);
    char text[NOTE_SIZE];

    if (isfinite(limit))
        fprintf(script, "set arrow from %.6g, %zu.38 to %.6g, %.2f nohead lw 2.5 lc rgb '#000000'\n", limit, i, limit,
                (double)i - 0.38);
    plot_rows_note(script, i, rate_note(text, &rows->rows[i]));
}

static size_t widest_note(const struct plot_rows *rows)
{
    char text[NOTE_SIZE];
    size_t widest = 0;

    for (size_t i = 0; i < rows->count; i++)
        if (rows->rows[i].cell)
            widest = (size_t)fmax((double)widest, (double)format_width(rate_note(text, &rows->rows[i])));
    return widest;
}

/* The marks, a data block each: their colour and form are those of the strategy. */
static void draw_marks(FILE *script, const struct plot_rows *rows, const struct rank_matrix *m)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct cell *cell = rows->rows[i].cell;
        bool interval;

        if (!cell)
            continue;
        interval = isfinite(cell->ci_low) && isfinite(cell->ci_high);
        fprintf(script, "$row%zu << END\n%.6g %zu %.6g %.6g\nEND\n", i, cell->value, i,
                interval ? cell->ci_low : cell->value, interval ? cell->ci_high : cell->value);
    }
    for (size_t i = 0, drawn = 0; i < rows->count; i++) {
        const struct cell *cell = rows->rows[i].cell;
        size_t series;

        if (!cell)
            continue;
        series = plot_series(m->results, cell->strategy);
        fprintf(script, "%s$row%zu using 1:2:3:4 with xerrorbars pt %d ps 0.8 lw 1.5 lc rgb '%s'",
                drawn++ ? ", " : "plot ", i, plot_marker(series), plot_colour(series));
    }
    fputc('\n', script);
}

static bool any_limit(const struct plot_rows *rows, const struct rank_matrix *m)
{
    for (size_t i = 0; i < rows->count; i++)
        if (rows->rows[i].cell && isfinite(limit_of(m, rows->rows[i].cell)))
            return true;
    return false;
}

int plot_rates(struct plots *p, const char *name, const struct rank_matrix *m)
{
    const struct cell *control = rank_control(m);
    struct plot_rows rows;
    char key[160];
    FILE *script;
    int status = 0;

    if (plot_rows_build(&rows, m) != 0)
        return -1;
    if (rows.count == 0)
        goto free_rows;
    script = plots_add(p, name, plot_rows_height(&rows));
    status = script ? 0 : -1;
    if (!script)
        goto free_rows;
    plot_rows_frame(script, &rows, widest_note(&rows) + 2);
    set_range(script, &rows, m, control);
    snprintf(key, sizeof(key), "%s · ─ interval of 95 %%%s", m->unit ? m->unit : "",
             any_limit(&rows, m) ? " · ┃ limit of the row" : "");
    plot_rows_key(script, &rows, key);
    if (control)
        draw_control(script, control);
    for (size_t i = 0; i < rows.count; i++)
        if (rows.rows[i].cell)
            draw_row(script, &rows, i, m);
    draw_marks(script, &rows, m);
free_rows:
    plot_rows_free(&rows);
    return status;
}
