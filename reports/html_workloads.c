/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * html_workloads.c - a section per workload: who is how fast, against the chunk, against the workers.
 *
 * The table has what the pictures have, as text; it is the matrix of the terminal with nothing left out. */
#include "reports/html_page.h"

#include "reports/flags.h"

#include <string.h>

static const struct {
    const char *kind;
    int (*plot)(struct plots *, const char *, const struct rank_matrix *);
    void (*say)(char text[HTML_SENTENCE], const struct rank_matrix *);
} kinds[] = {
    {"rates", plot_rates, html_say_rates},
    {"chunks", plot_chunks, html_say_chunks},
    {"workers", plot_workers, html_say_workers},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

int html_workloads_plan(struct html_page *page, const struct html_run *run)
{
    char name[HTML_NAME];

    for (size_t i = 0; i < run->matrix_count; i++)
        for (size_t kind = 0; kind < KINDS; kind++)
            if (kinds[kind].plot(&page->plots, html_picture_name(name, run, i, kinds[kind].kind), &run->matrices[i]) !=
                0)
                return -1;
    return 0;
}

static void write_value(FILE *out, const struct cell *cell, enum rank_word word)
{
    static const char *const words[] = {
        [RANK_NONE] = "",
        [RANK_BEST] = " best",
        [RANK_TIE] = " tie",
        [RANK_FASTEST] = " fastest",
    };
    char rate[FORMAT_SIZE], around[FORMAT_SIZE], text[3 * FORMAT_SIZE];

    if (!cell) {
        html_number(out, "");
    } else if (cell->status == CELL_OK) {
        snprintf(text, sizeof(text), "%s %s%s%s", format_rate(rate, cell->value),
                 format_around(around, cell->value, cell->ci_low, cell->ci_high), table_mark(cell),
                 cell->verified ? words[word] : " incorrect");
        html_number(out, text);
    } else {
        html_number(out, cell->status == CELL_NA ? "n/a" : cell->status == CELL_FAILED ? "FAILED" : "");
    }
}

static void write_row(FILE *out, const struct rank_matrix *m, const struct rank_row *row)
{
    char name[HTML_NAME + 16], gain[FORMAT_SIZE];

    rank_name(name, HTML_NAME, row->any);
    if (row->control)
        strcat(name, " (control)");
    fputs("<tr>", out);
    html_row_head(out, name);
    for (size_t i = 0; i < m->chunk_count; i++)
        write_value(out, row->cells[i], row->words[i]);
    html_number(out, row->control ? "" : format_ratio(gain, row->gain));
    fputs("</tr>\n", out);
}

/* What a row stands under; "" for workloads whose writes nobody sees. */
static const char *heading_of(const struct rank_row *row)
{
    if (row->control)
        return "the control, which shares nothing";
    return row->any->visible ? row->any->visible : "";
}

static void write_flags(FILE *out, const struct rank_matrix *m, const struct cell *cell)
{
    char name[HTML_NAME], chunk[FORMAT_SIZE], figures[HTML_NAME];
    struct flags flags;

    flags_of(&flags, cell);
    for (int flag = 0; flag < FLAGS; flag++) {
        if (!flags.set[flag])
            continue;
        fputs("<p class=\"note\">", out);
        html_printf(out, "* %s%s%s: %s (%s)", rank_name(name, sizeof(name), cell), m->chunk_count > 1 ? ", chunk " : "",
                    m->chunk_count > 1 ? format_chunk(chunk, cell->chunk) : "", flag_meaning((enum flag)flag),
                    flag_figures(figures, sizeof(figures), &flags, (enum flag)flag));
        fputs("</p>\n", out);
    }
}

/* Why cells of the matrix have no number, or a wrong one. */
static void write_reasons(FILE *out, const struct rank_matrix *m)
{
    char name[HTML_NAME], chunk[FORMAT_SIZE], lost[HTML_SENTENCE];

    for (size_t i = 0; i < m->row_count; i++)
        for (size_t column = 0; column < m->chunk_count; column++) {
            const struct cell *cell = m->rows[i].cells[column];

            if (cell && *rank_lost_sentence(lost, sizeof(lost), cell)) {
                fputs("<p class=\"note\">", out);
                html_printf(out, "%s, chunk %s: %s", rank_name(name, sizeof(name), cell),
                            format_chunk(chunk, cell->chunk), lost);
                fputs("</p>\n", out);
            }
            if (cell)
                write_flags(out, m, cell);
            if (!cell || (cell->status != CELL_NA && cell->status != CELL_FAILED))
                continue;
            fputs("<p class=\"note\">", out);
            html_printf(out, "%s, chunk %s: %s, %s", rank_name(name, sizeof(name), cell),
                        format_chunk(chunk, cell->chunk), cell->status == CELL_NA ? "n/a" : "FAILED",
                        cell->reason ? cell->reason : "no reason was given");
            fputs("</p>\n", out);
        }
}

static void write_matrix(FILE *out, const struct rank_matrix *m)
{
    char headings[RANK_CHUNKS + 1][FORMAT_SIZE + 8], chunk[FORMAT_SIZE], gain[FORMAT_SIZE], caption[256];
    const char *columns[RANK_CHUNKS + 3] = {"strategy"}, *group = "";

    for (size_t i = 0; i < m->chunk_count; i++) {
        snprintf(headings[i], sizeof(headings[i]), "#chunk %s", format_chunk(chunk, m->chunks[i]));
        columns[i + 1] = headings[i];
    }
    snprintf(gain, sizeof(gain), "#1→%u workers", m->workers);
    columns[m->chunk_count + 1] = gain;
    snprintf(caption, sizeof(caption), "%.40s with %u worker%s; the gain is at chunk %s", m->unit ? m->unit : "",
             m->workers, m->workers == 1 ? "" : "s", format_chunk(chunk, m->chunks[m->lead]));
    html_table_begin(out, NULL, caption, columns);
    for (size_t i = 0; i < m->row_count; i++) {
        const struct rank_row *row = &m->rows[i];

        if (strcmp(heading_of(row), group) != 0) {
            group = heading_of(row);
            fprintf(out, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%zu\">", m->chunk_count + 2);
            html_printf(out, row->control ? "%s" : "others see a write %s", group);
            fputs("</th></tr>\n", out);
        }
        write_row(out, m, row);
    }
    html_table_end(out);
}

static void write_latency(FILE *out, const struct cell *cell)
{
    const struct latency *latency = &cell->latency;
    const double times[] = {latency->p50, latency->p90, latency->p99, latency->p99_9, latency->max};
    char name[HTML_NAME], text[FORMAT_SIZE];

    fputs("<tr>", out);
    html_row_head(out, rank_name(name, sizeof(name), cell));
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        html_number(out, format_ns(text, times[i]));
    snprintf(text, sizeof(text), "%llu", (unsigned long long)latency->samples);
    html_number(out, text);
    fputs("</tr>\n", out);
}

/* How long single operations took; nothing where that was not measured. */
static void write_latencies(FILE *out, const struct rank_matrix *m)
{
    static const char *const columns[] = {"strategy", "#p50", "#p90", "#p99", "#p99.9", "#longest", "#measured", NULL};
    bool begun = false;

    for (size_t i = 0; i < m->row_count; i++) {
        const struct cell *cell = m->rows[i].cells[m->lead];

        if (!cell || cell->status != CELL_OK || !cell->latency.samples)
            continue;
        if (!begun)
            html_table_begin(out, NULL, "how long one operation takes: the part in the heading takes no longer",
                             columns);
        begun = true;
        write_latency(out, cell);
    }
    if (begun)
        html_table_end(out);
}

/* "8 bytes", "64 KiB". */
static const char *amount(char text[FORMAT_SIZE], uint64_t bytes)
{
    format_bytes(text, bytes);
    char *dash = strstr(text, "-byte");
    if (dash)
        strcpy(dash, bytes == 1 ? " byte" : " bytes");
    return text;
}

static void write_terms(FILE *out, const struct rank_matrix *m)
{
    char bytes[FORMAT_SIZE], work[FORMAT_SIZE] = "no work";
    const char *end = strchr(m->unit ? m->unit : "", '/');
    int noun = end ? (int)(end - m->unit) : 0;

    if (m->item_cost_ns > 0)
        snprintf(work, sizeof(work), "%.20s of work", format_ns(bytes, m->item_cost_ns));
    fputs("<p class=\"note\">", out);
    html_printf(out, "%.*s", noun ? noun : 10, noun ? m->unit : "operations");
    if (m->payload_bytes)
        html_printf(out, rank_matrix_in_turn(m) ? ", each with an item of %s" : " of %s",
                    amount(bytes, m->payload_bytes));
    html_printf(out, ", %s between them; placement %s; the median of the trials and its interval.", work,
                m->placement ? m->placement : "none");
    fputs("</p>\n", out);
}

static void write_section(const struct html_page *page, const struct html_run *run, size_t i)
{
    const struct rank_matrix *m = &run->matrices[i];
    const struct workload_info *info = rank_workload(run->results, m->workload);
    char anchor[FORMAT_SIZE], title[TABLE_LINE], name[HTML_NAME], sentence[HTML_SENTENCE];
    size_t length;

    snprintf(anchor, sizeof(anchor), "m%zu", i + 1);
    html_matrix_title(title, run, i);
    length = strlen(title);
    if (info && info->summary && html_first_of_workload(run, i))
        snprintf(title + length, sizeof(title) - length, ": %s", info->summary);
    html_heading(page->out, run, 2, anchor, title);
    write_terms(page->out, m);
    fputs("<div class=\"figures\">\n", page->out);
    for (size_t kind = 0; kind < KINDS; kind++) {
        html_picture_name(name, run, i, kinds[kind].kind);
        if (!html_planned(page, name))
            continue;
        kinds[kind].say(sentence, m);
        html_figure(page, name, sentence, kind == 0);
    }
    fputs("</div>\n", page->out);
    write_matrix(page->out, m);
    write_latencies(page->out, m);
    write_reasons(page->out, m);
}

void html_workloads(const struct html_page *page, const struct html_run *run)
{
    for (size_t i = 0; i < run->matrix_count; i++)
        write_section(page, run, i);
}
