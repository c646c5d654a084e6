/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * idle.c - see idle.h.
 *
 * A latency of 0 makes the kernel poll instead of halting. On bare metal that would cost siblings their share of the
 * core and everybody the turbo, so the shallowest halt is allowed there; a guest's halt goes to the host whatever it is
 * called. A spinner is SCHED_IDLE: it yields to everything else that can run. */
#include "harness/idle.h"

#include "bench/ipc/wait.h"
#include "harness/helper.h"
#include "harness/hypervisor.h"
#include "harness/suggest.h"
#include "harness/sysfs.h"
#include "harness/units.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LATENCY_FILE "/dev/cpu_dma_latency"
#define LATENCY_MOST 1000000 /* us; no state takes a second to leave */

struct idle {
    int latency_fd; /* -1: none */
    int64_t latency_us;
    struct binder *binder;
    struct helper *spinners;
    unsigned count;
};

static const char *const names[] = {[IDLE_POLL] = "poll", [IDLE_SPIN] = "spin", [IDLE_NATURAL] = "natural", NULL};

const char *idle_name(enum idle_mode mode)
{
    return names[mode];
}

/* A plain number is in microseconds. */
static int parse_latency(const char *text, int64_t *us, struct problem *problem)
{
    const char *why = NULL;
    uint64_t value = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits > 0 && !text[digits]) {
        if (units_parse_count(text, &value, &why))
            return problem_set(problem, EXIT_USAGE, "--idle: 'poll=%s' %s", text, why);
    } else if (units_parse_duration(text, &value, &why)) {
        return problem_set(problem, EXIT_USAGE, "--idle: 'poll=%s' %s", text, why);
    } else {
        value /= 1000;
    }
    if (value > LATENCY_MOST)
        return problem_set(problem, EXIT_USAGE, "--idle: 'poll=%s' is more than a second", text);
    *us = (int64_t)value;
    return 0;
}

int idle_parse(const struct option_spec *spec, const char *text, struct problem *problem)
{
    struct idle_choice *choice = spec->target;
    struct suggestion suggestion = {.wrong = text};
    *choice = (struct idle_choice){.given = true, .poll_us = IDLE_POLL_DEFAULT};
    if (strncmp(text, "poll=", 5) == 0)
        return parse_latency(text + 5, &choice->poll_us, problem);
    for (int mode = 0; names[mode]; mode++) {
        choice->mode = (enum idle_mode)mode;
        if (strcmp(text, names[mode]) == 0)
            return 0;
        suggest_offer(&suggestion, names[mode]);
    }
    return problem_set(problem, EXIT_USAGE, "--idle: '%s' is none of poll, poll=US, spin, natural%s", text,
                       suggest_clause(&suggestion));
}

const char *idle_choose(struct idle_choice *choice)
{
    if (choice->given)
        return "asked for";
    choice->poll_us = IDLE_POLL_DEFAULT;
    choice->mode = idle_poll_permitted() ? IDLE_POLL : IDLE_SPIN;
    return choice->mode == IDLE_POLL ? "the default" : LATENCY_FILE " may not be written, so poll cannot be had";
}

bool idle_poll_permitted(void)
{
    return access(LATENCY_FILE, W_OK) == 0;
}

/* States come from the shallowest on; the first is often a polling loop, which halts nothing. */
static int64_t shallowest_halt(unsigned pu)
{
    char name[64];
    for (unsigned state = 0;; state++) {
        if (!sysfs_line(name, sizeof name, "/sys/devices/system/cpu/cpu%u/cpuidle/state%u/name", pu, state))
            return 0;
        if (strcmp(name, "POLL") == 0)
            continue;
        int64_t us = sysfs_number("/sys/devices/system/cpu/cpu%u/cpuidle/state%u/latency", pu, state);
        return us >= 0 && us <= LATENCY_MOST ? us : 0;
    }
}

static int open_poll(struct idle *idle, int64_t us, unsigned pu, struct problem *problem)
{
    if (us < 0)
        us = hypervisor_name() ? 0 : shallowest_halt(pu);
    int32_t value = (int32_t)us;
    idle->latency_fd = open(LATENCY_FILE, O_WRONLY | O_CLOEXEC);
    if (idle->latency_fd < 0 || write(idle->latency_fd, &value, sizeof value) != sizeof value)
        return problem_set(problem, EXIT_UNPROVED,
                           "idle mode poll needs write permission for " LATENCY_FILE " (%s); --idle spin needs none",
                           strerror(errno));
    idle->latency_us = us;
    return 0;
}

static void spin(void *arg)
{
    (void)arg;
    for (;;)
        wait_pause();
}

static int open_spin(struct idle *idle, const unsigned *pus, unsigned count, struct problem *problem)
{
    static const struct sched_param lowest = {.sched_priority = 0};
    idle->spinners = calloc(count, sizeof *idle->spinners);
    if (!idle->spinners)
        return problem_set(problem, EXIT_UNPROVED, "no memory for %u spinners", count);
    if (binder_open(&idle->binder, problem))
        return -1;
    for (; idle->count < count; idle->count++) {
        struct helper *spinner = &idle->spinners[idle->count];
        if (helper_start(spinner, idle->binder, pus[idle->count], spin, NULL, problem))
            return -1;
        /* From outside, since as SCHED_IDLE it might wait long until it could say that it is there. */
        if (sched_setscheduler(spinner->pid, SCHED_IDLE, &lowest)) {
            helper_end(spinner);
            return problem_set(problem, EXIT_UNPROVED, "cannot make a spinner yield to others: %s", strerror(errno));
        }
    }
    return 0;
}

int idle_open(struct idle **opened, enum idle_mode mode, int64_t poll_us, const unsigned *pus, unsigned count,
              struct problem *problem)
{
    struct idle *idle = calloc(1, sizeof *idle);
    int result = 0;
    *opened = NULL;
    if (!idle)
        return problem_set(problem, EXIT_UNPROVED, "no memory for an idle mode");
    idle->latency_fd = -1;
    idle->latency_us = -1;
    if (mode == IDLE_POLL)
        result = open_poll(idle, poll_us, count ? pus[0] : 0, problem);
    else if (mode == IDLE_SPIN && count)
        result = open_spin(idle, pus, count, problem);
    if (result) {
        idle_close(idle);
        return -1;
    }
    *opened = idle;
    return 0;
}

void idle_close(struct idle *idle)
{
    if (!idle)
        return;
    if (idle->latency_fd >= 0)
        close(idle->latency_fd);
    for (unsigned i = 0; i < idle->count; i++)
        helper_end(&idle->spinners[i]);
    free(idle->spinners);
    binder_close(idle->binder);
    free(idle);
}

double idle_spent_s(const struct idle *idle)
{
    double total = 0;
    for (unsigned i = 0; idle && i < idle->count; i++) {
        clockid_t clock;
        struct timespec spent;
        if (clock_getcpuclockid(idle->spinners[i].pid, &clock) == 0 && clock_gettime(clock, &spent) == 0)
            total += (double)spent.tv_sec + 1e-9 * (double)spent.tv_nsec;
    }
    return total;
}

int64_t idle_latency_us(const struct idle *idle)
{
    return idle->latency_us;
}
