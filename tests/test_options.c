/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_options.c - the option engine: every kind of value, every error by its words, --help within 80 columns; and the
 * nearest known name for a misspelt one.
 *
 * The command lines stand in one sample command that has an option of each kind. */
#include "tests/frame.h"

#include "harness/options.h"
#include "harness/suggest.h"
#include "harness/units.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct sample {
    bool loud;
    const char *name;
    unsigned workers;
    uint64_t items, payload, window;
    int format;
    double margin;
    struct text_list chunks;
};

enum { ARGUMENTS = 12, OUTPUT = 8192 };

/* Parses a command line that is split at blanks, into *sample. */
static int sample_parse(struct sample *sample, const char *operands, const char *line, char **argv,
                        struct problem *problem)
{
    static const char *const formats[] = {"table", "csv", "json", "none", NULL};
    static char words[512];
    const struct option_spec options[] = {
        {.name = "loud", .letter = 'l', .help = "say more", .parse = options_flag, .target = &sample->loud},
        {.name = "name", .argument = "TEXT", .help = "x", .parse = options_text, .target = &sample->name},
        {.name = "workers",
         .letter = 'n',
         .argument = "N",
         .help = "how many processes work at once, whatever the number of cores that this machine may have",
         .preset = "all cores",
         .parse = options_unsigned,
         .target = &sample->workers,
         .min = 1,
         .max = 1024},
        {.name = "items", .argument = "N", .help = "x", .parse = options_count, .target = &sample->items, .min = 1},
        {.name = "payload",
         .argument = "BYTES",
         .help = "x",
         .parse = options_bytes,
         .target = &sample->payload,
         .min = 1,
         .max = 1 << 20},
        {.name = "margin",
         .argument = "PCT",
         .help = "x",
         .parse = options_percent,
         .target = &sample->margin,
         .min = UNITS_PERCENT,
         .max = 100 * UNITS_PERCENT},
        {.name = "window", .argument = "TIME", .help = "x", .parse = options_duration, .target = &sample->window},
        {.name = "windows-with-a-very-long-name", .argument = "N", .help = "x", .parse = options_count},
        {.name = "format",
         .argument = "F",
         .help = "x",
         .parse = options_choice,
         .target = &sample->format,
         .choices = formats},
        {.name = "chunk",
         .letter = 'c',
         .argument = "LIST",
         .help = "x",
         .parse = options_list,
         .target = &sample->chunks},
        {.name = NULL},
    };
    const struct command_spec spec = {
        .name = "sample", .summary = "A sample.", .operands = operands, .options = options, .notes = "The end."};
    int argc = 0;
    char *rest = NULL;

    snprintf(words, sizeof words, "sample %s", line);
    for (char *word = strtok_r(words, " ", &rest); word != NULL && argc < ARGUMENTS; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    argv[argc] = NULL;
    return options_parse(&spec, argc, argv, problem);
}

static void every_kind(void)
{
    struct sample s = {.loud = false};
    char *argv[ARGUMENTS + 1];
    struct problem problem;

    CU_ASSERT_EQUAL(sample_parse(&s, NULL, "-l --name=x -n 4 --items 64k --payload 64k --window 20ms", argv, &problem),
                    11);
    CU_ASSERT_TRUE(s.loud);
    CU_ASSERT_STRING_EQUAL(s.name, "x");
    CU_ASSERT_EQUAL(s.workers, 4);
    CU_ASSERT_EQUAL(s.items, 64000);
    CU_ASSERT_EQUAL(s.payload, 65536);
    CU_ASSERT_EQUAL(s.window, 20000000);
    CU_ASSERT_EQUAL(sample_parse(&s, NULL, "--margin 2.5% -l", argv, &problem), 4);
    CU_ASSERT_DOUBLE_EQUAL(s.margin, 0.025, 1e-12);
    CU_ASSERT_EQUAL(sample_parse(&s, NULL, "--margin=3", argv, &problem), 2);
    CU_ASSERT_DOUBLE_EQUAL(s.margin, 0.03, 1e-12);
    CU_ASSERT_EQUAL(sample_parse(&s, NULL, "--format json -c 1,16,auto -ln8 --work 9", argv, &problem), 8);
    CU_ASSERT_EQUAL(s.format, 2);
    CU_ASSERT_EQUAL(s.workers, 9);
    CU_ASSERT_EQUAL_FATAL(s.chunks.count, 3);
    CU_ASSERT_STRING_EQUAL(s.chunks.items[0], "1");
    CU_ASSERT_STRING_EQUAL(s.chunks.items[2], "auto");
    CU_ASSERT_EQUAL(sample_parse(&s, NULL, "-c 1,2 -c 7", argv, &problem), 5);
    CU_ASSERT_EQUAL_FATAL(s.chunks.count, 1);
    CU_ASSERT_STRING_EQUAL(s.chunks.items[0], "7");
    text_list_free(&s.chunks);
}

static void operands(void)
{
    struct sample s = {.loud = false};
    char *argv[ARGUMENTS + 1];
    struct problem problem;
    int first = sample_parse(&s, "FILE...", "a.json -l b.json -- -n", argv, &problem);

    CU_ASSERT_EQUAL_FATAL(first, 3);
    CU_ASSERT_TRUE(s.loud);
    CU_ASSERT_STRING_EQUAL(argv[first], "a.json");
    CU_ASSERT_STRING_EQUAL(argv[first + 1], "b.json");
    CU_ASSERT_STRING_EQUAL(argv[first + 2], "-n");
}

static void errors(void)
{
    static const struct {
        const char *line, *text;
    } rows[] = {
        {"--lout", "unknown option '--lout'; did you mean '--loud'?"},
        {"--fromat=json", "unknown option '--fromat'; did you mean '--format'?"},
        {"--hlep", "unknown option '--hlep'; did you mean '--help'?"},
        {"--zzzzzz", "unknown option '--zzzzzz'; see muster sample --help"},
        {"-z", "unknown option '-z'; see muster sample --help"},
        {"--format json -lz", "unknown option '-z'; see muster sample --help"},
        {"--loud -zl", "unknown option '-z'; see muster sample --help"},
        {"--wi 3", "option '--wi' could be several; see muster sample --help"},
        {"--loud=1", "option --loud takes no value"},
        {"--workers", "option --workers needs a value: N"},
        {"-ln", "option --workers needs a value: N"},
        {"--name=", "--name: the value is empty"},
        {"-n 0", "--workers: '0' is out of range, 1 to 1024"},
        {"-n 2k", "--workers: '2k' is out of range, 1 to 1024"},
        {"-n -1", "--workers: '-1' is negative"},
        {"-n two", "--workers: 'two' is not a number"},
        {"--items 0", "--items: '0' is too little; it takes a number of at least 1"},
        {"--payload 0", "--payload: '0' is out of range, 1 B to 1 MiB"},
        {"--payload 2M", "--payload: '2M' is out of range, 1 B to 1 MiB"},
        {"--window 20", "--window: '20' is not a duration with its unit (5us, 20ms, 2s, 1.5m)"},
        {"--margin 2x", "--margin: '2x' is not a percentage (2%, 0.5%)"},
        {"--margin 0.5", "--margin: '0.5' is out of range, 1% to 100%"},
        {"--margin -2%", "--margin: '-2%' is negative"},
        {"--margin 2.00001%", "--margin: '2.00001%' is finer than a thousandth of a percent"},
        {"--format jsno", "--format: unknown 'jsno'; did you mean 'json'?"},
        {"--format pdf", "--format: unknown 'pdf'; there are table, csv, json, none"},
        {"-c 1,,2", "--chunk: '1,,2' has an empty entry"},
        {"-c 1,", "--chunk: '1,' has an empty entry"},
        {"x.json", "muster sample takes no argument 'x.json'; see muster sample --help"},
    };
    char *argv[ARGUMENTS + 1];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sample s = {.loud = false};
        struct problem problem = {.code = 0};

        CU_ASSERT_EQUAL(sample_parse(&s, NULL, rows[i].line, argv, &problem), -1);
        CU_ASSERT_EQUAL(problem.code, EXIT_USAGE);
        CU_ASSERT_STRING_EQUAL(problem.text, rows[i].text);
        if (strcmp(problem.text, rows[i].text) != 0)
            fprintf(stderr, "%s: %s\n", rows[i].line, problem.text);
        text_list_free(&s.chunks);
    }
}

static void refused_keeps_value(void)
{
    struct sample s = {.workers = 3, .items = 5};
    char *argv[ARGUMENTS + 1];
    struct problem problem;

    CU_ASSERT_EQUAL(sample_parse(&s, NULL, "-n 5000", argv, &problem), -1);
    CU_ASSERT_EQUAL(sample_parse(&s, NULL, "--items 1x", argv, &problem), -1);
    CU_ASSERT_EQUAL(s.workers, 3);
    CU_ASSERT_EQUAL(s.items, 5);
}

/* What --help writes on stdout. */
static void capture_help(char text[OUTPUT])
{
    struct sample s = {.loud = false};
    char *argv[ARGUMENTS + 1], path[512];
    struct problem problem;
    int saved = dup(STDOUT_FILENO);
    FILE *file;
    size_t length;

    snprintf(path, sizeof path, "%s/help", frame_folder());
    file = fopen(path, "w+");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fflush(stdout);
    dup2(fileno(file), STDOUT_FILENO);
    CU_ASSERT_EQUAL(sample_parse(&s, "FILE...", "-l --help --zzz", argv, &problem), 0);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    rewind(file);
    length = fread(text, 1, OUTPUT - 1, file);
    text[length] = '\0';
    fclose(file);
}

static void help(void)
{
    char text[OUTPUT], *rest = NULL;

    capture_help(text);
    CU_ASSERT_PTR_EQUAL(strstr(text, "usage: muster sample [options] FILE...\n\nA sample.\n"), text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "  -n, --workers N           how many processes work"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "(default: all"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\n      --windows-with-a-very-long-name N\n                            x\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "  -h, --help "));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nThe end.\n"));
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        CU_ASSERT(strlen(line) <= 80);
}

static void nearest_name(void)
{
    static const char *const names[] = {"counter", "map", "list", "list-read", "array", "a-rather-long-name", NULL};
    static const struct {
        const char *typed, *nearest;
    } rows[] = {
        {"conter", "counter"},
        {"cuonter", "counter"},
        {"Counter", "counter"},
        {"countr", "counter"},
        {"mpa", "map"},
        {"mapp", "map"},
        {"lsit", "list"},
        {"listread", "list-read"},
        {"arr", "array"},
        {"a-rath", "a-rather-long-name"},
        {"map", "map"},
        {"xyz", NULL},
        {"", NULL},
        {"counter-of-something-else", NULL},
        {"q", NULL},
    };
    char endless[200];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *nearest = suggest_among(rows[i].typed, names);

        CU_ASSERT_EQUAL(nearest == NULL, rows[i].nearest == NULL);
        if (nearest != NULL && rows[i].nearest != NULL)
            CU_ASSERT_STRING_EQUAL(nearest, rows[i].nearest);
    }
    memset(endless, 'c', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    CU_ASSERT_PTR_NULL(suggest_among(endless, names));
}

static void suggested_clause(void)
{
    struct suggestion near = {.wrong = "conter"}, far = {.wrong = "zzzzzz"};

    suggest_offer(&near, "counter");
    suggest_offer(&far, "counter");
    CU_ASSERT_STRING_EQUAL(suggest_clause(&near), "; did you mean 'counter'?");
    CU_ASSERT_STRING_EQUAL(suggest_clause(&far), "");
}

static void problem_is_one_line(void)
{
    struct problem problem;

    CU_ASSERT_EQUAL(problem_set(&problem, EXIT_USAGE, "unknown '%s'", "a\nb\033[31m"), -1);
    CU_ASSERT_STRING_EQUAL(problem.text, "unknown 'a?b?[31m'");
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "options: every kind of value", .run = every_kind},
        {.name = "options: operands among them", .run = operands},
        {.name = "options: errors in one line", .run = errors},
        {.name = "options: what is refused changes nothing", .run = refused_keeps_value},
        {.name = "options: help from the table, in 80 columns", .run = help},
        {.name = "suggest: the nearest name, or none", .run = nearest_name},
        {.name = "suggest: as a clause of an error", .run = suggested_clause},
        {.name = "problem: one line, whatever is quoted", .run = problem_is_one_line},
        {.name = NULL},
    };

    return frame_main(argc, argv, tests);
}
