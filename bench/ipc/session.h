/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * session.h - what one parent opens at a manager: its objects, its queue, and slots for its workers and processes.
 *
 * A session has the shape of its parent's pool, told in the handshake and checked before anything is allocated. Its
 * clients name it by a token of random bytes that the parent got, guests by the name that the parent gave it. It ends
 * when its parent goes, and with it go its objects; whoever is still connected finds its channel closed. */
#ifndef MUSTER_BENCH_IPC_SESSION_H
#define MUSTER_BENCH_IPC_SESSION_H

#include "bench/ipc/handshake.h"
#include "bench/ipc/server.h"

#define GUESTS_MOST 64 /* of a session */

struct session {
    struct session *next;
    unsigned char token[TOKEN_BYTES];
    char name[SESSION_NAME]; /* "": no guests */
    struct shape shape;
    uint64_t bytes;     /* that its shape may come to */
    struct pool served; /* setup, items, results, objects: what the server knows of the parent's pool */
    struct server server;
};

/* What a pool is opened with. */
void shape_of_pool(const struct pool *, struct shape *);
/* Its objects, all but how they are called and their state. */
void shape_to_objects(const struct shape *, struct pool *);
/* Whether there can be such a session, and how much memory it may come to, with guests if it has a name: all but what
 * large calls need for as long as they take. */
bool shape_possible(const struct shape *, bool named, uint64_t *bytes);

/* The shape is possible. ERROR_SYSTEM: no memory. */
int session_open(struct session **, struct hub *, const struct ask *, struct error *);
void session_close(struct session *);

/* As server_connect() counts. */
unsigned session_upstream(const struct session *);
/* Takes over the descriptor, also when it fails. */
int session_enter(struct session *, unsigned client, int fd);

#endif
