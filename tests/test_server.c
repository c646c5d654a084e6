/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_server.c - what a server hands out, takes and passes on, and what becomes of what a dead worker held.
 *
 * A map of 64 items in chunks of 4 gives each of two workers four chunks at first: 0, 4, 8, 12 and 16, 20, 24, 28. */
#include "bench/ipc/memory.h"
#include "bench/ipc/server_parts.h"
#include "tests/frame.h"
#include "tests/server_scene.h"

#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N     64
#define CHUNK 4
#define WIDE  2100 /* bytes of an item of which no chunk is small, and four fit into a pipe */

static struct frame frame_of(enum frame_kind kind, uint64_t first, uint64_t n, size_t bytes)
{
    return (struct frame){.kind = (uint8_t)kind, .first = first, .n = n, .bytes = (uint32_t)bytes};
}

static unsigned char *row(size_t bytes, unsigned seed)
{
    unsigned char *at = malloc(bytes);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    for (size_t i = 0; i < bytes; i++)
        at[i] = (unsigned char)(seed * 31 + i * 7 + (i >> 8));
    return at;
}

static bool is_row(const unsigned char *at, size_t bytes, unsigned seed)
{
    unsigned char *as = row(bytes, seed);
    bool is = memcmp(at, as, bytes) == 0;
    free(as);
    return is;
}

/* The parent puts a whole map, whose items are handed out when all are there. Chunk i's items are row i. */
static void put_map(struct scene *s)
{
    s->server.peers[0].looping = s->server.peers[1].looping = true;
    const struct map_shape shape = {.n = N, .chunk = CHUNK};
    const size_t bytes = CHUNK * s->pool.setup.in_size;
    scene_say(s, SCENE_PARENT, frame_of(FRAME_MAP, 0, 0, sizeof shape), &shape);
    for (unsigned first = 0; first < N; first += CHUNK) {
        unsigned char *items = row(bytes, first);
        scene_say(s, SCENE_PARENT, frame_of(FRAME_TASK, first, CHUNK, bytes), items);
        free(items);
    }
    s->server.peers[0].looping = s->server.peers[1].looping = false;
    map_deal_all(&s->server);
}

/* Worker 0 takes its four chunks, so that they have all been handed out. */
static void take_four(struct scene *s)
{
    for (uint64_t i = 0; i < 4; i++)
        CU_ASSERT(scene_hears(s, 0, FRAME_TASK, i * CHUNK, CHUNK));
}

static void answer(struct scene *s, unsigned who, uint64_t first, uint64_t n)
{
    const size_t bytes = n * s->pool.setup.out_size;
    unsigned char *results = row(bytes, 1000 + (unsigned)first);
    scene_say(s, who, frame_of(FRAME_RESULT, first, n, bytes), results);
    free(results);
}

/* Takes tasks and answers them until there are none: how many items, each marked in `seen`. */
static unsigned work(struct scene *s, unsigned who, unsigned char *seen)
{
    unsigned items = 0;
    while (!scene_silent(s, who) && !s->ends[who].closed) {
        const struct frame task = s->ends[who].heard;
        CU_ASSERT_EQUAL(task.kind, FRAME_TASK);
        if (task.n == CHUNK)
            CU_ASSERT(is_row(s->ends[who].payload, task.bytes, (unsigned)task.first));
        for (uint64_t i = task.first; i < task.first + task.n; i++)
            seen[i]++;
        items += (unsigned)task.n;
        answer(s, who, task.first, task.n);
    }
    return items;
}

/* What the parent hears: results and losses, each item once. */
static unsigned hear_items(struct scene *s, unsigned char *done, unsigned char *lost)
{
    unsigned items = 0;
    while (!scene_silent(s, SCENE_PARENT)) {
        const struct frame frame = s->ends[SCENE_PARENT].heard;
        if (frame.kind == FRAME_HELLO || frame.kind == FRAME_OBITUARY)
            continue;
        CU_ASSERT(frame.kind == FRAME_RESULT || frame.kind == FRAME_LOST);
        if (frame.kind == FRAME_RESULT)
            CU_ASSERT(is_row(s->ends[SCENE_PARENT].payload, frame.bytes, 1000 + (unsigned)frame.first));
        for (uint64_t i = frame.first; i < frame.first + frame.n; i++) {
            (frame.kind == FRAME_RESULT ? done : lost)[i]++;
            items++;
        }
    }
    return items;
}

static struct scene *workers_enter(bool sockets, size_t item_bytes)
{
    struct scene *s = scene_open(sockets, item_bytes);
    for (unsigned i = 0; i < SCENE_WORKERS; i++)
        scene_enter(s, i);
    return s;
}

/* --- maps -------------------------------------------------------------------------------------------------------- */

static void a_map(bool sockets, size_t item_bytes)
{
    unsigned char seen[N] = {0}, done[N] = {0}, lost[N] = {0};
    struct scene *s = workers_enter(sockets, item_bytes);
    put_map(s);
    unsigned items = 0, heard = 0;
    for (int round = 0; round < 100 && heard < N; round++) {
        items += work(s, (unsigned)round % 2, seen);
        heard += hear_items(s, done, lost);
    }
    CU_ASSERT(items == N && heard == N);
    for (unsigned i = 0; i < N; i++)
        CU_ASSERT(seen[i] == 1 && done[i] == 1);
    scene_close(s);
}

static void maps(void)
{
    a_map(true, 8);
    a_map(false, 8);
    a_map(true, WIDE);
    a_map(false, WIDE);
}

/* Frames of a map at the wrong time, or of what it is not. */
static void maps_refused(void)
{
    const struct map_shape none = {.n = 0, .chunk = 1}, wide = {.n = SCENE_ITEMS + 1, .chunk = 1},
                           hollow = {.n = 10, .chunk = 0}, fat = {.n = 10, .chunk = 11}, fine = {.n = 10, .chunk = 1};
    const struct {
        struct frame first, then;
        const void *payload;
    } said[] = {
        {.first = frame_of(FRAME_MAP, 0, 0, sizeof none), .payload = &none},
        {.first = frame_of(FRAME_MAP, 0, 0, sizeof wide), .payload = &wide},
        {.first = frame_of(FRAME_MAP, 0, 0, sizeof hollow), .payload = &hollow},
        {.first = frame_of(FRAME_MAP, 0, 0, sizeof fat), .payload = &fat},
        {.first = frame_of(FRAME_MAP, 0, 0, 8), .payload = &fine},
        {.first = frame_of(FRAME_MAP, 0, 0, sizeof fine), .then = frame_of(FRAME_TASK, 1, 1, 8), .payload = &fine},
        {.first = frame_of(FRAME_MAP, 0, 0, sizeof fine), .then = frame_of(FRAME_TASK, 0, 2, 16), .payload = &fine},
        {.first = frame_of(FRAME_MAP, 0, 0, sizeof fine), .then = frame_of(FRAME_TASK, 0, 1, 7), .payload = &fine},
        {.first = frame_of(FRAME_MAP, 0, 0, sizeof fine), .then = frame_of(FRAME_MAP, 0, 0, 16), .payload = &fine},
        {.first = frame_of(FRAME_TASK, 0, 1, 8), .payload = &fine},
        {.first = frame_of(FRAME_POST, SCENE_WINDOW, 0, 8), .payload = &fine},
        {.first = frame_of(FRAME_POST, 0, 0, 7), .payload = &fine},
        {.first = frame_of(FRAME_POST, 0, 0, 8), .then = frame_of(FRAME_POST, 0, 0, 8), .payload = &fine},
        {.first = frame_of(FRAME_EACH, 0, 0, 0), .then = frame_of(FRAME_EACH, 0, 0, 0)},
        {.first = frame_of(FRAME_OBITUARY, 0, 0, 8), .payload = &fine},
        {.first = frame_of(FRAME_REPLY, 0, 0, 0)},
        {.first = frame_of(FRAME_HELLO, 0, 0, 0)},
        {.first = frame_of(FRAME_PARKED, 0, 0, 0)},
        {.first = frame_of(FRAME_RESULT, 0, 1, 8), .payload = &fine},
        {.first = frame_of(FRAME_LOST, 0, 1, 0)},
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        struct scene *s = workers_enter(true, 8);
        scene_say(s, SCENE_PARENT, said[i].first, said[i].payload);
        if (said[i].then.kind)
            scene_say(s, SCENE_PARENT, said[i].then, said[i].payload);
        CU_ASSERT_TRUE(s->server.leaving);
        scene_close(s);
    }
}

/* A worker that says what it must not is forgotten, and nobody else. */
static void workers_refused(void)
{
    const unsigned char payload[64] = {0};
    const struct frame said[] = {
        frame_of(FRAME_RESULT, 4, 4, 32), frame_of(FRAME_RESULT, 0, 3, 24), frame_of(FRAME_RESULT, 0, 4, 31),
        frame_of(FRAME_RESULT, 0, 4, 64), frame_of(FRAME_POSTED, 0, 0, 8),  frame_of(FRAME_HELLO, 0, 0, 0),
        frame_of(FRAME_PARKED, 0, 0, 0),  frame_of(FRAME_TASK, 0, 4, 32),   frame_of(FRAME_MAP, 0, 0, 16),
        frame_of(FRAME_EACH, 0, 0, 0),    frame_of(FRAME_LEAVE, 0, 0, 0),   frame_of(FRAME_OBITUARY, 0, 0, 64),
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        unsigned char seen[N] = {0};
        struct scene *s = workers_enter(i % 2, 8);
        put_map(s);
        take_four(s);
        scene_say(s, 0, said[i], payload);
        CU_ASSERT_FALSE(s->server.peers[0].connected);
        CU_ASSERT_TRUE(s->server.peers[0].gone);
        CU_ASSERT_FALSE(s->server.leaving);
        CU_ASSERT_EQUAL(work(s, 1, seen), N - 4 * CHUNK);
        scene_close(s);
    }
}

/* --- deaths ------------------------------------------------------------------------------------------------------ */

static void mourn(struct scene *s, const struct obituary *o)
{
    scene_say(s, SCENE_PARENT, frame_of(FRAME_OBITUARY, 0, 0, sizeof *o), o);
}

/* How worker 0 dies in a map: `answers` of its chunks it has answered, `begun` it has begun; it leaves `half` the bytes
 * of a result; lost from .. to-1, and nothing else. */
struct death {
    unsigned answers;
    struct obituary obituary;
    size_t half;
    uint64_t from, to;
};

static void dies(const struct death *d, bool sockets, size_t item_bytes, bool told_first)
{
    unsigned char seen[N] = {0}, done[N] = {0}, lost[N] = {0};
    struct scene *s = workers_enter(sockets, item_bytes);
    const size_t bytes = CHUNK * item_bytes, frame_bytes = sizeof(struct frame) + bytes;
    unsigned char *half = calloc(1, frame_bytes);
    put_map(s);
    take_four(s);
    for (unsigned i = 0; i < d->answers; i++) {
        answer(s, 0, (uint64_t)i * CHUNK, CHUNK);
        memset(seen + i * CHUNK, 1, CHUNK);
    }
    if (d->half) {
        struct frame result = frame_of(FRAME_RESULT, (uint64_t)d->answers * CHUNK, CHUNK, bytes);
        memcpy(half, &result, sizeof result);
        scene_dribble(s, 0, half, d->half < frame_bytes ? d->half : frame_bytes - 1);
    }
    if (!told_first)
        scene_leave(s, 0);
    mourn(s, &d->obituary);
    if (told_first)
        scene_leave(s, 0);
    unsigned items = hear_items(s, done, lost);
    for (int round = 0; round < 100 && items < N; round++) {
        work(s, 1, seen);
        items += hear_items(s, done, lost);
    }
    for (uint64_t i = 0; i < N; i++) {
        bool is_lost = i >= d->from && i < d->to;
        CU_ASSERT(done[i] == !is_lost && lost[i] == is_lost && seen[i] == !is_lost);
    }
    CU_ASSERT_EQUAL(s->server.returned, N);
    CU_ASSERT_TRUE(server_free(&s->server, 0));
    free(half);
    scene_close(s);
}

static void deaths_in_maps(void)
{
    static const struct death deaths[] = {
        /* nothing begun: another takes all */
        {.obituary = {.item = ITEM_NONE}},
        /* in the first chunk, where it did not say */
        {.obituary = {.begun = 1, .item = ITEM_NONE, .first = 0, .n = CHUNK}, .to = 4},
        /* where it said that it had come to the third item, the first, the last */
        {.obituary = {.begun = 1, .item = 2, .first = 0, .n = CHUNK}, .to = 3},
        {.obituary = {.begun = 1, .item = 0, .first = 0, .n = CHUNK}, .to = 1},
        {.obituary = {.begun = 1, .item = 3, .first = 0, .n = CHUNK}, .to = 4},
        /* two done and not sent, in the third */
        {.obituary = {.begun = 3, .item = 9, .first = 8, .n = CHUNK}, .to = 10},
        /* all done, none sent */
        {.obituary = {.begun = 4, .item = ITEM_NONE}, .to = 16},
        /* one answered, between two, and in the next; and before its count says that it is */
        {.answers = 1, .obituary = {.begun = 1, .item = ITEM_NONE}},
        {.answers = 1, .obituary = {.begun = 2, .item = 5, .first = 4, .n = CHUNK}, .from = 4, .to = 6},
        {.answers = 1, .obituary = {.begun = 1, .item = ITEM_NONE, .first = 4, .n = CHUNK}},
        /* an item of another chunk, a count that cannot be: nothing that it was given runs twice */
        {.obituary = {.begun = 1, .item = 60, .first = 0, .n = CHUNK}, .to = 4},
        {.obituary = {.begun = UINT64_MAX, .item = ITEM_NONE}, .to = 16},
        /* in the middle of a result: of its header, of its payload */
        {.answers = 1, .obituary = {.begun = 2, .item = ITEM_NONE}, .half = 10, .from = 4, .to = 8},
        {.answers = 1, .obituary = {.begun = 2, .item = ITEM_NONE}, .half = 40, .from = 4, .to = 8},
        {.answers = 1, .obituary = {.begun = 2, .item = ITEM_NONE}, .half = 5000, .from = 4, .to = 8},
    };
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++)
        for (unsigned how = 0; how < 8; how++)
            dies(&deaths[i], how & 1, how & 2 ? WIDE : 8, how & 4);
}

/* Results that were sent and not read when the obituary comes count. */
static void last_words(void)
{
    const struct obituary o = {.begun = 3, .item = 8, .first = 8, .n = CHUNK};
    for (int sockets = 0; sockets < 2; sockets++) {
        unsigned char seen[N] = {0}, done[N] = {0}, lost[N] = {0};
        struct scene *s = workers_enter(sockets, 8);
        put_map(s);
        for (uint64_t first = 0; first < 8; first += CHUNK) {
            unsigned char *results = row(CHUNK * 8, 1000 + (unsigned)first);
            channel_put(&s->ends[0].channel,
                        &(struct frame){.kind = FRAME_RESULT, .first = first, .n = CHUNK, .bytes = 32}, results);
            free(results);
        }
        CU_ASSERT_EQUAL(channel_flush(&s->ends[0].channel), 1);
        scene_leave(s, 0);
        CU_ASSERT_EQUAL(server_bury(&s->server, &o, NULL), 0);
        work(s, 1, seen);
        CU_ASSERT_EQUAL(hear_items(s, done, lost), N);
        for (unsigned i = 0; i < N; i++)
            CU_ASSERT(done[i] == (i != 8) && lost[i] == (i == 8) && seen[i] == (i > 8));
        scene_close(s);
    }
}

/* Somebody else holds the other end of a dead worker's channel: it is not waited for. */
static void held_open(void)
{
    const struct obituary o = {.begun = 1, .item = 1, .first = 0, .n = CHUNK};
    for (int sockets = 0; sockets < 2; sockets++) {
        unsigned char seen[N] = {0}, done[N] = {0}, lost[N] = {0};
        struct scene *s = workers_enter(sockets, 8);
        put_map(s);
        int in = dup(s->ends[0].channel.in_fd), out = dup(s->ends[0].channel.out_fd);
        scene_leave(s, 0);
        const int64_t begun = hub_now();
        CU_ASSERT_EQUAL(server_bury(&s->server, &o, NULL), 0);
        while (!server_free(&s->server, 0) && hub_now() - begun < INT64_C(5000000000))
            CU_ASSERT_EQUAL_FATAL(hub_turn(&s->hub, 50, NULL), 0);
        unsigned items = hear_items(s, done, lost);
        work(s, 1, seen);
        CU_ASSERT_EQUAL(items + hear_items(s, done, lost), N);
        for (unsigned i = 0; i < N; i++)
            CU_ASSERT(done[i] == (i > 1) && lost[i] == (i < 2));
        close(in);
        close(out);
        scene_close(s);
    }
}

/* Its place is taken by another, who works on. */
static void replaced(void)
{
    for (int sockets = 0; sockets < 2; sockets++) {
        unsigned char seen[N] = {0}, done[N] = {0}, lost[N] = {0};
        struct scene *s = workers_enter(sockets, 8);
        put_map(s);
        scene_leave(s, 0);
        scene_turn(s);
        CU_ASSERT_FALSE(server_free(&s->server, 0));
        mourn(s, &(struct obituary){.item = ITEM_NONE});
        CU_ASSERT(scene_hears(s, SCENE_PARENT, FRAME_OBITUARY, 1, 0));
        scene_enter(s, 0);
        CU_ASSERT(work(s, 0, seen) >= 4 * CHUNK);
        work(s, 1, seen);
        CU_ASSERT_EQUAL(hear_items(s, done, lost), N);
        for (unsigned i = 0; i < N; i++)
            CU_ASSERT(done[i] == 1 && seen[i] == 1);
        scene_close(s);
    }
}

/* --- applied items ----------------------------------------------------------------------------------------------- */

static void post(struct scene *s, uint64_t ticket)
{
    unsigned char *in = row(s->pool.setup.in_size, (unsigned)ticket);
    scene_say(s, SCENE_PARENT, frame_of(FRAME_POST, ticket, 0, s->pool.setup.in_size), in);
    free(in);
}

static void posts_of(size_t bytes)
{
    struct scene *s = workers_enter(true, bytes);
    unsigned char *result = row(bytes, 77);
    for (uint64_t ticket = 0; ticket < SCENE_WINDOW; ticket++)
        post(s, ticket);
    /* each has one, and is idle no more */
    CU_ASSERT(scene_hears(s, 0, FRAME_POST, 0, 0) && is_row(s->ends[0].payload, bytes, 0));
    CU_ASSERT(scene_hears(s, 1, FRAME_POST, 1, 0) && is_row(s->ends[1].payload, bytes, 1));
    CU_ASSERT(scene_silent(s, 0) && scene_silent(s, 1));
    /* whoever is over first takes the next ones */
    scene_say(s, 1, frame_of(FRAME_POSTED, 1, 0, bytes), result);
    CU_ASSERT(scene_hears(s, 1, FRAME_POST, 2, 0));
    scene_say(s, 1, frame_of(FRAME_POSTED, 2, 1, 0), NULL);
    CU_ASSERT(scene_hears(s, 1, FRAME_POST, 3, 0) && is_row(s->ends[1].payload, bytes, 3));
    CU_ASSERT(scene_hears(s, SCENE_PARENT, FRAME_POSTED, 1, 0) && is_row(s->ends[SCENE_PARENT].payload, bytes, 77));
    CU_ASSERT(scene_hears(s, SCENE_PARENT, FRAME_POSTED, 2, 1));
    /* its ticket comes again */
    post(s, 2);
    CU_ASSERT(scene_silent(s, 0) && scene_silent(s, 1));
    /* one begun, one not */
    scene_leave(s, 1);
    mourn(s, &(struct obituary){.slot = 1, .begun = 3, .item = 9, .first = 3, .n = MARK_POSTING});
    CU_ASSERT(scene_hears(s, SCENE_PARENT, FRAME_POST_LOST, 3, 0));
    CU_ASSERT_EQUAL(s->ends[SCENE_PARENT].heard.object, 1);
    CU_ASSERT(scene_hears(s, SCENE_PARENT, FRAME_OBITUARY, 1, 0));
    scene_leave(s, 0);
    mourn(s, &(struct obituary){.item = ITEM_NONE});
    CU_ASSERT(scene_hears(s, SCENE_PARENT, FRAME_OBITUARY, 0, 0));
    scene_enter(s, 1);
    CU_ASSERT(scene_hears(s, 1, FRAME_POST, 0, 0) && is_row(s->ends[1].payload, bytes, 0));
    scene_say(s, 1, frame_of(FRAME_POSTED, 0, 0, bytes), result);
    CU_ASSERT(scene_hears(s, 1, FRAME_POST, 2, 0));
    free(result);
    scene_close(s);
}

static void posts(void)
{
    posts_of(8);
    posts_of(WIDE);
}

/* --- the loop ---------------------------------------------------------------------------------------------------- */

static void loops(void)
{
    struct scene *s = workers_enter(true, 8);
    scene_say(s, SCENE_PARENT, frame_of(FRAME_EACH, 0, 0, 0), NULL);
    CU_ASSERT(scene_hears(s, 0, FRAME_EACH, 0, 0) && scene_hears(s, 1, FRAME_EACH, 0, 0));
    /* no applied item comes in between */
    post(s, 0);
    CU_ASSERT(scene_silent(s, 0) && scene_silent(s, 1));
    scene_say(s, 0, frame_of(FRAME_PARKED, 0, 1, 0), NULL);
    CU_ASSERT(scene_hears(s, SCENE_PARENT, FRAME_PARKED, 0, 1));
    CU_ASSERT(scene_hears(s, 0, FRAME_POST, 0, 0));
    scene_leave(s, 1);
    mourn(s, &(struct obituary){.slot = 1, .item = ITEM_NONE});
    CU_ASSERT(scene_hears(s, SCENE_PARENT, FRAME_OBITUARY, 1, 1));
    CU_ASSERT_EQUAL(s->server.looping, 0);
    /* one that is gone, and whose death is not known yet, is waited for; so is who comes to an empty place */
    scene_leave(s, 0);
    scene_turn(s);
    scene_say(s, SCENE_PARENT, frame_of(FRAME_EACH, 0, 0, 0), NULL);
    CU_ASSERT_EQUAL(s->server.looping, 2);
    mourn(s, &(struct obituary){.slot = 0, .item = ITEM_NONE});
    CU_ASSERT(scene_hears(s, SCENE_PARENT, FRAME_OBITUARY, 0, 1));
    scene_enter(s, 1);
    CU_ASSERT(scene_hears(s, 1, FRAME_EACH, 0, 0));
    CU_ASSERT_EQUAL(s->server.looping, 1);
    scene_close(s);
}

static void parent_leaves(void)
{
    for (int how = 0; how < 2; how++) {
        struct scene *s = workers_enter(how, 8);
        if (how)
            scene_say(s, SCENE_PARENT, frame_of(FRAME_LEAVE, 0, 0, 0), NULL);
        else
            scene_leave(s, SCENE_PARENT);
        scene_turn(s);
        CU_ASSERT_TRUE(s->server.leaving);
        server_close(&s->server);
        CU_ASSERT(scene_hear(s, 0) && s->ends[0].heard.kind == FRAME_LEAVE);
        CU_ASSERT_TRUE(scene_dropped(s, 0));
        scene_close(s);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "server: a map's items go out and come back once", .run = maps},
        {.name = "server: orders that make no sense end the session", .run = maps_refused},
        {.name = "server: a worker that makes no sense is forgotten alone", .run = workers_refused},
        {.name = "server: what a dead worker held is lost or runs elsewhere", .run = deaths_in_maps},
        {.name = "server: what a worker sent last counts", .run = last_words},
        {.name = "server: a dead worker's channel held open by another", .run = held_open},
        {.name = "server: another takes a dead worker's place", .run = replaced},
        {.name = "server: applied items, and deaths in them", .run = posts},
        {.name = "server: the workers' loop, and deaths in it", .run = loops},
        {.name = "server: the parent leaves", .run = parent_leaves},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
