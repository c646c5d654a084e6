/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * plot_costs.c - the pictures of the contention section: who did how much, and what an operation cost.
 *
 * Both have a row per cell at the most workers. Fairness is drawn from nought to at least twice an even share, so that
 * a small unfairness looks small. Costs are drawn on a log axis: what lies between a worker's CPU time and the elapsed
 * time is waiting. */
#include "reports/contention.h"
#include "reports/format.h"
#include "reports/plot_pictures.h"

#include <math.h>

enum {
    FEW_WORKERS = 64, /* up to which every worker is drawn; beyond, the least and the most */
};

static FILE *begin(struct plots *p, const char *name, const struct plot_rows *rows, size_t right)
{
    FILE *script = plots_add(p, name, plot_rows_height(rows));

    if (script)
        plot_rows_frame(script, rows, right);
    return script;
}

static void fairness_marks(FILE *script, size_t i, const struct contention *c)
{
    fprintf(script, "$row%zu << END\n%.6g %zu\n%.6g %zu\n", i, c->share_low, i, c->share_high, i);
    for (unsigned w = 0; c->cell->workers <= FEW_WORKERS && w < c->cell->workers; w++)
        fprintf(script, "%.6g %zu\n", contention_share(c->cell, w), i);
    fprintf(script, "END\n");
}

static double write_fairness(FILE *script, const struct plot_rows *rows, const struct results *r)
{
    double most = 2;
    struct contention c;
    char note[64];

    for (size_t i = 0; i < rows->count; i++) {
        if (!rows->rows[i].cell)
            continue;
        contention_of(&c, r, rows->rows[i].cell);
        if (!isfinite(c.share_low))
            continue;
        fairness_marks(script, i, &c);
        most = fmax(most, c.share_high * 1.05);
        snprintf(note, sizeof(note), "Jain %.2f", c.jain);
        plot_rows_note(script, i, note);
    }
    return most;
}

static bool has_shares(const struct contention *c)
{
    return isfinite(c->share_low);
}

static bool has_costs(const struct contention *c)
{
    return c->workers_cpu_ns > 0 || c->service_cpu_ns > 0;
}

static bool any_row(const struct plot_rows *rows, const struct results *r, bool (*test)(const struct contention *))
{
    struct contention c;

    for (size_t i = 0; i < rows->count; i++) {
        if (!rows->rows[i].cell)
            continue;
        contention_of(&c, r, rows->rows[i].cell);
        if (test(&c))
            return true;
    }
    return false;
}

static void plot_rows_points(FILE *script, const struct plot_rows *rows, const struct results *r,
                             bool (*test)(const struct contention *))
{
    struct contention c;
    size_t drawn = 0;

    for (size_t i = 0; i < rows->count; i++) {
        size_t series;

        if (!rows->rows[i].cell)
            continue;
        contention_of(&c, r, rows->rows[i].cell);
        if (!test(&c))
            continue;
        series = plot_series(r, c.cell->strategy);
        fprintf(script, "%s$row%zu using 1:2 with points pt %d ps 0.8 lc rgb '%s'", drawn++ ? ", " : "plot ", i,
                plot_marker(series), plot_colour(series));
    }
}

int plot_fairness(struct plots *p, const char *name, const struct rank_matrix *m)
{
    struct plot_rows rows;
    FILE *script = NULL;
    int status = 0;
    double most;

    if (plot_rows_build(&rows, m) != 0)
        return -1;
    if (m->workers < 2 || !any_row(&rows, m->results, has_shares))
        goto free_rows;
    script = begin(p, name, &rows, 10);
    status = script ? 0 : -1;
    if (!script)
        goto free_rows;
    most = write_fairness(script, &rows, m->results);
    fprintf(script, "set xrange [0:%.6g]\nset xtics 0.5\nset format x '%%g'\n", most);
    fprintf(script, "set arrow from 1, graph 0 to 1, graph 1 nohead dt 2 lw 1.5 lc rgb '%s'\n", plot_colour(0));
    fprintf(script, "set label 'even' at 1, graph 1 center offset 0, 0.7 tc rgb '#606060'\n");
    plot_rows_key(script, &rows, "operations of each worker, as parts of an even share");
    plot_rows_points(script, &rows, m->results, has_shares);
    fputc('\n', script);
free_rows:
    plot_rows_free(&rows);
    return status;
}

struct range {
    double low, high;
};

static void widen(struct range *range, double value)
{
    if (!(value > 0))
        return;
    range->low = fmin(range->low, value);
    range->high = fmax(range->high, value);
}

/* Costs below a thousandth of an operation's elapsed time are noise of the clock, not a mark. */
static double service_mark(const struct contention *c)
{
    return c->service_cpu_ns > c->elapsed_ns / 1000 ? c->service_cpu_ns : NAN;
}

static void cost_marks(FILE *script, size_t i, const struct contention *c)
{
    char note[2 * FORMAT_SIZE], workers[FORMAT_SIZE], service[FORMAT_SIZE];
    double mark = service_mark(c);

    fprintf(script, "$row%zu << END\n%.6g %zu\nEND\n$other%zu << END\n", i, c->workers_cpu_ns * 1e-9, i, i);
    if (isfinite(mark))
        fprintf(script, "%.6g %zu\n", mark * 1e-9, i);
    else
        fprintf(script, "NaN %zu\n", i);
    fprintf(script, "END\n");
    if (c->elapsed_ns > 0)
        fprintf(script, "set arrow from %.6g, %zu.38 to %.6g, %.2f nohead lw 2.5 lc rgb '#000000'\n",
                c->elapsed_ns * 1e-9, i, c->elapsed_ns * 1e-9, (double)i - 0.38);
    snprintf(note, sizeof(note), "%s%s%s", contention_format_ns(workers, c->workers_cpu_ns),
             isfinite(mark) ? " + " : "", isfinite(mark) ? contention_format_ns(service, mark) : "");
    plot_rows_note(script, i, note);
}

static struct range write_costs(FILE *script, const struct plot_rows *rows, const struct results *r)
{
    struct range range = {NAN, NAN};
    struct contention c;

    for (size_t i = 0; i < rows->count; i++) {
        if (!rows->rows[i].cell)
            continue;
        contention_of(&c, r, rows->rows[i].cell);
        if (!has_costs(&c))
            continue;
        cost_marks(script, i, &c);
        widen(&range, c.workers_cpu_ns);
        widen(&range, service_mark(&c));
        widen(&range, c.elapsed_ns);
    }
    return range;
}

static void plot_service(FILE *script, const struct plot_rows *rows, const struct results *r)
{
    struct contention c;

    for (size_t i = 0; i < rows->count; i++) {
        if (!rows->rows[i].cell)
            continue;
        contention_of(&c, r, rows->rows[i].cell);
        if (has_costs(&c))
            fprintf(script, ", $other%zu using 1:2 with points pt 6 ps 1.1 lw 1.5 lc rgb '#000000'", i);
    }
    fputc('\n', script);
}

/* Decades named as the figures beside them are: gnuplot has no "µ". */
static void time_tics(FILE *script, double low, double high)
{
    int step = log10(high / low) > 3.5 ? 2 : 1;
    char name[FORMAT_SIZE];

    fprintf(script, "set xtics (");
    for (int decade = (int)floor(log10(low)) - 1; decade <= (int)ceil(log10(high)) + 1; decade += step) {
        double ns = pow(10, decade);

        if (ns < 0.95)
            snprintf(name, sizeof(name), "%g ns", ns);
        else
            format_ns(name, ns);
        fprintf(script, "'%s' %.6g, ", name, ns * 1e-9);
    }
    fprintf(script, "'' 1e99)\n");
}

int plot_costs(struct plots *p, const char *name, const struct rank_matrix *m)
{
    struct plot_rows rows;
    struct range range;
    FILE *script = NULL;
    int status = 0;

    if (plot_rows_build(&rows, m) != 0)
        return -1;
    if (!any_row(&rows, m->results, has_costs))
        goto free_rows;
    script = begin(p, name, &rows, 16);
    status = script ? 0 : -1;
    if (!script)
        goto free_rows;
    range = write_costs(script, &rows, m->results);
    plot_log_axis(script, 'x', range.low * 1e-9, range.high * 1e-9);
    time_tics(script, range.low, range.high);
    plot_rows_key(script, &rows, "filled: workers' CPU · ○ parent's or manager's · ┃ elapsed time of a worker");
    plot_rows_points(script, &rows, m->results, has_costs);
    plot_service(script, &rows, m->results);
free_rows:
    plot_rows_free(&rows);
    return status;
}
