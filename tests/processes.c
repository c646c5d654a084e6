/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * processes.c - marks by an environment variable, and looks for it in /proc. */
#include "tests/processes.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAME    "MUSTER_TEST_MARK"
#define STEP_S  0.005
#define ENVIRON (256 * 1024)

static char mark[64];

void processes_mark(void)
{
    char value[32];
    snprintf(value, sizeof value, "%ld", (long)getpid());
    snprintf(mark, sizeof mark, NAME "=%s", value);
    setenv(NAME, value, 1);
}

static int is_marked(const char *pid)
{
    static char text[ENVIRON];
    char path[300];
    size_t size = 0;
    ssize_t n;
    snprintf(path, sizeof path, "/proc/%s/environ", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    while (size < sizeof text && (n = read(fd, text + size, sizeof text - size)) > 0)
        size += (size_t)n;
    close(fd);
    return memmem(text, size, mark, strlen(mark) + 1) != NULL;
}

unsigned processes_marked(void)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    unsigned found = 0;
    if (!proc)
        return 1;
    while ((entry = readdir(proc)))
        if (isdigit((unsigned char)entry->d_name[0]) && atoi(entry->d_name) != getpid())
            found += is_marked(entry->d_name) != 0;
    closedir(proc);
    return found;
}

unsigned processes_left(unsigned expected, double limit_s)
{
    double until_s = processes_now_s() + limit_s;
    unsigned left;
    while ((left = processes_marked()) > expected && processes_now_s() < until_s)
        processes_pause(STEP_S);
    return left;
}

int processes_wait(pid_t child, double limit_s)
{
    double until_s = processes_now_s() + limit_s;
    int status = 0, late = 0;
    pid_t got;
    while ((got = waitpid(child, &status, WNOHANG)) == 0 && processes_now_s() < until_s)
        processes_pause(STEP_S);
    if (got == 0) {
        late = 1;
        kill(child, SIGKILL);
        got = waitpid(child, &status, 0);
    }
    if (late || got != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

double processes_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void processes_pause(double seconds)
{
    struct timespec t = {.tv_sec = (time_t)seconds};
    t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    nanosleep(&t, NULL);
}
