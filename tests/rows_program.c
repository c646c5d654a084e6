/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rows_program.c - the program at work with a strategy: killed, interrupted, and where it puts its processes. */
#include "harness/problem.h"
#include "tests/cli.h"
#include "tests/frame.h"
#include "tests/processes.h"
#include "tests/rows.h"

#include <CUnit/CUnit.h>

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT_ONCE_NS (1000 * MS)
#define SOON_S     10.0
#define ARGUMENTS  40

/* One call of a map lasts for minutes. */
#define LONG_MAP                                                                                                       \
    "-w", "map", "-c", "1", "--items", "2000", "--item-cost", "100ms", "--oversubscribe", "--window", "1h",            \
        "--warmup", "0", "--blocks", "9000"
#define SHORT_MAP                                                                                                      \
    "-w", "map", "-c", "1", "--items", "64", "--oversubscribe", "--windows", "2", "--window", "1ms", "--warmup", "0",  \
        "--blocks", "1"

static void become(const char *const arguments[])
{
    static char name[] = "muster", run[] = "run", progress[] = "--progress=always";
    char *argv[ARGUMENTS] = {name, run, progress};
    for (size_t i = 0; arguments[i] && i + 4 < ARGUMENTS; i++)
        argv[i + 3] = (char *)arguments[i];
    int out = open(cli_path("out"), O_WRONLY | O_CREAT | O_TRUNC, 0600),
        err = open(cli_path("err"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (setpgid(0, 0) == 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0)
        execv(frame_built("muster"), argv);
    _exit(127);
}

static bool has_come_to_a_block(void)
{
    char text[4096];
    FILE *file = fopen(cli_path("err"), "re");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[length] = '\0';
    return strstr(text, "\rblock ") != NULL;
}

/* Whether it is a trial, or a process that one forked. */
static bool is_of_a_trial(const char *pid)
{
    char path[300], line[512] = "";
    snprintf(path, sizeof path, "/proc/%s/cmdline", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, line, sizeof line - 1) : 0;
    if (fd >= 0)
        close(fd);
    size_t first = strlen(line);
    return length > 0 && first >= 6 && strcmp(line + first - 6, "muster") == 0 &&
           strcmp(line + first + 1, "trial") == 0;
}

/* The parent of a process, 0 when it is gone. */
static pid_t parent_of(const char *pid)
{
    char path[300];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%*d %*s %*c %d", &parent) != 1)
        parent = 0;
    if (file)
        fclose(file);
    return parent;
}

/* Calls `see` for each process that is at work for `main_pid` in a trial: its trial, and what that forked. */
static void for_each_at_work(pid_t main_pid, void (*see)(pid_t pid, bool is_trial, void *arg), void *arg)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    while (proc && (entry = readdir(proc))) {
        char name[16];
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)atoi(entry->d_name) : 0, at = pid;
        if (pid == 0 || !is_of_a_trial(entry->d_name))
            continue;
        bool is_trial = parent_of(entry->d_name) == main_pid;
        for (unsigned up = 0; at > 1 && at != main_pid && up < 6; up++) {
            snprintf(name, sizeof name, "%d", (int)at);
            at = parent_of(name);
        }
        if (at == main_pid)
            see(pid, is_trial, arg);
    }
    if (proc)
        closedir(proc);
}

static void count_it(pid_t pid, bool is_trial, void *arg)
{
    (void)pid, (void)is_trial;
    ++*(unsigned *)arg;
}

/* Whether it measures, and a trial and what that forked are `processes` or more: each has become the trial's program
 * by then. */
static bool is_at_work(pid_t main_pid, unsigned processes)
{
    unsigned found = 0;
    for_each_at_work(main_pid, count_it, &found);
    return found >= processes && has_come_to_a_block();
}

/* In a process group of its own, as a shell has it; returns when it is at work, with `processes` or more for it. */
static pid_t start(const struct situation *c, const char *const arguments[], unsigned processes)
{
    processes_mark();
    unlink(cli_path("err"));
    pid_t pid = fork();
    if (pid == 0)
        become(arguments);
    CU_ASSERT_FATAL(pid > 0);
    double until_s = processes_now_s() + SOON_S;
    bool at_work;
    while (!(at_work = is_at_work(pid, processes)) && processes_now_s() < until_s)
        processes_pause(0.005);
    EXPECT(c, at_work);
    /* into the map's items */
    processes_pause(0.05);
    return pid;
}

/* "name:variant", "2": as options take them. */
static pid_t start_long_map(const struct situation *c)
{
    char strategy[64], workers[8];
    const bool control = c->strategy->role == ROLE_CONTROL_ONLY;
    snprintf(strategy, sizeof strategy, "%s:%s", c->strategy->name, situation_variant(c)->name);
    snprintf(workers, sizeof workers, "%u", c->workers);
    return start(c, (const char *const[]){"-s", strategy, "-n", workers, LONG_MAP, NULL}, control ? 1 : 1 + c->workers);
}

static void ends_well(const struct situation *c)
{
    char workers[8];
    snprintf(workers, sizeof workers, "%u", c->workers);
    struct said said = cli_run("run", "-s", c->strategy->name, "-n", workers, SHORT_MAP, "--format", "csv", NULL);
    EXPECT(c, said.code == EXIT_FINE && strstr(said.out, c->strategy->name));
}

/* Its end and that of all that it started, at once; how it ended. */
static int ends_at_once(const struct situation *c, pid_t pid)
{
    int64_t started = row_now();
    int code = processes_wait(pid, SOON_S);
    EXPECT(c, processes_left(0, SOON_S) == 0);
    EXPECT_WITHIN(c, row_now() - started, AT_ONCE_NS);
    return code;
}

/* --- CX10, CX11, CX29 -------------------------------------------------------------------------------------------- */

static void main_killed(const struct situation *c)
{
    unsigned shared = row_entries("/dev/shm"), temporary = row_entries(getenv("TMPDIR"));
    for (unsigned i = 0; i < 3; i++) {
        pid_t pid = start_long_map(c);
        EXPECT(c, kill(pid, SIGKILL) == 0);
        EXPECT(c, ends_at_once(c, pid) == 128 + SIGKILL);
    }
    EXPECT(c, row_entries("/dev/shm") <= shared && row_entries(getenv("TMPDIR")) == temporary);
    ends_well(c);
}

static void kill_it(pid_t pid, bool is_trial, void *arg)
{
    (void)is_trial;
    if (kill(pid, SIGKILL) == 0)
        ++*(unsigned *)arg;
}

/* Workers, the process that serves them, their parent and the program, one right after the other. */
static void session_killed(const struct situation *c)
{
    unsigned shared = row_entries("/dev/shm"), temporary = row_entries(getenv("TMPDIR"));
    for (unsigned i = 0; i < 3; i++) {
        pid_t pid = start_long_map(c);
        unsigned killed = 0;
        for_each_at_work(pid, kill_it, &killed);
        EXPECT(c, killed >= 1 && kill(-pid, SIGKILL) == 0);
        ends_at_once(c, pid);
    }
    EXPECT(c, row_entries("/dev/shm") <= shared && row_entries(getenv("TMPDIR")) == temporary);
    ends_well(c);
}

static void interrupted(const struct situation *c)
{
    pid_t pid = start_long_map(c);
    EXPECT(c, kill(-pid, SIGINT) == 0);
    EXPECT(c, ends_at_once(c, pid) == EXIT_INTERRUPTED);
    ends_well(c);
}

/* --- CX30 -------------------------------------------------------------------------------------------------------- */

struct seen {
    cpu_set_t planned, found;
    unsigned processes, wrong;
};

/* A process takes its place right after its birth, so one that has not is looked at until it has, or is gone. */
static void look_at_place(pid_t pid, bool is_trial, void *arg)
{
    struct seen *seen = arg;
    const double until_s = processes_now_s() + SOON_S;
    cpu_set_t mask, both;
    bool is_right = false;
    while (!is_trial && !is_right && processes_now_s() < until_s) {
        if (sched_getaffinity(pid, sizeof mask, &mask))
            return;
        CPU_AND(&both, &mask, &seen->planned);
        is_right = CPU_COUNT(&mask) == 1 && CPU_EQUAL(&both, &mask);
        if (!is_right)
            processes_pause(0.001);
    }
    if (is_trial)
        return;
    seen->processes++;
    seen->wrong += !is_right;
    CPU_OR(&seen->found, &seen->found, &mask);
}

/* The first `count` that this process may use, as a list of numbers; less where there are less. */
static unsigned plan_places(unsigned count, cpu_set_t *planned, char *text, size_t size)
{
    cpu_set_t allowed;
    unsigned taken = 0;
    CPU_ZERO(planned);
    CU_ASSERT_EQUAL_FATAL(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE && taken < count; cpu++)
        if (CPU_ISSET(cpu, &allowed)) {
            size_t at = strlen(text);
            snprintf(text + at, size - at, "%s%u", taken++ ? "," : "", cpu);
            CPU_SET(cpu, planned);
        }
    return taken;
}

static void oversubscription_told(const struct situation *c)
{
    char workers[24];
    snprintf(workers, sizeof workers, "%d", CPU_SETSIZE);
    cli_refused(cli_run("run", "-s", c->strategy->name, "-w", "map", "-n", workers, "-p", "cores", NULL), EXIT_USAGE,
                "--oversubscribe");
    snprintf(workers, sizeof workers, "%ld", sysconf(_SC_NPROCESSORS_CONF) + 1);
    struct said said =
        cli_run("run", "-s", c->strategy->name, "-n", workers, "-p", "pus", SHORT_MAP, "--format", "json", NULL);
    if (said.code == EXIT_USAGE)
        said = cli_run("run", "-s", c->strategy->name, "-n", workers, SHORT_MAP, "--format", "json", NULL);
    EXPECT(c, said.code == EXIT_FINE && strstr(said.out, "\"oversubscribed\": true"));
}

static void places(const struct situation *c)
{
    char strategy[64], text[64] = "", workers[8];
    struct seen seen = {.processes = 0};
    unsigned taken = plan_places(2, &seen.planned, text, sizeof text);
    snprintf(strategy, sizeof strategy, "%s:%s", c->strategy->name, situation_variant(c)->name);
    snprintf(workers, sizeof workers, "%u", taken);
    CPU_ZERO(&seen.found);
    pid_t pid = start(c, (const char *const[]){"-s", strategy, "-n", workers, "-p", text, LONG_MAP, NULL}, 1 + taken);
    for (unsigned i = 0; i < 20; i++) {
        for_each_at_work(pid, look_at_place, &seen);
        processes_pause(0.005);
    }
    EXPECT(c, seen.processes > 0 && seen.wrong == 0 && CPU_EQUAL(&seen.found, &seen.planned));
    EXPECT(c, kill(-pid, SIGINT) == 0 && ends_at_once(c, pid) == EXIT_INTERRUPTED);
    oversubscription_told(c);
}

const struct row rows_program[] = {
    {.name = "CX10 the main process killed", .run = main_killed, .uses = USES(NEED_MAP)},
    {.name = "CX11 the whole session killed", .run = session_killed, .uses = USES(NEED_MAP)},
    {.name = "CX29 interrupted in mid-map", .run = interrupted, .uses = USES(NEED_MAP)},
    {.name = "CX30 pinning, planned and actual", .run = places, .uses = USES(NEED_MAP) | USES_CREW},
    {.name = NULL},
};
