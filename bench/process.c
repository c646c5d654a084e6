/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * process.c - processes with a life of their own: without a pool, or at a slot behind its workers.
 *
 * A process is known by its pidfd: waiting is poll() on it, so that a timeout holds whatever the process does, and a
 * signal never hits a recycled pid. The program may take the end of a child before us, by wait() for any of them; then
 * it has ended all the same, and only its exit code is unknown. */
#include "bench/process.h"
#include "bench/ipc/child.h"
#include "bench/ipc/deadline.h"
#include "bench/ipc/descriptors.h"
#include "bench/ipc/task.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BY_PIDFD      ((idtype_t)3)      /* P_PIDFD, which older headers lack */
#define SERVE_NS      INT64_C(1000000)   /* between two looks at a process whose pool is served meanwhile */
#define LOOK_NS       INT64_C(100000000) /* the same where there is nothing to serve */
#define WAIT_NS       INT64_C(3600000000000)
#define EXIT_CODE_ALL 255

struct process {
    struct process *next; /* in its pool */
    struct pool *pool;    /* NULL: in none, or discharged */
    struct child child;
    pid_t owner;
    process_fn *fn;
    void *arg;
    uint64_t to_reset; /* signals whose handling is the program's own, a bit each */
    bool ended, known; /* known: its exit code is */
    int exit_code;
    struct error left; /* why its pool could not take what it left */
};

/* Who last made processes here, and who made that one. A new process finds its parent so without writing anything. */
static pid_t maker, maker_of_maker;

/* --- in the new process ------------------------------------------------------------------------------------------ */

static const int signals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,   SIGPIPE, SIGALRM, SIGUSR1,
                              SIGUSR2, SIGCHLD, SIGTSTP, SIGVTALRM, SIGPROF, SIGIO,   SIGWINCH};

/* What the program did about signals is not meant for a new process; what was ignored when the program began still is,
 * but for SIGTERM, which must end it, and SIGCHLD, without which it could not wait for processes of its own. Signals
 * that say where it crashed are left alone. Found out before the fork, where libc's pages are at hand. */
static uint64_t signals_to_reset(void)
{
    uint64_t set = 0;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction is;
        bool needed = signals[i] == SIGTERM || signals[i] == SIGCHLD;
        if (sigaction(signals[i], NULL, &is) == 0 && is.sa_handler != SIG_DFL && (is.sa_handler != SIG_IGN || needed))
            set |= UINT64_C(1) << i;
    }
    return set;
}

/* All are blocked until here, so that none finds a handler of the program. A bare call: each page of libc that a child
 * enters costs it a page fault. */
static void signals_default(uint64_t set)
{
    const uint64_t none = 0;
    for (size_t i = 0; set && i < sizeof signals / sizeof *signals; i++)
        if (set >> i & 1)
            signal(signals[i], SIG_DFL);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
}

/* Only what there is to write: fflush(NULL) takes every stream's lock, and each page that it writes to is copied, in
 * the child and in the parent. */
static void flush_standard(void)
{
    if (__fpending(stdout) > 0)
        fflush(stdout);
    if (__fpending(stderr) > 0)
        fflush(stderr);
}

static int live(struct worker *self, void *arg)
{
    const struct process *p = arg;
    descriptors_shed();
    signals_default(p->to_reset);
    int code = p->fn(self, p->arg);
    flush_standard();
    return code & EXIT_CODE_ALL;
}

static int live_alone(void *arg)
{
    struct worker self = {.slot = SLOT_PARENT};
    return live(&self, arg);
}

pid_t process_parent(void)
{
    return maker == getpid() ? maker_of_maker : maker;
}

bool process_parent_alive(void)
{
    pid_t parent = process_parent();
    return parent && getppid() == parent;
}

/* --- looking ----------------------------------------------------------------------------------------------------- */

/* Whether it has ended, and then how; flags: 0 waits for it. */
static bool look(struct process *p, int flags)
{
    siginfo_t info = {.si_pid = 0};
    int result;
    if (p->ended)
        return true;
    do
        result = waitid(BY_PIDFD, (id_t)p->child.pidfd, &info, WEXITED | flags);
    while (result && errno == EINTR);
    if (result == 0 && info.si_pid == 0)
        return false;
    p->ended = true;
    p->known = result == 0;
    p->exit_code = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
    return true;
}

static int wait_some(const struct process *p, int64_t ns)
{
    struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    return ppoll(&(struct pollfd){.fd = p->child.pidfd, .events = POLLIN}, 1, &t, NULL);
}

static int signal_to(struct process *p, int number, struct error *error)
{
    if (p->owner != getpid())
        return error_set(error, ERROR_STATE, "a process is ended by the one that started it");
    if (p->ended || syscall(SYS_pidfd_send_signal, p->child.pidfd, number, NULL, 0U) == 0 || look(p, WNOHANG))
        return 0;
    return error_system(error, "cannot send signal %d to process %d", number, (int)p->child.pid);
}

/* --- in a pool --------------------------------------------------------------------------------------------------- */

/* Takes what it left to its pool, whose slot is free then. The handle keeps the pidfd, and what went wrong, which is
 * for whoever joins it, though another's start may have come first. */
static void settle(struct process *p)
{
    struct pool *pool = p->pool;
    struct process **at;
    if (!pool)
        return;
    for (at = &pool->processes; *at != p;)
        at = &(*at)->next;
    *at = p->next;
    p->pool = NULL;
    pool->roster[p->child.slot] = (struct child){.pidfd = -1, .slot = p->child.slot};
    if (pool->strategy->discharge && pool->strategy->discharge(pool, p->child.slot, &p->left) &&
        p->left.code != ERROR_FAILED)
        pool_break(pool, &p->left);
}

/* What went wrong is told once: it has ended all the same. */
static int settled(struct process *p, struct error *error)
{
    settle(p);
    struct error left = p->left;
    if (left.code == ERROR_NONE)
        return 0;
    p->left.code = ERROR_NONE;
    if (error)
        *error = left;
    return -1;
}

static const struct process *process_at(const struct pool *pool, uint32_t slot)
{
    const struct process *p = pool->processes;
    while (p && p->child.slot != slot)
        p = p->next;
    return p;
}

/* One that has ended makes room, joined or not. */
static int find_slot(struct pool *pool, uint32_t *slot, struct error *error)
{
    const uint32_t from = pool->setup.workers, to = pool_slots(pool);
    for (struct process *p = pool->processes, *next; p; p = next) {
        next = p->next;
        if (look(p, WNOHANG))
            settle(p);
    }
    if (pool_check_running(pool, error))
        return -1;
    for (*slot = from; *slot < to; ++*slot)
        if (!process_at(pool, *slot))
            return 0;
    return error_set(error, ERROR_USE, "the pool has place for %u processes at a time: raise setup.processes",
                     pool->setup.processes);
}

static int enlist(struct process *p, struct pool *pool, struct error *error)
{
    uint32_t slot;
    if (pool_check_running(pool, error) || find_slot(pool, &slot, error) ||
        pool->strategy->enlist(pool, slot, live, p, error))
        return -1;
    p->child = pool->roster[slot];
    p->child.slot = slot;
    p->pool = pool;
    p->next = pool->processes;
    pool->processes = p;
    return 0;
}

bool processes_running(struct pool *pool)
{
    bool any = false;
    for (struct process *p = pool->processes; p; p = p->next)
        any |= !look(p, WNOHANG);
    return any;
}

void processes_end(struct pool *pool, int64_t deadline)
{
    for (struct process *p = pool->processes; p; p = p->next)
        signal_to(p, SIGTERM, NULL);
    for (struct process *p = pool->processes; p; p = p->next)
        while (!look(p, WNOHANG)) {
            int64_t left = deadline_left(deadline, WAIT_NS);
            if (left > 0) {
                wait_some(p, left);
                continue;
            }
            signal_to(p, SIGKILL, NULL);
            look(p, 0);
        }
    while (pool->processes)
        settle(pool->processes);
}

/* --- life -------------------------------------------------------------------------------------------------------- */

/* Signals are blocked around the fork: until the new process has put their handling right, one that comes for it has to
 * wait. What stdio holds is written before, or both would write it. */
static int start(struct process **out, struct pool *pool, struct process *p, bool outlives, struct error *error)
{
    sigset_t all, before;
    *out = NULL;
    if (!p)
        return error_system(error, "no memory for a process");
    flush_standard();
    if (maker != p->owner) {
        maker_of_maker = maker;
        maker = p->owner;
    }
    p->to_reset = signals_to_reset();
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    int result = pool ? enlist(p, pool, error) : child_fork(&p->child, outlives, live_alone, p, error);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (result)
        free(p);
    else
        *out = p;
    return result;
}

static struct process *process_new(process_fn *fn, void *arg)
{
    struct process *p = malloc(sizeof *p);
    if (p)
        *p = (struct process){.owner = getpid(), .fn = fn, .arg = arg};
    return p;
}

int process_start(struct process **out, struct pool *pool, process_fn *fn, void *arg, struct error *error)
{
    return start(out, pool, process_new(fn, arg), false, error);
}

int process_start_outliving(struct process **out, process_fn *fn, void *arg, struct error *error)
{
    return start(out, NULL, process_new(fn, arg), true, error);
}

/* Between two looks: the parent may be who answers its calls. */
static int serve(struct process *p, int64_t left, struct error *error)
{
    struct pool *pool = p->pool;
    bool works = pool && pool->strategy->turn && (pool->pool_state == POOL_RUNNING || pool->pool_state == POOL_CLOSED);
    bool serving = works && pool->strategy->serves && pool->service == pool->owner;
    int64_t most = works && (serving || tasks_pending(pool)) ? SERVE_NS : pool ? LOOK_NS : WAIT_NS;
    left = left < most ? left : most;
    if (works && tasks_serve(pool, serving ? left : 0, error))
        return -1;
    if (!serving)
        wait_some(p, left);
    return 0;
}

static int await_end(struct process *p, int64_t timeout_ns, struct error *error)
{
    const int64_t deadline = deadline_after(timeout_ns);
    if (!p->pool && timeout_ns == NEVER)
        return look(p, 0) ? 0 : error_set(error, ERROR_STATE, "process %d cannot be waited for", (int)p->child.pid);
    for (bool looked = false; !look(p, WNOHANG); looked = true) {
        int64_t left = deadline_left(deadline, WAIT_NS);
        if (left == 0 && looked)
            return error_set(error, ERROR_TIMEOUT, "process %d has not ended", (int)p->child.pid);
        if (serve(p, left, error))
            return -1;
    }
    return 0;
}

static int check_owner(const struct process *p, struct error *error)
{
    return p->owner == getpid() ? 0 : error_set(error, ERROR_STATE, "a process belongs to the one that started it");
}

int process_join(struct process *p, int64_t timeout_ns, int *exit_code, struct error *error)
{
    if (check_owner(p, error) || await_end(p, timeout_ns, error) || settled(p, error))
        return -1;
    if (!exit_code)
        return 0;
    if (!p->known) {
        errno = ECHILD;
        return error_system(error, "process %d has ended, but this program took its exit code by another wait()",
                            (int)p->child.pid);
    }
    *exit_code = p->exit_code;
    return 0;
}

int process_terminate(struct process *p, struct error *error)
{
    return signal_to(p, SIGTERM, error);
}

int process_kill(struct process *p, struct error *error)
{
    return signal_to(p, SIGKILL, error);
}

bool process_alive(struct process *p)
{
    return p->owner == getpid() && !look(p, WNOHANG);
}

bool process_exit_code(struct process *p, int *exit_code)
{
    if (p->owner != getpid() || !look(p, WNOHANG) || !p->known)
        return false;
    *exit_code = p->exit_code;
    return true;
}

pid_t process_pid(const struct process *p)
{
    return p->child.pid;
}

int process_pidfd(const struct process *p)
{
    return p->child.pidfd;
}

int process_free(struct process *p, struct error *error)
{
    if (!p)
        return 0;
    if (check_owner(p, error))
        return -1;
    if (!look(p, WNOHANG))
        return error_set(error, ERROR_STATE, "process %d is alive: join or kill it first", (int)p->child.pid);
    int result = settled(p, error);
    descriptor_leave(p->child.pidfd);
    close(p->child.pidfd);
    free(p);
    return result;
}
