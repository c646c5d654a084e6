/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_dict.c - a dict in memory that all processes map, under one robust mutex.
 *
 * The dict is that of ipc/dict.h, which holds offsets only and logs what it changes: whoever inherits the mutex from a
 * process that died takes back what that one had begun. */
#include "bench/ipc/memory.h"
#include "bench/ipc/object.h"
#include "bench/strategies/shared_mutex.h"
#include "bench/strategies/shared_parts.h"

struct shared_dict {
    _Alignas(LINE_APART) pthread_mutex_t mutex;
    _Alignas(LINE_APART) unsigned char memory[];
};

static size_t shared_dict_bytes(const struct object *object)
{
    return sizeof(struct shared_dict) + dict_bytes(object, true);
}

static int64_t dict_call(struct worker *w, struct object *object, const struct call *call)
{
    struct shared_dict *shared = object->state;
    struct dict dict;
    (void)w;
    dict_view(&dict, object, shared->memory, true);
    enum shared_mutex_got got = shared_mutex_lock(&shared->mutex, NEVER);
    if (got == MUTEX_REFUSED)
        return CALL_BROKEN;
    if (got == MUTEX_INHERITED) {
        dict_repair(&dict);
        shared_mutex_mended(&shared->mutex);
    }
    int64_t result = dict_apply(&dict, call);
    return shared_mutex_unlock(&shared->mutex) ? CALL_BROKEN : result;
}

int shared_dict_create(struct object *object, struct error *error)
{
    struct shared_dict *shared = memory_shared(shared_dict_bytes(object));
    if (!shared)
        return error_system(error, "no shared memory for a dict of %zu entries", object->capacity);
    if (shared_mutex_new(&shared->mutex, false)) {
        error_system(error, "cannot make a robust mutex that processes share");
        memory_free(shared, shared_dict_bytes(object));
        return -1;
    }
    object->state = shared;
    object->call = dict_call;
    return 0;
}

void shared_dict_free(struct object *object)
{
    memory_free(object->state, shared_dict_bytes(object));
}
