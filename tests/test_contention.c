/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_contention.c - the contention report: figures against numbers worked out by hand, causes against cells made to
 * have them, and the table against a golden file.
 *
 * UPDATE=1 in the environment writes the golden files anew; look at the difference before you keep it. */
#include "reports/contention.h"
#include "reports/format.h"
#include "reports/html_page.h"
#include "reports/plot_pictures.h"
#include "reports/rank.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CLOSE(actual, expected) CU_ASSERT_DOUBLE_EQUAL(actual, expected, fabs((double)(expected)) * 1e-9 + 1e-12)

/* A run of three cells: one worker, two workers, and the raw operation beneath. Everything points to static storage, so
 * it is never freed. */
struct sample {
    uint64_t alone[1], pair[2];
    struct trial trials[2];
    struct cell cells[3];
    struct strategy_info strategies[2];
    struct results results;
};

static char counter[] = "counter", strategy[] = "some", yardstick[] = "raw", plain[] = "plain", cores[] = "cores",
            own[] = "own", poll[] = "poll", acknowledged[] = "once acknowledged", unit[] = "adds/s", raw[] = "raw-add",
            nothing[] = "", id[] = "counter/some w=2";

static void make_cell(struct cell *cell, unsigned workers, double value, struct trial *trial)
{
    *cell = (struct cell){
        .id = id,
        .workload = counter,
        .strategy = strategy,
        .variant = plain,
        .variant_default = true,
        .workers = workers,
        .chunk = 1,
        .chunk_used = 1,
        .placement = cores,
        .service = own,
        .service_pu = -1,
        .idle = poll,
        .status = CELL_OK,
        .verified = true,
        .ranked = true,
        .visible = acknowledged,
        .metric = unit,
        .unit = unit,
        .better = unit,
        .limit = raw,
        .limit_carries = 1,
        .value = value,
        .ci_low = NAN,
        .ci_high = NAN,
        .confidence = NAN,
        .trials = trial,
        .trial_count = trial ? 1 : 0,
    };
}

/* One worker does 1000 operations in a second, two do 600 + 200; every figure below follows from these. */
static void make_sample(struct sample *s)
{
    *s = (struct sample){.alone = {1000}, .pair = {600, 200}};
    s->trials[0] = (struct trial){
        .value = 1000, .per_worker = s->alone, .worker_count = 1, .window_s = 1, .costs = {.workers_cpu_s = 0.5}};
    s->trials[1] = (struct trial){
        .value = 800,
        .per_worker = s->pair,
        .worker_count = 2,
        .window_s = 1,
        .costs = {.workers_cpu_s = 0.8,
                  .service_cpu_s = 0.4,
                  .voluntary = 80,
                  .involuntary = 8,
                  .run_delay_s = 0.016,
                  .service_voluntary = 40,
                  .service_involuntary = 4},
    };
    make_cell(&s->cells[0], 1, 1000, &s->trials[0]);
    make_cell(&s->cells[1], 2, 800, &s->trials[1]);
    make_cell(&s->cells[2], 2, 1600, NULL);
    s->cells[2].workload = raw;
    s->cells[2].strategy = yardstick;
    s->cells[2].limit = NULL;
    s->strategies[0] = (struct strategy_info){.name = strategy, .role = ROLE_STRATEGY};
    s->strategies[1] = (struct strategy_info){.name = yardstick, .role = ROLE_YARDSTICK};
    s->results = (struct results){
        .idle = poll,
        .noise = NAN,
        .strategies = s->strategies,
        .strategy_count = 2,
        .cells = s->cells,
        .cell_count = 3,
    };
}

static void figures(void)
{
    struct sample s;
    struct contention c;

    make_sample(&s);
    contention_of(&c, &s.results, &s.cells[1]);
    CU_ASSERT_PTR_EQUAL(c.single, &s.cells[0]);
    CLOSE(c.speedup, 0.8);
    CLOSE(c.ideal, 2000);
    CLOSE(c.lost, 0.6);
    CLOSE(c.of_limit, 0.5);
    CLOSE(c.jain, 0.8);
    CLOSE(c.share_low, 0.5);
    CLOSE(c.share_high, 1.5);
    CLOSE(c.elapsed_ns, 2.5e6);
    CLOSE(c.workers_cpu_ns, 1e6);
    CLOSE(c.service_cpu_ns, 5e5);
    CLOSE(c.voluntary, 0.1);
    CLOSE(c.involuntary, 0.01);
    CLOSE(c.service_voluntary, 0.05);
    CLOSE(c.service_involuntary, 0.005);
    CLOSE(c.run_delay_ns, 2e4);
    CLOSE(c.workers_busy, 0.4);
    CLOSE(c.service_busy, 0.4);
    CLOSE(c.delayed, 0.008);
    CLOSE(c.single_cpu_ns, 5e5);
    CLOSE(contention_share(&s.cells[1], 0), 0.5);
    CLOSE(contention_share(&s.cells[1], 1), 1.5);
    CU_ASSERT_TRUE(isnan(contention_share(&s.cells[1], 2)));
}

static void one_worker_is_its_own_measure(void)
{
    struct sample s;
    struct contention c;
    char why[256];

    make_sample(&s);
    contention_of(&c, &s.results, &s.cells[0]);
    CLOSE(c.speedup, 1);
    CLOSE(c.lost, 0);
    CLOSE(c.jain, 1);
    CU_ASSERT_EQUAL(c.cause, CONTENTION_UNKNOWN);
    CU_ASSERT_EQUAL(contention_why(&c, why, sizeof(why)), 0);
    CU_ASSERT_STRING_EQUAL(why, "");
}

static void what_is_not_measured_is_absent(void)
{
    struct sample s;
    struct contention c;
    char why[256], text[FORMAT_SIZE];

    make_sample(&s);
    s.cells[0].status = CELL_FAILED;
    s.cells[1].limit = nothing;
    s.trials[1].costs = (struct costs){NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    s.trials[1].worker_count = 0;
    contention_of(&c, &s.results, &s.cells[1]);
    CU_ASSERT_TRUE(isnan(c.speedup) && isnan(c.ideal) && isnan(c.lost) && isnan(c.of_limit) && isnan(c.jain));
    CU_ASSERT_TRUE(isnan(c.workers_cpu_ns) && isnan(c.service_busy) && isnan(c.voluntary) && isnan(c.share_low));
    CU_ASSERT_EQUAL(contention_why(&c, why, sizeof(why)), 0);
    CU_ASSERT_STRING_EQUAL(why, "");
    CU_ASSERT_STRING_EQUAL(contention_format_ns(text, NAN), "");
}

static void a_chunk_moves_the_limit(void)
{
    struct sample s;
    struct contention c;

    make_sample(&s);
    s.cells[1].limit_carries = 16;
    contention_of(&c, &s.results, &s.cells[1]);
    CLOSE(c.of_limit, 0.5 / 16);
}

/* What two workers would do without sharing anything is no less a limit, and then the raw operation is none. */
static void work_is_the_limit(void)
{
    static char control[] = "alone";
    struct strategy_info strategies[3];
    struct cell cells[4];
    struct sample s;
    struct contention c;

    make_sample(&s);
    memcpy(cells, s.cells, sizeof s.cells);
    memcpy(strategies, s.strategies, sizeof s.strategies);
    make_cell(&cells[3], 1, 5000, NULL);
    cells[3].strategy = control;
    cells[3].limit = NULL;
    strategies[2] = (struct strategy_info){.name = control, .role = ROLE_CONTROL};
    s.results.cells = cells;
    s.results.cell_count = 4;
    s.results.strategies = strategies;
    s.results.strategy_count = 3;
    cells[1].limit_carries = 6; /* 9,600 with the raw operation, 10,000 without sharing */
    contention_of(&c, &s.results, &cells[1]);
    CLOSE(c.of_limit, 0.5 / 6);
    cells[1].limit_carries = 7;
    contention_of(&c, &s.results, &cells[1]);
    CU_ASSERT_TRUE(isnan(c.of_limit));
    cells[3].item_cost_ns = 10; /* other work tells nothing of this */
    contention_of(&c, &s.results, &cells[1]);
    CLOSE(c.of_limit, 0.5 / 7);
}

static enum contention_cause cause_with(struct sample *s, const char *expected)
{
    struct contention c;
    char why[512];

    contention_of(&c, &s->results, &s->cells[1]);
    CU_ASSERT_EQUAL(contention_why(&c, why, sizeof(why)), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(why, expected));
    if (!strstr(why, expected))
        printf("    \"%s\" does not hold \"%s\"\n", why, expected);
    return c.cause;
}

static void causes(void)
{
    struct sample s;

    make_sample(&s);
    s.cells[1].value = 1900;
    CU_ASSERT_EQUAL(cause_with(&s, "2 workers do 1.90× what one does"), CONTENTION_NONE);

    make_sample(&s);
    s.cells[1].oversubscribed = true;
    CU_ASSERT_EQUAL(cause_with(&s, "more workers than processing units"), CONTENTION_CROWDED);

    make_sample(&s);
    s.trials[1].costs.run_delay_s = 0.5;
    CU_ASSERT_EQUAL(cause_with(&s, "25 % of their time ready to run"), CONTENTION_CROWDED);

    make_sample(&s);
    s.trials[1].costs.service_cpu_s = 0.97;
    CU_ASSERT_EQUAL(cause_with(&s, "busy 97 % of the time"), CONTENTION_SERVICE);

    make_sample(&s);
    s.trials[1].costs.voluntary = 800;
    CU_ASSERT_EQUAL(cause_with(&s, "sleep about once per message"), CONTENTION_WAITING);
}

static void causes_of_those_awake(void)
{
    struct sample s;

    make_sample(&s);
    s.trials[1].costs.voluntary = 0;
    s.trials[1].costs.involuntary = 0;
    CU_ASSERT_EQUAL(cause_with(&s, "while they run"), CONTENTION_SPINNING);

    s.trials[0].window_s = s.trials[1].window_s = 1e-5;
    s.trials[0].costs.workers_cpu_s = 5e-6;
    s.trials[1].costs = (struct costs){.workers_cpu_s = 2e-5};
    CU_ASSERT_EQUAL(cause_with(&s, "the same cache lines"), CONTENTION_CACHE_LINE);

    make_sample(&s);
    CU_ASSERT_EQUAL(cause_with(&s, "0.1 voluntary switches"), CONTENTION_CPU);

    make_sample(&s);
    s.trials[1].costs.workers_cpu_s = 0.4;
    CU_ASSERT_EQUAL(cause_with(&s, "neither CPU time nor switches"), CONTENTION_UNEXPLAINED);
}

/* Work that the parent drives one at a time is held to no ideal and to no even share. */
static void what_is_done_in_turn_has_no_ideal(void)
{
    struct sample s;
    struct contention c;
    struct rank_matrix *matrices;
    size_t count;
    char text[HTML_SENTENCE];

    make_sample(&s);
    s.cells[0].latency.samples = s.cells[1].latency.samples = 10;
    contention_of(&c, &s.results, &s.cells[1]);
    CLOSE(c.speedup, 0.8);
    CU_ASSERT_TRUE(isnan(c.ideal) && isnan(c.lost) && isnan(c.jain) && isnan(c.share_low) && isnan(c.share_high));
    CU_ASSERT_EQUAL(c.cause, CONTENTION_UNKNOWN);
    CU_ASSERT_EQUAL(contention_why(&c, text, sizeof(text)), 0);
    CU_ASSERT_STRING_EQUAL(text, "");
    CU_ASSERT_EQUAL_FATAL(rank_build(&s.results, &matrices, &count), 0);
    CU_ASSERT_TRUE(count > 0 && rank_matrix_in_turn(&matrices[0]));
    html_say_fairness(text, &matrices[0]);
    CU_ASSERT_STRING_EQUAL(text, "");
    html_say_workers(text, &matrices[0]);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "2 workers do"));
    CU_ASSERT_PTR_NULL(strstr(text, "ideal"));
    rank_free(matrices, count);
}

/* The script of the pictures of rates and of workers, freed by the caller. */
static char *pictures_of(const struct results *r)
{
    struct rank_matrix *matrices;
    struct plots plots;
    size_t count;
    char *script;

    CU_ASSERT_EQUAL_FATAL(rank_build(r, &matrices, &count), 0);
    CU_ASSERT_FATAL(count > 0);
    CU_ASSERT_EQUAL_FATAL(plots_open(&plots), 0);
    CU_ASSERT_EQUAL(plot_rates(&plots, "rates", &matrices[0]), 0);
    CU_ASSERT_EQUAL(plot_workers(&plots, "workers", &matrices[0]), 0);
    fflush(plots.stream);
    script = strdup(plots.script);
    CU_ASSERT_PTR_NOT_NULL_FATAL(script);
    plots_close(&plots);
    rank_free(matrices, count);
    return script;
}

/* Neither the ideal nor a limit stands in a key that has nothing to show for it. */
static void keys_name_what_is_drawn(void)
{
    struct sample s;
    char *script;

    make_sample(&s);
    script = pictures_of(&s.results);
    CU_ASSERT_PTR_NOT_NULL(strstr(script, "limit of the row"));
    CU_ASSERT_PTR_NOT_NULL(strstr(script, "dotted: the ideal"));
    free(script);
    s.cells[0].limit = s.cells[1].limit = NULL;
    s.cells[0].latency.samples = s.cells[1].latency.samples = 10;
    script = pictures_of(&s.results);
    CU_ASSERT_PTR_NULL(strstr(script, "limit of the row"));
    CU_ASSERT_PTR_NULL(strstr(script, "ideal"));
    CU_ASSERT_PTR_NULL(strstr(script, "* x with lines"));
    free(script);
}

static void unfairness_is_said(void)
{
    struct sample s;

    make_sample(&s);
    cause_with(&s, "a worker did 0.50 of an even share, another 1.50 (Jain's index 0.80)");
    s.pair[0] = s.pair[1];
    struct contention c;
    char why[512];
    contention_of(&c, &s.results, &s.cells[1]);
    contention_why(&c, why, sizeof(why));
    CU_ASSERT_PTR_NULL(strstr(why, "nfair"));
}

static void costs_have_two_digits(void)
{
    char text[FORMAT_SIZE];

    CU_ASSERT_STRING_EQUAL(contention_format_ns(text, 0), "0 ns");
    CU_ASSERT_STRING_EQUAL(contention_format_ns(text, 0.31), "0.3 ns");
    CU_ASSERT_STRING_EQUAL(contention_format_ns(text, 6.94), "6.9 ns");
    CU_ASSERT_STRING_EQUAL(contention_format_ns(text, 14.3), "14 ns");
}

/* The report of the golden results, freed by the caller; NULL when it could not be made. */
static char *report(const struct report_style *style)
{
    struct report_error error;
    struct results r;
    char *text = NULL;
    size_t size = 0;
    FILE *out;
    int status;

    if (results_read(&r, frame_source("tests/golden/results.json"), &error) != 0) {
        printf("    %s\n", error.text);
        return NULL;
    }
    out = open_memstream(&text, &size);
    status = contention_write(out, &r, style);
    fclose(out);
    results_free(&r);
    CU_ASSERT_EQUAL(status, 0);
    return text;
}

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "re");
    size_t room = 0;
    char *text = NULL;

    if (file && getdelim(&text, &room, '\0', file) < 0) {
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    return text;
}

static void compare_golden(const char *text, const char *name)
{
    char *expected;
    FILE *file;

    if (getenv("UPDATE")) {
        file = fopen(frame_source(name), "we");
        CU_ASSERT_PTR_NOT_NULL_FATAL(file);
        fputs(text, file);
        fclose(file);
    }
    expected = read_whole(frame_source(name));
    CU_ASSERT_PTR_NOT_NULL_FATAL(expected);
    CU_ASSERT_STRING_EQUAL(text, expected);
    if (strcmp(text, expected) != 0)
        printf("%s", text);
    free(expected);
}

static size_t widest(char *text)
{
    size_t width = 0;

    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        width = format_width(line) > width ? format_width(line) : width;
    return width;
}

static void golden_table(void)
{
    char *text = report(&(struct report_style){.columns = 80});

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    compare_golden(text, "tests/golden/contention.txt");
    CU_ASSERT(widest(text) <= 80);
    free(text);
}

static void golden_wide_table(void)
{
    char *text = report(&(struct report_style){.columns = 160});

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    compare_golden(text, "tests/golden/contention-wide.txt");
    CU_ASSERT(widest(text) <= 160);
    free(text);
}

static void a_full_disk_is_an_error(void)
{
    struct sample s;
    FILE *full = fopen("/dev/full", "we");
    int status;

    CU_ASSERT_PTR_NOT_NULL_FATAL(full);
    setvbuf(full, NULL, _IONBF, 0);
    make_sample(&s);
    status = contention_write(full, &s.results, &(struct report_style){.columns = 80});
    CU_ASSERT_EQUAL(status, -1);
    fclose(full);
}

static void nothing_measured_is_said(void)
{
    struct results r = {.idle = poll, .noise = NAN};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    CU_ASSERT_EQUAL(contention_write(out, &r, &(struct report_style){0}), 0);
    fclose(out);
    CU_ASSERT_STRING_EQUAL(text, "no cell was measured\n");
    free(text);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"contention: figures of two workers against one", figures, 0},
        {"contention: one worker is its own measure", one_worker_is_its_own_measure, 0},
        {"contention: what is not measured is absent", what_is_not_measured_is_absent, 0},
        {"contention: a chunk moves the limit", a_chunk_moves_the_limit, 0},
        {"contention: the work itself is the limit", work_is_the_limit, 0},
        {"contention: causes", causes, 0},
        {"contention: causes where nobody sleeps", causes_of_those_awake, 0},
        {"contention: what is done in turn has no ideal", what_is_done_in_turn_has_no_ideal, 0},
        {"contention: keys name what is drawn", keys_name_what_is_drawn, 0},
        {"contention: unfairness is said", unfairness_is_said, 0},
        {"contention: costs have two digits", costs_have_two_digits, 0},
        {"contention: golden table of 80 columns", golden_table, 0},
        {"contention: golden table of 160 columns", golden_wide_table, 0},
        {"contention: a full disk is an error", a_full_disk_is_an_error, 0},
        {"contention: nothing measured is said", nothing_measured_is_said, 0},
        {0},
    };

    return frame_main(argc, argv, tests);
}
