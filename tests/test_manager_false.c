/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_manager_false.c - a manager that shakes hands as it should and then says anything: its clients break, and
 * nothing else does. */
#include "bench/ipc/address.h"
#include "bench/ipc/channel.h"
#include "bench/ipc/hub.h"
#include "tests/frame.h"
#include "tests/processes.h"
#include "tests/served.h"

#include <CUnit/CUnit.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define ROUNDS 60
#define FRAMES 12
#define ITEMS  64

/* --- the false one ----------------------------------------------------------------------------------------------- */

static bool take(int fd, void *message, size_t bytes)
{
    for (size_t got = 0; got < bytes;) {
        ssize_t n = read(fd, (unsigned char *)message + got, bytes - got);
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return true;
}

static bool give(int fd, const void *message, size_t bytes)
{
    return write(fd, message, bytes) == (ssize_t)bytes;
}

/* -1: it did not come. */
static int let_in(int listener)
{
    const struct key none = {.count = 0};
    struct handshake h;
    struct answer answer = {.verdict = VERDICT_WELCOME};
    struct pollfd p = {.fd = listener, .events = POLLIN};
    int fd = poll(&p, 1, 10000) == 1 ? accept(listener, NULL, NULL) : -1;
    if (fd < 0 || !take(fd, &h.hello, sizeof h.hello))
        return -1;
    handshake_greet(&h, &none);
    if (!give(fd, &h.challenge, sizeof h.challenge) || !take(fd, &h.ask, sizeof h.ask))
        return -1;
    handshake_check(&h, &none);
    answer.shape = h.ask.shape;
    handshake_seal(&h, &none, &answer);
    return give(fd, &answer, sizeof answer) ? fd : -1;
}

static uint64_t chance(unsigned *seed)
{
    static const uint64_t edges[] = {0, 1, 2, 7, 8, ITEMS - 1, ITEMS, UINT32_MAX, UINT64_MAX, UINT64_MAX / 8};
    int pick = rand_r(seed);
    return pick % 3 ? (uint64_t)pick % 16 : edges[(size_t)pick % (sizeof edges / sizeof *edges)];
}

/* Right in what is easily seen, and in the rest as chance has it. */
static bool say_anything(int fd, unsigned *seed)
{
    static const unsigned char payload[4096];
    const int pick = rand_r(seed);
    struct frame frame = {.kind = (unsigned char)(pick % (FRAME_KINDS + 1)), .verb = (unsigned char)chance(seed)};
    frame.object = (unsigned short)chance(seed);
    frame.first = chance(seed);
    frame.n = chance(seed);
    frame.bytes = pick % 4 ? (uint32_t)(chance(seed) % 64) * 8 : (uint32_t)chance(seed);
    return give(fd, &frame, sizeof frame) && give(fd, payload, frame.bytes < sizeof payload ? frame.bytes : 8);
}

static void be_false(int listener, unsigned seed)
{
    unsigned char heard[4096];
    const struct frame all_there = {.kind = FRAME_HELLO, .n = 1};
    int parent = let_in(listener), worker = let_in(listener);
    if (parent < 0 || worker < 0 || !give(parent, &all_there, sizeof all_there))
        _exit(1);
    struct pollfd p = {.fd = parent, .events = POLLIN};
    if (poll(&p, 1, 10000) != 1 || read(parent, heard, sizeof heard) <= 0)
        _exit(2);
    for (int i = 0; i < FRAMES; i++)
        if (!say_anything(seed % 2 ? parent : worker, &seed))
            break;
    _exit(0);
}

static pid_t start_false(struct listener *l, unsigned seed)
{
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
            _exit(3);
        fcntl(l->fd, F_SETFL, 0);
        be_false(l->fd, seed);
    }
    return pid;
}

/* --- its clients ------------------------------------------------------------------------------------------------- */

static void ask_much(struct pool *pool, struct object **objects, unsigned seed)
{
    struct worker *self = pool_parent(pool);
    static unsigned char out[1 << 16];
    int64_t delta = 1;
    uint64_t in = 3;
    struct async *async = NULL;
    const struct apply apply = {.fn = served_square, .in = &in};
    struct error error;
    switch (seed / 2 % 5) {
    case 0:
        pool_map(pool, served_square, 0, ITEMS, 3, &error);
        break;
    case 1:
        counter_add(self, objects[0], &delta, (int64_t *)(void *)out, 1);
        break;
    case 2:
        object_read(self, objects[1], out, sizeof out);
        break;
    case 3:
        pool_each(pool, NULL, &error);
        break;
    default:
        if (pool_apply_async(pool, &apply, SECOND, &async, &error) == 0)
            async_wait(async, 10 * SECOND, &error);
    }
    /* Whatever became of that: it is not there any more. */
    CU_ASSERT_EQUAL(pool_map(pool, served_square, 0, ITEMS, 1, &error), -1);
    pool_terminate(pool, 0, NULL);
    async_free(async);
}

static void be_served_falsely(const struct manager_at *at, unsigned seed)
{
    struct pool *pool = NULL;
    struct error error;
    const struct setup setup = {
        .workers = 1, .items = ITEMS, .in_size = 8, .out_size = 8, .window = 4, .deaths = seed % 3, .manager = at};
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, served_strategy(), &setup, &error), 0);
    struct object *objects[] = {counter_new(pool, NULL), list_new(pool, 8, 4096, NULL)};
    CU_ASSERT_FATAL(objects[0] && objects[1]);
    if (pool_start(pool, &error) == 0)
        ask_much(pool, objects, seed);
    pool_free(pool, SECOND, NULL);
}

static void nonsense_breaks_the_pool_only(void)
{
    struct address address = {.local = true};
    char text[200];
    snprintf(address.path, sizeof address.path, "%s/false", frame_folder());
    snprintf(text, sizeof text, "unix:%s", address.path);
    const struct manager_at at = {.address = text};
    signal(SIGPIPE, SIG_IGN);
    for (unsigned seed = 0; seed < ROUNDS; seed++) {
        struct listener l;
        CU_ASSERT_EQUAL_FATAL(address_listen(&address, &l, NULL), 0);
        pid_t pid = start_false(&l, seed);
        be_served_falsely(&at, seed);
        kill(pid, SIGKILL);
        processes_wait(pid, 10);
        listener_close(&l);
    }
}

/* --- of what it was not handed ----------------------------------------------------------------------------------- */

#define APPLIED  4
#define LARGE_IN ((size_t)1 << 20) /* of which the second finds the channel full */

/* One reply that is more than was asked for, then the ends of applied items that have not left the parent. */
static void be_too_quick(int listener)
{
    const struct frame all_there = {.kind = FRAME_HELLO, .n = 1};
    const struct frame much = {.bytes = 8, .kind = FRAME_REPLY, .first = LARGE_IN};
    struct frame heard;
    int parent = let_in(listener), worker = let_in(listener);
    if (parent < 0 || worker < 0 || !give(parent, &all_there, sizeof all_there) || !take(parent, &heard, sizeof heard))
        _exit(1);
    if (heard.kind == FRAME_CALL) {
        if (!give(parent, &much, sizeof much) || !give(parent, &all_there, 8))
            _exit(2);
    }
    for (unsigned ticket = 0; heard.kind == FRAME_POST && ticket < APPLIED; ticket++) {
        const struct frame over = {.kind = FRAME_POSTED, .first = APPLIED - 1 - ticket, .n = 1};
        if (!give(parent, &over, sizeof over))
            _exit(3);
    }
    for (;;)
        pause();
}

static void open_quick(struct pool **pool, struct listener *l, pid_t *pid)
{
    struct address address = {.local = true};
    char text[200];
    snprintf(address.path, sizeof address.path, "%s/quick", frame_folder());
    snprintf(text, sizeof text, "unix:%s", address.path);
    const struct manager_at at = {.address = text};
    const struct setup setup = {
        .workers = 1, .window = APPLIED, .in_size = LARGE_IN, .out_size = 8, .deaths = 1, .manager = &at};
    CU_ASSERT_EQUAL_FATAL(address_listen(&address, l, NULL), 0);
    pid_t parent = getpid();
    *pid = fork();
    if (*pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
            _exit(4);
        fcntl(l->fd, F_SETFL, 0);
        be_too_quick(l->fd);
    }
    CU_ASSERT_EQUAL_FATAL(pool_open(pool, served_strategy(), &setup, NULL), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(list_new(*pool, 8, 64, NULL));
    CU_ASSERT_EQUAL_FATAL(pool_start(*pool, NULL), 0);
}

static void close_quick(struct pool *pool, struct listener *l, pid_t pid)
{
    pool_free(pool, SECOND, NULL);
    kill(pid, SIGKILL);
    processes_wait(pid, 10);
    listener_close(l);
}

static void what_has_not_left_is_not_over(void)
{
    struct pool *pool;
    struct listener l;
    pid_t pid;
    struct async *asyncs[APPLIED] = {NULL};
    unsigned char *in = calloc(1, LARGE_IN);
    const struct apply apply = {.fn = served_square, .in = in};
    CU_ASSERT_PTR_NOT_NULL_FATAL(in);
    open_quick(&pool, &l, &pid);
    for (int i = 0; i < APPLIED; i++)
        pool_apply_async(pool, &apply, SECOND, &asyncs[i], NULL);
    for (int i = 0; i < APPLIED; i++)
        if (asyncs[i]) {
            async_wait(asyncs[i], 10 * SECOND, NULL);
            CU_ASSERT_EQUAL(async_outcome(asyncs[i]), OUTCOME_CANCELLED);
            async_free(asyncs[i]);
        }
    close_quick(pool, &l, pid);
    free(in);
}

static void more_than_was_asked_for_is_refused(void)
{
    struct pool *pool;
    struct listener l;
    pid_t pid;
    unsigned char out[64];
    open_quick(&pool, &l, &pid);
    CU_ASSERT_EQUAL(object_read(pool_parent(pool), pool_object(pool, 0), out, sizeof out), CALL_BROKEN);
    close_quick(pool, &l, pid);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"manager: nonsense of a false one breaks the pool only", nonsense_breaks_the_pool_only, 120},
        {"manager: what has not left the parent is not over", what_has_not_left_is_not_over, 60},
        {"manager: a reply of more than was asked for is refused", more_than_was_asked_for_is_refused, 60},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
