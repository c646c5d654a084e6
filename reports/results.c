/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * results.c - the model's own work: what a cell's trials amount to, its file, and giving all memory back. */
#include "reports/results.h"

#include "reports/results_fields.h"
#include "reports/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

unsigned cell_units(const struct cell *cell)
{
    unsigned count = 0;
    bool service_apart = cell->service_pu >= 0;
    for (unsigned i = 0; cell->pus && i < cell->workers; i++) {
        bool again = false;
        for (unsigned k = 0; k < i && !again; k++)
            again = cell->pus[k] == cell->pus[i];
        count += !again;
        service_apart &= (int)cell->pus[i] != cell->service_pu;
    }
    return count ? count + service_apart : 0;
}

void cell_summarise(struct cell *cell)
{
    cell_widen(cell, STATISTICS_CONFIDENCE);
}

void cell_widen(struct cell *cell, double coverage)
{
    struct interval interval;
    double *values;
    cell->value = cell->ci_low = cell->ci_high = cell->confidence = NAN;
    for (size_t i = 0; i < cell->trial_count; i++)
        if (cell->trials[i].window_count)
            cell->trials[i].value = statistics_median(cell->trials[i].windows, cell->trials[i].window_count);
    if (cell->status == CELL_NA || cell->status == CELL_FAILED || !cell->trial_count)
        return;
    values = malloc(cell->trial_count * sizeof *values);
    if (!values)
        return;
    for (size_t i = 0; i < cell->trial_count; i++)
        values[i] = cell->trials[i].value;
    cell->value = statistics_median(values, cell->trial_count);
    if (statistics_median_interval(values, cell->trial_count, coverage, &interval)) {
        cell->ci_low = interval.low;
        cell->ci_high = interval.high;
        cell->confidence = STATISTICS_CONFIDENCE;
    }
    free(values);
}

void results_free(struct results *r)
{
    fields_free(&results_fields, r);
    memset(r, 0, sizeof *r);
}

int results_read(struct results *r, const char *path, struct report_error *error)
{
    return document_read(&results_document, path, r, error);
}

int results_write(const struct results *r, const char *dir, struct report_error *error)
{
    return document_write(&results_document, r, dir, NULL, error);
}

char *results_to_json(const struct results *r)
{
    return document_to_json(&results_document, r);
}
