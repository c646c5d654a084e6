/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * side.c - matches cells of several files by id and writes them beside each other, a part per workload. */
#include "reports/side.h"

#include "reports/format.h"
#include "reports/table_parts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE_NAME, SIDE_WORKERS, SIDE_CHUNK, SIDE_FIRST, SIDE_FIXED };

/* Columns of the terminal: the name, workers and chunk and the first machine; each further machine with its ratio. */
enum { NARROW_FIXED = 46, NARROW_MORE = 18, SIDE_MOST = 8 };

static const char ALIGN[] = "lrrrrrrrrrrrrrrrrrrr";
_Static_assert(sizeof ALIGN > SIDE_FIXED + 2 * SIDE_MOST, "ALIGN has a letter per column");

/* One table: the first file and some of the others. */
struct side {
    const struct results *const *results;
    size_t count;
    size_t from, to; /* of the others */
    const struct report_style *style;
};

static const struct cell *find(const struct results *results, const char *id)
{
    for (size_t i = 0; i < results->cell_count; i++)
        if (results->cells[i].status != CELL_PENDING && strcmp(results->cells[i].id, id) == 0)
            return &results->cells[i];
    return NULL;
}

static char letter(size_t i)
{
    return (char)(i < 26 ? 'A' + (int)i : '?');
}

static void put_ratio(struct grid *grid, size_t column, const struct cell *base, const struct cell *cell)
{
    char ratio[FORMAT_SIZE];
    if (!base || !cell || base->status != CELL_OK || cell->status != CELL_OK || !(base->value > 0) ||
        strcmp(base->idle, cell->idle) != 0)
        return;
    grid_put(grid, column, GRID_PLAIN, "%s", format_ratio(ratio, cell->value / base->value));
}

static void put_cell(struct grid *grid, const struct side *side, const struct results *results, const struct cell *cell)
{
    char name[TABLE_NAME], chunk[FORMAT_SIZE];
    const struct cell *base = find(side->results[0], cell->id);
    bool other = strcmp(cell->idle, rank_idle(results)) != 0;
    grid_row(grid);
    rank_name(name, sizeof name, cell);
    grid_put(grid, SIDE_NAME, GRID_PLAIN, "%s%s%s%s",
             rank_role(results, cell->strategy) == ROLE_YARDSTICK ? cell->workload : name, other ? " (" : "",
             other ? cell->idle : "", other ? ")" : "");
    grid_put(grid, SIDE_WORKERS, GRID_PLAIN, "%u", cell->workers);
    grid_put(grid, SIDE_CHUNK, GRID_PLAIN, "%s", format_chunk(chunk, cell->chunk));
    table_put_rate(grid, SIDE_FIRST, base);
    for (size_t i = side->from; i < side->to; i++) {
        size_t column = SIDE_FIXED + 2 * (i - side->from);
        const struct cell *twin = find(side->results[i], cell->id);
        table_put_rate(grid, column, twin);
        put_ratio(grid, column + 1, base, twin);
    }
}

static void put_titles(struct grid *grid, const struct side *side)
{
    grid_row(grid);
    grid_put(grid, SIDE_WORKERS, GRID_FAINT, "workers");
    grid_put(grid, SIDE_CHUNK, GRID_FAINT, "chunk");
    grid_put(grid, SIDE_FIRST, GRID_FAINT, "A");
    for (size_t i = side->from; i < side->to; i++) {
        grid_put(grid, SIDE_FIXED + 2 * (i - side->from), GRID_FAINT, "%c", letter(i));
        grid_put(grid, SIDE_FIXED + 2 * (i - side->from) + 1, GRID_FAINT, "%c/A", letter(i));
    }
}

/* True when an earlier file has the cell too: it is then on the page already. */
static bool is_earlier(const struct side *side, size_t file, const char *id)
{
    for (size_t i = 0; i < file; i++)
        if (find(side->results[i], id))
            return true;
    return false;
}

/* A key per table: raw operations stand together, whatever their workload. */
static bool same_part(const struct results *results, const struct cell *a, const struct cell *b)
{
    bool raw_a = rank_role(results, a->strategy) == ROLE_YARDSTICK;
    bool raw_b = rank_role(results, b->strategy) == ROLE_YARDSTICK;
    if (raw_a || raw_b)
        return raw_a && raw_b && strcmp(a->strategy, b->strategy) == 0;
    return strcmp(a->workload, b->workload) == 0 && a->payload_bytes == b->payload_bytes &&
           a->item_cost_ns == b->item_cost_ns && strcmp(a->placement, b->placement) == 0;
}

static int put_part(struct grid *grid, const struct side *side, const struct cell *part)
{
    if (grid_open(grid, ALIGN) != 0)
        return -1;
    put_titles(grid, side);
    for (size_t file = 0; file < side->count; file++) {
        const struct results *results = side->results[file];
        for (size_t i = 0; i < results->cell_count; i++) {
            const struct cell *cell = &results->cells[i];
            if (cell->status != CELL_PENDING && same_part(results, part, cell) && !is_earlier(side, file, cell->id))
                put_cell(grid, side, results, cell);
        }
    }
    return 0;
}

static void write_heading(FILE *out, const struct side *side, const struct results *results, const struct cell *part)
{
    char line[TABLE_LINE];
    if (rank_role(results, part->strategy) == ROLE_YARDSTICK) {
        snprintf(line, sizeof line, "%s · the raw operations, per second", part->strategy);
    } else {
        snprintf(line, sizeof line, "%s · %s", part->workload, part->unit);
        table_append_parameters(line, sizeof line, part);
        size_t used = strlen(line);
        snprintf(line + used, sizeof line - used, " · placement %s", part->placement);
    }
    fputc('\n', out);
    format_wrap(out, line, side->style->columns, TABLE_INDENT);
}

/* True when an earlier cell opened the part. */
static bool is_opened(const struct side *side, size_t file, size_t index)
{
    const struct cell *cell = &side->results[file]->cells[index];
    for (size_t f = 0; f <= file; f++)
        for (size_t i = 0; i < (f == file ? index : side->results[f]->cell_count); i++)
            if (side->results[f]->cells[i].status != CELL_PENDING &&
                same_part(side->results[file], &side->results[f]->cells[i], cell))
                return true;
    return false;
}

static int write_parts(FILE *out, const struct side *side)
{
    int result = 0;
    for (size_t file = 0; file < side->count; file++)
        for (size_t i = 0; i < side->results[file]->cell_count && result == 0; i++) {
            struct grid grid;
            const struct cell *part = &side->results[file]->cells[i];
            if (part->status == CELL_PENDING || is_opened(side, file, i))
                continue;
            write_heading(out, side, side->results[file], part);
            result = put_part(&grid, side, part);
            if (result == 0)
                result = grid_write(out, &grid, TABLE_INDENT, side->style->columns, side->style->colour);
            grid_close(&grid);
        }
    return result;
}

static void write_machines(FILE *out, const struct side *side)
{
    bool mixed = false;
    for (size_t i = 0; i < side->count; i++) {
        char machine[TABLE_LINE / 2], line[TABLE_LINE];
        const struct results *r = side->results[i];
        snprintf(line, sizeof line, "%c  %s · idle: %s · muster %s, %s", letter(i),
                 table_machine(machine, sizeof machine, &r->host), rank_idle(r), r->version ? r->version : "?",
                 r->created ? r->created : "at an unknown time");
        format_wrap(out, line, side->style->columns, 3);
        mixed |= strcmp(rank_idle(r), rank_idle(side->results[0])) != 0;
    }
    if (mixed)
        format_wrap(out, "Their idle modes differ: such cells stand side by side without a ratio.",
                    side->style->columns, 0);
}

static bool is_marked(const struct side *side)
{
    for (size_t file = 0; file < side->count; file++)
        for (size_t i = 0; i < side->results[file]->cell_count; i++)
            if (*table_mark(&side->results[file]->cells[i]))
                return true;
    return false;
}

int side_write(FILE *out, const struct results *const *results, size_t count, const struct report_style *asked)
{
    struct report_style style = *asked;
    struct side side = {.results = results, .count = count, .style = &style};
    int result = 0;
    style.columns = style.columns ? style.columns : 80;
    size_t more = style.columns > NARROW_FIXED + NARROW_MORE ? (style.columns - NARROW_FIXED) / NARROW_MORE : 1;
    more = more > SIDE_MOST ? SIDE_MOST : more;
    write_machines(out, &side);
    for (size_t from = 1; (from < count || from == 1) && result == 0; from += more) {
        side.from = from < count ? from : count;
        side.to = from + more < count ? from + more : count;
        result = write_parts(out, &side);
    }
    if (result == 0 && is_marked(&side) && fputc('\n', out) != EOF)
        format_wrap(out, "* asks for care: muster report of that file alone says why.", style.columns, TABLE_INDENT);
    if (fflush(out) != 0 || ferror(out))
        result = -1;
    return result;
}
