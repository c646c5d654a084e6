/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * html_contention.c - the section that says why: what the workers paid for sharing, per workload.
 *
 * Pictures of fairness and of CPU time per operation, all figures as a table, and for every strategy the cause in
 * words, by the rules of reports/contention.h. */
#include "reports/contention.h"
#include "reports/html_page.h"

#include <math.h>

int html_contention_plan(struct html_page *page, const struct html_run *run)
{
    char name[HTML_NAME];

    for (size_t i = 0; i < run->matrix_count; i++) {
        if (plot_costs(&page->plots, html_picture_name(name, run, i, "costs"), &run->matrices[i]) != 0)
            return -1;
        if (plot_fairness(&page->plots, html_picture_name(name, run, i, "fairness"), &run->matrices[i]) != 0)
            return -1;
    }
    return 0;
}

static void number(FILE *out, const char *format, double value)
{
    char text[FORMAT_SIZE] = "";

    if (isfinite(value))
        snprintf(text, sizeof(text), format, value);
    html_number(out, text);
}

static void per_operation(FILE *out, double value)
{
    if (value > 0 && value < 0.005)
        html_number(out, "< 0.01");
    else
        number(out, "%.2f", value);
}

static void nanoseconds(FILE *out, double ns)
{
    char text[FORMAT_SIZE];

    html_number(out, contention_format_ns(text, ns));
}

static void write_row(FILE *out, const struct results *r, const struct cell *cell)
{
    char name[HTML_NAME], text[FORMAT_SIZE];
    struct contention c;

    contention_of(&c, r, cell);
    fputs("<tr>", out);
    html_row_head(out, rank_name(name, sizeof(name), cell));
    html_number(out, format_chunk(text, cell->chunk));
    html_number(out, format_ratio(text, c.speedup));
    number(out, "%.0f %%", c.lost * 100);
    nanoseconds(out, c.elapsed_ns);
    nanoseconds(out, c.workers_cpu_ns);
    nanoseconds(out, c.service_cpu_ns);
    per_operation(out, c.voluntary);
    per_operation(out, c.involuntary);
    nanoseconds(out, c.run_delay_ns);
    number(out, "%.2f", c.jain);
    if (isfinite(c.share_low))
        snprintf(text, sizeof(text), "%.2f–%.2f", c.share_low, c.share_high);
    html_number(out, isfinite(c.share_low) ? text : "");
    number(out, c.of_limit < 0.095 ? "%.1f %%" : "%.0f %%", c.of_limit * 100);
    html_cell(out, contention_name(c.cause));
    fputs("</tr>\n", out);
}

static bool shown(const struct rank_row *row, size_t column)
{
    return !row->control && row->cells[column] && row->cells[column]->status == CELL_OK;
}

static void write_table(FILE *out, const struct rank_matrix *m)
{
    static const char *const columns[] = {
        "strategy",      "#chunk",        "#speed-up", "#lost",  "#elapsed",
        "#CPU, workers", "#CPU, service", "#waits",    "#moved", "#run delay",
        "#Jain",         "#least–most",   "#of limit", "cause",  NULL,
    };
    char caption[64];

    snprintf(caption, sizeof(caption), "%u worker%s; times and switches per operation", m->workers,
             m->workers == 1 ? "" : "s");
    html_table_begin(out, NULL, caption, columns);
    for (size_t i = 0; i < m->row_count; i++)
        for (size_t column = 0; column < m->chunk_count; column++)
            if (shown(&m->rows[i], column))
                write_row(out, m->results, m->rows[i].cells[column]);
    html_table_end(out);
}

/* The cause of a cell, unless the row's lead cell has the same. */
static void write_why(FILE *out, const struct rank_matrix *m, const struct rank_row *row, size_t column)
{
    char why[HTML_SENTENCE], name[HTML_NAME], chunk[FORMAT_SIZE];
    struct contention c, lead;

    contention_of(&c, m->results, row->cells[column]);
    if (column != m->lead && shown(row, m->lead)) {
        contention_of(&lead, m->results, row->cells[m->lead]);
        if (lead.cause == c.cause)
            return;
    }
    contention_why(&c, why, sizeof(why));
    if (!*why)
        return;
    fputs("<li><b>", out);
    html_printf(out, "%s, chunk %s:", rank_name(name, sizeof(name), row->any),
                format_chunk(chunk, row->cells[column]->chunk));
    fputs("</b> ", out);
    html_text(out, why);
    fputs("</li>\n", out);
}

static bool has_words(const struct rank_matrix *m)
{
    struct contention c;

    for (size_t i = 0; i < m->row_count; i++)
        for (size_t column = 0; column < m->chunk_count; column++) {
            if (!shown(&m->rows[i], column))
                continue;
            contention_of(&c, m->results, m->rows[i].cells[column]);
            if (c.cause != CONTENTION_UNKNOWN)
                return true;
        }
    return false;
}

static bool has_rows(const struct rank_matrix *m)
{
    for (size_t i = 0; i < m->row_count; i++)
        for (size_t column = 0; column < m->chunk_count; column++)
            if (shown(&m->rows[i], column))
                return true;
    return false;
}

static void write_matrix(const struct html_page *page, const struct html_run *run, size_t i)
{
    const struct rank_matrix *m = &run->matrices[i];
    char name[HTML_NAME], sentence[HTML_SENTENCE], title[TABLE_LINE];
    FILE *out = page->out;

    html_heading(out, run, 3, NULL, html_matrix_title(title, run, i));
    if (has_words(m)) {
        fputs("<ul>\n", out);
        for (size_t row = 0; row < m->row_count; row++)
            for (size_t column = 0; column < m->chunk_count; column++)
                if (shown(&m->rows[row], column))
                    write_why(out, m, &m->rows[row], column);
        fputs("</ul>\n", out);
    }
    fputs("<div class=\"figures\">\n", out);
    html_picture_name(name, run, i, "costs");
    html_say_costs(sentence, m);
    html_figure(page, name, sentence, false);
    html_picture_name(name, run, i, "fairness");
    html_say_fairness(sentence, m);
    html_figure(page, name, sentence, false);
    fputs("</div>\n", out);
    write_table(out, m);
}

/* The raw operations of the run, which bound what is built on them. */
static void write_limits(FILE *out, const struct results *r)
{
    static const char *const columns[] = {"raw operation", "#workers", "#rate/s", "#interval", "#time of one", NULL};
    char text[FORMAT_SIZE];
    bool begun = false;

    for (size_t i = 0; i < r->cell_count; i++) {
        const struct cell *cell = &r->cells[i];

        if (cell->status != CELL_OK || rank_role(r, cell->strategy) != ROLE_YARDSTICK)
            continue;
        if (!begun)
            html_table_begin(out, NULL, "the limits: what the strategies stand on, measured in the same run", columns);
        begun = true;
        fputs("<tr>", out);
        html_row_head(out, cell->workload);
        number(out, "%.0f", cell->workers);
        html_number(out, format_rate(text, cell->value));
        html_number(out, format_around(text, cell->value, cell->ci_low, cell->ci_high));
        nanoseconds(out, cell->workers / cell->value * 1e9);
        fputs("</tr>\n", out);
    }
    if (begun)
        html_table_end(out);
}

static const char intro[] =
    "<p>What sharing costs, against one worker alone. <i>Lost</i> is what is missing to workers × one worker. "
    "<i>Elapsed</i> is a worker's time; what of it is not CPU time was spent waiting. <i>Service</i> is the parent or "
    "manager. <i>Waits</i> and <i>moved</i> are the workers' voluntary and involuntary context switches. <i>Run "
    "delay</i> is time ready to run but not running. <i>Jain</i>’s index is 1 when all workers do the same. "
    "<i>Limit</i> is the rate of the raw operation beneath, done alone in the same run: a yardstick, not a bound. "
    "Several messages under way at once, or one raw operation for a whole chunk, get above 100 %.</p>\n";

void html_contention(const struct html_page *page, const struct html_run *run)
{
    html_heading(page->out, run, 2, "contention", "Contention: why it is not faster");
    fputs(intro, page->out);
    write_limits(page->out, run->results);
    for (size_t i = 0; i < run->matrix_count; i++)
        if (has_rows(&run->matrices[i]))
            write_matrix(page, run, i);
}
