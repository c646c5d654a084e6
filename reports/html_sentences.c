/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * html_sentences.c - what the pictures show on this machine, in a sentence each, computed from the figures drawn.
 *
 * A picture without its message makes every reader work it out again, and some get it wrong. The sentences compare what
 * the picture compares: the same cells, the extremes of them by name. */
#include "reports/contention.h"
#include "reports/html_page.h"

#include <math.h>
#include <string.h>

static bool shown(const struct cell *cell)
{
    return cell && cell->status == CELL_OK && cell->value > 0;
}

/* The cells of a matrix with the least and the most of something, controls aside. */
struct extremes {
    const struct cell *least, *most;
    double low, high;
    size_t count;
};

static void extremes_add(struct extremes *e, const struct cell *cell, double value)
{
    if (!isfinite(value))
        return;
    if (e->count == 0 || value < e->low) {
        e->low = value;
        e->least = cell;
    }
    if (e->count == 0 || value > e->high) {
        e->high = value;
        e->most = cell;
    }
    e->count++;
}

/* "mutex at chunk 16", with the whole name. */
static char *cell_name(char text[HTML_NAME + FORMAT_SIZE], const struct cell *cell)
{
    char name[HTML_NAME], chunk[FORMAT_SIZE];

    snprintf(text, HTML_NAME + FORMAT_SIZE, "%s at chunk %s", rank_name(name, sizeof(name), cell),
             format_chunk(chunk, cell->chunk));
    return text;
}

void html_say_rates(char text[HTML_SENTENCE], const struct rank_matrix *m)
{
    char near[HTML_NAME + FORMAT_SIZE], far[HTML_NAME + FORMAT_SIZE];
    struct extremes e = {0};
    size_t length;

    rank_sentence(text, HTML_SENTENCE, m);
    length = strlen(text);
    for (size_t i = 0; i < m->row_count; i++)
        for (size_t column = 0; column < m->chunk_count && !m->rows[i].control; column++)
            if (shown(m->rows[i].cells[column]))
                extremes_add(&e, m->rows[i].cells[column], rank_limit_ratio(m->results, m->rows[i].cells[column]));
    if (e.count > 1)
        snprintf(text + length, HTML_SENTENCE - length,
                 " Against the raw operation beneath, %s does best (%.0f %% of its rate) and %s worst (%.2g %%).",
                 cell_name(near, e.most), e.high * 100, cell_name(far, e.least), e.low * 100);
}

/* What a row gains from its smallest chunk to its largest; NAN when it has but one. */
static double chunk_gain(const struct rank_matrix *m, const struct rank_row *row)
{
    const struct cell *first = NULL, *last = NULL;

    for (size_t i = 0; i < m->chunk_count; i++) {
        const struct cell *cell = row->cells[i];

        if (!shown(cell))
            continue;
        first = first && first->chunk_used <= cell->chunk_used ? first : cell;
        last = last && last->chunk_used >= cell->chunk_used ? last : cell;
    }
    return first && first->chunk_used < last->chunk_used ? last->value / first->value : NAN;
}

void html_say_chunks(char text[HTML_SENTENCE], const struct rank_matrix *m)
{
    char most[HTML_NAME], least[HTML_NAME], high[FORMAT_SIZE], low[FORMAT_SIZE];
    struct extremes e = {0};

    text[0] = '\0';
    for (size_t i = 0; i < m->row_count; i++)
        if (!m->rows[i].control)
            extremes_add(&e, m->rows[i].any, chunk_gain(m, &m->rows[i]));
    if (e.count == 0)
        return;
    rank_name(most, sizeof(most), e.most);
    rank_name(least, sizeof(least), e.least);
    if (e.count == 1 || e.most == e.least)
        snprintf(text, HTML_SENTENCE, "From the smallest chunk to the largest, %s gains %s.", most,
                 format_ratio(high, e.high));
    else
        snprintf(text, HTML_SENTENCE,
                 "Letting operations travel together helps %s most (%s from the smallest chunk to the largest) and %s "
                 "least (%s).",
                 most, format_ratio(high, e.high), least, format_ratio(low, e.low));
}

void html_say_workers(char text[HTML_SENTENCE], const struct rank_matrix *m)
{
    char most[HTML_NAME], least[HTML_NAME], high[FORMAT_SIZE], low[FORMAT_SIZE], chunk[FORMAT_SIZE];
    char ideal[FORMAT_SIZE] = "";
    struct extremes e = {0};
    size_t slower = 0;

    text[0] = '\0';
    for (size_t i = 0; i < m->row_count; i++) {
        double gain = m->rows[i].control ? NAN : m->rows[i].gain;

        if (!shown(m->rows[i].cells[m->lead]) || m->rows[i].cells[m->lead]->workers < 2)
            continue;
        extremes_add(&e, m->rows[i].any, gain);
        slower += gain < 1;
    }
    if (e.count == 0)
        return;
    rank_name(most, sizeof(most), e.most);
    rank_name(least, sizeof(least), e.least);
    format_chunk(chunk, m->chunks[m->lead]);
    if (!rank_matrix_in_turn(m))
        snprintf(ideal, sizeof(ideal), " (%.0f %% of the ideal)", e.high / m->workers * 100);
    if (e.count == 1)
        snprintf(text, HTML_SENTENCE, "At chunk %s, %u workers do %s what one does with %s.", chunk, m->workers,
                 format_ratio(high, e.high), most);
    else
        snprintf(text, HTML_SENTENCE, "At chunk %s, %u workers do %s what one does with %s%s, and %s with %s.%s", chunk,
                 m->workers, format_ratio(high, e.high), most, ideal, format_ratio(low, e.low), least,
                 slower ? " Below 1×, more workers do less." : "");
}

void html_say_fairness(char text[HTML_SENTENCE], const struct rank_matrix *m)
{
    char name[HTML_NAME + FORMAT_SIZE];
    struct extremes e = {0};
    struct contention c;

    text[0] = '\0';
    for (size_t i = 0; i < m->row_count; i++)
        for (size_t column = 0; column < m->chunk_count && !m->rows[i].control; column++)
            if (shown(m->rows[i].cells[column])) {
                contention_of(&c, m->results, m->rows[i].cells[column]);
                extremes_add(&e, m->rows[i].cells[column], c.jain);
            }
    if (e.count == 0)
        return;
    contention_of(&c, m->results, e.least);
    if (e.low >= 0.95)
        snprintf(text, HTML_SENTENCE, "The workers share the work evenly everywhere: Jain's index is %.2f or more.",
                 e.low);
    else
        snprintf(text, HTML_SENTENCE,
                 "Least fair is %s: one worker did %.2f of an even share and another %.2f (Jain's index %.2f).",
                 cell_name(name, e.least), c.share_low, c.share_high, c.jain);
}

void html_say_costs(char text[HTML_SENTENCE], const struct rank_matrix *m)
{
    char cheap[HTML_NAME + FORMAT_SIZE], dear[HTML_NAME + FORMAT_SIZE], low[FORMAT_SIZE], high[FORMAT_SIZE];
    struct extremes e = {0};
    struct contention c;

    text[0] = '\0';
    for (size_t i = 0; i < m->row_count; i++)
        for (size_t column = 0; column < m->chunk_count && !m->rows[i].control; column++)
            if (shown(m->rows[i].cells[column])) {
                contention_of(&c, m->results, m->rows[i].cells[column]);
                extremes_add(&e, m->rows[i].cells[column],
                             c.workers_cpu_ns + (c.service_cpu_ns > 0 ? c.service_cpu_ns : 0));
            }
    if (e.count > 1)
        snprintf(text, HTML_SENTENCE,
                 "Workers and service together, an operation costs least CPU time in %s (%s) and most in %s (%s).",
                 cell_name(cheap, e.least), contention_format_ns(low, e.low), cell_name(dear, e.most),
                 contention_format_ns(high, e.high));
}
