/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_download.c - the exercise from outside: a list of addresses, a pool of workers, a line for each page.
 *
 * The pages are those of a server that the test starts. Whatever carries a map fetches them, in the list's order; one
 * bad address harms its own line only; no more ask at once than there are workers; and however it ends, no curl is left
 * behind. */
#include "bench/ipc/program.h"
#include "bench/registry.h"
#include "harness/problem.h"
#include "reports/results.h"
#include "tests/cli.h"
#include "tests/frame.h"
#include "tests/pages.h"
#include "tests/processes.h"

#include <CUnit/CUnit.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DELAY_MS    150
#define PATIENCE_NS INT64_C(20000000000)
#define SOON_S      10.0
#define THREE       "-n", "3", "--oversubscribe"

static bool no_curl(void)
{
    bool none = system("command -v curl >/dev/null 2>&1") != 0;
    if (none)
        frame_skip("curl is not there");
    return none;
}

/* A list of addresses in the test's folder; `format` has the port wherever it has a number. */
static const char *list_of(const struct pages *pages, const char *format)
{
    char text[4096];
    unsigned p = pages->port;
    int length = snprintf(text, sizeof text, format, p, p, p, p, p, p, p, p, p, p);
    CU_ASSERT_FATAL(length > 0 && (size_t)length < sizeof text);
    return cli_file("list", text, (size_t)length);
}

static void check_said(struct said said, int code, const char *out)
{
    CU_ASSERT_EQUAL(said.code, code);
    CU_ASSERT_STRING_EQUAL(said.out, out);
    if (said.code != code || strcmp(said.out, out) != 0)
        fprintf(stderr, "ended with %d and said '%s', not '%s':\n%s", said.code, said.out, out, said.err);
}

/* --- a program --------------------------------------------------------------------------------------------------- */

static void programs_run(void)
{
    static const char *const says[] = {"sh", "-c", "echo out; echo err >&2; exit 3", NULL},
                             *const much[] = {"sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo line; i=$((i+1)); done",
                                              NULL},
                             *const sleeps[] = {"sleep", "60", NULL}, *const reads[] = {"cat", NULL},
                             *const none[] = {"no-such-program", NULL};
    struct error error = {.code = ERROR_NONE};
    char text[32];
    int status = 0;
    CU_ASSERT_EQUAL(program_run(says, PATIENCE_NS, text, sizeof text, &status, &error), 0);
    CU_ASSERT_STRING_EQUAL(text, "out\nerr\n");
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    CU_ASSERT_EQUAL(program_run(much, PATIENCE_NS, text, sizeof text, &status, &error), 0);
    CU_ASSERT_EQUAL(strlen(text), sizeof text - 1);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_EQUAL(program_run(reads, PATIENCE_NS, text, sizeof text, &status, &error), 0);
    CU_ASSERT_STRING_EQUAL(text, "");
    CU_ASSERT_EQUAL(program_run(sleeps, 50000000, text, sizeof text, &status, &error), 0);
    CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CU_ASSERT_EQUAL(program_run(none, PATIENCE_NS, text, sizeof text, &status, &error), -1);
    CU_ASSERT(error.code == ERROR_SYSTEM && strstr(error.text, "no-such-program cannot be started"));
}

/* --- what it does ------------------------------------------------------------------------------------------------ */

#define MIXED_LIST                                                                                                     \
    "\xef\xbb\xbf# addresses\n\nhttp://127.0.0.1:%u/bytes/1000\r\n  http://127.0.0.1:%u/missing\t\n"                   \
    "http://127.0.0.1:1/refused\n#http://127.0.0.1:%u/bytes/1\n-o/dev/full\nhttp://127.0.0.1:%u/moved\n"               \
    "file:///etc/hostname\nhttp://a b\nhttp://127.0.0.1:%u/bytes/[1-3]\nhttp://127.0.0.1:%u/bytes/300000"
#define MIXED_LINES                                                                                                    \
    "200 1000 http://127.0.0.1:%1$u/bytes/1000\n404 9 http://127.0.0.1:%1$u/missing\n"                                 \
    "000 0 http://127.0.0.1:1/refused\n000 0 -o/dev/full\n200 10 http://127.0.0.1:%1$u/moved\n"                        \
    "000 0 file:///etc/hostname\n000 0 http://a b\n200 0 http://127.0.0.1:%1$u/bytes/[1-3]\n"                          \
    "200 300000 http://127.0.0.1:%1$u/bytes/300000\n"

static void lines_in_order(void)
{
    if (no_curl())
        return;
    struct pages pages = pages_open(1);
    char expected[2048];
    const char *list = list_of(&pages, MIXED_LIST);
    snprintf(expected, sizeof expected, MIXED_LINES, pages.port);
    for (const struct strategy *const *s = strategies; *s; s++) {
        if (variant_lacks(*s, 0, NEED_MAP))
            continue;
        struct said said = cli_run("run", "-w", "download", "--input", list, "-s", (*s)->name, THREE, NULL);
        check_said(said, EXIT_FINE, expected);
        CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "http://127.0.0.1:1/refused: curl: (7)"));
        CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "pages/s"));
    }
    pages_close(&pages);
}

static void three_at_once(void)
{
    if (no_curl())
        return;
    struct pages pages = pages_open(DELAY_MS);
    const char *list = list_of(&pages, "http://127.0.0.1:%u/bytes/1\nhttp://127.0.0.1:%u/bytes/2\n"
                                       "http://127.0.0.1:%u/bytes/3\nhttp://127.0.0.1:%u/bytes/4\n"
                                       "http://127.0.0.1:%u/bytes/5\nhttp://127.0.0.1:%u/bytes/6\n"
                                       "http://127.0.0.1:%u/bytes/7\nhttp://127.0.0.1:%u/bytes/8\n"
                                       "http://127.0.0.1:%u/bytes/9\n");
    struct said said = cli_run("run", "-w", "download", "--input", list, THREE, "-o", cli_path("o"), NULL);
    struct results r;
    struct report_error error;
    CU_ASSERT_EQUAL(said.code, EXIT_FINE);
    CU_ASSERT_EQUAL(cli_count(said.out, "200 "), 9);
    CU_ASSERT_EQUAL(pages_at_once(&pages), 3);
    CU_ASSERT_EQUAL(pages_asked(&pages), 9);
    CU_ASSERT_EQUAL_FATAL(results_read(&r, cli_path("o"), &error), 0);
    CU_ASSERT_EQUAL(r.cell_count, 1);
    CU_ASSERT(r.cells[0].status == CELL_OK && r.cells[0].verified && r.cells[0].value > 0);
    CU_ASSERT_STRING_EQUAL(r.cells[0].unit, "pages/s");
    CU_ASSERT_EQUAL(r.cells[0].trials[0].worker_count, 3);
    results_free(&r);
    pages_close(&pages);
}

static void formats(void)
{
    if (no_curl())
        return;
    struct pages pages = pages_open(1);
    const char *list = list_of(&pages, "http://127.0.0.1:%u/bytes/7");
    struct said said = cli_run("run", "-w", "download", "--input", list, THREE, "--format", "csv", NULL);
    CU_ASSERT_EQUAL(said.code, EXIT_FINE);
    CU_ASSERT_EQUAL(strncmp(said.out, "created,", 8), 0);
    CU_ASSERT_PTR_NULL(strstr(said.out, "200 7"));
    said = cli_run("run", "-w", "download", "--input", list, THREE, "--format", "none", NULL);
    CU_ASSERT_EQUAL(strncmp(said.out, "200 7 http://", 13), 0);
    CU_ASSERT_PTR_NULL(strstr(said.err, "pages/s"));
    CU_ASSERT_EQUAL(pages_asked(&pages), 2);
    said = cli_run("run", "-w", "download", "--input", list, "-n", "1", "--blocks", "2", "--windows", "3", NULL);
    CU_ASSERT_EQUAL(said.code, EXIT_FINE);
    CU_ASSERT_EQUAL(cli_count(said.out, "200 7"), 1);
    CU_ASSERT_EQUAL(pages_asked(&pages), 8);
    pages_close(&pages);
}

/* --- what cannot be ---------------------------------------------------------------------------------------------- */

static void refusals(void)
{
    const char *list = cli_file("list", "http://127.0.0.1:1/\n", 20), *empty = cli_file("empty", "# none\n\n", 8),
               *bytes = cli_file("bytes", "http://\0\n", 9), *latin = cli_file("latin", "http://\xe4\n", 9);
    cli_refused(cli_run("run", "-w", "download", NULL), EXIT_USAGE, "--input FILE");
    cli_refused(cli_run("run", "-w", "map", "--input", list, NULL), EXIT_USAGE, "download");
    cli_refused(cli_run("run", "-w", "map,download", "--input", list, NULL), EXIT_USAGE, "alone");
    cli_refused(cli_run("run", "-w", "download", "--input", cli_path("nowhere"), NULL), EXIT_NO_INPUT, "nowhere");
    cli_refused(cli_run("run", "-w", "download", "--input", "/tmp", NULL), EXIT_NO_INPUT, "/tmp");
    cli_refused(cli_run("run", "-w", "download", "--input", empty, NULL), EXIT_BAD_FILE, "no address");
    /* standard input, which is empty here */
    cli_refused(cli_run("run", "-w", "download", "--input", "-", NULL), EXIT_BAD_FILE, "no address");
    cli_refused(cli_run("run", "-w", "download", "--input", bytes, NULL), EXIT_BAD_FILE, "UTF-8");
    cli_refused(cli_run("run", "-w", "download", "--input", latin, NULL), EXIT_BAD_FILE, "UTF-8");
    setenv("PATH", "/nowhere", 1);
    struct said said = cli_run("run", "-w", "download", "--input", list, "-n", "1", NULL);
    CU_ASSERT_EQUAL(said.code, EXIT_UNPROVED);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.err, "curl is needed"));
    CU_ASSERT_PTR_NULL(strstr(said.out, "000"));
}

/* It is done only where it is named. */
static void not_in_all(void)
{
    struct said said = cli_run("run", "-s", "serial", "-w", "all", "-c", "1", "--blocks", "1", "--windows", "1",
                               "--window", "1ms", "--format", "csv", NULL);
    CU_ASSERT_EQUAL(said.code, EXIT_FINE);
    CU_ASSERT_PTR_NULL(strstr(said.out, "download"));
}

/* --- its end ----------------------------------------------------------------------------------------------------- */

static pid_t start(const char *list, const char *strategy)
{
    const char *muster = frame_built("muster");
    pid_t pid = fork();
    if (pid == 0) {
        execl(muster, "muster", "run", "-w", "download", "--input", list, "-s", strategy, THREE, "--format", "none",
              (char *)NULL);
        _exit(99);
    }
    return pid;
}

/* While three pages hang: whoever is told to end, or is killed, takes its curls with it. */
static void ends_with(int signal, const char *strategy)
{
    struct pages pages = pages_open(1);
    const char *list = list_of(&pages, "http://127.0.0.1:%u/hang\nhttp://127.0.0.1:%u/hang\n"
                                       "http://127.0.0.1:%u/hang\nhttp://127.0.0.1:%u/hang\n");
    processes_mark();
    pid_t pid = start(list, strategy);
    CU_ASSERT_FATAL(pid > 0);
    for (double end = processes_now_s() + SOON_S; pages_asked(&pages) < 3 && processes_now_s() < end;)
        processes_pause(0.01);
    CU_ASSERT_EQUAL(pages_asked(&pages), 3);
    CU_ASSERT(processes_marked() >= 4);
    kill(pid, signal);
    int code = processes_wait(pid, SOON_S);
    CU_ASSERT_EQUAL(code, signal == SIGKILL ? 128 + SIGKILL : EXIT_INTERRUPTED);
    CU_ASSERT_EQUAL(processes_left(0, SOON_S), 0);
    pages_close(&pages);
}

static void no_curl_is_left(void)
{
    if (no_curl())
        return;
    for (const struct strategy *const *s = strategies; *s; s++)
        if (!variant_lacks(*s, 0, NEED_MAP) && (*s)->role == ROLE_COMPARED) {
            ends_with(SIGINT, (*s)->name);
            ends_with(SIGTERM, (*s)->name);
            ends_with(SIGKILL, (*s)->name);
        }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "download: a program is run without a shell, and ends in time", .run = programs_run},
        {.name = "download: a line for each page, in order, on every strategy", .run = lines_in_order, .limit_s = 60},
        {.name = "download: three workers, three at once, each page once", .run = three_at_once},
        {.name = "download: formats, blocks and windows", .run = formats},
        {.name = "download: what it refuses", .run = refusals},
        {.name = "download: only where it is named", .run = not_in_all},
        {.name = "download: no curl is left behind", .run = no_curl_is_left, .limit_s = 90},
        {.name = NULL},
    };
    /* The server is on this machine, whatever proxy the user has. */
    setenv("no_proxy", "127.0.0.1", 1);
    return frame_main(argc, argv, tests);
}
