/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * results_fields.h - which field of the results file is which member of struct results: one table, by which the file is
 * written, read, checked and turned into CSV columns, so that these cannot disagree.
 *
 * Private to reports/. A new field is a member in results.h, a line in results_fields.c and one in the schema. */
#ifndef MUSTER_REPORTS_RESULTS_FIELDS_H
#define MUSTER_REPORTS_RESULTS_FIELDS_H

#include "reports/results.h"

#include <jansson.h>

enum field_kind {
    FIELD_TEXT,      /* char *; NULL is absent */
    FIELD_BOOL,      /* bool */
    FIELD_TRUE,      /* bool, true where it is absent */
    FIELD_UNSIGNED,  /* unsigned */
    FIELD_COUNT,     /* uint64_t; above what JSON readers hold as an integer, its digits as a string */
    FIELD_REAL,      /* double, not negative; NAN is absent */
    FIELD_PLACE,     /* int, -1 is absent */
    FIELD_CHUNK,     /* uint64_t, 0 is "auto" */
    FIELD_CHOICE,    /* an enum: the index into `choices` */
    FIELD_TEXTS,     /* char **, and its size_t count */
    FIELD_REALS,     /* double *, and its count */
    FIELD_COUNTS,    /* uint64_t *, and its count */
    FIELD_UNSIGNEDS, /* unsigned *, as many as an unsigned field of its own says; NULL is absent */
    FIELD_OBJECT,    /* a struct held in place */
    FIELD_OBJECTS,   /* an array of structs, and its count */
    FIELD_DERIVED,   /* computed on writing, skipped on reading */
};

struct fields {
    const struct field *list; /* ends with a name of NULL */
    size_t size;              /* of the struct */
};

struct field {
    const char *name;
    enum field_kind kind;
    bool required, zero_is_absent; /* an object is absent where the count at `count` is zero */
    bool of_ok_cell;               /* a cell has it only with status ok */
    bool of_other_cell;            /* and must have it with any other */
    size_t offset, count;          /* of the member, of the member that counts it */
    const char *const *choices;
    const struct fields *below;
    json_t *(*derive)(const struct results *, const void *); /* NULL: absent this time */
};

extern const struct fields results_fields, cell_fields, trial_fields;

/* The member at an offset of a struct. */
#define FIELD_AT(type, base, offset) ((type *)(void *)((char *)(base) + (offset)))
#define FIELD_IN(type, base, offset) ((const type *)(const void *)((const char *)(base) + (offset)))

/* Frees and zeroes all memory that hangs below a struct. */
void fields_free(const struct fields *, void *base);

/* Sets every member to what stands for "not measured". */
void fields_clear(const struct fields *, void *base);

/* The fields as a JSON object; NULL when memory is short. */
json_t *fields_to_json(const struct fields *, const struct results *, const void *base);

/* The document as text, freed by the caller: a line per strategy, workload, cell and trial. NULL when memory is short.
 */
char *fields_layout(const json_t *);

#endif
