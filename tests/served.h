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
    struct manager_at at; /* as a pool's setup has it; without a session's name */
};

/* Waits until it listens at unix: in the test's folder, or at tcp: on the loopback. `key`: its text, or NULL. */
void served_start(struct served *, const char *scheme, const char *key);
/* Sends the signal, waits for its end, and returns its exit code, 128 + a signal that ended it. */
int served_end(struct served *, int signal);
/* The first strategy whose manager may be one that serves by an address. */
const struct strategy *served_strategy(void);

/* As a client that means no good: a socket that has shaken hands, non-blocking, or -1 and *verdict. */
int served_enter(const struct served *, const struct ask *, struct answer *, enum verdict *);
/* A shape of one worker and one process, 64 items of 8 bytes, and a counter, a list and a lock. */
struct shape served_shape(void);

#endif
