/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_manager.c - pools that are served by address: several at once, guests, deaths on either side. */
#include "bench/ipc/door.h"
#include "bench/ipc/object.h"
#include "bench/strategies/manager_socket.h"
#include "tests/frame.h"
#include "tests/processes.h"
#include "tests/served.h"

#include <CUnit/CUnit.h>

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define KEY    "a key of thirty-two bytes or so."

static struct process *started(struct pool *pool, process_fn *fn, void *arg)
{
    struct process *process = NULL;
    CU_ASSERT_EQUAL_FATAL(process_start(&process, pool, fn, arg, NULL), 0);
    return process;
}

/* --- served ------------------------------------------------------------------------------------------------------ */

static void pools_are_served_at_once(void)
{
    for (int tcp = 0; tcp < 1 + handshake_can_prove(); tcp++) {
        struct served s;
        struct served_pool one, two;
        served_start(&s, tcp ? "tcp" : "unix", tcp ? KEY : NULL);
        served_pool_open(&one, &s, NULL, (struct setup){.window = 0});
        served_pool_open(&two, &s, NULL, (struct setup){.window = 0});
        CU_ASSERT_EQUAL(pool_service(one.pool), 0);
        CU_ASSERT_EQUAL(served_add(one.pool, one.counter, 5), 0);
        CU_ASSERT_EQUAL(served_add(two.pool, two.counter, 7), 0);
        served_map(one.pool);
        served_map(two.pool);
        CU_ASSERT_EQUAL(served_add(one.pool, one.counter, 1), 5);
        served_pool_close(&one);
        served_map(two.pool);
        served_pool_close(&two);
        CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
    }
}

static struct pool *join(const struct served *s, const char *session, struct error *error)
{
    struct manager_at at = s->at;
    struct pool *guest = NULL;
    at.session = session;
    at.guest = true;
    CU_ASSERT_EQUAL_FATAL(pool_open(&guest, served_strategy(), &(struct setup){.manager = &at}, error), 0);
    if (pool_start(guest, error) == 0)
        return guest;
    CU_ASSERT_EQUAL(pool_free(guest, 0, NULL), 0);
    return NULL;
}

static void guests_share_the_objects(void)
{
    struct served s;
    struct served_pool p;
    struct error error;
    served_start(&s, "unix", NULL);
    served_pool_open(&p, &s, "here", (struct setup){.window = 0});
    struct pool *one = join(&s, "here", &error), *two = join(&s, "here", &error);
    CU_ASSERT_FATAL(one && two);
    CU_ASSERT_PTR_NULL(pool_object(one, 3));
    CU_ASSERT_EQUAL(pool_object(one, 1)->kind, OBJECT_LIST);
    CU_ASSERT_EQUAL(served_add(one, pool_object(one, 0), 1), 0);
    CU_ASSERT_EQUAL(served_add(two, pool_object(two, 0), 1), 1);
    CU_ASSERT_EQUAL(served_add(p.pool, p.counter, 1), 2);
    /* it has no workers, and asking for them harms nothing */
    CU_ASSERT_EQUAL(pool_each(one, NULL, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_USE);
    CU_ASSERT_EQUAL(pool_map(one, NULL, 0, 8, 0, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_USE);
    CU_ASSERT_EQUAL(served_add(one, pool_object(one, 0), 0), 3);
    served_map(p.pool);
    CU_ASSERT_EQUAL(pool_free(one, 0, NULL), 0);
    CU_ASSERT_EQUAL(lock_acquire(pool_parent(two), pool_object(two, 2), 0), 0);
    CU_ASSERT_EQUAL(lock_acquire(pool_parent(p.pool), p.lock, 0), CALL_TIMEOUT);
    CU_ASSERT_EQUAL(pool_free(two, 0, NULL), 0);
    CU_ASSERT_EQUAL(lock_acquire(pool_parent(p.pool), p.lock, 5 * SECOND), LOCK_ORPHANED);
    one = join(&s, "here", &error);
    served_pool_close(&p);
    CU_ASSERT(object_length(pool_parent(one), pool_object(one, 1)) < 0);
    CU_ASSERT_EQUAL(pool_free(one, 0, NULL), 0);
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
}

static void names_of_sessions_are_checked(void)
{
    struct served s;
    struct served_pool p;
    struct error error;
    served_start(&s, "unix", NULL);
    CU_ASSERT_PTR_NULL(join(&s, "nowhere", &error));
    CU_ASSERT_EQUAL(error.code, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "no such session"));
    served_pool_open(&p, &s, "taken", (struct setup){.window = 0});
    struct ask ask = {.role = CLIENT_PARENT, .name = "taken", .shape = served_shape()};
    enum verdict verdict;
    CU_ASSERT_EQUAL(served_enter(&s, &ask, NULL, &verdict), -1);
    CU_ASSERT_EQUAL(verdict, VERDICT_NAME_TAKEN);
    served_pool_close(&p);
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
}

/* --- deaths ------------------------------------------------------------------------------------------------------ */

/* `argument`'s item kills its worker. */
static int die_at(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        item_begin(w, first + i);
        if (first + i == argument)
            raise(SIGKILL);
        served_square(w, ctx, argument, (const uint64_t *)in + i, (uint64_t *)out + i, first + i, 1);
    }
    return 0;
}

static void a_worker_that_dies_is_replaced(void)
{
    struct served s;
    struct served_pool p;
    struct error error = {.code = ERROR_NONE};
    served_start(&s, "unix", NULL);
    served_pool_open(&p, &s, NULL, (struct setup){.deaths = 3});
    uint64_t *in = pool_in(p.pool), *out = pool_out(p.pool), lost = 0, wrong = 0;
    for (uint64_t i = 0; i < SERVED_ITEMS; i++)
        in[i] = i;
    CU_ASSERT_EQUAL(pool_map(p.pool, die_at, 500, SERVED_ITEMS, 10, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_DIED);
    for (uint64_t i = 0; i < SERVED_ITEMS; i++) {
        lost += pool_outcome(p.pool, i) == OUTCOME_LOST;
        wrong += pool_outcome(p.pool, i) == OUTCOME_DONE && out[i] != i * i;
    }
    CU_ASSERT(lost >= 1 && pool_outcome(p.pool, 500) == OUTCOME_LOST);
    CU_ASSERT_EQUAL(wrong, 0);
    served_map(p.pool);
    CU_ASSERT_EQUAL(pool_replaced(p.pool), 1);
    served_pool_close(&p);
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
}

static void what_is_applied_is_served(void)
{
    struct served s;
    struct served_pool p;
    uint64_t wrong = 0;
    served_start(&s, "unix", NULL);
    served_pool_open(&p, &s, NULL, (struct setup){.window = 4, .recycle = 5});
    for (uint64_t i = 0; i < 50; i++) {
        struct async *async = NULL;
        uint64_t out = 0;
        const struct apply apply = {.fn = served_square, .in = &i};
        CU_ASSERT_EQUAL_FATAL(pool_apply_async(p.pool, &apply, 10 * SECOND, &async, NULL), 0);
        CU_ASSERT_EQUAL(async_get(async, 10 * SECOND, &out, NULL), 0);
        wrong += out != i * i;
        async_free(async);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(pool_recycled(p.pool) >= 8);
    served_map(p.pool);
    served_pool_close(&p);
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
}

/* One worker dies in its first step; each of the others makes one. */
static int64_t add_or_die(struct worker *w, void *ctx, size_t n)
{
    struct served_pool *p = ctx;
    int64_t delta = 1, previous;
    (void)n;
    if (w->slot == 0)
        raise(SIGKILL);
    return counter_add(w, p->counter, &delta, &previous, 1);
}

static size_t once(void *arg, uint32_t slot, size_t done, bool more)
{
    (void)arg, (void)slot;
    return more && done == 0;
}

static void a_death_in_a_loop_is_told(void)
{
    struct served s;
    struct served_pool p;
    struct error error = {.code = ERROR_NONE};
    served_start(&s, "unix", NULL);
    served_pool_open(&p, &s, NULL, (struct setup){.deaths = 9, .ctx = &p, .hooks = {.next = once}});
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(pool_each(p.pool, add_or_die, &error), -1);
        CU_ASSERT_EQUAL(error.code, ERROR_DIED);
        CU_ASSERT_EQUAL(served_add(p.pool, p.counter, 0), i + 1);
    }
    served_map(p.pool);
    served_pool_close(&p);
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
}

static int take_lock_and_die(struct worker *w, void *arg)
{
    const struct served_pool *p = arg;
    lock_acquire(w, p->lock, NEVER);
    raise(SIGKILL);
    return 0;
}

static void a_lock_of_a_dead_client_is_passed_on(void)
{
    struct served s;
    struct served_pool p;
    int code = 0;
    served_start(&s, "unix", NULL);
    served_pool_open(&p, &s, NULL, (struct setup){.processes = 1});
    for (int i = 0; i < 3; i++) {
        struct process *process = started(p.pool, take_lock_and_die, &p);
        CU_ASSERT_EQUAL(process_join(process, 10 * SECOND, &code, NULL), 0);
        CU_ASSERT_EQUAL(code, -SIGKILL);
        CU_ASSERT_EQUAL(process_free(process, NULL), 0);
        CU_ASSERT_EQUAL(lock_acquire(pool_parent(p.pool), p.lock, 10 * SECOND), LOCK_ORPHANED);
        CU_ASSERT_EQUAL(lock_release(pool_parent(p.pool), p.lock), 0);
    }
    served_pool_close(&p);
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
}

/* Until it is refused: then the refusal is the exit code. */
static int add_until_refused(struct worker *w, void *arg)
{
    const struct served_pool *p = arg;
    int64_t delta = 1, previous, got;
    while ((got = counter_add(w, p->counter, &delta, &previous, 1)) == 1)
        ;
    return (int)-got;
}

/* Its workers leave with it: that is nothing to tell. */
static void check_told_gone(const struct served *s, const struct error *error)
{
    char text[240];
    snprintf(text, sizeof text, "the manager at %s went away", s->address);
    CU_ASSERT_EQUAL(error->code, ERROR_BROKEN);
    CU_ASSERT_STRING_EQUAL(error->text, text);
    if (strcmp(error->text, text) != 0)
        fprintf(stderr, "%s\n", error->text);
}

static void a_killed_manager_is_noticed(void)
{
    struct served s;
    struct served_pool p;
    struct error error = {.code = ERROR_NONE};
    int code = 0;
    served_start(&s, "unix", NULL);
    served_pool_open(&p, &s, NULL, (struct setup){.processes = 1, .window = 4});
    struct process *process = started(p.pool, add_until_refused, &p);
    served_map(p.pool);
    CU_ASSERT_EQUAL(served_end(&s, SIGKILL), 128 + SIGKILL);
    CU_ASSERT_EQUAL(process_join(process, 10 * SECOND, &code, NULL), 0);
    CU_ASSERT(code == -CALL_UNKNOWN || code == -CALL_BROKEN);
    CU_ASSERT_EQUAL(process_free(process, NULL), 0);
    CU_ASSERT_EQUAL(pool_map(p.pool, served_square, 0, SERVED_ITEMS, 1, &error), -1);
    check_told_gone(&s, &error);
    CU_ASSERT(object_length(pool_parent(p.pool), p.list) < 0);
    pool_free(p.pool, 5 * SECOND, NULL);
}

/* An items_fn whose first item is the manager's end. */
static int end_manager(struct worker *w, void *ctx, uint64_t pid, const void *in, void *out, uint64_t first, size_t n)
{
    if (first == 0)
        kill((pid_t)pid, SIGKILL);
    return served_square(w, ctx, 0, in, out, first, n);
}

/* Whoever sees it first, parent or workers. */
static void a_manager_killed_in_a_map_is_told(void)
{
    for (int round = 0; round < 5; round++) {
        struct served s;
        struct served_pool p;
        struct error error = {.code = ERROR_NONE};
        served_start(&s, "unix", NULL);
        served_pool_open(&p, &s, NULL, (struct setup){.processes = 0});
        CU_ASSERT_EQUAL(pool_map(p.pool, end_manager, (uint64_t)s.pid, SERVED_ITEMS, 1, &error), -1);
        check_told_gone(&s, &error);
        pool_free(p.pool, 5 * SECOND, NULL);
        CU_ASSERT_EQUAL(served_end(&s, SIGKILL), 128 + SIGKILL);
    }
}

/* One that is there and does nothing: what has a timeout keeps it. */
static void a_hung_manager_is_not_waited_for(void)
{
    struct served s;
    struct served_pool p;
    struct error error = {.code = ERROR_NONE};
    struct async *async = NULL;
    uint64_t in = 3, out = 0;
    const struct apply apply = {.fn = served_square, .in = &in};
    served_start(&s, "unix", NULL);
    served_pool_open(&p, &s, NULL, (struct setup){.window = 4});
    kill(s.pid, SIGSTOP);
    CU_ASSERT_EQUAL(pool_apply_async(p.pool, &apply, SECOND, &async, NULL), 0);
    CU_ASSERT_EQUAL(async_get(async, SECOND / 10, &out, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_TIMEOUT);
    CU_ASSERT_EQUAL(pool_close(p.pool, NULL), 0);
    CU_ASSERT_EQUAL(pool_join(p.pool, SECOND / 10, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_TIMEOUT);
    kill(s.pid, SIGCONT);
    CU_ASSERT_EQUAL(async_get(async, 10 * SECOND, &out, NULL), 0);
    CU_ASSERT_EQUAL(out, 9);
    async_free(async);
    served_pool_close(&p);
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
}

/* After its timeout and a while more; the pool is broken then. */
static void a_lock_of_a_hung_manager_is_given_up(void)
{
    struct served s;
    struct served_pool p;
    served_start(&s, "unix", NULL);
    served_pool_open(&p, &s, NULL, (struct setup){.window = 0});
    kill(s.pid, SIGSTOP);
    CU_ASSERT_EQUAL(lock_acquire(pool_parent(p.pool), p.lock, SECOND / 10), CALL_UNKNOWN);
    CU_ASSERT(object_length(pool_parent(p.pool), p.list) < 0);
    CU_ASSERT_EQUAL(pool_map(p.pool, served_square, 0, SERVED_ITEMS, 1, NULL), -1);
    kill(s.pid, SIGCONT);
    pool_free(p.pool, 5 * SECOND, NULL);
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
}

/* A child may find no processor for long. */
static void a_pools_own_waits_at_the_door(void)
{
    struct pool *pool = NULL;
    const struct ask ask = {.role = CLIENT_PROBE};
    struct answer answer;
    struct error error = {.code = ERROR_NONE};
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, served_strategy(), &(struct setup){.workers = 1}, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
    const struct reach *reach = &((const struct manager *)pool->state)->reach;
    int fd = place_connect(&reach->place, hub_now() + SECOND, NULL);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&p, 1, (int)(DOOR_DEADLINE_NS * 3 / 2 / 1000000)), 0);
    CU_ASSERT_EQUAL(handshake_client(fd, &reach->key, &ask, &answer, hub_now() + 10 * SECOND, &error), 0);
    close(fd);
    CU_ASSERT_EQUAL(pool_free(pool, 5 * SECOND, NULL), 0);
}

#define LARGE ((size_t)72 << 20)

static void large_list(struct worker *self, struct object *list, unsigned char *bytes)
{
    const size_t half = LARGE / 16;
    CU_ASSERT_EQUAL(list_append(self, list, bytes, half), (int64_t)half);
    CU_ASSERT_EQUAL(list_append(self, list, bytes, half), (int64_t)half);
    CU_ASSERT_EQUAL(object_read(self, list, bytes, LARGE), (int64_t)LARGE);
    CU_ASSERT_EQUAL(list_pop(self, list, bytes, 2 * half), CALL_LARGE);
    CU_ASSERT_EQUAL(list_pop(self, list, bytes, 1), 1);
    CU_ASSERT_EQUAL(object_read(self, list, bytes, LARGE), CALL_LARGE);
    CU_ASSERT_EQUAL(object_length(self, list), (int64_t)(2 * half - 1));
}

/* What would have the others wait is refused, and nothing else is. */
static void what_is_too_large_is_refused(void)
{
    struct pool *pool = NULL;
    const size_t all = LARGE / 8, some = CALL_MANAGED_BYTES / 8, many = CALL_MANAGED_ENTRIES + 1;
    unsigned char *bytes = calloc(1, LARGE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, served_strategy(), &(struct setup){.workers = 1}, NULL), 0);
    struct object *array = array_new(pool, TYPE_U64, 0, all, NULL, NULL), *list = list_new(pool, 8, all, NULL),
                  *dict = dict_new(pool, 8, 8, 100, NULL);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, NULL), 0);
    struct worker *self = pool_parent(pool);
    CU_ASSERT_EQUAL(element_set(self, array, 0, bytes, all), CALL_LARGE);
    CU_ASSERT_EQUAL(element_set(self, array, 0, bytes, some), (int64_t)some);
    CU_ASSERT_EQUAL(element_get(self, array, 0, bytes, all), CALL_LARGE);
    CU_ASSERT_EQUAL(element_get(self, array, 1, bytes, some), (int64_t)some);
    CU_ASSERT_EQUAL(object_read(self, array, bytes, LARGE), CALL_LARGE);
    CU_ASSERT_EQUAL(object_read(self, array, bytes, CALL_MANAGED_BYTES), (int64_t)CALL_MANAGED_BYTES);
    CU_ASSERT_EQUAL(dict_remove(self, dict, bytes, (uint64_t *)(void *)bytes, many), CALL_LARGE);
    CU_ASSERT_EQUAL(dict_remove(self, dict, bytes, (uint64_t *)(void *)bytes, 2), 2);
    CU_ASSERT_EQUAL(dict_keys(self, dict, bytes, LARGE), 0);
    large_list(self, list, bytes);
    CU_ASSERT_EQUAL(pool_free(pool, 5 * SECOND, NULL), 0);
    free(bytes);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"manager: pools are served at once", pools_are_served_at_once, 60},
        {"manager: guests share the objects of a session", guests_share_the_objects, 0},
        {"manager: names of sessions are checked", names_of_sessions_are_checked, 0},
        {"manager: a worker that dies is replaced", a_worker_that_dies_is_replaced, 0},
        {"manager: what is applied is served, by workers that are recycled", what_is_applied_is_served, 0},
        {"manager: a death in a loop is told", a_death_in_a_loop_is_told, 0},
        {"manager: a lock of a dead client is passed on", a_lock_of_a_dead_client_is_passed_on, 0},
        {"manager: one that is killed is noticed", a_killed_manager_is_noticed, 0},
        {"manager: one that is killed in a map is told", a_manager_killed_in_a_map_is_told, 0},
        {"manager: a lock of one that hangs is given up", a_lock_of_a_hung_manager_is_given_up, 0},
        {"manager: one that hangs is not waited for", a_hung_manager_is_not_waited_for, 0},
        {"manager: what is too large is refused", what_is_too_large_is_refused, 60},
        {"manager: a pool's own waits at the door", a_pools_own_waits_at_the_door, 0},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
