/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * verdict_parts.h - what the files that tell a judgement share; private to them (verdict_*.c). */
#ifndef MUSTER_REPORTS_VERDICT_PARTS_H
#define MUSTER_REPORTS_VERDICT_PARTS_H

#include "reports/verdict_report.h"

/* The cells by what was found, as they are counted in the last line; confirmed and once are among the others. */
struct judged_counts {
    size_t slower, once, confirmed, faster, equivalent, inconclusive, missing, failed;
};

struct judged_counts judged_count(const struct judgement *);

/* Slower in the first measurement only, or in the only one. */
bool judged_once(const struct finding *);

/* "counter/fork-pool", and of its parameters those in which another cell of that name differs. Returns text. */
char *judged_name(char *text, size_t size, const struct judgement *, size_t cell);

/* "pass"; "unjudged". */
const char *judged_overall(const struct judgement *);

/* The cell's calibrated floor, or NAN. */
double judged_floor(const struct judgement *, size_t cell);

/* Why a cell is missing or failed; "" where that is not known. */
const char *judged_reason(const struct judgement *, size_t cell);

/* In what the two sides differ, those things first that forbid a verdict; nothing where nothing does. */
void judged_differences(FILE *, const struct judgement *, const struct report_style *);
/* A new reference; NULL when memory is short. */
json_t *judged_differences_to_json(const struct judgement *);

/* What is to be said below the table: `order` has the cells as they stand there. */
void judged_sentences(FILE *, const struct judgement *, const size_t *order, const struct report_style *);

/* What to do where it could not be told, in a sentence; nothing elsewhere. */
void judged_next(FILE *, const struct judgement *, const struct report_style *);

#endif
