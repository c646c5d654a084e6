/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * door.c - accepting, and the handshakes that are under way. */
#include "bench/ipc/door.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ACCEPTS_AT_ONCE 32 /* in one turn, so that those inside have theirs */
#define PAUSE_NS        INT64_C(100000000)

/* One that stands at the door. */
struct knock {
    struct watcher watcher;
    struct hub_timer deadline;
    struct door *door;
    struct knock *next, *previous;
    struct place from;
    int fd;
    bool greeted; /* hello came, and the challenge is sent */
    size_t got;   /* bytes of the message that is awaited */
    struct handshake handshake;
};

static void *containing(void *member, size_t offset)
{
    return (unsigned char *)member - offset;
}

/* --- the row of those who knock ---------------------------------------------------------------------------------- */

static void enqueue(struct door *door, struct knock *k)
{
    k->previous = door->last;
    *(door->last ? &door->last->next : &door->first) = k;
    door->last = k;
    door->knocks++;
}

/* The descriptor stays open, and is returned. */
static int dequeue(struct knock *k)
{
    struct door *door = k->door;
    int fd = k->fd;
    hub_timer_stop(door->hub, &k->deadline);
    hub_forget(door->hub, fd, &k->watcher);
    *(k->previous ? &k->previous->next : &door->first) = k->next;
    *(k->next ? &k->next->previous : &door->last) = k->previous;
    door->knocks--;
    hub_bury(door->hub, k);
    return fd;
}

static void turn_away(struct knock *k, const char *why)
{
    struct door *door = k->door;
    door->refused++;
    if (door->keeper->turned_away)
        door->keeper->turned_away(door->keeper, &k->from, why);
    close(dequeue(k));
}

static void ring(struct hub_timer *timer)
{
    turn_away(containing(timer, offsetof(struct knock, deadline)), "it did not finish its handshake in time");
}

/* --- a handshake ------------------------------------------------------------------------------------------------- */

/* Small, and the first that is sent there: it fits, or the other side means no good. */
static bool told(int fd, const void *message, size_t bytes)
{
    return send(fd, message, bytes, MSG_NOSIGNAL) == (ssize_t)bytes;
}

/* 1 the message is complete, 0 not yet, -1 the end. */
static int hear(struct knock *k, void *message, size_t bytes)
{
    ssize_t n;
    do
        n = read(k->fd, (unsigned char *)message + k->got, bytes - k->got);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? 0 : -1;
    if (n == 0)
        return -1;
    k->got += (size_t)n;
    return k->got == bytes;
}

static void greet(struct knock *k)
{
    enum verdict verdict = handshake_greet(&k->handshake, &k->door->key);
    /* What is no client at all is not told what serves here. */
    bool stranger = memcmp(k->handshake.hello.magic, HANDSHAKE_MAGIC, HANDSHAKE_FAMILY) != 0;
    k->greeted = true;
    k->got = 0;
    if (stranger)
        turn_away(k, "it is not a client of a manager");
    else if (!told(k->fd, &k->handshake.challenge, sizeof k->handshake.challenge))
        turn_away(k, "it does not listen");
    else if (verdict != VERDICT_WELCOME)
        turn_away(k, verdict_text(verdict));
}

static void judge(struct knock *k)
{
    struct door *door = k->door;
    struct answer answer = {.verdict = VERDICT_WELCOME};
    void *ticket = NULL;
    enum verdict verdict = handshake_check(&k->handshake, &door->key);
    bool proved = verdict != VERDICT_KEY_WRONG && verdict != VERDICT_UNABLE;
    if (verdict == VERDICT_WELCOME)
        verdict = door->keeper->admit(door->keeper, &k->handshake.ask, &answer, &ticket);
    answer.verdict = verdict;
    struct answer sealed = answer;
    if (proved)
        handshake_seal(&k->handshake, &door->key, &sealed);
    else
        handshake_spurn(&sealed);
    bool heard = told(k->fd, &sealed, sizeof sealed);
    if (verdict != VERDICT_WELCOME) {
        turn_away(k, verdict_text(verdict));
        return;
    }
    /* The knock is buried, and there until the turn is over. */
    int fd = dequeue(k);
    if (!heard) {
        close(fd);
        fd = -1;
    }
    door->keeper->enter(door->keeper, &k->handshake.ask, ticket, fd);
}

static int knock_ready(struct watcher *watcher, uint32_t events, struct error *error)
{
    struct knock *k = containing(watcher, offsetof(struct knock, watcher));
    struct handshake *h = &k->handshake;
    (void)events, (void)error;
    int got = k->greeted ? hear(k, &h->ask, sizeof h->ask) : hear(k, &h->hello, sizeof h->hello);
    if (got < 0)
        turn_away(k, "it went away before it was let in");
    else if (got > 0 && k->greeted)
        judge(k);
    else if (got > 0)
        greet(k);
    return 0;
}

/* --- accepting --------------------------------------------------------------------------------------------------- */

/* The kernel vouches for a unix client's user. */
static bool may_knock(const struct door *door, int fd)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    return !place_is_local(&door->listener.place) ||
           (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == geteuid());
}

static void refuse(struct door *door, int fd, const struct place *from, enum verdict verdict)
{
    struct challenge challenge;
    handshake_refuse(&challenge, verdict);
    if (told(fd, &challenge, sizeof challenge) && door->keeper->turned_away)
        door->keeper->turned_away(door->keeper, from, verdict_text(verdict));
    door->refused++;
    close(fd);
}

static void welcome(struct door *door, int fd, const struct place *from)
{
    door->accepted++;
    if (!may_knock(door, fd)) {
        refuse(door, fd, from, VERDICT_USER);
        return;
    }
    struct knock *k = calloc(1, sizeof *k);
    if (!k) {
        refuse(door, fd, from, VERDICT_FULL);
        return;
    }
    *k = (struct knock){.watcher.ready = knock_ready, .deadline.ring = ring, .door = door, .from = *from, .fd = fd};
    socket_prepare(fd);
    if (hub_watch(door->hub, fd, EPOLLIN, &k->watcher)) {
        close(fd);
        free(k);
        return;
    }
    enqueue(door, k);
    hub_timer_set(door->hub, &k->deadline, hub_now() + door->deadline_ns);
    if (door->knocks > door->knocks_most)
        turn_away(door->first, "too many knock at once, and it had waited longest");
}

static void resume(struct hub_timer *timer)
{
    struct door *door = containing(timer, offsetof(struct door, pause));
    hub_change(door->hub, door->listener.fd, EPOLLIN, &door->watcher);
}

/* Gives the reserve away for the one that waits, so that it is turned away rather than kept ready for ever. */
static void out_of_descriptors(struct door *door)
{
    if (door->reserve >= 0)
        close(door->reserve);
    int fd = accept4(door->listener.fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        door->refused++;
        close(fd);
    }
    door->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && door->reserve >= 0)
        return;
    hub_change(door->hub, door->listener.fd, 0, &door->watcher);
    hub_timer_set(door->hub, &door->pause, hub_now() + PAUSE_NS);
}

/* Whatever goes wrong is one client's trouble, not the manager's. */
static int door_ready(struct watcher *watcher, uint32_t events, struct error *error)
{
    struct door *door = containing(watcher, offsetof(struct door, watcher));
    (void)events, (void)error;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        struct place from = {.length = sizeof from.name};
        int fd = accept4(door->listener.fd, (struct sockaddr *)&from.name, &from.length, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            welcome(door, fd, &from);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            out_of_descriptors(door);
            break;
        } else if (errno == EAGAIN) {
            break;
        }
    }
    return 0;
}

int door_open(struct door *door, struct hub *hub, struct doorkeeper *keeper, struct listener *listener,
              const struct key *key, unsigned knocks_most, struct error *error)
{
    *door = (struct door){.watcher.ready = door_ready,
                          .pause.ring = resume,
                          .hub = hub,
                          .keeper = keeper,
                          .key = *key,
                          .listener = *listener,
                          .reserve = open("/dev/null", O_RDONLY | O_CLOEXEC),
                          .knocks_most = knocks_most,
                          .deadline_ns = DOOR_DEADLINE_NS};
    *listener = (struct listener){.fd = -1, .lock = -1};
    if (hub_watch(hub, door->listener.fd, EPOLLIN, &door->watcher) == 0)
        return 0;
    error_system(error, "cannot watch for clients");
    door_close(door);
    return -1;
}

void door_close(struct door *door)
{
    while (door->first)
        close(dequeue(door->first));
    hub_timer_stop(door->hub, &door->pause);
    if (door->listener.fd >= 0)
        hub_forget(door->hub, door->listener.fd, &door->watcher);
    listener_close(&door->listener);
    if (door->reserve >= 0)
        close(door->reserve);
    door->reserve = -1;
}
