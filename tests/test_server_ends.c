/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_server_ends.c - a server whose clients leave at a bad time, or read no more. */
#include "tests/frame.h"
#include "tests/server_scene.h"

#include <CUnit/CUnit.h>

#include <sys/socket.h>
#include <unistd.h>

#define MS INT64_C(1000000)

/* Who leaves as setup.recycle has it leaves its loop to the next one. */
static void recycled(void)
{
    struct scene *s = scene_open(true, 8);
    const struct obituary o = {.slot = 1, .retired = true, .item = ITEM_NONE};
    scene_enter(s, 0);
    scene_enter(s, 1);
    scene_say(s, SCENE_PARENT, (struct frame){.kind = FRAME_EACH}, NULL);
    for (int time = 0; time < 2; time++) {
        CU_ASSERT(scene_hears(s, 1, FRAME_EACH, 0, 0));
        scene_leave(s, 1);
        scene_turn(s);
        scene_say(s, SCENE_PARENT, (struct frame){.kind = FRAME_OBITUARY, .bytes = sizeof o}, &o);
        CU_ASSERT(scene_hears(s, SCENE_PARENT, FRAME_OBITUARY, 1, 0));
        CU_ASSERT(s->server.looping == 2 && s->server.cut == 0);
        scene_enter(s, 1);
    }
    CU_ASSERT(scene_hears(s, 1, FRAME_EACH, 0, 0));
    scene_say(s, 1, (struct frame){.kind = FRAME_PARKED}, NULL);
    CU_ASSERT(scene_hears(s, SCENE_PARENT, FRAME_PARKED, 0, 0));
    CU_ASSERT_EQUAL(s->server.looping, 1);
    scene_close(s);
}

/* A guest that asks and asks, and reads no reply; then it says that it never will, and makes room. */
static void turns_deaf(bool large)
{
    struct scene *s = scene_open(true, 8);
    const struct peer *peer = &s->server.peers[SCENE_GUEST];
    const struct frame small = {.kind = FRAME_CALL, .verb = VERB_LENGTH, .object = SCENE_VALUES};
    const struct frame whole = {.kind = FRAME_CALL, .verb = VERB_READ, .object = SCENE_ARRAY, .n = SCENE_LIST * 8};
    s->server.patience_ns = 300 * MS;
    scene_enter(s, SCENE_GUEST);
    for (int i = 0; i < 100000 && !peer->waits_to_write; i++)
        scene_say(s, SCENE_GUEST, large ? whole : small, NULL);
    CU_ASSERT_TRUE(peer->waits_to_write);
    CU_ASSERT_EQUAL(shutdown(s->ends[SCENE_GUEST].channel.in_fd, SHUT_RD), 0);
    unsigned char room[65536];
    while (read(s->ends[SCENE_GUEST].channel.in_fd, room, sizeof room) > 0)
        continue;
    scene_turn(s);
    CU_ASSERT_TRUE(peer->deaf);
    /* there is nothing to do but to wait, and not for ever */
    const int64_t begun = hub_now();
    CU_ASSERT_EQUAL(hub_turn(&s->hub, 50, NULL), 0);
    CU_ASSERT(hub_now() - begun >= 40 * MS || !peer->connected);
    for (int i = 0; i < 100 && peer->connected; i++)
        CU_ASSERT_EQUAL_FATAL(hub_turn(&s->hub, 50, NULL), 0);
    CU_ASSERT_FALSE(peer->connected);
    scene_leave(s, SCENE_GUEST);
    scene_enter(s, SCENE_GUEST);
    CU_ASSERT_EQUAL(scene_call(s, SCENE_GUEST, SCENE_VALUES, VERB_LENGTH, 0, 0, NULL), 0);
    scene_close(s);
}

static void deaf_guests(void)
{
    turns_deaf(false);
    turns_deaf(true);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "server: a recycled worker leaves its loop to the next", .run = recycled},
        {.name = "server: a guest that will read no more is not waited for", .run = deaf_guests},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
