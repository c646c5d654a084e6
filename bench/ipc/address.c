/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * address.c - reading addresses, connecting to them within a deadline, and what sockets are given. */
#include "bench/ipc/address.h"
#include "bench/ipc/hub.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RETRY_NS       INT64_C(2000000)
#define IDLE_SECONDS   10    /* of silence before a peer's machine is asked whether it is there */
#define ASK_SECONDS    5     /* between two such questions */
#define ASK_TIMES      2     /* and so many without an answer end it */
#define UNTAKEN_MS     20000 /* what was sent and is not taken by the peer's machine for so long ends it */
#define PORT_MOST      65535
#define SCHEME_LOCAL   "unix:"
#define SCHEME_NETWORK "tcp:"

/* --- reading ----------------------------------------------------------------------------------------------------- */

static int parse_path(struct address *address, const char *path, struct error *error)
{
    size_t length = strlen(path);
    address->local = true;
    if (length == 0)
        return error_set(error, ERROR_USE, "unix: needs a path, as in unix:/run/muster.socket");
    if (length >= sizeof address->path)
        return error_set(error, ERROR_USE, "a unix socket's path has at most %zu bytes, and this one %zu",
                         sizeof address->path - 1, length);
    memcpy(address->path, path, length + 1);
    return 0;
}

static bool is_port(const char *text)
{
    char *end;
    if (*text < '0' || *text > '9' || strlen(text) > 5)
        return false;
    return strtoul(text, &end, 10) <= PORT_MOST && *end == '\0';
}

static int parse_host(struct address *address, const char *host, size_t length, struct error *error)
{
    if (length >= 2 && host[0] == '[' && host[length - 1] == ']') {
        host++;
        length -= 2;
    } else if (memchr(host, ':', length)) {
        return error_set(error, ERROR_USE, "an IPv6 address stands in brackets, as in tcp:[::1]:7000");
    }
    if (length >= sizeof address->host)
        return error_set(error, ERROR_USE, "a host's name has at most %zu bytes", sizeof address->host - 1);
    memcpy(address->host, host, length);
    address->host[length] = '\0';
    return 0;
}

int address_parse(struct address *address, const char *text, struct error *error)
{
    *address = (struct address){.local = false};
    if (strncmp(text, SCHEME_LOCAL, strlen(SCHEME_LOCAL)) == 0)
        return parse_path(address, text + strlen(SCHEME_LOCAL), error);
    if (strncmp(text, SCHEME_NETWORK, strlen(SCHEME_NETWORK)) != 0)
        return error_set(error, ERROR_USE, "'%.80s' is no address: unix:PATH or tcp:HOST:PORT is", text);
    const char *host = text + strlen(SCHEME_NETWORK), *colon = strrchr(host, ':');
    const char *port = colon ? colon + 1 : host;
    if (!is_port(port))
        return error_set(error, ERROR_USE, "'%.80s' needs a port, 0 to %d, as in tcp:127.0.0.1:7000", text, PORT_MOST);
    memcpy(address->port, port, strlen(port) + 1);
    return parse_host(address, host, colon ? (size_t)(colon - host) : 0, error);
}

bool place_is_local(const struct place *place)
{
    return place->name.ss_family == AF_UNIX;
}

const char *place_print(const struct place *place, char text[ADDRESS_TEXT])
{
    char host[INET6_ADDRSTRLEN + 20], port[8];
    const struct sockaddr_un *local = (const struct sockaddr_un *)&place->name;
    if (place_is_local(place)) {
        size_t most = place->length - offsetof(struct sockaddr_un, sun_path);
        bool abstract = local->sun_path[0] == '\0';
        snprintf(text, ADDRESS_TEXT, SCHEME_LOCAL "%s%.*s", abstract ? "@" : "", (int)most - abstract,
                 local->sun_path + abstract);
    } else if (getnameinfo((const struct sockaddr *)&place->name, place->length, host, sizeof host, port, sizeof port,
                           NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        bool six = place->name.ss_family == AF_INET6;
        snprintf(text, ADDRESS_TEXT, SCHEME_NETWORK "%s%s%s:%s", six ? "[" : "", host, six ? "]" : "", port);
    } else {
        snprintf(text, ADDRESS_TEXT, SCHEME_NETWORK "?");
    }
    return text;
}

/* --- connecting -------------------------------------------------------------------------------------------------- */

/* Of TCP; a unix socket knows none of this, and needs none. */
void socket_prepare(int fd)
{
    const int on = 1, idle = IDLE_SECONDS, ask = ASK_SECONDS, times = ASK_TIMES, untaken = UNTAKEN_MS;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &ask, sizeof ask);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof times);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &untaken, sizeof untaken);
}

/* 0, or -1 and errno; ETIMEDOUT at the deadline. */
static int wait_connected(int fd, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - hub_now();
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        int ready = left > 0 ? poll(&p, 1, (int)(left / 1000000) + 1) : 0;
        if (ready == 0)
            return errno = ETIMEDOUT, -1;
        if (ready < 0 && errno != EINTR)
            return -1;
        if (ready < 0)
            continue;
        int result = 0;
        socklen_t length = sizeof result;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &length))
            return -1;
        errno = result;
        return result ? -1 : 0;
    }
}

/* A unix listener whose queue is full says EAGAIN, and there is nothing to wait on but time. */
static int connect_before(int fd, const struct place *place, int64_t deadline)
{
    while (connect(fd, (const struct sockaddr *)&place->name, place->length)) {
        if (errno == EINPROGRESS || errno == EINTR)
            return wait_connected(fd, deadline);
        if (errno != EAGAIN)
            return -1;
        if (hub_now() >= deadline)
            return errno = ETIMEDOUT, -1;
        nanosleep(&(struct timespec){.tv_nsec = RETRY_NS}, NULL);
    }
    return 0;
}

int place_connect(const struct place *place, int64_t deadline, struct error *error)
{
    char text[ADDRESS_TEXT];
    int fd = socket(place->name.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_system(error, "cannot open a socket to the manager");
    socket_prepare(fd);
    if (connect_before(fd, place, deadline) == 0)
        return fd;
    int why = errno;
    place_print(place, text);
    errno = why;
    error_system(error, "cannot reach a manager at %.100s", text);
    if (why == ETIMEDOUT && error)
        error->code = ERROR_TIMEOUT;
    close(fd);
    return -1;
}

static int connect_local(const struct address *address, int64_t deadline, struct place *place, struct error *error)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    memcpy(name.sun_path, address->path, sizeof name.sun_path);
    *place = (struct place){.length = sizeof name};
    memcpy(&place->name, &name, sizeof name);
    return place_connect(place, deadline, error);
}

int address_connect(const struct address *address, int64_t deadline, struct place *place, struct error *error)
{
    struct place unasked = {.length = 0};
    place = place ? place : &unasked;
    if (address->local)
        return connect_local(address, deadline, place, error);
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    const char *host = address->host[0] ? address->host : "127.0.0.1";
    struct addrinfo *all = NULL;
    int why = getaddrinfo(host, address->port, &hints, &all), fd = -1;
    if (why)
        return error_set(error, ERROR_SYSTEM, "cannot find the host '%.80s': %s", host, gai_strerror(why));
    for (const struct addrinfo *one = all; one && fd < 0; one = one->ai_next) {
        *place = (struct place){.length = one->ai_addrlen};
        memcpy(&place->name, one->ai_addr, one->ai_addrlen);
        fd = place_connect(place, deadline, error);
    }
    freeaddrinfo(all);
    return fd;
}
