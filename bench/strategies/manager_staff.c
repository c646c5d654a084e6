/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * manager_staff.c - the processes of a pool that a manager serves: forked, entering its session, looked after,
 * replaced.
 *
 * The manager may be on another machine, so it learns of a worker's end from the parent, who has it reaped: an obituary
 * says what the worker had begun. The manager settles that and answers; then the place is free, and the next worker is
 * forked into it. */
#include "bench/ipc/descriptors.h"
#include "bench/ipc/hub.h"
#include "bench/strategies/manager_socket.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS      (STAFF_TICK_MS * INT64_C(1000000))
#define SOON_MS      1                   /* a worker that has left its channel is about to be reaped */
#define GONE_LOOKS   50                  /* of SOON_MS, for the end of a manager that a worker saw first */
#define PLACE_NS     INT64_C(1000000000) /* how long a process's place may take to be free */
#define PLACE_TRY_NS 1000000

static struct manager *of(const struct pool *pool)
{
    return pool->state;
}

/* --- entering ---------------------------------------------------------------------------------------------------- */

static int enter(struct manager *manager, uint32_t slot, struct answer *answer, struct error *error)
{
    struct ask ask = {.role = CLIENT_SLOT, .slot = slot};
    for (int i = 0; i < TOKEN_BYTES; i++)
        ask.token[i] = manager->token[i];
    return reach_enter(&manager->reach, &ask, answer, error);
}

static int worker_main(struct worker *self, void *arg)
{
    struct manager *manager = arg;
    struct error error = {.code = ERROR_NONE};
    struct answer answer;
    descriptors_shed();
    int fd = enter(manager, self->slot, &answer, &error);
    if (fd < 0 && atomic_load(&self->pool->board->leaving))
        return 0;
    if (fd < 0 || client_open(&manager->client, self, fd, fd, &error)) {
        board_fault(self->pool, &error);
        return 1;
    }
    manager->client.managed = true;
    manager->client.grace_ns = HUNG_NS;
    return client_serve(&manager->client);
}

int staff_spawn(struct pool *pool, unsigned slot, struct error *error)
{
    return child_spawn(&pool->roster[slot], pool, slot, worker_main, of(pool), error);
}

/* --- who has ended ----------------------------------------------------------------------------------------------- */

/* The workers of a manager by address leave when it does: that is its end, not theirs, if none of them says more. */
static int gone(struct pool *pool, struct error *error)
{
    const struct manager *manager = of(pool);
    char where[ADDRESS_TEXT];
    struct error broken;
    if (!pool->setup.manager) {
        error_set(&broken, ERROR_BROKEN, "the manager went away before its time");
        return children_blame(pool, &broken, error);
    }
    if (atomic_load(&pool->board->fault.state) == FAULT_TOLD)
        return error_set(error, ERROR_BROKEN, "%s", pool->board->fault.error.text);
    return error_set(error, ERROR_BROKEN, "the manager at %s went away", place_print(&manager->reach.place, where));
}

static bool manager_left_too(struct manager *manager)
{
    for (unsigned looks = 0; looks < GONE_LOOKS; looks++)
        if (client_turn(&manager->client, SOON_MS) < 0)
            return true;
    return false;
}

/* Who left by himself may have left for want of one whose death is not complete yet. */
static int told_apart(struct pool *pool, const struct obituary *o, const struct error *first, struct error *error)
{
    if (pool->setup.manager && !WIFSIGNALED(o->status) && manager_left_too(of(pool)))
        return gone(pool, error);
    if (!WIFSIGNALED(o->status))
        return children_blame(pool, first, error);
    if (error)
        *error = *first;
    return -1;
}

static int dig(struct graves *graves, const struct obituary *o)
{
    if (graves->count == graves->most) {
        size_t most = graves->most ? 2 * graves->most : 8;
        struct obituary *at = realloc(graves->at, most * sizeof *at);
        if (!at)
            return -1;
        graves->at = at;
        graves->most = most;
    }
    graves->at[graves->count++] = *o;
    return 0;
}

static int look(struct pool *pool, struct error *error)
{
    struct manager *manager = of(pool);
    struct obituary o;
    struct error first = {.code = ERROR_NONE};
    while (children_next_ended(pool, &o)) {
        if (pool_survives(pool, &o, &first))
            return told_apart(pool, &o, &first, error);
        if (dig(&manager->graves, &o))
            return error_system(error, "no memory for an obituary");
        manager->buried[o.slot] = manager->any_buried = true;
    }
    return 0;
}

static int replace(struct pool *pool, struct error *error)
{
    struct manager *manager = of(pool);
    manager->any_buried = false;
    for (unsigned i = 0; i < pool->setup.workers; i++) {
        if (!manager->buried[i])
            continue;
        manager->buried[i] = false;
        if (staff_spawn(pool, i, error))
            return -1;
    }
    return 0;
}

/* --- turns ------------------------------------------------------------------------------------------------------- */

static int send_obituaries(struct manager *manager)
{
    struct graves *graves = &manager->graves;
    size_t sent = 0;
    int put = 1;
    while (sent < graves->count && (put = client_mourn(&manager->client, &graves->at[sent])) > 0)
        sent++;
    for (size_t i = sent; i < graves->count && sent > 0; i++)
        graves->at[i - sent] = graves->at[i];
    graves->count -= sent;
    return put;
}

int staff_send(struct pool *pool, struct error *error)
{
    struct manager *manager = of(pool);
    int put = manager->graves.count > 0 ? send_obituaries(manager) : 1;
    while (put > 0 && manager->unsent.count > 0) {
        put = client_post(&manager->client, (unsigned)frames_at(&manager->unsent, 0)->first);
        if (put > 0)
            frames_pop(&manager->unsent);
    }
    if (put >= 0 && channel_flush(&manager->client.channel) < 0)
        put = -1;
    return put < 0 ? gone(pool, error) : 0;
}

static bool someone_is_missing(const struct pool *pool, const struct manager *manager)
{
    return manager->complete && manager->client.standing < pool->setup.workers;
}

int staff_turn(struct pool *pool, int timeout_ms, struct error *error)
{
    struct manager *manager = of(pool);
    if ((manager->graves.count > 0 || manager->unsent.count > 0) && staff_send(pool, error))
        return -1;
    bool missing = someone_is_missing(pool, manager);
    int got = client_turn(&manager->client, missing && timeout_ms > SOON_MS ? SOON_MS : timeout_ms);
    if (got < 0)
        return gone(pool, error);
    const int64_t now = hub_now();
    if (!missing && got > 0 && now - manager->looked < TICK_NS && !someone_is_missing(pool, manager))
        return 0;
    manager->looked = now;
    if (look(pool, error))
        return -1;
    if (manager->any_buried && manager->graves.count == 0 && manager->client.burials == 0)
        return replace(pool, error);
    return 0;
}

/* While an obituary is under way, what the manager has told of who is there may be old. */
static bool all_stand(const struct manager *manager)
{
    return manager->client.greeted && manager->client.burials == 0 && manager->graves.count == 0 &&
           !manager->any_buried;
}

int staff_await(struct pool *pool, struct error *error)
{
    struct manager *manager = of(pool);
    while (!all_stand(manager))
        if (staff_turn(pool, STAFF_TICK_MS, error))
            return -1;
    manager->complete = true;
    return 0;
}

/* --- processes --------------------------------------------------------------------------------------------------- */

struct recruit {
    struct manager *manager;
    int fd;
    child_main *main;
    void *arg;
};

static int recruit_main(struct worker *self, void *arg)
{
    const struct recruit recruit = *(struct recruit *)arg;
    struct error error = {.code = ERROR_NONE};
    descriptors_shed();
    if (client_open(&recruit.manager->client, self, recruit.fd, recruit.fd, &error)) {
        board_fault(self->pool, &error);
        return 1;
    }
    recruit.manager->client.managed = true;
    recruit.manager->client.grace_ns = HUNG_NS;
    return recruit.main(self, recruit.arg);
}

/* Whoever had the place before has ended, which the manager may be about to find out. */
static int find_place(struct manager *manager, uint32_t slot, struct error *error)
{
    const int64_t end = hub_now() + PLACE_NS;
    for (;;) {
        struct answer answer;
        int fd = enter(manager, slot, &answer, error);
        if (fd >= 0 || answer.verdict != VERDICT_SLOT_TAKEN || hub_now() > end)
            return fd;
        nanosleep(&(struct timespec){.tv_nsec = PLACE_TRY_NS}, NULL);
    }
}

int staff_enlist(struct pool *pool, uint32_t slot, child_main *main, void *arg, struct error *error)
{
    struct recruit recruit = {.manager = of(pool), .main = main, .arg = arg};
    recruit.fd = find_place(recruit.manager, slot, error);
    if (recruit.fd < 0)
        return -1;
    int result = child_spawn(&pool->roster[slot], pool, slot, recruit_main, &recruit, error);
    close(recruit.fd);
    return result;
}

/* The manager finds out by itself. */
int staff_discharge(struct pool *pool, uint32_t slot, struct error *error)
{
    (void)pool, (void)slot, (void)error;
    return 0;
}
