/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * doctor_load.c - what other programs do while nothing of muster runs: how much, and which ones.
 *
 * How much is the processing units' own account; which ones is what /proc shows, and a container shows little. */
#include "harness/doctor.h"

#include "harness/clock.h"
#include "harness/stolen.h"
#include "reports/format.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SHARE_LEAST 0.01 /* of a unit: below it a process is not worth a name */

struct process {
    int pid;
    unsigned long long ticks; /* of CPU time, in user and kernel */
    char command[DOCTOR_COMMAND];
};

struct processes {
    struct process *all;
    size_t count, room;
};

/* pid (command) state ppid ...: the command may hold anything, so its last bracket ends it; user and kernel time are
 * the 12th and 13th number behind it. */
static bool parse(struct process *process, char *text)
{
    unsigned long long user, kernel;
    char *from = strchr(text, '('), *to = strrchr(text, ')');
    if (!from || !to || to < from ||
        sscanf(to + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &kernel) != 2)
        return false;
    *to = '\0';
    process->pid = (int)strtol(text, NULL, 10);
    process->ticks = user + kernel;
    snprintf(process->command, sizeof process->command, "%s", from + 1);
    format_clean(process->command);
    return true;
}

static bool read_process(struct process *process, const char *name)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%.20s/stat", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length <= 0)
        return false;
    text[length] = '\0';
    return parse(process, text);
}

static bool make_room(struct processes *list)
{
    if (list->count < list->room)
        return true;
    size_t room = list->room ? 2 * list->room : 256;
    struct process *more = realloc(list->all, room * sizeof *more);
    if (!more)
        return false;
    list->all = more;
    list->room = room;
    return true;
}

static int by_pid(const void *a, const void *b)
{
    const struct process *one = a, *other = b;
    return (one->pid > other->pid) - (one->pid < other->pid);
}

/* What cannot be read, or ends meanwhile, is not in the list. */
static void list_processes(struct processes *list)
{
    DIR *folder = opendir("/proc");
    const struct dirent *entry;
    while (folder && (entry = readdir(folder)) != NULL)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && make_room(list))
            list->count += read_process(&list->all[list->count], entry->d_name);
    if (folder)
        closedir(folder);
    if (list->count > 0)
        qsort(list->all, list->count, sizeof *list->all, by_pid);
}

/* Keeps the busiest in order. */
static void keep(struct load *load, const struct process *process, double share)
{
    unsigned at = load->busiest_count;
    while (at > 0 && load->busiest[at - 1].share < share) {
        if (at < DOCTOR_BUSIEST)
            load->busiest[at] = load->busiest[at - 1];
        at--;
    }
    if (at >= DOCTOR_BUSIEST)
        return;
    load->busiest[at] = (struct busy_process){.pid = process->pid, .share = share};
    memcpy(load->busiest[at].command, process->command, sizeof process->command);
    load->busiest_count += load->busiest_count < DOCTOR_BUSIEST;
}

static void compare(struct load *load, const struct processes *before, const struct processes *after)
{
    const double ticks = (double)sysconf(_SC_CLK_TCK);
    for (size_t i = 0; i < after->count; i++) {
        const struct process *now = &after->all[i], *then = NULL;
        if (before->count > 0)
            then = bsearch(now, before->all, before->count, sizeof *now, by_pid);
        unsigned long long old = then && then->ticks <= now->ticks ? then->ticks : 0;
        double share = (double)(now->ticks - old) / ticks / load->elapsed_s;
        /* Who is new has all its time from now. */
        if (now->pid != getpid() && share >= SHARE_LEAST)
            keep(load, now, share);
    }
}

void doctor_measure_load(struct readings *r, const struct machine *machine, int64_t ns)
{
    struct processes before = {.all = NULL}, after = {.all = NULL};
    struct timespec pause = {.tv_sec = ns / NS_PER_S, .tv_nsec = (long)(ns % NS_PER_S)};
    unsigned *units = calloc(machine->count + 1, sizeof *units);
    for (unsigned i = 0; units && i < machine->count; i++)
        units[i] = machine->units[i].pu;
    struct stolen *stolen = units ? stolen_open(units, machine->count) : NULL;
    int64_t began = clock_now();
    list_processes(&before);
    double busy = stolen_read(stolen).busy_s;
    nanosleep(&pause, NULL);
    r->load = (struct load){.foreign_s = stolen_read(stolen).busy_s - busy};
    list_processes(&after);
    r->load.elapsed_s = clock_seconds(clock_now() - began);
    compare(&r->load, &before, &after);
    free(before.all);
    free(after.all);
    stolen_close(stolen);
    free(units);
}
