/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_handicap.c - `muster --handicap PCT`: exactly that much, only where it is asked for, and never unsaid. */
#include "harness/handicap.h"
#include "tests/cli.h"
#include "tests/frame.h"

#include "reports/results.h"

#include <CUnit/CUnit.h>
#include <jansson.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set(const char *text)
{
    struct problem problem;
    CU_ASSERT_EQUAL_FATAL(handicap_set(text, &problem), 0);
}

static void what_is_a_percentage(void)
{
    static const char *const bad[] = {"",   "x",    "5 %",  "5%%",   "+5",    "-",
                                      "%",  "nan",  "5e1",  "0x5",   "1.2.3", "--5",
                                      " 5", "-51%", "1001", "1e999", "5%\n",  "00000000000000000000000000000005"};
    struct problem problem;
    set("5%");
    CU_ASSERT_EQUAL(handicap_get(), 0.05);
    CU_ASSERT_STRING_EQUAL(handicap_typed(), "5%");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_EQUAL(handicap_set(bad[i], &problem), -1);
        CU_ASSERT_EQUAL(problem.code, EXIT_USAGE);
    }
    CU_ASSERT_EQUAL(handicap_get(), 0.05); /* as it was */
    set("4");
    CU_ASSERT_EQUAL(handicap_get(), 0.04);
    set("-12.5%");
    CU_ASSERT_EQUAL(handicap_get(), -0.125);
    set("0");
    CU_ASSERT_EQUAL(handicap_get(), 0);
    CU_ASSERT_PTR_NULL(handicap_typed());
}

static void exactly_that_much(void)
{
    struct measured windows[] = {{.rate = 1050, .seconds = 0.01, .operations = 7}, {.rate = 2100, .seconds = 1}};
    uint64_t per_worker[] = {7};
    struct histogram *times = calloc(1, sizeof *times);
    CU_ASSERT_PTR_NOT_NULL_FATAL(times);
    histogram_add(times, 100);
    histogram_add(times, 2000);
    histogram_add(times, 1000000);
    struct series series = {.windows = windows, .count = 2, .per_worker = per_worker, .times = times};
    set("0");
    handicap_apply(&series);
    CU_ASSERT_EQUAL(windows[0].rate, 1050);
    set("5%");
    handicap_apply(&series);
    CU_ASSERT_DOUBLE_EQUAL(windows[0].rate, 1000, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(windows[1].rate, 2000, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(windows[0].seconds, 0.0105, 1e-15);
    CU_ASSERT_EQUAL(windows[0].operations, 7);
    CU_ASSERT_EQUAL(per_worker[0], 7);
    CU_ASSERT_EQUAL(times->samples, 3);
    CU_ASSERT_EQUAL(times->max_ns, 1050000);
    CU_ASSERT_EQUAL(times->counts[histogram_bin(105)], 1);
    CU_ASSERT_DOUBLE_EQUAL(histogram_quantile(times, 0.5), 2100, 2100 * 0.008);
    set("0");
    free(times);
}

/* A trial's first reply; `handicap` is NULL or the option's value. */
static json_t *ready(const char *handicap)
{
    static const char prepare[] =
        "{\"do\":\"prepare\",\"workload\":\"counter\",\"strategy\":\"serial\",\"variant\":\"plain\",\"workers\":1}\n";
    static char text[4096];
    char command[9000];
    snprintf(command, sizeof command, "%s%s%s trial <%s", frame_built("muster"), handicap ? " --handicap " : "",
             handicap ? handicap : "", cli_file("prepare", prepare, sizeof prepare - 1));
    FILE *said = popen(command, "re");
    CU_ASSERT_PTR_NOT_NULL_FATAL(said);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(text, sizeof text, said));
    CU_ASSERT_EQUAL(pclose(said), 0);
    json_t *reply = json_loads(text, 0, NULL);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(reply, "reply")), "ready");
    return reply;
}

static void a_trial_says_it(void)
{
    json_t *plain = ready(NULL), *handicapped = ready("-2.5%");
    json_t *build = json_object_get(plain, "muster");
    CU_ASSERT(json_is_string(json_object_get(build, "version")) && json_is_string(json_object_get(build, "commit")));
    CU_ASSERT_PTR_NULL(json_object_get(plain, "handicap"));
    CU_ASSERT_EQUAL(json_number_value(json_object_get(handicapped, "handicap")), -0.025);
    json_decref(plain);
    json_decref(handicapped);
}

/* Two windows of 1 ms take 2 ms or longer; told ten times as long, they can be no shorter than 20. */
static void a_run_says_it(void)
{
    struct results r;
    struct report_error error;
    struct said said = cli_run("--handicap=900%", "run", "-s", "serial", "-w", "counter", "-c", "16", "--blocks", "1",
                               "--window", "1ms", "--windows", "2", "--warmup", "1ms", "-o", cli_path("o"), NULL);
    CU_ASSERT_EQUAL(said.code, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "handicapped by 900 %: times stretched"));
    if (results_read(&r, cli_path("o"), &error))
        CU_FAIL_FATAL("no results");
    CU_ASSERT_EQUAL(r.handicap, 9);
    CU_ASSERT(r.command_count > 3);
    CU_ASSERT_STRING_EQUAL(r.command[1], "--handicap");
    CU_ASSERT_STRING_EQUAL(r.command[2], "900%");
    CU_ASSERT_FATAL(r.cell_count == 1 && r.cells[0].trial_count == 1);
    CU_ASSERT(r.cells[0].trials[0].window_s > 0.015);
    results_free(&r);
}

static void wrong_ones(void)
{
    cli_refused(cli_run("--handicap", NULL), 64, "--handicap wants a percentage");
    cli_refused(cli_run("--handicap", "5%", NULL), 64, "no command given");
    cli_refused(cli_run("--handicap", "much", "list", NULL), 64, "'much' is not a percentage");
    cli_refused(cli_run("--handicap=", "list", NULL), 64, "'' is not a percentage");
    cli_refused(cli_run("--handicap", "-60%", "list", NULL), 64, "not between -50% and 1000%");
    cli_refused(cli_run("--handycap", "5%", "list", NULL), 64, "did you mean '--handicap'?");
    cli_refused(cli_run("--handicap", "5%", "list", NULL), 64, "--handicap does nothing to list");
    cli_refused(cli_run("--handicap=0", "calibrate", "--help", NULL), 64, "--handicap does nothing to calibrate");
    cli_refused(cli_run("--handicap", "5%", "dwet", NULL), 64, "unknown command 'dwet'");
    cli_fine(cli_run("--handicap", "5%", "--help", NULL));
    CU_ASSERT_PTR_NOT_NULL(strstr(cli_run("--help", NULL).out, "--handicap PCT"));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"handicap: what is a percentage", what_is_a_percentage, 0},
        {"handicap: exactly that much", exactly_that_much, 0},
        {"handicap: a trial says it in its first reply", a_trial_says_it, 0},
        {"handicap: a run says it, and its trials have it", a_run_says_it, 0},
        {"handicap: wrong ones", wrong_ones, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
