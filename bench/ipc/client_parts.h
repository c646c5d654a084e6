/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * client_parts.h - what client.c, any client's life, has of client_parent.c, the parent's end of a manager. */
#ifndef MUSTER_BENCH_IPC_CLIENT_PARTS_H
#define MUSTER_BENCH_IPC_CLIENT_PARTS_H

#include "bench/ipc/client.h"

/* As a receiver's handle() and place(), of whatever is no reply. */
int parent_took(struct client *, const struct frame *, const void *payload);
void *parent_place(struct client *, const struct frame *);

/* Reads once: as channel_receive(). */
int client_receive(struct client *);

#endif
