/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_driver.c - the driver against programs that are no trial: what it makes of their replies, and how it starts
 * them.
 *
 * Each is a script that answers the first line it is given. What a real trial answers is tested with the trial. */
#include "harness/clock.h"
#include "harness/driver.h"
#include "harness/protocol.h"
#include "tests/cli.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SOON (10 * NS_PER_S)

static char *script(const char *text)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s", cli_file("side", text, strlen(text)));
    CU_ASSERT_EQUAL(chmod(path, 0700), 0);
    return path;
}

/* What asking a script comes to. */
static enum asked asked(const char *text, json_t *request, char why[DRIVER_WHY])
{
    struct driver driver;
    struct problem problem;
    json_t *reply = NULL;
    char *command[] = {script(text), NULL};
    CU_ASSERT_EQUAL_FATAL(driver_start(&driver, command, &problem), 0);
    enum asked got = driver_ask(&driver, request, clock_now() + SOON, &reply, why);
    CU_ASSERT_EQUAL(reply != NULL, got == ASKED_FINE);
    json_decref(reply);
    driver_end(&driver, 0);
    return got;
}

static enum asked replied(const char *reply, json_t *request, char why[DRIVER_WHY])
{
    char text[1000];
    snprintf(text, sizeof text, "#!/bin/sh\nread line\nprintf '%%s\\n' '%s'\nread line\n", reply);
    return asked(text, request, why);
}

static void only_what_was_asked_for(void)
{
    static const struct {
        const char *reply;
        enum asked got;
        const char *why;
    } cases[] = {
        {"{\"reply\":\"measured\"}", ASKED_FINE, ""},
        {"{\"reply\":\"measured\",\"reason\":\"fun\"}", ASKED_FINE, ""},
        {"{\"reply\":\"failed\",\"reason\":\"no luck\"}", ASKED_FAILED, "no luck"},
        {"{\"reply\":\"failed\"}", ASKED_FAILED, "the trial's reply is 'failed', for no reason that it gives"},
        {"{\"reply\":\"failed\",\"reason\":7}", ASKED_FAILED, "for no reason"},
        {"{\"reply\":\"ready\"}", ASKED_FAILED, "the trial's reply is 'ready'"},
        {"{\"reply\":\"n/a\",\"reason\":\"too late\"}", ASKED_FAILED, "too late"},
        {"{\"reply\":1}", ASKED_FAILED, "the trial's reply is not one of muster.trial/1"},
        {"[]", ASKED_FAILED, "the trial's reply is not one of muster.trial/1"},
        {"{\"reply\":\"failed\",\"reason\":\"a\\u001b[2Jb\\nc\"}", ASKED_FAILED, "a?[2Jb?c"},
    };
    char why[DRIVER_WHY];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum asked got = replied(cases[i].reply, protocol_measure(1, NS_PER_S), why);
        CU_ASSERT_EQUAL(got, cases[i].got);
        CU_ASSERT_PTR_NOT_NULL(strstr(why, cases[i].why));
        if (got != cases[i].got || !strstr(why, cases[i].why))
            fprintf(stderr, "%s: %d, %s\n", cases[i].reply, (int)got, why);
    }
}

static void lacking_is_for_the_first(void)
{
    char why[DRIVER_WHY];
    json_t *prepare = json_pack("{s:s}", "do", "prepare");
    CU_ASSERT_EQUAL(replied("{\"reply\":\"n/a\",\"reason\":\"not here\"}", prepare, why), ASKED_NA);
    CU_ASSERT_STRING_EQUAL(why, "not here");
}

static void no_end(void)
{
    char why[DRIVER_WHY];
    CU_ASSERT_EQUAL(asked("#!/bin/sh\nexec cat /dev/zero\n", protocol_finish(), why), ASKED_FAILED);
    CU_ASSERT_PTR_NOT_NULL(strstr(why, "the trial's reply has no end"));
}

/* Only what a kernel can run is a program; and a name alone is looked for in the path. */
static void started_without_a_shell(void)
{
    struct driver driver;
    struct problem problem;
    char *command[] = {script("echo '{\"reply\":\"finished\"}'\n"), NULL}, name[] = "side", path[5000];
    char *by_name[] = {name, NULL}, why[DRIVER_WHY], *before = strdup(getenv("PATH"));
    json_t *reply;
    CU_ASSERT_EQUAL(driver_start(&driver, command, &problem), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(problem.text, "Exec format error"));
    snprintf(path, sizeof path, "%s/no-such-folder:%s:%s", frame_folder(), frame_folder(), before);
    script("#!/bin/sh\necho '{\"reply\":\"finished\"}'\nread line\n");
    setenv("PATH", path, 1);
    CU_ASSERT_EQUAL_FATAL(driver_start(&driver, by_name, &problem), 0);
    setenv("PATH", before, 1);
    CU_ASSERT_EQUAL(driver_ask(&driver, protocol_finish(), clock_now() + SOON, &reply, why), ASKED_FINE);
    json_decref(reply);
    driver_end(&driver, 0);
    CU_ASSERT_EQUAL(driver_start(&driver, by_name, &problem), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(problem.text, "cannot start side: No such file"));
    free(before);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"driver: only the reply that was asked for will do", only_what_was_asked_for, 0},
        {"driver: a cell is lacking before it began, or not", lacking_is_for_the_first, 0},
        {"driver: a reply without an end", no_end, 0},
        {"driver: a side is started without a shell", started_without_a_shell, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
