/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * served.c - starting and ending a `muster manager`, and shaking hands with it. */
#include "tests/served.h"
#include "bench/ipc/hub.h"
#include "bench/ipc/reach.h"
#include "bench/registry.h"
#include "tests/frame.h"
#include "tests/processes.h"

#include <CUnit/CUnit.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENDED_S 30
#define SECOND  INT64_C(1000000000)

static void put_key(struct served *s, const char *path, const char *key)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    s->key_bytes = strlen(key);
    CU_ASSERT_FATAL(fd >= 0 && s->key_bytes <= sizeof s->key);
    memcpy(s->key, key, s->key_bytes);
    CU_ASSERT_EQUAL(write(fd, key, s->key_bytes), (ssize_t)s->key_bytes);
    close(fd);
}

static void become_manager(int out, const char *told, const char *listen_at, const char *key_path)
{
    int err = open(told, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
        _exit(126);
    close(err);
    execl(frame_built("muster"), "muster", "manager", "--listen", listen_at, key_path ? "--key-file" : NULL, key_path,
          NULL);
    _exit(127);
}

static void hear_address(struct served *s, int fd)
{
    char line[256] = "";
    for (size_t n = 0; n < sizeof line - 1 && read(fd, line + n, 1) == 1 && line[n] != '\n';)
        n++;
    CU_ASSERT_EQUAL_FATAL(sscanf(line, "listening on %159s", s->address), 1);
}

void served_start(struct served *s, const char *at, const char *key)
{
    static unsigned count;
    char listen_at[128], key_path[128];
    int pipes[2];
    *s = (struct served){.pid = 0};
    snprintf(listen_at, sizeof listen_at, "%s", strcmp(at, "tcp") == 0 ? "tcp:0" : at);
    if (strcmp(at, "unix") == 0)
        snprintf(listen_at, sizeof listen_at, "unix:%s/%u", frame_folder(), count);
    snprintf(s->told, sizeof s->told, "%s/told%u", frame_folder(), count);
    snprintf(key_path, sizeof key_path, "%s/key%u", frame_folder(), count++);
    if (key)
        put_key(s, key_path, key);
    CU_ASSERT_EQUAL_FATAL(pipe2(pipes, O_CLOEXEC), 0);
    s->pid = fork();
    if (s->pid == 0)
        become_manager(pipes[1], s->told, listen_at, key ? key_path : NULL);
    close(pipes[1]);
    hear_address(s, pipes[0]);
    close(pipes[0]);
    s->at = (struct manager_at){.address = s->address, .key = s->key, .key_bytes = s->key_bytes};
}

int served_end(struct served *s, int number)
{
    kill(s->pid, number);
    return processes_wait(s->pid, ENDED_S);
}

const struct strategy *served_strategy(void)
{
    const struct strategy *const *s = strategies;
    while (!(*s)->by_address)
        s++;
    return *s;
}

int served_enter(const struct served *s, const struct ask *ask, struct answer *answer, enum verdict *verdict)
{
    struct reach reach;
    struct answer unasked;
    struct error error = {.code = ERROR_NONE};
    answer = answer ? answer : &unasked;
    CU_ASSERT_EQUAL(reach_prepare(&reach, &s->at, &error), 0);
    int fd = reach_enter(&reach, ask, answer, &error);
    if (verdict)
        *verdict = answer->verdict;
    return fd;
}

struct shape served_shape(void)
{
    return (struct shape){
        .workers = 1,
        .processes = 1,
        .objects = 3,
        .items = 64,
        .in_size = 8,
        .out_size = 8,
        .object = {{.kind = OBJECT_COUNTER, .element_size = 8, .capacity = 1},
                   {.kind = OBJECT_LIST, .element_size = 8, .capacity = 100000},
                   {.kind = OBJECT_LOCK, .element_size = 1, .capacity = 1}},
    };
}

/* --- pools ------------------------------------------------------------------------------------------------------- */

int served_square(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first, size_t n)
{
    const uint64_t *from = in;
    uint64_t *to = out;
    (void)w, (void)ctx, (void)argument, (void)first;
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] * from[i];
    return 0;
}

void served_pool_open(struct served_pool *p, const struct served *s, const char *session, struct setup more)
{
    struct error error;
    p->at = s->at;
    p->at.session = session;
    more.workers = 2;
    more.items = SERVED_ITEMS;
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

void served_pool_close(struct served_pool *p)
{
    CU_ASSERT_EQUAL(pool_free(p->pool, 5 * SECOND, NULL), 0);
}

void served_map(struct pool *pool)
{
    uint64_t *in = pool_in(pool), *out = pool_out(pool), wrong = 0;
    for (uint64_t i = 0; i < SERVED_ITEMS; i++)
        in[i] = i;
    CU_ASSERT_EQUAL(pool_map(pool, served_square, 0, SERVED_ITEMS, 7, NULL), 0);
    for (uint64_t i = 0; i < SERVED_ITEMS; i++)
        wrong += out[i] != i * i;
    CU_ASSERT_EQUAL(wrong, 0);
}

int64_t served_add(struct pool *pool, struct object *counter, int64_t delta)
{
    int64_t previous = -1;
    CU_ASSERT_EQUAL(counter_add(pool_parent(pool), counter, &delta, &previous, 1), 1);
    return previous;
}
