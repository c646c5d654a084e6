/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * doctor_noise.c - what was measured, and what it means: waking, moves, time that is taken away, other load.
 *
 * The bounds are those by which a duet rejects a pair (reports/duet.h) where there is such a one. */
#include "harness/doctor.h"

#include "harness/host.h"
#include "harness/lanes.h"
#include "harness/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define WAKING_CHEAP_NS 5000 /* as long as a system call or two */
#define WAKING_HELPS    0.7  /* of the cost without it, at most */
#define BEWARE_STEAL    0.005
#define BEWARE_DELAY    0.005
#define SPOILED_DELAY   0.05
#define BEWARE_GAPS     0.002
#define SPOILED_GAPS    0.02
#define BEWARE_QUEUE    0.5 /* of the load average, per unit */

/* --- waking ------------------------------------------------------------------------------------------------------ */

/* What muster runs under unless told otherwise. */
static enum idle_mode usual_mode(const struct readings *r)
{
    return isfinite(r->wakings[IDLE_POLL].typical) ? IDLE_POLL : IDLE_SPIN;
}

static enum idle_mode cheapest_mode(const struct readings *r)
{
    enum idle_mode best = IDLE_NATURAL;
    for (int mode = 0; mode < IDLE_MODES; mode++)
        if (r->wakings[mode].typical < r->wakings[best].typical)
            best = (enum idle_mode)mode;
    return best;
}

static void found_waking(const struct readings *r, struct diagnosis *f)
{
    static const char *const names[][3] = {
        [IDLE_POLL] = {"poll_ns", "poll_low_ns", "poll_high_ns"},
        [IDLE_SPIN] = {"spin_ns", "spin_low_ns", "spin_high_ns"},
        [IDLE_NATURAL] = {"natural_ns", "natural_low_ns", "natural_high_ns"},
    };
    static const enum idle_mode order[] = {IDLE_NATURAL, IDLE_POLL, IDLE_SPIN};
    char typical[UNITS_TEXT], low[UNITS_TEXT], high[UNITS_TEXT];
    size_t used = 0;
    for (int i = 0; i < IDLE_MODES; i++) {
        const struct waking *w = &r->wakings[order[i]];
        if (isnan(w->typical))
            used += (size_t)snprintf(f->found + used, sizeof f->found - used, "%s%s: not had (%.100s)", i ? ", " : "",
                                     idle_name(order[i]), w->why);
        else
            used += (size_t)snprintf(f->found + used, sizeof f->found - used, "%s%s: %s (%s to %s)", i ? ", " : "",
                                     idle_name(order[i]), units_print_duration(typical, w->typical),
                                     units_print_duration(low, w->low), units_print_duration(high, w->high));
        diagnosis_number(f, names[order[i]][0], w->typical);
        diagnosis_number(f, names[order[i]][1], w->low);
        diagnosis_number(f, names[order[i]][2], w->high);
    }
}

void judge_waking(const struct readings *r, struct diagnosis *f)
{
    static const char natural_only[] = "cells that sleep for a message (pipes, sockets, sleeping locks, forks) measure "
                                       "mostly the waking in idle mode natural; not so in the usual one";
    static const char always[] =
        "cells that sleep for a message (pipes, sockets, sleeping locks, forks) measure mostly "
        "the waking, in the usual idle mode too";
    double natural = r->wakings[IDLE_NATURAL].typical, usual = r->wakings[usual_mode(r)].typical;
    if (r->units < 2) {
        snprintf(f->found, sizeof f->found, "one CPU may be used, so none is woken by another");
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
        return;
    }
    found_waking(r, f);
    if (isnan(natural) || isnan(usual))
        diagnosis_says(f, SEVERITY_UNKNOWN, "", "%s", "");
    else if (natural <= WAKING_CHEAP_NS)
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
    else if (cheapest_mode(r) != usual_mode(r) && r->wakings[cheapest_mode(r)].typical < WAKING_HELPS * usual)
        diagnosis_says(f, SEVERITY_SPOILS, always, "muster run --idle %s", idle_name(cheapest_mode(r)));
    else if (usual <= WAKING_CHEAP_NS || usual < WAKING_HELPS * natural)
        diagnosis_says(f, SEVERITY_BEWARE, natural_only, "muster run --idle %s (the default here)",
                       idle_name(usual_mode(r)));
    else
        diagnosis_says(f, SEVERITY_SPOILS, always, "%s",
                       isfinite(r->wakings[IDLE_POLL].typical)
                           ? "no idle mode makes it cheaper now; see other load"
                           : "as root: chmod o+w /dev/cpu_dma_latency; then muster run --idle poll");
}

/* --- moves ------------------------------------------------------------------------------------------------------- */

static void found_lanes(const struct readings *r, struct diagnosis *f)
{
    static const char *const names[LANES][3] = {
        [LANE_SPIN] = {"spin_per_s", "spin_low_per_s", "spin_high_per_s"},
        [LANE_CALL] = {"call_per_s", "call_low_per_s", "call_high_per_s"},
        [LANE_MEMORY] = {"memory_per_s", "memory_low_per_s", "memory_high_per_s"},
        [LANE_LINE] = {"line_per_s", "line_low_per_s", "line_high_per_s"},
    };
    char low[UNITS_TEXT], high[UNITS_TEXT];
    size_t used = 0;
    for (int lane = 0; lane < LANES; lane++) {
        const struct lane_range *range = &r->lanes[lane];
        if (isnan(range->median))
            continue;
        used += (size_t)snprintf(
            f->found + used, sizeof f->found - used, "%sthe %s lane moved between %s/s and %s/s (\u00b1%.*f %%)",
            used ? "; " : "", lane_name((enum lane)lane), units_print_count(low, range->low),
            units_print_count(high, range->high), lane_around(range) < 0.0995 ? 1 : 0, 100 * lane_around(range));
        diagnosis_number(f, names[lane][0], range->median);
        diagnosis_number(f, names[lane][1], range->low);
        diagnosis_number(f, names[lane][2], range->high);
    }
    diagnosis_number(f, "readings", r->lane_readings);
}

/* What a lane's movement tells of, for the lane that moved most. */
static const char *moves_effect(enum lane lane, bool guest)
{
    static const char *const effects[LANES][2] = {
        [LANE_SPIN] = {"the processor's clock changes: all cells, and scaling over workers most",
                       "the host changes the clock or shares the core with others: all cells"},
        [LANE_CALL] = {"system calls change their cost: cells of pipes, sockets and forks",
                       "system calls change their cost, as where a sibling is shared with others: cells of pipes, "
                       "sockets and forks"},
        [LANE_MEMORY] = {"others use the memory or the last-level cache: cells with large payloads",
                         "other guests use the memory or the last-level cache: cells with large payloads"},
        [LANE_LINE] = {"what two CPUs share moves at changing speed: cells that write to one line, by up to this much",
                       "the host moves virtual CPUs between siblings of one core and cores apart: cells in which "
                       "workers write to one line change by up to this much, for seconds at a time"},
    };
    return effects[lane][guest];
}

void judge_moves(const struct readings *r, struct diagnosis *f)
{
    static const char mixed[] = "all cells; other programs ran meanwhile, and what they do and what the host does are "
                                "not told apart";
    static const char duet[] = "muster duet compares neighbours in time, and rejects what moved in between";
    int lane = lane_widest(r);
    bool guest = host_is_virtual(r->host), alone = doctor_foreign(r) < DOCTOR_FOREIGN;
    if (lane < 0) {
        snprintf(f->found, sizeof f->found, "the control lanes could not be read%s%.150s", *r->trouble ? ": " : "",
                 r->trouble);
        diagnosis_says(f, SEVERITY_UNKNOWN, "", "%s", "");
        return;
    }
    found_lanes(r, f);
    double widest = lane_around(&r->lanes[lane]);
    if (widest < DOCTOR_MOVED)
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
    else
        diagnosis_says(f, widest < SPOILED_DRIFT ? SEVERITY_BEWARE : SEVERITY_SPOILS,
                       alone ? moves_effect((enum lane)lane, guest) : mixed, "%s; %s",
                       !alone  ? "see other load"
                       : guest ? doctor_no_guest_mend
                               : "see frequency and turbo",
                       duet);
}

/* --- time that is taken away ------------------------------------------------------------------------------------- */

/* Of all the units' time while spinners ran. */
static double share(const struct readings *r, double seconds)
{
    return seconds / (r->spinning.elapsed_s * r->units);
}

void judge_steal(const struct readings *r, struct diagnosis *f)
{
    double stolen = share(r, r->spinning.steal_s);
    bool guest = host_is_virtual(r->host);
    diagnosis_number(f, "steal_s", r->spinning.steal_s);
    diagnosis_number(f, "elapsed_s", r->spinning.elapsed_s);
    if (isnan(stolen))
        snprintf(f->found, sizeof f->found, "the kernel does not tell what the host takes");
    else
        snprintf(f->found, sizeof f->found, "%.1f %% of the time was taken by the host while every CPU was busy%s",
                 100 * stolen, guest && stolen <= 0 ? "; some hypervisors take and do not tell" : "");
    if (isnan(stolen))
        diagnosis_says(f, guest ? SEVERITY_UNKNOWN : SEVERITY_FINE, "", "%s", "");
    else if (stolen <= BEWARE_STEAL)
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
    else
        diagnosis_says(
            f, stolen < SPOILED_STEAL ? SEVERITY_BEWARE : SEVERITY_SPOILS,
            "all cells: windows in which a CPU was taken away are slow, most where workers wait for each other",
            "%s; another time of day, or a machine with CPUs of its own", doctor_no_guest_mend);
}

void judge_delay(const struct readings *r, struct diagnosis *f)
{
    double delayed = share(r, r->spinning.delay_s);
    diagnosis_number(f, "delay_s", r->spinning.delay_s);
    diagnosis_number(f, "delay_worst_s", r->spinning.delay_worst_s);
    diagnosis_number(f, "elapsed_s", r->spinning.elapsed_s);
    if (isnan(delayed)) {
        snprintf(f->found, sizeof f->found, "the kernel does not tell (/proc/PID/schedstat)");
        diagnosis_says(f, SEVERITY_UNKNOWN, "", "%s", "");
        return;
    }
    diagnosis_number(f, "delay_worst_unit", r->spinning.delay_worst_unit);
    snprintf(f->found, sizeof f->found, "a spinner waited for its CPU %.1f %% of the time, on CPU %u %.1f %%",
             100 * delayed, r->spinning.delay_worst_unit, 100 * r->spinning.delay_worst_s / r->spinning.elapsed_s);
    if (delayed <= BEWARE_DELAY)
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
    else
        diagnosis_says(f, delayed < SPOILED_DELAY ? SEVERITY_BEWARE : SEVERITY_SPOILS,
                       "all cells: workers stand in line behind other programs of this system", "%s",
                       "see other load; or run on other CPUs: taskset -c CPUS muster run");
}

void judge_gaps(const struct readings *r, struct diagnosis *f)
{
    double lost = share(r, r->spinning.gaps_s);
    char longest[UNITS_TEXT];
    diagnosis_number(f, "gaps_s", r->spinning.gaps_s);
    diagnosis_number(f, "gap_longest_s", r->spinning.gap_longest_s);
    diagnosis_number(f, "ran_spread", r->spinning.ran.spread);
    if (isnan(lost)) {
        snprintf(f->found, sizeof f->found, "no spinner could be started");
        diagnosis_says(f, SEVERITY_UNKNOWN, "", "%s", "");
        return;
    }
    snprintf(f->found, sizeof f->found, "spinners did not run for %.2f %% of the time, at worst %s at once", 100 * lost,
             units_print_duration(longest, 1e9 * r->spinning.gap_longest_s));
    if (lost <= BEWARE_GAPS)
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
    else
        diagnosis_says(
            f, lost < SPOILED_GAPS ? SEVERITY_BEWARE : SEVERITY_SPOILS,
            "all cells, latencies of 99 % and more first: interrupts, other programs or the host took the CPU", "%s",
            host_is_virtual(r->host) ? "see steal and run delay; what the host takes cannot be mended here"
                                     : "see run delay; interrupts: cat /proc/interrupts, and systemctl stop "
                                       "irqbalance with IRQs bound elsewhere");
}

/* --- other load -------------------------------------------------------------------------------------------------- */

static void found_load(const struct readings *r, struct diagnosis *f, double foreign)
{
    const struct load *load = &r->load;
    size_t used = (size_t)snprintf(f->found, sizeof f->found, "others used %.0f %% of a CPU", 100 * foreign);
    if (isfinite(r->host->load_1min))
        used += (size_t)snprintf(f->found + used, sizeof f->found - used, ", load average %.1f", r->host->load_1min);
    for (unsigned i = 0; i < load->busiest_count; i++)
        used += (size_t)snprintf(f->found + used, sizeof f->found - used, "%s%s (%d) %.0f %%",
                                 i ? ", " : "; busiest: ", load->busiest[i].command, load->busiest[i].pid,
                                 100 * load->busiest[i].share);
    diagnosis_number(f, "foreign_cpus", foreign);
    diagnosis_number(f, "load_1min", r->host->load_1min);
    if (load->busiest_count > 0) {
        diagnosis_text(f, "busiest", load->busiest[0].command);
        diagnosis_number(f, "busiest_pid", load->busiest[0].pid);
        diagnosis_number(f, "busiest_cpus", load->busiest[0].share);
    }
}

void judge_load(const struct readings *r, struct diagnosis *f)
{
    static const char effect[] = "all cells: workers wait for their CPU, and caches are shared with others";
    double foreign = doctor_foreign(r);
    if (isnan(foreign)) {
        snprintf(f->found, sizeof f->found, "the kernel does not tell (/proc/stat)");
        diagnosis_says(f, SEVERITY_UNKNOWN, "", "%s", "");
        return;
    }
    found_load(r, f, foreign);
    if (foreign <= DOCTOR_FOREIGN && !(r->host->load_1min > BEWARE_QUEUE * r->units))
        diagnosis_says(f, SEVERITY_FINE, "", "%s", "");
    else if (foreign <= DOCTOR_FOREIGN)
        diagnosis_says(f, SEVERITY_BEWARE, effect, "%s", "quiet now, but lately it was not: look again in a minute");
    else if (r->load.busiest_count > 0)
        diagnosis_says(f, foreign < SPOILED_FOREIGN ? SEVERITY_BEWARE : SEVERITY_SPOILS, effect,
                       "wait for them to end, or keep them off the CPUs that are measured: taskset -a -p -c CPUS %d",
                       r->load.busiest[0].pid);
    else
        diagnosis_says(
            f, foreign < SPOILED_FOREIGN ? SEVERITY_BEWARE : SEVERITY_SPOILS, effect, "%s",
            "it is not seen who: programs that live shortly, such as a build's, or some outside of this container");
}
