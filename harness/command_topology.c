/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * command_topology.c - `muster topology`: the plan of a placement, on this machine or on another's file, and the
 * distances between its cores.
 *
 * It only plans. What it prints is what `muster run` would bind to with the same policy and number of workers. */
#include "harness/commands.h"
#include "harness/options.h"
#include "harness/topology.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum format { FORMAT_TABLE, FORMAT_JSON };

/* A column of the table and a member of the JSON: how a unit's number is had. -1: the level is absent. */
struct column {
    const char *name, *title;
    int (*number)(const struct unit *unit);
};

static int unit_core(const struct unit *unit)
{
    return unit->id[LEVEL_CORE];
}

static int unit_l2(const struct unit *unit)
{
    return unit->id[LEVEL_L2];
}

static int unit_l3(const struct unit *unit)
{
    return unit->id[LEVEL_L3];
}

static int unit_numa(const struct unit *unit)
{
    return unit->id[LEVEL_NUMA];
}

static int unit_package(const struct unit *unit)
{
    return unit->id[LEVEL_PACKAGE];
}

static int unit_kind(const struct unit *unit)
{
    return unit->kind;
}

static const struct column columns[] = {
    {.name = "core", .title = "core", .number = unit_core},
    {.name = "l2", .title = "L2", .number = unit_l2},
    {.name = "l3", .title = "L3", .number = unit_l3},
    {.name = "numa", .title = "NUMA", .number = unit_numa},
    {.name = "package", .title = "package", .number = unit_package},
    {.name = "kind", .title = "kind", .number = unit_kind},
};

enum { COLUMNS = sizeof columns / sizeof columns[0] };

static json_t *json_workers(const struct placement *plan)
{
    json_t *workers = json_array();

    for (unsigned i = 0; i < plan->workers; i++) {
        json_t *worker = json_pack("{s:i}", "worker", (int)i);

        if (plan->bound) {
            json_object_set_new(worker, "pu", json_integer(plan->units[i]->pu));
            for (int c = 0; c < COLUMNS; c++)
                if (columns[c].number(plan->units[i]) >= 0)
                    json_object_set_new(worker, columns[c].name, json_integer(columns[c].number(plan->units[i])));
        }
        json_array_append_new(workers, worker);
    }
    return workers;
}

static json_t *json_distances(const struct machine *machine)
{
    struct distance_class classes[DISTANCES];
    json_t *distances = json_array();

    placement_distances(machine, classes);
    for (int d = 0; d < DISTANCES; d++)
        if (classes[d].pairs > 0)
            json_array_append_new(distances, json_pack("{s:s, s:I, s:[i,i]}", "class", classes[d].name, "pairs",
                                                       (json_int_t)classes[d].pairs, "example",
                                                       (int)classes[d].example[0]->pu, (int)classes[d].example[1]->pu));
    return distances;
}

static int print_json(const struct machine *machine, const char *policy, const struct placement *plan)
{
    struct problem problem;
    json_t *root = json_pack("{s:s, s:b, s:o, s:o}", "placement", policy, "oversubscribed", (int)plan->oversubscribed,
                             "workers", json_workers(plan), "distances", json_distances(machine));

    if (root == NULL) {
        problem_set(&problem, EXIT_UNPROVED, "the plan of '%s' cannot be written as JSON", policy);
        return problem_print(&problem);
    }
    /* A write error stays in stdout, where main() looks for it. */
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
    return EXIT_FINE;
}

static void print_number(const char *blank, unsigned number, const char *one, const char *many)
{
    printf("%s%u %s", blank, number, number == 1 ? one : many);
}

static void print_machine(const struct machine *machine, const char *input)
{
    const unsigned *groups = machine->groups;

    if (input != NULL && strcmp(input, "-") == 0)
        input = "the machine on standard input";
    printf("%s\n ", input != NULL ? input : "this machine");
    print_number(" ", machine->cores, "core", "cores");
    print_number(", ", machine->count, "processing unit", "processing units");
    if (groups[LEVEL_L3] > 0)
        print_number(", ", groups[LEVEL_L3], "L3", "L3s");
    if (groups[LEVEL_NUMA] > 0)
        print_number(", ", groups[LEVEL_NUMA], "NUMA locality", "NUMA localities");
    if (groups[LEVEL_PACKAGE] > 0)
        print_number(", ", groups[LEVEL_PACKAGE], "package", "packages");
    putchar('\n');
}

static void print_workers(const struct placement *plan)
{
    bool shown[COLUMNS] = {false};

    for (unsigned i = 0; i < plan->workers; i++)
        for (int c = 0; c < COLUMNS; c++)
            shown[c] |= columns[c].number(plan->units[i]) >= 0;
    printf("\n  worker     PU");
    for (int c = 0; c < COLUMNS; c++)
        if (shown[c])
            printf("%9s", columns[c].title);
    putchar('\n');
    for (unsigned i = 0; i < plan->workers; i++) {
        printf("  %6u%7u", i, plan->units[i]->pu);
        for (int c = 0; c < COLUMNS; c++) {
            int number = columns[c].number(plan->units[i]);

            if (shown[c] && number >= 0)
                printf("%9d", number);
            else if (shown[c])
                printf("%9s", "-");
        }
        putchar('\n');
    }
}

static void print_distances(const struct machine *machine)
{
    struct distance_class classes[DISTANCES];
    bool titled = false;

    placement_distances(machine, classes);
    for (int d = 0; d < DISTANCES; d++) {
        if (classes[d].pairs == 0)
            continue;
        if (!titled)
            printf("\n  distance    pairs  example\n");
        titled = true;
        printf("  %-8s%9lu  %5u,%-5u  %s\n", classes[d].name, classes[d].pairs, classes[d].example[0]->pu,
               classes[d].example[1]->pu, classes[d].meaning);
    }
}

static int print_table(const struct machine *machine, const char *input, const char *policy,
                       const struct placement *plan)
{
    print_machine(machine, input);
    printf("\nplacement %s", policy);
    print_number(" \u00b7 ", plan->workers, "worker", "workers");
    print_number(" on ", plan->places, "place", "places");
    if (plan->oversubscribed)
        printf(" \u00b7 oversubscribed");
    putchar('\n');
    if (plan->bound)
        print_workers(plan);
    else
        printf("\n  No worker is bound: the scheduler chooses.\n");
    print_distances(machine);
    return EXIT_FINE;
}

struct request {
    const char *input, *policy;
    unsigned workers;
    bool oversubscribe;
    int format;
};

static int request_parse(struct request *request, int argc, char **argv, struct problem *problem)
{
    static const char *const formats[] = {[FORMAT_TABLE] = "table", [FORMAT_JSON] = "json", NULL};
    const struct option_spec options[] = {
        {.name = "input",
         .letter = 'i',
         .argument = "FILE.xml",
         .help = "plan on the machine in this file, written by lstopo --of xml; - is standard input",
         .preset = "this machine",
         .parse = options_text,
         .target = &request->input},
        {.name = "placement",
         .letter = 'p',
         .argument = "POLICY",
         .help = "cores, compact, scatter, pair:CLASS (smt, l2, l3, package, cross), none, or processing units 0,4,8",
         .preset = "cores",
         .parse = options_text,
         .target = &request->policy},
        {.name = "workers",
         .letter = 'n',
         .argument = "N",
         .help = "how many workers to place",
         .preset = "a worker per core, or as many as the policy has places",
         .parse = options_unsigned,
         .target = &request->workers,
         .min = 1,
         .max = PLACEMENT_WORKERS_MAX},
        {.name = "oversubscribe",
         .help = "let workers share places when there are more of them",
         .parse = options_flag,
         .target = &request->oversubscribe},
        {.name = "format",
         .argument = "FORMAT",
         .help = "table or json",
         .preset = "table",
         .parse = options_choice,
         .target = &request->format,
         .choices = formats},
        {.name = NULL},
    };
    const struct command_spec spec = {
        .name = "topology",
        .summary =
            "Shows which processing unit each worker gets, and how far apart cores are. Processing units have the "
            "operating system's numbers; cores, caches, NUMA localities and packages are counted from 0.",
        .options = options,
    };

    return options_parse(&spec, argc, argv, problem);
}

int command_topology(int argc, char **argv)
{
    struct request request = {.policy = "cores", .format = FORMAT_TABLE};
    struct topology *topology = NULL;
    struct placement plan;
    struct problem problem;
    const struct machine *machine;
    int code, first = request_parse(&request, argc, argv, &problem);

    if (first == 0)
        return EXIT_FINE;
    if (first < 0 || (request.input != NULL ? topology_open_xml(&topology, request.input, &problem)
                                            : topology_open_system(&topology, &problem)) != 0)
        return problem_print(&problem);
    machine = topology_machine(topology);
    if (placement_plan(machine, request.policy, request.workers, request.oversubscribe, &plan, &problem) != 0) {
        topology_close(topology);
        return problem_print(&problem);
    }
    if (request.format == FORMAT_JSON)
        code = print_json(machine, request.policy, &plan);
    else
        code = print_table(machine, request.input, request.policy, &plan);
    placement_free(&plan);
    topology_close(topology);
    return code;
}
