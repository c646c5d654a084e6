/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * server_scene.c - opening, entering, speaking and listening. */
#include "tests/server_scene.h"

#include "bench/ipc/memory.h"
#include "bench/ipc/object.h"

#include <CUnit/CUnit.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURNS        200 /* of a few ms, until something must have come */
#define PAYLOAD_MOST ((size_t)32 << 20)

static bool by_sockets;

static void add_object(struct pool *pool, struct object what)
{
    struct object *object = &pool->objects[pool->object_count];
    *object = what;
    object->pool = pool;
    object->index = pool->object_count++;
    CU_ASSERT_EQUAL_FATAL(object_state_new(object, NULL), 0);
}

static void add_objects(struct pool *pool)
{
    add_object(pool, (struct object){.kind = OBJECT_COUNTER, .element_size = 8, .capacity = 1});
    add_object(pool, (struct object){.kind = OBJECT_LIST, .element_size = 8, .capacity = SCENE_LIST});
    add_object(pool, (struct object){.kind = OBJECT_LOCK, .element_size = 1, .capacity = 1});
    add_object(pool, (struct object){.kind = OBJECT_DICT, .key_size = 4, .element_size = 12, .capacity = 100});
    add_object(pool,
               (struct object){.kind = OBJECT_ARRAY, .type = TYPE_I64, .element_size = 8, .capacity = SCENE_LIST});
}

struct scene *scene_open(bool sockets, size_t item_bytes)
{
    struct scene *s = calloc(1, sizeof *s);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    by_sockets = sockets;
    s->pool.setup = (struct setup){
        .workers = SCENE_WORKERS,
        .processes = SCENE_PROCESSES,
        .items = SCENE_ITEMS,
        .in_size = item_bytes,
        .out_size = item_bytes,
        .depth = 4,
        .window = SCENE_WINDOW,
    };
    CU_ASSERT_EQUAL_FATAL(pool_private_items(&s->pool, NULL), 0);
    add_objects(&s->pool);
    CU_ASSERT_EQUAL_FATAL(hub_open(&s->hub, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(server_open(&s->server, &s->pool, &s->hub, true, SCENE_GUESTS, NULL), 0);
    for (unsigned i = 0; i < SCENE_PEERS; i++)
        s->ends[i].channel = (struct channel){.in_fd = -1, .out_fd = -1};
    scene_enter(s, SCENE_PARENT);
    return s;
}

void scene_close(struct scene *s)
{
    server_close(&s->server);
    hub_close(&s->hub);
    for (unsigned i = 0; i < SCENE_PEERS; i++)
        scene_leave(s, i);
    for (unsigned i = 0; i < s->pool.object_count; i++)
        object_state_free(&s->pool.objects[i]);
    pool_free_items(&s->pool);
    free(s);
}

void scene_enter_quietly(struct scene *s, unsigned who)
{
    struct end *end = &s->ends[who];
    int there[2], back[2];
    if (by_sockets) {
        CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, there), 0);
        back[0] = there[1], back[1] = there[0];
    } else
        CU_ASSERT_FATAL(pipe2(there, O_CLOEXEC) == 0 && pipe2(back, O_CLOEXEC) == 0);
    CU_ASSERT_EQUAL_FATAL(server_connect(&s->server, who, there[0], back[1], NULL), 0);
    CU_ASSERT_EQUAL_FATAL(channel_open(&end->channel, back[0], there[1]), 0);
    CU_ASSERT_EQUAL_FATAL(channel_nonblocking(back[0]) || channel_nonblocking(there[1]), 0);
    end->payload = memory_private(PAYLOAD_MOST);
    CU_ASSERT_PTR_NOT_NULL_FATAL(end->payload);
    end->has = end->closed = false;
}

void scene_enter(struct scene *s, unsigned who)
{
    scene_enter_quietly(s, who);
    if (who >= SCENE_WORKERS)
        return;
    scene_say(s, who, (struct frame){.kind = FRAME_HELLO}, NULL);
    const struct frame *hello;
    do
        hello = scene_hear(s, SCENE_PARENT);
    while (hello && hello->kind == FRAME_HELLO && hello->n != s->server.standing);
    CU_ASSERT(hello && hello->kind == FRAME_HELLO);
}

void scene_leave(struct scene *s, unsigned who)
{
    struct end *end = &s->ends[who];
    channel_close(&end->channel);
    memory_free(end->payload, PAYLOAD_MOST);
    end->payload = NULL;
}

/* --- speaking ---------------------------------------------------------------------------------------------------- */

static void turn(struct scene *s, int timeout_ms)
{
    struct error error = {.code = ERROR_NONE};
    CU_ASSERT_EQUAL_FATAL(hub_turn(&s->hub, timeout_ms, &error), 0);
}

void scene_turn(struct scene *s)
{
    for (int i = 0; i < 8; i++)
        turn(s, 0);
}

void scene_say(struct scene *s, unsigned who, struct frame frame, const void *payload)
{
    struct channel *ch = &s->ends[who].channel;
    channel_put(ch, &frame, payload);
    for (int i = 0; i < TURNS * 100 && channel_flush(ch) == 0; i++)
        turn(s, 0);
    CU_ASSERT_FALSE_FATAL(channel_pending(ch));
    scene_turn(s);
}

void scene_dribble(struct scene *s, unsigned who, const void *bytes, size_t n)
{
    CU_ASSERT_EQUAL(write(s->ends[who].channel.out_fd, bytes, n), (ssize_t)n);
    scene_turn(s);
}

/* --- listening --------------------------------------------------------------------------------------------------- */

static void *end_place(void *arg, const struct frame *frame)
{
    return frame->bytes <= PAYLOAD_MOST ? ((struct end *)arg)->payload : NULL;
}

/* One at a time: the rest waits. */
static int end_handle(void *arg, const struct frame *frame, const void *payload)
{
    struct end *end = arg;
    end->heard = *frame;
    end->has = end->channel.held = true;
    if (frame->bytes > 0 && payload != end->payload)
        memcpy(end->payload, payload, frame->bytes);
    return 0;
}

/* Reads only when all that had come is taken. */
static void listen_once(struct end *end)
{
    const struct receiver receiver = {.arg = end, .place = end_place, .handle = end_handle};
    end->channel.held = end->has = false;
    if (channel_hand_over(&end->channel, &receiver) < 0)
        end->closed = true;
    if (!end->has && !end->closed && channel_receive(&end->channel, &receiver) < 0 && !end->has)
        end->closed = true;
}

const struct frame *scene_hear(struct scene *s, unsigned who)
{
    struct end *end = &s->ends[who];
    for (int i = 0; i < TURNS; i++) {
        listen_once(end);
        if (end->has)
            return &end->heard;
        if (end->closed)
            return NULL;
        turn(s, i < TURNS / 2 ? 0 : 5);
    }
    return NULL;
}

bool scene_silent(struct scene *s, unsigned who)
{
    struct end *end = &s->ends[who];
    scene_turn(s);
    listen_once(end);
    return !end->has && !end->closed;
}

bool scene_dropped(struct scene *s, unsigned who)
{
    return scene_hear(s, who) == NULL && s->ends[who].closed;
}

int64_t scene_call(struct scene *s, unsigned who, unsigned object, enum verb verb, uint64_t at, uint64_t n,
                   const void *in)
{
    struct frame frame = {.kind = FRAME_CALL, .verb = (uint8_t)verb, .object = (uint16_t)object, .first = at, .n = n};
    frame.bytes = (uint32_t)call_in_bytes(&s->pool.objects[object], verb, n);
    scene_say(s, who, frame, in);
    const struct frame *reply = scene_hear(s, who);
    CU_ASSERT_FATAL(reply && reply->kind == FRAME_REPLY);
    return (int64_t)reply->first;
}

bool scene_hears(struct scene *s, unsigned who, enum frame_kind kind, uint64_t first, uint64_t n)
{
    const struct frame *frame;
    do
        frame = scene_hear(s, who);
    while (frame && frame->kind == FRAME_HELLO);
    bool as_said = frame && frame->kind == kind && frame->first == first && frame->n == n;
    if (!as_said && frame)
        fprintf(stderr, "%u heard kind %u, first %llu, n %llu\n", who, frame->kind, (unsigned long long)frame->first,
                (unsigned long long)frame->n);
    return as_said;
}
