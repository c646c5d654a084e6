/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ipc_channel.c - frames over pipes: sizes on both sides of what is copied, bytes that dribble, peers that misbehave.
 *
 * The payload of frame k is a row of bytes that follows from k; the receiver knows the sizes and judges each frame. */
#include "tests/ipc_channel.h"

#include "bench/ipc/channel.h"

#include <CUnit/CUnit.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LARGEST (((size_t)1 << 20) + 3)

/* Small ones behind large ones whose size is no multiple of 8, since those leave padding in front of them. */
static const uint32_t sizes[] = {0,    1,    7,    8,     9,    24,   8191, 8192, 8193, 0,     8,
                                 8199, 16,   8200, 65535, 3,    4096, 12,   8192, 40,   10001, LARGEST,
                                 1,    8192, 8192, 8192,  8192, 8192, 8192, 8192, 8192, 9000};
#define FRAMES (sizeof sizes / sizeof *sizes)

struct judge {
    size_t taken;
    unsigned wrong;
    unsigned char *large;
    struct channel *nested; /* receive once more from within the handler */
};

static unsigned char byte_of(size_t frame, size_t at)
{
    return (unsigned char)((frame * 131 + at * 7 + (at >> 8)) ^ 0x5a);
}

static unsigned char *payload_of(size_t frame)
{
    unsigned char *payload = malloc(sizes[frame % FRAMES] + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(payload);
    for (size_t i = 0; i < sizes[frame % FRAMES]; i++)
        payload[i] = byte_of(frame, i);
    return payload;
}

static void *judge_place(void *arg, const struct frame *frame)
{
    return frame->bytes <= LARGEST ? ((struct judge *)arg)->large : NULL;
}

static int judge_handle(void *arg, const struct frame *frame, const void *payload)
{
    struct judge *j = arg;
    const unsigned char *bytes = payload;
    size_t k = j->taken++;
    j->wrong += frame->kind != 1 + k % (FRAME_KINDS - 1) || frame->bytes != sizes[k % FRAMES] || frame->first != k ||
                frame->n != k * k || frame->object != k % 5;
    j->wrong += (uintptr_t)payload % sizeof(uint64_t) != 0;
    for (size_t i = 0; i < frame->bytes; i++)
        if (bytes[i] != byte_of(k, i)) {
            j->wrong++;
            break;
        }
    if (j->nested) {
        struct receiver again = {.arg = j, .place = judge_place, .handle = judge_handle};
        struct channel *channel = j->nested;
        j->nested = NULL;
        j->wrong += channel_receive(channel, &again) < 0;
        j->nested = channel;
    }
    return 0;
}

static struct frame frame_of(size_t k)
{
    return (struct frame){.bytes = sizes[k % FRAMES],
                          .kind = (uint16_t)(1 + k % (FRAME_KINDS - 1)),
                          .object = (uint16_t)(k % 5),
                          .first = k,
                          .n = k * k};
}

static void open_pipe(struct channel *from, struct channel *to)
{
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    CU_ASSERT_EQUAL_FATAL(channel_open(from, -1, ends[1]), 0);
    CU_ASSERT_EQUAL_FATAL(channel_open(to, ends[0], -1), 0);
}

static struct judge judge_new(void)
{
    struct judge j = {.large = aligned_alloc(64, (LARGEST / 64 + 1) * 64)};
    CU_ASSERT_PTR_NOT_NULL_FATAL(j.large);
    return j;
}

/* Puts what there is room for; a payload stays until it is sent. */
static size_t put_some(struct channel *ch, unsigned char **payloads, size_t next, size_t all)
{
    while (next < all && channel_room(ch, sizes[next % FRAMES])) {
        struct frame frame = frame_of(next);
        payloads[next] = payload_of(next);
        if (next % 3 == 0 && frame.bytes > 0 && frame.bytes <= CHANNEL_SMALL)
            memcpy(channel_put_space(ch, &frame), payloads[next], frame.bytes);
        else
            channel_put(ch, &frame, payloads[next]);
        next++;
    }
    return next;
}

static void free_all(unsigned char **payloads, size_t all)
{
    for (size_t i = 0; i < all; i++)
        free(payloads[i]);
    free(payloads);
}

/* Between two channels of one process; `relay` moves raw bytes from one pipe to the other, or is NULL for one pipe. */
static void transfer(size_t all, void (*relay)(int from, int to), struct channel *from, struct channel *to,
                     struct judge *j, const int between[2])
{
    unsigned char **payloads = calloc(all, sizeof *payloads);
    struct receiver receiver = {.arg = j, .place = judge_place, .handle = judge_handle};
    size_t next = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(payloads);
    for (unsigned idle = 0; j->taken < all && idle < 1000;) {
        size_t before = j->taken, put = next;
        next = put_some(from, payloads, next, all);
        CU_ASSERT_FATAL(channel_flush(from) >= 0);
        if (relay)
            relay(between[0], between[1]);
        int got = channel_receive(to, &receiver);
        CU_ASSERT_FATAL(got >= 0);
        idle = got > 0 || put < next || j->taken > before ? 0 : idle + 1;
    }
    CU_ASSERT_EQUAL(j->taken, all);
    CU_ASSERT_EQUAL(j->wrong, 0);
    CU_ASSERT_FALSE(channel_pending(from));
    free_all(payloads, all);
}

void channel_sizes(void)
{
    struct channel from, to;
    struct judge j = judge_new();
    open_pipe(&from, &to);
    transfer(4 * FRAMES, NULL, &from, &to, &j, NULL);
    channel_close(&from);
    channel_close(&to);
    free(j.large);
}

static void dribble(int from, int to)
{
    static uint32_t state = 1;
    static unsigned char held[30000];
    static size_t have, gone;
    state = state * 1664525u + 1013904223u;
    if (gone == have) {
        ssize_t got = read(from, held, state >> 8 & 1 ? sizeof held : 1 + (state >> 16) % 97);
        have = got > 0 ? (size_t)got : 0;
        gone = 0;
    }
    ssize_t sent = have > gone ? write(to, held + gone, have - gone) : 0;
    gone += sent > 0 ? (size_t)sent : 0;
}

void channel_dribble(void)
{
    struct channel from, to, sink, source;
    struct judge j = judge_new();
    open_pipe(&from, &sink);
    open_pipe(&source, &to);
    transfer(3 * FRAMES, dribble, &from, &to, &j, (int[]){sink.in_fd, source.out_fd});
    channel_close(&from);
    channel_close(&sink);
    channel_close(&source);
    channel_close(&to);
    free(j.large);
}

/* A channel belongs to the process that opened it. */
static int send_all(int fd, size_t all)
{
    struct channel channel, *ch = &channel;
    if (channel_open(ch, -1, fd))
        return 4;
    for (size_t k = 0; k < all; k++) {
        struct frame frame = frame_of(k);
        unsigned char *payload = payload_of(k);
        if (!channel_room(ch, frame.bytes) && channel_flush(ch) != 1)
            return 1;
        channel_put(ch, &frame, payload);
        if ((frame.bytes > CHANNEL_SMALL || k % 5 == 0) && channel_flush(ch) != 1)
            return 2;
        free(payload);
    }
    return channel_flush(ch) == 1 ? 0 : 3;
}

void channel_blocking(void)
{
    const size_t all = 5 * FRAMES;
    struct channel to;
    struct judge j = judge_new();
    struct receiver receiver = {.arg = &j, .place = judge_place, .handle = judge_handle};
    int ends[2], status = -1;
    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        _exit(send_all(ends[1], all));
    }
    CU_ASSERT_FATAL(pid > 0);
    close(ends[1]);
    CU_ASSERT_EQUAL_FATAL(channel_open(&to, ends[0], -1), 0);
    errno = 0;
    while (channel_receive(&to, &receiver) > 0)
        ;
    CU_ASSERT_EQUAL(errno, 0);
    CU_ASSERT_EQUAL(j.taken, all);
    CU_ASSERT_EQUAL(j.wrong, 0);
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_EQUAL(status, 0);
    channel_close(&to);
    free(j.large);
}

void channel_rooms(void)
{
    static const unsigned char payload[CHANNEL_SMALL + 1];
    struct channel from, to;
    unsigned put = 0;
    open_pipe(&from, &to);
    CU_ASSERT_FALSE(channel_pending(&from));
    CU_ASSERT(channel_room(&from, 0) && channel_room(&from, CHANNEL_SMALL) && channel_room(&from, SIZE_MAX / 2));
    for (; channel_room(&from, CHANNEL_SMALL); put++)
        channel_put(&from, &(struct frame){.bytes = CHANNEL_SMALL, .kind = FRAME_TASK}, payload);
    CU_ASSERT_EQUAL(put, CHANNEL_BUFFER / (CHANNEL_SMALL + sizeof(struct frame)));
    CU_ASSERT(channel_room(&from, CHANNEL_SMALL + 1));
    channel_put(&from, &(struct frame){.bytes = CHANNEL_SMALL + 1, .kind = FRAME_TASK}, payload);
    CU_ASSERT(channel_pending(&from));
    CU_ASSERT_FALSE(channel_room(&from, 0));
    channel_close(&from);
    channel_close(&to);
}

void channel_nested(void)
{
    struct channel from, to;
    struct judge j = judge_new();
    open_pipe(&from, &to);
    j.nested = &to;
    transfer(3 * FRAMES, NULL, &from, &to, &j, NULL);
    channel_close(&from);
    channel_close(&to);
    free(j.large);
}

/* --- misbehaviour ------------------------------------------------------------------------------------------------ */

static int refuse(void *arg, const struct frame *frame, const void *payload)
{
    (void)arg, (void)frame, (void)payload;
    errno = EDOM;
    return -1;
}

static void *nowhere(void *arg, const struct frame *frame)
{
    (void)arg, (void)frame;
    return NULL;
}

/* One frame with only its header, or with as many bytes as it says. */
static void expect_refused(const struct frame *frame, int code)
{
    static const unsigned char zeros[64];
    struct channel from, to;
    struct receiver receiver = {.place = nowhere, .handle = refuse};
    open_pipe(&from, &to);
    CU_ASSERT_EQUAL(write(from.out_fd, frame, sizeof *frame), (ssize_t)sizeof *frame);
    if (frame->bytes <= sizeof zeros)
        CU_ASSERT(write(from.out_fd, zeros, (frame->bytes + 7) / 8 * 8) >= 0);
    errno = 0;
    CU_ASSERT_EQUAL(channel_receive(&to, &receiver), -1);
    CU_ASSERT_EQUAL(errno, code);
    channel_close(&from);
    channel_close(&to);
}

void channel_malformed(void)
{
    expect_refused(&(struct frame){.kind = 0}, EPROTO);
    expect_refused(&(struct frame){.kind = FRAME_KINDS}, EPROTO);
    expect_refused(&(struct frame){.kind = UINT8_MAX, .bytes = 8}, EPROTO);
    expect_refused(&(struct frame){.kind = FRAME_TASK, .bytes = CHANNEL_SMALL + 1}, EPROTO);
    expect_refused(&(struct frame){.kind = FRAME_TASK, .bytes = UINT32_MAX}, EPROTO);
    expect_refused(&(struct frame){.kind = FRAME_TASK, .bytes = 16}, EDOM);
}

void channel_ends(void)
{
    struct channel from, to;
    struct judge j = judge_new();
    struct receiver receiver = {.arg = &j, .place = judge_place, .handle = judge_handle};
    struct frame cut = {.kind = FRAME_TASK, .bytes = 100};
    signal(SIGPIPE, SIG_IGN);
    open_pipe(&from, &to);
    CU_ASSERT_EQUAL(channel_receive(&to, &receiver), 0);
    /* a frame that is cut off by the end is not handed over */
    CU_ASSERT_EQUAL(write(from.out_fd, &cut, sizeof cut), (ssize_t)sizeof cut);
    channel_close(&from);
    CU_ASSERT_EQUAL(channel_receive(&to, &receiver), 1);
    errno = 1;
    CU_ASSERT_EQUAL(channel_receive(&to, &receiver), -1);
    CU_ASSERT_EQUAL(errno, 0);
    CU_ASSERT_EQUAL(j.taken, 0);
    channel_close(&to);
    open_pipe(&from, &to);
    channel_close(&to);
    channel_put(&from, &(struct frame){.kind = FRAME_TASK}, NULL);
    CU_ASSERT_EQUAL(channel_flush(&from), -1);
    CU_ASSERT_EQUAL(errno, EPIPE);
    channel_close(&from);
    free(j.large);
}

/* However much the other end would take. */
void channel_sends_in_turns(void)
{
    enum { LARGE = 40000, TURN = 10000 };
    static unsigned char payload[LARGE];
    struct channel from, to;
    int waiting = 0, turns = 0, sent;
    open_pipe(&from, &to);
    channel_put(&from, &(struct frame){.kind = FRAME_TASK, .bytes = LARGE - 3}, payload);
    do {
        const int before = waiting;
        sent = channel_send(&from, TURN);
        CU_ASSERT_EQUAL(ioctl(to.in_fd, FIONREAD, &waiting), 0);
        CU_ASSERT(waiting - before <= TURN + (int)sizeof(struct frame));
        turns++;
    } while (sent == 0 && turns < 10);
    CU_ASSERT(sent == 1 && turns >= LARGE / TURN);
    CU_ASSERT_EQUAL(waiting, LARGE + (int)sizeof(struct frame));
    channel_close(&from);
    channel_close(&to);
}
