/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_duet.c - `muster duet` from outside.
 *
 * Windows are a millisecond and blocks few, so that most verdicts are inconclusive: what is tested is that both sides
 * are measured and told apart, that what a side cannot do or does wrong is said of that side, and that nothing stays
 * behind. Stand-ins are small scripts before a real trial. */
#include "harness/problem.h"
#include "reports/calibration.h"
#include "reports/duet.h"
#include "reports/verdict_report.h"
#include "tests/cli.h"
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

#define SHORT     "--windows", "2", "--window", "1ms", "--warmup", "1ms"
#define COUNTER   "-s", "shared-memory", "-w", "counter", "-n", "2", "--oversubscribe", "--idle", "natural"
#define ONE       SHORT, COUNTER, "--blocks", "1"
#define AT_ONCE_S 2.0
#define SOON_S    10.0

/* --- sides -------------------------------------------------------------------------------------------------------- */

static const char *muster(void)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", frame_built("muster"));
    setenv("MUSTER_RECORDS", cli_path("records"), 1);
    return path;
}

static const char *script(const char *name, const char *text)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, PATH_MAX, "%s", cli_file(name, text, strlen(text)));
    CU_ASSERT_EQUAL(chmod(path, 0700), 0);
    return path;
}

/* A side that is asked through sed: what it makes of the requests reaches a trial of `program`. */
static const char *asked_through(const char *name, const char *edit, const char *program)
{
    char text[2 * PATH_MAX];
    snprintf(text, sizeof text, "#!/bin/sh\nsed -u '%s' | %s \"$@\"\n", edit, program);
    return script(name, text);
}

static const char *broken(void)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", frame_built("tests/muster-broken"));
    return path;
}

static void check(struct said said, int code, const char *out, const char *err)
{
    bool right = said.code == code && strstr(said.out, out) && strstr(said.err, err);
    CU_ASSERT_TRUE(right);
    if (!right)
        fprintf(stderr, "ended with %d, not %d, without '%s' or '%s':\n%s%s", said.code, code, out, err, said.out,
                said.err);
}

static struct duet read_duet(const char *name)
{
    struct duet duet;
    struct report_error error = {.code = 0};
    CU_ASSERT_EQUAL_FATAL(duet_read(&duet, cli_path(name), &error), 0);
    return duet;
}

static json_t *read_verdict(const char *name)
{
    json_t *json = json_load_file(cli_path(name), JSON_REJECT_DUPLICATES, NULL);
    const char *schema = json_string_value(json_object_get(json, "schema"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(schema);
    CU_ASSERT_STRING_EQUAL(schema, VERDICT_SCHEMA);
    return json;
}

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
    const char *program = muster();
    struct said said = cli_run("duet", "--base", program, "--candidate", program, SHORT, COUNTER, "--blocks", "4",
                               "--seed", "7", "-o", cli_path("o"), NULL);
    CU_ASSERT(said.code == EXIT_FINE || said.code == EXIT_INCONCLUSIVE);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "\nVERDICT "));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "muster: 1 cell of two builds, in 4 blocks; seed 7; results in "));
    struct duet duet = read_duet("o");
    CU_ASSERT_EQUAL_FATAL(duet.about.cell_count, 1);
    CU_ASSERT_TRUE(duet.by_windows);
    CU_ASSERT_EQUAL(duet.about.seed, 7);
    CU_ASSERT_EQUAL(duet.about.blocks_complete, 4);
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
    json_decref(read_verdict("o/verdict.json"));
}

static void ways(void)
{
    const char *program = muster();
    struct said said = cli_run("duet", "--base", program, "--candidate", program, SHORT, "-s", "serial,shared-memory",
                               "-w", "map", "-n", "1", "--idle", "spin", "--blocks", "1", "--alternate", "trials",
                               "--format", "json", "-o", cli_path("o"), NULL);
    CU_ASSERT_EQUAL(said.code, EXIT_INCONCLUSIVE);
    json_t *json = json_loads(said.out, JSON_REJECT_DUPLICATES, NULL);
    CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "findings")), 2);
    json_decref(json);
    struct duet duet = read_duet("o");
    CU_ASSERT_FALSE(duet.by_windows);
    for (size_t i = 0; i < duet.about.cell_count; i++) {
        CU_ASSERT(duet.about.cells[i].items > 0);
        check_pairs(&duet.cells[i], 2);
    }
    duet_free(&duet);
}

/* A slowdown beyond all noise is found, confirmed, and named. Only a machine that moves under most pairs hides it, and
 * then that is said. */
static void handicapped(void)
{
    char slower[PATH_MAX + 32];
    const char *program = muster();
    snprintf(slower, sizeof slower, "%s --handicap 400%%", program);
    struct said said = cli_run("duet", "--base", program, "--candidate", slower, SHORT, "-s", "serial", "-w", "counter",
                               "-n", "1", "--idle", "natural", "--blocks", "12", "-o", cli_path("o"), NULL);
    bool told = said.code == EXIT_REGRESSION || (said.code == EXIT_INCONCLUSIVE && strstr(said.out, "spoiled"));
    CU_ASSERT_TRUE(told);
    if (!told)
        fprintf(stderr, "ended with %d: %s%s", said.code, said.out, said.err);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "the candidate is handicapped: its times are stretched by 400 %"));
    struct duet duet = read_duet("o");
    CU_ASSERT_DOUBLE_EQUAL(duet.sides[ARM_CANDIDATE].handicap, 4, 1e-9);
    CU_ASSERT_EQUAL(duet.sides[ARM_BASE].handicap, 0);
    if (said.code == EXIT_REGRESSION) {
        CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "VERDICT regression cells=1 slower=1 confirmed=1 "));
        CU_ASSERT_TRUE(duet.cells[0].pairs[duet.cells[0].pair_count - 1].confirming);
    }
    unsigned again = 0;
    for (size_t i = 0; i < duet.cells[0].pair_count; i++)
        again += duet.cells[0].pairs[i].confirming;
    CU_ASSERT(again <= 20 + 20 / 2); /* what is spoiled in the second measurement has extra slots of that one only */
    duet_free(&duet);
}

/* The budget is for all of it: while it is asked what a slow side lacks, too. */
static void no_time(void)
{
    char text[2 * PATH_MAX];
    const char *program = muster();
    snprintf(text, sizeof text, "#!/bin/sh\nsleep 0.15\nexec %s \"$@\"\n", program);
    struct said said = cli_run("duet", "--base", program, "--candidate", script("slow", text), SHORT, "-s", "serial",
                               "-w", "counter,list", "-n", "1", "-t", "200ms", "-o", cli_path("o"), NULL);
    check(said, EXIT_INCONCLUSIVE, "VERDICT inconclusive cells=2 ", "the time ended before both builds were asked");
    struct duet duet = read_duet("o");
    CU_ASSERT(duet.cells[0].pair_count == 0 && duet.cells[1].pair_count == 0);
    CU_ASSERT_EQUAL(duet.cells[1].status[ARM_CANDIDATE], SIDE_OK);
    duet_free(&duet);
}

/* A side that works while it is parked takes from the other's windows, and would gain by it: then whole trials count.
 */
static void restless(void)
{
    char text[2 * PATH_MAX];
    const char *program = muster();
    snprintf(text, sizeof text, "#!/bin/sh\nwhile :; do :; done &\nwhile :; do :; done &\nexec %s \"$@\"\n", program);
    struct said said = cli_run("duet", "--base", program, "--candidate", script("restless", text), "--windows", "2",
                               "--window", "10ms", "--warmup", "1ms", "-s", "serial", "-w", "counter", "-n", "1",
                               "--idle", "natural", "--blocks", "4", "-o", cli_path("o"), NULL);
    check(said, EXIT_INCONCLUSIVE, "1 cell was measured by whole trials, since a side works while it is parked", "");
    struct duet duet = read_duet("o");
    const struct duet_cell *cell = &duet.cells[0];
    size_t whole = 0, seen;
    CU_ASSERT_TRUE(duet.by_windows && cell->whole_trials);
    for (size_t i = 0; i < cell->pair_count; i++)
        whole += pair_counts(cell, &cell->pairs[i]);
    CU_ASSERT(whole >= 4 && whole <= cell->pair_count - PARKED_LEAST);
    CU_ASSERT(duet_parked(cell, ARM_CANDIDATE) > PARKED_MOST && duet_parked(cell, ARM_BASE) < PARKED_MOST);
    free(duet_observations(&duet, 0, false, &seen));
    CU_ASSERT_EQUAL(seen, whole);
    duet_free(&duet);
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
    const char *program = muster();
    double margin, floor;
    cli_run("duet", "--base", program, "--candidate", program, ONE, "-o", cli_path("o"), NULL);
    struct duet duet = read_duet("o");
    calibrate_for(&duet, 2);
    struct said said = cli_run("duet", "--base", program, "--candidate", program, ONE, "-o", cli_path("o"), NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "days old"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, " margin=2% margin_most=6%\n"));
    json_t *json = read_verdict("o/verdict.json");
    CU_ASSERT_EQUAL(json_unpack(json, "{s:[{s:F, s:F}]}", "findings", "margin", &margin, "floor", &floor), 0);
    CU_ASSERT_DOUBLE_EQUAL(margin, 0.06, 1e-12);
    CU_ASSERT_EQUAL(floor, 0.04);
    json_decref(json);
    calibrate_for(&duet, 24);
    duet_free(&duet);
    said = cli_run("duet", "--base", program, "--candidate", program, ONE, NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "of 24 blocks"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, " margin=2% margin_most=2%\n"));
    said = cli_run("duet", "--base", program, "--candidate", program, SHORT, COUNTER, "-t", "100ms", NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, " 180 s"));
}

/* --- sides that are not what they should be ----------------------------------------------------------------------- */

static void no_side(void)
{
    const char *program = muster();
    const char *rubbish = script("rubbish", "#!/bin/sh\nread line\necho '{\"hello\": 1'\n");
    const char *silent = script("silent", "#!/bin/sh\nexit 3\n");
    struct said said = cli_run("duet", "--base", program, "--candidate", "./no-such-program", ONE, NULL);
    cli_refused(said, EXIT_UNPROVED, "--candidate: cannot start ./no-such-program: No such file");
    CU_ASSERT_EQUAL(strncmp(said.out, "VERDICT unproved cells=0 ", 25), 0);
    cli_refused(cli_run("duet", "--base", cli_file("text", "x", 1), "--candidate", program, ONE, NULL), EXIT_UNPROVED,
                "--base: cannot start ");
    cli_refused(cli_run("duet", "--base", program, "--candidate", rubbish, ONE, NULL), EXIT_UNPROVED,
                "does not answer as muster does: the trial's reply is not one of muster.trial/1");
    cli_refused(cli_run("duet", "--base", silent, "--candidate", program, ONE, "-o", cli_path("o"), NULL),
                EXIT_UNPROVED, "the trial exited with 3 before its time");
    CU_ASSERT_NOT_EQUAL(access(cli_path("o/verdict.json"), F_OK), 0);
}

/* The other cells are measured; the one that is lacking is listed, and no pass. */
static void lacking(void)
{
    const char *program = muster();
    const char *older = asked_through("older", "s/\"counter\"/\"abacus\"/", program);
    struct said said = cli_run("duet", "--base", program, "--candidate", older, SHORT, "-s", "shared-memory", "-w",
                               "counter,list", "-n", "1", "--blocks", "1", "-o", cli_path("o"), NULL);
    check(said, EXIT_INCOMPARABLE, "abacus/shared-memory:atomic", "");
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "VERDICT incomparable cells=2 "));
    struct duet duet = read_duet("o");
    CU_ASSERT_EQUAL(duet.cells[0].status[ARM_CANDIDATE], SIDE_LACKS);
    CU_ASSERT_EQUAL(duet.cells[0].status[ARM_BASE], SIDE_OK);
    CU_ASSERT_EQUAL(duet.cells[0].pair_count, 0);
    CU_ASSERT(duet.cells[1].pair_count >= 1);
    duet_free(&duet);
    /* what neither has is no part of it */
    said = cli_run("duet", "--base", older, "--candidate", older, SHORT, "-s", "shared-memory", "-w", "counter,list",
                   "-n", "1", "--blocks", "1", NULL);
    check(said, EXIT_INCONCLUSIVE, "VERDICT inconclusive cells=1 ", "");
    said = cli_run("duet", "--base", older, "--candidate", older, ONE, NULL);
    cli_refused(said, EXIT_INCOMPARABLE, "neither build has any of the cells: this build does not know abacus/");
    CU_ASSERT_EQUAL(strncmp(said.out, "VERDICT incomparable cells=0 ", 29), 0);
}

/* It greets as it should, and then writes to whose terminal it is. */
#define PAINTER                                                                                                        \
    "#!/bin/sh\nread line\ncase $line in *'\"-\"'*) k=n/a;; *) k=failed;; esac\n"                                      \
    "printf '{\"reply\":\"%s\",\"reason\":\"\\\\u001b[31mno\"}\\n' $k\n"

/* Its rates are nothing, whatever it measures. */
static const char *idle_script(const char *program)
{
    static char text[2 * PATH_MAX];
    snprintf(text, sizeof text, "#!/bin/sh\n%s \"$@\" | sed -u 's/\"rates\":\\[[^]]*\\]/\"rates\":[0.0]/'\n", program);
    return text;
}

static void failing(void)
{
    const char *program = muster();
    const char *loser =
        asked_through("loser", "s/\"shared-memory\"/\"broken-loses\"/; s/\"atomic\"/\"plain\"/", broken());
    const char *quitter = asked_through("quitter", "/\"measure\"/Q", program);
    struct said said = cli_run("duet", "--base", program, "--candidate", loser, ONE, "-o", cli_path("o"), NULL);
    check(said, EXIT_UNPROVED, "VERDICT unproved cells=1 ", "muster: failed: counter/shared-memory ");
    struct duet duet = read_duet("o");
    CU_ASSERT_EQUAL(duet.cells[0].status[ARM_CANDIDATE], SIDE_FAILED);
    CU_ASSERT_EQUAL(duet.cells[0].status[ARM_BASE], SIDE_OK);
    duet_free(&duet);
    check(cli_run("duet", "--base", quitter, "--candidate", program, ONE, NULL), EXIT_UNPROVED,
          "the base: the trial exited with 0 before its time", "");
    const char *painter = script("painter", PAINTER);
    said = cli_run("duet", "--base", painter, "--candidate", program, ONE, NULL);
    check(said, EXIT_UNPROVED, "the base: ?[31mno", "the base: ?[31mno");
    CU_ASSERT_PTR_NULL(strchr(said.err, '\033'));
    const char *idler = script("idler", idle_script(program));
    check(cli_run("duet", "--base", program, "--candidate", idler, ONE, NULL), EXIT_UNPROVED, "VERDICT unproved ",
          "the candidate: nothing was done in most of its windows");
}

/* What goes into a session of its own outlives its trial; it waits for a writer, and goes with that. */
static void leaving_behind(void)
{
    const char *program = muster();
    char text[5 * PATH_MAX], door[PATH_MAX];
    snprintf(door, sizeof door, "%s", cli_path("door"));
    processes_mark();
    CU_ASSERT_EQUAL_FATAL(mkfifo(door, 0600), 0);
    snprintf(text, sizeof text,
             "#!/bin/sh\nsetsid sh -c 'echo >>%s.there; read word <%s' >/dev/null 2>&1 &\n"
             "until test -s %s.there; do sleep 0.01; done\nexec %s \"$@\"\n",
             door, door, door, program);
    check(cli_run("duet", "--base", program, "--candidate", script("leaver", text), ONE, NULL), EXIT_INCONCLUSIVE,
          "a side left processes behind, which still run: ", "");
    for (double until_s = processes_now_s() + SOON_S; processes_marked() > 0 && processes_now_s() < until_s;) {
        close(open(door, O_WRONLY | O_NONBLOCK));
        processes_pause(0.002);
    }
    CU_ASSERT_EQUAL(processes_marked(), 0);
}

/* --- what cannot be ----------------------------------------------------------------------------------------------- */

static void usage(void)
{
    const char *program = muster();
    cli_refused(cli_run("duet", "--base", program, NULL), EXIT_USAGE, "--candidate is missing");
    cli_refused(cli_run("duet", "--candidate", program, NULL), EXIT_USAGE, "--base is missing");
    cli_refused(cli_run("duet", "--base", " ", "--candidate", program, NULL), EXIT_USAGE, "--base: an empty command");
    cli_refused(cli_run("duet", "--margin", "0.5%", NULL), EXIT_USAGE, "--margin: '0.5%' is out of range");
    cli_refused(cli_run("duet", "--alternate", "days", NULL), EXIT_USAGE, "--alternate");
    cli_refused(cli_run("duet", "--long", NULL), EXIT_USAGE, "--long");
    /* the last of run's options that is lent: none before it was left out */
    check(cli_run("duet", "--help", NULL), EXIT_FINE, "\n      --progress WHEN", "");
    cli_refused(cli_run("duet", "--base", program, "--candidate", program, "-s", "fork-pool", "-w", "lock", NULL),
                EXIT_USAGE, "nothing can be measured");
    cli_refused(cli_run("duet", "--base", program, "--candidate", program, ONE, "-o", "/proc/self/fdinfo", NULL),
                EXIT_NO_OUTPUT, "cannot write /proc/self/fdinfo/duet.json");
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
    const char *program = muster();
    pid_t pid = start(program);
    CU_ASSERT_EQUAL(kill(-pid, SIGINT), 0);
    CU_ASSERT_EQUAL(processes_wait(pid, AT_ONCE_S), EXIT_INTERRUPTED);
    CU_ASSERT_EQUAL(processes_left(0, AT_ONCE_S), 0);
    struct duet duet = read_duet("o");
    CU_ASSERT_TRUE(duet.about.interrupted);
    CU_ASSERT(duet.cells[0].pair_count >= 1);
    duet_free(&duet);
    json_t *json = read_verdict("o/verdict.json");
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
        {.name = "duet: a budget that is too small", .run = no_time},
        {.name = "duet: a side that works while it is parked", .run = restless},
        {.name = "duet: on a machine that was calibrated", .run = calibrated},
        {.name = "duet: a side that is no muster", .run = no_side},
        {.name = "duet: a side that lacks a cell", .run = lacking},
        {.name = "duet: a side that fails", .run = failing},
        {.name = "duet: a side that leaves processes behind", .run = leaving_behind},
        {.name = "duet: what cannot be", .run = usage},
        {.name = "duet: interrupted and killed", .run = ended_by_others},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
