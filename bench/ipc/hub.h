/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * hub.h - one epoll descriptor and whoever waits on it: clients of a server, a listener, clients that are not admitted
 * yet, and what is to be done at a certain time.
 *
 * One process, one hub. A watcher is embedded in what it stands for. It may be forgotten inside its own or another's
 * ready(): what came for it in the same turn is then dropped; its memory must stay until the turn is over
 * (hub_bury()). A turn may be taken inside a ready(), too. Errors of hub_watch() and hub_change() are in errno. */
#ifndef MUSTER_BENCH_IPC_HUB_H
#define MUSTER_BENCH_IPC_HUB_H

#include "bench/ipc/wait.h"
#include "bench/multiprocessing.h"

struct watcher {
    /* `events` as epoll's. -1 with *error ends the turn: for what the whole process cannot survive. */
    int (*ready)(struct watcher *, uint32_t events, struct error *);
    bool forgotten;
    uint64_t since; /* the turn in which it came: what that turn still holds is not for it */
};

/* What it is embedded in. */
#define hub_owner(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

struct hub_timer {
    int64_t due; /* monotonic ns; 0: not set, and so it is when it rings */
    void (*ring)(struct hub_timer *);
    struct hub_timer *next;
};

struct hub {
    int epoll;
    struct patience patience;
    uint64_t turns;           /* so far */
    unsigned deep;            /* turns within turns */
    struct hub_timer *timers; /* the earliest first */
    void **buried;            /* memory to be freed at the end of the turn */
    size_t buried_count, buried_most;
};

int64_t hub_now(void); /* monotonic ns */

int hub_open(struct hub *, struct error *);
void hub_close(struct hub *);
/* 0, or -1 and errno. */
int hub_watch(struct hub *, int fd, uint32_t events, struct watcher *);
int hub_change(struct hub *, int fd, uint32_t events, struct watcher *);
void hub_forget(struct hub *, int fd, struct watcher *);
/* Frees it by free(), at the end of the turn; outside of turns at once. */
void hub_bury(struct hub *, void *);

/* Setting one that is set moves it, in its ring() to a later time than now; stopping one that is not is harmless. */
void hub_timer_set(struct hub *, struct hub_timer *, int64_t due);
void hub_timer_stop(struct hub *, struct hub_timer *);

/* Waits at most timeout_ms (-1: without limit), at most until a timer is due, and serves whatever came, once. */
int hub_turn(struct hub *, int timeout_ms, struct error *);

#endif
