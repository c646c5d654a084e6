/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fields.c - by a table of fields: setting a struct to "not measured", and giving back what hangs below it. */
#include "reports/fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
        if (field->kind == FIELD_REAL || field->kind == FIELD_SIGNED)
            *FIELD_AT(double, base, field->offset) = field->zero_is_absent ? 0 : NAN;
        else if (field->kind == FIELD_PLACE)
            *FIELD_AT(int, base, field->offset) = -1;
        else if (field->kind == FIELD_TRUE)
            *FIELD_AT(bool, base, field->offset) = true;
        else if (field->kind == FIELD_OBJECT)
            fields_clear(field->below, FIELD_AT(char, base, field->offset));
    }
}
