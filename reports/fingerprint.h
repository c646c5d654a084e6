/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fingerprint.h - what identifies a machine and the conditions of a run: computed from `host` on reading, never stored.
 *
 * Hard differences forbid a verdict, unless their group was declared as what varies; soft ones are told. What differs
 * from boot to boot or from minute to minute (uptime, current MHz, temperatures) belongs to neither. */
#ifndef MUSTER_REPORTS_FINGERPRINT_H
#define MUSTER_REPORTS_FINGERPRINT_H

#include "reports/results.h"

/* What --vary declares, as bits. */
enum group {
    GROUP_CPU = 1,    /* architecture, model, topology, memory, hypervisor */
    GROUP_KERNEL = 2, /* release, clocksource, mitigations, governor, THP, ASLR, preemption, cgroup limits, libc */
    GROUP_CODE = 4,   /* muster's own build: version, commit, compiler, flags */
    GROUP_TERMS = 8,  /* idle mode, windows, warm-up: never to be varied */
};

struct difference {
    enum group group;
    bool hard;
    const char *name;               /* "cpu", "kernel", "idle mode" */
    char base[160], candidate[160]; /* as text; "not known" */
};

/* Appends to *list (freed by the caller) what differs. -1 when memory is short. */
int fingerprint_compare(const struct results *base, const struct results *candidate, struct difference **list,
                        size_t *count);

/* Whether one of them is hard and in none of the groups declared. */
bool fingerprint_forbids(const struct difference *, size_t count, unsigned declared);

/* A name for the machine that can be a file's: "amd-epyc-9R45-2c-kvm-6.18-1f3a09c2". The digits are a hash of all hard
 * properties but GROUP_CODE and GROUP_TERMS. Returns text. */
char *fingerprint_name(char *text, size_t size, const struct host *);

#endif
