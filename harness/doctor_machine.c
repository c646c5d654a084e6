/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * doctor_machine.c - what the machine is like, and what that means: clock, frequency, siblings, CPUs that may be used.
 */
#include "harness/doctor.h"

#include "harness/host.h"
#include "harness/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CPUS "/sys/devices/system/cpu"

#define LOOK_CHEAP_NS   150 /* without a system call */
#define LOOK_DEAR_NS    1000
#define RESOLUTION_MOST 1000 /* ns */
#define LATE_BEWARE_NS  100000
#define LATE_SPOILED_NS 1000000

static bool is(const char *text, const char *word)
{
    return text && strcmp(text, word) == 0;
}

static const char *or_unknown(const char *text)
{
    return text ? text : "not told";
}

/* --- clocks ------------------------------------------------------------------------------------------------------ */

void judge_clock(const struct readings *r, struct diagnosis *f)
{
    static const char effect[] = "all cells: each look at the clock costs a part of what is measured, latencies most";
    const char *source = r->host->clocksource;
    double cost = r->timers.look_ns;
    char text[UNITS_TEXT];
    diagnosis_text(f, "clocksource", source);
    diagnosis_text(f, "available", *r->clocksources ? r->clocksources : NULL);
    diagnosis_number(f, "look_ns", cost);
    diagnosis_number(f, "resolution_ns", r->timers.resolution_ns);
    if (isnan(cost)) {
        snprintf(f->found, sizeof f->found, "%s", or_unknown(source));
        diagnosis_says(f, SEVERITY_UNKNOWN, "", "%s", "");
        return;
    }
    snprintf(f->found, sizeof f->found, "%s; a look costs %s", or_unknown(source), units_print_duration(text, cost));
    if (cost <= LOOK_CHEAP_NS && !(r->timers.resolution_ns > RESOLUTION_MOST))
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
    else if (!is(source, "tsc") && strstr(r->clocksources, "tsc"))
        diagnosis_says(f, cost < LOOK_DEAR_NS ? SEVERITY_BEWARE : SEVERITY_SPOILS, effect, "%s",
                       "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource");
    else
        diagnosis_says(f, cost < LOOK_DEAR_NS ? SEVERITY_BEWARE : SEVERITY_SPOILS, effect, "%s",
                       host_is_virtual(r->host) ? doctor_no_guest_mend : "none that this kernel offers");
}

void judge_timers(const struct readings *r, struct diagnosis *f)
{
    const struct timers *t = &r->timers;
    char late[UNITS_TEXT], worst[UNITS_TEXT], resolution[UNITS_TEXT];
    diagnosis_number(f, "resolution_ns", t->resolution_ns);
    diagnosis_number(f, "late_ns", t->late_ns);
    diagnosis_number(f, "late_worst_ns", t->late_worst_ns);
    diagnosis_number(f, "slack_ns", t->slack_ns);
    if (isnan(t->late_ns)) {
        snprintf(f->found, sizeof f->found, "could not be measured");
        diagnosis_says(f, SEVERITY_UNKNOWN, "", "%s", "");
        return;
    }
    snprintf(f->found, sizeof f->found, "resolution %s; a sleep of 100 \u00b5s ends %s late, at worst %s",
             units_print_duration(resolution, t->resolution_ns), units_print_duration(late, t->late_ns),
             units_print_duration(worst, t->late_worst_ns));
    if (t->late_ns < LATE_BEWARE_NS && !(t->resolution_ns > RESOLUTION_MOST))
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
    else
        diagnosis_says(f, t->late_ns < LATE_SPOILED_NS ? SEVERITY_BEWARE : SEVERITY_SPOILS,
                       "cells that wait for a time rather than for a message, as downloads do", "%s",
                       t->resolution_ns > RESOLUTION_MOST
                           ? "a kernel with CONFIG_HIGH_RES_TIMERS, started without highres=off"
                           : "see waking and other load");
}

/* --- frequency --------------------------------------------------------------------------------------------------- */

void judge_hypervisor(const struct readings *r, struct diagnosis *f)
{
    bool guest = host_is_virtual(r->host);
    diagnosis_text(f, "hypervisor", r->host->hypervisor);
    if (guest)
        snprintf(f->found, sizeof f->found, "a guest of %s", r->host->hypervisor);
    else
        snprintf(f->found, sizeof f->found, "none: this is the machine itself");
    if (guest)
        diagnosis_says(
            f, SEVERITY_BEWARE,
            "all cells: the host may move, halt and share these CPUs, and what it says of caches and siblings "
            "need not hold",
            "%s; for absolute figures, a machine of one's own or CPUs that the host binds", doctor_no_guest_mend);
    else
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
}

void judge_frequency(const struct readings *r, struct diagnosis *f)
{
    const char *governor = r->host->governor, *driver = r->host->cpufreq_driver;
    diagnosis_text(f, "governor", governor);
    diagnosis_text(f, "driver", driver);
    if (!governor) {
        snprintf(f->found, sizeof f->found, "no governor%s",
                 host_is_virtual(r->host) ? ": it is the host's affair" : "");
        diagnosis_says(f, host_is_virtual(r->host) ? SEVERITY_UNKNOWN : SEVERITY_FINE, "", "%s", "");
        return;
    }
    snprintf(f->found, sizeof f->found, "governor %s%s%s", governor, driver ? ", driver " : "", driver ? driver : "");
    if (is(governor, "performance"))
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
    else
        diagnosis_says(
            f, SEVERITY_BEWARE,
            "all cells: the clock follows the load, so that the first windows are slow, and workers that sleep "
            "between messages run at a lower clock than those that compute",
            "%s", "cpupower frequency-set -g performance (afterwards the same with the governor of before)");
}

void judge_turbo(const struct readings *r, struct diagnosis *f)
{
    const char *turbo = r->host->turbo, *driver = r->host->cpufreq_driver;
    diagnosis_text(f, "turbo", turbo);
    snprintf(f->found, sizeof f->found, "%s", or_unknown(turbo));
    if (!turbo && host_is_virtual(r->host))
        diagnosis_says(f, SEVERITY_UNKNOWN, "", "%s", "");
    else if (!is(turbo, "on"))
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
    else
        diagnosis_says(
            f, SEVERITY_BEWARE,
            "the clock falls as more cores are busy and as they warm up: scaling over workers looks worse than "
            "it is, and long runs end slower than they began",
            "%s",
            driver && strstr(driver, "intel_pstate") ? "echo 1 > " CPUS "/intel_pstate/no_turbo (0 afterwards)"
                                                     : "echo 0 > " CPUS "/cpufreq/boost (1 afterwards)");
}

/* --- which CPUs -------------------------------------------------------------------------------------------------- */

void judge_smt(const struct readings *r, struct diagnosis *f)
{
    unsigned siblings = r->units - r->cores;
    bool guest = host_is_virtual(r->host);
    diagnosis_text(f, "smt", r->host->smt);
    diagnosis_number(f, "units", r->units);
    diagnosis_number(f, "cores", r->cores);
    if (siblings > 0)
        snprintf(f->found, sizeof f->found, "%u of %u CPUs are second siblings of a core", siblings, r->units);
    else
        snprintf(f->found, sizeof f->found, "no two of the %u CPU%s are siblings%s", r->units, r->units == 1 ? "" : "s",
                 guest ? ", as far as the host tells; see moves" : "");
    if (siblings == 0)
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
    else
        diagnosis_says(
            f, SEVERITY_BEWARE,
            "cells with a worker per processing unit (-n pus, placement compact): siblings share a core, and "
            "are no two cores",
            "%s",
            "muster run --placement cores (the default) takes one of each core; so that nothing else runs "
            "beside a worker: echo off > " CPUS "/smt/control (on afterwards)");
}

void judge_units(const struct readings *r, struct diagnosis *f)
{
    const struct restrictions *c = &r->restrictions;
    bool fewer = c->online_count > r->units;
    diagnosis_number(f, "allowed", r->units);
    diagnosis_number(f, "online", c->online_count ? c->online_count : NAN);
    if (c->online_count)
        snprintf(f->found, sizeof f->found, "%u of %u that are online may be used", r->units, c->online_count);
    else
        snprintf(f->found, sizeof f->found, "%u may be used", r->units);
    if (r->cores < 2)
        diagnosis_says(f, SEVERITY_SPOILS, "cells with two workers and more: nothing runs side by side on one core",
                       "%s", fewer ? "allow more: taskset -c 0-1 muster run, or the cpuset of the container" : "none");
    else if (fewer)
        diagnosis_says(f, SEVERITY_FINE, "the other CPUs may still be used by other programs", "%s", "");
    else
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
}

void judge_isolated(const struct readings *r, struct diagnosis *f)
{
    const struct restrictions *c = &r->restrictions;
    diagnosis_text(f, "isolated", c->isolated);
    diagnosis_text(f, "nohz_full", c->nohz_full);
    diagnosis_number(f, "isolated_allowed", c->isolated_count);
    if (!*c->isolated && !*c->nohz_full)
        snprintf(f->found, sizeof f->found, "no CPU is kept for one program (isolcpus, nohz_full)");
    else
        snprintf(f->found, sizeof f->found, "isolcpus %.150s, nohz_full %.150s; %u of them may be used",
                 *c->isolated ? c->isolated : "none", *c->nohz_full ? c->nohz_full : "none", c->isolated_count);
    if (c->isolated_count > 0)
        diagnosis_says(f, SEVERITY_BEWARE,
                       "quiet for workers that are bound; with placement none the scheduler never spreads them over "
                       "isolated CPUs",
                       "%s", "muster run --placement cores (the default)");
    else
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
}
