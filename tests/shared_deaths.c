/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_deaths.c - see shared_deaths.h. */
#include "tests/shared_deaths.h"

#include <CUnit/CUnit.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STEPS_MOST 200000

int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void rest_ns(int64_t ns)
{
    nanosleep(&(struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000}, NULL);
}

/* --- families ---------------------------------------------------------------------------------------------------- */

pid_t child_start(task_fn *task, void *arg, unsigned index)
{
    pid_t pid = fork();
    CU_ASSERT_NOT_EQUAL_FATAL(pid, -1);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(task(arg, index) != 0);
    }
    return pid;
}

static int wait_for(pid_t pid, int options)
{
    int status = 0;
    while (waitpid(pid, &status, options) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

int child_wait(pid_t pid)
{
    return wait_for(pid, 0);
}

void child_kill(pid_t pid)
{
    kill(pid, SIGKILL);
    wait_for(pid, 0);
}

unsigned family_run(task_fn *task, void *arg, unsigned n)
{
    pid_t pids[FAMILY_MOST];
    unsigned bad = 0;
    for (unsigned i = 0; i < n; i++)
        pids[i] = child_start(task, arg, i);
    for (unsigned i = 0; i < n; i++)
        bad += child_wait(pids[i]) != 0;
    return bad;
}

/* --- dissection -------------------------------------------------------------------------------------------------- */

/* Stopped just before its task; -1: that cannot be done here. */
static pid_t stopped_child(const struct dissection *d)
{
    pid_t pid = fork();
    CU_ASSERT_NOT_EQUAL_FATAL(pid, -1);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0) {
            raise(SIGSTOP);
            d->task(d->arg, 0);
        }
        _exit(0);
    }
    if (WIFSTOPPED(wait_for(pid, 0)))
        return pid;
    return -1;
}

/* False: it has ended, and is reaped. */
static bool step(pid_t pid)
{
    if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL))
        return false;
    int status = wait_for(pid, 0);
    return status >= 0 && WIFSTOPPED(status);
}

static void look_away(void *arg)
{
    (void)arg;
}

/* A processor that is stepped may never get through an atomic operation that is made of two instructions. */
unsigned dissect_whole(const struct dissection *d)
{
    d->ready(d->arg);
    pid_t pid = stopped_child(d);
    unsigned steps = 0;
    for (; pid > 0 && step(pid); steps++) {
        d->check(d->arg);
        if (steps == STEPS_MOST) {
            child_kill(pid);
            return 0;
        }
    }
    return steps;
}

unsigned dissect(const struct dissection *d, unsigned deaths)
{
    const struct dissection counted = {d->ready, d->task, look_away, d->arg};
    unsigned steps = dissect_whole(&counted), stride = 1 + steps / deaths, done = 0;
    for (unsigned from = 0; from < steps; from += stride, done++) {
        unsigned at = from + done * 7 % stride;
        d->ready(d->arg);
        pid_t pid = stopped_child(d);
        bool lives = true;
        for (unsigned i = 0; i < at && lives; i++)
            lives = step(pid);
        if (lives)
            child_kill(pid);
        d->check(d->arg);
    }
    return done;
}
