/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_lock.c - a lock in memory that all processes map: a robust mutex that checks who holds it.
 *
 * Where nobody is in the way neither taking it nor giving it back is a system call. */
#include "bench/ipc/memory.h"
#include "bench/strategies/shared_mutex.h"
#include "bench/strategies/shared_parts.h"

#include <errno.h>

static int64_t acquire(pthread_mutex_t *mutex, int64_t timeout_ns)
{
    switch (shared_mutex_lock(mutex, timeout_ns)) {
    case MUTEX_OWNED:
        return 0;
    case MUTEX_INHERITED:
        shared_mutex_mended(mutex);
        return LOCK_ORPHANED;
    default:
        return errno == ETIMEDOUT ? CALL_TIMEOUT : errno == EDEADLK ? CALL_DEADLOCK : CALL_BROKEN;
    }
}

static int64_t release(pthread_mutex_t *mutex)
{
    if (shared_mutex_unlock(mutex))
        return errno == EPERM ? CALL_NOT_OWNER : CALL_BROKEN;
    return 0;
}

/* Free, and nobody is told of a holder that died. What a process that lives holds stays its own: the system has it on
 * that process's list of what to give back when it ends. */
static int64_t clear(pthread_mutex_t *mutex)
{
    int64_t got = acquire(mutex, 0);
    return got == CALL_TIMEOUT ? CALL_NOT_OWNER : got >= 0 || got == CALL_DEADLOCK ? release(mutex) : got;
}

static int64_t lock_call(struct worker *w, struct object *object, const struct call *call)
{
    (void)w;
    if (call->verb == VERB_ACQUIRE)
        return acquire(object->state, (int64_t)call->at);
    if (call->verb == VERB_RELEASE)
        return release(object->state);
    return call->verb == VERB_CLEAR ? clear(object->state) : CALL_MISUSED;
}

int shared_lock_create(struct object *object, struct error *error)
{
    pthread_mutex_t *mutex = memory_shared(sizeof *mutex);
    if (!mutex)
        return error_system(error, "no shared memory for a lock");
    if (shared_mutex_new(mutex, true)) {
        error_system(error, "cannot make a robust mutex that processes share");
        memory_free(mutex, sizeof *mutex);
        return -1;
    }
    object->state = mutex;
    object->call = lock_call;
    return 0;
}

/* The C library keeps what this process holds on a list that goes through the mutexes themselves. */
void shared_lock_free(struct object *object)
{
    shared_mutex_unlock(object->state);
    memory_free(object->state, sizeof(pthread_mutex_t));
}
