/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_mutex.c - robust mutexes of the C library, shared between processes. */
#include "bench/strategies/shared_mutex.h"
#include "bench/ipc/deadline.h"
#include "bench/ipc/wait.h"
#include "bench/multiprocessing.h"

#include <errno.h>
#include <time.h>

#define SECOND_NS INT64_C(1000000000)
#define SLEEP_NS  INT64_C(20000000)

int shared_mutex_new(pthread_mutex_t *mutex, bool checks)
{
    pthread_mutexattr_t a;
    int bad = pthread_mutexattr_init(&a);
    if (bad == 0) {
        bad = pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
        if (bad == 0)
            bad = pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
        if (bad == 0 && checks)
            bad = pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
        if (bad == 0)
            bad = pthread_mutex_init(mutex, &a);
        pthread_mutexattr_destroy(&a);
    }
    errno = bad;
    return bad ? -1 : 0;
}

static struct timespec later(clockid_t clock, int64_t ns)
{
    struct timespec end;
    clock_gettime(clock, &end);
    end.tv_nsec += ns;
    end.tv_sec += end.tv_nsec / SECOND_NS;
    end.tv_nsec %= SECOND_NS;
    return end;
}

/* A sleep has an end, after which the mutex is looked at again. For when several wait, and the one that is woken is
 * killed before it has the mutex, and another takes it first, then the C library forgets those that sleep: they would
 * sleep on when that one dies too. */
int shared_mutex_sleep(pthread_mutex_t *mutex)
{
    int got;
    do {
        /* a few milliseconds behind, and costs next to nothing */
        struct timespec end = later(CLOCK_MONOTONIC_COARSE, SLEEP_NS);
        got = pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &end);
    } while (got == ETIMEDOUT);
    return got;
}

static int sleep_until(pthread_mutex_t *mutex, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline_left(deadline, SLEEP_NS);
        struct timespec end = later(CLOCK_MONOTONIC, left);
        int got = pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &end);
        if (got != ETIMEDOUT || left == 0)
            return got;
    }
}

/* What these mutexes guard is held for nanoseconds, and a sleep costs both sides microseconds. Between two looks the
 * holder is left in peace, so that it can take the mutex and what that guards many times while they are in its cache:
 * several times more goes through than when each look takes the line away. */
#define LOOKS       8
#define LOOK_PAUSES 64 /* about a microsecond */

static __attribute__((noinline)) int lock_contended(pthread_mutex_t *mutex, int64_t timeout_ns)
{
    for (int look = 0; look < LOOKS; look++) {
        for (int i = 0; i < LOOK_PAUSES; i++)
            wait_pause();
        int got = pthread_mutex_trylock(mutex);
        if (got != EBUSY)
            return got;
    }
    return timeout_ns == NEVER ? shared_mutex_sleep(mutex) : sleep_until(mutex, deadline_after(timeout_ns));
}

enum shared_mutex_got shared_mutex_lock(pthread_mutex_t *mutex, int64_t timeout_ns)
{
    int got = pthread_mutex_trylock(mutex);
    if (got == EBUSY && (timeout_ns == NEVER || timeout_ns > 0))
        got = lock_contended(mutex, timeout_ns);
    if (__builtin_expect(got == 0, 1))
        return MUTEX_OWNED;
    if (got == EOWNERDEAD)
        return MUTEX_INHERITED;
    errno = got == EBUSY ? ETIMEDOUT : got;
    return MUTEX_REFUSED;
}

void shared_mutex_mended(pthread_mutex_t *mutex)
{
    pthread_mutex_consistent(mutex);
}

int shared_mutex_unlock(pthread_mutex_t *mutex)
{
    int bad = pthread_mutex_unlock(mutex);
    if (__builtin_expect(bad == 0, 1))
        return 0;
    errno = bad;
    return -1;
}
