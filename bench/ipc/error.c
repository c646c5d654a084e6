/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * error.c - the one line that says what went wrong, for people. */
#include "bench/multiprocessing.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static void put(struct error *e, enum error_code code, const char *format, va_list args)
{
    e->code = code;
    e->sys_errno = 0;
    vsnprintf(e->text, sizeof e->text, format, args);
}

int error_set(struct error *e, enum error_code code, const char *format, ...)
{
    if (!e)
        return -1;
    va_list args;
    va_start(args, format);
    put(e, code, format, args);
    va_end(args);
    return -1;
}

int error_system(struct error *e, const char *format, ...)
{
    int saved = errno;
    if (!e)
        return -1;
    va_list args;
    va_start(args, format);
    put(e, ERROR_SYSTEM, format, args);
    va_end(args);
    e->sys_errno = saved;
    size_t used = strlen(e->text);
    snprintf(e->text + used, sizeof e->text - used, ": %s", strerror(saved));
    return -1;
}

int error_died(struct error *e, const char *who, pid_t pid, int status)
{
    if (WIFSIGNALED(status))
        error_set(e, ERROR_DIED, "%s (pid %d) was killed by signal %d (%s)", who, (int)pid, WTERMSIG(status),
                  strsignal(WTERMSIG(status)));
    else
        error_set(e, ERROR_DIED, "%s (pid %d) exited with %d before its time", who, (int)pid, WEXITSTATUS(status));
    if (e) {
        e->pid = pid;
        e->wait_status = status;
    }
    return -1;
}
