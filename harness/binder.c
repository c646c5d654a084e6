/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * binder.c - see binder.h.
 *
 * hwloc's answer to "bind" means little: it takes units that may not be used, and on a foreign topology does nothing at
 * all and says yes. So the topology must be this system's, the affinity mask is read back and compared, and the unit
 * on which the thread runs at that moment is looked at as well. */
#include "harness/binder.h"

#include "harness/topology.h"

#include <errno.h>
#include <hwloc.h>
#include <hwloc/glibc-sched.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UNITS_MOST  8192 /* the most that any Linux is built for */
#define UNITS_SMALL 1024 /* where this suffices, masks are cleared without a call */
#define BITS        (8 * sizeof(unsigned long))

/* Which units there are is hwloc's word, taken once. The binding itself is the bare system call: a strategy may fork
 * ten thousand processes per second, and each page of hwloc or of the heap that a new one touches is a page fault. */
struct binder {
    hwloc_topology_t hwloc;
    cpu_set_t *known;
    bool small; /* the kernel's masks are no larger than UNITS_SMALL */
};

enum { MASK_BYTES = CPU_ALLOC_SIZE(UNITS_MOST) };

static int binder_load(struct binder *binder)
{
    unsigned long flags = HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM | HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING;
    unsigned long mask[UNITS_SMALL / BITS];

    binder->known = CPU_ALLOC(UNITS_MOST);
    if (binder->known == NULL || hwloc_topology_set_all_types_filter(binder->hwloc, HWLOC_TYPE_FILTER_KEEP_NONE) != 0 ||
        hwloc_topology_set_flags(binder->hwloc, flags) != 0 || hwloc_topology_load(binder->hwloc) != 0)
        return -1;
    binder->small = sched_getaffinity(0, sizeof mask, (cpu_set_t *)mask) == 0;
    return hwloc_cpuset_to_glibc_sched_affinity(binder->hwloc, hwloc_topology_get_complete_cpuset(binder->hwloc),
                                                binder->known, MASK_BYTES);
}

int binder_open(struct binder **opened, struct problem *problem)
{
    struct binder *binder = calloc(1, sizeof *binder);

    *opened = NULL;
    topology_clean_environment(false);
    if (binder == NULL || hwloc_topology_init(&binder->hwloc) != 0) {
        free(binder);
        return problem_set(problem, EXIT_UNPROVED, "hwloc cannot start: %s", strerror(errno));
    }
    if (binder_load(binder) != 0) {
        problem_set(problem, EXIT_UNPROVED, "hwloc cannot read this system's processing units");
        binder_close(binder);
        return -1;
    }
    *opened = binder;
    return 0;
}

void binder_close(struct binder *binder)
{
    if (binder == NULL)
        return;
    CPU_FREE(binder->known);
    hwloc_topology_destroy(binder->hwloc);
    free(binder);
}

static bool is_bound(const unsigned long *want, unsigned long *have, size_t words)
{
    if (syscall(SYS_sched_getaffinity, 0, words * sizeof *have, have) < 0)
        return false;
    for (size_t i = 0; i < words; i++)
        if (want[i] != have[i])
            return false;
    return true;
}

/* Binds, unless that was inherited; reads back and compares, with masks of `words` words, all zero. */
static int bind_and_read_back(unsigned pu, unsigned long *want, unsigned long *have, size_t words)
{
    size_t bytes = words * sizeof *want;
    unsigned now = 0;

    want[pu / BITS] = 1ul << pu % BITS;
    if (!is_bound(want, have, words)) {
        if (syscall(SYS_sched_setaffinity, 0, bytes, want) != 0)
            return -1;
        if (!is_bound(want, have, words))
            return errno = EXDEV, -1;
    }
    if (syscall(SYS_getcpu, &now, NULL, NULL) != 0 || now != pu)
        return errno = EXDEV, -1;
    return (int)pu;
}

int binder_bind(struct binder *binder, unsigned pu)
{
    if (pu >= UNITS_MOST || !CPU_ISSET_S(pu, MASK_BYTES, binder->known)) {
        errno = EINVAL;
        return -1;
    }
    if (binder->small) {
        unsigned long want[UNITS_SMALL / BITS] = {0}, have[UNITS_SMALL / BITS] = {0};
        return bind_and_read_back(pu, want, have, UNITS_SMALL / BITS);
    }
    unsigned long want[UNITS_MOST / BITS] = {0}, have[UNITS_MOST / BITS] = {0};
    return bind_and_read_back(pu, want, have, UNITS_MOST / BITS);
}

void binder_widen(struct binder *binder, unsigned here, unsigned there)
{
    unsigned long both[UNITS_SMALL / BITS] = {0};

    if (!binder->small || here >= UNITS_SMALL || there >= UNITS_SMALL || here == there)
        return;
    both[here / BITS] |= 1ul << here % BITS;
    both[there / BITS] |= 1ul << there % BITS;
    sched_setaffinity(0, sizeof both, (cpu_set_t *)both);
}
