/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * pages.h - a small HTTP server on 127.0.0.1 for tests, which notes how many ask at once.
 *
 * /bytes/N: a page of N bytes, after a while. /missing: 404 and 9 bytes. /moved: a redirect to /bytes/10. /hang: no
 * answer ever. */
#ifndef MUSTER_TESTS_PAGES_H
#define MUSTER_TESTS_PAGES_H

#include <sys/types.h>

struct pages {
    pid_t pid;
    unsigned port;
    struct pages_seen *seen; /* shared with the server */
};

/* `delay_ms` before each page. Asserts that it stands. */
struct pages pages_open(unsigned delay_ms);
void pages_close(struct pages *);
/* Requests so far; the most that waited for their page at one moment. */
unsigned pages_asked(const struct pages *);
unsigned pages_at_once(const struct pages *);

#endif
