/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_rows.c - every row on every strategy that it is about; `test_rows --table` prints where each holds, in Markdown.
 *
 * One test per row and strategy (and variant, where the row says so), made from the registry; what is n/a is printed
 * with its reason and is no test. MUSTER_QUICK=1 makes the long ones shorter. */
#include "tests/frame.h"
#include "tests/rows.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TESTS_MOST    2048
#define NOTES_MOST    64
#define STARRED       40
#define COUNTERED     32
#define WORKERS_USUAL 2
#define TRIES_MOST    4

static const struct row *const lists[] = {
    rows_process, rows_channel,  rows_map,   rows_map_more, rows_async,   rows_deaths,  rows_killing,
    rows_objects, rows_elements, rows_locks, rows_manager,  rows_program, rows_weather,
};
#define LISTS (sizeof lists / sizeof *lists)

struct entry {
    char name[160];
    const struct row *row;
    const struct strategy *strategy;
    unsigned variant;
};

static struct entry entries[TESTS_MOST];
static struct test tests[TESTS_MOST + 2];
static size_t count;

/* Rows, and the strategies that are compared or control: in a test a loop over both. */
#define FOR_EACH_ROW(row)                                                                                              \
    for (size_t list_ = 0; list_ < LISTS; list_++)                                                                     \
        for (const struct row *row = lists[list_]; row->name; row++)
#define FOR_EACH_STRATEGY(s)                                                                                           \
    for (const struct strategy *const *s = strategies; *s; s++)                                                        \
        if ((*s)->role != ROLE_LIMITS)

static void run_in_time(const struct row *row, const struct situation *c)
{
    const char *late;
    row->run(c);
    for (unsigned tries = 1; (late = row_is_late()) && tries < TRIES_MOST; tries++) {
        fprintf(stderr, "once more: %s\n", late);
        row->run(c);
    }
    if (late)
        fprintf(stderr, "late each time: %s\n", late);
    CU_ASSERT_PTR_NULL(late);
}

static void run_entry(void)
{
    const char *name = CU_get_current_test()->pName;
    for (size_t i = 0; i < count; i++) {
        const struct entry *e = &entries[i];
        if (strcmp(e->name, name) != 0)
            continue;
        struct situation c = {.strategy = e->strategy, .variant = e->variant, .chunk = 1, .payload = 8};
        c.workers = row_workers(&c, WORKERS_USUAL);
        run_in_time(e->row, &c);
        return;
    }
    CU_FAIL("this test is in no list");
}

/* 40 with a star and 32 without, each of them once or more, by their numbers. */
static void all_rows_are_here(void)
{
    unsigned starred[STARRED + 1] = {0}, countered[COUNTERED + 1] = {0};
    FOR_EACH_ROW(row)
    {
        unsigned number = 0;
        if (sscanf(row->name, "*%u ", &number) == 1 && number <= STARRED)
            starred[number]++;
        else if (sscanf(row->name, "CX%u ", &number) == 1 && number <= COUNTERED)
            countered[number]++;
        else
            CU_FAIL("a row has no number");
    }
    for (unsigned i = 1; i <= STARRED; i++) {
        if (starred[i] != 1)
            fprintf(stderr, "row *%u: %u times\n", i, starred[i]);
        CU_ASSERT_EQUAL(starred[i], 1);
    }
    for (unsigned i = 1; i <= COUNTERED; i++) {
        if (countered[i] != 1)
            fprintf(stderr, "row CX%u: %u times\n", i, countered[i]);
        CU_ASSERT_EQUAL(countered[i], 1);
    }
}

static void enter(const struct row *row, const struct strategy *s, unsigned variant)
{
    struct entry *e = &entries[count];
    if (count == TESTS_MOST)
        abort();
    *e = (struct entry){.row = row, .strategy = s, .variant = variant};
    if (row->once)
        snprintf(e->name, sizeof e->name, "rows: %s", row->name);
    else
        snprintf(e->name, sizeof e->name, "rows: %s, %s:%s", row->name, s->name, s->variants[variant].name);
    tests[count++] = (struct test){.name = e->name, .run = run_entry, .limit_s = row->limit_s};
}

/* What is n/a on a strategy's default variant is said; on others it goes without. */
static void consider(const struct row *row, const struct strategy *s, unsigned variant, const char *wanted)
{
    char text[200], name[160];
    const char *lacks = row_lacks(row, s, variant, text, sizeof text);
    if (!lacks) {
        enter(row, s, variant);
        return;
    }
    snprintf(name, sizeof name, "rows: %s, %s:%s", row->name, s->name, s->variants[variant].name);
    if (variant == 0 && strstr(name, wanted))
        printf("n/a  %s: %s\n", name, lacks);
}

static void consider_all(const char *wanted)
{
    FOR_EACH_ROW(row)
    {
        if (row->once) {
            enter(row, strategies[0], 0);
            continue;
        }
        FOR_EACH_STRATEGY(s)
        for (unsigned v = 0; v < (row->variants ? variant_count(*s) : 1); v++)
            consider(row, *s, v, wanted);
    }
}

/* --- the table --------------------------------------------------------------------------------------------------- */

static char notes[NOTES_MOST][200];
static unsigned note_count;

static unsigned note_of(const char *why)
{
    for (unsigned i = 0; i < note_count; i++)
        if (strcmp(notes[i], why) == 0)
            return i + 1;
    if (note_count == NOTES_MOST)
        abort();
    snprintf(notes[note_count], sizeof notes[0], "%s", why);
    return ++note_count;
}

static void print_row(const struct row *row)
{
    char text[200];
    printf("| %s%s |", row->name[0] == '*' ? "\\" : "", row->name);
    FOR_EACH_STRATEGY(s)
    {
        const char *lacks = row->once ? NULL : row_lacks(row, *s, 0, text, sizeof text);
        if (lacks)
            printf(" n/a (%u) |", note_of(lacks));
        else
            printf(" %s |", row->once ? "pass, once for all" : "pass");
    }
    putchar('\n');
}

/* In the order of their numbers, first those with a star. */
static void print_numbered(const char *format, unsigned most)
{
    for (unsigned i = 1; i <= most; i++) {
        char start[16];
        snprintf(start, sizeof start, format, i);
        FOR_EACH_ROW(row)
        if (strncmp(row->name, start, strlen(start)) == 0)
            print_row(row);
    }
}

static int print_table(void)
{
    printf("| row |");
    FOR_EACH_STRATEGY(s)
    printf(" %s |", (*s)->name);
    printf("\n|---|");
    FOR_EACH_STRATEGY(s)
    printf("---|");
    putchar('\n');
    print_numbered("*%u ", STARRED);
    print_numbered("CX%u ", COUNTERED);
    putchar('\n');
    for (unsigned i = 0; i < note_count; i++)
        printf("%u. %s\n", i + 1, notes[i]);
    return fflush(stdout) ? 1 : 0;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && strcmp(argv[1], "--table") == 0)
        return print_table();
    if (argc == 4 && strcmp(argv[1], "--guest") == 0)
        return row_guest(argv[2], argv[3]);
    consider_all(argc > 1 ? argv[1] : "");
    tests[count] = (struct test){.name = "rows: all are here", .run = all_rows_are_here};
    fflush(stdout);
    return frame_main(argc, argv, tests);
}
