/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rows_process.c - a process's life: what is known of it, how it ends, who sees that, and who is left alone.
 *
 * On the control a process belongs to no pool; on each other strategy it joins one. */
#include "tests/rows.h"

#include "bench/ipc/memory.h"

#include <CUnit/CUnit.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOON_NS (1000 * MS)

/* The pool that processes join; *none is set where they need none. */
static struct pool *home(const struct situation *c, unsigned processes, bool *none)
{
    *none = c->strategy->role == ROLE_CONTROL_ONLY;
    return *none ? NULL : row_start(c, &(struct setup){.workers = 1, .processes = processes});
}

static struct process *begin(const struct situation *c, struct pool *pool, process_fn *fn, void *arg)
{
    struct error error = {.code = ERROR_NONE};
    struct process *process = NULL;
    EXPECT_DONE(c, process_start(&process, pool, fn, arg, &error), &error);
    return process;
}

/* Waits, checks how it ended, and frees it. */
static void end(const struct situation *c, struct process *process, int wanted)
{
    struct error error = {.code = ERROR_NONE};
    int code = 4711;
    if (!EXPECT(c, process != NULL))
        return;
    EXPECT_DONE(c, process_join(process, 5000 * MS, &code, &error), &error);
    if (!EXPECT(c, code == wanted))
        fprintf(stderr, "exit code %d, wanted %d\n", code, wanted);
    EXPECT_DONE(c, process_free(process, &error), &error);
}

static int sleeps(struct worker *self, void *arg)
{
    (void)self, (void)arg;
    for (unsigned i = 0; i < 100; i++)
        row_rest(SOON_NS);
    return 77;
}

static bool is_child(pid_t wanted)
{
    char path[64];
    bool found = false;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    for (int pid; file && fscanf(file, "%d", &pid) == 1;)
        found |= pid == wanted;
    if (file)
        fclose(file);
    return found;
}

/* --- *1: a life -------------------------------------------------------------------------------------------------- */

struct said {
    _Atomic int32_t pid, parent, lets_go;
    int32_t number;
    char text[70000];
};

static int tell_of_itself(struct worker *self, void *arg)
{
    struct said *said = arg;
    (void)self;
    for (size_t i = 0; i < sizeof said->text; i++)
        if (said->text[i] != (char)(i % 100))
            return 9;
    if (process_parent() != getppid() || !process_parent_alive())
        return 8;
    atomic_store(&said->parent, getppid());
    atomic_store(&said->pid, getpid());
    while (!atomic_load(&said->lets_go))
        row_rest(MS / 2);
    return said->number;
}

static void life(const struct situation *c)
{
    bool none;
    int code = -5;
    struct error error = {.code = ERROR_NONE};
    struct said *said = memory_shared(sizeof *said);
    struct pool *pool = home(c, 1, &none);
    CU_ASSERT_FATAL(said && (pool || none));
    said->number = 7;
    for (size_t i = 0; i < sizeof said->text; i++)
        said->text[i] = (char)(i % 100);
    struct process *process = begin(c, pool, tell_of_itself, said);
    CU_ASSERT_PTR_NOT_NULL_FATAL(process);
    pid_t pid = process_pid(process);
    EXPECT(c, process_alive(process) && !process_exit_code(process, &code) && code == -5);
    EXPECT(c, pid > 0 && pid != getpid() && is_child(pid));
    EXPECT_FAILS(c, process_join(process, 0, &code, &error), ERROR_TIMEOUT, NULL, &error);
    atomic_store(&said->lets_go, 1);
    EXPECT_DONE(c, process_join(process, 5000 * MS, &code, &error), &error);
    EXPECT(c, code == 7 && !process_alive(process) && process_exit_code(process, &code) && code == 7);
    EXPECT(c, atomic_load(&said->pid) == pid && atomic_load(&said->parent) == getpid());
    EXPECT(c, !is_child(pid) && process_pid(process) == pid);
    end(c, process, 7);
    row_free(c, pool);
    memory_free(said, sizeof *said);
}

/* --- *2, *3: ends ------------------------------------------------------------------------------------------------ */

static void ended_by_others(const struct situation *c)
{
    bool none;
    struct pool *pool = home(c, 1, &none);
    for (int killed = 0; (pool || none) && killed < 2; killed++) {
        struct error error = {.code = ERROR_NONE};
        struct process *process = begin(c, pool, sleeps, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(process);
        for (int64_t timeout = 0; timeout >= -7; timeout -= 7) {
            int64_t started = row_now();
            EXPECT_FAILS(c, process_join(process, timeout, NULL, &error), ERROR_TIMEOUT, NULL, &error);
            EXPECT_WITHIN(c, row_now() - started, 500 * MS);
            EXPECT(c, process_alive(process));
        }
        int64_t started = row_now();
        EXPECT_FAILS(c, process_join(process, 50 * MS, NULL, &error), ERROR_TIMEOUT, NULL, &error);
        EXPECT(c, row_now() - started >= 50 * MS);
        EXPECT_WITHIN(c, row_now() - started, 1000 * MS);
        started = row_now();
        EXPECT_DONE(c, killed ? process_kill(process, &error) : process_terminate(process, &error), &error);
        EXPECT_DONE(c, process_join(process, NEVER, NULL, &error), &error);
        EXPECT_WITHIN(c, row_now() - started, 1000 * MS);
        EXPECT(c, !process_alive(process));
        EXPECT_DONE(c, process_terminate(process, &error), &error);
        EXPECT_DONE(c, process_kill(process, &error), &error);
        end(c, process, killed ? -SIGKILL : -SIGTERM);
    }
    row_free(c, pool);
}

static int ends_as_told(struct worker *self, void *arg)
{
    int way = *(int *)arg;
    (void)self;
    if (way == 1000)
        _exit(5);
    if (way < 0) {
        signal(-way, SIG_DFL);
        kill(getpid(), -way);
        row_rest(SOON_NS);
    }
    return way;
}

static void exit_codes(const struct situation *c)
{
    static int ways[] = {0, 1, 8, 127, 255, 1000, -SIGUSR2, -SIGALRM, -SIGKILL};
    bool none;
    struct pool *pool = home(c, 1, &none);
    for (size_t i = 0; (pool || none) && i < sizeof ways / sizeof *ways; i++)
        end(c, begin(c, pool, ends_as_told, &ways[i]), ways[i] == 1000 ? 5 : ways[i]);
    row_free(c, pool);
}

/* --- *5, *6: freeing, and what poll() sees ----------------------------------------------------------------------- */

static void freeing(const struct situation *c)
{
    bool none;
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = home(c, 1, &none);
    CU_ASSERT_FATAL(pool || none);
    struct process *process = begin(c, pool, sleeps, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(process);
    EXPECT_FAILS(c, process_free(process, &error), ERROR_STATE, NULL, &error);
    EXPECT(c, process_alive(process));
    EXPECT_DONE(c, process_kill(process, &error), &error);
    end(c, process, -SIGKILL);
    EXPECT_DONE(c, process_free(NULL, &error), &error);
    row_free(c, pool);
}

static void readable_at_its_end(const struct situation *c)
{
    bool none;
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = home(c, 1, &none);
    CU_ASSERT_FATAL(pool || none);
    struct process *process = begin(c, pool, sleeps, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(process);
    struct pollfd watched = {.fd = process_pidfd(process), .events = POLLIN};
    EXPECT(c, poll(&watched, 1, 20) == 0);
    EXPECT_DONE(c, process_terminate(process, &error), &error);
    EXPECT(c, poll(&watched, 1, 1000) == 1);
    end(c, process, -SIGTERM);
    row_free(c, pool);
}

/* --- *7: many ---------------------------------------------------------------------------------------------------- */

static int comes_and_goes(struct worker *self, void *arg)
{
    (void)self, (void)arg;
    return 0;
}

/* Terminated at once: the signal may come before the process has done its first step. */
static void many(const struct situation *c)
{
    bool none;
    const unsigned at_a_time = c->strategy->role == ROLE_CONTROL_ONLY ? 100 : 20;
    struct process *processes[100];
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = home(c, at_a_time, &none);
    for (unsigned done = 0; (pool || none) && done < 200; done += at_a_time) {
        const bool terminated = done >= 100;
        for (unsigned i = 0; i < at_a_time; i++)
            processes[i] = begin(c, pool, terminated ? sleeps : comes_and_goes, NULL);
        for (unsigned i = 0; terminated && i < at_a_time; i++)
            EXPECT_DONE(c, process_terminate(processes[i], &error), &error);
        for (unsigned i = 0; i < at_a_time; i++)
            end(c, processes[i], terminated ? -SIGTERM : 0);
    }
    row_free(c, pool);
}

/* --- *8, *9: processes of processes ------------------------------------------------------------------------------ */

struct tree {
    unsigned depth;
    char path[8];
};

static struct visits {
    _Atomic uint32_t count;
    char path[16][8];
} * visits;

/* Notes where it is, then starts two one after the other, each joined before the next. */
static int branch(struct worker *self, void *arg)
{
    const struct tree *tree = arg;
    (void)self;
    uint32_t at = atomic_fetch_add(&visits->count, 1);
    if (at >= 16)
        return 3;
    memcpy(visits->path[at], tree->path, sizeof tree->path);
    for (unsigned i = 0; tree->depth < 2 && i < 2; i++) {
        struct tree next = {.depth = tree->depth + 1};
        struct process *process;
        int code;
        memcpy(next.path, tree->path, sizeof next.path);
        next.path[tree->depth] = (char)('0' + i);
        if (process_start(&process, NULL, branch, &next, NULL) || process_join(process, NEVER, &code, NULL) || code)
            return 1;
        process_free(process, NULL);
    }
    return 0;
}

static void depth_first(const struct situation *c)
{
    static const char *const order[] = {"", "0", "00", "01", "1", "10", "11"};
    bool none;
    struct tree root = {.depth = 0};
    struct pool *pool = home(c, 1, &none);
    visits = memory_shared(sizeof *visits);
    CU_ASSERT_FATAL(visits && (pool || none));
    end(c, begin(c, pool, branch, &root), 0);
    EXPECT(c, atomic_load(&visits->count) == 7);
    for (unsigned i = 0; i < 7; i++)
        EXPECT(c, strcmp(visits->path[i], order[i]) == 0);
    memory_free(visits, sizeof *visits);
    row_free(c, pool);
}

static struct family {
    _Atomic uint32_t saw_alive, saw_gone;
    _Atomic int32_t pid;
} * family;

static int grandchild(struct worker *self, void *arg)
{
    (void)self, (void)arg;
    atomic_store(&family->pid, getpid());
    for (int64_t until = row_now() + 2 * ROW_PATIENCE_NS; process_parent_alive() && row_now() < until; row_rest(MS))
        atomic_store(&family->saw_alive, 1);
    atomic_store(&family->saw_gone, !process_parent_alive());
    return 0;
}

static int leaves_one(struct worker *self, void *arg)
{
    struct process *process;
    (void)self, (void)arg;
    if (process_start_outliving(&process, grandchild, NULL, NULL))
        return 1;
    return sleeps(self, arg);
}

static bool comes(_Atomic uint32_t *word)
{
    for (int64_t until = row_now() + ROW_PATIENCE_NS; !atomic_load(word) && row_now() < until;)
        row_rest(MS);
    return atomic_load(word);
}

/* The grandchild falls to the frame, which adopts and reaps it. */
static void parents_end(const struct situation *c)
{
    bool none;
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = home(c, 1, &none);
    family = memory_shared(sizeof *family);
    CU_ASSERT_FATAL(family && (pool || none));
    struct process *process = begin(c, pool, leaves_one, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(process);
    EXPECT(c, comes(&family->saw_alive) && !atomic_load(&family->saw_gone));
    EXPECT_DONE(c, process_terminate(process, &error), &error);
    end(c, process, -SIGTERM);
    EXPECT(c, comes(&family->saw_gone));
    memory_free(family, sizeof *family);
    row_free(c, pool);
}

/* --- CX26: a process that becomes another program, or leaves one behind ------------------------------------------ */

static int becomes_sleep(struct worker *self, void *arg)
{
    (void)self, (void)arg;
    execlp("sleep", "sleep", "60", (char *)NULL);
    return 99;
}

static int leaves_sleep(struct worker *self, void *arg)
{
    _Atomic int32_t *left = arg;
    pid_t pid = fork();
    (void)self;
    if (pid > 0)
        atomic_store(left, pid);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, 0);
        execlp("sleep", "sleep", "60", (char *)NULL);
        _exit(99);
    }
    return pid > 0 ? 6 : 99;
}

static void join_in_time(const struct situation *c)
{
    bool none;
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = home(c, 1, &none);
    _Atomic int32_t *left = memory_shared(sizeof *left);
    CU_ASSERT_FATAL(left && (pool || none));
    struct process *process = begin(c, pool, becomes_sleep, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(process);
    for (unsigned i = 0; i < 2; i++) {
        int64_t started = row_now();
        EXPECT_FAILS(c, process_join(process, 50 * MS, NULL, &error), ERROR_TIMEOUT, NULL, &error);
        EXPECT(c, row_now() - started >= 50 * MS);
        EXPECT_WITHIN(c, row_now() - started, 1000 * MS);
    }
    EXPECT_DONE(c, process_kill(process, &error), &error);
    end(c, process, -SIGKILL);
    int64_t started = row_now();
    end(c, begin(c, pool, leaves_sleep, (void *)left), 6);
    EXPECT_WITHIN(c, row_now() - started, 2000 * MS);
    EXPECT(c, atomic_load(left) > 0);
    kill(atomic_load(left), SIGKILL);
    row_free(c, pool);
    memory_free((void *)left, sizeof *left);
}

const struct row rows_process[] = {
    {.name = "*1 the life of a process", .run = life, .uses = USES_LIFE},
    {.name = "*2 terminate and kill", .run = ended_by_others, .uses = USES_LIFE},
    {.name = "*3 exit codes", .run = exit_codes, .uses = USES_LIFE},
    {.name = "*5 freeing a process", .run = freeing, .uses = USES_LIFE},
    {.name = "*6 poll() sees the end", .run = readable_at_its_end, .uses = USES_LIFE},
    {.name = "*7 a hundred processes", .run = many, .uses = USES_LIFE},
    {.name = "*8 processes of processes", .run = depth_first, .uses = USES_LIFE},
    {.name = "*9 a grandchild sees its parent end", .run = parents_end, .uses = USES_LIFE},
    {.name = "CX26 join in time though it execs or leaves another", .run = join_in_time, .uses = USES_LIFE},
    {.name = NULL},
};
