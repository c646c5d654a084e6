/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * pooled.h - what tests of a pool's life, of applied items and of streams share: a test runs on every strategy of the
 * registry that can apply items, in its default variant, with items and results of eight bytes. */
#ifndef MUSTER_TESTS_POOLED_H
#define MUSTER_TESTS_POOLED_H

#include "bench/registry.h"
#include "tests/started.h"

#define GRACE_NS (5 * SOON_NS)

/* Says on which strategy it is, for when it fails. */
void on_every_pool(void (*run)(const struct strategy *));
/* One process, which is the caller: an item runs while somebody waits, and cannot be waited for in vain. */
bool runs_here(const struct strategy *);

/* Opened and started, with two workers where there can be two, for so many items of a map and applied ones. */
struct pool *pool_on(const struct strategy *, size_t items, unsigned window);
void pool_gone(struct pool *);

/* Applies fn to a number; -1: it could not be applied. */
struct async *applied(struct pool *, items_fn *fn, int64_t number);
/* Its result; it is freed. */
int64_t result_of(struct async *);

/* out = in * in + argument; rests `in` milliseconds, out = in; fails, with a text or without. */
items_fn square, rest, fail_saying, fail_silently;

#endif
