/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * results.c - the model's own work: what a cell's trials amount to, and giving all memory back. */
#include "reports/results.h"

#include "reports/results_fields.h"
#include "reports/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void cell_summarise(struct cell *cell)
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
    if (statistics_median_interval(values, cell->trial_count, STATISTICS_CONFIDENCE, &interval)) {
        cell->ci_low = interval.low;
        cell->ci_high = interval.high;
        cell->confidence = STATISTICS_CONFIDENCE;
    }
    free(values);
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; texts && i < count; i++)
        free(texts[i]);
    free(texts);
}

static void free_objects(const struct field *field, void *base)
{
    char *objects = *FIELD_AT(char *, base, field->offset);
    size_t count = *FIELD_AT(size_t, base, field->count);
    for (size_t i = 0; objects && i < count; i++)
        fields_free(field->below, objects + i * field->below->size);
    free(objects);
}

static void free_field(const struct field *field, void *base)
{
    void **member = FIELD_AT(void *, base, field->offset);
    switch (field->kind) {
    case FIELD_TEXTS:
        free_texts(*FIELD_AT(char **, base, field->offset), *FIELD_AT(size_t, base, field->count));
        break;
    case FIELD_OBJECTS:
        free_objects(field, base);
        break;
    case FIELD_OBJECT:
        fields_free(field->below, FIELD_AT(char, base, field->offset));
        return;
    case FIELD_TEXT:
    case FIELD_REALS:
    case FIELD_COUNTS:
    case FIELD_UNSIGNEDS:
        free(*member);
        break;
    default:
        return;
    }
    *member = NULL;
}

void fields_free(const struct fields *fields, void *base)
{
    for (const struct field *field = fields->list; field->name; field++)
        free_field(field, base);
}

void fields_clear(const struct fields *fields, void *base)
{
    if (fields->size)
        memset(base, 0, fields->size);
    for (const struct field *field = fields->list; field->name; field++) {
        if (field->kind == FIELD_REAL)
            *FIELD_AT(double, base, field->offset) = NAN;
        else if (field->kind == FIELD_PLACE)
            *FIELD_AT(int, base, field->offset) = -1;
        else if (field->kind == FIELD_TRUE)
            *FIELD_AT(bool, base, field->offset) = true;
        else if (field->kind == FIELD_OBJECT)
            fields_clear(field->below, FIELD_AT(char, base, field->offset));
    }
}

void results_free(struct results *r)
{
    fields_free(&results_fields, r);
    memset(r, 0, sizeof *r);
}
