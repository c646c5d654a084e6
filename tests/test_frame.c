/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_frame.c - the frame itself: what its gate and its watchdog must catch, and what they must let pass.
 *
 * The program runs itself: with MUSTER_FRAME_SAMPLE set it is a program of misbehaving samples, one per kind of
 * misbehaviour; the tests start one sample each and read what the frame says of it. */
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Samples. */

static void sample_clean(void)
{
    char path[4200];
    FILE *file;
    pid_t pid;

    snprintf(path, sizeof(path), "%s/file", frame_folder());
    file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fclose(file);
    pid = fork();
    if (pid == 0)
        _exit(0);
    CU_ASSERT(waitpid(pid, NULL, 0) == pid);
}

static void sample_assert(void)
{
    CU_ASSERT_EQUAL(1 + 1, 3);
}

static void sample_nothing(void) {}

static void sample_skip(void)
{
    frame_skip("no such machine");
}

static void sample_exit(void)
{
    CU_PASS("before");
    exit(0);
}

static void sample_crash(void)
{
    /* a sanitizer's handler would turn the signal into an exit code */
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}

static void sample_hang(void)
{
    for (;;)
        pause();
}

static void sample_descriptor(void)
{
    CU_ASSERT(open("/dev/null", O_RDONLY) != -1);
}

static void sample_socket(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0muster-frame-sample"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    CU_ASSERT(bind(fd, (struct sockaddr *)&name, sizeof(sa_family_t) + 20) == 0);
}

static void sample_map(void)
{
    CU_ASSERT(mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static void sample_memfd(void)
{
    int fd = memfd_create("sample", 0);

    CU_ASSERT(ftruncate(fd, 4096) == 0);
    CU_ASSERT(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
    close(fd);
}

static void sample_shm(void)
{
    char name[64];
    int fd;

    snprintf(name, sizeof(name), "/muster-frame-%s", getenv("MUSTER_FRAME_SAMPLE"));
    fd = shm_open(name, O_CREAT | O_RDWR, 0600);
    CU_ASSERT(fd != -1);
    close(fd);
}

static void sample_file(void)
{
    char path[4200];
    int fd;

    snprintf(path, sizeof(path), "%s/forgotten", getenv("TMPDIR"));
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    CU_ASSERT(fd != -1);
    close(fd);
}

static void sample_zombie(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    CU_ASSERT(pid > 0);
    CU_ASSERT(waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT) == 0);
}

static void sample_child(void)
{
    pid_t pid = fork();

    if (pid == 0)
        sample_hang();
    CU_ASSERT(pid > 0);
}

/* The grandchild's session and process group are its own, and its parent is gone. */
static void sample_daemon(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (fork() != 0)
            _exit(0);
        setsid();
        sample_hang();
    }
    CU_ASSERT(waitpid(pid, NULL, 0) == pid);
}

/* Whoever orphans a process can see it go: the frame reaps it while the test still runs. */
static void sample_orphan(void)
{
    int ends[2];
    pid_t pid, orphan = 0;

    CU_ASSERT_FATAL(pipe(ends) == 0);
    pid = fork();
    if (pid == 0) {
        orphan = fork();
        if (orphan != 0 && write(ends[1], &orphan, sizeof(orphan)) != sizeof(orphan))
            _exit(1);
        _exit(0);
    }
    CU_ASSERT(waitpid(pid, NULL, 0) == pid);
    CU_ASSERT(read(ends[0], &orphan, sizeof(orphan)) == sizeof(orphan));
    close(ends[0]);
    close(ends[1]);
    for (int i = 0; i < 100 && kill(orphan, 0) == 0; i++)
        usleep(10000);
    CU_ASSERT(kill(orphan, 0) == -1);
}

static void sample_leaving(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (fork() != 0)
            _exit(0);
        usleep(100000);
        _exit(0);
    }
    CU_ASSERT(waitpid(pid, NULL, 0) == pid);
}

static void sample_fallen(void)
{
    pid_t pid = fork();

    if (pid != 0)
        CU_ASSERT(waitpid(pid, NULL, 0) == pid);
    /* the child returns as if it were the test */
}

static void *thread_hang(void *unused)
{
    sample_hang();
    return unused;
}

static void sample_thread(void)
{
    pthread_t thread;

    CU_ASSERT(pthread_create(&thread, NULL, thread_hang, NULL) == 0);
}

static void sample_chatter(void)
{
    for (int i = 0; i < 100000; i++)
        printf("line %d\n", i);
    CU_PASS("wrote more than a pipe holds");
}

static const struct test samples[] = {
    {"clean", sample_clean, 0},     {"assert", sample_assert, 0},
    {"nothing", sample_nothing, 0}, {"skip", sample_skip, 0},
    {"exit", sample_exit, 0},       {"crash", sample_crash, 0},
    {"hang", sample_hang, 1},       {"descriptor", sample_descriptor, 0},
    {"socket", sample_socket, 0},   {"map", sample_map, 0},
    {"memfd", sample_memfd, 0},     {"shm", sample_shm, 0},
    {"file", sample_file, 0},       {"zombie", sample_zombie, 0},
    {"child", sample_child, 0},     {"daemon", sample_daemon, 0},
    {"orphan", sample_orphan, 0},   {"leaving", sample_leaving, 0},
    {"fallen", sample_fallen, 0},   {"thread", sample_thread, 0},
    {"chatter", sample_chatter, 0}, {NULL, NULL, 0},
};

/* Tests. */

/* Runs this program on one sample; returns its exit code, its output in `text`. */
static int sample_run(const char *name, char *text, size_t size)
{
    char self[64], mark[32];
    size_t used = 0;
    ssize_t got;
    int ends[2], status;
    pid_t pid;

    snprintf(self, sizeof(self), "/proc/%d/exe", getpid());
    snprintf(mark, sizeof(mark), "%d", getpid());
    CU_ASSERT_FATAL(pipe(ends) == 0);
    pid = fork();
    if (pid == 0) {
        setenv("MUSTER_FRAME_SAMPLE", mark, 1);
        unsetenv("MUSTER_VERBOSE");
        dup2(ends[1], 1);
        execl(self, "samples", name, NULL);
        _exit(127);
    }
    close(ends[1]);
    while (used < size - 1 && (got = read(ends[0], text + used, size - 1 - used)) > 0)
        used += (size_t)got;
    text[used] = '\0';
    close(ends[0]);
    CU_ASSERT_FATAL(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void sample_expect(const char *name, int code, const char *words, const char *last)
{
    static char text[1 << 18];
    int got = sample_run(name, text, sizeof(text));

    CU_ASSERT_EQUAL(got, code);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, words));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, last));
    if (got != code || strstr(text, words) == NULL || strstr(text, last) == NULL)
        printf("wanted code %d and '%s', got code %d and:\n%s", code, words, got, text);
}

static void sample_fails(const char *name, const char *words)
{
    sample_expect(name, 1, words, "\n0 passed, 1 failed, 0 skipped\n");
}

static void test_passes(void)
{
    sample_expect("clean", 0, "ok   clean\n", "\n1 passed, 0 failed, 0 skipped\n");
    sample_expect("orphan", 0, "ok   orphan\n", "\n1 passed, 0 failed, 0 skipped\n");
    sample_expect("leaving", 0, "ok   leaving\n", "\n1 passed, 0 failed, 0 skipped\n");
    sample_expect("chatter", 0, "ok   chatter\n", "\n1 passed, 0 failed, 0 skipped\n");
}

static void test_skips(void)
{
    sample_expect("skip", 77, "skip skip: no such machine\n", "\n0 passed, 0 failed, 1 skipped\n");
}

static void test_asserts(void)
{
    sample_fails("assert", "CU_ASSERT_EQUAL(1 + 1,3)");
    sample_fails("nothing", "asserted nothing");
    sample_expect("no such name", 1, "0 passed", "0 passed, 0 failed, 0 skipped\n");
}

static void test_ends(void)
{
    sample_fails("exit", "exit code 0 before it was done");
    sample_fails("crash", "killed by signal 11");
    sample_fails("hang", "past its limit");
}

static void test_descriptors(void)
{
    sample_fails("descriptor", "left behind: descriptor 3: /dev/null");
    sample_fails("socket", "bound to @muster-frame-sample");
}

static void test_memory(void)
{
    sample_fails("map", "left behind: shared memory");
    sample_fails("memfd", "/memfd:sample");
}

static void test_shm(void)
{
    char name[64];

    snprintf(name, sizeof(name), "/muster-frame-%d", getpid());
    sample_fails("shm", name);
    CU_ASSERT(shm_unlink(name) == 0);
}

static void test_files(void)
{
    sample_fails("file", "left behind: forgotten in the temporary folder");
}

static void test_children(void)
{
    sample_fails("zombie", "ended but not reaped");
    sample_fails("child", "a child that still runs");
    sample_fails("daemon", "left behind: process");
    sample_fails("thread", "left behind: thread");
}

static void test_fallen(void)
{
    sample_expect("fallen", 0, "ok   fallen\n", "\n1 passed, 0 failed, 0 skipped\n");
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"frame: lets a clean test pass", test_passes, 0},
        {"frame: a skipped test says why", test_skips, 0},
        {"frame: a failed assertion, or none at all, fails", test_asserts, 0},
        {"frame: exit, crash and hang fail by name", test_ends, 0},
        {"frame: descriptors left open fail", test_descriptors, 0},
        {"frame: shared memory left mapped fails", test_memory, 0},
        {"frame: an object left in /dev/shm fails", test_shm, 0},
        {"frame: a file left in the temporary folder fails", test_files, 0},
        {"frame: children, daemons and threads left running fail", test_children, 0},
        {"frame: a child that returns from the test does not speak for it", test_fallen, 0},
        {NULL, NULL, 0},
    };

    return frame_main(argc, argv, getenv("MUSTER_FRAME_SAMPLE") != NULL ? samples : tests);
}
