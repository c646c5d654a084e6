/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * doctor_limits.c - what the system allows and how it lays out memory, and what that means. */
#include "harness/doctor.h"

#include "harness/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PROCESSES_LEAST 200                /* workers, helpers, and children that overlap */
#define MEMORY_LEAST    (1024.0 * 1048576) /* a map of 64 MiB in and out on both sides, the lanes, what else there is */

/* --- CPU time ---------------------------------------------------------------------------------------------------- */

void judge_quota(const struct readings *r, struct diagnosis *f)
{
    static const char effect[] =
        "all cells: when the quota of a tenth of a second is used up, all workers stop for the "
        "rest of it";
    double throttled = r->spinning.throttled;
    const char *folder = *r->group_folder ? r->group_folder : "/sys/fs/cgroup";
    diagnosis_number(f, "cpus", r->group_cpus);
    diagnosis_number(f, "throttled", throttled);
    if (isnan(r->group_cpus)) {
        snprintf(f->found, sizeof f->found, "not told: no control group of CPU time is seen from here");
        diagnosis_says(f, SEVERITY_UNKNOWN, "", "%s", "");
        return;
    }
    if (isfinite(r->group_cpus))
        snprintf(f->found, sizeof f->found, "%.2f CPUs' worth of time for %u CPU%s%s", r->group_cpus, r->units,
                 r->units == 1 ? "" : "s", throttled > 0 ? "; it ran out while spinners ran" : "");
    else
        snprintf(f->found, sizeof f->found, "no limit");
    if (throttled > 0 || r->group_cpus < r->units)
        diagnosis_says(f, SEVERITY_SPOILS, effect,
                       strstr(folder, "/sys/fs/cgroup/cpu")
                           ? "echo -1 > %s/cpu.cfs_quota_us; in a container: without "
                             "--cpus, but with --cpuset-cpus"
                           : "echo max > %s/cpu.max; in a container: without --cpus, but "
                             "with --cpuset-cpus",
                       folder);
    else
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
}

/* --- memory ------------------------------------------------------------------------------------------------------ */

void judge_pages(const struct readings *r, struct diagnosis *f)
{
    const char *thp = r->host->thp;
    diagnosis_text(f, "thp", thp);
    snprintf(f->found, sizeof f->found, "%s", thp ? thp : "not told");
    if (thp && strcmp(thp, "always") == 0)
        diagnosis_says(
            f, SEVERITY_BEWARE,
            "cells with much memory (map with many items, list): whether a region gets huge pages depends on "
            "how scattered free memory is, and khugepaged merges pages while they are measured",
            "%s", "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled (always afterwards)");
    else
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
}

void judge_layout(const struct readings *r, struct diagnosis *f)
{
    const char *aslr = r->host->aslr;
    diagnosis_text(f, "aslr", aslr);
    snprintf(f->found, sizeof f->found, "%s", aslr ? aslr : "not told");
    if (!aslr)
        diagnosis_says(f, SEVERITY_UNKNOWN, "", "%s", "");
    else if (strcmp(aslr, "on") == 0)
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
    else
        diagnosis_says(
            f, SEVERITY_BEWARE,
            "all cells: each trial gets the same layout of memory, so that a lucky or unlucky one looks like "
            "a property of the code",
            "%s",
            strstr(aslr, "this process") ? "run it without setarch -R, outside of a debugger"
                                         : "sysctl kernel.randomize_va_space=2");
}

/* --- counters and limits ----------------------------------------------------------------------------------------- */

void judge_counters(const struct readings *r, struct diagnosis *f)
{
    static const char *const words[] = {
        [COUNTERS_READ] = "can be read",
        [COUNTERS_ABSENT] = "this machine shows none",
        [COUNTERS_FORBIDDEN] = "may not be read",
        [COUNTERS_UNKNOWN] = "not told",
    };
    static const char effect[] =
        "no figure of muster needs them, but perf stat beside a slow cell cannot say why it is "
        "slow";
    diagnosis_text(f, "counters", words[r->counters]);
    if (r->paranoid != COUNTERS_UNTOLD) {
        diagnosis_number(f, "perf_event_paranoid", r->paranoid);
        snprintf(f->found, sizeof f->found, "%s (perf_event_paranoid %d)", words[r->counters], r->paranoid);
    } else {
        snprintf(f->found, sizeof f->found, "%s", words[r->counters]);
    }
    if (r->counters == COUNTERS_READ)
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
    else if (r->counters == COUNTERS_FORBIDDEN)
        diagnosis_says(f, SEVERITY_FINE, effect, "%s",
                       r->paranoid > 2 ? "sysctl kernel.perf_event_paranoid=2"
                                       : "a container may forbid perf_event_open by seccomp: outside of it");
    else
        diagnosis_says(f, r->counters == COUNTERS_ABSENT ? SEVERITY_FINE : SEVERITY_UNKNOWN, effect, "%s",
                       r->host->hypervisor && strcmp(r->host->hypervisor, "none") != 0 ? doctor_no_guest_mend : "");
}

/* A limit, "none" where there is none. */
static const char *limit_text(char text[UNITS_TEXT], double limit)
{
    if (isinf(limit))
        return "no limit";
    return units_print_count(text, limit);
}

void judge_limits(const struct readings *r, struct diagnosis *f)
{
    const struct limits *l = &r->limits;
    double processes = fmin(l->processes, l->group_processes);
    char user[UNITS_TEXT], memory[UNITS_TEXT];
    diagnosis_number(f, "processes", processes);
    diagnosis_number(f, "group_memory_bytes", l->group_memory_bytes);
    if (isnan(processes)) {
        snprintf(f->found, sizeof f->found, "not told");
        diagnosis_says(f, SEVERITY_UNKNOWN, "", "%s", "");
        return;
    }
    snprintf(f->found, sizeof f->found, "processes: %s; memory of the control group: %s", limit_text(user, processes),
             isfinite(l->group_memory_bytes) ? units_print_bytes(memory, l->group_memory_bytes) : "no limit is seen");
    if (processes < PROCESSES_LEAST)
        diagnosis_says(f, SEVERITY_BEWARE,
                       "cells with many workers, and those that fork for each task: a fork may fail", "%s",
                       l->processes < PROCESSES_LEAST ? "ulimit -u 4096" : "in a container: --pids-limit 4096");
    else if (l->group_memory_bytes < MEMORY_LEAST)
        diagnosis_says(f, SEVERITY_BEWARE,
                       "map with many items, list and list-read: they hold up to 128 MiB a side, and "
                       "the group's limit ends them",
                       "%s", "in a container: --memory 2g");
    else
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
}
