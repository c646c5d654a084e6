/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * program.h - running another program, without a shell, and taking what it says.
 *
 * It dies with the process that runs it, even when that is killed: nothing that was started here stays behind. */
#ifndef MUSTER_BENCH_IPC_PROGRAM_H
#define MUSTER_BENCH_IPC_PROGRAM_H

#include "bench/multiprocessing.h"

/* Runs argv[0], found by PATH, with nothing to read, and waits for its end. What it writes to its standard output and
 * standard error lands in text, at most size - 1 bytes and a zero; what is more is dropped. After timeout_ns it is
 * killed. 0 with its wait status, or -1 with *error when it could not be started. */
int program_run(const char *const *argv, int64_t timeout_ns, char *text, size_t size, int *status, struct error *);

#endif
