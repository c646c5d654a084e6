/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_hub.c - turns: what is ready is served, what is forgotten is not, timers ring in order, buried memory stays. */
#include "bench/ipc/hub.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define MS INT64_C(1000000)

struct ear {
    struct watcher watcher;
    struct hub *hub;
    int ends[2];
    unsigned heard;
    struct ear *other; /* forgotten, buried or watched anew when this one hears */
    enum { EAR_LISTENS, EAR_FORGETS, EAR_BURIES, EAR_RENEWS, EAR_TURNS, EAR_FAILS } does;
};

static int heard(struct watcher *watcher, uint32_t events, struct error *error)
{
    struct ear *ear = (struct ear *)watcher;
    char byte;
    CU_ASSERT(events & EPOLLIN);
    if (read(ear->ends[0], &byte, 1) != 1)
        return 0; /* heard in a turn within this one */
    ear->heard++;
    struct ear *other = ear->other;
    if (ear->does >= EAR_FORGETS && ear->does <= EAR_RENEWS)
        hub_forget(ear->hub, other->ends[0], &other->watcher);
    if (ear->does == EAR_BURIES)
        hub_bury(ear->hub, other);
    if (ear->does == EAR_RENEWS)
        CU_ASSERT_EQUAL(hub_watch(ear->hub, other->ends[0], EPOLLIN, &other->watcher), 0);
    if (ear->does == EAR_TURNS)
        CU_ASSERT_EQUAL(hub_turn(ear->hub, 0, error), 0);
    return ear->does == EAR_FAILS ? error_set(error, ERROR_BROKEN, "an ear fails") : 0;
}

static struct ear *ear_new(struct hub *hub)
{
    struct ear *ear = calloc(1, sizeof *ear);
    CU_ASSERT_PTR_NOT_NULL_FATAL(ear);
    ear->watcher.ready = heard;
    ear->hub = hub;
    CU_ASSERT_EQUAL_FATAL(pipe2(ear->ends, O_CLOEXEC | O_NONBLOCK), 0);
    CU_ASSERT_EQUAL_FATAL(hub_watch(hub, ear->ends[0], EPOLLIN, &ear->watcher), 0);
    return ear;
}

static void ear_free(struct ear *ear)
{
    close(ear->ends[0]);
    close(ear->ends[1]);
    free(ear);
}

static void tell(struct ear *ear)
{
    CU_ASSERT_EQUAL(write(ear->ends[1], "x", 1), 1);
}

static void turn(struct hub *hub)
{
    struct error error = {.code = ERROR_NONE};
    CU_ASSERT_EQUAL(hub_turn(hub, 0, &error), 0);
}

static void serves_what_is_ready(void)
{
    struct hub hub;
    CU_ASSERT_EQUAL_FATAL(hub_open(&hub, NULL), 0);
    struct ear *ears[100];
    for (unsigned i = 0; i < 100; i++) {
        ears[i] = ear_new(&hub);
        tell(ears[i]);
    }
    unsigned sum = 0;
    turn(&hub);
    for (unsigned i = 0; i < 100; i++)
        sum += ears[i]->heard;
    CU_ASSERT_EQUAL(sum, 64);
    turn(&hub);
    for (unsigned i = 0; i < 100; i++) {
        CU_ASSERT_EQUAL(ears[i]->heard, 1);
        ear_free(ears[i]);
    }
    hub_close(&hub);
}

/* Of two that are ready, whichever is served first forgets the other. */
static void forgotten_is_not_served(void)
{
    struct hub hub;
    CU_ASSERT_EQUAL_FATAL(hub_open(&hub, NULL), 0);
    struct ear *a = ear_new(&hub), *b = ear_new(&hub);
    a->other = b;
    b->other = a;
    a->does = b->does = EAR_FORGETS;
    tell(a);
    tell(b);
    turn(&hub);
    CU_ASSERT_EQUAL(a->heard + b->heard, 1);
    turn(&hub);
    CU_ASSERT_EQUAL(a->heard + b->heard, 1);
    ear_free(a);
    ear_free(b);
    hub_close(&hub);
}

/* One that was watched anew within a turn is not served with what the turn held for its predecessor. */
static void renewed_waits_for_the_next(void)
{
    struct hub hub;
    CU_ASSERT_EQUAL_FATAL(hub_open(&hub, NULL), 0);
    struct ear *a = ear_new(&hub), *b = ear_new(&hub);
    turn(&hub);
    a->other = b;
    b->other = a;
    a->does = b->does = EAR_RENEWS;
    tell(a);
    tell(b);
    turn(&hub);
    CU_ASSERT_EQUAL(a->heard + b->heard, 1);
    turn(&hub);
    CU_ASSERT_EQUAL(a->heard + b->heard, 2);
    ear_free(a);
    ear_free(b);
    hub_close(&hub);
}

/* Buried memory is there until the outermost turn is over: a sanitizer sees that it is, and that it goes. */
static void buried_stays_for_the_turn(void)
{
    struct hub hub;
    CU_ASSERT_EQUAL_FATAL(hub_open(&hub, NULL), 0);
    struct ear *pairs[40][2];
    for (unsigned i = 0; i < 40; i++) {
        struct ear *a = pairs[i][0] = ear_new(&hub), *b = pairs[i][1] = ear_new(&hub);
        a->other = b;
        b->other = a;
        a->does = b->does = EAR_BURIES;
        tell(a);
        tell(b);
    }
    hub.deep++; /* as from within a turn */
    turn(&hub);
    turn(&hub);
    hub.deep--;
    for (unsigned i = 0; i < 40; i++) {
        CU_ASSERT_EQUAL(pairs[i][0]->heard + pairs[i][1]->heard, 1);
        for (unsigned k = 0; k < 4; k++)
            close(pairs[i][k / 2]->ends[k % 2]);
        free(pairs[i][pairs[i][0]->heard ? 0 : 1]);
    }
    hub_close(&hub);
}

static void turns_within_turns(void)
{
    struct hub hub;
    CU_ASSERT_EQUAL_FATAL(hub_open(&hub, NULL), 0);
    struct ear *a = ear_new(&hub), *b = ear_new(&hub);
    a->does = EAR_TURNS;
    tell(a);
    turn(&hub);
    tell(a);
    tell(a);
    tell(b);
    turn(&hub);
    CU_ASSERT_EQUAL(a->heard, 3);
    CU_ASSERT_EQUAL(b->heard, 1);
    ear_free(a);
    ear_free(b);
    hub_close(&hub);
}

static void failure_ends_the_turn(void)
{
    struct hub hub;
    struct error error = {.code = ERROR_NONE};
    CU_ASSERT_EQUAL_FATAL(hub_open(&hub, NULL), 0);
    struct ear *a = ear_new(&hub);
    a->does = EAR_FAILS;
    tell(a);
    CU_ASSERT_EQUAL(hub_turn(&hub, 0, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_BROKEN);
    CU_ASSERT_EQUAL(hub.deep, 0);
    ear_free(a);
    hub_close(&hub);
}

/* --- timers ------------------------------------------------------------------------------------------------------ */

struct bell {
    struct hub_timer timer;
    struct hub *hub;
    int64_t again_ns; /* 0: not */
    unsigned rung;
    unsigned *order, place; /* which it was of all that rang */
};

static void rung(struct hub_timer *timer)
{
    struct bell *bell = (struct bell *)timer;
    CU_ASSERT_EQUAL(timer->due, 0);
    bell->rung++;
    bell->place = ++*bell->order;
    if (bell->again_ns)
        hub_timer_set(bell->hub, timer, hub_now() + bell->again_ns);
}

static void timers_ring_in_order(void)
{
    struct hub hub;
    unsigned order = 0;
    struct bell bells[5];
    const int64_t now = hub_now();
    static const int after_ms[] = {30, 10, 20, 5, 10};
    CU_ASSERT_EQUAL_FATAL(hub_open(&hub, NULL), 0);
    for (unsigned i = 0; i < 5; i++) {
        bells[i] = (struct bell){.timer.ring = rung, .hub = &hub, .order = &order};
        hub_timer_set(&hub, &bells[i].timer, now + after_ms[i] * MS);
    }
    hub_timer_set(&hub, &bells[1].timer, now + 25 * MS);
    hub_timer_stop(&hub, &bells[3].timer);
    hub_timer_stop(&hub, &bells[3].timer);
    while (bells[0].rung == 0) {
        CU_ASSERT_EQUAL_FATAL(hub_turn(&hub, -1, NULL), 0);
        CU_ASSERT(bells[1].rung == 0 || hub_now() >= now + 25 * MS);
    }
    CU_ASSERT_EQUAL(bells[3].rung, 0);
    CU_ASSERT_EQUAL(bells[4].place, 1);
    CU_ASSERT_EQUAL(bells[2].place, 2);
    CU_ASSERT_EQUAL(bells[1].place, 3);
    CU_ASSERT_EQUAL(bells[0].place, 4);
    CU_ASSERT_PTR_NULL(hub.timers);
    hub_close(&hub);
}

/* A timer that sets itself again rings once each time, also while somebody always has something to say. */
static void timer_again_under_load(void)
{
    struct hub hub;
    unsigned order = 0;
    CU_ASSERT_EQUAL_FATAL(hub_open(&hub, NULL), 0);
    struct bell bell = {.timer.ring = rung, .hub = &hub, .order = &order, .again_ns = 2 * MS};
    struct ear *ear = ear_new(&hub);
    hub_timer_set(&hub, &bell.timer, hub_now());
    while (bell.rung < 3) {
        tell(ear);
        CU_ASSERT_EQUAL_FATAL(hub_turn(&hub, -1, NULL), 0);
    }
    CU_ASSERT(ear->heard > 0);
    ear_free(ear);
    hub_close(&hub);
}

static void turn_waits_no_longer(void)
{
    struct hub hub;
    unsigned order = 0;
    CU_ASSERT_EQUAL_FATAL(hub_open(&hub, NULL), 0);
    struct bell bell = {.timer.ring = rung, .hub = &hub, .order = &order};
    const int64_t begun = hub_now();
    hub_timer_set(&hub, &bell.timer, begun + 60000 * MS);
    CU_ASSERT_EQUAL(hub_turn(&hub, 20, NULL), 0);
    int64_t took = hub_now() - begun;
    CU_ASSERT(took >= 20 * MS && took < 30000 * MS);
    CU_ASSERT_EQUAL(bell.rung, 0);
    hub_close(&hub);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "hub: a turn serves what is ready", .run = serves_what_is_ready},
        {.name = "hub: who is forgotten in a turn is not served", .run = forgotten_is_not_served},
        {.name = "hub: who is watched anew waits for the next turn", .run = renewed_waits_for_the_next},
        {.name = "hub: what is buried stays until the turn is over", .run = buried_stays_for_the_turn},
        {.name = "hub: a turn within a turn", .run = turns_within_turns},
        {.name = "hub: a failure ends the turn", .run = failure_ends_the_turn},
        {.name = "hub: timers ring in order, and at their time", .run = timers_ring_in_order},
        {.name = "hub: a timer rings under load", .run = timer_again_under_load},
        {.name = "hub: a turn waits no longer than it is told", .run = turn_waits_no_longer},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
