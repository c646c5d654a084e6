/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * cgroup.h - what the control groups of this process allow it, in version 2 and in version 1 of them.
 *
 * A group's limit holds for all below it, so the tightest on the way up counts. A container sees only the way up to its
 * own root. */
#ifndef MUSTER_HARNESS_CGROUP_H
#define MUSTER_HARNESS_CGROUP_H

#include <stddef.h>

/* CPUs' worth of time; INFINITY: no limit; NAN: not told. */
double cgroup_cpus(void);

/* Bytes of memory, and processes; as above. */
double cgroup_memory(void);
double cgroup_processes(void);

/* How often a group on the way up was stopped because its CPU time was used up, since it was made; NAN: not told. */
double cgroup_throttled(void);

/* The folder of the group that sets the CPU limit, for a command to name; NULL when there is no limit. */
char *cgroup_cpus_folder(char *path, size_t size);

#endif
