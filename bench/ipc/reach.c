/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * reach.c - from an address and a key to a socket on which frames may follow. */
#include "bench/ipc/reach.h"
#include "bench/ipc/hub.h"

#include <string.h>
#include <unistd.h>

int reach_prepare(struct reach *reach, const struct manager_at *at, struct error *error)
{
    *reach = (struct reach){.key = {.bytes = at->key, .count = at->key_bytes}};
    if (address_parse(&reach->address, at->address, error))
        return -1;
    if (at->key_bytes > 0 && (at->key_bytes < KEY_LEAST || at->key_bytes > KEY_MOST))
        return error_set(error, ERROR_USE, "a key has %d to %d bytes, not %zu", KEY_LEAST, KEY_MOST, at->key_bytes);
    if (at->key_bytes > 0 && !handshake_can_prove())
        return error_set(error, ERROR_USE, "this muster was built without libsodium, and cannot prove a key");
    if (at->key_bytes == 0 && !reach->address.local)
        return error_set(error, ERROR_USE, "a manager at tcp: wants a key");
    return 0;
}

int reach_enter(struct reach *reach, const struct ask *ask, struct answer *answer, struct error *error)
{
    const int64_t deadline = hub_now() + (reach->patience_ns ? reach->patience_ns : REACH_NS);
    *answer = (struct answer){.verdict = VERDICT_WELCOME};
    int fd = reach->place.length ? place_connect(&reach->place, deadline, error)
                                 : address_connect(&reach->address, deadline, &reach->place, error);
    if (fd < 0)
        return -1;
    if (handshake_client(fd, &reach->key, ask, answer, deadline, error) == 0)
        return fd;
    close(fd);
    return -1;
}

int reach_probe(const struct manager_at *at, struct error *error)
{
    const struct ask ask = {.role = CLIENT_PROBE};
    struct reach reach;
    struct answer answer;
    if (reach_prepare(&reach, at, error))
        return -1;
    int fd = reach_enter(&reach, &ask, &answer, error);
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}
