/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_history.c - changes of level in simulated series, with and without one; the file of kept runs, whole and torn;
 * and the commands that keep and list them. */
#include "reports/changes.h"
#include "reports/history.h"
#include "tests/cli.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- changes ----------------------------------------------------------------------------------------------------- */

enum { RUNS = 30 };

/* A level of 1000 in lognormal noise of 1 %, times `factor` from run `from` on. */
static void simulate(gsl_rng *random, double values[RUNS], size_t from, double factor)
{
    for (size_t i = 0; i < RUNS; i++)
        values[i] = 1000 * gsl_ran_lognormal(random, 0, 0.01) * (i >= from ? factor : 1);
}

static gsl_rng *random_from(unsigned long seed)
{
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    CU_ASSERT_PTR_NOT_NULL_FATAL(random);
    gsl_rng_set(random, seed);
    return random;
}

static size_t count_changes(const double *values, size_t count, double margin)
{
    struct change *list;
    size_t found;
    CU_ASSERT_EQUAL_FATAL(changes_find(values, count, margin, &list, &found), 0);
    free(list);
    return found;
}

/* With p at most 0.001 a series without a change should have one in a thousand, even with no margin. */
static void changes_are_rare(void)
{
    enum { SERIES = 1000 };
    gsl_rng *random = random_from(1);
    size_t told = 0;
    for (int i = 0; i < SERIES; i++) {
        double values[RUNS];
        simulate(random, values, RUNS, 1);
        told += count_changes(values, RUNS, 0) > 0;
    }
    CU_ASSERT(told <= 4);
    gsl_rng_free(random);
}

static void changes_are_found(void)
{
    enum { SERIES = 20 };
    gsl_rng *random = random_from(2);
    size_t found_all = 0, near = 0, small = 0;
    for (int i = 0; i < SERIES; i++) {
        double values[RUNS];
        struct change *list;
        size_t found;
        simulate(random, values, 18, 0.95);
        CU_ASSERT_EQUAL_FATAL(changes_find(values, RUNS, 0.02, &list, &found), 0);
        found_all += found == 1;
        near += found == 1 && list[0].at >= 17 && list[0].at <= 19 && list[0].sure &&
                fabs(list[0].after / list[0].before - 0.95) < 0.02;
        free(list);
        small += count_changes(values, RUNS, 0.10) > 0;
    }
    CU_ASSERT(found_all >= 19 && near >= 19);
    CU_ASSERT_EQUAL(small, 0); /* 5 % is no change where 10 % are asked for */
    gsl_rng_free(random);
}

/* Up and down again are two, and what lasts four runs is not sure. */
static void changes_of_few(void)
{
    gsl_rng *random = random_from(3);
    double values[RUNS];
    struct change *list;
    size_t found;
    simulate(random, values, 10, 1.3);
    for (size_t i = 26; i < RUNS; i++)
        values[i] *= 2;
    CU_ASSERT_EQUAL_FATAL(changes_find(values, RUNS, 0.02, &list, &found), 0);
    CU_ASSERT_EQUAL_FATAL(found, 2);
    CU_ASSERT(list[0].at == 10 && list[0].sure);
    CU_ASSERT(list[1].at == 26 && !list[1].sure);
    free(list);
    CU_ASSERT_EQUAL(count_changes(values, 5, 0), 0);
    CU_ASSERT_EQUAL(count_changes(values, 0, 0), 0);
    for (size_t i = 0; i < RUNS; i++)
        values[i] = 7;
    CU_ASSERT_EQUAL(count_changes(values, RUNS, 0), 0);
    gsl_rng_free(random);
}

/* --- the file ---------------------------------------------------------------------------------------------------- */

/* A run of one cell; texts are constants. */
struct scene {
    struct results results;
    struct cell cell;
    struct trial trials[6];
    char created[32], commit[16];
};

#define TEXT(constant) ((char *)(size_t)(constant))

static void scene_fill(struct scene *s, unsigned day, double value)
{
    *s = (struct scene){.results = {.version = TEXT("0.1.0"),
                                    .seed = day,
                                    .blocks_complete = 6,
                                    .windows = 8,
                                    .window_s = 0.01,
                                    .warmup_s = 0.02,
                                    .elapsed_s = 1}};
    snprintf(s->created, sizeof s->created, "2026-11-%02uT04:00:00Z", day);
    snprintf(s->commit, sizeof s->commit, "abc%04u", day);
    s->results.created = s->created;
    s->results.commit = s->commit;
    s->results.host = (struct host){.cpu = TEXT("CPU"), .cores = 2, .pus = 2, .kernel = TEXT("6.18"), .load_1min = NAN};
    s->cell = (struct cell){.id = TEXT("counter/some w=2"),
                            .workload = TEXT("counter"),
                            .strategy = TEXT("some"),
                            .variant = TEXT("plain"),
                            .idle = TEXT("poll"),
                            .unit = TEXT("adds/s"),
                            .better = TEXT("higher"),
                            .status = CELL_OK,
                            .trials = s->trials,
                            .trial_count = 6};
    for (size_t i = 0; i < 6; i++)
        s->trials[i].value = value * (1 + 0.001 * (double)i);
    cell_summarise(&s->cell);
    s->results.cells = &s->cell;
    s->results.cell_count = 1;
}

static void append(struct scene *s, const char *folder)
{
    struct report_error error;
    CU_ASSERT_EQUAL_FATAL(history_append(folder, &s->results, &error), 0);
}

static void add_text(const char *folder, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, HISTORY_FILE);
    FILE *file = fopen(path, "ae");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    fclose(file);
}

static void file_keeps(void)
{
    const char *folder = frame_folder();
    struct report_error error;
    struct history h;
    struct scene s;
    CU_ASSERT_EQUAL(history_read(&h, folder, &error), 0);
    CU_ASSERT_EQUAL(h.count, 0);
    scene_fill(&s, 2, 1000);
    append(&s, folder);
    scene_fill(&s, 1, 2000);
    append(&s, folder);
    CU_ASSERT_EQUAL_FATAL(history_read(&h, folder, &error), 0);
    CU_ASSERT_EQUAL_FATAL(h.count, 2); /* sorted by when they were measured */
    CU_ASSERT_STRING_EQUAL(h.runs[0].created, "2026-11-01T04:00:00Z");
    CU_ASSERT_STRING_EQUAL(h.runs[0].commit, "abc0001");
    CU_ASSERT_STRING_EQUAL(h.runs[0].host.cpu, "CPU");
    CU_ASSERT_DOUBLE_EQUAL(h.runs[0].cells[0].value, 2005, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(h.runs[0].cells[0].ci_low, 2000, 1e-6);
    CU_ASSERT_EQUAL(h.runs[0].cells[0].trials, 6);
    CU_ASSERT(h.runs[0].cells[0].spread > 0.001 && h.runs[0].cells[0].spread < 0.01);
    CU_ASSERT_TRUE(history_has(&h, &s.results));
    s.results.seed = 77;
    CU_ASSERT_FALSE(history_has(&h, &s.results));
    history_free(&h);
    CU_ASSERT_EQUAL(history_append("/nowhere/at/all", &s.results, &error), -1);
    CU_ASSERT_EQUAL(error.code, 73);
}

/* What a writer that died left is passed over, at the end and, once another has written, before it. */
static void file_torn(void)
{
    const char *folder = frame_folder();
    struct report_error error;
    struct history h;
    struct scene s;
    scene_fill(&s, 1, 1000);
    append(&s, folder);
    add_text(folder, "{\"schema\":\"muster.history/1\",\"created\":\"2026-1");
    CU_ASSERT_EQUAL_FATAL(history_read(&h, folder, &error), 0);
    CU_ASSERT(h.count == 1 && h.torn == 1 && h.torn_line == 2);
    history_free(&h);
    scene_fill(&s, 3, 1000);
    append(&s, folder);
    CU_ASSERT_EQUAL_FATAL(history_read(&h, folder, &error), 0);
    CU_ASSERT(h.count == 2 && h.torn == 1 && h.torn_line == 2);
    history_free(&h);
    add_text(folder, "{\"schema\":\"muster.history/1\",\"created\":7}\n");
    CU_ASSERT_EQUAL(history_read(&h, folder, &error), -1);
    CU_ASSERT_EQUAL(error.code, 65);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "line 4: created"));
}

static void file_shared(void)
{
    enum { WRITERS = 4, LINES = 8 };
    const char *folder = frame_folder();
    struct report_error error;
    struct history h;
    pid_t writers[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = fork();
        if (writers[i] == 0) {
            struct scene s;
            int bad = 0;
            for (unsigned line = 0; line < LINES; line++) {
                scene_fill(&s, (unsigned)i + 1, 1000 + line);
                bad |= history_append(folder, &s.results, &error);
            }
            _exit(bad != 0);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = -1;
        CU_ASSERT_EQUAL(waitpid(writers[i], &status, 0), writers[i]);
        CU_ASSERT_EQUAL(status, 0);
    }
    CU_ASSERT_EQUAL_FATAL(history_read(&h, folder, &error), 0);
    CU_ASSERT(h.count == WRITERS * LINES && h.torn == 0);
    history_free(&h);
}

/* --- courses ----------------------------------------------------------------------------------------------------- */

static void courses(void)
{
    const char *folder = frame_folder();
    struct history_wanted wanted = {.margin = 0.02};
    struct report_error error;
    struct history h;
    struct course *list;
    size_t count;
    struct scene s;
    char said[512];
    for (unsigned day = 1; day <= 20; day++) {
        scene_fill(&s, day, (day <= 10 ? 1000 : 800) * (1 + 0.001 * (day % 4)));
        append(&s, folder);
    }
    scene_fill(&s, 21, 5000); /* other terms, another machine: courses of their own */
    s.results.window_s = 0.02;
    append(&s, folder);
    scene_fill(&s, 22, 5000);
    s.results.host.cpu = TEXT("Other");
    append(&s, folder);
    CU_ASSERT_EQUAL_FATAL(history_read(&h, folder, &error), 0);
    CU_ASSERT_EQUAL_FATAL(course_build(&h, &wanted, &list, &count), 0);
    CU_ASSERT_EQUAL_FATAL(count, 3);
    CU_ASSERT(list[0].count == 20 && list[1].count == 1 && list[2].count == 1);
    CU_ASSERT_EQUAL_FATAL(list[0].change_count, 1);
    CU_ASSERT_EQUAL(list[0].changes[0].at, 10);
    CU_ASSERT_STRING_EQUAL(course_change(said, sizeof said, &list[0], 0),
                           "slower by 25 % from 2026-11-11 on, between abc0010 and abc0011: 1.0 k, then 803 adds/s");
    char *picture = course_picture(&list[0], 4, true);
    CU_ASSERT_STRING_EQUAL(picture, "4554");
    free(picture);
    picture = course_picture(&list[0], 12, true);
    CU_ASSERT_STRING_EQUAL(picture, "88|1111111111");
    free(picture);
    course_free(list, count);
    wanted.machine = h.runs[0].machine;
    wanted.cell = "w=3";
    CU_ASSERT_EQUAL_FATAL(course_build(&h, &wanted, &list, &count), 0);
    CU_ASSERT_EQUAL(count, 0);
    course_free(list, count);
    history_free(&h);
}

static size_t count_text(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
        count++;
    return count;
}

static const char *text_of(const char *path)
{
    static char text[1 << 18];
    FILE *file = fopen(path, "re");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

/* Axes have dates and round values; those of courses that are alike span the same. */
static void the_page(void)
{
    const struct history_wanted wanted = {.margin = 0.02};
    const char *folder = frame_folder();
    struct report_error error;
    struct history h;
    struct course *list;
    size_t count;
    struct scene s;
    for (unsigned day = 1; day <= 9; day++) {
        scene_fill(&s, day, 205e6 * (1 + 0.001 * (day % 4)));
        append(&s, folder);
        s.cell.id = TEXT("counter/wild w=2");
        s.trials[2].value = s.trials[3].value = 1e3 * day;
        cell_summarise(&s.cell);
        s.results.seed += 100;
        append(&s, folder);
    }
    CU_ASSERT_EQUAL_FATAL(history_read(&h, folder, &error), 0);
    CU_ASSERT_EQUAL_FATAL(course_build(&h, &wanted, &list, &count), 0);
    CU_ASSERT_EQUAL_FATAL(count, 2);
    CU_ASSERT_EQUAL_FATAL(history_page(list, count, folder, &error), 0);
    const char *page = text_of(cli_path("history.html"));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "each spans 10 %"));
    CU_ASSERT_EQUAL(count_text(page, "with its interval"), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "The latest, of 2026-11-09: 206 M"));
    CU_ASSERT(count_text(page, "This axis alone spans more") >= 1);
    if (!error.text[0]) { /* pictures were drawn */
        CU_ASSERT_PTR_NOT_NULL(strstr(page, "2026-11-07"));
        CU_ASSERT_PTR_NULL(strstr(page, ">0.5<"));
        CU_ASSERT_PTR_NOT_NULL(strstr(page, "205 M<"));
    }
    course_free(list, count);
    history_free(&h);
}

/* --- commands ---------------------------------------------------------------------------------------------------- */

#define SMALLEST "--window", "1ms", "--windows", "2", "--warmup", "1ms", "--idle", "natural", "--blocks", "1"

static void commands_keep_and_list(void)
{
    char records[512], folder[512], page[512];
    snprintf(records, sizeof records, "%s", cli_path("records/deep"));
    snprintf(folder, sizeof folder, "%s", cli_path("out"));
    snprintf(page, sizeof page, "%s", cli_path("page"));
    struct said said = cli_run("run", "-s", "serial", "-w", "counter", "-c", "1", "--seed", "1", "--keep", "--records",
                               records, "-o", folder, "--format", "none", SMALLEST, (char *)NULL);
    CU_ASSERT_EQUAL(said.code, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "history.jsonl"));
    said = cli_run("history", "--add", folder, "--records", records, (char *)NULL);
    CU_ASSERT_EQUAL(said.code, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "0 runs added"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "1 was there already"));
    said = cli_run("history", "--add", folder, folder, "--records", page, (char *)NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "1 run added"));
    said = cli_run("history", "--records", records, "-o", page, (char *)NULL);
    CU_ASSERT_EQUAL(said.code, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "counter/serial"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "interval"));
    CU_ASSERT(cli_width(said.out) <= 80);
    CU_ASSERT_EQUAL(access(cli_path("page/history.html"), R_OK), 0);
    said = cli_run("history", "--records", records, "--format", "json", "-w", "counter", "-s", "serial", (char *)NULL);
    json_t *json = json_loads(said.out, 0, NULL);
    CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "series")), 1);
    json_decref(json);
    said = cli_run("history", "--records", records, "--machine", "another", (char *)NULL);
    CU_ASSERT_EQUAL(said.code, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "holds 1 run, but none of that machine with such cells; there are: "));
    cli_refused(cli_run("history", "--records", records, "-s", "serail", (char *)NULL), 64, "did you mean 'serial'?");
    cli_refused(cli_run("history", "--records", records, "-w", "conter", (char *)NULL), 64, "did you mean 'counter'?");
}

static void commands_refuse(void)
{
    char records[512];
    snprintf(records, sizeof records, "%s", cli_path("none"));
    cli_refused(cli_run("history", "file.json", (char *)NULL), 64, "say --add");
    cli_refused(cli_run("history", "--add", (char *)NULL), 64, "--add wants");
    cli_refused(cli_run("history", "--add", "/nowhere.json", "--records", records, (char *)NULL), 66, "/nowhere.json");
    cli_refused(cli_run("run", "--records", records, (char *)NULL), 64, "--records is for --keep");
    cli_refused(cli_run("--handicap", "5%", "run", "-s", "serial", "--keep", "--records", records, (char *)NULL), 64,
                "--handicap");
    struct said said = cli_run("history", "--records", records, (char *)NULL);
    CU_ASSERT_EQUAL(said.code, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "holds no run yet"));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"history: no change is seldom told as one", changes_are_rare, 0},
        {"history: a change is found where it is", changes_are_found, 0},
        {"history: changes of few runs", changes_of_few, 0},
        {"history: runs are kept", file_keeps, 0},
        {"history: a line that was cut off is passed over", file_torn, 0},
        {"history: several write at once", file_shared, 0},
        {"history: courses, their changes and pictures", courses, 0},
        {"history: the page", the_page, 0},
        {"history: run --keep, and what history shows", commands_keep_and_list, 0},
        {"history: what the commands refuse", commands_refuse, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
