/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_locks.c - a lock in shared memory: one holder at a time, owned by its process, and given on when that dies. */
#include "bench/ipc/memory.h"
#include "tests/frame.h"
#include "tests/shared_deaths.h"
#include "tests/shared_parts.h"

#include <CUnit/CUnit.h>

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#define PROCESSES 3
#define TURNS     20000
#define MS        INT64_C(1000000)

static struct worker worker = {.slot = 0};

/* A lock, what it guards, and what processes say to each other. */
struct guarded {
    struct object lock, pair;
    _Atomic uint32_t *said;
    uint64_t orphaned, half;
};

static bool guarded_made(struct guarded *guarded)
{
    *guarded = (struct guarded){
        .lock = {.kind = OBJECT_LOCK, .element_size = 1, .capacity = 1},
        .pair = {.kind = OBJECT_ARRAY, .type = TYPE_I64, .element_size = 8, .capacity = 2},
        .said = memory_shared(sizeof *guarded->said),
    };
    return guarded->said && object_made(&shared, &guarded->lock) && object_made(&shared, &guarded->pair);
}

static void guarded_free(struct guarded *guarded)
{
    shared.free(&guarded->lock);
    shared.free(&guarded->pair);
    memory_free((void *)guarded->said, sizeof *guarded->said);
}

static void wait_until_said(const struct guarded *guarded, uint32_t what)
{
    while (atomic_load(guarded->said) != what)
        rest_ns(MS / 10);
}

/* --- exclusion --------------------------------------------------------------------------------------------------- */

static uint64_t one_more(struct guarded *guarded)
{
    int64_t pair[2];
    uint64_t wrong = element_get(&worker, &guarded->pair, 0, pair, 2) != 2 || pair[0] != pair[1];
    for (unsigned i = 0; i < 2; i++) {
        int64_t number = pair[i] + 1;
        wrong += element_set(&worker, &guarded->pair, i, &number, 1) != 1;
    }
    return wrong;
}

static uint64_t take_turns(void *arg, unsigned index)
{
    struct guarded *guarded = arg;
    uint64_t wrong = 0;
    for (unsigned i = 0; i < TURNS; i++) {
        int64_t timeout = index == 0 ? NEVER : 10000 * MS;
        wrong += lock_acquire(&worker, &guarded->lock, timeout) != 0;
        wrong += one_more(guarded);
        wrong += lock_release(&worker, &guarded->lock) != 0;
    }
    return wrong;
}

void lock_excludes(void)
{
    struct guarded guarded;
    int64_t pair[2];
    if (!guarded_made(&guarded))
        return;
    CU_ASSERT_EQUAL(family_run(take_turns, &guarded, PROCESSES), 0);
    CU_ASSERT_EQUAL(object_read(&worker, &guarded.pair, pair, sizeof pair), sizeof pair);
    CU_ASSERT(pair[0] == PROCESSES * TURNS && pair[1] == pair[0]);
    guarded_free(&guarded);
}

/* --- death and timeouts ------------------------------------------------------------------------------------------ */

static uint64_t hold(void *arg, unsigned leaves)
{
    struct guarded *guarded = arg;
    uint64_t wrong = lock_acquire(&worker, &guarded->lock, NEVER) != 0;
    atomic_store(guarded->said, 1);
    while (!leaves)
        pause();
    return wrong;
}

static uint64_t hold_for_a_moment(void *arg, unsigned index)
{
    (void)index;
    hold(arg, 1);
    rest_ns(50 * MS);
    raise(SIGKILL);
    return 1;
}

static void expect_told_once(struct guarded *guarded, int64_t timeout_ns)
{
    CU_ASSERT_EQUAL(lock_acquire(&worker, &guarded->lock, timeout_ns), LOCK_ORPHANED);
    CU_ASSERT_EQUAL(lock_acquire(&worker, &guarded->lock, timeout_ns), CALL_DEADLOCK);
    CU_ASSERT_EQUAL(lock_release(&worker, &guarded->lock), 0);
    CU_ASSERT_EQUAL(lock_acquire(&worker, &guarded->lock, timeout_ns), 0);
    CU_ASSERT_EQUAL(lock_release(&worker, &guarded->lock), 0);
    CU_ASSERT_EQUAL(lock_release(&worker, &guarded->lock), CALL_NOT_OWNER);
}

void lock_of_the_dead(void)
{
    static const int64_t timeouts[] = {NEVER, 0, -7, 1000 * MS};
    struct guarded guarded;
    if (!guarded_made(&guarded))
        return;
    for (size_t i = 0; i < sizeof timeouts / sizeof *timeouts; i++) {
        atomic_store(guarded.said, 0);
        pid_t pid = child_start(hold, &guarded, i == 0);
        wait_until_said(&guarded, 1);
        if (i > 0)
            child_kill(pid);
        CU_ASSERT(i > 0 || child_wait(pid) == 0);
        expect_told_once(&guarded, timeouts[i]);
    }
    /* one that is waited for while it dies */
    unsigned late = 0;
    for (unsigned round = 0; round < 4; round++) {
        atomic_store(guarded.said, 0);
        pid_t pid = child_start(hold_for_a_moment, &guarded, 0);
        wait_until_said(&guarded, 1);
        int64_t started = now_ns();
        expect_told_once(&guarded, round % 2 ? NEVER : 10000 * MS);
        late += now_ns() - started > 50 * MS + AT_ONCE;
        CU_ASSERT_NOT_EQUAL(child_wait(pid), 0);
    }
    CU_ASSERT_TRUE(mostly_at_once(late, 4));
    /* nobody is told after CLEAR */
    pid_t pid = child_start(hold, &guarded, 1);
    CU_ASSERT_EQUAL(child_wait(pid), 0);
    CU_ASSERT_EQUAL(object_clear(&worker, &guarded.lock), 0);
    CU_ASSERT_EQUAL(lock_acquire(&worker, &guarded.lock, 0), 0);
    guarded_free(&guarded);
}

void lock_times_out(void)
{
    struct guarded guarded;
    if (!guarded_made(&guarded))
        return;
    pid_t pid = child_start(hold, &guarded, 0);
    wait_until_said(&guarded, 1);
    CU_ASSERT_EQUAL(lock_acquire(&worker, &guarded.lock, 0), CALL_TIMEOUT);
    CU_ASSERT_EQUAL(lock_acquire(&worker, &guarded.lock, -2), CALL_TIMEOUT);
    CU_ASSERT_EQUAL(lock_acquire(&worker, &guarded.lock, INT64_MIN), CALL_TIMEOUT);
    for (int64_t timeout = 1; timeout <= 50 * MS; timeout *= 50) {
        int64_t started = now_ns();
        CU_ASSERT_EQUAL(lock_acquire(&worker, &guarded.lock, timeout), CALL_TIMEOUT);
        CU_ASSERT(now_ns() - started >= timeout);
    }
    CU_ASSERT_EQUAL(lock_release(&worker, &guarded.lock), CALL_NOT_OWNER);
    CU_ASSERT_EQUAL(object_clear(&worker, &guarded.lock), CALL_NOT_OWNER);
    child_kill(pid);
    CU_ASSERT_EQUAL(lock_acquire(&worker, &guarded.lock, NEVER), LOCK_ORPHANED);
    guarded_free(&guarded);
}

/* Nothing of it is touched any more, although this process held it. */
void lock_freed_while_held(void)
{
    struct object locks[2];
    for (unsigned i = 0; i < 2; i++) {
        locks[i] = (struct object){.kind = OBJECT_LOCK, .element_size = 1, .capacity = 1};
        if (!object_made(&shared, &locks[i]))
            return;
    }
    void *at = locks[0].state;
    CU_ASSERT_EQUAL(lock_acquire(&worker, &locks[0], NEVER), 0);
    shared.free(&locks[0]);
    void *nothing = mmap(at, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    CU_ASSERT_PTR_EQUAL(nothing, at);
    CU_ASSERT_EQUAL(lock_acquire(&worker, &locks[1], NEVER), 0);
    CU_ASSERT_EQUAL(lock_release(&worker, &locks[1]), 0);
    munmap(nothing, 4096);
    shared.free(&locks[1]);
}

/* --- holders killed at any moment -------------------------------------------------------------------------------- */

/* Who is told of a death may find the pair half changed, and puts it right; who is not must find it whole. */
static uint64_t turn_of(struct guarded *guarded)
{
    int64_t pair[2], got = lock_acquire(&worker, &guarded->lock, NEVER);
    uint64_t wrong = got != 0 && got != LOCK_ORPHANED;
    wrong += element_get(&worker, &guarded->pair, 0, pair, 2) != 2;
    guarded->orphaned += got == LOCK_ORPHANED;
    guarded->half += pair[0] != pair[1];
    if (got == LOCK_ORPHANED)
        wrong += element_set(&worker, &guarded->pair, 1, &pair[0], 1) != 1;
    wrong += one_more(guarded);
    wrong += lock_release(&worker, &guarded->lock) != 0;
    return wrong;
}

static uint64_t turns_for_ever(void *arg, unsigned index)
{
    struct guarded *guarded = arg;
    (void)index;
    while (turn_of(guarded) == 0)
        ;
    atomic_store(guarded->said, 99);
    return 1;
}

void lock_holders_killed(void)
{
    struct guarded guarded;
    uint64_t random = 99, wrong = 0;
    unsigned late = 0, rounds = rounds_of(500);
    if (!guarded_made(&guarded))
        return;
    pid_t pids[2] = {child_start(turns_for_ever, &guarded, 0), child_start(turns_for_ever, &guarded, 1)};
    for (unsigned round = 0; round < rounds; round++) {
        rest_ns((int64_t)(random_next(&random) % 1000000));
        child_kill(pids[round % 2]);
        int64_t started = now_ns();
        wrong += turn_of(&guarded);
        late += now_ns() - started > AT_ONCE;
        pids[round % 2] = child_start(turns_for_ever, &guarded, round % 2);
    }
    child_kill(pids[0]);
    child_kill(pids[1]);
    wrong += turn_of(&guarded);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(atomic_load(guarded.said), 0);
    CU_ASSERT_TRUE(mostly_at_once(late, rounds));
    CU_ASSERT_EQUAL(lock_acquire(&worker, &guarded.lock, 0), 0);
    CU_ASSERT_EQUAL(lock_release(&worker, &guarded.lock), 0);
    guarded_free(&guarded);
}
