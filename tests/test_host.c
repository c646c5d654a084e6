/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_host.c - the machine's conditions, idle modes, and what waking costs: that they are had, and that nothing of
 * them stays behind, whatever ends the process that asked for them. What they do to speed is not tested. */
#include "harness/clock.h"
#include "harness/host.h"
#include "harness/hypervisor.h"
#include "harness/idle.h"
#include "harness/sysfs.h"
#include "harness/wake.h"
#include "tests/cli.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 8, PATIENCE_MS = 5000 };

/* --- host -------------------------------------------------------------------------------------------------------- */

static const char *written(const char *name, const char *text)
{
    return cli_file(name, text, strlen(text));
}

static void small_files(void)
{
    char line[32], tiny[4];
    const char *path = written("line", "  always [madvise] never \nsecond\n");
    CU_ASSERT_STRING_EQUAL(sysfs_line(line, sizeof line, "%s", path), "always [madvise] never");
    CU_ASSERT_STRING_EQUAL(sysfs_chosen(line), "madvise");
    CU_ASSERT_STRING_EQUAL(sysfs_chosen(line), "madvise");
    CU_ASSERT_PTR_NULL(sysfs_chosen(NULL));
    CU_ASSERT_STRING_EQUAL(sysfs_line(tiny, sizeof tiny, "%s", path), "a");
    CU_ASSERT_PTR_NULL(sysfs_line(line, sizeof line, "%s", cli_path("none")));
    CU_ASSERT_PTR_NULL(sysfs_line(line, sizeof line, "%s", frame_folder()));
    path = written("number", "12\n");
    CU_ASSERT_EQUAL(sysfs_number("%s", path), 12);
    CU_ASSERT_EQUAL(sysfs_number("%s", written("word", "max\n")), -1);
    CU_ASSERT_EQUAL(sysfs_number("%s", written("empty", "")), -1);
    path = written("values", "NAME_MORE=x\nNAME=\"An OS\"\nmodel name\t: A CPU\nnone:\n");
    CU_ASSERT_STRING_EQUAL(sysfs_value(line, sizeof line, path, "NAME"), "An OS");
    CU_ASSERT_STRING_EQUAL(sysfs_value(line, sizeof line, path, "model name"), "A CPU");
    CU_ASSERT_PTR_NULL(sysfs_value(line, sizeof line, path, "none"));
    CU_ASSERT_PTR_NULL(sysfs_value(line, sizeof line, path, "absent"));
}

static void host(void)
{
    struct results results = {.seed = 0};
    const struct host *h = &results.host;
    struct topology *topology = NULL;
    struct problem problem;
    CU_ASSERT_EQUAL_FATAL(topology_open_system(&topology, &problem), 0);
    CU_ASSERT_EQUAL(host_read(&results.host, topology, &problem), 0);
    CU_ASSERT(h->name && h->arch && h->kernel && h->libc && h->hypervisor && h->topology_xml);
    CU_ASSERT_EQUAL(h->pus, topology_machine(topology)->count);
    CU_ASSERT_EQUAL(h->cores, topology_machine(topology)->cores);
    CU_ASSERT(h->memory_bytes > 1 << 20);
    CU_ASSERT_EQUAL(host_is_virtual(h), hypervisor_name() != NULL);
    CU_ASSERT_PTR_NULL(h->topology_xml ? strstr(h->topology_xml, "HostName") : NULL);
    topology_close(topology);
    results_free(&results);
}

/* --- idle -------------------------------------------------------------------------------------------------------- */

/* The units that this process may run on, at most two. */
static unsigned own_units(unsigned pus[2])
{
    cpu_set_t set;
    unsigned count = 0;
    CU_ASSERT_EQUAL_FATAL(sched_getaffinity(0, sizeof set, &set), 0);
    for (unsigned pu = 0; pu < CPU_SETSIZE && count < 2; pu++)
        if (CPU_ISSET(pu, &set))
            pus[count++] = pu;
    return count;
}

/* The children of a process, by what /proc says of everyone's parent. */
static unsigned children_of(pid_t parent, pid_t children[CHILDREN])
{
    DIR *folder = opendir("/proc");
    unsigned count = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
    for (struct dirent *entry; (entry = readdir(folder)) && count < CHILDREN;) {
        char line[1024], *end;
        int its_parent = 0;
        pid_t pid = (pid_t)strtol(entry->d_name, &end, 10);
        if (*end || !sysfs_line(line, sizeof line, "/proc/%d/stat", pid) || !strrchr(line, ')'))
            continue;
        if (sscanf(strrchr(line, ')') + 1, " %*c %d", &its_parent) == 1 && its_parent == parent)
            children[count++] = pid;
    }
    closedir(folder);
    return count;
}

static int parse(struct idle_choice *choice, const char *text, struct problem *problem)
{
    const struct option_spec spec = {.name = "idle", .target = choice};
    return idle_parse(&spec, text, problem);
}

static void idle_words(void)
{
    static const char *const wrong[] = {"", "pol", "poll=", "poll=-1", "poll=x", "poll=2s", "POLL ", "spin=1", NULL};
    struct idle_choice choice = {.given = false};
    struct problem problem;
    CU_ASSERT_PTR_NOT_NULL(idle_choose(&choice));
    CU_ASSERT_EQUAL(choice.mode, idle_poll_permitted() ? IDLE_POLL : IDLE_SPIN);
    CU_ASSERT_EQUAL(choice.poll_us, IDLE_POLL_DEFAULT);
    for (enum idle_mode mode = IDLE_POLL; mode <= IDLE_NATURAL; mode++) {
        CU_ASSERT_EQUAL(parse(&choice, idle_name(mode), &problem), 0);
        CU_ASSERT(choice.given && choice.mode == mode && choice.poll_us == IDLE_POLL_DEFAULT);
        CU_ASSERT_STRING_EQUAL(idle_choose(&choice), "asked for");
        CU_ASSERT_EQUAL(choice.mode, mode);
    }
    CU_ASSERT(parse(&choice, "poll=7", &problem) == 0 && choice.mode == IDLE_POLL && choice.poll_us == 7);
    CU_ASSERT(parse(&choice, "poll=0", &problem) == 0 && choice.poll_us == 0);
    CU_ASSERT(parse(&choice, "poll=2ms", &problem) == 0 && choice.poll_us == 2000);
    for (const char *const *text = wrong; *text; text++) {
        CU_ASSERT_EQUAL(parse(&choice, *text, &problem), -1);
        CU_ASSERT_EQUAL(problem.code, EXIT_USAGE);
        CU_ASSERT_PTR_NOT_NULL(strstr(problem.text, "--idle"));
    }
}

static void idle_polls(void)
{
    struct idle *idle = NULL;
    struct problem problem;
    unsigned pus[2], count = own_units(pus);
    if (!idle_poll_permitted()) {
        CU_ASSERT_EQUAL(idle_open(&idle, IDLE_POLL, 0, pus, count, &problem), -1);
        CU_ASSERT_EQUAL(problem.code, EXIT_UNPROVED);
        CU_ASSERT_PTR_NULL(idle);
        frame_skip("/dev/cpu_dma_latency may not be written here");
        return;
    }
    for (int64_t us = IDLE_POLL_DEFAULT; us < 2; us++) {
        CU_ASSERT_EQUAL_FATAL(idle_open(&idle, IDLE_POLL, us, pus, count, &problem), 0);
        CU_ASSERT(us < 0 ? idle_latency_us(idle) >= 0 : idle_latency_us(idle) == us);
        idle_close(idle);
    }
}

static void idle_does_nothing(void)
{
    struct idle *idle = NULL;
    struct problem problem;
    pid_t children[CHILDREN];
    unsigned pus[2], count = own_units(pus);
    CU_ASSERT_EQUAL(idle_open(&idle, IDLE_NATURAL, IDLE_POLL_DEFAULT, pus, count, &problem), 0);
    CU_ASSERT_EQUAL(children_of(getpid(), children), 0);
    CU_ASSERT_EQUAL(idle_latency_us(idle), -1);
    idle_close(idle);
    idle_close(NULL);
}

/* One spinner on each unit, below everything else, without a descriptor of ours; gone when closed. */
static void idle_spins(void)
{
    struct problem problem;
    unsigned pus[2], count = own_units(pus), mine;
    struct idle *idle = NULL;
    pid_t children[CHILDREN];
    for (int again = 0; again < 3; again++) {
        CU_ASSERT_EQUAL_FATAL(idle_open(&idle, IDLE_SPIN, IDLE_POLL_DEFAULT, pus, count, &problem), 0);
        mine = children_of(getpid(), children);
        CU_ASSERT_EQUAL(mine, count);
        for (unsigned i = 0; i < mine; i++) {
            char path[64];
            cpu_set_t set;
            CU_ASSERT_EQUAL(sched_getscheduler(children[i]), SCHED_IDLE);
            CU_ASSERT_EQUAL(sched_getaffinity(children[i], sizeof set, &set), 0);
            CU_ASSERT_EQUAL(CPU_COUNT(&set), 1);
            for (int fd = 3; fd < 32; fd++) {
                snprintf(path, sizeof path, "/proc/%d/fd/%d", children[i], fd);
                /* It closes them just after it has said that it is there. */
                for (int ms = 0; access(path, F_OK) == 0 && ms < PATIENCE_MS; ms++)
                    usleep(1000);
                CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
            }
        }
        idle_close(idle);
        CU_ASSERT_EQUAL(children_of(getpid(), children), 0);
    }
}

static void idle_refuses(void)
{
    struct idle *idle = NULL;
    struct problem problem;
    unsigned pus[3], count = own_units(pus);
    pid_t children[CHILDREN];
    pus[count] = 9999;
    CU_ASSERT_EQUAL(idle_open(&idle, IDLE_SPIN, IDLE_POLL_DEFAULT, pus, count + 1, &problem), -1);
    CU_ASSERT_EQUAL(problem.code, EXIT_UNPROVED);
    CU_ASSERT_PTR_NOT_NULL(strstr(problem.text, "9999"));
    CU_ASSERT_PTR_NULL(idle);
    CU_ASSERT_EQUAL(children_of(getpid(), children), 0);
}

/* A process that holds spinners and a prober, says so, and waits for its end. */
static void hold(int tell)
{
    struct idle *idle = NULL;
    struct wake *wake = NULL;
    struct problem problem;
    unsigned pus[2], count = own_units(pus);
    if (idle_open(&idle, IDLE_SPIN, IDLE_POLL_DEFAULT, pus, count, &problem) ||
        wake_open(&wake, pus[0], pus[count - 1], &problem) || write(tell, "", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static void helpers_die_with_parent(void)
{
    int ends[2], fds[CHILDREN];
    char said;
    unsigned pus[2], units = own_units(pus), count;
    pid_t children[CHILDREN], pid;
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    pid = fork();
    if (pid == 0)
        hold(ends[1]);
    close(ends[1]);
    CU_ASSERT_EQUAL(read(ends[0], &said, 1), 1);
    count = children_of(pid, children);
    CU_ASSERT_EQUAL(count, units > 1 ? units + 1 : units);
    for (unsigned i = 0; i < count; i++)
        fds[i] = (int)syscall(SYS_pidfd_open, children[i], 0);
    kill(pid, SIGKILL);
    CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
    for (unsigned i = 0; i < count; i++) {
        struct pollfd p = {.fd = fds[i], .events = POLLIN};
        CU_ASSERT_EQUAL(poll(&p, 1, PATIENCE_MS), 1);
        close(fds[i]);
    }
    close(ends[0]);
}

/* --- wake -------------------------------------------------------------------------------------------------------- */

static void wake_needs_two(void)
{
    struct wake *wake = NULL;
    struct problem problem;
    unsigned pus[2];
    own_units(pus);
    CU_ASSERT_EQUAL(wake_open(&wake, pus[0], pus[0], &problem), 0);
    CU_ASSERT_PTR_NULL(wake);
    CU_ASSERT(isnan(wake_measure(wake, 5)));
    wake_close(wake);
    CU_ASSERT_EQUAL(wake_open(&wake, pus[0], 9999, &problem), -1);
    CU_ASSERT_EQUAL(problem.code, EXIT_UNPROVED);
    CU_ASSERT_PTR_NULL(wake);
}

static void wake_measures(void)
{
    struct wake *wake = NULL;
    struct problem problem;
    cpu_set_t before, after;
    unsigned pus[2];
    pid_t children[CHILDREN];
    if (own_units(pus) < 2) {
        frame_skip("needs two processing units");
        return;
    }
    CU_ASSERT_EQUAL(sched_getaffinity(0, sizeof before, &before), 0);
    CU_ASSERT_EQUAL_FATAL(wake_open(&wake, pus[0], pus[1], &problem), 0);
    CU_ASSERT(isnan(wake_measure(wake, 0)));
    for (int again = 0; again < 2; again++) {
        double ns = wake_measure(wake, 5);
        CU_ASSERT(isnan(ns) || ns > 0);
        CU_ASSERT_EQUAL(sched_getaffinity(0, sizeof after, &after), 0);
        CU_ASSERT_TRUE(CPU_EQUAL(&before, &after));
    }
    /* Without its sleeper it says that it does not know, and soon. */
    CU_ASSERT_EQUAL(children_of(getpid(), children), 1);
    kill(children[0], SIGKILL);
    CU_ASSERT(isnan(wake_measure(wake, 1000)));
    CU_ASSERT(isnan(wake_measure(wake, 1000)));
    wake_close(wake);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "host: small files", .run = small_files},
        {.name = "host: conditions", .run = host},
        {.name = "idle: words", .run = idle_words},
        {.name = "idle: natural", .run = idle_does_nothing},
        {.name = "idle: poll", .run = idle_polls},
        {.name = "idle: spin", .run = idle_spins},
        {.name = "idle: a unit that is not there", .run = idle_refuses},
        {.name = "idle: helpers die with a killed parent", .run = helpers_die_with_parent},
        {.name = "wake: needs two units", .run = wake_needs_two},
        {.name = "wake: measures", .run = wake_measures},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
