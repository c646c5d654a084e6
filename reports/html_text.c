/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * html_text.c - escaping for the report's page.
 *
 * The input may come from a file that another program wrote: markup, control characters and broken UTF-8 are expected.
 * A byte sequence is copied only when it is a whole, shortest-form UTF-8 character. */
#include "reports/html_text.h"

#include <stdarg.h>
#include <stddef.h>

static const char replacement[] = "\xef\xbf\xbd";

/* Bytes of the character at `at`, 0 when it is not one. */
static size_t character_length(const unsigned char *at)
{
    size_t length = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;

    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if (length == 3 && ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f)))
        return 0;
    if (length == 4 && ((at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f)))
        return 0;
    return length;
}

static const char *entity(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void html_text(FILE *out, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    while (at && *at) {
        size_t length = character_length(at);

        if (length == 0 || (*at < ' ' && *at != '\t' && *at != '\n') || *at == 0x7f)
            fputs(replacement, out);
        else if (entity(*at))
            fputs(entity(*at), out);
        else
            fwrite(at, 1, length, out);
        at += length ? length : 1;
    }
}

void html_printf(FILE *out, const char *format, ...)
{
    char text[4096];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    html_text(out, text);
}
