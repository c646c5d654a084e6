/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * doctor_system.c - what the kernel tells when it is asked, and the order of all readings. */
#include "harness/doctor.h"

#include "harness/cgroup.h"
#include "harness/sysfs.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CPUS "/sys/devices/system/cpu"

/* --- lists of CPUs ----------------------------------------------------------------------------------------------- */

/* One range of "0-3,8"; returns what follows it, NULL at the end. */
static const char *next_range(const char *list, unsigned *from, unsigned *to)
{
    char *end;
    unsigned long first = strtoul(list, &end, 10), last = first;
    if (end == list)
        return NULL;
    if (*end == '-')
        last = strtoul(end + 1, &end, 10);
    *from = (unsigned)first;
    *to = (unsigned)last;
    return *end == ',' ? end + 1 : end;
}

/* Numbers in the list; of those that the machine's units have when `machine` is not NULL. */
static unsigned count_in(const char *list, const struct machine *machine)
{
    unsigned from, to, count = 0;
    while (list && (list = next_range(list, &from, &to)) != NULL) {
        if (!machine)
            count += to - from + 1;
        for (unsigned i = 0; machine && i < machine->count; i++)
            count += machine->units[i].pu >= from && machine->units[i].pu <= to;
    }
    return count;
}

static void read_restrictions(struct restrictions *c, const struct machine *machine)
{
    if (!sysfs_line(c->online, sizeof c->online, CPUS "/online"))
        c->online[0] = '\0';
    if (!sysfs_line(c->isolated, sizeof c->isolated, CPUS "/isolated"))
        c->isolated[0] = '\0';
    /* "(null)" is what some kernels write for an empty list */
    if (!sysfs_line(c->nohz_full, sizeof c->nohz_full, CPUS "/nohz_full") || c->nohz_full[0] == '(')
        c->nohz_full[0] = '\0';
    c->online_count = count_in(c->online, NULL);
    c->isolated_count = count_in(*c->isolated ? c->isolated : c->nohz_full, machine);
}

/* --- limits and counters ----------------------------------------------------------------------------------------- */

static void read_limits(struct limits *l)
{
    struct rlimit limit;
    l->processes = NAN;
    if (getrlimit(RLIMIT_NPROC, &limit) == 0)
        l->processes = limit.rlim_cur == RLIM_INFINITY || geteuid() == 0 ? INFINITY : (double)limit.rlim_cur;
    l->group_processes = cgroup_processes();
    l->group_memory_bytes = cgroup_memory();
}

/* Whether a process may count its own cycles in user mode. */
static enum counters try_counters(void)
{
    struct perf_event_attr cycles = {
        .type = PERF_TYPE_HARDWARE,
        .size = sizeof cycles,
        .config = PERF_COUNT_HW_CPU_CYCLES,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    long fd = syscall(SYS_perf_event_open, &cycles, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd >= 0) {
        close((int)fd);
        return COUNTERS_READ;
    }
    if (errno == EACCES || errno == EPERM)
        return COUNTERS_FORBIDDEN;
    return errno == ENOENT || errno == EOPNOTSUPP || errno == ENODEV ? COUNTERS_ABSENT : COUNTERS_UNKNOWN;
}

/* May be negative, which sysfs_number() does not tell from absent. */
static int read_paranoid(void)
{
    char text[32];
    if (!sysfs_line(text, sizeof text, "/proc/sys/kernel/perf_event_paranoid"))
        return COUNTERS_UNTOLD;
    return (int)strtol(text, NULL, 10);
}

void doctor_read_system(struct readings *r, const struct topology *topology)
{
    const struct machine *machine = topology_machine(topology);
    r->units = machine->count;
    r->cores = machine->cores;
    read_restrictions(&r->restrictions, machine);
    read_limits(&r->limits);
    if (!sysfs_line(r->clocksources, sizeof r->clocksources,
                    "/sys/devices/system/clocksource/clocksource0/available_clocksource"))
        r->clocksources[0] = '\0';
    r->group_cpus = cgroup_cpus();
    if (!cgroup_cpus_folder(r->group_folder, sizeof r->group_folder))
        r->group_folder[0] = '\0';
    r->counters = try_counters();
    r->paranoid = read_paranoid();
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

/* What is quiet first: the load of others, before anything here has kept a CPU busy. */
int doctor_read(struct readings *r, const struct host *host, const struct topology *topology, uint64_t time_ns,
                struct problem *problem)
{
    const struct machine *machine = topology_machine(topology);
    const int64_t part = (int64_t)time_ns / 40;
    *r = (struct readings){.host = host};
    if (machine->count == 0)
        return problem_set(problem, EXIT_UNPROVED, "no processing unit may be used, so nothing can be measured");
    doctor_read_system(r, topology);
    doctor_measure_load(r, machine, 5 * part);
    doctor_measure_timers(r, part);
    doctor_measure_wakings(r, machine, 12 * part);
    doctor_measure_spinning(r, machine, 6 * part);
    doctor_measure_lanes(r, machine, 15 * part);
    if (isnan(r->spinning.elapsed_s) && r->lane_readings == 0)
        return problem_set(problem, EXIT_UNPROVED, "nothing can be measured here: %s", r->trouble);
    return 0;
}
