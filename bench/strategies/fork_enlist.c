/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fork_enlist.c - processes in the pool: each works on copies of the objects, and what it changed is merged at its
 * join.
 *
 * It leaves its changes in a file without a name, so it ends when it has done its work, whether or not the parent
 * serves the pool meanwhile. Of one that was killed, or that ended by _exit(), nothing is merged. */
#include "bench/ipc/descriptors.h"
#include "bench/ipc/legacy.h"
#include "bench/strategies/fork_pool.h"

#include <stdlib.h>
#include <unistd.h>

struct enlisted {
    int legacy; /* -1: nobody is there */
};

/* What the new process is told; it lies on the parent's stack. */
struct enlistment {
    child_main *main;
    void *arg;
    int legacy;
};

static int enlisted_child(struct worker *self, void *arg)
{
    const struct enlistment *e = arg;
    /* the others' are shed, this one is its own */
    descriptor_leave(e->legacy);
    int code = e->main(self, e->arg);
    size_t bytes = changes_gather(self->pool, NULL);
    unsigned char *changes = malloc(bytes + 1);
    if (changes) {
        changes_gather(self->pool, changes);
        if (legacy_leave(e->legacy, changes, bytes) == 0)
            return code;
    }
    /* No exit code of the function's own may hide that its changes are lost. */
    abort();
}

static struct enlisted *enlisted_at(struct pool *pool, uint32_t slot)
{
    return &((struct fork_pool *)pool->state)->enlisted[slot - pool->setup.workers];
}

static void forget(struct enlisted *e)
{
    if (e->legacy >= 0) {
        descriptor_leave(e->legacy);
        close(e->legacy);
    }
    e->legacy = -1;
}

int fork_enlist(struct pool *pool, uint32_t slot, child_main *main, void *arg, struct error *error)
{
    struct fork_pool *forks = pool->state;
    struct enlisted *e = enlisted_at(pool, slot);
    uint64_t base[OBJECTS_MAX];
    forget(e);
    e->legacy = legacy_open();
    if (e->legacy < 0)
        return error_system(error, "no memory file for a process (limit on descriptors: ulimit -n)");
    if (descriptor_enter(e->legacy)) {
        error_system(error, "no memory to note a descriptor");
        forget(e);
        return -1;
    }
    struct enlistment enlistment = {.main = main, .arg = arg, .legacy = e->legacy};
    forks->base = base;
    changes_base(pool);
    int result = child_spawn(&pool->roster[slot], pool, slot, enlisted_child, &enlistment, error);
    forks->base = NULL;
    if (result)
        forget(e);
    return result;
}

int fork_discharge(struct pool *pool, uint32_t slot, struct error *error)
{
    struct enlisted *e = enlisted_at(pool, slot);
    unsigned char *changes;
    size_t bytes;
    struct obituary o;
    board_obituary(pool, slot, 0, 0, &o);
    if (e->legacy < 0)
        return 0;
    int result = legacy_take(e->legacy, &changes, &bytes);
    forget(e);
    if (result)
        return error_system(error, "cannot take what a process changed");
    int merged = changes ? changes_merge(pool, changes, bytes, error) : 1;
    legacy_forget(changes, bytes);
    if (merged == 0)
        return error_set(error, ERROR_FAILED, "no room for what a process added to the pool's lists and dicts");
    return merged < 0 ? -1 : 0;
}

int fork_enlist_open(struct pool *pool, struct error *error)
{
    struct fork_pool *forks = pool->state;
    forks->enlisted = calloc(pool->setup.processes + 1, sizeof *forks->enlisted);
    if (!forks->enlisted)
        return error_system(error, "no memory for %u processes", pool->setup.processes);
    for (unsigned i = 0; i < pool->setup.processes; i++)
        forks->enlisted[i].legacy = -1;
    return 0;
}

void fork_enlist_close(struct pool *pool)
{
    struct fork_pool *forks = pool->state;
    for (unsigned i = 0; forks->enlisted && i < pool->setup.processes; i++)
        forget(&forks->enlisted[i]);
    free(forks->enlisted);
}
