/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * socket.c - listening, connecting and admitting. */
#include "bench/ipc/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG       4096
#define HELLO_SECONDS 5 /* a client that says nothing for so long is turned away */

/* What a client says first. */
struct hello {
    uint64_t secret;
    uint32_t who, padding;
};

int endpoint_listen(struct endpoint *e, bool tcp, struct error *error)
{
    *e = (struct endpoint){.listener = -1};
    if (getrandom(&e->secret, sizeof e->secret, 0) != sizeof e->secret)
        return error_system(error, "no random bytes for the manager's secret");
    if (tcp) {
        struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        memcpy(&e->address, &any, sizeof any);
        e->length = sizeof any;
    } else {
        /* A bind without a name has the kernel choose an abstract one. */
        e->address.ss_family = AF_UNIX;
        e->length = sizeof(sa_family_t);
    }
    e->listener = socket(e->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (e->listener < 0)
        return error_system(error, "cannot open a socket for the manager");
    socklen_t named = sizeof e->address;
    if (bind(e->listener, (struct sockaddr *)&e->address, e->length) || listen(e->listener, BACKLOG) ||
        getsockname(e->listener, (struct sockaddr *)&e->address, &named)) {
        error_system(error, "the manager cannot listen on %s", tcp ? "the loopback" : "a unix socket");
        endpoint_close(e);
        return -1;
    }
    e->length = named;
    return 0;
}

void endpoint_close(struct endpoint *e)
{
    if (e->listener >= 0)
        close(e->listener);
    e->listener = -1;
}

static void without_delay(int fd, int family)
{
    int on = 1;
    if (family == AF_INET)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int endpoint_connect(const struct endpoint *e, uint32_t who, struct error *error)
{
    int fd = socket(e->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_system(error, "cannot open a socket to the manager");
    without_delay(fd, e->address.ss_family);
    int got;
    do
        got = connect(fd, (const struct sockaddr *)&e->address, e->length);
    while (got && errno == EINTR);
    struct hello hello = {.secret = e->secret, .who = who};
    if (got == 0 && write(fd, &hello, sizeof hello) == sizeof hello)
        return fd;
    error_system(error, "cannot reach the manager");
    close(fd);
    return -1;
}

/* The kernel vouches for a unix client's user. A TCP client is known by the secret alone. */
static bool own_user(int fd, int family)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    return family != AF_UNIX || (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == geteuid());
}

static bool said_hello(const struct endpoint *e, int fd, uint32_t *who)
{
    struct timeval limit = {.tv_sec = HELLO_SECONDS};
    struct hello hello;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (recv(fd, &hello, sizeof hello, MSG_WAITALL) != sizeof hello || hello.secret != e->secret)
        return false;
    *who = hello.who;
    return true;
}

int endpoint_accept(struct endpoint *e, uint32_t *who, struct error *error)
{
    for (;;) {
        int fd = accept4(e->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0)
            return error_system(error, "the manager cannot accept a client (limit on descriptors: ulimit -n)");
        without_delay(fd, e->address.ss_family);
        if (own_user(fd, e->address.ss_family) && said_hello(e, fd, who))
            return fd;
        close(fd);
    }
}
