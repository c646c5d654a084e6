/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_manager_command.c - `muster manager` and `muster run --manager` as a user types them. */
#include "bench/ipc/handshake.h"
#include "reports/results.h"
#include "tests/cli.h"
#include "tests/frame.h"
#include "tests/processes.h"
#include "tests/served.h"

#include <CUnit/CUnit.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KEY       "a key of thirty-two bytes or so."
#define OTHER_KEY "another key of thirty-two bytes."

static const char *key_file(const char *name, const char *text, size_t length, mode_t mode)
{
    const char *path = cli_file(name, text, length);
    CU_ASSERT_EQUAL(chmod(path, mode), 0);
    return path;
}

static bool no_proofs(void)
{
    if (!handshake_can_prove())
        frame_skip("without libsodium there are no keys");
    return !handshake_can_prove();
}

/* --- the manager ------------------------------------------------------------------------------------------------- */

static void signals_end_it(void)
{
    struct served s;
    served_start(&s, "unix", NULL);
    CU_ASSERT_EQUAL(access(s.address + 5, F_OK), 0);
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
    CU_ASSERT_EQUAL(access(s.address + 5, F_OK), -1);
    served_start(&s, "unix", NULL);
    CU_ASSERT_EQUAL(served_end(&s, SIGINT), 130);
    CU_ASSERT_EQUAL(access(s.address + 5, F_OK), -1);
}

static void a_path_that_is_served_is_refused(void)
{
    struct served s;
    served_start(&s, "unix", NULL);
    cli_refused(cli_run("manager", "--listen", s.address, NULL), 5, "another manager serves at");
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
}

static void a_path_of_a_dead_one_is_taken(void)
{
    struct served s, next;
    served_start(&s, "unix", NULL);
    CU_ASSERT_EQUAL(served_end(&s, SIGKILL), 128 + SIGKILL);
    CU_ASSERT_EQUAL(access(s.address + 5, F_OK), 0);
    cli_refused(cli_run("run", "-s", served_strategy()->name, "--manager", s.address, NULL), 5, "Connection refused");
    served_start(&next, s.address, NULL);
    CU_ASSERT_STRING_EQUAL(next.address, s.address);
    CU_ASSERT_EQUAL(cli_run("manager", "--listen", s.address, NULL).code, 5);
    CU_ASSERT_EQUAL(served_end(&next, SIGTERM), 0);
    CU_ASSERT_EQUAL(access(s.address + 5, F_OK), -1);
}

static void what_is_typed_wrong_is_told(void)
{
    cli_refused(cli_run("manager", NULL), 64, "--listen");
    cli_refused(cli_run("manager", "--listen", "unix:x", "--listen", "unix:y", NULL), 64, "--listen is given twice");
    cli_refused(cli_run("manager", "--listen", "here", NULL), 64, "unix:PATH or tcp:HOST:PORT");
    cli_refused(cli_run("manager", "--listen", "unix:/no/such/folder/x", NULL), 5, "folder does not exist");
    cli_refused(cli_run("manager", "--listen", "unix:x", "and", NULL), 64, "takes no argument");
    cli_refused(cli_run("run", "--key-file", "x", NULL), 64, "--manager");
    if (handshake_can_prove())
        cli_refused(cli_run("manager", "--listen", "tcp:127.0.0.1:0", NULL), 64, "needs a key");
    else
        cli_refused(cli_run("manager", "--listen", "tcp:127.0.0.1:0", NULL), 5, "libsodium");
}

static void help_is_there(void)
{
    struct said said = cli_run("manager", "--help", NULL);
    cli_fine(said);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "--listen"));
    CU_ASSERT(cli_width(said.out) <= 80);
    said = cli_run("--help", NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "  manager "));
}

/* --- key files --------------------------------------------------------------------------------------------------- */

static void refused_key(const char *path, int code, const char *text)
{
    cli_refused(cli_run("manager", "--listen", "tcp:127.0.0.1:0", "--key-file", path, NULL), code, text);
    cli_refused(cli_run("run", "-s", served_strategy()->name, "--manager", "tcp:1", "--key-file", path, NULL), code,
                text);
}

static void a_key_file_that_will_not_do_is_told(void)
{
    static const char zeros[KEY_MOST + 1];
    refused_key(cli_path("missing"), 66, "cannot open the key file");
    refused_key(key_file("short", KEY, KEY_LEAST - 1, 0600), 65, "fewer than 16 bytes");
    refused_key(key_file("long", zeros, sizeof zeros, 0600), 65, "more than 4096 bytes");
    refused_key(key_file("open", KEY, strlen(KEY), 0640), 65, "chmod 600");
    refused_key(key_file("shown", KEY, strlen(KEY), 0604), 65, "chmod 600");
    refused_key(frame_folder(), 65, "not a plain file");
    if (geteuid() != 0)
        return;
    const char *path = key_file("foreign", KEY, strlen(KEY), 0600);
    CU_ASSERT_EQUAL(chown(path, 65534, (gid_t)-1), 0);
    refused_key(path, 65, "belongs to another user");
}

/* --- runs by address --------------------------------------------------------------------------------------------- */

static struct said run_at(const char *address, const char *key)
{
    return cli_run("run", "-s", served_strategy()->name, "-w", "map,counter", "-n", "1", "-c", "16", "--items", "256",
                   "--blocks", "1", "--windows", "1", "--idle", "natural", "--format", "json", "--manager", address,
                   key ? "--key-file" : NULL, key, NULL);
}

static void a_run_is_served(void)
{
    struct served s;
    served_start(&s, "unix", NULL);
    struct said said = run_at(s.address, NULL);
    CU_ASSERT_EQUAL(said.code, 0);
    CU_ASSERT_EQUAL(cli_count(said.out, "\"status\": \"ok\""), 2);
    CU_ASSERT_EQUAL(cli_count(said.out, "\"manager\": \"unix:"), 2);
    CU_ASSERT_EQUAL(cli_count(said.out, " m=unix:"), 2);
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
    if (!handshake_can_prove())
        return;
    served_start(&s, "tcp", KEY);
    said = run_at(s.address, key_file("key", KEY, strlen(KEY), 0600));
    CU_ASSERT_EQUAL(said.code, 0);
    CU_ASSERT_EQUAL(cli_count(said.out, "\"variant\": \"tcp\""), 2);
    CU_ASSERT_EQUAL(cli_count(said.out, "\"manager\": \"tcp:127.0.0.1:"), 2);
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
}

/* The client knows before the manager has said so here. */
static void check_told(const struct served *s, const char *text)
{
    unsigned times = 0;
    for (int looks = 0; looks < 500 && times == 0; looks++) {
        char told[4096];
        FILE *file = fopen(s->told, "r");
        CU_ASSERT_PTR_NOT_NULL_FATAL(file);
        told[fread(told, 1, sizeof told - 1, file)] = '\0';
        fclose(file);
        times = cli_count(told, text);
        if (times == 0)
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    CU_ASSERT_EQUAL(times, 1);
}

static void a_run_is_refused_once(void)
{
    struct served s;
    if (no_proofs())
        return;
    served_start(&s, "unix", KEY);
    cli_refused(run_at(s.address, key_file("other", OTHER_KEY, strlen(OTHER_KEY), 0600)), 5, "refused: wrong key");
    check_told(&s, "muster: turned away a client: wrong key\n");
    cli_refused(run_at(s.address, NULL), 5, "the client has none");
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
    check_told(&s, "the manager wants a key, and the client has none");
    served_start(&s, "unix", NULL);
    cli_refused(run_at(s.address, key_file("key", KEY, strlen(KEY), 0600)), 5, "the manager has none");
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
    cli_refused(run_at(s.address, NULL), 5, "cannot reach a manager");
    cli_refused(run_at("tcp:127.0.0.1:1", NULL), 64, "wants a key");
    cli_refused(cli_run("run", "-s", "serial", "--manager", "unix:x", NULL), 64, "none of the selected");
}

static unsigned blocks_complete(void)
{
    struct results r;
    struct report_error error;
    if (results_read(&r, cli_path("o"), &error))
        return 0;
    unsigned complete = r.blocks_complete;
    results_free(&r);
    return complete;
}

static pid_t kill_after_a_block(pid_t manager)
{
    pid_t pid = fork();
    if (pid == 0) {
        while (blocks_complete() < 1)
            processes_pause(0.02);
        kill(manager, SIGKILL);
        _exit(0);
    }
    return pid;
}

/* With the last cell the run is over, and what was good before is told. */
static void a_run_whose_manager_is_killed(void)
{
    struct served s;
    struct results r;
    struct report_error error;
    char failed[60];
    served_start(&s, "unix", NULL);
    pid_t killer = kill_after_a_block(s.pid);
    struct said said = cli_run("run", "-s", served_strategy()->name, "-w", "counter", "-n", "1", "-c", "16", "--blocks",
                               "9000", "--windows", "1", "--warmup", "0", "--idle", "natural", "--manager", s.address,
                               "-o", cli_path("o"), NULL);
    CU_ASSERT_EQUAL(processes_wait(killer, 10), 0);
    CU_ASSERT_EQUAL(served_end(&s, SIGKILL), 128 + SIGKILL);
    CU_ASSERT_EQUAL(said.code, 5);
    CU_ASSERT_EQUAL_FATAL(results_read(&r, cli_path("o"), &error), 0);
    CU_ASSERT(r.blocks_complete >= 1);
    CU_ASSERT_EQUAL(r.blocks_complete, r.cells[0].trial_count);
    CU_ASSERT_FALSE(r.interrupted);
    snprintf(failed, sizeof failed, ": after %u of 9000 trials: ", r.blocks_complete);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, failed));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, s.address));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "then no cell was left that had not failed"));
    results_free(&r);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"manager: signals end it, and its path is gone", signals_end_it, 0},
        {"manager: a path that is served is refused", a_path_that_is_served_is_refused, 0},
        {"manager: a path of a dead one is taken over", a_path_of_a_dead_one_is_taken, 0},
        {"manager: what is typed wrong is told", what_is_typed_wrong_is_told, 0},
        {"manager: help is there", help_is_there, 0},
        {"manager: a key file that will not do is told", a_key_file_that_will_not_do_is_told, 0},
        {"manager: a run is served by address", a_run_is_served, 60},
        {"manager: a run is refused once and clearly", a_run_is_refused_once, 60},
        {"manager: a run whose manager is killed", a_run_whose_manager_is_killed, 60},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
