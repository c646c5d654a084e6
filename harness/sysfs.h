/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sysfs.h - the small text files in which the kernel says what it is like: /sys, /proc, and the like.
 *
 * What is not there is no error here: the machine, a container or a permission may keep any of these files away. */
#ifndef MUSTER_HARNESS_SYSFS_H
#define MUSTER_HARNESS_SYSFS_H

#include <stddef.h>
#include <stdint.h>

/* The first line of the file, without blanks around it, cut to the buffer. Returns `line`; NULL when the file cannot be
 * read or its first line is empty. */
char *sysfs_line(char *line, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The number with which the file begins, or -1. */
int64_t sysfs_number(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The value of the first line `key: value` or `key=value` in the file; quotes around the value are taken off. */
char *sysfs_value(char *value, size_t size, const char *path, const char *key);

/* The word in brackets of "always [madvise] never", in place; the text itself when there is none. NULL stays NULL. */
char *sysfs_chosen(char *line);

#endif
