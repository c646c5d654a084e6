/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * host.c - see host.h.
 *
 * One function per condition, each with what the kernel offers for it. A condition that differs between processing
 * units (the governor) is looked at on all that may be used. */
#include "harness/host.h"

#include "harness/cgroup.h"
#include "harness/hypervisor.h"
#include "harness/sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/utsname.h>
#include <unistd.h>

#define CPUS "/sys/devices/system/cpu"

enum { TEXT = 512 };

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

/* --- processor --------------------------------------------------------------------------------------------------- */

/* The implementers and parts of servers that people measure on; the rest is shown by number. */
static void arm_name(char *text, size_t size, long implementer, long part)
{
    static const struct {
        long implementer, part;
        const char *name;
    } parts[] = {
        {0x41, 0xd03, "Arm Cortex-A53"},   {0x41, 0xd08, "Arm Cortex-A72"},  {0x41, 0xd0b, "Arm Cortex-A76"},
        {0x41, 0xd0c, "Arm Neoverse-N1"},  {0x41, 0xd40, "Arm Neoverse-V1"}, {0x41, 0xd49, "Arm Neoverse-N2"},
        {0x41, 0xd4f, "Arm Neoverse-V2"},  {0x41, 0xd8e, "Arm Neoverse-N3"}, {0x41, 0xd84, "Arm Neoverse-V3"},
        {0x43, 0x0af, "Cavium ThunderX2"}, {0x46, 0x001, "Fujitsu A64FX"},   {0x48, 0xd01, "HiSilicon Kunpeng-920"},
        {0xc0, 0xac3, "Ampere-1"},         {0xc0, 0xac4, "Ampere-1A"},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].implementer == implementer && parts[i].part == part) {
            snprintf(text, size, "%s", parts[i].name);
            return;
        }
    snprintf(text, size, "CPU implementer 0x%lx, part 0x%lx", implementer, part);
}

/* Vendors pad their names with blanks. */
static char *squeeze(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++)
        if (*from != ' ' || (to != text && to[-1] != ' '))
            *to++ = *from;
    *to = '\0';
    return text;
}

static char *read_cpu(void)
{
    static const char *const keys[] = {"model name", "cpu model", "cpu", "uarch", "processor 0", NULL};
    char text[TEXT], part[64];
    for (const char *const *key = keys; *key; key++)
        if (sysfs_value(text, sizeof text, "/proc/cpuinfo", *key))
            return copy(squeeze(text));
    if (sysfs_value(text, sizeof text, "/proc/cpuinfo", "CPU implementer") &&
        sysfs_value(part, sizeof part, "/proc/cpuinfo", "CPU part")) {
        arm_name(text, sizeof text, strtol(text, NULL, 0), strtol(part, NULL, 0));
        return copy(text);
    }
    return copy(sysfs_line(text, sizeof text, "/proc/device-tree/model"));
}

/* A file below each usable unit's folder: what they all say, or "mixed". */
static char *read_of_all(const struct machine *machine, const char *file)
{
    char first[TEXT] = "", other[TEXT];
    for (unsigned i = 0; i < machine->count; i++) {
        if (!sysfs_line(other, sizeof other, CPUS "/cpu%u/%s", machine->units[i].pu, file))
            continue;
        if (*first && strcmp(first, other) != 0)
            return copy("mixed");
        memcpy(first, other, sizeof first);
    }
    return *first ? copy(first) : NULL;
}

static char *read_turbo(void)
{
    int64_t boost = sysfs_number(CPUS "/cpufreq/boost"), off = sysfs_number(CPUS "/intel_pstate/no_turbo");
    if (boost < 0 && off < 0)
        return NULL;
    return copy((boost >= 0 ? boost != 0 : off == 0) ? "on" : "off");
}

static char *read_smt(void)
{
    char text[TEXT];
    if (!sysfs_line(text, sizeof text, CPUS "/smt/control"))
        return NULL;
    if (strcmp(text, "notsupported") == 0)
        return copy("not supported");
    if (strcmp(text, "notimplemented") == 0)
        return NULL;
    return copy(text);
}

/* --- kernel ------------------------------------------------------------------------------------------------------ */

struct tally {
    unsigned clean, mitigated, vulnerable;
    char names[TEXT]; /* of the vulnerable ones */
};

static void tally_add(struct tally *tally, const char *name, const char *state)
{
    size_t used = strlen(tally->names);
    if (strncmp(state, "Not affected", 12) == 0) {
        tally->clean++;
    } else if (strncmp(state, "Mitigation", 10) == 0) {
        tally->mitigated++;
    } else {
        tally->vulnerable++;
        snprintf(tally->names + used, sizeof tally->names - used, "%s%s", used ? ", " : "", name);
    }
}

static int by_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Whether the kernel was started with this word. */
static bool booted_with(const char *word, char *found, size_t size)
{
    char line[4096], *rest = NULL;
    if (!sysfs_line(line, sizeof line, "/proc/cmdline"))
        return false;
    for (char *at = strtok_r(line, " ", &rest); at; at = strtok_r(NULL, " ", &rest))
        if (strncmp(at, word, strlen(word)) == 0) {
            snprintf(found, size, "%s", at);
            return true;
        }
    return false;
}

static char *read_mitigations(void)
{
    struct dirent **entries = NULL;
    struct tally tally = {.names = ""};
    char line[TEXT], asked[64] = "", text[TEXT + 200];
    int count = scandir(CPUS "/vulnerabilities", &entries, by_name, alphasort);
    for (int i = 0; i < count; i++) {
        if (sysfs_line(line, sizeof line, CPUS "/vulnerabilities/%s", entries[i]->d_name))
            tally_add(&tally, entries[i]->d_name, line);
        free(entries[i]);
    }
    free(entries);
    if (count <= 0)
        return NULL;
    booted_with("mitigations=", asked, sizeof asked);
    snprintf(text, sizeof text, "%s%s%u mitigated, %u vulnerable%s%s%s, %u not affected", asked, *asked ? ": " : "",
             tally.mitigated, tally.vulnerable, *tally.names ? " (" : "", tally.names, *tally.names ? ")" : "",
             tally.clean);
    return copy(text);
}

static char *read_aslr(void)
{
    int64_t level = sysfs_number("/proc/sys/kernel/randomize_va_space");
    int persona = personality(0xffffffff);
    if (persona >= 0 && (persona & ADDR_NO_RANDOMIZE))
        return copy("off for this process");
    return level < 0 ? NULL : copy(level == 0 ? "off" : level == 1 ? "on, but not the heap" : "on");
}

static char *read_preemption(const struct utsname *name)
{
    char text[64];
    if (sysfs_chosen(sysfs_line(text, sizeof text, "/sys/kernel/debug/sched/preempt")) ||
        booted_with("preempt=", text, sizeof text))
        return copy(strncmp(text, "preempt=", 8) == 0 ? text + 8 : text);
    if (strstr(name->version, "PREEMPT_RT"))
        return copy("real time");
    if (strstr(name->version, "PREEMPT_DYNAMIC"))
        return copy("dynamic, as the kernel was built");
    return copy(strstr(name->version, "PREEMPT") ? "full" : "none or voluntary");
}

static char *read_thp(void)
{
    char text[TEXT];
    return copy(sysfs_chosen(sysfs_line(text, sizeof text, "/sys/kernel/mm/transparent_hugepage/enabled")));
}

static char *read_idle_driver(void)
{
    char driver[64], governor[64], text[TEXT];
    if (!sysfs_line(driver, sizeof driver, CPUS "/cpuidle/current_driver"))
        return NULL;
    if (!sysfs_line(governor, sizeof governor, CPUS "/cpuidle/current_governor_ro"))
        return copy(driver);
    snprintf(text, sizeof text, "%s, governor %s", driver, governor);
    return copy(text);
}

static char *read_cpu_max(void)
{
    char text[64];
    double most = cgroup_cpus();
    if (isnan(most))
        return NULL;
    snprintf(text, sizeof text, "%.2f CPUs", most);
    return copy(isfinite(most) ? text : "no limit");
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

static char *read_os(void)
{
    char text[TEXT];
    if (sysfs_value(text, sizeof text, "/etc/os-release", "PRETTY_NAME") ||
        sysfs_value(text, sizeof text, "/usr/lib/os-release", "PRETTY_NAME"))
        return copy(text);
    return NULL;
}

static void read_machine(struct host *host, const struct topology *topology)
{
    const struct machine *machine = topology_machine(topology);
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    host->packages = machine->groups[LEVEL_PACKAGE];
    host->cores = machine->cores;
    host->pus = machine->count;
    host->memory_bytes = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
    host->governor = read_of_all(machine, "cpufreq/scaling_governor");
    host->cpufreq_driver = read_of_all(machine, "cpufreq/scaling_driver");
    host->topology_xml = topology_export(topology);
}

int host_read(struct host *host, const struct topology *topology, struct problem *problem)
{
    char text[TEXT];
    struct utsname name;
    const char *hypervisor = hypervisor_name();
    if (uname(&name))
        return problem_set(problem, EXIT_UNPROVED, "the system does not say what it is: %s", strerror(errno));
    host->name = copy(name.nodename);
    host->arch = copy(name.machine);
    snprintf(text, sizeof text, "%s %s", name.release, name.version);
    host->kernel = copy(text);
    snprintf(text, sizeof text, "glibc %s", gnu_get_libc_version());
    host->libc = copy(text);
    host->cpu = read_cpu();
    host->os = read_os();
    host->hypervisor = copy(hypervisor ? hypervisor : "none");
    host->clocksource =
        copy(sysfs_line(text, sizeof text, "/sys/devices/system/clocksource/clocksource0/current_clocksource"));
    host->turbo = read_turbo();
    host->smt = read_smt();
    host->mitigations = read_mitigations();
    host->thp = read_thp();
    host->aslr = read_aslr();
    host->preemption = read_preemption(&name);
    host->cgroup_cpu_max = read_cpu_max();
    host->idle_driver = read_idle_driver();
    if (getloadavg(&host->load_1min, 1) != 1)
        host->load_1min = NAN;
    read_machine(host, topology);
    return 0;
}

bool host_is_virtual(const struct host *host)
{
    return host->hypervisor && strcmp(host->hypervisor, "none") != 0;
}
