/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * handshake.c - proofs, the byte order of what travels, and both sides of the handshake. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "bench/ipc/handshake.h"
#include "bench/ipc/hub.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef HAVE_SODIUM
#include <sodium.h>
#endif

#define WORD_CLIENT "muster.manager/1 client"
#define WORD_SERVER "muster.manager/1 manager"

_Static_assert(sizeof(struct hello) == 56 && sizeof(struct challenge) == 56, "hello and challenge have no padding");
_Static_assert(sizeof(struct shape) == 48 + 32 * OBJECTS_MAX, "a shape has no padding");
_Static_assert(sizeof(struct ask) == 120 + sizeof(struct shape), "ask has no padding");
_Static_assert(sizeof(struct answer) == 56 + sizeof(struct shape), "answer has no padding");

const char *verdict_text(enum verdict verdict)
{
    static const char *const texts[VERDICTS] = {
        [VERDICT_WELCOME] = "welcome",
        [VERDICT_VERSION] = "another version of the protocol than muster.manager/1",
        [VERDICT_ORDER] = "another byte order than the manager's",
        [VERDICT_USER] = "a unix socket serves the manager's own user only",
        [VERDICT_KEY_NEEDED] = "the manager wants a key, and the client has none",
        [VERDICT_KEY_UNWANTED] = "the client has a key, and the manager has none",
        [VERDICT_KEY_WRONG] = "wrong key",
        [VERDICT_ASK] = "it asks for what cannot be",
        [VERDICT_TOO_LARGE] = "it asks for more memory than the manager gives",
        [VERDICT_FULL] = "the manager has as many sessions or guests as it takes",
        [VERDICT_NO_SESSION] = "there is no such session",
        [VERDICT_SLOT_TAKEN] = "its slot in the session is taken",
        [VERDICT_NAME_TAKEN] = "a session of that name is there already",
        [VERDICT_UNABLE] = "the manager cannot prove its key: libsodium does not start there",
    };
    return verdict < VERDICTS ? texts[verdict] : "for a reason that this version does not know";
}

int handshake_random(void *into, size_t bytes, struct error *error)
{
    ssize_t got;
    do
        got = getrandom(into, bytes, 0);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)bytes ? 0 : error_system(error, "no random bytes for a handshake");
}

/* --- proofs ------------------------------------------------------------------------------------------------------ */

struct piece {
    const void *at;
    size_t bytes;
};

#ifdef HAVE_SODIUM
bool handshake_can_prove(void)
{
    return true;
}

/* false: there can be no proof, and nobody is to be let in for want of one. */
static bool prove(const struct key *key, const struct piece *pieces, unsigned char proof[PROOF_BYTES])
{
    crypto_auth_hmacsha256_state state;
    memset(proof, 0, PROOF_BYTES);
    if (key->count == 0)
        return true;
    if (sodium_init() < 0)
        return false;
    crypto_auth_hmacsha256_init(&state, key->bytes, key->count);
    for (; pieces->at; pieces++)
        crypto_auth_hmacsha256_update(&state, pieces->at, pieces->bytes);
    crypto_auth_hmacsha256_final(&state, proof);
    return true;
}
#else
bool handshake_can_prove(void)
{
    return false;
}

/* The key of a pool's own manager never leaves this machine's loopback, and only its children know it. */
static bool prove(const struct key *key, const struct piece *pieces, unsigned char proof[PROOF_BYTES])
{
    (void)pieces;
    memset(proof, 0, PROOF_BYTES);
    if (key->ours)
        memcpy(proof, key->bytes, key->count < PROOF_BYTES ? key->count : PROOF_BYTES);
    return key->ours || key->count == 0;
}
#endif

/* Takes as long whatever differs. */
static bool same(const unsigned char *a, const unsigned char *b)
{
    volatile unsigned char differs = 0;
    for (size_t i = 0; i < PROOF_BYTES; i++)
        differs |= a[i] ^ b[i];
    return differs == 0;
}

/* `ask` is as it travels. */
static bool prove_client(const struct handshake *h, const struct key *key, unsigned char proof[PROOF_BYTES])
{
    const struct piece pieces[] = {
        {WORD_CLIENT, sizeof WORD_CLIENT},
        {&h->hello, sizeof h->hello},
        {&h->challenge, sizeof h->challenge},
        {&h->ask, offsetof(struct ask, proof)},
        {.at = NULL},
    };
    return prove(key, pieces, proof);
}

/* The client's proof stands for all that it covers. */
static bool prove_server(const struct handshake *h, const struct answer *answer, const struct key *key,
                         unsigned char proof[PROOF_BYTES])
{
    const struct piece pieces[] = {
        {WORD_SERVER, sizeof WORD_SERVER}, {&h->challenge, sizeof h->challenge},     {&h->hello, sizeof h->hello},
        {h->ask.proof, PROOF_BYTES},       {answer, offsetof(struct answer, proof)}, {.at = NULL},
    };
    return prove(key, pieces, proof);
}

/* --- byte order -------------------------------------------------------------------------------------------------- */

/* The same both ways. */
static void turn32(uint32_t *value)
{
    *value = htole32(*value);
}

static void turn64(uint64_t *value)
{
    *value = htole64(*value);
}

static void turn_shape(struct shape *s)
{
    uint32_t *small[] = {&s->workers, &s->processes, &s->depth, &s->window, &s->recycle, &s->objects};
    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
        turn32(small[i]);
    turn64(&s->items);
    turn64(&s->in_size);
    turn64(&s->out_size);
    for (size_t i = 0; i < OBJECTS_MAX; i++) {
        turn32(&s->object[i].kind);
        turn32(&s->object[i].type);
        turn64(&s->object[i].element_size);
        turn64(&s->object[i].key_size);
        turn64(&s->object[i].capacity);
    }
}

static void turn_ask(struct ask *ask)
{
    turn32(&ask->role);
    turn32(&ask->slot);
    turn_shape(&ask->shape);
}

static void turn_answer(struct answer *answer)
{
    turn32(&answer->verdict);
    turn_shape(&answer->shape);
}

/* --- the manager's side ------------------------------------------------------------------------------------------ */

static enum verdict judge_hello(const struct hello *hello, const struct key *key)
{
    bool keyed = le32toh(hello->keyed) != 0;
    if (memcmp(hello->magic, HANDSHAKE_MAGIC, MAGIC_BYTES) != 0)
        return VERDICT_VERSION;
    if (hello->order != BYTE_ORDER_MARK)
        return VERDICT_ORDER;
    if (keyed != (key->count > 0))
        return keyed ? VERDICT_KEY_UNWANTED : VERDICT_KEY_NEEDED;
    return VERDICT_WELCOME;
}

enum verdict handshake_greet(struct handshake *h, const struct key *key)
{
    enum verdict verdict = judge_hello(&h->hello, key);
    h->challenge = (struct challenge){.verdict = htole32(verdict), .keyed = htole32(key->count > 0)};
    memcpy(h->challenge.magic, HANDSHAKE_MAGIC, MAGIC_BYTES);
    /* Without a nonce of its own it could be told what another connection was told. */
    if (verdict == VERDICT_WELCOME && handshake_random(h->challenge.nonce, NONCE_BYTES, NULL)) {
        verdict = VERDICT_FULL;
        h->challenge.verdict = htole32(verdict);
    }
    return verdict;
}

void handshake_refuse(struct challenge *challenge, enum verdict verdict)
{
    *challenge = (struct challenge){.verdict = htole32(verdict)};
    memcpy(challenge->magic, HANDSHAKE_MAGIC, MAGIC_BYTES);
}

enum verdict handshake_check(struct handshake *h, const struct key *key)
{
    unsigned char proof[PROOF_BYTES];
    if (!prove_client(h, key, proof))
        return VERDICT_UNABLE;
    if (!same(proof, h->ask.proof))
        return VERDICT_KEY_WRONG;
    turn_ask(&h->ask);
    return h->ask.role > CLIENT_GUEST || h->ask.name[SESSION_NAME - 1] ? VERDICT_ASK : VERDICT_WELCOME;
}

void handshake_seal(const struct handshake *h, const struct key *key, struct answer *answer)
{
    answer->padding = 0;
    turn_answer(answer);
    /* Without a proof it is none to any client that has the key. */
    prove_server(h, answer, key, answer->proof);
}

void handshake_spurn(struct answer *answer)
{
    answer->padding = 0;
    turn_answer(answer);
    memset(answer->proof, 0, PROOF_BYTES);
}

/* --- the client's side ------------------------------------------------------------------------------------------- */

/* A message that waits for the other side: -1 with *error. */
static int wait_for(int fd, short events, int64_t deadline, struct error *error)
{
    struct pollfd p = {.fd = fd, .events = events};
    for (;;) {
        int64_t left = deadline - hub_now();
        int ready = left > 0 ? poll(&p, 1, (int)(left / 1000000) + 1) : 0;
        if (ready > 0)
            return 0;
        if (ready == 0)
            return error_set(error, ERROR_TIMEOUT, "the manager did not answer in time");
        if (errno != EINTR)
            return error_system(error, "cannot wait for the manager");
    }
}

static int closed(struct error *error)
{
    return error_set(error, ERROR_BROKEN, "the manager closed the connection before it had answered");
}

static int say(int fd, const void *message, size_t bytes, int64_t deadline, struct error *error)
{
    for (size_t sent = 0; sent < bytes;) {
        /* a program without a pool has not said that it ignores SIGPIPE */
        ssize_t n = send(fd, (const unsigned char *)message + sent, bytes - sent, MSG_NOSIGNAL);
        if (n > 0)
            sent += (size_t)n;
        else if (errno == EAGAIN && wait_for(fd, POLLOUT, deadline, error))
            return -1;
        else if (errno != EAGAIN && errno != EINTR)
            return closed(error);
    }
    return 0;
}

static int hear(int fd, void *message, size_t bytes, int64_t deadline, struct error *error)
{
    for (size_t got = 0; got < bytes;) {
        ssize_t n = read(fd, (unsigned char *)message + got, bytes - got);
        if (n > 0)
            got += (size_t)n;
        else if (n == 0 || (errno != EAGAIN && errno != EINTR))
            return closed(error);
        else if (errno == EAGAIN && wait_for(fd, POLLIN, deadline, error))
            return -1;
    }
    return 0;
}

static int refused(struct answer *answer, enum verdict verdict, struct error *error)
{
    answer->verdict = verdict;
    return error_set(error, ERROR_REFUSED, "refused: %s", verdict_text(verdict));
}

static int judge_challenge(const struct challenge *c, const struct key *key, struct answer *answer, struct error *error)
{
    enum verdict verdict = le32toh(c->verdict);
    if (memcmp(c->magic, HANDSHAKE_MAGIC, HANDSHAKE_FAMILY) != 0)
        return error_set(error, ERROR_BROKEN, "what serves there is not a manager");
    if (memcmp(c->magic, HANDSHAKE_MAGIC, MAGIC_BYTES) != 0) {
        answer->verdict = VERDICT_VERSION;
        return error_set(error, ERROR_REFUSED,
                         "refused: the manager speaks version '%c' of its protocol, this is " HANDSHAKE_MAGIC,
                         c->magic[HANDSHAKE_FAMILY] < ' ' ? '?' : c->magic[HANDSHAKE_FAMILY]);
    }
    if (verdict != VERDICT_WELCOME)
        return refused(answer, verdict, error);
    if ((le32toh(c->keyed) != 0) != (key->count > 0))
        return refused(answer, key->count ? VERDICT_KEY_UNWANTED : VERDICT_KEY_NEEDED, error);
    return 0;
}

/* A manager that refuses has proved the key all the same, unless it is the key that it refuses. */
static int judge_answer(const struct handshake *h, const struct key *key, struct answer *answer, struct error *error)
{
    unsigned char proof[PROOF_BYTES];
    bool proved = prove_server(h, answer, key, proof) && same(proof, answer->proof);
    turn_answer(answer);
    if (answer->verdict != VERDICT_WELCOME)
        return refused(answer, answer->verdict, error);
    if (proved)
        return 0;
    answer->verdict = VERDICT_KEY_WRONG;
    return error_set(error, ERROR_REFUSED, "refused the manager: it does not know the key");
}

int handshake_client(int fd, const struct key *key, const struct ask *ask, struct answer *answer, int64_t deadline,
                     struct error *error)
{
    struct handshake h = {.hello = {.order = BYTE_ORDER_MARK, .keyed = htole32(key->count > 0)}, .ask = *ask};
    *answer = (struct answer){.verdict = VERDICT_WELCOME};
    memcpy(h.hello.magic, HANDSHAKE_MAGIC, MAGIC_BYTES);
    if (handshake_random(h.hello.nonce, NONCE_BYTES, error))
        return -1;
    /* A manager that refuses at sight may have closed already, and what it said is to be heard. */
    say(fd, &h.hello, sizeof h.hello, deadline, NULL);
    if (hear(fd, &h.challenge, sizeof h.challenge, deadline, error) ||
        judge_challenge(&h.challenge, key, answer, error))
        return -1;
    turn_ask(&h.ask);
    if (!prove_client(&h, key, h.ask.proof))
        return error_set(error, ERROR_REFUSED, "cannot prove the key: libsodium does not start");
    if (say(fd, &h.ask, sizeof h.ask, deadline, error) || hear(fd, answer, sizeof *answer, deadline, error))
        return -1;
    return judge_answer(&h, key, answer, error);
}
