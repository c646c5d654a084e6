/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_doctor.c - what readings mean, on machines that do not exist; and that the command looks, prints and ends in
 * time. What it finds on this machine is not tested. */
#include "harness/doctor.h"
#include "tests/cli.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>
#include <jansson.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMMAND_LIMIT_S = 20 };

/* --- machines ---------------------------------------------------------------------------------------------------- */

static const struct host quiet_host = {
    .cpu = (char *)"A CPU",
    .hypervisor = (char *)"none",
    .clocksource = (char *)"tsc",
    .governor = (char *)"performance",
    .cpufreq_driver = (char *)"acpi-cpufreq",
    .turbo = (char *)"off",
    .thp = (char *)"madvise",
    .aslr = (char *)"on",
    .load_1min = 0.1,
};

static struct lane_range steady(double rate)
{
    return (struct lane_range){.low = 0.99 * rate, .median = rate, .high = 1.01 * rate, .spread = 0.005, .step = 0.004};
}

static struct waking costs(double ns)
{
    return (struct waking){.typical = ns, .low = 0.9 * ns, .high = 1.2 * ns};
}

/* Four cores of one's own, where nothing is wrong. */
static struct readings quiet(const struct host *host)
{
    return (struct readings){
        .host = host,
        .units = 4,
        .cores = 4,
        .wakings = {[IDLE_POLL] = costs(1500), [IDLE_SPIN] = costs(3000), [IDLE_NATURAL] = costs(4000)},
        .spinning = {.elapsed_s = 1,
                     .delay_s = 0.001,
                     .delay_worst_s = 0.001,
                     .gaps_s = 0.002,
                     .ran = {.spread = 0.001, .step = 0.001}},
        .lanes = {steady(1e9), steady(1e7), steady(7e7), steady(5e7)},
        .lane_readings = 100,
        .load = {.elapsed_s = 1, .foreign_s = 0.01},
        .timers = {.resolution_ns = 1, .look_ns = 20, .late_ns = 55000, .late_worst_ns = 90000, .slack_ns = 50000},
        .restrictions = {.online = "0-3", .online_count = 4},
        .limits = {.processes = INFINITY, .group_processes = INFINITY, .group_memory_bytes = INFINITY},
        .clocksources = "tsc hpet acpi_pm",
        .group_cpus = INFINITY,
        .counters = COUNTERS_READ,
        .paranoid = 2,
    };
}

/* What one check says; valid until the next call. */
static const struct diagnosis *ask(const struct readings *r, const char *name)
{
    static struct diagnosis found;
    struct diagnosis *all = calloc(doctor_check_count(), sizeof *all);
    CU_ASSERT_PTR_NOT_NULL_FATAL(all);
    doctor_judge(r, all);
    found = (struct diagnosis){.name = NULL};
    for (size_t i = 0; i < doctor_check_count(); i++)
        if (strcmp(all[i].name, name) == 0)
            found = all[i];
    free(all);
    CU_ASSERT_PTR_NOT_NULL_FATAL(found.name);
    return &found;
}

static double value_of(const struct diagnosis *f, const char *name)
{
    for (size_t i = 0; i < f->value_count; i++)
        if (strcmp(f->values[i].name, name) == 0)
            return f->values[i].number;
    return NAN;
}

static void says(const struct readings *r, const char *name, enum severity severity, const char *mend)
{
    const struct diagnosis *f = ask(r, name);
    if (f->severity != severity || !strstr(f->mend, mend))
        fprintf(stderr, "%s: %s, \"%s\", mend \"%s\"\n", name, severity_name(f->severity), f->found, f->mend);
    CU_ASSERT_EQUAL(f->severity, severity);
    CU_ASSERT_PTR_NOT_NULL(strstr(f->mend, mend));
    CU_ASSERT(*f->found != '\0');
    CU_ASSERT((severity < SEVERITY_BEWARE) || (*f->effect != '\0' && *f->mend != '\0'));
}

/* --- meanings ---------------------------------------------------------------------------------------------------- */

static void all_is_well(void)
{
    struct readings r = quiet(&quiet_host);
    struct diagnosis *all = calloc(doctor_check_count(), sizeof *all);
    char line[600];
    CU_ASSERT_PTR_NOT_NULL_FATAL(all);
    doctor_judge(&r, all);
    for (size_t i = 0; i < doctor_check_count(); i++) {
        if (all[i].severity != SEVERITY_FINE)
            fprintf(stderr, "%s: %s\n", all[i].name, all[i].found);
        CU_ASSERT_EQUAL(all[i].severity, SEVERITY_FINE);
    }
    free(all);
    /* expm1(hypot(0.005, 0.001) * 1.25 * 1.96 * sqrt(2 / 6)) */
    CU_ASSERT_DOUBLE_EQUAL(doctor_unseen_by_runs(&r), 0.00724, 1e-5);
    CU_ASSERT_EQUAL(doctor_unseen_by_duet(&r), 0.01);
    CU_ASSERT_PTR_EQUAL(doctor_line(&r, line, sizeof line), line);
    CU_ASSERT_PTR_NOT_NULL(strstr(line, "waking an idle CPU costs 4 \u00b5s (poll: 1.5 \u00b5s"));
    CU_ASSERT_PTR_NOT_NULL(strstr(line, "differences under 0.7 % cannot be seen with muster run, nor under 1.0 %"));
    CU_ASSERT_PTR_NULL(strstr(line, "the host moves"));
    CU_ASSERT_PTR_NULL(strstr(line, "stolen"));
}

static void nothing_is_known(void)
{
    static const struct host host = {.load_1min = NAN};
    const double none[] = {NAN};
    struct readings r = quiet(&host);
    char line[600];
    for (int mode = 0; mode < IDLE_MODES; mode++)
        r.wakings[mode] = (struct waking){.typical = NAN, .low = NAN, .high = NAN, .why = "nobody woke"};
    for (int lane = 0; lane < LANES; lane++)
        r.lanes[lane] = lane_range_of(none, 1);
    r.spinning = (struct spinning){.elapsed_s = NAN,
                                   .delay_s = NAN,
                                   .delay_worst_s = NAN,
                                   .steal_s = NAN,
                                   .gaps_s = NAN,
                                   .gap_longest_s = NAN,
                                   .throttled = NAN,
                                   .ran = lane_range_of(NULL, 0)};
    r.load.foreign_s = NAN;
    r.timers = (struct timers){NAN, NAN, NAN, NAN, NAN};
    r.limits = (struct limits){NAN, NAN, NAN};
    r.group_cpus = NAN;
    r.counters = COUNTERS_UNKNOWN;
    r.paranoid = COUNTERS_UNTOLD;
    static const char *const unknown[] = {"waking",     "moves",        "run delay", "clock gaps",
                                          "other load", "clock source", "timers",    "CPU quota",
                                          "ulimits",    "ASLR",         "counters"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        says(&r, unknown[i], SEVERITY_UNKNOWN, "");
    CU_ASSERT(isnan(doctor_unseen_by_runs(&r)) && isnan(doctor_unseen_by_duet(&r)));
    CU_ASSERT_PTR_NOT_NULL(strstr(doctor_line(&r, line, sizeof line), "not known"));
    CU_ASSERT_PTR_NULL(strstr(line, "nan"));
}

static void bare_metal(void)
{
    struct host host = quiet_host;
    struct readings r = quiet(&host);
    host.governor = (char *)"powersave";
    host.cpufreq_driver = (char *)"intel_pstate";
    host.turbo = (char *)"on";
    host.thp = (char *)"always";
    host.aslr = (char *)"off";
    host.clocksource = (char *)"hpet";
    r.timers.look_ns = 1800;
    r.cores = 2;
    says(&r, "frequency", SEVERITY_BEWARE, "cpupower frequency-set -g performance");
    says(&r, "turbo", SEVERITY_BEWARE, "intel_pstate/no_turbo");
    says(&r, "SMT", SEVERITY_BEWARE, "--placement cores");
    says(&r, "huge pages", SEVERITY_BEWARE, "echo madvise");
    says(&r, "ASLR", SEVERITY_BEWARE, "randomize_va_space=2");
    says(&r, "clock source", SEVERITY_SPOILS, "echo tsc");
    says(&r, "hypervisor", SEVERITY_FINE, "");
    host.cpufreq_driver = (char *)"acpi-cpufreq";
    host.aslr = (char *)"off for this process";
    memset(r.clocksources, 0, sizeof r.clocksources);
    says(&r, "turbo", SEVERITY_BEWARE, "cpufreq/boost");
    says(&r, "ASLR", SEVERITY_BEWARE, "setarch");
    says(&r, "clock source", SEVERITY_SPOILS, "none");
}

static void a_guest(void)
{
    struct host host = quiet_host;
    struct readings r = quiet(&host);
    char line[600];
    host.hypervisor = (char *)"KVM";
    host.governor = host.turbo = NULL;
    r.lanes[LANE_LINE] = (struct lane_range){.low = 45e6, .median = 60e6, .high = 70e6, .spread = 0.2, .step = 0.02};
    r.spinning.steal_s = 0.12;
    r.counters = COUNTERS_ABSENT;
    says(&r, "hypervisor", SEVERITY_BEWARE, doctor_no_guest_mend);
    says(&r, "moves", SEVERITY_SPOILS, doctor_no_guest_mend);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(ask(&r, "moves")->found, "the line lane moved between 45 M/s and 70 M/s (\u00b122 %)"));
    CU_ASSERT_EQUAL(value_of(ask(&r, "moves"), "line_high_per_s"), 70e6);
    says(&r, "steal", SEVERITY_SPOILS, doctor_no_guest_mend);
    says(&r, "frequency", SEVERITY_UNKNOWN, "");
    doctor_line(&r, line, sizeof line);
    CU_ASSERT_PTR_NOT_NULL(strstr(line, "the host moves vCPUs (line lane \u00b122 %), 3.0 % stolen, so differences"));
    /* With others at work, nobody knows who moved it. */
    r.load.foreign_s = 1.5;
    CU_ASSERT_PTR_NOT_NULL(strstr(ask(&r, "moves")->effect, "not told apart"));
    CU_ASSERT_PTR_NULL(strstr(doctor_line(&r, line, sizeof line), "the host moves"));
    CU_ASSERT_PTR_NOT_NULL(strstr(line, "others use 150 % of a CPU"));
    r.load.foreign_s = 0;
    r.spinning.steal_s = 0;
    says(&r, "steal", SEVERITY_FINE, "");
    CU_ASSERT_PTR_NOT_NULL(strstr(ask(&r, "steal")->found, "do not tell"));
    r.lanes[LANE_LINE] = steady(5e7);
    says(&r, "moves", SEVERITY_FINE, "");
}

static void waking_modes(void)
{
    struct readings r = quiet(&quiet_host);
    r.wakings[IDLE_NATURAL] = costs(43000);
    says(&r, "waking", SEVERITY_BEWARE, "--idle poll");
    CU_ASSERT_EQUAL(value_of(ask(&r, "waking"), "natural_ns"), 43000);
    r.wakings[IDLE_POLL] = costs(40000);
    says(&r, "waking", SEVERITY_SPOILS, "--idle spin");
    r.wakings[IDLE_SPIN] = costs(39000);
    says(&r, "waking", SEVERITY_SPOILS, "no idle mode");
    r.wakings[IDLE_POLL] = (struct waking){.typical = NAN, .low = NAN, .high = NAN, .why = "not permitted"};
    says(&r, "waking", SEVERITY_SPOILS, "cpu_dma_latency");
    CU_ASSERT_PTR_NOT_NULL(strstr(ask(&r, "waking")->found, "poll: not had (not permitted)"));
    r.wakings[IDLE_SPIN] = costs(4000);
    says(&r, "waking", SEVERITY_BEWARE, "--idle spin");
    r.units = r.cores = 1;
    says(&r, "waking", SEVERITY_FINE, "");
    says(&r, "CPUs", SEVERITY_SPOILS, "taskset");
}

static void a_container(void)
{
    struct readings r = quiet(&quiet_host);
    r.group_cpus = 1.5;
    snprintf(r.group_folder, sizeof r.group_folder, "/sys/fs/cgroup/box");
    says(&r, "CPU quota", SEVERITY_SPOILS, "echo max > /sys/fs/cgroup/box/cpu.max");
    r.group_cpus = 4;
    says(&r, "CPU quota", SEVERITY_FINE, "");
    r.spinning.throttled = 3;
    says(&r, "CPU quota", SEVERITY_SPOILS, "");
    CU_ASSERT_EQUAL(value_of(ask(&r, "CPU quota"), "throttled"), 3);
    snprintf(r.group_folder, sizeof r.group_folder, "/sys/fs/cgroup/cpu/box");
    says(&r, "CPU quota", SEVERITY_SPOILS, "echo -1 > /sys/fs/cgroup/cpu/box/cpu.cfs_quota_us");
    r.limits.group_processes = 64;
    says(&r, "ulimits", SEVERITY_BEWARE, "--pids-limit");
    r.limits.processes = 32;
    says(&r, "ulimits", SEVERITY_BEWARE, "ulimit -u");
    r.limits = (struct limits){INFINITY, INFINITY, 256.0 * 1048576};
    says(&r, "ulimits", SEVERITY_BEWARE, "--memory");
    r.counters = COUNTERS_FORBIDDEN;
    r.paranoid = 4;
    says(&r, "counters", SEVERITY_FINE, "perf_event_paranoid=2");
    r.restrictions.online_count = 8;
    snprintf(r.restrictions.isolated, sizeof r.restrictions.isolated, "2-3");
    r.restrictions.isolated_count = 2;
    says(&r, "CPUs", SEVERITY_FINE, "");
    says(&r, "isolation", SEVERITY_BEWARE, "--placement cores");
}

static void others_at_work(void)
{
    struct host host = quiet_host;
    struct readings r = quiet(&host);
    r.load.foreign_s = 0.9;
    says(&r, "other load", SEVERITY_SPOILS, "outside of this container");
    r.load.busiest[0] = (struct busy_process){.pid = 4711, .command = "busy", .share = 0.9};
    r.load.busiest_count = 1;
    says(&r, "other load", SEVERITY_SPOILS, "taskset -a -p -c CPUS 4711");
    CU_ASSERT_PTR_NOT_NULL(strstr(ask(&r, "other load")->found, "busy (4711) 90 %"));
    r.load.foreign_s = 0.2;
    says(&r, "other load", SEVERITY_BEWARE, "4711");
    r.load.foreign_s = 0.01;
    host.load_1min = 3.5;
    says(&r, "other load", SEVERITY_BEWARE, "look again");
    r.spinning.delay_s = 0.8;
    r.spinning.delay_worst_s = 0.5;
    r.spinning.delay_worst_unit = 3;
    says(&r, "run delay", SEVERITY_SPOILS, "other load");
    CU_ASSERT_PTR_NOT_NULL(strstr(ask(&r, "run delay")->found, "20.0 % of the time, on CPU 3 50.0 %"));
    r.spinning.gaps_s = 0.04;
    says(&r, "clock gaps", SEVERITY_BEWARE, "run delay");
    r.spinning.ran.spread = r.spinning.ran.step = 0.2;
    CU_ASSERT(doctor_unseen_by_runs(&r) > 0.3 && doctor_unseen_by_runs(&r) < 0.35);
    CU_ASSERT(doctor_unseen_by_duet(&r) > 0.14 && doctor_unseen_by_duet(&r) < 0.17);
    r.spinning.ran.spread = 2;
    CU_ASSERT_EQUAL(doctor_unseen_by_runs(&r), 1);
    r.timers.late_ns = 4e6;
    says(&r, "timers", SEVERITY_SPOILS, "waking");
}

/* Two states, four readings of five in one of them; then rates that climb evenly. */
static void ranges(void)
{
    double rates[100];
    for (int i = 0; i < 100; i++)
        rates[i] = i % 5 ? 100 : 50;
    struct lane_range range = lane_range_of(rates, 100);
    CU_ASSERT_EQUAL(range.median, 100);
    CU_ASSERT_EQUAL(range.low, 50);
    CU_ASSERT_EQUAL(range.high, 100);
    CU_ASSERT_DOUBLE_EQUAL(lane_around(&range), 1.0 / 3, 1e-9);
    for (int i = 0; i < 100; i++)
        rates[i] = 100 * exp(0.001 * i);
    range = lane_range_of(rates, 100);
    CU_ASSERT(range.spread > 0.03 && range.spread < 0.04);
    CU_ASSERT(range.step < 1e-9);
    range = lane_range_of(rates, 1);
    CU_ASSERT(range.median == 100 && isnan(range.spread) && isnan(range.step));
}

/* --- the command ------------------------------------------------------------------------------------------------- */

static void table(void)
{
    struct said said = cli_run("doctor", "-t", "100ms", NULL);
    cli_fine(said);
    CU_ASSERT(cli_width(said.out) <= 80);
    for (const struct check *check = doctor_checks; check->name; check++)
        CU_ASSERT_PTR_NOT_NULL(strstr(said.out, check->name));
    CU_ASSERT_EQUAL(cli_count(said.out, "noise here: "), 1);
    CU_ASSERT_EQUAL(cli_count(said.out, "nan"), 0);
}

static void json(void)
{
    struct said said = cli_run("doctor", "-t", "100ms", "--format", "json", NULL);
    cli_fine(said);
    json_t *root = json_loads(said.out, 0, NULL), *finding;
    size_t i;
    CU_ASSERT_PTR_NOT_NULL_FATAL(root);
    CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "findings")), doctor_check_count());
    json_array_foreach(json_object_get(root, "findings"), i, finding)
    {
        CU_ASSERT_TRUE(json_is_string(json_object_get(finding, "severity")));
        CU_ASSERT_TRUE(json_is_string(json_object_get(finding, "found")));
        CU_ASSERT_TRUE(json_is_object(json_object_get(finding, "values")));
    }
    CU_ASSERT_TRUE(json_is_string(json_object_get(json_object_get(root, "noise"), "line")));
    json_decref(root);
}

static void refusals(void)
{
    cli_refused(cli_run("doctor", "-t", "1ms", NULL), EXIT_USAGE, "--time");
    cli_refused(cli_run("doctor", "-t", "2h", NULL), EXIT_USAGE, "--time");
    cli_refused(cli_run("doctor", "--format", "csv", NULL), EXIT_USAGE, "csv");
    cli_refused(cli_run("doctor", "patient", NULL), EXIT_USAGE, "patient");
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "doctor: where all is well", .run = all_is_well},
        {.name = "doctor: where nothing is known", .run = nothing_is_known},
        {.name = "doctor: bare metal with its defaults", .run = bare_metal},
        {.name = "doctor: a guest that is moved about", .run = a_guest},
        {.name = "doctor: what waking costs", .run = waking_modes},
        {.name = "doctor: a container", .run = a_container},
        {.name = "doctor: others at work", .run = others_at_work},
        {.name = "doctor: ranges of lanes", .run = ranges},
        {.name = "doctor: the table", .run = table, .limit_s = COMMAND_LIMIT_S},
        {.name = "doctor: JSON", .run = json, .limit_s = COMMAND_LIMIT_S},
        {.name = "doctor: refusals", .run = refusals},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
