/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * cgroup.c - see cgroup.h. */
#include "harness/cgroup.h"

#include "harness/sysfs.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOT "/sys/fs/cgroup"

enum { LINE = 512, FOLDER = LINE + 64 };

/* What one group's folder says: a limit, 0 for none, -1 when the file is not there. */
typedef double group_says(const char *folder);

/* A limit in one version of control groups: the controller's name ("" is version 2) and how its files are read. */
struct kind {
    const char *controller;
    group_says *says;
};

/* The path of the line of this controller in /proc/self/cgroup. */
static bool group_path(const char *controller, char *path, size_t size)
{
    char line[LINE];
    bool found = false;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        char *names = strchr(line, ':'), *at = names ? strchr(names + 1, ':') : NULL;
        if (!at)
            continue;
        *at++ = '\0';
        at[strcspn(at, "\n")] = '\0';
        for (char *rest = NULL, *name = strtok_r(names + 1, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
            found |= strcmp(name, controller) == 0;
        found |= !names[1] && !*controller;
        snprintf(path, size, "%s", at);
    }
    if (file)
        fclose(file);
    return found;
}

/* What the groups on the way up make of it. */
struct climb {
    double least, sum;
    bool known;
    char folder[FOLDER]; /* of the least */
};

static void climb(const struct kind *kind, struct climb *c)
{
    char path[LINE], folder[FOLDER];
    if (!group_path(kind->controller, path, sizeof path))
        return;
    for (char *end = path + strlen(path); end; end = strrchr(path, '/')) {
        *end = '\0';
        snprintf(folder, sizeof folder, ROOT "%s%s%s", *kind->controller ? "/" : "", kind->controller, path);
        double value = kind->says(folder);
        c->known |= value >= 0;
        c->sum += value > 0 ? value : 0;
        if (value > 0 && value < c->least) {
            c->least = value;
            memcpy(c->folder, folder, sizeof c->folder);
        }
    }
}

static struct climb climb_all(const struct kind kinds[2])
{
    struct climb c = {.least = INFINITY};
    for (int i = 0; i < 2; i++)
        climb(&kinds[i], &c);
    return c;
}

static double least_of(const struct kind kinds[2])
{
    struct climb c = climb_all(kinds);
    return c.known ? c.least : NAN;
}

/* --- CPU time ---------------------------------------------------------------------------------------------------- */

static double quota_v2(const char *folder)
{
    char line[64];
    double quota, period;
    if (!sysfs_line(line, sizeof line, "%s/cpu.max", folder))
        return -1;
    return sscanf(line, "%lf %lf", &quota, &period) == 2 && period > 0 ? quota / period : 0;
}

static double quota_v1(const char *folder)
{
    int64_t period = sysfs_number("%s/cpu.cfs_period_us", folder), quota = sysfs_number("%s/cpu.cfs_quota_us", folder);
    if (period <= 0)
        return -1;
    return quota > 0 ? (double)quota / (double)period : 0;
}

static const struct kind quotas[2] = {{"", quota_v2}, {"cpu", quota_v1}};

double cgroup_cpus(void)
{
    return least_of(quotas);
}

char *cgroup_cpus_folder(char *path, size_t size)
{
    struct climb c = climb_all(quotas);
    if (!isfinite(c.least))
        return NULL;
    snprintf(path, size, "%s", c.folder);
    return path;
}

/* "nr_throttled 12", in both versions. */
static double throttled(const char *folder)
{
    char path[FOLDER + 16], line[128];
    double count = -1;
    snprintf(path, sizeof path, "%s/cpu.stat", folder);
    FILE *file = fopen(path, "re");
    while (file && count < 0 && fgets(line, sizeof line, file))
        if (sscanf(line, "nr_throttled %lf", &count) != 1)
            count = -1;
    if (file)
        fclose(file);
    return count;
}

double cgroup_throttled(void)
{
    static const struct kind kinds[2] = {{"", throttled}, {"cpu", throttled}};
    struct climb c = climb_all(kinds);
    return c.known ? c.sum : NAN;
}

/* --- memory and processes ---------------------------------------------------------------------------------------- */

/* A number, or "max"; version 1 says a huge number where there is no limit. */
static double limit_in(const char *folder, const char *name)
{
    char line[64], *end;
    if (!sysfs_line(line, sizeof line, "%s/%s", folder, name))
        return -1;
    double limit = strtod(line, &end);
    return end == line || limit >= 0x1p60 ? 0 : limit;
}

static double memory_v2(const char *folder)
{
    return limit_in(folder, "memory.max");
}

static double memory_v1(const char *folder)
{
    return limit_in(folder, "memory.limit_in_bytes");
}

static double processes(const char *folder)
{
    return limit_in(folder, "pids.max");
}

double cgroup_memory(void)
{
    static const struct kind kinds[2] = {{"", memory_v2}, {"memory", memory_v1}};
    return least_of(kinds);
}

double cgroup_processes(void)
{
    static const struct kind kinds[2] = {{"", processes}, {"pids", processes}};
    return least_of(kinds);
}
