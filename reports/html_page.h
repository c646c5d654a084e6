/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * html_page.h - what the files that write report.html share; private to them (html*.c).
 *
 * Each section has a file and is a function of one run. A section first has its pictures added (html_plan()), for all
 * runs, since gnuplot runs once; then it is written with the pictures in it. Failures of the stream are kept by it and
 * found at the end. */
#ifndef MUSTER_REPORTS_HTML_PAGE_H
#define MUSTER_REPORTS_HTML_PAGE_H

#include "reports/format.h"
#include "reports/html_text.h"
#include "reports/plot.h"
#include "reports/plot_pictures.h"
#include "reports/rank.h"
#include "reports/table_parts.h"

#include <stdio.h>

enum {
    HTML_NAME = 128,      /* bytes of a strategy's or picture's name */
    HTML_SENTENCE = 1024, /* bytes of what is said about a picture */
};

struct html_run {
    const struct results *results;
    struct rank_matrix *matrices;
    size_t matrix_count;
    size_t index, of; /* which of the page's runs, and how many there are */
};

struct html_page {
    FILE *out;
    struct plots plots;
    struct html_run *runs;
    size_t count;
};

/* --- html.c: pieces --- */

/* "counter-costs", "machine-2-counter-costs": one picture of one matrix of one run. */
char *html_picture_name(char text[HTML_NAME], const struct html_run *run, size_t matrix, const char *kind);

/* "counter"; with its payload, work, placement and workers where the run has several matrices of that workload. */
char *html_matrix_title(char text[TABLE_LINE], const struct html_run *run, size_t matrix);

/* True when no earlier matrix of the run has the same workload. */
bool html_first_of_workload(const struct html_run *run, size_t matrix);

/* A picture with its sentence, or, if it could not be drawn, the sentence alone; nothing if it was never planned.
 * A lead picture takes the whole width, its sentence beside it. */
void html_figure(const struct html_page *page, const char *name, const char *sentence, bool lead);

/* True when gnuplot was asked for that picture. */
bool html_planned(const struct html_page *page, const char *name);

/* Opens a heading of a run's section, one level lower where the page has several runs. */
void html_heading(FILE *out, const struct html_run *run, int level, const char *anchor, const char *text);

/* A text in <th scope="row">, <td> or, right-aligned, <td class="n">. */
void html_row_head(FILE *out, const char *text);
void html_cell(FILE *out, const char *text);
void html_number(FILE *out, const char *text);

/* Begins and ends a table that scrolls by itself on narrow screens. `columns` are its headings, NULL at the end; those
 * of numbers begin with '#'. `class` is NULL, or "wrap" where cells hold sentences. */
void html_table_begin(FILE *out, const char *class, const char *caption, const char *const *columns);
void html_table_end(FILE *out);

/* --- sections, in the order of the page --- */
void html_style(FILE *out);
void html_headline(FILE *out, const struct html_run *run);
void html_machines(const struct html_page *page);
int html_workloads_plan(struct html_page *page, const struct html_run *run);
void html_workloads(const struct html_page *page, const struct html_run *run);
int html_contention_plan(struct html_page *page, const struct html_run *run);
void html_contention(const struct html_page *page, const struct html_run *run);
void html_conditions(FILE *out, const struct html_run *run);
void html_proofs(FILE *out, const struct html_run *run);
void html_cells(FILE *out, const struct html_run *run);

/* --- html_headline.c: who wins and by how much; the gravest thing to beware of --- */
void html_say_wins(FILE *out, const struct html_run *run);
void html_say_beware(FILE *out, const struct html_run *run);

/* --- html_sentences.c: what each picture shows on this machine; "" where there is nothing to say --- */
void html_say_rates(char text[HTML_SENTENCE], const struct rank_matrix *m);
void html_say_chunks(char text[HTML_SENTENCE], const struct rank_matrix *m);
void html_say_workers(char text[HTML_SENTENCE], const struct rank_matrix *m);
void html_say_fairness(char text[HTML_SENTENCE], const struct rank_matrix *m);
void html_say_costs(char text[HTML_SENTENCE], const struct rank_matrix *m);

#endif
