/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_duet.c - `muster duet` from outside.
 *
 * Windows are a millisecond and blocks few, so that most verdicts are inconclusive: what is tested is that both sides
 * are measured and told apart, and that nothing stays behind. */
#include "harness/problem.h"
#include "reports/calibration.h"
#include "reports/duet.h"
#include "reports/verdict_report.h"
#include "tests/cli.h"
#include "tests/duet_sides.h"
#include "tests/frame.h"
#include "tests/processes.h"

#include <CUnit/CUnit.h>

#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AT_ONCE_S 2.0
#define SOON_S    10.0

/* --- what is measured --------------------------------------------------------------------------------------------- */

static void check_pairs(const struct duet_cell *cell, unsigned windows)
{
    for (size_t i = 0; i < cell->pair_count; i++) {
        const struct pair *pair = &cell->pairs[i];
        CU_ASSERT(pair->block >= 1 && pair->attempt >= 1 && pair->elapsed_s > 0);
        CU_ASSERT_FALSE(pair->confirming);
        for (enum arm arm = 0; arm < ARMS; arm++) {
            CU_ASSERT_EQUAL(pair->trials[arm].window_count, windows);
            CU_ASSERT(pair->trials[arm].value > 0);
        }
    }
}

static void with_itself(void)
{
    const char *program = sides_muster();
    struct said said = cli_run("duet", "--base", program, "--candidate", program, SHORT, COUNTER, "--blocks", "4",
                               "--seed", "7", "-o", cli_path("o"), NULL);
    CU_ASSERT(said.code == EXIT_FINE || said.code == EXIT_INCONCLUSIVE);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "\nVERDICT "));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "muster: 1 cell of two builds, in 4 blocks; seed 7; results in "));
    struct duet duet = sides_duet("o");
    CU_ASSERT_EQUAL_FATAL(duet.about.cell_count, 1);
    CU_ASSERT_TRUE(duet.by_windows);
    CU_ASSERT_EQUAL(duet.about.seed, 7);
    CU_ASSERT_EQUAL(duet.about.blocks_complete, 4);
    CU_ASSERT_EQUAL(duet.ended, ENDED_PLAN);
    CU_ASSERT(duet.cells[0].pair_count >= 4);
    check_pairs(&duet.cells[0], 2);
    CU_ASSERT_FALSE(duet.cells[0].whole_trials);
    CU_ASSERT(duet_parked(&duet.cells[0], ARM_BASE) < PARKED_MOST);
    unsigned first = 0;
    for (size_t i = 0; i < duet.cells[0].pair_count; i++)
        first += duet.cells[0].pairs[i].attempt == 1 && duet.cells[0].pairs[i].candidate_first;
    CU_ASSERT_EQUAL(first, 2);
    CU_ASSERT_STRING_EQUAL(duet.sides[ARM_BASE].command[0], program);
    CU_ASSERT_PTR_NOT_NULL(duet.sides[ARM_CANDIDATE].commit);
    duet_free(&duet);
    json_decref(sides_verdict("o/verdict.json"));
}

static void ways(void)
{
    const char *program = sides_muster();
    struct said said = cli_run("duet", "--base", program, "--candidate", program, SHORT, "-s", "serial,shared-memory",
                               "-w", "map", "-n", "1", "--idle", "spin", "--blocks", "1", "--alternate", "trials",
                               "--format", "json", "-o", cli_path("o"), NULL);
    CU_ASSERT_EQUAL(said.code, EXIT_INCONCLUSIVE);
    json_t *json = json_loads(said.out, JSON_REJECT_DUPLICATES, NULL);
    CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "findings")), 2);
    json_decref(json);
    struct duet duet = sides_duet("o");
    CU_ASSERT_FALSE(duet.by_windows);
    for (size_t i = 0; i < duet.about.cell_count; i++) {
        CU_ASSERT(duet.about.cells[i].items > 0);
        check_pairs(&duet.cells[i], 2);
    }
    duet_free(&duet);
}

/* The table once more, from the folder: the same, with the second measurement and all. */
static void retold(const char *table)
{
    char *before = strdup(table);
    struct said said = cli_run("report", cli_path("o"), NULL);
    cli_fine(said);
    CU_ASSERT_STRING_EQUAL(said.out, before);
    free(before);
    said = cli_run("report", cli_path("o/duet.json"), "--format", "json", NULL);
    cli_fine(said);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "\"schema\": \"muster.verdict/1\""));
    cli_refused(cli_run("report", cli_path("o"), "--contention", NULL), EXIT_USAGE, "is a duet");
    cli_refused(cli_run("report", cli_path("o"), cli_path("o"), NULL), EXIT_NO_INPUT, "the folder holds a duet");
    FILE *verdict = fopen(cli_path("o/verdict.json"), "we");
    CU_ASSERT_PTR_NOT_NULL_FATAL(verdict);
    fputs("{\"schema\": \"muster.verdict/1\"}\n", verdict);
    fclose(verdict);
    cli_refused(cli_run("report", cli_path("o"), NULL), EXIT_BAD_FILE, "criteria.margin");
}

/* A slowdown beyond all noise is found, confirmed, and named. Only a machine that moves under most pairs hides it, and
 * then that is said. */
static void handicapped(void)
{
    char slower[PATH_MAX + 32];
    const char *program = sides_muster();
    snprintf(slower, sizeof slower, "%s --handicap 400%%", program);
    struct said said = cli_run("duet", "--base", program, "--candidate", slower, SHORT, "-s", "serial", "-w", "counter",
                               "-n", "1", "--idle", "natural", "--blocks", "12", "-o", cli_path("o"), NULL);
    bool told = said.code == EXIT_REGRESSION || (said.code == EXIT_INCONCLUSIVE && strstr(said.out, "spoiled"));
    CU_ASSERT_TRUE(told);
    if (!told)
        fprintf(stderr, "ended with %d: %s%s", said.code, said.out, said.err);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "the candidate is handicapped: its times are stretched by 400 %"));
    struct duet duet = sides_duet("o");
    CU_ASSERT_DOUBLE_EQUAL(duet.sides[ARM_CANDIDATE].handicap, 4, 1e-9);
    CU_ASSERT_EQUAL(duet.sides[ARM_BASE].handicap, 0);
    if (said.code == EXIT_REGRESSION) {
        CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "VERDICT regression cells=1 slower=1 confirmed=1 "));
        CU_ASSERT_TRUE(duet.cells[0].pairs[duet.cells[0].pair_count - 1].confirming);
    }
    unsigned again = 0;
    for (size_t i = 0; i < duet.cells[0].pair_count; i++)
        again += duet.cells[0].pairs[i].confirming;
    retold(said.out);
    CU_ASSERT(again <= 20 + 20 / 2); /* what is spoiled in the second measurement has extra slots of that one only */
    duet_free(&duet);
}

/* Where there is time, so many sound blocks are measured as were planned, and no more than that; else it was up. */
static void enough(void)
{
    const char *program = sides_muster();
    struct said said =
        cli_run("duet", "--base", program, "--candidate", program, SHORT, "-s", "serial", "-w", "counter", "-n", "1",
                "--idle", "natural", "--margin", "50%", "-t", "900ms", "-o", cli_path("o"), NULL);
    CU_ASSERT(said.code == EXIT_FINE || said.code == EXIT_INCONCLUSIVE);
    struct duet duet = sides_duet("o");
    size_t sound = 0, seen;
    struct observation *observations = duet_observations(&duet, 0, false, &seen);
    for (size_t i = 0; observations && i < seen; i++)
        sound += !observations[i].spoiled;
    free(observations);
    CU_ASSERT(duet.ended == ENDED_TIME || (duet.ended == ENDED_PLAN && sound >= 24));
    json_t *verdict = sides_verdict("o/verdict.json");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(verdict, "ended")), ended_name(duet.ended));
    json_decref(verdict);
    duet_free(&duet);
}

/* The budget is for all of it: while it is asked what a slow side lacks, too, and before it is asked at all. */
static void no_time_for(const char *delay_s)
{
    char text[2 * PATH_MAX];
    const char *program = sides_muster();
    snprintf(text, sizeof text, "#!/bin/sh\nsleep %s\nexec %s \"$@\"\n", delay_s, program);
    struct said said = cli_run("duet", "--base", program, "--candidate", sides_script("slow", text), SHORT, "-s",
                               "serial", "-w", "counter,list", "-n", "1", "-t", "200ms", "-o", cli_path("o"), NULL);
    sides_check(said, EXIT_INCONCLUSIVE, "VERDICT inconclusive cells=2 ",
                "the time ended before both builds were asked");
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, " ended=time\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "ended after "));
    struct duet duet = sides_duet("o");
    CU_ASSERT_EQUAL(duet.ended, ENDED_TIME);
    CU_ASSERT(duet.cells[0].pair_count == 0 && duet.cells[1].pair_count == 0);
    CU_ASSERT_EQUAL(duet.cells[1].status[ARM_CANDIDATE], SIDE_OK);
    duet_free(&duet);
}

static void no_time(void)
{
    no_time_for("0.15");
    no_time_for("0.3");
}

/* A calibration of the machine and terms of this duet, whose one cell has a floor of 4 %. */
static void calibrate_for(const struct duet *duet, unsigned blocks)
{
    struct calibrated_cell cell = {
        .id = duet->about.cells[0].id, .floor = 0.04, .caught = NAN, .session_sd = NAN, .pair_sd = NAN, .lag1 = NAN};
    const struct calibration kept = {.host = duet->about.host,
                                     .created = (char *)"2001-01-01T00:00:00Z",
                                     .idle = duet->about.idle,
                                     .elapsed_s = 600,
                                     .windows = duet->about.windows,
                                     .window_s = duet->about.window_s,
                                     .warmup_s = duet->about.warmup_s,
                                     .by_windows = true,
                                     .blocks = 24,
                                     .gate_s = 180,
                                     .blocks_least = blocks,
                                     .blocks_most = blocks,
                                     .margin = 0.02,
                                     .control = {.expected = NAN, .ratio = NAN, .low = NAN, .high = NAN},
                                     .cells = &cell,
                                     .cell_count = 1};
    struct report_error error;
    mkdir(cli_path("records"), 0700);
    CU_ASSERT_EQUAL_FATAL(calibration_write(&kept, cli_path("records"), &error), 0);
}

/* A calibrated cell is judged by its own margin; an old calibration is told, one of longer gates left out. */
static void calibrated(void)
{
    const char *program = sides_muster();
    double margin, floor;
    cli_run("duet", "--base", program, "--candidate", program, ONE, "-o", cli_path("o"), NULL);
    struct duet duet = sides_duet("o");
    calibrate_for(&duet, 2);
    struct said said = cli_run("duet", "--base", program, "--candidate", program, ONE, "-o", cli_path("o"), NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "days old"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, " margin=2% margin_most=6% slower_once=0 ended=plan\n"));
    json_t *json = sides_verdict("o/verdict.json");
    CU_ASSERT_EQUAL(json_unpack(json, "{s:[{s:F, s:F}]}", "findings", "margin", &margin, "floor", &floor), 0);
    CU_ASSERT_DOUBLE_EQUAL(margin, 0.06, 1e-12);
    CU_ASSERT_EQUAL(floor, 0.04);
    json_decref(json);
    calibrate_for(&duet, 24);
    duet_free(&duet);
    said = cli_run("duet", "--base", program, "--candidate", program, ONE, NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "of 24 blocks"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, " margin=2% margin_most=2% slower_once=0 ended=plan\n"));
    said = cli_run("duet", "--base", program, "--candidate", program, SHORT, COUNTER, "-t", "100ms", NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, " 180 s"));
}

/* --- what cannot be ----------------------------------------------------------------------------------------------- */

static void usage(void)
{
    const char *program = sides_muster();
    cli_refused(cli_run("duet", "--base", program, NULL), EXIT_USAGE, "--candidate is missing");
    cli_refused(cli_run("duet", "--candidate", program, NULL), EXIT_USAGE, "--base is missing");
    cli_refused(cli_run("duet", "--base", " ", "--candidate", program, NULL), EXIT_USAGE, "--base: an empty command");
    cli_refused(cli_run("duet", "--margin", "0.5%", NULL), EXIT_USAGE, "--margin: '0.5%' is out of range");
    cli_refused(cli_run("duet", "--alternate", "days", NULL), EXIT_USAGE, "--alternate");
    cli_refused(cli_run("duet", "--long", NULL), EXIT_USAGE, "--long");
    /* the last of run's options that is lent: none before it was left out */
    sides_check(cli_run("duet", "--help", NULL), EXIT_FINE, "\n      --progress WHEN", "");
    cli_refused(cli_run("duet", "--base", program, "--candidate", program, "-s", "fork-pool", "-w", "lock", NULL),
                EXIT_USAGE, "nothing can be measured");
    cli_refused(cli_run("duet", "--base", program, "--candidate", program, ONE, "-o", "/proc/self/fdinfo", NULL),
                EXIT_NO_OUTPUT, "cannot write /proc/self/fdinfo/duet.json");
    /* what cannot be said is lost, whatever it is, unless it is graver */
    struct said lost = cli_run_into("/dev/full", "duet", "--base", program, "--candidate", program, ONE, NULL);
    CU_ASSERT_EQUAL(lost.code, EXIT_NO_OUTPUT);
    struct said said = cli_run("duet", "--base", program, "--candidate", program, ONE, "--records", "/no-such", NULL);
    sides_check(said, EXIT_INCONCLUSIVE, "no calibration of this machine in /no-such\n", "");
}

/* --- ended by others ---------------------------------------------------------------------------------------------- */

static void become_duet(const char *program)
{
    int out = open(cli_path("out"), O_WRONLY | O_CREAT | O_TRUNC, 0600),
        err = open(cli_path("err"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (setpgid(0, 0) == 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0)
        execl(program, "muster", "duet", "--base", program, "--candidate", program, SHORT, COUNTER, "-o", cli_path("o"),
              "--blocks", "5000", "--progress", "always", NULL);
    _exit(127);
}

static bool is_measuring(void)
{
    static char text[1 << 16];
    unsigned block = 0;
    FILE *file = fopen(cli_path("err"), "r");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[length] = '\0';
    for (const char *at = text; (at = strstr(at, "\rblock ")); at++)
        sscanf(at, "\rblock %u of", &block);
    return block > 1;
}

static pid_t start(const char *program)
{
    processes_mark();
    unlink(cli_path("err"));
    pid_t pid = fork();
    if (pid == 0)
        become_duet(program);
    CU_ASSERT_FATAL(pid > 0);
    for (double until_s = processes_now_s() + SOON_S; !is_measuring() && processes_now_s() < until_s;)
        processes_pause(0.002);
    CU_ASSERT_TRUE(is_measuring());
    return pid;
}

static void ended_by_others(void)
{
    const char *program = sides_muster();
    pid_t pid = start(program);
    CU_ASSERT_EQUAL(kill(-pid, SIGINT), 0);
    CU_ASSERT_EQUAL(processes_wait(pid, AT_ONCE_S), EXIT_INTERRUPTED);
    CU_ASSERT_EQUAL(processes_left(0, AT_ONCE_S), 0);
    struct duet duet = sides_duet("o");
    CU_ASSERT_TRUE(duet.about.interrupted);
    CU_ASSERT(duet.cells[0].pair_count >= 1);
    duet_free(&duet);
    json_t *json = sides_verdict("o/verdict.json");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json, "verdict")), "interrupted");
    json_decref(json);
    pid = start(program);
    CU_ASSERT_NOT_EQUAL(access(cli_path("o/verdict.json"), F_OK), 0);
    CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
    CU_ASSERT_EQUAL(processes_wait(pid, AT_ONCE_S), 128 + SIGKILL);
    CU_ASSERT_EQUAL(processes_left(0, AT_ONCE_S), 0);
}

int main(int argc, char **argv)
{
    const struct test tests[] = {
        {.name = "duet: a build with itself", .run = with_itself},
        {.name = "duet: whole trials, map, json", .run = ways},
        {.name = "duet: a handicap is found and confirmed", .run = handicapped},
        {.name = "duet: sound blocks are counted", .run = enough},
        {.name = "duet: a budget that is too small", .run = no_time},
        {.name = "duet: on a machine that was calibrated", .run = calibrated},
        {.name = "duet: what cannot be", .run = usage},
        {.name = "duet: interrupted and killed", .run = ended_by_others},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
