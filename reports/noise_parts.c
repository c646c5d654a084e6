/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * noise_parts.c - see noise_parts.h. */
#include "reports/noise_parts.h"

#include "reports/statistics.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define READINGS_LEAST 3

void noise_say(struct noise_text *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(s->text + s->used, s->size - s->used, format, arguments);
    va_end(arguments);
    if (length > 0)
        s->used = s->used + (size_t)length < s->size ? s->used + (size_t)length : s->size - 1;
}

/* Below a tenth a digit more is worth its place. */
void noise_say_percent(struct noise_text *s, double part, const char *after)
{
    noise_say(s, "%.*f %%%s", part < 0.0995 ? 1 : 0, 100 * part, after);
}

double noise_around(const double *values, size_t count)
{
    size_t known = 0;
    for (size_t i = 0; i < count; i++)
        known += isfinite(values[i]);
    if (known < READINGS_LEAST)
        return NAN;
    double low = statistics_quantile(values, count, 0.05), high = statistics_quantile(values, count, 0.95);
    return (high - low) / (high + low);
}
