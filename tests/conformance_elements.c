/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * conformance_elements.c - filling elements and reading them back. */
#include "tests/conformance_elements.h"

#include <string.h>

static uint64_t word_of(uint64_t head, size_t at)
{
    return at == 0 ? head : (head + at) * UINT64_C(0xd6e8feb86659fd93);
}

static void put(unsigned char *to, size_t size, uint64_t head)
{
    for (size_t at = 0; at < size; at += sizeof head) {
        uint64_t word = word_of(head, at);
        memcpy(to + at, &word, size - at < sizeof word ? size - at : sizeof word);
    }
}

static bool whole(const unsigned char *element, size_t size, uint64_t head)
{
    for (size_t at = 0; at < size; at += sizeof head) {
        uint64_t word = word_of(head, at);
        if (memcmp(element + at, &word, size - at < sizeof word ? size - at : sizeof word) != 0)
            return false;
    }
    return true;
}

void element_rows(unsigned char *to, size_t n, size_t size, uint32_t appender, uint64_t first)
{
    for (size_t i = 0; i < n; i++)
        put(to + i * size, size, (uint64_t)(appender + 1) << 40 | (first + i));
}

uint64_t element_faults(const unsigned char *elements, size_t count, size_t size, uint64_t *found, size_t appenders)
{
    uint64_t faults = 0;
    memset(found, 0, appenders * sizeof *found);
    for (size_t i = 0; i < count; i++, elements += size) {
        uint64_t head, appender;
        memcpy(&head, elements, sizeof head);
        appender = (head >> 40) - 1;
        if (appender >= appenders || !whole(elements, size, head)) {
            faults++;
            continue;
        }
        faults += (head & ((UINT64_C(1) << 40) - 1)) != found[appender];
        found[appender]++;
    }
    return faults;
}
