/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * session.c - shapes, checked; and sessions, made of them. */
#include "bench/ipc/session.h"
#include "bench/ipc/object.h"
#include "bench/ipc/server_parts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE_MOST    (UINT64_C(1) << 31) /* of one item, result, element, key */
#define DEPTH_MOST   65536
#define WINDOW_MOST  (1 << 20)
#define BESIDE_ITEM  (2 * sizeof(struct frame)) /* bytes beside an item's own: told to a parent that does not read */
#define BESIDE_POST  (64 + BESIDE_ITEM)         /* likewise an applied item's */
#define BESIDE_ENTRY 64                         /* likewise of a dict's entry */

/* A pool that a server serves has no processes of its own: it starts, maps and stops nothing. */
static const struct strategy served_strategy = {.name = "session", .depth = server_depth};

/* --- shapes ------------------------------------------------------------------------------------------------------ */

void shape_of_pool(const struct pool *pool, struct shape *shape)
{
    const struct setup *s = &pool->setup;
    *shape = (struct shape){
        .workers = s->workers,
        .processes = s->processes,
        .depth = s->depth,
        .window = s->window,
        .recycle = s->recycle,
        .objects = pool->object_count,
        .items = s->items,
        .in_size = s->in_size,
        .out_size = s->out_size,
    };
    for (unsigned i = 0; i < pool->object_count; i++) {
        const struct object *o = &pool->objects[i];
        shape->object[i] = (struct shape_object){.kind = o->kind,
                                                 .type = o->type,
                                                 .element_size = o->element_size,
                                                 .key_size = o->key_size,
                                                 .capacity = o->capacity};
    }
}

static struct object object_of(const struct shape_object *o)
{
    return (struct object){
        .kind = o->kind,
        .type = o->type,
        .element_size = o->element_size,
        .key_size = o->key_size,
        .capacity = o->capacity,
    };
}

static struct setup setup_of(const struct shape *shape)
{
    return (struct setup){
        .workers = shape->workers,
        .processes = shape->processes,
        .depth = shape->depth,
        .window = shape->window,
        .recycle = shape->recycle,
        .items = shape->items,
        .in_size = shape->in_size,
        .out_size = shape->out_size,
    };
}

void shape_to_objects(const struct shape *shape, struct pool *pool)
{
    pool->object_count = shape->objects;
    for (unsigned i = 0; i < shape->objects; i++) {
        pool->objects[i] = object_of(&shape->object[i]);
        pool->objects[i].pool = pool;
        pool->objects[i].index = i;
    }
}

/* Adds n times `size`; false: more than can be counted. */
static bool count_bytes(uint64_t *sum, uint64_t n, uint64_t size)
{
    uint64_t product;
    return !__builtin_mul_overflow(n, size, &product) && !__builtin_add_overflow(*sum, product, sum) &&
           *sum <= INT64_MAX;
}

/* Of a list there may be two for a while. */
static bool count_object(uint64_t *sum, const struct shape_object *o)
{
    const struct object object = object_of(o);
    const uint64_t one = o->element_size + o->key_size;
    return object_possible(&object) &&
           count_bytes(sum, o->capacity, o->kind == OBJECT_DICT ? one + BESIDE_ENTRY : 2 * one);
}

static uint64_t client_bytes(const struct shape *s)
{
    return sizeof(struct peer) + 2 * (CHANNEL_BUFFER + SCRATCH_OWN) + 2 * (s->depth + 1) * sizeof(struct frame);
}

bool shape_possible(const struct shape *s, bool named, uint64_t *bytes)
{
    bool works = s->items > 0 || s->window > 0;
    *bytes = 0;
    if (s->workers < 1 || s->workers > WORKERS_MAX || s->processes > PROCESSES_MAX || s->objects > OBJECTS_MAX)
        return false;
    if (s->depth > DEPTH_MOST || s->window > WINDOW_MOST || s->in_size > SIZE_MOST || s->out_size > SIZE_MOST)
        return false;
    if (works && (s->in_size == 0 || s->out_size == 0))
        return false;
    for (unsigned i = 0; i < s->objects; i++)
        if (!count_object(bytes, &s->object[i]))
            return false;
    return count_bytes(bytes, s->items, s->in_size + s->out_size + BESIDE_ITEM) &&
           count_bytes(bytes, s->window, s->in_size + s->out_size + BESIDE_POST) &&
           count_bytes(bytes, s->workers + s->processes + 1 + (named ? GUESTS_MOST : 0), client_bytes(s));
}

/* --- sessions ---------------------------------------------------------------------------------------------------- */

static void free_objects(struct pool *pool)
{
    for (unsigned i = 0; i < pool->object_count; i++)
        object_state_free(&pool->objects[i]);
}

static int furnish(struct session *session, struct error *error)
{
    struct pool *pool = &session->served;
    for (unsigned i = 0; i < pool->object_count; i++) {
        if (object_state_new(&pool->objects[i], error))
            return -1;
        pool->objects[i].call = object_call_here;
    }
    return pool_private_items(pool, error);
}

int session_open(struct session **out, struct hub *hub, const struct ask *ask, struct error *error)
{
    struct session *session = calloc(1, sizeof *session);
    *out = NULL;
    if (!session)
        return error_system(error, "no memory for a session");
    session->shape = ask->shape;
    memcpy(session->name, ask->name, sizeof session->name);
    session->served.strategy = &served_strategy;
    session->served.owner = getpid();
    session->served.setup = setup_of(&ask->shape);
    shape_to_objects(&ask->shape, &session->served);
    shape_possible(&ask->shape, ask->name[0] != '\0', &session->bytes);
    if (handshake_random(session->token, sizeof session->token, error) || furnish(session, error))
        goto free_session;
    if (server_open(&session->server, &session->served, hub, true, GUESTS_MOST, error))
        goto free_items;
    *out = session;
    return 0;
free_items:
    pool_free_items(&session->served);
free_session:
    free_objects(&session->served);
    free(session);
    return -1;
}

void session_close(struct session *session)
{
    server_close(&session->server);
    pool_free_items(&session->served);
    free_objects(&session->served);
    free(session);
}

/* --- clients ----------------------------------------------------------------------------------------------------- */

unsigned session_upstream(const struct session *session)
{
    return pool_slots(&session->served);
}

int session_enter(struct session *session, unsigned client, int fd)
{
    return server_connect(&session->server, client, fd, fd, NULL);
}
