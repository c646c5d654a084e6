/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * idle.h - how idle CPUs wait while a run measures: polling, with a spinner on each, or as the machine is.
 *
 * Waking a halted CPU takes longer than anything that is measured here, and varies more; so how idle CPUs wait is a
 * condition of every result. A mode is held from idle_open() to idle_close(), and ends with this process in any case:
 * the kernel drops the request with the descriptor, and spinners die with their parent. */
#ifndef MUSTER_HARNESS_IDLE_H
#define MUSTER_HARNESS_IDLE_H

#include "harness/options.h"
#include "harness/problem.h"

#include <stdbool.h>
#include <stdint.h>

enum idle_mode { IDLE_POLL, IDLE_SPIN, IDLE_NATURAL };

#define IDLE_POLL_DEFAULT (-1) /* of poll_us */

/* What --idle says. Zeroed: nothing was said. */
struct idle_choice {
    bool given;
    enum idle_mode mode;
    int64_t poll_us; /* the latency to ask for; IDLE_POLL_DEFAULT */
};

/* "poll", "spin", "natural". */
const char *idle_name(enum idle_mode mode);

/* A parse function for options_parse(): poll, poll=US, spin, natural; target is a struct idle_choice. */
int idle_parse(const struct option_spec *spec, const char *text, struct problem *problem);

/* Settles what was not given: poll where it is permitted, else spin. Returns why it is this mode, as a clause:
 * "asked for", "the default", "/dev/cpu_dma_latency may not be written, so poll cannot be had". */
const char *idle_choose(struct idle_choice *choice);

bool idle_poll_permitted(void);

struct idle;

/* poll_us matters to IDLE_POLL only; IDLE_POLL_DEFAULT: 0 under a hypervisor, else the exit latency of the shallowest
 * state that halts. pus[count]: where spinners go, each unit once. 0, or -1 with *problem filled (EXIT_UNPROVED): the
 * mode cannot be had here. */
int idle_open(struct idle **idle, enum idle_mode mode, int64_t poll_us, const unsigned *pus, unsigned count,
              struct problem *problem);
void idle_close(struct idle *idle);

/* CPU time that its spinners took so far, seconds. */
double idle_spent_s(const struct idle *idle);

/* The latency that is asked for in mode poll, -1 in others. */
int64_t idle_latency_us(const struct idle *idle);

#endif
