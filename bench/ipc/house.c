/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * house.c - who is let in, and to which session. */
#include "bench/ipc/house.h"
#include "bench/ipc/object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SESSIONS_MOST 256
#define CALLS_MOST    (UINT64_C(512) << 20)

struct house_limits house_limits_usual(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return (struct house_limits){
        .bytes = pages > 0 && size > 0 ? (uint64_t)pages / 2 * (uint64_t)size : UINT64_C(1) << 30,
        .sessions = SESSIONS_MOST,
        .knocks = DOOR_KNOCKS_MOST,
    };
}

/* --- finding sessions -------------------------------------------------------------------------------------------- */

/* A token is a secret of the session's own, so the time that looking takes tells nothing of the others'. */
static bool same_token(const unsigned char *a, const unsigned char *b)
{
    unsigned char differs = 0;
    for (size_t i = 0; i < TOKEN_BYTES; i++)
        differs |= a[i] ^ b[i];
    return differs == 0;
}

static struct session *by_token(const struct house *house, const unsigned char *token)
{
    struct session *session = house->sessions;
    while (session && (session->server.leaving || !same_token(session->token, token)))
        session = session->next;
    return session;
}

static struct session *by_name(const struct house *house, const char *name)
{
    struct session *session = house->sessions;
    while (session && (session->server.leaving || !session->name[0] || strcmp(session->name, name) != 0))
        session = session->next;
    return session;
}

/* --- letting in -------------------------------------------------------------------------------------------------- */

static enum verdict admit_parent(struct house *house, const struct ask *ask, struct session **session)
{
    uint64_t bytes;
    if (!shape_possible(&ask->shape, ask->name[0] != '\0', &bytes))
        return VERDICT_ASK;
    if (bytes > house->limits.bytes - house->bytes)
        return VERDICT_TOO_LARGE;
    if (house->count == house->limits.sessions)
        return VERDICT_FULL;
    if (ask->name[0] && by_name(house, ask->name))
        return VERDICT_NAME_TAKEN;
    if (session_open(session, &house->hub, ask, NULL))
        return VERDICT_TOO_LARGE;
    (*session)->server.budget = &house->budget;
    (*session)->next = house->sessions;
    house->sessions = *session;
    house->count++;
    house->bytes += (*session)->bytes;
    return VERDICT_WELCOME;
}

static enum verdict admit_slot(const struct house *house, const struct ask *ask, struct session **session)
{
    *session = by_token(house, ask->token);
    if (!*session)
        return VERDICT_NO_SESSION;
    if (ask->slot >= session_upstream(*session))
        return VERDICT_ASK;
    return server_free(&(*session)->server, ask->slot) ? VERDICT_WELCOME : VERDICT_SLOT_TAKEN;
}

static enum verdict admit_guest(const struct house *house, const struct ask *ask, struct session **session)
{
    *session = by_name(house, ask->name);
    if (!*session)
        return VERDICT_NO_SESSION;
    return server_guest(&(*session)->server) < 0 ? VERDICT_FULL : VERDICT_WELCOME;
}

static enum verdict admit(struct doorkeeper *keeper, const struct ask *ask, struct answer *answer, void **ticket)
{
    struct house *house = (struct house *)keeper;
    struct session *session = NULL;
    enum verdict verdict = VERDICT_WELCOME;
    if (ask->role == CLIENT_PARENT)
        verdict = admit_parent(house, ask, &session);
    else if (ask->role == CLIENT_SLOT)
        verdict = admit_slot(house, ask, &session);
    else if (ask->role == CLIENT_GUEST)
        verdict = admit_guest(house, ask, &session);
    *ticket = session;
    if (verdict != VERDICT_WELCOME || !session)
        return verdict;
    answer->shape = session->shape;
    /* A guest does not learn what would make it a worker. */
    if (ask->role != CLIENT_GUEST)
        memcpy(answer->token, session->token, TOKEN_BYTES);
    return VERDICT_WELCOME;
}

static void enter(struct doorkeeper *keeper, const struct ask *ask, void *ticket, int fd)
{
    struct session *session = ticket;
    (void)keeper;
    if (fd < 0 && session && ask->role == CLIENT_PARENT)
        session->server.leaving = true;
    else if (fd >= 0 && !session)
        close(fd);
    if (fd < 0 || !session)
        return;
    if (ask->role == CLIENT_PARENT)
        session->server.leaving = session_enter(session, session_upstream(session), fd) != 0;
    else if (ask->role == CLIENT_SLOT)
        session_enter(session, ask->slot, fd);
    else
        session_enter(session, (unsigned)server_guest(&session->server), fd);
}

static void turned_away(struct doorkeeper *keeper, const struct place *from, const char *why)
{
    struct house *house = (struct house *)keeper;
    char line[ADDRESS_TEXT + 128], text[ADDRESS_TEXT];
    if (!house->told)
        return;
    snprintf(line, sizeof line, "turned away a client%s%s: %s", place_is_local(from) ? "" : " at ",
             place_is_local(from) ? "" : place_print(from, text), why);
    house->told(line);
}

/* --- memory for calls -------------------------------------------------------------------------------------------- */

static void reclaim(struct budget *budget, struct peer *but)
{
    struct house *house = hub_owner(budget, struct house, budget);
    for (struct session *session = house->sessions; session; session = session->next)
        server_reclaim(&session->server, but);
}

/* Of what a house may have; where there is much, one call of the largest fits both ways, and then some. */
static uint64_t calls_most(uint64_t bytes)
{
    const uint64_t quarter = bytes / 4, least = 2 * CALL_MANAGED_BYTES;
    if (bytes == UINT64_MAX)
        return quarter;
    return bytes / 2 < least ? bytes / 2 : quarter < least ? least : quarter < CALLS_MOST ? quarter : CALLS_MOST;
}

/* --- the house --------------------------------------------------------------------------------------------------- */

int house_open(struct house *house, struct listener *listener, const struct key *key, const struct house_limits *limits,
               struct error *error)
{
    *house = (struct house){
        .keeper = {.admit = admit, .enter = enter, .turned_away = turned_away},
        .limits = *limits,
    };
    if (hub_open(&house->hub, error)) {
        listener_close(listener);
        return -1;
    }
    if (door_open(&house->door, &house->hub, &house->keeper, listener, key, limits->knocks, error)) {
        hub_close(&house->hub);
        return -1;
    }
    house->bytes = calls_most(limits->bytes);
    budget_open(&house->budget, &house->hub, house->bytes, reclaim);
    if (limits->door_ns)
        house->door.deadline_ns = limits->door_ns;
    return 0;
}

static void end_session(struct house *house, struct session **at)
{
    struct session *session = *at;
    *at = session->next;
    house->count--;
    house->bytes -= session->bytes;
    session_close(session);
    house->over = house->limits.single;
}

int house_turn(struct house *house, int timeout_ms, struct error *error)
{
    if (hub_turn(&house->hub, timeout_ms, error))
        return -1;
    for (struct session **at = &house->sessions; *at;)
        if ((*at)->server.leaving)
            end_session(house, at);
        else
            at = &(*at)->next;
    return 0;
}

void house_close(struct house *house)
{
    while (house->sessions)
        end_session(house, &house->sessions);
    budget_close(&house->budget);
    door_close(&house->door);
    hub_close(&house->hub);
}
