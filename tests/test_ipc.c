/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_ipc.c - what the strategies share: channels, ranges that are stolen from, objects, child processes, memory.
 *
 * Nothing here knows a strategy. Children need a pool around them, which here is an empty one with hooks. */
#include "bench/ipc/child.h"
#include "bench/ipc/memory.h"
#include "bench/ipc/object.h"
#include "bench/ipc/ranges.h"
#include "tests/frame.h"
#include "tests/ipc_channel.h"

#include <CUnit/CUnit.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

/* --- ranges ------------------------------------------------------------------------------------------------------ */

#define THIEVES 4
#define CHUNKS  20000
#define ROUNDS  25

struct hoard {
    struct range ranges[THIEVES];
    _Atomic uint32_t arrived[2 * ROUNDS];
    _Atomic uint32_t stolen;
    _Atomic uint8_t taken[CHUNKS];
};

static void meet(_Atomic uint32_t *arrived)
{
    atomic_fetch_add(arrived, 1);
    while (atomic_load(arrived) < THIEVES)
        sched_yield();
}

/* The first of them owns nearly nothing to begin with, and yields between, so that there is much to steal. */
static void take_all(struct hoard *hoard, unsigned self)
{
    do {
        for (uint32_t chunk; range_take(&hoard->ranges[self], &chunk);) {
            atomic_fetch_add_explicit(&hoard->taken[chunk], 1, memory_order_relaxed);
            if (self == 0 && chunk % 64 == 0)
                sched_yield();
        }
    } while (range_steal(hoard->ranges, THIEVES, self) && atomic_fetch_add(&hoard->stolen, 1) + 1);
}

static int rounds_of(struct hoard *hoard, unsigned self)
{
    int wrong = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        if (self == 0) {
            memset((void *)hoard->taken, 0, sizeof hoard->taken);
            ranges_deal(hoard->ranges, THIEVES, round % 2 ? CHUNKS : round);
        }
        meet(&hoard->arrived[2 * round]);
        take_all(hoard, self);
        meet(&hoard->arrived[2 * round + 1]);
        for (unsigned i = 0; self == 0 && i < CHUNKS; i++)
            wrong += hoard->taken[i] != (round % 2 || i < round);
    }
    return wrong > 0;
}

static void ranges_once_each(void)
{
    struct hoard *hoard = memory_shared(sizeof *hoard);
    pid_t pids[THIEVES];
    CU_ASSERT_PTR_NOT_NULL_FATAL(hoard);
    for (unsigned i = 0; i < THIEVES; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(rounds_of(hoard, i));
        CU_ASSERT_FATAL(pids[i] > 0);
    }
    for (unsigned i = 0; i < THIEVES; i++) {
        int status = -1;
        CU_ASSERT_EQUAL(waitpid(pids[i], &status, 0), pids[i]);
        CU_ASSERT_EQUAL(status, 0);
    }
    CU_ASSERT(atomic_load(&hoard->stolen) > 0);
    memory_free(hoard, sizeof *hoard);
}

/* With one process: what a steal takes, and the ends of what can be dealt. */
static void ranges_edges(void)
{
    struct range ranges[3];
    uint32_t chunk, count = 0;
    ranges_deal(ranges, 3, 0);
    CU_ASSERT_FALSE(range_take(&ranges[0], &chunk));
    CU_ASSERT_FALSE(range_steal(ranges, 3, 0));
    ranges_deal(ranges, 3, 1);
    for (unsigned i = 0; i < 3; i++)
        count += range_take(&ranges[i], &chunk);
    CU_ASSERT_EQUAL(count, 1);
    CU_ASSERT_EQUAL(chunk, 0);
    ranges_deal(ranges, 2, 8);
    for (uint32_t i = 0; i < 4; i++)
        CU_ASSERT(range_take(&ranges[0], &chunk) && chunk == i);
    CU_ASSERT_FALSE(range_take(&ranges[0], &chunk));
    CU_ASSERT_TRUE(range_steal(ranges, 2, 0));
    CU_ASSERT(range_take(&ranges[0], &chunk) && chunk == 6);
    CU_ASSERT(range_take(&ranges[1], &chunk) && chunk == 4);
    ranges_deal(ranges, 1, RANGES_CHUNKS_MOST);
    CU_ASSERT(range_take(&ranges[0], &chunk) && chunk == 0);
    ranges[0].word = range_word(RANGES_CHUNKS_MOST - 1, RANGES_CHUNKS_MOST);
    CU_ASSERT(range_take(&ranges[0], &chunk) && chunk == RANGES_CHUNKS_MOST - 1);
    CU_ASSERT_FALSE(range_take(&ranges[0], &chunk));
    CU_ASSERT_FALSE(range_take(&ranges[0], &chunk));
}

/* --- objects ----------------------------------------------------------------------------------------------------- */

static int64_t apply(struct object *object, enum verb verb, const void *in, void *out, size_t n)
{
    return object_apply(object, &(struct call){.verb = verb, .in = in, .out = out, .n = n});
}

static void object_counter(void)
{
    struct object object = {.kind = OBJECT_COUNTER, .element_size = 8, .capacity = 1};
    const int64_t deltas[] = {5, -7, INT64_MAX, 1};
    int64_t previous[4];
    uint64_t total = 0;
    CU_ASSERT_EQUAL_FATAL(object_state_new(&object, NULL), 0);
    CU_ASSERT_EQUAL(apply(&object, VERB_ADD, deltas, previous, 4), 4);
    CU_ASSERT(previous[0] == 0 && previous[1] == 5 && previous[2] == -2 && previous[3] == INT64_MAX - 2);
    CU_ASSERT_EQUAL(apply(&object, VERB_READ, NULL, &total, sizeof total), 8);
    CU_ASSERT_EQUAL(total, (uint64_t)INT64_MAX - 1);
    CU_ASSERT_EQUAL(apply(&object, VERB_ADD, deltas, previous, 0), 0);
    /* it wraps around */
    CU_ASSERT_EQUAL(apply(&object, VERB_ADD, deltas + 2, previous, 1), 1);
    CU_ASSERT_EQUAL(apply(&object, VERB_CLEAR, NULL, NULL, 0), 0);
    CU_ASSERT_EQUAL(apply(&object, VERB_READ, NULL, &total, sizeof total), 8);
    CU_ASSERT_EQUAL(total, 0);
    object_state_free(&object);
    CU_ASSERT_PTR_NULL(object.state);
}

static void object_list(void)
{
    struct object object = {.kind = OBJECT_LIST, .element_size = 3, .capacity = 4};
    unsigned char back[16] = {0};
    CU_ASSERT_EQUAL_FATAL(object_state_new(&object, NULL), 0);
    CU_ASSERT_EQUAL(apply(&object, VERB_READ, NULL, back, sizeof back), 0);
    CU_ASSERT_EQUAL(apply(&object, VERB_APPEND, "abcdefghi", NULL, 3), 3);
    /* what does not fit is refused, what fits is kept */
    CU_ASSERT_EQUAL(apply(&object, VERB_APPEND, "jklmnopqr", NULL, 3), 1);
    CU_ASSERT_EQUAL(apply(&object, VERB_APPEND, "xyz", NULL, 1), 0);
    CU_ASSERT_EQUAL(apply(&object, VERB_READ, NULL, back, sizeof back), 12);
    CU_ASSERT_EQUAL(memcmp(back, "abcdefghijkl", 12), 0);
    memset(back, 0, sizeof back);
    CU_ASSERT_EQUAL(apply(&object, VERB_READ, NULL, back, 5), 5);
    CU_ASSERT_EQUAL(memcmp(back, "abcde\0", 6), 0);
    struct object_value value = object_value(&object, SIZE_MAX);
    CU_ASSERT_EQUAL_FATAL(value.bytes, 12);
    CU_ASSERT_EQUAL(memcmp(value.at, "abcdefghijkl", 12), 0);
    CU_ASSERT(value.stays);
    CU_ASSERT_EQUAL(apply(&object, VERB_CLEAR, NULL, NULL, 0), 0);
    CU_ASSERT_EQUAL(apply(&object, VERB_APPEND, "123", NULL, 1), 1);
    CU_ASSERT_EQUAL(apply(&object, VERB_READ, NULL, back, sizeof back), 3);
    CU_ASSERT_EQUAL(memcmp(back, "123", 3), 0);
    object_state_free(&object);
}

/* --- memory ------------------------------------------------------------------------------------------------------ */

static void memory_is_seen(void)
{
    const size_t size = 3 * 4096 + 1;
    unsigned char *shared = memory_shared(size), *own = memory_private(size), *none = memory_private(0);
    int status = -1;
    CU_ASSERT_FATAL(shared && own && none);
    CU_ASSERT_EQUAL((uintptr_t)shared % 4096, 0);
    for (size_t i = 0; i < size; i++)
        CU_ASSERT_FATAL(shared[i] == 0 && own[i] == 0);
    shared[5] = own[5] = 'p';
    pid_t pid = fork();
    if (pid == 0) {
        int right = shared[5] == 'p' && own[5] == 'p';
        shared[size - 1] = own[size - 1] = 'c';
        _exit(!right);
    }
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_EQUAL(shared[size - 1], 'c');
    CU_ASSERT_EQUAL(own[size - 1], 0);
    memory_free(shared, size);
    memory_free(own, size);
    memory_free(none, 0);
    memory_free(NULL, 5);
    errno = 0;
    CU_ASSERT_PTR_NULL(memory_shared((size_t)1 << 60));
    CU_ASSERT_EQUAL(errno, ENOMEM);
}

/* --- children ---------------------------------------------------------------------------------------------------- */

struct family {
    struct pool pool;
    _Atomic uint32_t *born; /* shared */
    uint32_t unborn;
};

static int family_born(void *arg, uint32_t slot, struct error *error)
{
    struct family *family = arg;
    if (slot == family->unborn)
        return error_set(error, ERROR_FAILED, "no place for slot %u", slot);
    atomic_fetch_add(family->born, 1);
    return 0;
}

static int family_before(void *arg, uint32_t slot)
{
    (void)arg;
    return (int)slot;
}

static void family_after(void *arg, int before)
{
    (void)arg, (void)before;
}

static void family_open(struct family *family)
{
    *family = (struct family){.unborn = 99};
    family->born = memory_shared(sizeof *family->born);
    family->pool.setup.workers = 4;
    CU_ASSERT_FATAL(family->born && board_open(&family->pool, NULL) == 0);
    family->pool.setup.hooks =
        (struct hooks){.arg = family, .born = family_born, .before_fork = family_before, .after_fork = family_after};
}

static void family_close(struct family *family)
{
    memory_free((void *)family->born, sizeof *family->born);
    board_close(&family->pool);
}

static int leave_with(struct worker *self, void *arg)
{
    return self->pool->setup.workers == 4 ? *(int *)arg : 77;
}

static int stay(struct worker *self, void *arg)
{
    (void)self, (void)arg;
    while (pause())
        ;
    return 0;
}

static int complain(struct worker *self, void *arg)
{
    struct error error;
    (void)arg;
    error_set(&error, ERROR_FAILED, "slot %u complains", self->slot);
    board_fault(self->pool, &error);
    error_set(&error, ERROR_FAILED, "slot %u complains again", self->slot);
    board_fault(self->pool, &error);
    return 3;
}

static void child_leaves(void)
{
    struct family family;
    struct child child = {.pid = 0};
    int code = 42, status = 0;
    family_open(&family);
    CU_ASSERT_FALSE(child_ended(&child, &status));
    CU_ASSERT_EQUAL_FATAL(child_spawn(&child, &family.pool, 2, leave_with, &code, NULL), 0);
    CU_ASSERT_EQUAL(child_wait(&child, &status), 0);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    CU_ASSERT(child.pid == 0 && child.slot == 2);
    CU_ASSERT_EQUAL(atomic_load(family.born), 1);
    CU_ASSERT_EQUAL(child_empty(NULL), 0);
    family_close(&family);
}

static void await_death(const struct child *child)
{
    siginfo_t info;
    CU_ASSERT_EQUAL(waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT), 0);
}

static void expect_blamed(struct pool *pool, const char *words, enum error_code code)
{
    struct error broken = {.code = ERROR_BROKEN, .text = "a channel broke"}, error = {.code = ERROR_NONE};
    CU_ASSERT_EQUAL(children_blame(pool, &broken, &error), -1);
    CU_ASSERT_EQUAL(error.code, code);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, words));
}

/* Four workers, a process beside them, and no service: what a child reports is what its parent is told, the first
 * complaint stays, and a signal says more than complaints. */
static void child_reports(void)
{
    struct family family;
    struct child roster[6] = {{.pid = 0}};
    int status = 0, code = 9;
    family_open(&family);
    family.pool.setup.processes = 1;
    family.pool.roster = roster;
    CU_ASSERT_EQUAL_FATAL(child_spawn(&roster[1], &family.pool, 1, stay, NULL, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(child_spawn(&roster[4], &family.pool, 4, leave_with, &code, NULL), 0);
    await_death(&roster[4]);
    expect_blamed(&family.pool, "a channel broke", ERROR_BROKEN);
    CU_ASSERT(child_wait(&roster[4], &status) == 0 && WEXITSTATUS(status) == 9);
    CU_ASSERT_EQUAL_FATAL(child_spawn(&roster[0], &family.pool, 0, complain, NULL, NULL), 0);
    await_death(&roster[0]);
    expect_blamed(&family.pool, "slot 0 complains", ERROR_DIED);
    CU_ASSERT_EQUAL_FATAL(child_spawn(&roster[0], &family.pool, 0, complain, NULL, NULL), 0);
    await_death(&roster[0]);
    kill(roster[1].pid, SIGKILL);
    await_death(&roster[1]);
    expect_blamed(&family.pool, "worker 1 ", ERROR_DIED);
    CU_ASSERT(roster[0].pid == 0 && roster[1].pid == 0);
    family_close(&family);
}

static void child_unborn(void)
{
    struct family family;
    struct child child;
    struct error error = {.code = ERROR_NONE};
    int code = 0;
    family_open(&family);
    family.unborn = 3;
    CU_ASSERT_EQUAL_FATAL(child_spawn(&child, &family.pool, 3, leave_with, &code, NULL), 0);
    CU_ASSERT_EQUAL(children_reap(&child, 1, 5 * SECOND, &family.pool, &error), -1);
    CU_ASSERT_STRING_EQUAL(error.text, "no place for slot 3");
    CU_ASSERT_EQUAL(atomic_load(family.born), 0);
    family_close(&family);
}

/* One leaves, two stay: all are gone after one grace, not two. */
static void children_reaped(void)
{
    struct family family;
    struct child children[4] = {{.pid = 0}};
    struct error error = {.code = ERROR_NONE};
    int code = 0;
    family_open(&family);
    CU_ASSERT_EQUAL_FATAL(child_spawn(&children[0], &family.pool, 0, leave_with, &code, NULL), 0);
    CU_ASSERT_EQUAL(children_reap(children, 4, 5 * SECOND, &family.pool, &error), 0);
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT_EQUAL_FATAL(child_spawn(&children[i], &family.pool, i, i ? stay : leave_with, &code, NULL), 0);
    pid_t stayed = children[2].pid;
    int64_t began = now_ns();
    CU_ASSERT_EQUAL(children_reap(children, 4, SECOND / 5, &family.pool, &error), -1);
    CU_ASSERT(now_ns() - began >= SECOND / 5);
    CU_ASSERT(now_ns() - began < 2 * SECOND);
    CU_ASSERT_EQUAL(error.code, ERROR_DIED);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "worker 1"));
    CU_ASSERT(kill(stayed, 0) == -1 && errno == ESRCH);
    family_close(&family);
}

static void child_dies_with_parent(void)
{
    struct family family;
    _Atomic pid_t *pid = memory_shared(sizeof *pid);
    CU_ASSERT_PTR_NOT_NULL_FATAL(pid);
    family_open(&family);
    pid_t parent = fork();
    if (parent == 0) {
        struct child child;
        atomic_store(pid, child_spawn(&child, &family.pool, 0, stay, NULL, NULL) ? -1 : child.pid);
        for (;;)
            pause();
    }
    for (int64_t until = now_ns() + 5 * SECOND; atomic_load(family.born) == 0 && now_ns() < until;)
        usleep(1000);
    CU_ASSERT_EQUAL(kill(parent, SIGKILL), 0);
    CU_ASSERT_EQUAL(waitpid(parent, NULL, 0), parent);
    for (int64_t until = now_ns() + SECOND; kill(*pid, 0) == 0 && now_ns() < until;)
        usleep(1000);
    CU_ASSERT(kill(*pid, 0) == -1 && errno == ESRCH);
    family_close(&family);
    memory_free((void *)pid, sizeof *pid);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "ipc: frames of all sizes arrive whole, in order and aligned", .run = channel_sizes},
        {.name = "ipc: frames arrive in whatever pieces their bytes come", .run = channel_dribble},
        {.name = "ipc: frames between two processes, on ends that block", .run = channel_blocking},
        {.name = "ipc: when a channel has room", .run = channel_rooms},
        {.name = "ipc: a frame's handler may receive", .run = channel_nested},
        {.name = "ipc: frames that make no sense are refused", .run = channel_malformed},
        {.name = "ipc: channels whose other end is closed", .run = channel_ends},
        {"ipc: channel, a large payload goes in turns", channel_sends_in_turns, 0},
        {.name = "ipc: each chunk of stolen ranges is taken once", .run = ranges_once_each},
        {.name = "ipc: ranges at their ends", .run = ranges_edges},
        {.name = "ipc: a counter on ordinary memory", .run = object_counter},
        {.name = "ipc: a list on ordinary memory, and when it is full", .run = object_list},
        {.name = "ipc: who sees which memory", .run = memory_is_seen},
        {.name = "ipc: a child leaves with its status", .run = child_leaves},
        {.name = "ipc: what a child complains of is told", .run = child_reports},
        {.name = "ipc: a child that cannot be born", .run = child_unborn},
        {.name = "ipc: children are reaped within one grace", .run = children_reaped},
        {.name = "ipc: a child dies with its parent", .run = child_dies_with_parent},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
