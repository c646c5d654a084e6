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

enum { HEIGHT = 220, PICTURES_MOST = 60 };

static const char PAGE[] = "history.html";

static const char *picture_name(char text[FORMAT_SIZE], size_t i)
{
    snprintf(text, FORMAT_SIZE, "history-%zu", i + 1);
    return text;
}

/* Points with intervals, levels as lines, changes as dashed uprights. */
static void draw(FILE *script, const struct course *s)
{
    fprintf(script,
            "set lmargin 9\nset rmargin 2\nunset key\nset grid ytics lt 1 lc rgb '#d0d0d0'\nset border 3\n"
            "set xlabel 'run' offset 0,0.5\nset format y '%%.2s%%c'\nset xrange [0.5:%zu.5]\nset ylabel ",
            s->count);
    plot_quote(script, s->points[0].cell->unit);
    fprintf(script, " offset 1,0\n$runs << END\n");
    for (size_t i = 0; i < s->count; i++) {
        const struct history_cell *cell = s->points[i].cell;
        bool known = isfinite(cell->ci_low) && isfinite(cell->ci_high);
        fprintf(script, "%zu %.6g %.6g %.6g\n", i + 1, cell->value, known ? cell->ci_low : cell->value,
                known ? cell->ci_high : cell->value);
    }
    fprintf(script, "END\n");
    for (size_t i = 0; i < s->change_count; i++) {
        const struct change *c = &s->changes[i];
        size_t from = i ? s->changes[i - 1].at : 0, to = i + 1 < s->change_count ? s->changes[i + 1].at : s->count;
        fprintf(script, "set arrow from %zu.5, graph 0 to %zu.5, graph 1 nohead dt 2 lc rgb '%s'\n", c->at, c->at,
                plot_colour(2));
        if (i == 0)
            fprintf(script, "set arrow from %zu.6, %.6g to %zu.4, %.6g nohead lw 2 lc rgb '%s'\n", from, c->before,
                    c->at, c->before, plot_colour(2));
        fprintf(script, "set arrow from %zu.6, %.6g to %zu.4, %.6g nohead lw 2 lc rgb '%s'\n", c->at, c->after, to,
                c->after, plot_colour(2));
    }
    fprintf(script, "plot $runs using 1:2:3:4 with yerrorbars pt %d ps 0.6 lc rgb '%s'\n", plot_marker(1),
            plot_colour(1));
}

static int plan(struct plots *plots, const struct course *list, size_t count)
{
    char name[FORMAT_SIZE];
    if (plots_open(plots) != 0)
        return -1;
    for (size_t i = 0; i < count && i < PICTURES_MOST; i++) {
        FILE *script = list[i].count > 1 ? plots_add(plots, picture_name(name, i), HEIGHT) : NULL;
        if (!script && list[i].count > 1)
            return -1;
        if (script)
            draw(script, &list[i]);
    }
    return 0;
}

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

static void write_series(struct html_page *page, const struct course *s, size_t i)
{
    char name[FORMAT_SIZE], said[512];
    FILE *out = page->out;
    fputs("<h2>", out);
    html_printf(out, "%s, idle %s", s->points[0].cell->id, s->points[0].cell->idle);
    fputs("</h2>\n<p class=\"note\">", out);
    html_printf(out, "%zu run%s on %s", s->count, s->count == 1 ? "" : "s", s->points[0].run->machine);
    fputs("</p>\n<div class=\"figures\">\n", out);
    snprintf(said, sizeof said, "Each run's value with its interval%s.",
             s->change_count ? "; where a level begins, a dashed line" : "");
    html_figure(page, picture_name(name, i), said, true);
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
    for (size_t i = 0; i < count; i++)
        write_series(page, &list[i], i);
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
