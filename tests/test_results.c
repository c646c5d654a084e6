/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_results.c - the results file: written and read back, cut, falsified, onto a full disk; and held against its
 * schema.
 *
 * Falsified files are made from tests/golden/results.json by replacing a piece of its text, so each differs from a
 * good file in one place, and the error must name that place. */
#include "tests/frame.h"

#include "reports/results.h"
#include "reports/results_fields.h"

#include <CUnit/CUnit.h>
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, CUT_STEP = 97 };

static char *read_file(const char *path)
{
    char *text = NULL;
    size_t size = 0, room = 0;
    FILE *file = fopen(path, "re");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    do {
        room += 1 << 16;
        text = realloc(text, room + 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(text);
        size += fread(text + size, 1, room - size, file);
    } while (size == room);
    text[size] = '\0';
    fclose(file);
    return text;
}

static const char *path_of(const char *name)
{
    static char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", frame_folder(), name);
    return path;
}

static void write_file(const char *path, const char *text, size_t length)
{
    FILE *file = fopen(path, "we");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(text, 1, length, file), length);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static size_t count_files(const char *folder)
{
    size_t count = 0;
    DIR *dir = opendir(folder);

    CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return count;
}

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

static void round_trip(void)
{
    struct results first, second;
    struct report_error error;
    char *before, *after;

    read_golden(&first, "results.json");
    CU_ASSERT_EQUAL(results_write(&first, frame_folder(), &error), 0);
    CU_ASSERT_EQUAL(results_write(&first, frame_folder(), &error), 0); /* over the earlier one */
    CU_ASSERT_EQUAL(count_files(frame_folder()), 1);
    CU_ASSERT_EQUAL_FATAL(results_read(&second, frame_folder(), &error), 0);
    CU_ASSERT_EQUAL(first.cell_count, second.cell_count);
    CU_ASSERT_EQUAL(first.seed, second.seed);
    CU_ASSERT_STRING_EQUAL(first.cells[3].id, second.cells[3].id);
    CU_ASSERT_EQUAL(first.cells[3].value, second.cells[3].value);
    CU_ASSERT_EQUAL(first.cells[3].trials[5].windows[1], second.cells[3].trials[5].windows[1]);
    before = results_to_json(&first);
    after = results_to_json(&second);
    CU_ASSERT_PTR_NOT_NULL_FATAL(before);
    CU_ASSERT_PTR_NOT_NULL_FATAL(after);
    CU_ASSERT_STRING_EQUAL(before, after);
    free(before);
    free(after);
    results_free(&first);
    results_free(&second);
    CU_ASSERT_EQUAL(first.cell_count, 0);
}

/* Two cells as a harness would hold them: one measured, one planned. */
static void fill_by_hand(struct results *r, struct cell cells[2], struct trial *trial, double *windows, char **command)
{
    *trial = (struct trial){.block = 1, .windows = windows, .window_count = 3, .value = NAN, .elapsed_s = NAN};
    trial->costs.workers_cpu_s = trial->costs.service_cpu_s = NAN;
    trial->wake_before_ns = INFINITY;
    for (int i = 0; i < 2; i++)
        cells[i] = (struct cell){.id = i ? "b" : "a",
                                 .workload = "w",
                                 .strategy = "s",
                                 .variant = "v",
                                 .workers = 1,
                                 .placement = "none",
                                 .idle = "natural",
                                 .service_pu = -1,
                                 .ranked = true,
                                 .metric = "throughput",
                                 .unit = "items/s",
                                 .better = "higher",
                                 .value = NAN,
                                 .ci_low = NAN,
                                 .ci_high = NAN,
                                 .confidence = NAN};
    cells[0].status = CELL_OK;
    cells[0].trials = trial;
    cells[0].trial_count = 1;
    *r = (struct results){.version = "0",
                          .created = "2026-01-01T00:00:00Z",
                          .seed = UINT64_MAX,
                          .noise = NAN,
                          .command = command,
                          .command_count = 1,
                          .cells = cells,
                          .cell_count = 2};
}

static void what_a_harness_holds(void)
{
    struct results r, back;
    struct cell cells[2];
    struct trial trial;
    struct report_error error;
    double windows[] = {3, 1, 2};
    char *command[] = {(char[]){"not UTF-8: \xff, \"quoted\""}};

    fill_by_hand(&r, cells, &trial, windows, command);
    cell_summarise(&cells[0]);
    CU_ASSERT_EQUAL(cells[0].value, 2);
    CU_ASSERT(isnan(cells[0].ci_low));
    CU_ASSERT_EQUAL(results_write(&r, frame_folder(), &error), 0);
    if (results_read(&back, frame_folder(), &error) != 0)
        CU_FAIL_FATAL("what was written is refused");
    CU_ASSERT_EQUAL(back.seed, UINT64_MAX);
    CU_ASSERT_STRING_EQUAL(back.command[0], "not UTF-8: ?, \"quoted\"");
    CU_ASSERT_EQUAL_FATAL(back.cell_count, 1); /* the planned one is not in the file */
    CU_ASSERT_EQUAL(back.cells[0].chunk, 0);
    CU_ASSERT_EQUAL(back.cells[0].service_pu, -1);
    CU_ASSERT_PTR_NULL(back.cells[0].pus);
    CU_ASSERT_PTR_NULL(back.commit);
    CU_ASSERT(isnan(back.noise) && isnan(back.cells[0].confidence) && isnan(back.cells[0].trials[0].wake_before_ns));
    CU_ASSERT_EQUAL(back.cells[0].trials[0].value, 2);
    results_free(&back);
    cells[0].status = CELL_FAILED; /* a number is not written for a cell without proof, whatever the struct holds */
    cells[0].reason = NULL;        /* nor may a missing reason make a file that cannot be read */
    CU_ASSERT_EQUAL(results_write(&r, frame_folder(), &error), 0);
    CU_ASSERT_EQUAL_FATAL(results_read(&back, frame_folder(), &error), 0);
    CU_ASSERT(isnan(back.cells[0].value));
    CU_ASSERT_STRING_EQUAL(back.cells[0].reason, "");
    results_free(&back);
}

static void summaries(void)
{
    struct trial trials[7] = {0};
    double windows[7][1];
    struct cell cell = {.status = CELL_OK, .trials = trials, .trial_count = 7};

    for (size_t i = 0; i < 7; i++) {
        windows[i][0] = (double)((i * 3) % 7 + 1);
        trials[i].windows = windows[i];
        trials[i].window_count = 1;
    }
    cell_summarise(&cell);
    CU_ASSERT_EQUAL(cell.value, 4);
    CU_ASSERT_EQUAL(cell.ci_low, 1);
    CU_ASSERT_EQUAL(cell.ci_high, 7);
    CU_ASSERT_EQUAL(cell.confidence, 0.95);
    cell.trial_count = 5;
    cell_summarise(&cell);
    CU_ASSERT(isnan(cell.ci_low) && isnan(cell.ci_high) && isnan(cell.confidence));
    CU_ASSERT_EQUAL(cell.value, 4);
    cell.status = CELL_FAILED;
    cell_summarise(&cell);
    CU_ASSERT(isnan(cell.value));
    cell.status = CELL_OK;
    cell.trial_count = 0;
    cell_summarise(&cell);
    CU_ASSERT(isnan(cell.value));
}

static void cut_anywhere(void)
{
    char *text = read_file(frame_source("tests/golden/other.json"));
    size_t length = strlen(text);

    while (length && text[length - 1] == '\n')
        length--;
    for (size_t cut = 0; cut < length; cut += CUT_STEP) {
        struct results r;
        struct report_error error = {0};
        const char *path = path_of("cut.json");
        write_file(path, text, cut);
        CU_ASSERT_EQUAL_FATAL(results_read(&r, path, &error), -1);
        CU_ASSERT_EQUAL(error.code, 65);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, ": line "));
        CU_ASSERT_PTR_NULL(strchr(error.text, '\n'));
        CU_ASSERT_EQUAL(r.cell_count, 0);
    }
    free(text);
}

struct falsified {
    const char *from, *to; /* what is replaced, the first time it stands there */
    const char *says;      /* a part of the error */
};

static const struct falsified FALSIFIED[] = {
    {"\"schema\": \"muster.results/1\"", "\"schema\": \"muster.results/2\"", "only \"muster.results/1\" is understood"},
    {"\"schema\": \"muster.results/1\"", "\"schema\": 1", "no results file"},
    {"\"elapsed_s\": 68.4", "\"elapsed_s\": NaN", ": line "},
    {"\"elapsed_s\": 68.4", "\"elapsed_s\": 1e999", ": line "},
    {"\"elapsed_s\": 68.4", "\"elapsed_s\": null", "elapsed_s: a number is expected here, not null"},
    {"\"elapsed_s\": 68.4", "\"elapsed_s\": -1", "elapsed_s: the number is negative"},
    {"\"elapsed_s\": 68.4", "\"elapsed\": 68.4", "elapsed_s: is missing"},
    {"\"value\": 2992320000.0", "\"value\": 2.0", "cells[0].trials[0]: the value 2 is not the median of its windows"},
    {"\"value\": 2992770000.0", "\"value\": 2993770000.0", "cells[0]: the value is not the median of its trials"},
    {"\"seed\": 4711", "\"seed\": 4711.5", "seed: a whole number is expected here, not a number with decimals"},
    {"\"seed\": 4711", "\"seed\": \"99999999999999999999\"", "seed: the number is too large"},
    {"\"seed\": 4711", "\"seed\": \"\"", "seed: a whole number is expected here, not a string"},
    {"\"seed\": 4711", "\"seed\": 1, \"seed\": 2", ": line "},
    {"\"command\": [\"muster\"", "\"command\": [1", "command[0]: a string is expected here, not an integer"},
    {"\"interrupted\": false", "\"interrupted\": 0", "interrupted: true or false is expected"},
    {"\"host\": {", "\"host\": [], \"other\": {", "host: an object is expected here, not an array"},
    {"\"role\": \"control\"", "\"role\": \"king\"", "strategies[0].role: \"king\" is none of"},
    {"\"workers\": 1,", "\"workers\": \"1\",", "cells[0].workers: a whole number is expected here, not a string"},
    {"\"workers\": 1,", "\"workers\": -1,", "cells[0].workers: the number is negative"},
    {"\"workers\": 1,", "\"workers\": 4294967296,", "cells[0].workers: the number is too large"},
    {"\"workers\": 1,", "\"workers\": 2,", "cells[0].pus: there are 1 places for 2 workers"},
    {"\"workers\": 1,", "\"worker\": 1,", "cells[0].workers: is missing"},
    {"\"chunk\": \"auto\"", "\"chunk\": \"all\"", "cells[0].chunk: a whole number is expected"},
    {"\"chunk\": \"auto\"", "\"chunk\": 0", "cells[0].chunk: a chunk is at least 1"},
    {"\"status\": \"ok\"", "\"status\": \"fine\"", "cells[0].status: \"fine\" is none of"},
    {"\"status\": \"ok\"", "\"status\": \"failed\"", "cells[0]: it has a value, but its status is not ok"},
    {"\"better\": \"higher\"", "\"better\": \"bigger\"", "cells[0]: better is neither"},
    {"\"value\": ", "\"worth\": ", "cells[0]: its status is ok, but it has no value"},
    {"\"value\": ", "\"value\": 1, \"worth\": ", "cells[0]: the value lies outside its interval"},
    {"\"windows\": [", "\"windows\": [true, ", "cells[0].trials[0].windows[0]: a number is expected"},
    {"\"per_worker\": [", "\"per_worker\": [1.5, ", "cells[0].trials[0].per_worker[0]: a whole number is expected"},
    {"\"costs\": {", "\"costs\": 1, \"cost\": {", "cells[0].trials[0].costs: an object is expected"},
    {"w=1 c=1 p=cores i=0 b=8\"", "w=2 c=1 p=cores i=0 b=8\"", "is there twice"},
};

static char *replace_once(const char *text, const struct falsified *row)
{
    const char *at = strstr(text, row->from);
    char *result = NULL;

    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    CU_ASSERT_FATAL(asprintf(&result, "%.*s%s%s", (int)(at - text), text, row->to, at + strlen(row->from)) > 0);
    return result;
}

static void falsified_anywhere(void)
{
    char *text = read_file(frame_source("tests/golden/results.json"));

    for (size_t i = 0; i < sizeof FALSIFIED / sizeof *FALSIFIED; i++) {
        struct results r;
        struct report_error error = {0};
        char *false_text = replace_once(text, &FALSIFIED[i]);
        write_file(path_of("false.json"), false_text, strlen(false_text));
        CU_ASSERT_EQUAL(results_read(&r, path_of("false.json"), &error), -1);
        CU_ASSERT_EQUAL(error.code, 65);
        if (!strstr(error.text, FALSIFIED[i].says))
            fprintf(stderr, "\"%s\" does not say \"%s\"\n", error.text, FALSIFIED[i].says);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, FALSIFIED[i].says));
        free(false_text);
        results_free(&r);
    }
    free(text);
}

static void no_results_file(void)
{
    static const char *const texts[] = {"", "x", "[]", "{}", "null", "\"schema\"", "{\"schema\": {}}"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct results r;
        struct report_error error = {0};
        write_file(path_of("other.json"), texts[i], strlen(texts[i]));
        CU_ASSERT_EQUAL(results_read(&r, path_of("other.json"), &error), -1);
        CU_ASSERT_EQUAL(error.code, 65);
    }
}

static void what_is_unknown_is_skipped(void)
{
    static const struct falsified row = {"\"seed\": 4711", "\"news\": {\"of\": [1, null]}, \"seed\": 4712", ""};
    char *text = read_file(frame_source("tests/golden/results.json"));
    char *more = replace_once(text, &row);
    struct report_error error = {0};
    struct results r;

    write_file(path_of("more.json"), more, strlen(more));
    CU_ASSERT_EQUAL(results_read(&r, path_of("more.json"), &error), 0);
    CU_ASSERT_EQUAL(r.seed, 4712);
    results_free(&r);
    free(more);
    free(text);
}

static void cannot_be_opened(void)
{
    struct results r;
    struct report_error error = {0};

    CU_ASSERT_EQUAL(results_read(&r, path_of("nowhere.json"), &error), -1);
    CU_ASSERT_EQUAL(error.code, 66);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "nowhere.json"));
    CU_ASSERT_EQUAL(results_read(&r, frame_folder(), &error), -1); /* a folder without results.json */
    CU_ASSERT_EQUAL(error.code, 66);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "/results.json"));
    CU_ASSERT_PTR_NULL(strstr(error.text, "the folder holds"));
    FILE *file = fopen(path_of("duet.json"), "we"); /* nor one of another kind */
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs("{\"schema\": \"muster.duet/1\"}\n", file);
    fclose(file);
    CU_ASSERT_EQUAL(results_read(&r, frame_folder(), &error), -1);
    CU_ASSERT_EQUAL(error.code, 66);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "; the folder holds a duet, duet.json"));
    CU_ASSERT_EQUAL(results_read(&r, path_of("duet.json"), &error), -1);
    CU_ASSERT_EQUAL(error.code, 65);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "this is a duet, no results file"));
}

static void cannot_be_written(void)
{
    struct results r;
    struct report_error error = {0};

    read_golden(&r, "other.json");
    CU_ASSERT_EQUAL(results_write(&r, path_of("nowhere"), &error), -1);
    CU_ASSERT_EQUAL(error.code, 73);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "nowhere/results.json: No such file or directory"));
    write_file(path_of("file"), "x", 1);
    CU_ASSERT_EQUAL(results_write(&r, path_of("file"), &error), -1);
    CU_ASSERT_EQUAL(error.code, 73);
    CU_ASSERT_EQUAL(mkdir(path_of("folder"), 0700), 0);
    CU_ASSERT_EQUAL(mkdir(path_of("folder/results.json"), 0700), 0); /* the name is taken by a folder */
    CU_ASSERT_EQUAL(results_write(&r, path_of("folder"), &error), -1);
    CU_ASSERT_EQUAL(error.code, 73);
    CU_ASSERT_EQUAL(count_files(path_of("folder")), 1);
    results_free(&r);
}

static void full_disk(void)
{
    struct rlimit before, small = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
    struct results r, back;
    struct report_error error = {0};

    read_golden(&r, "results.json");
    CU_ASSERT_EQUAL(results_write(&r, frame_folder(), &error), 0);
    char *earlier = read_file(path_of("results.json"));
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &small), 0);
    r.seed = 1;
    int result = results_write(&r, frame_folder(), &error);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    CU_ASSERT_EQUAL(result, -1);
    CU_ASSERT_EQUAL(error.code, 73);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "results.json: File too large"));
    CU_ASSERT_EQUAL(count_files(frame_folder()), 1);
    char *later = read_file(path_of("results.json"));
    CU_ASSERT_STRING_EQUAL(earlier, later);
    CU_ASSERT_EQUAL_FATAL(results_read(&back, frame_folder(), &error), 0);
    CU_ASSERT_EQUAL(back.seed, 4711);
    free(earlier);
    free(later);
    results_free(&r);
    results_free(&back);
}

static const json_t *resolve(const json_t *schema, const json_t *part)
{
    const char *reference = json_string_value(json_object_get(part, "$ref"));

    if (!reference)
        return part;
    return json_object_get(json_object_get(schema, "$defs"), strrchr(reference, '/') + 1);
}

static bool is_listed(const json_t *array, const char *name)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (strcmp(json_string_value(json_array_get(array, i)), name) == 0)
            return true;
    return false;
}

/* Every field of the table is in the schema, with the same type, and required there if it is required here. */
static void compare_fields(const json_t *schema, const json_t *object, const struct fields *fields)
{
    for (const struct field *field = fields->list; field->name; field++) {
        const json_t *property = json_object_get(json_object_get(object, "properties"), field->name);
        if (!property)
            fprintf(stderr, "the schema lacks %s\n", field->name);
        CU_ASSERT_PTR_NOT_NULL_FATAL(property);
        property = resolve(schema, property);
        if (field->kind != FIELD_DERIVED)
            CU_ASSERT_EQUAL(is_listed(json_object_get(object, "required"), field->name), field->required);
        const char *type = json_string_value(json_object_get(property, "type"));
        if (field->kind == FIELD_REAL)
            CU_ASSERT_STRING_EQUAL(type, "number");
        if (field->kind == FIELD_BOOL || field->kind == FIELD_TRUE)
            CU_ASSERT_STRING_EQUAL(type, "boolean");
        if (field->kind == FIELD_UNSIGNED || field->kind == FIELD_PLACE)
            CU_ASSERT_STRING_EQUAL(type, "integer");
        if (field->kind == FIELD_OBJECT)
            compare_fields(schema, property, field->below);
        if (field->kind == FIELD_OBJECTS)
            compare_fields(schema, resolve(schema, json_object_get(property, "items")), field->below);
    }
}

static void schema_agrees(void)
{
    json_error_t error;
    json_t *schema = json_load_file(frame_source("reports/results.schema.json"), JSON_REJECT_DUPLICATES, &error);

    CU_ASSERT_PTR_NOT_NULL_FATAL(schema);
    compare_fields(schema, schema, &results_fields);
    json_decref(schema);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"results: written and read back", round_trip, 0},
        {"results: what a harness holds", what_a_harness_holds, 0},
        {"results: what a cell's trials amount to", summaries, 0},
        {"results: a file cut anywhere is refused", cut_anywhere, 60},
        {"results: a falsified file is refused, naming the place", falsified_anywhere, 0},
        {"results: other files are refused", no_results_file, 0},
        {"results: unknown fields are skipped", what_is_unknown_is_skipped, 0},
        {"results: a file that cannot be opened", cannot_be_opened, 0},
        {"results: a file that cannot be written", cannot_be_written, 0},
        {"results: a full disk loses nothing", full_disk, 0},
        {"results: schema and table agree", schema_agrees, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
