/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * driver.c - starting a trial's process, and talking to it in lines under a deadline. */
#include "harness/driver.h"
#include "harness/clock.h"
#include "harness/handicap.h"
#include "harness/leftovers.h"
#include "harness/protocol.h"
#include "reports/format.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_NS   (200 * INT64_C(1000000)) /* how long a signal that fell between check and wait can go unseen */
#define LINE_MOST (64 << 20)

static volatile sig_atomic_t interrupted;

static void note_signal(int signal)
{
    interrupted = signal;
}

void driver_watch_signals(void)
{
    struct sigaction action = {.sa_handler = note_signal}, hangup;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* nohup has it ignored, and means it. */
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int driver_interrupted(void)
{
    return interrupted;
}

/* --- starting ---------------------------------------------------------------------------------------------------- */

/* Unlike execvp(), which has a shell run what no kernel can. Sets errno. */
static void exec_found(char **argv)
{
    const char *path = getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin", *end;
    char *file = NULL;
    int seen = ENOENT;
    if (strchr(argv[0], '/')) {
        execv(argv[0], argv);
        return;
    }
    for (; path; path = *end ? end + 1 : NULL) {
        end = strchrnul(path, ':');
        if (asprintf(&file, "%.*s%s%s", (int)(end - path), path, end > path ? "/" : "", argv[0]) < 0)
            return;
        execv(file, argv);
        seen = errno == ENOENT || errno == ENOTDIR ? seen : errno;
        free(file);
    }
    errno = seen;
}

/* `failed` closes with the exec, or says why there was none. */
static void exec_trial(char *const *command, int in, int out, int failed, pid_t parent)
{
    static char self[] = "/proc/self/exe", name[] = "muster", trial[] = "trial", handicap[] = "--handicap";
    char *own[] = {name, trial, NULL};
    char *handicapped[] = {name, handicap, (char *)handicap_typed(), trial, NULL};
    char *argv[64];
    size_t n = 0;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent || setpgid(0, 0) || dup2(in, STDIN_FILENO) < 0 ||
        dup2(out, STDOUT_FILENO) < 0)
        _exit(EXIT_UNPROVED);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    if (putenv(leftovers_mark()))
        _exit(EXIT_UNPROVED);
    if (!command)
        execv(self, handicap_typed() ? handicapped : own);
    for (; command && command[n] && n < sizeof argv / sizeof *argv - 2; n++)
        argv[n] = command[n];
    argv[n] = trial;
    argv[n + 1] = NULL;
    if (command)
        exec_found(argv);
    int why = errno;
    while (write(failed, &why, sizeof why) < 0 && errno == EINTR)
        ;
    _exit(EXIT_UNPROVED);
}

static int open_pipes(int in[2], int out[2])
{
    if (pipe2(in, O_CLOEXEC))
        return -1;
    if (pipe2(out, O_CLOEXEC) == 0)
        return 0;
    close(in[0]);
    close(in[1]);
    return -1;
}

/* Waits for the exec: 0, or the errno with which it failed. */
static int exec_failed(int from)
{
    int why = 0;
    ssize_t n;
    while ((n = read(from, &why, sizeof why)) < 0 && errno == EINTR)
        ;
    return n == sizeof why ? why : 0;
}

int driver_start(struct driver *d, char *const *command, struct problem *problem)
{
    int in[2], out[2], failed[2], why = 0;
    *d = (struct driver){.to = -1, .from = -1, .pidfd = -1};
    if (pipe2(failed, O_CLOEXEC))
        return problem_set(problem, EXIT_UNPROVED, "cannot open pipes to a trial: %s", strerror(errno));
    if (open_pipes(in, out)) {
        problem_set(problem, EXIT_UNPROVED, "cannot open pipes to a trial: %s", strerror(errno));
        close(failed[0]);
        close(failed[1]);
        return -1;
    }
    leftovers_mark();
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        exec_trial(command, in[0], out[1], failed[1], parent);
    why = pid < 0 ? errno : 0;
    close(in[0]);
    close(out[1]);
    close(failed[1]);
    d->pid = pid > 0 ? pid : 0;
    d->to = in[1];
    d->from = out[0];
    d->pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    if (pid > 0 && (d->pidfd < 0 || fcntl(d->from, F_SETFL, O_NONBLOCK)))
        why = errno;
    if (pid > 0 && why == 0 && command)
        why = exec_failed(failed[0]);
    close(failed[0]);
    if (why == 0)
        return 0;
    problem_set(problem, EXIT_UNPROVED, "cannot start %s: %s", command ? command[0] : "a trial", strerror(why));
    driver_end(d, 0);
    return -1;
}

/* --- asking ------------------------------------------------------------------------------------------------------ */

static int send_line(struct driver *d, const char *text)
{
    size_t length = strlen(text);
    for (size_t sent = 0; sent < length;) {
        ssize_t n = write(d->to, text + sent, length - sent);
        if (n > 0)
            sent += (size_t)n;
        else if (errno != EINTR || interrupted)
            return -1;
    }
    return 0;
}

static int send_request(struct driver *d, json_t *request)
{
    char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_decref(request);
    if (!text)
        return -1;
    int bad = send_line(d, text) || send_line(d, "\n");
    free(text);
    return bad ? -1 : 0;
}

enum came { CAME_NOTHING, CAME_MORE, CAME_END, CAME_TOO_MUCH };

static enum came read_more(struct driver *d)
{
    if (d->size - d->used < 4096) {
        size_t size = d->size ? 2 * d->size : 16384;
        char *line = size <= LINE_MOST ? realloc(d->line, size) : NULL;
        if (!line)
            return CAME_TOO_MUCH;
        d->line = line;
        d->size = size;
    }
    ssize_t n = read(d->from, d->line + d->used, d->size - d->used - 1);
    if (n > 0) {
        d->used += (size_t)n;
        d->line[d->used] = '\0';
        return CAME_MORE;
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? CAME_NOTHING : CAME_END;
}

enum waited { WAITED_LINE, WAITED_END, WAITED_TOO_LONG, WAITED_DEADLINE, WAITED_SIGNAL };

static enum waited wait_line(struct driver *d, int64_t deadline)
{
    d->used = 0;
    for (;;) {
        int64_t left = deadline - clock_now(), step = left < TICK_NS ? left : TICK_NS;
        struct pollfd p = {.fd = d->from, .events = POLLIN};
        if (interrupted)
            return WAITED_SIGNAL;
        if (left <= 0)
            return WAITED_DEADLINE;
        if (poll(&p, 1, (int)(step / 1000000) + 1) <= 0)
            continue;
        enum came came = read_more(d);
        if (came == CAME_END || came == CAME_TOO_MUCH)
            return came == CAME_END ? WAITED_END : WAITED_TOO_LONG;
        if (d->used > 0 && d->line[d->used - 1] == '\n')
            return WAITED_LINE;
    }
}

static enum asked explain_end(struct driver *d, char why[DRIVER_WHY])
{
    int status = 0;
    siginfo_t ended = {.si_pid = 0};
    struct pollfd p = {.fd = d->pidfd, .events = POLLIN};
    poll(&p, 1, 1000);
    if (waitid(P_PID, (id_t)d->pid, &ended, WEXITED | WNOHANG | WNOWAIT) || ended.si_pid != d->pid) {
        snprintf(why, DRIVER_WHY, "the trial closed its output before its time");
        return ASKED_FAILED;
    }
    /* Before it is reaped, while the number of its group cannot be another's. */
    kill(-d->pid, SIGKILL);
    waitpid(d->pid, &status, 0);
    d->pid = 0;
    if (WIFSIGNALED(status))
        snprintf(why, DRIVER_WHY, "the trial was killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(why, DRIVER_WHY, "the trial exited with %d before its time", WEXITSTATUS(status));
    return ASKED_FAILED;
}

/* Another kind than what does the request is a failure, whatever else the reply says; but for n/a, before it began. */
static enum asked judge_reply(const json_t *reply, const char *wanted, char why[DRIVER_WHY])
{
    const char *kind = json_string_value(json_object_get(reply, "reply"));
    const char *reason = json_string_value(json_object_get(reply, "reason"));
    if (kind && wanted && strcmp(kind, wanted) == 0)
        return ASKED_FINE;
    if (!kind)
        snprintf(why, DRIVER_WHY, "the trial's reply is not one of %s", PROTOCOL);
    else if (reason)
        snprintf(why, DRIVER_WHY, "%s", reason);
    else
        snprintf(why, DRIVER_WHY, "the trial's reply is '%.40s', for no reason that it gives", kind);
    bool lacks = kind && wanted && strcmp(kind, "n/a") == 0 && strcmp(wanted, "ready") == 0;
    return lacks ? ASKED_NA : ASKED_FAILED;
}

static enum asked read_reply(struct driver *d, const char *wanted, json_t **reply, char why[DRIVER_WHY])
{
    json_t *json = json_loads(d->line, 0, NULL);
    enum asked result = judge_reply(json, wanted, why);
    if (result == ASKED_FINE)
        *reply = json;
    else
        json_decref(json);
    return result;
}

static enum asked ask(struct driver *d, json_t *request, int64_t deadline, json_t **reply, char why[DRIVER_WHY])
{
    int64_t began = clock_now();
    const char *wanted = protocol_reply_to(request);
    if (send_request(d, request))
        return interrupted ? ASKED_INTERRUPTED : explain_end(d, why);
    switch (wait_line(d, deadline)) {
    case WAITED_LINE:
        return read_reply(d, wanted, reply, why);
    case WAITED_SIGNAL:
        return ASKED_INTERRUPTED;
    case WAITED_DEADLINE:
        snprintf(why, DRIVER_WHY, "no answer within %.1f s: ended at its deadline", clock_seconds(clock_now() - began));
        return ASKED_FAILED;
    case WAITED_TOO_LONG:
        snprintf(why, DRIVER_WHY, "the trial's reply has no end: %zu bytes, and no line", d->used);
        return ASKED_FAILED;
    default:
        return interrupted ? ASKED_INTERRUPTED : explain_end(d, why);
    }
}

/* What a side says of itself reaches terminals. */
enum asked driver_ask(struct driver *d, json_t *request, int64_t deadline, json_t **reply, char why[DRIVER_WHY])
{
    *reply = NULL;
    why[0] = '\0';
    enum asked got = ask(d, request, deadline, reply, why);
    format_clean(why);
    return got;
}

/* --- ending ------------------------------------------------------------------------------------------------------ */

void driver_end(struct driver *d, int64_t grace_ns)
{
    if (d->to >= 0)
        close(d->to);
    if (d->pid > 0) {
        struct pollfd p = {.fd = d->pidfd, .events = POLLIN};
        int gone = 0;
        if (grace_ns > 0)
            while ((gone = poll(&p, 1, (int)(grace_ns / 1000000))) < 0 && errno == EINTR && !interrupted)
                ;
        kill(-d->pid, SIGKILL);
        if (gone <= 0)
            kill(d->pid, SIGKILL);
        while (waitpid(d->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    if (d->from >= 0)
        close(d->from);
    if (d->pidfd >= 0)
        close(d->pidfd);
    free(d->line);
    *d = (struct driver){.to = -1, .from = -1, .pidfd = -1};
}
