/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * csv.c - a row per cell, its columns taken from the table of the results file, so a new field is a new column.
 *
 * Costs are sums over the trials; lists (processing units) are one field with blanks between; trials themselves are
 * left to the results file. */
#include "reports/csv.h"

#include "reports/flags.h"
#include "reports/rank.h"
#include "reports/results_fields.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

struct derived {
    const char *name;
    double (*of)(const struct results *, const struct cell *);
};

static double count_trials(const struct results *results, const struct cell *cell)
{
    (void)results;
    return (double)cell->trial_count;
}

static double lost_part(const struct results *results, const struct cell *cell)
{
    (void)results;
    return cell->status == CELL_OK ? rank_lost(cell) : NAN;
}

#define LATENCY(member)                                                                                                \
    static double latency_##member(const struct results *results, const struct cell *cell)                             \
    {                                                                                                                  \
        (void)results;                                                                                                 \
        return cell->status == CELL_OK && cell->latency.samples ? (double)cell->latency.member : NAN;                  \
    }

LATENCY(p50)
LATENCY(p90)
LATENCY(p99)
LATENCY(p99_9)
LATENCY(max)
LATENCY(samples)

/* NAN as soon as one trial lacks the number: a sum of some would look like all. */
static double sum_over_trials(const struct cell *cell, size_t offset)
{
    double sum = cell->trial_count ? 0 : NAN;
    for (size_t i = 0; i < cell->trial_count; i++)
        sum += *FIELD_IN(double, &cell->trials[i], offset);
    return sum;
}

#define SUM(name, member)                                                                                              \
    static double sum_##name(const struct results *results, const struct cell *cell)                                   \
    {                                                                                                                  \
        (void)results;                                                                                                 \
        return sum_over_trials(cell, offsetof(struct trial, member));                                                  \
    }

SUM(elapsed, elapsed_s)
SUM(windows, window_s)
SUM(workers_cpu, costs.workers_cpu_s)
SUM(service_cpu, costs.service_cpu_s)
SUM(voluntary, costs.voluntary)
SUM(involuntary, costs.involuntary)
SUM(run_delay, costs.run_delay_s)
SUM(steal, steal_s)

static const struct derived DERIVED[] = {
    {"trials", count_trials},
    {"gain_over_one_worker", rank_gain},
    {"limit_ratio", rank_limit_ratio},
    {"lost_part", lost_part},
    {"latency_p50_ns", latency_p50},
    {"latency_p90_ns", latency_p90},
    {"latency_p99_ns", latency_p99},
    {"latency_p99_9_ns", latency_p99_9},
    {"latency_max_ns", latency_max},
    {"latency_samples", latency_samples},
    {"sum_elapsed_s", sum_elapsed},
    {"sum_window_s", sum_windows},
    {"sum_workers_cpu_s", sum_workers_cpu},
    {"sum_service_cpu_s", sum_service_cpu},
    {"sum_voluntary", sum_voluntary},
    {"sum_involuntary", sum_involuntary},
    {"sum_run_delay_s", sum_run_delay},
    {"sum_steal_s", sum_steal},
};
enum { DERIVED_COUNT = sizeof DERIVED / sizeof *DERIVED };

static void put_text(FILE *out, const char *text)
{
    if (!text)
        return;
    if (!strpbrk(text, ",\"\r\n") && *text != ' ' && !(*text && text[strlen(text) - 1] == ' ')) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void put_real(FILE *out, double real)
{
    if (isfinite(real))
        fprintf(out, "%.12g", real);
}

static void put_numbers(FILE *out, const unsigned *numbers, size_t count)
{
    for (size_t i = 0; numbers && i < count; i++)
        fprintf(out, "%s%u", i ? " " : "", numbers[i]);
}

static bool is_column(const struct field *field)
{
    return field->kind != FIELD_OBJECTS && field->kind != FIELD_OBJECT && field->kind != FIELD_DERIVED;
}

static void put_count(FILE *out, uint64_t count)
{
    fprintf(out, "%" PRIu64, count);
}

static void put_field(FILE *out, const struct field *field, const struct cell *cell)
{
    if (field->of_ok_cell && cell->status != CELL_OK)
        return;
    if (field->zero_is_absent && *FIELD_IN(uint64_t, cell, field->offset) == 0)
        return; /* a cell's only such field is a count */
    switch (field->kind) {
    case FIELD_TEXT:
        put_text(out, *FIELD_IN(char *, cell, field->offset));
        break;
    case FIELD_BOOL:
    case FIELD_TRUE:
        fputs(*FIELD_IN(bool, cell, field->offset) ? "true" : "false", out);
        break;
    case FIELD_UNSIGNED:
        put_count(out, *FIELD_IN(unsigned, cell, field->offset));
        break;
    case FIELD_COUNT:
        put_count(out, *FIELD_IN(uint64_t, cell, field->offset));
        break;
    case FIELD_CHUNK:
        if (*FIELD_IN(uint64_t, cell, field->offset))
            put_count(out, *FIELD_IN(uint64_t, cell, field->offset));
        else
            fputs("auto", out);
        break;
    case FIELD_REAL:
        put_real(out, *FIELD_IN(double, cell, field->offset));
        break;
    case FIELD_PLACE:
        if (*FIELD_IN(int, cell, field->offset) >= 0)
            put_count(out, (uint64_t)*FIELD_IN(int, cell, field->offset));
        break;
    case FIELD_CHOICE:
        put_text(out, field->choices[*FIELD_IN(int, cell, field->offset)]);
        break;
    default:
        put_numbers(out, *FIELD_IN(unsigned *, cell, field->offset), *FIELD_IN(unsigned, cell, field->count));
    }
}

static void put_header(FILE *out)
{
    fputs("created,cpu", out);
    for (const struct field *field = cell_fields.list; field->name; field++)
        if (is_column(field))
            fprintf(out, ",%s", field->name);
    for (size_t i = 0; i < DERIVED_COUNT; i++)
        fprintf(out, ",%s", DERIVED[i].name);
    fputs(",flags\n", out);
}

static void put_flags(FILE *out, const struct cell *cell)
{
    char names[128];
    struct flags flags;
    flags_of(&flags, cell);
    fputc(',', out);
    put_text(out, flags_names(names, sizeof names, &flags));
}

static void put_cell(FILE *out, const struct results *r, const struct cell *cell)
{
    put_text(out, r->created);
    fputc(',', out);
    put_text(out, r->host.cpu);
    for (const struct field *field = cell_fields.list; field->name; field++) {
        if (!is_column(field))
            continue;
        fputc(',', out);
        put_field(out, field, cell);
    }
    for (size_t i = 0; i < DERIVED_COUNT; i++) {
        fputc(',', out);
        put_real(out, DERIVED[i].of(r, cell));
    }
    put_flags(out, cell);
    fputc('\n', out);
}

int csv_write(FILE *out, const struct results *r)
{
    put_header(out);
    for (size_t i = 0; i < r->cell_count; i++)
        if (r->cells[i].status != CELL_PENDING)
            put_cell(out, r, &r->cells[i]);
    return fflush(out) != 0 || ferror(out) ? -1 : 0;
}
