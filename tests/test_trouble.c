/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_trouble.c - `muster run` when it is asked for what cannot be, when the disk is full, when it is interrupted and
 * when it is killed.
 *
 * One line says what is wrong, the exit code says of which kind it is, what was measured is kept, and no process and
 * no named object is left behind. */
#include "bench/registry.h"
#include "harness/problem.h"
#include "reports/results.h"
#include "tests/cli.h"
#include "tests/frame.h"
#include "tests/processes.h"

#include <CUnit/CUnit.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHORT "--windows", "2", "--window", "1ms", "--warmup", "0"
#define ONE   SHORT, "--blocks", "1"
#define SMALL "-s", "serial,prefork-pipe", "-w", "counter", "-c", "1", "--oversubscribe", "-n", "2"

#define AT_ONCE_S 1.0
#define SOON_S    10.0

static bool is_readable(const char *name, struct results *r)
{
    struct report_error error = {.code = 0};
    if (results_read(r, cli_path(name), &error) == 0)
        return true;
    fprintf(stderr, "%s\n", error.text);
    return false;
}

/* Names in a folder of the test. */
static unsigned entries(const char *name)
{
    DIR *folder = opendir(cli_path(name));
    unsigned found = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        found += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return found;
}

/* --- what cannot be ---------------------------------------------------------------------------------------------- */

static void names_and_numbers(void)
{
    static const struct {
        const char *option, *value, *text;
    } bad[] = {
        {"-s", "shared-memroy", "unknown strategy 'shared-memroy'; did you mean 'shared-memory'?"},
        {"-s", "shared-memory:mutx", "did you mean 'mutex'?"},
        {"-s", "qqq", "see muster list"},
        {"-s", "serial,,serial", "empty entry"},
        {"-w", "conter", "unknown workload 'conter'; did you mean 'counter'?"},
        {"-w", "", "empty"},
        {"-n", "0", "--workers: 0 is out of range: 1 to 1024"},
        {"-n", "2000", "--workers: 2000 is out of range: 1 to 1024"},
        {"-n", "two", "--workers: 'two'"},
        {"-n", "1.5", "--workers: '1.5'"},
        {"-n", "-1", "--workers: '-1' is negative"},
        {"-c", "-1", "--chunk: '-1' is negative"},
        {"-c", "0", "--chunk: 0 is out of range"},
        {"-c", "all", "--chunk: 'all'"},
        {"--payload", "0", "--payload: 0 is out of range"},
        {"--payload", "2G", "--payload: 2G is out of range"},
        {"--item-cost", "5", "--item-cost: '5'"},
        {"--item-cost", "1s", "--item-cost: 1s is out of range"},
        {"--blocks", "0", "--blocks"},
        {"--blocks", "many", "--blocks"},
        {"--windows", "0", "--windows"},
        {"--window", "10", "--window"},
        {"--window", "0ms", "--window"},
        {"--time", "never", "--time"},
        {"--seed", "-4", "--seed"},
        {"--items", "0", "--items"},
        {"--depth", "0", "--depth"},
        {"--service", "elsewhere", "--service"},
        {"--format", "jsn", "did you mean 'json'?"},
        {"--placement", "croes", "did you mean 'cores'?"},
        {"--placement", "4095", "4095"},
        {"--placement", "", "--placement"},
        {"--output", "", "--output"},
        {"--ouptut", "x", "did you mean '--output'?"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct said said = cli_run("run", bad[i].option, bad[i].value, NULL);
        cli_refused(said, EXIT_USAGE, bad[i].text);
        CU_ASSERT_STRING_EQUAL(said.out, "");
    }
    cli_refused(cli_run("run", "counter", NULL), EXIT_USAGE, "takes no argument 'counter'");
    cli_refused(cli_run("run", "--blocks", NULL), EXIT_USAGE, "--blocks needs a value");
}

static void more_workers_than_places(void)
{
    cli_refused(cli_run("run", "-n", "1024", "-p", "cores", "-s", "serial,prefork-pipe", NULL), EXIT_USAGE,
                "--oversubscribe");
    cli_refused(cli_run("run", "-n", "1024", "--service", "own", "--oversubscribe", NULL), EXIT_USAGE, "--service own");
}

static void outputs(void)
{
    const char *file = cli_file("file", "mine", 4);
    struct stat status;
    cli_refused(cli_run("run", SMALL, ONE, "-o", file, NULL), EXIT_NO_OUTPUT, "is not a folder");
    cli_refused(cli_run("run", SMALL, ONE, "-o", cli_path("file/below"), NULL), EXIT_NO_OUTPUT,
                "cannot make the folder");
    CU_ASSERT_EQUAL(stat(file, &status), 0);
    CU_ASSERT_EQUAL(status.st_size, 4);
    cli_refused(cli_run("run", SMALL, ONE, "-o", "/proc/no-such-folder", NULL), EXIT_NO_OUTPUT, "/proc/no-such-folder");
    /* a folder in which nothing can be made: found out before anything is measured */
    struct said said = cli_run("run", SMALL, ONE, "-o", "/proc/self/fdinfo", NULL);
    CU_ASSERT_EQUAL(said.code, EXIT_NO_OUTPUT);
    CU_ASSERT_STRING_EQUAL(said.out, "");
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "muster: cannot write /proc/self/fdinfo/results.json"));
}

/* --- nowhere to write -------------------------------------------------------------------------------------------- */

/* As on a full disk, from `bytes` on, for what this test starts; 0: no more. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes ? bytes : limit.rlim_max;
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The disk becomes full while it measures: the table still comes, and the file is the last one that had room. */
static void disk_fills(void)
{
    struct stat status;
    struct results r;
    struct said said = cli_run("run", SMALL, ONE, "-o", cli_path("o"), NULL);
    CU_ASSERT_EQUAL(said.code, EXIT_FINE);
    CU_ASSERT_EQUAL(stat(cli_path("o/results.json"), &status), 0);
    limit_files((rlim_t)status.st_size + 300);
    said = cli_run("run", SMALL, "--windows", "350", "--window", "1ms", "--warmup", "0", "--blocks", "2", "-o",
                   cli_path("o"), NULL);
    limit_files(0);
    CU_ASSERT_EQUAL(said.code, EXIT_NO_OUTPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "results.json: File too large; measuring goes on\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "results.json: File too large\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "2 cells in 2 blocks"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, "prefork-pipe"));
    CU_ASSERT_TRUE(is_readable("o", &r));
    results_free(&r);
}

static void disk_is_full(void)
{
    limit_files(1500);
    struct said said = cli_run("run", SMALL, ONE, "-o", cli_path("o"), NULL);
    limit_files(0);
    CU_ASSERT_EQUAL(said.code, EXIT_NO_OUTPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "muster: cannot write "));
    CU_ASSERT_STRING_EQUAL(said.out, "");
    CU_ASSERT_EQUAL(entries("o"), 0);
}

static void no_standard_output(void)
{
    static const char *const ways[] = {"table", "csv", "json"};
    struct results r;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct said said = cli_run_into("/dev/full", "run", "-s", "all", "-w", "counter,list", "-n", "1", ONE,
                                        "--format", ways[i], "-o", cli_path("o"), NULL);
        CU_ASSERT_EQUAL(said.code, EXIT_NO_OUTPUT);
        CU_ASSERT_EQUAL(cli_count(said.err, "standard output"), 1);
        CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "muster: cannot write to standard output: No space left on device\n"));
        CU_ASSERT_TRUE(is_readable("o", &r));
        CU_ASSERT(r.cell_count > 8);
        results_free(&r);
    }
    CU_ASSERT_EQUAL(cli_run_into("/dev/full", "run", SMALL, ONE, "--format", "none", NULL).code, EXIT_FINE);
}

/* Without gnuplot the report still comes, and says so. */
static void no_gnuplot(void)
{
    static const char *const paths[] = {"", "/nonexistent", NULL};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (paths[i])
            setenv("PATH", paths[i], 1);
        else
            setenv("PATH", frame_folder(), 1);
        struct said said = cli_run("run", SMALL, ONE, "-o", cli_path("o"), NULL);
        CU_ASSERT_EQUAL(said.code, EXIT_FINE);
        CU_ASSERT_EQUAL(cli_count(said.err, "gnuplot"), 1);
        CU_ASSERT_EQUAL(entries("o"), 2);
        CU_ASSERT_EQUAL(access(cli_path("o/report.html"), R_OK), 0);
        CU_ASSERT_EQUAL(unlink(cli_path("o/report.html")), 0);
    }
}

/* --- ended by others --------------------------------------------------------------------------------------------- */

#define ARGUMENTS 40

static void become(const char *const arguments[])
{
    static char name[] = "muster", run[] = "run", progress[] = "--progress=always", output[] = "-o";
    char *argv[ARGUMENTS] = {name, run, progress, output, (char *)cli_path("o")};
    for (size_t i = 0; arguments[i] && i + 6 < ARGUMENTS; i++)
        argv[i + 5] = (char *)arguments[i];
    int out = open(cli_path("out"), O_WRONLY | O_CREAT | O_TRUNC, 0600),
        err = open(cli_path("err"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (setpgid(0, 0) == 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0)
        execv(frame_built("muster"), argv);
    _exit(127);
}

/* What a file of the test holds so far; static storage. */
static const char *text_of(const char *name)
{
    static char text[1 << 16];
    FILE *file = fopen(cli_path(name), "r");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[length] = '\0';
    return text;
}

/* The block that the progress line speaks of last; 0 before the first. */
static unsigned block_now(void)
{
    unsigned block = 0;
    for (const char *at = text_of("err"); (at = strstr(at, "\rblock ")); at++)
        sscanf(at, "\rblock %u of", &block);
    return block;
}

/* Starts muster run in a process group of its own, as a shell would; returns once it has come to a block. */
static pid_t start(const char *const arguments[], unsigned block)
{
    processes_mark();
    unlink(cli_path("err"));
    pid_t pid = fork();
    if (pid == 0)
        become(arguments);
    CU_ASSERT_FATAL(pid > 0);
    double until_s = processes_now_s() + SOON_S;
    while (block_now() < block && processes_now_s() < until_s)
        processes_pause(0.002);
    CU_ASSERT(block_now() >= block);
    return pid;
}

/* As the terminal does: to the whole group. */
static void interrupt(pid_t pid, int signal)
{
    CU_ASSERT_EQUAL(kill(-pid, signal), 0);
    CU_ASSERT_EQUAL(processes_wait(pid, AT_ONCE_S), EXIT_INTERRUPTED);
    CU_ASSERT_EQUAL(processes_left(0, AT_ONCE_S), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text_of("err"), "muster: interrupted: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_of("out"), "interrupted: "));
    CU_ASSERT_EQUAL(access(cli_path("o/report.html"), R_OK), 0);
}

static void interrupted(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct results r;
    signal(SIGHUP, SIG_DFL);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        const char *const arguments[] = {SMALL, SHORT, "--blocks", "9000", NULL};
        interrupt(start(arguments, 4), signals[i]);
        CU_ASSERT_TRUE_FATAL(is_readable("o", &r));
        CU_ASSERT_TRUE(r.interrupted);
        CU_ASSERT_EQUAL(r.blocks_planned, 9000);
        CU_ASSERT(r.blocks_complete >= 3);
        CU_ASSERT_EQUAL_FATAL(r.cell_count, 2);
        for (size_t c = 0; c < r.cell_count; c++) {
            CU_ASSERT_EQUAL(r.cells[c].status, CELL_OK);
            CU_ASSERT(r.cells[c].trial_count >= r.blocks_complete);
            CU_ASSERT(r.cells[c].trial_count <= r.blocks_complete + 1);
        }
        results_free(&r);
    }
}

/* Under nohup the terminal may go. */
static void hangup_ignored(void)
{
    const char *const arguments[] = {SMALL, SHORT, "--blocks", "9000", NULL};
    signal(SIGHUP, SIG_IGN);
    pid_t pid = start(arguments, 2);
    signal(SIGHUP, SIG_DFL);
    unsigned block = block_now();
    CU_ASSERT_EQUAL(kill(-pid, SIGHUP), 0);
    for (double until_s = processes_now_s() + SOON_S; block_now() < block + 3 && processes_now_s() < until_s;)
        processes_pause(0.002);
    CU_ASSERT(block_now() >= block + 3);
    interrupt(pid, SIGINT);
}

/* In the midst of a window that would last an hour; what holds no trial yet is whole all the same. */
static void interrupted_at_work(void)
{
    struct results r;
    for (const struct strategy *const *each = strategies; *each; each++) {
        if ((*each)->role == ROLE_LIMITS)
            continue;
        const char *const arguments[] = {
            "-s",     (*each)->name, "-w",       "counter", "-n",       "2", "-c", "1", "--oversubscribe",
            "--idle", "spin",        "--window", "1h",      "--warmup", "0", NULL};
        pid_t pid = start(arguments, 1);
        processes_pause(0.1);
        interrupt(pid, SIGINT);
        CU_ASSERT_TRUE_FATAL(is_readable("o", &r));
        CU_ASSERT_EQUAL(r.cell_count, 0);
        CU_ASSERT_EQUAL(r.blocks_complete, 0);
        results_free(&r);
    }
}

/* Nothing can be done any more: the kernel must end all that was started, and the file is the old or the new one. */
static void killed(void)
{
    static const char *const modes[] = {"spin", "natural"};
    struct results r;
    for (unsigned i = 0; i < 8; i++) {
        const char *const arguments[] = {"-s",       "all",     "-w",     "counter,map",     "-n",
                                         "2",        "--items", "64",     "--oversubscribe", SHORT,
                                         "--blocks", "9000",    "--idle", modes[i % 2],      NULL};
        pid_t pid = start(arguments, 1);
        processes_pause(0.02 + 0.037 * i);
        CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
        CU_ASSERT_EQUAL(processes_wait(pid, AT_ONCE_S), 128 + SIGKILL);
        CU_ASSERT_EQUAL(processes_left(0, AT_ONCE_S), 0);
        CU_ASSERT_TRUE_FATAL(is_readable("o", &r));
        CU_ASSERT_EQUAL(entries("o"), 1);
        results_free(&r);
    }
}

/* Killed around the moment when the file is replaced, once a second. */
static void killed_while_storing(void)
{
    struct results r;
    const char *const arguments[] = {SMALL,      "--windows", "9",        "--window", "1ms",
                                     "--warmup", "0",         "--blocks", "9000",     NULL};
    for (unsigned i = 0; i < 3; i++) {
        pid_t pid = start(arguments, 1);
        struct stat before, now;
        CU_ASSERT_EQUAL(stat(cli_path("o/results.json"), &before), 0);
        double until_s = processes_now_s() + 3;
        while (stat(cli_path("o/results.json"), &now) == 0 && now.st_ino == before.st_ino &&
               processes_now_s() < until_s)
            ;
        CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
        CU_ASSERT_EQUAL(processes_wait(pid, AT_ONCE_S), 128 + SIGKILL);
        CU_ASSERT_EQUAL(processes_left(0, AT_ONCE_S), 0);
        CU_ASSERT_TRUE_FATAL(is_readable("o", &r));
        CU_ASSERT(r.cell_count > 0);
        CU_ASSERT_EQUAL(entries("o"), 1);
        results_free(&r);
    }
}

/* A trial's end is its cell's end: the run goes on. */
static void trial_killed(void)
{
    struct results r;
    const char *const arguments[] = {"-s",    "serial",   "-w", "counter,list", "-c", "1", "--windows", "3", "--window",
                                     "300ms", "--warmup", "0",  "--blocks",     "1",  NULL};
    pid_t pid = start(arguments, 1), trial = 0;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    processes_pause(0.2);
    FILE *children = fopen(path, "r");
    for (int child; children && fscanf(children, "%d", &child) == 1;)
        trial = child;
    if (children)
        fclose(children);
    if (!trial) {
        frame_skip("the kernel does not list children");
        kill(pid, SIGKILL);
        processes_wait(pid, SOON_S);
        return;
    }
    CU_ASSERT_EQUAL(kill(trial, SIGKILL), 0);
    CU_ASSERT_EQUAL(processes_wait(pid, SOON_S), EXIT_UNPROVED);
    CU_ASSERT_PTR_NOT_NULL(strstr(text_of("err"), "was killed by signal 9"));
    CU_ASSERT_TRUE_FATAL(is_readable("o", &r));
    CU_ASSERT_EQUAL_FATAL(r.cell_count, 2);
    CU_ASSERT_EQUAL((r.cells[0].status == CELL_FAILED) + (r.cells[1].status == CELL_FAILED), 1);
    CU_ASSERT_EQUAL((r.cells[0].status == CELL_OK) + (r.cells[1].status == CELL_OK), 1);
    results_free(&r);
}

int main(int argc, char **argv)
{
    const struct test tests[] = {
        {.name = "trouble: names and numbers", .run = names_and_numbers},
        {.name = "trouble: more workers than places", .run = more_workers_than_places},
        {.name = "trouble: an output that is no folder", .run = outputs},
        {.name = "trouble: the disk fills", .run = disk_fills},
        {.name = "trouble: the disk is full", .run = disk_is_full},
        {.name = "trouble: standard output is full", .run = no_standard_output},
        {.name = "trouble: no gnuplot", .run = no_gnuplot},
        {.name = "trouble: interrupted between windows", .run = interrupted},
        {.name = "trouble: the terminal goes, under nohup", .run = hangup_ignored},
        {.name = "trouble: interrupted in the midst of a window", .run = interrupted_at_work},
        {.name = "trouble: killed", .run = killed},
        {.name = "trouble: killed while storing", .run = killed_while_storing},
        {.name = "trouble: a trial is killed", .run = trial_killed},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
