/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * probe.c - reading another process's CPU clock and its page in /proc. */
#include "harness/probe.h"
#include "harness/clock.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static double cpu_of(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
        return NAN;
    return (double)t.tv_sec + (double)t.tv_nsec / (double)NS_PER_S;
}

static const char *read_page(pid_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return NULL;
    text[n] = '\0';
    return text;
}

static double number_after(const char *page, const char *name)
{
    const char *at = page ? strstr(page, name) : NULL;
    return at ? strtod(at + strlen(name), NULL) : NAN;
}

/* /proc/PID/schedstat: time on a CPU, time waiting for one (both ns), number of turns. */
static double run_delay_of(pid_t pid)
{
    char text[128];
    unsigned long long ran, waited;
    if (!read_page(pid, "schedstat", text, sizeof text) || sscanf(text, "%llu %llu", &ran, &waited) != 2)
        return NAN;
    return (double)waited / (double)NS_PER_S;
}

struct paid probe_process(pid_t pid)
{
    char text[4096];
    const char *page = read_page(pid, "status", text, sizeof text);
    return (struct paid){
        .cpu_s = cpu_of(pid),
        .voluntary = number_after(page, "\nvoluntary_ctxt_switches:"),
        .involuntary = number_after(page, "\nnonvoluntary_ctxt_switches:"),
        .run_delay_s = run_delay_of(pid),
    };
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

struct paid probe_children(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_CHILDREN, &u))
        return (struct paid){.cpu_s = NAN, .voluntary = NAN, .involuntary = NAN, .run_delay_s = NAN};
    double cpu_s = seconds(u.ru_utime) + seconds(u.ru_stime);
    return (struct paid){
        .cpu_s = cpu_s,
        .voluntary = (double)u.ru_nvcsw,
        .involuntary = (double)u.ru_nivcsw,
        .run_delay_s = cpu_s > 0 ? NAN : 0,
    };
}

void paid_add(struct paid *sum, const struct paid *more)
{
    sum->cpu_s += more->cpu_s;
    sum->voluntary += more->voluntary;
    sum->involuntary += more->involuntary;
    sum->run_delay_s += more->run_delay_s;
}

struct paid paid_between(const struct paid *before, const struct paid *after)
{
    return (struct paid){
        .cpu_s = after->cpu_s - before->cpu_s,
        .voluntary = after->voluntary - before->voluntary,
        .involuntary = after->involuntary - before->involuntary,
        .run_delay_s = after->run_delay_s - before->run_delay_s,
    };
}
