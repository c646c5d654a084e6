/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * noise_parts.h - what the files of noise*.c share; private to them. */
#ifndef MUSTER_REPORTS_NOISE_PARTS_H
#define MUSTER_REPORTS_NOISE_PARTS_H

#include <stddef.h>

/* A text that grows; what does not fit is cut off. */
struct noise_text {
    char *text;
    size_t size, used;
};

void noise_say(struct noise_text *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "1.2 %", "12 %", and what follows. */
void noise_say_percent(struct noise_text *, double part, const char *after);

/* Half of what lies between the 5th and the 95th percentile, of its middle; NAN for fewer than three values. */
double noise_around(const double *values, size_t count);

#endif
