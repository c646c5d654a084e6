/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_machines.c - facts about the topologies of 20 real machines, and whether loading and planning agree with them.
 *
 * Every row of expected.tsv, one test per machine file, where the folder of topologies is there. A row is a policy, a
 * number of workers and a list of tokens; tables name what each token measures. */
#include "harness/placement.h"
#include "harness/topology.h"
#include "tests/frame.h"
#include "tests/plan.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    const struct machine *machine;
    struct placement plan;
    bool cores; /* "full" means one worker on each core */
};

/* A token is NAME, an operator and a number; the measure of that name is compared with the number. */
enum compare { EQUAL, AT_MOST };

struct token {
    const char *name;
    enum compare compare;
    unsigned (*measure)(const struct row *row, int level);
    int level;
};

static unsigned measure_groups(const struct row *row, int level)
{
    return plan_groups(&row->plan, level);
}

static unsigned measure_most(const struct row *row, int level)
{
    unsigned workers[PLAN_GROUPS], most = 0;

    plan_crowds(&row->plan, (enum level)level, workers);
    for (unsigned g = 0; g < PLAN_GROUPS; g++)
        most = workers[g] > most ? workers[g] : most;
    return most;
}

static unsigned measure_partial(const struct row *row, int level)
{
    return plan_partial(row->machine, &row->plan, (enum level)level, row->cores);
}

static unsigned measure_spread(const struct row *row, int level)
{
    return plan_spread(row->machine, &row->plan, (enum level)level);
}

static const struct token tokens[] = {
    {"pus=", EQUAL, measure_groups, PLAN_UNIT},
    {"cores=", EQUAL, measure_groups, LEVEL_CORE},
    {"l2=", EQUAL, measure_groups, LEVEL_L2},
    {"l3=", EQUAL, measure_groups, LEVEL_L3},
    {"numa=", EQUAL, measure_groups, LEVEL_NUMA},
    {"packages=", EQUAL, measure_groups, LEVEL_PACKAGE},
    {"max_per_core=", EQUAL, measure_most, LEVEL_CORE},
    {"partial_core<=", AT_MOST, measure_partial, LEVEL_CORE},
    {"partial_l2<=", AT_MOST, measure_partial, LEVEL_L2},
    {"partial_l3<=", AT_MOST, measure_partial, LEVEL_L3},
    {"partial_numa<=", AT_MOST, measure_partial, LEVEL_NUMA},
    {"partial_package<=", AT_MOST, measure_partial, LEVEL_PACKAGE},
    {"spread_l2<=", AT_MOST, measure_spread, LEVEL_L2},
    {"spread_l3<=", AT_MOST, measure_spread, LEVEL_L3},
    {"spread_numa<=", AT_MOST, measure_spread, LEVEL_NUMA},
    {"spread_package<=", AT_MOST, measure_spread, LEVEL_PACKAGE},
    {NULL, EQUAL, NULL, 0},
};

static const struct unit *unit_find(const struct machine *machine, unsigned long pu)
{
    for (unsigned i = 0; i < machine->count; i++)
        if (machine->units[i].pu == pu)
            return &machine->units[i];
    return NULL;
}

/* Whether the plan begins in group 0 of what "if_start=L3#0" names. */
static bool starts_there(const struct row *row, const char *where)
{
    static const struct {
        const char *name;
        enum level level;
    } starts[] = {{"Core#0", LEVEL_CORE}, {"L2#0", LEVEL_L2}, {"L3#0", LEVEL_L3}, {"Package#0", LEVEL_PACKAGE}};

    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (strcmp(starts[i].name, where) == 0)
            return row->plan.units[0]->id[starts[i].level] == 0;
    CU_FAIL("a start that this test does not know");
    return false;
}

static bool token_holds(const struct row *row, const char *text)
{
    for (const struct token *token = tokens; token->name != NULL; token++) {
        size_t length = strlen(token->name);
        unsigned found, number;

        if (strncmp(token->name, text, length) != 0)
            continue;
        number = (unsigned)strtoul(text + length, NULL, 10);
        found = token->measure(row, token->level);
        return token->compare == EQUAL ? found == number : found <= number;
    }
    return false;
}

/* "infeasible;max=K": refused, with K places; done when oversubscribing is allowed. */
static void expect_infeasible(const struct machine *machine, const char *policy, unsigned workers, const char *max)
{
    struct placement plan;
    struct problem problem = {.code = 0};

    CU_ASSERT_EQUAL(placement_plan(machine, policy, workers, false, &plan, &problem), -1);
    CU_ASSERT_EQUAL(problem.code, EXIT_USAGE);
    CU_ASSERT_EQUAL(placement_places(machine, policy, &problem), strtol(max, NULL, 10));
    CU_ASSERT_EQUAL_FATAL(placement_plan(machine, policy, workers, true, &plan, &problem), 0);
    CU_ASSERT_TRUE(plan.oversubscribed);
    CU_ASSERT_EQUAL(plan.workers, workers);
    placement_free(&plan);
}

static void expect_plan(const struct machine *machine, const char *policy, const char *number, char *expectation)
{
    struct row row = {.machine = machine, .cores = strncmp(policy, "cores", 5) == 0};
    unsigned workers = (unsigned)strtoul(number, NULL, 10);
    struct problem problem;
    char name[32], *rest = NULL;

    snprintf(name, sizeof name, "%.*s", (int)strcspn(policy, "."), policy); /* "cores.fill" is advice about cores */
    if (strncmp(expectation, "infeasible;max=", 15) == 0) {
        expect_infeasible(machine, name, workers, expectation + 15);
        return;
    }
    CU_ASSERT_EQUAL_FATAL(placement_plan(machine, name, workers, false, &row.plan, &problem), 0);
    for (char *token = strtok_r(expectation, ";", &rest); token != NULL; token = strtok_r(NULL, ";", &rest)) {
        if (strncmp(token, "if_start=", 9) == 0) {
            if (!starts_there(&row, token + 9))
                break;
        } else if (!token_holds(&row, token)) {
            fprintf(stderr, "%s %s: %s does not hold\n", policy, number, token);
            CU_FAIL("a token does not hold");
        }
    }
    placement_free(&row.plan);
}

static void expect_pairs(const struct machine *machine, const char *class, const char *expectation)
{
    struct distance_class classes[DISTANCES];
    char present[64] = "none";
    size_t used = 0;

    placement_distances(machine, classes);
    for (int d = 0; d < DISTANCES; d++) {
        if (classes[d].pairs > 0)
            used +=
                (size_t)snprintf(present + used, sizeof present - used, "%s%s", used > 0 ? "," : "", classes[d].name);
        if (strcmp(classes[d].name, class) == 0)
            CU_ASSERT_EQUAL(classes[d].pairs, strtoul(expectation + strlen("count="), NULL, 10));
    }
    if (strcmp(class, "classes") == 0)
        CU_ASSERT_STRING_EQUAL(expectation + strlen("present="), present);
}

/* "pu=0,4 48,52": each pair is of that class. */
static void expect_examples(const struct machine *machine, const char *class, const char *expectation)
{
    struct distance_class classes[DISTANCES];
    const char *text = expectation + strlen("pu=");

    placement_distances(machine, classes);
    while (*text != '\0') {
        char *end;
        const struct unit *a = unit_find(machine, strtoul(text, &end, 10));
        const struct unit *b = unit_find(machine, strtoul(end + 1, &end, 10));

        CU_ASSERT_PTR_NOT_NULL_FATAL(a);
        CU_ASSERT_PTR_NOT_NULL_FATAL(b);
        CU_ASSERT_STRING_EQUAL(classes[placement_distance(a, b)].name, class);
        text = end + (*end == ' ');
    }
}

/* "l3/same-numa" and its count: the pairs of a class whose two units have the same memory near them, or not. */
static void expect_numa_pairs(const struct machine *machine, const char *class, const char *expectation)
{
    struct distance_class classes[DISTANCES];
    bool same = strstr(class, "/same-numa") != NULL;
    unsigned long count = 0;

    placement_distances(machine, classes);
    for (unsigned i = 0; i < machine->count; i++)
        for (unsigned j = i + 1; j < machine->count; j++) {
            const struct unit *a = &machine->units[i], *b = &machine->units[j];
            enum distance d = placement_distance(a, b);
            bool firsts = (i == 0 || !placement_same_core(a, a - 1)) && !placement_same_core(b, b - 1);

            if ((d == DISTANCE_SMT || firsts) && strncmp(classes[d].name, class, strcspn(class, "/")) == 0)
                count += (a->id[LEVEL_NUMA] == b->id[LEVEL_NUMA]) == same;
        }
    CU_ASSERT_EQUAL(count, strtoul(expectation + strlen("count="), NULL, 10));
}

/* "0-5,15-16": exactly these units, each once. */
static void expect_units(const struct machine *machine, const char *text)
{
    unsigned count = 0;

    while (*text != '\0') {
        char *end;
        unsigned long first = strtoul(text, &end, 10), last = *end == '-' ? strtoul(end + 1, &end, 10) : first;

        for (; first <= last; first++, count++)
            CU_ASSERT_PTR_NOT_NULL(unit_find(machine, first));
        text = end + (*end == ',');
    }
    CU_ASSERT_EQUAL(count, machine->count);
}

static unsigned widest_core(const struct machine *machine, bool narrowest)
{
    unsigned units[PLAN_GROUPS] = {0}, most = 0, least = PLAN_GROUPS;

    for (unsigned i = 0; i < machine->count; i++)
        units[machine->units[i].id[LEVEL_CORE]]++;
    for (unsigned core = 0; core < machine->cores; core++) {
        most = units[core] > most ? units[core] : most;
        least = units[core] < least ? units[core] : least;
    }
    return narrowest ? least : most;
}

/* The counts of the machine; what muster does not show (raw hwloc counts, offline units) is passed over. */
static void expect_counts(const struct machine *machine, char *expectation)
{
    const struct {
        const char *name;
        unsigned number;
    } counts[] = {
        {"packages", machine->groups[LEVEL_PACKAGE]},
        {"numa", machine->groups[LEVEL_NUMA]},
        {"l3", machine->groups[LEVEL_L3]},
        {"l2", machine->groups[LEVEL_L2]},
        {"cores", machine->cores},
        {"pus", machine->count},
        {"smt_max", widest_core(machine, false)},
        {"smt_min", widest_core(machine, true)},
    };
    char *rest = NULL;

    for (char *token = strtok_r(expectation, ";", &rest); token != NULL; token = strtok_r(NULL, ";", &rest)) {
        char *value = token + strcspn(token, "=");

        *value++ = '\0';
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
            if (strcmp(counts[i].name, token) == 0)
                CU_ASSERT_EQUAL(counts[i].number, strtoul(value, NULL, 10));
        if (strcmp(token, "allowed_pus") == 0)
            expect_units(machine, value);
    }
}

static void expect_row(const struct machine *machine, const char *policy, const char *number, char *expectation)
{
    if (strcmp(policy, "topo") == 0)
        expect_counts(machine, expectation);
    else if (strcmp(policy, "pairs") == 0)
        expect_pairs(machine, number, expectation);
    else if (strcmp(policy, "pairs.example") == 0)
        expect_examples(machine, number, expectation);
    else if (strcmp(policy, "pairs.numa") == 0)
        expect_numa_pairs(machine, number, expectation);
    else
        expect_plan(machine, policy, number, expectation);
}

/* Splits a line at its tabs. */
static bool row_split(char *line, char *fields[4])
{
    char *rest = NULL;

    line[strcspn(line, "\n")] = '\0';
    for (int i = 0; i < 4; i++) {
        fields[i] = strtok_r(i == 0 ? line : NULL, "\t", &rest);
        if (fields[i] == NULL)
            return false;
    }
    return true;
}

static FILE *open_expected(void)
{
    const char *path = frame_shared("topologies/expected.tsv");
    FILE *file = path != NULL ? fopen(path, "re") : NULL;

    if (file == NULL)
        frame_skip("the folder of topologies is not here");
    return file;
}

static void expect_machine(const char *name)
{
    struct topology *topology = NULL;
    struct problem problem = {.text = ""};
    char line[4096], path[4096], *fields[4];
    unsigned rows = 0;
    FILE *file = open_expected();

    if (file == NULL)
        return;
    snprintf(line, sizeof line, "topologies/%s", name);
    snprintf(path, sizeof path, "%s", frame_shared(line));
    CU_ASSERT_EQUAL(topology_open_xml(&topology, path, &problem), 0);
    CU_ASSERT_STRING_EQUAL(problem.text, "");
    while (topology != NULL && fgets(line, sizeof line, file) != NULL)
        if (row_split(line, fields) && strcmp(fields[0], name) == 0) {
            expect_row(topology_machine(topology), fields[1], fields[2], fields[3]);
            rows++;
        }
    CU_ASSERT(rows > 0);
    fclose(file);
    topology_close(topology);
}

#define MACHINES(X)                                                                                                    \
    X(epyc_7401, "amd-epyc7401-2s-nps4-smt2.xml")                                                                      \
    X(epyc_7763, "amd-epyc7763-2s-smt1.xml")                                                                           \
    X(epyc_7a53, "amd-epyc7a53-1s-nps4-smt2-io.xml")                                                                   \
    X(opteron_6134, "amd-opteron6134-4s-cgroup2-6of32.xml")                                                            \
    X(opteron_6276, "amd-opteron6276-4s-l2pairs.xml")                                                                  \
    X(ryzen_hx370, "amd-ryzenai-hx370-asym-l3.xml")                                                                    \
    X(gb10, "arm-gb10-biglittle-2l3.xml")                                                                              \
    X(kunpeng_920, "arm-kunpeng920-2s-clusters.xml")                                                                   \
    X(cascade_lake, "intel-cascadelake-2s-snc2-2lm.xml")                                                               \
    X(dunnington, "intel-dunnington-16s-4numa.xml")                                                                    \
    X(knl, "intel-knl-snc4-flat-smt4.xml")                                                                             \
    X(netburst, "intel-netburst-4s-offline-partial-smt.xml")                                                           \
    X(raptor_lake, "intel-raptorlake-6p8e.xml")                                                                        \
    X(xeon_1_core, "intel-xeon32-1core-smt2.xml")                                                                      \
    X(power8, "power8-2s-smt8.xml")                                                                                    \
    X(s390, "s390-drawers-books-nocache.xml")                                                                          \
    X(ryzen_hx370_1_unit, "derived/amd-ryzenai-hx370--allow-1pu.xml")                                                  \
    X(ryzen_hx370_6_units, "derived/amd-ryzenai-hx370--allow-6pu-partial-smt.xml")                                     \
    X(raptor_lake_e_cores, "derived/intel-raptorlake--allow-ecores-only.xml")                                          \
    X(power8_smt4, "derived/power8-2s--allow-smt4-of-8.xml")

#define MACHINE_FUNCTION(id, file)                                                                                     \
    static void machine_##id(void)                                                                                     \
    {                                                                                                                  \
        expect_machine(file);                                                                                          \
    }
MACHINES(MACHINE_FUNCTION)

#define MACHINE_FILE(id, file) file,
#define MACHINE_TEST(id, file) {.name = "machines: " file, .run = machine_##id},

/* A machine that expected.tsv knows and the list above does not would go untested. */
static void none_forgotten(void)
{
    static const char *const files[] = {MACHINES(MACHINE_FILE) NULL};
    char line[4096], *fields[4];
    FILE *file = open_expected();

    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        const char *const *known = files;

        if (!row_split(line, fields) || strcmp(fields[0], "file") == 0)
            continue;
        while (*known != NULL && strcmp(*known, fields[0]) != 0)
            known++;
        CU_ASSERT_PTR_NOT_NULL(*known);
    }
    fclose(file);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        MACHINES(MACHINE_TEST){.name = "machines: none forgotten", .run = none_forgotten},
        {.name = NULL},
    };

    return frame_main(argc, argv, tests);
}
