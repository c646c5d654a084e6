/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * planned.c - see planned.h; the machine is hwloc's, the rest goes the way of the real command line. */
#include "tests/planned.h"

#include <CUnit/CUnit.h>

#include <stdio.h>
#include <string.h>

static void split(struct text_list *list, const char *text)
{
    const char *why = NULL;
    if (text)
        CU_ASSERT_EQUAL_FATAL(text_list_split(list, text, &why), 0);
}

int planned_choose(struct made *made, const struct typed *t)
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

void planned_make(struct made *made, const struct typed *t)
{
    static const char *const usual[] = {"cores", NULL};
    const struct terms terms = {
        .placements = t->placements[0] ? t->placements : usual,
        .oversubscribe = t->oversubscribe,
        .service = t->service,
        .idle = t->idle,
        .ns_per_step = 0.5,
    };
    if (planned_choose(made, t) == 0)
        made->result = plan_make(&made->plan, &made->results, &made->selection, &terms,
                                 topology_machine(made->topology), &made->problem);
}

void planned_drop(struct made *made)
{
    plan_free(&made->plan);
    selection_free(&made->selection);
    results_free(&made->results);
    topology_close(made->topology);
}

void planned_refused(struct typed t, const char *text)
{
    struct made made;
    planned_make(&made, &t);
    CU_ASSERT_EQUAL(made.result, -1);
    CU_ASSERT_EQUAL(made.problem.code, EXIT_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(made.problem.text, text));
    if (!strstr(made.problem.text, text))
        fprintf(stderr, "'%s' is not in: %s\n", text, made.problem.text);
    planned_drop(&made);
}
