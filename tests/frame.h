/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * frame.h - what every test program stands in: CUnit's assertions, and around each test a gate and a watchdog.
 *
 * A program lists its tests and calls frame_main(). The gate compares before and after each test: children, open
 * descriptors, mapped memory by name, /dev/shm, unix sockets, files in the temporary folder; what a test leaves
 * behind fails it. The watchdog ends a test that runs past its limit. One line per test, and last
 * `N passed, N failed, N skipped`. Checks are CUnit's CU_ASSERT_* macros, which -DNDEBUG does not remove. */
#ifndef MUSTER_TESTS_FRAME_H
#define MUSTER_TESTS_FRAME_H

struct test {
    const char *name; /* "statistics: median of an even count"; NULL ends the list */
    void (*run)(void);
    unsigned limit_s; /* 0: 30 s */
};

/* Runs the tests whose name contains argv[1] (all without it). Returns 0, 1 when one failed, 77 when all were skipped.
 */
int frame_main(int argc, char **argv, const struct test *tests);

/* Marks the running test as skipped; the test then returns. */
void frame_skip(const char *why);

/* A temporary folder of the running test, removed by the frame afterwards. */
const char *frame_folder(void);

/* The path of a file of the source tree, of the build tree, of ../shared (NULL when that folder is not there). Static
 * storage. */
const char *frame_source(const char *relative);
const char *frame_built(const char *relative);
const char *frame_shared(const char *relative);

#endif
