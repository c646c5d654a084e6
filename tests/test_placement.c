/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_placement.c - the placement policies: what must hold on any machine, and facts about 20 real ones.
 *
 * First on machines made up here, from hwloc's synthetic descriptions, for every number of workers that they have
 * places for. Then every row of expected.tsv, one test per machine file, where the folder of topologies is there: each
 * row is a list of tokens, and a table names the check of each token. */
#include "harness/placement.h"
#include "harness/topology.h"
#include "tests/frame.h"
#include "tests/plan.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

static struct topology *open_synthetic(const char *description)
{
    struct topology *topology = NULL;
    struct problem problem;

    CU_ASSERT_EQUAL(topology_open_synthetic(&topology, description, &problem), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(topology);
    CU_ASSERT_TRUE_FATAL(topology_machine(topology)->count <= PLAN_GROUPS);
    return topology;
}

/* Levels in different orders: SMT or none, NUMA inside an L3, around packages and equal to them, no caches, one unit.
 */
static const char *const descriptions[] = {
    "pu:1",
    "core:1 pu:2",
    "pack:1 l3:1 core:4 pu:1",
    "pack:2 l3:2 l2:2 core:2 pu:2",
    "pack:2 numa:2 l3:2 core:3 pu:2",
    "pack:2 l3:1 numa:2 core:5 pu:4",
    "numa:3 pack:2 l3:2 core:2 pu:1",
    "pack:3 core:5 pu:8",
    "numa:2 core:4 pu:2",
    NULL,
};

typedef void plan_check(const struct machine *machine, const struct placement *plan);

/* Calls `check` for a policy's plan on every machine of the list and for every number of workers. */
static void for_each_plan(const char *policy, plan_check *check)
{
    for (const char *const *description = descriptions; *description != NULL; description++) {
        struct topology *topology = open_synthetic(*description);
        const struct machine *machine = topology_machine(topology);
        struct placement plan;
        struct problem problem;
        int found = placement_places(machine, policy, &problem);
        unsigned places = (unsigned)found;

        CU_ASSERT_TRUE_FATAL(found > 0);
        for (unsigned n = 1; n <= places; n++) {
            CU_ASSERT_EQUAL_FATAL(placement_plan(machine, policy, n, false, &plan, &problem), 0);
            CU_ASSERT_EQUAL(plan.workers, n);
            CU_ASSERT_EQUAL(plan.places, places);
            CU_ASSERT_TRUE(plan.bound);
            CU_ASSERT_FALSE(plan.oversubscribed);
            CU_ASSERT_EQUAL(plan_groups(&plan, PLAN_UNIT), n);
            check(machine, &plan);
            placement_free(&plan);
        }
        CU_ASSERT_EQUAL(placement_plan(machine, policy, places + 1, false, &plan, &problem), -1);
        CU_ASSERT_EQUAL(problem.code, EXIT_USAGE);
        CU_ASSERT_PTR_NOT_NULL(strstr(problem.text, "--oversubscribe"));
        topology_close(topology);
    }
}

static void check_cores(const struct machine *machine, const struct placement *plan)
{
    CU_ASSERT_EQUAL(plan->places, machine->cores);
    if (machine->groups[LEVEL_CORE] > 0)
        CU_ASSERT_EQUAL(plan_groups(plan, LEVEL_CORE), plan->workers);
    for (enum level level = LEVEL_L2; level < LEVELS; level++)
        CU_ASSERT(plan_partial(machine, plan, level, true) <= 1);
}

static void check_compact(const struct machine *machine, const struct placement *plan)
{
    CU_ASSERT_EQUAL(plan->places, machine->count);
    for (enum level level = LEVEL_CORE; level < LEVELS; level++)
        CU_ASSERT(plan_partial(machine, plan, level, false) <= 1);
}

static void check_scatter(const struct machine *machine, const struct placement *plan)
{
    CU_ASSERT_EQUAL(plan->places, machine->count);
    for (enum level level = LEVEL_CORE; level < LEVELS; level++) {
        unsigned groups = machine->groups[level];

        CU_ASSERT(plan_spread(machine, plan, level) <= 1);
        CU_ASSERT_EQUAL(plan_groups(plan, level), plan->workers < groups ? plan->workers : groups);
    }
}

static void policy_cores(void)
{
    for_each_plan("cores", check_cores);
}

static void policy_compact(void)
{
    for_each_plan("compact", check_compact);
}

static void policy_scatter(void)
{
    for_each_plan("scatter", check_scatter);
}

/* Plans on one synthetic machine and returns the units as "0,4,8", or the problem's text. */
static const char *plan_text(const char *description, const char *policy, unsigned workers, bool oversubscribe)
{
    static char text[512];
    struct topology *topology = open_synthetic(description);
    struct placement plan;
    struct problem problem;
    size_t used = 0;

    text[0] = '\0';
    if (placement_plan(topology_machine(topology), policy, workers, oversubscribe, &plan, &problem) != 0) {
        CU_ASSERT_EQUAL(problem.code, EXIT_USAGE);
        snprintf(text, sizeof text, "%s", problem.text);
    } else {
        if (plan.oversubscribed)
            used += (size_t)snprintf(text, sizeof text, "over ");
        if (!plan.bound)
            snprintf(text + used, sizeof text - used, "unbound %u", plan.workers);
        for (unsigned i = 0; plan.bound && i < plan.workers; i++)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%u", i > 0 ? "," : "", plan.units[i]->pu);
        placement_free(&plan);
    }
    topology_close(topology);
    return text;
}

static const struct {
    const char *machine, *policy;
    unsigned workers;
    bool oversubscribe;
    const char *text;
} exact[] = {
    {"pack:2 core:2 pu:2", "cores", 0, false, "0,2,4,6"},
    {"pack:2 core:2 pu:2", "compact", 0, false, "0,1,2,3"},
    {"pack:2 core:2 pu:2", "scatter", 0, false, "0,4,2,6"},
    {"pack:2 core:2 pu:2", "scatter", 6, false, "0,4,2,6,1,5"},
    {"pack:2 core:2 pu:2", "none", 0, false, "unbound 4"},
    {"pack:2 core:2 pu:2", "none", 9, true, "over unbound 9"},
    {"pack:2 core:2 pu:2", "pair:smt", 0, false, "0,1"},
    {"pack:2 core:2 pu:2", "pair:package", 2, false, "0,2"},
    {"pack:2 core:2 pu:2", "pair:cross", 2, false, "0,4"},
    {"pack:2 core:2 pu:2", "pair:cross", 1, false, "0"},
    {"pack:2 core:2 pu:2", "pair:cross", 3, true, "over 0,4,0"},
    {"pack:2 core:2 pu:2", "7,0,3", 0, false, "7,0,3"},
    {"pack:2 core:2 pu:2", "0-2,6", 3, false, "0,1,2"},
    {"pack:2 core:2 pu:2", "cores", 6, true, "over 0,2,4,6,0,2"},
    {"pack:2 core:2 pu:2", "cores", 4, true, "0,2,4,6"},
    {"pack:2 core:2 pu:2", "cores", 5, false,
     "placement 'cores' has 4 places here, not 5; --oversubscribe lets workers share them"},
    {"pack:2 core:2 pu:2", "none", 9, false,
     "placement 'none' has 8 places here, not 9; --oversubscribe lets workers share them"},
    {"pack:2 core:2 pu:2", "3", 2, false,
     "placement '3' has 1 place here, not 2; --oversubscribe lets workers share them"},
    {"pack:2 core:2 pu:2", "pair:l3", 2, false,
     "placement 'pair:l3': this machine has no such pair; it has smt, package, cross"},
    {"pu:1", "pair:smt", 2, false, "placement 'pair:smt': this machine has no such pair; it has none at all"},
    {"pack:2 core:2 pu:2", "pair:packge", 2, false, "placement 'pair:packge': unknown class; did you mean 'package'?"},
    {"pack:2 core:2 pu:2", "corse", 2, false, "unknown placement 'corse'; did you mean 'cores'?"},
    {"pack:2 core:2 pu:2", "0,8", 2, false, "processing unit 8 may not be used here; those that may: 0-7"},
    {"pack:2 core:2 pu:2", "0,0", 2, true, "placement names processing unit 0 twice"},
    {"pack:2 core:2 pu:2", "0;1", 2, false, "placement '0;1' is not a list of processing units such as 0,4,8"},
    {"pack:2 core:2 pu:2", "3-1", 2, false, "placement '3-1' is not a list of processing units such as 0,4,8"},
    {"pack:2 core:2 pu:2", "cores", 1025, true, "1025 workers: there can be 1 to 1024"},
};

static void exact_plans(void)
{
    for (size_t i = 0; i < sizeof exact / sizeof exact[0]; i++)
        CU_ASSERT_STRING_EQUAL(plan_text(exact[i].machine, exact[i].policy, exact[i].workers, exact[i].oversubscribe),
                               exact[i].text);
}

static void distances(void)
{
    static const unsigned long pairs[DISTANCES] = {16, 8, 16, 32, 64}; /* of the 16 cores, and of 2 units on each */
    struct topology *topology = open_synthetic("pack:2 l3:2 l2:2 core:2 pu:2");
    const struct machine *machine = topology_machine(topology);
    struct distance_class classes[DISTANCES];

    placement_distances(machine, classes);
    for (enum distance d = 0; d < DISTANCES; d++) {
        CU_ASSERT_EQUAL(classes[d].pairs, pairs[d]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(classes[d].example[0]);
        CU_ASSERT_EQUAL(placement_distance(classes[d].example[0], classes[d].example[1]), d);
    }
    topology_close(topology);
}

/* What is absent is shared by no one: units without core, cache or package are not near each other. */
static void absent_is_not_shared(void)
{
    struct unit units[2] = {{.pu = 0, .id = {-1, -1, -1, -1, -1, -1}, .kind = -1},
                            {.pu = 1, .id = {-1, -1, -1, -1, -1, -1}, .kind = -1}};
    struct machine machine = {.units = units, .count = 2};

    placement_count(&machine);
    CU_ASSERT_EQUAL(machine.cores, 2);
    CU_ASSERT_EQUAL(machine.groups[LEVEL_PACKAGE], 0);
    CU_ASSERT_FALSE(placement_same_core(&units[0], &units[1]));
    CU_ASSERT_EQUAL(placement_distance(&units[0], &units[1]), DISTANCE_CROSS);
}

/* Three L2 of one core in one package, one L2 of two cores in the other: the packages must be even, not the L2s. */
static void uneven_scatter(void)
{
    struct unit units[] = {
        {.pu = 0, .id = {[LEVEL_CORE] = 0, [LEVEL_L2] = 0, [LEVEL_PACKAGE] = 0}},
        {.pu = 1, .id = {[LEVEL_CORE] = 1, [LEVEL_L2] = 1, [LEVEL_PACKAGE] = 0}},
        {.pu = 2, .id = {[LEVEL_CORE] = 2, [LEVEL_L2] = 2, [LEVEL_PACKAGE] = 0}},
        {.pu = 3, .id = {[LEVEL_CORE] = 3, [LEVEL_L2] = 3, [LEVEL_PACKAGE] = 1}},
        {.pu = 4, .id = {[LEVEL_CORE] = 4, [LEVEL_L2] = 3, [LEVEL_PACKAGE] = 1}},
    };
    struct machine machine = {.units = units, .count = 5};
    struct placement plan;
    struct problem problem;

    placement_count(&machine);
    CU_ASSERT_EQUAL_FATAL(placement_plan(&machine, "scatter", 4, false, &plan, &problem), 0);
    CU_ASSERT_EQUAL(plan_spread(&machine, &plan, LEVEL_PACKAGE), 0);
    CU_ASSERT_EQUAL(plan_groups(&plan, LEVEL_L2), 3);
    placement_free(&plan);
}

static void free_unit(void)
{
    static const struct {
        const char *machine, *policy;
        unsigned workers;
        int pu; /* -1: none is free */
    } rows[] = {
        {"pack:2 core:2 pu:2", "cores", 1, 2},   /* a free core of the same package, not the sibling */
        {"pack:2 core:2 pu:2", "cores", 2, 4},   /* a free core, though in the other package */
        {"pack:2 core:2 pu:2", "cores", 4, 1},   /* siblings are left: worker 0's own is the nearest */
        {"pack:2 core:2 pu:2", "compact", 3, 4}, /* PU 3 is free, but its core is not */
        {"pack:2 core:2 pu:2", "compact", 8, -1},
        {"pack:2 core:2 pu:2", "none", 2, -1},
        {"pack:2 l3:2 core:2 pu:1", "6", 1, 7},
        {"pack:1 numa:2 core:2 pu:1", "2", 1, 3}, /* of two cores in one package, the one with the same memory */
        {"core:2 pu:1", "cores", 2, -1},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct topology *topology = open_synthetic(rows[i].machine);
        const struct machine *machine = topology_machine(topology);
        const struct unit *unit;
        struct placement plan;
        struct problem problem;

        CU_ASSERT_EQUAL_FATAL(placement_plan(machine, rows[i].policy, rows[i].workers, false, &plan, &problem), 0);
        unit = placement_free_unit(machine, &plan);
        CU_ASSERT_EQUAL(unit == NULL ? -1 : (int)unit->pu, rows[i].pu);
        placement_free(&plan);
        topology_close(topology);
    }
}

static void split_policies(void)
{
    static const char *const expected[] = {"cores", "pair:l2", "0,4-6,8", "compact", "3", NULL};
    const char *text = "cores,pair:l2,0,4-6,8,compact,3";
    char policy[32];

    for (const char *const *name = expected; *name != NULL; name++) {
        CU_ASSERT_EQUAL(placement_next_policy(&text, policy, sizeof policy), 1);
        CU_ASSERT_STRING_EQUAL(policy, *name);
    }
    CU_ASSERT_EQUAL(placement_next_policy(&text, policy, sizeof policy), 0);
    text = "a-name-that-is-longer-than-the-room-for-it";
    CU_ASSERT_EQUAL(placement_next_policy(&text, policy, sizeof policy), -1);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "placement: cores takes one unit per core, and fills caches, memories and packages in turn",
         .run = policy_cores},
        {.name = "placement: compact fills cores, caches, memories and packages in turn", .run = policy_compact},
        {.name = "placement: scatter is even on every level, siblings last", .run = policy_scatter},
        {.name = "placement: scatter evens out the widest level first", .run = uneven_scatter},
        {.name = "placement: exact plans and errors", .run = exact_plans},
        {.name = "placement: pairs of each distance", .run = distances},
        {.name = "placement: what is absent is not shared", .run = absent_is_not_shared},
        {.name = "placement: the unit left for the service", .run = free_unit},
        {.name = "placement: a list of policies", .run = split_policies},
        {.name = NULL},
    };

    return frame_main(argc, argv, tests);
}
