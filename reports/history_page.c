/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * history_page.c - history.html: a picture and a table per series, the changes in words.
 *
 * A run stands at its number, not at its date: weeks without one say nothing, and ten in an hour shall not be one dot.
 */
#include "reports/history.h"

#include "reports/format.h"
#include "reports/html_page.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Pixels, and how much there is of what. */
enum { HEIGHT = 228, HEAD = 24, FOOT = 50, LEFT = 72, RIGHT = 24, DATES_MOST = 5, PICTURES_MOST = 60 };

static const char PAGE[] = "history.html";

static const char *picture_name(char text[FORMAT_SIZE], size_t i)
{
    snprintf(text, FORMAT_SIZE, "history-%zu", i + 1);
    return text;
}

/* --- axes -------------------------------------------------------------------------------------------------------- */

/* What an axis shows from bottom to top, as a part of its middle: the same in all pictures, so that a per cent is as
 * high in each, but for courses that spread further than SPAN_SHARED. */
#define SPAN_LEAST  0.1
#define SPAN_SHARED 0.5
#define SPAN_ROOM   1.1

struct extent {
    double middle, span;
};

static struct extent extent_of(const struct course *s)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < s->count; i++) {
        const struct history_cell *cell = s->points[i].cell;
        low = fmin(low, fmin(cell->value, cell->ci_low)); /* NAN yields to a number */
        high = fmax(high, fmax(cell->value, cell->ci_high));
    }
    double middle = (low + high) / 2;
    return (struct extent){middle, SPAN_ROOM * (high - low) / middle};
}

static double shared_span(const struct course *list, size_t count)
{
    double most = SPAN_LEAST;
    for (size_t i = 0; i < count; i++) {
        double span = extent_of(&list[i]).span;
        if (span <= SPAN_SHARED)
            most = fmax(most, span);
    }
    return most;
}

static double span_of(const struct course *s, double shared)
{
    double span = extent_of(s).span;
    return span <= SPAN_SHARED ? shared : span;
}

/* 1, 2 or 5 times a power of ten, so that about `count` of them make up `range`. */
static double round_step(double range, unsigned count)
{
    double power = pow(10, floor(log10(range / count))), steps = range / count / power;
    return power * (steps < 1.5 ? 1 : steps < 3.5 ? 2 : steps < 7.5 ? 5 : 10);
}

/* "set ytics ('205 M' 2.05e8, ...)": no more digits than tell the ticks apart. */
static void write_values(FILE *script, double low, double high)
{
    static const char *const prefixes[] = {"", " k", " M", " G"};
    const double step = round_step(high - low, 5);
    int thousands = high >= 1e9 ? 3 : high >= 1e6 ? 2 : high >= 1e3 ? 1 : 0;
    double unit = pow(1000, thousands), digits = -floor(log10(step / unit) + 1e-9);
    fprintf(script, "set yrange [%.9g:%.9g]\nset ytics (", low, high);
    double first = ceil(low / step);
    for (int i = 0; (first + i) * step <= high; i++)
        fprintf(script, "%s'%.*f%s' %.9g", i ? ", " : "", digits > 0 ? (int)digits : 0, (first + i) * step / unit,
                prefixes[thousands], (first + i) * step);
    fputs(")\n", script);
}

/* When the runs were measured, at some of them; the hour where all are of one day. */
static void write_dates(FILE *script, const struct course *s)
{
    const char *first = s->points[0].run->created, *last = s->points[s->count - 1].run->created;
    const bool one_day = strlen(first) > 16 && strlen(last) > 16 && strncmp(first, last, 10) == 0;
    const size_t step = (s->count + DATES_MOST - 1) / DATES_MOST;
    char text[FORMAT_SIZE];
    fputs("set xtics (", script);
    for (size_t i = 0; i < s->count; i += step) {
        const char *created = s->points[i].run->created;
        snprintf(text, sizeof text, one_day ? "%.5s" : "%.10s",
                 one_day && strlen(created) > 16 ? created + 11 : created);
        fputs(i ? ", " : "", script);
        plot_quote(script, text);
        fprintf(script, " %zu", i + 1);
    }
    fputs(")\n", script);
    snprintf(text, sizeof text, one_day ? "runs of %.10s" : "runs, by when they were measured", first);
    fputs("set label ", script);
    plot_quote(script, text);
    fprintf(script, " at graph 0.5, screen %.4f center tc rgb '#606060'\n", 11.0 / HEIGHT);
}

static void write_frame(FILE *script, const struct course *s, double span)
{
    const double middle = extent_of(s).middle;
    fprintf(script,
            "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\n"
            "set bmargin at screen %.4f\nunset key\nset grid noxtics ytics lt 1 lc rgb '#d0d0d0'\nset border 3\n"
            "set xrange [0.5:%zu.5]\nset label ",
            (double)LEFT / PLOT_WIDTH, 1 - (double)RIGHT / PLOT_WIDTH, 1 - (double)HEAD / HEIGHT, (double)FOOT / HEIGHT,
            s->count);
    plot_quote(script, s->points[0].cell->unit);
    fprintf(script, " at screen 0.01, screen %.4f left tc rgb '#606060'\n", 1 - 8.0 / HEIGHT);
    write_dates(script, s);
    write_values(script, middle * (1 - span / 2), middle * (1 + span / 2));
}

/* --- pictures ---------------------------------------------------------------------------------------------------- */

static void write_level(FILE *script, size_t from, size_t to, double level)
{
    fprintf(script, "set arrow from %zu.6, %.9g to %zu.4, %.9g nohead lw 2 lc rgb '%s'\n", from, level, to, level,
            plot_colour(2));
}

/* Points with intervals, levels as lines, changes as dashed uprights. */
static void draw(FILE *script, const struct course *s, double span)
{
    write_frame(script, s, span);
    fputs("$runs << END\n", script);
    for (size_t i = 0; i < s->count; i++) {
        const struct history_cell *cell = s->points[i].cell;
        bool known = isfinite(cell->ci_low) && isfinite(cell->ci_high);
        fprintf(script, "%zu %.9g %.9g %.9g\n", i + 1, cell->value, known ? cell->ci_low : cell->value,
                known ? cell->ci_high : cell->value);
    }
    fprintf(script, "END\n");
    for (size_t i = 0; i < s->change_count; i++) {
        const struct change *c = &s->changes[i];
        fprintf(script, "set arrow from %zu.5, graph 0 to %zu.5, graph 1 nohead dt 2 lc rgb '%s'\n", c->at, c->at,
                plot_colour(2));
        if (i == 0)
            write_level(script, 0, c->at, c->before);
        write_level(script, c->at, i + 1 < s->change_count ? s->changes[i + 1].at : s->count, c->after);
    }
    fprintf(script, "plot $runs using 1:2:3:4 with yerrorbars pt %d ps 0.6 lc rgb '%s'\n", plot_marker(1),
            plot_colour(1));
}

static int plan(struct plots *plots, const struct course *list, size_t count)
{
    const double shared = shared_span(list, count);
    char name[FORMAT_SIZE];
    if (plots_open(plots) != 0)
        return -1;
    for (size_t i = 0; i < count && i < PICTURES_MOST; i++) {
        FILE *script = list[i].count > 1 ? plots_add(plots, picture_name(name, i), HEIGHT) : NULL;
        if (!script && list[i].count > 1)
            return -1;
        if (script)
            draw(script, &list[i], span_of(&list[i], shared));
    }
    return 0;
}

/* --- the page ---------------------------------------------------------------------------------------------------- */

static void write_rows(FILE *out, const struct course *s)
{
    static const char *const columns[] = {"measured", "#value", "#interval", "unit", "#trials", "commit", NULL};
    html_table_begin(out, NULL, NULL, columns);
    for (size_t i = s->count; i-- > 0;) {
        const struct history_run *run = s->points[i].run;
        const struct history_cell *cell = s->points[i].cell;
        char text[FORMAT_SIZE];
        fputs("<tr>", out);
        html_row_head(out, run->created);
        html_number(out, format_rate(text, cell->value));
        html_number(out, format_rate_range(text, cell->value, cell->ci_low, cell->ci_high));
        html_cell(out, cell->unit);
        snprintf(text, sizeof text, "%u", cell->trials);
        html_number(out, text);
        html_cell(out, run->commit);
        fputs("</tr>\n", out);
    }
    html_table_end(out);
}

/* Returns text. */
static char *say_latest(char *text, size_t size, const struct course *s, double shared)
{
    const struct history_point *p = &s->points[s->count - 1];
    char rate[FORMAT_SIZE], around[FORMAT_SIZE], own[64] = "";
    double span = span_of(s, shared);
    if (span != shared)
        snprintf(own, sizeof own, " This axis alone spans more: %.0f %%.", 100 * span);
    format_around(around, p->cell->value, p->cell->ci_low, p->cell->ci_high);
    snprintf(text, size, "The latest, of %.10s: %s%s%s %s.%s", p->run->created, format_rate(rate, p->cell->value),
             *around ? " " : "", around, p->cell->unit, own);
    return text;
}

static void write_series(struct html_page *page, const struct course *s, size_t i, double shared)
{
    char name[FORMAT_SIZE], said[512];
    FILE *out = page->out;
    fputs("<h2>", out);
    html_printf(out, "%s, idle %s", s->points[0].cell->id, s->points[0].cell->idle);
    fputs("</h2>\n<p class=\"note\">", out);
    html_printf(out, "%zu run%s on %s", s->count, s->count == 1 ? "" : "s", s->points[0].run->machine);
    fputs("</p>\n<div class=\"figures\">\n", out);
    html_figure(page, picture_name(name, i), say_latest(said, sizeof said, s, shared), true);
    fputs("</div>\n", out);
    for (size_t k = 0; k < s->change_count; k++) {
        fputs("<p>", out);
        html_text(out, course_change(said, sizeof said, s, k));
        fputs("</p>\n", out);
    }
    fputs("<details><summary>the runs</summary>\n", out);
    write_rows(out, s);
    fputs("</details>\n", out);
}

static char *compose(struct html_page *page, const struct course *list, size_t count)
{
    const double shared = shared_span(list, count);
    char *text = NULL;
    size_t size;
    page->out = open_memstream(&text, &size);
    if (!page->out)
        return NULL;
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<title>muster: history</title>\n",
          page->out);
    html_style(page->out);
    fputs("</head>\n<body>\n<h1>History</h1>\n<p>Changes advise and decide nothing: a machine changes too.</p>\n",
          page->out);
    fputs("<p class=\"note\">", page->out);
    html_printf(page->out,
                "Pictures show each run's value with its interval, and a dashed line where a level begins. Their axes "
                "do not begin at 0; each spans %.0f %%, so that a change is as high in one as in another.",
                100 * shared);
    fputs("</p>\n", page->out);
    for (size_t i = 0; i < count; i++)
        write_series(page, &list[i], i, shared);
    fputs("</body>\n</html>\n", page->out);
    if (fclose(page->out) == 0)
        return text;
    free(text);
    return NULL;
}

/* By a name of its own and rename, so that a reader sees the old page or the new one. 0, or -1 with errno. */
static int store(const char *dir, const char *text)
{
    char *hidden = NULL, *path = NULL;
    int result = -1;
    errno = ENOMEM;
    if (asprintf(&path, "%s/%s", dir, PAGE) < 0 || asprintf(&hidden, "%s/.%s.%ld", dir, PAGE, (long)getpid()) < 0) {
        free(path);
        return -1;
    }
    FILE *file = fopen(hidden, "wxe");
    if (file) {
        bool written = fputs(text, file) != EOF;
        result = fclose(file) == 0 && written ? rename(hidden, path) : -1;
        if (result != 0)
            unlink(hidden);
    }
    free(hidden);
    free(path);
    return result;
}

int history_page(const struct course *list, size_t count, const char *dir, struct report_error *error)
{
    struct html_page page = {.out = NULL};
    char *text = NULL;
    int result = -1;
    *error = (struct report_error){.code = 0};
    errno = ENOMEM;
    if (plan(&page.plots, list, count) == 0 && plots_draw(&page.plots, dir) == 0)
        text = compose(&page, list, count);
    if (text)
        result = store(dir, text);
    if (result != 0) {
        error->code = 73;
        snprintf(error->text, sizeof error->text, "%.300s/%s: cannot be written: %s", dir, PAGE, strerror(errno));
    } else if (page.plots.trouble[0]) {
        snprintf(error->text, sizeof error->text, "the history has no pictures: %.400s", page.plots.trouble);
    }
    free(text);
    plots_close(&page.plots);
    return result;
}
