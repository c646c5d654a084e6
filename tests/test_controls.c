/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_controls.c - what `muster compare` tells of what surrounds the code, over made-up files (tests/made_runs.h) in
 * which work that holds no code under test took longer, or less long. What follows for verdicts is test_compare_decide.
 */
#include "tests/cli.h"
#include "tests/frame.h"
#include "tests/made_runs.h"

#include "harness/problem.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOME_BLOCKS 6

/* How many times as long control lane `line` takes, waking, and waking of the one cell in idle mode natural; and the
 * first cell's own operations. */
struct moves {
    double line, wake, natural, counter;
};

static const struct moves STILL = {1, 1, 1, 1};

/* The run's waking alone. */
static json_t *woken(const struct moves *m)
{
    json_t *run = made_run(m->counter), *cell, *trial;
    size_t i, k;
    json_object_set_new(made_cell(run, LIST), "idle", json_string("natural"));
    json_array_foreach(json_object_get(run, "cells"), i, cell)
    {
        const bool naturally = cell == made_cell(run, LIST);
        json_array_foreach(json_object_get(cell, "trials"), k, trial)
        {
            json_object_set_new(trial, "wake_before_ns", json_real(3000 * (naturally ? m->natural : m->wake)));
            json_object_del(trial, "wake_after_ns");
        }
    }
    return run;
}

static const char *moved(struct moves m, const char *name)
{
    json_t *run = woken(&m), *readings = json_array();
    for (int block = 1; block <= SOME_BLOCKS; block++)
        json_array_append_new(readings, json_pack("{s:i, s:f, s:f, s:f, s:f, s:f}", "block", block, "started",
                                                  0.5 * block, "spin", 1e9 + 1e6 * block, "call", 1e7 + 1e4 * block,
                                                  "memory", 7e7 + 1e5 * block, "line", (1e8 + 1e5 * block) / m.line));
    json_object_set_new(run, "lane_readings", readings);
    return made_file(run, name);
}

/* Calibrations of who runs the tests are none of theirs. */
static const char *still_base(void)
{
    setenv("MUSTER_RECORDS", frame_folder(), 1);
    return moved(STILL, "base.json");
}

static struct said compared(struct moves m)
{
    return cli_run("compare", still_base(), moved(m, "new.json"), NULL);
}

/* What stands in the sentences below the table, wherever they are wrapped. */
static bool tells(struct said said, const char *text)
{
    char *all = strdup(said.out);
    for (char *at = all; at && (at = strstr(at, "\n  "));)
        memmove(at, at + 2, strlen(at + 2) + 1);
    bool found = all && strstr(all, text);
    if (!found)
        fprintf(stderr, "\"%s\" is not in:\n%s", text, all);
    free(all);
    return found;
}

static double told(const char *list, const char *name)
{
    json_t *verdict = json_load_file(cli_path("verdict.json"), JSON_REJECT_DUPLICATES, NULL);
    const json_t *ratio = json_object_get(json_object_get(verdict, list), name);
    const double value = json_is_number(ratio) ? json_number_value(ratio) : -1;
    json_decref(verdict);
    return value;
}

static void still(void)
{
    struct said said = compared((struct moves){1.001, 1, 1, 1});
    cli_verdict(said, EXIT_FINE, "pass");
    CU_ASSERT_TRUE(tells(said, "changed by less than 1 % from BASE to NEW"));
    CU_ASSERT_PTR_NULL(strstr(said.out, "nothing is known of"));
}

/* What takes longer is not slower for that; what may hide behind a faster machine is no pass. */
static void both_ways(void)
{
    struct said said = compared((struct moves){1.25, 1.25, 1.25, 1.2});
    cli_verdict(said, EXIT_INCONCLUSIVE, "inconclusive");
    CU_ASSERT_TRUE(tells(said, "line +25.0 %"));
    CU_ASSERT_TRUE(tells(said, "what surrounds the code changed by as much as would decide it"));
    cli_verdict(compared((struct moves){1.25, 1.25, 1.25, 1}), EXIT_FINE, "pass");
    said = compared((struct moves){0.8, 0.8, 0.8, 1});
    cli_verdict(said, EXIT_INCONCLUSIVE, "inconclusive");
    CU_ASSERT_TRUE(tells(said, "line -20.0 %") && tells(said, "up to 20.0 % shorter (line)"));
    CU_ASSERT_PTR_NULL(strstr(said.out, "longer"));
    CU_ASSERT_TRUE(tells(said, "side by side"));
    said = compared((struct moves){1.25, 0.9, 1, 1});
    CU_ASSERT_TRUE(tells(said, "up to 25.0 % longer (line), or up to 10.0 % shorter (wake)"));
}

static void natural_alone(void)
{
    struct said said = compared((struct moves){1, 1, 1.5, 1});
    CU_ASSERT_TRUE(tells(said, "wake in idle mode natural +50.0 %"));
    CU_ASSERT_TRUE(tells(said, "up to 50.0 % longer (wake in idle mode natural)"));
}

static void as_json(void)
{
    struct said said = cli_run("compare", still_base(), moved((struct moves){1.25, 0.9, 1.5, 1}, "new.json"), "-o",
                               frame_folder(), NULL);
    CU_ASSERT_EQUAL(said.code, EXIT_INCONCLUSIVE);
    CU_ASSERT_DOUBLE_EQUAL(told("controls", "line"), 1.25, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(told("controls", "wake"), 0.9, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(told("controls", "wake_natural"), 1.5, 1e-6);
    CU_ASSERT_EQUAL(told("controls_again", "line"), -1);
}

/* A second measurement is told of where it was asked for. */
static void measured_again(void)
{
    const struct moves slower = {1, 1, 1, 1.2}, moved_too = {1.25, 1, 1, 1.2};
    char base[512], new[512];
    snprintf(base, sizeof base, "%s", still_base());
    snprintf(new, sizeof new, "%s", moved(slower, "new.json"));
    struct said said = cli_run("compare", base, new, moved(moved_too, "again.json"), "-o", frame_folder(), NULL);
    cli_verdict(said, EXIT_INCONCLUSIVE, "inconclusive");
    CU_ASSERT_TRUE(cli_says(said, "\nagain      ") && tells(said, "changed from BASE to AGAIN"));
    CU_ASSERT_TRUE(tells(said, "less than 1 % from BASE to NEW") && tells(said, "side by side"));
    CU_ASSERT_DOUBLE_EQUAL(told("controls_again", "line"), 1.25, 1e-6);
    said = cli_run("compare", base, moved(STILL, "other.json"), new, "-o", frame_folder(), NULL);
    CU_ASSERT_EQUAL(told("controls_again", "line"), -1);
    CU_ASSERT(cli_says(said, "\nagain      ") && !strstr(said.out, "to AGAIN")); /* nothing was slower */
    said = cli_run("compare", base, made_file(woken(&slower), "woken.json"), moved(moved_too, "again.json"), NULL);
    CU_ASSERT_TRUE(tells(said, "changed from BASE to AGAIN"));
}

/* Older files, runs of few blocks, and runs on one processing unit. */
static void not_known(void)
{
    still_base();
    struct said said = cli_run("compare", cli_path("base.json"), made_file(woken(&STILL), "woken.json"), NULL);
    cli_verdict(said, EXIT_FINE, "pass");
    CU_ASSERT_TRUE(tells(said, "nothing is known of spin, call, memory, line"));
    json_t *run = woken(&STILL), *cell, *trial;
    size_t i, k;
    json_array_foreach(json_object_get(run, "cells"), i, cell)
        json_array_foreach(json_object_get(cell, "trials"), k, trial) json_object_del(trial, "wake_before_ns");
    said = cli_run("compare", cli_path("base.json"), made_file(run, "none.json"), NULL);
    CU_ASSERT_TRUE(tells(said, "BASE and NEW do not both hold"));
}

/* Of two machines it is told, and no noise. */
static void other_machine(void)
{
    struct said said =
        cli_run("compare", "--vary", "cpu", still_base(), moved((struct moves){1.25, 1, 1, 1}, "new.json"), NULL);
    cli_verdict(said, EXIT_FINE, "unjudged");
    CU_ASSERT_TRUE(tells(said, "on the second against"));
    CU_ASSERT_PTR_NULL(strstr(said.out, "may owe that"));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "controls: nothing has changed", .run = still},
        {.name = "controls: longer, and shorter", .run = both_ways},
        {.name = "controls: waking in idle mode natural alone", .run = natural_alone},
        {.name = "controls: verdict.json", .run = as_json},
        {.name = "controls: a second measurement", .run = measured_again},
        {.name = "controls: not measured", .run = not_known},
        {.name = "controls: another machine", .run = other_machine},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
