/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * units.c - tables of units, one parser and one printer for them.
 *
 * A number is read as digits and a power of ten, multiplied by the unit in 64-bit integers, and refused when that
 * overflows or leaves a remainder. So what is measured is exactly what was typed, which a double could not promise. */
#include "harness/units.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit_name {
    const char *name;
    uint64_t scale;
};

static const struct unit_name counts[] = {
    {"", 1},
    {"k", 1000},
    {"K", 1000},
    {"M", 1000000},
    {"G", 1000000000},
    {"T", 1000000000000},
    {"Ki", 1ULL << 10},
    {"Mi", 1ULL << 20},
    {"Gi", 1ULL << 30},
    {NULL, 0},
};

static const struct unit_name bytes[] = {
    {"", 1},
    {"B", 1},
    {"k", 1ULL << 10},
    {"K", 1ULL << 10},
    {"KiB", 1ULL << 10},
    {"kB", 1000},
    {"M", 1ULL << 20},
    {"MiB", 1ULL << 20},
    {"MB", 1000000},
    {"G", 1ULL << 30},
    {"GiB", 1ULL << 30},
    {"GB", 1000000000},
    {NULL, 0},
};

static const struct unit_name durations[] = {
    {"ns", 1},         {"us", 1000},      {"\u00b5s", 1000}, /* the micro sign */
    {"\u03bcs", 1000},                                       /* the Greek letter: keyboards have either */
    {"ms", 1000000},   {"s", 1000000000}, {"m", 60000000000}, {"min", 60000000000}, {"h", 3600000000000}, {NULL, 0},
};

static const struct unit_name shares[] = {{"", UNITS_PERCENT}, {"%", UNITS_PERCENT}, {NULL, 0}};

static const char too_large[] = "is too large";
static const char too_fine[] = "is too fine: it must be a whole number";

struct decimal {
    uint64_t digits;  /* all of them, without the point */
    uint64_t divisor; /* the power of ten that the point stands for */
};

/* Reads digits[.digits]; the rest of the text is the unit. NULL with *why set when there is no such number. */
static const char *decimal_read(const char *text, struct decimal *number, const char **why)
{
    bool point = false, any = false;

    *number = (struct decimal){.digits = 0, .divisor = 1};
    for (;; text++) {
        if (*text == '.' && !point && any && text[1] >= '0' && text[1] <= '9') {
            point = true;
            continue;
        }
        if (*text < '0' || *text > '9')
            break;
        any = true;
        if (__builtin_mul_overflow(number->digits, 10, &number->digits) ||
            __builtin_add_overflow(number->digits, (uint64_t)(*text - '0'), &number->digits) ||
            (point && __builtin_mul_overflow(number->divisor, 10, &number->divisor))) {
            *why = point ? too_fine : too_large;
            return NULL;
        }
    }
    if (!any) {
        *why = *text == '-' ? "is negative" : "is not a number";
        return NULL;
    }
    return text;
}

static int units_parse(const char *text, const struct unit_name *units, const char *bad_unit, uint64_t *value,
                       const char **why)
{
    struct decimal number;
    const char *name = decimal_read(text, &number, why);
    uint64_t product;

    if (name == NULL)
        return -1;
    while (units->name != NULL && strcmp(units->name, name) != 0)
        units++;
    if (units->name == NULL && !(*name == '\0' && number.digits == 0)) {
        *why = bad_unit;
        return -1;
    }
    if (__builtin_mul_overflow(number.digits, units->name != NULL ? units->scale : 1, &product)) {
        *why = too_large;
        return -1;
    }
    if (product % number.divisor != 0) {
        *why = too_fine;
        return -1;
    }
    *value = product / number.divisor;
    return 0;
}

int units_parse_count(const char *text, uint64_t *value, const char **why)
{
    return units_parse(text, counts, "is not a number (64, 64k, 1M)", value, why);
}

int units_parse_bytes(const char *text, uint64_t *value, const char **why)
{
    return units_parse(text, bytes, "is not a size (8, 64k, 1MiB)", value, why);
}

int units_parse_duration(const char *text, uint64_t *nanoseconds, const char **why)
{
    if (units_parse(text, durations, "is not a duration with its unit (5us, 20ms, 2s, 1.5m)", nanoseconds, why) == 0)
        return 0;
    if (*why == too_fine)
        *why = "is finer than a nanosecond";
    return -1;
}

int units_parse_share(const char *text, uint64_t *share, const char **why)
{
    if (units_parse(text, shares, "is not a percentage (2%, 0.5%)", share, why) == 0)
        return 0;
    if (*why == too_fine)
        *why = "is finer than a thousandth of a percent";
    return -1;
}

struct step {
    const char *unit; /* with the blank before it */
    double scale;
    double limit; /* rounded values from here on take the next step; 0 in the last */
};

static const char *units_print(char buffer[UNITS_TEXT], double value, const struct step *step)
{
    double scaled;

    while (step->limit != 0 && round(value / step->scale) >= step->limit)
        step++;
    scaled = value / step->scale;
    if (scaled >= 9.95 || scaled == floor(scaled))
        snprintf(buffer, UNITS_TEXT, "%.0f%s", scaled, step->unit);
    else
        snprintf(buffer, UNITS_TEXT, "%.1f%s", scaled, step->unit);
    return buffer;
}

const char *units_print_count(char buffer[UNITS_TEXT], double value)
{
    static const struct step steps[] = {
        {"", 1, 1000}, {" k", 1e3, 1000}, {" M", 1e6, 1000}, {" G", 1e9, 1000}, {" T", 1e12, 0}};

    return units_print(buffer, value, steps);
}

const char *units_print_bytes(char buffer[UNITS_TEXT], double value)
{
    static const struct step steps[] = {
        {" B", 1, 1000}, {" KiB", 0x1p10, 1000}, {" MiB", 0x1p20, 1000}, {" GiB", 0x1p30, 1000}, {" TiB", 0x1p40, 0}};

    return units_print(buffer, value, steps);
}

const char *units_print_duration(char buffer[UNITS_TEXT], double nanoseconds)
{
    static const struct step steps[] = {{" ns", 1, 1000}, {" \u00b5s", 1e3, 1000}, {" ms", 1e6, 1000},
                                        {" s", 1e9, 120}, {" min", 60e9, 120},     {" h", 3600e9, 0}};

    return units_print(buffer, nanoseconds, steps);
}

const char *units_print_share(char buffer[UNITS_TEXT], double share)
{
    snprintf(buffer, UNITS_TEXT, "%.6g%%", share / UNITS_PERCENT);
    return buffer;
}
