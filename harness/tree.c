/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * tree.c - see tree.h. */
#include "harness/tree.h"

#include "harness/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { AT_FIRST = 64, DIGITS = 12 };

bool tree_visible(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)getpid(), (int)getpid());
    return access(path, R_OK) == 0;
}

static int add(struct tree *t, pid_t pid)
{
    if (t->count == t->room) {
        size_t room = t->room ? 2 * t->room : AT_FIRST;
        pid_t *pids = realloc(t->pids, room * sizeof *pids);
        if (!pids)
            return -1;
        t->pids = pids;
        double *cpu_s = realloc(t->cpu_s, room * sizeof *cpu_s);
        if (!cpu_s)
            return -1;
        t->cpu_s = cpu_s;
        t->room = room;
    }
    t->pids[t->count++] = pid;
    return 0;
}

/* "123 456 ", however it falls into what is read at once. */
static int add_children(struct tree *t, int fd)
{
    char text[512];
    pid_t pid = 0;
    ssize_t n;
    while ((n = read(fd, text, sizeof text)) > 0)
        for (ssize_t i = 0; i < n; i++) {
            if (text[i] >= '0' && text[i] <= '9')
                pid = 10 * pid + (text[i] - '0');
            else if (pid > 0 && add(t, pid))
                return -1;
            else
                pid = 0;
        }
    return n < 0 || (pid > 0 && add(t, pid)) ? -1 : 0;
}

/* Each thread has children of its own. A thread or process that ends meanwhile is left out. */
static int add_below(struct tree *t, pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    const struct dirent *task;
    int result = 0;
    while (tasks && result == 0 && (task = readdir(tasks))) {
        if (task->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%.*s/children", DIGITS, task->d_name);
        int fd = openat(dirfd(tasks), path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        result = add_children(t, fd);
        close(fd);
    }
    if (tasks)
        closedir(tasks);
    return result;
}

static int read_clock(pid_t pid, double *cpu_s)
{
    clockid_t clock;
    struct timespec now;
    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &now))
        return -1;
    *cpu_s = clock_seconds(now.tv_sec * NS_PER_S + now.tv_nsec);
    return 0;
}

int tree_read(struct tree *t, pid_t root)
{
    size_t kept = 0;
    t->count = 0;
    if (root <= 0 || add(t, root))
        return -1;
    for (size_t i = 0; i < t->count; i++)
        if (add_below(t, t->pids[i]))
            return -1;
    for (size_t i = 0; i < t->count; i++)
        if (read_clock(t->pids[i], &t->cpu_s[kept]) == 0)
            t->pids[kept++] = t->pids[i];
    t->count = kept;
    return kept > 0 && t->pids[0] == root ? 0 : -1;
}

/* Both list the tree in the same order, but for what came or went. */
static double known_s(const struct tree *before, pid_t pid, size_t hint)
{
    if (hint < before->count && before->pids[hint] == pid)
        return before->cpu_s[hint];
    for (size_t i = 0; i < before->count; i++)
        if (before->pids[i] == pid)
            return before->cpu_s[i];
    return 0;
}

double tree_between(const struct tree *before, const struct tree *after, unsigned units)
{
    double sum_s = 0, most_s = 0;
    for (size_t i = 0; i < after->count; i++) {
        double used_s = after->cpu_s[i] - known_s(before, after->pids[i], i);
        sum_s += used_s > 0 ? used_s : 0;
        most_s = used_s > most_s ? used_s : most_s;
    }
    return sum_s > most_s * units ? sum_s / units : most_s;
}

void tree_free(struct tree *t)
{
    free(t->pids);
    free(t->cpu_s);
    memset(t, 0, sizeof *t);
}
