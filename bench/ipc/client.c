/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * client.c - running items, and calling the owner of an object. */
#include "bench/ipc/client_parts.h"
#include "bench/ipc/deadline.h"
#include "bench/ipc/loop.h"
#include "bench/ipc/memory.h"
#include "bench/ipc/object.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

int client_open(struct client *client, struct worker *worker, int in_fd, int out_fd, struct error *error)
{
    *client = (struct client){.worker = worker};
    if (channel_open(&client->channel, in_fd, out_fd))
        return error_system(error, "no memory for a channel");
    if (!channel_nonblocking(in_fd) && !channel_nonblocking(out_fd))
        return 0;
    error_system(error, "cannot open a channel");
    client_close(client);
    return -1;
}

void client_close(struct client *client)
{
    memory_free(client->in, client->in_bytes);
    memory_free(client->out, client->out_bytes);
    free(client->dead);
    free(client->posted);
    channel_close(&client->channel);
    *client = (struct client){.channel = client->channel, .broken = true};
}

/* --- waiting ----------------------------------------------------------------------------------------------------- */

/* In ms, as poll() has it. */
static int left(const struct client *client)
{
    if (client->gives_up == 0)
        return -1;
    return (int)((deadline_left(client->gives_up, INT64_C(3600000000000)) + 999999) / 1000000);
}

static int wait_for(const struct client *client, int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    int ready = poll(&p, 1, left(client));
    if (ready == 0 && left(client) == 0)
        return errno = ETIMEDOUT, -1;
    return ready < 0 && errno != EINTR ? -1 : 0;
}

/* A worker's: the server reads whatever it is busy with, so this ends. */
static int send_whole(struct client *client)
{
    int sent;
    while ((sent = channel_flush(&client->channel)) == 0)
        if (wait_for(client, client->channel.out_fd, POLLOUT))
            return -1;
    return sent < 0 ? -1 : 0;
}

/* --- tasks ------------------------------------------------------------------------------------------------------- */

static unsigned char *room_for(unsigned char **memory, size_t *have, size_t bytes)
{
    if (*have < bytes) {
        memory_free(*memory, *have);
        *memory = memory_private(bytes);
        *have = *memory ? bytes : 0;
    }
    return *memory;
}

/* Having run as many as setup.recycle lets it, it leaves once its last result has gone. */
static int end_errand(struct client *client)
{
    if (!chunk_was_last(client->worker))
        return 0;
    if (send_whole(client))
        return -1;
    atomic_store(&client->worker->mark->retired, 1);
    client->leaving = true;
    errno = 0;
    return -1;
}

/* Where a result is made: a small one where it will be sent from; a large one is sent at once, since its memory is used
 * again. */
static void *result_space(struct client *client, size_t bytes)
{
    if (!channel_room(&client->channel, bytes) && send_whole(client))
        return NULL;
    return bytes <= CHANNEL_SMALL ? channel_next_space(&client->channel)
                                  : room_for(&client->out, &client->out_bytes, bytes);
}

static int put_result(struct client *client, const struct frame *result, const void *out)
{
    if (result->bytes <= CHANNEL_SMALL) {
        channel_put_space(&client->channel, result);
        return 0;
    }
    channel_put(&client->channel, result, out);
    return send_whole(client);
}

static bool task_makes_sense(const struct pool *pool, const struct frame *task)
{
    const struct map_order *order = &pool->board->order;
    return task->n > 0 && task->n <= order->chunk && task->first < order->n && task->n <= order->n - task->first &&
           task->bytes == task->n * pool->setup.in_size;
}

static int run_task(struct client *client, const struct frame *task, const void *in)
{
    struct pool *pool = client->worker->pool;
    size_t bytes = task->n * pool->setup.out_size;
    struct frame result = {.bytes = (uint32_t)bytes, .kind = FRAME_RESULT, .first = task->first, .n = task->n};
    if (!task_makes_sense(pool, task))
        return channel_refuse();
    void *out = result_space(client, bytes);
    if (!out)
        return -1;
    chunk_run(client->worker, &pool->board->order, in, out, task->first, task->n);
    return put_result(client, &result, out) ? -1 : end_errand(client);
}

static bool post_makes_sense(const struct pool *pool, const struct frame *post)
{
    return post->first < pool->setup.window && post->bytes == pool->setup.in_size;
}

static int run_post(struct client *client, const struct frame *post, const void *in)
{
    struct pool *pool = client->worker->pool;
    struct frame posted = {.kind = FRAME_POSTED, .first = post->first};
    if (!post_makes_sense(pool, post))
        return channel_refuse();
    void *out = result_space(client, pool->setup.out_size);
    if (!out)
        return -1;
    posted.n = posting_run(client->worker, (unsigned)post->first, in, out) != 0;
    posted.bytes = posted.n ? 0 : (uint32_t)pool->setup.out_size;
    return put_result(client, &posted, out) ? -1 : end_errand(client);
}

static int run_each(struct client *client)
{
    struct pool *pool = client->worker->pool;
    int failed = loop_run(client->worker, pool->board->step, pool->setup.workers);
    struct frame parked = {.kind = FRAME_PARKED, .n = failed != 0};
    channel_put(&client->channel, &parked, NULL);
    return 0;
}

/* --- what comes -------------------------------------------------------------------------------------------------- */

/* What the caller will go by: no more than was asked for. */
static bool result_possible(const struct client *client, int64_t result)
{
    const struct object *object = client->asked;
    if (result < 0)
        return result >= CALL_LAST;
    switch (client->verb) {
    case VERB_READ:
    case VERB_KEYS:
        return (uint64_t)result <= client->reply_most;
    case VERB_LENGTH:
        return (uint64_t)result <= object->capacity;
    case VERB_SWAP:
    case VERB_ACQUIRE:
        return result <= 1;
    case VERB_CLEAR:
    case VERB_RELEASE:
        return result == 0;
    default:
        return (uint64_t)result <= client->asked_n;
    }
}

static bool reply_makes_sense(const struct client *client, const struct frame *frame)
{
    const int64_t result = (int64_t)frame->first;
    return client->waiting && result_possible(client, result) && frame->bytes <= client->reply_most &&
           frame->bytes == call_out_bytes(client->asked, client->verb, client->asked_n, result);
}

static int took_reply(struct client *client, const struct frame *frame, const void *payload)
{
    if (!reply_makes_sense(client, frame))
        return channel_refuse();
    if (frame->bytes > 0 && frame->bytes <= CHANNEL_SMALL)
        channel_copy(client->reply_into, payload, frame->bytes);
    client->reply = (int64_t)frame->first;
    client->waiting = false;
    return 0;
}

static int took_mine(struct client *client, const struct frame *frame, const void *payload)
{
    switch (frame->kind) {
    case FRAME_TASK:
        return run_task(client, frame, payload);
    case FRAME_POST:
        return run_post(client, frame, payload);
    case FRAME_EACH:
        return run_each(client);
    case FRAME_LEAVE:
        client->leaving = true;
        return 0;
    }
    return channel_refuse();
}

static int client_handle(void *arg, const struct frame *frame, const void *payload)
{
    struct client *client = arg;
    if (frame->kind == FRAME_REPLY)
        return took_reply(client, frame, payload);
    if (client->worker->slot == SLOT_PARENT)
        return parent_took(client, frame, payload);
    return took_mine(client, frame, payload);
}

static void *client_place(void *arg, const struct frame *frame)
{
    struct client *client = arg;
    const struct pool *pool = client->worker->pool;
    if (frame->kind == FRAME_REPLY)
        return reply_makes_sense(client, frame) ? client->reply_into : NULL;
    if (client->worker->slot == SLOT_PARENT)
        return parent_place(client, frame);
    if ((frame->kind == FRAME_TASK && task_makes_sense(pool, frame)) ||
        (frame->kind == FRAME_POST && post_makes_sense(pool, frame)))
        return room_for(&client->in, &client->in_bytes, frame->bytes);
    return NULL;
}

int client_receive(struct client *client)
{
    struct receiver receiver = {.arg = client, .place = client_place, .handle = client_handle};
    return channel_receive(&client->channel, &receiver);
}

/* Reads once, when there is something to read. */
static int receive_some(struct client *client)
{
    int got;
    while ((got = client_receive(client)) == 0)
        if (!patience_again(&client->patience) && wait_for(client, client->channel.in_fd, POLLIN))
            return -1;
    patience_over(&client->patience);
    return got;
}

/* By what came of the last read or write. */
static bool server_left(void)
{
    return errno == 0 || errno == EPIPE || errno == ECONNRESET;
}

int client_serve(struct client *client)
{
    channel_put(&client->channel, &(struct frame){.kind = FRAME_HELLO}, NULL);
    while (!client->leaving)
        if (send_whole(client) || receive_some(client) < 0)
            return client->leaving || server_left() ? 0 : 1;
    return 0;
}

/* --- calls ------------------------------------------------------------------------------------------------------- */

static bool changes(enum verb verb)
{
    return verb != VERB_READ && verb != VERB_GET && verb != VERB_LENGTH && verb != VERB_KEYS;
}

/* While it sends it reads, too: the server may be sending, and wait for that. */
static int send_call(struct client *client)
{
    int sent;
    while ((sent = channel_flush(&client->channel)) == 0) {
        struct pollfd p[] = {
            {.fd = client->channel.in_fd, .events = POLLIN},
            {.fd = client->channel.out_fd, .events = POLLOUT},
        };
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return -1;
        if (p[0].revents && (client_receive(client) < 0 || client->leaving))
            return -1;
    }
    return sent < 0 ? -1 : 0;
}

static int send_first(struct client *client, size_t bytes)
{
    return channel_room(&client->channel, bytes) ? 0 : send_call(client);
}

static int await_reply(struct client *client)
{
    while (client->waiting)
        if (receive_some(client) < 0 || client->leaving)
            return client->waiting ? -1 : 0;
    return 0;
}

/* When a lock that is waited for so long should have been had, or refused. */
static int64_t patience_with(const struct client *client, int64_t timeout_ns)
{
    timeout_ns = timeout_ns < 0 && timeout_ns != NEVER ? 0 : timeout_ns;
    if (client->grace_ns == 0 || timeout_ns == NEVER || timeout_ns > INT64_MAX - client->grace_ns)
        return 0;
    return deadline_after(timeout_ns + client->grace_ns);
}

/* What was being sent is the caller's again. */
static void give_up(struct client *client)
{
    client->broken = true;
    channel_drop(&client->channel);
}

int64_t client_call(struct client *client, struct object *object, const struct call *call)
{
    /* More than ever fits is not even sent. */
    const bool over = call->verb == VERB_APPEND && call->n > object->capacity;
    const uint64_t n = over ? object->capacity : call->n;
    if (!call_possible(object, call->verb, n) || client->waiting || chunk_runs(client->worker))
        return CALL_MISUSED;
    if (client->managed && !call_managed(object, call->verb, n))
        return CALL_LARGE;
    size_t bytes = call_in_bytes(object, call->verb, n);
    struct frame frame = {.bytes = (uint32_t)bytes,
                          .kind = FRAME_CALL,
                          .verb = (uint8_t)call->verb,
                          .object = (uint16_t)object->index,
                          .first = call->at,
                          .n = n};
    if (client->broken || send_first(client, bytes))
        return give_up(client), CALL_BROKEN;
    channel_put(&client->channel, &frame, call->in);
    client->asked = object;
    client->verb = call->verb;
    client->asked_n = n;
    client->reply_into = call->out;
    client->reply_most = call_out_most(object, call->verb, n);
    client->waiting = true;
    client->gives_up = call->verb == VERB_ACQUIRE ? patience_with(client, (int64_t)call->at) : 0;
    int sent = send_call(client), got = sent ? -1 : await_reply(client);
    client->waiting = false;
    client->gives_up = 0;
    if (got) {
        give_up(client);
        return sent == 0 && changes(call->verb) ? CALL_UNKNOWN : CALL_BROKEN;
    }
    return client->reply;
}
