/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * stolen.h - time that processing units spent on others: the host's, or this system's other programs.
 *
 * From /proc/stat, whose grain is a tick of 10 ms; some hypervisors do not tell, so that no steal is no proof. */
#ifndef MUSTER_HARNESS_STOLEN_H
#define MUSTER_HARNESS_STOLEN_H

struct stolen; /* a set of units, and /proc/stat held open */

struct stolen_reading {
    double steal_s, busy_s; /* summed over the units, since boot; NAN: the kernel does not say */
};

#define FOREIGN_LEAST_S 0.1 /* over less, ticks say nothing of who was busy */

/* CPU time of this process and of the children that it has waited for, with theirs. */
double own_cpu_s(void);

/* NULL when memory is short or /proc/stat cannot be read: then readings are NAN. */
struct stolen *stolen_open(const unsigned *units, unsigned count);
void stolen_close(struct stolen *);
struct stolen_reading stolen_read(struct stolen *);

#endif
