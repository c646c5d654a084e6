/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * html.c - report.html from beginning to end: plan the pictures, draw them, compose the page, put all in place.
 *
 * gnuplot draws into a hidden folder inside the target, the page is composed in memory and written there too, and only
 * when all of it is complete are the files renamed into place, the page last. Whatever fails before, the folder goes
 * and the earlier report stands. */
#include "reports/html.h"

#include "reports/html_page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char page_name[] = "report.html";

/* How many of the first `matrices` are of that workload. */
static size_t count_workload(const struct html_run *run, size_t matrices, const char *workload)
{
    size_t count = 0;

    for (size_t i = 0; i < matrices; i++)
        count += strcmp(run->matrices[i].workload, workload) == 0;
    return count;
}

bool html_first_of_workload(const struct html_run *run, size_t matrix)
{
    return count_workload(run, matrix, run->matrices[matrix].workload) == 0;
}

char *html_matrix_title(char text[TABLE_LINE], const struct html_run *run, size_t matrix)
{
    const struct rank_matrix *m = &run->matrices[matrix];

    if (count_workload(run, run->matrix_count, m->workload) > 1)
        return table_heading(text, TABLE_LINE, m, true);
    snprintf(text, TABLE_LINE, "%s", m->workload);
    return text;
}

char *html_picture_name(char text[HTML_NAME], const struct html_run *run, size_t matrix, const char *kind)
{
    const char *workload = run->matrices[matrix].workload;
    size_t earlier = count_workload(run, matrix, workload), length = 0;

    text[0] = '\0';
    if (run->of > 1)
        length = (size_t)snprintf(text, HTML_NAME, "machine-%zu-", run->index + 1);
    length += (size_t)snprintf(text + length, HTML_NAME - length, "%.60s-", workload);
    if (earlier > 0)
        length += (size_t)snprintf(text + length, HTML_NAME - length, "%zu-", earlier + 1);
    snprintf(text + length, HTML_NAME - length, "%s", kind);
    return text;
}

bool html_planned(const struct html_page *page, const char *name)
{
    return plots_find(&page->plots, name) != NULL;
}

void html_figure(const struct html_page *page, const char *name, const char *sentence, bool lead)
{
    const struct picture *picture = plots_find(&page->plots, name);

    if (!picture)
        return;
    fputs(lead ? "<figure class=\"lead\">" : "<figure>", page->out);
    if (picture->svg)
        plot_write_inline(page->out, picture, sentence);
    else
        html_printf(page->out, "(no picture: %s)", page->plots.trouble);
    fputs("<figcaption>", page->out);
    html_text(page->out, sentence);
    fputs("</figcaption></figure>\n", page->out);
}

void html_heading(FILE *out, const struct html_run *run, int level, const char *anchor, const char *text)
{
    int lower = level + (run->of > 1);

    if (anchor) {
        fprintf(out, "<h%d id=\"", lower);
        html_printf(out, "r%zu-%s", run->index + 1, anchor);
        fputs("\">", out);
    } else {
        fprintf(out, "<h%d>", lower);
    }
    html_text(out, text);
    fprintf(out, "</h%d>\n", lower);
}

void html_row_head(FILE *out, const char *text)
{
    fputs("<th scope=\"row\">", out);
    html_text(out, text);
    fputs("</th>", out);
}

void html_cell(FILE *out, const char *text)
{
    fputs("<td>", out);
    html_text(out, text && *text ? text : "–");
    fputs("</td>", out);
}

void html_number(FILE *out, const char *text)
{
    fputs("<td class=\"n\">", out);
    html_text(out, text && *text ? text : "–");
    fputs("</td>", out);
}

void html_table_begin(FILE *out, const char *class, const char *caption, const char *const *columns)
{
    fprintf(out, "<div class=\"scroll\"><table%s%s%s>\n", class ? " class=\"" : "", class ? class : "",
            class ? "\"" : "");
    if (caption) {
        fputs("<caption>", out);
        html_text(out, caption);
        fputs("</caption>\n", out);
    }
    fputs("<thead><tr>", out);
    for (; *columns; columns++) {
        fputs(**columns == '#' ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">", out);
        html_text(out, *columns + (**columns == '#'));
        fputs("</th>", out);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
}

void html_table_end(FILE *out)
{
    fputs("</tbody></table></div>\n", out);
}

static int failed(struct report_error *error, const char *dir, const char *name, const char *what, int number)
{
    *error = (struct report_error){.code = 73};
    snprintf(error->text, sizeof(error->text), "%.300s%s%s: %s: %s", dir, name ? "/" : "", name ? name : "", what,
             strerror(number));
    return -1;
}

static void write_head(const struct html_page *page)
{
    const struct host *host = &page->runs[0].results->host;
    char machine[TABLE_LINE];

    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>muster: ",
          page->out);
    html_text(page->out, table_machine(machine, sizeof(machine), host));
    if (page->count > 1)
        fprintf(page->out, " and %zu more", page->count - 1);
    fputs("</title>\n", page->out);
    html_style(page->out);
    fputs("</head>\n<body>\n", page->out);
}

static void write_run(const struct html_page *page, const struct html_run *run)
{
    html_headline(page->out, run);
    html_workloads(page, run);
    html_contention(page, run);
    html_conditions(page->out, run);
    html_proofs(page->out, run);
    html_cells(page->out, run);
}

/* The page as text, freed by the caller; NULL when memory is short. */
static char *compose(struct html_page *page, size_t *size)
{
    char *text = NULL;

    page->out = open_memstream(&text, size);
    if (!page->out)
        return NULL;
    write_head(page);
    if (page->plots.trouble[0]) {
        fputs("<p class=\"beware\">Pictures are missing: ", page->out);
        html_text(page->out, page->plots.trouble);
        fputs(".</p>\n", page->out);
    }
    if (page->count > 1)
        html_machines(page);
    for (size_t i = 0; i < page->count; i++)
        write_run(page, &page->runs[i]);
    fputs("</body>\n</html>\n", page->out);
    if (ferror(page->out) | fclose(page->out)) {
        free(text);
        text = NULL;
    }
    page->out = NULL;
    return text;
}

static int plan(struct html_page *page, const struct results *const *runs, size_t count)
{
    page->runs = calloc(count, sizeof(*page->runs));
    if (!page->runs || plots_open(&page->plots) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct html_run *run = &page->runs[i];

        *run = (struct html_run){.results = runs[i], .index = i, .of = count};
        if (rank_build(runs[i], &run->matrices, &run->matrix_count) != 0)
            return -1;
        page->count++;
        if (html_workloads_plan(page, run) != 0 || html_contention_plan(page, run) != 0)
            return -1;
    }
    return 0;
}

static int write_file(const char *path, const char *text, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), number = 0;

    if (fd < 0)
        return errno;
    while (size > 0 && number == 0) {
        ssize_t n = write(fd, text, size);

        if (n >= 0) {
            text += n;
            size -= (size_t)n;
        } else if (errno != EINTR) {
            number = errno;
        }
    }
    if (number == 0 && fsync(fd) != 0 && errno != EINVAL && errno != EROFS)
        number = errno;
    if (close(fd) != 0 && number == 0)
        number = errno;
    return number;
}

/* Removes the hidden folder and what is still in it. */
static void remove_folder(const struct html_page *page, const char *folder)
{
    char path[4096];

    for (size_t i = 0; i < page->plots.count; i++)
        if (snprintf(path, sizeof(path), "%s/%s.svg", folder, page->plots.pictures[i].name) < (int)sizeof(path))
            unlink(path);
    if (snprintf(path, sizeof(path), "%s/%s", folder, page_name) < (int)sizeof(path))
        unlink(path);
    rmdir(folder);
}

static int move(const char *folder, const char *dir, const char *name)
{
    char from[4096], to[4096];

    if (snprintf(from, sizeof(from), "%s/%s", folder, name) >= (int)sizeof(from) ||
        snprintf(to, sizeof(to), "%s/%s", dir, name) >= (int)sizeof(to))
        return ENAMETOOLONG;
    return rename(from, to) == 0 ? 0 : errno;
}

static int move_all(const struct html_page *page, const char *folder, const char *dir, struct report_error *error)
{
    char name[HTML_NAME + 8];
    int number;

    for (size_t i = 0; i < page->plots.count; i++) {
        if (!page->plots.pictures[i].svg)
            continue;
        snprintf(name, sizeof(name), "%.*s.svg", HTML_NAME, page->plots.pictures[i].name);
        number = move(folder, dir, name);
        if (number)
            return failed(error, dir, name, "cannot be written", number);
    }
    number = move(folder, dir, page_name);
    return number ? failed(error, dir, page_name, "cannot be written", number) : 0;
}

static int fill_folder(struct html_page *page, const char *folder, const char *dir, struct report_error *error)
{
    char path[4096], *text = NULL;
    size_t size = 0;
    int number = ENOMEM;

    if (plots_draw(&page->plots, folder) == 0)
        text = compose(page, &size);
    if (text)
        number = snprintf(path, sizeof(path), "%s/%s", folder, page_name) < (int)sizeof(path)
                     ? write_file(path, text, size)
                     : ENAMETOOLONG;
    free(text);
    return number ? failed(error, dir, page_name, "cannot be written", number) : 0;
}

int html_write(const struct results *const *runs, size_t count, const char *dir, struct report_error *error)
{
    struct html_page page = {0};
    char *folder = NULL;
    int status = -1;

    *error = (struct report_error){0};
    if (plan(&page, runs, count) != 0 || asprintf(&folder, "%s/.report-XXXXXX", dir) < 0) {
        failed(error, dir, page_name, "cannot be composed", ENOMEM);
        goto free_page;
    }
    if (!mkdtemp(folder)) {
        failed(error, dir, NULL, "no file can be made there", errno);
        goto free_folder;
    }
    status = fill_folder(&page, folder, dir, error);
    if (status == 0)
        status = move_all(&page, folder, dir, error);
    remove_folder(&page, folder);
    if (status == 0 && page.plots.trouble[0])
        snprintf(error->text, sizeof(error->text), "the report has no pictures: %.400s", page.plots.trouble);
free_folder:
    free(folder);
free_page:
    for (size_t i = 0; i < page.count; i++)
        rank_free(page.runs[i].matrices, page.runs[i].matrix_count);
    free(page.runs);
    plots_close(&page.plots);
    return status;
}
