/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * stream.c - items made one after the other, applied, and their results handed over as they come.
 *
 * As many are under way as the pool's window has places, so that whoever makes them is held back by whoever takes their
 * results. What ends a stream is the first failure; what is in flight then still ends, and in order, or until it
 * failed itself, is still taken. */
#include "bench/ipc/task.h"

#include <stdlib.h>

#define LOOK_NS INT64_C(1000000000) /* one turn of a wait without end */

/* An item under way. */
struct place {
    struct current *current;
    struct async *async; /* NULL: none */
    uint64_t index;
    struct place *next; /* over, in the order in which they came */
};

struct current {
    struct pool *pool;
    const struct stream *stream;
    struct place *places; /* setup.window of them: by index modulo it, or, unordered, wherever there is room */
    void *in, *out;
    uint64_t made, taken; /* taken: or dropped */
    bool dry;             /* nothing more is made */
    bool refused;         /* nothing more is taken */
    bool ended;           /* by an error, which is this one: */
    struct error error;
    struct place *over, **over_last;
};

/* Of several the one of the lowest item; what was cancelled for want of another says least. */
static void fail(struct current *c, const struct error *why, uint64_t index)
{
    bool better = why->code != ERROR_CANCELLED && (c->error.code == ERROR_CANCELLED || index < c->error.item);
    if (!c->ended || better) {
        c->error = *why;
        c->error.item = index;
    }
    c->ended = c->dry = true;
}

static void note_over(void *arg, struct async *async)
{
    struct place *place = arg;
    (void)async;
    place->next = NULL;
    *place->current->over_last = place;
    place->current->over_last = &place->next;
}

static struct place *free_place(struct current *c)
{
    struct place *place = &c->places[c->made % c->pool->setup.window];
    for (unsigned i = 0; c->stream->unordered && place->async; i++)
        place = &c->places[i];
    return place;
}

static int apply(struct current *c, struct error *why)
{
    const struct stream *s = c->stream;
    struct place *place = free_place(c);
    const struct apply apply = {
        .fn = s->fn, .argument = s->argument, .in = c->in, .over = s->unordered ? note_over : NULL, .arg = place};
    place->current = c;
    place->index = c->made;
    if (pool_apply_async(c->pool, &apply, NEVER, &place->async, why))
        return -1;
    c->made++;
    return 0;
}

static void make_one(struct current *c)
{
    struct error why = {.code = ERROR_NONE};
    int made = pool_check_running(c->pool, &why) ? -1 : c->stream->make(c->stream->arg, c->made, c->in, &why);
    c->dry = made == 0;
    if (made == 0 || (made > 0 && apply(c, &why) == 0))
        return;
    if (why.code == ERROR_NONE)
        error_set(&why, ERROR_FAILED, "item %llu of the stream could not be made", (unsigned long long)c->made);
    fail(c, &why, c->made);
}

static void take(struct current *c, struct place *place)
{
    const struct stream *s = c->stream;
    struct error why = {.code = ERROR_NONE};
    int result = async_get(place->async, NEVER, c->out, &why);
    if (result) {
        c->refused |= !s->unordered;
    } else if (!c->refused && s->take && s->take(s->arg, place->index, c->out, &why)) {
        result = -1;
        c->refused = true;
        if (why.code == ERROR_NONE)
            error_set(&why, ERROR_FAILED, "the result of item %llu was not taken", (unsigned long long)place->index);
    }
    if (result)
        fail(c, &why, place->index);
    async_free(place->async);
    place->async = NULL;
    c->taken++;
}

/* The next that is to be taken, once it is over. */
static struct place *await_next(struct current *c)
{
    struct place *place = &c->places[c->taken % c->pool->setup.window];
    if (!c->stream->unordered) {
        async_wait(place->async, NEVER, NULL);
        return place;
    }
    while (!c->over)
        tasks_serve(c->pool, LOOK_NS, NULL);
    place = c->over;
    c->over = place->next;
    if (!c->over)
        c->over_last = &c->over;
    return place;
}

static bool next_is_over(struct current *c)
{
    if (c->taken == c->made)
        return false;
    if (!c->stream->unordered)
        return async_ready(c->places[c->taken % c->pool->setup.window].async);
    if (!c->over)
        tasks_serve(c->pool, 0, NULL);
    return c->over;
}

static void run(struct current *c)
{
    while (!c->dry || c->taken < c->made) {
        if (!c->dry && c->made - c->taken < c->pool->setup.window)
            make_one(c);
        else
            take(c, await_next(c));
        while (next_is_over(c))
            take(c, await_next(c));
    }
}

int pool_stream(struct pool *pool, const struct stream *stream, struct error *error)
{
    if (pool_check_running(pool, error))
        return -1;
    const struct setup *setup = &pool->setup;
    if (setup->window == 0)
        return error_set(error, ERROR_USE, "this pool takes no streams: setup.window is 0");
    struct current c = {.pool = pool, .stream = stream, .over_last = &c.over};
    c.places = calloc(setup->window, sizeof *c.places);
    c.in = calloc(1, setup->in_size);
    c.out = calloc(1, setup->out_size);
    int result = -1;
    if (c.places && c.in && c.out) {
        run(&c);
        result = c.ended ? -1 : 0;
        if (error && c.ended)
            *error = c.error;
    } else
        error_system(error, "no memory for a stream");
    free(c.out);
    free(c.in);
    free(c.places);
    return result;
}
