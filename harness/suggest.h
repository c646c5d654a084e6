/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * suggest.h - the nearest known name for a misspelt one.
 *
 * Offer every known name, then take the nearest; a name that is not near at all is not suggested. Any list can be
 * walked this way: the registry, a table of options, the policies.
 *
 *     struct suggestion s = {.wrong = "conter"};
 *     for each known name: suggest_offer(&s, name);
 *     problem_set(problem, EXIT_USAGE, "unknown workload '%s'%s", s.wrong, suggest_clause(&s)); */
#ifndef MUSTER_HARNESS_SUGGEST_H
#define MUSTER_HARNESS_SUGGEST_H

struct suggestion {
    const char *wrong;
    const char *nearest; /* NULL while nothing is near */
    unsigned distance;
    char clause[80];
};

void suggest_offer(struct suggestion *suggestion, const char *name);

/* "; did you mean 'counter'?", or "" when nothing is near. Lives in the suggestion. */
const char *suggest_clause(struct suggestion *suggestion);

/* The nearest of a list that NULL ends, or NULL. */
const char *suggest_among(const char *wrong, const char *const *names);

#endif
