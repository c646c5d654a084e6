/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * table_parts.c - the pieces of which the terminal's tables are put together: the machine in a line, the heading of a
 * matrix, a rate with its interval, the notes below. */
#include "reports/table_parts.h"

#include "reports/format.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

static void append_count(char *text, size_t size, unsigned count, const char *what)
{
    if (count)
        append(text, size, ", %u %s%s", count, what, count == 1 ? "" : "s");
}

/* "6.18" of "6.18.5-cloud-amd64", of "Linux 6.18.5" too. */
static void append_kernel(char *text, size_t size, const char *kernel)
{
    size_t digits = strcspn(kernel, "0123456789");
    unsigned major, minor;
    if (sscanf(kernel + digits, "%u.%u", &major, &minor) == 2)
        append(text, size, ", Linux %u.%u", major, minor);
    else
        append(text, size, ", %s", kernel);
}

char *table_machine(char *text, size_t size, const struct host *host)
{
    snprintf(text, size, "%s", host->cpu ? host->cpu : "unknown processor");
    append_count(text, size, host->cores, "core");
    if (host->pus != host->cores)
        append_count(text, size, host->pus, "processing unit");
    append_count(text, size, host->packages, "package");
    if (host->hypervisor && *host->hypervisor && strcmp(host->hypervisor, "none") != 0)
        append(text, size, ", %s guest", host->hypervisor);
    if (host->kernel)
        append_kernel(text, size, host->kernel);
    return text;
}

/* "items/s" counts items. */
static const char *noun(char text[FORMAT_SIZE], const char *unit)
{
    snprintf(text, FORMAT_SIZE, "%.40s", unit ? unit : "operations");
    char *slash = strchr(text, '/');
    if (slash)
        *slash = '\0';
    return text;
}

/* One cell of the most workers tells where they ran; the control's may have fewer. */
static const struct cell *full_cell(const struct rank_matrix *matrix)
{
    for (size_t i = 0; i < matrix->row_count; i++)
        for (size_t column = 0; column < matrix->chunk_count; column++) {
            const struct cell *cell = matrix->rows[i].cells[column];
            if (cell && cell->workers == matrix->workers && (cell->pus || cell->status == CELL_OK))
                return cell;
        }
    return NULL;
}

static int compare_numbers(const void *left, const void *right)
{
    unsigned a = *(const unsigned *)left, b = *(const unsigned *)right;
    return (a > b) - (a < b);
}

/* The processing units of a cell, each once and in order: several workers may share one. */
static char *places(char text[FORMAT_SIZE], const struct cell *cell, size_t *count)
{
    unsigned *pus = malloc(cell->workers * sizeof *pus);
    *count = 0;
    text[0] = '\0';
    if (!pus)
        return text;
    memcpy(pus, cell->pus, cell->workers * sizeof *pus);
    qsort(pus, cell->workers, sizeof *pus, compare_numbers);
    for (unsigned i = 0; i < cell->workers; i++)
        if (*count == 0 || pus[i] != pus[*count - 1])
            pus[(*count)++] = pus[i];
    format_set(text, FORMAT_SIZE, pus, *count);
    free(pus);
    return text;
}

/* That of a run is one for all its cells. */
static const char *manager_of(const struct results *r)
{
    for (size_t i = 0; i < r->cell_count; i++)
        if (r->cells[i].manager)
            return r->cells[i].manager;
    return NULL;
}

static void append_workers(char *text, size_t size, const struct rank_matrix *matrix)
{
    char pus[FORMAT_SIZE];
    const struct cell *cell = full_cell(matrix);
    const struct host *host = &matrix->results->host;
    const char *place = host->cores && host->cores == host->pus ? "core" : "CPU";
    size_t count;
    append(text, size, " · %u worker%s", matrix->workers, matrix->workers == 1 ? "" : "s");
    if (!cell)
        return;
    if (!cell->pus)
        append(text, size, ", not bound");
    else if (*places(pus, cell, &count))
        append(text, size, " on %s%s %s", place, count == 1 ? "" : "s", pus);
    if (cell->oversubscribed)
        append(text, size, ", oversubscribed");
    if (manager_of(matrix->results))
        append(text, size, " · manager at %s", manager_of(matrix->results));
}

/* What is usual is not said: 8 bytes and no work, but for workloads that hand out items. */
void table_append_parameters(char *text, size_t size, const struct cell *cell)
{
    char bytes[FORMAT_SIZE], what[FORMAT_SIZE], work[FORMAT_SIZE];
    bool sized = cell->payload_bytes && (cell->items || cell->payload_bytes != 8);
    if (sized)
        append(text, size, " · %s %s", format_bytes(bytes, cell->payload_bytes),
               rank_in_turn(cell) ? "items" : noun(what, cell->unit));
    if (cell->item_cost_ns > 0)
        append(text, size, "%s%s of work each", sized ? ", " : " · ", format_ns(work, cell->item_cost_ns));
    else if (sized && cell->items)
        append(text, size, ", no work");
}

/* A cell that tells the matrix's parameters: one with items, if there is one. */
static const struct cell *telling_cell(const struct rank_matrix *matrix)
{
    for (size_t i = 0; i < matrix->row_count; i++)
        for (size_t column = 0; column < matrix->chunk_count; column++)
            if (matrix->rows[i].cells[column] && matrix->rows[i].cells[column]->items)
                return matrix->rows[i].cells[column];
    return matrix->row_count ? matrix->rows[0].any : NULL;
}

char *table_heading(char *text, size_t size, const struct rank_matrix *matrix, bool with_workers)
{
    bool acknowledged = false, several = false;
    for (size_t i = 0; i < matrix->row_count; i++)
        acknowledged |= matrix->rows[i].any->visible && *matrix->rows[i].any->visible && !matrix->rows[i].control;
    for (size_t i = 0; i < matrix->results->cell_count; i++) {
        const struct cell *cell = &matrix->results->cells[i];
        several |= strcmp(cell->workload, matrix->workload) == 0 && cell->placement && matrix->placement &&
                   strcmp(cell->placement, matrix->placement) != 0;
    }
    snprintf(text, size, "%s · %s%s", matrix->workload, matrix->unit ? matrix->unit : "operations/s",
             acknowledged ? ", each acknowledged" : "");
    if (telling_cell(matrix))
        table_append_parameters(text, size, telling_cell(matrix));
    if (several)
        append(text, size, " · placement %s", matrix->placement);
    if (with_workers)
        append_workers(text, size, matrix);
    return text;
}

void table_put_rate(struct grid *grid, size_t column, const struct cell *cell)
{
    char rate[FORMAT_SIZE], around[FORMAT_SIZE];
    if (!cell || cell->status == CELL_PENDING)
        return;
    if (cell->status == CELL_NA) {
        grid_put(grid, column, GRID_FAINT, "n/a");
    } else if (cell->status == CELL_FAILED) {
        grid_put(grid, column, GRID_BAD, "failed");
    } else {
        format_rate(rate, cell->value);
        format_around(around, cell->value, cell->ci_low, cell->ci_high);
        grid_put(grid, column, GRID_PLAIN, "%s%s\t%s%s%s", rate, strchr(rate, ' ') ? "" : "  ", *around ? " " : "",
                 around, table_mark(cell));
    }
}

int table_note(FILE *out, const struct report_style *style, const char *text)
{
    size_t length = strlen(text) + TABLE_INDENT + 1;
    char *indented = malloc(length);
    if (!indented) {
        errno = ENOMEM;
        return -1;
    }
    snprintf(indented, length, "%*s%s", TABLE_INDENT, "", text);
    format_wrap(out, indented, style->columns, 2 * TABLE_INDENT);
    free(indented);
    return 0;
}

static int note_failed(FILE *out, const struct rank_matrix *matrix, const struct cell *cell,
                       const struct report_style *style)
{
    char name[TABLE_NAME], chunk[FORMAT_SIZE], text[TABLE_LINE];
    bool other = cell->idle && strcmp(cell->idle, rank_idle(matrix->results)) != 0;
    snprintf(text, sizeof text, "failed: %s, chunk %s, %u worker%s%s%s: %s", rank_name(name, sizeof name, cell),
             format_chunk(chunk, cell->chunk), cell->workers, cell->workers == 1 ? "" : "s", other ? ", --idle " : "",
             other ? cell->idle : "", cell->reason ? cell->reason : "no reason was recorded");
    return table_note(out, style, text);
}

/* True when a cell before this one of the row gives the same reason. */
static bool is_repeated(const struct rank_row *row, size_t column)
{
    for (size_t i = 0; i < column; i++)
        if (row->cells[i] && row->cells[i]->status == CELL_NA && row->cells[i]->reason && row->cells[column]->reason &&
            strcmp(row->cells[i]->reason, row->cells[column]->reason) == 0)
            return true;
    return false;
}

static int note_row(FILE *out, const struct rank_matrix *matrix, const struct rank_row *row,
                    const struct report_style *style)
{
    char name[TABLE_NAME], text[TABLE_LINE];
    for (size_t column = 0; column < matrix->chunk_count; column++) {
        const struct cell *cell = row->cells[column];
        if (!cell || cell->status != CELL_NA || is_repeated(row, column))
            continue;
        snprintf(text, sizeof text, "n/a: %s: %s", rank_name(name, sizeof name, cell), cell->reason);
        if (table_note(out, style, text) != 0)
            return -1;
    }
    const struct cell *cell = row->cells[matrix->lead];
    char lost[TABLE_LINE / 2];
    if (!cell || !*rank_lost_sentence(lost, sizeof lost, cell))
        return 0;
    snprintf(text, sizeof text, "%s: %s; such a variant is never ranked.", rank_name(name, sizeof name, cell), lost);
    return table_note(out, style, text);
}

int table_notes(FILE *out, const struct rank_matrix *matrix, const struct report_style *style)
{
    for (size_t i = 0; i < matrix->row_count; i++)
        if (note_row(out, matrix, &matrix->rows[i], style) != 0)
            return -1;
    for (size_t i = 0; i < matrix->results->cell_count; i++) {
        const struct cell *cell = &matrix->results->cells[i];
        if (cell->status == CELL_FAILED && rank_same_matrix(matrix, cell) && note_failed(out, matrix, cell, style) != 0)
            return -1;
    }
    return 0;
}
