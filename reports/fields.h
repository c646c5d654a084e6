/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fields.h - files by tables: which field of a JSON document is which member of a struct, said once, by which the
 * document is written, read, checked and freed, so that these cannot disagree.
 *
 * Private to reports/. A new kind of file is a table of fields and a struct document; a new field is a member of the
 * struct, a line in the table and one in the schema. Nothing is believed on reading: an error names the place as a
 * path, "cells[3].trials[0].windows[2]". What was not measured is NAN in memory and absent in the file. */
#ifndef MUSTER_REPORTS_FIELDS_H
#define MUSTER_REPORTS_FIELDS_H

#include "reports/results.h"

#include <jansson.h>

enum field_kind {
    FIELD_TEXT,      /* char *; NULL is absent */
    FIELD_BOOL,      /* bool */
    FIELD_TRUE,      /* bool, true where it is absent */
    FIELD_UNSIGNED,  /* unsigned */
    FIELD_COUNT,     /* uint64_t; above what JSON readers hold as an integer, its digits as a string */
    FIELD_REAL,      /* double, not negative; NAN is absent */
    FIELD_SIGNED,    /* double of either sign; NAN is absent, or with zero_is_absent 0 */
    FIELD_PLACE,     /* int, -1 is absent */
    FIELD_CHUNK,     /* uint64_t, 0 is "auto" */
    FIELD_CHOICE,    /* an enum: the index into `choices` */
    FIELD_TEXTS,     /* char **, and its size_t count */
    FIELD_REALS,     /* double *, and its count */
    FIELD_COUNTS,    /* uint64_t *, and its count */
    FIELD_UNSIGNEDS, /* unsigned *, as many as an unsigned field of its own says; NULL is absent */
    FIELD_OBJECT,    /* a struct held in place; one that is not required and comes out empty is absent */
    FIELD_OBJECTS,   /* an array of structs, and its count */
    FIELD_DERIVED,   /* computed on writing; skipped on reading, unless `agrees` */
};

struct fields {
    const struct field *list; /* ends with a name of NULL */
    size_t size;              /* of the struct */
    /* After reading one: completes it, or finds fault with it and says why; -1 for a fault. NULL: nothing to check. */
    int (*check)(void *base, char *why, size_t size);
    bool (*left_out)(const void *base); /* an element that is not written; NULL: all are */
    bool terms_only;                    /* from here down, fields that are `measured` and `left_out` do not count */
};

struct field {
    const char *name;
    enum field_kind kind;
    bool required, zero_is_absent; /* an object is absent where the uint64_t at `count` is zero */
    bool of_ok_cell;               /* a cell has it only with status ok */
    bool of_other_cell;            /* and must have it with any other */
    bool counted;                  /* an array of objects: its count is another, earlier field's, and must agree */
    bool measured;                 /* no part of the terms: see terms_only */
    bool agrees;                   /* of a derived field: what stands in the file must be what is derived again */
    size_t offset, count;          /* of the member, of the member that counts it */
    const char *const *choices;
    const struct fields *below;
    json_t *(*derive)(const void *document, const void *base); /* NULL: absent this time */
};

/* A kind of file. */
struct document {
    const char *schema; /* "muster.results/1", the document's field `schema` */
    const char *what;   /* "results file", for people */
    const char *name;   /* "results.json": what it is called in its folder */
    const struct fields *fields;
};

/* The member at an offset of a struct. */
#define FIELD_AT(type, base, offset) ((type *)(void *)((char *)(base) + (offset)))
#define FIELD_IN(type, base, offset) ((const type *)(const void *)((const char *)(base) + (offset)))

/* In a table: where a member is, and the member that counts it. */
#define AT(type, member)               .offset = offsetof(struct type, member)
#define COUNTED(type, member, counter) AT(type, member), .count = offsetof(struct type, counter)

/* Frees and zeroes all memory that hangs below a struct. */
void fields_free(const struct fields *, void *base);

/* Sets every member to what stands for "not measured". */
void fields_clear(const struct fields *, void *base);

/* The fields as a JSON object; NULL when memory is short. `document` is what `derive` gets. */
json_t *fields_to_json(const struct fields *, const void *document, const void *base);

/* A JSON string; bytes that are no UTF-8 become '?', NULL becomes "". NULL when memory is short. */
json_t *fields_text(const char *text);

/* JSON as text, freed by the caller: a line per member, and per element of arrays of objects. NULL when memory is
 * short. */
char *fields_layout(const json_t *);

/* The whole file as text, freed by the caller; NULL when memory is short. */
char *document_to_json(const struct document *, const void *base);

/* From `path`, or from path/name where that is a folder. 0, or -1 with *error filled and *base zeroed: 66 for a file
 * that cannot be opened, 65 for one that is not what it should be. */
int document_read(const struct document *, const char *path, void *base, struct report_error *error);

/* One document of a file that has one per line; `file` and `line`, from 1, name it in errors. 1 when it is no whole
 * JSON, then without *error; *base is zeroed unless 0 is returned. */
int document_read_line(const struct document *, const char *file, size_t line, const char *text, size_t length,
                       void *base, struct report_error *error);

/* Writes dir/name (NULL: the document's own) by temporary file, fsync and rename: a reader sees the old file or the new
 * one, never half. 0, or -1 with *error filled; the earlier file is then untouched and no temporary file is left. */
int document_write(const struct document *, const void *base, const char *dir, const char *name,
                   struct report_error *error);

/* The same of a text that is made otherwise; NULL stands for one for which memory was short. */
int document_replace(const char *dir, const char *name, const char *text, struct report_error *error);

#endif
