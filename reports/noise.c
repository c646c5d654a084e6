/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * noise.c - see noise.h. */
#include "reports/noise.h"
#include "reports/noise_parts.h"

#include "reports/format.h"
#include "reports/rank.h"
#include "reports/statistics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DELAY_LEAST   0.001
#define SERVICE_LEAST 0.01 /* of the workers' CPU time, before it counts that a service shares their place */
#define CROWDED       1.5  /* load per processing unit */
#define MOVED_LEAST   0.05 /* below it, lanes are said to be steady */

/* --- what was recorded ------------------------------------------------------------------------------------------- */

/* Whether the cell's own processes stand in line behind each other: then waiting is what was asked for, and no noise.
 */
static bool own_line(const struct cell *cell, const struct trial *trial)
{
    bool shared = cell->service && strcmp(cell->service, "shared") == 0;
    return cell->oversubscribed || (shared && trial->costs.service_cpu_s > SERVICE_LEAST * trial->costs.workers_cpu_s);
}

/* Of the time that workers could have run. */
static double delayed(const struct results *r)
{
    double waited = 0, ran = 0;
    for (size_t i = 0; i < r->cell_count; i++)
        for (size_t t = 0; t < r->cells[i].trial_count; t++) {
            const struct trial *trial = &r->cells[i].trials[t];
            if (own_line(&r->cells[i], trial) || isnan(trial->costs.run_delay_s) || isnan(trial->costs.workers_cpu_s))
                continue;
            waited += trial->costs.run_delay_s;
            ran += trial->costs.workers_cpu_s;
        }
    return waited + ran > 0 ? waited / (waited + ran) : NAN;
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
    double *rates = malloc((r->lane_reading_count + 1) * sizeof *rates), around = NAN;
    for (size_t i = 0; rates && i < r->lane_reading_count; i++)
        rates[i] = r->lane_readings[i].lanes.rates[lane];
    if (rates)
        around = noise_around(rates, r->lane_reading_count);
    free(rates);
    return around;
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

char *noise_load_sentence(char *text, size_t size, const struct results *r)
{
    text[0] = '\0';
    if (r->host.load_1min > CROWDED * r->host.pus)
        snprintf(text, size, "load: %.1f when it began, with %u processing unit%s: what else ran is in these numbers",
                 r->host.load_1min, r->host.pus, r->host.pus == 1 ? "" : "s");
    return text;
}

static size_t spoiled_of(const struct cell *cell)
{
    size_t spoiled = 0;
    for (size_t t = 0; t < cell->trial_count; t++)
        spoiled += trial_spoiled(cell, &cell->trials[t]);
    return spoiled;
}

size_t noise_spoiled(const struct results *r, size_t *trials)
{
    size_t spoiled = 0;
    *trials = 0;
    for (size_t i = 0; i < r->cell_count; i++) {
        spoiled += spoiled_of(&r->cells[i]);
        *trials += r->cells[i].trial_count;
    }
    return spoiled;
}

char *noise_spoiled_sentence(char *text, size_t size, const struct results *r)
{
    struct noise_text s = {.text = text, .size = size};
    size_t all, spoiled = noise_spoiled(r, &all), worst = 0, most = 0;
    text[0] = '\0';
    if (!spoiled)
        return text;
    for (size_t i = 0; i < r->cell_count; i++)
        if (spoiled_of(&r->cells[i]) > most) {
            worst = i;
            most = spoiled_of(&r->cells[i]);
        }
    noise_say(&s, "%zu of %zu trial%s %s spoiled by others' work or by the host", spoiled, all, all == 1 ? "" : "s",
              spoiled == 1 ? "was" : "were");
    if (r->cell_count > 1)
        noise_say(&s, ", most in %s (%zu of %zu)", r->cells[worst].id, most, r->cells[worst].trial_count);
    noise_say(&s, ": their figures are in these numbers, and muster compare leaves them out");
    return text;
}

/* --- the sentence ------------------------------------------------------------------------------------------------ */

static void say_waking(struct noise_text *s, const struct noise *noise)
{
    char cost[FORMAT_SIZE];
    if (isnan(noise->wake_ns))
        return;
    noise_say(s, "waking an idle CPU costs %s", format_ns(cost, noise->wake_ns));
    if (isfinite(noise->natural_ns))
        noise_say(s, " (natural: %s)", format_ns(cost, noise->natural_ns));
    noise_say(s, ", ");
}

static void say_moves(struct noise_text *s, const struct noise *noise)
{
    int widest = -1;
    for (int lane = 0; lane < LANES; lane++)
        if (isfinite(noise->moved[lane]) && (widest < 0 || noise->moved[lane] > noise->moved[widest]))
            widest = lane;
    if (widest < 0)
        return;
    if (noise->moved[widest] >= MOVED_LEAST)
        noise_say(s, "the %s lane moved by ±", lane_name((enum lane)widest));
    else
        noise_say(s, "the control lanes stayed within ±");
    noise_say_percent(s, noise->moved[widest], ", ");
}

char *noise_sentence(char *text, size_t size, const struct results *r)
{
    struct noise noise;
    struct noise_text s = {.text = text, .size = size};
    noise_of(&noise, r);
    text[0] = '\0';
    if (isnan(noise.unseen))
        return text;
    say_waking(&s, &noise);
    if (noise.delayed >= DELAY_LEAST) {
        noise_say(&s, "workers stood in line for a CPU ");
        noise_say_percent(&s, noise.delayed, " of the time that they could run, ");
    }
    if (isfinite(noise.stolen))
        noise_say_percent(&s, noise.stolen, " was stolen, ");
    say_moves(&s, &noise);
    noise_say(&s, s.used ? "so differences under " : "differences under ");
    noise_say_percent(&s, noise.unseen, " cannot be seen within this run");
    return text;
}
