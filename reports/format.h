/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * format.h - how numbers and texts look to people: three digits at most and a unit, lines that do not exceed a width.
 *
 * The format_* functions that take a text write a terminated string into it and return it; what was not measured (NAN)
 * gives
 * "". Widths are display columns of UTF-8, whatever the locale. */
#ifndef MUSTER_REPORTS_FORMAT_H
#define MUSTER_REPORTS_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define FORMAT_SIZE 48

char *format_rate(char text[FORMAT_SIZE], double value); /* "287 M", "9.1 k", "512" */
char *format_rate_range(char text[FORMAT_SIZE], double value, double low,
                        double high);                                               /* "283–291 M", in value's unit */
char *format_around(char text[FORMAT_SIZE], double value, double low, double high); /* "±1%": the wider side */
char *format_ns(char text[FORMAT_SIZE], double ns);                                 /* "43 µs" */
char *format_seconds(char text[FORMAT_SIZE], double seconds);                       /* "70 s", "4 min" */
char *format_ratio(char text[FORMAT_SIZE], double ratio);                           /* "1.96×" */
char *format_change(char text[FORMAT_SIZE], double ratio);                          /* "+4.9 %" for 1.049 */
char *format_changes(char text[FORMAT_SIZE], double low, double high);              /* "[+4.6 +5.3]", in percent */
char *format_bytes(char text[FORMAT_SIZE], uint64_t bytes);                         /* "8-byte", "64 KiB" */
char *format_chunk(char text[FORMAT_SIZE], uint64_t chunk);                         /* "16", "auto" for 0 */
char *format_handicap(char text[FORMAT_SIZE], double handicap); /* "handicapped by 5 %: times stretched" */

/* "0-3,8"; ends in "…" where it does not fit. */
char *format_set(char *text, size_t size, const unsigned *numbers, size_t count);

/* The relative half-width that format_around() prints, as a fraction; NAN without an interval. */
double format_half_width(double value, double low, double high);

/* Display columns of a text. */
size_t format_width(const char *text);

/* Bytes of the longest beginning of text that takes at most `columns` display columns. */
size_t format_fit(const char *text, size_t columns);

/* Makes text safe for a terminal in place: control characters become '?'. Returns text. */
char *format_clean(char *text);

/* Writes text broken at blanks into lines of at most `columns`, continuation lines indented. The text is cleaned. */
void format_wrap(FILE *out, const char *text, size_t columns, size_t indent);

#endif
