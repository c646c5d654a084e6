/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * protocol.h - muster.trial/1: what driver and trial say to each other, as JSON, a line each way.
 *
 *   {"do":"prepare", ...request...}           -> {"reply":"ready", "items", "chunk_used", "depth",
 *                                                    "muster": {"version", "commit"}, "handicap": 0.05}
 *                                                or {"reply":"n/a", "reason"} or {"reply":"failed", "reason"}
 *   {"do":"measure","windows":8,"window_ns":N} -> {"reply":"measured", "rates":[...], ...} or failed
 *   {"do":"finish"}                            -> {"reply":"finished", "processes":[...]} or failed
 *
 * Workers are parked between two measures; the end of the file ends the trial. A trial that does not know a name
 * answers n/a, so that an older build can sit on the other side; such a one does not say "muster" either. "handicap" is
 * there only where the trial stretches its times (handicap.h). Both sides of the conversion live here. */
#ifndef MUSTER_HARNESS_PROTOCOL_H
#define MUSTER_HARNESS_PROTOCOL_H

#include "harness/problem.h"
#include "harness/trial.h"

#include <jansson.h>

#define PROTOCOL "muster.trial/1"

/* What a trial settled by itself, as its first reply says it. */
struct ready {
    uint64_t items, chunk_used;
    unsigned depth;
};

/* What a measure's reply says; arrays freed by answer_free(). */
struct answer {
    double *rates; /* operations per second, a window each */
    size_t rate_count;
    uint64_t *per_worker;
    size_t worker_count;
    double seconds; /* summed over the windows */
    struct paid workers, service;
    struct histogram *times; /* of each grain; NULL: the workload is not timed */
    json_t *lines;           /* of an errand: for each item a line and what is to be said beside it; NULL: none */
    uint64_t lost;
    bool verified;
    char proof[200];
};

/* New references, or NULL when memory is short. */
json_t *protocol_prepare(const struct request *, uint64_t seed, unsigned deadline_s);
json_t *protocol_measure(unsigned windows, int64_t window_ns);
json_t *protocol_finish(void);
json_t *protocol_reply(const char *kind);

/* The kind of reply that does what is asked: "ready", "measured" or "finished"; NULL for what is no request. */
const char *protocol_reply_to(const json_t *request);

json_t *protocol_reason(const char *kind, const char *reason);
json_t *protocol_measured(const struct series *, unsigned workers);
/* Adds what an errand tells of the last window to a reply. */
void protocol_add_lines(json_t *measured, struct session *);

/* 1, or 0 when a name is not known here or cannot be combined (reason filled), or -1 for a request that makes no sense
 * (reason filled). What hangs below the request is freed by request_free(), whatever is returned. */
int protocol_read_prepare(const json_t *, struct request *, unsigned *deadline_s, char *reason, size_t size);

void request_free(struct request *);

/* 0, or -1 for a reply that is not one, or whose numbers no trial can have. */
int protocol_read_ready(const json_t *, struct ready *);
int protocol_read_measured(const json_t *, struct answer *);
/* A cell that fails its proof has no number, whichever window failed: what `warm` did not prove, *answer did not. */
void answer_disprove(struct answer *, const struct answer *warm);
/* Adds the windows of another answer of the same trial, whose rates and lines stay its own. -1 when memory is short. */
int answer_join(struct answer *, const struct answer *more);
void answer_free(struct answer *);

#endif
