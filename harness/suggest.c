/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * suggest.c - Damerau-Levenshtein distance, restricted to neighbouring transpositions.
 *
 * A name is near when at most a third of it must change, or when what was typed is its beginning (three letters or
 * more). Names are short, so three rows on the stack do. Case counts for nothing: `Counter` is near `counter`. */
#include "harness/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LONGEST = 64, FAR = 1000 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned suggest_distance(const char *a, const char *b)
{
    unsigned rows[3][LONGEST + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];
    size_t na = strlen(a), nb = strlen(b);

    if (na > LONGEST || nb > LONGEST)
        return FAR;
    for (size_t j = 0; j <= nb; j++)
        before[j] = above[j] = (unsigned)j;
    for (size_t i = 1; i <= na; i++) {
        unsigned *spare = before;

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= nb; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);

            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) && y == tolower((unsigned char)a[i - 2]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        before = above;
        above = row;
        row = spare;
    }
    return above[nb];
}

void suggest_offer(struct suggestion *suggestion, const char *name)
{
    size_t typed = strlen(suggestion->wrong), length = strlen(name);
    unsigned distance = suggest_distance(suggestion->wrong, name);
    unsigned allowed = (unsigned)(length > typed ? length : typed) / 3;

    if (typed >= 3 && typed < length && strncasecmp(suggestion->wrong, name, typed) == 0)
        distance = least(distance, 1);
    if (distance > (allowed > 1 ? allowed : 1) || distance >= length)
        return;
    if (suggestion->nearest == NULL || distance < suggestion->distance) {
        suggestion->nearest = name;
        suggestion->distance = distance;
    }
}

const char *suggest_clause(struct suggestion *suggestion)
{
    suggestion->clause[0] = '\0';
    if (suggestion->nearest != NULL)
        snprintf(suggestion->clause, sizeof suggestion->clause, "; did you mean '%s'?", suggestion->nearest);
    return suggestion->clause;
}

const char *suggest_among(const char *wrong, const char *const *names)
{
    struct suggestion suggestion = {.wrong = wrong};

    for (; *names != NULL; names++)
        suggest_offer(&suggestion, *names);
    return suggestion.nearest;
}
