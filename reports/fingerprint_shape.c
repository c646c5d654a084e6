/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fingerprint_shape.c - a scanner of tags and quoted attributes, which is all of XML that hwloc writes.
 *
 * The text may be anything, since it comes from a file: whatever is not understood is passed over, and objects nest no
 * deeper than DEEPEST. */
#include "reports/fingerprint_shape.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 64, VALUE = 96 };

/* A tag's text, "<object type=...>", without the brackets. */
struct tag {
    const char *text;
    size_t length;
};

/* Siblings as they are written: equal neighbours once, behind their number. */
struct siblings {
    FILE *out;
    char *last; /* not written yet; NULL: none */
    unsigned count;
    bool begun;
};

/* The next tag at or behind *at, which moves behind it; false at the end. A bracket inside of quotes ends nothing. */
static bool next_tag(const char **at, struct tag *tag)
{
    const char *start = strchr(*at, '<'), *end;
    bool quoted = false;
    if (!start)
        return false;
    for (end = start + 1; *end && (quoted || *end != '>'); end++)
        quoted ^= *end == '"';
    if (!*end)
        return false;
    *tag = (struct tag){.text = start + 1, .length = (size_t)(end - start - 1)};
    *at = end + 1;
    return true;
}

static bool tag_is(const struct tag *tag, const char *name)
{
    size_t length = strlen(name);
    return tag->length >= length && strncmp(tag->text, name, length) == 0 &&
           (tag->length == length || strchr(" \t\n/", tag->text[length]));
}

static bool tag_is_whole(const struct tag *tag)
{
    return tag->length > 0 && tag->text[tag->length - 1] == '/';
}

/* The attribute's value in `value`, "" where the tag has none. */
static const char *attribute(const struct tag *tag, const char *name, char value[VALUE])
{
    char key[32];
    size_t length = (size_t)snprintf(key, sizeof key, " %s=\"", name), used = 0;
    const char *found = memmem(tag->text, tag->length, key, length), *end = tag->text + tag->length;
    value[0] = '\0';
    if (!found)
        return value;
    for (found += length; found < end && *found != '"' && used + 1 < VALUE; found++)
        value[used++] = *found;
    value[used] = '\0';
    return value;
}

static void siblings_flush(struct siblings *siblings)
{
    if (!siblings->last)
        return;
    if (siblings->begun)
        fputc(' ', siblings->out);
    if (siblings->count > 1)
        fprintf(siblings->out, "%ux ", siblings->count);
    fputs(siblings->last, siblings->out);
    siblings->begun = true;
    free(siblings->last);
    siblings->last = NULL;
}

/* Takes `text`. */
static void siblings_add(struct siblings *siblings, char *text)
{
    if (siblings->last && strcmp(siblings->last, text) == 0) {
        siblings->count++;
        free(text);
        return;
    }
    siblings_flush(siblings);
    siblings->last = text;
    siblings->count = 1;
}

/* The name of an object that counts, "" for one whose children alone do. */
static const char *object_name(const struct tag *tag, char name[VALUE])
{
    static const char *const kept[] = {"Package", "Die", "NUMANode", "Core", "PU"};
    char type[VALUE], size[VALUE];
    attribute(tag, "type", type);
    attribute(tag, "cache_size", size);
    name[0] = '\0';
    if (type[0] == 'L' && strstr(type, "Cache"))
        snprintf(name, VALUE, "%.2s%s:%lluk", type, strstr(type, "iCache") ? "i" : "", strtoull(size, NULL, 10) / 1024);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strcmp(type, kept[i]) == 0)
            snprintf(name, VALUE, "%s", type);
    return name;
}

static int describe_inside(const char **at, struct siblings *siblings, unsigned depth);

/* An object that counts, with what is inside of it. */
static int describe_object(const char **at, const struct tag *tag, const char *name, struct siblings *outer,
                           unsigned depth)
{
    char *text = NULL, *whole = NULL;
    size_t size;
    int result = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return -1;
    struct siblings inner = {.out = out};
    if (!tag_is_whole(tag))
        result = describe_inside(at, &inner, depth + 1);
    siblings_flush(&inner);
    if (fclose(out))
        result = -1;
    if (result == 0)
        result = asprintf(&whole, "%s%s%s%s", name, size ? "(" : "", text, size ? ")" : "") < 0 ? -1 : 0;
    if (result) {
        free(text);
        return -1;
    }
    free(text);
    siblings_add(outer, whole);
    return 0;
}

/* Up to the end tag of the object around. */
static int describe_inside(const char **at, struct siblings *siblings, unsigned depth)
{
    struct tag tag;
    char name[VALUE];
    int result = 0;
    while (result == 0 && depth < DEEPEST && next_tag(at, &tag) && !tag_is(&tag, "/object")) {
        if (!tag_is(&tag, "object"))
            continue;
        if (*object_name(&tag, name))
            result = describe_object(at, &tag, name, siblings, depth);
        else if (!tag_is_whole(&tag))
            result = describe_inside(at, siblings, depth + 1);
    }
    return result;
}

/* What a stream made, or NULL where it is empty. */
static int taken(FILE *out, char **text, size_t *size, int result)
{
    if (fclose(out))
        result = -1;
    if (result || !*size) {
        free(*text);
        *text = NULL;
    }
    return result;
}

int shape_describe(const char *xml, char **text)
{
    size_t size;
    *text = NULL;
    if (!xml)
        return 0;
    FILE *out = open_memstream(text, &size);
    if (!out)
        return -1;
    struct siblings machine = {.out = out};
    int result = describe_inside(&xml, &machine, 0);
    siblings_flush(&machine);
    return taken(out, text, &size, result);
}

int shape_identity(const char *xml, char **text)
{
    static const char *const names[] = {
        "CPUVendor",       "CPUFamilyNumber", "CPUModelNumber", "CPUStepping", "CPUImplementer",
        "CPUArchitecture", "CPUVariant",      "CPUPart",        "CPURevision", NULL,
    };
    size_t size;
    *text = NULL;
    if (!xml)
        return 0;
    FILE *out = open_memstream(text, &size);
    if (!out)
        return -1;
    for (const char *const *wanted = names; *wanted; wanted++) {
        const char *at = xml;
        struct tag tag;
        char name[VALUE], value[VALUE];
        while (next_tag(&at, &tag))
            if (tag_is(&tag, "info") && strcmp(attribute(&tag, "name", name), *wanted) == 0) {
                fprintf(out, "%s%s %s", ftell(out) > 0 ? ", " : "", *wanted + strlen("CPU"),
                        attribute(&tag, "value", value));
                break;
            }
    }
    return taken(out, text, &size, 0);
}
