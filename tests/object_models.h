/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * object_models.h - what every array, list, dict and lock must do, wherever its state lies, against simple models.
 *
 * A maker says where: in ordinary memory, or in a shared region. Each check makes its object, asks everything of it in
 * one process, and frees it. */
#ifndef MUSTER_TESTS_OBJECT_MODELS_H
#define MUSTER_TESTS_OBJECT_MODELS_H

#include "bench/strategy.h"

struct maker {
    int (*create)(struct object *, struct error *); /* sets call, too */
    void (*free)(struct object *);
};

/* Next of a series that is the same each time. */
uint64_t random_next(uint64_t *state);
void random_fill(uint64_t *state, void *to, size_t bytes);

/* Fails the test when it cannot be made. */
bool object_made(const struct maker *, struct object *);

void array_numbers_follow(const struct maker *);     /* every type: sums, what was there, loads, stores, swaps */
void array_bytes_follow(const struct maker *);       /* several sizes of elements without a type */
void array_ranges_follow(const struct maker *);      /* what is not there is refused, and nothing is changed */
void dict_follows(const struct maker *);             /* keys of several sizes, many removals */
void dict_capacity_follows(const struct maker *);    /* exactly so many, and what is there can still be replaced */
void dict_clear_follows(const struct maker *);       /* nothing is left, whatever was there */
void dict_value_follows(const struct maker *);       /* READ, KEYS, CLEAR */
void lock_follows(const struct maker *);             /* by its holder alone */
void misuse_follows(const struct maker *, bool all); /* of every kind, or of all but counter and list */

#endif
