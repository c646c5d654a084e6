/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lanes.h - control lanes: work that holds no code under test, measured beside what does. What moves them, moves the
 * machine. A duet has a reading around every pair, a run one after every block. */
#ifndef MUSTER_REPORTS_LANES_H
#define MUSTER_REPORTS_LANES_H

enum lane {
    LANE_SPIN,   /* a dependent chain in registers: the clock's frequency */
    LANE_CALL,   /* getppid(), a system call that does nothing */
    LANE_MEMORY, /* reading through memory beyond the caches */
    LANE_LINE,   /* fetch_add on one line from two processing units at once: how far apart these are */
    LANES
};

const char *lane_name(enum lane); /* "spin", "call", "memory", "line" */

struct lanes {
    double rates[LANES]; /* operations per second; NAN: not measured */
};

#endif
