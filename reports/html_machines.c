/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * html_machines.c - several runs on one page: the same cells side by side.
 *
 * Cells are the same when their ids are. A row stands for a cell that at least two runs measured; the ratio is to the
 * first run that did. Runs whose idle CPUs waited differently are shown, and said not to compare. */
#include "reports/html_page.h"

#include <stdlib.h>
#include <string.h>

static const struct cell *find(const struct results *r, const char *id)
{
    for (size_t i = 0; i < r->cell_count; i++)
        if (strcmp(r->cells[i].id, id) == 0)
            return &r->cells[i];
    return NULL;
}

static bool has_value(const struct cell *cell)
{
    return cell && cell->status == CELL_OK && cell->value > 0;
}

static bool in_earlier_run(const struct html_page *page, size_t run, const char *id)
{
    for (size_t i = 0; i < run; i++)
        if (find(page->runs[i].results, id))
            return true;
    return false;
}

static size_t count_values(const struct html_page *page, const char *id)
{
    size_t count = 0;

    for (size_t i = 0; i < page->count; i++)
        count += has_value(find(page->runs[i].results, id));
    return count;
}

static void write_row(const struct html_page *page, const struct cell *cell)
{
    char text[3 * FORMAT_SIZE], rate[FORMAT_SIZE], around[FORMAT_SIZE], ratio[FORMAT_SIZE];
    const struct cell *first = NULL;

    fputs("<tr>", page->out);
    html_row_head(page->out, cell->id);
    for (size_t i = 0; i < page->count; i++) {
        const struct cell *here = find(page->runs[i].results, cell->id);

        text[0] = '\0';
        if (has_value(here))
            snprintf(text, sizeof(text), "%s %s%s%s", format_rate(rate, here->value),
                     format_around(around, here->value, here->ci_low, here->ci_high), first ? " · " : "",
                     first ? format_ratio(ratio, here->value / first->value) : "");
        else if (here)
            snprintf(text, sizeof(text), "%s", here->status == CELL_FAILED ? "FAILED" : "n/a");
        html_number(page->out, text);
        first = !first && has_value(here) ? here : first;
    }
    html_cell(page->out, cell->unit);
    fputs("</tr>\n", page->out);
}

static bool same_idle(const struct html_page *page)
{
    for (size_t i = 1; i < page->count; i++)
        if (strcmp(rank_idle(page->runs[i].results), rank_idle(page->runs[0].results)) != 0)
            return false;
    return true;
}

static void write_list(const struct html_page *page)
{
    char machine[TABLE_LINE];

    fputs("<ol>\n", page->out);
    for (size_t i = 0; i < page->count; i++) {
        const struct results *r = page->runs[i].results;

        fprintf(page->out, "<li><a href=\"#r%zu\">", i + 1);
        html_text(page->out, table_machine(machine, sizeof(machine), &r->host));
        fputs("</a>", page->out);
        html_printf(page->out, " · %s%s%s · idle: %s", r->host.name ? r->host.name : "", r->host.name ? " · " : "",
                    r->created ? r->created : "", rank_idle(r));
        fputs("</li>\n", page->out);
    }
    fputs("</ol>\n", page->out);
    if (!same_idle(page))
        fputs(
            "<p class=\"beware\"><b>Beware:</b> idle CPUs waited in different ways in these runs; where workers sleep, "
            "the rates below do not compare.</p>\n",
            page->out);
}

static size_t write_rows(const struct html_page *page)
{
    size_t alone = 0;

    for (size_t run = 0; run < page->count; run++) {
        const struct results *r = page->runs[run].results;

        for (size_t i = 0; i < r->cell_count; i++) {
            if (in_earlier_run(page, run, r->cells[i].id))
                continue;
            if (count_values(page, r->cells[i].id) > 1)
                write_row(page, &r->cells[i]);
            else
                alone++;
        }
    }
    return alone;
}

void html_machines(const struct html_page *page)
{
    const char **columns = calloc(page->count + 3, sizeof(*columns));
    char(*names)[64] = calloc(page->count, sizeof(*names));
    size_t alone;

    fprintf(page->out, "<h1>%zu machines side by side</h1>\n", page->count);
    write_list(page);
    if (columns && names) {
        columns[0] = "cell";
        for (size_t i = 0; i < page->count; i++) {
            snprintf(names[i], sizeof(names[i]), "#%zu: %.40s", i + 1,
                     page->runs[i].results->host.name ? page->runs[i].results->host.name : "machine");
            columns[i + 1] = names[i];
        }
        columns[page->count + 1] = "unit";
        html_table_begin(page->out, NULL,
                         "the same cells (w workers, c chunk, p placement, i nanoseconds of work, b bytes); each ratio "
                         "is to the first run that has the cell",
                         columns);
        alone = write_rows(page);
        html_table_end(page->out);
        if (alone)
            fprintf(page->out, "<p class=\"note\">%zu cell%s a value in one of the runs only.</p>\n", alone,
                    alone == 1 ? " has" : "s have");
    }
    free(names);
    free(columns);
}
