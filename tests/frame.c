/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * frame.c - runs each test in a process of its own, and lets it pass only if nothing of it is left.
 *
 * The program is the subreaper of its tests: a test is forked into its own process group, runs there as a CUnit suite
 * of one, and tells its verdict through a shared page, so that a test which crashes, exits or hangs is told from one
 * which came to its end. Descendants that outlive it fall to this program, which names and kills them. What CUnit and
 * the gate found is written by the test's process; its output is shown when the test fails or MUSTER_VERBOSE is set. */
#include "tests/frame.h"

#include "tests/frame_gate.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <CUnit/TestRun.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MUSTER_SRCDIR
#define MUSTER_SRCDIR "."
#endif
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define FRAME_SLOWER 4
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(FRAME_SLOWER)
#define FRAME_SLOWER 4
#endif
#ifndef FRAME_SLOWER
#define FRAME_SLOWER 1
#endif

enum { FRAME_LIMIT_S = 30, FRAME_STEP_MS = 20, FRAME_OUTPUT_MAX = 1 << 17, FRAME_PATHS = 16 };
enum outcome { OUTCOME_NONE, OUTCOME_PASSED, OUTCOME_FAILED, OUTCOME_SKIPPED, OUTCOMES };

/* Shared between the program and the test that runs: written by the test's process, read once it has ended. */
struct verdict {
    pid_t pid;
    enum outcome outcome;
    char why[256];
};

struct running {
    const struct test *test;
    pid_t pid;
    int pidfd, out;      /* out: the reading end of the test's stdout and stderr */
    char *output, *left; /* what it wrote; what it left behind */
    size_t output_size, left_size;
    double started_s;
    char why[512]; /* empty: nothing to complain of */
};

static struct verdict *verdict;
static char frame_base[PATH_MAX], frame_own[PATH_MAX + 16], frame_tmp[PATH_MAX + 16];
static char dir_source[PATH_MAX], dir_built[PATH_MAX], dir_shared[PATH_MAX];

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Paths: a small ring of buffers, so that one call may hold several results at once. */

static const char *path_join(const char *folder, const char *relative)
{
    static char ring[FRAME_PATHS][2 * PATH_MAX];
    static unsigned next;
    char *path = ring[next++ % FRAME_PATHS];

    snprintf(path, sizeof(ring[0]), "%s/%s", folder, relative);
    return path;
}

const char *frame_source(const char *relative)
{
    return path_join(dir_source, relative);
}

const char *frame_built(const char *relative)
{
    return path_join(dir_built, relative);
}

const char *frame_shared(const char *relative)
{
    return dir_shared[0] == '\0' ? NULL : path_join(dir_shared, relative);
}

const char *frame_folder(void)
{
    return frame_own;
}

void frame_skip(const char *why)
{
    verdict->outcome = OUTCOME_SKIPPED;
    snprintf(verdict->why, sizeof(verdict->why), "%s", why);
}

static int dir_resolve(char *to, const char *variable, const char *otherwise)
{
    const char *set = getenv(variable);

    return realpath(set != NULL && set[0] != '\0' ? set : otherwise, to) == NULL ? -1 : 0;
}

static int dirs_find(void)
{
    char beside[PATH_MAX + 16];

    if (dir_resolve(dir_source, "MUSTER_SRCDIR", MUSTER_SRCDIR) == -1)
        return -1;
    if (dir_resolve(dir_built, "MUSTER_BUILDDIR", ".") == -1)
        return -1;
    snprintf(beside, sizeof(beside), "%s/../shared", dir_source);
    if (dir_resolve(dir_shared, "MUSTER_SHARED", beside) == -1)
        dir_shared[0] = '\0';
    return 0;
}

static int folders_make(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(frame_base, sizeof(frame_base), "%s/muster-test-XXXXXX", tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
    if (mkdtemp(frame_base) == NULL)
        return -1;
    snprintf(frame_own, sizeof(frame_own), "%s/folder", frame_base);
    snprintf(frame_tmp, sizeof(frame_tmp), "%s/tmp", frame_base);
    return mkdir(frame_own, 0700) == -1 || mkdir(frame_tmp, 0700) == -1 ? -1 : 0;
}

/* The test's process. */

static unsigned failures_print(void)
{
    unsigned found = 0;

    for (CU_pFailureRecord f = CU_get_failure_list(); f != NULL; f = f->pNext, found++)
        fprintf(stderr, "%s:%u: %s\n", f->strFileName == NULL ? "?" : f->strFileName, f->uiLineNumber,
                f->strCondition == NULL ? "failed" : f->strCondition);
    return found;
}

/* Runs the test as the one suite of CUnit's registry, with the gate around it; returns how much was wrong, or -1. */
static int suite_run(const struct test *test)
{
    struct gate gate = {0};
    int wrong = -1;
    CU_pSuite suite;

    if (CU_initialize_registry() != CUE_SUCCESS)
        return -1;
    suite = CU_add_suite("muster", NULL, NULL);
    if (suite == NULL || CU_add_test(suite, test->name, test->run) == NULL || gate_enter_process(&gate) == -1)
        goto cleanup_registry;
    if (CU_run_all_tests() != CUE_SUCCESS)
        goto leave_gate;
    fflush(NULL);
    wrong = (int)failures_print();
    wrong += gate_compare_process(&gate, stderr);
    if (verdict->outcome == OUTCOME_NONE && CU_get_number_of_asserts() == 0) {
        fprintf(stderr, "the test asserted nothing\n");
        wrong++;
    }
leave_gate:
    gate_leave(&gate);
cleanup_registry:
    CU_cleanup_registry();
    return wrong;
}

static int stdio_redirect(int out)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (null == -1 || dup2(null, 0) == -1 || dup2(out, 1) == -1 || dup2(out, 2) == -1)
        return -1;
    if (null > 2)
        close(null);
    if (out > 2)
        close(out);
    setvbuf(stdout, NULL, _IOLBF, 0);
    return 0;
}

static void child_main(const struct test *test, int out, pid_t parent)
{
    int wrong;

    verdict->pid = getpid();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
        _exit(70);
    if (setpgid(0, 0) == -1 || stdio_redirect(out) == -1)
        _exit(71);
    setenv("TMPDIR", frame_tmp, 1);
    setenv("LC_ALL", "C", 1);
    wrong = suite_run(test);
    if (getpid() != verdict->pid)
        /* a child of the test fell out of the test's function: it must not speak for the test */
        _exit(72);
    if (wrong != 0)
        verdict->outcome = OUTCOME_FAILED;
    else if (verdict->outcome == OUTCOME_NONE)
        verdict->outcome = OUTCOME_PASSED;
    exit(0);
}

/* The program's side. */

static int test_start(struct running *r)
{
    pid_t self = getpid();
    int ends[2];

    *verdict = (struct verdict){.outcome = OUTCOME_NONE};
    if (folders_make() == -1 || pipe2(ends, O_CLOEXEC) == -1)
        return -1;
    fflush(NULL);
    r->started_s = now_s();
    r->pid = fork();
    if (r->pid == 0) {
        close(ends[0]);
        child_main(r->test, ends[1], self);
    }
    close(ends[1]);
    r->out = ends[0];
    if (r->pid == -1 || fcntl(r->out, F_SETFL, O_NONBLOCK) == -1)
        return -1;
    r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
    return r->pidfd == -1 ? -1 : 0;
}

/* Takes what the test has written; what goes beyond the maximum is dropped, so that a flood does not block it.
 * Returns -1 at the end of the pipe. */
static int output_drain(struct running *r)
{
    char piece[4096];
    ssize_t got;

    while ((got = read(r->out, piece, sizeof(piece))) > 0) {
        size_t room = FRAME_OUTPUT_MAX - r->output_size;
        size_t kept = (size_t)got < room ? (size_t)got : room;

        memcpy(r->output + r->output_size, piece, kept);
        r->output_size += kept;
    }
    return got == 0 ? -1 : 0;
}

/* Orphans of the test that have ended would else stay as zombies, which a test that looks for them takes for alive. */
static void orphans_reap(pid_t but)
{
    for (;;) {
        siginfo_t info = {0};

        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1 || info.si_pid == 0 || info.si_pid == but)
            return;
        waitpid(info.si_pid, NULL, 0);
    }
}

/* Waits for the test's process until its limit; returns its wait status, or -1 when it had to be killed. */
static int test_wait(struct running *r)
{
    unsigned limit_s = FRAME_SLOWER * (r->test->limit_s != 0 ? r->test->limit_s : FRAME_LIMIT_S);
    struct pollfd watched[2] = {{.fd = r->pidfd, .events = POLLIN}, {.fd = r->out, .events = POLLIN}};
    int status;

    while ((watched[0].revents & POLLIN) == 0) {
        double left_s = r->started_s + limit_s - now_s();

        if (left_s <= 0) {
            snprintf(r->why, sizeof(r->why), "ran past its limit of %u s", limit_s);
            kill(-r->pid, SIGKILL);
            kill(r->pid, SIGKILL);
            break;
        }
        if (poll(watched, 2, FRAME_STEP_MS) == -1 && errno != EINTR)
            break;
        orphans_reap(r->pid);
        if (watched[1].revents != 0 && output_drain(r) == -1)
            watched[1].fd = -1;
    }
    while (waitpid(r->pid, &status, 0) == -1)
        if (errno != EINTR)
            return -1;
    output_drain(r);
    return r->why[0] != '\0' ? -1 : status;
}

static void status_judge(struct running *r, int status)
{
    if (r->why[0] != '\0')
        return;
    if (WIFSIGNALED(status))
        snprintf(r->why, sizeof(r->why), "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (verdict->outcome == OUTCOME_NONE)
        snprintf(r->why, sizeof(r->why), "ended its process with exit code %d before it was done", WEXITSTATUS(status));
    else if (WEXITSTATUS(status) != 0)
        snprintf(r->why, sizeof(r->why), "its process left with exit code %d", WEXITSTATUS(status));
}

static void text_print(const char *text, size_t size)
{
    for (size_t i = 0, fresh = 1; i < size; fresh = text[i++] == '\n')
        printf("%s%c", fresh ? "     | " : "", text[i]);
    if (size != 0 && text[size - 1] != '\n')
        putchar('\n');
}

static enum outcome test_report(const struct running *r, int leftovers)
{
    enum outcome outcome = r->why[0] != '\0' || leftovers != 0 ? OUTCOME_FAILED : verdict->outcome;
    static const char *const words[OUTCOMES] = {"FAIL", "ok  ", "FAIL", "skip"};
    double took_s = now_s() - r->started_s;

    printf("%s %s", words[outcome], r->test->name);
    if (outcome == OUTCOME_SKIPPED)
        printf(": %s", verdict->why);
    if (r->why[0] != '\0')
        printf(": %s", r->why);
    if (took_s >= 1)
        printf(" (%.1f s)", took_s);
    putchar('\n');
    if (outcome == OUTCOME_FAILED || getenv("MUSTER_VERBOSE") != NULL) {
        text_print(r->output, r->output_size);
        text_print(r->left, r->left_size);
    }
    fflush(stdout);
    return outcome == OUTCOME_NONE ? OUTCOME_FAILED : outcome;
}

/* One test from its folders to its line. Returns its outcome, or -1 when the frame itself could not go on. */
static int test_run(const struct test *test)
{
    struct running r = {.test = test, .pid = -1, .pidfd = -1, .out = -1};
    struct gate gate = {0};
    int outcome = -1, leftovers;
    FILE *left;

    r.output = malloc(FRAME_OUTPUT_MAX);
    if (r.output == NULL || gate_enter_system(&gate) == -1)
        goto free_output;
    if (test_start(&r) == -1)
        goto leave;
    status_judge(&r, test_wait(&r));
    left = open_memstream(&r.left, &r.left_size);
    if (left == NULL)
        goto leave;
    leftovers = gate_reap_descendants(r.why[0] != '\0', left);
    leftovers += gate_compare_system(&gate, frame_tmp, left);
    fclose(left);
    outcome = (int)test_report(&r, leftovers);
leave:
    if (outcome == -1) {
        perror(test->name);
        gate_reap_descendants(1, stderr);
    }
    if (r.pidfd != -1)
        close(r.pidfd);
    if (r.out != -1)
        close(r.out);
    gate_remove_folder(frame_base);
    gate_leave(&gate);
free_output:
    free(r.left);
    free(r.output);
    return outcome;
}

static int frame_prepare(void)
{
    verdict = mmap(NULL, sizeof(*verdict), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (verdict == MAP_FAILED)
        return -1;
    /* make's jobserver must not be open in what a test starts, nor count as its own */
    if (syscall(SYS_close_range, 3U, ~0U, 0U) == -1 && errno != ENOSYS)
        return -1;
    return prctl(PR_SET_CHILD_SUBREAPER, 1) == -1 || dirs_find() == -1 ? -1 : 0;
}

int frame_main(int argc, char **argv, const struct test *tests)
{
    unsigned count[OUTCOMES] = {0};
    const char *wanted = argc > 1 ? argv[1] : "";

    if (frame_prepare() == -1) {
        perror("tests: the frame could not be set up");
        return 1;
    }
    for (; tests->name != NULL; tests++) {
        int outcome;

        if (strstr(tests->name, wanted) == NULL)
            continue;
        outcome = test_run(tests);
        count[outcome == -1 ? OUTCOME_FAILED : outcome]++;
    }
    munmap(verdict, sizeof(*verdict));
    if (count[OUTCOME_PASSED] + count[OUTCOME_FAILED] + count[OUTCOME_SKIPPED] == 0)
        fprintf(stderr, "%s: no test's name contains '%s'\n", argv[0], wanted);
    printf("%u passed, %u failed, %u skipped\n", count[OUTCOME_PASSED], count[OUTCOME_FAILED], count[OUTCOME_SKIPPED]);
    if (count[OUTCOME_FAILED] != 0)
        return 1;
    if (count[OUTCOME_PASSED] == 0)
        return count[OUTCOME_SKIPPED] != 0 ? 77 : 1;
    return 0;
}
