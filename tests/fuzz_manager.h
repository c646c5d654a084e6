/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_manager.h - what libFuzzer calls, by the name that it wants. */
#ifndef MUSTER_TESTS_FUZZ_MANAGER_H
#define MUSTER_TESTS_FUZZ_MANAGER_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
