/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_noise.c - what a run says of the noise around it: only what it has recorded, and that in the right figures. */
#include "reports/html_page.h"
#include "reports/noise.h"
#include "reports/rank.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIALS = 2, READINGS = 5, TEXT = 512 };

struct scene {
    struct results results;
    struct cell cells[2];
    struct trial trials[TRIALS];
    struct lane_reading readings[READINGS];
    unsigned pus[2];
};

/* Two workers on two CPUs for a second in each trial, nothing recorded but the interval. */
static void bare(struct scene *s)
{
    *s = (struct scene){.pus = {0, 1}};
    for (int t = 0; t < TRIALS; t++)
        s->trials[t] = (struct trial){.block = (unsigned)t + 1,
                                      .elapsed_s = 1,
                                      .window_s = 0.5,
                                      .costs = {.run_delay_s = NAN},
                                      .steal_s = NAN,
                                      .wake_before_ns = NAN,
                                      .wake_after_ns = NAN};
    s->cells[0] = (struct cell){.id = (char *)"one",
                                .idle = (char *)"poll",
                                .status = CELL_OK,
                                .workers = 2,
                                .pus = s->pus,
                                .service_pu = 0,
                                .value = 100,
                                .ci_low = 98,
                                .ci_high = 102,
                                .trials = s->trials,
                                .trial_count = TRIALS};
    s->results = (struct results){.cells = s->cells,
                                  .cell_count = 1,
                                  .idle = (char *)"poll",
                                  .noise = NAN,
                                  .host = {.hypervisor = (char *)"KVM"}};
}

static void only_the_interval(void)
{
    struct scene s;
    struct noise noise;
    char text[TEXT];
    bare(&s);
    noise_of(&noise, &s.results);
    CU_ASSERT_DOUBLE_EQUAL(noise.unseen, 0.02, 1e-12);
    CU_ASSERT(isnan(noise.wake_ns) && isnan(noise.natural_ns) && isnan(noise.delayed) && isnan(noise.stolen));
    CU_ASSERT(isnan(noise.moved[LANE_SPIN]) && isnan(noise.moved[LANE_LINE]));
    CU_ASSERT_STRING_EQUAL(noise_sentence(text, sizeof text, &s.results),
                           "differences under 2.0 % cannot be seen within this run");
    s.cells[0].ci_low = s.cells[0].ci_high = NAN;
    CU_ASSERT_STRING_EQUAL(noise_sentence(text, sizeof text, &s.results), "");
}

static void all_of_it(void)
{
    static const double rates[READINGS] = {50e6, 70e6, 70e6, 70e6, NAN};
    struct scene s;
    struct noise noise;
    char text[TEXT], small[20];
    bare(&s);
    for (int t = 0; t < TRIALS; t++) {
        s.trials[t].wake_before_ns = s.trials[t].wake_after_ns = 2700;
        s.trials[t].costs.run_delay_s = 0.02;
        s.trials[t].costs.workers_cpu_s = 0.98;
        s.trials[t].steal_s = 0.01;
    }
    for (int i = 0; i < READINGS; i++)
        s.readings[i] = (struct lane_reading){.block = 1, .lanes = {{1e9, 1e7, 7e7, rates[i]}}};
    s.results.lane_readings = s.readings;
    s.results.lane_reading_count = READINGS;
    noise_of(&noise, &s.results);
    CU_ASSERT_DOUBLE_EQUAL(noise.delayed, 0.02, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(noise.stolen, 0.005, 1e-12);
    CU_ASSERT_EQUAL(noise.moved[LANE_SPIN], 0);
    CU_ASSERT(noise.moved[LANE_LINE] > 0.12 && noise.moved[LANE_LINE] < 0.17);
    noise_sentence(text, sizeof text, &s.results);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "waking an idle CPU costs 2.7 µs, workers stood in line for a CPU 2.0 % of the "
                                        "time that they could run, 0.5 % was stolen, the line lane moved by ±"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, ", so differences under 2.0 % cannot be seen within this run"));
    noise_sentence(small, sizeof small, &s.results);
    CU_ASSERT_EQUAL(strlen(small), sizeof small - 1);
    /* Who waits for the service that has the same place, waits by design. */
    s.cells[0].service = (char *)"shared";
    s.trials[0].costs.service_cpu_s = s.trials[1].costs.service_cpu_s = 0.2;
    noise_of(&noise, &s.results);
    CU_ASSERT(isnan(noise.delayed));
    /* A served cell uses a CPU more; where nobody steals, nothing is said of it; who shares a place, waits. */
    s.cells[0].service_pu = 2;
    noise_of(&noise, &s.results);
    CU_ASSERT_DOUBLE_EQUAL(noise.stolen, 0.01 / 3, 1e-12);
    s.results.host.hypervisor = (char *)"none";
    s.cells[0].oversubscribed = true;
    s.readings[0].lanes.rates[LANE_LINE] = 70e6;
    noise_sentence(text, sizeof text, &s.results);
    CU_ASSERT_STRING_EQUAL(text, "waking an idle CPU costs 2.7 µs, the control lanes stayed within ±0.0 %, so "
                                 "differences under 2.0 % cannot be seen within this run");
}

static void the_other_idle_mode(void)
{
    struct scene s;
    struct trial natural = {.block = 1,
                            .wake_before_ns = 43000,
                            .wake_after_ns = NAN,
                            .costs = {.run_delay_s = NAN},
                            .steal_s = NAN,
                            .elapsed_s = NAN,
                            .window_s = NAN};
    char text[TEXT];
    bare(&s);
    s.trials[0].wake_before_ns = 2000;
    s.cells[1] = s.cells[0];
    s.cells[1].idle = (char *)"natural";
    s.cells[1].trials = &natural;
    s.cells[1].trial_count = 1;
    s.results.cell_count = 2;
    CU_ASSERT_STRING_EQUAL(
        noise_sentence(text, sizeof text, &s.results),
        "waking an idle CPU costs 2.0 µs (natural: 43 µs), so differences under 2.0 % cannot be seen within this run");
}

/* By the same measure as compare: of what was taken from the units, and none is left out of the run's own figures. */
static void spoiled_trials(void)
{
    struct scene s;
    char text[TEXT];
    size_t trials;
    bare(&s);
    CU_ASSERT_EQUAL(noise_spoiled(&s.results, &trials), 0);
    CU_ASSERT_EQUAL(trials, TRIALS);
    CU_ASSERT_STRING_EQUAL(noise_spoiled_sentence(text, sizeof text, &s.results), "");
    s.trials[0].foreign_s = 0.51; /* of a second */
    CU_ASSERT_STRING_EQUAL(noise_spoiled_sentence(text, sizeof text, &s.results),
                           "1 of 2 trials was spoiled by others' work or by the host: their figures are in these "
                           "numbers, and muster compare leaves them out");
    s.trials[0].foreign_s = NAN;
    s.trials[1].steal_s = 0.041; /* of two units */
    s.cells[1] = s.cells[0];
    s.cells[1].id = (char *)"two";
    s.cells[1].trial_count = 1;
    s.results.cell_count = 2;
    CU_ASSERT_EQUAL(noise_spoiled(&s.results, &trials), 1);
    noise_spoiled_sentence(text, sizeof text, &s.results);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "1 of 3 trials was spoiled by others' work or by the host, most in one (1 of 2)"));
    s.results.precision = (struct precision_reached){.wanted = 0.05, .looks = 8, .cells = 2};
    s.results.blocks_complete = 9;
    CU_ASSERT_STRING_EQUAL(rank_precision_sentence(text, sizeof text, &s.results),
                           "every cell is within 5 %, after 9 blocks; spoiled by others' work or by the host, and "
                           "counted like the rest: 1 of 3 trials");
}

/* What the report warns of first is what spoils most. */
static bool page_warns(const struct scene *s, const char *of)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    html_say_beware(out, &(struct html_run){.results = &s->results});
    fclose(out);
    bool found = strstr(text, of) != NULL;
    if (!found)
        printf("    %s\n", text);
    free(text);
    return found;
}

static void what_the_page_warns_of(void)
{
    struct scene s;
    bare(&s);
    s.results.blocks_complete = s.results.blocks_planned = 6;
    CU_ASSERT_TRUE(page_warns(&s, "differences under 2.0 % cannot be seen within this run."));
    s.cells[0].ci_high = 120;
    CU_ASSERT_TRUE(page_warns(&s, "this machine is noisy today: differences under "));
    s.results.host.pus = 2;
    s.results.host.load_1min = 3.5;
    CU_ASSERT_TRUE(page_warns(&s, "load: 3.5 when it began, with 2 processing units: what else ran is in these"));
    s.trials[0].foreign_s = 0.6;
    CU_ASSERT_TRUE(page_warns(&s, "1 of 2 trials was spoiled by others"));
}

/* Sixteen pairs about nothing: arms alike to a percent, one pair spoiled by a lane that moved. */
static void a_duet(void)
{
    enum { PAIRS = 16 };
    static const struct lanes still = {{1e9, 1e7, 7e7, 5e7}}, other = {{1e9, 1e7, 7e7, 9e7}};
    struct pair pairs[PAIRS];
    struct duet_cell cell = {.pairs = pairs, .pair_count = PAIRS};
    struct scene s;
    char text[TEXT];
    bare(&s);
    s.cells[0].better = (char *)"higher";
    struct duet duet = {.about = s.results, .cells = &cell};
    for (int i = 0; i < PAIRS; i++) {
        pairs[i] = (struct pair){.block = (unsigned)i + 1, .elapsed_s = 1, .steal_s = 0.02, .foreign_s = i ? 0.1 : NAN};
        pairs[i].before = pairs[i].after = still;
        pairs[i].trials[ARM_BASE].value = 100;
        pairs[i].trials[ARM_CANDIDATE].value = i % 2 ? 99 : 101;
    }
    pairs[0].after = pairs[1].before = other;
    pairs[1].after = other;
    noise_of_duet(text, sizeof text, &duet);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "the line lane moved by ±"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "% in all and by 0.0 % around a pair, 1.0 % was stolen, others used 10 % of a "
                                        "CPU, so differences under 1.0 % cannot be seen"));
    cell.pair_count = 3;
    CU_ASSERT_STRING_EQUAL(noise_of_duet(text, sizeof text, &duet), "");
    cell.pair_count = 0;
    CU_ASSERT_STRING_EQUAL(noise_of_duet(text, sizeof text, &duet), "");
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "noise: only the interval", .run = only_the_interval},
        {.name = "noise: all of it", .run = all_of_it},
        {.name = "noise: spoiled trials", .run = spoiled_trials},
        {.name = "noise: what the page warns of", .run = what_the_page_warns_of},
        {.name = "noise: the other idle mode", .run = the_other_idle_mode},
        {.name = "noise: a duet", .run = a_duet},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
