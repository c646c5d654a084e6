/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * channel.h - framed messages over a pair of pipes or a stream socket, buffered, on blocking and non-blocking ends.
 *
 * A frame is a header of 24 bytes and a payload padded to 8. Small frames are gathered in a buffer and leave in one
 * write; a large payload is sent from where it lies and received where it shall lie, so it is copied by the kernel
 * only. A channel belongs to one process and is not to be used from two threads. */
#ifndef MUSTER_BENCH_IPC_CHANNEL_H
#define MUSTER_BENCH_IPC_CHANNEL_H

#include "bench/multiprocessing.h"

#include <errno.h>
#include <string.h>

#define CHANNEL_BUFFER 65536 /* bytes gathered each way */
#define CHANNEL_SMALL  8192  /* a payload up to this goes through the buffers */

enum frame_kind {
    FRAME_HELLO = 1, /* a worker is there; a manager to its parent: n of them are, now that one came or went */
    FRAME_MAP,       /* the parent to a manager: payload struct map_shape: a map begins */
    FRAME_TASK,      /* items first .. first+n-1 of it */
    FRAME_RESULT,    /* their results */
    FRAME_POST,      /* an applied item; first = its ticket */
    FRAME_POSTED,    /* its result; n = 0, or 1 when it failed and there is no payload */
    FRAME_EACH,      /* run the loop of pool_each() */
    FRAME_PARKED,    /* the loop has ended; n = 0, or 1 when it failed */
    FRAME_CALL,      /* an operation on an object; first = at */
    FRAME_REPLY,     /* first = what the operation returned */
    FRAME_OBITUARY,  /* the parent to a manager: payload struct obituary. Back, once all is told that follows from it:
                        object = slot, first = workers that are there, n = 1 when it died in its loop */
    FRAME_LOST,      /* a manager to its parent: items first .. first+n-1 were lost with a worker; object = its slot */
    FRAME_POST_LOST, /* likewise an applied item; first = its ticket */
    FRAME_LEAVE,     /* no more will come: end */
    FRAME_KINDS,
};

struct frame {
    uint32_t bytes; /* of the payload, without padding */
    uint8_t kind;
    uint8_t verb;    /* of a call */
    uint16_t object; /* of a call: its index */
    uint64_t first, n;
};

/* What a message says of a map: the functions are on the board. */
struct map_shape {
    uint64_t n, chunk;
};

struct channel {
    int in_fd, out_fd; /* owned */
    unsigned char *in, *out;
    size_t in_from, in_to;        /* received and not yet handed over */
    size_t out_from, out_to;      /* gathered and not yet sent */
    const unsigned char *bulk;    /* a large payload that follows `out`; the caller's, untouched until it is sent */
    size_t bulk_left, bulk_bytes; /* with padding; and the payload itself */
    unsigned char *into;          /* where the rest of a large payload goes */
    size_t into_left, into_skip;  /* and how much of it, and of the padding behind it */
    struct frame large;
    bool held; /* set in handle(): nothing more is handed over until it is cleared; do not receive meanwhile */
};

/* Who receives. place() says where a large payload goes (NULL: the frame is not welcome); handle() gets each complete
 * frame, its payload where it lies: valid until handle() returns. handle() returns 0, or -1 to give up. Not now:
 * place() returns NULL, handle() 1, having set channel->held and received nothing; it is then asked again. */
struct receiver {
    void *arg;
    void *(*place)(void *arg, const struct frame *);
    int (*handle)(void *arg, const struct frame *, const void *payload);
};

int channel_nonblocking(int fd);
/* Takes over both descriptors (one may serve both ways). 0, or -1 and errno. */
int channel_open(struct channel *, int in_fd, int out_fd);
void channel_close(struct channel *);

/* A small payload, most often of a word or two, for which a call or a string instruction costs more than the copy. */
static inline void channel_copy(void *to, const void *from, size_t bytes)
{
    if (bytes == sizeof(uint64_t)) {
        memcpy(to, from, sizeof(uint64_t));
        return;
    }
    __asm__("" : "+r"(bytes)); /* the compiler shall not know that it is small */
    memcpy(to, from, bytes);
}

static inline size_t channel_padded(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

/* Whether a frame with such a payload can be put now; on a channel with nothing to send it always can. */
static inline bool channel_room(const struct channel *ch, size_t payload)
{
    size_t needed = sizeof(struct frame) + (payload > CHANNEL_SMALL ? 0 : channel_padded(payload));
    return ch->bulk_left == 0 && CHANNEL_BUFFER - ch->out_to >= needed;
}

/* What handle() returns for a frame that is not welcome. */
static inline int channel_refuse(void)
{
    errno = EPROTO;
    return -1;
}

/* Gathers a frame. There must be room. A payload above CHANNEL_SMALL is not copied and must stay until it is sent. */
void channel_put(struct channel *, const struct frame *, const void *payload);
/* The same for a small payload that the caller then writes in place. */
static inline void *channel_put_space(struct channel *ch, const struct frame *frame)
{
    memcpy(ch->out + ch->out_to, frame, sizeof *frame);
    void *space = ch->out + ch->out_to + sizeof *frame;
    ch->out_to += sizeof *frame + channel_padded(frame->bytes);
    return space;
}
/* Where the payload of the frame that is put next will lie: it may be written there before its size is known. There
 * must be room for the largest that it may be, and that must be small. */
static inline void *channel_next_space(const struct channel *ch)
{
    return ch->out + ch->out_to + sizeof(struct frame);
}
/* Whether a large payload is still being sent from where it lies. */
bool channel_bulk(const struct channel *);
/* Forgets what is not sent: the other end is gone. */
void channel_drop(struct channel *);
bool channel_pending(const struct channel *);
/* Sends what it can: 1 all is sent, 0 the other end is full, -1 and errno. On a blocking end never 0. */
int channel_flush(struct channel *);
/* The same, but 0 also when more than about `most` bytes are to be sent: a reader that keeps up would have all of it.
 */
int channel_send(struct channel *, size_t most);

/* Reads once and hands over what is complete: 1 something came, 0 nothing was there (non-blocking), -1: the receiver
 * gave up, a frame was malformed (errno EPROTO), the other end closed (errno 0) or reading failed (errno). */
int channel_receive(struct channel *, const struct receiver *);
/* Hands over what is complete without reading. */
int channel_hand_over(struct channel *, const struct receiver *);

#endif
