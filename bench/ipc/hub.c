/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * hub.c - a turn: look a while, sleep, serve what came, ring what is due, free what was buried. */
#include "bench/ipc/hub.h"
#include "bench/ipc/descriptors.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#define EVENTS_AT_ONCE 64
#define MS_NS          1000000

int64_t hub_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int hub_open(struct hub *hub, struct error *error)
{
    *hub = (struct hub){.epoll = epoll_create1(EPOLL_CLOEXEC)};
    if (hub->epoll >= 0 && descriptor_enter(hub->epoll) == 0)
        return 0;
    error_system(error, "cannot open an epoll descriptor");
    if (hub->epoll >= 0)
        close(hub->epoll);
    hub->epoll = -1;
    return -1;
}

static void free_buried(struct hub *hub)
{
    while (hub->buried_count > 0)
        free(hub->buried[--hub->buried_count]);
}

void hub_close(struct hub *hub)
{
    descriptor_leave(hub->epoll);
    if (hub->epoll >= 0)
        close(hub->epoll);
    free_buried(hub);
    free(hub->buried);
    *hub = (struct hub){.epoll = -1};
}

/* --- watchers ---------------------------------------------------------------------------------------------------- */

int hub_watch(struct hub *hub, int fd, uint32_t events, struct watcher *watcher)
{
    struct epoll_event event = {.events = events, .data.ptr = watcher};
    watcher->forgotten = false;
    watcher->since = hub->turns;
    return epoll_ctl(hub->epoll, EPOLL_CTL_ADD, fd, &event);
}

int hub_change(struct hub *hub, int fd, uint32_t events, struct watcher *watcher)
{
    struct epoll_event event = {.events = events, .data.ptr = watcher};
    return epoll_ctl(hub->epoll, EPOLL_CTL_MOD, fd, &event);
}

/* A descriptor that is not watched is none to be forgotten: the error says only that. */
void hub_forget(struct hub *hub, int fd, struct watcher *watcher)
{
    watcher->forgotten = true;
    epoll_ctl(hub->epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* Where there is no memory to remember it by, it is better lost than freed while it is in use. */
void hub_bury(struct hub *hub, void *memory)
{
    if (hub->deep == 0) {
        free(memory);
        return;
    }
    if (hub->buried_count == hub->buried_most) {
        size_t most = hub->buried_most ? 2 * hub->buried_most : 16;
        void **more = realloc(hub->buried, most * sizeof *more);
        if (!more)
            return;
        hub->buried = more;
        hub->buried_most = most;
    }
    hub->buried[hub->buried_count++] = memory;
}

/* --- timers ------------------------------------------------------------------------------------------------------ */

void hub_timer_stop(struct hub *hub, struct hub_timer *timer)
{
    struct hub_timer **at = &hub->timers;
    while (*at && *at != timer)
        at = &(*at)->next;
    if (*at)
        *at = timer->next;
    timer->due = 0;
}

void hub_timer_set(struct hub *hub, struct hub_timer *timer, int64_t due)
{
    if (timer->due)
        hub_timer_stop(hub, timer);
    struct hub_timer **at = &hub->timers;
    while (*at && (*at)->due <= due)
        at = &(*at)->next;
    timer->due = due;
    timer->next = *at;
    *at = timer;
}

static void ring_due(struct hub *hub)
{
    if (!hub->timers)
        return;
    const int64_t now = hub_now();
    for (struct hub_timer *timer; (timer = hub->timers) && timer->due <= now;) {
        hub->timers = timer->next;
        timer->due = 0;
        timer->ring(timer);
    }
}

/* Rounded up, so that nobody wakes just before it is time. */
static int until_due(const struct hub *hub, int timeout_ms)
{
    if (!hub->timers)
        return timeout_ms;
    int64_t left = hub->timers->due - hub_now();
    int64_t ms = left <= 0 ? 0 : (left + MS_NS - 1) / MS_NS;
    return timeout_ms >= 0 && timeout_ms < ms ? timeout_ms : ms < INT32_MAX ? (int)ms : INT32_MAX;
}

/* --- a turn ------------------------------------------------------------------------------------------------------ */

static int await(struct hub *hub, int timeout_ms, struct epoll_event *events)
{
    int count;
    while ((count = epoll_wait(hub->epoll, events, EVENTS_AT_ONCE, 0)) == 0) {
        int limit_ms = until_due(hub, timeout_ms);
        if (limit_ms == 0)
            return 0;
        if (!patience_again(&hub->patience)) {
            count = epoll_wait(hub->epoll, events, EVENTS_AT_ONCE, limit_ms);
            break;
        }
    }
    patience_over(&hub->patience);
    return count < 0 && errno == EINTR ? 0 : count;
}

static int serve(struct hub *hub, const struct epoll_event *events, int count, struct error *error)
{
    const uint64_t turn = ++hub->turns;
    for (int i = 0; i < count; i++) {
        struct watcher *watcher = events[i].data.ptr;
        if (watcher->forgotten || watcher->since >= turn)
            continue;
        if (watcher->ready(watcher, events[i].events, error))
            return -1;
    }
    ring_due(hub);
    return 0;
}

int hub_turn(struct hub *hub, int timeout_ms, struct error *error)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int count = await(hub, timeout_ms, events);
    if (count < 0)
        return error_system(error, "cannot wait for clients");
    hub->deep++;
    int result = serve(hub, events, count, error);
    if (--hub->deep == 0)
        free_buried(hub);
    return result;
}
