/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_shared_list.c - a list in shared memory against a model, from several processes, and while these die.
 *
 * Processes that die do so by a timer of their own, at any instruction: with a ticket and no entry, with half of one,
 * inside the mutex. An appended batch must then be there as a whole or not at all, and at once readable for all others;
 * what was acknowledged must be there. */
#include "bench/ipc/memory.h"
#include "bench/registry.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define WORKERS   4
#define PLENTY    1000000
#define SECOND    INT64_C(1000000000)
#define BATCHES   200000 /* of one slot */
#define SLOW_NS   (2 * SECOND)
#define TOGETHER  2000 /* elements that are set at once */
#define LIFE_US   1500
#define BATCH_MAX 40
#define BALLAST   200 /* words: so that some batches need more than one segment */

/* An element of the tests in which processes die. */
struct brick {
    uint32_t slot, batch, index, n;
    uint64_t check;
    uint64_t ballast[BALLAST];
};

struct scene {
    struct object *list;
    size_t size; /* of an element */
    unsigned grains;
    _Atomic uint32_t mortal;
    _Atomic uint32_t begun[WORKERS]; /* batches */
    _Atomic uint64_t wrong, slowest_ns;
    _Atomic unsigned char acknowledged[WORKERS][BATCHES];
    _Atomic uint64_t appended[WORKERS], popped[WORKERS], sum_in[WORKERS], sum_out[WORKERS];
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

static bool quick(void)
{
    return getenv("MUSTER_QUICK") != NULL;
}

static int born(void *arg, uint32_t slot, struct error *error)
{
    struct scene *scene = arg;
    (void)error;
    srand((unsigned)getpid() * 2654435761u + (unsigned)now_ns());
    if (!atomic_load(&scene->mortal) || slot == WORKERS - 1)
        return 0;
    struct itimerval life = {.it_value.tv_usec = 1 + rand() % LIFE_US};
    return setitimer(ITIMER_REAL, &life, NULL);
}

static size_t grain_each(void *arg, uint32_t slot, size_t done, bool more)
{
    const struct scene *scene = arg;
    (void)slot, (void)more;
    return done < scene->grains;
}

static struct pool *open_list(struct scene *scene, size_t size, size_t capacity)
{
    struct pool *pool = NULL;
    struct error error = {.code = ERROR_NONE};
    struct setup setup = {.workers = WORKERS, .deaths = PLENTY, .processes = 2, .ctx = scene};
    setup.hooks = (struct hooks){.arg = scene, .born = born, .next = grain_each};
    scene->size = size;
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, strategy_find("shared-memory"), &setup, &error), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(scene->list = list_new(pool, size, capacity, &error));
    CU_ASSERT_EQUAL_FATAL(pool_start(pool, &error), 0);
    return pool;
}

static struct scene *scene_new(void)
{
    struct scene *scene = memory_shared(sizeof *scene);
    CU_ASSERT_PTR_NOT_NULL_FATAL(scene);
    return scene;
}

static void close_list(struct scene *scene, struct pool *pool)
{
    CU_ASSERT_EQUAL(atomic_load(&scene->wrong), 0);
    pool_free(pool, SECOND, NULL);
    memory_free(scene, sizeof *scene);
}

/* --- against a model --------------------------------------------------------------------------------------------- */

struct model {
    size_t size, capacity, length;
    unsigned char *elements, *buffer, *expected;
};

static void fill(struct model *m, size_t n)
{
    for (size_t i = 0; i < n; i++)
        memset(m->buffer + i * m->size, rand(), m->size);
}

static int64_t model_append(struct model *m, size_t n)
{
    size_t fits = n < m->capacity - m->length ? n : m->capacity - m->length;
    memcpy(m->elements + m->length * m->size, m->buffer, fits * m->size);
    m->length += fits;
    return (int64_t)fits;
}

static int64_t model_pop(struct model *m, size_t n)
{
    size_t pops = n < m->length ? n : m->length;
    for (size_t i = 0; i < pops; i++)
        memcpy(m->expected + i * m->size, m->elements + --m->length * m->size, m->size);
    return (int64_t)pops;
}

static bool same(const struct model *m, int64_t got, int64_t wanted)
{
    return got == wanted && (wanted <= 0 || memcmp(m->buffer, m->expected, (size_t)wanted * m->size) == 0);
}

static bool act(struct worker *w, struct object *list, struct model *m, unsigned what)
{
    size_t n = (size_t)rand() % 7, at = (size_t)rand() % (m->length + 3);
    bool inside = at <= m->length && n <= m->length - at;
    switch (what) {
    case 0:
    case 1:
    case 2:
        fill(m, n);
        return list_append(w, list, m->buffer, n) == model_append(m, n);
    case 3:
        memcpy(m->expected, m->elements + at * m->size, inside ? n * m->size : 0);
        return same(m, element_get(w, list, at, m->buffer, n), inside ? (int64_t)n : CALL_RANGE);
    case 4:
        fill(m, n);
        memcpy(m->elements + at * m->size, m->buffer, inside ? n * m->size : 0);
        return element_set(w, list, at, m->buffer, n) == (inside ? (int64_t)n : CALL_RANGE);
    case 5:
        return same(m, list_pop(w, list, m->buffer, n), model_pop(m, n));
    case 6:
        return object_length(w, list) == (int64_t)m->length;
    default:
        n = n == 0 ? m->capacity : n;
        memcpy(m->expected, m->elements, m->capacity * m->size);
        n = n < m->length ? n : m->length;
        return object_read(w, list, m->buffer, n * m->size) == (int64_t)(n * m->size) &&
               memcmp(m->buffer, m->elements, n * m->size) == 0;
    }
}

/* Before it is settled, only appends and reads; after that, all; then cleared, and again. */
static void like_a_model(size_t size, size_t capacity)
{
    struct scene *scene = scene_new();
    struct pool *pool = open_list(scene, size, capacity);
    struct model m = {.size = size, .capacity = capacity};
    m.elements = malloc((capacity + 10) * size);
    m.buffer = malloc((capacity + 10) * size);
    m.expected = malloc((capacity + 10) * size);
    CU_ASSERT_FATAL(m.elements && m.buffer && m.expected);
    for (unsigned round = 0; round < 6; round++) {
        unsigned wrong = 0;
        for (unsigned i = 0; i < 1500; i++) {
            unsigned what = (unsigned)rand() % 8;
            if (i < 200 && what >= 3 && what <= 5)
                what = 6;
            wrong += !act(pool_parent(pool), scene->list, &m, what);
        }
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT_EQUAL(object_clear(pool_parent(pool), scene->list), 0);
        CU_ASSERT_EQUAL(object_length(pool_parent(pool), scene->list), 0);
        m.length = 0;
    }
    free(m.elements);
    free(m.buffer);
    free(m.expected);
    close_list(scene, pool);
}

static void list_like_a_model(void)
{
    srand(1);
    like_a_model(8, 300);
    like_a_model(1, 50);
    like_a_model(100, 1000);
    like_a_model(70001, 15);
}

/* --- several processes ------------------------------------------------------------------------------------------- */

static uint64_t check_of(uint64_t value)
{
    return value * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

/* Elements are a number and its check; what all have put in less what they took out is there at the end. */
static int64_t push_and_pop(struct worker *w, void *ctx, size_t n)
{
    struct scene *scene = ctx;
    uint64_t pair[2], pairs[2 * 16];
    (void)n;
    if (rand() % 2) {
        pair[0] = (uint64_t)rand();
        pair[1] = check_of(pair[0]);
        int64_t did = list_append(w, scene->list, pair, 1);
        scene->appended[w->slot] += (uint64_t)did;
        scene->sum_in[w->slot] += did ? pair[0] : 0;
    } else if (rand() % 2) {
        int64_t did = list_pop(w, scene->list, pair, 1);
        scene->popped[w->slot] += (uint64_t)did;
        scene->sum_out[w->slot] += did ? pair[0] : 0;
        scene->wrong += did && pair[1] != check_of(pair[0]);
    } else {
        int64_t did = element_get(w, scene->list, (uint64_t)rand() % 50, pairs, 16);
        for (int64_t i = 0; i < did; i++)
            scene->wrong += pairs[2 * i + 1] != check_of(pairs[2 * i]);
    }
    return 1;
}

static void list_of_several(void)
{
    struct error error;
    struct scene *scene = scene_new();
    struct pool *pool = open_list(scene, 2 * sizeof(uint64_t), 2000);
    scene->grains = quick() ? 3000 : 30000;
    for (unsigned round = 0; round < 3; round++) {
        uint64_t length = 0, sum = 0, there = 0, *all = malloc(2000 * 2 * sizeof *all);
        CU_ASSERT_PTR_NOT_NULL_FATAL(all);
        CU_ASSERT_EQUAL(pool_each(pool, push_and_pop, &error), 0);
        for (unsigned i = 0; i < WORKERS; i++) {
            length += atomic_exchange(&scene->appended[i], 0) - atomic_exchange(&scene->popped[i], 0);
            sum += atomic_exchange(&scene->sum_in[i], 0) - atomic_exchange(&scene->sum_out[i], 0);
        }
        CU_ASSERT_EQUAL(object_length(pool_parent(pool), scene->list), (int64_t)length);
        CU_ASSERT_EQUAL(object_read(pool_parent(pool), scene->list, all, 2000 * 16), (int64_t)length * 16);
        for (uint64_t i = 0; i < length; i++) {
            there += all[2 * i];
            scene->wrong += all[2 * i + 1] != check_of(all[2 * i]);
        }
        CU_ASSERT_EQUAL(there, sum);
        CU_ASSERT_EQUAL(object_clear(pool_parent(pool), scene->list), 0);
        free(all);
    }
    close_list(scene, pool);
}

/* --- processes that die ------------------------------------------------------------------------------------------ */

static uint64_t brick_check(const struct brick *b)
{
    return check_of(((uint64_t)b->slot << 56) + ((uint64_t)b->batch << 24) + ((uint64_t)b->index << 8) + b->n);
}

/* Whether the bricks are whole batches, each slot's in order, with all that were acknowledged before. */
static bool bricks_hold(struct scene *scene, const struct brick *bricks, size_t count, const uint32_t *acknowledged)
{
    uint32_t next[WORKERS] = {0}, found[WORKERS] = {0};
    for (size_t i = 0; i < count; i += bricks[i].n) {
        const struct brick *head = &bricks[i];
        if (head->slot >= WORKERS || head->n == 0 || head->n > count - i || head->batch < next[head->slot])
            return false;
        for (uint32_t k = 0; k < head->n; k++)
            if (head[k].check != brick_check(&head[k]) || head[k].index != k || head[k].batch != head->batch ||
                head[k].slot != head->slot || head[k].ballast[0] != head[k].check ||
                head[k].ballast[BALLAST - 1] != head[k].check)
                return false;
        for (uint32_t skipped = next[head->slot]; skipped < head->batch; skipped++)
            if (scene->acknowledged[head->slot][skipped])
                return false;
        next[head->slot] = head->batch + 1;
        found[head->slot] += scene->acknowledged[head->slot][head->batch];
    }
    for (unsigned s = 0; s < WORKERS; s++)
        if (found[s] < acknowledged[s])
            return false;
    return true;
}

static void read_bricks(struct worker *w, struct scene *scene, struct brick *buffer, size_t most)
{
    uint32_t acknowledged[WORKERS] = {0};
    for (unsigned s = 0; s < WORKERS; s++)
        for (uint32_t b = 0; b < atomic_load(&scene->begun[s]); b++)
            acknowledged[s] += atomic_load(&scene->acknowledged[s][b]);
    int64_t began = now_ns();
    int64_t length = object_length(w, scene->list);
    int64_t bytes = object_read(w, scene->list, buffer, most * sizeof *buffer);
    uint64_t took = (uint64_t)(now_ns() - began), slowest = atomic_load(&scene->slowest_ns);
    while (took > slowest && !atomic_compare_exchange_weak(&scene->slowest_ns, &slowest, took))
        ;
    scene->wrong += length < 0 || bytes < length * (int64_t)sizeof *buffer;
    scene->wrong += bytes < 0 || !bricks_hold(scene, buffer, (size_t)bytes / sizeof *buffer, acknowledged);
}

static int64_t lay_batch(struct worker *w, struct scene *scene)
{
    struct brick bricks[BATCH_MAX];
    uint32_t n = rand() % 3 ? 1 : 1 + (uint32_t)rand() % BATCH_MAX, batch = atomic_load(&scene->begun[w->slot]);
    if (batch == BATCHES)
        return 0;
    atomic_store(&scene->begun[w->slot], batch + 1);
    for (uint32_t i = 0; i < n; i++) {
        bricks[i] = (struct brick){.slot = w->slot, .batch = batch, .index = i, .n = n};
        bricks[i].check = bricks[i].ballast[0] = bricks[i].ballast[BALLAST - 1] = brick_check(&bricks[i]);
    }
    int64_t did = list_append(w, scene->list, bricks, n);
    scene->wrong += did < 0;
    atomic_store(&scene->acknowledged[w->slot][batch], did == (int64_t)n);
    return did == (int64_t)n;
}

#define BRICKS_MOST 60000

/* The last worker lives and reads, the others append and die. */
static int64_t lay_or_read(struct worker *w, void *ctx, size_t n)
{
    struct scene *scene = ctx;
    (void)n;
    if (w->slot != WORKERS - 1 || !atomic_load(&scene->mortal)) {
        for (unsigned i = 0; i < 5; i++)
            lay_batch(w, scene);
        return 1;
    }
    struct brick *buffer = memory_private(BRICKS_MOST * sizeof *buffer);
    if (!buffer)
        return -1;
    read_bricks(w, scene, buffer, BRICKS_MOST);
    memory_free(buffer, BRICKS_MOST * sizeof *buffer);
    return 1;
}

static void forget_batches(struct scene *scene)
{
    memset((void *)scene->acknowledged, 0, sizeof scene->acknowledged);
    for (unsigned s = 0; s < WORKERS; s++)
        atomic_store(&scene->begun[s], 0);
}

static void appenders_die(void)
{
    const int64_t until = now_ns() + (quick() ? SECOND : 3 * SECOND);
    struct error error;
    struct scene *scene = scene_new();
    struct brick *buffer = memory_private(BRICKS_MOST * sizeof *buffer);
    CU_ASSERT_PTR_NOT_NULL_FATAL(buffer);
    atomic_store(&scene->mortal, 1);
    struct pool *pool = open_list(scene, sizeof(struct brick), BRICKS_MOST);
    scene->grains = 20;
    for (unsigned round = 0; now_ns() < until && atomic_load(&scene->wrong) == 0; round++) {
        pool_each(pool, lay_or_read, &error);
        if (round % 3)
            read_bricks(pool_parent(pool), scene, buffer, BRICKS_MOST);
        if (round % 8 == 7) {
            scene->wrong += object_clear(pool_parent(pool), scene->list) != 0;
            forget_batches(scene);
        }
    }
    CU_ASSERT(pool_replaced(pool) > 20);
    CU_ASSERT(atomic_load(&scene->slowest_ns) < SLOW_NS);
    memory_free(buffer, BRICKS_MOST * sizeof *buffer);
    close_list(scene, pool);
}

/* All that is set together stays together; what is popped and appended is whole. */
static int64_t set_and_die(struct worker *w, void *ctx, size_t n)
{
    struct scene *scene = ctx;
    uint64_t pairs[2 * TOGETHER];
    (void)n;
    for (unsigned turn = 0; turn < 20; turn++) {
        uint64_t value = (uint64_t)rand();
        for (unsigned i = 0; i < TOGETHER; i++)
            pairs[2 * i] = value, pairs[2 * i + 1] = check_of(value);
        if (rand() % 2)
            scene->wrong += element_set(w, scene->list, 0, pairs, TOGETHER) != TOGETHER;
        scene->wrong += list_append(w, scene->list, pairs, 3) < 0;
        scene->wrong += element_get(w, scene->list, 0, pairs, TOGETHER) != TOGETHER;
        for (unsigned i = 0; i < TOGETHER; i++)
            scene->wrong += pairs[2 * i] != pairs[0] || pairs[2 * i + 1] != check_of(pairs[0]);
        if (object_length(w, scene->list) > TOGETHER + 500) {
            int64_t popped = list_pop(w, scene->list, pairs, 4);
            for (int64_t i = 0; i < popped; i++)
                scene->wrong += pairs[2 * i + 1] != check_of(pairs[2 * i]);
        }
    }
    return 1;
}

static void setters_die(void)
{
    const int64_t until = now_ns() + (quick() ? SECOND : 2 * SECOND);
    struct error error;
    struct scene *scene = scene_new();
    uint64_t pairs[2 * TOGETHER];
    atomic_store(&scene->mortal, 1);
    struct pool *pool = open_list(scene, 2 * sizeof(uint64_t), 10000);
    for (unsigned i = 0; i < TOGETHER; i++)
        pairs[2 * i] = 1, pairs[2 * i + 1] = check_of(1);
    CU_ASSERT_EQUAL(list_append(pool_parent(pool), scene->list, pairs, TOGETHER), TOGETHER);
    scene->grains = 10;
    while (now_ns() < until && atomic_load(&scene->wrong) == 0)
        pool_each(pool, set_and_die, &error);
    CU_ASSERT(pool_replaced(pool) > 20);
    close_list(scene, pool);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "shared list: all operations against a model", .run = list_like_a_model},
        {.name = "shared list: several processes at once", .run = list_of_several},
        {.name = "shared list: appenders die at any instruction", .run = appenders_die},
        {.name = "shared list: setters die at any instruction", .run = setters_die},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
