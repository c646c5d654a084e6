/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_manager.c - pools that are served by address: several at once, guests, deaths on either side, and clients that
 * mean no good. */
#include "bench/ipc/channel.h"
#include "bench/ipc/hub.h"
#include "bench/ipc/reach.h"
#include "tests/frame.h"
#include "tests/processes.h"
#include "tests/served.h"

#include <CUnit/CUnit.h>

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define KEY    "a key of thirty-two bytes or so."
#define ITEMS  1000

/* --- pools ------------------------------------------------------------------------------------------------------- */

static int square(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    const uint64_t *from = in;
    uint64_t *to = out;
    (void)w, (void)ctx, (void)argument, (void)first;
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] * from[i];
    return 0;
}

struct served_pool {
    struct pool *pool;
    struct object *counter, *list, *lock;
    struct manager_at at;
};

static void open_pool(struct served_pool *p, const struct served *s, const char *session, struct setup more)
{
    struct error error;
    p->at = s->at;
    p->at.session = session;
    more.workers = 2;
    more.items = ITEMS;
    more.in_size = more.out_size = sizeof(uint64_t);
    more.manager = &p->at;
    CU_ASSERT_EQUAL_FATAL(pool_open(&p->pool, served_strategy(), &more, &error), 0);
    p->counter = counter_new(p->pool, &error);
    p->list = list_new(p->pool, 8, 100000, &error);
    p->lock = lock_new(p->pool, &error);
    CU_ASSERT_FATAL(p->counter && p->list && p->lock);
    int started = pool_start(p->pool, &error);
    if (started)
        fprintf(stderr, "%s\n", error.text);
    CU_ASSERT_EQUAL_FATAL(started, 0);
}

static void close_pool(struct served_pool *p)
{
    CU_ASSERT_EQUAL(pool_free(p->pool, 5 * SECOND, NULL), 0);
}

static void check_map(struct pool *pool)
{
    uint64_t *in = pool_in(pool), *out = pool_out(pool), wrong = 0;
    for (uint64_t i = 0; i < ITEMS; i++)
        in[i] = i;
    CU_ASSERT_EQUAL(pool_map(pool, square, 0, ITEMS, 7, NULL), 0);
    for (uint64_t i = 0; i < ITEMS; i++)
        wrong += out[i] != i * i;
    CU_ASSERT_EQUAL(wrong, 0);
}

static int64_t add(struct pool *pool, struct object *counter, int64_t delta)
{
    int64_t previous = -1;
    CU_ASSERT_EQUAL(counter_add(pool_parent(pool), counter, &delta, &previous, 1), 1);
    return previous;
}

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
        open_pool(&one, &s, NULL, (struct setup){.window = 0});
        open_pool(&two, &s, NULL, (struct setup){.window = 0});
        CU_ASSERT_EQUAL(pool_service(one.pool), 0);
        CU_ASSERT_EQUAL(add(one.pool, one.counter, 5), 0);
        CU_ASSERT_EQUAL(add(two.pool, two.counter, 7), 0);
        check_map(one.pool);
        check_map(two.pool);
        CU_ASSERT_EQUAL(add(one.pool, one.counter, 1), 5);
        close_pool(&one);
        check_map(two.pool);
        close_pool(&two);
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
    open_pool(&p, &s, "here", (struct setup){.window = 0});
    struct pool *one = join(&s, "here", &error), *two = join(&s, "here", &error);
    CU_ASSERT_FATAL(one && two);
    CU_ASSERT_PTR_NULL(pool_object(one, 3));
    CU_ASSERT_EQUAL(pool_object(one, 1)->kind, OBJECT_LIST);
    CU_ASSERT_EQUAL(add(one, pool_object(one, 0), 1), 0);
    CU_ASSERT_EQUAL(add(two, pool_object(two, 0), 1), 1);
    CU_ASSERT_EQUAL(add(p.pool, p.counter, 1), 2);
    CU_ASSERT_EQUAL(pool_each(one, NULL, &error), -1);
    check_map(p.pool);
    CU_ASSERT_EQUAL(pool_free(one, 0, NULL), 0);
    CU_ASSERT_EQUAL(lock_acquire(pool_parent(two), pool_object(two, 2), 0), 0);
    CU_ASSERT_EQUAL(lock_acquire(pool_parent(p.pool), p.lock, 0), CALL_TIMEOUT);
    CU_ASSERT_EQUAL(pool_free(two, 0, NULL), 0);
    CU_ASSERT_EQUAL(lock_acquire(pool_parent(p.pool), p.lock, 5 * SECOND), LOCK_ORPHANED);
    one = join(&s, "here", &error);
    close_pool(&p);
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
    open_pool(&p, &s, "taken", (struct setup){.window = 0});
    struct ask ask = {.role = CLIENT_PARENT, .name = "taken", .shape = served_shape()};
    enum verdict verdict;
    CU_ASSERT_EQUAL(served_enter(&s, &ask, NULL, &verdict), -1);
    CU_ASSERT_EQUAL(verdict, VERDICT_NAME_TAKEN);
    close_pool(&p);
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
        square(w, ctx, argument, (const uint64_t *)in + i, (uint64_t *)out + i, first + i, 1);
    }
    return 0;
}

static void a_worker_that_dies_is_replaced(void)
{
    struct served s;
    struct served_pool p;
    struct error error = {.code = ERROR_NONE};
    served_start(&s, "unix", NULL);
    open_pool(&p, &s, NULL, (struct setup){.deaths = 3});
    uint64_t *in = pool_in(p.pool), *out = pool_out(p.pool), lost = 0, wrong = 0;
    for (uint64_t i = 0; i < ITEMS; i++)
        in[i] = i;
    CU_ASSERT_EQUAL(pool_map(p.pool, die_at, 500, ITEMS, 10, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_DIED);
    for (uint64_t i = 0; i < ITEMS; i++) {
        lost += pool_outcome(p.pool, i) == OUTCOME_LOST;
        wrong += pool_outcome(p.pool, i) == OUTCOME_DONE && out[i] != i * i;
    }
    CU_ASSERT(lost >= 1 && pool_outcome(p.pool, 500) == OUTCOME_LOST);
    CU_ASSERT_EQUAL(wrong, 0);
    check_map(p.pool);
    CU_ASSERT_EQUAL(pool_replaced(p.pool), 1);
    close_pool(&p);
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
    open_pool(&p, &s, NULL, (struct setup){.processes = 1});
    for (int i = 0; i < 3; i++) {
        struct process *process = started(p.pool, take_lock_and_die, &p);
        CU_ASSERT_EQUAL(process_join(process, 10 * SECOND, &code, NULL), 0);
        CU_ASSERT_EQUAL(code, -SIGKILL);
        CU_ASSERT_EQUAL(process_free(process, NULL), 0);
        CU_ASSERT_EQUAL(lock_acquire(pool_parent(p.pool), p.lock, 10 * SECOND), LOCK_ORPHANED);
        CU_ASSERT_EQUAL(lock_release(pool_parent(p.pool), p.lock), 0);
    }
    close_pool(&p);
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

static void a_killed_manager_is_noticed(void)
{
    struct served s;
    struct served_pool p;
    struct error error = {.code = ERROR_NONE};
    int code = 0;
    served_start(&s, "unix", NULL);
    open_pool(&p, &s, NULL, (struct setup){.processes = 1, .window = 4});
    struct process *process = started(p.pool, add_until_refused, &p);
    check_map(p.pool);
    CU_ASSERT_EQUAL(served_end(&s, SIGKILL), 128 + SIGKILL);
    CU_ASSERT_EQUAL(process_join(process, 10 * SECOND, &code, NULL), 0);
    CU_ASSERT(code == -CALL_UNKNOWN || code == -CALL_BROKEN);
    CU_ASSERT_EQUAL(process_free(process, NULL), 0);
    CU_ASSERT_EQUAL(pool_map(p.pool, square, 0, ITEMS, 1, &error), -1);
    CU_ASSERT(error.code == ERROR_BROKEN || error.code == ERROR_DIED);
    CU_ASSERT(object_length(pool_parent(p.pool), p.list) < 0);
    pool_free(p.pool, 5 * SECOND, NULL);
}

/* One that is there and does nothing: what has a timeout keeps it. */
static void a_hung_manager_is_not_waited_for(void)
{
    struct served s;
    struct served_pool p;
    struct error error = {.code = ERROR_NONE};
    struct async *async = NULL;
    uint64_t in = 3, out = 0;
    const struct apply apply = {.fn = square, .in = &in};
    served_start(&s, "unix", NULL);
    open_pool(&p, &s, NULL, (struct setup){.window = 4});
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
    close_pool(&p);
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
}

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
    open_pool(&p, &s, NULL, (struct setup){.window = 0});
    int fd = served_enter(&s, &ask, NULL, NULL);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, frame, bytes), (ssize_t)bytes);
    if (expected)
        CU_ASSERT(closes(fd));
    check_map(p.pool);
    CU_ASSERT_EQUAL(add(p.pool, p.counter, 1), 0);
    close(fd);
    close_pool(&p);
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
    open_pool(&p, &s, NULL, (struct setup){.window = 0});
    CU_ASSERT_EQUAL(address_parse(&address, s.address, NULL), 0);
    for (int i = 0; i < SILENT; i++) {
        silent[i] = address_connect(&address, hub_now() + 10 * SECOND, NULL, NULL);
        CU_ASSERT(silent[i] >= 0);
        int64_t began = hub_now();
        CU_ASSERT_EQUAL(add(p.pool, p.counter, 1), i);
        int64_t took = hub_now() - began;
        longest = took > longest ? took : longest;
    }
    check_map(p.pool);
    CU_ASSERT(longest < SECOND);
    struct served_pool late;
    open_pool(&late, &s, NULL, (struct setup){.window = 0});
    check_map(late.pool);
    for (int i = 0; i < SILENT; i++)
        close(silent[i]);
    close_pool(&late);
    close_pool(&p);
    CU_ASSERT_EQUAL(served_end(&s, SIGTERM), 0);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"manager: pools are served at once", pools_are_served_at_once, 60},
        {"manager: guests share the objects of a session", guests_share_the_objects, 0},
        {"manager: names of sessions are checked", names_of_sessions_are_checked, 0},
        {"manager: a worker that dies is replaced", a_worker_that_dies_is_replaced, 0},
        {"manager: a lock of a dead client is passed on", a_lock_of_a_dead_client_is_passed_on, 0},
        {"manager: one that is killed is noticed", a_killed_manager_is_noticed, 0},
        {"manager: one that hangs is not waited for", a_hung_manager_is_not_waited_for, 0},
        {"manager: wrong keys break the start only", wrong_keys_break_the_start_only, 0},
        {"manager: half a frame harms nobody", half_a_frame_harms_nobody, 0},
        {"manager: a frame of 4 GiB is refused", a_frame_of_4_gib_is_refused, 0},
        {"manager: half an append appends nothing", half_an_append_appends_nothing, 0},
        {"manager: slots and tokens are checked", slots_and_tokens_are_checked, 0},
        {"manager: shapes are checked", shapes_are_checked, 0},
        {"manager: silent connections delay nobody", silent_connections_delay_nobody, 60},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
