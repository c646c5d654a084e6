/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_duet_sides.c - sides of `muster duet` that are not what they should be: that it is said of them, and of no
 * other.
 *
 * Stand-ins are small scripts before a real trial. */
#include "harness/problem.h"
#include "tests/duet_sides.h"
#include "tests/frame.h"
#include "tests/processes.h"

#include <CUnit/CUnit.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOON_S 10.0

/* --- stand-ins ---------------------------------------------------------------------------------------------------- */

/* A side that is asked through sed: what it makes of the requests reaches a trial of `program`. */
static const char *asked_through(const char *name, const char *edit, const char *program)
{
    char text[2 * PATH_MAX];
    snprintf(text, sizeof text, "#!/bin/sh\nsed -u '%s' | %s \"$@\"\n", edit, program);
    return sides_script(name, text);
}

static const char *broken(void)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", frame_built("tests/muster-broken"));
    return path;
}

/* --- sides that wait badly -------------------------------------------------------------------------------------------
 */

/* A side that works while it is parked takes from the other's windows, and would gain by it: then whole trials count.
 */
static void restless(void)
{
    char text[2 * PATH_MAX];
    const char *program = sides_muster();
    snprintf(text, sizeof text, "#!/bin/sh\nwhile :; do :; done &\nwhile :; do :; done &\nexec %s \"$@\"\n", program);
    struct said said = cli_run("duet", "--base", program, "--candidate", sides_script("restless", text), "--windows",
                               "2", "--window", "10ms", "--warmup", "1ms", "-s", "serial", "-w", "counter", "-n", "1",
                               "--idle", "natural", "--blocks", "4", "-o", cli_path("o"), NULL);
    sides_check(said, EXIT_INCONCLUSIVE, "1 cell was measured by whole trials, since a side works while it is parked",
                "");
    struct duet duet = sides_duet("o");
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

/* --- sides that are not what they should be ----------------------------------------------------------------------- */

static void no_side(void)
{
    const char *program = sides_muster();
    const char *rubbish = sides_script("rubbish", "#!/bin/sh\nread line\necho '{\"hello\": 1'\n");
    const char *silent = sides_script("silent", "#!/bin/sh\nexit 3\n");
    struct said said = cli_run("duet", "--base", program, "--candidate", "./no-such-program", ONE, NULL);
    cli_refused(said, EXIT_NO_INPUT, "--candidate: cannot start ./no-such-program: No such file");
    cli_refused(cli_run("duet", "--base", cli_file("text", "x", 1), "--candidate", program, ONE, NULL), EXIT_NO_INPUT,
                " is no program that can be started; results are for muster compare");
    cli_refused(cli_run("duet", "--base", cli_path(""), "--candidate", program, ONE, NULL), EXIT_NO_INPUT,
                " is a folder, not a program");
    cli_refused(cli_run("duet", "--base", "no-such-program", "--candidate", program, ONE, NULL), EXIT_NO_INPUT,
                "no program 'no-such-program' in PATH; a revision of git is for make regress BASE=no-such-program");
    cli_refused(cli_run("duet", "--base", "sh -c 'muster'", "--candidate", program, ONE, NULL), EXIT_USAGE,
                "quotes mean nothing: 'muster'");
    cli_refused(cli_run("duet", "--base", program, "--candidate", rubbish, ONE, NULL), EXIT_UNPROVED,
                "does not answer as muster does: the trial's reply is not one of muster.trial/1");
    cli_refused(cli_run("duet", "--base", silent, "--candidate", program, ONE, "-o", cli_path("o"), NULL),
                EXIT_UNPROVED, "the trial exited with 3 before its time");
    CU_ASSERT_NOT_EQUAL(access(cli_path("o/duet.json"), F_OK), 0); /* an earlier one's would still be there */
    CU_ASSERT_NOT_EQUAL(access(cli_path("o/verdict.json"), F_OK), 0);
}

/* The other cells are measured; the one that is lacking is listed, and no pass. */
static void lacking(void)
{
    const char *program = sides_muster();
    const char *older = asked_through("older", "s/\"counter\"/\"abacus\"/", program);
    struct said said = cli_run("duet", "--base", program, "--candidate", older, SHORT, "-s", "shared-memory", "-w",
                               "counter,list", "-n", "1", "--blocks", "1", "-o", cli_path("o"), NULL);
    sides_check(said, EXIT_INCOMPARABLE, "abacus/shared-memory:atomic", "");
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "VERDICT incomparable cells=2 "));
    struct duet duet = sides_duet("o");
    CU_ASSERT_EQUAL(duet.cells[0].status[ARM_CANDIDATE], SIDE_LACKS);
    CU_ASSERT_EQUAL(duet.cells[0].status[ARM_BASE], SIDE_OK);
    CU_ASSERT_EQUAL(duet.cells[0].pair_count, 0);
    CU_ASSERT(duet.cells[1].pair_count >= 1);
    duet_free(&duet);
    /* what neither has is no part of it */
    said = cli_run("duet", "--base", older, "--candidate", older, SHORT, "-s", "shared-memory", "-w", "counter,list",
                   "-n", "1", "--blocks", "1", NULL);
    sides_check(said, EXIT_INCONCLUSIVE, "VERDICT inconclusive cells=1 ", "");
    said = cli_run("duet", "--base", older, "--candidate", older, ONE, NULL);
    cli_refused(said, EXIT_INCOMPARABLE, "neither build has any of the cells: this build does not know abacus/");
    CU_ASSERT_EQUAL(strncmp(said.out, "VERDICT incomparable cells=0 ", 29), 0);
}

/* It greets as it should, and then writes to whose terminal it is. */
#define PAINTER                                                                                                        \
    "#!/bin/sh\nread line\ncase $line in *'\"-\"'*) k=n/a;; *) k=failed;; esac\n"                                      \
    "printf '{\"reply\":\"%s\",\"reason\":\"\\\\u001b[31mno\"}\\n' $k\n"

/* What its trials say reaches the driver through sed. */
static const char *told_through(const char *name, const char *edit, const char *program)
{
    char text[2 * PATH_MAX];
    snprintf(text, sizeof text, "#!/bin/sh\n%s \"$@\" | sed -u '%s'\n", program, edit);
    return sides_script(name, text);
}

static void failing(void)
{
    const char *program = sides_muster();
    const char *loser =
        asked_through("loser", "s/\"shared-memory\"/\"broken-loses\"/; s/\"atomic\"/\"plain\"/", broken());
    const char *quitter = asked_through("quitter", "/\"measure\"/Q", program);
    struct said said = cli_run("duet", "--base", program, "--candidate", loser, ONE, "-o", cli_path("o"), NULL);
    sides_check(said, EXIT_UNPROVED, "VERDICT unproved cells=1 ", "muster: failed: counter/shared-memory ");
    struct duet duet = sides_duet("o");
    CU_ASSERT_EQUAL(duet.cells[0].status[ARM_CANDIDATE], SIDE_FAILED);
    CU_ASSERT_EQUAL(duet.cells[0].status[ARM_BASE], SIDE_OK);
    duet_free(&duet);
    sides_check(cli_run("duet", "--base", quitter, "--candidate", program, ONE, NULL), EXIT_UNPROVED,
                "the base: the trial exited with 0 before its time", "");
    const char *painter = sides_script("painter", PAINTER);
    said = cli_run("duet", "--base", painter, "--candidate", program, ONE, NULL);
    sides_check(said, EXIT_UNPROVED, "the base: ?[31mno", "the base: ?[31mno");
    CU_ASSERT_PTR_NULL(strchr(said.err, '\033'));
    const char *idler = told_through("idler", "s/\"rates\":\\[[^]]*\\]/\"rates\":[0.0]/", program);
    sides_check(cli_run("duet", "--base", program, "--candidate", idler, ONE, NULL), EXIT_UNPROVED, "VERDICT unproved ",
                "the candidate: nothing was done in most of its windows");
}

/* What goes into a session of its own outlives its trial; it waits for a writer, and goes with that. */
static void leaving_behind(void)
{
    const char *program = sides_muster();
    char text[5 * PATH_MAX], door[PATH_MAX];
    snprintf(door, sizeof door, "%s", cli_path("door"));
    processes_mark();
    CU_ASSERT_EQUAL_FATAL(mkfifo(door, 0600), 0);
    snprintf(text, sizeof text,
             "#!/bin/sh\nsetsid sh -c 'echo >>%s.there; read word <%s' >/dev/null 2>&1 &\n"
             "until test -s %s.there; do sleep 0.01; done\nexec %s \"$@\"\n",
             door, door, door, program);
    sides_check(cli_run("duet", "--base", program, "--candidate", sides_script("leaver", text), ONE, NULL),
                EXIT_INCONCLUSIVE, "a side left processes behind, which still run: ", "");
    for (double until_s = processes_now_s() + SOON_S; processes_marked() > 0 && processes_now_s() < until_s;) {
        close(open(door, O_WRONLY | O_NONBLOCK));
        processes_pause(0.002);
    }
    CU_ASSERT_EQUAL(processes_marked(), 0);
}

static void keeping_time(void)
{
    const char *program = sides_muster();
    const char *fast = told_through("fast", "s/\"seconds\":[^,]*/\"seconds\":9.5/", program);
    const char *hasty = told_through("hasty", "s/\"seconds\":[^,]*/\"seconds\":0.0001/", program);
    sides_check(cli_run("duet", "--base", program, "--candidate", fast, ONE, NULL), EXIT_UNPROVED, "VERDICT unproved ",
                "the candidate: the trial's clock is wrong: 9.5 s of windows in ");
    sides_check(cli_run("duet", "--base", hasty, "--candidate", program, ONE, NULL), EXIT_UNPROVED, "VERDICT unproved ",
                "the base: its windows lasted 0.0002 s, where 0.002 s were asked for");
}

/* What a script does from its second line on, and before it starts the program; it counts its starts. */
static const char *counting(const char *name, const char *then)
{
    char text[3 * PATH_MAX], starts[PATH_MAX];
    snprintf(starts, sizeof starts, "%s", cli_path("starts"));
    unlink(starts);
    snprintf(text, sizeof text, "#!/bin/sh\necho >>%s\nn=$(wc -l <%s)\n%s\n", starts, starts, then);
    return sides_script(name, text);
}

/* Greeted, asked what it lacks, and then measured: that is the third start. Once may be anything. */
static void stumbling(void)
{
    char then[PATH_MAX + 80];
    const char *program = sides_muster();
    snprintf(then, sizeof then, "[ $n = 3 ] && exit 3\nexec %s \"$@\"", program);
    struct said said =
        cli_run("duet", "--base", program, "--candidate", counting("once", then), ONE, "-o", cli_path("o"), NULL);
    sides_check(said, EXIT_INCONCLUSIVE, "1 cell failed once, and got another try; the latest:",
                "the candidate: the trial exited with 3 before its time; tried anew, once");
    struct duet duet = sides_duet("o");
    CU_ASSERT(duet.cells[0].status[ARM_CANDIDATE] == SIDE_OK && duet.cells[0].pair_count >= 1);
    duet_free(&duet);
    snprintf(then, sizeof then, "[ $n = 2 ] && exit 3\nexec %s \"$@\"", program); /* while it is asked what it lacks */
    sides_check(cli_run("duet", "--base", program, "--candidate", counting("early", then), ONE, NULL),
                EXIT_INCONCLUSIVE, "VERDICT inconclusive cells=1 ", "before its time; tried anew, once");
    snprintf(then, sizeof then, "[ $n -gt 3 ] && exit 3\nexec %s \"$@\"", program);
    sides_check(cli_run("duet", "--base", program, "--candidate", counting("twice", then), SHORT, COUNTER, "--blocks",
                        "2", NULL),
                EXIT_UNPROVED, "VERDICT unproved ", "the candidate: after ");
}

/* From its third start on it says that it is another one. */
static void changing(void)
{
    char then[PATH_MAX + 80];
    const char *program = sides_muster();
    snprintf(then, sizeof then, "%s \"$@\" | sed -u \"s/\\\"commit\\\":\\\"/&$((n / 3))/\"", program);
    sides_check(cli_run("duet", "--base", program, "--candidate", counting("made", then), ONE, NULL), EXIT_UNPROVED,
                "VERDICT unproved cells=0 ",
                "the candidate changed while it was measured: it says that it is another build");
}

int main(int argc, char **argv)
{
    const struct test tests[] = {
        {.name = "duet: a side that works while it is parked", .run = restless},
        {.name = "duet: a side that is no muster", .run = no_side},
        {.name = "duet: a side that lacks a cell", .run = lacking},
        {.name = "duet: a side that fails", .run = failing},
        {.name = "duet: a side that leaves processes behind", .run = leaving_behind},
        {.name = "duet: a side that keeps another time", .run = keeping_time},
        {.name = "duet: a side that fails once", .run = stumbling},
        {.name = "duet: a side that changes meanwhile", .run = changing},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
