/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * socket.h - the address at which a manager listens: an abstract unix socket named by the kernel, or a loopback port.
 */
#ifndef MUSTER_BENCH_IPC_SOCKET_H
#define MUSTER_BENCH_IPC_SOCKET_H

#include "bench/multiprocessing.h"

#include <sys/socket.h>

struct endpoint {
    int listener;    /* -1 once closed */
    uint64_t secret; /* known to those alone who descend from the process that listens */
    struct sockaddr_storage address;
    socklen_t length;
};

int endpoint_listen(struct endpoint *, bool tcp, struct error *);
void endpoint_close(struct endpoint *);
/* Connects and says who: a blocking socket, or -1 with *error. */
int endpoint_connect(const struct endpoint *, uint32_t who, struct error *);
/* Waits for the next client that is of this user and knows the secret, turning others away, and learns who it is. */
int endpoint_accept(struct endpoint *, uint32_t *who, struct error *);

#endif
