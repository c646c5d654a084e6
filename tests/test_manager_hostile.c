/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_manager_hostile.c - clients of a manager that mean no good, and those who are served meanwhile. */
#include "bench/ipc/address.h"
#include "bench/ipc/channel.h"
#include "bench/ipc/hub.h"
#include "bench/ipc/session.h"
#include "tests/frame.h"
#include "tests/served.h"

#include <CUnit/CUnit.h>

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define KEY    "a key of thirty-two bytes or so."

/* --- bad clients ------------------------------------------------------------------------------------------------- */

static void wrong_keys_break_the_start_only(void)
{
    struct served s;
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = NULL;
    if (!handshake_can_prove()) {
        frame_skip("without libsodium there are no keys");
        return;
    }
    served_start(&s, "tcp", KEY);
    struct manager_at at = s.at;
    at.key = "thirty-two bytes of another key.";
    CU_ASSERT_EQUAL(pool_open(&pool, served_strategy(), &(struct setup){.workers = 2, .manager = &at}, &error), 0);
    CU_ASSERT_EQUAL(pool_start(pool, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_REFUSED);
    CU_ASSERT_STRING_EQUAL(error.text, "refused: wrong key");
    CU_ASSERT_EQUAL(pool_free(pool, 0, NULL), 0);
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
}

/* Whatever is said before. */
static bool closes(int fd)
{
    char bytes[64];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (poll(&p, 1, 10000) == 1)
        if (read(fd, bytes, sizeof bytes) <= 0)
            return true;
    return false;
}

/* A parent that sends this after its handshake: whether it is turned out, and the others are not. */
static void turned_out(const struct frame *frame, size_t bytes, bool expected)
{
    struct served s;
    struct served_pool p;
    const struct ask ask = {.role = CLIENT_PARENT, .shape = served_shape()};
    served_start(&s, "unix", NULL);
    served_pool_open(&p, &s, NULL, (struct setup){.window = 0});
    int fd = served_enter(&s, &ask, NULL, NULL);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, frame, bytes), (ssize_t)bytes);
    if (expected)
        CU_ASSERT(closes(fd));
    served_map(p.pool);
    CU_ASSERT_EQUAL(served_add(p.pool, p.counter, 1), 0);
    close(fd);
    served_pool_close(&p);
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
}

static void half_a_frame_harms_nobody(void)
{
    turned_out(&(struct frame){.kind = FRAME_CALL}, 7, false);
    turned_out(&(struct frame){.bytes = 4096, .kind = FRAME_CALL, .verb = VERB_APPEND, .object = 1, .n = 512},
               sizeof(struct frame), false);
}

static void a_frame_of_4_gib_is_refused(void)
{
    turned_out(
        &(struct frame){
            .bytes = UINT32_MAX, .kind = FRAME_CALL, .verb = VERB_APPEND, .object = 1, .n = UINT64_MAX / 8 + 1},
        sizeof(struct frame), true);
    turned_out(&(struct frame){.bytes = UINT32_MAX, .kind = FRAME_TASK, .n = 1}, sizeof(struct frame), true);
    turned_out(&(struct frame){.kind = 255}, sizeof(struct frame), true);
}

static void half_an_append_appends_nothing(void)
{
    struct served s;
    struct ask ask = {.role = CLIENT_PARENT, .shape = served_shape()};
    struct answer answer;
    static const unsigned char half[sizeof(struct frame) + 32768];
    unsigned char message[sizeof half];
    struct frame append = {.bytes = 65536, .kind = FRAME_CALL, .verb = VERB_APPEND, .object = 1, .n = 8192};
    struct frame length = {.kind = FRAME_CALL, .verb = VERB_LENGTH, .object = 1}, reply;
    served_start(&s, "unix", NULL);
    int parent = served_enter(&s, &ask, &answer, NULL);
    ask.role = CLIENT_SLOT;
    ask.slot = 1;
    memcpy(ask.token, answer.token, TOKEN_BYTES);
    int client = served_enter(&s, &ask, NULL, NULL);
    CU_ASSERT_FATAL(parent >= 0 && client >= 0);
    memcpy(message, half, sizeof half);
    memcpy(message, &append, sizeof append);
    CU_ASSERT_EQUAL(write(client, message, sizeof message), sizeof message);
    close(client);
    CU_ASSERT_EQUAL(write(parent, &length, sizeof length), sizeof length);
    struct pollfd p = {.fd = parent, .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&p, 1, 10000), 1);
    CU_ASSERT_EQUAL(read(parent, &reply, sizeof reply), sizeof reply);
    CU_ASSERT_EQUAL(reply.kind, FRAME_REPLY);
    CU_ASSERT_EQUAL(reply.first, 0);
    close(parent);
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
}

static void slots_and_tokens_are_checked(void)
{
    struct served s;
    struct ask ask = {.role = CLIENT_PARENT, .shape = served_shape()};
    struct answer answer;
    enum verdict verdict;
    served_start(&s, "unix", NULL);
    int parent = served_enter(&s, &ask, &answer, NULL);
    ask.role = CLIENT_SLOT;
    CU_ASSERT_EQUAL(served_enter(&s, &ask, NULL, &verdict), -1);
    CU_ASSERT_EQUAL(verdict, VERDICT_NO_SESSION);
    memcpy(ask.token, answer.token, TOKEN_BYTES);
    int worker = served_enter(&s, &ask, NULL, NULL);
    CU_ASSERT(worker >= 0);
    CU_ASSERT_EQUAL(served_enter(&s, &ask, NULL, &verdict), -1);
    CU_ASSERT_EQUAL(verdict, VERDICT_SLOT_TAKEN);
    ask.slot = 2;
    CU_ASSERT_EQUAL(served_enter(&s, &ask, NULL, &verdict), -1);
    CU_ASSERT_EQUAL(verdict, VERDICT_ASK);
    close(parent);
    CU_ASSERT(closes(worker));
    close(worker);
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
}

static void shapes_are_checked(void)
{
    struct served s;
    struct ask ask = {.role = CLIENT_PARENT, .shape = served_shape()};
    enum verdict verdict;
    served_start(&s, "unix", NULL);
    ask.shape.items = UINT64_C(1) << 44;
    CU_ASSERT_EQUAL(served_enter(&s, &ask, NULL, &verdict), -1);
    CU_ASSERT_EQUAL(verdict, VERDICT_TOO_LARGE);
    ask.shape.items = UINT64_MAX / 3;
    CU_ASSERT_EQUAL(served_enter(&s, &ask, NULL, &verdict), -1);
    CU_ASSERT_EQUAL(verdict, VERDICT_ASK);
    ask.shape = served_shape();
    ask.shape.objects = OBJECTS_MAX + 1;
    CU_ASSERT_EQUAL(served_enter(&s, &ask, NULL, &verdict), -1);
    CU_ASSERT_EQUAL(verdict, VERDICT_ASK);
    ask.shape = served_shape();
    ask.shape.object[0].kind = 77;
    CU_ASSERT_EQUAL(served_enter(&s, &ask, NULL, &verdict), -1);
    CU_ASSERT_EQUAL(verdict, VERDICT_ASK);
    ask.shape = served_shape();
    ask.shape.workers = 0;
    CU_ASSERT_EQUAL(served_enter(&s, &ask, NULL, &verdict), -1);
    CU_ASSERT_EQUAL(verdict, VERDICT_ASK);
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
}

/* What guests may have the manager keep counts, too, where there may be some. */
static void a_shape_counts_its_clients(void)
{
    const struct shape shape = served_shape();
    struct shape deep = shape, more = shape;
    uint64_t alone = 0, named = 0, bytes = 0;
    deep.depth += 1000;
    more.items += 1000;
    CU_ASSERT(shape_possible(&shape, false, &alone) && shape_possible(&shape, true, &named));
    CU_ASSERT(named - alone >= GUESTS_MOST * 2 * CHANNEL_BUFFER);
    CU_ASSERT(shape_possible(&deep, false, &bytes) && bytes - alone >= 1000 * sizeof(struct frame));
    CU_ASSERT(shape_possible(&more, false, &bytes) && bytes - alone >= 1000 * (16 + sizeof(struct frame)));
}

#define SILENT 500

/* No call waits as long as one of them may take for its handshake. */
static void silent_connections_delay_nobody(void)
{
    struct served s;
    struct served_pool p;
    struct address address;
    int silent[SILENT];
    int64_t longest = 0;
    served_start(&s, "unix", NULL);
    served_pool_open(&p, &s, NULL, (struct setup){.window = 0});
    CU_ASSERT_EQUAL(address_parse(&address, s.address, NULL), 0);
    for (int i = 0; i < SILENT; i++) {
        silent[i] = address_connect(&address, hub_now() + 10 * SECOND, NULL, NULL);
        CU_ASSERT(silent[i] >= 0);
        int64_t began = hub_now();
        CU_ASSERT_EQUAL(served_add(p.pool, p.counter, 1), i);
        int64_t took = hub_now() - began;
        longest = took > longest ? took : longest;
    }
    served_map(p.pool);
    CU_ASSERT(longest < SECOND);
    struct served_pool late;
    served_pool_open(&late, &s, NULL, (struct setup){.window = 0});
    served_map(late.pool);
    for (int i = 0; i < SILENT; i++)
        close(silent[i]);
    served_pool_close(&late);
    served_pool_close(&p);
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"manager: wrong keys break the start only", wrong_keys_break_the_start_only, 0},
        {"manager: half a frame harms nobody", half_a_frame_harms_nobody, 0},
        {"manager: a frame of 4 GiB is refused", a_frame_of_4_gib_is_refused, 0},
        {"manager: half an append appends nothing", half_an_append_appends_nothing, 0},
        {"manager: slots and tokens are checked", slots_and_tokens_are_checked, 0},
        {"manager: shapes are checked", shapes_are_checked, 0},
        {"manager: a shape counts its clients", a_shape_counts_its_clients, 0},
        {"manager: silent connections delay nobody", silent_connections_delay_nobody, 60},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
