/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * handshake.h - how a client and a manager make sure of each other, and what the client asks for.
 *
 * Four messages of fixed size, little-endian: hello and challenge bring a nonce each, ask and answer a proof each,
 * which is HMAC-SHA-256 with the key over all that was said before it and in it, with a word for who says it. So a
 * proof holds for one connection, one way, and what is asked for cannot be changed under it. Who has no key says so,
 * and sends a proof of zeros. The messages of protocol version N open with "muster.manager/N". */
#ifndef MUSTER_BENCH_IPC_HANDSHAKE_H
#define MUSTER_BENCH_IPC_HANDSHAKE_H

#include "bench/strategy.h"

#define HANDSHAKE_MAGIC  "muster.manager/1"
#define HANDSHAKE_FAMILY 15 /* bytes of it that are the same in all versions */
#define MAGIC_BYTES      16
#define NONCE_BYTES      32
#define PROOF_BYTES      32
#define TOKEN_BYTES      16
#define SESSION_NAME     64
#define KEY_LEAST        16
#define KEY_MOST         4096

/* A secret that both sides know. */
struct key {
    const unsigned char *bytes; /* the caller's */
    size_t count;               /* 0: no key */
    bool ours;                  /* made by this process for its children: it may travel where libsodium is missing */
};

enum client_role {
    CLIENT_PROBE,  /* only asks whether it would be let in */
    CLIENT_PARENT, /* opens a session: shape, and a name for guests or "" */
    CLIENT_SLOT,   /* a worker or process of a session: token and slot */
    CLIENT_GUEST,  /* joins the session of that name */
};

enum verdict {
    VERDICT_WELCOME,
    VERDICT_VERSION,      /* another version of the protocol */
    VERDICT_ORDER,        /* another byte order */
    VERDICT_USER,         /* a unix socket serves its own user only */
    VERDICT_KEY_NEEDED,   /* the manager has a key and the client none */
    VERDICT_KEY_UNWANTED, /* the client has a key and the manager none */
    VERDICT_KEY_WRONG,
    VERDICT_ASK,        /* it asks for what cannot be */
    VERDICT_TOO_LARGE,  /* more memory than the manager gives */
    VERDICT_FULL,       /* as many sessions or guests as the manager takes */
    VERDICT_NO_SESSION, /* of that name or token */
    VERDICT_SLOT_TAKEN,
    VERDICT_NAME_TAKEN,
    VERDICT_UNABLE, /* to make proofs, so that none can be checked */
    VERDICTS,
};

struct shape_object {
    uint32_t kind, type;
    uint64_t element_size, key_size, capacity;
};

/* Of a session: what its parent's pool was opened with. */
struct shape {
    uint32_t workers, processes, depth, window, recycle, objects;
    uint64_t items, in_size, out_size;
    struct shape_object object[OBJECTS_MAX];
};

struct hello {
    char magic[MAGIC_BYTES];
    uint32_t order; /* BYTE_ORDER_MARK in the client's own order: frames are in it */
    uint32_t keyed;
    unsigned char nonce[NONCE_BYTES];
};
#define BYTE_ORDER_MARK 0x01020304u

struct challenge {
    char magic[MAGIC_BYTES];
    uint32_t verdict; /* but VERDICT_WELCOME: the end */
    uint32_t keyed;
    unsigned char nonce[NONCE_BYTES];
};

struct ask {
    uint32_t role, slot;
    unsigned char token[TOKEN_BYTES];
    char name[SESSION_NAME]; /* filled up with zeros */
    struct shape shape;
    unsigned char proof[PROOF_BYTES];
};

struct answer {
    uint32_t verdict, padding;
    unsigned char token[TOKEN_BYTES]; /* of the session */
    struct shape shape;               /* of the session */
    unsigned char proof[PROOF_BYTES];
};

/* What was said so far, on one side. */
struct handshake {
    struct hello hello;
    struct challenge challenge;
    struct ask ask;
};

/* Whether there is libsodium, so that a key of a user can be proved without being told. */
bool handshake_can_prove(void);
/* 0, or -1 with *error: no random bytes. */
int handshake_random(void *into, size_t bytes, struct error *);

/* The client's whole side, on a non-blocking socket; waits until `deadline` (monotonic ns). `ask` has native integers,
 * its proof is made here. 0 with *answer, in native integers; or -1 with *error: ERROR_REFUSED, either way round, and
 * *answer says the verdict; ERROR_TIMEOUT; ERROR_BROKEN. */
int handshake_client(int fd, const struct key *, const struct ask *ask, struct answer *, int64_t deadline,
                     struct error *);

/* The manager's side, step by step. Each returns the verdict. */
enum verdict handshake_greet(struct handshake *, const struct key *); /* reads hello, fills challenge */
/* Reads ask as it came, checks its proof, and turns its integers into native ones. */
enum verdict handshake_check(struct handshake *, const struct key *);
/* `answer` has native integers and becomes what is sent. */
void handshake_seal(const struct handshake *, const struct key *, struct answer *);
/* For one that has not proved the key, and is proved nothing in turn. */
void handshake_spurn(struct answer *);
/* Instead of a greeting. */
void handshake_refuse(struct challenge *, enum verdict);

/* "wrong key", in the words of whoever is refused; and of the manager. */
const char *verdict_text(enum verdict);

#endif
