/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rows_manager.c - a manager by address: clients from anywhere that know its key, and those that mean no good.
 *
 * The manager is a `muster manager` beside the test, whose pool of workers must be served all the while. */
#include "bench/ipc/channel.h"
#include "bench/ipc/door.h"
#include "bench/ipc/hub.h"
#include "bench/ipc/reach.h"
#include "tests/frame.h"
#include "tests/processes.h"
#include "tests/rows.h"
#include "tests/served.h"

#include <CUnit/CUnit.h>

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND (1000 * MS)
#define WORD   sizeof(uint64_t)
#define KEY    "a key of thirty-two bytes or so."
#define OTHER  "thirty-two bytes of another key."

enum { AT_LIST, AT_LOCK };

struct host {
    struct served served;
    struct manager_at at;
    struct pool *pool;
};

/* A manager, and a pool of two that it serves, with a list and a lock, for guests of the session "row". */
static bool host_open(const struct situation *c, struct host *h, bool tcp, const char *key)
{
    h->pool = NULL;
    served_start(&h->served, tcp ? "tcp" : "unix", key);
    h->at = h->served.at;
    h->at.session = "row";
    struct setup setup = {.items = 100, .in_size = WORD, .out_size = WORD, .manager = &h->at};
    h->pool = row_open(c, &setup, 1);
    return h->pool && list_new(h->pool, WORD, 100000, NULL) && lock_new(h->pool, NULL) && row_go(c, h->pool);
}

static void host_close(const struct situation *c, struct host *h)
{
    row_free(c, h->pool);
    EXPECT(c, served_end(&h->served, SIGTERM) == 0);
}

/* It goes on as if nothing were. */
static void expect_served(const struct situation *c, struct host *h, uint64_t length)
{
    expect_squares(c, h->pool, 100, 7);
    EXPECT(c, object_length(pool_parent(h->pool), pool_object(h->pool, AT_LIST)) == (int64_t)length);
}

static unsigned descriptors_of(pid_t pid)
{
    char path[64];
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}

static void expect_descriptors(const struct situation *c, pid_t pid, unsigned wanted)
{
    for (unsigned looks = 0; descriptors_of(pid) > wanted && looks < 1000; looks++)
        row_rest(MS);
    EXPECT(c, descriptors_of(pid) <= wanted);
}

/* --- *36: by address and key ------------------------------------------------------------------------------------- */

static struct pool *guest_join(const char *address, const char *key, struct error *error)
{
    struct manager_at at = {.address = address, .key = key, .session = "row", .guest = true};
    struct pool *guest = NULL;
    at.key_bytes = strlen(key);
    if (pool_open(&guest, served_strategy(), &(struct setup){.manager = &at}, error) == 0 &&
        pool_start(guest, error) == 0)
        return guest;
    pool_free(guest, 0, NULL);
    return NULL;
}

int row_guest(const char *address, const char *key)
{
    struct error error;
    uint64_t found = 0, mine = 7;
    struct pool *guest = guest_join(address, key, &error);
    if (!guest) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    struct object *list = pool_object(guest, AT_LIST);
    bool fine = list && list->element_size == WORD && element_get(pool_parent(guest), list, 0, &found, 1) == 1 &&
                found == 5 && list_append(pool_parent(guest), list, &mine, 1) == 1;
    return pool_free(guest, SECOND, NULL) || !fine;
}

/* The test's program once more, by exec: no memory in common, and another layout of it. */
static int run_guest(const char *address, const char *key)
{
    int status = -1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        execl("/proc/self/exe", "test_rows", "--guest", address, key, NULL);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

static void by_address_and_key(const struct situation *c)
{
    for (int tcp = 0; tcp < 2; tcp++) {
        struct host h;
        struct error error = {.code = ERROR_NONE};
        const char *key = handshake_can_prove() ? KEY : "";
        if (tcp && !*key)
            break;
        if (host_open(c, &h, tcp, *key ? key : NULL)) {
            struct worker *parent = pool_parent(h.pool);
            struct object *list = pool_object(h.pool, AT_LIST);
            uint64_t five = 5, found[2] = {0};
            EXPECT(c, list_append(parent, list, &five, 1) == 1);
            EXPECT(c, run_guest(h.served.address, key) == 0);
            EXPECT(c, object_read(parent, list, found, sizeof found) == sizeof found && found[1] == 7);
            struct pool *third = guest_join(h.served.address, key, &error);
            EXPECT(c, third && element_get(pool_parent(third), pool_object(third, AT_LIST), 1, found, 1) == 1);
            EXPECT(c, found[0] == 7 && pool_free(third, SECOND, NULL) == 0);
            if (*key)
                EXPECT(c, run_guest(h.served.address, OTHER) != 0);
            expect_served(c, &h, 2);
        }
        host_close(c, &h);
    }
}

/* --- *39: who does not know the key ------------------------------------------------------------------------------ */

static int transfer(int fd, void *message, size_t bytes, bool out)
{
    for (size_t done = 0; done < bytes;) {
        struct pollfd p = {.fd = fd, .events = out ? POLLOUT : POLLIN};
        unsigned char *at = (unsigned char *)message + done;
        if (poll(&p, 1, 10000) != 1)
            return -1;
        ssize_t n = out ? write(fd, at, bytes - done) : read(fd, at, bytes - done);
        if (n <= 0)
            return -1;
        done += (size_t)n;
    }
    return 0;
}

#define READ(fd, message)  transfer((fd), &(message), sizeof(message), false)
#define WRITE(fd, message) transfer((fd), &(message), sizeof(message), true)

/* A manager that lets anybody in, since it does not know the key: the exit code says how far it came. */
static int impostor(int listener, const struct key *key)
{
    struct handshake h;
    struct answer answer = {.verdict = VERDICT_WELCOME};
    struct pollfd p = {.fd = listener, .events = POLLIN};
    int fd = poll(&p, 1, 10000) == 1 ? accept(listener, NULL, NULL) : -1;
    if (fd < 0 || READ(fd, h.hello))
        return 1;
    handshake_greet(&h, key);
    if (WRITE(fd, h.challenge) || READ(fd, h.ask))
        return 2;
    handshake_seal(&h, key, &answer);
    return WRITE(fd, answer) ? 3 : 0;
}

static void expect_refused(const struct situation *c, const char *address, const char *key, const char *words)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *guest = guest_join(address, key, &error);
    EXPECT(c, guest == NULL && error.code == ERROR_REFUSED);
    if (!EXPECT(c, strstr(error.text, words) != NULL))
        fprintf(stderr, "%s\n", error.text);
    pool_free(guest, 0, NULL);
}

static void authentication_fails(const struct situation *c)
{
    const struct key other = {.bytes = (const unsigned char *)OTHER, .count = strlen(OTHER)};
    struct address address;
    struct listener listener;
    struct host h;
    char at[300];
    int status = -1;
    if (!handshake_can_prove()) {
        frame_skip("without libsodium there are no keys");
        return;
    }
    if (host_open(c, &h, true, KEY)) {
        expect_refused(c, h.served.address, OTHER, "wrong key");
        expect_served(c, &h, 0);
    }
    host_close(c, &h);
    snprintf(at, sizeof at, "unix:%s/impostor", frame_folder());
    EXPECT(c, address_parse(&address, at, NULL) == 0);
    CU_ASSERT_EQUAL_FATAL(address_listen(&address, &listener, NULL), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(impostor(listener.fd, &other));
    expect_refused(c, at, KEY, "does not know the key");
    EXPECT(c, waitpid(pid, &status, 0) == pid && status == 0);
    listener_close(&listener);
}

/* --- CX8: half a message ----------------------------------------------------------------------------------------- */

/* In the session of the host: a client in its own right, which says the first bytes of an append and is gone. */
static void say_and_leave(const struct situation *c, struct host *h, const void *message, size_t bytes)
{
    const struct ask ask = {.role = CLIENT_GUEST, .name = "row"};
    int fd = served_enter(&h->served, &ask, NULL, NULL);
    if (!EXPECT(c, fd >= 0))
        return;
    EXPECT(c, transfer(fd, (void *)(uintptr_t)message, bytes, true) == 0);
    close(fd);
}

static void half_messages(const struct situation *c)
{
    static unsigned char message[sizeof(struct frame) + 65536];
    const struct frame append = {
        .bytes = 65536, .kind = FRAME_CALL, .verb = VERB_APPEND, .object = AT_LIST, .n = 65536 / WORD};
    static const size_t lengths[] = {1, 7, sizeof append - 1, sizeof append, sizeof append + 1, sizeof append + 40000};
    struct host h;
    memcpy(message, &append, sizeof append);
    if (host_open(c, &h, false, NULL)) {
        const unsigned descriptors = descriptors_of(h.served.pid);
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            say_and_leave(c, &h, message, lengths[i]);
            expect_served(c, &h, 0);
        }
        expect_descriptors(c, h.served.pid, descriptors);
    }
    host_close(c, &h);
}

/* --- CX9: the server is killed ----------------------------------------------------------------------------------- */

static _Atomic int64_t *answered_at;

static int wait_for_lock(struct worker *self, void *arg)
{
    (void)arg;
    int64_t got = lock_acquire(self, pool_object(self->pool, 0), NEVER);
    atomic_store(answered_at, row_now());
    return got < 0 ? (int)-got : 0;
}

static int leave_at_once(struct worker *self, void *arg)
{
    (void)self, (void)arg;
    return 7;
}

static void expect_ended(const struct situation *c, const struct process *process)
{
    struct pollfd end = {.fd = process_pidfd(process), .events = POLLIN};
    EXPECT(c, poll(&end, 1, 10000) == 1);
}

/* Who looks for the dead takes nothing from a process that had ended before. */
static void ended_before(const struct situation *c, struct pool *pool, struct process *process)
{
    int code = 0;
    expect_ended(c, process);
    EXPECT(c, kill(pool_service(pool), SIGKILL) == 0);
    struct error error = {.code = ERROR_NONE};
    EXPECT(c, pool_map(pool, squares, 0, 10, 1, &error) == -1 && strstr(error.text, "serving process"));
    EXPECT(c, process_exit_code(process, &code) && code == 7);
}

static void server_killed_later(const struct situation *c)
{
    struct process *process = NULL;
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = row_start(c, &(struct setup){.processes = 1, .items = 10, .in_size = WORD, .out_size = WORD});
    if (!pool)
        return;
    EXPECT_DONE(c, process_start(&process, pool, leave_at_once, NULL, &error), &error);
    if (process)
        ended_before(c, pool, process);
    pool_free(pool, SECOND, NULL);
    EXPECT(c, process_free(process, NULL) == 0);
}

/* A client that waits is told within 100 ms, and whoever comes later at once. */
static void server_killed(const struct situation *c)
{
    struct error error = {.code = ERROR_NONE};
    struct process *process = NULL;
    int code = 0;
    struct pool *pool = row_open(c, &(struct setup){.processes = 1, .items = 10, .in_size = WORD, .out_size = WORD}, 1);
    struct object *lock = pool ? lock_new(pool, NULL) : NULL;
    answered_at = memory_shared(sizeof *answered_at);
    CU_ASSERT_FATAL(lock && answered_at && row_go(c, pool));
    EXPECT(c, lock_acquire(pool_parent(pool), lock, 0) == 0);
    EXPECT_DONE(c, process_start(&process, pool, wait_for_lock, NULL, &error), &error);
    row_rest(50 * MS);
    int64_t killed_at = row_now();
    EXPECT(c, kill(pool_service(pool), SIGKILL) == 0);
    expect_ended(c, process);
    process_join(process, 5 * SECOND, NULL, NULL);
    EXPECT(c, process_exit_code(process, &code));
    EXPECT(c, code == -CALL_UNKNOWN || code == -CALL_BROKEN);
    EXPECT_WITHIN(c, atomic_load(answered_at) - killed_at, 200 * MS);
    for (unsigned again = 0; again < 3; again++) {
        int64_t started = row_now();
        EXPECT(c, lock_release(pool_parent(pool), lock) < 0);
        EXPECT(c, pool_map(pool, squares, 0, 10, 1, &error) == -1);
        EXPECT_WITHIN(c, row_now() - started, 500 * MS);
    }
    EXPECT(c, process_free(process, NULL) == 0);
    pool_free(pool, SECOND, NULL);
    memory_free((void *)answered_at, sizeof *answered_at);
    server_killed_later(c);
    service_death_told(c);
}

/* --- CX21: whom the door turns away ------------------------------------------------------------------------------ */

static int knock(const struct host *h)
{
    struct address address;
    CU_ASSERT_EQUAL_FATAL(address_parse(&address, h->served.address, NULL), 0);
    int fd = address_connect(&address, hub_now() + 10 * SECOND, NULL, NULL);
    CU_ASSERT_FATAL(fd >= 0);
    return fd;
}

/* Whatever it says before. */
static bool closes(int fd)
{
    char bytes[1024];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (poll(&p, 1, 10000) == 1)
        if (read(fd, bytes, sizeof bytes) <= 0)
            return true;
    return false;
}

static void nonsense_is_turned_away(const struct situation *c, struct host *h)
{
    const size_t bytes = (size_t)10 << 20;
    char *nonsense = malloc(bytes);
    struct hello hello = {.magic = "muster.manager/", .order = BYTE_ORDER_MARK};
    CU_ASSERT_PTR_NOT_NULL_FATAL(nonsense);
    memset(nonsense, 'x', bytes);
    int silent = knock(h), flood = knock(h), other = knock(h);
    transfer(flood, nonsense, bytes, true);
    hello.magic[HANDSHAKE_FAMILY] = '9';
    EXPECT(c, WRITE(other, hello) == 0 && closes(other) && closes(flood));
    expect_served(c, h, 0);
    int64_t started = row_now();
    EXPECT(c, closes(silent));
    EXPECT_WITHIN(c, row_now() - started, DOOR_DEADLINE_NS + SECOND);
    close(silent);
    close(flood);
    close(other);
    free(nonsense);
}

/* What a client was let in with, overheard, is said once more on another connection. */
static void replay_is_turned_away(const struct situation *c, struct host *h)
{
    struct handshake said;
    struct answer answer;
    struct listener between;
    CU_ASSERT_EQUAL_FATAL(listener_open_private(&between, true, NULL), 0);
    char address[ADDRESS_TEXT];
    place_print(&between.place, address);
    pid_t pid = fork();
    if (pid == 0) {
        struct pool *guest = guest_join(address, KEY, NULL);
        _exit(guest ? 0 : 1);
    }
    struct pollfd p = {.fd = between.fd, .events = POLLIN};
    EXPECT(c, poll(&p, 1, 10000) == 1);
    int inside = accept(between.fd, NULL, NULL), outside = knock(h), again = knock(h);
    EXPECT(c, READ(inside, said.hello) == 0 && WRITE(outside, said.hello) == 0);
    EXPECT(c, READ(outside, said.challenge) == 0 && WRITE(inside, said.challenge) == 0);
    EXPECT(c, READ(inside, said.ask) == 0 && WRITE(outside, said.ask) == 0);
    EXPECT(c, READ(outside, answer) == 0 && WRITE(inside, answer) == 0);
    EXPECT(c, WRITE(again, said.hello) == 0 && READ(again, said.challenge) == 0);
    EXPECT(c, WRITE(again, said.ask) == 0 && READ(again, answer) == 0);
    EXPECT(c, answer.verdict == VERDICT_KEY_WRONG && closes(again));
    close(inside);
    close(outside);
    close(again);
    waitpid(pid, NULL, 0);
    listener_close(&between);
}

static void bad_clients(const struct situation *c)
{
    struct host h;
    if (!handshake_can_prove()) {
        frame_skip("without libsodium there are no keys");
        return;
    }
    if (host_open(c, &h, true, KEY)) {
        expect_refused(c, h.served.address, OTHER, "wrong key");
        nonsense_is_turned_away(c, &h);
        replay_is_turned_away(c, &h);
        expect_served(c, &h, 0);
    }
    host_close(c, &h);
    for (int keyed = 0; keyed < 2; keyed++) {
        if (host_open(c, &h, false, keyed ? KEY : NULL)) {
            expect_refused(c, h.served.address, keyed ? "" : KEY,
                           keyed ? "the client has none" : "the manager has none");
            expect_served(c, &h, 0);
        }
        host_close(c, &h);
    }
}

/* --- CX22: no descriptors left ----------------------------------------------------------------------------------- */

#define CROWD 500
#define FEW   64

static unsigned long ticks_of(pid_t pid)
{
    char path[64];
    unsigned long user = 0, kernel = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file) {
        if (fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) != 2)
            user = kernel = 0;
        fclose(file);
    }
    return user + kernel;
}

static void at_its_limit(const struct situation *c)
{
    struct host h;
    int crowd[CROWD];
    if (host_open(c, &h, false, NULL)) {
        const struct rlimit few = {.rlim_cur = FEW, .rlim_max = FEW};
        const unsigned descriptors = descriptors_of(h.served.pid);
        EXPECT(c, prlimit(h.served.pid, RLIMIT_NOFILE, &few, NULL) == 0);
        for (unsigned i = 0; i < CROWD; i++)
            crowd[i] = knock(&h);
        expect_served(c, &h, 0);
        unsigned long before = ticks_of(h.served.pid);
        row_rest(300 * MS);
        EXPECT(c, ticks_of(h.served.pid) - before < (unsigned long)sysconf(_SC_CLK_TCK) / 10);
        for (unsigned i = 0; i < CROWD; i++)
            close(crowd[i]);
        expect_descriptors(c, h.served.pid, descriptors);
        struct pool *guest = guest_join(h.served.address, "", NULL);
        EXPECT(c, guest && pool_free(guest, SECOND, NULL) == 0);
        expect_served(c, &h, 0);
    }
    host_close(c, &h);
}

const struct row rows_manager[] = {
    {.name = "*36 a manager by address and key", .run = by_address_and_key, .uses = USES_ADDRESS},
    {.name = "*39 authentication fails on either side", .run = authentication_fails, .uses = USES_ADDRESS},
    {.name = "CX8 half a header, half a body", .run = half_messages, .uses = USES_ADDRESS},
    {.name = "CX9 the server killed", .run = server_killed, .uses = USES_SERVICE | USES(NEED_MAP), .variants = true},
    {.name = "CX21 bad keys, silence, nonsense, a replay", .run = bad_clients, .uses = USES_ADDRESS},
    {.name = "CX22 the server at its limit of descriptors", .run = at_its_limit, .uses = USES_ADDRESS},
    {.name = NULL},
};
