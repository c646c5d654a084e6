/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_server_calls.c - operations on objects by way of a server: answers of all sizes, locks, and clients that send
 * nonsense or do not read. */
#include "bench/ipc/memory.h"
#include "bench/ipc/object.h"
#include "tests/frame.h"
#include "tests/server_scene.h"

#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS INT64_C(1000000)

static struct scene *guests_enter(bool sockets)
{
    struct scene *s = scene_open(sockets, 8);
    scene_enter(s, SCENE_PROCESS);
    scene_enter(s, SCENE_GUEST);
    scene_enter(s, SCENE_GUEST + 1);
    return s;
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

static void adds(struct scene *s)
{
    const int64_t deltas[] = {5, -2, 7};
    CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, SCENE_COUNTER, VERB_ADD, 0, 3, deltas), 3);
    const int64_t *were = (int64_t *)s->ends[SCENE_GUEST].payload;
    CU_ASSERT(s->ends[SCENE_GUEST].heard.bytes == 24 && were[0] == 0 && were[1] == 5 && were[2] == 3);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_PARENT, SCENE_COUNTER, VERB_READ, 0, 8, NULL), 8);
    CU_ASSERT_EQUAL(*(int64_t *)s->ends[SCENE_PARENT].payload, 10);
    struct addend addends[] = {{.at = 3, .delta.i = 4}, {.at = 3, .delta.i = 1}, {.at = SCENE_LIST, .delta.i = 1}};
    CU_ASSERT_EQUAL(scene_call(s, SCENE_PROCESS, SCENE_ARRAY, VERB_ADD, 0, 2, addends), 2);
    CU_ASSERT_EQUAL(((int64_t *)s->ends[SCENE_PROCESS].payload)[1], 4);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_PROCESS, SCENE_ARRAY, VERB_ADD, 0, 3, addends), CALL_RANGE);
    CU_ASSERT_EQUAL(s->ends[SCENE_PROCESS].heard.bytes, 0);
}

static void elements(struct scene *s)
{
    uint64_t *values = calloc(SCENE_LIST, 8);
    for (uint64_t i = 0; i < SCENE_LIST; i++)
        values[i] = i * i;
    /* 400,000 bytes at once, then one */
    CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, SCENE_VALUES, VERB_APPEND, 0, 50000, values), 50000);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, SCENE_VALUES, VERB_APPEND, 0, 1, values), 1);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, SCENE_VALUES, VERB_LENGTH, 0, 0, NULL), 50001);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, SCENE_VALUES, VERB_GET, 10, 30000, NULL), 30000);
    CU_ASSERT_EQUAL(memcmp(s->ends[SCENE_GUEST].payload, values + 10, 240000), 0);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, SCENE_VALUES, VERB_GET, 50000, 2, NULL), CALL_RANGE);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_PROCESS, SCENE_VALUES, VERB_READ, 0, UINT64_MAX, NULL), 400008);
    CU_ASSERT_EQUAL(memcmp(s->ends[SCENE_PROCESS].payload, values, 400000), 0);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_PROCESS, SCENE_VALUES, VERB_READ, 0, 100, NULL), 100);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, SCENE_VALUES, VERB_POP, 0, 2, NULL), 2);
    CU_ASSERT_EQUAL(((uint64_t *)s->ends[SCENE_GUEST].payload)[1], values[49999]);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, SCENE_VALUES, VERB_SET, 0, 2000, values + 1), 2000);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_PARENT, SCENE_VALUES, VERB_POP, 0, 60000, NULL), 49999);
    CU_ASSERT_EQUAL(((uint64_t *)s->ends[SCENE_PARENT].payload)[49998], values[1]);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, SCENE_VALUES, VERB_APPEND, 0, SCENE_LIST, values), SCENE_LIST);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, SCENE_VALUES, VERB_APPEND, 0, 2, values), 0);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, SCENE_VALUES, VERB_CLEAR, 0, 0, NULL), 0);
    free(values);
}

static void entries(struct scene *s)
{
    const char pairs[] = "aaaaAAAAAAAAAAAAbbbbBBBBBBBBBBBB", keys[] = "bbbbccccaaaa";
    CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, SCENE_DICT, VERB_PUT, 0, 2, pairs), 2);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_PROCESS, SCENE_DICT, VERB_GET, 0, 3, keys), 3);
    const unsigned char *answers = s->ends[SCENE_PROCESS].payload;
    const size_t apart = dict_answer_size(&s->pool.objects[SCENE_DICT]);
    CU_ASSERT_EQUAL(s->ends[SCENE_PROCESS].heard.bytes, 3 * apart);
    CU_ASSERT(answers[0] == 1 && memcmp(answers + 8, "BBBBBBBBBBBB", 12) == 0);
    CU_ASSERT(answers[apart] == 0 && answers[2 * apart] == 1);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, SCENE_DICT, VERB_KEYS, 0, UINT64_MAX, NULL), 8);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, SCENE_DICT, VERB_REMOVE, 0, 3, keys), 3);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, SCENE_DICT, VERB_LENGTH, 0, 0, NULL), 0);
}

static void answers(void)
{
    for (int sockets = 0; sockets < 2; sockets++) {
        struct scene *s = guests_enter(sockets);
        adds(s);
        elements(s);
        entries(s);
        scene_close(s);
    }
}

/* A value on its way to a reader who takes his time is what it was when he asked, whatever the others do. */
static void snapshots(void)
{
    enum { LENGTH = 60000 };
    static const unsigned objects[] = {SCENE_VALUES, SCENE_ARRAY};
    uint64_t *values = calloc(LENGTH, 8), *others = calloc(LENGTH, 8);
    for (uint64_t i = 0; i < LENGTH; i++)
        values[i] = i, others[i] = ~i;
    for (unsigned k = 0; k < 4; k++) {
        struct scene *s = guests_enter(k % 2);
        const unsigned object = objects[k / 2];
        scene_call(s, SCENE_GUEST, object, k / 2 ? VERB_SET : VERB_APPEND, 0, LENGTH, values);
        struct frame read = {.kind = FRAME_CALL, .verb = VERB_READ, .object = (uint16_t)object, .n = LENGTH * 8};
        scene_say(s, SCENE_PROCESS, read, NULL);
        scene_say(s, SCENE_PARENT, read, NULL);
        if (k / 2 == 0)
            CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, object, VERB_APPEND, 0, 100, others), 100);
        CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, object, VERB_SET, 0, LENGTH, others), LENGTH);
        CU_ASSERT(scene_hears(s, SCENE_PROCESS, FRAME_REPLY, LENGTH * 8, 0));
        CU_ASSERT_EQUAL(memcmp(s->ends[SCENE_PROCESS].payload, values, LENGTH * 8), 0);
        CU_ASSERT(scene_hears(s, SCENE_PARENT, FRAME_REPLY, LENGTH * 8, 0));
        CU_ASSERT_EQUAL(memcmp(s->ends[SCENE_PARENT].payload, values, LENGTH * 8), 0);
        CU_ASSERT_EQUAL(scene_call(s, SCENE_PROCESS, object, VERB_READ, 0, LENGTH * 8, NULL), LENGTH * 8);
        CU_ASSERT_EQUAL(memcmp(s->ends[SCENE_PROCESS].payload, others, LENGTH * 8), 0);
        scene_close(s);
    }
    free(values);
    free(others);
}

/* --- nonsense ---------------------------------------------------------------------------------------------------- */

static void refused(void)
{
    const unsigned char payload[4096] = {0};
    static const struct frame said[] = {
        {.kind = FRAME_CALL, .verb = VERB_ADD, .object = 8, .n = 1, .bytes = 8},
        {.kind = FRAME_CALL, .verb = VERB_ADD, .object = UINT16_MAX, .n = 1, .bytes = 8},
        {.kind = FRAME_CALL, .verb = VERBS, .n = 1, .bytes = 8},
        {.kind = FRAME_CALL, .verb = 255, .n = 1, .bytes = 8},
        {.kind = FRAME_CALL, .verb = VERB_APPEND, .object = SCENE_COUNTER, .n = 1, .bytes = 8},
        {.kind = FRAME_CALL, .verb = VERB_ADD, .object = SCENE_COUNTER, .n = 1, .bytes = 16},
        {.kind = FRAME_CALL, .verb = VERB_ADD, .object = SCENE_COUNTER, .n = UINT64_MAX / 8 + 2, .bytes = 8},
        {.kind = FRAME_CALL, .verb = VERB_APPEND, .object = SCENE_VALUES, .n = (UINT64_C(1) << 61) + 1, .bytes = 8},
        {.kind = FRAME_CALL, .verb = VERB_SWAP, .object = SCENE_ARRAY, .n = 2, .bytes = 16},
        {.kind = FRAME_CALL, .verb = VERB_READ, .object = SCENE_LOCK, .n = 8},
        {.kind = FRAME_REPLY},
        {.kind = FRAME_POST, .bytes = 8},
        {.kind = FRAME_LOST, .n = 1},
        {.kind = FRAME_KINDS},
        {.kind = 0},
        {.kind = 255, .bytes = 64},
        {.kind = FRAME_HELLO},
        {.kind = FRAME_LEAVE},
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        struct scene *s = guests_enter(i % 2);
        scene_say(s, SCENE_GUEST, said[i], payload);
        CU_ASSERT_TRUE(scene_dropped(s, SCENE_GUEST));
        CU_ASSERT_TRUE(server_free(&s->server, SCENE_GUEST));
        CU_ASSERT_EQUAL(server_guest(&s->server), SCENE_GUEST);
        CU_ASSERT_FALSE(s->server.leaving);
        scene_leave(s, SCENE_GUEST);
        scene_enter(s, SCENE_GUEST);
        adds(s);
        scene_close(s);
    }
}

/* A header that announces more than any frame has, or more than the object ever holds, costs no memory. */
static void enormous(void)
{
    static const struct frame said[] = {
        {.kind = FRAME_CALL, .verb = VERB_APPEND, .object = SCENE_VALUES, .n = UINT32_MAX / 8, .bytes = UINT32_MAX},
        {.kind = FRAME_CALL, .verb = VERB_APPEND, .object = SCENE_VALUES, .n = UINT32_MAX / 8, .bytes = UINT32_MAX - 7},
        {.kind = FRAME_CALL,
         .verb = VERB_APPEND,
         .object = SCENE_VALUES,
         .n = SCENE_LIST + 1,
         .bytes = 8 * (SCENE_LIST + 1)},
        {.kind = FRAME_RESULT, .n = UINT32_MAX / 8, .bytes = UINT32_MAX},
        {.kind = FRAME_HELLO, .bytes = UINT32_MAX},
        {.kind = FRAME_REPLY, .bytes = UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        struct scene *s = guests_enter(true);
        scene_dribble(s, SCENE_GUEST, &said[i], sizeof said[i]);
        CU_ASSERT_TRUE(scene_dropped(s, SCENE_GUEST));
        CU_ASSERT_EQUAL(s->server.peers[SCENE_GUEST].scratch_bytes[0], 0);
        scene_close(s);
    }
}

/* A guest that is half way through an append has appended nothing; others go on meanwhile and after it. */
static void half_an_append(void)
{
    const struct frame said = {
        .kind = FRAME_CALL, .verb = VERB_APPEND, .object = SCENE_VALUES, .n = 10000, .bytes = 80000};
    static const unsigned char payload[40000];
    for (size_t part = 1; part < sizeof said + sizeof payload; part = part * 3 + 1) {
        struct scene *s = guests_enter(part % 2);
        size_t header = part < sizeof said ? part : sizeof said;
        scene_dribble(s, SCENE_GUEST, &said, header);
        if (part > header)
            scene_dribble(s, SCENE_GUEST, payload, part - header);
        CU_ASSERT_TRUE(scene_silent(s, SCENE_GUEST));
        CU_ASSERT_EQUAL(scene_call(s, SCENE_PROCESS, SCENE_VALUES, VERB_APPEND, 0, 1, payload), 1);
        scene_leave(s, SCENE_GUEST);
        scene_turn(s);
        CU_ASSERT_TRUE(server_free(&s->server, SCENE_GUEST));
        CU_ASSERT_EQUAL(scene_call(s, SCENE_PROCESS, SCENE_VALUES, VERB_LENGTH, 0, 0, NULL), 1);
        scene_close(s);
    }
}

/* --- who does not read ------------------------------------------------------------------------------------------- */

/* What a client that asks and asks and never reads piles up is bounded; it loses nothing when it reads after all. */
static void slow_reader(void)
{
    const struct frame read = {.kind = FRAME_CALL, .verb = VERB_READ, .object = SCENE_ARRAY, .n = 80000},
                       length = {.kind = FRAME_CALL, .verb = VERB_LENGTH, .object = SCENE_ARRAY};
    for (int k = 0; k < 4; k++) {
        struct scene *s = guests_enter(k % 2);
        const struct frame *ask = k / 2 ? &read : &length;
        struct channel *ch = &s->ends[SCENE_GUEST].channel;
        unsigned asked = 0, heard = 0;
        for (int idle = 0; idle < 50; idle++) {
            while (channel_room(ch, 0) && asked < 200000) {
                channel_put(ch, ask, NULL);
                asked++, idle = 0;
            }
            channel_flush(ch);
            scene_turn(s);
        }
        CU_ASSERT_TRUE(channel_pending(ch));
        CU_ASSERT_TRUE(s->server.peers[SCENE_GUEST].channel.held);
        CU_ASSERT(s->server.peers[SCENE_GUEST].scratch_bytes[1] <= 1 << 20);
        CU_ASSERT_EQUAL(scene_call(s, SCENE_PROCESS, SCENE_VALUES, VERB_LENGTH, 0, 0, NULL), 0);
        while (heard < asked && scene_hears(s, SCENE_GUEST, FRAME_REPLY, k / 2 ? 80000 : SCENE_LIST, 0)) {
            channel_flush(ch);
            heard++;
        }
        CU_ASSERT_EQUAL(heard, asked);
        scene_close(s);
    }
}

static void turn_until(struct scene *s, int64_t ns)
{
    for (int64_t end = hub_now() + ns; hub_now() < end;)
        CU_ASSERT_EQUAL_FATAL(hub_turn(&s->hub, 5, NULL), 0);
}

/* One that does not read at all is dropped in the end; one that reads a little, late, is not. */
static void never_reads(void)
{
    const struct frame ask = {.kind = FRAME_CALL, .verb = VERB_READ, .object = SCENE_ARRAY, .n = SCENE_LIST * 8};
    struct scene *s = scene_open(true, 8);
    static char some[65536];
    s->server.patience_ns = 100 * MS;
    scene_enter(s, SCENE_GUEST);
    scene_enter(s, SCENE_GUEST + 1);
    scene_say(s, SCENE_GUEST, ask, NULL);
    scene_say(s, SCENE_GUEST + 1, ask, NULL);
    for (int i = 0; i < 4; i++) {
        turn_until(s, 50 * MS);
        CU_ASSERT(read(s->ends[SCENE_GUEST + 1].channel.in_fd, some, sizeof some) > 0);
    }
    CU_ASSERT_TRUE(server_free(&s->server, SCENE_GUEST));
    CU_ASSERT_FALSE(server_free(&s->server, SCENE_GUEST + 1));
    scene_close(s);
}

/* --- locks ------------------------------------------------------------------------------------------------------- */

static int64_t acquire(struct scene *s, unsigned who, int64_t timeout_ns)
{
    return scene_call(s, who, SCENE_LOCK, VERB_ACQUIRE, (uint64_t)timeout_ns, 0, NULL);
}

static int64_t release(struct scene *s, unsigned who)
{
    return scene_call(s, who, SCENE_LOCK, VERB_RELEASE, 0, 0, NULL);
}

static void wait_for_lock(struct scene *s, unsigned who, int64_t timeout_ns)
{
    scene_say(
        s, who,
        (struct frame){.kind = FRAME_CALL, .verb = VERB_ACQUIRE, .object = SCENE_LOCK, .first = (uint64_t)timeout_ns},
        NULL);
    CU_ASSERT_TRUE(scene_silent(s, who));
}

static bool gets(struct scene *s, unsigned who, int64_t what)
{
    return scene_hears(s, who, FRAME_REPLY, (uint64_t)what, 0);
}

static void locks_in_turn(void)
{
    for (int sockets = 0; sockets < 2; sockets++) {
        struct scene *s = guests_enter(sockets);
        CU_ASSERT_EQUAL(release(s, SCENE_GUEST), CALL_NOT_OWNER);
        CU_ASSERT_EQUAL(acquire(s, SCENE_GUEST, 0), 0);
        CU_ASSERT_EQUAL(acquire(s, SCENE_GUEST, NEVER), CALL_DEADLOCK);
        CU_ASSERT_EQUAL(acquire(s, SCENE_PROCESS, 0), CALL_TIMEOUT);
        CU_ASSERT_EQUAL(acquire(s, SCENE_PROCESS, -5), CALL_TIMEOUT);
        CU_ASSERT_EQUAL(release(s, SCENE_PROCESS), CALL_NOT_OWNER);
        wait_for_lock(s, SCENE_PROCESS, NEVER);
        wait_for_lock(s, SCENE_PARENT, INT64_MAX);
        wait_for_lock(s, SCENE_GUEST + 1, 60000 * MS);
        CU_ASSERT_EQUAL(release(s, SCENE_GUEST), 0);
        CU_ASSERT(gets(s, SCENE_PROCESS, 0) && scene_silent(s, SCENE_PARENT) && scene_silent(s, SCENE_GUEST + 1));
        wait_for_lock(s, SCENE_GUEST, NEVER);
        CU_ASSERT_EQUAL(release(s, SCENE_PROCESS), 0);
        CU_ASSERT(gets(s, SCENE_PARENT, 0) && scene_silent(s, SCENE_GUEST + 1));
        CU_ASSERT_EQUAL(release(s, SCENE_PARENT), 0);
        CU_ASSERT(gets(s, SCENE_GUEST + 1, 0) && scene_silent(s, SCENE_GUEST));
        CU_ASSERT_EQUAL(release(s, SCENE_GUEST + 1), 0);
        CU_ASSERT(gets(s, SCENE_GUEST, 0));
        CU_ASSERT_EQUAL(scene_call(s, SCENE_PARENT, SCENE_LOCK, VERB_CLEAR, 0, 0, NULL), 0);
        CU_ASSERT_EQUAL(release(s, SCENE_GUEST), CALL_NOT_OWNER);
        CU_ASSERT_EQUAL(acquire(s, SCENE_PARENT, 0), 0);
        CU_ASSERT_PTR_NULL(s->hub.timers);
        scene_close(s);
    }
}

static void lock_timeouts(void)
{
    struct scene *s = guests_enter(true);
    CU_ASSERT_EQUAL(acquire(s, SCENE_GUEST, 0), 0);
    const int64_t begun = hub_now();
    wait_for_lock(s, SCENE_PROCESS, 40 * MS);
    wait_for_lock(s, SCENE_PARENT, 20 * MS);
    wait_for_lock(s, SCENE_GUEST + 1, 60000 * MS);
    CU_ASSERT(gets(s, SCENE_PARENT, CALL_TIMEOUT) && hub_now() - begun >= 20 * MS);
    CU_ASSERT(gets(s, SCENE_PROCESS, CALL_TIMEOUT) && hub_now() - begun >= 40 * MS);
    /* whoever gave up is not in the queue any more, and may ask again */
    CU_ASSERT_EQUAL(release(s, SCENE_GUEST), 0);
    CU_ASSERT(gets(s, SCENE_GUEST + 1, 0));
    wait_for_lock(s, SCENE_PROCESS, 60000 * MS);
    CU_ASSERT_EQUAL(release(s, SCENE_GUEST + 1), 0);
    CU_ASSERT(gets(s, SCENE_PROCESS, 0));
    scene_close(s);
}

/* An owner that goes away leaves an orphan: the next one is told, once. One that waits and goes away is passed over. */
static void lock_orphans(void)
{
    for (int sockets = 0; sockets < 2; sockets++) {
        struct scene *s = guests_enter(sockets);
        CU_ASSERT_EQUAL(acquire(s, SCENE_GUEST, 0), 0);
        wait_for_lock(s, SCENE_GUEST + 1, NEVER);
        wait_for_lock(s, SCENE_PROCESS, 60000 * MS);
        scene_leave(s, SCENE_GUEST + 1);
        scene_turn(s);
        scene_leave(s, SCENE_GUEST);
        CU_ASSERT(gets(s, SCENE_PROCESS, LOCK_ORPHANED));
        CU_ASSERT_EQUAL(release(s, SCENE_PROCESS), 0);
        CU_ASSERT_EQUAL(acquire(s, SCENE_PROCESS, 0), 0);
        /* nobody waits: whoever comes next */
        scene_leave(s, SCENE_PROCESS);
        scene_turn(s);
        CU_ASSERT_EQUAL(acquire(s, SCENE_PARENT, 0), LOCK_ORPHANED);
        CU_ASSERT_EQUAL(release(s, SCENE_PARENT), 0);
        CU_ASSERT_EQUAL(acquire(s, SCENE_PARENT, 0), 0);
        CU_ASSERT_PTR_NULL(s->hub.timers);
        scene_close(s);
    }
}

/* Whoever waits for a lock has asked for nothing else; who does is forgotten, and the lock goes on. */
static void lock_impatience(void)
{
    struct scene *s = guests_enter(true);
    CU_ASSERT_EQUAL(acquire(s, SCENE_GUEST, 0), 0);
    wait_for_lock(s, SCENE_PROCESS, NEVER);
    wait_for_lock(s, SCENE_GUEST + 1, NEVER);
    const struct frame length = {.kind = FRAME_CALL, .verb = VERB_LENGTH, .object = SCENE_VALUES};
    scene_say(s, SCENE_PROCESS, length, NULL);
    CU_ASSERT_TRUE(scene_dropped(s, SCENE_PROCESS));
    CU_ASSERT_EQUAL(release(s, SCENE_GUEST), 0);
    CU_ASSERT(gets(s, SCENE_GUEST + 1, 0));
    scene_close(s);
}

/* --- memory ------------------------------------------------------------------------------------------------------ */

static struct scene *short_of_memory;

static void reclaim(struct budget *budget, struct peer *but)
{
    (void)budget;
    server_reclaim(&short_of_memory->server, but);
}

static void ask_for_all(struct scene *s, unsigned who, enum verb verb, const void *in)
{
    struct frame call = {.kind = FRAME_CALL, .verb = (uint8_t)verb, .object = SCENE_ARRAY, .n = SCENE_LIST};
    call.n *= verb == VERB_READ ? 8 : 1;
    call.bytes = verb == VERB_SET ? SCENE_LIST * 8 : 0;
    scene_say(s, who, call, in);
}

/* One large call at a time finds memory; who comes later waits, whatever the order, and is served all the same. */
static void one_after_the_other(enum verb second, bool goes)
{
    struct budget budget;
    struct scene *s = short_of_memory = guests_enter(true);
    static uint64_t values[SCENE_LIST];
    values[1] = 7;
    budget_open(&budget, &s->hub, SCENE_LIST * 12, reclaim);
    s->server.budget = &budget;
    ask_for_all(s, SCENE_GUEST, VERB_READ, NULL);
    /* A socket takes but a part of what is set. */
    struct frame set = {.kind = FRAME_CALL, .verb = VERB_SET, .object = SCENE_ARRAY, .n = SCENE_LIST};
    set.bytes = SCENE_LIST * 8;
    if (second == VERB_SET)
        scene_dribble(s, SCENE_PROCESS, &set, sizeof set);
    else
        ask_for_all(s, SCENE_PROCESS, VERB_READ, NULL);
    CU_ASSERT(scene_silent(s, SCENE_PROCESS));
    CU_ASSERT(budget.first != NULL && budget.used <= budget.most);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_PARENT, SCENE_ARRAY, VERB_LENGTH, 0, 0, NULL), SCENE_LIST);
    if (goes)
        scene_leave(s, SCENE_GUEST);
    else
        CU_ASSERT(scene_hears(s, SCENE_GUEST, FRAME_REPLY, SCENE_LIST * 8, 0));
    if (second == VERB_SET)
        for (size_t sent = 0; sent < sizeof values; sent += 32768)
            scene_dribble(s, SCENE_PROCESS, (unsigned char *)values + sent, 32768);
    CU_ASSERT(scene_hears(s, SCENE_PROCESS, FRAME_REPLY, second == VERB_SET ? SCENE_LIST : SCENE_LIST * 8, 0));
    CU_ASSERT(budget.first == NULL && budget.used <= budget.most);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_PARENT, SCENE_ARRAY, VERB_READ, 0, 16, NULL), 16);
    CU_ASSERT_EQUAL(((uint64_t *)s->ends[SCENE_PARENT].payload)[1], second == VERB_SET ? 7 : 0);
    scene_close(s);
    CU_ASSERT_EQUAL(budget.used, 0);
}

static void memory_is_shared_in_turn(void)
{
    for (int goes = 0; goes < 2; goes++) {
        one_after_the_other(VERB_READ, goes);
        one_after_the_other(VERB_SET, goes);
    }
}

/* Whoever has memory for what he does not send, while others wait for it. */
static void memory_is_not_hoarded(void)
{
    struct budget budget;
    struct scene *s = short_of_memory = guests_enter(true);
    struct frame set = {.kind = FRAME_CALL, .verb = VERB_SET, .object = SCENE_ARRAY, .n = SCENE_LIST};
    set.bytes = SCENE_LIST * 8;
    budget_open(&budget, &s->hub, SCENE_LIST * 12, reclaim);
    s->server.budget = &budget;
    s->server.patience_ns = 50 * MS;
    scene_dribble(s, SCENE_GUEST, &set, sizeof set);
    ask_for_all(s, SCENE_PROCESS, VERB_READ, NULL);
    CU_ASSERT(scene_hears(s, SCENE_PROCESS, FRAME_REPLY, SCENE_LIST * 8, 0));
    CU_ASSERT(scene_dropped(s, SCENE_GUEST));
    scene_close(s);
}

/* More than there ever is. */
static void memory_that_there_never_is(void)
{
    struct budget budget;
    struct scene *s = short_of_memory = guests_enter(false);
    budget_open(&budget, &s->hub, SCENE_LIST, reclaim);
    s->server.budget = &budget;
    CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, SCENE_ARRAY, VERB_READ, 0, SCENE_LIST * 8, NULL), CALL_LARGE);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, SCENE_ARRAY, VERB_GET, 0, SCENE_LIST, NULL), CALL_LARGE);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, SCENE_ARRAY, VERB_GET, 0, 5000, NULL), 5000);
    scene_close(s);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "calls: every kind of object, answers of all sizes", .run = answers},
        {.name = "calls: a value on its way stays what it was", .run = snapshots},
        {.name = "calls: a client that makes no sense is forgotten alone", .run = refused},
        {.name = "calls: a frame of 4 GiB costs nothing", .run = enormous},
        {.name = "calls: half an append is none", .run = half_an_append},
        {.name = "calls: what a slow reader piles up is bounded", .run = slow_reader},
        {.name = "calls: one that never reads is dropped", .run = never_reads},
        {.name = "calls: a lock goes from one to the next", .run = locks_in_turn},
        {.name = "calls: waiting for a lock, but not for ever", .run = lock_timeouts},
        {.name = "calls: a lock whose owner went away", .run = lock_orphans},
        {.name = "calls: one thing at a time", .run = lock_impatience},
        {"server: memory for large calls is shared in turn", memory_is_shared_in_turn, 60},
        {"server: memory is not hoarded", memory_is_not_hoarded, 60},
        {"server: more memory than there ever is", memory_that_there_never_is, 60},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
