/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * html_text.h - texts on a page: whatever a results file holds, it comes out as text and never as markup. */
#ifndef MUSTER_REPORTS_HTML_TEXT_H
#define MUSTER_REPORTS_HTML_TEXT_H

#include <stdio.h>

/* Writes text escaped, fit for an element's content and for an attribute in quotes; bytes that are not UTF-8 and
 * control characters become the replacement character. NULL writes nothing. */
void html_text(FILE *out, const char *text);

/* Formats, and writes the result as html_text() does. At most 4095 bytes of it. */
void html_printf(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
