/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rows_weather.c - other rows once more, in bad weather: signals a thousand times a second, threads that hold locks. */
#include "tests/rows.h"

#include <CUnit/CUnit.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORD sizeof(uint64_t)

/* --- CX24: a storm of signals ------------------------------------------------------------------------------------ */

static volatile sig_atomic_t struck;

static void strike(int number)
{
    (void)number;
    struck = 1;
}

/* To everybody in the test's process group, a thousand times a second. */
static pid_t start_storm(void)
{
    struct sigaction action = {.sa_handler = strike};
    pid_t parent = getpid();
    sigaction(SIGUSR1, &action, NULL);
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    signal(SIGUSR1, SIG_IGN);
    while (getppid() == parent) {
        row_rest(ROW_STORM_NS);
        kill(0, SIGUSR1);
    }
    _exit(0);
}

static const struct row *find_row(const struct row *rows, const char *start)
{
    while (rows->name && strncmp(rows->name, start, strlen(start)) != 0)
        rows++;
    return rows->name ? rows : NULL;
}

static void storm(const struct situation *c)
{
    static const struct {
        const struct row *rows;
        const char *start;
    } sample[] = {
        {rows_map, "*10 "},      {rows_map, "*20 "},     {rows_async, "*12 "},     {rows_async, "*13 "},
        {rows_objects, "*28 "},  {rows_objects, "*33 "}, {rows_elements, "CX17 "}, {rows_elements, "CX20 "},
        {rows_locks, "*31 "},    {rows_locks, "*32 "},   {rows_map_more, "CX15 "}, {rows_deaths, "CX1 "},
        {rows_map_more, "*16 "},
    };
    pid_t pid = start_storm();
    EXPECT(c, pid > 0);
    for (size_t i = 0; i < sizeof sample / sizeof *sample; i++) {
        char text[200];
        const struct row *row = find_row(sample[i].rows, sample[i].start);
        CU_ASSERT_PTR_NOT_NULL_FATAL(row);
        if (row_lacks(row, c->strategy, c->variant, text, sizeof text))
            continue;
        printf("in a storm: %s\n", row->name);
        row->run(c);
    }
    EXPECT(c, struck);
    row_killer_end(pid);
    signal(SIGUSR1, SIG_IGN);
}

/* --- CX28: threads that hold locks ------------------------------------------------------------------------------- */

static _Atomic bool over;

static void *busy_thread(void *arg)
{
    FILE *null = arg;
    unsigned seed = 1;
    while (!atomic_load(&over)) {
        void *memory = malloc((size_t)rand_r(&seed) % 5000 + 1);
        fprintf(null, "%p", memory);
        free(memory);
        fflush(NULL);
    }
    return NULL;
}

static void threads_beside(const struct situation *c)
{
    const unsigned pools = conformance_quick() ? 100 : 200;
    const int64_t end = row_now() + 3000 * MS;
    struct setup setup = {.items = 8, .in_size = WORD, .out_size = WORD};
    FILE *null = fopen("/dev/null", "we");
    pthread_t threads[2];
    CU_ASSERT_PTR_NOT_NULL_FATAL(null);
    atomic_store(&over, false);
    for (unsigned i = 0; i < 2; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, busy_thread, null), 0);
    for (unsigned i = 0; i < pools && row_now() < end; i++) {
        struct pool *pool = row_start(c, &setup);
        if (!pool)
            break;
        expect_squares(c, pool, 8, 1);
        row_free(c, pool);
    }
    atomic_store(&over, true);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    fclose(null);
}

const struct row rows_weather[] = {
    {.name = "CX24 a storm of signals", .run = storm},
    {.name = "CX28 threads that hold locks beside it", .run = threads_beside, .uses = USES(NEED_MAP)},
    {.name = "CX32 a region at two addresses"},
    {.name = NULL},
};
