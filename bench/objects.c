/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * objects.c - making the objects of a pool: what they are, checked, entered in the pool's table, handed to the
 * strategy. */
#include "bench/ipc/object.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

size_t type_size(enum element_type type)
{
    static const size_t sizes[] = {
        [TYPE_I8] = 1,  [TYPE_U8] = 1,  [TYPE_I16] = 2, [TYPE_U16] = 2, [TYPE_I32] = 4,   [TYPE_U32] = 4,
        [TYPE_I64] = 8, [TYPE_U64] = 8, [TYPE_F32] = 4, [TYPE_F64] = 8, [TYPE_BYTES] = 0,
    };
    return sizes[type];
}

static enum need need_of(enum object_kind kind)
{
    static const enum need needs[] = {
        [OBJECT_COUNTER] = NEED_COUNTER, [OBJECT_ARRAY] = NEED_ARRAY, [OBJECT_LIST] = NEED_LIST,
        [OBJECT_DICT] = NEED_DICT,       [OBJECT_LOCK] = NEED_LOCK,
    };
    return needs[kind];
}

/* Whether another object can be made: 0, or -1 and why not. */
static int check_place(const struct pool *pool, struct error *error)
{
    if (pool->owner != getpid())
        return error_set(error, ERROR_USE, "an object is made in the process that opened its pool");
    if (pool->pool_state != POOL_OPEN)
        return error_set(error, ERROR_USE, "this pool has started, or is over: objects are made before pool_start()");
    if (pool->object_count == OBJECTS_MAX)
        return error_set(error, ERROR_USE, "this pool has %d objects already, which is the most that one may have",
                         OBJECTS_MAX);
    return 0;
}

static struct object *object_new(struct pool *pool, const struct object *what, struct error *error)
{
    const char *lacks = pool->variant->lacks[need_of(what->kind)];
    struct object *object = &pool->objects[pool->object_count];
    if (lacks)
        error_set(error, ERROR_USE, "%s", lacks);
    else if (check_place(pool, error))
        return NULL;
    else if (pool->setup.manager && pool->setup.manager->guest)
        error_set(error, ERROR_USE, "a guest finds the objects that the session has: pool_object()");
    else if (!object_possible(what))
        error_set(error, ERROR_USE,
                  "an object has elements of at least one byte, of its type's size, and all fit into memory");
    else {
        *object = *what;
        object->pool = pool;
        object->index = pool->object_count;
        if (pool->strategy->create(object, error) == 0)
            return &pool->objects[pool->object_count++];
    }
    return NULL;
}

struct object *counter_new(struct pool *pool, struct error *error)
{
    return object_new(pool, &(struct object){.kind = OBJECT_COUNTER, .element_size = sizeof(int64_t), .capacity = 1},
                      error);
}

struct object *array_new(struct pool *pool, enum element_type type, size_t element_size, size_t length,
                         const void *initial, struct error *error)
{
    const struct object what = {
        .kind = OBJECT_ARRAY,
        .type = type,
        .element_size = type == TYPE_BYTES ? element_size : type_size(type),
        .capacity = length,
    };
    struct object *array = object_new(pool, &what, error);
    if (!array || !initial)
        return array;
    size_t bytes = length * what.element_size;
    array->initial = malloc(bytes);
    if (array->initial) {
        memcpy(array->initial, initial, bytes);
        return array;
    }
    error_system(error, "no memory for an array of %zu elements", length);
    return NULL;
}

/* In pieces, since a call has its limits where it is a message. */
#define PIECE_BYTES ((size_t)16 << 20)

static int array_initialise(struct worker *w, struct object *array)
{
    size_t most = array->element_size < PIECE_BYTES ? PIECE_BYTES / array->element_size : 1;
    const unsigned char *from = array->initial;
    for (size_t at = 0, n; at < array->capacity; at += n, from += n * array->element_size) {
        n = array->capacity - at < most ? array->capacity - at : most;
        if (element_set(w, array, at, from, n) != (int64_t)n)
            return -1;
    }
    return 0;
}

int objects_initialise(struct pool *pool, struct error *error)
{
    for (unsigned i = 0; i < pool->object_count; i++) {
        struct object *object = &pool->objects[i];
        if (!object->initial)
            continue;
        if (array_initialise(&pool->parent, object))
            return error_set(error, ERROR_BROKEN, "an array cannot be given its first values");
    }
    objects_forget(pool);
    return 0;
}

void objects_forget(struct pool *pool)
{
    for (unsigned i = 0; i < pool->object_count; i++) {
        free(pool->objects[i].initial);
        pool->objects[i].initial = NULL;
    }
}

struct object *value_new(struct pool *pool, enum element_type type, const void *initial, struct error *error)
{
    return array_new(pool, type, 0, 1, initial, error);
}

struct object *list_new(struct pool *pool, size_t element_size, size_t capacity, struct error *error)
{
    return object_new(pool, &(struct object){.kind = OBJECT_LIST, .element_size = element_size, .capacity = capacity},
                      error);
}

struct object *dict_new(struct pool *pool, size_t key_size, size_t value_size, size_t capacity, struct error *error)
{
    const struct object what = {
        .kind = OBJECT_DICT, .element_size = value_size, .key_size = key_size, .capacity = capacity};
    if (key_size == 0) {
        error_set(error, ERROR_USE, "a key has at least one byte");
        return NULL;
    }
    return object_new(pool, &what, error);
}

struct object *lock_new(struct pool *pool, struct error *error)
{
    return object_new(pool, &(struct object){.kind = OBJECT_LOCK, .element_size = 1, .capacity = 1}, error);
}

struct object *pool_object(struct pool *pool, unsigned index)
{
    return index < pool->object_count ? &pool->objects[index] : NULL;
}
