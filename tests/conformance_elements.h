/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * conformance_elements.h - list elements for the conformance suite: every word of one follows from who appended it, as
 * which of his, and from its place; so an element that is torn anywhere is told from a whole one. */
#ifndef MUSTER_TESTS_CONFORMANCE_ELEMENTS_H
#define MUSTER_TESTS_CONFORMANCE_ELEMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* n elements of `size` bytes, 8 or more, the first of which is appender's number `first`. */
void element_rows(unsigned char *to, size_t n, size_t size, uint32_t appender, uint64_t first);

/* Reads `count` elements and counts what is wrong: torn, foreign, out of order or with a gap. found[appenders] becomes
 * how many each appender has there. */
uint64_t element_faults(const unsigned char *elements, size_t count, size_t size, uint64_t *found, size_t appenders);

#endif
