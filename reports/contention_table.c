/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * contention_table.c - the contention report in a terminal.
 *
 * Per workload a grid and below it the causes in words. In 80 columns a row per cell at the most workers; in 140, or in
 * the long form, every cell and more figures of each. What the figures mean is said once, at the end. */
#include "reports/contention.h"

#include "reports/format.h"
#include "reports/grid.h"
#include "reports/rank.h"
#include "reports/table_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDE = 140, /* columns from which everything is shown */
    NARROW = 80,
    INDENT = 2,
};

enum column {
    COLUMN_NAME,
    COLUMN_CHUNK,
    COLUMN_WORKERS,
    COLUMN_IDLE,
    COLUMN_RATE,
    COLUMN_SPEEDUP,
    COLUMN_FAIRNESS,
    COLUMN_SHARES,
    COLUMN_ELAPSED,
    COLUMN_CPU,
    COLUMN_SERVICE_CPU,
    COLUMN_WAITED,
    COLUMN_MOVED,
    COLUMN_DELAY,
    COLUMN_LOST,
    COLUMN_LIMIT,
    COLUMN_CAUSE,
    COLUMN_COUNT,
};

static const char alignment[COLUMN_COUNT + 1] = "lrrlrrrrrrrrrrrrl";

static const struct {
    const char *above, *below;
    bool wide; /* shown only where there is room */
} headings[COLUMN_COUNT] = {
    [COLUMN_NAME] = {"", "", false},
    [COLUMN_CHUNK] = {"", "chunk", false},
    [COLUMN_WORKERS] = {"", "workers", true},
    [COLUMN_IDLE] = {"", "idle", true},
    [COLUMN_RATE] = {"", "per s", true},
    [COLUMN_SPEEDUP] = {"speed", "-up", false},
    [COLUMN_FAIRNESS] = {"", "Jain", false},
    [COLUMN_SHARES] = {"least–most", "of a share", true},
    [COLUMN_ELAPSED] = {"elapsed", "/op", true},
    [COLUMN_CPU] = {"CPU", "/op", false},
    [COLUMN_SERVICE_CPU] = {"serv.", "/op", false},
    [COLUMN_WAITED] = {"waits", "/op", false},
    [COLUMN_MOVED] = {"moved", "/op", false},
    [COLUMN_DELAY] = {"delay", "/op", false},
    [COLUMN_LOST] = {"lost", "%", false},
    [COLUMN_LIMIT] = {"lim.", "%", false},
    [COLUMN_CAUSE] = {"", "cause", true},
};

static char *format_count(char text[FORMAT_SIZE], double value)
{
    text[0] = '\0';
    if (!isfinite(value))
        return text;
    if (value > 0 && value < 0.005)
        snprintf(text, FORMAT_SIZE, "<.01");
    else
        snprintf(text, FORMAT_SIZE, value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f", value);
    return text;
}

static char *format_percent(char text[FORMAT_SIZE], double part)
{
    text[0] = '\0';
    if (isfinite(part))
        snprintf(text, FORMAT_SIZE, "%.0f", part * 100 + 0.0);
    return text;
}

/* A cost without the blank before its unit: eleven columns have to fit. */
static char *format_cost(char text[FORMAT_SIZE], double ns)
{
    char *blank = strchr(contention_format_ns(text, ns), ' ');

    if (blank)
        memmove(blank, blank + 1, strlen(blank));
    return text;
}

static void put(struct grid *grid, enum column column, const char *text)
{
    grid_put(grid, column, GRID_PLAIN, "%s", *text ? text : "-");
}

static void put_headings(struct grid *grid)
{
    grid_row(grid);
    for (int i = 0; i < COLUMN_COUNT; i++)
        grid_put(grid, (size_t)i, GRID_FAINT, "%s", headings[i].above);
    grid_row(grid);
    for (int i = 0; i < COLUMN_COUNT; i++)
        grid_put(grid, (size_t)i, GRID_FAINT, "%s", headings[i].below);
}

static void put_cell(struct grid *grid, const struct contention *c)
{
    char text[FORMAT_SIZE], name[128];

    grid_row(grid);
    put(grid, COLUMN_NAME, rank_name(name, sizeof(name), c->cell));
    put(grid, COLUMN_CHUNK, format_chunk(text, c->cell->chunk));
    grid_put(grid, COLUMN_WORKERS, GRID_PLAIN, "%u%s", c->cell->workers, c->cell->oversubscribed ? " over" : "");
    put(grid, COLUMN_IDLE, c->cell->idle ? c->cell->idle : "");
    put(grid, COLUMN_RATE, format_rate(text, c->cell->value));
    put(grid, COLUMN_SPEEDUP, format_ratio(text, c->speedup));
    put(grid, COLUMN_FAIRNESS, format_count(text, c->jain));
    if (isfinite(c->share_low))
        grid_put(grid, COLUMN_SHARES, GRID_PLAIN, "%.2f–%.2f", c->share_low, c->share_high);
    put(grid, COLUMN_ELAPSED, format_cost(text, c->elapsed_ns));
    put(grid, COLUMN_CPU, format_cost(text, c->workers_cpu_ns));
    put(grid, COLUMN_SERVICE_CPU, format_cost(text, c->service_cpu_ns));
    put(grid, COLUMN_WAITED, format_count(text, c->voluntary));
    put(grid, COLUMN_MOVED, format_count(text, c->involuntary));
    put(grid, COLUMN_DELAY, format_cost(text, c->run_delay_ns));
    put(grid, COLUMN_LOST, format_percent(text, c->lost));
    put(grid, COLUMN_LIMIT, format_percent(text, c->of_limit));
    grid_put(grid, COLUMN_CAUSE, GRID_PLAIN, "%s", contention_name(c->cause));
}

/* Which cells stand in a matrix's grid: all of its workload and conditions, or those at the most workers. */
static bool in_grid(const struct rank_matrix *m, const struct cell *cell, bool wide)
{
    if (cell->status != CELL_OK || !rank_same_matrix(m, cell))
        return false;
    if (rank_role(m->results, cell->strategy) == ROLE_YARDSTICK)
        return false;
    return wide || (cell->workers == m->workers && cell->idle && strcmp(cell->idle, rank_idle(m->results)) == 0);
}

/* Calls back for the matrix's cells, in the order of its rows and chunks, and within them in that of the file. */
static void each_cell(const struct rank_matrix *m, bool wide,
                      void (*visit)(void *, const struct results *, const struct cell *), void *context)
{
    const struct results *r = m->results;

    for (size_t row = 0; row < m->row_count; row++)
        for (size_t column = 0; column < m->chunk_count; column++)
            for (size_t i = 0; i < r->cell_count; i++) {
                const struct cell *cell = &r->cells[i], *any = m->rows[row].any;

                if (in_grid(m, cell, wide) && cell->chunk == m->chunks[column] &&
                    strcmp(cell->strategy, any->strategy) == 0 && strcmp(cell->variant, any->variant) == 0)
                    visit(context, r, cell);
            }
}

static void visit_row(void *context, const struct results *r, const struct cell *cell)
{
    struct contention c;

    contention_of(&c, r, cell);
    put_cell(context, &c);
}

/* What is said below a grid, set off by an empty line. */
struct words {
    FILE *out;
    size_t columns;
    bool begun;
};

static void words_add(struct words *words, const char *line)
{
    if (!words->begun)
        fputc('\n', words->out);
    words->begun = true;
    format_wrap(words->out, line, words->columns, INDENT + 2);
}

/* The cause of a row's cell, unless the row's lead cell has the same. */
static void write_why(struct words *words, const struct rank_matrix *m, const struct rank_row *row, size_t column)
{
    const struct cell *cell = row->cells[column], *lead = row->cells[m->lead];
    char why[1024], line[1400], name[128], chunk[FORMAT_SIZE];
    struct contention c, first;

    if (!cell || cell->workers != m->workers)
        return;
    contention_of(&c, m->results, cell);
    if (lead && lead != cell) {
        contention_of(&first, m->results, lead);
        if (first.cause == c.cause)
            return;
    }
    contention_why(&c, why, sizeof(why));
    if (!*why)
        return;
    snprintf(line, sizeof(line), "  %s, chunk %s: %s", rank_name(name, sizeof(name), cell),
             format_chunk(chunk, cell->chunk), why);
    words_add(words, line);
}

static void write_failures(struct words *words, const struct rank_matrix *m)
{
    char line[1400], name[128], chunk[FORMAT_SIZE];

    for (size_t i = 0; i < m->results->cell_count; i++) {
        const struct cell *cell = &m->results->cells[i];

        if (cell->status != CELL_FAILED || !rank_same_matrix(m, cell))
            continue;
        snprintf(line, sizeof(line), "  %s, chunk %s, %u workers: FAILED, %s", rank_name(name, sizeof(name), cell),
                 format_chunk(chunk, cell->chunk), cell->workers, cell->reason ? cell->reason : "no reason given");
        words_add(words, line);
    }
}

static void count_row(void *context, const struct results *r, const struct cell *cell)
{
    (void)r;
    (void)cell;
    ++*(size_t *)context;
}

static int write_matrix(FILE *out, const struct rank_matrix *m, const struct report_style *style, size_t columns,
                        bool wide)
{
    struct words words = {.out = out, .columns = columns};
    static const char every_count[] = " · all worker counts";
    char heading[TABLE_LINE + sizeof(every_count)];
    size_t measured = 0;
    struct grid grid;
    int status;

    each_cell(m, wide, count_row, &measured);
    if (measured == 0)
        return 0;
    if (grid_open(&grid, alignment) != 0)
        return -1;
    for (int i = 0; i < COLUMN_COUNT; i++)
        grid.hidden[i] = headings[i].wide && !wide;
    put_headings(&grid);
    each_cell(m, wide, visit_row, &grid);
    table_heading(heading, TABLE_LINE, m, !wide);
    if (wide)
        strcat(heading, every_count);
    format_wrap(out, heading, columns, INDENT);
    status = grid_write(out, &grid, INDENT, columns, style->colour);
    grid_close(&grid);
    for (size_t row = 0; row < m->row_count; row++)
        for (size_t column = 0; column < m->chunk_count; column++)
            write_why(&words, m, &m->rows[row], column);
    write_failures(&words, m);
    fputc('\n', out);
    return status;
}

static const char legend[] =
    "speed-up: over one worker. Jain: 1 is fair. CPU/op: CPU time of all workers per operation; serv./op: of the "
    "parent or manager. waits, moved: context switches of the workers per operation, because they waited or were "
    "displaced. "
    "delay: ready to run, but not running. lost: below workers × one worker. lim.: rate against that of the raw "
    "operation beneath, done alone: a yardstick, not a bound. Several messages under way at once, or one raw operation "
    "for a whole chunk, get above 100 %. -: not known.";

/* Whose figures these are: a table is pasted without its command, and several machines stand one below the other. */
static void write_head(FILE *out, const struct results *r, size_t columns)
{
    char machine[TABLE_LINE / 2], line[TABLE_LINE];

    snprintf(line, sizeof(line), "contention on %s%s%s · idle: %s%s%s",
             table_machine(machine, sizeof(machine), &r->host), r->host.name ? " · " : "",
             r->host.name ? r->host.name : "", rank_idle(r), r->created ? " · " : "", r->created ? r->created : "");
    format_wrap(out, line, columns, INDENT);
    fputc('\n', out);
}

int contention_write(FILE *out, const struct results *r, const struct report_style *style)
{
    size_t columns = style->columns ? style->columns : NARROW, count = 0;
    bool wide = style->long_form || columns >= WIDE;
    struct rank_matrix *matrices;
    int status = 0;

    if (rank_build(r, &matrices, &count) != 0)
        return -1;
    if (count > 0)
        write_head(out, r, columns);
    for (size_t i = 0; i < count && status == 0; i++)
        status = write_matrix(out, &matrices[i], style, wide && columns < WIDE ? WIDE : columns, wide);
    rank_free(matrices, count);
    if (count == 0)
        fprintf(out, "no cell was measured\n");
    else
        format_wrap(out, legend, columns, 0);
    return status != 0 || ferror(out) ? -1 : 0;
}
