/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_units.c - quantities as people write them, and back; and what must be refused.
 *
 * Each test walks a table. A refused text is held against a part of the reason that a person would be shown, so that a
 * refusal for the wrong reason counts as a failure. */
#include "tests/frame.h"

#include "harness/units.h"

#include <CUnit/CUnit.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef int parse_function(const char *text, uint64_t *value, const char **why);

struct accepted {
    const char *text; /* NULL ends a table */
    uint64_t value;
};

struct refused {
    const char *text; /* NULL ends a table */
    const char *why;  /* part of the reason */
};

static void expect_accepted(parse_function *parse, const struct accepted *rows)
{
    for (; rows->text != NULL; rows++) {
        const char *why = "";
        uint64_t value = 0;
        int result = parse(rows->text, &value, &why);

        if (result != 0 || value != rows->value)
            fprintf(stderr, "'%s': %d %" PRIu64 " %s\n", rows->text, result, value, why);
        CU_ASSERT_EQUAL(result, 0);
        CU_ASSERT_EQUAL(value, rows->value);
    }
}

static void expect_refused(parse_function *parse, const struct refused *rows)
{
    for (; rows->text != NULL; rows++) {
        const char *why = "";
        uint64_t value = 4711;
        int result = parse(rows->text, &value, &why);

        if (result == 0 || strstr(why, rows->why) == NULL)
            fprintf(stderr, "'%s': %d %" PRIu64 " %s\n", rows->text, result, value, why);
        CU_ASSERT_EQUAL(result, -1);
        CU_ASSERT_EQUAL(value, 4711);
        CU_ASSERT_PTR_NOT_NULL(strstr(why, rows->why));
    }
}

static void counts_accepted(void)
{
    static const struct accepted rows[] = {
        {"0", 0},
        {"1", 1},
        {"007", 7},
        {"64", 64},
        {"64k", 64000},
        {"64K", 64000},
        {"64Ki", 65536},
        {"1M", 1000000},
        {"1.5k", 1500},
        {"0.5M", 500000},
        {"1.50k", 1500},
        {"2G", 2000000000},
        {"18446744073709551615", UINT64_MAX},
        {"18446744T", UINT64_C(18446744000000000000)},
        {NULL, 0},
    };

    expect_accepted(units_parse_count, rows);
}

static void counts_refused(void)
{
    static const struct refused rows[] = {
        {"", "not a number"},
        {"k", "not a number"},
        {"abc", "not a number"},
        {"12x", "not a number"},
        {"1 k", "not a number"},
        {" 1", "not a number"},
        {"1 ", "not a number"},
        {"+1", "not a number"},
        {"-1", "negative"},
        {"-k", "negative"},
        {"0x10", "not a number"},
        {"1e3", "not a number"},
        {"1.", "not a number"},
        {".5k", "not a number"},
        {"1..5k", "not a number"},
        {"1,5k", "not a number"},
        {"nan", "not a number"},
        {"inf", "not a number"},
        {"1s", "not a number"},
        {"1.5", "whole number"},
        {"1.0005k", "whole number"},
        {"0.00000000000000000000000000001k", "too fine"},
        {"18446744073709551616", "too large"},
        {"99999999999999999999999", "too large"},
        {"18446745T", "too large"},
        {NULL, NULL},
    };

    expect_refused(units_parse_count, rows);
}

static void bytes_accepted(void)
{
    static const struct accepted rows[] = {
        {"0", 0},
        {"8", 8},
        {"8B", 8},
        {"4096", 4096},
        {"64k", 65536},
        {"64K", 65536},
        {"64KiB", 65536},
        {"64kB", 64000},
        {"1M", 1 << 20},
        {"1MiB", 1 << 20},
        {"1MB", 1000000},
        {"1.5k", 1536},
        {"0.5MiB", 524288},
        {"2G", 2147483648},
        {"1GiB", 1073741824},
        {"1GB", 1000000000},
        {NULL, 0},
    };

    expect_accepted(units_parse_bytes, rows);
}

static void bytes_refused(void)
{
    static const struct refused rows[] = {
        {"", "not a number"},  {"B", "not a number"}, {"64kib", "not a size"},  {"64 k", "not a size"},
        {"8b", "not a size"},  {"-8", "negative"},    {"0.1k", "whole number"}, {"17179869184G", "too large"},
        {"1ms", "not a size"}, {NULL, NULL},
    };

    expect_refused(units_parse_bytes, rows);
}

static void durations_accepted(void)
{
    static const struct accepted rows[] = {
        {"0", 0},
        {"0s", 0},
        {"50ns", 50},
        {"5us", 5000},
        {"5\u00b5s", 5000},
        {"5\u03bcs", 5000},
        {"20ms", 20000000},
        {"0.5ms", 500000},
        {"2s", 2000000000},
        {"1.5m", 90000000000},
        {"2min", 120000000000},
        {"1h", 3600000000000},
        {"0.000000001s", 1},
        {NULL, 0},
    };

    expect_accepted(units_parse_duration, rows);
}

static void durations_refused(void)
{
    static const struct refused rows[] = {
        {"60", "with its unit"},       {"", "not a number"},    {"s", "not a number"}, {"5 us", "with its unit"},
        {"5sec", "with its unit"},     {"-2s", "negative"},     {"0.1ns", "finer"},    {"1.0000000001s", "finer"},
        {"18446744074s", "too large"}, {"1d", "with its unit"}, {NULL, NULL},
    };

    expect_refused(units_parse_duration, rows);
}

static void printed(void)
{
    static const struct {
        const char *(*print)(char buffer[UNITS_TEXT], double value);
        double value;
        const char *text;
    } rows[] = {
        {units_print_count, 0, "0"},
        {units_print_count, 7, "7"},
        {units_print_count, 0.5, "0.5"},
        {units_print_count, 9.96, "10"},
        {units_print_count, 999.4, "999"},
        {units_print_count, 999.6, "1.0 k"},
        {units_print_count, 9100, "9.1 k"},
        {units_print_count, 141234, "141 k"},
        {units_print_count, 2.1e6, "2.1 M"},
        {units_print_count, 19.2e6, "19 M"},
        {units_print_count, 287.4e6, "287 M"},
        {units_print_count, 999.9e6, "1.0 G"},
        {units_print_count, 4.6e9, "4.6 G"},
        {units_print_bytes, 8, "8 B"},
        {units_print_bytes, 65536, "64 KiB"},
        {units_print_bytes, 1023 * 1024, "1.0 MiB"},
        {units_print_bytes, 1048576, "1 MiB"},
        {units_print_duration, 43210, "43 \u00b5s"},
        {units_print_duration, 500, "500 ns"},
        {units_print_duration, 9.4e6, "9.4 ms"},
        {units_print_duration, 70e9, "70 s"},
        {units_print_duration, 119.6e9, "2.0 min"},
        {units_print_duration, 600e9, "10 min"},
        {units_print_duration, 3 * 3600e9, "3 h"},
    };
    char buffer[UNITS_TEXT];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        CU_ASSERT_STRING_EQUAL(rows[i].print(buffer, rows[i].value), rows[i].text);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "units: counts with SI and binary units", .run = counts_accepted},
        {.name = "units: what is no count", .run = counts_refused},
        {.name = "units: bytes, where k is 1024", .run = bytes_accepted},
        {.name = "units: what is no number of bytes", .run = bytes_refused},
        {.name = "units: durations", .run = durations_accepted},
        {.name = "units: what is no duration", .run = durations_refused},
        {.name = "units: at most three digits and a unit", .run = printed},
        {.name = NULL},
    };

    return frame_main(argc, argv, tests);
}
