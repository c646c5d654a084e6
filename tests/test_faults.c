/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_faults.c - once a cell is warm, its windows do not wait for memory: page faults are counted while workers work.
 *
 * Windows by quota, each twice as long as the one before: the first two may fault, to the later ones all that they need
 * must have come between windows. What is faulted in while the clock stands still does not count. A strategy that forks
 * for every chunk is left out: its children fault by nature. */
#include "bench/ipc/memory.h"
#include "bench/registry.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define WORKERS_MOST 2
#define WARM         2
#define WINDOWS      5
#define GRAINS       64 /* of the first window, where a grain is a chunk */
#define ITEMS        (UINT64_C(1) << 17)
#define FEW          64 /* stray faults in the later windows, of hundreds of pages that they use for the first time */
#define TRIES        3  /* the kernel takes pages away when it likes, and whoever needs them faults again */

/* One of a pool's workers, or its parent. */
struct actor {
    _Alignas(LINE_APART) uint64_t done;
    int64_t began, faults; /* within windows */
};

struct scene {
    size_t quota;
    struct actor actors[WORKERS_MOST + 1];
};

static struct actor *actor_at(struct scene *scene, uint32_t slot)
{
    return &scene->actors[slot == SLOT_PARENT ? WORKERS_MOST : slot];
}

/* --- counting ---------------------------------------------------------------------------------------------------- */

static int64_t own_faults(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

/* Of another process: the tenth field of its stat. 0: there is none. */
static int64_t faults_of(pid_t pid)
{
    char path[64], text[1024] = "";
    long long faults = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return 0;
    if (read(fd, text, sizeof text - 1) > 0 && strrchr(text, ')'))
        sscanf(strrchr(text, ')') + 1, " %*c %*d %*d %*d %*d %*d %*u %lld", &faults);
    close(fd);
    return faults;
}

/* Of those whose windows cannot be told from what they do besides: who serves, and workers that the parent drives. */
static int64_t faults_beside(struct pool *pool, const struct workload *workload)
{
    int64_t sum = pool_service(pool) == getpid() ? own_faults() : faults_of(pool_service(pool));
    for (unsigned i = 0; workload->from_parent && i < pool_workers(pool); i++)
        sum += pool_worker_pid(pool, i) == getpid() ? 0 : faults_of(pool_worker_pid(pool, i));
    return sum;
}

static void hook_gate(void *arg, uint32_t slot, unsigned parties)
{
    (void)parties;
    actor_at(arg, slot)->began = own_faults();
}

static size_t hook_next(void *arg, uint32_t slot, size_t done, bool more)
{
    struct scene *scene = arg;
    struct actor *actor = actor_at(scene, slot);
    actor->done = done;
    if (more && done < scene->quota)
        return 1;
    actor->faults += own_faults() - actor->began;
    return 0;
}

/* --- windows ----------------------------------------------------------------------------------------------------- */

/* Returns the faults of the later windows. */
static int64_t one_window(struct pool *pool, const struct workload *workload, struct scene *scene, bool alone)
{
    struct error error = {.code = ERROR_NONE};
    struct proof proof = {.holds = false};
    uint64_t done[WORKERS_MOST + 1] = {0};
    memset(scene->actors, 0, sizeof scene->actors);
    int64_t before = faults_beside(pool, workload);
    int bad =
        workload->from_parent ? pool_drive(pool, workload->step, &error) : pool_each(pool, workload->step, &error);
    int64_t faults = alone ? 0 : faults_beside(pool, workload) - before;
    CU_ASSERT_EQUAL(bad, 0);
    for (unsigned i = 0; i < WORKERS_MOST; i++)
        faults += scene->actors[i].faults;
    for (unsigned i = 0; i < pool_workers(pool); i++)
        done[i] = scene->actors[i].done;
    done[pool_workers(pool)] = scene->actors[WORKERS_MOST].done;
    faults += alone && workload->from_parent ? scene->actors[WORKERS_MOST].faults : 0;
    CU_ASSERT_EQUAL(workload->check(pool, done, &proof, &error), 0);
    CU_ASSERT(proof.holds);
    return faults;
}

static int64_t faults_when_warm(struct pool *pool, const struct workload *workload, struct scene *scene, bool alone)
{
    int64_t sum = 0;
    scene->quota = workload->itemised || workload->unchunked ? 2 : GRAINS;
    for (unsigned window = 0; window < WINDOWS; window++, scene->quota *= 2) {
        int64_t faults = one_window(pool, workload, scene, alone);
        sum += window < WARM ? 0 : faults;
    }
    return sum;
}

static int64_t faults_of_cell(const struct strategy *strategy, const struct workload *workload, unsigned workers)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = NULL;
    struct scene *scene = memory_shared(sizeof *scene);
    struct parameters p = {.workers = workers, .items = ITEMS, .payload = 8, .seed = 1};
    struct setup setup = {.workers = workers};
    CU_ASSERT_PTR_NOT_NULL_FATAL(scene);
    p.chunk = workload->chunk_auto(&p);
    setup.hooks = (struct hooks){.arg = scene, .gate = hook_gate, .next = hook_next};
    CU_ASSERT_EQUAL_FATAL(workload->prepare(&p, &setup, &error), 0);
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, strategy, &setup, &error), 0);
    CU_ASSERT_EQUAL_FATAL(workload->objects(pool, &error), 0);
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, &error), 0);
    CU_ASSERT_EQUAL_FATAL(workload->fill ? workload->fill(pool, &error) : 0, 0);
    int64_t faults = faults_when_warm(pool, workload, scene, strategy->role == ROLE_CONTROL_ONLY);
    pool_free(pool, INT64_C(1000000000), NULL);
    workload->release(setup.ctx);
    memory_free(scene, sizeof *scene);
    return faults;
}

static void on_cell(const struct strategy *strategy, const struct workload *workload, unsigned workers)
{
    int64_t faults = FEW + 1;
    for (unsigned i = 0; i < TRIES && faults > FEW; i++)
        faults = faults_of_cell(strategy, workload, workers);
    CU_ASSERT(faults <= FEW);
    if (faults > FEW)
        fprintf(stderr, "%s on %s with %u workers: %lld page faults\n", workload->name, strategy->name, workers,
                (long long)faults);
}

static void on_every_strategy(const char *workload)
{
    static const char *const names[] = {"serial", "prefork-pipe", "shared-memory", "manager-socket"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct strategy *strategy = strategy_find(names[i]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(strategy);
        for (unsigned workers = 1; workers <= (strategy->workers_most == 1 ? 1 : WORKERS_MOST); workers++)
            on_cell(strategy, workload_find(workload), workers);
    }
}

static void map(void)
{
    on_every_strategy("map");
}

static void list(void)
{
    on_every_strategy("list");
}

static void list_read(void)
{
    on_every_strategy("list-read");
}

static void array(void)
{
    on_every_strategy("array");
}

static void dict(void)
{
    on_every_strategy("dict");
}

/* From an address inside a page to one inside another; content stays. */
static void touched(void)
{
    const size_t bytes = 5 * 4096 + 7;
    unsigned char *at = memory_private(bytes);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    at[0] = 1;
    at[bytes - 1] = 2;
    memory_touch(at + 10, bytes - 10);
    int64_t before = own_faults();
    for (size_t i = 0; i < bytes; i += 4096)
        at[i + 1] = 3;
    CU_ASSERT(own_faults() - before <= 1);
    CU_ASSERT(at[0] == 1 && at[bytes - 1] == 2);
    memory_touch(at, 0);
    memory_free(at, bytes);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "faults: memory that was touched is there", .run = touched},
        {.name = "faults: none in warm windows of map", .run = map},
        {.name = "faults: none in warm windows of list", .run = list},
        {.name = "faults: none in warm windows of list-read", .run = list_read},
        {.name = "faults: none in warm windows of array", .run = array},
        {.name = "faults: none in warm windows of dict", .run = dict},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
