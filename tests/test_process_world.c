/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_process_world.c - processes without a pool in the program that they come from: what they inherit, and what not.
 *
 * Memory, arguments, stdio, descriptors and signals; and programs that make it hard: closed stdio, handlers of their
 * own, a wait() for any child, threads. */
#include "bench/ipc/deadline.h"
#include "bench/ipc/memory.h"
#include "tests/frame.h"
#include "tests/started.h"

#include <CUnit/CUnit.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANY     100
#define SIBLINGS 20

/* --- what is inherited ------------------------------------------------------------------------------------------- */

static int common = 0;
static int *together;

static int changing(struct worker *self, void *arg)
{
    (void)self, (void)arg;
    common = *together = 42;
    return 0;
}

static void memory_of_its_own(void)
{
    together = memory_shared(sizeof *together);
    CU_ASSERT_EQUAL(joined(started(changing, NULL)), 0);
    CU_ASSERT_EQUAL(common, 0);
    CU_ASSERT_EQUAL(*together, 42);
    memory_free(together, sizeof *together);
}

struct bytes {
    size_t n;
    unsigned char data[65537];
};

static int adding(struct worker *self, void *arg)
{
    const struct bytes *b = arg;
    unsigned sum = 0;
    (void)self;
    for (size_t i = 0; i < b->n; i++)
        sum += b->data[i];
    return (int)(sum & 255);
}

static void arguments(void)
{
    static struct bytes b;
    const size_t sizes[] = {0, 1, 65537};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        b.n = sizes[i];
        for (size_t k = 0; k < b.n; k++)
            b.data[k] = (unsigned char)(k * 7 + 3);
        CU_ASSERT_EQUAL(joined(started(adding, &b)), adding(NULL, &b));
    }
}

static int printing(struct worker *self, void *arg)
{
    (void)self;
    printf("Worker: %d\n", *(const int *)arg);
    return 0;
}

/* Five lines and the parent's own, each once, though the parent had not flushed and a pipe is buffered by the block. */
static void printed_once(void)
{
    int ends[2], numbers[] = {0, 1, 2, 3, 4}, own = dup(STDOUT_FILENO);
    char text[512] = "", line[32];
    struct process *p[5];
    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    fflush(stdout);
    dup2(ends[1], STDOUT_FILENO);
    setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
    printf("Parent\n");
    for (int i = 0; i < 5; i++)
        p[i] = started(printing, &numbers[i]);
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(joined(p[i]), 0);
    fflush(stdout);
    dup2(own, STDOUT_FILENO);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    CU_ASSERT(read(ends[0], text, sizeof text - 1) > 0);
    CU_ASSERT_EQUAL(strlen(text), strlen("Parent\n") + 5 * strlen("Worker: 0\n"));
    CU_ASSERT_EQUAL(strncmp(text, "Parent\n", 7), 0);
    for (int i = 0; i < 5; i++) {
        snprintf(line, sizeof line, "Worker: %d\n", i);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
    }
    close(own);
    close(ends[0]);
    close(ends[1]);
}

static int counting_descriptors(struct worker *self, void *arg)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    (void)self, (void)arg;
    while (folder && readdir(folder))
        count++;
    return count;
}

static void siblings_not_held(void)
{
    struct process *p[SIBLINGS];
    int alone = joined(started(counting_descriptors, NULL));
    for (int i = 0; i < SIBLINGS; i++)
        p[i] = started(sleeping, NULL);
    CU_ASSERT_EQUAL(process_kill(p[3], NULL), 0);
    CU_ASSERT_EQUAL(joined(p[3]), -SIGKILL);
    CU_ASSERT(alone > 0);
    CU_ASSERT_EQUAL(joined(started(counting_descriptors, NULL)), alone);
    for (int i = 0; i < SIBLINGS; i++) {
        if (i == 3)
            continue;
        CU_ASSERT_EQUAL(process_kill(p[i], NULL), 0);
        CU_ASSERT_EQUAL(joined(p[i]), -SIGKILL);
    }
}

/* --- programs that make it hard ---------------------------------------------------------------------------------- */

static int stdio_closed(struct worker *self, void *arg)
{
    int seven = 7, code = -1;
    struct process *p;
    (void)self, (void)arg;
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    printf("nobody reads this\n");
    if (process_start(&p, NULL, returning, &seven, NULL) || process_join(p, NEVER, &code, NULL) ||
        process_free(p, NULL))
        return 1;
    return code;
}

static void without_stdio(void)
{
    CU_ASSERT_EQUAL(joined(started(stdio_closed, NULL)), 7);
}

static int signals_of_child(struct worker *self, void *arg)
{
    sigset_t mask;
    struct sigaction term, interrupt, hangup;
    (void)self, (void)arg;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    sigaction(SIGTERM, NULL, &term);
    sigaction(SIGINT, NULL, &interrupt);
    sigaction(SIGHUP, NULL, &hangup);
    for (int i = 1; i < 32; i++)
        if (sigismember(&mask, i))
            return 1;
    return term.sa_handler != SIG_DFL ? 2 : interrupt.sa_handler != SIG_DFL ? 3 : hangup.sa_handler != SIG_IGN ? 4 : 0;
}

static void caught(int number)
{
    (void)number;
    _exit(77);
}

static void signals_sane(void)
{
    sigset_t some, before, after;
    sigemptyset(&some);
    sigaddset(&some, SIGTERM);
    sigaddset(&some, SIGUSR2);
    sigprocmask(SIG_BLOCK, &some, &before);
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, caught);
    signal(SIGHUP, SIG_IGN);
    CU_ASSERT_EQUAL(joined(started(signals_of_child, NULL)), 0);
    sigprocmask(SIG_SETMASK, &before, &after);
    CU_ASSERT_TRUE(sigismember(&after, SIGTERM) && sigismember(&after, SIGUSR2) && !sigismember(&after, SIGINT));
}

static volatile sig_atomic_t storms;
static void storm(int number)
{
    (void)number;
    storms = storms + 1;
}

static int resting(struct worker *self, void *arg)
{
    (void)self;
    poll(NULL, 0, *(const int *)arg);
    return 9;
}

/* A handler without SA_RESTART, a thousand times a second. */
static void joined_in_a_storm(void)
{
    int ms = 200, code = 1000;
    struct sigaction action = {.sa_handler = storm};
    const struct itimerval often = {{.tv_usec = 1000}, {.tv_usec = 1000}}, off = {{0}, {0}};
    const int64_t timeouts[] = {NEVER, 10 * SOON_NS};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (size_t i = 0; i < 2; i++) {
        struct process *p = started(resting, &ms);
        CU_ASSERT_EQUAL(process_join(p, timeouts[i], &code, NULL), 0);
        CU_ASSERT_EQUAL(code, 9);
        CU_ASSERT_EQUAL(process_free(p, NULL), 0);
    }
    setitimer(ITIMER_REAL, &off, NULL);
    CU_ASSERT(storms > 10);
}

static int becoming_another(struct worker *self, void *arg)
{
    (void)self, (void)arg;
    execlp("sleep", "sleep", "30", (char *)NULL);
    return 1;
}

static void joined_though_it_execs(void)
{
    struct process *p = started(becoming_another, NULL);
    struct error error = {.code = ERROR_NONE};
    int64_t before = clock_now_ns();
    expect_code(process_join(p, 100 * MS, NULL, &error), &error, ERROR_TIMEOUT);
    CU_ASSERT(clock_now_ns() - before < SOON_NS);
    CU_ASSERT_EQUAL(process_terminate(p, NULL), 0);
    CU_ASSERT_EQUAL(joined(p), -SIGTERM);
}

static void expect_unknown(struct process *p)
{
    struct error error = {.code = ERROR_NONE};
    int code = 1000;
    CU_ASSERT_EQUAL(process_join(p, NEVER, NULL, &error), 0);
    expect_code(process_join(p, NEVER, &code, &error), &error, ERROR_SYSTEM);
    CU_ASSERT_EQUAL(error.sys_errno, ECHILD);
    CU_ASSERT_FALSE(process_alive(p));
    CU_ASSERT_FALSE(process_exit_code(p, &code));
    CU_ASSERT_EQUAL(poll(&(struct pollfd){.fd = process_pidfd(p), .events = POLLIN}, 1, 0), 1);
    CU_ASSERT_EQUAL(process_terminate(p, &error), 0);
    CU_ASSERT_EQUAL(process_free(p, NULL), 0);
}

static void ends_taken_by_another(void)
{
    int three = 3;
    struct process *p = started(returning, &three);
    CU_ASSERT_EQUAL(wait(NULL), process_pid(p));
    expect_unknown(p);
    signal(SIGCHLD, SIG_IGN);
    for (int i = 0; i < MANY; i++)
        expect_unknown(started(returning, &three));
    p = started(sleeping, NULL);
    CU_ASSERT_TRUE(process_alive(p));
    CU_ASSERT_EQUAL(process_kill(p, NULL), 0);
    expect_unknown(p);
    signal(SIGCHLD, SIG_DFL);
}

static atomic_int busy;
static void *allocating(void *arg)
{
    char line[64];
    while (atomic_load(&busy)) {
        void *p = malloc(1000);
        FILE *file = fmemopen(line, sizeof line, "w");
        fprintf(file, "%p", p);
        fclose(file);
        free(p);
    }
    return arg;
}

static int allocating_too(struct worker *self, void *arg)
{
    void *p = malloc(1000);
    (void)self, (void)arg;
    printf("%s", p ? "" : "no memory");
    free(p);
    return 0;
}

static void started_beside_threads(void)
{
    pthread_t thread;
    atomic_store(&busy, 1);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, allocating, NULL), 0);
    for (int i = 0; i < 2 * MANY; i++)
        CU_ASSERT_EQUAL(joined(started(allocating_too, NULL)), 0);
    atomic_store(&busy, 0);
    pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "process: A1 memory of its own", .run = memory_of_its_own},
        {.name = "process: A2 what it prints is printed once", .run = printed_once},
        {.name = "process: A3 joined in a storm of signals", .run = joined_in_a_storm},
        {.name = "process: A6 arguments", .run = arguments},
        {.name = "process: keeps nothing of its siblings", .run = siblings_not_held},
        {.name = "process: without stdio", .run = without_stdio},
        {.name = "process: signals as in a fresh process", .run = signals_sane},
        {.name = "process: joined in time though it execs", .run = joined_though_it_execs},
        {.name = "process: ends that the program took itself", .run = ends_taken_by_another},
        {.name = "process: started beside threads", .run = started_beside_threads},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
