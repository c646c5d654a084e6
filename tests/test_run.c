/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_run.c - `muster run` from outside: what it measures, what it writes, and that its conditions are in both.
 *
 * Windows are short and blocks few: that the figures are good is not tested here, only that they are there, proved and
 * kept. */
#include "bench/registry.h"
#include "harness/problem.h"
#include "reports/results.h"
#include "tests/cli.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The least that a trial can be. */
#define SHORT "--windows", "2", "--window", "1ms", "--warmup", "0"
#define ONE   SHORT, "--blocks", "1"
#define SMALL "-s", "serial,prefork-pipe", "-w", "counter", "-c", "1", "--oversubscribe", "-n", "2"

/* Reads what the run left in the test's folder `name`. */
static struct results read_results(const char *name)
{
    struct results results;
    struct report_error error = {.code = 0};
    CU_ASSERT_EQUAL(results_read(&results, cli_path(name), &error), 0);
    if (error.code)
        fprintf(stderr, "%s\n", error.text);
    return results;
}

static bool exists(const char *name)
{
    return access(cli_path(name), F_OK) == 0;
}

static void check_code(struct said said, int code)
{
    CU_ASSERT_EQUAL(said.code, code);
    if (said.code != code)
        fprintf(stderr, "ended with %d, not %d:\n%s", said.code, code, said.err);
}

static void check_says(const char *text, const char *part)
{
    CU_ASSERT_PTR_NOT_NULL(strstr(text, part));
    if (!strstr(text, part))
        fprintf(stderr, "'%s' is not in:\n%s", part, text);
}

/* A cell that was measured holds figures that belong together. */
static void check_measured(const struct cell *cell, unsigned blocks, unsigned windows)
{
    CU_ASSERT_EQUAL(cell->status, CELL_OK);
    CU_ASSERT_TRUE(cell->verified);
    CU_ASSERT_EQUAL_FATAL(cell->trial_count, blocks);
    CU_ASSERT(isfinite(cell->value) && cell->value > 0);
    CU_ASSERT(cell->chunk_used > 0);
    for (size_t i = 0; i < cell->trial_count; i++) {
        const struct trial *trial = &cell->trials[i];
        CU_ASSERT_EQUAL(trial->block, i + 1);
        CU_ASSERT_EQUAL(trial->window_count, windows);
        CU_ASSERT_EQUAL(trial->worker_count, cell->workers);
        CU_ASSERT(trial->window_s > 0 && trial->elapsed_s >= trial->window_s);
        CU_ASSERT_EQUAL(trial->lost, 0);
    }
}

/* --- everything -------------------------------------------------------------------------------------------------- */

static void all_cells(void)
{
    struct said said = cli_run("run", "-s", "all", "-w", "all", "-n", "1,2", "-c", "1,auto", "--oversubscribe", ONE,
                               "-o", cli_path("o"), NULL);
    check_code(said, EXIT_FINE);
    CU_ASSERT(cli_width(said.out) <= 80);
    struct results r = read_results("o");
    size_t expected = 0;
    for (const struct workload *const *w = workloads; *w; w++)
        for (const struct strategy *const *s = strategies; *s; s++)
            if ((*w)->need != NEED_RAW && !(*w)->errand && (*s)->role != ROLE_LIMITS)
                expected += ((*s)->workers_most == 1 ? 1U : 2U) * ((*w)->unchunked ? 1U : 2U);
    CU_ASSERT_EQUAL(r.cell_count, expected);
    for (size_t i = 0; i < r.cell_count; i++) {
        if (r.cells[i].status != CELL_NA)
            check_measured(&r.cells[i], 1, 2);
        CU_ASSERT_EQUAL(r.cells[i].status == CELL_NA, r.cells[i].reason && r.cells[i].reason[0]);
        if (r.cells[i].status == CELL_FAILED)
            fprintf(stderr, "%s: %s\n", r.cells[i].id, r.cells[i].reason);
    }
    CU_ASSERT_EQUAL(r.blocks_planned, 1);
    CU_ASSERT_EQUAL(r.blocks_complete, 1);
    CU_ASSERT_FALSE(r.interrupted);
    CU_ASSERT(r.elapsed_s > 0);
    CU_ASSERT_TRUE(exists("o/report.html"));
    results_free(&r);
}

static void variants_and_limits(void)
{
    struct said said =
        cli_run("run", "-s", "shared-memory:all,shared-memory:racy,manager-socket:all,fork-pool:all,limits", "-n", "2",
                "-c", "4", "--oversubscribe", ONE, "-o", cli_path("o"), NULL);
    check_code(said, EXIT_FINE);
    struct results r = read_results("o");
    size_t raw = 0;
    for (size_t i = 0; i < r.cell_count; i++) {
        const struct cell *cell = &r.cells[i];
        const struct strategy *s = strategy_find(cell->strategy);
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        CU_ASSERT_NOT_EQUAL(cell->status, CELL_FAILED);
        if (s->variants[variant_find(s, cell->variant)].incorrect) {
            CU_ASSERT(cell->status == CELL_NA || cell->status == CELL_OK);
            CU_ASSERT_FALSE(cell->ranked);
        } else if (cell->status == CELL_OK) {
            check_measured(cell, 1, 2);
        }
        raw += s->role == ROLE_LIMITS && cell->status == CELL_OK;
    }
    CU_ASSERT(raw >= 6);
    results_free(&r);
}

/* --- what is written --------------------------------------------------------------------------------------------- */

static void file_and_table(void)
{
    struct said said =
        cli_run("run", SMALL, SHORT, "--blocks", "6", "--seed", "12345", "-o", cli_path("deep/er"), NULL);
    check_code(said, EXIT_FINE);
    check_says(said.err, "2 cells in 6 blocks");
    check_says(said.err, "seed 12345; results in ");
    check_says(said.out, "seed 12345");
    check_says(said.out, "±");
    struct results r = read_results("deep/er");
    CU_ASSERT_EQUAL_FATAL(r.cell_count, 2);
    CU_ASSERT_EQUAL(r.seed, 12345);
    CU_ASSERT_EQUAL(r.windows, 2);
    CU_ASSERT_DOUBLE_EQUAL(r.window_s, 0.001, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(r.warmup_s, 0.001, 1e-9); /* one window at least, to fault memory in */
    CU_ASSERT_EQUAL(r.strategy_count, 2);
    CU_ASSERT_EQUAL(r.workload_count, 1);
    CU_ASSERT(r.command_count > 10);
    CU_ASSERT_STRING_EQUAL(r.command[1], "run");
    CU_ASSERT(r.host.cpu && r.host.kernel && r.host.topology_xml && r.host.cores > 0);
    for (size_t i = 0; i < r.cell_count; i++) {
        check_measured(&r.cells[i], 6, 2);
        CU_ASSERT(r.cells[i].ci_low <= r.cells[i].value && r.cells[i].value <= r.cells[i].ci_high);
        CU_ASSERT(r.cells[i].confidence >= 0.95);
    }
    results_free(&r);
}

static void one_block(void)
{
    struct said said = cli_run("run", SMALL, ONE, "-o", cli_path("o"), NULL);
    check_code(said, EXIT_FINE);
    CU_ASSERT_PTR_NULL(strstr(said.out, "±"));
    check_says(said.err, "2 cells in 1 block,");
    struct results r = read_results("o");
    for (size_t i = 0; i < r.cell_count; i++) {
        check_measured(&r.cells[i], 1, 2);
        CU_ASSERT(isnan(r.cells[i].ci_low) && isnan(r.cells[i].ci_high));
    }
    results_free(&r);
    /* what is there is replaced */
    check_code(cli_run("run", "-s", "serial", "-w", "list", "-c", "1", ONE, "-o", cli_path("o"), NULL), EXIT_FINE);
    r = read_results("o");
    CU_ASSERT_EQUAL(r.cell_count, 1);
    CU_ASSERT_STRING_EQUAL(r.cells[0].workload, "list");
    results_free(&r);
}

static void formats(void)
{
    struct said said = cli_run("run", SMALL, ONE, "--format", "csv", NULL);
    check_code(said, EXIT_FINE);
    CU_ASSERT(cli_count(said.out, "\n") >= 3);
    CU_ASSERT_EQUAL(cli_count(said.out, ",serial,"), cli_count(said.out, ",prefork-pipe,"));
    said = cli_run("run", SMALL, ONE, "--format", "json", NULL);
    check_code(said, EXIT_FINE);
    json_t *root = json_loads(said.out, JSON_REJECT_DUPLICATES, NULL);
    CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "cells")), 2);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(root, "schema")), RESULTS_SCHEMA);
    json_decref(root);
    struct results r;
    struct report_error error = {.code = 0};
    CU_ASSERT_EQUAL(results_read(&r, cli_file("said.json", said.out, strlen(said.out)), &error), 0);
    results_free(&r);
    said = cli_run("run", SMALL, ONE, "--format", "none", NULL);
    check_code(said, EXIT_FINE);
    CU_ASSERT_STRING_EQUAL(said.out, "");
    said = cli_run("run", SMALL, ONE, "--long", NULL);
    check_code(said, EXIT_FINE);
    CU_ASSERT(cli_count(said.out, "serial") >= 1);
    CU_ASSERT_PTR_NULL(strstr(said.err, "results in"));
}

/* --- order and effort -------------------------------------------------------------------------------------------- */

/* The cells' numbers in the order in which their trials began. */
static void order_of(const char *name, const char *seed, unsigned order[64], unsigned *count)
{
    check_code(cli_run("run", "-s", "serial,shared-memory", "-w", "counter,list", "-n", "1,2", "-c", "1,2", SHORT,
                       "--oversubscribe", "--blocks", "2", "--seed", seed, "--format", "none", "-o", cli_path(name),
                       NULL),
               EXIT_FINE);
    struct results r = read_results(name);
    double last = -1;
    for (*count = 0; *count < 64; ++*count) {
        double next = INFINITY;
        for (unsigned i = 0; i < r.cell_count; i++)
            for (size_t k = 0; k < r.cells[i].trial_count; k++)
                if (r.cells[i].trials[k].started_s > last && r.cells[i].trials[k].started_s < next) {
                    next = r.cells[i].trials[k].started_s;
                    order[*count] = i;
                }
        if (isinf(next))
            break;
        last = next;
    }
    CU_ASSERT_EQUAL(*count, 2 * r.cell_count);
    results_free(&r);
}

static void seeds(void)
{
    unsigned one[64] = {0}, again[64] = {0}, other[64] = {0}, count, same;
    order_of("one", "99", one, &count);
    order_of("again", "99", again, &same);
    CU_ASSERT_EQUAL(same, count);
    CU_ASSERT_EQUAL(memcmp(one, again, sizeof one), 0);
    order_of("other", "100", other, &same);
    CU_ASSERT_NOT_EQUAL(memcmp(one, other, sizeof one), 0);
    /* the two blocks of a run differ as well */
    CU_ASSERT_NOT_EQUAL(memcmp(one, one + count / 2, count / 2 * sizeof *one), 0);
}

static void time_budget(void)
{
    struct said said = cli_run("run", SMALL, SHORT, "-t", "1s", "--format", "none", "-o", cli_path("o"), NULL);
    check_code(said, EXIT_FINE);
    check_says(said.err, " blocks fit into the 1.0 s of --time");
    struct results r = read_results("o");
    CU_ASSERT(r.blocks_planned > 6 && r.blocks_complete >= 6 && r.blocks_complete <= r.blocks_planned);
    results_free(&r);
    said = cli_run("run", SMALL, SHORT, "-t", "1ms", "--format", "none", "-o", cli_path("o"), NULL);
    check_code(said, EXIT_FINE);
    check_says(said.err, "of --time, but fewer than 6 blocks give no interval");
    r = read_results("o");
    CU_ASSERT_EQUAL(r.blocks_complete, 6);
    results_free(&r);
}

/* --- conditions -------------------------------------------------------------------------------------------------- */

static void idle_modes(void)
{
    static const char *const modes[] = {"poll", "poll=1", "spin", "natural"};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct said said = cli_run("run", SMALL, ONE, "--idle", modes[i], "-o", cli_path("o"), NULL);
        char idle[20];
        snprintf(idle, sizeof idle, "%.*s", (int)strcspn(modes[i], "="), modes[i]);
        struct results r = read_results("o");
        CU_ASSERT_STRING_EQUAL(r.idle, idle);
        if (i < 2 && access("/dev/cpu_dma_latency", W_OK)) {
            check_code(said, EXIT_UNPROVED);
            check_says(said.err, "/dev/cpu_dma_latency");
        } else {
            check_code(said, EXIT_FINE);
            CU_ASSERT_EQUAL_FATAL(r.cell_count, 2);
            check_measured(&r.cells[1], 1, 2);
            CU_ASSERT_STRING_EQUAL(r.cells[1].idle, idle);
            check_says(said.err, "muster: idle: ");
        }
        results_free(&r);
    }
    cli_refused(cli_run("run", "--idle", "pol", NULL), EXIT_USAGE, "did you mean 'poll'?");
    cli_refused(cli_run("run", "--idle", "poll=soon", NULL), EXIT_USAGE, "--idle");
}

/* They may run on every unit, so waking any of them is a condition. */
static void unbound(void)
{
    struct said said = cli_run("run", "-s", "all", "-w", "counter", "-n", "2", "-c", "1", "-p", "none",
                               "--oversubscribe", ONE, "-o", cli_path("o"), NULL);
    check_code(said, EXIT_FINE);
    struct results r = read_results("o");
    CU_ASSERT(r.cell_count >= 5);
    for (size_t i = 0; i < r.cell_count; i++) {
        check_measured(&r.cells[i], 1, 2);
        CU_ASSERT_STRING_EQUAL(r.cells[i].placement, "none");
        CU_ASSERT_PTR_NULL(r.cells[i].pus);
        CU_ASSERT_EQUAL(r.cells[i].service_pu, -1);
        CU_ASSERT_EQUAL(isfinite(r.cells[i].trials[0].wake_before_ns) != 0, r.host.pus > 1);
        CU_ASSERT_EQUAL(r.cells[i].oversubscribed, r.host.pus < r.cells[i].workers);
    }
    results_free(&r);
}

/* --oversubscribe lets them share, and every output marks it. */
static void oversubscribed(void)
{
    struct said said = cli_run("run", "-s", "prefork-pipe", "-w", "counter", "-n", "1,64", "-c", "1", "--oversubscribe",
                               ONE, "-o", cli_path("o"), NULL);
    check_code(said, EXIT_FINE);
    check_says(said.out, "oversubscribed");
    struct results r = read_results("o");
    CU_ASSERT_EQUAL_FATAL(r.cell_count, 2);
    CU_ASSERT_FALSE(r.cells[0].oversubscribed);
    CU_ASSERT_EQUAL(r.cells[1].workers, 64);
    CU_ASSERT_EQUAL(r.cells[1].oversubscribed, r.host.pus < 64);
    results_free(&r);
    said = cli_run("report", cli_path("o"), "--format", "csv", NULL);
    check_says(said.out, "oversubscribed");
}

static void parameters(void)
{
    struct said said = cli_run("run", "-s", "shared-memory,fork-pool", "-w", "map,list", "-n", "1", "-c", "8",
                               "--payload", "8,4k", "--item-cost", "0,2us", "--items", "32", "--depth", "2",
                               "--service", "shared", ONE, "-o", cli_path("o"), NULL);
    check_code(said, EXIT_FINE);
    struct results r = read_results("o");
    CU_ASSERT_EQUAL(r.cell_count, 2 * 2 * 2 * 2);
    for (size_t i = 0; i < r.cell_count; i++) {
        const struct cell *cell = &r.cells[i];
        bool map = strcmp(cell->workload, "map") == 0;
        check_measured(cell, 1, 2);
        CU_ASSERT_EQUAL(cell->items, map ? 32 : 0);
        CU_ASSERT(cell->payload_bytes == 8 || cell->payload_bytes == 4096);
        CU_ASSERT(cell->item_cost_ns == 0 || cell->item_cost_ns == 2000);
        CU_ASSERT_EQUAL(cell->chunk_used, 8);
        CU_ASSERT_STRING_EQUAL(cell->service, "shared");
    }
    results_free(&r);
}

/* A payload that was asked for and means nothing is said on one line, and changes nothing else. */
static void payload_in_vain(void)
{
    struct said said =
        cli_run("run", "-s", "serial", "-w", "map,array,lock", "-c", "8", "--payload", "16,32", ONE, NULL);
    check_code(said, EXIT_FINE);
    check_says(said.err, "muster: array, lock have no payload: --payload does not change them\n");
    said = cli_run("run", "-s", "serial", "-w", "array", "-c", "8", "--payload", "16", ONE, NULL);
    check_code(said, EXIT_FINE);
    check_says(said.err, "muster: array has no payload: --payload does not change it\n");
    said = cli_run("run", "-s", "serial", "-w", "array", "-c", "8", ONE, NULL);
    check_code(said, EXIT_FINE);
    CU_ASSERT_PTR_NULL(strstr(said.err, "no payload"));
}

/* What is n/a beside measured cells changes no exit code; where it is all that was asked for, nobody waits for it. */
static void nothing_to_measure(void)
{
    cli_refused(cli_run("run", "-s", "fork-pool", "-w", "lock", NULL), EXIT_USAGE,
                "nothing can be measured: lock on fork-pool: each child works on copies");
    cli_refused(cli_run("run", "-s", "prefork-pipe", "-w", "process", NULL), EXIT_USAGE,
                "process on prefork-pipe: a process needs no pool");
    cli_refused(cli_run("run", "-s", "shared-memory:mutex", "-w", "list", NULL), EXIT_USAGE,
                "list on shared-memory:mutex: ");
    cli_refused(cli_run("run", "-w", "dict", "--payload", "1000000", NULL), EXIT_USAGE, "dict takes ");
    cli_refused(cli_run("run", "-s", "limits", "-w", "map,lock,counter", NULL), EXIT_USAGE,
                "map on limits: limits runs raw operations only; and 2 more that cannot: see muster list");
    cli_refused(cli_run("run", "-s", "serial", "-w", "fetch-add", "-o", cli_path("o"), NULL), EXIT_USAGE,
                "fetch-add on serial: ");
    CU_ASSERT_FALSE(exists("o"));
    struct said said = cli_run("run", "-s", "serial,prefork-pipe", "-w", "process", ONE, NULL);
    check_code(said, EXIT_FINE);
    check_says(said.out, "a process needs no pool");
    /* limits has no chunks: what it lacks is told once */
    said = cli_run("run", "-s", "limits", "-w", "fetch-add,map", "-n", "1", "-c", "1,4,16", ONE, NULL);
    check_code(said, EXIT_FINE);
    CU_ASSERT_EQUAL(cli_count(said.out, "\n  map "), 1);
}

/* The cells and effort of an earlier run, but not its folder, its seed, its form and its place in the history. */
static void like_an_earlier_one(void)
{
    struct said said = cli_run("run", SMALL, ONE, "-o", cli_path("first"), "--seed", "7", "--format", "none", "--keep",
                               "--records", cli_path("kept"), NULL);
    check_code(said, EXIT_FINE);
    check_says(said.err, "history.jsonl");
    said = cli_run("run", "--like", cli_path("first"), "-o", cli_path("second"), "--windows", "3", NULL);
    check_code(said, EXIT_FINE);
    check_says(said.out, "counter");
    CU_ASSERT_PTR_NULL(strstr(said.err, "history"));
    struct results first = read_results("first"), second = read_results("second");
    CU_ASSERT_EQUAL_FATAL(first.cell_count, second.cell_count);
    for (size_t i = 0; i < first.cell_count; i++)
        CU_ASSERT_STRING_EQUAL(first.cells[i].id, second.cells[i].id);
    CU_ASSERT_EQUAL(first.window_s, second.window_s);
    CU_ASSERT_EQUAL(first.windows, 2);
    CU_ASSERT_EQUAL(second.windows, 3);
    CU_ASSERT_EQUAL(first.seed, 7);
    CU_ASSERT_NOT_EQUAL(second.seed, 7);
    results_free(&first);
    results_free(&second);
    cli_refused(cli_run("run", "--like", cli_path("second"), NULL), EXIT_BAD_FILE, "name that one");
    cli_refused(cli_run("run", "--like", cli_path("none"), NULL), EXIT_NO_INPUT, "cannot be opened");
}

int main(int argc, char **argv)
{
    const struct test tests[] = {
        {.name = "run: every cell is ok, verified, or n/a with a reason", .run = all_cells, .limit_s = 60},
        {.name = "run: variants and limits", .run = variants_and_limits, .limit_s = 60},
        {.name = "run: the file and the table", .run = file_and_table},
        {.name = "run: one block, without an interval", .run = one_block},
        {.name = "run: csv, json, none and long", .run = formats},
        {.name = "run: the seed decides the order", .run = seeds},
        {.name = "run: as many blocks as the time holds", .run = time_budget},
        {.name = "run: idle modes", .run = idle_modes},
        {.name = "run: nothing is bound", .run = unbound},
        {.name = "run: more workers than places", .run = oversubscribed},
        {.name = "run: payload, item cost, items, depth, service", .run = parameters},
        {.name = "run: a payload that means nothing", .run = payload_in_vain},
        {.name = "run: nothing that can be measured", .run = nothing_to_measure},
        {.name = "run: like an earlier one", .run = like_an_earlier_one},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
