/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_compare.c - `muster compare` over made-up files: every verdict and exit code, what forbids one, what is missing.
 *
 * The files are those of tests/made_runs.h. */
#include "tests/cli.h"
#include "tests/frame.h"
#include "tests/made_runs.h"

#include "harness/problem.h"
#include "reports/compare.h"
#include "reports/verdict_report.h"

#include <CUnit/CUnit.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOUR_S 3600

/* Calibrations of who runs the tests are none of theirs. */
static const char *base_file(void)
{
    setenv("MUSTER_RECORDS", frame_folder(), 1);
    return made_file(made_run(1), "base.json");
}

/* --- verdicts ---------------------------------------------------------------------------------------------------- */

static void same(void)
{
    const char *base = base_file();
    struct said said = cli_run("compare", base, made_file(made_run(1), "new.json"), NULL);
    cli_fine(said);
    cli_verdict(said, EXIT_FINE, "pass");
    CU_ASSERT_TRUE(cli_says(said, "cells=3 slower=0 confirmed=0 faster=0 equivalent=3 inconclusive=0"));
    CU_ASSERT_TRUE(cli_says(said, "1 cell that neither side can do is left out"));
    CU_ASSERT_TRUE(cli_says(said, "muster calibrate"));
    said = cli_run("compare", base, made_file(made_run(0.7), "fast.json"), NULL);
    cli_verdict(said, EXIT_FINE, "pass");
    CU_ASSERT_TRUE(cli_says(said, "faster=1 equivalent=2"));
    CU_ASSERT_TRUE(cli_says(said, "-30.0 %"));
}

static void slower(void)
{
    const char *base = base_file(), *new = made_file(made_run(1.25), "new.json");
    struct said said = cli_run("compare", base, new, NULL);
    cli_verdict(said, EXIT_INCONCLUSIVE, "inconclusive");
    CU_ASSERT_TRUE(cli_says(said, "slower once"));
    CU_ASSERT_TRUE(cli_says(said, "slower=0 confirmed=0 faster=0 equivalent=2 inconclusive=1"));
    CU_ASSERT_TRUE(cli_says(said, "slower_once=1"));
    CU_ASSERT_TRUE(cli_says(said, "give that"));
    said = cli_run("compare", base, new, made_file(made_run(1.3), "again.json"), NULL);
    cli_verdict(said, EXIT_REGRESSION, "regression");
    CU_ASSERT_TRUE(cli_says(said, "slower=1 confirmed=1"));
    CU_ASSERT_TRUE(cli_says(said, "+25.0 %"));
    CU_ASSERT_TRUE(cli_says(said, "30.0 %"));
    said = cli_run("compare", base, new, made_file(made_run(1.02), "again.json"), NULL);
    cli_verdict(said, EXIT_INCONCLUSIVE, "inconclusive");
    CU_ASSERT_TRUE(cli_says(said, "not confirmed"));
}

/* Without a calibration, 10 %; nothing is resolved of too few trials. */
static void unresolved(void)
{
    const char *base = base_file();
    struct said said = cli_run("compare", "--margin", "2%", base, made_file(made_run(1.08), "new.json"), NULL);
    CU_ASSERT(said.code == EXIT_FINE || said.code == EXIT_INCONCLUSIVE);
    CU_ASSERT_TRUE(cli_says(said, "slower=0"));
    CU_ASSERT_TRUE(cli_says(said, "10 % at least"));
    json_t *few = made_run(1.5), *trials = json_object_get(made_cell(few, COUNTER), "trials");
    while (json_array_size(trials) > 5)
        json_array_remove(trials, 5);
    made_settle(made_cell(few, COUNTER));
    said = cli_run("compare", base, made_file(few, "few.json"), NULL);
    cli_verdict(said, EXIT_INCONCLUSIVE, "inconclusive");
    CU_ASSERT_TRUE(cli_says(said, "5 where 6 are the least"));
}

/* Others' work on the same processing units takes a trial out; and no verdict rests on what is out. */
static void spoiled(void)
{
    const char *base = base_file();
    json_t *busy = made_run(1.3), *half = made_run(1), *more = made_run(2);
    json_t *trials = json_object_get(made_cell(busy, COUNTER), "trials"), *trial;
    size_t i;
    json_array_foreach(trials, i, trial) json_object_set_new(trial, "foreign_s", json_real(0.09));
    struct said said = cli_run("compare", base, made_file(busy, "busy.json"), NULL);
    cli_verdict(said, EXIT_INCONCLUSIVE, "inconclusive");
    CU_ASSERT_TRUE(cli_says(said, "0 where 6 are the least"));
    CU_ASSERT_TRUE(cli_says(said, "all spoiled "));
    CU_ASSERT_TRUE(cli_says(said, "6 blocks, in brackets, spoiled"));
    CU_ASSERT_TRUE(cli_says(said, "most trials of 1 cell"));
    json_array_foreach(json_object_get(made_cell(more, COUNTER), "trials"), i, trial)
    {
        json_object_set_new(trial, "foreign_s", json_real(0.09));
        json_array_append(json_object_get(made_cell(half, COUNTER), "trials"), trial);
    }
    json_decref(more);
    made_settle(made_cell(half, COUNTER));
    said = cli_run("compare", base, made_file(half, "half.json"), NULL);
    cli_verdict(said, EXIT_INCONCLUSIVE, "inconclusive");
    CU_ASSERT_TRUE(cli_says(said, ": equivalent"));
}

/* Where lower is better, a higher value is slower. */
static void direction(void)
{
    json_t *base = made_run(1), *new = made_run(0.7);
    json_object_set_new(made_cell(base, COUNTER), "better", json_string("lower"));
    json_object_set_new(made_cell(new, COUNTER), "better", json_string("lower"));
    base_file();
    struct said said = cli_run("compare", made_file(base, "b.json"), made_file(new, "new.json"), NULL);
    cli_verdict(said, EXIT_INCONCLUSIVE, "inconclusive");
    CU_ASSERT_TRUE(cli_says(said, "slower_once=1"));
    CU_ASSERT_TRUE(cli_says(said, "+42.9 %"));
}

/* --- what is no pass --------------------------------------------------------------------------------------------- */

static void missing(void)
{
    const char *base = base_file();
    json_t *gone = made_run(1), *renamed = made_run(1), *other = made_run(1), *lacking = made_run(1);
    json_array_remove(json_object_get(gone, "cells"), 1);
    struct said said = cli_run("compare", base, made_file(gone, "gone.json"), NULL);
    cli_verdict(said, EXIT_INCOMPARABLE, "incomparable");
    CU_ASSERT_TRUE(cli_says(said, "missing=1"));
    CU_ASSERT_TRUE(cli_says(said, "the candidate does not have it"));
    json_object_set_new(made_cell(renamed, SOCKET), "id", json_string("counter/other w=2 c=1 p=cores i=0 b=8"));
    said = cli_run("compare", base, made_file(renamed, "renamed.json"), NULL);
    cli_verdict(said, EXIT_INCOMPARABLE, "incomparable");
    CU_ASSERT_TRUE(cli_says(said, "missing=2"));
    CU_ASSERT_TRUE(cli_says(said, "the base does not have it"));
    json_object_set_new(made_cell(other, SOCKET), "service", json_string("own"));
    said = cli_run("compare", base, made_file(other, "other.json"), NULL);
    cli_verdict(said, EXIT_INCOMPARABLE, "incomparable");
    CU_ASSERT_TRUE(cli_says(said, "place of its own on one side"));
    json_array_remove(json_object_get(lacking, "cells"), 1);
    json_object_set_new(made_cell(lacking, LACKING), "id", json_string(SOCKET));
    said = cli_run("compare", base, made_file(lacking, "lacking.json"), NULL);
    cli_verdict(said, EXIT_INCOMPARABLE, "incomparable");
    CU_ASSERT_TRUE(cli_says(said, "the candidate: n/a"));
    CU_ASSERT_TRUE(cli_says(said, "missing=2"));
}

static void failed(void)
{
    const char *base = base_file();
    json_t *run = made_run(1.3), *all = made_golden(), *cell = json_deep_copy(made_cell(all, FAILED));
    json_object_set_new(cell, "id", json_string(SOCKET));
    json_array_set_new(json_object_get(run, "cells"), 1, cell);
    json_decref(all);
    struct said said = cli_run("compare", base, made_file(run, "failed.json"), NULL);
    cli_verdict(said, EXIT_UNPROVED, "unproved");
    CU_ASSERT_TRUE(cli_says(said, "failed=1"));
    CU_ASSERT_TRUE(cli_says(said, "the candidate: the counter"));
}

/* --- other machines, builds and terms ---------------------------------------------------------------------------- */

static void other_machines(void)
{
    char base[512];
    base_file();
    snprintf(base, sizeof base, "%s", frame_source("tests/golden/results.json"));
    const char *other = frame_source("tests/golden/other.json");
    struct said said = cli_run("compare", base, other, NULL);
    cli_refused(said, EXIT_INCOMPARABLE, "3 properties");
    cli_verdict(said, EXIT_INCOMPARABLE, "incomparable");
    CU_ASSERT_TRUE(cli_says(said, "cannot be compared"));
    CU_ASSERT_TRUE(cli_says(said, "Intel Xeon"));
    CU_ASSERT_TRUE(cli_says(said, "kernel: 6.18.5-cloud, then 6.1.0-26-amd64"));
    said = cli_run("compare", "--vary", "cpu", base, other, NULL);
    cli_refused(said, EXIT_INCOMPARABLE, "1 property");
    said = cli_run("compare", base, other, "--vary", "cpu,kernel", NULL);
    cli_verdict(said, EXIT_UNPROVED, "unproved"); /* two cells failed there */
    CU_ASSERT_TRUE(cli_says(said, "as declared"));
    CU_ASSERT_TRUE(cli_says(said, "ratios only"));
    CU_ASSERT_TRUE(cli_says(said, "slower=0 confirmed=0 faster=0 equivalent=0 inconclusive=0"));
}

/* What is missing or failed is no pass on another machine either. */
static void faults_elsewhere(void)
{
    const char *base = base_file();
    json_t *gone = made_run(1.5), *run = made_run(1), *all = made_golden(),
           *cell = json_deep_copy(made_cell(all, FAILED));
    json_array_remove(json_object_get(gone, "cells"), 1);
    struct said said = cli_run("compare", "--vary", "cpu", base, made_file(gone, "gone.json"), NULL);
    cli_verdict(said, EXIT_INCOMPARABLE, "incomparable");
    CU_ASSERT_TRUE(cli_says(said, "slower=0 confirmed=0 faster=0 equivalent=0 inconclusive=0 missing=1"));
    json_object_set_new(cell, "id", json_string(SOCKET));
    json_array_set_new(json_object_get(run, "cells"), 1, cell);
    json_decref(all);
    said = cli_run("compare", "--vary", "cpu", base, made_file(run, "failed.json"), NULL);
    cli_verdict(said, EXIT_UNPROVED, "unproved");
}

static struct said with_text(const char *base, const char *object, const char *name, const char *value,
                             const char *vary)
{
    json_t *run = made_run(1);
    json_object_set_new(*object ? json_object_get(run, object) : run, name, json_string(value));
    const char *path = made_file(run, "with.json");
    return vary ? cli_run("compare", "--vary", vary, base, path, NULL) : cli_run("compare", base, path, NULL);
}

static void other_builds(void)
{
    const char *base = base_file();
    struct said said = with_text(base, "muster", "commit", "4567def", NULL);
    cli_verdict(said, EXIT_FINE, "pass");
    CU_ASSERT_TRUE(cli_says(said, "commit: 0123abc, then 4567def"));
    json_t *quick = made_run(1);
    json_object_set_new(quick, "handicap", json_real(-0.1));
    CU_ASSERT_TRUE(cli_says(cli_run("compare", base, made_file(quick, "quick.json"), NULL), "shortened"));
    said = with_text(base, "muster", "cflags", "-O3", NULL);
    cli_refused(said, EXIT_INCOMPARABLE, "--vary");
    CU_ASSERT_TRUE(cli_says(said, "compiler flags: -g -O2, then -O3"));
    said = with_text(base, "muster", "cflags", "-O3", "code");
    cli_verdict(said, EXIT_FINE, "pass");
    said = with_text(base, "muster", "cflags", "-g -O2", "code,cpu");
    cli_verdict(said, EXIT_FINE, "unjudged");
    CU_ASSERT_TRUE(cli_says(said, "nothing of cpu differs"));
    CU_ASSERT_TRUE(cli_says(said, "nothing of code differs"));
    CU_ASSERT_TRUE(cli_says(said, "95 % interval"));
    said = with_text(base, "", "idle", "spin", "cpu,kernel,code");
    cli_refused(said, EXIT_INCOMPARABLE, "1 property");
    cli_refused(said, EXIT_INCOMPARABLE, "terms (idle mode) cannot be declared: measure NEW again");
    CU_ASSERT_TRUE(cli_says(said, "idle mode: poll, then spin"));
}

/* --- the command line -------------------------------------------------------------------------------------------- */

static void refused(void)
{
    char base[512], new[512];
    snprintf(base, sizeof base, "%s", base_file());
    snprintf(new, sizeof new, "%s", made_file(made_run(1), "new.json"));
    const char *broken = cli_file("broken.json", "{", 1);
    cli_refused(cli_run("compare", NULL), EXIT_USAGE, "BASE and NEW");
    cli_refused(cli_run("compare", base, NULL), EXIT_USAGE, "BASE and NEW");
    cli_refused(cli_run("compare", base, new, new, new, NULL), EXIT_USAGE, "not 4 files");
    cli_refused(cli_run("compare", base, new, "--vary", "cpus", NULL), EXIT_USAGE, "did you mean 'cpu'?");
    cli_refused(cli_run("compare", base, new, "--vary", "code,code", NULL), EXIT_USAGE, "twice");
    cli_refused(cli_run("compare", base, new, new, "--vary", "cpu", NULL), EXIT_USAGE, "there are none");
    cli_refused(cli_run("compare", base, new, "--margin", "0.5%", NULL), EXIT_USAGE, "1% to 100%");
    cli_refused(cli_run("compare", base, new, new, NULL), EXIT_USAGE, "is the same run as");
    cli_refused(cli_run("compare", base, base, NULL), EXIT_USAGE, "not another one");
    cli_refused(cli_run("compare", base, new, base, NULL), EXIT_USAGE, "not a second measurement");
    cli_refused(cli_run("compare", base, broken, NULL), EXIT_BAD_FILE, "broken.json");
    cli_refused(cli_run("compare", base, cli_path("none.json"), NULL), EXIT_NO_INPUT, "none.json");
    struct said said = cli_run("compare", base, new, "-o", broken, NULL);
    CU_ASSERT_EQUAL(said.code, EXIT_NO_OUTPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "broken.json"));
    const char *stale = cli_file("verdict.json", "{}", 2); /* of a comparison that went well */
    cli_refused(cli_run("compare", base, broken, "-o", frame_folder(), NULL), EXIT_BAD_FILE, "broken.json");
    CU_ASSERT_NOT_EQUAL(access(stale, F_OK), 0);
}

/* A second measurement is one of the same build, machine and terms. */
static void second_measurement(void)
{
    const char *base = base_file(), *new = made_file(made_run(1.3), "new.json");
    json_t *build = made_run(1.3), *terms = made_run(1.3), *lacking = made_run(1.3), *early = made_run(1.3),
           *slowed = made_run(1.3);
    json_object_set_new(early, "created", json_string("2001-01-01T00:00:00Z"));
    cli_refused(cli_run("compare", base, new, made_file(early, "early.json"), NULL), EXIT_USAGE, "was measured before");
    json_object_set_new(slowed, "handicap", json_real(0.3));
    cli_refused(cli_run("compare", base, new, made_file(slowed, "slowed.json"), NULL), EXIT_INCOMPARABLE,
                "(30 %, not 0 %)");
    json_object_set_new(json_object_get(build, "muster"), "commit", json_string("89abcde"));
    cli_refused(cli_run("compare", base, new, made_file(build, "build.json"), NULL), EXIT_INCOMPARABLE,
                "another build");
    json_object_set_new(json_object_get(terms, "host"), "clocksource", json_string("hpet"));
    cli_refused(cli_run("compare", base, new, made_file(terms, "terms.json"), NULL), EXIT_INCOMPARABLE,
                "clocksource is hpet");
    json_array_remove(json_object_get(lacking, "cells"), 0);
    struct said said = cli_run("compare", base, new, made_file(lacking, "lacking.json"), NULL);
    cli_verdict(said, EXIT_INCOMPARABLE, "incomparable");
    CU_ASSERT_TRUE(cli_says(said, "the second measurement does not"));
}

static void json(void)
{
    const char *base = base_file(), *folder = cli_path("out/deeper");
    char path[600];
    const char *verdict, *name;
    json_t *of_other;
    int equivalent, hard;
    struct said said =
        cli_run("compare", base, made_file(made_run(1), "new.json"), "--format", "json", "-o", folder, NULL);
    cli_fine(said);
    json_t *out = json_loads(said.out, JSON_REJECT_DUPLICATES, NULL);
    snprintf(path, sizeof path, "%s/verdict.json", folder);
    json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    CU_ASSERT_TRUE(json_equal(json_object_get(out, "counts"), json_object_get(file, "counts")));
    CU_ASSERT_EQUAL(json_unpack(out, "{s:s, s:{s:i}}", "verdict", &verdict, "counts", "equivalent", &equivalent), 0);
    CU_ASSERT_STRING_EQUAL(verdict, "pass");
    CU_ASSERT_EQUAL(equivalent, 3);
    json_decref(out);
    json_decref(file);
    said = cli_run("compare", base, frame_source("tests/golden/other.json"), "--format", "json", NULL);
    CU_ASSERT_EQUAL(said.code, EXIT_INCOMPARABLE);
    out = json_loads(said.out, JSON_REJECT_DUPLICATES, NULL);
    CU_ASSERT_EQUAL(json_unpack(out, "{s:s, s:o}", "verdict", &verdict, "differences", &of_other), 0);
    CU_ASSERT_STRING_EQUAL(verdict, "incomparable");
    CU_ASSERT_EQUAL(json_array_size(of_other), 4);
    CU_ASSERT_EQUAL(json_unpack(json_array_get(of_other, 0), "{s:s, s:b}", "name", &name, "hard", &hard), 0);
    CU_ASSERT(strcmp(name, "cpu") == 0 && hard);
    json_decref(out);
}

/* --- what a calibration changes ---------------------------------------------------------------------------------- */

static void read_made(struct results *r, double counter, const char *name)
{
    struct report_error error;
    CU_ASSERT_EQUAL_FATAL(results_read(r, made_file(made_run(counter), name), &error), 0);
}

/* By a calibration of so long a recording. */
static struct finding calibrated(const struct results *base, const struct results *new, double floor, double sd,
                                 double elapsed_s)
{
    static char id[] = COUNTER;
    struct calibrated_cell cell = {.id = id, .floor = floor, .session_sd = sd, .sessions = 20};
    const struct calibration calibration = {.cells = &cell, .cell_count = 1, .elapsed_s = elapsed_s};
    const struct compare_terms terms = {.criteria = &criteria_default, .calibration = &calibration};
    struct comparison comparison;
    CU_ASSERT_EQUAL_FATAL(compare_results(&comparison, base, new, NULL, &terms), 0);
    CU_ASSERT(comparison.count == 3 && comparison.left_out == 1 && !comparison.forbidden && comparison.judged);
    CU_ASSERT_EQUAL(comparison.uncalibrated, isnan(sd) || elapsed_s < HOUR_S ? 3 : 2);
    CU_ASSERT_STRING_EQUAL(comparison.cells[0]->id, COUNTER);
    struct finding finding = comparison.findings[0];
    comparison_free(&comparison);
    return finding;
}

static void calibration(void)
{
    struct results base, new;
    read_made(&base, 1, "base.json");
    read_made(&new, 1.07, "new.json");
    free(new.created);
    new.created = strdup("2026-11-20T05:00:00Z");
    struct finding quiet = calibrated(&base, &new, 0.004, 0.002, HOUR_S);
    struct finding wild = calibrated(&base, &new, 0.004, 0.1, HOUR_S);
    struct finding coarse = calibrated(&base, &new, 0.2, 0.002, HOUR_S);
    struct finding unknown = calibrated(&base, &new, NAN, NAN, HOUR_S);
    struct finding shorter = calibrated(&base, &new, 0.004, 0.002, HOUR_S - 1);
    CU_ASSERT_DOUBLE_EQUAL(quiet.margin, 0.02, 1e-12);
    CU_ASSERT(quiet.verdict == VERDICT_INCONCLUSIVE && quiet.doubt == DOUBT_UNCONFIRMED);
    CU_ASSERT_DOUBLE_EQUAL(quiet.ratio, 1.07, 1e-6);
    CU_ASSERT(wild.verdict == VERDICT_INCONCLUSIVE && wild.doubt == DOUBT_WIDE);
    CU_ASSERT(wild.low < 0.87 && wild.high > 1.3 && wild.needed == NEEDED_MOST);
    CU_ASSERT_DOUBLE_EQUAL(coarse.margin, 0.3, 1e-12);
    CU_ASSERT(coarse.verdict == VERDICT_INCONCLUSIVE && coarse.doubt == DOUBT_NOISE && !coarse.not_slower);
    CU_ASSERT_DOUBLE_EQUAL(unknown.margin, 0.1, 1e-12);
    /* sessions of less than the hour that lies between the two do not tell how they differ */
    CU_ASSERT_DOUBLE_EQUAL(shorter.margin, 0.1, 1e-12);
    CU_ASSERT(shorter.verdict == VERDICT_EQUIVALENT);
    results_free(&base);
    results_free(&new);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "compare: the same, and faster", .run = same},
        {.name = "compare: slower, once and twice", .run = slower},
        {.name = "compare: too little, and too few", .run = unresolved},
        {.name = "compare: trials spoiled by others' work", .run = spoiled},
        {.name = "compare: where lower is better", .run = direction},
        {.name = "compare: missing, renamed, on other terms, n/a", .run = missing},
        {.name = "compare: failed", .run = failed},
        {.name = "compare: other machines, declared or not", .run = other_machines},
        {.name = "compare: missing and failed on another machine", .run = faults_elsewhere},
        {.name = "compare: other builds and terms", .run = other_builds},
        {.name = "compare: what is refused", .run = refused},
        {.name = "compare: what is no second measurement", .run = second_measurement},
        {.name = "compare: JSON, and verdict.json", .run = json},
        {.name = "compare: what a calibration changes", .run = calibration},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
