/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * child.c - fork, death with the parent, and reaping under a deadline. */
#include "bench/ipc/child.h"
#include "bench/ipc/descriptors.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXIT_AT_BIRTH 96 /* the born hook failed; the fault page says why */
#define BLAME_LOOKS   20 /* a process that dies closes its channels a moment before it can be waited for */
#define BLAME_NS      1000000

/* PDEATHSIG is lost when the parent died between fork and prctl: then getppid() has changed already. Bare system calls,
 * as the other first and last steps of a child: each page of libc that it enters costs it a page fault. */
static void die_with(pid_t parent)
{
    if (syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || syscall(SYS_getppid) != parent)
        _exit(EXIT_AT_BIRTH);
}

/* Where there is one thread nothing needs to be locked and put right around a fork: glibc's _Fork
 * leaves that out, and with it some page faults in every child. */
static pid_t fork_alone(void)
{
#if __GLIBC_PREREQ(2, 34)
    if (__libc_single_threaded)
        return _Fork();
#endif
    return fork();
}

static void live(struct pool *pool, uint32_t slot, pid_t parent, child_main *main, void *arg)
{
    struct worker self = {.pool = pool, .slot = slot};
    if (slot < pool_slots(pool))
        self.mark = board_mark(pool, slot);
    struct error error = {.code = ERROR_NONE};
    die_with(parent);
    if (pool->setup.hooks.born(pool->setup.hooks.arg, slot, &error)) {
        board_fault(pool, &error);
        _exit(EXIT_AT_BIRTH);
    }
    _exit(main(&self, arg));
}

/* A program that ignores SIGCHLD, or waits for any child in another thread, may have taken its end already: then what
 * stands for the pidfd is readable from the start, as that would be. */
static int pidfd_of(pid_t pid)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    return pidfd < 0 && errno == ESRCH ? eventfd(1, EFD_CLOEXEC) : pidfd;
}

static int get_hold(struct child *child, pid_t pid, uint32_t slot, bool brief, struct error *error)
{
    int pidfd = pidfd_of(pid);
    if (pidfd >= 0 && (brief || descriptor_enter(pidfd) == 0)) {
        *child = (struct child){.pid = pid, .pidfd = pidfd, .slot = slot};
        return 0;
    }
    error_system(error, "cannot open a pidfd for process %d (limit on descriptors: ulimit -n)", (int)pid);
    if (pidfd >= 0)
        close(pidfd);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return -1;
}

static int spawn(struct child *child, struct pool *pool, uint32_t slot, bool brief, child_main *main, void *arg,
                 struct error *error)
{
    const struct hooks *hooks = &pool->setup.hooks;
    int before = hooks->before_fork(hooks->arg, slot);
    pid_t parent = getpid(), pid = fork_alone();
    if (pid == 0)
        live(pool, slot, parent, main, arg);
    hooks->after_fork(hooks->arg, before);
    if (pid < 0)
        return error_system(error, "cannot fork worker %u of %u (limits on processes: ulimit -u, cgroup pids.max)",
                            slot + 1, pool->setup.workers);
    return get_hold(child, pid, slot, brief, error);
}

int child_spawn(struct child *child, struct pool *pool, uint32_t slot, child_main *main, void *arg, struct error *error)
{
    return spawn(child, pool, slot, false, main, arg, error);
}

int child_spawn_brief(struct child *child, struct pool *pool, uint32_t slot, child_main *main, void *arg,
                      struct error *error)
{
    return spawn(child, pool, slot, true, main, arg, error);
}

int child_fork(struct child *child, bool outlives, int (*main)(void *arg), void *arg, struct error *error)
{
    pid_t parent = getpid(), pid = fork_alone();
    if (pid == 0) {
        if (!outlives)
            die_with(parent);
        syscall(SYS_exit_group, main(arg));
    }
    if (pid < 0)
        return error_system(error, "cannot fork a process (limits on processes: ulimit -u, cgroup pids.max)");
    return get_hold(child, pid, SLOT_PARENT, false, error);
}

static void forget(struct child *child)
{
    descriptor_leave(child->pidfd);
    close(child->pidfd);
    *child = (struct child){.pidfd = -1, .slot = child->slot};
}

static bool reaped(struct child *child, int *status, int flags)
{
    pid_t got;
    do
        got = waitpid(child->pid, status, flags);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return false;
    forget(child);
    return true;
}

bool child_ended(struct child *child, int *status)
{
    return child->pid > 0 && reaped(child, status, WNOHANG);
}

int child_wait(struct child *child, int *status)
{
    return reaped(child, status, 0) ? 0 : -1;
}

static const char *name_of(uint32_t slot, char *text, size_t size)
{
    if (slot == SLOT_SERVICE)
        return "the serving process";
    snprintf(text, size, "worker %u", slot);
    return text;
}

/* A signal says more than what the others then found broken. */
int child_report(const struct pool *pool, uint32_t slot, pid_t pid, int status, struct error *error)
{
    char name[32];
    error_died(error, name_of(slot, name, sizeof name), pid, status);
    const struct fault *fault = &pool->board->fault;
    if (error && !WIFSIGNALED(status) && atomic_load(&fault->state) == FAULT_TOLD)
        snprintf(error->text, sizeof error->text, "%s", fault->error.text);
    return -1;
}

struct death {
    pid_t pid; /* 0: none */
    uint32_t slot;
    int status;
};

/* Of the workers and the service: whoever started a process beside them holds it, and takes its exit code. */
static void look_for_death(struct pool *pool, struct death *death)
{
    const unsigned workers = pool->setup.workers;
    for (unsigned i = 0; i <= workers; i++) {
        struct child *child = i < workers ? &pool->roster[i] : pool_service_child(pool);
        int status = 0;
        pid_t pid = child->pid;
        if (child_ended(child, &status) && (!death->pid || (WIFSIGNALED(status) && !WIFSIGNALED(death->status))))
            *death = (struct death){.pid = pid, .slot = child->slot, .status = status};
    }
}

static void rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = BLAME_NS}, NULL);
}

/* Whoever left by himself may have left for want of one whose death is not complete yet. */
static bool someone_died(struct pool *pool, struct death *death)
{
    look_for_death(pool, death);
    for (unsigned looks = 0; death->pid && !WIFSIGNALED(death->status) && looks < BLAME_LOOKS; looks++) {
        rest();
        look_for_death(pool, death);
    }
    return death->pid != 0;
}

int children_blame(struct pool *pool, const struct error *broken, struct error *error)
{
    struct death death = {.pid = 0};
    for (unsigned looks = 0; looks < BLAME_LOOKS; looks++) {
        rest();
        if (someone_died(pool, &death))
            return child_report(pool, death.slot, death.pid, death.status, error);
    }
    if (error)
        *error = *broken;
    return -1;
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Waits for one until the deadline, then kills it: -1 when that was needed. */
static int reap(struct child *child, int64_t deadline, int *status)
{
    struct pollfd p = {.fd = child->pidfd, .events = POLLIN};
    for (;;) {
        int64_t left = deadline - now_ns();
        int got = poll(&p, 1, left > 0 ? (int)(left / 1000000) + 1 : 0);
        if (got > 0)
            return child_wait(child, status);
        if (got == 0 && left <= 0)
            break;
    }
    syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
    child_wait(child, status);
    return -1;
}

int children_reap(struct child *children, unsigned n, int64_t grace_ns, const struct pool *pool, struct error *error)
{
    int result = 0;
    int64_t deadline = now_ns() + grace_ns;
    for (unsigned i = 0; i < n; i++) {
        if (children[i].pid <= 0)
            continue;
        int status = 0;
        pid_t pid = children[i].pid;
        bool killed = reap(&children[i], deadline, &status);
        if ((killed || status) && result == 0)
            result = child_report(pool, children[i].slot, pid, status, error);
    }
    return result;
}

int child_empty(struct error *error)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return error_system(error, "cannot fork a process and wait for it");
    return status ? error_died(error, "an empty process", pid, status) : 0;
}

bool children_next_ended(struct pool *pool, struct obituary *what)
{
    const unsigned workers = pool->setup.workers;
    for (unsigned i = 0; i <= workers; i++) {
        struct child *child = i < workers ? &pool->roster[i] : pool_service_child(pool);
        int status = 0;
        pid_t pid = child->pid;
        if (!child_ended(child, &status))
            continue;
        if (i == workers)
            *what = (struct obituary){.slot = SLOT_SERVICE, .pid = pid, .status = status, .item = ITEM_NONE};
        else
            board_obituary(pool, i, pid, status, what);
        return true;
    }
    return false;
}

int pool_survives(struct pool *pool, const struct obituary *o, struct error *error)
{
    if (o->retired) {
        pool->recycled++;
        return 0;
    }
    pool->died++;
    if (o->slot != SLOT_SERVICE && pool->died <= pool->setup.deaths) {
        pool->replaced++;
        return 0;
    }
    if (o->slot != SLOT_SERVICE && o->n == MARK_POSTING) {
        pool->board->fatal_any = true;
        pool->board->fatal_ticket = o->first;
    }
    return child_report(pool, o->slot, o->pid, o->status, error);
}

static int worker_leave(struct pool *pool, uint32_t slot, int64_t deadline, struct error *error)
{
    struct child *child = &pool->roster[slot];
    const pid_t pid = child->pid;
    struct obituary o;
    int status = 0;
    if (pid <= 0)
        return 0;
    if (reap(child, deadline, &status))
        return child_report(pool, slot, pid, status, error);
    if (status == 0)
        return 0;
    board_obituary(pool, slot, pid, status, &o);
    return pool_survives(pool, &o, error);
}

/* Nobody is replaced any more. */
int children_leave(struct pool *pool, int64_t grace_ns, struct error *error)
{
    const int64_t deadline = now_ns() + grace_ns;
    const unsigned replaced = pool->replaced;
    int result = 0;
    for (unsigned i = 0; i < pool->setup.workers; i++)
        if (worker_leave(pool, i, deadline, result ? NULL : error))
            result = -1;
    pool->replaced = replaced;
    int64_t left = deadline - now_ns();
    if (children_reap(pool->roster, pool_slots(pool) + 1, left > 0 ? left : 0, pool, result ? NULL : error))
        result = -1;
    return result;
}
