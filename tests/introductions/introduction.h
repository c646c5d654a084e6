/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * introduction.h - what the examples leave out of sight: the strategy by its name, and what is done about an error.
 *
 * Every example takes the name of a strategy as its first argument, and has one of its own without it. A strategy that
 * lacks what an example uses cannot run it, which is told in one line: serial takes no processes into its pool, so it
 * runs pool_squares, pool_squares_gap and downloads only, and limits runs none. `make introductions` builds them all.
 */
#ifndef MUSTER_TESTS_INTRODUCTION_H
#define MUSTER_TESTS_INTRODUCTION_H

#include "bench/registry.h"

#include <stdio.h>
#include <stdlib.h>

static struct error error; /* of the latest call */

/* Ends the program with the error of the call whose result this is. */
static inline void must(int result)
{
    if (result == 0)
        return;
    fprintf(stderr, "%s\n", error.text);
    exit(1);
}

static inline const struct strategy *strategy_named(int argc, char **argv, const char *otherwise)
{
    const char *name = argc > 1 ? argv[1] : otherwise;
    const struct strategy *strategy = strategy_find(name);
    if (!strategy)
        fprintf(stderr, "there is no strategy '%s'\n", name), exit(64);
    return strategy;
}

/* The control has one worker, whoever asks for more. */
static inline unsigned workers_of(const struct strategy *strategy, unsigned wanted)
{
    return strategy->workers_most && strategy->workers_most < wanted ? strategy->workers_most : wanted;
}

/* As Python prints a list. */
static inline void print_integers(const int32_t *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("%s%d", i ? ", " : "[", (int)numbers[i]);
    puts("]");
}

#endif
