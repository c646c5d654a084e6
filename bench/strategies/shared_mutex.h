/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_mutex.h - a mutex in shared memory that outlives whoever holds it.
 *
 * When its holder ends, however it does, the next one gets it and is told, so that it can repair what the mutex guards
 * before anybody else sees that. Any number of processes may call these at once. */
#ifndef MUSTER_BENCH_STRATEGIES_SHARED_MUTEX_H
#define MUSTER_BENCH_STRATEGIES_SHARED_MUTEX_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* In zeroed shared memory. `checks`: that it is not taken twice, nor given back by another. 0, or -1 and errno. */
int shared_mutex_new(pthread_mutex_t *, bool checks);

enum shared_mutex_got {
    MUTEX_REFUSED = -1,  /* errno: ETIMEDOUT; EDEADLK: the caller has it already; anything else: it is broken */
    MUTEX_OWNED = 0,     /* the caller has it */
    MUTEX_INHERITED = 1, /* likewise, from one that died with it: repair, and then say shared_mutex_mended(); who dies
                            before that leaves the next one to inherit again */
};

/* timeout_ns as everywhere: NEVER, 0 looks once, other negative ones are 0. */
enum shared_mutex_got shared_mutex_lock(pthread_mutex_t *, int64_t timeout_ns);
/* For ever, without looking first, and as the C library says it: 0, EOWNERDEAD, ... */
int shared_mutex_sleep(pthread_mutex_t *);
void shared_mutex_mended(pthread_mutex_t *);
/* 0, or -1 and errno: EPERM, the caller does not have it. */
int shared_mutex_unlock(pthread_mutex_t *);

#endif
