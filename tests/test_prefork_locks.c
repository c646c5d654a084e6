/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_prefork_locks.c - objects of a parent that serves its children: locks between processes, owners that die, the
 * parent in the queue, and an owner of objects that goes away under its callers. */
#include "bench/ipc/client.h"
#include "bench/registry.h"
#include "tests/frame.h"
#include "tests/server_scene.h"
#include "tests/started.h"

#include <CUnit/CUnit.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_NS (5 * SOON_NS)
#define BUMPS    200

static struct object *lock, *value, *list;

static struct pool *pool_begun(unsigned processes)
{
    const struct setup setup = {.workers = 1, .processes = processes};
    struct error error = {.code = ERROR_NONE};
    struct pool *pool;
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, strategy_find("prefork-pipe"), &setup, &error), 0);
    lock = lock_new(pool, &error);
    value = value_new(pool, TYPE_I64, NULL, &error);
    list = list_new(pool, 8, 100000, &error);
    CU_ASSERT_FATAL(lock && value && list);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, &error), 0);
    return pool;
}

static struct process *in_pool(struct pool *pool, process_fn *fn, void *arg)
{
    struct error error = {.code = ERROR_NONE};
    struct process *process;
    CU_ASSERT_EQUAL_FATAL(process_start(&process, pool, fn, arg, &error), 0);
    return process;
}

static int ended(struct process *process)
{
    int code = -1000;
    CU_ASSERT_EQUAL(process_join(process, GRACE_NS, &code, NULL), 0);
    CU_ASSERT_EQUAL(process_free(process, NULL), 0);
    return code;
}

/* Read, then written by two calls: it counts only under the lock. */
static int bump(struct worker *w)
{
    int64_t seen = 0;
    if (lock_acquire(w, lock, NEVER) < 0 || element_get(w, value, 0, &seen, 1) != 1)
        return 1;
    seen++;
    return element_set(w, value, 0, &seen, 1) != 1 || lock_release(w, lock) != 0;
}

static int bumps(struct worker *w, void *arg)
{
    (void)arg;
    for (int i = 0; i < BUMPS; i++)
        if (bump(w))
            return 1;
    return 0;
}

static void exclusion(void)
{
    enum { PROCESSES = 4 };
    struct pool *pool = pool_begun(PROCESSES);
    struct process *all[PROCESSES];
    int64_t sum = 0;
    for (int i = 0; i < PROCESSES; i++)
        all[i] = in_pool(pool, bumps, NULL);
    CU_ASSERT_EQUAL(bumps(pool_parent(pool), NULL), 0);
    for (int i = 0; i < PROCESSES; i++)
        CU_ASSERT_EQUAL(ended(all[i]), 0);
    CU_ASSERT_EQUAL(element_get(pool_parent(pool), value, 0, &sum, 1), 1);
    CU_ASSERT_EQUAL(sum, (PROCESSES + 1) * BUMPS);
    CU_ASSERT_EQUAL(pool_free(pool, GRACE_NS, NULL), 0);
}

/* Takes the lock, says so, and holds it until it is killed, or for *arg milliseconds. */
static int holds(struct worker *w, void *arg)
{
    const int64_t one = 1;
    if (lock_acquire(w, lock, NEVER) < 0 || list_append(w, list, &one, 1) != 1)
        return 1;
    if (!arg) {
        pause();
        return 2;
    }
    usleep((unsigned)*(int *)arg * 1000);
    return lock_release(w, lock) != 0;
}

static void await_length(struct pool *pool, int64_t length)
{
    for (int i = 0; i < 5000 && object_length(pool_parent(pool), list) < length; i++)
        CU_ASSERT_EQUAL_FATAL(pool->strategy->turn(pool, MS, NULL), 0);
    CU_ASSERT_EQUAL(object_length(pool_parent(pool), list), length);
}

static void owners_die(void)
{
    struct pool *pool = pool_begun(2);
    struct worker *parent = pool_parent(pool);
    struct process *owner = in_pool(pool, holds, NULL);
    await_length(pool, 1);
    CU_ASSERT_EQUAL(lock_acquire(parent, lock, 0), CALL_TIMEOUT);
    CU_ASSERT_EQUAL(lock_acquire(parent, lock, 20 * MS), CALL_TIMEOUT);
    CU_ASSERT_EQUAL(lock_release(parent, lock), CALL_NOT_OWNER);
    CU_ASSERT_EQUAL(process_kill(owner, NULL), 0);
    CU_ASSERT_EQUAL(lock_acquire(parent, lock, NEVER), LOCK_ORPHANED);
    CU_ASSERT_EQUAL(lock_acquire(parent, lock, NEVER), CALL_DEADLOCK);
    CU_ASSERT_EQUAL(lock_release(parent, lock), 0);
    CU_ASSERT_EQUAL(ended(owner), -SIGKILL);
    CU_ASSERT_EQUAL(lock_acquire(parent, lock, NEVER), 0);
    /* one that waits and is killed is passed over */
    owner = in_pool(pool, holds, NULL);
    struct process *next = in_pool(pool, holds, NULL);
    for (int i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(pool->strategy->turn(pool, MS, NULL), 0);
    CU_ASSERT_EQUAL(process_kill(owner, NULL), 0);
    CU_ASSERT_EQUAL(ended(owner), -SIGKILL);
    CU_ASSERT_EQUAL(lock_release(parent, lock), 0);
    await_length(pool, 2);
    CU_ASSERT_EQUAL(process_kill(next, NULL), 0);
    CU_ASSERT_EQUAL(ended(next), -SIGKILL);
    CU_ASSERT_EQUAL(pool_free(pool, GRACE_NS, NULL), 0);
}

/* --- workers that die while the parent waits --------------------------------------------------------------------- */

static int64_t hold_in_0(struct worker *w, void *ctx, size_t n)
{
    (void)ctx;
    return w->slot > 0 || lock_acquire(w, lock, NEVER) >= 0 ? (int64_t)n : -1;
}

static size_t next_one(void *arg, uint32_t slot, size_t done, bool more)
{
    (void)arg, (void)slot;
    return done < 1 && more;
}

static pid_t kill_later(pid_t victim)
{
    pid_t pid = fork();
    if (pid == 0) {
        usleep(50000);
        kill(victim, SIGKILL);
        _exit(0);
    }
    return pid;
}

/* Worker 0 holds the lock that the parent waits for, and this one is killed. What the parent's call returns. */
static int64_t killed_under_the_wait(unsigned who, unsigned deaths)
{
    const struct setup setup = {.workers = 2, .deaths = deaths, .hooks.next = next_one};
    struct error error = {.code = ERROR_NONE};
    struct pool *pool;
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, strategy_find("prefork-pipe"), &setup, &error), 0);
    lock = lock_new(pool, &error);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, &error), 0);
    CU_ASSERT_EQUAL_FATAL(pool_each(pool, hold_in_0, &error), 0);
    pid_t killer = kill_later(pool_worker_pid(pool, who));
    int64_t got = lock_acquire(pool_parent(pool), lock, GRACE_NS);
    if (deaths == 0) { /* it broke the pool then, or does now */
        CU_ASSERT_EQUAL(pool_each(pool, hold_in_0, &error), -1);
        CU_ASSERT(error.code == ERROR_STATE || error.code == ERROR_DIED);
    }
    if (got == CALL_BROKEN) /* and the next one does not hang either */
        CU_ASSERT_EQUAL(lock_acquire(pool_parent(pool), lock, NEVER), CALL_BROKEN);
    if (got >= 0)
        CU_ASSERT_EQUAL(lock_release(pool_parent(pool), lock), 0);
    if (deaths > 0)
        CU_ASSERT_EQUAL(pool_each(pool, hold_in_0, &error), 0);
    CU_ASSERT_EQUAL(waitpid(killer, NULL, 0), killer);
    pool_free(pool, GRACE_NS, NULL);
    return got;
}

static void workers_die(void)
{
    CU_ASSERT_EQUAL(killed_under_the_wait(0, 0), LOCK_ORPHANED);
    CU_ASSERT_EQUAL(killed_under_the_wait(1, 0), CALL_BROKEN);
    CU_ASSERT_EQUAL(killed_under_the_wait(0, 1), LOCK_ORPHANED);
}

/* An item is behind the one that broke the pool; then a process that had its place in it is discharged. */
static int dies(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    (void)w, (void)ctx, (void)argument, (void)in, (void)out, (void)first, (void)n;
    _exit(3);
}

static void broken_with_work(void)
{
    const uint64_t in = 0;
    const struct setup setup = {.workers = 1, .processes = 1, .window = 8, .in_size = 8, .out_size = 8};
    const struct apply apply = {.fn = dies, .in = &in};
    struct error error = {.code = ERROR_NONE};
    struct pool *pool;
    struct async *asyncs[8];
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, strategy_find("prefork-pipe"), &setup, &error), 0);
    lock = lock_new(pool, &error);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, &error), 0);
    struct process *process = in_pool(pool, sleeping, NULL);
    for (int i = 0; i < 8; i++)
        CU_ASSERT_EQUAL_FATAL(pool_apply_async(pool, &apply, 0, &asyncs[i], &error), 0);
    for (int i = 0; i < 8; i++) {
        CU_ASSERT_EQUAL(async_get(asyncs[i], GRACE_NS, NULL, &error), -1);
        CU_ASSERT_EQUAL(error.code, i ? ERROR_CANCELLED : ERROR_DIED);
        async_free(asyncs[i]);
    }
    CU_ASSERT_EQUAL(process_kill(process, NULL), 0);
    CU_ASSERT_EQUAL(ended(process), -SIGKILL);
    CU_ASSERT_EQUAL(lock_acquire(pool_parent(pool), lock, 0), 0);
    CU_ASSERT_EQUAL(pool_terminate(pool, 0, NULL), 0);
    CU_ASSERT_EQUAL(lock_acquire(pool_parent(pool), lock, 0), CALL_BROKEN);
    pool_free(pool, GRACE_NS, NULL);
}

static void the_parent_waits(void)
{
    int ms = 30;
    struct pool *pool = pool_begun(1);
    struct process *owner = in_pool(pool, holds, &ms);
    await_length(pool, 1);
    CU_ASSERT_EQUAL(lock_acquire(pool_parent(pool), lock, NEVER), 0);
    CU_ASSERT_EQUAL(ended(owner), 0);
    CU_ASSERT_EQUAL(lock_release(pool_parent(pool), lock), 0);
    CU_ASSERT_EQUAL(pool_free(pool, GRACE_NS, NULL), 0);
}

/* Processes in the middle of calls, of waiting for the lock, of nothing: all are gone when the pool is. */
static int appends(struct worker *w, void *arg)
{
    const int64_t number = 7;
    (void)arg;
    while (list_append(w, list, &number, 1) == 1)
        continue;
    return 0;
}

static void freed_under_calls(void)
{
    struct pool *pool = pool_begun(4);
    process_fn *const fns[] = {holds, holds, appends, sleeping};
    struct process *all[4];
    for (int i = 0; i < 4; i++)
        all[i] = in_pool(pool, fns[i], NULL);
    await_length(pool, 100);
    int64_t begun = hub_now();
    pool_free(pool, 20 * MS, NULL);
    CU_ASSERT(hub_now() - begun < GRACE_NS);
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_FALSE(process_alive(all[i]));
        CU_ASSERT_EQUAL(process_free(all[i], NULL), 0);
    }
}

/* --- the owner of objects goes away ------------------------------------------------------------------------------ */

/* What a client's call returns whose server, having got it or not, goes away: as an exit status. */
static int64_t call_of(struct scene *s, int fd, enum verb verb, unsigned object)
{
    struct worker worker = {.pool = &s->pool, .slot = SCENE_PROCESS};
    struct client client;
    unsigned char room[64] = {0};
    const struct call call = {.verb = verb, .in = room, .out = room, .n = 1, .at = (uint64_t)NEVER};
    if (client_open(&client, &worker, fd, fd, NULL))
        return 1;
    int64_t got = client_call(&client, &s->pool.objects[object], &call);
    int64_t again = client_call(&client, &s->pool.objects[object], &call);
    client_close(&client);
    return again == CALL_BROKEN ? got : 2;
}

/* 0: the server never reads it and leaves; 1: says that it leaves; 2: had gone before. */
static int64_t call_and_go(int how, enum verb verb, unsigned object)
{
    struct scene *s = scene_open(true, 8);
    int ends[2], status = 0;
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    if (how == 2)
        shutdown(ends[0], SHUT_RDWR);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        _exit((int)-call_of(s, ends[1], verb, object));
    }
    close(ends[1]);
    usleep(10000);
    const struct frame leave = {.kind = FRAME_LEAVE};
    if (how == 1) {
        CU_ASSERT_EQUAL(write(ends[0], &leave, sizeof leave), sizeof leave);
    } else {
        close(ends[0]);
    }
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    if (how == 1)
        close(ends[0]);
    scene_close(s);
    return -(int64_t)WEXITSTATUS(status);
}

static void owner_gone(void)
{
    for (int how = 0; how < 2; how++) {
        CU_ASSERT_EQUAL(call_and_go(how, VERB_ADD, SCENE_COUNTER), CALL_UNKNOWN);
        CU_ASSERT_EQUAL(call_and_go(how, VERB_APPEND, SCENE_VALUES), CALL_UNKNOWN);
        CU_ASSERT_EQUAL(call_and_go(how, VERB_ACQUIRE, SCENE_LOCK), CALL_UNKNOWN);
        CU_ASSERT_EQUAL(call_and_go(how, VERB_READ, SCENE_COUNTER), CALL_BROKEN);
        CU_ASSERT_EQUAL(call_and_go(how, VERB_LENGTH, SCENE_VALUES), CALL_BROKEN);
    }
    CU_ASSERT_EQUAL(call_and_go(2, VERB_ADD, SCENE_COUNTER), CALL_BROKEN);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "locks: one at a time between processes and parent", .run = exclusion},
        {.name = "locks: owners that die, and those who wait and die", .run = owners_die},
        {.name = "locks: the parent waits its turn", .run = the_parent_waits},
        {.name = "locks: workers die while the parent waits", .run = workers_die},
        {.name = "locks: a pool breaks with work left, and a process ends", .run = broken_with_work},
        {.name = "locks: a pool freed under its processes' calls", .run = freed_under_calls},
        {.name = "locks: the owner of objects goes away under a call", .run = owner_gone},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
