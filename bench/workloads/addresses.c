/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * addresses.c - see addresses.h. */
#include "bench/workloads/addresses.h"

#include <stdbool.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

const char *address_next(const char **at, size_t *length)
{
    while (**at) {
        const char *line = *at, *end = line + strcspn(line, "\n");
        *at = *end ? end + 1 : end;
        if (strncmp(line, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
            line += strlen(BYTE_ORDER_MARK);
        while (line < end && blank(*line))
            line++;
        while (end > line && blank(end[-1]))
            end--;
        *length = (size_t)(end - line);
        if (*length > 0 && *line != '#')
            return line;
    }
    return NULL;
}

size_t addresses_count(const char *text, size_t *longest)
{
    size_t count = 0, length;
    *longest = 0;
    for (const char *at = text; address_next(&at, &length); count++)
        *longest = length > *longest ? length : *longest;
    return count;
}
