/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_manager.c - any bytes from any client, put to a manager: for libFuzzer, and for the replay of its corpus.
 *
 * An input opens either a session of all kinds of objects, whose clients have shaken hands already, or a door at which
 * anybody may knock. Then come records: a client, what is done with it, and bytes that it sends. What is looked for is
 * found by the sanitizers; here it only must end, and leave nothing behind. `make fuzz` builds and runs it. */
#include "tests/fuzz_manager.h"
#include "bench/ipc/house.h"
#include "bench/ipc/hub.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLIENTS    6
#define TURNS      4
#define BYTES_MOST (UINT64_C(32) << 20) /* of a session at the door */
#define CALLS_MOST (UINT64_C(24) << 10) /* of large calls in a session: one at a time, and never both ways */

/* In a record's second byte. */
enum { DO_CLOSE = 1, DO_CONNECT = 2, DO_NOT_READ = 4 };

struct arena {
    struct house house; /* at the door; else only its hub is used */
    struct session *session;
    struct place place;
    int fds[CLIENTS]; /* the clients' ends; -1: none */
};

static struct shape all_kinds(void)
{
    return (struct shape){
        .workers = 2,
        .processes = 1,
        .window = 4,
        .recycle = 3,
        .objects = 7,
        .items = 256,
        .in_size = 8,
        .out_size = 16,
        .object =
            {
                {.kind = OBJECT_COUNTER, .element_size = 8, .capacity = 1},
                {.kind = OBJECT_ARRAY, .type = TYPE_I16, .element_size = 2, .capacity = 100},
                {.kind = OBJECT_ARRAY, .type = TYPE_F64, .element_size = 8, .capacity = 3000},
                {.kind = OBJECT_ARRAY, .type = TYPE_BYTES, .element_size = 5, .capacity = 9},
                {.kind = OBJECT_LIST, .element_size = 16, .capacity = 2000},
                {.kind = OBJECT_DICT, .element_size = 12, .key_size = 4, .capacity = 50},
                {.kind = OBJECT_LOCK, .element_size = 1, .capacity = 1},
            },
    };
}

/* --- clients ----------------------------------------------------------------------------------------------------- */

/* Workers, a process, the parent, guests: as the server counts them. */
static void enter_session(struct arena *a, unsigned who)
{
    int pair[2];
    if (!server_free(&a->session->server, who) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return;
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    if (session_enter(a->session, who, pair[1]) == 0)
        a->fds[who] = pair[0];
    else
        close(pair[0]);
}

static void connect_client(struct arena *a, unsigned who)
{
    if (a->fds[who] >= 0)
        return;
    if (a->session)
        enter_session(a, who);
    else
        a->fds[who] = place_connect(&a->place, hub_now() + INT64_C(1000000000), NULL);
}

static void close_client(struct arena *a, unsigned who)
{
    if (a->fds[who] >= 0)
        close(a->fds[who]);
    a->fds[who] = -1;
}

static void read_all(int fd)
{
    static unsigned char sink[65536];
    while (fd >= 0 && read(fd, sink, sizeof sink) > 0)
        ;
}

static void turn(struct arena *a)
{
    if (a->session)
        hub_turn(&a->house.hub, 0, NULL);
    else
        house_turn(&a->house, 0, NULL);
}

/* A session that is over is closed by its house between turns. */
static bool over(const struct arena *a)
{
    return a->session && a->session->server.leaving;
}

/* --- an input ---------------------------------------------------------------------------------------------------- */

static void play(struct arena *a, const uint8_t *data, size_t size)
{
    while (size >= 4 && !over(a)) {
        unsigned who = data[0] % CLIENTS, what = data[1];
        size_t n = data[2] | (size_t)data[3] << 8;
        data += 4;
        size -= 4;
        n = n < size ? n : size;
        if (what & DO_CONNECT)
            connect_client(a, who);
        if (a->fds[who] >= 0 && n > 0 && write(a->fds[who], data, n) < 0)
            close_client(a, who);
        if (what & DO_CLOSE)
            close_client(a, who);
        for (int i = 0; i < TURNS && !over(a); i++) {
            turn(a);
            for (unsigned k = 0; k < CLIENTS && !(what & DO_NOT_READ); k++)
                read_all(a->fds[k]);
        }
        data += n;
        size -= n;
    }
}

static void reclaim(struct budget *budget, struct peer *but)
{
    const struct house *house = hub_owner(budget, struct house, budget);
    server_reclaim(&hub_owner(house, struct arena, house)->session->server, but);
}

static bool open_session(struct arena *a)
{
    const struct ask ask = {.role = CLIENT_PARENT, .shape = all_kinds()};
    if (hub_open(&a->house.hub, NULL))
        return false;
    if (session_open(&a->session, &a->house.hub, &ask, NULL)) {
        hub_close(&a->house.hub);
        return false;
    }
    budget_open(&a->house.budget, &a->house.hub, CALLS_MOST, reclaim);
    a->session->server.budget = &a->house.budget;
    for (unsigned i = 0; i < CLIENTS; i++)
        connect_client(a, i);
    return true;
}

static bool open_door(struct arena *a)
{
    const struct key none = {.count = 0};
    const struct house_limits limits = {.bytes = BYTES_MOST, .sessions = 2, .knocks = 3};
    struct listener listener;
    if (listener_open_private(&listener, false, NULL))
        return false;
    a->place = listener.place;
    return house_open(&a->house, &listener, &none, &limits, NULL) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = {.fds = {-1, -1, -1, -1, -1, -1}};
    if (size == 0)
        return 0;
    signal(SIGPIPE, SIG_IGN);
    bool door = data[0] & 1;
    if (!(door ? open_door(&a) : open_session(&a)))
        abort();
    play(&a, data + 1, size - 1);
    for (unsigned i = 0; i < CLIENTS; i++)
        close_client(&a, i);
    turn(&a);
    if (door) {
        house_close(&a.house);
    } else {
        session_close(a.session);
        budget_close(&a.house.budget);
        hub_close(&a.house.hub);
    }
    return 0;
}
