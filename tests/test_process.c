/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_process.c - processes without a pool: the life of one, as rows *1 to *9 of CPython's own tests have it.
 *
 * Start, liveness, exit codes, joining with a timeout, ending it by a signal, many at once, processes of processes, and
 * who dies with whom. */
#include "bench/ipc/deadline.h"
#include "bench/ipc/memory.h"
#include "tests/frame.h"
#include "tests/started.h"

#include <CUnit/CUnit.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MANY 100

/* --- life -------------------------------------------------------------------------------------------------------- */

struct meeting {
    pid_t self, parent;
    int value;
};

static int telling(struct worker *self, void *arg)
{
    struct meeting *m = arg;
    CU_ASSERT_PTR_NULL(self->pool);
    *m = (struct meeting){.self = getpid(), .parent = process_parent(), .value = process_parent_alive()};
    return 0;
}

static void life_cycle(void)
{
    struct meeting *m = memory_shared(sizeof *m);
    struct process *p = started(telling, m);
    int code = 1000;
    CU_ASSERT(process_pid(p) > 0 && process_pid(p) != getpid());
    CU_ASSERT_EQUAL(process_join(p, NEVER, &code, NULL), 0);
    CU_ASSERT_EQUAL(code, 0);
    CU_ASSERT_FALSE(process_alive(p));
    CU_ASSERT_EQUAL(m->self, process_pid(p));
    CU_ASSERT_EQUAL(m->parent, getpid());
    CU_ASSERT_EQUAL(m->value, 1);
    CU_ASSERT_EQUAL(process_parent(), 0);
    CU_ASSERT_FALSE(process_parent_alive());
    CU_ASSERT_EQUAL(process_join(p, 0, &code, NULL), 0);
    CU_ASSERT_EQUAL(code, 0);
    CU_ASSERT_TRUE(process_exit_code(p, &code));
    CU_ASSERT_EQUAL(process_free(p, NULL), 0);
    memory_free(m, sizeof *m);
}

static void ended_by(int (*end)(struct process *, struct error *), int signal_number)
{
    struct process *p = started(sleeping, NULL);
    struct error error = {.code = ERROR_NONE};
    int code = 1000;
    const int64_t timeouts[] = {0, -5, INT64_MIN, 30 * MS};
    for (size_t i = 0; i < sizeof timeouts / sizeof *timeouts; i++) {
        int64_t before = clock_now_ns();
        expect_code(process_join(p, timeouts[i], &code, &error), &error, ERROR_TIMEOUT);
        CU_ASSERT(clock_now_ns() - before < SOON_NS);
    }
    CU_ASSERT_TRUE(process_alive(p));
    CU_ASSERT_FALSE(process_exit_code(p, &code));
    CU_ASSERT_EQUAL(end(p, &error), 0);
    CU_ASSERT_EQUAL(process_join(p, SOON_NS, &code, &error), 0);
    CU_ASSERT_EQUAL(code, -signal_number);
    CU_ASSERT_FALSE(process_alive(p));
    /* of one that has ended nobody is hit */
    CU_ASSERT_EQUAL(end(p, &error), 0);
    CU_ASSERT_EQUAL(process_free(p, NULL), 0);
}

static void terminate_and_kill(void)
{
    ended_by(process_terminate, SIGTERM);
    ended_by(process_kill, SIGKILL);
}

static int leaving(struct worker *self, void *arg)
{
    (void)self;
    _exit(*(const int *)arg);
}

static int aborting(struct worker *self, void *arg)
{
    (void)self, (void)arg;
    signal(SIGABRT, SIG_DFL);
    abort();
}

static void exit_codes(void)
{
    int codes[] = {0, 1, 8, 96, 255, 256, -1}, seen[] = {0, 1, 8, 96, 255, 0, 255};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        CU_ASSERT_EQUAL(joined(started(returning, &codes[i])), seen[i]);
        CU_ASSERT_EQUAL(joined(started(leaving, &codes[i])), seen[i]);
    }
    CU_ASSERT_EQUAL(joined(started(aborting, NULL)), -SIGABRT);
}

static int using_anothers(struct worker *self, void *arg)
{
    struct process *p = arg;
    struct error error = {.code = ERROR_NONE};
    int code, refused = 0;
    (void)self;
    refused += process_join(p, 0, &code, &error) == -1 && error.code == ERROR_STATE;
    refused += process_kill(p, &error) == -1 && error.code == ERROR_STATE;
    refused += process_free(p, &error) == -1 && error.code == ERROR_STATE;
    refused += !process_alive(p) && !process_exit_code(p, &code);
    return refused;
}

static void freed_when_over(void)
{
    struct process *p = started(sleeping, NULL);
    struct error error = {.code = ERROR_NONE};
    expect_code(process_free(p, &error), &error, ERROR_STATE);
    CU_ASSERT_TRUE(process_alive(p));
    CU_ASSERT_EQUAL(joined(started(using_anothers, p)), 4);
    CU_ASSERT_EQUAL(process_kill(p, NULL), 0);
    CU_ASSERT_EQUAL(joined(p), -SIGKILL);
    CU_ASSERT_EQUAL(process_free(NULL, NULL), 0);
}

static int reading_end(struct worker *self, void *arg)
{
    const int *ends = arg;
    char byte;
    (void)self;
    close(ends[1]);
    return (int)read(ends[0], &byte, 1);
}

static void pidfd_told(void)
{
    int ends[2], code;
    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    struct process *p = started(reading_end, ends);
    struct pollfd watched = {.fd = process_pidfd(p), .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&watched, 1, 50), 0);
    close(ends[0]);
    close(ends[1]);
    CU_ASSERT_EQUAL(poll(&watched, 1, 1000), 1);
    CU_ASSERT_TRUE(process_exit_code(p, &code));
    CU_ASSERT_EQUAL(poll(&watched, 1, 0), 1);
    CU_ASSERT_EQUAL(joined(p), 0);
}

static void caught(int number)
{
    (void)number;
    _exit(77);
}

/* The program's handler, which all inherit, must not run in one that is ended before it got to put that right. */
static void many_at_once(void)
{
    struct process *p[MANY];
    int nothing = 0;
    for (int i = 0; i < MANY; i++)
        p[i] = started(returning, &nothing);
    for (int i = 0; i < MANY; i++)
        CU_ASSERT_EQUAL(joined(p[i]), 0);
    signal(SIGTERM, caught);
    for (int i = 0; i < MANY; i++) {
        p[i] = started(sleeping, NULL);
        CU_ASSERT_EQUAL(process_terminate(p[i], NULL), 0);
    }
    signal(SIGTERM, SIG_DFL);
    for (int i = 0; i < MANY; i++)
        CU_ASSERT_EQUAL(joined(p[i]), -SIGTERM);
}

/* Each tells its place, and starts two more a level below, one after the other. */
struct branch {
    int out, depth;
    char place[8];
};

static int branching(struct worker *self, void *arg)
{
    struct branch *b = arg;
    dprintf(b->out, "%s ", b->place);
    for (int i = 0; b->depth < 2 && i < 2; i++) {
        struct branch below = {.out = b->out, .depth = b->depth + 1};
        struct process *p;
        int code = -1;
        snprintf(below.place, sizeof below.place, "%.5s%d", b->place, i);
        if (process_start(&p, NULL, branching, &below, NULL) || process_join(p, NEVER, &code, NULL) || code ||
            process_free(p, NULL))
            return 1;
    }
    return self->pool ? 1 : 0;
}

static void recursion(void)
{
    int ends[2];
    char text[128] = "";
    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    struct branch root = {.out = ends[1], .place = "r"};
    CU_ASSERT_EQUAL(joined(started(branching, &root)), 0);
    CU_ASSERT(read(ends[0], text, sizeof text - 1) > 0);
    CU_ASSERT_STRING_EQUAL(text, "r r0 r00 r01 r1 r10 r11 ");
    close(ends[0]);
    close(ends[1]);
}

/* --- parents ----------------------------------------------------------------------------------------------------- */

static int watching_parent(struct worker *self, void *arg)
{
    int out = *(const int *)arg;
    (void)self;
    dprintf(out, "%c", process_parent_alive() ? 'a' : 'x');
    for (int i = 0; i < 2000 && process_parent_alive(); i++)
        poll(NULL, 0, 5);
    dprintf(out, "%c", process_parent_alive() ? 'x' : 'n');
    return 0;
}

static int leaving_behind(struct worker *self, void *arg)
{
    struct process *p;
    if (process_start_outliving(&p, watching_parent, arg, NULL))
        return 1;
    return sleeping(self, NULL);
}

static void parent_seen(void)
{
    int ends[2];
    char byte = 0;
    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    struct process *p = started(leaving_behind, &ends[1]);
    close(ends[1]);
    CU_ASSERT_EQUAL(read(ends[0], &byte, 1), 1);
    CU_ASSERT_EQUAL(byte, 'a');
    CU_ASSERT_EQUAL(process_terminate(p, NULL), 0);
    CU_ASSERT_EQUAL(joined(p), -SIGTERM);
    CU_ASSERT_EQUAL(read(ends[0], &byte, 1), 1);
    CU_ASSERT_EQUAL(byte, 'n');
    CU_ASSERT_EQUAL(read(ends[0], &byte, 1), 0);
    close(ends[0]);
}

static int parenting(struct worker *self, void *arg)
{
    struct process *p;
    for (int i = 0; i < 3; i++)
        if (process_start(&p, NULL, sleeping, NULL, NULL))
            return 1;
    dprintf(*(const int *)arg, "s");
    return sleeping(self, NULL);
}

/* The end of the pipe says that the last of them is gone. */
static void dead_with_parent(void)
{
    int ends[2];
    char byte;
    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    struct process *p = started(parenting, &ends[1]);
    close(ends[1]);
    CU_ASSERT_EQUAL(read(ends[0], &byte, 1), 1);
    CU_ASSERT_EQUAL(process_kill(p, NULL), 0);
    CU_ASSERT_EQUAL(poll(&(struct pollfd){.fd = ends[0], .events = POLLIN}, 1, 1000), 1);
    CU_ASSERT_EQUAL(read(ends[0], &byte, 1), 0);
    CU_ASSERT_EQUAL(joined(p), -SIGKILL);
    close(ends[0]);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "process: *1 start, life, join, exit code", .run = life_cycle},
        {.name = "process: *2 join with a timeout, terminate, kill", .run = terminate_and_kill},
        {.name = "process: *3 exit codes", .run = exit_codes},
        {.name = "process: *5 freed once it has ended, by its parent", .run = freed_when_over},
        {.name = "process: *6 its pidfd tells its end", .run = pidfd_told},
        {.name = "process: *7 many at once, ended at once", .run = many_at_once},
        {.name = "process: *8 processes start processes", .run = recursion},
        {.name = "process: *9 a process sees its parent alive, then not", .run = parent_seen},
        {.name = "process: A4 killed with its parent", .run = dead_with_parent},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
