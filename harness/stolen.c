/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * stolen.c - see stolen.h.
 *
 * A line of /proc/stat: cpuN user nice system idle iowait irq softirq steal ..., in ticks; guests' time is in user
 * already. The file is written anew by the kernel at each read from its start. */
#include "harness/stolen.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum field { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, FIELDS };

#define ROOM_FIRST ((size_t)16 << 10)
#define ROOM_MOST  ((size_t)16 << 20)

struct stolen {
    int fd;
    long ticks; /* per second */
    unsigned *units, count;
    char *text;
    size_t room;
};

struct stolen *stolen_open(const unsigned *units, unsigned count)
{
    struct stolen *stolen = calloc(1, sizeof *stolen);
    if (!stolen)
        return NULL;
    *stolen = (struct stolen){.fd = open("/proc/stat", O_RDONLY | O_CLOEXEC),
                              .ticks = sysconf(_SC_CLK_TCK),
                              .units = calloc(count + 1, sizeof *units),
                              .count = count,
                              .text = malloc(ROOM_FIRST),
                              .room = ROOM_FIRST};
    if (stolen->fd < 0 || stolen->ticks <= 0 || !stolen->units || !stolen->text) {
        stolen_close(stolen);
        return NULL;
    }
    for (unsigned i = 0; i < count; i++)
        stolen->units[i] = units[i];
    return stolen;
}

void stolen_close(struct stolen *stolen)
{
    if (!stolen)
        return;
    if (stolen->fd >= 0)
        close(stolen->fd);
    free(stolen->units);
    free(stolen->text);
    free(stolen);
}

/* The whole file, ended by a zero; false when it cannot be had. The CPUs' lines come first, so that a file cut at
 * ROOM_MOST has lost nothing that is looked for. */
static bool load(struct stolen *stolen)
{
    size_t used = 0;
    for (;;) {
        ssize_t got = pread(stolen->fd, stolen->text + used, stolen->room - used - 1, (off_t)used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        used += (size_t)got;
        stolen->text[used] = '\0';
        if (got == 0 || stolen->room >= ROOM_MOST)
            return used > 0;
        if (used + 1 < stolen->room)
            continue;
        char *more = realloc(stolen->text, 2 * stolen->room);
        if (!more)
            return false;
        stolen->text = more;
        stolen->room *= 2;
    }
}

static bool wanted(const struct stolen *stolen, unsigned unit)
{
    for (unsigned i = 0; i < stolen->count; i++)
        if (stolen->units[i] == unit)
            return true;
    return false;
}

/* Adds a unit's line; false when it is no such line, or lacks fields. */
static bool add_line(const struct stolen *stolen, const char *line, struct stolen_reading *sum)
{
    unsigned unit;
    unsigned long long t[FIELDS];
    if (sscanf(line, "cpu%u %llu %llu %llu %llu %llu %llu %llu %llu", &unit, &t[USER], &t[NICE], &t[SYSTEM], &t[IDLE],
               &t[IOWAIT], &t[IRQ], &t[SOFTIRQ], &t[STEAL]) != 1 + FIELDS ||
        !wanted(stolen, unit))
        return false;
    sum->steal_s += (double)t[STEAL] / (double)stolen->ticks;
    sum->busy_s += (double)(t[USER] + t[NICE] + t[SYSTEM] + t[IRQ] + t[SOFTIRQ]) / (double)stolen->ticks;
    return true;
}

struct stolen_reading stolen_read(struct stolen *stolen)
{
    const struct stolen_reading unknown = {.steal_s = NAN, .busy_s = NAN};
    struct stolen_reading sum = {.steal_s = 0};
    unsigned found = 0;
    if (!stolen || !load(stolen))
        return unknown;
    for (const char *line = stolen->text; line && strncmp(line, "cpu", 3) == 0;) {
        found += add_line(stolen, line, &sum);
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return found == stolen->count ? sum : unknown;
}

static double seconds_of(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
           1e-6 * (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec);
}

double own_cpu_s(void)
{
    struct rusage self, reaped;
    if (getrusage(RUSAGE_SELF, &self) || getrusage(RUSAGE_CHILDREN, &reaped))
        return NAN;
    return seconds_of(&self) + seconds_of(&reaped);
}
