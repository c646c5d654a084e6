/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fork_task.c - launching the child of a slot, and collecting its report. */
#include "bench/ipc/fork_task.h"
#include "bench/ipc/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int slot_open(struct fork_slot *s, uint32_t slot, struct error *error)
{
    *s = (struct fork_slot){.slot = slot, .pipe = {-1, -1}};
    if (pipe2(s->pipe, O_CLOEXEC))
        return error_system(error, "cannot open the pipe of worker %u (limit on descriptors: ulimit -n)", slot);
    if (fcntl(s->pipe[0], F_SETFL, O_NONBLOCK) == 0)
        return 0;
    return error_system(error, "cannot make the pipe of worker %u non-blocking", slot);
}

static void slot_close(struct fork_slot *s)
{
    for (int end = 0; end < 2; end++)
        if (s->pipe[end] >= 0)
            close(s->pipe[end]);
    memory_free(s->buffer, s->buffer_bytes);
}

void fork_slots_close(struct fork_slots *slots)
{
    for (unsigned i = 0; slots->slot && i < slots->count; i++)
        slot_close(&slots->slot[i]);
    memory_free(slots->slot, slots->count * sizeof *slots->slot);
    memory_free(slots->fds, 2 * slots->count * sizeof *slots->fds);
    memory_free(slots->owner, 2 * slots->count * sizeof *slots->owner);
    *slots = (struct fork_slots){.slot = NULL};
}

int fork_slots_open(struct fork_slots *slots, uint32_t first_slot, unsigned count, struct error *error)
{
    *slots = (struct fork_slots){.count = count};
    slots->slot = memory_unforked(count * sizeof *slots->slot);
    slots->fds = memory_unforked(2 * count * sizeof *slots->fds);
    slots->owner = memory_unforked(2 * count * sizeof *slots->owner);
    int bad = !slots->slot || !slots->fds || !slots->owner;
    if (bad)
        error_system(error, "no memory for %u workers", count);
    for (unsigned i = 0; slots->slot && i < count; i++)
        slots->slot[i] = (struct fork_slot){.pipe = {-1, -1}};
    for (unsigned i = 0; !bad && i < count; i++)
        bad = slot_open(&slots->slot[i], first_slot + i, error);
    if (bad)
        fork_slots_close(slots);
    return bad ? -1 : 0;
}

int fork_slot_launch(struct fork_slot *s, struct pool *pool, child_main *main, struct error *error)
{
    struct fork_job job = {.report_to = s->pipe[1], .first = s->first, .n = s->n, .done = s->done};
    s->got = 0;
    s->into = NULL;
    return child_spawn(&s->child, pool, s->slot, main, &job, error);
}

int fork_report(const struct fork_job *job, const struct report *report, const void *payload)
{
    struct iovec parts[] = {
        {.iov_base = (void *)report, .iov_len = sizeof *report},
        {.iov_base = (void *)payload, .iov_len = report->bytes},
    };
    struct iovec *at = parts;
    for (int left = report->bytes ? 2 : 1; left > 0;) {
        ssize_t n = syscall(SYS_writev, job->report_to, at, left);
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
        s->buffer = memory_unforked(s->report.bytes);
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
    if (s->got >= sizeof s->report && s->report.bytes > 0 && !s->into)
        return error_set(error, ERROR_BROKEN, "a child of worker %u reports what there is no place for", s->slot);
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

static unsigned watch(struct fork_slots *slots, bool bulk)
{
    unsigned count = 0;
    for (unsigned k = 0; k < slots->count; k++) {
        unsigned i = (slots->turn + k) % slots->count;
        struct fork_slot *s = &slots->slot[i];
        if (s->child.pid <= 0)
            continue;
        slots->owner[count] = i;
        slots->fds[count++] = (struct pollfd){.fd = s->child.pidfd, .events = POLLIN};
        if (bulk) {
            slots->owner[count] = i;
            slots->fds[count++] = (struct pollfd){.fd = s->pipe[0], .events = POLLIN};
        }
    }
    return count;
}

/* The first slot that can be finished among those that poll() named; -1 none yet. */
static int ready_slot(struct fork_slots *slots, unsigned count, place_fn *place)
{
    for (unsigned i = 0; i < count; i++) {
        struct fork_slot *s = &slots->slot[slots->owner[i]];
        if (!slots->fds[i].revents)
            continue;
        if (slots->fds[i].fd == s->child.pidfd || read_report(s, place) != 0)
            return (int)slots->owner[i];
    }
    return -1;
}

static unsigned running(const struct fork_slots *slots, unsigned *last)
{
    unsigned count = 0;
    for (unsigned i = 0; i < slots->count; i++)
        if (slots->slot[i].child.pid > 0) {
            count++;
            *last = i;
        }
    return count;
}

int fork_slots_wait(struct fork_slots *slots, struct pool *pool, bool bulk, place_fn *place, unsigned *which,
                    struct error *error)
{
    /* A single small one needs no poll: waiting for its end is all. */
    if (running(slots, which) == 1 && !bulk)
        return finish(&slots->slot[*which], pool, place, error);
    for (;;) {
        unsigned count = watch(slots, bulk);
        if (poll(slots->fds, count, -1) < 0 && errno != EINTR)
            return error_system(error, "cannot wait for %u children", slots->count);
        int ready = ready_slot(slots, count, place);
        if (ready < 0)
            continue;
        *which = (unsigned)ready;
        slots->turn = (unsigned)ready + 1;
        return finish(&slots->slot[ready], pool, place, error);
    }
}
