/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rank_matrix.c - sorts the cells of a run into matrices and ranks their rows.
 *
 * First the matrices are found, in the order of the file; then for each the most workers, the chunks, the rows; then
 * the rows are sorted, and each column's best and its ties are marked. */
#include "reports/rank.h"

#include "reports/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The visibility within which strategies compete; "" is that of workloads whose writes nobody else sees. */
static const char RANKED_VISIBILITY[] = "once acknowledged";

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

bool rank_same_matrix(const struct rank_matrix *matrix, const struct cell *cell)
{
    return same_text(matrix->workload, cell->workload) && same_text(matrix->placement, cell->placement) &&
           matrix->payload_bytes == cell->payload_bytes && matrix->item_cost_ns == cell->item_cost_ns &&
           rank_role(matrix->results, cell->strategy) != ROLE_YARDSTICK;
}

static bool belongs(const struct rank_matrix *matrix, const struct cell *cell)
{
    if (!rank_same_matrix(matrix, cell) || !same_text(cell->idle, rank_idle(matrix->results)) ||
        cell->status == CELL_PENDING)
        return false;
    return cell->workers == matrix->workers || rank_role(matrix->results, cell->strategy) == ROLE_CONTROL;
}

/* The control runs with one worker; it sets the most workers only where nothing else was measured. */
static void find_workers(struct rank_matrix *matrix)
{
    unsigned control = 0;
    for (size_t i = 0; i < matrix->results->cell_count; i++) {
        const struct cell *cell = &matrix->results->cells[i];
        if (!rank_same_matrix(matrix, cell) || !same_text(cell->idle, rank_idle(matrix->results)) ||
            cell->status == CELL_PENDING)
            continue;
        unsigned *most = rank_role(matrix->results, cell->strategy) == ROLE_CONTROL ? &control : &matrix->workers;
        if (cell->workers > *most)
            *most = cell->workers;
    }
    if (!matrix->workers)
        matrix->workers = control;
}

static int compare_chunks(uint64_t a, uint64_t b)
{
    if (a == b)
        return 0;
    if (!a || !b)
        return a ? -1 : 1;
    return a < b ? -1 : 1;
}

/* Keeps the smallest chunks and auto: when all columns are taken, the largest number gives way. */
static void add_chunk(struct rank_matrix *matrix, uint64_t chunk)
{
    size_t at = 0;
    while (at < matrix->chunk_count && compare_chunks(matrix->chunks[at], chunk) < 0)
        at++;
    if (at < matrix->chunk_count && matrix->chunks[at] == chunk)
        return;
    if (matrix->chunk_count == RANK_CHUNKS) {
        matrix->chunks_left_out++;
        size_t victim = RANK_CHUNKS - 1 - (matrix->chunks[RANK_CHUNKS - 1] == 0);
        if (chunk && at > victim)
            return;
        memmove(&matrix->chunks[victim], &matrix->chunks[victim + 1],
                (RANK_CHUNKS - 1 - victim) * sizeof *matrix->chunks);
        matrix->chunk_count--;
        at -= at > victim;
    }
    memmove(&matrix->chunks[at + 1], &matrix->chunks[at], (matrix->chunk_count - at) * sizeof *matrix->chunks);
    matrix->chunks[at] = chunk;
    matrix->chunk_count++;
}

static size_t column_of(const struct rank_matrix *matrix, uint64_t chunk)
{
    size_t column = 0;
    while (column < matrix->chunk_count && matrix->chunks[column] != chunk)
        column++;
    return column;
}

static struct rank_row *row_of(struct rank_matrix *matrix, const struct cell *cell)
{
    for (size_t i = 0; i < matrix->row_count; i++) {
        const struct cell *any = matrix->rows[i].any;
        if (same_text(any->strategy, cell->strategy) && same_text(any->variant, cell->variant))
            return &matrix->rows[i];
    }
    struct rank_row *row = &matrix->rows[matrix->row_count++];
    *row = (struct rank_row){.any = cell, .gain = NAN};
    row->control = rank_role(matrix->results, cell->strategy) == ROLE_CONTROL;
    row->ranked = !row->control && cell->ranked &&
                  (!cell->visible || !*cell->visible || same_text(cell->visible, RANKED_VISIBILITY));
    return row;
}

static bool has_value(const struct rank_row *row, size_t column)
{
    const struct cell *cell = row->cells[column];
    return cell && cell->status == CELL_OK && isfinite(cell->value);
}

static int fill(struct rank_matrix *matrix)
{
    const struct results *results = matrix->results;
    size_t most = 0;
    for (size_t i = 0; i < results->cell_count; i++)
        if (belongs(matrix, &results->cells[i])) {
            add_chunk(matrix, results->cells[i].chunk);
            most++;
        }
    matrix->rows = calloc(most + 1, sizeof *matrix->rows);
    if (!matrix->rows)
        return -1;
    for (size_t i = 0; i < results->cell_count; i++) {
        const struct cell *cell = &results->cells[i];
        size_t column = belongs(matrix, cell) ? column_of(matrix, cell->chunk) : RANK_CHUNKS;
        if (column < matrix->chunk_count)
            row_of(matrix, cell)->cells[column] = cell;
    }
    return 0;
}

static void find_lead(struct rank_matrix *matrix)
{
    size_t most = 0;
    for (size_t column = 0; column < matrix->chunk_count; column++) {
        size_t count = 0;
        for (size_t i = 0; i < matrix->row_count; i++)
            count += !matrix->rows[i].control && has_value(&matrix->rows[i], column);
        if (count > most) {
            most = count;
            matrix->lead = column;
        }
    }
}

/* Groups in this order: what is ranked, other visibilities by name, controls. Unranked rows stay in their group. */
static int group_of(const struct rank_row *row)
{
    const char *visible = row->any->visible;
    if (row->control)
        return 2;
    return visible && *visible && !same_text(visible, RANKED_VISIBILITY);
}

static int compare_rows(const void *left, const void *right, void *context)
{
    const struct rank_row *a = left, *b = right;
    const struct rank_matrix *matrix = context;
    int order = group_of(a) - group_of(b);
    if (!order)
        order = strcmp(a->any->visible ? a->any->visible : "", b->any->visible ? b->any->visible : "");
    if (!order)
        order = (int)b->ranked - (int)a->ranked;
    bool a_has = has_value(a, matrix->lead), b_has = has_value(b, matrix->lead);
    if (!order)
        order = (int)b_has - (int)a_has;
    if (!order && a_has) {
        double x = a->cells[matrix->lead]->value, y = b->cells[matrix->lead]->value;
        order = (x < y) - (x > y);
    }
    return order ? order : strcmp(a->any->id, b->any->id);
}

static void rank_column(struct rank_matrix *matrix, size_t column)
{
    struct rank_row *best = NULL;
    size_t contenders = 0;
    for (size_t i = 0; i < matrix->row_count; i++) {
        struct rank_row *row = &matrix->rows[i];
        if (!row->ranked || !has_value(row, column))
            continue;
        contenders++;
        if (!best || row->cells[column]->value > best->cells[column]->value)
            best = row;
    }
    if (contenders < 2)
        return;
    best->words[column] = RANK_BEST;
    for (size_t i = 0; i < matrix->row_count; i++) {
        struct rank_row *row = &matrix->rows[i];
        if (row == best || !row->ranked || !has_value(row, column))
            continue;
        switch (rank_compare(row->cells[column], best->cells[column])) {
        case PAIRED_UNKNOWN:
            best->words[column] = RANK_FASTEST;
            break;
        case PAIRED_LOWER:
            break;
        default:
            row->words[column] = RANK_TIE;
        }
    }
}

static void rank_rows(struct rank_matrix *matrix)
{
    for (size_t column = 0; column < matrix->chunk_count; column++)
        rank_column(matrix, column);
    for (size_t i = 0; i < matrix->row_count; i++) {
        struct rank_row *row = &matrix->rows[i], *above = i ? row - 1 : NULL;
        if (!has_value(row, matrix->lead))
            continue;
        const struct cell *cell = row->cells[matrix->lead];
        if (!row->control && matrix->workers > 1)
            row->gain = rank_gain(matrix->results, cell);
        if (row->ranked && above && above->ranked && has_value(above, matrix->lead))
            row->ties_above = rank_compare(cell, above->cells[matrix->lead]) == PAIRED_TIE;
    }
}

/* True when an earlier matrix, or none, holds the cell: it then opens no new one. */
static bool is_known(const struct rank_matrix *matrices, size_t count, const struct cell *cell)
{
    for (size_t i = 0; i < count; i++)
        if (rank_same_matrix(&matrices[i], cell))
            return true;
    return false;
}

int rank_build(const struct results *results, struct rank_matrix **matrices, size_t *count)
{
    *count = 0;
    *matrices = calloc(results->cell_count + 1, sizeof **matrices);
    if (!*matrices)
        return -1;
    for (size_t i = 0; i < results->cell_count; i++) {
        const struct cell *cell = &results->cells[i];
        if (cell->status == CELL_PENDING || !same_text(cell->idle, rank_idle(results)) ||
            rank_role(results, cell->strategy) == ROLE_YARDSTICK || is_known(*matrices, *count, cell))
            continue;
        struct rank_matrix *matrix = &(*matrices)[(*count)++];
        *matrix = (struct rank_matrix){.results = results,
                                       .workload = cell->workload,
                                       .unit = cell->unit,
                                       .placement = cell->placement,
                                       .payload_bytes = cell->payload_bytes,
                                       .item_cost_ns = cell->item_cost_ns};
        find_workers(matrix);
        if (fill(matrix) != 0) {
            rank_free(*matrices, *count);
            return -1;
        }
        find_lead(matrix);
        qsort_r(matrix->rows, matrix->row_count, sizeof *matrix->rows, compare_rows, matrix);
        rank_rows(matrix);
    }
    return 0;
}

void rank_free(struct rank_matrix *matrices, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(matrices[i].rows);
    free(matrices);
}
