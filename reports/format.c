/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * format.c - numbers with three digits at most and a unit; display widths of UTF-8 without a locale.
 *
 * A number is rounded first and given its unit afterwards, so that 999.6 becomes "1.0 k" and never "1000". */
#include "reports/format.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

static const char *const RATE_UNITS[] = {"", "k", "M", "G", "T", "P", "E"};
enum { RATE_UNIT_COUNT = sizeof RATE_UNITS / sizeof *RATE_UNITS };

/* The digits of a number from 0 to 999: one decimal below 10, none above. */
static void digits(char *text, size_t size, double value)
{
    if (value > 0 && value < 0.095)
        snprintf(text, size, "%.1g", value);
    else
        snprintf(text, size, "%.*f", value != 0 && value < 9.95 ? 1 : 0, value);
}

/* Divides value down to what its unit shows; returns the unit's index. */
static size_t scale_rate(double *value)
{
    size_t unit = 0;
    while (fabs(*value) >= 999.5 && unit + 1 < RATE_UNIT_COUNT) {
        *value /= 1000;
        unit++;
    }
    return unit;
}

char *format_rate(char text[FORMAT_SIZE], double value)
{
    char number[24];
    text[0] = '\0';
    if (!isfinite(value))
        return text;
    size_t unit = scale_rate(&value);
    digits(number, sizeof number, fabs(value));
    snprintf(text, FORMAT_SIZE, "%s%s%s%s", value < 0 ? "-" : "", number, unit ? " " : "", RATE_UNITS[unit]);
    return text;
}

char *format_rate_range(char text[FORMAT_SIZE], double value, double low, double high)
{
    text[0] = '\0';
    if (!isfinite(value) || !isfinite(low) || !isfinite(high))
        return text;
    size_t unit = scale_rate(&value);
    double scale = pow(1000, (double)unit);
    int decimals = value < 9.95 ? 2 : value < 99.5 ? 1 : 0;
    snprintf(text, FORMAT_SIZE, "%.*f–%.*f%s%s", decimals, low / scale, decimals, high / scale, unit ? " " : "",
             RATE_UNITS[unit]);
    return text;
}

double format_half_width(double value, double low, double high)
{
    if (!isfinite(value) || !isfinite(low) || !isfinite(high) || value <= 0)
        return NAN;
    return fmax(value - low, high - value) / value;
}

char *format_around(char text[FORMAT_SIZE], double value, double low, double high)
{
    double half = 100 * format_half_width(value, low, high);
    text[0] = '\0';
    if (isfinite(half))
        snprintf(text, FORMAT_SIZE, "±%.0f%%", fmax(1, half));
    return text;
}

char *format_ns(char text[FORMAT_SIZE], double ns)
{
    static const char *const units[] = {"ns", "µs", "ms", "s"};
    size_t unit = 0;
    char number[24];
    text[0] = '\0';
    if (!isfinite(ns) || ns < 0)
        return text;
    for (; ns >= 999.5 && unit < 3; unit++)
        ns /= 1000;
    digits(number, sizeof number, ns);
    if (unit == 0)
        snprintf(number, sizeof number, "%.0f", ns);
    snprintf(text, FORMAT_SIZE, "%s %s", number, units[unit]);
    return text;
}

char *format_seconds(char text[FORMAT_SIZE], double seconds)
{
    text[0] = '\0';
    if (!isfinite(seconds) || seconds < 0)
        return text;
    if (seconds < 10)
        snprintf(text, FORMAT_SIZE, "%.1f s", seconds);
    else if (seconds < 119.5)
        snprintf(text, FORMAT_SIZE, "%.0f s", seconds);
    else if (seconds < 119.5 * 60)
        snprintf(text, FORMAT_SIZE, "%.0f min", seconds / 60);
    else
        snprintf(text, FORMAT_SIZE, "%.0f h", seconds / 3600);
    return text;
}

char *format_ratio(char text[FORMAT_SIZE], double ratio)
{
    char rate[FORMAT_SIZE];
    text[0] = '\0';
    if (!isfinite(ratio) || ratio < 0)
        return text;
    if (ratio >= 9999.5)
        snprintf(text, FORMAT_SIZE, "%s×", format_rate(rate, ratio));
    else if (ratio > 0 && ratio < 0.00995)
        snprintf(text, FORMAT_SIZE, "%.1g×", ratio);
    else
        snprintf(text, FORMAT_SIZE, "%.*f×", ratio < 9.995 ? 2 : ratio < 99.95 ? 1 : 0, ratio);
    return text;
}

/* In percent and with its sign; what rounds to nothing is "+0.0". */
static void change_digits(char *text, size_t size, double ratio)
{
    double percent = 100 * (ratio - 1);
    if (fabs(percent) < 0.05)
        percent = 0;
    snprintf(text, size, "%+.*f", fabs(percent) < 99.95 ? 1 : 0, percent);
}

char *format_change(char text[FORMAT_SIZE], double ratio)
{
    char number[24];
    text[0] = '\0';
    if (isnan(ratio))
        return text;
    change_digits(number, sizeof number, ratio);
    snprintf(text, FORMAT_SIZE, "%s %%", number);
    return text;
}

char *format_changes(char text[FORMAT_SIZE], double low, double high)
{
    char from[16], to[16];
    text[0] = '\0';
    if (isnan(low) || isnan(high))
        return text;
    change_digits(from, sizeof from, low);
    change_digits(to, sizeof to, high);
    snprintf(text, FORMAT_SIZE, "[%s %s]", from, to);
    return text;
}

char *format_bytes(char text[FORMAT_SIZE], uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    if (bytes < 1024 || bytes % 1024) {
        snprintf(text, FORMAT_SIZE, "%" PRIu64 "-byte", bytes);
        return text;
    }
    for (bytes /= 1024; bytes % 1024 == 0 && unit < 3; unit++)
        bytes /= 1024;
    snprintf(text, FORMAT_SIZE, "%" PRIu64 " %s", bytes, units[unit]);
    return text;
}

char *format_chunk(char text[FORMAT_SIZE], uint64_t chunk)
{
    if (chunk)
        snprintf(text, FORMAT_SIZE, "%" PRIu64, chunk);
    else
        snprintf(text, FORMAT_SIZE, "auto");
    return text;
}

char *format_set(char *text, size_t size, const unsigned *numbers, size_t count)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0, last; i < count; i = last + 1) {
        char part[32];
        for (last = i; last + 1 < count && numbers[last + 1] == numbers[last] + 1; last++)
            ;
        int length = last > i + 1 ? snprintf(part, sizeof part, "%s%u-%u", i ? "," : "", numbers[i], numbers[last])
                                  : snprintf(part, sizeof part, "%s%u", i ? "," : "", numbers[last = i]);
        if (used + (size_t)length + sizeof ",…" > size) {
            if (used + sizeof ",…" <= size)
                strcpy(text + used, ",…");
            break;
        }
        strcpy(text + used, part);
        used += (size_t)length;
    }
    return text;
}

char *format_handicap(char text[FORMAT_SIZE], double handicap)
{
    snprintf(text, FORMAT_SIZE, "handicapped by %.4g %%: times %s", 100 * handicap,
             handicap < 0 ? "shortened" : "stretched");
    return text;
}
