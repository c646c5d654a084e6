/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * reach.h - getting to a manager from a client's side: connect, shake hands, hold a socket. */
#ifndef MUSTER_BENCH_IPC_REACH_H
#define MUSTER_BENCH_IPC_REACH_H

#include "bench/ipc/address.h"
#include "bench/ipc/handshake.h"

#define REACH_NS INT64_C(5000000000)

/* Where a manager is, and what is proved to it. */
struct reach {
    struct address address;
    struct place place; /* what the address came to, once it was reached */
    struct key key;
    int64_t patience_ns; /* to connect and to shake hands; 0: REACH_NS */
};

/* Reads the address, and sees that the key will do: ERROR_USE, ERROR_REFUSED where it cannot be proved. */
int reach_prepare(struct reach *, const struct manager_at *, struct error *);
/* The socket, non-blocking, or -1 with *error as address_connect() and handshake_client() have it; the verdict of a
 * refusal is in *answer. */
int reach_enter(struct reach *, const struct ask *, struct answer *, struct error *);
/* Asks whether it would let one in who has this key: 0, or -1 with *error. */
int reach_probe(const struct manager_at *, struct error *);

#endif
