/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_door.c - the handshake of a manager and its clients, and the door at which it is held.
 *
 * The door is that of a child which lets in whoever knows the key and tells him so by one byte. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "bench/ipc/door.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define LET_IN 'w'

static const unsigned char right[] = "sixteen bytes or more", wrong[] = "sixteen other bytes  ";
static const struct key no_key = {.count = 0}, right_key = {.bytes = right, .count = sizeof right},
                        wrong_key = {.bytes = wrong, .count = sizeof wrong};

/* --- a door ------------------------------------------------------------------------------------------------------ */

static enum verdict admit_all(struct doorkeeper *keeper, const struct ask *ask, struct answer *answer, void **ticket)
{
    (void)keeper, (void)ticket;
    memcpy(answer->token, ask->token, TOKEN_BYTES);
    answer->shape.items = ask->shape.items + 1;
    return ask->role == CLIENT_GUEST ? VERDICT_NO_SESSION : VERDICT_WELCOME;
}

static void say_and_close(struct doorkeeper *keeper, const struct ask *ask, void *ticket, int fd)
{
    (void)keeper, (void)ask, (void)ticket;
    if (fd < 0)
        return;
    if (write(fd, &(char){LET_IN}, 1) != 1)
        abort();
    close(fd);
}

static struct doorkeeper porter = {.admit = admit_all, .enter = say_and_close};

static bool memory_is_short, calloc_fails;
void *__real_calloc(size_t n, size_t size), *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
    return calloc_fails ? NULL : __real_calloc(n, size);
}

/* The listener is closed here, and open there. */
static pid_t keep_door(struct listener *l, const struct key *key, unsigned knocks, unsigned descriptors)
{
    pid_t parent = getpid(), pid = fork();
    if (pid != 0) {
        listener_leave(l);
        return pid;
    }
    struct hub hub;
    struct door door;
    struct rlimit limit = {descriptors, descriptors};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent || (descriptors && setrlimit(RLIMIT_NOFILE, &limit)))
        _exit(1);
    signal(SIGPIPE, SIG_IGN);
    if (hub_open(&hub, NULL) || door_open(&door, &hub, &porter, l, key, knocks, NULL))
        _exit(2);
    calloc_fails = memory_is_short;
    while (hub_turn(&hub, -1, NULL) == 0)
        ;
    _exit(3);
}

static void end_door(pid_t pid)
{
    int status = 0;
    kill(pid, SIGKILL);
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT(WIFSIGNALED(status));
}

static struct place open_door(pid_t *pid, bool tcp, const struct key *key)
{
    struct listener l;
    CU_ASSERT_EQUAL_FATAL(listener_open_private(&l, tcp, NULL), 0);
    struct place place = l.place;
    *pid = keep_door(&l, key, DOOR_KNOCKS_MOST, 0);
    return place;
}

static int hear_byte(int fd)
{
    unsigned char byte;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 10000) == 1 && read(fd, &byte, 1) == 1 ? byte : -1;
}

/* Whether this client gets in. */
static bool gets_in(const struct place *place, const struct key *key, struct answer *answer, struct error *error)
{
    const struct ask ask = {.role = CLIENT_SLOT, .token = "token", .name = "name", .shape.items = 6};
    int fd = place_connect(place, hub_now() + 10 * SECOND, error);
    bool in = fd >= 0 && handshake_client(fd, key, &ask, answer, hub_now() + 10 * SECOND, error) == 0;
    in =
        in && hear_byte(fd) == LET_IN && memcmp(answer->token, ask.token, TOKEN_BYTES) == 0 && answer->shape.items == 7;
    if (fd >= 0)
        close(fd);
    return in;
}

/* The verdict on a client with one key at a door with another; the end of the text is what it is told. */
static enum verdict refusal(const struct key *door_key, const struct key *key, const char *text)
{
    struct error error = {.code = ERROR_NONE};
    struct answer answer = {.verdict = VERDICT_WELCOME};
    pid_t pid;
    struct place place = open_door(&pid, true, door_key);
    CU_ASSERT_FALSE(gets_in(&place, key, &answer, &error));
    CU_ASSERT_EQUAL(error.code, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, text));
    end_door(pid);
    return answer.verdict;
}

static bool without_proofs(void)
{
    if (!handshake_can_prove())
        frame_skip("without libsodium there are no keys");
    return !handshake_can_prove();
}

/* --- handshakes -------------------------------------------------------------------------------------------------- */

static void who_knows_the_key_gets_in(void)
{
    for (int tcp = 0; tcp < 2; tcp++)
        for (int keyed = 0; keyed < 1 + handshake_can_prove(); keyed++) {
            struct answer answer;
            pid_t pid;
            const struct key *key = keyed ? &right_key : &no_key;
            struct place place = open_door(&pid, tcp, key);
            CU_ASSERT(gets_in(&place, key, &answer, NULL));
            CU_ASSERT(gets_in(&place, key, &answer, NULL));
            end_door(pid);
        }
}

static void a_wrong_key_is_refused(void)
{
    if (without_proofs())
        return;
    CU_ASSERT_EQUAL(refusal(&right_key, &wrong_key, "refused: wrong key"), VERDICT_KEY_WRONG);
}

static void key_and_no_key_do_not_match(void)
{
    if (without_proofs())
        return;
    CU_ASSERT_EQUAL(refusal(&right_key, &no_key, "the client has none"), VERDICT_KEY_NEEDED);
    CU_ASSERT_EQUAL(refusal(&no_key, &right_key, "the manager has none"), VERDICT_KEY_UNWANTED);
}

#ifdef HAVE_SODIUM
static bool sodium_fails;
int __real_sodium_init(void), __wrap_sodium_init(void);
int __wrap_sodium_init(void)
{
    return sodium_fails ? -1 : __real_sodium_init();
}
#endif

static int write_all(int fd, const void *message, size_t bytes)
{
    return write(fd, message, bytes) == (ssize_t)bytes ? 0 : -1;
}

static int read_all(int fd, void *message, size_t bytes)
{
    for (size_t got = 0; got < bytes;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n = poll(&p, 1, 10000) == 1 ? read(fd, (unsigned char *)message + got, bytes - got) : 0;
        if (n <= 0)
            return -1;
        got += (size_t)n;
    }
    return 0;
}

/* As they travel. */
static enum verdict answer_to(int fd, const struct hello *hello, const struct ask *ask)
{
    struct challenge challenge;
    struct answer answer = {.verdict = VERDICTS};
    CU_ASSERT_EQUAL(write_all(fd, hello, sizeof *hello) || read_all(fd, &challenge, sizeof challenge), 0);
    CU_ASSERT_EQUAL(write_all(fd, ask, sizeof *ask) || read_all(fd, &answer, sizeof answer), 0);
    return answer.verdict;
}

static struct hello hello_of(const char *magic, bool keyed)
{
    struct hello hello = {.order = BYTE_ORDER_MARK, .keyed = keyed};
    memcpy(hello.magic, magic, MAGIC_BYTES);
    return hello;
}

static void another_version_is_told(void)
{
    pid_t pid;
    struct place place = open_door(&pid, false, &no_key);
    struct hello hello = hello_of("muster.manager/2", false);
    struct challenge challenge = {.verdict = VERDICT_WELCOME};
    int fd = place_connect(&place, hub_now() + SECOND, NULL);
    CU_ASSERT_EQUAL(write_all(fd, &hello, sizeof hello), 0);
    CU_ASSERT_EQUAL(read_all(fd, &challenge, sizeof challenge), 0);
    CU_ASSERT_EQUAL(challenge.verdict, VERDICT_VERSION);
    CU_ASSERT_EQUAL(memcmp(challenge.magic, HANDSHAKE_MAGIC, MAGIC_BYTES), 0);
    CU_ASSERT_EQUAL(hear_byte(fd), -1);
    close(fd);
    hello = hello_of(HANDSHAKE_MAGIC, false);
    hello.order = 0x04030201;
    fd = place_connect(&place, hub_now() + SECOND, NULL);
    CU_ASSERT_EQUAL(write_all(fd, &hello, sizeof hello), 0);
    CU_ASSERT_EQUAL(read_all(fd, &challenge, sizeof challenge), 0);
    CU_ASSERT_EQUAL(challenge.verdict, VERDICT_ORDER);
    close(fd);
    end_door(pid);
}

/* What a client says of a server that sends this for a challenge. */
static struct error told_by(const struct challenge *challenge, const struct key *key)
{
    struct error error = {.code = ERROR_NONE};
    const struct ask ask = {.role = CLIENT_PROBE};
    struct answer answer = {.verdict = VERDICT_WELCOME};
    int pair[2];
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    CU_ASSERT_EQUAL(write_all(pair[1], challenge, sizeof *challenge), 0);
    CU_ASSERT_EQUAL(shutdown(pair[1], SHUT_WR), 0);
    CU_ASSERT_EQUAL(handshake_client(pair[0], key, &ask, &answer, hub_now() + SECOND, &error), -1);
    close(pair[0]);
    close(pair[1]);
    return error;
}

static void a_client_knows_whom_it_speaks_to(void)
{
    struct challenge challenge = {.magic = "muster.manager/", .verdict = VERDICT_VERSION};
    challenge.magic[HANDSHAKE_FAMILY] = '7';
    struct error error = told_by(&challenge, &no_key);
    CU_ASSERT_EQUAL(error.code, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "version '7'"));
    memcpy(challenge.magic, "SSH-2.0-OpenSSH_", MAGIC_BYTES);
    error = told_by(&challenge, &no_key);
    CU_ASSERT_EQUAL(error.code, ERROR_BROKEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "not a manager"));
    /* one that closes before it has proved anything */
    memcpy(challenge.magic, HANDSHAKE_MAGIC, MAGIC_BYTES);
    challenge.verdict = VERDICT_WELCOME;
    error = told_by(&challenge, &no_key);
    CU_ASSERT_EQUAL(error.code, ERROR_BROKEN);
    /* one that would have a client with a key do without it */
    error = told_by(&challenge, &right_key);
    CU_ASSERT_EQUAL(error.code, ERROR_REFUSED);
}

/* A proof of zeros is what a client without a key sends. */
static void without_proofs_nobody_gets_in(void)
{
    if (without_proofs())
        return;
#ifdef HAVE_SODIUM
    pid_t pid;
    struct error error;
    struct answer answer;
    struct hello hello = hello_of(HANDSHAKE_MAGIC, true);
    sodium_fails = true;
    struct place place = open_door(&pid, false, &right_key);
    int fd = place_connect(&place, hub_now() + SECOND, NULL);
    CU_ASSERT_EQUAL(answer_to(fd, &hello, &(struct ask){.role = CLIENT_PROBE}), VERDICT_UNABLE);
    CU_ASSERT_EQUAL(hear_byte(fd), -1);
    close(fd);
    CU_ASSERT_FALSE(gets_in(&place, &right_key, &answer, &error));
    CU_ASSERT_EQUAL(error.code, ERROR_REFUSED);
    sodium_fails = false;
    CU_ASSERT_FALSE(gets_in(&place, &right_key, &answer, &error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "libsodium does not start"));
    end_door(pid);
#endif
}

/* One that takes any proof, and has none of its own. */
static void a_manager_without_the_key_is_refused(void)
{
    if (without_proofs())
        return;
    struct listener l;
    struct error error = {.code = ERROR_NONE};
    struct answer answer = {.verdict = VERDICT_WELCOME};
    CU_ASSERT_EQUAL_FATAL(listener_open_private(&l, false, NULL), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct handshake h;
        struct pollfd p = {.fd = l.fd, .events = POLLIN};
        int fd = poll(&p, 1, 10000) == 1 ? accept(l.fd, NULL, NULL) : -1;
        if (read_all(fd, &h.hello, sizeof h.hello))
            _exit(1);
        handshake_greet(&h, &wrong_key);
        if (write_all(fd, &h.challenge, sizeof h.challenge) || read_all(fd, &h.ask, sizeof h.ask))
            _exit(2);
        handshake_seal(&h, &wrong_key, &answer);
        _exit(write_all(fd, &answer, sizeof answer) ? 3 : 0);
    }
    CU_ASSERT_FALSE(gets_in(&l.place, &right_key, &answer, &error));
    CU_ASSERT_EQUAL(error.code, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "does not know the key"));
    int status = 1;
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_EQUAL(status, 0);
    listener_close(&l);
}

/* What one connection was let in with is sent on another, by one who overheard all of it. */
static void what_was_overheard_opens_nothing(void)
{
    if (without_proofs())
        return;
    pid_t pid;
    struct place place = open_door(&pid, false, &right_key);
    struct listener between;
    struct handshake h;
    struct answer answer;
    CU_ASSERT_EQUAL_FATAL(listener_open_private(&between, false, NULL), 0);
    pid_t client = fork();
    if (client == 0)
        _exit(gets_in(&between.place, &right_key, &answer, NULL) ? 0 : 1);
    struct pollfd p = {.fd = between.fd, .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&p, 1, 10000), 1);
    int inside = accept(between.fd, NULL, NULL), outside = place_connect(&place, hub_now() + SECOND, NULL);
    CU_ASSERT_EQUAL(read_all(inside, &h.hello, sizeof h.hello) || write_all(outside, &h.hello, sizeof h.hello), 0);
    CU_ASSERT_EQUAL(read_all(outside, &h.challenge, sizeof h.challenge), 0);
    CU_ASSERT_EQUAL(write_all(inside, &h.challenge, sizeof h.challenge), 0);
    CU_ASSERT_EQUAL(read_all(inside, &h.ask, sizeof h.ask) || write_all(outside, &h.ask, sizeof h.ask), 0);
    CU_ASSERT_EQUAL(read_all(outside, &answer, sizeof answer) || write_all(inside, &answer, sizeof answer), 0);
    CU_ASSERT_EQUAL(hear_byte(outside), LET_IN);
    CU_ASSERT_EQUAL(write_all(inside, &(char){LET_IN}, 1), 0);
    int status = 1, again = place_connect(&place, hub_now() + SECOND, NULL);
    CU_ASSERT_EQUAL(waitpid(client, &status, 0), client);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_EQUAL(answer_to(again, &h.hello, &h.ask), VERDICT_KEY_WRONG);
    CU_ASSERT_EQUAL(hear_byte(again), -1);
    close(again), close(inside);
    close(outside);
    listener_close(&between);
    end_door(pid);
}

/* --- the door ---------------------------------------------------------------------------------------------------- */

static void half_a_handshake_is_ended(void)
{
    pid_t pid;
    struct place place = open_door(&pid, false, &no_key);
    struct hello hello = hello_of(HANDSHAKE_MAGIC, false);
    struct answer answer;
    int64_t began = hub_now();
    int half = place_connect(&place, hub_now() + SECOND, NULL),
        silent = place_connect(&place, hub_now() + SECOND, NULL);
    CU_ASSERT_EQUAL(write_all(half, &hello, sizeof hello / 2), 0);
    CU_ASSERT(gets_in(&place, &no_key, &answer, NULL));
    CU_ASSERT_EQUAL(hear_byte(half), -1);
    CU_ASSERT_EQUAL(hear_byte(silent), -1);
    CU_ASSERT(hub_now() - began >= DOOR_DEADLINE_NS - SECOND / 100);
    close(half), close(silent);
    end_door(pid);
}

static void who_is_no_client_is_told_nothing(void)
{
    pid_t pid;
    struct place place = open_door(&pid, true, &no_key);
    static const char request[] = "GET / HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\n\r\nxxxxxxxx";
    int fd = place_connect(&place, hub_now() + SECOND, NULL);
    CU_ASSERT_EQUAL(write_all(fd, request, sizeof(struct hello)), 0);
    CU_ASSERT_EQUAL(hear_byte(fd), -1);
    close(fd);
    end_door(pid);
}

#define CROWD 60

/* The oldest of those who say nothing go; who speaks gets in past all of them. */
static void a_silent_crowd_keeps_nobody_out(void)
{
    struct listener l;
    struct answer answer;
    int crowd[CROWD];
    CU_ASSERT_EQUAL_FATAL(listener_open_private(&l, false, NULL), 0);
    struct place place = l.place;
    pid_t pid = keep_door(&l, &no_key, CROWD / 2, 0);
    for (int i = 0; i < CROWD; i++)
        crowd[i] = place_connect(&place, hub_now() + SECOND, NULL);
    CU_ASSERT_EQUAL(hear_byte(crowd[0]), -1);
    CU_ASSERT(gets_in(&place, &no_key, &answer, NULL));
    struct pollfd last = {.fd = crowd[CROWD - 1], .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&last, 1, 0), 0);
    for (int i = 0; i < CROWD; i++)
        close(crowd[i]);
    end_door(pid);
}

/* Where descriptors run out those who come are turned away, and let in again when there are some. */
static void a_full_table_is_survived(void)
{
    struct listener l;
    struct answer answer;
    int crowd[CROWD];
    CU_ASSERT_EQUAL_FATAL(listener_open_private(&l, false, NULL), 0);
    struct place place = l.place;
    pid_t pid = keep_door(&l, &no_key, CROWD, 16);
    for (int i = 0; i < CROWD; i++)
        crowd[i] = place_connect(&place, hub_now() + SECOND, NULL);
    CU_ASSERT_EQUAL(hear_byte(crowd[CROWD - 1]), -1);
    for (int i = 0; i < CROWD; i++)
        close(crowd[i]);
    bool in = false;
    for (int i = 0; i < 200 && !in; i++) {
        in = gets_in(&place, &no_key, &answer, NULL);
        if (!in)
            poll(NULL, 0, 10);
    }
    CU_ASSERT(in);
    end_door(pid);
}

static void want_of_memory_is_no_other_user(void)
{
    pid_t pid;
    struct answer answer = {.verdict = VERDICT_WELCOME};
    struct error error = {.code = ERROR_NONE};
    memory_is_short = true;
    struct place place = open_door(&pid, false, &no_key);
    CU_ASSERT_FALSE(gets_in(&place, &no_key, &answer, &error));
    CU_ASSERT(answer.verdict == VERDICT_FULL && error.code == ERROR_REFUSED);
    memory_is_short = false;
    end_door(pid);
}

static void another_user_is_refused(void)
{
    if (geteuid() != 0) {
        frame_skip("only root can be another user");
        return;
    }
    pid_t pid;
    struct place place = open_door(&pid, false, &no_key);
    pid_t other = fork();
    if (other == 0) {
        struct answer answer = {.verdict = VERDICT_WELCOME};
        struct error error = {.code = ERROR_NONE};
        if (setresuid(65534, 65534, 65534))
            _exit(1);
        if (gets_in(&place, &no_key, &answer, &error))
            _exit(2);
        _exit(answer.verdict == VERDICT_USER && error.code == ERROR_REFUSED ? 0 : 3);
    }
    int status = 1;
    CU_ASSERT_EQUAL(waitpid(other, &status, 0), other);
    CU_ASSERT_EQUAL(status, 0);
    end_door(pid);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"door: who knows the key gets in", who_knows_the_key_gets_in, 0},
        {"door: a wrong key is refused", a_wrong_key_is_refused, 0},
        {"door: key and no key do not match", key_and_no_key_do_not_match, 0},
        {"door: another version is told", another_version_is_told, 0},
        {"door: a client knows whom it speaks to", a_client_knows_whom_it_speaks_to, 0},
        {"door: a manager without the key is refused", a_manager_without_the_key_is_refused, 0},
        {"door: without proofs nobody gets in", without_proofs_nobody_gets_in, 0},
        {"door: what was overheard opens nothing", what_was_overheard_opens_nothing, 0},
        {"door: half a handshake is ended", half_a_handshake_is_ended, 0},
        {"door: who is no client is told nothing", who_is_no_client_is_told_nothing, 0},
        {"door: a silent crowd keeps nobody out", a_silent_crowd_keeps_nobody_out, 0},
        {"door: a full table is survived", a_full_table_is_survived, 0},
        {"door: want of memory is no other user", want_of_memory_is_no_other_user, 0},
        {"door: another user is refused", another_user_is_refused, 0},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
