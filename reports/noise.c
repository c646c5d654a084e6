/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * noise.c - see noise.h. */
#include "reports/noise.h"

#include "reports/format.h"
#include "reports/rank.h"
#include "reports/statistics.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READINGS_LEAST 3 /* of a lane, before its range says anything */
#define DELAY_LEAST    0.001
#define MOVED_LEAST    0.05 /* below it, lanes are said to be steady */

/* --- what was recorded ------------------------------------------------------------------------------------------- */

/* Trials of cells that have a place of their own for each worker: where they have not, waiting is what was asked for.
 */
static double delayed(const struct results *r)
{
    double waited = 0, time = 0;
    for (size_t i = 0; i < r->cell_count; i++) {
        const struct cell *cell = &r->cells[i];
        for (size_t t = 0; !cell->oversubscribed && t < cell->trial_count; t++) {
            const struct trial *trial = &cell->trials[t];
            if (isnan(trial->costs.run_delay_s) || isnan(trial->window_s))
                continue;
            waited += trial->costs.run_delay_s;
            time += trial->window_s * cell->workers;
        }
    }
    return time > 0 ? waited / time : NAN;
}

/* Different units that the cell's processes are bound to. */
static unsigned units_of(const struct cell *cell)
{
    unsigned count = 0;
    bool served_apart = cell->service_pu >= 0;
    for (unsigned i = 0; cell->pus && i < cell->workers; i++) {
        bool seen = false;
        for (unsigned before = 0; before < i; before++)
            seen = seen || cell->pus[before] == cell->pus[i];
        count += !seen;
        served_apart = served_apart && cell->pus[i] != (unsigned)cell->service_pu;
    }
    return count + (count > 0 && served_apart);
}

static double stolen(const struct results *r)
{
    double taken = 0, time = 0;
    if (!r->host.hypervisor || strcmp(r->host.hypervisor, "none") == 0)
        return NAN;
    for (size_t i = 0; i < r->cell_count; i++) {
        const struct cell *cell = &r->cells[i];
        unsigned units = units_of(cell);
        for (size_t t = 0; t < cell->trial_count; t++) {
            const struct trial *trial = &cell->trials[t];
            if (isnan(trial->steal_s) || isnan(trial->elapsed_s))
                continue;
            taken += trial->steal_s;
            time += trial->elapsed_s * units;
        }
    }
    return time > 0 ? taken / time : NAN;
}

static double moved(const struct results *r, enum lane lane)
{
    double *rates = malloc((r->lane_reading_count + 1) * sizeof *rates), low = NAN, high = NAN;
    size_t count = 0;
    for (size_t i = 0; rates && i < r->lane_reading_count; i++)
        if (isfinite(r->lane_readings[i].lanes.rates[lane]))
            rates[count++] = r->lane_readings[i].lanes.rates[lane];
    if (count >= READINGS_LEAST) {
        low = statistics_quantile(rates, count, 0.05);
        high = statistics_quantile(rates, count, 0.95);
    }
    free(rates);
    return (high - low) / (high + low);
}

void noise_of(struct noise *noise, const struct results *r)
{
    const char *idle = rank_idle(r);
    *noise = (struct noise){
        .unseen = rank_noise(r),
        .wake_ns = rank_wake_ns(r, idle),
        .natural_ns = strcmp(idle, "natural") == 0 ? NAN : rank_wake_ns(r, "natural"),
        .delayed = delayed(r),
        .stolen = stolen(r),
    };
    for (int lane = 0; lane < LANES; lane++)
        noise->moved[lane] = moved(r, (enum lane)lane);
}

/* --- the sentence ------------------------------------------------------------------------------------------------ */

struct sentence {
    char *text;
    size_t size, used;
};

static void say(struct sentence *, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct sentence *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(s->text + s->used, s->size - s->used, format, arguments);
    va_end(arguments);
    if (length > 0)
        s->used = s->used + (size_t)length < s->size ? s->used + (size_t)length : s->size - 1;
}

/* Below a tenth a digit more is worth its place. */
static void say_percent(struct sentence *s, double part, const char *after)
{
    say(s, "%.*f %%%s", part < 0.0995 ? 1 : 0, 100 * part, after);
}

static void say_waking(struct sentence *s, const struct noise *noise)
{
    char cost[FORMAT_SIZE];
    if (isnan(noise->wake_ns))
        return;
    say(s, "waking an idle CPU costs %s", format_ns(cost, noise->wake_ns));
    if (isfinite(noise->natural_ns))
        say(s, " (natural: %s)", format_ns(cost, noise->natural_ns));
    say(s, ", ");
}

static void say_moves(struct sentence *s, const struct noise *noise)
{
    int widest = -1;
    for (int lane = 0; lane < LANES; lane++)
        if (isfinite(noise->moved[lane]) && (widest < 0 || noise->moved[lane] > noise->moved[widest]))
            widest = lane;
    if (widest < 0)
        return;
    if (noise->moved[widest] >= MOVED_LEAST)
        say(s, "the %s lane moved by ±", lane_name((enum lane)widest));
    else
        say(s, "the control lanes stayed within ±");
    say_percent(s, noise->moved[widest], ", ");
}

char *noise_sentence(char *text, size_t size, const struct results *r)
{
    struct noise noise;
    struct sentence s = {.text = text, .size = size};
    noise_of(&noise, r);
    text[0] = '\0';
    if (isnan(noise.unseen))
        return text;
    say_waking(&s, &noise);
    if (noise.delayed >= DELAY_LEAST) {
        say(&s, "workers stood in line for a CPU ");
        say_percent(&s, noise.delayed, " of the time, ");
    }
    if (isfinite(noise.stolen))
        say_percent(&s, noise.stolen, " was stolen, ");
    say_moves(&s, &noise);
    say(&s, s.used ? "so differences under " : "differences under ");
    say_percent(&s, noise.unseen, " cannot be seen");
    return text;
}
