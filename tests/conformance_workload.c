/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * conformance_workload.c - a workload of the registry as the harness runs it, but by quotas: three windows, each
 * proved.
 *
 * This knows nothing of the workload, so a new one is covered without a line here. */
#include "tests/conformance.h"

#include <CUnit/CUnit.h>

#include <stdio.h>
#include <stdlib.h>

#define WINDOWS 3

/* Where workers depend on partners each must come, and some only answer and count nothing. */
static void give_quotas(const struct workload *workload, struct stage *stage, unsigned window)
{
    stage_share(stage, 0, 1);
    for (unsigned i = 0; i <= stage->workers; i++) {
        bool works = workload->from_parent == (i == stage->workers);
        stage->actors[i].quota = works ? window + i % 3 + (workload->multiple > 1) : 0;
        stage->actors[i].done = 0;
    }
}

static void one_window(const struct situation *c, const struct workload *workload, struct stage *stage,
                       struct pool *pool, unsigned window)
{
    struct error error = {.code = ERROR_NONE};
    struct proof proof = {.holds = false};
    uint64_t *done = calloc(c->workers + 1, sizeof *done);
    CU_ASSERT_PTR_NOT_NULL_FATAL(done);
    give_quotas(workload, stage, window);
    EXPECT_DONE(
        c, workload->from_parent ? pool_drive(pool, workload->step, &error) : pool_each(pool, workload->step, &error),
        &error);
    for (unsigned i = 0; i <= c->workers; i++)
        done[i] = stage->actors[i].done;
    EXPECT_DONE(c, workload->check(pool, done, &proof, &error), &error);
    if (!EXPECT(c, proof.holds || situation_variant(c)->incorrect))
        fprintf(stderr, "%s: %s\n", workload->name, proof.text);
    for (unsigned i = 0; i <= c->workers; i++)
        EXPECT(c, done[i] == stage->actors[i].quota || (workload->multiple > 1 && done[i] == 0));
    free(done);
}

static void run_windows(const struct situation *c, const struct workload *workload, struct stage *stage,
                        struct setup *setup)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = situation_open(c, stage, setup);
    if (!pool)
        return;
    if (EXPECT_DONE(c, workload->objects(pool, &error), &error) && EXPECT_DONE(c, pool_start(pool, &error), &error) &&
        (!workload->fill || EXPECT_DONE(c, workload->fill(pool, &error), &error)))
        for (unsigned window = 0; window < WINDOWS; window++)
            one_window(c, workload, stage, pool, window);
    situation_close(c, pool);
}

void workload_conforms(const struct situation *c, const struct workload *workload)
{
    struct parameters p = {
        .workers = c->workers, .chunk = c->chunk, .items = c->n, .payload = c->payload, .cost = 3, .seed = 1};
    struct error error = {.code = ERROR_NONE};
    struct setup setup = {.ctx = NULL};
    char text[200];
    if (combination_lacks(c->strategy, c->variant, workload, &p, text, sizeof text))
        return;
    if (p.chunk == 0 || workload->unchunked)
        p.chunk = workload->chunk_auto(&p);
    EXPECT(c, p.chunk > 0);
    if (!EXPECT_DONE(c, workload->prepare(&p, &setup, &error), &error))
        return;
    struct stage *stage = stage_open(c->workers);
    EXPECT(c, workload->grain(setup.ctx) > 0);
    run_windows(c, workload, stage, &setup);
    stage_close(stage);
    workload->release(setup.ctx);
}
