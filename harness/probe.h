/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * probe.h - what a process has paid so far: CPU time, context switches, time spent runnable but not running.
 *
 * Read from outside the process that is measured, between windows, so that it costs the measured code nothing. */
#ifndef MUSTER_HARNESS_PROBE_H
#define MUSTER_HARNESS_PROBE_H

#include <sys/types.h>

/* Sums; NAN: the kernel does not tell. */
struct paid {
    double cpu_s, voluntary, involuntary, run_delay_s;
};

struct paid probe_process(pid_t); /* a live one; all NAN when it is gone */
struct paid probe_children(void); /* of this process, ended and reaped; their run delay is not known */
void paid_add(struct paid *, const struct paid *);
/* after - before */
struct paid paid_between(const struct paid *before, const struct paid *after);

#endif
