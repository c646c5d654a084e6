/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rank_words.c - what a matrix, and a second idle mode, amount to in a sentence or three.
 *
 * A sentence claims no more than the marks in the matrix do: ties are called ties, and of too few blocks nothing is
 * called a win. */
#include "reports/rank.h"

#include "reports/format.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 80 };

/* Below this, two idle modes are said not to differ: blocks of different modes are not paired. */
static const double IDLE_MATTERS = 1.1;

__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

static bool is_first(const struct rank_row *row, size_t column)
{
    return row->words[column] == RANK_BEST || row->words[column] == RANK_FASTEST;
}

static const struct rank_row *first_of(const struct rank_matrix *matrix, size_t column)
{
    for (size_t i = 0; i < matrix->row_count; i++)
        if (is_first(&matrix->rows[i], column))
            return &matrix->rows[i];
    return NULL;
}

/* The fastest ranked row that is neither the first nor tied with it. */
static const struct rank_row *next_of(const struct rank_matrix *matrix, size_t column)
{
    const struct rank_row *next = NULL;
    for (size_t i = 0; i < matrix->row_count; i++) {
        const struct rank_row *row = &matrix->rows[i];
        if (!row->ranked || row->words[column] != RANK_NONE || !row->cells[column] ||
            row->cells[column]->status != CELL_OK)
            continue;
        if (!next || row->cells[column]->value > next->cells[column]->value)
            next = row;
    }
    return next;
}

static size_t append_ties(char *text, size_t size, const struct rank_matrix *matrix, size_t column)
{
    char name[NAME_SIZE];
    size_t count = 0;
    for (size_t i = 0; i < matrix->row_count; i++)
        if (matrix->rows[i].words[column] == RANK_TIE) {
            append(text, size, " and %s", rank_name(name, sizeof name, matrix->rows[i].any));
            count++;
        }
    return count;
}

static const char *chunk_words(char text[FORMAT_SIZE], uint64_t chunk)
{
    char number[FORMAT_SIZE];
    snprintf(text, FORMAT_SIZE, "chunk %.40s", format_chunk(number, chunk));
    return text;
}

/* "at chunk 1 shared-memory is fastest with 287 M items/s, 137× prefork-pipe, the next." */
static void append_column(char *text, size_t size, const struct rank_matrix *matrix, size_t column)
{
    char name[NAME_SIZE], chunk[FORMAT_SIZE], rate[FORMAT_SIZE], ratio[FORMAT_SIZE];
    const struct rank_row *first = first_of(matrix, column), *next = next_of(matrix, column);
    double value = first->cells[column]->value;
    append(text, size, "at %s %s", chunk_words(chunk, matrix->chunks[column]),
           rank_name(name, sizeof name, first->any));
    if (append_ties(text, size, matrix, column))
        append(text, size, " cannot be told apart, %s %s", format_rate(rate, value), matrix->unit);
    else
        append(text, size, " is fastest with %s %s", format_rate(rate, value), matrix->unit);
    if (next)
        append(text, size, ", %s %s, the next", format_ratio(ratio, value / next->cells[column]->value),
               rank_name(name, sizeof name, next->any));
    append(text, size, first->words[column] == RANK_FASTEST ? ", by too few blocks to be sure." : ".");
}

const struct cell *rank_control(const struct rank_matrix *matrix)
{
    const struct cell *best = NULL;
    for (size_t i = 0; i < matrix->row_count; i++)
        for (size_t column = 0; matrix->rows[i].control && column < matrix->chunk_count; column++) {
            const struct cell *cell = matrix->rows[i].cells[column];
            if (!cell || cell->status != CELL_OK || !(cell->value > 0))
                continue;
            if (column == matrix->lead)
                return cell;
            if (!best || cell->value > best->value)
                best = cell;
        }
    return best;
}

static void append_control(char *text, size_t size, const struct rank_matrix *matrix)
{
    char name[NAME_SIZE], rate[FORMAT_SIZE], chunk[FORMAT_SIZE];
    const struct cell *control = rank_control(matrix);
    if (!control)
        return;
    append(text, size, " One process that shares nothing (%s) does %s %s", rank_name(name, sizeof name, control),
           format_rate(rate, control->value), matrix->unit);
    if (matrix->chunk_count > 1)
        append(text, size, " at %s", chunk_words(chunk, control->chunk));
    append(text, size, ".");
}

char *rank_sentence(char *text, size_t size, const struct rank_matrix *matrix)
{
    text[0] = '\0';
    const struct rank_row *lead = matrix->chunk_count ? first_of(matrix, matrix->lead) : NULL;
    if (!lead)
        return text;
    append(text, size, "%s: ", matrix->workload);
    append_column(text, size, matrix, matrix->lead);
    for (size_t column = 0; column < matrix->chunk_count; column++) {
        const struct rank_row *first = first_of(matrix, column);
        if (!first || first == lead)
            continue;
        append(text, size, " But ");
        append_column(text, size, matrix, column);
    }
    append_control(text, size, matrix);
    return text;
}

/* What a run says of a second idle mode. */
struct modes {
    const char *other;             /* the second mode; NULL: nothing was measured in two */
    bool judged;                   /* some pair has intervals */
    const struct cell *own, *twin; /* the pair that differs most, of those that differ beyond their noise; or NULL */
    double factor;                 /* between them, above 1, whichever way; 0 */
};

static bool shows_a_value(const struct cell *cell)
{
    return cell && cell->status == CELL_OK && cell->value > 0;
}

/* Without an interval nobody can say. */
static bool apart(const struct cell *a, const struct cell *b)
{
    return a->ci_low > b->ci_high || b->ci_low > a->ci_high;
}

static struct modes compare_modes(const struct results *results)
{
    struct modes modes = {.other = NULL};
    for (size_t i = 0; i < results->cell_count; i++) {
        const struct cell *cell = &results->cells[i];
        if (!shows_a_value(cell) || !cell->idle || strcmp(cell->idle, rank_idle(results)) != 0)
            continue;
        const struct cell *twin = rank_other_idle(results, cell);
        if (!shows_a_value(twin))
            continue;
        double factor = fmax(cell->value, twin->value) / fmin(cell->value, twin->value);
        modes.other = modes.other ? modes.other : twin->idle;
        modes.judged |= isfinite(cell->ci_low) && isfinite(twin->ci_low);
        if (!apart(cell, twin) || factor <= modes.factor)
            continue;
        modes.own = cell;
        modes.twin = twin;
        modes.factor = factor;
    }
    return modes;
}

/* How people call going without a mode. */
static const char *without(const char *idle)
{
    if (strncmp(idle, "poll", 4) == 0)
        return "without polling ";
    return strncmp(idle, "spin", 4) == 0 ? "without spinning " : "otherwise ";
}

static void append_difference(char *text, size_t size, const struct modes *modes)
{
    char name[NAME_SIZE], before[FORMAT_SIZE], after[FORMAT_SIZE], chunk[FORMAT_SIZE];
    const struct cell *own = modes->own;
    if (modes->factor < IDLE_MATTERS) {
        append(text, size, "no difference of more than 10 %% can be seen.");
        return;
    }
    append(text, size, "%s does %s instead of %s %s in %s, %s.", rank_name(name, sizeof name, own),
           format_rate(after, modes->twin->value), format_rate(before, own->value), own->unit, own->workload,
           chunk_words(chunk, own->chunk));
}

bool rank_idle_matters(const struct results *results)
{
    struct modes modes = compare_modes(results);
    return modes.judged && modes.factor >= IDLE_MATTERS;
}

char *rank_idle_sentence(char *text, size_t size, const struct results *results)
{
    struct modes modes = compare_modes(results);
    const char *idle = modes.twin ? modes.twin->idle : modes.other ? modes.other : rank_idle(results);
    char cost[FORMAT_SIZE];
    double wake = rank_wake_ns(results, idle);
    text[0] = '\0';
    if (!modes.judged) {
        if (isfinite(wake))
            append(text, size,
                   "Around the trials, waking an idle CPU cost %s (--idle %s): what sleeps while it waits pays that "
                   "each time.",
                   format_ns(cost, wake), idle);
        return text;
    }
    if (isfinite(wake))
        append(text, size, "Waking an idle CPU costs %s here; ", format_ns(cost, wake));
    append(text, size, "%s(--idle %s) ", without(rank_idle(results)), idle);
    append_difference(text, size, &modes);
    text[0] = (char)toupper((unsigned char)text[0]);
    return text;
}

/* One when all workers run on the same unit, none when they are not bound. */
static size_t units_of(const struct cell *cell)
{
    size_t count = 0;
    for (unsigned i = 0; cell->pus && i < cell->workers; i++) {
        bool seen = false;
        for (unsigned k = 0; k < i; k++)
            seen |= cell->pus[k] == cell->pus[i];
        count += !seen;
    }
    return count;
}

static const char *why_lost(size_t units)
{
    if (units > 1)
        return "an update here is a load and then a store, and workers on different CPUs load the same value between "
               "the two, so that one's store wipes out the other's";
    if (units == 1)
        return "an update here is a load and then a store; on one CPU it goes wrong only where a worker is put aside "
               "between the two, and then its store wipes out all that was done meanwhile";
    return "an update here is a load and then a store, and what others store between the two is wiped out";
}

char *rank_lost_sentence(char *text, size_t size, const struct cell *cell)
{
    char lost[FORMAT_SIZE], made[FORMAT_SIZE];
    double part = cell->status == CELL_OK && !cell->verified ? rank_lost(cell) : NAN, count = 0;
    text[0] = '\0';
    if (!(part > 0))
        return text;
    for (size_t i = 0; i < cell->trial_count; i++)
        count += (double)cell->trials[i].lost;
    snprintf(text, size, "%.3g %% of its operations were lost, %s of %s: %s", 100 * part, format_rate(lost, count),
             format_rate(made, count / part), why_lost(units_of(cell)));
    return text;
}
