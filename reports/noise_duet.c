/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * noise_duet.c - the noise around a duet's pairs; see noise.h. */
#include "reports/noise.h"
#include "reports/noise_parts.h"
#include "reports/statistics.h"
#include "reports/verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Seconds of something, in pairs that took so many seconds in all: those in which it was recorded. */
struct taken {
    double sum_s, elapsed_s;
};

/* What surrounds all pairs, in the order of the cells. */
struct around {
    size_t count;
    struct taken steal, foreign;
    double *rates[LANES]; /* before each pair */
    double *steps[LANES]; /* from before to after, as a part of what was before */
};

static size_t count_pairs(const struct duet *duet)
{
    size_t count = 0;
    for (size_t i = 0; i < duet->about.cell_count; i++)
        count += duet->cells[i].pair_count;
    return count;
}

static void add_taken(struct taken *taken, double taken_s, double elapsed_s)
{
    if (isnan(taken_s) || isnan(elapsed_s))
        return;
    taken->sum_s += taken_s;
    taken->elapsed_s += elapsed_s;
}

static void add_pair(struct around *a, const struct pair *pair)
{
    for (int lane = 0; lane < LANES; lane++) {
        double before = pair->before.rates[lane], after = pair->after.rates[lane];
        a->rates[lane][a->count] = before;
        a->steps[lane][a->count] = fabs(after / before - 1);
    }
    a->count++;
    add_taken(&a->steal, pair->steal_s, pair->elapsed_s);
    add_taken(&a->foreign, pair->foreign_s, pair->elapsed_s);
}

static void say_lanes(struct noise_text *s, const struct around *a)
{
    int widest = -1;
    double range = NAN;
    for (int lane = 0; lane < LANES; lane++) {
        double around = noise_around(a->rates[lane], a->count);
        if (isfinite(around) && !(around < range)) {
            widest = lane;
            range = around;
        }
    }
    if (widest < 0)
        return;
    noise_say(s, "the %s lane moved by ±", lane_name((enum lane)widest));
    noise_say_percent(s, range, " in all and by ");
    noise_say_percent(s, statistics_median(a->steps[widest], a->count), " around a pair, ");
}

static void say_taken(struct noise_text *s, const struct duet *duet, const struct around *a)
{
    const char *hypervisor = duet->about.host.hypervisor;
    double stolen = a->steal.sum_s / (a->steal.elapsed_s * duet_units(duet));
    double foreign = a->foreign.sum_s / a->foreign.elapsed_s;
    if (isfinite(stolen) && hypervisor && strcmp(hypervisor, "none") != 0)
        noise_say_percent(s, stolen, " was stolen, ");
    if (isfinite(foreign)) {
        noise_say(s, "others used ");
        noise_say_percent(s, fmax(0, foreign), " of a CPU, ");
    }
}

/* Half the cell's interval, spoiled pairs left out; NAN where there is none. */
static double half_width(const struct duet *duet, size_t cell)
{
    size_t count = 0, sound = 0;
    struct interval interval = {.low = NAN, .high = NAN};
    struct observation *all = duet_observations(duet, cell, false, &count);
    double *values = all ? malloc((count + 1) * sizeof *values) : NULL;
    for (size_t i = 0; values && i < count; i++)
        if (!all[i].spoiled)
            values[sound++] = all[i].worse;
    bool known = values && statistics_median_interval(values, sound, STATISTICS_CONFIDENCE, &interval);
    free(values);
    free(all);
    return known ? expm1((interval.high - interval.low) / 2) : NAN;
}

static double unseen(const struct duet *duet)
{
    const size_t count = duet->about.cell_count;
    double *widths = malloc((count + 1) * sizeof *widths), middle = NAN;
    for (size_t i = 0; widths && i < count; i++)
        widths[i] = half_width(duet, i);
    if (widths)
        middle = statistics_median(widths, count);
    free(widths);
    return middle;
}

char *noise_of_duet(char *text, size_t size, const struct duet *duet)
{
    struct noise_text s = {.text = text, .size = size};
    const size_t pairs = count_pairs(duet);
    double *room = calloc(2 * LANES * (pairs + 1), sizeof *room), width = unseen(duet);
    struct around a = {.count = 0};
    text[0] = '\0';
    for (int lane = 0; room && lane < LANES; lane++) {
        a.rates[lane] = room + (size_t)lane * pairs;
        a.steps[lane] = room + (size_t)(LANES + lane) * pairs;
    }
    for (size_t i = 0; room && i < duet->about.cell_count; i++)
        for (size_t k = 0; k < duet->cells[i].pair_count; k++)
            add_pair(&a, &duet->cells[i].pairs[k]);
    if (a.count > 0 && isfinite(width)) {
        say_lanes(&s, &a);
        say_taken(&s, duet, &a);
        noise_say(&s, s.used ? "so differences under " : "differences under ");
        noise_say_percent(&s, width,
                          duet->about.cell_count > 1 ? " cannot be seen in half of the cells" : " cannot be seen");
    }
    free(room);
    return text;
}
