/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * doctor_measure.c - what must be measured to be known: waking, spinning, the control lanes, timers.
 *
 * An idle mode is held while it is measured, and is gone afterwards; helpers spin and sleep. Nothing else of the
 * machine is touched. */
#include "harness/doctor.h"

#include "bench/ipc/memory.h"
#include "harness/cgroup.h"
#include "harness/clock.h"
#include "harness/helper.h"
#include "harness/lanes.h"
#include "harness/probe.h"
#include "harness/stolen.h"
#include "harness/wake.h"
#include "reports/statistics.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define WAKE_SAMPLES  9
#define LANES_REST_NS 16000000 /* about the length of a window between two readings */
#define STRETCHES     15       /* of a spinner's time: 80 ms each in the usual time */
#define RAN_LEAST     0.01
#define SLEEP_NS      100000
#define LOOKS         4096
#define SERIES_MOST   4096   /* readings that are kept */
#define NORMAL_84     0.8413 /* a normal distribution's quantile at one standard deviation */

static void rest(int64_t ns)
{
    struct timespec t = {.tv_sec = ns / NS_PER_S, .tv_nsec = (long)(ns % NS_PER_S)};
    nanosleep(&t, NULL);
}

/* All allowed units by number; NULL when memory is short. Freed by the caller. */
static unsigned *all_units(const struct machine *machine)
{
    unsigned *units = calloc(machine->count + 1, sizeof *units);
    for (unsigned i = 0; units && i < machine->count; i++)
        units[i] = machine->units[i].pu;
    return units;
}

/* Two units on different cores where there are such, as a run's first two workers are placed. */
static void two_units(const struct machine *machine, unsigned pair[2])
{
    pair[0] = machine->units[0].pu;
    pair[1] = machine->units[machine->count > 1].pu;
    for (unsigned i = 1; i < machine->count; i++)
        if (!placement_same_core(&machine->units[0], &machine->units[i])) {
            pair[1] = machine->units[i].pu;
            return;
        }
}

/* --- ranges ------------------------------------------------------------------------------------------------------ */

/* Half of what lies between the quantiles that hold the middle 68 %. */
static double robust_spread(const double *values, size_t count)
{
    return (statistics_quantile(values, count, NORMAL_84) - statistics_quantile(values, count, 1 - NORMAL_84)) / 2;
}

struct lane_range lane_range_of(const double *rates, size_t count)
{
    double *logs = calloc(count + 1, sizeof *logs), *steps = calloc(count + 1, sizeof *steps);
    struct lane_range range = {
        .low = statistics_quantile(rates, count, 0.05),
        .median = statistics_median(rates, count),
        .high = statistics_quantile(rates, count, 0.95),
        .spread = NAN,
        .step = NAN,
    };
    if (logs && steps && count > 1) {
        for (size_t i = 0; i < count; i++)
            logs[i] = log(rates[i]);
        for (size_t i = 1; i < count; i++)
            steps[i - 1] = (logs[i] - logs[i - 1]) / sqrt(2);
        range.spread = robust_spread(logs, count);
        range.step = robust_spread(steps, count - 1);
    }
    free(logs);
    free(steps);
    return range;
}

/* --- waking ------------------------------------------------------------------------------------------------------ */

static void measure_waking(struct waking *waking, struct wake *wake, int64_t ns)
{
    static double costs[SERIES_MOST];
    size_t count = 0;
    int64_t end = clock_now() + ns;
    do
        costs[count++] = wake_measure(wake, WAKE_SAMPLES);
    while (clock_now() < end && count < SERIES_MOST);
    waking->typical = statistics_median(costs, count);
    waking->low = statistics_quantile(costs, count, 0.05);
    waking->high = statistics_quantile(costs, count, 0.95);
    if (isnan(waking->typical))
        snprintf(waking->why, sizeof waking->why, "nobody woke");
}

static void try_mode(struct waking *waking, enum idle_mode mode, const struct machine *machine, struct wake *wake,
                     int64_t ns)
{
    struct idle *idle = NULL;
    struct problem problem;
    unsigned *units = all_units(machine);
    if (mode == IDLE_POLL && !idle_poll_permitted())
        snprintf(waking->why, sizeof waking->why, "/dev/cpu_dma_latency may not be written");
    else if (!units || idle_open(&idle, mode, IDLE_POLL_DEFAULT, units, machine->count, &problem))
        snprintf(waking->why, sizeof waking->why, "%.190s", units ? problem.text : "memory is short");
    else
        measure_waking(waking, wake, ns);
    idle_close(idle);
    free(units);
}

void doctor_measure_wakings(struct readings *r, const struct machine *machine, int64_t ns)
{
    unsigned pair[2];
    struct wake *wake = NULL;
    struct problem problem;
    for (int mode = 0; mode < IDLE_MODES; mode++)
        r->wakings[mode] = (struct waking){.typical = NAN, .low = NAN, .high = NAN, .why = "one CPU only"};
    two_units(machine, pair);
    if (wake_open(&wake, pair[0], pair[1], &problem))
        for (int mode = 0; mode < IDLE_MODES; mode++)
            snprintf(r->wakings[mode].why, sizeof r->wakings[mode].why, "%.150s", problem.text);
    if (!wake)
        return;
    for (int mode = 0; mode < IDLE_MODES; mode++)
        try_mode(&r->wakings[mode], (enum idle_mode)mode, machine, wake, ns / IDLE_MODES);
    wake_close(wake);
}

/* --- spinning ---------------------------------------------------------------------------------------------------- */

/* Shared with one spinner, which writes all but `begin`. */
struct spinner {
    _Alignas(LINE_APART) _Atomic int begin;
    _Atomic int64_t gaps, longest; /* ns */
};

static void spin(void *arg)
{
    struct spinner *own = arg;
    int64_t gaps = 0, longest = 0, last = clock_now();
    for (;;) {
        int64_t now = clock_now(), gap = now - last;
        if (gap > DOCTOR_GAP_NS && atomic_load_explicit(&own->begin, memory_order_relaxed)) {
            gaps += gap;
            longest = gap > longest ? gap : longest;
            atomic_store_explicit(&own->gaps, gaps, memory_order_relaxed);
            atomic_store_explicit(&own->longest, longest, memory_order_relaxed);
        }
        last = now;
    }
}

struct spinners {
    struct binder *binder;
    struct helper *helpers;
    struct spinner *pages;
    double *delays; /* so far, s */
    unsigned count;
};

static void spinners_end(struct spinners *s, unsigned room)
{
    for (unsigned i = 0; s->helpers && i < s->count; i++)
        helper_end(&s->helpers[i]);
    binder_close(s->binder);
    if (s->pages)
        memory_free(s->pages, room * sizeof *s->pages);
    free(s->helpers);
    free(s->delays);
}

static int spinners_start(struct spinners *s, const struct machine *machine, struct problem *problem)
{
    *s = (struct spinners){.helpers = calloc(machine->count, sizeof *s->helpers),
                           .delays = calloc(machine->count, sizeof *s->delays),
                           .pages = memory_shared(machine->count * sizeof *s->pages)};
    if (!s->helpers || !s->delays || !s->pages)
        return problem_set(problem, EXIT_UNPROVED, "no memory for %u spinners", machine->count);
    if (binder_open(&s->binder, problem))
        return -1;
    for (; s->count < machine->count; s->count++)
        if (helper_start(&s->helpers[s->count], s->binder, machine->units[s->count].pu, spin, &s->pages[s->count],
                         problem))
            return -1;
    return 0;
}

static void spinners_sum(const struct spinners *s, const struct machine *machine, struct spinning *sum)
{
    for (unsigned i = 0; i < s->count; i++) {
        double delay = probe_process(s->helpers[i].pid).run_delay_s - s->delays[i];
        double longest = clock_seconds(atomic_load(&s->pages[i].longest));
        sum->gaps_s += clock_seconds(atomic_load(&s->pages[i].gaps));
        sum->gap_longest_s = fmax(sum->gap_longest_s, longest);
        sum->delay_s += delay;
        if (delay > sum->delay_worst_s || i == 0) {
            sum->delay_worst_s = delay;
            sum->delay_worst_unit = machine->units[i].pu;
        }
    }
}

static double gaps_so_far(const struct spinners *s)
{
    int64_t gaps = 0;
    for (unsigned i = 0; i < s->count; i++)
        gaps += atomic_load(&s->pages[i].gaps);
    return clock_seconds(gaps);
}

/* How much they ran in each stretch. A gap counts where it ends, so that a long one may fill more than a stretch. The
 * reader sleeps meanwhile, and so takes nothing from those it watches. */
static struct lane_range watch_stretches(const struct spinners *s, int64_t ns)
{
    double ran[STRETCHES], before = gaps_so_far(s);
    for (int i = 0; i < STRETCHES; i++) {
        int64_t began = clock_now();
        rest(ns / STRETCHES);
        double gaps = gaps_so_far(s), all = clock_seconds(clock_now() - began) * s->count;
        ran[i] = fmax(RAN_LEAST, 1 - (gaps - before) / all);
        before = gaps;
    }
    return lane_range_of(ran, STRETCHES);
}

static void watch(struct spinners *s, const struct machine *machine, struct stolen *stolen, struct spinning *sum,
                  int64_t ns)
{
    for (unsigned i = 0; i < s->count; i++) {
        s->delays[i] = probe_process(s->helpers[i].pid).run_delay_s;
        atomic_store(&s->pages[i].begin, 1);
    }
    int64_t began = clock_now();
    double throttled = cgroup_throttled(), steal = stolen_read(stolen).steal_s, taken;
    *sum = (struct spinning){.ran = watch_stretches(s, ns)};
    sum->elapsed_s = clock_seconds(clock_now() - began);
    spinners_sum(s, machine, sum);
    taken = stolen_read(stolen).steal_s - steal;
    sum->steal_s = taken < 0 ? NAN : taken; /* some kernels' count falls: that tells nothing */
    sum->throttled = cgroup_throttled() - throttled;
}

void doctor_measure_spinning(struct readings *r, const struct machine *machine, int64_t ns)
{
    struct spinners s;
    struct problem problem;
    unsigned *units = all_units(machine);
    struct stolen *stolen = units ? stolen_open(units, machine->count) : NULL;
    r->spinning = (struct spinning){.elapsed_s = NAN,
                                    .delay_s = NAN,
                                    .delay_worst_s = NAN,
                                    .steal_s = NAN,
                                    .gaps_s = NAN,
                                    .gap_longest_s = NAN,
                                    .ran = lane_range_of(NULL, 0),
                                    .throttled = NAN};
    if (spinners_start(&s, machine, &problem))
        snprintf(r->trouble, sizeof r->trouble, "%.190s", problem.text);
    else
        watch(&s, machine, stolen, &r->spinning, ns);
    spinners_end(&s, machine->count);
    stolen_close(stolen);
    free(units);
}

/* --- lanes ------------------------------------------------------------------------------------------------------- */

static void read_series(struct readings *r, struct lane_set *set, double *rates[LANES], int64_t ns)
{
    const int64_t end = clock_now() + ns, pause = ns / SERIES_MOST > LANES_REST_NS ? ns / SERIES_MOST : LANES_REST_NS;
    size_t count = 0;
    do {
        struct lanes lanes;
        lanes_read(set, &lanes, NULL);
        for (int lane = 0; lane < LANES; lane++)
            rates[lane][count] = lanes.rates[lane];
        count++;
        rest(pause);
    } while (clock_now() < end && count < SERIES_MOST);
    for (int lane = 0; lane < LANES; lane++)
        r->lanes[lane] = lane_range_of(rates[lane], count);
    r->lane_readings = (unsigned)count;
}

/* In the idle mode that a run has by default. */
void doctor_measure_lanes(struct readings *r, const struct machine *machine, int64_t ns)
{
    unsigned pair[2], *units = all_units(machine);
    double *block = calloc((size_t)LANES * SERIES_MOST, sizeof *block), *rates[LANES];
    struct idle_choice choice = {.given = false};
    struct lane_set *set = NULL;
    struct idle *idle = NULL;
    struct problem problem;
    for (int lane = 0; lane < LANES; lane++)
        r->lanes[lane] = lane_range_of(NULL, 0);
    two_units(machine, pair);
    idle_choose(&choice);
    if (!units || !block || lanes_open(&set, pair, &problem)) {
        snprintf(r->trouble, sizeof r->trouble, "%.190s", units && block ? problem.text : "memory is short");
    } else {
        if (idle_open(&idle, choice.mode, choice.poll_us, units, machine->count, &problem))
            idle = NULL;
        for (int lane = 0; lane < LANES; lane++)
            rates[lane] = block + (size_t)lane * SERIES_MOST;
        read_series(r, set, rates, ns);
    }
    idle_close(idle);
    lanes_close(set);
    free(block);
    free(units);
}

/* --- timers ------------------------------------------------------------------------------------------------------ */

void doctor_measure_timers(struct readings *r, int64_t ns)
{
    static double late[SERIES_MOST];
    struct timespec resolution;
    size_t count = 0;
    int slack = prctl(PR_GET_TIMERSLACK);
    int64_t began = clock_now(), end;
    for (int i = 0; i < LOOKS; i++)
        clock_now();
    r->timers.look_ns = (double)(clock_now() - began) / (LOOKS + 1);
    end = clock_now() + ns;
    do {
        int64_t slept = clock_now();
        rest(SLEEP_NS);
        late[count++] = (double)(clock_now() - slept - SLEEP_NS);
    } while (clock_now() < end && count < SERIES_MOST);
    r->timers.late_ns = statistics_median(late, count);
    r->timers.late_worst_ns = statistics_quantile(late, count, 0.99);
    r->timers.slack_ns = slack > 0 ? slack : NAN;
    r->timers.resolution_ns =
        clock_getres(CLOCK_MONOTONIC, &resolution) ? NAN : (double)resolution.tv_sec * 1e9 + (double)resolution.tv_nsec;
}
