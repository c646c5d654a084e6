/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * wake.c - see wake.h.
 *
 * Nobody spins: a process that waits awake would keep its own CPU, and on SMT its sibling, from going idle, and so
 * measure another machine than the one that sleeps between messages. */
#include "harness/wake.h"

#include "bench/ipc/memory.h"
#include "bench/ipc/wait.h"
#include "harness/clock.h"
#include "harness/helper.h"
#include "reports/statistics.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_NS   350000 /* the kernel's timer slack comes on top */
#define LOOK_NS     50000
#define PATIENCE_NS (NS_PER_S / 10)

/* Room for the affinity of 16,384 processing units. */
enum { MASKS = 16384 / CPU_SETSIZE };

struct wake_page {
    _Alignas(LINE_APART) _Atomic uint32_t asked;
    _Alignas(LINE_APART) _Atomic uint32_t answered;
    int64_t woken; /* ns; before `answered` */
};

struct wake {
    struct binder *binder;
    struct helper sleeper;
    struct wake_page *page;
    unsigned from_pu;
    bool lost; /* it did not answer: it is gone, or its CPU is */
};

static void sleeper(void *arg)
{
    struct wake_page *page = arg;
    uint32_t seen = 0;
    for (;;) {
        while (atomic_load(&page->asked) == seen)
            futex_wait(&page->asked, seen, -1);
        page->woken = clock_now();
        seen = atomic_load(&page->asked);
        atomic_store(&page->answered, seen);
    }
}

int wake_open(struct wake **opened, unsigned from_pu, unsigned to_pu, struct problem *problem)
{
    struct wake *wake;
    *opened = NULL;
    if (from_pu == to_pu)
        return 0;
    wake = calloc(1, sizeof *wake);
    if (!wake)
        return problem_set(problem, EXIT_UNPROVED, "no memory for the wake-up probe");
    wake->from_pu = from_pu;
    wake->page = memory_shared(sizeof *wake->page);
    if (!wake->page) {
        problem_set(problem, EXIT_UNPROVED, "no memory for the wake-up probe: %s", strerror(errno));
        goto close;
    }
    if (binder_open(&wake->binder, problem) ||
        helper_start(&wake->sleeper, wake->binder, to_pu, sleeper, wake->page, problem))
        goto close;
    *opened = wake;
    return 0;
close:
    wake_close(wake);
    return -1;
}

void wake_close(struct wake *wake)
{
    if (!wake)
        return;
    helper_end(&wake->sleeper);
    binder_close(wake->binder);
    if (wake->page)
        memory_free(wake->page, sizeof *wake->page);
    free(wake);
}

static void rest(int64_t ns)
{
    struct timespec t = {.tv_sec = 0, .tv_nsec = (long)ns};
    nanosleep(&t, NULL);
}

/* One wake-up, ns; NAN when no answer came. */
static double wake_once(struct wake *wake)
{
    struct wake_page *page = wake->page;
    uint32_t ask = atomic_load(&page->asked) + 1;
    rest(SETTLE_NS);
    int64_t begun = clock_now();
    atomic_store(&page->asked, ask);
    futex_wake(&page->asked, 1);
    do
        rest(LOOK_NS);
    while (atomic_load(&page->answered) != ask && clock_now() - begun < PATIENCE_NS);
    wake->lost = atomic_load(&page->answered) != ask;
    return wake->lost ? NAN : (double)(page->woken - begun);
}

/* The first one pays for the way here, and is left out. */
static double wake_median(struct wake *wake, unsigned samples)
{
    double *costs = calloc(samples, sizeof *costs), median = NAN;
    if (!costs)
        return NAN;
    wake_once(wake);
    for (unsigned i = 0; i < samples && !wake->lost; i++)
        costs[i] = wake_once(wake);
    if (!wake->lost)
        median = statistics_median(costs, samples);
    free(costs);
    return median;
}

double wake_measure(struct wake *wake, unsigned samples)
{
    cpu_set_t allowed[MASKS];
    double median = NAN;
    if (!wake || wake->lost || !samples || sched_getaffinity(0, sizeof allowed, allowed))
        return NAN;
    if (binder_bind(wake->binder, wake->from_pu) >= 0)
        median = wake_median(wake, samples);
    if (sched_setaffinity(0, sizeof allowed, allowed))
        wake->lost = true;
    return median;
}
