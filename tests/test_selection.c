/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_selection.c - names and numbers as they are typed, on machines that do not exist.
 *
 * What a strategy or a workload can do is taken from the registry, so that a new one needs no line here. */
#include "tests/frame.h"
#include "tests/planned.h"

#include <CUnit/CUnit.h>

#include <stdio.h>
#include <string.h>

/* --- names ------------------------------------------------------------------------------------------------------- */

static void names(void)
{
    struct made made;
    CU_ASSERT_EQUAL(
        planned_choose(&made, &(struct typed){.strategies = "shared-memory:mutex,serial,shared-memory:mutex",
                                              .workloads = "counter,map,counter"}),
        0);
    CU_ASSERT_FALSE(made.selection.standard);
    CU_ASSERT_EQUAL_FATAL(made.selection.choice_count, 2);
    CU_ASSERT_STRING_EQUAL(made.selection.choices[0].strategy->name, "shared-memory");
    CU_ASSERT_STRING_EQUAL(made.selection.choices[0].strategy->variants[made.selection.choices[0].variant].name,
                           "mutex");
    CU_ASSERT_STRING_EQUAL(made.selection.choices[1].strategy->name, "serial");
    CU_ASSERT_EQUAL(made.selection.choices[1].variant, 0);
    CU_ASSERT_EQUAL_FATAL(made.selection.workload_count, 2);
    CU_ASSERT_STRING_EQUAL(made.selection.workloads[0]->name, "counter");
    planned_drop(&made);
}

/* `all` is every strategy's default, X:all its variants; what loses updates by design comes by its name only. */
static void all(void)
{
    struct made made;
    size_t strategies_compared = 0, correct = 0;
    const struct strategy *many = strategy_find("shared-memory");
    for (const struct strategy *const *s = strategies; *s; s++)
        strategies_compared += (*s)->role != ROLE_LIMITS;
    for (unsigned v = 0; v < variant_count(many); v++)
        correct += !many->variants[v].incorrect;
    CU_ASSERT_EQUAL(planned_choose(&made, &(struct typed){.strategies = "all", .workloads = "all"}), 0);
    CU_ASSERT_EQUAL(made.selection.choice_count, strategies_compared);
    for (size_t i = 0; i < made.selection.choice_count; i++)
        CU_ASSERT_EQUAL(made.selection.choices[i].variant, 0);
    for (size_t i = 0; i < made.selection.workload_count; i++)
        CU_ASSERT_NOT_EQUAL(made.selection.workloads[i]->need, NEED_RAW);
    planned_drop(&made);
    CU_ASSERT_EQUAL(planned_choose(&made, &(struct typed){.strategies = "shared-memory:all"}), 0);
    CU_ASSERT(correct < variant_count(many));
    CU_ASSERT_EQUAL(made.selection.choice_count, correct);
    for (size_t i = 0; i < made.selection.choice_count; i++)
        CU_ASSERT_FALSE(many->variants[made.selection.choices[i].variant].incorrect);
    planned_drop(&made);
    CU_ASSERT_EQUAL(planned_choose(&made, &(struct typed){.strategies = "shared-memory:racy"}), 0);
    CU_ASSERT_EQUAL(made.selection.choice_count, 1);
    planned_drop(&made);
}

/* A workload alone takes the strategies that carry it; the raw operations are carried by limits only. */
static void workload_alone(void)
{
    struct made made;
    CU_ASSERT_EQUAL(planned_choose(&made, &(struct typed){.workloads = "fetch-add"}), 0);
    CU_ASSERT_EQUAL_FATAL(made.selection.choice_count, 1);
    CU_ASSERT_EQUAL(made.selection.choices[0].strategy->role, ROLE_LIMITS);
    planned_drop(&made);
    CU_ASSERT_EQUAL(planned_choose(&made, &(struct typed){.workloads = "map"}), 0);
    for (size_t i = 0; i < made.selection.choice_count; i++)
        CU_ASSERT_NOT_EQUAL(made.selection.choices[i].strategy->role, ROLE_LIMITS);
    planned_drop(&made);
    CU_ASSERT_EQUAL(planned_choose(&made, &(struct typed){.strategies = "limits"}), 0);
    CU_ASSERT(made.selection.workload_count > 1);
    for (size_t i = 0; i < made.selection.workload_count; i++)
        CU_ASSERT_EQUAL(made.selection.workloads[i]->need, NEED_RAW);
    planned_drop(&made);
}

static void unknown_names(void)
{
    planned_refused((struct typed){.strategies = "shared-memroy"},
                    "unknown strategy 'shared-memroy'; did you mean 'shared-memory'?");
    planned_refused((struct typed){.strategies = "serial,zzz"}, "unknown strategy 'zzz'; see muster list");
    planned_refused((struct typed){.strategies = "shared-memory:mutx"},
                    "unknown variant 'mutx' of shared-memory; did you mean 'mutex'?");
    planned_refused((struct typed){.strategies = "shared-memory:"}, "unknown variant '' of shared-memory");
    planned_refused((struct typed){.strategies = "all:mutex"}, "unknown strategy 'all'");
    planned_refused(
        (struct typed){.strategies = "a-name-that-is-longer-than-any-strategy-will-ever-be-called-by-anyone"},
        "unknown strategy");
    planned_refused((struct typed){.workloads = "conter"}, "unknown workload 'conter'; did you mean 'counter'?");
    planned_refused((struct typed){.workloads = "Map"}, "did you mean 'map'?");
}

/* --- numbers ----------------------------------------------------------------------------------------------------- */

static void check_workers(const char *machine, const char *text, const char *expected)
{
    struct made made;
    char got[200] = "";
    CU_ASSERT_EQUAL_FATAL(planned_choose(&made, &(struct typed){.machine = machine, .workers = text}), 0);
    for (size_t i = 0; i < made.selection.workers.count; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%llu", i ? "," : "",
                 (unsigned long long)made.selection.workers.values[i]);
    CU_ASSERT_STRING_EQUAL(got, expected);
    planned_drop(&made);
}

static void workers(void)
{
    check_workers(TWO_CORES, NULL, "1,2");
    check_workers("pack:1 core:1 pu:1", NULL, "1");
    check_workers("pack:1 core:6 pu:2", NULL, "1,2,4,6");
    check_workers("pack:2 core:8 pu:2", NULL, "1,2,4,8,16");
    check_workers("pack:4 core:512 pu:1", NULL, "1,2,4,8,16,32,64,128,256,512,1024");
    check_workers(EIGHT_PUS, "cores,pus", "4,8");
    check_workers(EIGHT_PUS, "1,cores,4,1", "1,4");
    check_workers(TWO_CORES, "1024", "1024");
    check_workers(TWO_CORES, "1k", "1000");
}

static void numbers_refused(void)
{
    static const char *const bad_workers[] = {"0",  "2000", "1025", "-1",  "two",  "1.5",
                                              "1x", "0x10", "+1",   "1e3", "core", "18446744073709551617"};
    static const char *const bad_chunks[] = {"-1", "0", "Auto", "4294967296", "1 6", "."};
    static const char *const bad_payloads[] = {"0", "-8", "1025k", "8q", "1.5B"};
    static const char *const bad_costs[] = {"-5us", "5", "101ms", "fast"};
    for (size_t i = 0; i < sizeof bad_workers / sizeof *bad_workers; i++)
        planned_refused((struct typed){.workers = bad_workers[i]}, "--workers: ");
    for (size_t i = 0; i < sizeof bad_chunks / sizeof *bad_chunks; i++)
        planned_refused((struct typed){.chunks = bad_chunks[i]}, "--chunk: ");
    for (size_t i = 0; i < sizeof bad_payloads / sizeof *bad_payloads; i++)
        planned_refused((struct typed){.payloads = bad_payloads[i]}, "--payload: ");
    for (size_t i = 0; i < sizeof bad_costs / sizeof *bad_costs; i++)
        planned_refused((struct typed){.costs = bad_costs[i]}, "--item-cost: ");
    planned_refused((struct typed){.workers = "2000"}, "2000 is out of range: 1 to 1024");
    planned_refused((struct typed){.workers = "1,0"}, "0 is out of range");
    planned_refused((struct typed){.chunks = "1,0"}, "0 is out of range");
}

int main(int argc, char **argv)
{
    const struct test tests[] = {
        {.name = "selection: names and variants", .run = names},
        {.name = "selection: all, and what it leaves out", .run = all},
        {.name = "selection: a workload or limits alone", .run = workload_alone},
        {.name = "selection: unknown names get a suggestion", .run = unknown_names},
        {.name = "selection: numbers of workers", .run = workers},
        {.name = "selection: numbers that are none, or out of range", .run = numbers_refused},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
