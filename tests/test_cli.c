/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_cli.c - the command line from outside: what people type, what they get, and what they are told when it is wrong.
 *
 * Every error is one line on stderr and an exit code of its own kind; stdout is the result and nothing else. The
 * results files of tests/golden stand in for measurements. */
#include "bench/registry.h"
#include "harness/problem.h"
#include "tests/cli.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *golden(void)
{
    return frame_source("tests/golden/results.json");
}

static json_t *parsed(const char *text)
{
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(root);
    return root;
}

static bool exists(const char *folder, const char *name)
{
    char path[8192];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

/* --- commands ---------------------------------------------------------------------------------------------------- */

static const char *const names[] = {"list", "topology", "run", "report", "doctor", "manager", "stress", "trial", NULL};

static void commands(void)
{
    struct said said;
    cli_refused(cli_run(NULL, NULL), EXIT_USAGE, "--help");
    cli_refused(cli_run("reprot", NULL), EXIT_USAGE, "unknown command 'reprot'; did you mean 'report'?");
    cli_refused(cli_run("--hlep", NULL), EXIT_USAGE, "did you mean '--help'?");
    cli_refused(cli_run("", NULL), EXIT_USAGE, "unknown command ''");
    cli_refused(cli_run("two\nlines", NULL), EXIT_USAGE, "two?lines");
    said = cli_run("--version", NULL);
    cli_fine(said);
    CU_ASSERT_EQUAL(strncmp(said.out, "muster ", 7), 0);
    cli_refused(cli_run_into("/dev/full", "--version", NULL), EXIT_NO_OUTPUT, "standard output");
}

/* `muster help` says the same as the options. */
static void help_as_a_command(void)
{
    static char text[20000];
    snprintf(text, sizeof text, "%s", cli_run("--help", NULL).out);
    CU_ASSERT_STRING_EQUAL(cli_run("help", NULL).out, text);
    CU_ASSERT_STRING_EQUAL(cli_run("help", "help", NULL).out, text);
    for (const char *const *name = names; *name; name++) {
        snprintf(text, sizeof text, "%s", cli_run(*name, "--help", NULL).out);
        struct said said = cli_run("help", *name, NULL);
        cli_fine(said);
        CU_ASSERT_STRING_EQUAL(said.out, text);
    }
    cli_refused(cli_run("help", "reprot", NULL), EXIT_USAGE, "unknown command 'reprot'; did you mean 'report'?");
    cli_refused(cli_run("help", "run", "list", NULL), EXIT_USAGE, "one command, not 'list' too");
}

static void help(void)
{
    struct said said = cli_run("--help", NULL);
    cli_fine(said);
    CU_ASSERT(cli_width(said.out) <= 80);
    for (const char *const *name = names; *name; name++) {
        CU_ASSERT_PTR_NOT_NULL(strstr(said.out, *name));
        said = cli_run(*name, "--help", NULL);
        cli_fine(said);
        CU_ASSERT_EQUAL(strncmp(said.out, "usage: muster ", 14), 0);
        CU_ASSERT(cli_width(said.out) <= 80);
        cli_refused(cli_run(*name, "--no-such-option", NULL), EXIT_USAGE, "--no-such-option");
        cli_refused(cli_run_into("/dev/full", *name, "--help", NULL), EXIT_NO_OUTPUT, "standard output");
        said = cli_run("--help", NULL);
    }
}

/* --- list -------------------------------------------------------------------------------------------------------- */

static void list_table(void)
{
    struct said said = cli_run("list", NULL);
    char name[100];
    cli_fine(said);
    CU_ASSERT(cli_width(said.out) <= 80);
    for (const struct strategy *const *s = strategies; *s; s++)
        for (unsigned v = 0; v < variant_count(*s); v++) {
            snprintf(name, sizeof name, "\n  %s:%s ", (*s)->name, (*s)->variants[v].name);
            CU_ASSERT(cli_count(said.out, name) >= 1);
        }
    for (const struct workload *const *w = workloads; *w; w++)
        CU_ASSERT_PTR_NOT_NULL(strstr(said.out, (*w)->name));
    unsigned lines = cli_count(said.out, "\n");
    setenv("COLUMNS", "140", 1);
    said = cli_run("list", NULL);
    unsetenv("COLUMNS");
    cli_fine(said);
    CU_ASSERT(cli_width(said.out) > 100 && cli_width(said.out) <= 140);
    CU_ASSERT(cli_count(said.out, "\n") < lines);
}

/* With --long each strategy says what it does for each kind of operation. */
static void list_long(void)
{
    struct clause clauses[CLAUSES];
    struct said said = cli_run("list", "--long", NULL);
    cli_fine(said);
    CU_ASSERT(cli_width(said.out) <= 80);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "when others see what it wrote"));
    for (const struct strategy *const *s = strategies; *s; s++) {
        strategy_clauses(*s, clauses);
        for (unsigned i = 0; i < CLAUSES && (*s)->role != ROLE_LIMITS; i++) {
            char first[20] = "n/a: ";
            if (!variant_lacks(*s, 0, clauses[i].need))
                snprintf(first, sizeof first, "%.18s", clauses[i].does ? clauses[i].does : "");
            CU_ASSERT(strlen(first) > 1);
            CU_ASSERT_PTR_NOT_NULL(strstr(said.out, first));
        }
    }
}

/* What the JSON says of a combination is what the registry says of it. */
static void list_json(void)
{
    struct said said = cli_run("list", "--format", "json", NULL);
    cli_fine(said);
    json_t *root = parsed(said.out), *matrix = json_object_get(root, "matrix"), *row;
    size_t variants = 0, loads = 0, i;
    for (const struct strategy *const *s = strategies; *s; s++)
        variants += variant_count(*s);
    while (workloads[loads])
        loads++;
    CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "workloads")), loads);
    CU_ASSERT_EQUAL(json_array_size(matrix), variants * loads);
    json_array_foreach(matrix, i, row)
    {
        const struct strategy *s = strategy_find(json_string_value(json_object_get(row, "strategy")));
        const struct workload *w = workload_find(json_string_value(json_object_get(row, "workload")));
        CU_ASSERT_FATAL(s && w);
        int v = variant_find(s, json_string_value(json_object_get(row, "variant")));
        CU_ASSERT_FATAL(v >= 0);
        bool can = json_is_true(json_object_get(row, "can"));
        CU_ASSERT_EQUAL(can, !variant_lacks(s, v, w->need));
        CU_ASSERT_EQUAL(can, !json_object_get(row, "reason"));
    }
    json_decref(root);
}

static void list_refuses(void)
{
    cli_refused(cli_run("list", "map", NULL), EXIT_USAGE, "takes no argument 'map'");
    cli_refused(cli_run("list", "--format", "jsn", NULL), EXIT_USAGE, "did you mean 'json'?");
    cli_refused(cli_run("list", "--format", NULL), EXIT_USAGE, "--format needs a value");
    cli_refused(cli_run("list", "--fromat", "json", NULL), EXIT_USAGE, "did you mean '--format'?");
    cli_refused(cli_run_into("/dev/full", "list", NULL), EXIT_NO_OUTPUT, "standard output");
    cli_refused(cli_run_into("/dev/full", "list", "--format", "json", NULL), EXIT_NO_OUTPUT, "standard output");
}

/* --- topology ---------------------------------------------------------------------------------------------------- */

static void topology_plans(void)
{
    struct said said = cli_run("topology", NULL);
    cli_fine(said);
    CU_ASSERT(cli_width(said.out) <= 80);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "placement cores"));
    said = cli_run("topology", "--workers", "1", "--format", "json", NULL);
    cli_fine(said);
    json_t *root = parsed(said.out);
    CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "workers")), 1);
    json_decref(root);
}

static void topology_refuses(void)
{
    static const char *const wrong[] = {"0", "2000", "-1", "two", "1.5", "", "1e3", "18446744073709551617", NULL};
    for (const char *const *workers = wrong; *workers; workers++)
        cli_refused(cli_run("topology", "--workers", *workers, NULL), EXIT_USAGE, "--workers");
    cli_refused(cli_run("topology", "--workers", "1024", NULL), EXIT_USAGE, "--oversubscribe");
    cli_refused(cli_run("topology", "--placement", "scater", NULL), EXIT_USAGE, "did you mean 'scatter'?");
    cli_refused(cli_run("topology", "--placement", "100000", NULL), EXIT_USAGE, "100000");
    cli_refused(cli_run("topology", "--input", "no-such-file.xml", NULL), EXIT_NO_INPUT, "no-such-file.xml");
    cli_refused(cli_run("topology", "--input", golden(), NULL), EXIT_BAD_FILE, "not a topology");
    cli_refused(cli_run("topology", "--input", frame_folder(), NULL), EXIT_NO_INPUT, "directory");
    cli_refused(cli_run_into("/dev/full", "topology", NULL), EXIT_NO_OUTPUT, "standard output");
}

/* --- report ------------------------------------------------------------------------------------------------------ */

static void report_tables(void)
{
    struct said said;
    setenv("COLUMNS", "140", 1);
    said = cli_run("report", golden(), NULL);
    cli_fine(said);
    CU_ASSERT(cli_width(said.out) > 80 && cli_width(said.out) <= 140);
    unsetenv("COLUMNS");
    said = cli_run("report", golden(), NULL);
    cli_fine(said);
    CU_ASSERT(cli_width(said.out) <= 80);
    CU_ASSERT_PTR_NULL(strchr(said.out, '\033'));
    CU_ASSERT_PTR_NULL(strstr(said.out, "report.html"));
    cli_fine(cli_run("report", frame_source("tests/golden"), NULL));
    said = cli_run("report", "--long", golden(), NULL);
    cli_fine(said);
    CU_ASSERT(cli_width(said.out) <= 80);
    said = cli_run("report", golden(), "--contention", NULL);
    cli_fine(said);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "Jain"));
}

static void report_formats(void)
{
    struct said said = cli_run("report", "--format", "csv", golden(), NULL);
    cli_fine(said);
    CU_ASSERT_EQUAL(strncmp(said.out, "created,cpu,", 12), 0);
    said = cli_run("report", "--format", "json", golden(), NULL);
    cli_fine(said);
    json_t *root = parsed(said.out);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(root, "schema")), "muster.results/1");
    json_decref(root);
}

/* The page and its pictures, in a folder that is made for them; several machines side by side. */
static void report_pages(void)
{
    const char *folder = cli_path("made/for/it"), *other = frame_source("tests/golden/other.json");
    struct said said = cli_run("report", golden(), other, "-o", folder, NULL);
    CU_ASSERT_EQUAL(said.code, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "report.html"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "Gold 6338"));
    CU_ASSERT_TRUE(exists(folder, "report.html"));
}

/* Where results and page lie together, the table says so. */
static void report_names_folder(void)
{
    struct said said = cli_run("report", "--format", "json", golden(), NULL);
    const char *folder = frame_folder();
    cli_fine(said);
    cli_file("results.json", said.out, strlen(said.out));
    said = cli_run("report", folder, "-o", folder, NULL);
    CU_ASSERT_EQUAL(said.code, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "/report.html"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "muster report --contention"));
    said = cli_run("report", cli_path("results.json"), NULL);
    cli_fine(said);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "/report.html"));
}

static void report_without_gnuplot(void)
{
    setenv("PATH", "/nonexistent", 1);
    struct said said = cli_run("report", golden(), "-o", frame_folder(), NULL);
    CU_ASSERT_EQUAL(said.code, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "muster: the report has no pictures: gnuplot"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "items/s"));
    CU_ASSERT_TRUE(exists(frame_folder(), "report.html"));
}

static void report_refuses(void)
{
    cli_refused(cli_run("report", NULL), EXIT_USAGE, "needs a results file");
    cli_refused(cli_run("report", "no-such.json", NULL), EXIT_NO_INPUT, "no-such.json");
    cli_refused(cli_run("report", golden(), "no-such.json", NULL), EXIT_NO_INPUT, "no-such.json");
    cli_refused(cli_run("report", frame_folder(), NULL), EXIT_NO_INPUT, "results.json");
    cli_refused(cli_run("report", frame_source("LICENSE"), NULL), EXIT_BAD_FILE, "LICENSE");
    cli_refused(cli_run("report", "--format", "csv", golden(), golden(), NULL), EXIT_USAGE, "one results file");
    cli_refused(cli_run("report", "--format", "csv", "--contention", golden(), NULL), EXIT_USAGE, "--contention");
    cli_refused(cli_run("report", "--format", "none", golden(), NULL), EXIT_USAGE, "'none'");
    cli_refused(cli_run("report", "--contenton", golden(), NULL), EXIT_USAGE, "did you mean '--contention'?");
    cli_refused(cli_run_into("/dev/full", "report", golden(), NULL), EXIT_NO_OUTPUT, "standard output");
    cli_refused(cli_run_into("/dev/full", "report", "--format", "csv", golden(), NULL), EXIT_NO_OUTPUT, "output");
}

/* Cut anywhere, it is refused with its name. */
static void report_refuses_cut_file(void)
{
    struct said said = cli_run("report", "--format", "json", golden(), NULL);
    size_t length = strlen(said.out);
    char *text = strdup(said.out);
    cli_fine(said);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    for (unsigned eighths = 0; eighths < 8; eighths++)
        cli_refused(cli_run("report", cli_file("cut.json", text, length * eighths / 8), NULL), EXIT_BAD_FILE,
                    "cut.json");
    free(text);
}

/* What cannot be written costs the exit code; the table is there all the same, and nothing half written is left. */
static void report_refuses_output(void)
{
    const char *file = cli_file("file", "mine", 4), *folder = cli_path("full");
    struct rlimit little = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY}, plenty = {RLIM_INFINITY, RLIM_INFINITY};
    struct stat is;
    cli_refused(cli_run("report", golden(), "-o", file, NULL), EXIT_NO_OUTPUT, "not a folder");
    cli_refused(cli_run("report", golden(), "-o", cli_path("file/below"), NULL), EXIT_NO_OUTPUT, "file/below");
    cli_refused(cli_run("report", golden(), "-o", "", NULL), EXIT_USAGE, "--output");
    CU_ASSERT(stat(file, &is) == 0 && is.st_size == 4);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &little), 0);
    cli_refused(cli_run("report", golden(), "-o", folder, NULL), EXIT_NO_OUTPUT, "report.html");
    setrlimit(RLIMIT_FSIZE, &plenty);
    CU_ASSERT_FALSE(exists(folder, "report.html"));
    CU_ASSERT_EQUAL(rmdir(folder), 0);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "command line: commands", .run = commands},
        {.name = "command line: help", .run = help},
        {.name = "command line: help as a command", .run = help_as_a_command},
        {.name = "command line: list as a table", .run = list_table},
        {.name = "command line: list with what each does", .run = list_long},
        {.name = "command line: list as JSON", .run = list_json},
        {.name = "command line: list refuses", .run = list_refuses},
        {.name = "command line: topology plans", .run = topology_plans},
        {.name = "command line: topology refuses", .run = topology_refuses},
        {.name = "command line: report tables", .run = report_tables},
        {.name = "command line: report as csv and JSON", .run = report_formats},
        {.name = "command line: report pages", .run = report_pages, .limit_s = 60},
        {.name = "command line: report names its folder", .run = report_names_folder, .limit_s = 60},
        {.name = "command line: report without gnuplot", .run = report_without_gnuplot},
        {.name = "command line: report refuses", .run = report_refuses},
        {.name = "command line: report refuses a cut file", .run = report_refuses_cut_file},
        {.name = "command line: report refuses an output", .run = report_refuses_output},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
