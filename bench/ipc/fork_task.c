/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fork_task.c - launching the child of a slot, and collecting its report. */
#include "bench/ipc/fork_task.h"
#include "bench/ipc/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

int fork_slot_open(struct fork_slot *s, uint32_t slot, struct error *error)
{
    *s = (struct fork_slot){.slot = slot, .pipe = {-1, -1}};
    if (pipe2(s->pipe, O_CLOEXEC))
        return error_system(error, "cannot open the pipe of worker %u (limit on descriptors: ulimit -n)", slot);
    if (fcntl(s->pipe[0], F_SETFL, O_NONBLOCK) == 0)
        return 0;
    return error_system(error, "cannot make the pipe of worker %u non-blocking", slot);
}

void fork_slot_close(struct fork_slot *s)
{
    for (int end = 0; end < 2; end++)
        if (s->pipe[end] >= 0)
            close(s->pipe[end]);
    memory_free(s->buffer, s->buffer_bytes);
    *s = (struct fork_slot){.slot = s->slot, .pipe = {-1, -1}};
}

int fork_slot_launch(struct fork_slot *s, struct pool *pool, child_main *main, void *arg, struct error *error)
{
    s->got = 0;
    s->into = NULL;
    return child_spawn(&s->child, pool, s->slot, main, arg, error);
}

int fork_report(const struct fork_slot *s, const struct report *report, const void *payload)
{
    struct iovec parts[] = {
        {.iov_base = (void *)report, .iov_len = sizeof *report},
        {.iov_base = (void *)payload, .iov_len = report->bytes},
    };
    struct iovec *at = parts;
    for (int left = report->bytes ? 2 : 1; left > 0;) {
        ssize_t n = writev(s->pipe[1], at, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return 1;
        for (; left > 0 && (size_t)n >= at->iov_len; left--, at++)
            n -= (ssize_t)at->iov_len;
        if (left > 0)
            *at = (struct iovec){.iov_base = (char *)at->iov_base + n, .iov_len = at->iov_len - (size_t)n};
    }
    return 0;
}

unsigned char *fork_slot_buffer(struct fork_slot *s)
{
    if (s->buffer_bytes < s->report.bytes) {
        memory_free(s->buffer, s->buffer_bytes);
        s->buffer = memory_private(s->report.bytes);
        s->buffer_bytes = s->buffer ? s->report.bytes : 0;
    }
    return s->buffer;
}

/* Reads what there is: 1 the report is whole, 0 not yet, -1. */
static int read_report(struct fork_slot *s, place_fn *place)
{
    for (;;) {
        bool head = s->got < sizeof s->report;
        if (!head && !s->into && s->report.bytes > 0 && !(s->into = place(s)))
            return -1;
        size_t behind = s->got - sizeof s->report;
        if (!head && behind == s->report.bytes)
            return 1;
        ssize_t n = read(s->pipe[0], head ? (unsigned char *)&s->report + s->got : s->into + behind,
                         head ? sizeof s->report - s->got : s->report.bytes - behind);
        if (n > 0)
            s->got += (size_t)n;
        else if (n < 0 && errno == EAGAIN)
            return 0;
        else if (n == 0 || errno != EINTR)
            return -1;
    }
}

/* The child has ended, or is about to: its report is in the pipe as far as it was written. */
static int finish(struct fork_slot *s, struct pool *pool, place_fn *place, struct error *error)
{
    int status = 0;
    pid_t pid = s->child.pid;
    if (child_wait(&s->child, &status))
        return error_system(error, "cannot wait for a child of worker %u", s->slot);
    if (status)
        return child_report(pool, s->slot, pid, status, error);
    if (read_report(s, place) != 1)
        return error_set(error, ERROR_BROKEN, "a child of worker %u ended without its report", s->slot);
    if (s->report.failed)
        return error_set(error, ERROR_FAILED, "an item or a step failed in a child of worker %u", s->slot);
    return 0;
}

static unsigned watch(struct fork_slot *slots, unsigned n, bool bulk, struct pollfd *fds, unsigned *owner)
{
    unsigned count = 0;
    for (unsigned i = 0; i < n; i++) {
        if (slots[i].child.pid <= 0)
            continue;
        owner[count] = i;
        fds[count++] = (struct pollfd){.fd = slots[i].child.pidfd, .events = POLLIN};
        if (bulk) {
            owner[count] = i;
            fds[count++] = (struct pollfd){.fd = slots[i].pipe[0], .events = POLLIN};
        }
    }
    return count;
}

/* The first slot that can be finished among those that poll() named; -1 none yet. */
static int ready_slot(struct fork_slot *slots, const struct pollfd *fds, const unsigned *owner, unsigned count,
                      place_fn *place)
{
    for (unsigned i = 0; i < count; i++) {
        struct fork_slot *s = &slots[owner[i]];
        if (!fds[i].revents)
            continue;
        if (fds[i].fd == s->child.pidfd || read_report(s, place) != 0)
            return (int)owner[i];
    }
    return -1;
}

static unsigned running(const struct fork_slot *slots, unsigned n, unsigned *last)
{
    unsigned count = 0;
    for (unsigned i = 0; i < n; i++)
        if (slots[i].child.pid > 0) {
            count++;
            *last = i;
        }
    return count;
}

int fork_slots_wait(struct fork_slot *slots, unsigned n, struct pool *pool, bool bulk, place_fn *place, unsigned *which,
                    struct error *error)
{
    static struct pollfd fds[2 * WORKERS_MAX];
    static unsigned owner[2 * WORKERS_MAX];
    /* A single small one needs no poll: waiting for its end is all. */
    if (running(slots, n, which) == 1 && !bulk)
        return finish(&slots[*which], pool, place, error);
    for (;;) {
        unsigned count = watch(slots, n, bulk, fds, owner);
        if (poll(fds, count, -1) < 0 && errno != EINTR)
            return error_system(error, "cannot wait for %u children", n);
        int ready = ready_slot(slots, fds, owner, count, place);
        if (ready < 0)
            continue;
        *which = (unsigned)ready;
        return finish(&slots[ready], pool, place, error);
    }
}
