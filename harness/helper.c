/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * helper.c - see helper.h.
 *
 * The one place of the harness that forks without exec. The pid is safe to be killed by number: until this process has
 * reaped it, it is nobody else's. */
#include "harness/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The signals by which people end a run reach every process of the terminal; the parent decides when its helpers go. */
static void ignore_terminal(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        signal(signals[i], SIG_IGN);
}

/* PDEATHSIG is lost when the parent died between fork and prctl: then getppid() has changed already. */
static void live(pid_t parent, struct binder *binder, unsigned pu, int tell, helper_main *main, void *arg)
{
    int result = 0;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
        _exit(1);
    ignore_terminal();
    if (binder_bind(binder, pu) < 0)
        result = errno;
    if (write(tell, &result, sizeof result) != sizeof result || result)
        _exit(1);
    if (syscall(SYS_close_range, STDERR_FILENO + 1, UINT_MAX, 0))
        _exit(1);
    main(arg);
    _exit(1);
}

int helper_start(struct helper *helper, struct binder *binder, unsigned pu, helper_main *main, void *arg,
                 struct problem *problem)
{
    int ends[2], result = 0;
    ssize_t got;
    pid_t parent = getpid();
    helper->pid = 0;
    if (pipe2(ends, O_CLOEXEC))
        return problem_set(problem, EXIT_UNPROVED, "cannot open a pipe to a helper: %s", strerror(errno));
    helper->pid = fork();
    if (helper->pid == 0)
        live(parent, binder, pu, ends[1], main, arg);
    close(ends[1]);
    if (helper->pid < 0) {
        problem_set(problem, EXIT_UNPROVED, "cannot fork a helper: %s", strerror(errno));
        helper->pid = 0;
        goto close_pipe;
    }
    do
        got = read(ends[0], &result, sizeof result);
    while (got < 0 && errno == EINTR);
    if (got != sizeof result || result) {
        problem_set(problem, EXIT_UNPROVED, "a helper cannot run on processing unit %u: %s", pu,
                    got == sizeof result ? strerror(result) : "it ended");
        helper_end(helper);
        goto close_pipe;
    }
    close(ends[0]);
    return 0;
close_pipe:
    close(ends[0]);
    return -1;
}

void helper_end(struct helper *helper)
{
    if (helper->pid <= 0)
        return;
    kill(helper->pid, SIGKILL);
    while (waitpid(helper->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    helper->pid = 0;
}
