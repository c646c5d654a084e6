/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_stress.c - muster stress: every strategy stands fire for a moment, and bugs planted in recovery are found.
 *
 * The planted ones are strategies of broken.c, in tests/muster-broken. A finding names the command that replays it. */
#include "tests/cli.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static int run_broken(const char *strategy, const char *more, char *said, size_t size)
{
    char command[600];
    snprintf(command, sizeof command, "'%s' stress -s %s --seed 7 %s 2>&1", frame_built("tests/muster-broken"),
             strategy, more);
    FILE *pipe = popen(command, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(pipe);
    size_t got = fread(said, 1, size - 1, pipe);
    said[got] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void all_stand(void)
{
    struct said said = cli_run("stress", "-t", getenv("MUSTER_QUICK") ? "2s" : "3s", "--format", "json", NULL);
    json_t *root = json_loads(said.out, 0, NULL), *cell;
    size_t i;
    CU_ASSERT_EQUAL(said.code, 0);
    if (said.code)
        printf("%s\n", said.err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(root);
    CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "findings")), 0);
    /* every cell had its round, however short the time */
    json_array_foreach(json_object_get(root, "cells"), i, cell)
    {
        CU_ASSERT(json_integer_value(json_object_get(cell, "rounds")) > 0);
    }
    CU_ASSERT(i > 10);
    json_decref(root);
}

/* Soon, as a rule. */
static void planted(const char *strategy, const char *words)
{
    char said[8000], *replay;
    int code = run_broken(strategy, "-t 500ms", said, sizeof said);
    if (code == 0)
        code = run_broken(strategy, "-t 5s", said, sizeof said);
    CU_ASSERT_EQUAL(code, 5);
    if (!strstr(said, words))
        printf("%s\n", said);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, words));
    replay = strstr(said, "replay: muster stress -s ");
    CU_ASSERT_PTR_NOT_NULL(replay);
}

static void lost_in_recovery(void)
{
    planted("broken-forgets", "hold, and");
}

static void segment_left(void)
{
    planted("broken-leaves", "1 shared mappings");
}

static void lost_without_death(void)
{
    planted("broken-loses -w counter", "hold, and");
    planted("broken-loses -w list", "answered and is lost");
    planted("broken-doubles -w map", "ran 2 times");
}

static void replayed(void)
{
    char said[8000], first[200] = "", again[8000];
    CU_ASSERT_EQUAL(run_broken("broken-loses -w list", "-t 1s", said, sizeof said), 5);
    const char *round = strstr(said, "--round ");
    CU_ASSERT_PTR_NOT_NULL_FATAL(round);
    snprintf(first, sizeof first, "%.*s", (int)strcspn(round, "\n"), round);
    CU_ASSERT_EQUAL(run_broken("broken-loses:plain -w list", first, again, sizeof again), 5);
}

static void fits(void)
{
    struct said said = cli_run("stress", "-t", "1ms", "-s", "serial", "--seed", "1", NULL);
    cli_fine(said);
    CU_ASSERT(cli_width(said.out) <= 80);
    said = cli_run("stress", "--help", NULL);
    cli_fine(said);
    CU_ASSERT(cli_width(said.out) <= 80);
}

static void misused(void)
{
    cli_refused(cli_run("stress", "-w", "lisst", NULL), 64, "did you mean 'list'?");
    cli_refused(cli_run("stress", "-s", "nobody", NULL), 64, "unknown strategy");
    cli_refused(cli_run("stress", "now", NULL), 64, "takes no argument");
    cli_refused(cli_run("stress", "-s", "limits", NULL), 64, "carries");
    cli_refused(cli_run("stress", "--round", "3", NULL), 64, "--seed");
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"stress: every strategy stands fire", all_stand, 120},
        {"stress: an update lost in recovery is found", lost_in_recovery, 60},
        {"stress: a segment left behind is found", segment_left, 60},
        {"stress: what is lost without a death is found", lost_without_death, 60},
        {"stress: a finding is replayed", replayed, 60},
        {"stress: the table has 80 columns", fits, 0},
        {"stress: what is wrong with the command line", misused, 0},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
