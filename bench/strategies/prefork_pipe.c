/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * prefork_pipe.c - workers forked once, each with its own pair of pipes to the parent, who owns everything.
 *
 * A map travels as framed chunks, at most `depth` of them in flight per worker; the parent's ends never block, so it
 * reads results while it hands out tasks. An operation on an object is a message to the parent and its reply. The
 * parent serves all workers in one loop (ipc/server.h), so it is simple, nothing is shared, and one process is the
 * limit. A worker that ends wakes that loop by its pidfd; what it had not begun is handed out again, and where
 * setup.deaths or setup.recycle allow it another takes its place. */
#include "bench/ipc/child.h"
#include "bench/ipc/client.h"
#include "bench/ipc/descriptors.h"
#include "bench/ipc/object.h"
#include "bench/ipc/server.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MS_NS  INT64_C(1000000)
#define END_NS INT64_C(1000000000) /* for processes that were killed */

/* The end of a worker. */
struct ending {
    struct watcher watcher;
    struct pool *pool;
    uint32_t slot;
};

struct prefork {
    struct hub hub;
    struct server server;
    struct client client;   /* in a worker or process: its end */
    struct ending *endings; /* by worker */
};

struct ends {
    int to_child[2], to_parent[2];
    child_main *main; /* of a process; NULL: a worker */
    void *arg;
};

static struct prefork *prefork_of(const struct pool *pool)
{
    return pool->state;
}

static int prefork_open(struct pool *pool, struct error *error)
{
    struct prefork *prefork = calloc(1, sizeof *prefork);
    if (!prefork)
        return error_system(error, "no memory for a pool");
    pool->state = prefork;
    prefork->endings = calloc(pool->setup.workers, sizeof *prefork->endings);
    if (!prefork->endings) {
        error_system(error, "no memory for a pool");
        goto free_prefork;
    }
    if (pool_private_items(pool, error))
        goto free_endings;
    if (hub_open(&prefork->hub, error))
        goto free_items;
    if (server_open(&prefork->server, pool, &prefork->hub, false, 0, error))
        goto close_hub;
    return 0;
close_hub:
    hub_close(&prefork->hub);
free_items:
    pool_free_items(pool);
free_endings:
    free(prefork->endings);
free_prefork:
    free(prefork);
    return -1;
}

/* --- children ---------------------------------------------------------------------------------------------------- */

/* A child holds no end of another's pipes, so that each sees at once when the parent or the other is gone. */
static void keep_own_ends(const struct ends *ends)
{
    close(ends->to_child[1]);
    close(ends->to_parent[0]);
    descriptors_shed();
}

static int prefork_main(struct worker *self, void *arg)
{
    struct prefork *prefork = prefork_of(self->pool);
    struct ends *ends = arg;
    struct error error = {.code = ERROR_NONE};
    keep_own_ends(ends);
    if (client_open(&prefork->client, self, ends->to_child[0], ends->to_parent[1], &error)) {
        board_fault(self->pool, &error);
        return 1;
    }
    return ends->main ? ends->main(self, ends->arg) : client_serve(&prefork->client);
}

static void close_pair(const int pair[2])
{
    close(pair[0]);
    close(pair[1]);
}

static int start_child(struct pool *pool, unsigned slot, struct ends *ends, struct error *error)
{
    if (pipe2(ends->to_child, O_CLOEXEC))
        return error_system(error, "cannot open the pipes of process %u (limit on descriptors: ulimit -n)", slot);
    if (pipe2(ends->to_parent, O_CLOEXEC)) {
        error_system(error, "cannot open the pipes of process %u (limit on descriptors: ulimit -n)", slot);
        close_pair(ends->to_child);
        return -1;
    }
    if (child_spawn(&pool->roster[slot], pool, slot, prefork_main, ends, error)) {
        close_pair(ends->to_child);
        close_pair(ends->to_parent);
        return -1;
    }
    close(ends->to_child[0]);
    close(ends->to_parent[1]);
    return server_connect(&prefork_of(pool)->server, slot, ends->to_parent[0], ends->to_child[1], error);
}

static int start_worker(struct pool *pool, unsigned slot, struct error *error)
{
    struct prefork *prefork = prefork_of(pool);
    struct ends ends = {.main = NULL};
    if (start_child(pool, slot, &ends, error))
        return -1;
    if (hub_watch(&prefork->hub, pool->roster[slot].pidfd, EPOLLIN, &prefork->endings[slot].watcher))
        return error_system(error, "cannot watch worker %u", slot);
    return 0;
}

/* Others may still hold its pidfd, and would keep it among what is watched, were it only closed. */
static int worker_ended(struct watcher *watcher, uint32_t events, struct error *error)
{
    struct ending *ending = hub_owner(watcher, struct ending, watcher);
    struct pool *pool = ending->pool;
    struct prefork *prefork = prefork_of(pool);
    struct child *child = &pool->roster[ending->slot];
    const pid_t pid = child->pid;
    struct obituary o;
    int status = 0;
    (void)events;
    hub_forget(&prefork->hub, child->pidfd, watcher);
    if (child_wait(child, &status))
        return 0;
    board_obituary(pool, ending->slot, pid, status, &o);
    if (server_bury(&prefork->server, &o, error) || pool_survives(pool, &o, error))
        return -1;
    return start_worker(pool, ending->slot, error);
}

/* --- life -------------------------------------------------------------------------------------------------------- */

static int serve_on(struct pool *pool, struct error *error)
{
    return hub_turn(&prefork_of(pool)->hub, -1, error);
}

/* Returns when all workers are bound and listen: those that come in the place of others, too. */
static int await_workers(struct pool *pool, struct error *error)
{
    while (prefork_of(pool)->server.standing < pool->setup.workers)
        if (serve_on(pool, error))
            return -1;
    return 0;
}

static int prefork_start(struct pool *pool, struct error *error)
{
    struct prefork *prefork = prefork_of(pool);
    for (unsigned i = 0; i < pool->setup.workers; i++) {
        prefork->endings[i] = (struct ending){.watcher.ready = worker_ended, .pool = pool, .slot = i};
        if (start_worker(pool, i, error))
            return -1;
    }
    return await_workers(pool, error);
}

/* Processes that are still there are not waited for. */
static void end_processes(struct pool *pool)
{
    for (unsigned i = pool->setup.workers; i < pool_slots(pool); i++)
        if (pool->roster[i].pid > 0)
            syscall(SYS_pidfd_send_signal, pool->roster[i].pidfd, SIGKILL, NULL, 0);
    children_reap(&pool->roster[pool->setup.workers], pool->setup.processes, END_NS, pool, NULL);
}

/* Closing the channels tells the workers to leave. */
static int prefork_stop(struct pool *pool, int64_t grace_ns, struct error *error)
{
    struct prefork *prefork = prefork_of(pool);
    server_close(&prefork->server);
    hub_close(&prefork->hub);
    end_processes(pool);
    return children_leave(pool, grace_ns, error);
}

static void prefork_close(struct pool *pool)
{
    for (unsigned i = 0; i < pool->object_count; i++)
        object_state_free(&pool->objects[i]);
    pool_free_items(pool);
    free(prefork_of(pool)->endings);
    free(pool->state);
}

/* --- work -------------------------------------------------------------------------------------------------------- */

static int prefork_map(struct pool *pool, struct error *error)
{
    struct server *server = &prefork_of(pool)->server;
    const struct map_order *order = &pool->board->order;
    if (server_map(server, &(struct map_shape){.n = order->n, .chunk = order->chunk}, error))
        return -1;
    while (server->returned < order->n)
        if (serve_on(pool, error)) {
            server_cancel(server);
            return -1;
        }
    return 0;
}

static int prefork_each(struct pool *pool, struct error *error)
{
    struct server *server = &prefork_of(pool)->server;
    if (await_workers(pool, error) || server_each(server, error))
        return -1;
    while (server->looping > 0)
        if (serve_on(pool, error))
            return -1;
    if (server->cut > 0)
        return child_report(pool, server->cut_by.slot, server->cut_by.pid, server->cut_by.status, error);
    return server->parked_badly ? error_set(error, ERROR_FAILED, "a step failed in a worker") : 0;
}

static int prefork_post(struct pool *pool, unsigned ticket, struct error *error)
{
    return server_post(&prefork_of(pool)->server, ticket, error);
}

static int prefork_turn(struct pool *pool, int64_t timeout_ns, struct error *error)
{
    int64_t ms = timeout_ns <= 0 ? 0 : (timeout_ns - 1) / MS_NS + 1;
    ms = timeout_ns == NEVER ? -1 : ms < INT32_MAX ? ms : INT32_MAX;
    return hub_turn(&prefork_of(pool)->hub, (int)ms, error);
}

/* --- processes and objects --------------------------------------------------------------------------------------- */

static int prefork_enlist(struct pool *pool, uint32_t slot, child_main *main, void *arg, struct error *error)
{
    struct ends ends = {.main = main, .arg = arg};
    return start_child(pool, slot, &ends, error);
}

static int prefork_discharge(struct pool *pool, uint32_t slot, struct error *error)
{
    return server_bury(&prefork_of(pool)->server, &(struct obituary){.slot = slot, .item = ITEM_NONE}, error);
}

/* The parent owns the objects; everybody else asks it. */
static int64_t prefork_call(struct worker *w, struct object *object, const struct call *call)
{
    struct prefork *prefork = prefork_of(object->pool);
    if (w->slot == SLOT_PARENT)
        return server_call(&prefork->server, object, call);
    return client_call(&prefork->client, object, call);
}

static int prefork_create(struct object *object, struct error *error)
{
    object->call = prefork_call;
    return object_state_new(object, error);
}

static const struct variant prefork_variants[] = {
    {
        .name = "pipe",
        .summary = "a pair of pipes per worker",
        .visible = "once acknowledged",
        .lacks = {[NEED_RAW] = "a raw operation belongs to limits", [NEED_PROCESS] = PROCESS_IS_ALONE},
        /* a map does not wait for each reply */
        .limit = {[NEED_COUNTER] = "pipe-trip", [NEED_LIST] = "pipe-trip"},
        .limit_carries_chunk = {true, true, true, false},
    },
    {.name = NULL},
};

const struct strategy strategy_prefork_pipe = {
    .name = "prefork-pipe",
    .summary =
        "workers forked once, a pair of pipes each; the parent owns the objects; who waits looks a while, then sleeps",
    .does_map =
        "workers forked once, each with its own pipe pair; framed chunks, bounded credits, both directions always "
        "serviced",
    .does_counter = "a message to the owner (the parent), and its reply",
    .does_list = "a message to the owner (the parent), and its reply",
    .does_array = "a message to the owner (the parent), and its reply",
    .does_dict = "a message to the owner (the parent), and its reply",
    .does_lock = "a queue in the owner (the parent); whoever waits gets the reply when it is their turn",
    .does_async = "a message to the next idle worker, and its result",
    .role = ROLE_COMPARED,
    .serves = true,
    .variants = prefork_variants,
    .open = prefork_open,
    .start = prefork_start,
    .stop = prefork_stop,
    .close = prefork_close,
    .map = prefork_map,
    .each = prefork_each,
    .create = prefork_create,
    .depth = server_depth,
    .post = prefork_post,
    .turn = prefork_turn,
    .enlist = prefork_enlist,
    .discharge = prefork_discharge,
};
