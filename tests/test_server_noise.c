/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_server_noise.c - a server whose clients, and now and then its parent, say anything: frames that are nearly
 * right, in any order, whole and cut. It lives, and whoever behaves is served all the while. Meant for a sanitizer,
 * too.
 */
#include "bench/ipc/memory.h"
#include "bench/ipc/object.h"
#include "tests/frame.h"
#include "tests/server_scene.h"

#include <CUnit/CUnit.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEPS   3000
#define PAYLOAD 100000

static uint64_t state;

static uint64_t draw(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static uint64_t some_number(void)
{
    static const uint64_t edges[] = {0, 1, 2, 3, 4, 63, 64, 1000, SCENE_LIST, UINT32_MAX, UINT64_MAX, INT64_MAX};
    return draw(3) ? draw(80) : edges[draw(sizeof edges / sizeof *edges)];
}

/* Most have the size that they should. */
static struct frame some_frame(const struct scene *s)
{
    struct frame frame = {.kind = (uint8_t)(draw(50) ? 1 + draw(FRAME_KINDS - 1) : draw(256)),
                          .verb = (uint8_t)(draw(20) ? draw(VERBS) : draw(256)),
                          .object = (uint16_t)draw(6),
                          .first = some_number(),
                          .n = some_number()};
    frame.kind = draw(2) ? FRAME_CALL : frame.kind;
    const size_t item = s->pool.setup.in_size;
    size_t bytes = draw(200);
    if (frame.kind == FRAME_CALL && frame.object < s->pool.object_count &&
        call_possible(&s->pool.objects[frame.object], frame.verb, frame.n))
        bytes = call_in_bytes(&s->pool.objects[frame.object], frame.verb, frame.n);
    else if (frame.kind == FRAME_TASK || frame.kind == FRAME_RESULT)
        bytes = frame.n * item;
    else if (frame.kind == FRAME_POST || frame.kind == FRAME_POSTED)
        bytes = item;
    else if (frame.kind == FRAME_MAP)
        bytes = sizeof(struct map_shape);
    else if (frame.kind == FRAME_OBITUARY)
        bytes = sizeof(struct obituary);
    frame.bytes = (uint32_t)(draw(30) ? bytes : some_number());
    return frame;
}

/* What they are told is thrown away, or, by some, not read. */
static void throw_away(struct end *end)
{
    static char bin[65536];
    if (end->channel.in_fd >= 0 && read(end->channel.in_fd, bin, sizeof bin) < 0)
        CU_ASSERT(errno == EAGAIN || errno == ECONNRESET);
}

static void shout(struct scene *s, unsigned who, const unsigned char *payload)
{
    static unsigned char buffer[sizeof(struct frame) + PAYLOAD];
    const struct frame frame = some_frame(s);
    size_t bytes = ((size_t)frame.bytes + 7) & ~(size_t)7;
    bytes = sizeof frame + (bytes < PAYLOAD ? bytes : PAYLOAD);
    memcpy(buffer, &frame, sizeof frame);
    memcpy(buffer + sizeof frame, payload, bytes - sizeof frame);
    if (frame.kind == FRAME_MAP)
        memcpy(buffer + sizeof frame, (uint64_t[]){draw(100), 1 + draw(8)}, sizeof(struct map_shape));
    if (frame.kind == FRAME_OBITUARY) {
        struct obituary o = {.slot = (uint32_t)draw(5), .begun = draw(6), .item = some_number(), .n = some_number()};
        memcpy(buffer + sizeof frame, &o, sizeof o);
    }
    bytes = draw(40) ? bytes : draw(bytes);
    if (write(s->ends[who].channel.out_fd, buffer, bytes) < 0)
        CU_ASSERT(errno == EAGAIN || errno == EPIPE || errno == ECONNRESET);
}

static void put(struct scene *s, unsigned who, struct frame frame, const void *payload)
{
    struct channel *ch = &s->ends[who].channel;
    if (!channel_room(ch, frame.bytes))
        return;
    channel_put(ch, &frame, payload);
    if (channel_flush(ch) < 0)
        channel_drop(ch);
}

/* The parent says what makes sense: the next chunk, a map, an applied item, a loop. */
static void order(struct scene *s, const unsigned char *payload)
{
    const struct server *server = &s->server;
    const uint64_t left = server->order.n - server->available, ticket = draw(SCENE_WINDOW);
    const size_t item = s->pool.setup.in_size;
    const struct map_shape shape = {.n = 1 + draw(60), .chunk = 1};
    struct frame frame = {.kind = FRAME_TASK, .first = server->available, .n = server->order.chunk};
    if (channel_pending(&s->ends[SCENE_PARENT].channel)) {
        channel_flush(&s->ends[SCENE_PARENT].channel);
        return;
    }
    frame.bytes = (uint32_t)(frame.n * item);
    if (left > 0)
        put(s, SCENE_PARENT, frame, payload);
    else if (server->returned == server->order.n)
        put(s, SCENE_PARENT, (struct frame){.kind = FRAME_MAP, .bytes = sizeof shape}, &shape);
    else if (!server->posted[ticket])
        put(s, SCENE_PARENT, (struct frame){.kind = FRAME_POST, .first = ticket, .bytes = (uint32_t)item}, payload);
    else if (server->looping == 0 && draw(5) == 0)
        put(s, SCENE_PARENT, (struct frame){.kind = FRAME_EACH}, NULL);
}

/* A worker answers what it was given. */
static void answer(struct scene *s, unsigned who, const unsigned char *payload)
{
    const struct peer *peer = &s->server.peers[who];
    if (peer->looping) {
        put(s, who, (struct frame){.kind = FRAME_PARKED, .n = draw(2)}, NULL);
    } else if (peer->connected && !peer->greeted) {
        put(s, who, (struct frame){.kind = FRAME_HELLO}, NULL);
    } else if (peer->errands.count > 0) {
        struct frame frame = *frames_at(&peer->errands, 0);
        frame.kind = frame.kind == FRAME_TASK ? FRAME_RESULT : FRAME_POSTED;
        put(s, who, frame, payload);
    }
}

/* Who was dropped comes again. */
static void come_again(struct scene *s, unsigned who)
{
    if (s->ends[who].channel.in_fd >= 0 && s->server.peers[who].connected)
        return;
    scene_leave(s, who);
    if (who < SCENE_WORKERS && !server_free(&s->server, who))
        CU_ASSERT_EQUAL(
            server_bury(&s->server, &(struct obituary){.slot = who, .begun = draw(5), .item = some_number()}, NULL), 0);
    if (server_free(&s->server, who))
        scene_enter_quietly(s, who);
}

static void noise(bool sockets, size_t item, uint64_t seed)
{
    unsigned char *payload = calloc(1, PAYLOAD);
    struct scene *s = scene_open(sockets, item);
    state = seed;
    for (size_t i = 0; i < PAYLOAD; i++)
        payload[i] = (unsigned char)draw(4);
    scene_enter(s, SCENE_GUEST + 1);
    for (int step = 0; step < STEPS && !s->server.leaving; step++) {
        unsigned who = (unsigned)draw(SCENE_PEERS - 1);
        if (who == SCENE_PARENT && draw(1000)) {
            order(s, payload);
            scene_turn(s);
            throw_away(&s->ends[who]);
            continue;
        }
        come_again(s, who);
        if (s->ends[who].channel.in_fd < 0)
            continue;
        if (draw(300) == 0)
            scene_leave(s, who);
        else if (who < SCENE_WORKERS && draw(30))
            answer(s, who, payload);
        else
            shout(s, who, payload);
        for (unsigned i = 0; i < SCENE_PEERS - 1; i++)
            if (i % 2 == 0 || draw(10) == 0)
                throw_away(&s->ends[i]);
        scene_turn(s);
        if (step % 50 == 0 && !s->server.leaving)
            CU_ASSERT(scene_call(s, SCENE_GUEST + 1, SCENE_ARRAY, VERB_LENGTH, 0, 0, NULL) == SCENE_LIST);
    }
    scene_close(s);
    free(payload);
}

static void noises(void)
{
    for (uint64_t seed = 1; seed <= 15; seed++)
        noise(seed % 2, seed % 3 ? 8 : 3000, seed * UINT64_C(0x9e3779b97f4a7c15));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "noise: a server whose clients say anything", .run = noises, .limit_s = 120},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
