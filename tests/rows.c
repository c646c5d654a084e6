/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rows.c - what the rows share: a pool, squares, expectations. */
#include "tests/rows.h"

#include <CUnit/CUnit.h>

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int64_t row_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void row_rest(int64_t ns)
{
    struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    while (nanosleep(&t, &t))
        ;
}

static char late[300];

void row_expect_within(const struct situation *c, int64_t took_ns, int64_t limit_ns, const char *condition,
                       const char *file, unsigned line)
{
    CU_PASS("looked at");
    if (took_ns >= limit_ns && !late[0])
        snprintf(late, sizeof late, "%s:%u: %s, variant %u: %s: it took %.0f ms", file, line, c->strategy->name,
                 c->variant, condition, (double)took_ns / 1e6);
}

const char *row_is_late(void)
{
    static char told[sizeof late];
    memcpy(told, late, sizeof told);
    late[0] = '\0';
    return told[0] ? told : NULL;
}

unsigned row_workers(const struct situation *c, unsigned wanted)
{
    unsigned most = c->strategy->workers_most;
    return most && wanted > most ? most : wanted;
}

static size_t next_steps(void *arg, uint32_t slot, size_t done, bool more)
{
    size_t steps = (size_t)(uintptr_t)arg;
    (void)slot;
    return more && done < steps ? 1 : 0;
}

struct pool *row_open(const struct situation *c, const struct setup *setup, size_t steps)
{
    struct error error = {.code = ERROR_NONE};
    struct setup complete = *setup;
    struct pool *pool = NULL;
    complete.workers = row_workers(c, setup->workers ? setup->workers : c->workers);
    complete.variant = c->variant;
    if (!complete.hooks.next) {
        complete.hooks.arg = complete.hooks.arg ? complete.hooks.arg : (void *)(uintptr_t)steps;
        complete.hooks.next = next_steps;
    }
    return EXPECT_DONE(c, pool_open(&pool, c->strategy, &complete, &error), &error) ? pool : NULL;
}

bool row_go(const struct situation *c, struct pool *pool)
{
    struct error error = {.code = ERROR_NONE};
    if (!pool)
        return false;
    return EXPECT_DONE(c, pool_start(pool, &error), &error);
}

struct pool *row_start(const struct situation *c, const struct setup *setup)
{
    struct pool *pool = row_open(c, setup, 1);
    if (pool && !row_go(c, pool)) {
        pool_free(pool, 0, NULL);
        return NULL;
    }
    return pool;
}

void row_free(const struct situation *c, struct pool *pool)
{
    struct error error = {.code = ERROR_NONE};
    EXPECT_DONE(c, pool_free(pool, GRACE_NS, &error), &error);
}

void row_free_killed(const struct situation *c, struct pool *pool)
{
    struct error error = {.code = ERROR_NONE};
    int result = pool_free(pool, GRACE_NS, &error);
    if (!EXPECT(c, result == 0 || (error.code == ERROR_DIED && strstr(error.text, "signal 9"))))
        fprintf(stderr, "%s\n", error.text);
}

void row_each(const struct situation *c, struct pool *pool, step_fn *step)
{
    struct error error = {.code = ERROR_NONE};
    EXPECT_DONE(c, pool_each(pool, step, &error), &error);
}

int squares(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    const uint64_t *from = in;
    uint64_t *to = out;
    (void)w, (void)ctx, (void)argument, (void)first;
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] * from[i];
    return 0;
}

void expect_squares(const struct situation *c, struct pool *pool, size_t n, size_t chunk)
{
    struct error error = {.code = ERROR_NONE};
    uint64_t *in = pool_in(pool), *out = pool_out(pool), wrong = 0;
    for (uint64_t i = 0; i < n; i++) {
        in[i] = i;
        out[i] = UINT64_MAX;
    }
    EXPECT_DONE(c, pool_map(pool, squares, 0, n, chunk, &error), &error);
    for (uint64_t i = 0; i < n; i++)
        wrong += out[i] != i * i || pool_outcome(pool, i) != OUTCOME_DONE;
    EXPECT(c, wrong == 0);
}

bool row_expect_fails(const struct situation *c, int result, enum error_code code, const char *words,
                      const struct error *error, const char *call, const char *file, unsigned line)
{
    bool told = result == -1 && error->code == code && (!words || strstr(error->text, words));
    if (!told)
        fprintf(stderr, "%d, code %d, text '%s'; wanted code %d and '%s'\n", result, (int)error->code, error->text,
                (int)code, words ? words : "");
    return situation_expect(c, told, call, file, line);
}

unsigned row_entries(const char *path)
{
    DIR *dir = opendir(path);
    unsigned count = 0;
    if (!dir)
        return 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

unsigned row_descriptors(void)
{
    return row_entries("/proc/self/fd");
}

unsigned row_children(void)
{
    char path[64];
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    for (int pid; file && fscanf(file, "%d", &pid) == 1;)
        count++;
    if (file)
        fclose(file);
    return count;
}

size_t row_resident_kib(pid_t pid)
{
    char path[64], line[256];
    unsigned long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "re");
    while (file && kib == 0 && fgets(line, sizeof line, file))
        if (sscanf(line, "Rss: %lu kB", &kib) != 1)
            kib = 0;
    if (file)
        fclose(file);
    return kib;
}

/* --- a killer ---------------------------------------------------------------------------------------------------- */

static void kill_one(pid_t parent, pid_t spared, unsigned *seed)
{
    char path[64];
    pid_t found[64];
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *file = fopen(path, "re");
    while (file && count < 64 && fscanf(file, "%d", &found[count]) == 1)
        count += found[count] != getpid() && found[count] != spared;
    if (file)
        fclose(file);
    if (count)
        kill(found[(unsigned)rand_r(seed) % count], SIGKILL);
}

pid_t row_killer(pid_t spared, int64_t every_ns)
{
    pid_t parent = getpid(), killer = fork();
    unsigned seed = 4711;
    if (killer != 0)
        return killer;
    while (getppid() == parent) {
        row_rest(every_ns / 2 + every_ns * (rand_r(&seed) % 100) / 100);
        kill_one(parent, spared, &seed);
    }
    _exit(0);
}

void row_killer_end(pid_t killer)
{
    if (killer <= 0)
        return;
    kill(killer, SIGKILL);
    waitpid(killer, NULL, 0);
}
