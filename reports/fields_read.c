/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fields_read.c - a file into the struct that its table describes, believing nothing in it.
 *
 * jansson finds what is not JSON (with NaN, a cut, a key twice) and tells the line; everything after that is checked
 * field by field against the table, and the place is told as a path: "cells[3].trials[0].windows[2]". */
#include "reports/fields.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where the reader is: its file, and the path into the document, which grows and shrinks as it goes. */
struct place {
    const char *file;
    const void *root; /* the struct that the whole document is read into */
    bool terms_only;
    char path[256];
    size_t length;
    struct report_error *error;
};

static int read_object(struct place *, const struct fields *, const json_t *, void *base);

__attribute__((format(printf, 3, 4))) static int refuse(struct place *place, int code, const char *format, ...)
{
    char what[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    place->error->code = code;
    snprintf(place->error->text, sizeof place->error->text, "%.160s: %.120s%s%s", place->file, place->path,
             place->length ? ": " : "", what);
    return -1;
}

/* Steps into a member; returns the length to go back to with leave(). */
__attribute__((format(printf, 2, 3))) static size_t enter(struct place *place, const char *format, ...)
{
    size_t before = place->length, room = sizeof place->path - place->length;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(place->path + place->length, room, format, arguments);
    va_end(arguments);
    place->length += length < 0 ? 0 : (size_t)length < room ? (size_t)length : room - 1;
    return before;
}

static void leave(struct place *place, size_t before)
{
    place->length = before;
    place->path[before] = '\0';
}

static const char *kind_of(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a number with decimals";
    case JSON_NULL:
        return "null";
    default:
        return "true or false";
    }
}

static int mistyped(struct place *place, const char *wanted, const json_t *json)
{
    return refuse(place, 65, "%s is expected here, not %s", wanted, kind_of(json));
}

static int read_text(struct place *place, const json_t *json, char **text)
{
    if (!json_is_string(json))
        return mistyped(place, "a string", json);
    *text = strdup(json_string_value(json));
    return *text ? 0 : refuse(place, 65, "memory is short");
}

/* A whole number from 0 up; one beyond JSON's integers stands as a string of digits. */
static int read_count(struct place *place, const json_t *json, uint64_t most, uint64_t *count)
{
    const char *digits = json_string_value(json);
    if (digits && most == UINT64_MAX && *digits && strspn(digits, "0123456789") == strlen(digits)) {
        errno = 0;
        *count = strtoull(digits, NULL, 10);
        return errno ? refuse(place, 65, "the number is too large") : 0;
    }
    if (!json_is_integer(json))
        return mistyped(place, "a whole number", json);
    if (json_integer_value(json) < 0)
        return refuse(place, 65, "the number is negative");
    *count = (uint64_t)json_integer_value(json);
    return *count > most ? refuse(place, 65, "the number is too large") : 0;
}

static int read_unsigned(struct place *place, const json_t *json, unsigned *number)
{
    uint64_t count;
    if (read_count(place, json, UINT_MAX, &count) != 0)
        return -1;
    *number = (unsigned)count;
    return 0;
}

static int read_place(struct place *place, const json_t *json, int *number)
{
    uint64_t count;
    if (read_count(place, json, INT_MAX, &count) != 0)
        return -1;
    *number = (int)count;
    return 0;
}

static int read_real(struct place *place, const json_t *json, double *real)
{
    if (!json_is_number(json))
        return mistyped(place, "a number", json);
    if (!(json_number_value(json) >= 0))
        return refuse(place, 65, "the number is negative");
    *real = json_number_value(json);
    return 0;
}

static int read_signed(struct place *place, const json_t *json, double *real)
{
    if (!json_is_number(json))
        return mistyped(place, "a number", json);
    *real = json_number_value(json);
    return 0;
}

static int read_chunk(struct place *place, const json_t *json, uint64_t *chunk)
{
    *chunk = 0;
    if (json_is_string(json) && strcmp(json_string_value(json), "auto") == 0)
        return 0;
    if (read_count(place, json, INT64_MAX, chunk) != 0)
        return -1;
    return *chunk ? 0 : refuse(place, 65, "a chunk is at least 1, or \"auto\"");
}

static int read_choice(struct place *place, const json_t *json, const char *const *choices, int *choice)
{
    if (!json_is_string(json))
        return mistyped(place, "a string", json);
    for (int i = 0; !i || choices[i]; i++)
        if (choices[i] && strcmp(choices[i], json_string_value(json)) == 0) {
            *choice = i;
            return 0;
        }
    return refuse(place, 65, "\"%.40s\" is none of the words known here", json_string_value(json));
}

static size_t element_size(const struct field *field)
{
    switch (field->kind) {
    case FIELD_OBJECTS:
        return field->below->size;
    case FIELD_UNSIGNEDS:
        return sizeof(unsigned);
    case FIELD_TEXTS:
        return sizeof(char *);
    default:
        return sizeof(uint64_t);
    }
}

static int read_element(struct place *place, const struct field *field, const json_t *json, void *element)
{
    switch (field->kind) {
    case FIELD_OBJECTS:
        return read_object(place, field->below, json, element);
    case FIELD_UNSIGNEDS:
        return read_unsigned(place, json, element);
    case FIELD_TEXTS:
        return read_text(place, json, element);
    case FIELD_REALS:
        return read_real(place, json, element);
    default:
        return read_count(place, json, UINT64_MAX, element);
    }
}

_Static_assert(sizeof(double) == sizeof(uint64_t), "arrays of both have elements of one size");

/* The array hangs in the struct from the start, so that fields_free() finds what a failure leaves half done. */
static int read_array(struct place *place, const struct field *field, const json_t *json, void *base)
{
    size_t count = json_array_size(json), size = element_size(field);
    if (!json_is_array(json))
        return mistyped(place, "an array", json);
    if (field->kind == FIELD_UNSIGNEDS && count != *FIELD_AT(unsigned, base, field->count))
        return refuse(place, 65, "there are %zu places for %u workers", count, *FIELD_AT(unsigned, base, field->count));
    if (field->counted && count != *FIELD_AT(size_t, base, field->count))
        return refuse(place, 65, "there are %zu, where %zu were announced", count,
                      *FIELD_AT(size_t, base, field->count));
    char *elements = calloc(count + 1, size);
    if (!elements)
        return refuse(place, 65, "memory is short");
    *FIELD_AT(char *, base, field->offset) = elements;
    if (field->kind != FIELD_UNSIGNEDS)
        *FIELD_AT(size_t, base, field->count) = count;
    for (size_t i = 0; i < count; i++) {
        size_t before = enter(place, "[%zu]", i);
        if (read_element(place, field, json_array_get(json, i), elements + i * size) != 0)
            return -1;
        leave(place, before);
    }
    return 0;
}

/* What is both in the file and derived from the rest of it must be the same. */
static int read_derived(struct place *place, const struct field *field, const json_t *json, const void *base)
{
    json_t *derived = field->agrees ? field->derive(place->root, base) : NULL;
    bool agrees = !field->agrees || json_equal(derived, json);
    json_decref(derived);
    return agrees ? 0 : refuse(place, 65, "does not agree with the rest of the file");
}

static int read_field(struct place *place, const struct field *field, const json_t *json, void *base)
{
    void *member = FIELD_AT(char, base, field->offset);
    switch (field->kind) {
    case FIELD_TEXT:
        return read_text(place, json, member);
    case FIELD_BOOL:
    case FIELD_TRUE:
        if (!json_is_boolean(json))
            return mistyped(place, "true or false", json);
        *FIELD_AT(bool, base, field->offset) = json_is_true(json);
        return 0;
    case FIELD_UNSIGNED:
        return read_unsigned(place, json, member);
    case FIELD_COUNT:
        return read_count(place, json, UINT64_MAX, member);
    case FIELD_REAL:
        return read_real(place, json, member);
    case FIELD_SIGNED:
        return read_signed(place, json, member);
    case FIELD_PLACE:
        return read_place(place, json, member);
    case FIELD_CHUNK:
        return read_chunk(place, json, member);
    case FIELD_CHOICE:
        return read_choice(place, json, field->choices, member);
    case FIELD_OBJECT:
        return read_object(place, field->below, json, member);
    case FIELD_DERIVED:
        return read_derived(place, field, json, base);
    default:
        return read_array(place, field, json, base);
    }
}

static int read_object(struct place *place, const struct fields *fields, const json_t *json, void *base)
{
    if (!json_is_object(json))
        return mistyped(place, "an object", json);
    bool terms_only = place->terms_only;
    place->terms_only |= fields->terms_only;
    fields_clear(fields, base);
    for (const struct field *field = fields->list; field->name; field++) {
        if (place->terms_only && field->measured)
            continue;
        const json_t *member = json_object_get(json, field->name);
        size_t before = enter(place, "%s%s", place->length ? "." : "", field->name);
        if (!member && field->required)
            return refuse(place, 65, "is missing");
        if (member && read_field(place, field, member, base) != 0)
            return -1;
        leave(place, before);
    }
    place->terms_only = terms_only;
    char why[160] = "";
    if (fields->check && fields->check(base, why, sizeof why) != 0)
        return refuse(place, 65, "%s", why);
    return 0;
}

/* What is easily given for one another: files, or their folders. */
static const struct {
    const char *schema, *name, *what;
} kinds[] = {
    {"muster.results/1", "results.json", "a run"},
    {"muster.duet/1", "duet.json", "a duet"},
    {"muster.verdict/1", "verdict.json", "a verdict"},
};

/* What else the folder holds, as a clause; "" for nothing. Returns text. */
static char *what_else(char *text, size_t size, const char *folder)
{
    text[0] = '\0';
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !*text; i++) {
        char path[PATH_MAX];
        if (snprintf(path, sizeof path, "%s/%s", folder, kinds[i].name) < (int)sizeof path && access(path, F_OK) == 0)
            snprintf(text, size, "; the folder holds %s, %s", kinds[i].what, kinds[i].name);
    }
    return text;
}

static int read_root(struct place *place, const struct document *document, const json_t *json, void *base)
{
    const char *schema = json_string_value(json_object_get(json, "schema"));
    if (!json_is_object(json) || !schema)
        return refuse(place, 65, "this is no %s: it has no \"schema\"", document->what);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(schema, document->schema) != 0 && strcmp(schema, kinds[i].schema) == 0)
            return refuse(place, 65, "this is %s, no %s", kinds[i].what, document->what);
    if (strcmp(schema, document->schema) != 0)
        return refuse(place, 65, "its schema is \"%.60s\"; only \"%s\" is understood", schema, document->schema);
    return read_object(place, document->fields, json, base);
}

static FILE *open_document(struct place *place, const struct document *document, const char *path, char **name)
{
    struct stat status;
    const bool folder = stat(path, &status) == 0 && S_ISDIR(status.st_mode);
    int length = folder ? asprintf(name, "%s/%s", path, document->name) : asprintf(name, "%s", path);
    char else_there[80] = "";
    if (length < 0) {
        *name = NULL;
        refuse(place, 66, "memory is short");
        return NULL;
    }
    place->file = *name;
    FILE *file = fopen(*name, "re");
    if (!file) {
        const char *why = strerror(errno);
        refuse(place, 66, "cannot be opened: %s%s", why,
               folder ? what_else(else_there, sizeof else_there, path) : else_there);
    }
    return file;
}

int document_read(const struct document *document, const char *path, void *base, struct report_error *error)
{
    struct place place = {.file = path, .root = base, .error = error};
    char *name = NULL;
    json_error_t parsing;
    int result = -1;
    memset(base, 0, document->fields->size);
    FILE *file = open_document(&place, document, path, &name);
    if (!file)
        goto free_name;
    json_t *json = json_loadf(file, JSON_REJECT_DUPLICATES, &parsing);
    if (!json && ferror(file))
        refuse(&place, 66, "cannot be read: %s", strerror(errno));
    else if (!json)
        refuse(&place, 65, "not whole, or not JSON: line %d, column %d: %.120s", parsing.line, parsing.column,
               parsing.text);
    else
        result = read_root(&place, document, json, base);
    json_decref(json);
    fclose(file);
    if (result != 0) {
        fields_free(document->fields, base);
        memset(base, 0, document->fields->size);
    }
free_name:
    free(name);
    return result;
}

int document_read_line(const struct document *document, const char *file, size_t line, const char *text, size_t length,
                       void *base, struct report_error *error)
{
    char name[160];
    struct place place = {.file = name, .root = base, .error = error};
    memset(base, 0, document->fields->size);
    json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    if (!json)
        return 1;
    snprintf(name, sizeof name, "%.130s, line %zu", file, line);
    int result = read_root(&place, document, json, base);
    json_decref(json);
    if (result != 0) {
        fields_free(document->fields, base);
        memset(base, 0, document->fields->size);
    }
    return result;
}
