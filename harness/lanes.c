/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lanes.c - see lanes.h.
 *
 * Each lane works in a few short slices, and the best one counts: an interrupt spoils a slice, a move spoils them all.
 * What stopped for a moment is seen by the spinning lane, which keeps the longest pause between two looks at the clock.
 * The helper sleeps between readings, and is awake before its lane's clock starts. */
#include "harness/lanes.h"

#include "bench/ipc/memory.h"
#include "bench/ipc/wait.h"
#include "harness/clock.h"
#include "harness/helper.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* How many slices, and how long one is, ns. Short ones for the lanes that other guests of the host disturb as well. */
#define SPIN_SLICES   8
#define SPIN_NS       120000
#define CALL_SLICES   8
#define CALL_NS       100000
#define MEMORY_SLICES 16
#define MEMORY_NS     75000
#define LINE_SLICES   8
#define LINE_NS       100000

#define PATIENCE_NS (NS_PER_S / 50) /* until the helper is awake */

#define SPIN_BATCH 1024 /* operations between two looks at the clock: about 1 us */
#define CALL_BATCH 16
#define LINE_BATCH 64

#define LINE_UNFAIR 8 /* of both sides' operations, each has done one in so many */

/* Beyond what a guest gets of most caches; where the last-level cache is larger, this lane tells of that cache. Lines
 * are read in no order: a stream's rate hangs on how far ahead the processor reads, and varies three times as much. */
#define MEMORY_SIZE  ((size_t)64 << 20)
#define MEMORY_LINE  64 /* bytes: what one operation brings */
#define MEMORY_BATCH 64

#define THEIRS (UINT64_C(1) << 32) /* what the helper adds: both counts lie in the one word, on the one line */

/* Room for the affinity of 16,384 processing units. */
enum { MASKS = 16384 / CPU_SETSIZE };

struct lane_page {
    _Alignas(LINE_APART) _Atomic uint32_t phase; /* odd: the helper works */
    _Alignas(LINE_APART) _Atomic uint32_t awake; /* the phase in which it was last seen at work */
    _Alignas(LINE_APART) _Atomic uint64_t line;
};

struct lane_set {
    unsigned unit;
    struct binder *binder;
    struct helper helper; /* none: both units are the same */
    struct lane_page *page;
    unsigned char *memory;
    uint64_t random; /* which line comes next; never 0 */
};

/* --- opening ----------------------------------------------------------------------------------------------------- */

static void helper_work(void *arg)
{
    struct lane_page *page = arg;
    for (;;) {
        uint32_t phase = atomic_load(&page->phase);
        if (phase % 2 == 0) {
            futex_wait(&page->phase, phase, -1);
            continue;
        }
        atomic_store(&page->awake, phase);
        while (atomic_load_explicit(&page->phase, memory_order_relaxed) == phase)
            for (int i = 0; i < LINE_BATCH; i++)
                atomic_fetch_add_explicit(&page->line, THEIRS, memory_order_relaxed);
    }
}

/* Faulted in by writing, since pages that were only read would all be the one page of zeros, and from the unit that
 * reads it, so that it is local to that one. */
static unsigned char *memory_filled(struct lane_set *set)
{
    cpu_set_t allowed[MASKS];
    unsigned char *memory = memory_unforked(MEMORY_SIZE);
    bool known = sched_getaffinity(0, sizeof allowed, allowed) == 0;
    if (!memory)
        return NULL;
    if (known)
        binder_bind(set->binder, set->unit);
    memset(memory, 1, MEMORY_SIZE);
    if (known)
        sched_setaffinity(0, sizeof allowed, allowed);
    return memory;
}

int lanes_open(struct lane_set **opened, const unsigned units[2], struct problem *problem)
{
    struct lane_set *set = calloc(1, sizeof *set);
    *opened = NULL;
    if (!set)
        return problem_set(problem, EXIT_UNPROVED, "no memory for the control lanes");
    set->unit = units[0];
    set->random = 1;
    set->page = memory_shared(sizeof *set->page);
    if (!set->page) {
        problem_set(problem, EXIT_UNPROVED, "no memory for the control lanes: %s", strerror(errno));
        goto close;
    }
    if (binder_open(&set->binder, problem) ||
        (units[0] != units[1] && helper_start(&set->helper, set->binder, units[1], helper_work, set->page, problem)))
        goto close;
    set->memory = memory_filled(set);
    if (!set->memory) {
        problem_set(problem, EXIT_UNPROVED, "no memory for the control lanes: %zu MiB: %s", MEMORY_SIZE >> 20,
                    strerror(errno));
        goto close;
    }
    *opened = set;
    return 0;
close:
    lanes_close(set);
    return -1;
}

void lanes_close(struct lane_set *set)
{
    if (!set)
        return;
    helper_end(&set->helper);
    binder_close(set->binder);
    if (set->page)
        memory_free(set->page, sizeof *set->page);
    if (set->memory)
        memory_free(set->memory, MEMORY_SIZE);
    free(set);
}

/* --- the lanes: operations per second of one slice --------------------------------------------------------------- */

static double per_second(uint64_t operations, int64_t ns)
{
    return (double)operations / clock_seconds(ns);
}

/* The compiler may neither shorten the chain nor take it out. */
static uint64_t chain(uint64_t x)
{
    for (int i = 0; i < SPIN_BATCH; i++) {
        x = x * UINT64_C(6364136223846793005) + 1;
        __asm__ volatile("" : "+r"(x));
    }
    return x;
}

static double spin_slice(struct lane_set *set, int64_t *gap)
{
    uint64_t x = 1, done = 0;
    int64_t began = clock_now(), now = began, last;
    (void)set;
    do {
        x = chain(x);
        done += SPIN_BATCH;
        last = now;
        now = clock_now();
        *gap = now - last > *gap ? now - last : *gap;
    } while (now - began < SPIN_NS);
    return per_second(done, now - began);
}

static double call_slice(struct lane_set *set, int64_t *gap)
{
    uint64_t done = 0;
    int64_t began = clock_now(), now;
    (void)set, (void)gap;
    do {
        for (int i = 0; i < CALL_BATCH; i++)
            syscall(SYS_getppid);
        done += CALL_BATCH;
        now = clock_now();
    } while (now - began < CALL_NS);
    return per_second(done, now - began);
}

/* Marsaglia's xorshift generator: three shifts, since it must cost little beside the read. */
static uint64_t random_next(uint64_t x)
{
    x ^= x << 13;
    x ^= x >> 7;
    return x ^ x << 17;
}

static double memory_slice(struct lane_set *set, int64_t *gap)
{
    uint64_t done = 0;
    int64_t began = clock_now(), now;
    (void)gap;
    do {
        for (int i = 0; i < MEMORY_BATCH; i++) {
            set->random = random_next(set->random);
            (void)*(const volatile unsigned char *)(set->memory +
                                                    set->random % (MEMORY_SIZE / MEMORY_LINE) * MEMORY_LINE);
        }
        done += MEMORY_BATCH;
        now = clock_now();
    } while (now - began < MEMORY_NS);
    return per_second(done, now - began);
}

/* Twice what the slower one did, since the line is fast while the other one is stopped. A slice in which one of them
 * hardly ran tells of nothing shared, and does not count. */
static double line_slice(struct lane_set *set, int64_t *gap)
{
    _Atomic uint64_t *line = &set->page->line;
    int64_t began, now;
    (void)gap;
    atomic_store(line, 0);
    began = clock_now();
    do {
        for (int i = 0; i < LINE_BATCH; i++)
            atomic_fetch_add_explicit(line, 1, memory_order_relaxed);
        now = clock_now();
    } while (now - began < LINE_NS);
    uint64_t both = atomic_load(line), ours = both % THEIRS, theirs = both / THEIRS;
    uint64_t fewer = ours < theirs ? ours : theirs;
    return fewer * LINE_UNFAIR < ours + theirs ? 0 : per_second(2 * fewer, now - began);
}

static double best(struct lane_set *set, double (*slice)(struct lane_set *, int64_t *), int slices, int64_t *gap)
{
    double most = 0;
    for (int i = 0; i < slices; i++)
        most = fmax(most, slice(set, gap));
    return most > 0 ? most : NAN;
}

/* A helper that is kept off its unit is not waited for long: the lane has no rate then. */
static double line_rate(struct lane_set *set)
{
    struct lane_page *page = set->page;
    int64_t unused = 0, began = clock_now();
    double rate = NAN;
    if (!set->helper.pid)
        return NAN;
    uint32_t phase = atomic_fetch_add(&page->phase, 1) + 1;
    futex_wake(&page->phase, 1);
    while (atomic_load(&page->awake) != phase && clock_now() - began < PATIENCE_NS)
        wait_pause();
    if (atomic_load(&page->awake) == phase)
        rate = best(set, line_slice, LINE_SLICES, &unused);
    atomic_store(&page->phase, phase + 1);
    return rate;
}

void lanes_read(struct lane_set *set, struct lanes *lanes, double *gap_s)
{
    cpu_set_t allowed[MASKS];
    int64_t gap = 0, unused = 0;
    for (int lane = 0; lane < LANES; lane++)
        lanes->rates[lane] = NAN;
    if (gap_s)
        *gap_s = NAN;
    if (sched_getaffinity(0, sizeof allowed, allowed))
        return;
    if (binder_bind(set->binder, set->unit) >= 0) {
        lanes->rates[LANE_SPIN] = best(set, spin_slice, SPIN_SLICES, &gap);
        lanes->rates[LANE_CALL] = best(set, call_slice, CALL_SLICES, &unused);
        lanes->rates[LANE_MEMORY] = best(set, memory_slice, MEMORY_SLICES, &unused);
        lanes->rates[LANE_LINE] = line_rate(set);
        if (gap_s)
            *gap_s = clock_seconds(gap);
    }
    sched_setaffinity(0, sizeof allowed, allowed);
}
