/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_format.c - numbers as people read them, display widths, wrapping, and tables that fit. */
#include "tests/frame.h"

#include "reports/format.h"
#include "reports/grid.h"

#include <CUnit/CUnit.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void expect(const char *got, const char *wanted)
{
    if (strcmp(got, wanted) != 0)
        fprintf(stderr, "\"%s\" instead of \"%s\"\n", got, wanted);
    CU_ASSERT_STRING_EQUAL(got, wanted);
}

static void rates(void)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {{0, "0"},          {0.05, "0.05"},    {0.5, "0.5"},      {9.94, "9.9"},    {9.96, "10"},
                {512, "512"},      {999.4, "999"},    {999.6, "1.0 k"},  {9100, "9.1 k"},  {141e3, "141 k"},
                {999499, "999 k"}, {999501, "1.0 M"}, {2.1e6, "2.1 M"},  {19e6, "19 M"},   {287e6, "287 M"},
                {4.6e9, "4.6 G"},  {3e12, "3.0 T"},   {1.5e18, "1.5 E"}, {5e21, "5000 E"}, {NAN, ""},
                {INFINITY, ""},    {-2100, "-2.1 k"}};
    char text[FORMAT_SIZE];

    for (size_t i = 0; i < COUNT(rows); i++)
        expect(format_rate(text, rows[i].value), rows[i].text);
    expect(format_rate_range(text, 287e6, 283e6, 291e6), "283–291 M");
    expect(format_rate_range(text, 1.01e6, 0.985e6, 1.03e6), "0.98–1.03 M");
    expect(format_rate_range(text, 19e3, 18.7e3, 19.2e3), "18.7–19.2 k");
    expect(format_rate_range(text, 500, NAN, NAN), "");
}

static void intervals(void)
{
    char text[FORMAT_SIZE];

    expect(format_around(text, 100, 99, 101), "±1%");
    expect(format_around(text, 100, 99.9, 100.1), "±1%");
    expect(format_around(text, 100, 88, 103), "±12%");
    expect(format_around(text, 100, 10, 300), "±200%");
    expect(format_around(text, 100, NAN, NAN), "");
    expect(format_around(text, 0, 0, 0), "");
}

static void times_and_ratios(void)
{
    char text[FORMAT_SIZE];

    expect(format_ns(text, 0), "0 ns");
    expect(format_ns(text, 12.4), "12 ns");
    expect(format_ns(text, 999.6), "1.0 µs");
    expect(format_ns(text, 43000), "43 µs");
    expect(format_ns(text, 1.24e6), "1.2 ms");
    expect(format_ns(text, 3e9), "3.0 s");
    expect(format_ns(text, NAN), "");
    expect(format_seconds(text, 4.2), "4.2 s");
    expect(format_seconds(text, 70), "70 s");
    expect(format_seconds(text, 300), "5 min");
    expect(format_seconds(text, 9000), "2 h");
    expect(format_ratio(text, 1.96), "1.96×");
    expect(format_ratio(text, 0), "0.00×");
    expect(format_ratio(text, 0.0031), "0.003×");
    expect(format_ratio(text, 9.996), "10.0×");
    expect(format_ratio(text, 137.2), "137×");
    expect(format_ratio(text, 21500), "22 k×");
    expect(format_ratio(text, NAN), "");
}

static void changes(void)
{
    char text[FORMAT_SIZE];
    expect(format_change(text, 1.049), "+4.9 %");
    expect(format_change(text, 0.9), "-10.0 %");
    expect(format_change(text, 1), "+0.0 %");
    expect(format_change(text, 0.9996), "+0.0 %"); /* what rounds to nothing has no direction */
    expect(format_change(text, 0), "-100 %");
    expect(format_change(text, 3.5), "+250 %");
    expect(format_change(text, INFINITY), "+inf %");
    expect(format_change(text, NAN), "");
    expect(format_changes(text, 0.988, 1.04), "[-1.2 +4.0]");
    expect(format_changes(text, 1.5, 12), "[+50.0 +1100]");
    expect(format_changes(text, NAN, 1), "");
}

static void sizes_and_sets(void)
{
    const unsigned numbers[] = {0, 1, 2, 3, 8, 10, 11};
    char text[FORMAT_SIZE];

    expect(format_bytes(text, 8), "8-byte");
    expect(format_bytes(text, 1023), "1023-byte");
    expect(format_bytes(text, 1024), "1 KiB");
    expect(format_bytes(text, 1536), "1536-byte");
    expect(format_bytes(text, 1 << 20), "1 MiB");
    expect(format_chunk(text, 0), "auto");
    expect(format_chunk(text, 256), "256");
    expect(format_set(text, sizeof text, numbers, COUNT(numbers)), "0-3,8,10,11");
    expect(format_set(text, sizeof text, numbers, 2), "0,1");
    expect(format_set(text, sizeof text, numbers, 0), "");
    expect(format_set(text, 9, numbers, COUNT(numbers)), "0-3,…");
}

static void widths(void)
{
    char hostile[] = "a\033[31mb\nc\x7f";
    char control[] = "x\xc2\x9bz";

    CU_ASSERT_EQUAL(format_width(""), 0);
    CU_ASSERT_EQUAL(format_width("µs ±1% ×→"), 9);
    CU_ASSERT_EQUAL(format_width("e\xcc\x81"), 1);    /* a combining accent */
    CU_ASSERT_EQUAL(format_width("\xe6\x9c\xba"), 2); /* a wide character */
    CU_ASSERT_EQUAL(format_width("\xff\xfe"), 2);     /* not UTF-8: a column per byte */
    CU_ASSERT_EQUAL(format_width("\xe6\x9c"), 2);     /* cut within a character */
    CU_ASSERT_EQUAL(format_fit("µµµ", 2), 4);
    CU_ASSERT_EQUAL(format_fit("abc", 10), 3);
    expect(format_clean(hostile), "a?[31mb?c?");
    expect(format_clean(control), "x??z");
}

static char *wrapped(const char *text, size_t columns, size_t indent)
{
    char *result = NULL;
    size_t size;
    FILE *out = open_memstream(&result, &size);

    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    format_wrap(out, text, columns, indent);
    fclose(out);
    return result;
}

static void expect_wrapped(const char *text, size_t columns, size_t indent, const char *wanted)
{
    char *got = wrapped(text, columns, indent);

    expect(got, wanted);
    free(got);
}

static void wrapping(void)
{
    expect_wrapped("", 20, 2, "\n");
    expect_wrapped("one two three", 20, 2, "one two three\n");
    expect_wrapped("one two three four five", 13, 2, "one two three\n  four five\n");
    expect_wrapped("µµµµµ µµµµµ µµµµµ", 11, 0, "µµµµµ µµµµµ\nµµµµµ\n");
    expect_wrapped("averyverylongwordthatdoesnotfit", 10, 0, "averyveryl\nongwordtha\ntdoesnotfi\nt\n");
    expect_wrapped("a\tb\nc", 10, 0, "a?b?c\n");
}

static void fill_grid(struct grid *grid, const char *name)
{
    CU_ASSERT_EQUAL_FATAL(grid_open(grid, "lrrl"), 0);
    grid_row(grid);
    grid_put(grid, 1, GRID_PLAIN, "first");
    grid_put(grid, 2, GRID_PLAIN, "second");
    grid_row(grid);
    grid_put(grid, 0, GRID_PLAIN, "%s", name);
    grid_put(grid, 1, GRID_PLAIN, "1.0 k\t ±1%%");
    grid_put(grid, 2, GRID_PLAIN, "n/a");
    grid_put(grid, 3, GRID_GOOD, "best");
    grid_row(grid);
    grid_put(grid, 0, GRID_SPAN, "a line of its own that is long");
    grid_row(grid);
    grid_put(grid, 0, GRID_PLAIN, "b");
    grid_put(grid, 1, GRID_PLAIN, "512  \t");
}

static void expect_grid(const char *name, size_t columns, bool colour, const char *wanted)
{
    struct grid grid;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    fill_grid(&grid, name);
    CU_ASSERT_EQUAL(grid_write(out, &grid, 2, columns, colour), 0);
    fclose(out);
    expect(text, wanted);
    grid_close(&grid);
    free(text);
}

static void grids(void)
{
    expect_grid("a\033c", 80, false,
                "            first   second\n  a?c   1.0 k ±1%      n/a   best\n"
                "  a line of its own that is long\n  b     512\n");
    expect_grid("a name of thirty-one characters", 52, false,
                "                                 first  second\n"
                "  a name of thirty-one cha…  1.0 k ±1%     n/a  best\n"
                "  a line of its own that is long\n  b                          512\n");
    expect_grid("a", 80, true,
                "          first   second\n  a   1.0 k ±1%      n/a   \033[1;32mbest\033[0m\n"
                "  a line of its own that is long\n  b   512\n");
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"format: rates", rates, 0},
        {"format: intervals", intervals, 0},
        {"format: times and ratios", times_and_ratios, 0},
        {"format: changes in percent", changes, 0},
        {"format: sizes and sets", sizes_and_sets, 0},
        {"format: display widths and control characters", widths, 0},
        {"format: wrapping", wrapping, 0},
        {"format: grids fit and align", grids, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
