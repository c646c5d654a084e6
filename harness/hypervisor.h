/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * hypervisor.h - whether this system runs as a guest, and of what.
 *
 * A guest's idle CPU is halted by the host, which decides how long waking it takes: so this decides more than a line of
 * the report. */
#ifndef MUSTER_HARNESS_HYPERVISOR_H
#define MUSTER_HARNESS_HYPERVISOR_H

/* "KVM", "VMware", ...; "unknown" when it is a guest of something that does not say its name; NULL when it is none.
 * Static storage, the same at each call. */
const char *hypervisor_name(void);

#endif
