/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * gate.c - opening the gate, sizing batches, stamping time. */
#include "harness/gate.h"
#include "bench/ipc/memory.h"
#include "bench/ipc/wait.h"
#include "harness/clock.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEAD_NS     30000 /* from the opening to the first operation: long enough to wake up */
#define LOOKS       64    /* before a waiting worker sleeps: about a microsecond */
#define BATCH_NS    50000 /* what a batch should last, and at most this share of the window: */
#define BATCH_SHARE 100
#define GROWTH      8 /* a batch's most from one to the next */

struct slot {
    _Alignas(LINE_APART) struct stamps stamps; /* its worker's only, within a window */
    bool late;                                 /* he came when the window was over */
    uint64_t batch;                            /* grains; kept from window to window */
    pid_t pid;
    int ran_on;
};

struct gate {
    _Alignas(LINE_APART) _Atomic uint32_t arrived;
    _Alignas(LINE_APART) _Atomic uint32_t opened;
    /* Written by the last to arrive before `opened` is raised, read by all after it. */
    _Alignas(LINE_APART) int64_t begins;
    int64_t ends, window_ns, batch_ns;
    /* Written before any process is forked. */
    struct binder *binder;
    const unsigned *pus;
    int service_pu;
    unsigned workers;
    bool oversubscribed;
    struct histogram *times; /* of workers and parent, shared; NULL: batches are timed, not grains */
    struct slot slots[];     /* workers, parent, service */
};

static size_t gate_bytes(unsigned workers)
{
    return sizeof(struct gate) + (workers + 2) * sizeof(struct slot);
}

static size_t times_bytes(unsigned workers)
{
    return (workers + 1) * sizeof(struct histogram);
}

static struct slot *slot_of(struct gate *gate, uint32_t slot)
{
    return &gate->slots[slot == SLOT_PARENT ? gate->workers : slot == SLOT_SERVICE ? gate->workers + 1 : slot];
}

struct gate *gate_open(unsigned workers, struct binder *binder, const unsigned *pus, int service_pu,
                       bool oversubscribed)
{
    struct gate *gate = memory_shared(gate_bytes(workers));
    if (!gate)
        return NULL;
    gate->binder = binder;
    gate->pus = pus;
    gate->service_pu = service_pu;
    gate->workers = workers;
    gate->oversubscribed = oversubscribed;
    for (unsigned i = 0; i < workers + 2; i++) {
        gate->slots[i].batch = 1;
        gate->slots[i].ran_on = -1;
    }
    return gate;
}

void gate_close(struct gate *gate)
{
    if (!gate)
        return;
    if (gate->times)
        memory_free(gate->times, times_bytes(gate->workers));
    memory_free(gate, gate_bytes(gate->workers));
}

int gate_keep_times(struct gate *gate)
{
    gate->times = memory_shared(times_bytes(gate->workers));
    return gate->times ? 0 : -1;
}

void gate_take_times(struct gate *gate, struct histogram *h)
{
    for (unsigned i = 0; gate->times && i <= gate->workers; i++) {
        histogram_merge(h, &gate->times[i]);
        memset(&gate->times[i], 0, sizeof gate->times[i]);
    }
}

void gate_arm(struct gate *gate, int64_t window_ns)
{
    int64_t share = window_ns / BATCH_SHARE;
    gate->window_ns = window_ns;
    gate->batch_ns = share < BATCH_NS ? share : BATCH_NS;
    atomic_store(&gate->arrived, 0);
    for (unsigned i = 0; i < gate->workers + 1; i++)
        memset(&gate->slots[i].stamps, 0, sizeof gate->slots[i].stamps);
}

struct stamps gate_stamps(const struct gate *gate, uint32_t slot)
{
    return slot_of((struct gate *)gate, slot)->stamps;
}

int gate_ran_on(const struct gate *gate, uint32_t slot)
{
    return slot_of((struct gate *)gate, slot)->ran_on;
}

pid_t gate_pid(const struct gate *gate, uint32_t slot)
{
    return slot_of((struct gate *)gate, slot)->pid;
}

/* --- the hooks --------------------------------------------------------------------------------------------------- */

static int place_of(const struct gate *gate, uint32_t slot)
{
    if (slot == SLOT_SERVICE || slot == SLOT_PARENT)
        return gate->service_pu;
    return gate->pus ? (int)gate->pus[slot] : -1;
}

/* A child that is born beside its parent has to wait for the parent's unit, and be moved, before its own time begins.
 * Returns the unit to which the parent is to be bound again, or -1. A bound process is where it runs; a parent that is
 * not bound stays so. */
static int hook_before_fork(void *arg, uint32_t slot)
{
    struct gate *gate = arg;
    int here = gate->pus ? sched_getcpu() : -1, there = place_of(gate, slot);
    if (here < 0 || there < 0 || here == there || gate->service_pu < 0)
        return -1;
    binder_widen(gate->binder, (unsigned)here, (unsigned)there);
    return here;
}

static void hook_after_fork(void *arg, int here)
{
    if (here >= 0)
        binder_bind(((struct gate *)arg)->binder, (unsigned)here);
}

static int hook_born(void *arg, uint32_t slot, struct error *error)
{
    struct gate *gate = arg;
    int pu = place_of(gate, slot);
    int ran_on = pu < 0 ? sched_getcpu() : binder_bind(gate->binder, (unsigned)pu);
    struct slot *own = slot_of(gate, slot);
    own->pid = getpid();
    own->ran_on = ran_on;
    if (ran_on >= 0)
        return 0;
    return error_system(error, "a process could not be bound to processing unit %d", pu);
}

static void open_for_all(struct gate *gate, unsigned parties)
{
    gate->begins = clock_now() + (parties > 1 && !gate->oversubscribed ? LEAD_NS : 0);
    gate->ends = gate->begins + gate->window_ns;
    atomic_fetch_add_explicit(&gate->opened, 1, memory_order_release);
    futex_wake(&gate->opened, INT_MAX);
}

/* Who wakes when the window is over works alone, and faster than any could within it. His time begins with the window,
 * so that he adds next to nothing to the sum of rates. */
static void hook_gate(void *arg, uint32_t slot, unsigned parties)
{
    struct gate *gate = arg;
    uint32_t seen = atomic_load(&gate->opened);
    if (atomic_fetch_add(&gate->arrived, 1) + 1 == parties)
        open_for_all(gate, parties);
    for (unsigned looks = 0; atomic_load_explicit(&gate->opened, memory_order_acquire) == seen; looks++) {
        if (looks < LOOKS)
            wait_pause();
        else
            futex_wait(&gate->opened, seen, -1);
    }
    while (!gate->oversubscribed && clock_now() < gate->begins)
        wait_pause();
    slot_of(gate, slot)->late = clock_now() >= gate->ends;
}

/* From how long the last batch took: a batch that grows fast, ends with the window, and never vanishes. */
static uint64_t next_batch(const struct gate *gate, uint64_t did, uint64_t batch, int64_t took, int64_t now)
{
    if (did == 0 || took <= 0)
        return batch;
    int64_t left = gate->ends - now, aim = left < gate->batch_ns ? left : gate->batch_ns;
    double fit = (double)aim * (double)did / (double)took;
    uint64_t most = batch * GROWTH;
    return fit < 1 ? 1 : fit > (double)most ? most : (uint64_t)fit;
}

static size_t hook_next(void *arg, uint32_t slot, size_t done, bool more)
{
    struct gate *gate = arg;
    struct slot *own = slot_of(gate, slot);
    int64_t now = clock_now();
    if (own->stamps.first == 0) {
        own->stamps.first = own->stamps.last = gate->oversubscribed || own->late ? gate->begins : now;
        return own->batch;
    }
    uint64_t did = done - own->stamps.grains;
    int64_t took = now - own->stamps.last;
    own->stamps.last = now;
    own->stamps.grains = done;
    if (gate->times && did == 1)
        histogram_add(&gate->times[slot == SLOT_PARENT ? gate->workers : slot], (uint64_t)took);
    if (!more || now >= gate->ends)
        return 0;
    if (gate->times)
        return 1;
    uint64_t batch = next_batch(gate, did, own->batch, took, now);
    if (gate->ends - now > gate->batch_ns)
        own->batch = batch;
    return batch;
}

struct hooks gate_hooks(struct gate *gate)
{
    return (struct hooks){.arg = gate,
                          .born = hook_born,
                          .before_fork = hook_before_fork,
                          .after_fork = hook_after_fork,
                          .gate = hook_gate,
                          .next = hook_next};
}
