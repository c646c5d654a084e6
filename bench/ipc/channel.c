/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * channel.c - gathering, sending, receiving and taking apart frames. */
#include "bench/ipc/channel.h"
#include "bench/ipc/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

int channel_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int channel_open(struct channel *ch, int in_fd, int out_fd)
{
    *ch = (struct channel){.in_fd = in_fd, .out_fd = out_fd};
    ch->in = memory_unforked(CHANNEL_BUFFER);
    ch->out = memory_unforked(CHANNEL_BUFFER);
    if (ch->in && ch->out)
        return 0;
    channel_close(ch);
    return -1;
}

void channel_close(struct channel *ch)
{
    memory_free(ch->in, CHANNEL_BUFFER);
    memory_free(ch->out, CHANNEL_BUFFER);
    if (ch->in_fd >= 0)
        close(ch->in_fd);
    if (ch->out_fd >= 0 && ch->out_fd != ch->in_fd)
        close(ch->out_fd);
    *ch = (struct channel){.in_fd = -1, .out_fd = -1};
}

/* --- sending ----------------------------------------------------------------------------------------------------- */

void channel_put(struct channel *ch, const struct frame *frame, const void *payload)
{
    if (frame->bytes <= CHANNEL_SMALL) {
        void *space = channel_put_space(ch, frame);
        if (frame->bytes)
            channel_copy(space, payload, frame->bytes);
        return;
    }
    memcpy(ch->out + ch->out_to, frame, sizeof *frame);
    ch->out_to += sizeof *frame;
    ch->bulk = payload;
    ch->bulk_left = channel_padded(frame->bytes);
    ch->bulk_bytes = frame->bytes;
}

bool channel_pending(const struct channel *ch)
{
    return ch->out_to > ch->out_from || ch->bulk_left > 0;
}

/* A large payload's padding is sent from here, so that nothing behind the caller's memory is read. */
static const unsigned char zeros[8];

static size_t bulk_body(const struct channel *ch)
{
    size_t pad = channel_padded(ch->bulk_bytes) - ch->bulk_bytes;
    return ch->bulk_left > pad ? ch->bulk_left - pad : 0;
}

static int gather(const struct channel *ch, size_t most, struct iovec *parts)
{
    int count = 0;
    if (ch->out_to > ch->out_from)
        parts[count++] = (struct iovec){.iov_base = ch->out + ch->out_from, .iov_len = ch->out_to - ch->out_from};
    if (ch->bulk_left > 0) {
        size_t body = bulk_body(ch);
        if (body > 0)
            parts[count++] = (struct iovec){.iov_base = (void *)ch->bulk, .iov_len = body < most ? body : most};
        if (body > most)
            return count;
        if (ch->bulk_left - body > 0)
            parts[count++] = (struct iovec){.iov_base = (void *)zeros, .iov_len = ch->bulk_left - body};
    }
    return count;
}

static void sent(struct channel *ch, size_t bytes)
{
    size_t buffered = ch->out_to - ch->out_from, of_buffer = bytes < buffered ? bytes : buffered;
    ch->out_from += of_buffer;
    if (bytes > of_buffer) {
        ch->bulk += bytes - of_buffer;
        ch->bulk_left -= bytes - of_buffer;
    }
    if (ch->out_from == ch->out_to)
        ch->out_from = ch->out_to = 0;
}

bool channel_bulk(const struct channel *ch)
{
    return bulk_body(ch) > 0;
}

void channel_drop(struct channel *ch)
{
    ch->out_from = ch->out_to = 0;
    ch->bulk_left = 0;
}

int channel_send(struct channel *ch, size_t most)
{
    while (channel_pending(ch)) {
        struct iovec parts[3];
        if (most == 0)
            return 0;
        int count = gather(ch, most, parts);
        ssize_t n =
            count == 1 ? write(ch->out_fd, parts[0].iov_base, parts[0].iov_len) : writev(ch->out_fd, parts, count);
        if (n >= 0) {
            sent(ch, (size_t)n);
            most -= (size_t)n < most ? (size_t)n : most;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return 0;
        else if (errno != EINTR)
            return -1;
    }
    return 1;
}

int channel_flush(struct channel *ch)
{
    return channel_send(ch, SIZE_MAX);
}

/* --- receiving --------------------------------------------------------------------------------------------------- */

/* 1 one frame handed over, 0 none is complete, -1. The frame is taken off first, so that handle() may receive too. */
static int hand_over_small(struct channel *ch, const struct frame *frame, const struct receiver *to)
{
    size_t whole = sizeof *frame + channel_padded(frame->bytes);
    if (ch->in_to - ch->in_from < whole)
        return 0;
    const unsigned char *payload = ch->in + ch->in_from + sizeof *frame;
    ch->in_from += whole;
    int got = to->handle(to->arg, frame, payload);
    if (got > 0)
        ch->in_from -= whole;
    return got > 0 ? 0 : got < 0 ? -1 : 1;
}

static int begin_large(struct channel *ch, const struct frame *frame, const struct receiver *to)
{
    unsigned char *into = to->place(to->arg, frame);
    if (!into && ch->held)
        return 0;
    if (!into) {
        errno = EPROTO;
        return -1;
    }
    ch->in_from += sizeof *frame;
    ch->large = *frame;
    ch->into = into;
    ch->into_left = frame->bytes;
    ch->into_skip = channel_padded(frame->bytes) - frame->bytes;
    return 1;
}

static void take_into(struct channel *ch)
{
    size_t have = ch->in_to - ch->in_from, n = have < ch->into_left ? have : ch->into_left;
    memcpy(ch->into, ch->in + ch->in_from, n);
    ch->in_from += n;
    ch->into += n;
    ch->into_left -= n;
    have = ch->in_to - ch->in_from;
    n = ch->into_left > 0 ? 0 : have < ch->into_skip ? have : ch->into_skip;
    ch->in_from += n;
    ch->into_skip -= n;
}

static int go_on_large(struct channel *ch, const struct receiver *to)
{
    take_into(ch);
    if (ch->into_left > 0 || ch->into_skip > 0)
        return 0;
    struct frame frame = ch->large;
    const unsigned char *payload = ch->into - frame.bytes;
    unsigned char *end = ch->into;
    ch->into = NULL;
    int got = to->handle(to->arg, &frame, payload);
    if (got > 0)
        ch->into = end;
    return got > 0 ? 0 : got < 0 ? -1 : 1;
}

static int hand_over_one(struct channel *ch, const struct receiver *to)
{
    if (ch->into)
        return go_on_large(ch, to);
    struct frame frame;
    if (ch->in_to - ch->in_from < sizeof frame)
        return 0;
    memcpy(&frame, ch->in + ch->in_from, sizeof frame);
    if (frame.kind == 0 || frame.kind >= FRAME_KINDS) {
        errno = EPROTO;
        return -1;
    }
    return frame.bytes > CHANNEL_SMALL ? begin_large(ch, &frame, to) : hand_over_small(ch, &frame, to);
}

int channel_hand_over(struct channel *ch, const struct receiver *to)
{
    int got;
    do
        got = ch->held ? 0 : hand_over_one(ch, to);
    while (got > 0);
    return got;
}

/* Makes room behind what is left: at most one incomplete small frame, which is moved to the front. Padding that is yet
 * to come is put where the frame behind it will lie aligned. */
static void compact(struct channel *ch)
{
    if (ch->in_from == ch->in_to) {
        ch->in_from = ch->in_to = channel_padded(ch->into_skip) - ch->into_skip;
    } else if (CHANNEL_BUFFER - ch->in_to < sizeof(struct frame) + CHANNEL_SMALL) {
        memmove(ch->in, ch->in + ch->in_from, ch->in_to - ch->in_from);
        ch->in_to -= ch->in_from;
        ch->in_from = 0;
    }
}

static ssize_t fill(struct channel *ch)
{
    if (ch->into_left == 0)
        return read(ch->in_fd, ch->in + ch->in_to, CHANNEL_BUFFER - ch->in_to);
    struct iovec parts[] = {
        {.iov_base = ch->into, .iov_len = ch->into_left},
        {.iov_base = ch->in + ch->in_to, .iov_len = CHANNEL_BUFFER - ch->in_to},
    };
    return readv(ch->in_fd, parts, 2);
}

int channel_receive(struct channel *ch, const struct receiver *to)
{
    compact(ch);
    ssize_t n;
    do
        n = fill(ch);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
    if (n == 0) {
        errno = 0;
        return -1;
    }
    size_t direct = (size_t)n < ch->into_left ? (size_t)n : ch->into_left;
    if (direct > 0) {
        ch->into += direct;
        ch->into_left -= direct;
    }
    ch->in_to += (size_t)n - direct;
    return channel_hand_over(ch, to) < 0 ? -1 : 1;
}
