/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_calibrate.c - `muster calibrate` as a user has it: replaying recordings that were made up, small recordings of
 * its own, and what it refuses; and which gate is replayed. What the replay finds is test_replay's matter. */
#include "harness/calibrate.h"
#include "reports/calibration.h"
#include "tests/cli.h"
#include "tests/frame.h"
#include "tests/made_duet.h"
#include "tests/processes.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOON_S 10
#define TINY   "--window", "1ms", "--windows", "2", "--warmup", "1ms"

/* Writes a made recording into the test's folder; its path. */
static const char *recording(const struct made *made, const char *other_commit)
{
    struct duet duet;
    struct report_error error;
    made_duet(&duet, made);
    if (other_commit)
        duet.sides[ARM_CANDIDATE].commit = strdup(other_commit);
    CU_ASSERT_EQUAL_FATAL(duet_write(&duet, frame_folder(), &error), 0);
    duet_free(&duet);
    return cli_path("duet.json");
}

/* A gate of 30 s has room for 26 blocks of these, and 20 more. */
static const struct made quiet = {.cells = 3, .blocks = 100, .sd = {0.005}, .spoiled_each = 20};

static void replays_a_recording(void)
{
    const char *file = recording(&quiet, NULL);
    struct said said = cli_run("calibrate", "--input", file, "--gate", "30s", "--records", cli_path("records"), NULL);
    cli_fine(said);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "3 cells · 100 blocks"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "false alarms  0 of "));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "at a margin of 2 %; 2 stretches"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "undecided     0 % of them"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "10 %: in 100 % of these gates"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "pace          replayed are whole blocks of all cells"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "5 stretches that do not"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "counter/made-2"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "\nKept in"));
    CU_ASSERT_PTR_NULL(strstr(said.out, "nan"));
    CU_ASSERT(cli_width(said.out) <= 80 || strlen(frame_folder()) > 20); /* a path is not broken */
}

static void keeps_what_it_prints(void)
{
    const char *file = recording(&quiet, NULL), *records = cli_path("records");
    struct duet duet;
    struct calibration kept;
    struct report_error error;
    struct said said = cli_run("calibrate", "--input", file, "--gate", "30s", "--records", records, "--margin", "1%",
                               "--format", "json", NULL);
    cli_fine(said);
    json_t *json = json_loads(said.out, 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "cells")), 3);
    CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "power")), 4);
    json_decref(json);
    CU_ASSERT_EQUAL_FATAL(duet_read(&duet, file, &error), 0);
    CU_ASSERT_EQUAL_FATAL(calibration_read(&kept, records, &duet.about.host, &error), 0);
    char *text = calibration_to_json(&kept);
    CU_ASSERT_STRING_EQUAL(text, said.out);
    CU_ASSERT_EQUAL(kept.margin, 0.01);
    CU_ASSERT_EQUAL(kept.gate_s, 30);
    CU_ASSERT_EQUAL(kept.blocks, 100);
    CU_ASSERT(kept.cells[0].floor > 0 && kept.cells[0].floor < 0.01);
    CU_ASSERT(kept.cells[0].caught > 0.01 && kept.cells[0].caught < 0.03);
    free(text);
    calibration_free(&kept);
    duet_free(&duet);
}

/* Of spoiled pairs mostly: the gate that follows from the rest would see nothing for a month. */
static void a_spoiled_recording_is_not_kept(void)
{
    const struct made made = {.cells = 3, .blocks = 160, .sd = {0.3}, .spoiled_each = 1};
    const char *file = recording(&made, NULL);
    struct said said = cli_run("calibrate", "--input", file, "--gate", "30s", "--records", cli_path("records"), NULL);
    CU_ASSERT_EQUAL(said.code, 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "% of the pairs were spoiled by what else the machine did: nothing"));
    CU_ASSERT_PTR_NULL(strstr(said.out, "\nKept in"));
    CU_ASSERT_EQUAL(access(cli_path("records/calibration"), F_OK), -1);
    said =
        cli_run("calibrate", "--input", file, "--gate", "30s", "--records", cli_path("records"), "--keep-anyway", NULL);
    cli_fine(said);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "\nBeware: this gate misses even what is slower by 10 %, in "));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "\nFrom now on the margin of "));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "\nKept in"));
}

static void a_short_recording_is_no_calibration(void)
{
    const struct made made = {.cells = 2, .blocks = 20, .sd = {0.01}};
    const char *file = recording(&made, NULL);
    struct said said = cli_run("calibrate", "--input", file, "--gate", "30s", "--records", cli_path("records"), NULL);
    cli_refused(said, 3, "20 blocks are too few to replay a single gate of 30 s");
    CU_ASSERT_PTR_NULL(strstr(said.out, "\nKept in"));
    CU_ASSERT_EQUAL(access(cli_path("records/calibration"), F_OK), -1);
}

static void records_itself(void)
{
    struct said said =
        cli_run("calibrate", "-w", "map", "-s", "shared-memory", TINY, "--blocks", "2", "--control", "1", "--live", "1",
                "--gate", "300ms", "--records", cli_path("records"), "-o", cli_path("out"), NULL);
    CU_ASSERT_EQUAL(said.code, 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "1 cell of this build against itself, 2 blocks"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "2 blocks are too few"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "1 cell · 2 blocks"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "control       map/shared-memory with 10 % more work in each item: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "live          1 gate: "));
    said = cli_run("calibrate", "--input", cli_path("out"), "--records", cli_path("records"), NULL);
    cli_refused(said, 3, "2 blocks are too few");
}

static void records_for_a_time(void)
{
    struct said said = cli_run("calibrate", "-w", "counter", "-s", "serial", "-n", "1", TINY, "-t", "300ms",
                               "--control", "1", "--records", cli_path("records"), "--format", "none", NULL);
    CU_ASSERT_EQUAL(said.code, 3);
    CU_ASSERT_STRING_EQUAL(said.out, "");
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "nothing will be kept")); /* said as soon as it is known */
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "are too few to replay"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, ", then 1 block of a control;"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "no control: no cell is of a workload with items"));
}

static void become_calibrate(const char *program)
{
    int out = open("/dev/null", O_WRONLY), err = open(cli_path("err"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (setpgid(0, 0) == 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0)
        execl(program, "muster", "calibrate", "-w", "counter", "-s", "serial", "-n", "1", TINY, "--records",
              cli_path("records"), "-o", cli_path("out"), "--progress", "always", NULL);
    _exit(127);
}

static bool is_in_second_block(void)
{
    static char text[1 << 16];
    FILE *file = fopen(cli_path("err"), "r");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[length] = '\0';
    return strstr(text, "\rblock 2") != NULL;
}

static void interrupted_it_keeps_the_recording(void)
{
    const char *program = frame_built("muster");
    struct duet duet;
    struct report_error error;
    processes_mark();
    pid_t pid = fork();
    if (pid == 0)
        become_calibrate(program);
    CU_ASSERT_FATAL(pid > 0);
    for (double until_s = processes_now_s() + SOON_S; !is_in_second_block() && processes_now_s() < until_s;)
        processes_pause(0.002);
    CU_ASSERT_EQUAL(kill(pid, SIGINT), 0);
    CU_ASSERT_EQUAL(processes_wait(pid, SOON_S), 130);
    CU_ASSERT_EQUAL(processes_left(0, SOON_S), 0);
    CU_ASSERT_EQUAL_FATAL(duet_read(&duet, cli_path("out"), &error), 0);
    CU_ASSERT(duet.about.interrupted && duet.cells[0].pair_count > 0);
    duet_free(&duet);
    CU_ASSERT_EQUAL(access(cli_path("records/calibration"), F_OK), -1);
}

/* Both arms stretched alike are one build still, and yet no measure of this machine. */
static void stretched(const struct made *made)
{
    struct duet duet;
    struct report_error error;
    made_duet(&duet, made);
    duet.sides[ARM_BASE].handicap = duet.sides[ARM_CANDIDATE].handicap = 0.05;
    CU_ASSERT_EQUAL_FATAL(duet_write(&duet, frame_folder(), &error), 0);
    duet_free(&duet);
    cli_refused(cli_run("calibrate", "--input", cli_path("duet.json"), "--records", cli_path("records"), NULL), 65,
                "its times were stretched by --handicap");
}

static void refuses(void)
{
    const struct made made = {.cells = 1, .blocks = 2, .sd = {0.01}};
    const char *file = recording(&made, "another");
    cli_refused(cli_run("calibrate", "--input", file, "--records", cli_path("records"), NULL), 65,
                "two sides are not one build");
    stretched(&made);
    cli_refused(cli_run("calibrate", "--input", cli_path("nothing"), "--records", cli_path("records"), NULL), 66,
                "cannot be opened");
    cli_refused(cli_run("calibrate", "--input", file, "--live", "1", NULL), 64, "--live");
    cli_refused(cli_run("calibrate", "twice", NULL), 64, "takes no argument 'twice'");
    cli_refused(cli_run("calibrate", "--margin", "0.5%", NULL), 64, "--margin");
    cli_refused(cli_run("calibrate", "-w", "counter", "-s", "serial", "--records", "/proc/self/none", NULL), 73,
                "/proc/self/none");
    struct said said = cli_run("calibrate", "--help", NULL);
    cli_fine(said);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "false"));
    CU_ASSERT(cli_width(said.out) <= 80);
}

/* --- which gate -------------------------------------------------------------------------------------------------- */

/* calibrate_free()'s to free. */
static struct calibration replayed(const struct made *made, double gate_s)
{
    struct duet duet;
    struct calibration c;
    struct problem problem;
    made_duet(&duet, made);
    CU_ASSERT_EQUAL_FATAL(calibrate_replay(&c, &duet, gate_s, &criteria_default, &problem), 0);
    memset(&c.host, 0, sizeof c.host); /* the duet's */
    duet_free(&duet);
    return c;
}

/* A pair takes 0.25 s: of the 30 s, 9 go to the pilot and 10 to a second measurement, and 14 blocks fit between. */
static void the_budget_holds_the_second_measurement(void)
{
    const struct made made = {.cells = 3, .blocks = 100, .sd = {0.01}};
    struct duet duet;
    made_duet(&duet, &made);
    CU_ASSERT_DOUBLE_EQUAL(calibrate_least_s(&duet, 30, &criteria_default), (12 + 14 + 20) * 0.75, 1e-9);
    duet_free(&duet);
    struct calibration c = replayed(&made, 30);
    CU_ASSERT(!c.capped);
    CU_ASSERT_DOUBLE_EQUAL(c.confirm_s, 15, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(c.confirm_live_s, 10, 1e-9);
    calibrate_free(&c);
}

/* Precise cells get what a gate gives them in a short recording too. */
static void precise_cells_get_few_blocks(void)
{
    struct made made = {.cells = 2, .blocks = 200, .sd = {0.005, 0.12}};
    struct calibration c = replayed(&made, 40); /* an even gate has 60 blocks, and two of 80 fit */
    CU_ASSERT(c.capped && c.blocks_least == 24 && c.blocks_most == 80);
    CU_ASSERT(c.independent == 2 && c.gates == 2 * 101);
    CU_ASSERT(c.cells[0].floor_blocks == 24 && c.cells[0].floor_stretches == 8);
    CU_ASSERT(c.cells[1].floor_blocks == 40 && c.cells[1].floor_stretches == 5);
    calibrate_free(&c);
    made.blocks = 440;
    c = replayed(&made, 600);
    CU_ASSERT(!c.capped && c.blocks_least == 24 && c.blocks_most == 200 && c.independent == 2);
    CU_ASSERT(c.cells[1].floor_blocks == 88 && c.cells[1].floor_stretches == 5);
    CU_ASSERT(c.powers[0].gates > c.gates); /* with its floor a wild cell wants fewer blocks: more gates fit */
    calibrate_free(&c);
}

/* Half of the recording is 4 % slower: without floors that alarms, with them neither it does nor what is added to it.
 */
static void floors_are_used(void)
{
    const struct made half = {.cells = 1, .blocks = 200, .sd = {0.005}, .storm_from = 101, .storm = 0.04};
    struct calibration c = replayed(&half, 60);
    CU_ASSERT(c.false_alarms > 0);
    CU_ASSERT_EQUAL(c.alarms_with_floors, 0);
    CU_ASSERT(c.cells[0].floor > 0.04);
    CU_ASSERT(c.powers[0].handicap == 0.03 && c.powers[0].gates > 0 && c.powers[0].caught == 0);
    calibrate_free(&c);
    /* what is rarer than a floor covers still alarms */
    const struct made rare = {.cells = 1, .blocks = 1000, .sd = {0.005}, .storm_from = 953, .storm = 0.1};
    c = replayed(&rare, 60);
    CU_ASSERT(c.alarms_with_floors > 0 && c.alarms_with_floors <= c.false_alarms);
    calibrate_free(&c);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"calibrate: replays a recording", replays_a_recording, 0},
        {"calibrate: keeps what it prints", keeps_what_it_prints, 0},
        {"calibrate: a spoiled recording is not kept", a_spoiled_recording_is_not_kept, 0},
        {"calibrate: a short recording is no calibration", a_short_recording_is_no_calibration, 0},
        {"calibrate: the budget holds the second measurement", the_budget_holds_the_second_measurement, 0},
        {"calibrate: precise cells get few blocks", precise_cells_get_few_blocks, 0},
        {"calibrate: floors are used", floors_are_used, 0},
        {"calibrate: records this build against itself", records_itself, 0},
        {"calibrate: records for a time", records_for_a_time, 0},
        {"calibrate: interrupted it keeps the recording", interrupted_it_keeps_the_recording, 0},
        {"calibrate: refuses", refuses, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
