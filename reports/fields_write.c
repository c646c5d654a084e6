/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fields_write.c - a struct as the JSON of its table, and onto the disk so that a reader sees the old file or the new
 * one.
 *
 * Where the file system can, the new file has no name until it is complete, so that even a killed writer leaves nothing
 * behind; elsewhere it has a hidden one, removed on failure. */
#include "reports/fields.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Host names, paths and arguments are bytes; what is not UTF-8 becomes '?', since JSON cannot hold it. */
json_t *fields_text(const char *text)
{
    json_t *json = json_string(text ? text : "");
    if (json)
        return json;
    char *ascii = strdup(text);
    if (!ascii)
        return NULL;
    for (char *at = ascii; *at; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    json = json_string(ascii);
    free(ascii);
    return json;
}

static json_t *count_to_json(uint64_t count)
{
    if (count <= INT64_MAX)
        return json_integer((json_int_t)count);
    return json_sprintf("%" PRIu64, count);
}

/* How a document is written. */
struct writing {
    const void *document;
    bool terms_only;
};

static json_t *object_to_json(const struct writing *, const struct fields *, const void *base);

/* One element of an array. What is not finite has no place there: 0 is what a window without an operation measured. */
static json_t *element_to_json(const struct field *field, const void *base, size_t i)
{
    switch (field->kind) {
    case FIELD_TEXTS:
        return fields_text((*FIELD_IN(char **, base, field->offset))[i]);
    case FIELD_REALS: {
        double real = (*FIELD_IN(double *, base, field->offset))[i];
        return json_real(isfinite(real) ? real : 0);
    }
    case FIELD_COUNTS:
        return count_to_json((*FIELD_IN(uint64_t *, base, field->offset))[i]);
    default:
        return json_integer((*FIELD_IN(unsigned *, base, field->offset))[i]);
    }
}

static json_t *array_to_json(const struct writing *w, const struct field *field, const void *base)
{
    size_t count = field->kind == FIELD_UNSIGNEDS ? *FIELD_IN(unsigned, base, field->count)
                                                  : *FIELD_IN(size_t, base, field->count);
    const char *objects = *FIELD_IN(char *, base, field->offset);
    json_t *array = json_array();
    for (size_t i = 0; array && objects && i < count; i++) {
        const char *object = field->kind == FIELD_OBJECTS ? objects + i * field->below->size : NULL;
        if (object && !w->terms_only && field->below->left_out && field->below->left_out(object))
            continue;
        json_t *element = object ? object_to_json(w, field->below, object) : element_to_json(field, base, i);
        if (json_array_append_new(array, element) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

/* False where the field was not measured, or is not for this cell. */
static bool is_present(const struct field *field, const void *base)
{
    double real;
    if (field->of_ok_cell && ((const struct cell *)base)->status != CELL_OK)
        return false;
    if (field->of_other_cell && ((const struct cell *)base)->status != CELL_OK)
        return true;
    switch (field->kind) {
    case FIELD_TEXT:
        return field->required || *FIELD_IN(char *, base, field->offset);
    case FIELD_REAL:
        return field->required || isfinite(*FIELD_IN(double, base, field->offset));
    case FIELD_SIGNED:
        real = *FIELD_IN(double, base, field->offset);
        return field->required || (isfinite(real) && (!field->zero_is_absent || real != 0));
    case FIELD_PLACE:
        return *FIELD_IN(int, base, field->offset) >= 0;
    case FIELD_UNSIGNEDS:
        return *FIELD_IN(unsigned *, base, field->offset);
    case FIELD_UNSIGNED:
        return !field->zero_is_absent || *FIELD_IN(unsigned, base, field->offset);
    case FIELD_COUNT:
        return !field->zero_is_absent || *FIELD_IN(uint64_t, base, field->offset);
    case FIELD_OBJECTS:
        return !field->zero_is_absent || *FIELD_IN(size_t, base, field->count);
    case FIELD_OBJECT:
        return !field->zero_is_absent || *FIELD_IN(uint64_t, base, field->count);
    default:
        return true;
    }
}

static json_t *field_to_json(const struct writing *w, const struct field *field, const void *base)
{
    double real;
    uint64_t chunk;
    switch (field->kind) {
    case FIELD_TEXT:
        return fields_text(*FIELD_IN(char *, base, field->offset));
    case FIELD_BOOL:
    case FIELD_TRUE:
        return json_boolean(*FIELD_IN(bool, base, field->offset));
    case FIELD_UNSIGNED:
        return json_integer(*FIELD_IN(unsigned, base, field->offset));
    case FIELD_COUNT:
        return count_to_json(*FIELD_IN(uint64_t, base, field->offset));
    case FIELD_REAL:
    case FIELD_SIGNED:
        real = *FIELD_IN(double, base, field->offset);
        return json_real(isfinite(real) ? real : 0);
    case FIELD_PLACE:
        return json_integer(*FIELD_IN(int, base, field->offset));
    case FIELD_CHUNK:
        chunk = *FIELD_IN(uint64_t, base, field->offset);
        return chunk ? count_to_json(chunk) : json_string("auto");
    case FIELD_CHOICE:
        return json_string(field->choices[*FIELD_IN(int, base, field->offset)]);
    case FIELD_OBJECT:
        return object_to_json(w, field->below, FIELD_IN(char, base, field->offset));
    default:
        return array_to_json(w, field, base);
    }
}

static json_t *object_to_json(const struct writing *outer, const struct fields *fields, const void *base)
{
    struct writing here = *outer, *w = &here;
    json_t *object = json_object();
    w->terms_only |= fields->terms_only;
    for (const struct field *field = fields->list; object && field->name; field++) {
        if ((w->terms_only && field->measured) || !is_present(field, base))
            continue;
        json_t *json = field->derive ? field->derive(w->document, base) : field_to_json(w, field, base);
        if (!json && field->derive)
            continue;
        if (field->kind == FIELD_OBJECT && !field->required && json && json_object_size(json) == 0) {
            json_decref(json);
            continue;
        }
        if (json_object_set_new(object, field->name, json) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

json_t *fields_to_json(const struct fields *fields, const void *document, const void *base)
{
    return object_to_json(&(struct writing){.document = document}, fields, base);
}

char *document_to_json(const struct document *document, const void *base)
{
    json_t *json = fields_to_json(document->fields, base, base);
    if (!json)
        return NULL;
    char *text = fields_layout(json);
    json_decref(json);
    return text;
}

static int write_all(int file, const char *text, size_t length)
{
    while (length) {
        ssize_t written = write(file, text, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return -1;
        text += written;
        length -= (size_t)written;
    }
    return 0;
}

/* Opens a file without a name in dir, or, where that is not possible, the one called `temporary`; *named says which. */
static int open_temporary(const char *dir, const char *temporary, bool *named)
{
    int file = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    *named = file < 0;
    if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return file;
    if (unlink(temporary) != 0 && errno != ENOENT)
        return -1;
    return open(temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0666);
}

/* rename() is what replaces a file in one step, and it wants a name. */
static int name_it(int file, const char *temporary)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (unlink(temporary) != 0 && errno != ENOENT)
        return -1;
    return linkat(AT_FDCWD, path, AT_FDCWD, temporary, AT_SYMLINK_FOLLOW);
}

static int replace(const char *dir, const char *temporary, const char *target, const char *text)
{
    bool named;
    int file = open_temporary(dir, temporary, &named);
    if (file < 0)
        return -1;
    int result = write_all(file, text, strlen(text));
    if (result == 0)
        result = write_all(file, "\n", 1);
    if (result == 0)
        result = fsync(file);
    if (result == 0 && !named) {
        result = name_it(file, temporary);
        named = result == 0;
    }
    int saved = errno;
    if (close(file) != 0 && result == 0) {
        saved = errno;
        result = -1;
    }
    if (result == 0 && rename(temporary, target) != 0) {
        saved = errno;
        result = -1;
    }
    if (result != 0 && named)
        unlink(temporary);
    errno = saved;
    return result;
}

int document_replace(const char *dir, const char *name, const char *text, struct report_error *error)
{
    char *target = NULL, *temporary = NULL;
    int result = -1;
    errno = ENOMEM;
    if (asprintf(&target, "%s/%s", dir, name) < 0)
        target = NULL;
    if (target && asprintf(&temporary, "%s/.%s.%ld", dir, name, (long)getpid()) < 0)
        temporary = NULL;
    if (temporary && text)
        result = replace(dir, temporary, target, text);
    if (result != 0) {
        error->code = 73;
        snprintf(error->text, sizeof error->text, "cannot write %s/%s: %s", dir, name, strerror(errno));
    }
    free(temporary);
    free(target);
    return result;
}

int document_write(const struct document *document, const void *base, const char *dir, const char *name,
                   struct report_error *error)
{
    char *text = document_to_json(document, base);
    int result = document_replace(dir, name ? name : document->name, text, error);
    free(text);
    return result;
}
