/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rows_na.c - where a row cannot be met, and why: what a strategy lacks, and the table of what is left.
 *
 * What the registry does not say is tried out once per variant, in a process of its own: whether an object can be made,
 * whether workers stand between calls, whether another process serves them. */
#include "tests/rows.h"

#include "bench/ipc/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBE_S 20

/* strategy NULL: all of them. */
static const struct excuse {
    const char *row, *strategy, *why;
} excuses[] = {
    {"CX32", NULL,
     "its processes are forks of one image and never exec: a shared region has one address in all of them, and an "
     "unrelated process is a guest of a manager, which shares no memory with it"},
};

struct facts {
    bool known, works, standing, service;
    char lacks[NEEDS][200];
};

static struct probed {
    const struct strategy *strategy;
    unsigned variant;
    struct facts facts;
} probed[64];
static size_t probed_count;

static bool has_object(struct pool *pool, enum need need, struct error *error)
{
    switch (need) {
    case NEED_COUNTER:
        return counter_new(pool, error);
    case NEED_LIST:
        return list_new(pool, 8, 8, error);
    case NEED_ARRAY:
        return array_new(pool, TYPE_I32, 0, 8, NULL, error);
    case NEED_DICT:
        return dict_new(pool, 8, 8, 8, error);
    case NEED_LOCK:
        return lock_new(pool, error);
    default:
        return true;
    }
}

static const char *lacks_operation(const struct strategy *s, enum need need)
{
    if (need == NEED_ASYNC && (!s->post || !s->turn))
        return "it has no applied items";
    return NULL;
}

static void probe_need(const struct strategy *s, unsigned variant, enum need need, char *lacks, size_t size)
{
    struct setup setup = {.workers = 1, .variant = variant};
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = NULL;
    const char *why = s->variants[variant].lacks[need];
    why = why ? why : lacks_operation(s, need);
    if (why) {
        snprintf(lacks, size, "%s", why);
        return;
    }
    if (pool_open(&pool, s, &setup, &error) || !has_object(pool, need, &error))
        snprintf(lacks, size, "%s", error.text);
    pool_free(pool, GRACE_NS, NULL);
}

static void probe(const struct strategy *s, unsigned variant, struct facts *facts)
{
    struct setup setup = {.workers = 1, .variant = variant, .items = 1, .in_size = 8, .out_size = 8};
    struct pool *pool = NULL;
    for (unsigned need = 0; need < NEEDS; need++)
        probe_need(s, variant, need, facts->lacks[need], sizeof facts->lacks[need]);
    if (pool_open(&pool, s, &setup, NULL) == 0 && pool_start(pool, NULL) == 0) {
        pid_t worker = pool_worker_pid(pool, 0);
        facts->service = pool_service(pool) != getpid();
        facts->standing = worker > 0;
        facts->works = true;
    }
    pool_free(pool, GRACE_NS, NULL);
    facts->known = true;
}

/* What cannot even be tried out lacks nothing: its rows shall say what is wrong. */
static void probe_apart(const struct strategy *s, unsigned variant, struct facts *facts)
{
    struct facts *shared = memory_shared(sizeof *shared);
    pid_t pid = shared ? fork() : -1;
    if (pid == 0) {
        alarm(PROBE_S);
        probe(s, variant, shared);
        _exit(0);
    }
    if (pid > 0)
        waitpid(pid, NULL, 0);
    if (pid > 0 && shared->known)
        *facts = *shared;
    else
        *facts = (struct facts){.standing = true, .service = true};
    if (shared)
        memory_free(shared, sizeof *shared);
}

static const struct facts *facts_of(const struct strategy *s, unsigned variant)
{
    for (size_t i = 0; i < probed_count; i++)
        if (probed[i].strategy == s && probed[i].variant == variant)
            return &probed[i].facts;
    if (probed_count == sizeof probed / sizeof *probed)
        abort();
    struct probed *p = &probed[probed_count++];
    *p = (struct probed){.strategy = s, .variant = variant};
    probe_apart(s, variant, &p->facts);
    return &p->facts;
}

static bool is_about(const struct excuse *e, const struct row *row, const struct strategy *s)
{
    const size_t length = strlen(e->row);
    return strncmp(row->name, e->row, length) == 0 && (row->name[length] == ' ' || !row->name[length]) &&
           (!e->strategy || strcmp(e->strategy, s->name) == 0);
}

static const char *excuse_of(const struct row *row, const struct strategy *s)
{
    for (size_t i = 0; i < sizeof excuses / sizeof *excuses; i++)
        if (is_about(&excuses[i], row, s))
            return excuses[i].why;
    return NULL;
}

const char *row_lacks(const struct row *row, const struct strategy *s, unsigned variant, char *text, size_t size)
{
    const struct facts *facts = facts_of(s, variant);
    const char *excuse = excuse_of(row, s);
    if (excuse)
        return excuse;
    if (row->uses & USES_CREW && s->role == ROLE_CONTROL_ONLY)
        return "its one worker is the caller itself";
    if (row->uses & USES_STANDING && !facts->standing)
        return "no worker stands between two calls";
    if (row->uses & USES_ADDRESS && !s->by_address)
        return "it has no manager that others could find";
    if (row->uses & USES_SERVICE && !facts->service)
        return "no other process serves its workers";
    if ((row->uses & USES_PROCESS || (row->uses & USES_LIFE && s->role != ROLE_CONTROL_ONLY)) && !s->enlist)
        return "no process can join its pool";
    for (unsigned need = 0; need < NEEDS; need++)
        if (row->uses & USES(need) && facts->lacks[need][0]) {
            snprintf(text, size, "%s", facts->lacks[need]);
            return text;
        }
    return NULL;
}
