/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_plan.c - from what was typed to cells, on machines that do not exist: names, numbers, places, service, n/a.
 *
 * What a strategy or a workload can do is taken from the registry, so that a new one needs no line here; the default
 * plan of two cores is the one that the design fixes. */
#include "harness/plan.h"
#include "harness/topology.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TWO_CORES  "pack:1 l3:1 l2:2 core:1 pu:1"
#define FOUR_CORES "pack:1 l3:1 l2:4 core:1 pu:1"
#define EIGHT_PUS  "pack:1 l3:1 l2:4 core:1 pu:2"

/* What was typed; NULL: nothing. */
struct typed {
    const char *machine; /* NULL: two cores */
    const char *strategies, *workloads, *workers, *chunks, *payloads, *costs;
    const char *placements[4];
    bool oversubscribe;
    enum service_wish service;
    enum idle_mode idle;
};

/* What came of it. */
struct made {
    struct topology *topology;
    struct selection selection;
    struct plan plan;
    struct results results;
    struct problem problem;
    int result;
};

static void split(struct text_list *list, const char *text)
{
    const char *why = NULL;
    if (text)
        CU_ASSERT_EQUAL_FATAL(text_list_split(list, text, &why), 0);
}

/* -1 with made->problem where the selection is refused; made->topology is open in any case. */
static int choose(struct made *made, const struct typed *t)
{
    struct wanted wanted = {.strategies = {.items = NULL}};
    *made = (struct made){.result = -1};
    CU_ASSERT_EQUAL_FATAL(topology_open_synthetic(&made->topology, t->machine ? t->machine : TWO_CORES, &made->problem),
                          0);
    split(&wanted.strategies, t->strategies);
    split(&wanted.workloads, t->workloads);
    split(&wanted.workers, t->workers);
    split(&wanted.chunks, t->chunks);
    split(&wanted.payloads, t->payloads);
    split(&wanted.costs, t->costs);
    int result = selection_make(&made->selection, &wanted, topology_machine(made->topology), &made->problem);
    wanted_free(&wanted);
    return result;
}

static void make(struct made *made, const struct typed *t)
{
    static const char *const usual[] = {"cores", NULL};
    const struct terms terms = {
        .placements = t->placements[0] ? t->placements : usual,
        .oversubscribe = t->oversubscribe,
        .service = t->service,
        .idle = t->idle,
        .ns_per_step = 0.5,
    };
    if (choose(made, t) == 0)
        made->result = plan_make(&made->plan, &made->results, &made->selection, &terms,
                                 topology_machine(made->topology), &made->problem);
}

static void drop(struct made *made)
{
    plan_free(&made->plan);
    selection_free(&made->selection);
    results_free(&made->results);
    topology_close(made->topology);
}

static void check_refused(struct typed t, const char *text)
{
    struct made made;
    make(&made, &t);
    CU_ASSERT_EQUAL(made.result, -1);
    CU_ASSERT_EQUAL(made.problem.code, EXIT_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(made.problem.text, text));
    if (!strstr(made.problem.text, text))
        fprintf(stderr, "'%s' is not in: %s\n", text, made.problem.text);
    drop(&made);
}

/* Makes a plan and checks what every plan must be: entries and cells side by side, ids unique, a place for every
 * worker, a reason for every n/a. */
static void make_checked(struct made *made, const struct typed *t)
{
    make(made, t);
    CU_ASSERT_EQUAL_FATAL(made->result, 0);
    CU_ASSERT_EQUAL_FATAL(made->plan.count, made->results.cell_count);
    for (size_t i = 0; i < made->plan.count; i++) {
        const struct entry *entry = &made->plan.entries[i];
        const struct cell *cell = &made->results.cells[i];
        CU_ASSERT_EQUAL(entry->cell, i);
        CU_ASSERT_EQUAL(entry->request.parameters.workers, cell->workers);
        CU_ASSERT_EQUAL(entry->request.service_pu, cell->service_pu);
        CU_ASSERT_EQUAL(cell->status == CELL_NA, cell->reason && cell->reason[0]);
        CU_ASSERT(cell->status == CELL_NA || cell->status == CELL_PENDING);
        for (unsigned w = 0; cell->pus && w < cell->workers; w++)
            CU_ASSERT_EQUAL(cell->pus[w], entry->request.pus[w]);
        for (size_t k = 0; k < i; k++)
            CU_ASSERT_STRING_NOT_EQUAL(made->results.cells[k].id, cell->id);
    }
}

static const struct cell *find(const struct made *made, const char *id)
{
    for (size_t i = 0; i < made->results.cell_count; i++)
        if (strcmp(made->results.cells[i].id, id) == 0)
            return &made->results.cells[i];
    fprintf(stderr, "no cell '%s'\n", id);
    return NULL;
}

/* --- names ------------------------------------------------------------------------------------------------------- */

static void names(void)
{
    struct made made;
    CU_ASSERT_EQUAL(choose(&made, &(struct typed){.strategies = "shared-memory:mutex,serial,shared-memory:mutex",
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
    drop(&made);
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
    CU_ASSERT_EQUAL(choose(&made, &(struct typed){.strategies = "all", .workloads = "all"}), 0);
    CU_ASSERT_EQUAL(made.selection.choice_count, strategies_compared);
    for (size_t i = 0; i < made.selection.choice_count; i++)
        CU_ASSERT_EQUAL(made.selection.choices[i].variant, 0);
    for (size_t i = 0; i < made.selection.workload_count; i++)
        CU_ASSERT_NOT_EQUAL(made.selection.workloads[i]->need, NEED_RAW);
    drop(&made);
    CU_ASSERT_EQUAL(choose(&made, &(struct typed){.strategies = "shared-memory:all"}), 0);
    CU_ASSERT(correct < variant_count(many));
    CU_ASSERT_EQUAL(made.selection.choice_count, correct);
    for (size_t i = 0; i < made.selection.choice_count; i++)
        CU_ASSERT_FALSE(many->variants[made.selection.choices[i].variant].incorrect);
    drop(&made);
    CU_ASSERT_EQUAL(choose(&made, &(struct typed){.strategies = "shared-memory:racy"}), 0);
    CU_ASSERT_EQUAL(made.selection.choice_count, 1);
    drop(&made);
}

/* A workload alone takes the strategies that carry it; the raw operations are carried by limits only. */
static void workload_alone(void)
{
    struct made made;
    CU_ASSERT_EQUAL(choose(&made, &(struct typed){.workloads = "fetch-add"}), 0);
    CU_ASSERT_EQUAL_FATAL(made.selection.choice_count, 1);
    CU_ASSERT_EQUAL(made.selection.choices[0].strategy->role, ROLE_LIMITS);
    drop(&made);
    CU_ASSERT_EQUAL(choose(&made, &(struct typed){.workloads = "map"}), 0);
    for (size_t i = 0; i < made.selection.choice_count; i++)
        CU_ASSERT_NOT_EQUAL(made.selection.choices[i].strategy->role, ROLE_LIMITS);
    drop(&made);
    CU_ASSERT_EQUAL(choose(&made, &(struct typed){.strategies = "limits"}), 0);
    CU_ASSERT(made.selection.workload_count > 1);
    for (size_t i = 0; i < made.selection.workload_count; i++)
        CU_ASSERT_EQUAL(made.selection.workloads[i]->need, NEED_RAW);
    drop(&made);
}

static void unknown_names(void)
{
    check_refused((struct typed){.strategies = "shared-memroy"},
                  "unknown strategy 'shared-memroy'; did you mean 'shared-memory'?");
    check_refused((struct typed){.strategies = "serial,zzz"}, "unknown strategy 'zzz'; see muster list");
    check_refused((struct typed){.strategies = "shared-memory:mutx"},
                  "unknown variant 'mutx' of shared-memory; did you mean 'mutex'?");
    check_refused((struct typed){.strategies = "shared-memory:"}, "unknown variant '' of shared-memory");
    check_refused((struct typed){.strategies = "all:mutex"}, "unknown strategy 'all'");
    check_refused((struct typed){.strategies = "a-name-that-is-longer-than-any-strategy-will-ever-be-called-by-anyone"},
                  "unknown strategy");
    check_refused((struct typed){.workloads = "conter"}, "unknown workload 'conter'; did you mean 'counter'?");
    check_refused((struct typed){.workloads = "Map"}, "did you mean 'map'?");
}

/* --- numbers ----------------------------------------------------------------------------------------------------- */

static void check_workers(const char *machine, const char *text, const char *expected)
{
    struct made made;
    char got[200] = "";
    CU_ASSERT_EQUAL_FATAL(choose(&made, &(struct typed){.machine = machine, .workers = text}), 0);
    for (size_t i = 0; i < made.selection.workers.count; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%llu", i ? "," : "",
                 (unsigned long long)made.selection.workers.values[i]);
    CU_ASSERT_STRING_EQUAL(got, expected);
    drop(&made);
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
        check_refused((struct typed){.workers = bad_workers[i]}, "--workers: ");
    for (size_t i = 0; i < sizeof bad_chunks / sizeof *bad_chunks; i++)
        check_refused((struct typed){.chunks = bad_chunks[i]}, "--chunk: ");
    for (size_t i = 0; i < sizeof bad_payloads / sizeof *bad_payloads; i++)
        check_refused((struct typed){.payloads = bad_payloads[i]}, "--payload: ");
    for (size_t i = 0; i < sizeof bad_costs / sizeof *bad_costs; i++)
        check_refused((struct typed){.costs = bad_costs[i]}, "--item-cost: ");
    check_refused((struct typed){.workers = "2000"}, "2000 is out of range, 1 to 1024");
    check_refused((struct typed){.workers = "1,0"}, "0 is out of range");
    check_refused((struct typed){.chunks = "1,0"}, "0 is out of range");
}

/* --- the default plan -------------------------------------------------------------------------------------------- */

/* Cells by idle mode and by what they are. */
static size_t count(const struct made *made, enum idle_mode idle, enum role role, bool variant)
{
    size_t found = 0;
    for (size_t i = 0; i < made->plan.count; i++) {
        const struct entry *e = &made->plan.entries[i];
        found += e->idle == idle && e->request.strategy->role == role && (e->request.variant > 0) == variant;
    }
    return found;
}

static void default_plan(void)
{
    struct made made;
    size_t raw = 0;
    for (const struct workload *const *w = workloads; *w; w++)
        raw += (*w)->need == NEED_RAW;
    make_checked(&made, &(struct typed){.idle = IDLE_POLL});
    CU_ASSERT_EQUAL(count(&made, IDLE_POLL, ROLE_CONTROL_ONLY, false), 3);
    CU_ASSERT_EQUAL(count(&made, IDLE_POLL, ROLE_COMPARED, false), 4 * 3 * 2 * 3);
    CU_ASSERT_EQUAL(count(&made, IDLE_POLL, ROLE_COMPARED, true), 3);
    CU_ASSERT_EQUAL(count(&made, IDLE_NATURAL, ROLE_COMPARED, false), 12);
    CU_ASSERT_EQUAL(count(&made, IDLE_POLL, ROLE_LIMITS, false), raw);
    CU_ASSERT_EQUAL(made.plan.count, 90 + raw);
    CU_ASSERT_EQUAL(plan_measurable(&made.plan, &made.results), 90 + raw);
    CU_ASSERT_PTR_NOT_NULL(find(&made, "map/serial w=1 c=auto p=cores i=0 b=8"));
    CU_ASSERT_PTR_NOT_NULL(find(&made, "counter/shared-memory:sharded w=2 c=1 p=cores i=0 b=8"));
    CU_ASSERT_PTR_NOT_NULL(find(&made, "list/manager-socket w=2 c=16 p=cores i=0 b=8"));
    CU_ASSERT_PTR_NOT_NULL(find(&made, "counter/fork-pool w=2 c=1 p=cores i=0 b=8 idle=natural"));
    drop(&made);
}

/* Where natural is the mode anyway nothing is measured twice; on one core and on an odd number of cores the pairs of
 * the raw operations are left out or rounded down. */
static void default_plan_elsewhere(void)
{
    struct made made;
    make_checked(&made, &(struct typed){.idle = IDLE_NATURAL});
    CU_ASSERT_EQUAL(count(&made, IDLE_NATURAL, ROLE_COMPARED, false), 72);
    drop(&made);
    make_checked(&made, &(struct typed){.machine = "pack:1 core:1 pu:1"});
    CU_ASSERT_EQUAL(plan_measurable(&made.plan, &made.results), made.plan.count);
    drop(&made);
    make_checked(&made, &(struct typed){.machine = "pack:1 core:3 pu:2"});
    CU_ASSERT_EQUAL(plan_measurable(&made.plan, &made.results), made.plan.count);
    CU_ASSERT_EQUAL(count(&made, IDLE_POLL, ROLE_COMPARED, false), 4 * 3 * 3 * 3);
    drop(&made);
}

/* --- n/a --------------------------------------------------------------------------------------------------------- */

static void not_available(void)
{
    struct made made;
    make_checked(&made, &(struct typed){.strategies = "shared-memory:mutex,serial",
                                        .workloads = "map,counter,fetch-add,list",
                                        .workers = "1,2",
                                        .chunks = "1",
                                        .payloads = "8,128k"});
    const struct cell *mutex = find(&made, "map/shared-memory:mutex w=2 c=1 p=cores i=0 b=8"),
                      *large = find(&made, "list/serial w=1 c=1 p=cores i=0 b=131072");
    CU_ASSERT_FATAL(mutex && large);
    CU_ASSERT_EQUAL(mutex->status, CELL_NA);
    CU_ASSERT_EQUAL(large->status, CELL_NA);
    CU_ASSERT_PTR_NOT_NULL(strstr(large->reason, "65536"));
    /* a strategy of one worker is measured with one, once */
    CU_ASSERT_PTR_NOT_NULL(find(&made, "map/serial w=1 c=1 p=cores i=0 b=8"));
    for (size_t i = 0; i < made.results.cell_count; i++) {
        CU_ASSERT_NOT_EQUAL(strcmp(made.results.cells[i].strategy, "serial") == 0 && made.results.cells[i].workers > 1,
                            true);
        CU_ASSERT(strcmp(made.results.cells[i].workload, "fetch-add") || made.results.cells[i].status == CELL_NA);
    }
    CU_ASSERT(plan_measurable(&made.plan, &made.results) < made.plan.count);
    drop(&made);
}

/* Nothing is n/a only because both kinds were asked for at once. */
static void limits_beside(void)
{
    struct made made;
    make_checked(&made, &(struct typed){.strategies = "all,limits", .workers = "2", .chunks = "1"});
    CU_ASSERT_EQUAL(plan_measurable(&made.plan, &made.results), made.plan.count);
    CU_ASSERT(count(&made, IDLE_POLL, ROLE_LIMITS, false) > 0);
    drop(&made);
    make_checked(&made, &(struct typed){.strategies = "limits", .workers = "1", .chunks = "1,16"});
    for (size_t i = 0; i < made.results.cell_count; i++)
        if (workload_find(made.results.cells[i].workload)->multiple > 1)
            CU_ASSERT_EQUAL(made.results.cells[i].status, CELL_NA);
    drop(&made);
}

/* --- places ------------------------------------------------------------------------------------------------------ */

static void service(void)
{
    struct made made;
    struct typed t = {.machine = FOUR_CORES, .strategies = "prefork-pipe", .workloads = "counter", .chunks = "1"};
    t.workers = "1,2,3";
    make_checked(&made, &t);
    CU_ASSERT_TRUE(made.plan.service_own);
    for (size_t i = 0; i < made.results.cell_count; i++) {
        const struct cell *cell = &made.results.cells[i];
        CU_ASSERT_STRING_EQUAL(cell->service, "own");
        for (unsigned w = 0; w < cell->workers; w++)
            CU_ASSERT_NOT_EQUAL((int)cell->pus[w], cell->service_pu);
    }
    drop(&made);
    /* one count that leaves nothing free, and the whole run shares */
    t.workers = "1,2,4";
    make_checked(&made, &t);
    CU_ASSERT_FALSE(made.plan.service_own);
    for (size_t i = 0; i < made.results.cell_count; i++) {
        CU_ASSERT_STRING_EQUAL(made.results.cells[i].service, "shared");
        CU_ASSERT_EQUAL(made.results.cells[i].service_pu, (int)made.results.cells[i].pus[0]);
    }
    drop(&made);
    t.service = SERVICE_OWN;
    check_refused(t, "--service own: the workers leave no processing unit free");
    t.workers = "1,2,3";
    make_checked(&made, &t);
    CU_ASSERT_TRUE(made.plan.service_own);
    drop(&made);
    t.service = SERVICE_SHARED;
    make_checked(&made, &t);
    CU_ASSERT_FALSE(made.plan.service_own);
    drop(&made);
    /* SMT siblings are free units too, and where nothing is bound there is none */
    t = (struct typed){.machine = EIGHT_PUS, .workers = "4"};
    make_checked(&made, &t);
    CU_ASSERT_TRUE(made.plan.service_own);
    drop(&made);
    t.placements[0] = "none";
    make_checked(&made, &t);
    CU_ASSERT_FALSE(made.plan.service_own);
    CU_ASSERT_PTR_NULL(made.results.cells[0].pus);
    CU_ASSERT_EQUAL(made.results.cells[0].service_pu, -1);
    drop(&made);
}

static void oversubscribed(void)
{
    struct made made;
    struct typed t = {.strategies = "prefork-pipe", .workloads = "counter", .workers = "1,2,3,1024", .chunks = "1"};
    check_refused(t, "2 places");
    t.workers = "3";
    check_refused(t, "--oversubscribe");
    t.workers = "1,2,3,1024";
    t.oversubscribe = true;
    make_checked(&made, &t);
    CU_ASSERT_EQUAL(made.results.cell_count, 4);
    for (size_t i = 0; i < made.results.cell_count; i++) {
        const struct cell *cell = &made.results.cells[i];
        CU_ASSERT_EQUAL(cell->oversubscribed, cell->workers > 2);
        CU_ASSERT_EQUAL(made.plan.entries[i].request.oversubscribed, cell->oversubscribed);
        for (unsigned w = 0; w < cell->workers; w++)
            CU_ASSERT_EQUAL(cell->pus[w], w % 2);
    }
    drop(&made);
}

static void listed_units(void)
{
    struct made made;
    struct typed t = {.machine = FOUR_CORES, .strategies = "serial,prefork-pipe", .workloads = "counter,map"};
    t.workers = "2";
    t.placements[0] = "3,1";
    t.placements[1] = "cores";
    make_checked(&made, &t);
    const struct cell *cell = find(&made, "counter/prefork-pipe w=2 c=1 p=3,1 i=0 b=8");
    CU_ASSERT_PTR_NOT_NULL_FATAL(cell);
    CU_ASSERT_EQUAL(cell->pus[0], 3);
    CU_ASSERT_EQUAL(cell->pus[1], 1);
    CU_ASSERT_PTR_NOT_NULL(find(&made, "counter/prefork-pipe w=2 c=1 p=cores i=0 b=8"));
    unsigned pair[2], units[8];
    CU_ASSERT_TRUE(plan_two_units(&made.plan, pair));
    CU_ASSERT_NOT_EQUAL(pair[0], pair[1]);
    /* 3 and 1, 0 and 1 of cores, 2 where a service of its own sits */
    CU_ASSERT(plan_units(&made.plan, units, 8) >= 3);
    drop(&made);
    t.placements[1] = NULL;
    t.workers = "3";
    check_refused(t, "2 places");
    t.placements[0] = "0,9";
    check_refused(t, "9");
    t.placements[0] = "croes";
    check_refused(t, "did you mean 'cores'?");
}

/* --- parameters -------------------------------------------------------------------------------------------------- */

static void parameters(void)
{
    struct made made;
    make_checked(&made, &(struct typed){.strategies = "shared-memory",
                                        .workloads = "map,counter,list-read",
                                        .workers = "2",
                                        .chunks = "auto,7",
                                        .payloads = "8,4k",
                                        .costs = "0,1us"});
    const struct cell *cell = find(&made, "map/shared-memory w=2 c=7 p=cores i=1000 b=4096");
    CU_ASSERT_PTR_NOT_NULL_FATAL(cell);
    const struct parameters *p = &made.plan.entries[cell - made.results.cells].request.parameters;
    CU_ASSERT_EQUAL(p->chunk, 7);
    CU_ASSERT_EQUAL(p->payload, 4096);
    CU_ASSERT_EQUAL(p->cost, 2000); /* steps of half a ns */
    CU_ASSERT_EQUAL(cell->item_cost_ns, 1000);
    /* a counter has no payload, list-read no chunk: each is measured once whatever was asked */
    CU_ASSERT_PTR_NOT_NULL(find(&made, "counter/shared-memory w=2 c=auto p=cores i=0 b=8"));
    CU_ASSERT_PTR_NOT_NULL(find(&made, "list-read/shared-memory w=2 c=auto p=cores i=0 b=8"));
    size_t counters = 0, reads = 0;
    for (size_t i = 0; i < made.results.cell_count; i++) {
        counters += strcmp(made.results.cells[i].workload, "counter") == 0;
        reads += strcmp(made.results.cells[i].workload, "list-read") == 0;
    }
    CU_ASSERT_EQUAL(counters, 2 * 2);
    CU_ASSERT_EQUAL(reads, 2 * 2);
    drop(&made);
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
        {.name = "plan: the default on two cores", .run = default_plan},
        {.name = "plan: the default on other machines", .run = default_plan_elsewhere},
        {.name = "plan: n/a with its reason", .run = not_available},
        {.name = "plan: raw operations beside strategies", .run = limits_beside},
        {.name = "plan: a place for who serves", .run = service},
        {.name = "plan: more workers than places", .run = oversubscribed},
        {.name = "plan: listed units and several placements", .run = listed_units},
        {.name = "plan: payloads, chunks and costs", .run = parameters},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
