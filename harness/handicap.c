/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * handicap.c - a slowdown of exactly known size, laid over what a trial measured. */
#include "harness/handicap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST (-50.0) /* percent */
#define MOST  1000.0

static double handicap;
static char typed[32];

int handicap_set(const char *text, struct problem *problem)
{
    const char *digits = text + (*text == '-');
    size_t length = strspn(digits, "0123456789.");
    char *end;
    double percent = strtod(text, &end);
    if (length == 0 || end != digits + length || (strcmp(end, "%") != 0 && *end) || strlen(text) >= sizeof typed)
        return problem_set(problem, EXIT_USAGE, "--handicap '%.40s' is not a percentage, as 5%% is", text);
    if (percent < LEAST || percent > MOST)
        return problem_set(problem, EXIT_USAGE, "--handicap %s is not between %g%% and %g%%", text, LEAST, MOST);
    handicap = percent / 100;
    strcpy(typed, text);
    return 0;
}

double handicap_get(void)
{
    return handicap;
}

const char *handicap_typed(void)
{
    return handicap != 0 ? typed : NULL;
}

static uint64_t stretched(double ns)
{
    return (uint64_t)llround(ns * (1 + handicap));
}

/* Each bin moves as a whole, by its middle. */
static void stretch_times(struct histogram *times)
{
    static struct histogram before;
    before = *times;
    memset(times->counts, 0, sizeof times->counts);
    for (size_t i = 0; i < HISTOGRAM_BINS; i++)
        if (before.counts[i])
            times->counts[histogram_bin(stretched(histogram_middle(i)))] += before.counts[i];
    times->max_ns = stretched((double)before.max_ns);
}

void handicap_apply(struct series *series)
{
    if (handicap == 0)
        return;
    for (size_t i = 0; i < series->count; i++) {
        series->windows[i].rate /= 1 + handicap;
        series->windows[i].seconds *= 1 + handicap;
    }
    if (series->times)
        stretch_times(series->times);
}
