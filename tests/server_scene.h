/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * server_scene.h - a server as a manager has it, and at the other ends of its channels whoever the test plays: the
 * parent, workers, processes, guests.
 *
 * All in one process: what is said is sent, then the hub is turned until what shall be heard is there. */
#ifndef MUSTER_TESTS_SERVER_SCENE_H
#define MUSTER_TESTS_SERVER_SCENE_H

#include "bench/ipc/server.h"

#define SCENE_WORKERS   2
#define SCENE_PROCESSES 1
#define SCENE_GUESTS    2
#define SCENE_PEERS     (SCENE_WORKERS + SCENE_PROCESSES + 1 + SCENE_GUESTS)
#define SCENE_PARENT    (SCENE_WORKERS + SCENE_PROCESSES)
#define SCENE_PROCESS   SCENE_WORKERS
#define SCENE_GUEST     (SCENE_PARENT + 1)
#define SCENE_ITEMS     1000
#define SCENE_WINDOW    4
#define SCENE_LIST      (1 << 16) /* elements of 8 bytes */

enum { SCENE_COUNTER, SCENE_VALUES, SCENE_LOCK, SCENE_DICT, SCENE_ARRAY };

struct end {
    struct channel channel;
    struct frame heard;
    unsigned char *payload;
    bool has, closed;
};

struct scene {
    struct pool pool;
    struct hub hub;
    struct server server;
    struct end ends[SCENE_PEERS];
};

/* By sockets, or else by pipes. item_bytes: of an item, and of its result. */
struct scene *scene_open(bool sockets, size_t item_bytes);
/* Closes the server too, and checks that it can be. */
void scene_close(struct scene *);
/* Connects whoever plays at this place; workers say hello, and the parent hears it. */
void scene_enter(struct scene *, unsigned who);
void scene_enter_quietly(struct scene *, unsigned who);
void scene_leave(struct scene *, unsigned who);

/* Sends a frame whole. */
void scene_say(struct scene *, unsigned who, struct frame, const void *payload);
/* Some bytes of one. */
void scene_dribble(struct scene *, unsigned who, const void *bytes, size_t n);
/* Turns until this end has heard something, and takes it: NULL when nothing came, or the channel was closed. */
const struct frame *scene_hear(struct scene *, unsigned who);
/* A few turns, for what shall not come. */
void scene_turn(struct scene *);
/* Whether it hears nothing, and its channel stands. */
bool scene_silent(struct scene *, unsigned who);
/* Whether the server has closed its channel, having said nothing more. */
bool scene_dropped(struct scene *, unsigned who);
/* A call, and what is returned; the payload of the reply is in ends[who].payload. */
int64_t scene_call(struct scene *, unsigned who, unsigned object, enum verb, uint64_t at, uint64_t n, const void *in);
/* Whether the next frame that it hears is of this kind, with these; but for FRAME_HELLO, which tells who is there. */
bool scene_hears(struct scene *, unsigned who, enum frame_kind, uint64_t first, uint64_t n);

#endif
