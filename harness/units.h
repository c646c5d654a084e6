/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * units.h - quantities as people write them, and back.
 *
 *   counts     64  64k (64,000)  1M  1.5G  64Ki (65,536)
 *   bytes      4096  64k (65,536)  1M  1MiB  1kB (1,000)  8B
 *   durations  50ns  5us  5µs  20ms  2s  1.5m (90 s)  1h; 0 needs no unit
 *   shares     2%  0.5%  2 (2 %), in thousandths of a percent
 *
 * Parsing takes the whole text or nothing: no sign, no blanks, no exponent, no loss (1.5 is no count), no overflow. */
#ifndef MUSTER_HARNESS_UNITS_H
#define MUSTER_HARNESS_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* 0, or -1 with *why set to what is wrong with the text, as in "'12x' WHY". */
int units_parse_count(const char *text, uint64_t *value, const char **why);
int units_parse_bytes(const char *text, uint64_t *value, const char **why);
int units_parse_duration(const char *text, uint64_t *nanoseconds, const char **why);
int units_parse_share(const char *text, uint64_t *share, const char **why);

#define UNITS_PERCENT 1000 /* of a share */

/* At most three digits and a unit: "9.1 k", "287 M"; "64 KiB"; "43 µs"; and "0.5%" in full. They return `buffer`. */
enum { UNITS_TEXT = 24 };
const char *units_print_count(char buffer[UNITS_TEXT], double value);
const char *units_print_bytes(char buffer[UNITS_TEXT], double value);
const char *units_print_duration(char buffer[UNITS_TEXT], double nanoseconds);
const char *units_print_share(char buffer[UNITS_TEXT], double share);

#endif
