/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fields_layout.c - where a file of ours breaks its lines: one per field at the top, one per element of every array
 * of objects. So people can read it, grep and diff find their way, and an error's line number means a trial; a number
 * per line would make it three times as long. */
#include "reports/fields.h"

#include <stdio.h>
#include <stdlib.h>

/* Measurements have six digits at most; twelve keep them, and keep 0.95 from becoming 0.94999999999999996. */
enum { DIGITS = 12 };

static int put_value(FILE *out, const json_t *, size_t indent);

static int put_plain(FILE *out, const json_t *json)
{
    return json_dumpf(json, out, JSON_ENCODE_ANY | JSON_REAL_PRECISION(DIGITS));
}

static bool holds_objects(const json_t *json)
{
    return json_is_array(json) && json_is_object(json_array_get(json, 0));
}

static void break_line(FILE *out, size_t indent)
{
    fprintf(out, "\n%*s", (int)indent, "");
}

static int put_elements(FILE *out, const json_t *array, size_t indent)
{
    fputc('[', out);
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i)
            fputc(',', out);
        break_line(out, indent);
        if (put_value(out, json_array_get(array, i), indent + 1) != 0)
            return -1;
    }
    fputc(']', out);
    return 0;
}

/* `indent` 0 is the document itself, whose members have a line each. */
static int put_members(FILE *out, const json_t *object, size_t indent)
{
    const char *key;
    json_t *value, *members = (json_t *)object; /* jansson's iterators want it so; nothing is changed */
    bool first = true;
    fputc('{', out);
    json_object_foreach(members, key, value)
    {
        if (!first)
            fputs(indent ? ", " : ",", out);
        if (!indent)
            break_line(out, 1);
        first = false;
        fprintf(out, "\"%s\": ", key); /* our own names: nothing to escape */
        if (put_value(out, value, indent + 2) != 0)
            return -1;
    }
    if (!indent)
        break_line(out, 0);
    fputc('}', out);
    return 0;
}

static int put_value(FILE *out, const json_t *json, size_t indent)
{
    const char *key;
    json_t *value, *members = (json_t *)json;
    if (holds_objects(json))
        return put_elements(out, json, indent);
    json_object_foreach(members, key, value)
    {
        (void)key;
        if (holds_objects(value))
            return put_members(out, json, indent);
    }
    return put_plain(out, json);
}

char *fields_layout(const json_t *json)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    int result = put_members(out, json, 0);
    result |= ferror(out) ? -1 : 0;
    if (fclose(out) != 0 || result != 0) {
        free(text);
        return NULL;
    }
    return text;
}
