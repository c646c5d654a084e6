/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * listener.c - listening at an address, and whose a unix socket's path is.
 *
 * The lock file PATH.lock is held as long as the manager lives, and the kernel lets go of it when it dies. Whoever
 * holds it may remove a socket that nobody answers at. */
#include "bench/ipc/address.h"
#include "bench/ipc/hub.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG  4096
#define LOOK_NS  INT64_C(1000000000) /* how long a path that is there may take to say whether it is served */
#define LOCK_END ".lock"

static int cannot(struct listener *l, const char *what, struct error *error)
{
    error_system(error, "cannot serve at %.120s", what);
    listener_close(l);
    return -1;
}

static int open_at(struct listener *l, const struct sockaddr *name, socklen_t length, const char *what,
                   struct error *error)
{
    const int on = 1;
    l->fd = socket(name->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0)
        return cannot(l, what, error);
    if (name->sa_family != AF_UNIX)
        setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    l->place.length = sizeof l->place.name;
    if (bind(l->fd, name, length) || listen(l->fd, BACKLOG) ||
        getsockname(l->fd, (struct sockaddr *)&l->place.name, &l->place.length))
        return cannot(l, what, error);
    return 0;
}

/* --- a path ------------------------------------------------------------------------------------------------------ */

static void lock_name(char name[sizeof(struct sockaddr_un) + sizeof LOCK_END], const char *path)
{
    snprintf(name, sizeof(struct sockaddr_un) + sizeof LOCK_END, "%s%s", path, LOCK_END);
}

/* The file may have been removed by its last holder between open() and flock(): then the lock guards nothing. */
static bool still_named(int fd, const char *name)
{
    struct stat held, named;
    return fstat(fd, &held) == 0 && stat(name, &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
}

static int hold(int fd)
{
    int result;
    do
        result = flock(fd, LOCK_EX | LOCK_NB);
    while (result && errno == EINTR);
    return result;
}

static int take_lock(const char *path, struct error *error)
{
    char name[sizeof(struct sockaddr_un) + sizeof LOCK_END];
    lock_name(name, path);
    for (;;) {
        int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 && errno == ENOENT)
            return error_set(error, ERROR_USE, "cannot serve at unix:%s: its folder does not exist", path);
        if (fd < 0)
            return error_system(error, "cannot lock unix:%s by %s", path, name);
        if (hold(fd)) {
            int result = errno == EWOULDBLOCK ? error_set(error, ERROR_USE, "another manager serves at unix:%s", path)
                                              : error_system(error, "cannot lock unix:%s by %s", path, name);
            close(fd);
            return result;
        }
        if (still_named(fd, name))
            return fd;
        close(fd);
    }
}

/* 0: there is nothing any more. */
static int clear_path(const struct sockaddr_un *name, struct error *error)
{
    struct place place = {.length = sizeof *name};
    struct stat there;
    struct error why;
    if (lstat(name->sun_path, &there))
        return errno == ENOENT ? 0 : error_system(error, "cannot serve at unix:%s", name->sun_path);
    if (!S_ISSOCK(there.st_mode))
        return error_set(error, ERROR_USE, "cannot serve at unix:%s: there is a file that is no socket",
                         name->sun_path);
    memcpy(&place.name, name, sizeof *name);
    int fd = place_connect(&place, hub_now() + LOOK_NS, &why);
    if (fd >= 0)
        close(fd);
    if (fd >= 0 || why.sys_errno != ECONNREFUSED)
        return error_set(error, ERROR_USE, "another program serves at unix:%s", name->sun_path);
    return unlink(name->sun_path) ? error_system(error, "cannot remove the stale unix:%s", name->sun_path) : 0;
}

static int listen_local(const char *path, struct listener *l, struct error *error)
{
    char text[ADDRESS_TEXT];
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    memcpy(name.sun_path, path, sizeof name.sun_path);
    l->lock = take_lock(path, error);
    if (l->lock < 0)
        return -1;
    memcpy(l->path, path, sizeof l->path);
    if (clear_path(&name, error)) {
        listener_close(l);
        return -1;
    }
    snprintf(text, sizeof text, "unix:%s", path);
    mode_t mask = umask(077);
    int result = open_at(l, (const struct sockaddr *)&name, sizeof name, text, error);
    umask(mask);
    return result;
}

/* --- all kinds --------------------------------------------------------------------------------------------------- */

static int listen_network(const struct address *address, struct listener *l, struct error *error)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
    const char *host = address->host[0] ? address->host : "127.0.0.1";
    char text[ADDRESS_TEXT];
    struct addrinfo *all = NULL;
    int why = getaddrinfo(host, address->port, &hints, &all), result = -1;
    if (why)
        return error_set(error, ERROR_USE, "cannot find the host '%.80s': %s", host, gai_strerror(why));
    snprintf(text, sizeof text, "tcp:%s:%s", host, address->port);
    for (const struct addrinfo *one = all; one && result; one = one->ai_next)
        result = open_at(l, one->ai_addr, one->ai_addrlen, text, error);
    freeaddrinfo(all);
    return result;
}

int address_listen(const struct address *address, struct listener *l, struct error *error)
{
    *l = (struct listener){.fd = -1, .lock = -1};
    return address->local ? listen_local(address->path, l, error) : listen_network(address, l, error);
}

int listener_open_private(struct listener *l, bool tcp, struct error *error)
{
    const struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    /* A bind without a name has the kernel choose an abstract one. */
    const struct sockaddr_un nameless = {.sun_family = AF_UNIX};
    *l = (struct listener){.fd = -1, .lock = -1};
    if (tcp)
        return open_at(l, (const struct sockaddr *)&loopback, sizeof loopback, "the loopback", error);
    return open_at(l, (const struct sockaddr *)&nameless, sizeof(sa_family_t), "a unix socket", error);
}

void listener_leave(struct listener *l)
{
    if (l->fd >= 0)
        close(l->fd);
    if (l->lock >= 0)
        close(l->lock);
    l->fd = l->lock = -1;
}

void listener_close(struct listener *l)
{
    char name[sizeof(struct sockaddr_un) + sizeof LOCK_END];
    int saved = errno;
    if (l->place.name.ss_family == AF_UNIX && l->path[0])
        unlink(l->path);
    if (l->lock >= 0) {
        lock_name(name, l->path);
        unlink(name);
    }
    l->path[0] = '\0';
    listener_leave(l);
    errno = saved;
}
