/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * key_file.h - a manager's key: the whole content of a file that nobody else can read. */
#ifndef MUSTER_HARNESS_KEY_FILE_H
#define MUSTER_HARNESS_KEY_FILE_H

#include "bench/ipc/handshake.h"
#include "harness/problem.h"

struct key_file {
    unsigned char bytes[KEY_MOST + 1];
    size_t count;
};

/* KEY_LEAST to KEY_MOST raw bytes, of a plain file that belongs to this user and gives no rights to group or others.
 * -1 with *problem: EXIT_NO_INPUT when it cannot be opened, EXIT_BAD_FILE when it is not such a file. */
int key_file_read(struct key_file *, const char *path, struct problem *);

#endif
