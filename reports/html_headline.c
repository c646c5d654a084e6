/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * html_headline.c - the first screen of the report: the machine, the date, and three sentences.
 *
 * Who wins each workload and by how much, what letting operations travel together does to that, and the one thing to
 * beware of on this machine, the gravest that applies. */
#include "reports/html_page.h"
#include "reports/noise.h"

#include <math.h>
#include <string.h>

#define NOISY 0.05

enum { LEAST_BLOCKS = 6 }; /* fewer give no interval */

static bool is_first(const struct rank_row *row, size_t column)
{
    return row->words[column] == RANK_BEST || row->words[column] == RANK_FASTEST;
}

static const struct cell *winner(const struct rank_matrix *m, size_t column)
{
    for (size_t i = 0; i < m->row_count; i++)
        if (is_first(&m->rows[i], column))
            return m->rows[i].cells[column];
    return NULL;
}

/* The fastest ranked cell of another strategy in the same column, or NULL. */
static const struct cell *rival(const struct rank_matrix *m, size_t column, const struct cell *first)
{
    const struct cell *best = NULL;

    for (size_t i = 0; i < m->row_count; i++) {
        const struct cell *cell = m->rows[i].cells[column];

        if (!m->rows[i].ranked || m->rows[i].control || !cell || cell->status != CELL_OK ||
            strcmp(cell->strategy, first->strategy) == 0 || strcmp(cell->visible, first->visible) != 0)
            continue;
        if (!best || cell->value > best->value)
            best = cell;
    }
    return best;
}

/* "map (287 M items/s, 137× the next)", the next by its name; the chunk where it is not the sentence's. */
static void say_win(FILE *out, const struct rank_matrix *m, const struct cell *first, const struct cell *second,
                    uint64_t chunk)
{
    char rate[FORMAT_SIZE], ratio[FORMAT_SIZE], name[HTML_NAME];

    fputs("<b>", out);
    html_text(out, m->workload);
    fputs("</b>", out);
    html_printf(out, " (%s %s", format_rate(rate, first->value), m->unit ? m->unit : "");
    if (second)
        html_printf(out, ", %s %s", format_ratio(ratio, first->value / second->value),
                    rank_name(name, sizeof(name), second));
    if (first->chunk != chunk)
        html_printf(out, ", at chunk %s", format_chunk(ratio, first->chunk));
    fputc(')', out);
}

/* What a sentence is about: the lead chunk of each workload, or its largest one. */
struct clause {
    const struct html_run *run;
    bool lead;
    uint64_t chunk; /* with which it begins */
};

static size_t column_of(const struct clause *clause, size_t matrix)
{
    const struct rank_matrix *m = &clause->run->matrices[matrix];

    return clause->lead ? m->lead : m->chunk_count - 1;
}

/* The matrix's winner, or NULL where it has none, or where the sentence is not about it. */
static const struct cell *winner_in(const struct clause *clause, size_t matrix)
{
    const struct rank_matrix *m = &clause->run->matrices[matrix];

    if (!html_first_of_workload(clause->run, matrix) || (!clause->lead && m->chunk_count < 2))
        return NULL;
    return winner(m, column_of(clause, matrix));
}

/* The row that the blocks do not tell from the winner, or NULL. */
static const struct cell *tied_in(const struct clause *clause, size_t matrix)
{
    const struct rank_matrix *m = &clause->run->matrices[matrix];
    size_t column = column_of(clause, matrix);

    for (size_t i = 0; i < m->row_count; i++)
        if (m->rows[i].words[column] == RANK_TIE)
            return m->rows[i].cells[column];
    return NULL;
}

static bool same_winner(const struct clause *clause, size_t a, size_t b)
{
    const struct cell *first = winner_in(clause, a), *second = winner_in(clause, b);
    char one[HTML_NAME], other[HTML_NAME];

    if (!first || !second || tied_in(clause, a) || tied_in(clause, b))
        return a == b;
    return strcmp(rank_name(one, sizeof(one), first), rank_name(other, sizeof(other), second)) == 0;
}

static bool said_before(const struct clause *clause, size_t matrix)
{
    for (size_t i = 0; i < matrix; i++)
        if (winner_in(clause, i) && same_winner(clause, i, matrix))
            return true;
    return false;
}

static void say_tie(FILE *out, const struct clause *clause, size_t matrix)
{
    char rate[FORMAT_SIZE], one[HTML_NAME], other[HTML_NAME];
    const struct rank_matrix *m = &clause->run->matrices[matrix];
    const struct cell *first = winner_in(clause, matrix);

    fputs("<b>", out);
    html_text(out, m->workload);
    fputs("</b>", out);
    html_printf(out, " is a tie of %s and %s (%s %s", rank_name(one, sizeof(one), first),
                rank_name(other, sizeof(other), tied_in(clause, matrix)), format_rate(rate, first->value),
                m->unit ? m->unit : "");
    if (first->chunk != clause->chunk)
        html_printf(out, ", at chunk %s", format_chunk(rate, first->chunk));
    fputc(')', out);
}

static bool is_certain(const struct clause *clause, size_t matrix)
{
    const struct rank_matrix *m = &clause->run->matrices[matrix];

    for (size_t i = 0; i < m->row_count; i++)
        if (m->rows[i].words[column_of(clause, matrix)] == RANK_BEST)
            return true;
    return false;
}

/* All that the winner of `matrix` wins, in one clause. */
static void say_winner(FILE *out, const struct clause *clause, size_t matrix)
{
    const struct html_run *run = clause->run;
    size_t wins = 0, total = 0;
    char name[HTML_NAME];

    for (size_t i = matrix; i < run->matrix_count; i++)
        total += same_winner(clause, matrix, i);
    fputs("<b>", out);
    html_text(out, rank_name(name, sizeof(name), winner_in(clause, matrix)));
    fputs(is_certain(clause, matrix) ? "</b> wins " : "</b> is fastest in ", out);
    for (size_t i = matrix; i < run->matrix_count; i++) {
        const struct rank_matrix *m = &run->matrices[i];

        if (!same_winner(clause, matrix, i))
            continue;
        fputs(wins == 0 ? "" : wins + 1 == total ? " and " : ", ", out);
        wins++;
        say_win(out, m, winner_in(clause, i), rival(m, column_of(clause, i), winner_in(clause, i)), clause->chunk);
    }
}

/* One sentence of all workloads; nothing when none has a winner. */
static void say_clause(FILE *out, struct clause *clause)
{
    size_t said = 0;

    for (size_t i = 0; i < clause->run->matrix_count; i++) {
        const struct rank_matrix *m = &clause->run->matrices[i];
        char chunk[FORMAT_SIZE];

        if (!winner_in(clause, i) || said_before(clause, i))
            continue;
        if (said == 0) {
            clause->chunk = m->chunks[column_of(clause, i)];
            fputs("<p>", out);
            html_printf(out, "With %u worker%s and chunk %s, ", m->workers, m->workers == 1 ? "" : "s",
                        format_chunk(chunk, clause->chunk));
        }
        fputs(said++ ? "; " : "", out);
        if (tied_in(clause, i))
            say_tie(out, clause, i);
        else
            say_winner(out, clause, i);
    }
    if (said)
        fputs(".</p>\n", out);
}

void html_say_wins(FILE *out, const struct html_run *run)
{
    say_clause(out, &(struct clause){.run = run, .lead = true});
    say_clause(out, &(struct clause){.run = run, .lead = false});
}

static size_t count_status(const struct results *r, enum cell_status status)
{
    size_t count = 0;

    for (size_t i = 0; i < r->cell_count; i++)
        count += r->cells[i].status == status;
    return count;
}

static size_t count_oversubscribed(const struct results *r)
{
    size_t count = 0;

    for (size_t i = 0; i < r->cell_count; i++)
        count += r->cells[i].oversubscribed;
    return count;
}

void html_say_beware(FILE *out, const struct html_run *run)
{
    const struct results *r = run->results;
    char idle[HTML_SENTENCE];
    double noise = rank_noise(r);
    size_t trials;

    fputs("<p class=\"beware\"><b>Beware:</b> ", out);
    if (count_status(r, CELL_FAILED) > 0)
        html_printf(out, "%zu cell%s failed and ha%s no number; Proofs below says what happened.",
                    count_status(r, CELL_FAILED), count_status(r, CELL_FAILED) == 1 ? "" : "s",
                    count_status(r, CELL_FAILED) == 1 ? "s" : "ve");
    else if (r->interrupted)
        html_printf(out, "the run was ended early, after %u of %u blocks; intervals are wide or absent.",
                    r->blocks_complete, r->blocks_planned);
    else if (count_oversubscribed(r) > 0)
        html_printf(out, "%zu cell%s ran more workers than there are places: there the scheduler is measured as well.",
                    count_oversubscribed(r), count_oversubscribed(r) == 1 ? "" : "s");
    else if (noise_spoiled(r, &trials) > trials / 10)
        html_printf(out, "%s.", noise_spoiled_sentence(idle, sizeof(idle), r));
    else if (*noise_load_sentence(idle, sizeof(idle), r))
        html_printf(out, "%s.", idle);
    else if (noise > NOISY)
        html_printf(out, "this machine is noisy today: %s.", noise_sentence(idle, sizeof(idle), r));
    else if (r->blocks_complete < LEAST_BLOCKS)
        html_printf(out, "fewer than %d blocks were measured, so nothing here has an interval and no rank is sure.",
                    LEAST_BLOCKS);
    else if (rank_idle_matters(r))
        html_text(out, rank_idle_sentence(idle, sizeof(idle), r));
    else if (*noise_sentence(idle, sizeof(idle), r))
        html_printf(out, "%s.", idle);
    else
        html_printf(out, "the noise of this machine is not known.");
    fputs("</p>\n", out);
}

static void write_navigation(FILE *out, const struct html_run *run)
{
    fputs("<nav>", out);
    for (size_t i = 0; i < run->matrix_count; i++) {
        if (!html_first_of_workload(run, i))
            continue;
        fprintf(out, "<a href=\"#r%zu-m%zu\">", run->index + 1, i + 1);
        html_text(out, run->matrices[i].workload);
        fputs("</a> ", out);
    }
    fprintf(out,
            "<a href=\"#r%zu-contention\">contention</a> <a href=\"#r%zu-conditions\">conditions</a> "
            "<a href=\"#r%zu-proofs\">proofs</a> <a href=\"#r%zu-cells\">every cell</a></nav>\n",
            run->index + 1, run->index + 1, run->index + 1, run->index + 1);
}

void html_headline(FILE *out, const struct html_run *run)
{
    const struct results *r = run->results;
    char machine[TABLE_LINE];

    fprintf(out, "<header class=\"headline\">\n<h%d id=\"r%zu\">", run->of > 1 ? 2 : 1, run->index + 1);
    html_printf(out, "What sharing costs on %s", table_machine(machine, sizeof(machine), &r->host));
    fprintf(out, "</h%d>\n<p class=\"meta\">", run->of > 1 ? 2 : 1);
    html_printf(out, "measured %s · muster %s · idle CPUs: %s", r->created ? r->created : "at an unknown time",
                r->version ? r->version : "", rank_idle(r));
    if (r->blocks_complete)
        html_printf(out, " · %u block%s", r->blocks_complete, r->blocks_complete == 1 ? "" : "s");
    fputs("</p>\n", out);
    html_say_wins(out, run);
    html_say_beware(out, run);
    fputs("</header>\n", out);
    write_navigation(out, run);
}
