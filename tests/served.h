/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * served.h - a `muster manager` that runs beside a test, and pools that it serves. */
#ifndef MUSTER_TESTS_SERVED_H
#define MUSTER_TESTS_SERVED_H

#include "bench/ipc/handshake.h"
#include "bench/strategy.h"

struct served {
    pid_t pid;
    char address[160];
    unsigned char key[64];
    size_t key_bytes;
    char told[160];       /* a file with what it said on standard error */
    struct manager_at at; /* as a pool's setup has it; without a session's name */
};

/* Waits until it listens: where `at` is "unix" in the test's folder, "tcp" on the loopback, else at that address.
 * `key`: its text, or NULL. */
void served_start(struct served *, const char *at, const char *key);
/* Sends the signal, waits for its end, and returns its exit code, 128 + a signal that ended it. */
int served_end(struct served *, int signal);
/* The first strategy whose manager may be one that serves by an address. */
const struct strategy *served_strategy(void);

/* As a client that means no good: a socket that has shaken hands, non-blocking, or -1 and *verdict. */
int served_enter(const struct served *, const struct ask *, struct answer *, enum verdict *);
/* A shape of one worker and one process, 64 items of 8 bytes, and a counter, a list and a lock. */
struct shape served_shape(void);

struct served_pool {
    struct pool *pool;
    struct object *counter, *list, *lock;
    struct manager_at at;
};

/* A pool of two workers, with a map of SERVED_ITEMS items, and what `more` says. */
void served_pool_open(struct served_pool *, const struct served *, const char *session, struct setup more);
void served_pool_close(struct served_pool *);
/* An items_fn: squares of uint64_t. A map of it, checked. */
#define SERVED_ITEMS 1000
int served_square(struct worker *, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n);
void served_map(struct pool *);
/* One add by the parent, and what was there before. */
int64_t served_add(struct pool *, struct object *counter, int64_t delta);

#endif
