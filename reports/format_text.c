/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * format_text.c - display columns, cleaning and wrapping of UTF-8 text.
 *
 * What a results file says is printed on terminals, and the file may be another person's: control characters never
 * reach the terminal, and widths do not hang on its locale. */
#include "reports/format.h"

#include <stdbool.h>
#include <string.h>

struct range {
    uint32_t first, last;
};

/* Decodes one character, which is at least a byte: what is not UTF-8 is a character per byte. */
static size_t decode(const char *text, uint32_t *character)
{
    const unsigned char *byte = (const unsigned char *)text;
    size_t length = byte[0] < 0x80 ? 1 : byte[0] >= 0xf0 ? 4 : byte[0] >= 0xe0 ? 3 : byte[0] >= 0xc2 ? 2 : 1;
    *character = length == 1 ? byte[0] : byte[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((byte[i] & 0xc0) != 0x80) {
            *character = 0xfffd;
            return 1;
        }
        *character = *character << 6 | (byte[i] & 0x3f);
    }
    return length;
}

static bool within(uint32_t character, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (character >= ranges[i].first && character <= ranges[i].last)
            return true;
    return false;
}

static size_t columns_of(uint32_t character)
{
    static const struct range none[] = {{0x300, 0x36f}, {0x200b, 0x200f}, {0xfe00, 0xfe0f}, {0x20d0, 0x20f0}};
    static const struct range two[] = {{0x1100, 0x115f}, {0x2e80, 0xa4cf},   {0xac00, 0xd7a3},
                                       {0xf900, 0xfaff}, {0xfe30, 0xfe6f},   {0xff00, 0xff60},
                                       {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};
    if (within(character, none, sizeof none / sizeof *none))
        return 0;
    return within(character, two, sizeof two / sizeof *two) ? 2 : 1;
}

size_t format_fit(const char *text, size_t columns)
{
    size_t at = 0, used = 0;
    while (text[at]) {
        uint32_t character;
        size_t length = decode(text + at, &character);
        used += columns_of(character);
        if (used > columns)
            break;
        at += length;
    }
    return at;
}

size_t format_width(const char *text)
{
    size_t width = 0;
    while (*text) {
        uint32_t character;
        text += decode(text, &character);
        width += columns_of(character);
    }
    return width;
}

char *format_clean(char *text)
{
    for (char *at = text; *at;) {
        uint32_t character;
        size_t length = decode(at, &character);
        if (character < 0x20 || (character >= 0x7f && character < 0xa0))
            memset(at, '?', length);
        at += length;
    }
    return text;
}

/* The bytes of the next line: up to the last blank that fits, or as much as fits where there is none. */
static size_t line_length(const char *text, size_t columns)
{
    size_t fits = format_fit(text, columns);
    if (!text[fits] || text[fits] == ' ')
        return fits;
    for (size_t at = fits; at > 0; at--)
        if (text[at - 1] == ' ')
            return at - 1;
    uint32_t first;
    return fits ? fits : decode(text, &first);
}

static void put_cleaned(FILE *out, const char *text, size_t length)
{
    for (size_t at = 0, step; at < length; at += step) {
        uint32_t character;
        step = decode(text + at, &character);
        if (character < 0x20 || (character >= 0x7f && character < 0xa0))
            fputc('?', out);
        else
            fwrite(text + at, 1, step, out);
    }
}

void format_wrap(FILE *out, const char *text, size_t columns, size_t indent)
{
    size_t margin = 0;
    if (indent + 8 > columns)
        indent = 0;
    do {
        size_t length = line_length(text, columns - margin);
        fprintf(out, "%*s", (int)margin, "");
        put_cleaned(out, text, length);
        fputc('\n', out);
        for (text += length; *text == ' '; text++)
            ;
        margin = indent;
    } while (*text);
}
