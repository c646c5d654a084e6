/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_reports.c - what people see of a results file, held against tests/golden; and what is behind it, cell by cell.
 *
 * tests/golden/results.json is one run with cells of every kind, tests/golden/other.json a shorter one of another
 * machine. With UPDATE=1 in the environment the expected texts are rewritten: look at the difference before you commit
 * it. */
#include "tests/frame.h"

#include "reports/csv.h"
#include "reports/format.h"
#include "reports/rank.h"
#include "reports/side.h"
#include "reports/table.h"

#include <CUnit/CUnit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOTH = 2, LINE = 1024 };

static void read_golden(struct results *r, const char *name)
{
    struct report_error error = {0};
    char relative[64];

    snprintf(relative, sizeof relative, "tests/golden/%s", name);
    if (results_read(r, frame_source(relative), &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        CU_FAIL_FATAL("the golden file cannot be read");
    }
}

static bool is_update(void)
{
    const char *update = getenv("UPDATE");
    return update && strcmp(update, "1") == 0;
}

static void show_difference(const char *name, const char *wanted, const char *got)
{
    size_t line = 1;

    while (*wanted && *wanted == *got) {
        line += *wanted == '\n';
        wanted++;
        got++;
    }
    fprintf(stderr, "%s differs in line %zu: \"%.40s\" is expected, not \"%.40s\"\n", name, line, wanted, got);
}

/* Compares with, or with UPDATE=1 rewrites, a file of tests/golden. */
static void expect_golden(const char *name, const char *got)
{
    char relative[64], *wanted;
    size_t length = strlen(got), size;

    snprintf(relative, sizeof relative, "tests/golden/%s", name);
    FILE *file = fopen(frame_source(relative), is_update() ? "we" : "re");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    if (is_update()) {
        CU_ASSERT_EQUAL(fwrite(got, 1, length, file), length);
        CU_ASSERT_EQUAL(fclose(file), 0);
        return;
    }
    wanted = calloc(1, length + 4096);
    CU_ASSERT_PTR_NOT_NULL_FATAL(wanted);
    size = fread(wanted, 1, length + 4095, file);
    fclose(file);
    if (size != length || memcmp(wanted, got, length) != 0)
        show_difference(name, wanted, got);
    CU_ASSERT(size == length && memcmp(wanted, got, length) == 0);
    free(wanted);
}

/* The widest line, escape sequences not counted; a line that ends in a blank counts as too wide for anything. */
static size_t widest_line(const char *text)
{
    size_t widest = 0;
    char line[LINE];

    while (*text) {
        size_t used = 0;
        char last = 'x';
        for (; *text && *text != '\n'; text++) {
            if (*text == '\033')
                text += strcspn(text, "m");
            else if (used + 1 < sizeof line)
                last = line[used++] = *text;
        }
        line[used] = '\0';
        text += *text == '\n';
        size_t width = last == ' ' ? SIZE_MAX : format_width(line);
        widest = width > widest ? width : widest;
    }
    return widest;
}

static char *table_of(const struct results *r, const struct report_style *style)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    CU_ASSERT_EQUAL(table_write(out, r, style), 0);
    fclose(out);
    return text;
}

static void expect_table(const char *source, const char *golden, const struct report_style *style)
{
    struct results r;

    read_golden(&r, source);
    char *text = table_of(&r, style);
    CU_ASSERT(widest_line(text) <= (style->columns ? style->columns : 80));
    expect_golden(golden, text);
    free(text);
    results_free(&r);
}

static void tables(void)
{
    expect_table("results.json", "table-80.txt", &(struct report_style){.columns = 80, .folder = "results/latest"});
    expect_table("results.json", "table-140.txt", &(struct report_style){.columns = 140, .folder = "results/latest"});
    expect_table("results.json", "long-80.txt", &(struct report_style){.columns = 80, .long_form = true});
    expect_table("results.json", "long-140.txt", &(struct report_style){.columns = 140, .long_form = true});
    expect_table("results.json", "colour-80.txt", &(struct report_style){.columns = 80, .colour = true});
    expect_table("other.json", "other-80.txt", &(struct report_style){.folder = "a/folder/with/a/rather/long/name"});
}

/* Names, reasons and rates as long as they come, at every width that a terminal is likely to have. */
static void tables_fit(void)
{
    static char name[] = "a-name-of-a-strategy-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on";
    struct results r;

    read_golden(&r, "results.json");
    for (size_t i = 0; i < r.cell_count; i += 3) {
        free(r.cells[i].strategy);
        r.cells[i].strategy = strdup(name);
        r.cells[i].ci_high = 40 * r.cells[i].value;
        r.cells[i].chunk = r.cells[i].chunk ? r.cells[i].chunk * 65536 : 0;
        r.cells[i].oversubscribed = true;
    }
    for (unsigned columns = 80; columns <= 240; columns++) {
        char *matrix = table_of(&r, &(struct report_style){.columns = columns, .folder = "x"});
        char *rows = table_of(&r, &(struct report_style){.columns = columns, .long_form = true});
        CU_ASSERT(widest_line(matrix) <= columns);
        CU_ASSERT(widest_line(rows) <= columns);
        free(matrix);
        free(rows);
    }
    results_free(&r);
}

static void hostile_names(void)
{
    struct results r;

    read_golden(&r, "results.json");
    free(r.cells[1].strategy);
    r.cells[1].strategy = strdup("\033[2J\nx");
    free(r.host.cpu);
    r.host.cpu = strdup("\033]0;title\007");
    char *text = table_of(&r, &(struct report_style){0});
    CU_ASSERT_PTR_NULL(strchr(text, '\033'));
    CU_ASSERT_PTR_NULL(strchr(text, '\007'));
    free(text);
    results_free(&r);
}

static void nothing_measured(void)
{
    struct results r = {0};
    char *text = table_of(&r, &(struct report_style){0});

    CU_ASSERT_PTR_NOT_NULL(strstr(text, "0 cells"));
    free(text);
}

static char *csv_of(const struct results *r)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    CU_ASSERT_EQUAL(csv_write(out, r), 0);
    fclose(out);
    return text;
}

static void comma_separated(void)
{
    struct results r;

    read_golden(&r, "results.json");
    char *text = csv_of(&r);
    CU_ASSERT_PTR_NULL(strstr(text, "nan"));
    expect_golden("results.csv", text);
    free(text);
    free(r.host.cpu);
    r.host.cpu = strdup("a \"quoted\", name\nof two lines");
    text = csv_of(&r);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, ",\"a \"\"quoted\"\", name\nof two lines\",map/"));
    free(text);
    results_free(&r);
}

/* The same loss is put down to one CPU or to several, by where the workers ran. */
static void losses_explained(void)
{
    unsigned apart[] = {0, 1}, together[] = {1, 1};
    uint64_t made[] = {150, 50};
    struct trial trial = {.lost = 50, .per_worker = made, .worker_count = 2};
    struct cell cell = {.status = CELL_OK, .workers = 2, .trials = &trial, .trial_count = 1, .pus = apart};
    char text[512];

    rank_lost_sentence(text, sizeof text, &cell);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "25 % of its operations were lost, 50 of 200: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "on different CPUs"));
    cell.pus = together;
    CU_ASSERT_PTR_NOT_NULL(strstr(rank_lost_sentence(text, sizeof text, &cell), "on one CPU"));
    cell.pus = NULL;
    CU_ASSERT_PTR_NULL(strstr(rank_lost_sentence(text, sizeof text, &cell), "CPU"));
    cell.verified = true;
    CU_ASSERT_STRING_EQUAL(rank_lost_sentence(text, sizeof text, &cell), "");
}

static void as_json(void)
{
    struct results r;

    read_golden(&r, "results.json");
    char *text = results_to_json(&r);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    char *line = realloc(text, strlen(text) + 2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(line);
    strcat(line, "\n");
    expect_golden("results.json", line);
    free(line);
    results_free(&r);
}

static void side_by_side(void)
{
    static const unsigned widths[] = {80, 140};
    struct results r[BOTH];
    const struct results *pointers[3 * BOTH];

    read_golden(&r[0], "results.json");
    read_golden(&r[1], "other.json");
    for (size_t i = 0; i < 3 * BOTH; i++)
        pointers[i] = &r[i % BOTH];
    for (size_t count = 1; count <= 3 * BOTH; count++)
        for (size_t i = 0; i < 2; i++) {
            struct report_style style = {.columns = widths[i]};
            char *text = NULL, name[32];
            size_t size;
            FILE *out = open_memstream(&text, &size);
            CU_ASSERT_PTR_NOT_NULL_FATAL(out);
            CU_ASSERT_EQUAL(side_write(out, pointers, count, &style), 0);
            fclose(out);
            CU_ASSERT(widest_line(text) <= widths[i]);
            snprintf(name, sizeof name, "side-%u.txt", widths[i]);
            if (count == BOTH)
                expect_golden(name, text);
            free(text);
        }
    results_free(&r[0]);
    results_free(&r[1]);
}

static void idle_modes_are_not_mixed(void)
{
    struct results r[BOTH];
    char *text = NULL;
    size_t size;

    read_golden(&r[0], "other.json");
    read_golden(&r[1], "other.json");
    free(r[1].idle);
    r[1].idle = strdup("spin");
    for (size_t i = 0; i < r[1].cell_count; i++) {
        free(r[1].cells[i].idle);
        r[1].cells[i].idle = strdup("spin");
    }
    FILE *out = open_memstream(&text, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    CU_ASSERT_EQUAL(side_write(out, (const struct results *[]){&r[0], &r[1]}, BOTH, &(struct report_style){0}), 0);
    fclose(out);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "Their idle modes differ"));
    CU_ASSERT_PTR_NULL(strstr(text, "1.00×"));
    free(text);
    results_free(&r[0]);
    results_free(&r[1]);
}

static const struct rank_row *row_named(const struct rank_matrix *matrix, const char *name)
{
    char text[128];

    for (size_t i = 0; i < matrix->row_count; i++)
        if (strcmp(rank_name(text, sizeof text, matrix->rows[i].any), name) == 0)
            return &matrix->rows[i];
    CU_FAIL_FATAL("there is no such row");
    return NULL;
}

static void ranking(void)
{
    struct results r;
    struct rank_matrix *matrices;
    size_t count;
    char text[LINE];

    read_golden(&r, "results.json");
    CU_ASSERT_EQUAL_FATAL(rank_build(&r, &matrices, &count), 0);
    CU_ASSERT_EQUAL_FATAL(count, 5);
    CU_ASSERT_EQUAL(matrices[0].workers, 2);
    CU_ASSERT_EQUAL(matrices[0].chunk_count, 3);
    CU_ASSERT_EQUAL(matrices[0].chunks[2], 0);
    CU_ASSERT_EQUAL(row_named(&matrices[0], "shared-memory")->words[2], RANK_BEST);
    CU_ASSERT_DOUBLE_EQUAL(row_named(&matrices[0], "shared-memory")->gain, 1.95, 0.01);
    CU_ASSERT_EQUAL(row_named(&matrices[0], "fork-pool")->words[0], RANK_NONE);
    CU_ASSERT_TRUE(matrices[0].rows[matrices[0].row_count - 1].control);
    const struct rank_row *racy = row_named(&matrices[1], "shared-memory:racy");
    CU_ASSERT_FALSE(racy->ranked);
    CU_ASSERT_DOUBLE_EQUAL(rank_lost(racy->any), 0.31, 0.001);
    CU_ASSERT_FALSE(row_named(&matrices[1], "fork-pool")->ranked);             /* another visibility */
    CU_ASSERT_FALSE(row_named(&matrices[1], "shared-memory:sharded")->ranked); /* though the fastest */
    CU_ASSERT_TRUE(row_named(&matrices[1], "prefork-pipe")->ties_above);
    CU_ASSERT_EQUAL(row_named(&matrices[2], "shared-memory")->words[0], RANK_TIE);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(rank_sentence(text, sizeof text, &matrices[0]), "shared-memory is fastest with 286 M"));
    CU_ASSERT_PTR_NOT_NULL(strstr(rank_sentence(text, sizeof text, &matrices[2]), "cannot be told apart"));
    CU_ASSERT_PTR_NOT_NULL(strstr(rank_idle_sentence(text, sizeof text, &r), "costs 43 µs here; without polling"));
    /* the control is taken at the chunk that the others are compared at, and its chunk is said where it has another */
    CU_ASSERT_PTR_NOT_NULL(strstr(rank_sentence(text, sizeof text, &matrices[0]), "does 3.0 G items/s at chunk auto."));
    CU_ASSERT_PTR_NOT_NULL(strstr(rank_sentence(text, sizeof text, &matrices[1]), "does 1.1 G adds/s at chunk "));
    CU_ASSERT_EQUAL(rank_control(&matrices[1])->chunk, 1);
    CU_ASSERT_PTR_NULL(rank_control(&matrices[2]));
    rank_free(matrices, count);
    results_free(&r);
}

/* The two cells of a run that was measured in two idle modes, their intervals a tenth around them. */
static char *idle_words(char text[LINE], double poll, double natural, double noise)
{
    struct cell cells[2];
    struct results r = {.cells = cells, .cell_count = 2, .idle = "poll", .noise = NAN};

    for (size_t i = 0; i < 2; i++) {
        double value = i ? natural : poll;
        cells[i] = (struct cell){.workload = "counter",
                                 .strategy = "some",
                                 .variant = "plain",
                                 .variant_default = true,
                                 .workers = 2,
                                 .chunk = 1,
                                 .placement = "cores",
                                 .service = "own",
                                 .idle = i ? "natural" : "poll",
                                 .status = CELL_OK,
                                 .unit = "adds/s",
                                 .value = value,
                                 .ci_low = value * (1 - noise),
                                 .ci_high = value * (1 + noise)};
    }
    return rank_idle_sentence(text, LINE, &r);
}

/* Both ways, and never where the intervals meet. */
static void idle_modes_compared(void)
{
    char text[LINE];

    CU_ASSERT_STRING_EQUAL(
        idle_words(text, 2000, 1000, 0.1),
        "Without polling (--idle natural) some does 1.0 k instead of 2.0 k adds/s in counter, chunk 1.");
    CU_ASSERT_STRING_EQUAL(
        idle_words(text, 1000, 2000, 0.1),
        "Without polling (--idle natural) some does 2.0 k instead of 1.0 k adds/s in counter, chunk 1.");
    CU_ASSERT_STRING_EQUAL(idle_words(text, 2000, 1000, 0.5),
                           "Without polling (--idle natural) no difference of more than 10 % can be seen.");
    CU_ASSERT_STRING_EQUAL(idle_words(text, 1050, 1000, 0.01),
                           "Without polling (--idle natural) no difference of more than 10 % can be seen.");
    CU_ASSERT_STRING_EQUAL(idle_words(text, 2000, 1000, NAN), "");
}

static void many_chunks(void)
{
    enum { CHUNKS = 13 };
    struct cell cells[CHUNKS];
    struct results r = {.cells = cells, .cell_count = CHUNKS, .idle = "poll", .noise = NAN};
    struct rank_matrix *matrices;
    size_t count;

    for (size_t i = 0; i < CHUNKS; i++)
        cells[i] = (struct cell){.id = "x",
                                 .workload = "w",
                                 .strategy = "s",
                                 .variant = "v",
                                 .unit = "items/s",
                                 .placement = "none",
                                 .idle = "poll",
                                 .workers = 2,
                                 .chunk = (i * 5) % CHUNKS,
                                 .status = CELL_OK,
                                 .value = 1,
                                 .ci_low = NAN,
                                 .ci_high = NAN,
                                 .ranked = true};
    CU_ASSERT_EQUAL_FATAL(rank_build(&r, &matrices, &count), 0);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    CU_ASSERT_EQUAL(matrices[0].chunk_count, RANK_CHUNKS);
    CU_ASSERT_EQUAL(matrices[0].chunks_left_out, CHUNKS - RANK_CHUNKS);
    for (uint64_t i = 0; i + 1 < RANK_CHUNKS; i++)
        CU_ASSERT_EQUAL(matrices[0].chunks[i], i + 1);
    CU_ASSERT_EQUAL(matrices[0].chunks[RANK_CHUNKS - 1], 0);
    rank_free(matrices, count);
    char *text = table_of(&r, &(struct report_style){0});
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "9 more chunks: --long"));
    free(text);
}

static void full_stream(void)
{
    struct results r;
    const struct results *pointers[BOTH] = {&r, &r};
    struct report_style style = {0};

    read_golden(&r, "results.json");
    for (int i = 0; i < 3; i++) {
        FILE *full = fopen("/dev/full", "we");
        CU_ASSERT_PTR_NOT_NULL_FATAL(full);
        if (i == 0)
            CU_ASSERT_EQUAL(table_write(full, &r, &style), -1);
        if (i == 1)
            CU_ASSERT_EQUAL(csv_write(full, &r), -1);
        if (i == 2)
            CU_ASSERT_EQUAL(side_write(full, pointers, BOTH, &style), -1);
        fclose(full);
    }
    results_free(&r);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"reports: tables as they were", tables, 0},
        {"reports: tables fit every width", tables_fit, 60},
        {"reports: names cannot steer the terminal", hostile_names, 0},
        {"reports: a run without a cell", nothing_measured, 0},
        {"reports: comma-separated values as they were", comma_separated, 0},
        {"reports: losses are explained", losses_explained, 0},
        {"reports: JSON as it was", as_json, 0},
        {"reports: machines side by side", side_by_side, 60},
        {"reports: idle modes are not mixed", idle_modes_are_not_mixed, 0},
        {"reports: who is best, who ties", ranking, 0},
        {"reports: idle modes are compared beyond their noise", idle_modes_compared, 0},
        {"reports: more chunks than columns", many_chunks, 0},
        {"reports: a full stream is an error", full_stream, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
