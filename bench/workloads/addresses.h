/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * addresses.h - a text with an address on each line, taken apart.
 *
 * Lines end with a line feed, a carriage return before it is dropped, and the last one needs none. Blanks around an
 * address are dropped; empty lines and those that begin with '#' are no addresses. */
#ifndef MUSTER_BENCH_WORKLOADS_ADDRESSES_H
#define MUSTER_BENCH_WORKLOADS_ADDRESSES_H

#include <stddef.h>

/* The next address at or behind *at, which moves behind its line; *length is its bytes. NULL: there is none. */
const char *address_next(const char **at, size_t *length);
/* How many there are, and the longest one's bytes. */
size_t addresses_count(const char *text, size_t *longest);

#endif
