/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * conformance.h - what the parts of the conformance suite share: a case, its stage, and the parts themselves.
 *
 * A case is one strategy and variant with a worker count, a number of operations, a chunk and a payload. Its stage is
 * shared memory in which all processes note what they did, and the hooks that give each worker a fixed quota instead
 * of a clock, so that every result is exact. What a worker itself finds wrong it counts there; the test asserts. */
#ifndef MUSTER_TESTS_CONFORMANCE_H
#define MUSTER_TESTS_CONFORMANCE_H

#include "bench/ipc/memory.h"
#include "bench/registry.h"

#include <stdatomic.h>

struct situation {
    const struct strategy *strategy;
    unsigned variant;
    unsigned workers;
    size_t n, chunk, payload; /* operations of all workers together, operations that travel together, bytes */
    bool reads;               /* processes read snapshots beside it: they take part of what a case may cost */
};

struct actor {
    _Alignas(LINE_APART) uint64_t first, operations; /* this worker's share: operations first .. first+operations-1 */
    uint64_t quota;                                  /* grains that hold them */
    _Atomic uint64_t done;                           /* grains that hooks.next was told of */
    _Atomic uint64_t acknowledged;                   /* operations */
    _Atomic uint64_t wrong;                          /* what this worker found wrong */
    _Atomic int32_t pid;
};

struct stage {
    _Alignas(LINE_APART) _Atomic uint32_t arrived;
    _Atomic uint32_t opened;
    _Atomic int32_t service; /* pid of a serving process; 0: none */
    _Atomic int32_t victim;  /* pid of a process that shall be or has been killed */
    _Atomic uint32_t over;   /* actors of some kind that are finished */
    uint32_t unborn;         /* this slot's born hook fails; UINT32_MAX - 2: none */
    uint32_t round;          /* of several pool_each() in one pool; written while all are parked */
    unsigned workers;
    struct actor actors[]; /* one per worker, and the parent's */
};

struct stage *stage_open(unsigned workers);
void stage_close(struct stage *);
struct hooks stage_hooks(struct stage *);
/* Gives n operations to the workers, unevenly, in grains of `chunk`; and readies the gate for one pool_each(). */
void stage_share(struct stage *, size_t n, size_t chunk);
/* Operations of grain `grain` of a worker; *first is the first one. */
size_t stage_grain(const struct actor *, size_t chunk, uint64_t grain, uint64_t *first);
/* Whatever all workers found wrong. */
uint64_t stage_wrong(const struct stage *);
void actor_wrong(struct actor *, bool wrong);

/* Whether each operation of this variant is seen by others, all in one order, once it is acknowledged. */
bool situation_is_linear(const struct situation *);
const struct variant *situation_variant(const struct situation *);
/* Whether it forks a child for every chunk of this need. */
bool situation_forks(const struct situation *, enum need);
/* MUSTER_QUICK is set: fewer cases. */
bool conformance_quick(void);

/* Like CU_ASSERT, and says in which case. */
#define EXPECT(c, condition) situation_expect((c), (condition), #condition, __FILE__, __LINE__)
bool situation_expect(const struct situation *, bool holds, const char *condition, const char *file, unsigned line);
/* A call that must return 0: else its error's text is shown. */
#define EXPECT_DONE(c, call, error) situation_expect_done((c), (call), (error), #call, __FILE__, __LINE__)
bool situation_expect_done(const struct situation *, int result, const struct error *, const char *call,
                           const char *file, unsigned line);

/* Opens a pool of this case on the stage's hooks; NULL after a failed assertion. */
struct pool *situation_open(const struct situation *, struct stage *, const struct setup *);
void situation_close(const struct situation *, struct pool *);
#define GRACE_NS INT64_C(5000000000)

/* The parts: each runs one case. */
void map_conforms(const struct situation *);
void counter_conforms(const struct situation *);
void list_conforms(const struct situation *);
void list_full_conforms(const struct situation *);
void list_mixed_conforms(const struct situation *);
void snapshot_conforms(const struct situation *);
void steal_conforms(const struct situation *);
/* The registry's workload in three windows, each with its proof. */
void workload_conforms(const struct situation *, const struct workload *);

/* What goes wrong. */
void item_failure_told(const struct situation *);
void step_failure_told(const struct situation *);
void death_in_map_told(const struct situation *);
void death_in_each_told(const struct situation *);
void death_between_calls_told(const struct situation *);
void service_death_told(const struct situation *);
void birth_failure_told(const struct situation *);
void parent_death_ends_all(const struct situation *);

/* Every pair of values, within what a case may cost. */
struct sizes {
    enum need need;
    size_t payloads[4]; /* 0 ends them; the first 0: there is no payload */
    bool reads;
};
#define CASE_BYTES    ((size_t)64 << 20)
#define CASE_CHILDREN 500
typedef void case_fn(const struct situation *);
void cases_run(const struct situation *, const struct sizes *, case_fn *);

#endif
