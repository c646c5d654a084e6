/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * program.c - vfork, exec, read to the end, reap.
 *
 * vfork() rather than posix_spawn(), since only the new process itself can ask to die with its parent. Between vfork()
 * and exec it shares this process's memory, and so leaves there why it failed. */
#include "bench/ipc/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS   1000000
#define EXIT_NO_RUN 127

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The new process's part: it never returns. */
__attribute__((noreturn)) static void become(const char *const *argv, int in, int out, pid_t parent, volatile int *why)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent || dup2(in, STDIN_FILENO) < 0 ||
        dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0) {
        *why = errno ? errno : ECHILD;
        _exit(EXIT_NO_RUN);
    }
    signal(SIGPIPE, SIG_DFL);
    execvp(argv[0], (char *const *)argv);
    *why = errno;
    _exit(EXIT_NO_RUN);
}

static pid_t start(const char *const *argv, int out, struct error *error)
{
    volatile int why = 0;
    pid_t parent = getpid();
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return error_system(error, "cannot open /dev/null");
    pid_t pid = vfork();
    if (pid == 0)
        become(argv, in, out, parent, &why);
    int saved = errno;
    close(in);
    if (pid > 0 && why == 0)
        return pid;
    if (pid > 0)
        waitpid(pid, NULL, 0);
    errno = pid > 0 ? why : saved;
    return error_system(error, "%s cannot be started", argv[0]);
}

/* To the end of the file, or until `end_ns`: then -1. */
static int read_all(int from, int64_t end_ns, char *text, size_t size)
{
    size_t length = 0;
    char rest[512] = ""; /* what there is no room for */
    for (;;) {
        int64_t left = end_ns - now_ns();
        struct pollfd ready = {.fd = from, .events = POLLIN};
        if (left <= 0)
            break;
        if (poll(&ready, 1, (int)(left / NS_PER_MS) + 1) <= 0)
            continue;
        bool room = length + 1 < size;
        ssize_t got = read(from, room ? text + length : rest, room ? size - length - 1 : sizeof rest);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            text[length] = '\0';
            return 0;
        }
        length += room ? (size_t)got : 0;
    }
    text[length] = '\0';
    return -1;
}

int program_run(const char *const *argv, int64_t timeout_ns, char *text, size_t size, int *status, struct error *error)
{
    const int64_t end_ns = now_ns() + timeout_ns;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return error_system(error, "cannot open a pipe to %s", argv[0]);
    pid_t pid = start(argv, ends[1], error);
    close(ends[1]);
    if (pid > 0) {
        if (read_all(ends[0], end_ns, text, size))
            kill(pid, SIGKILL);
        while (waitpid(pid, status, 0) < 0 && errno == EINTR) {
        }
    }
    close(ends[0]);
    return pid > 0 ? 0 : -1;
}
