/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * topology.h - from hwloc to the flat list that placements are planned on.
 *
 * Loaded once, in the driver, before anything is measured. Only what may be used counts: neither what a cgroup forbids
 * nor what the affinity mask (taskset, a batch system) leaves out. The environment cannot make it another machine:
 * loading removes every HWLOC_* variable from this process, and a foreign machine comes from an explicit file only. */
#ifndef MUSTER_HARNESS_TOPOLOGY_H
#define MUSTER_HARNESS_TOPOLOGY_H

#include "harness/placement.h"
#include "harness/problem.h"

struct topology;

/* 0, or -1 with *problem filled: EXIT_NO_INPUT the file cannot be read, EXIT_BAD_FILE it is no topology, EXIT_UNPROVED
 * this system's cannot be had. Path "-" is standard input. */
int topology_open_system(struct topology **topology, struct problem *problem);
int topology_open_xml(struct topology **topology, const char *path, struct problem *problem);

/* A machine that does not exist, "pack:2 l3:2 core:4 pu:2", for tests. */
int topology_open_synthetic(struct topology **topology, const char *description, struct problem *problem);
void topology_close(struct topology *topology);

const struct machine *topology_machine(const struct topology *topology);

/* The whole machine as hwloc's XML, for the results: without names of host, cgroup or process, without DMI data or
 * anything else that is not known to be harmless. Freed by the caller; NULL when it cannot be had. */
char *topology_export(const struct topology *topology);

/* Removes HWLOC_* from the environment: they are traps here (a missing HWLOC_XMLFILE silently gives the real machine).
 * Without plugins loading takes a quarter of the time; reading other programs' XML needs them. */
void topology_clean_environment(bool plugins);

#endif
