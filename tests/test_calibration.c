/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_calibration.c - what was learned of a machine, kept and found again; and not believed on another machine, on
 * other terms, or when the file is not what it should be. */
#include "reports/calibration.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A machine of literals, never freed. */
static struct host machine(const char *cpu)
{
    return (struct host){.cpu = (char *)cpu,
                         .arch = (char *)"x86_64",
                         .kernel = (char *)"6.18.0",
                         .cores = 2,
                         .pus = 2,
                         .load_1min = 0.5};
}

static struct calibrated_cell cells[] = {
    {.id = (char *)"counter/made w=2",
     .floor = 0.004,
     .floor_blocks = 24,
     .floor_stretches = 8,
     .caught = 0.03,
     .session_sd = 0.02,
     .sessions = 10,
     .pair_sd = 0.01,
     .lag1 = -0.1,
     .pairs = 210,
     .spoiled = 10},
    {.id = (char *)"list/made w=2", .floor = 0.02, .caught = NAN, .session_sd = NAN, .pair_sd = NAN, .lag1 = NAN},
};

static struct calibrated_power powers[] = {{.handicap = 0.03, .gates = 250, .caught = 100}, {.handicap = 0.1}};

static struct calibration made(const char *cpu)
{
    return (struct calibration){
        .host = machine(cpu),
        .created = (char *)"2026-11-20T04:00:00Z",
        .idle = (char *)"poll",
        .commit = (char *)"1234abc",
        .elapsed_s = 600,
        .windows = 8,
        .window_s = 0.01,
        .warmup_s = 0.02,
        .by_windows = true,
        .blocks = 200,
        .gate_s = 180,
        .blocks_least = 24,
        .blocks_most = 56,
        .capped = true,
        .confirm_s = 60,
        .confirm_live_s = 10,
        .margin = 0.02,
        .gates = 250,
        .false_alarms = 1,
        .independent = 2,
        .false_alarm_most = 0.95,
        .powers = powers,
        .power_count = 2,
        .control = {.id = (char *)"map/made w=2",
                    .expected = 1.1,
                    .ratio = 1.09,
                    .low = 1.08,
                    .high = NAN,
                    .blocks = 24,
                    .verdict = (char *)"slower"},
        .live = {.gates = 15, .passed = 14, .inconclusive = 1},
        .cells = cells,
        .cell_count = 2,
    };
}

static void comes_back_as_it_was(void)
{
    const struct calibration kept = made("One");
    const struct host here = machine("One");
    struct calibration got;
    struct report_error error;
    CU_ASSERT_EQUAL(calibration_read(&got, frame_folder(), &here, &error), 1);
    CU_ASSERT_EQUAL_FATAL(calibration_write(&kept, frame_folder(), &error), 0);
    CU_ASSERT_EQUAL_FATAL(calibration_write(&kept, frame_folder(), &error), 0); /* again, over it */
    CU_ASSERT_EQUAL_FATAL(calibration_read(&got, frame_folder(), &here, &error), 0);
    char *before = calibration_to_json(&kept), *after = calibration_to_json(&got);
    CU_ASSERT_STRING_EQUAL(before, after);
    const struct calibrated_cell *cell = calibration_cell(&got, "list/made w=2");
    CU_ASSERT_PTR_NOT_NULL_FATAL(cell);
    CU_ASSERT_EQUAL(cell->floor, 0.02);
    CU_ASSERT(isnan(cell->caught) && isnan(cell->session_sd));
    CU_ASSERT_EQUAL(calibration_cell(&got, "counter/made w=2")->lag1, -0.1);
    CU_ASSERT_PTR_NULL(calibration_cell(&got, "counter/made w=4"));
    CU_ASSERT(calibration_cell(&got, "counter/made w=2")->floor_stretches == 8 && cell->floor_stretches == 0);
    CU_ASSERT(got.capped && got.confirm_s == 60 && got.confirm_live_s == 10);
    CU_ASSERT(got.power_count == 2 && got.powers[0].caught == 100 && got.powers[1].gates == 0);
    CU_ASSERT(got.control.blocks == 24 && got.control.low == 1.08 && isnan(got.control.high));
    CU_ASSERT(got.live.passed == 14 && got.live.alarms == 0);
    free(before);
    free(after);
    calibration_free(&got);
}

/* A name may be the same by chance, or the file a copy. */
static void names_are_not_believed(void)
{
    const struct calibration kept = made("One");
    const struct host here = machine("One"), other = machine("Other");
    struct calibration got;
    struct report_error error;
    char *from = calibration_path(frame_folder(), &here), *to = calibration_path(frame_folder(), &other);
    CU_ASSERT_EQUAL_FATAL(calibration_write(&kept, frame_folder(), &error), 0);
    CU_ASSERT_STRING_NOT_EQUAL(from, to);
    CU_ASSERT_EQUAL(calibration_read(&got, frame_folder(), &other, &error), 1);
    CU_ASSERT_EQUAL(rename(from, to), 0);
    CU_ASSERT_EQUAL(calibration_read(&got, frame_folder(), &other, &error), 1);
    CU_ASSERT_EQUAL(calibration_read(&got, frame_folder(), &here, &error), 1);
    free(from);
    free(to);
}

/* Writes the file with one text replaced by another; what reading it says. */
static struct report_error falsified(const char *old, const char *new)
{
    const struct calibration kept = made("One");
    const struct host here = machine("One");
    struct calibration got;
    struct report_error error = {.code = 0};
    CU_ASSERT_EQUAL_FATAL(calibration_write(&kept, frame_folder(), &error), 0);
    char *path = calibration_path(frame_folder(), &here), *text = calibration_to_json(&kept), *at = strstr(text, old);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fprintf(file, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    fclose(file);
    CU_ASSERT_EQUAL(calibration_read(&got, frame_folder(), &here, &error), -1);
    CU_ASSERT_EQUAL(error.code, 65);
    CU_ASSERT_EQUAL(got.cell_count, 0);
    free(path);
    free(text);
    return error;
}

static void false_files_are_refused(void)
{
    static const struct {
        const char *old, *new, *said;
    } cases[] = {
        {"muster.calibration/1", "muster.calibration/2", "muster.calibration/1"},
        {"\"floor\": 0.02", "\"floor\": -0.02", "cells[1].floor"},
        {"\"floor\": 0.02", "\"floor\": NaN", "not JSON"},
        {"\"floor\": 0.02", "\"floor\": 1e308", "no machine's"},
        {"\"pairs\": 210", "\"pairs\": \"210\"", "cells[0].pairs"},
        {"\"spoiled\": 10", "\"spoiled\": 1000", "cells[0]"},
        {"\"session_sd\": 0.02", "\"session_sd\": 1e200", "cells[0].session_sd"},
        {"list/made", "counter/made", "twice"},
        {"\"false_alarms\": 1", "\"false_alarms\": 1000", "contradict"},
        {"\"idle\": \"poll\",", "", "idle"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct report_error error = falsified(cases[i].old, cases[i].new);
        if (!strstr(error.text, cases[i].said))
            fprintf(stderr, "%s\n", error.text);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, cases[i].said));
    }
}

static void unwritable_folders_are_told(void)
{
    const struct calibration kept = made("One");
    struct report_error error = {.code = 0};
    CU_ASSERT_EQUAL(calibration_write(&kept, "/proc/self", &error), -1);
    CU_ASSERT_EQUAL(error.code, 73);
}

static void other_terms_do_not_fit(void)
{
    const struct calibration kept = made("One");
    struct results about = {.idle = (char *)"poll", .windows = 8, .window_s = 0.01, .warmup_s = 0.02};
    char text[120];
    CU_ASSERT_PTR_NULL(calibration_unfit(&kept, &about, text, sizeof text));
    about.windows = 4;
    CU_ASSERT_STRING_EQUAL(calibration_unfit(&kept, &about, text, sizeof text), "it was made with 8 windows of 10 ms");
    about.windows = 8;
    about.warmup_s = 0;
    CU_ASSERT_STRING_EQUAL(calibration_unfit(&kept, &about, text, sizeof text), "it was made with 20 ms of warm-up");
    about.idle = (char *)"spin";
    CU_ASSERT_STRING_EQUAL(calibration_unfit(&kept, &about, text, sizeof text), "it was made in idle mode poll");
}

static void ages(void)
{
    struct calibration kept = made("One");
    CU_ASSERT_DOUBLE_EQUAL(calibration_age_days(&kept, 1795147200 + 3 * 86400.0), 3, 1e-9); /* 2026-11-20T04:00:00Z */
    kept.created = (char *)"yesterday";
    CU_ASSERT(isnan(calibration_age_days(&kept, 1e9)));
    kept.created = NULL;
    CU_ASSERT(isnan(calibration_age_days(&kept, 1e9)));
}

/* What is written has no member that the schema does not know, and none that it requires is lacking. */
static void hold_against(const json_t *object, const json_t *schema)
{
    const json_t *properties = json_object_get(schema, "properties"), *item;
    const char *name;
    size_t index;
    json_object_foreach((json_t *)object, name, item)
    {
        if (!json_object_get(properties, name))
            fprintf(stderr, "the schema lacks %s\n", name);
        CU_ASSERT_PTR_NOT_NULL(json_object_get(properties, name));
    }
    json_array_foreach(json_object_get(schema, "required"), index, item)
        CU_ASSERT_PTR_NOT_NULL(json_object_get(object, json_string_value(item)));
}

static void schema_agrees(void)
{
    const struct calibration kept = made("One");
    char *text = calibration_to_json(&kept);
    json_t *schema = json_load_file(frame_source("reports/calibration.schema.json"), JSON_REJECT_DUPLICATES, NULL);
    json_t *file = json_loads(text, 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(schema);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    hold_against(file, schema);
    static const char *const parts[] = {"gate", "control", "live"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        hold_against(json_object_get(file, parts[i]), json_object_get(json_object_get(schema, "properties"), parts[i]));
    const json_t *power = json_object_get(json_object_get(schema, "properties"), "power");
    hold_against(json_array_get(json_object_get(file, "power"), 0), json_object_get(power, "items"));
    const json_t *cell = json_object_get(json_object_get(schema, "$defs"), "cell");
    CU_ASSERT_EQUAL(json_object_size(json_object_get(cell, "properties")),
                    json_object_size(json_array_get(json_object_get(file, "cells"), 0)));
    hold_against(json_array_get(json_object_get(file, "cells"), 0), cell);
    hold_against(json_array_get(json_object_get(file, "cells"), 1), cell);
    json_decref(schema);
    json_decref(file);
    free(text);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"calibration: comes back as it was", comes_back_as_it_was, 0},
        {"calibration: a name alone is not believed", names_are_not_believed, 0},
        {"calibration: false files are refused", false_files_are_refused, 0},
        {"calibration: a folder that cannot be written", unwritable_folders_are_told, 0},
        {"calibration: other terms do not fit", other_terms_do_not_fit, 0},
        {"calibration: age", ages, 0},
        {"calibration: schema and file agree", schema_agrees, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
