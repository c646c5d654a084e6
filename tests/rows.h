/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rows.h - a row is one promise, kept by every strategy that it is about: those that CPython's own tests of its
 * multiprocessing make, with a star, and those that they do not make, CX.
 *
 * Each row is one function, run on each strategy of the registry, and on variants where that is cheap. Where it cannot
 * be met it is n/a with a reason: what the registry says is lacking, or a line of rows_na.c. `test_rows --table` prints
 * all of them as a table. */
#ifndef MUSTER_TESTS_ROWS_H
#define MUSTER_TESTS_ROWS_H

#include "tests/conformance.h"

/* What a row needs of a strategy: needs as bits, and what no need speaks of. */
#define USES(need) (1U << (need))
enum {
    USES_CREW = 1 << NEEDS,           /* its workers are processes of their own */
    USES_STANDING = 1 << (NEEDS + 1), /* which stand between two calls */
    USES_SERVICE = 1 << (NEEDS + 2),  /* another process serves them */
    USES_ADDRESS = 1 << (NEEDS + 3),  /* which can be found by address */
    USES_PROCESS = 1 << (NEEDS + 4),  /* a process can join its pool */
    USES_LIFE = 1 << (NEEDS + 5),     /* likewise; or, for the control, a process without a pool */
};

struct row {
    const char *name; /* "*10 map order and equality" */
    unsigned uses;
    case_fn *run;
    bool once;        /* about what stands below all strategies: one run says it for all */
    bool variants;    /* on each variant that has what it uses, not on the default alone */
    unsigned limit_s; /* 0: the frame's */
};

/* One list per file, ended by a row without a name. */
extern const struct row rows_process[], rows_channel[], rows_map[], rows_map_more[], rows_async[], rows_deaths[],
    rows_killing[], rows_objects[], rows_elements[], rows_locks[], rows_manager[], rows_program[], rows_weather[];

/* Why a row is n/a there; NULL: it is run. `text` holds what is made up here. */
const char *row_lacks(const struct row *, const struct strategy *, unsigned variant, char *text, size_t size);

/* What `test_rows --guest ADDRESS KEY` does: a client by exec, with no memory of the test's. Returns its exit code. */
int row_guest(const char *address, const char *key);

/* Part of CX6: workers killed in the middle of operations on all kinds of objects. */
case_fn users_killed;

/* --- for the rows ------------------------------------------------------------------------------------------------ */

#define MS INT64_C(1000000)
/* How long is waited for what comes at some time, where nothing is promised of when. */
#define ROW_PATIENCE_NS (10000 * MS)

/* A sanitizer keeps what is freed for a while, and makes a fork last longer than a millisecond. */
#if defined(__SANITIZE_ADDRESS__)
#define ROW_KEPT_KIB 65536
#define ROW_STORM_NS (10 * MS)
#else
#define ROW_KEPT_KIB 256
#define ROW_STORM_NS MS
#endif

/* Something took so long, where less than the limit is promised. A busy machine makes anything late: what is late lets
 * the row run again when it is through, and fails it when it is late each time. row_is_late() tells, and forgets; NULL:
 * in time. */
#define EXPECT_WITHIN(c, took_ns, limit_ns)                                                                            \
    row_expect_within((c), (took_ns), (limit_ns), #took_ns " < " #limit_ns, __FILE__, __LINE__)
void row_expect_within(const struct situation *c, int64_t took_ns, int64_t limit_ns, const char *condition,
                       const char *file, unsigned line);
const char *row_is_late(void);

/* A pool of c->workers, or setup.workers where given; each worker runs `steps` steps of 1 in a pool_each(). NULL after
 * a failed assertion. row_start() starts it too. */
struct pool *row_open(const struct situation *c, const struct setup *setup, size_t steps);
struct pool *row_start(const struct situation *c, const struct setup *setup);
/* Frees it, and expects that this goes well. */
void row_free(const struct situation *c, struct pool *pool);
/* The same where a worker may have been killed a moment ago, which is then told. */
void row_free_killed(const struct situation *c, struct pool *pool);
/* Starts a pool that row_open() gave. */
bool row_go(const struct situation *c, struct pool *pool);
/* Every worker runs the step as often as row_open() was told. */
void row_each(const struct situation *c, struct pool *pool, step_fn *step);
/* How many workers a case may have. */
unsigned row_workers(const struct situation *c, unsigned wanted);

/* The square of a uint64_t, as one. */
int squares(struct worker *, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n);
/* Fills in[i] = i, maps, compares; the pool's items are uint64_t. */
void expect_squares(const struct situation *c, struct pool *pool, size_t n, size_t chunk);
/* A call that must fail so, with `words` (NULL: any) in its text. */
#define EXPECT_FAILS(c, call, code, words, error)                                                                      \
    row_expect_fails((c), (call), (code), (words), (error), #call, __FILE__, __LINE__)
bool row_expect_fails(const struct situation *c, int result, enum error_code code, const char *words,
                      const struct error *error, const char *call, const char *file, unsigned line);

/* A process beside the pool that kills a child of the caller, but not `spared`, every so often, until it is ended. */
pid_t row_killer(pid_t spared, int64_t every_ns);
void row_killer_end(pid_t killer);

int64_t row_now(void);
void row_rest(int64_t ns);
/* Children of the calling process that live or wait to be reaped. */
unsigned row_children(void);
unsigned row_descriptors(void);
/* Resident memory of a process, exact: what /proc/PID/statm says is off by some pages per processor. 0: not known. */
size_t row_resident_kib(pid_t pid);
/* Names in a folder; 0 where it cannot be opened. */
unsigned row_entries(const char *path);

#endif
