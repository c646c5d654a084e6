/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fork_task.c - launching the child of a slot, and collecting its report. */
#include "bench/ipc/fork_task.h"
#include "bench/ipc/descriptors.h"
#include "bench/ipc/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int slot_open(struct fork_slot *s, uint32_t slot, struct error *error)
{
    s->slot = slot;
    if (pipe2(s->pipe, O_CLOEXEC))
        return error_system(error, "cannot open the pipe of worker %u (limit on descriptors: ulimit -n)", slot);
    if (descriptor_enter(s->pipe[0]) || descriptor_enter(s->pipe[1]))
        return error_system(error, "no memory for the pipe of worker %u", slot);
    if (fcntl(s->pipe[0], F_SETFL, O_NONBLOCK) == 0)
        return 0;
    return error_system(error, "cannot make the pipe of worker %u non-blocking", slot);
}

static void slot_close(struct fork_slot *s)
{
    for (int end = 0; end < 2; end++)
        if (s->pipe[end] >= 0) {
            descriptor_leave(s->pipe[end]);
            close(s->pipe[end]);
        }
    memory_free(s->buffer, s->buffer_bytes);
}

static size_t watched_most(const struct fork_slots *slots)
{
    return 2 * (size_t)slots->count + slots->beside_count;
}

void fork_slots_close(struct fork_slots *slots)
{
    for (unsigned i = 0; slots->slot && i < slots->count; i++)
        slot_close(&slots->slot[i]);
    memory_free(slots->slot, slots->count * sizeof *slots->slot);
    memory_free(slots->fds, watched_most(slots) * sizeof *slots->fds);
    memory_free(slots->owner, watched_most(slots) * sizeof *slots->owner);
    memory_free(slots->beside_seen, slots->beside_count * sizeof *slots->beside_seen);
    *slots = (struct fork_slots){.slot = NULL};
}

int fork_slots_open(struct fork_slots *slots, struct child *children, uint32_t first_slot, unsigned count,
                    unsigned beside_count, struct error *error)
{
    *slots = (struct fork_slots){.count = count, .beside = children + count, .beside_count = beside_count};
    slots->slot = memory_unforked(count * sizeof *slots->slot);
    slots->fds = memory_unforked(watched_most(slots) * sizeof *slots->fds);
    slots->owner = memory_unforked(watched_most(slots) * sizeof *slots->owner);
    slots->beside_seen = memory_unforked(beside_count * sizeof *slots->beside_seen);
    int bad = !slots->slot || !slots->fds || !slots->owner || !slots->beside_seen;
    if (bad)
        error_system(error, "no memory for %u workers", count);
    for (unsigned i = 0; slots->slot && i < count; i++)
        slots->slot[i] = (struct fork_slot){.pipe = {-1, -1}, .child = &children[i]};
    for (unsigned i = 0; !bad && i < count; i++)
        bad = slot_open(&slots->slot[i], first_slot + i, error);
    if (bad)
        fork_slots_close(slots);
    return bad ? -1 : 0;
}

int fork_slot_launch(struct fork_slot *s, struct pool *pool, child_main *main, struct error *error)
{
    struct fork_job job = {.report_to = s->pipe[1], .first = s->first, .n = s->n, .done = s->done, .ticket = s->ticket};
    s->got = 0;
    s->into = NULL;
    return child_spawn_brief(s->child, pool, s->slot, main, &job, error);
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

/* What a child left half way must not stand before the next one's report. */
static void drain(struct fork_slot *s)
{
    unsigned char rest[4096];
    ssize_t n;
    do
        n = read(s->pipe[0], rest, sizeof rest);
    while (n > 0 || (n < 0 && errno == EINTR));
}

static bool has_no_place(const struct fork_slot *s)
{
    return s->got >= sizeof s->report && s->report.bytes > 0 && !s->into;
}

/* The child has ended, or is about to: its report is in the pipe as far as it was written. */
static int finish(struct fork_slot *s, place_fn *place, struct error *error)
{
    s->pid = s->child->pid;
    s->status = 0;
    s->whole = false;
    /* One that still writes would not end. */
    if (!has_no_place(s)) {
        if (child_wait(s->child, &s->status))
            return error_system(error, "cannot wait for a child of worker %u", s->slot);
        s->whole = read_report(s, place) == 1;
    }
    if (has_no_place(s))
        return error_set(error, ERROR_BROKEN, "a child of worker %u reports what there is no place for", s->slot);
    if (!s->whole)
        drain(s);
    return 1;
}

static unsigned watch_slots(struct fork_slots *slots, bool bulk)
{
    unsigned count = 0;
    for (unsigned k = 0; k < slots->count; k++) {
        unsigned i = (slots->turn + k) % slots->count;
        struct fork_slot *s = &slots->slot[i];
        if (fork_slot_idle(s))
            continue;
        slots->owner[count] = i;
        slots->fds[count++] = (struct pollfd){.fd = s->child->pidfd, .events = POLLIN};
        if (bulk) {
            slots->owner[count] = i;
            slots->fds[count++] = (struct pollfd){.fd = s->pipe[0], .events = POLLIN};
        }
    }
    return count;
}

/* Behind `count` others. */
static unsigned watch_beside(struct fork_slots *slots, unsigned count)
{
    for (unsigned i = 0; i < slots->beside_count; i++) {
        if (slots->beside[i].pid <= 0 || slots->beside[i].pid == slots->beside_seen[i])
            continue;
        slots->owner[count] = i;
        slots->fds[count++] = (struct pollfd){.fd = slots->beside[i].pidfd, .events = POLLIN};
    }
    return count;
}

static void note_beside(struct fork_slots *slots, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        if (slots->fds[i].revents)
            slots->beside_seen[slots->owner[i]] = slots->beside[slots->owner[i]].pid;
}

/* The first slot that can be finished among those that poll() named; -1 none yet. */
static int ready_slot(struct fork_slots *slots, unsigned count, place_fn *place)
{
    for (unsigned i = 0; i < count; i++) {
        struct fork_slot *s = &slots->slot[slots->owner[i]];
        if (!slots->fds[i].revents)
            continue;
        if (slots->fds[i].fd == s->child->pidfd || read_report(s, place) != 0)
            return (int)slots->owner[i];
    }
    return -1;
}

static unsigned running(const struct fork_slots *slots, unsigned *last)
{
    unsigned count = 0;
    for (unsigned i = 0; i < slots->count; i++)
        if (!fork_slot_idle(&slots->slot[i])) {
            count++;
            *last = i;
        }
    return count;
}

static int milliseconds(int64_t ns)
{
    if (ns == NEVER)
        return -1;
    return ns < 0 ? 0 : ns / 1000000 < INT_MAX ? (int)((ns + 999999) / 1000000) : INT_MAX;
}

/* Once: 1 a child ended, 0 none yet. */
static int look(struct fork_slots *slots, bool bulk, place_fn *place, int64_t timeout_ns, unsigned *which,
                struct error *error)
{
    unsigned of_slots = watch_slots(slots, bulk);
    unsigned count = timeout_ns == NEVER ? of_slots : watch_beside(slots, of_slots);
    int got = poll(slots->fds, count, milliseconds(timeout_ns));
    if (got < 0 && errno != EINTR)
        return error_system(error, "cannot wait for %u children", slots->count);
    if (got <= 0)
        return 0;
    note_beside(slots, of_slots, count);
    int ready = ready_slot(slots, of_slots, place);
    if (ready < 0)
        return 0;
    *which = (unsigned)ready;
    slots->turn = (unsigned)ready + 1;
    return finish(&slots->slot[ready], place, error);
}

int fork_slots_wait(struct fork_slots *slots, bool bulk, place_fn *place, int64_t timeout_ns, unsigned *which,
                    struct error *error)
{
    /* A single small one needs no poll: waiting for its end is all. */
    if (timeout_ns == NEVER && !bulk && running(slots, which) == 1)
        return finish(&slots->slot[*which], place, error);
    for (;;) {
        int ended = look(slots, bulk, place, timeout_ns, which, error);
        if (ended || timeout_ns != NEVER)
            return ended;
    }
}
