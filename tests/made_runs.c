/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * made_runs.c - see made_runs.h. */
#include "tests/made_runs.h"

#include "reports/statistics.h"
#include "tests/cli.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>
#include <string.h>

json_t *made_golden(void)
{
    json_t *run = json_load_file(frame_source("tests/golden/results.json"), 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(run);
    return run;
}

json_t *made_cell(const json_t *run, const char *id)
{
    json_t *cells = json_object_get(run, "cells");
    for (size_t i = 0; i < json_array_size(cells); i++) {
        json_t *cell = json_array_get(cells, i);
        if (strcmp(json_string_value(json_object_get(cell, "id")), id) == 0)
            return cell;
    }
    return NULL;
}

static void scale(json_t *object, const char *name, double factor)
{
    json_t *value = json_object_get(object, name);
    if (json_is_real(value))
        json_real_set(value, json_real_value(value) * factor);
}

void made_slower(const json_t *run, const char *id, double times)
{
    json_t *cell = made_cell(run, id), *trials = json_object_get(cell, "trials");
    static const char *const names[] = {"value", "ci_low", "ci_high"};
    for (size_t i = 0; i < 3; i++)
        scale(cell, names[i], 1 / times);
    for (size_t i = 0; i < json_array_size(trials); i++) {
        json_t *windows = json_object_get(json_array_get(trials, i), "windows");
        scale(json_array_get(trials, i), "value", 1 / times);
        for (size_t w = 0; w < json_array_size(windows); w++)
            json_real_set(json_array_get(windows, w), json_real_value(json_array_get(windows, w)) / times);
    }
}

void made_settle(json_t *cell)
{
    json_t *trials = json_object_get(cell, "trials");
    double values[32];
    size_t count = json_array_size(trials);
    CU_ASSERT_FATAL(count <= 32);
    for (size_t i = 0; i < count; i++)
        values[i] = json_real_value(json_object_get(json_array_get(trials, i), "value"));
    json_object_set_new(cell, "value", json_real(statistics_median(values, count)));
    json_object_del(cell, "ci_low");
    json_object_del(cell, "ci_high");
}

json_t *made_run(double counter)
{
    static const char *const kept[] = {COUNTER, SOCKET, LIST, LACKING};
    static int seed = 1;
    json_t *run = made_golden(), *cells = json_array();
    for (size_t i = 0; i < 4; i++)
        json_array_append(cells, made_cell(run, kept[i]));
    json_object_set_new(run, "cells", cells);
    json_object_set_new(run, "seed", json_integer(seed++));
    made_slower(run, COUNTER, counter);
    return run;
}

const char *made_file(json_t *run, const char *name)
{
    const char *path = cli_path(name);
    CU_ASSERT_EQUAL_FATAL(json_dump_file(run, path, JSON_REAL_PRECISION(12)), 0);
    json_decref(run);
    return path;
}
