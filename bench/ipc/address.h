/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * address.h - where a manager serves: unix:PATH or tcp:HOST:PORT, listened at or connected to.
 *
 * HOST is a name, an IPv4 address or an IPv6 one in brackets; without it, as in tcp:PORT, it is the loopback. A unix
 * socket's path is guarded by a lock file beside it as long as its manager lives, so a path that a dead manager left is
 * taken over, and one where a manager lives is not. */
#ifndef MUSTER_BENCH_IPC_ADDRESS_H
#define MUSTER_BENCH_IPC_ADDRESS_H

#include "bench/multiprocessing.h"

#include <sys/socket.h>
#include <sys/un.h>

#define ADDRESS_TEXT 320 /* bytes that hold any address as text */

struct address {
    bool local; /* a unix socket */
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    char host[256], port[8];
};

/* A place in the kernel's terms: what a name came to, or what the kernel chose. */
struct place {
    struct sockaddr_storage name;
    socklen_t length; /* 0: none yet */
};

struct listener {
    int fd;   /* -1: closed */
    int lock; /* of the path; -1: it has none */
    struct place place;
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)]; /* removed with it, once it is bound; "": none */
};

/* ERROR_USE when it is not one. */
int address_parse(struct address *, const char *text, struct error *);
/* As a manager says where it serves: a host in figures, the port that the kernel gave. */
const char *place_print(const struct place *, char text[ADDRESS_TEXT]);
bool place_is_local(const struct place *);

/* Non-blocking, close-on-exec. */
int address_listen(const struct address *, struct listener *, struct error *);
/* At a place of the kernel's choice that only this machine reaches: an abstract unix socket, or a loopback port. */
int listener_open_private(struct listener *, bool tcp, struct error *);
/* Closes it and removes its path. */
void listener_close(struct listener *);
/* In a child: closes the descriptors and leaves the path. */
void listener_leave(struct listener *);

/* A non-blocking socket, connected before `deadline` (monotonic ns), or -1 with *error. What it took is in *place,
 * which may be NULL. ERROR_SYSTEM: nobody serves there; ERROR_TIMEOUT. The time to find a name is the resolver's own.
 */
int address_connect(const struct address *, int64_t deadline, struct place *, struct error *);
int place_connect(const struct place *, int64_t deadline, struct error *);

/* No delay, and notice of a peer whose machine is gone. */
void socket_prepare(int fd);
#endif
