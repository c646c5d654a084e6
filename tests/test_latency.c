/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_latency.c - how long single operations take: the histogram's error, its way from the trial to the results, and
 * where people see it. */
#include "harness/histogram.h"
#include "harness/problem.h"
#include "harness/protocol.h"
#include "reports/results.h"
#include "tests/cli.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORT "--windows", "2", "--window", "2ms", "--blocks", "2"

static struct histogram *empty(void)
{
    struct histogram *h = calloc(1, sizeof *h);
    CU_ASSERT_PTR_NOT_NULL_FATAL(h);
    return h;
}

/* Every bin is met, none beyond, and what comes back is near to what went in. */
static void error_is_bounded(void)
{
    size_t last = 0;
    for (double ns = 0; ns < 4e12; ns = ns < 1000 ? ns + 1 : ns * 1.003) {
        size_t bin = histogram_bin((uint64_t)ns);
        CU_ASSERT(bin >= last && bin <= last + 1 && bin < HISTOGRAM_BINS);
        CU_ASSERT(fabs(histogram_middle(bin) - floor(ns)) <= 0.004 * ns);
        last = bin;
    }
    CU_ASSERT_EQUAL(histogram_bin(UINT64_MAX), HISTOGRAM_BINS - 1);
    CU_ASSERT_EQUAL(histogram_bin((UINT64_C(1) << HISTOGRAM_BITS) - 1), HISTOGRAM_BINS - 1);
}

static void quantiles(void)
{
    struct histogram *h = empty(), *other = empty();
    CU_ASSERT(isnan(histogram_quantile(h, 0.5)));
    for (uint64_t i = 1; i <= 500; i++) {
        histogram_add(h, i * 1000);
        histogram_add(other, (i + 500) * 1000);
    }
    histogram_merge(h, other);
    CU_ASSERT_EQUAL(h->samples, 1000);
    CU_ASSERT_EQUAL(h->max_ns, 1000000);
    CU_ASSERT_DOUBLE_EQUAL(histogram_quantile(h, 0), 1000, 4);
    CU_ASSERT_DOUBLE_EQUAL(histogram_quantile(h, 0.5), 500000, 2000);
    CU_ASSERT_DOUBLE_EQUAL(histogram_quantile(h, 0.99), 990000, 4000);
    CU_ASSERT(histogram_quantile(h, 1) <= 1000000);
    free(h);
    free(other);
}

/* --- from the trial to the driver -------------------------------------------------------------------------------- */

static void travels_as_json(void)
{
    struct histogram *h = empty();
    struct measured window = {.rate = 3, .seconds = 1, .operations = 3};
    uint64_t per_worker = 3;
    struct series series = {.windows = &window, .count = 1, .per_worker = &per_worker, .times = h, .verified = true};
    struct answer answer;
    histogram_add(h, 5);
    histogram_add(h, 70000);
    histogram_add(h, 70000);
    json_t *json = protocol_measured(&series, 1);
    CU_ASSERT_EQUAL_FATAL(protocol_read_measured(json, &answer), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(answer.times);
    CU_ASSERT_EQUAL(memcmp(answer.times, h, sizeof *h), 0);
    answer_free(&answer);
    json_decref(json);
    series.times = NULL;
    json = protocol_measured(&series, 1);
    CU_ASSERT_EQUAL_FATAL(protocol_read_measured(json, &answer), 0);
    CU_ASSERT_PTR_NULL(answer.times);
    answer_free(&answer);
    json_decref(json);
    free(h);
}

static void nonsense_is_refused(void)
{
    static const char *const times[] = {
        "[]",
        "{}",
        "{\"max_ns\":-1,\"counts\":[]}",
        "{\"max_ns\":1,\"counts\":[1]}",
        "{\"max_ns\":1,\"counts\":[1,0]}",
        "{\"max_ns\":1,\"counts\":[-1,1]}",
        "{\"max_ns\":1,\"counts\":[4608,1]}",
        "{\"max_ns\":1,\"counts\":[1,\"1\"]}",
    };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct answer answer;
        json_t *json =
            json_loads("{\"rates\":[1.0],\"per_worker\":[1],\"seconds\":1.0,\"lost\":0,\"verified\":true}", 0, NULL);
        json_object_set_new(json, "times", json_loads(times[i], 0, NULL));
        CU_ASSERT_EQUAL(protocol_read_measured(json, &answer), -1);
        json_decref(json);
    }
}

/* --- what people get --------------------------------------------------------------------------------------------- */

static void check_latency(const struct cell *cell)
{
    const struct latency *l = &cell->latency;
    uint64_t operations = 0;
    for (size_t i = 0; i < cell->trial_count; i++)
        operations += cell->trials[i].per_worker[0];
    CU_ASSERT(l->samples > 0);
    CU_ASSERT_EQUAL(l->samples, operations);
    CU_ASSERT(l->p50 > 0 && l->p50 <= l->p90 && l->p90 <= l->p99 && l->p99 <= l->p99_9 && l->p99_9 <= l->max);
}

static void run_reports_it(void)
{
    struct results r;
    struct report_error error;
    struct said said =
        cli_run("run", "-s", "serial", "-w", "async,process,counter", "-c", "1", SHORT, "-o", cli_path("o"), NULL);
    CU_ASSERT_EQUAL(said.code, EXIT_FINE);
    CU_ASSERT_EQUAL(cli_count(said.out, "p99"), 2);
    CU_ASSERT(cli_width(said.out) <= 80);
    CU_ASSERT_EQUAL_FATAL(results_read(&r, cli_path("o"), &error), 0);
    CU_ASSERT_EQUAL_FATAL(r.cell_count, 3);
    for (size_t i = 0; i < r.cell_count; i++) {
        if (strcmp(r.cells[i].workload, "counter") != 0)
            check_latency(&r.cells[i]);
        else
            CU_ASSERT_EQUAL(r.cells[i].latency.samples, 0);
    }
    results_free(&r);
    said = cli_run("report", "--long", cli_path("o"), NULL);
    CU_ASSERT_EQUAL(cli_count(said.out, "p99"), 2);
    CU_ASSERT(cli_width(said.out) <= 80);
    said = cli_run("report", "--format", "csv", cli_path("o"), NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(said.out, ",latency_p50_ns,"));
}

/* The report's page has a table for each workload that is timed. */
static void page_shows_it(void)
{
    static char page[1 << 20];
    cli_run("run", "-s", "serial", "-w", "process,counter", "-c", "1", SHORT, "-o", cli_path("o"), NULL);
    FILE *file = fopen(cli_path("o/report.html"), "re");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    fclose(file);
    CU_ASSERT_EQUAL(cli_count(page, "how long one operation takes"), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(page, ">p99.9<"));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "latency: a duration comes back within half a percent", .run = error_is_bounded},
        {.name = "latency: quantiles of merged histograms", .run = quantiles},
        {.name = "latency: a histogram travels as JSON", .run = travels_as_json},
        {.name = "latency: a histogram that makes no sense is refused", .run = nonsense_is_refused},
        {.name = "latency: a run reports it, per timed workload", .run = run_reports_it},
        {.name = "latency: the report's page shows it", .run = page_shows_it},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
