/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * client_parts.h - what client.c, any client's life, has of client_parent.c, the parent's end of a manager. */
#ifndef MUSTER_BENCH_IPC_CLIENT_PARTS_H
#define MUSTER_BENCH_IPC_CLIENT_PARTS_H

#include "bench/ipc/client.h"

/* As a receiver's handle() and place(), of whatever is no reply. */
int parent_took(struct client *, const struct frame *, const void *payload);
void *parent_place(struct client *, const struct frame *);
/* Tells of applied items that are over: not during a call, since who is told may make one. */
void parent_tell(struct client *);

/* Reads once: as channel_receive(). */
int client_receive(struct client *);

#endif
