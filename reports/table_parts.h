/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * table_parts.h - what the files of the terminal's tables share; private to them (table*.c, side.c, verdict_*.c). */
#ifndef MUSTER_REPORTS_TABLE_PARTS_H
#define MUSTER_REPORTS_TABLE_PARTS_H

#include "reports/grid.h"
#include "reports/rank.h"
#include "reports/style.h"

#include <stdio.h>

enum { TABLE_INDENT = 2, TABLE_NAME = 128, TABLE_LINE = 1024, TABLE_WIDE = 140 };

/* "AMD EPYC, 2 cores, 1 package, KVM guest, Linux 6.18". */
char *table_machine(char *text, size_t size, const struct host *);

/* "map · items/s · 8-byte items, no work · 2 workers on cores 0,1"; the workers only where `with_workers`. */
char *table_heading(char *text, size_t size, const struct rank_matrix *, bool with_workers);

/* Appends " · 8-byte items, no work", or nothing where that is the usual. */
void table_append_parameters(char *text, size_t size, const struct cell *);

/* Puts a cell's rate and interval, or why there is none, aligned on the unit. */
void table_put_rate(struct grid *, size_t column, const struct cell *);

/* What the cells' flags say, a line per flag; nothing where none has one. They are of `matrix`, or raw operations where
 * it is NULL. 0, or -1 when memory is short. */
int table_flags(FILE *, const struct cell *const *, size_t count, const struct rank_matrix *,
                const struct report_style *);

/* "*", the mark of a cell with a flag, or "". */
const char *table_mark(const struct cell *);

/* A line below a table, indented and wrapped; 0, or -1 when memory is short. */
int table_note(FILE *, const struct report_style *, const char *text);

/* What follows a matrix: the cells that failed, why some are n/a, what unranked variants lost. */
int table_notes(FILE *, const struct rank_matrix *, const struct report_style *);

int table_matrix(FILE *, const struct rank_matrix *, const struct report_style *);
int table_long(FILE *, const struct rank_matrix *, const struct report_style *);
int table_yardsticks(FILE *, const struct results *, const struct report_style *);

#endif
