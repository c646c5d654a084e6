/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet_sides.h - what the tests of `muster duet` have in common: its sides, the shortest of duets, and what it left. */
#ifndef MUSTER_TESTS_DUET_SIDES_H
#define MUSTER_TESTS_DUET_SIDES_H

#include "reports/duet.h"
#include "tests/cli.h"

#include <jansson.h>

#define SHORT   "--windows", "2", "--window", "1ms", "--warmup", "1ms"
#define COUNTER "-s", "shared-memory", "-w", "counter", "-n", "2", "--oversubscribe", "--idle", "natural"
#define ONE     SHORT, COUNTER, "--blocks", "1"

/* The built muster, with a records folder of the test's own. Static storage, as below. */
const char *sides_muster(void);

/* A side that is this shell script, in the test's folder; four at once. */
const char *sides_script(const char *name, const char *text);

/* Checks the exit code, and that both outputs hold their text. */
void sides_check(struct said said, int code, const char *out, const char *err);

/* duet.json of that folder, and a verdict.json, of the test's folder; the caller's to free. */
struct duet sides_duet(const char *name);
json_t *sides_verdict(const char *name);

#endif
