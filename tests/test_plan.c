/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_plan.c - from a selection to cells, on machines that do not exist: places, service, n/a, ids.
 *
 * What a strategy or a workload can do is taken from the registry, so that a new one needs no line here; the default
 * plan of two cores is the one that the design fixes. */
#include "tests/frame.h"
#include "tests/planned.h"

#include <CUnit/CUnit.h>

#include <stdio.h>
#include <string.h>

/* Makes a plan and checks what every plan must be: entries and cells side by side, ids unique, a place for every
 * worker, a reason for every n/a. */
static void make_checked(struct made *made, const struct typed *t)
{
    planned_make(made, t);
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
    planned_drop(&made);
}

/* Where natural is the mode anyway nothing is measured twice; on one core and on an odd number of cores the pairs of
 * the raw operations are left out or rounded down. */
static void default_plan_elsewhere(void)
{
    struct made made;
    make_checked(&made, &(struct typed){.idle = IDLE_NATURAL});
    CU_ASSERT_EQUAL(count(&made, IDLE_NATURAL, ROLE_COMPARED, false), 72);
    planned_drop(&made);
    make_checked(&made, &(struct typed){.machine = "pack:1 core:1 pu:1"});
    CU_ASSERT_EQUAL(plan_measurable(&made.plan, &made.results), made.plan.count);
    planned_drop(&made);
    make_checked(&made, &(struct typed){.machine = "pack:1 core:3 pu:2"});
    CU_ASSERT_EQUAL(plan_measurable(&made.plan, &made.results), made.plan.count);
    CU_ASSERT_EQUAL(count(&made, IDLE_POLL, ROLE_COMPARED, false), 4 * 3 * 3 * 3);
    planned_drop(&made);
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
    planned_drop(&made);
}

/* Nothing is n/a only because both kinds were asked for at once. */
static void limits_beside(void)
{
    struct made made;
    make_checked(&made, &(struct typed){.strategies = "all,limits", .workers = "2", .chunks = "1"});
    for (size_t i = 0; i < made.results.cell_count; i++) {
        const struct request *r = &made.plan.entries[i].request;
        CU_ASSERT_EQUAL(r->strategy->role == ROLE_LIMITS, r->workload->need == NEED_RAW);
        CU_ASSERT_EQUAL(made.results.cells[i].status == CELL_NA,
                        variant_lacks(r->strategy, r->variant, r->workload->need) != NULL);
    }
    CU_ASSERT(count(&made, IDLE_POLL, ROLE_LIMITS, false) > 0);
    planned_drop(&made);
    make_checked(&made, &(struct typed){.strategies = "limits", .workers = "1", .chunks = "1,16"});
    for (size_t i = 0; i < made.results.cell_count; i++)
        if (workload_find(made.results.cells[i].workload)->multiple > 1)
            CU_ASSERT_EQUAL(made.results.cells[i].status, CELL_NA);
    planned_drop(&made);
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
    planned_drop(&made);
    /* one count that leaves nothing free, and the whole run shares */
    t.workers = "1,2,4";
    make_checked(&made, &t);
    CU_ASSERT_FALSE(made.plan.service_own);
    for (size_t i = 0; i < made.results.cell_count; i++) {
        CU_ASSERT_STRING_EQUAL(made.results.cells[i].service, "shared");
        CU_ASSERT_EQUAL(made.results.cells[i].service_pu, (int)made.results.cells[i].pus[0]);
    }
    planned_drop(&made);
    t.service = SERVICE_OWN;
    planned_refused(t, "--service own: the workers leave no processing unit free");
    t.workers = "1,2,3";
    make_checked(&made, &t);
    CU_ASSERT_TRUE(made.plan.service_own);
    planned_drop(&made);
    t.service = SERVICE_SHARED;
    make_checked(&made, &t);
    CU_ASSERT_FALSE(made.plan.service_own);
    planned_drop(&made);
    /* SMT siblings are free units too, and where nothing is bound there is none */
    t = (struct typed){.machine = EIGHT_PUS, .workers = "4"};
    make_checked(&made, &t);
    CU_ASSERT_TRUE(made.plan.service_own);
    planned_drop(&made);
    t.placements[0] = "none";
    make_checked(&made, &t);
    CU_ASSERT_FALSE(made.plan.service_own);
    CU_ASSERT_PTR_NULL(made.results.cells[0].pus);
    CU_ASSERT_EQUAL(made.results.cells[0].service_pu, -1);
    unsigned units[16];
    CU_ASSERT_EQUAL(plan_units(&made.plan, units, 16), 8);
    planned_drop(&made);
}

static void oversubscribed(void)
{
    struct made made;
    struct typed t = {.strategies = "prefork-pipe", .workloads = "counter", .workers = "1,2,3,1024", .chunks = "1"};
    planned_refused(t, "2 places");
    t.workers = "3";
    planned_refused(t, "--oversubscribe");
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
    planned_drop(&made);
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
    planned_drop(&made);
    t.placements[1] = NULL;
    t.workers = "3";
    planned_refused(t, "2 places");
    t.placements[0] = "0,9";
    planned_refused(t, "9");
    t.placements[0] = "croes";
    planned_refused(t, "did you mean 'cores'?");
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
    CU_ASSERT_EQUAL(cell->payload_bytes, 4096);
    cell = find(&made, "counter/shared-memory w=2 c=auto p=cores i=0 b=8");
    CU_ASSERT_PTR_NOT_NULL_FATAL(cell);
    CU_ASSERT_EQUAL(cell->payload_bytes, 0);
    CU_ASSERT_PTR_NOT_NULL(find(&made, "list-read/shared-memory w=2 c=auto p=cores i=0 b=8"));
    size_t counters = 0, reads = 0;
    for (size_t i = 0; i < made.results.cell_count; i++) {
        counters += strcmp(made.results.cells[i].workload, "counter") == 0;
        reads += strcmp(made.results.cells[i].workload, "list-read") == 0;
    }
    CU_ASSERT_EQUAL(counters, 2 * 2);
    CU_ASSERT_EQUAL(reads, 2 * 2);
    planned_drop(&made);
}

int main(int argc, char **argv)
{
    const struct test tests[] = {
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
