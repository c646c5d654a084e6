/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_server_ends.c - a server whose clients leave at a bad time, or read no more. */
#include "tests/frame.h"
#include "tests/server_scene.h"

#include <CUnit/CUnit.h>

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

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "server: a recycled worker leaves its loop to the next", .run = recycled},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
