/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * web.h - a web server on the loopback for tests: /N is a page of N bytes, all else is not found.
 *
 * It serves each client in a process of its own, so that slow ones delay nobody, and ends with whoever opened it. */
#ifndef MUSTER_TESTS_WEB_H
#define MUSTER_TESTS_WEB_H

struct web;

/* Fails the test when it cannot be opened. */
struct web *web_open(unsigned *port);
/* NULL is nothing to close. */
void web_close(struct web *);

#endif
