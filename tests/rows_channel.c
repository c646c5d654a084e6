/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rows_channel.c - what a framed channel promises: boundaries, large messages, the end of the other side, signals. */
#include "tests/rows.h"

#include "bench/ipc/channel.h"

#include <CUnit/CUnit.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define LARGE ((size_t)16 << 20)

struct box {
    unsigned count;
    unsigned char kind[16];
    uint32_t bytes[16];
    char text[16][8];
    unsigned char *large; /* NULL: none is welcome */
};

static void *box_place(void *arg, const struct frame *frame)
{
    struct box *box = arg;
    return frame->bytes <= LARGE ? box->large : NULL;
}

static int box_handle(void *arg, const struct frame *frame, const void *payload)
{
    struct box *box = arg;
    unsigned at = box->count++ % 16;
    box->kind[at] = (unsigned char)frame->kind;
    box->bytes[at] = frame->bytes;
    memcpy(box->text[at], payload, frame->bytes < 8 ? frame->bytes : 8);
    return 0;
}

static void open_pair(struct channel *a, struct channel *b)
{
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    CU_ASSERT_FATAL(channel_nonblocking(ends[0]) == 0 && channel_nonblocking(ends[1]) == 0);
    CU_ASSERT_EQUAL_FATAL(channel_open(a, ends[0], ends[0]), 0);
    CU_ASSERT_EQUAL_FATAL(channel_open(b, ends[1], ends[1]), 0);
}

static void put(struct channel *channel, const char *text)
{
    struct frame frame = {.kind = FRAME_TASK, .bytes = (uint32_t)strlen(text)};
    CU_ASSERT_TRUE(channel_room(channel, frame.bytes));
    channel_put(channel, &frame, text);
}

/* --- *4: boundaries ---------------------------------------------------------------------------------------------- */

/* Nothing is merged, an empty message is one, and looking never takes half a message. */
static void boundaries(const struct situation *c)
{
    static const char *const texts[] = {"a", "b", "cd", "", "efg", ""};
    struct channel from, to;
    struct box box = {.count = 0};
    struct receiver receiver = {.arg = &box, .place = box_place, .handle = box_handle};
    open_pair(&from, &to);
    EXPECT(c, channel_receive(&to, &receiver) == 0 && box.count == 0);
    for (size_t i = 0; i < 6; i++)
        put(&from, texts[i]);
    EXPECT(c, channel_flush(&from) == 1);
    while (channel_receive(&to, &receiver) > 0)
        ;
    EXPECT(c, box.count == 6);
    for (size_t i = 0; i < 6; i++)
        EXPECT(c, box.bytes[i] == strlen(texts[i]) && memcmp(box.text[i], texts[i], strlen(texts[i])) == 0);
    channel_close(&from);
    channel_close(&to);
}

/* --- *37, *38: large, closed, and interrupted -------------------------------------------------------------------- */

static unsigned char byte_at(size_t at)
{
    return (unsigned char)(at * 7 + (at >> 9) + (at >> 17));
}

static unsigned char *large_message(void)
{
    unsigned char *message = malloc(LARGE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(message);
    for (size_t at = 0; at < LARGE; at++)
        message[at] = byte_at(at);
    return message;
}

/* In a process of its own: sends small, large and small, then closes. */
static void send_and_leave(struct channel *channel, const unsigned char *message)
{
    struct frame frame = {.kind = FRAME_RESULT, .bytes = LARGE};
    put(channel, "before");
    channel_put(channel, &frame, message);
    if (channel_flush(channel) != 1)
        _exit(1);
    put(channel, "after");
    _exit(channel_flush(channel) == 1 ? 0 : 2);
}

static void expect_large(const struct situation *c, struct channel *channel, bool slowly)
{
    struct box box = {.large = calloc(1, LARGE)};
    struct receiver receiver = {.arg = &box, .place = box_place, .handle = box_handle};
    size_t wrong = 0;
    int got;
    errno = EINVAL;
    while ((got = channel_receive(channel, &receiver)) >= 0)
        if (slowly)
            row_rest(MS / 10);
    EXPECT(c, got == -1 && errno == 0 && box.count == 3);
    EXPECT(c, box.bytes[0] == 6 && box.bytes[1] == LARGE && box.bytes[2] == 5);
    EXPECT(c, memcmp(box.text[0], "before", 6) == 0 && memcmp(box.text[2], "after", 5) == 0);
    for (size_t at = 0; at < LARGE; at++)
        wrong += box.large[at] != byte_at(at);
    EXPECT(c, wrong == 0);
    free(box.large);
}

static void transfer(const struct situation *c, void (*prepare)(void), bool slowly)
{
    unsigned char *message = large_message();
    struct channel channel;
    int status = -1, ends[2];
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        if (prepare)
            prepare();
        if (channel_open(&channel, ends[0], ends[0]))
            _exit(3);
        send_and_leave(&channel, message);
    }
    close(ends[0]);
    CU_ASSERT_EQUAL_FATAL(channel_open(&channel, ends[1], ends[1]), 0);
    expect_large(c, &channel, slowly);
    channel_close(&channel);
    EXPECT(c, pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
    free(message);
}

static void large_and_closed(const struct situation *c)
{
    struct channel from, to;
    struct box box = {.large = NULL};
    struct receiver receiver = {.arg = &box, .place = box_place, .handle = box_handle};
    transfer(c, NULL, false);
    /* one that has no place is refused, and nothing of it is taken for another message */
    open_pair(&from, &to);
    unsigned char *message = large_message();
    channel_put(&from, &(struct frame){.kind = FRAME_TASK, .bytes = LARGE}, message);
    EXPECT(c, channel_flush(&from) == 0);
    EXPECT(c, channel_receive(&to, &receiver) == -1 && box.count == 0);
    channel_close(&to);
    EXPECT(c, channel_flush(&from) == -1 && errno == EPIPE);
    channel_close(&from);
    /* half a header, and the end */
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    CU_ASSERT_EQUAL_FATAL(channel_open(&to, ends[1], ends[1]), 0);
    EXPECT(c, write(ends[0], message, 10) == 10 && close(ends[0]) == 0);
    int got;
    while ((got = channel_receive(&to, &receiver)) > 0)
        ;
    EXPECT(c, got == -1 && box.count == 0);
    channel_close(&to);
    free(message);
}

static _Atomic unsigned interruptions;

static void interrupted(int number)
{
    (void)number;
    atomic_fetch_add(&interruptions, 1);
}

/* SIGALRM every millisecond, without SA_RESTART. */
static void interrupt_often(void)
{
    struct sigaction action = {.sa_handler = interrupted};
    struct itimerval every = {.it_interval = {.tv_usec = 1000}, .it_value = {.tv_usec = 1000}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
}

/* Both sides are interrupted, the one in a blocked send, the other in receiving. */
static void signals_in_between(const struct situation *c)
{
    struct itimerval none = {.it_value = {.tv_usec = 0}};
    interrupt_often();
    transfer(c, interrupt_often, true);
    setitimer(ITIMER_REAL, &none, NULL);
    signal(SIGALRM, SIG_DFL);
    EXPECT(c, atomic_load(&interruptions) > 5);
}

const struct row rows_channel[] = {
    {.name = "*4 message boundaries", .run = boundaries, .once = true},
    {.name = "*37 16 MiB messages, and the end of the other side", .run = large_and_closed, .once = true},
    {.name = "*38 signals in receiving and in a blocked send", .run = signals_in_between, .once = true},
    {.name = NULL},
};
