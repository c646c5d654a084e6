/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * replay.c - the gate over every stretch: first stage, choice of the worst, second stage, and what it comes to. */
#include "reports/replay.h"

#include "reports/replay_tape.h"

#include <math.h>
#include <stdlib.h>

/* What judging a stretch needs beside the reel; made once for all of them. */
struct bench {
    struct evidence *first, *again; /* of all cells; of those that are confirmed */
    struct finding *findings;
    size_t *worst;
};

static int bench_make(struct bench *bench, size_t cells, size_t confirm)
{
    bench->first = calloc(cells + 1, sizeof *bench->first);
    bench->again = calloc(confirm + 1, sizeof *bench->again);
    bench->findings = calloc(cells + 1, sizeof *bench->findings);
    bench->worst = calloc(confirm + 1, sizeof *bench->worst);
    return bench->first && bench->again && bench->findings && bench->worst ? 0 : -1;
}

static void bench_free(struct bench *bench)
{
    free(bench->first);
    free(bench->again);
    free(bench->findings);
    free(bench->worst);
}

/* The second stage takes the blocks from `later` on. */
static int confirm(const struct reel *reel, const struct criteria *criteria, struct bench *bench, unsigned later)
{
    size_t count = verdict_worst(bench->findings, reel->count, criteria, bench->worst);
    if (count == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        bench->again[i] = tape_evidence(&reel->tapes[bench->worst[i]], later, (unsigned)criteria->confirm_blocks);
    return verdict_confirm(bench->again, bench->worst, count, criteria, bench->findings, reel->count);
}

/* 1 when judged, 0 when the recording ends before, -1 when memory is short. *end is the block after all of it. */
static int judge(struct reel *reel, const struct gate_shape *shape, struct bench *bench, unsigned from, unsigned *end)
{
    unsigned later = reel_take(reel, shape, from), confirming = (unsigned)shape->criteria->confirm_blocks;
    if (later == 0 || confirming > reel->blocks - later)
        return 0;
    *end = later + confirming;
    for (size_t i = 0; i < reel->count; i++)
        bench->first[i] = tape_evidence(&reel->tapes[i], from, reel->taken[i]);
    if (verdict_decide(bench->first, reel->count, shape->criteria, bench->findings) ||
        confirm(reel, shape->criteria, bench, later))
        return -1;
    return 1;
}

static void note_blocks(struct replayed *out, const struct reel *reel)
{
    for (size_t i = 0; i < reel->count; i++) {
        if (out->blocks_least == 0 || reel->taken[i] < out->blocks_least)
            out->blocks_least = reel->taken[i];
        if (reel->taken[i] > out->blocks_most)
            out->blocks_most = reel->taken[i];
    }
}

static int replay_reel(struct reel *reel, const struct gate_shape *shape, bool exchanged, struct replayed *out)
{
    struct bench bench = {.first = NULL};
    unsigned free_from = 0, end;
    int got = bench_make(&bench, reel->count, shape->criteria->confirm_cells);
    for (unsigned from = 0; got == 0 && reel->count > 0 && from < reel->blocks; from++) {
        int judged = judge(reel, shape, &bench, from, &end);
        if (judged < 0)
            got = -1;
        if (judged <= 0)
            continue;
        out->gates++;
        out->overall[verdict_overall(bench.findings, reel->count)]++;
        note_blocks(out, reel);
        if (exchanged)
            continue;
        out->stretches++;
        if (from >= free_from) {
            out->independent++;
            free_from = end;
        }
    }
    bench_free(&bench);
    return got;
}

int replay_gates(const struct duet *duet, const struct gate_shape *shape, double handicap, struct replayed *out)
{
    *out = (struct replayed){.gates = 0};
    for (int exchanged = 0; exchanged < 2; exchanged++) {
        struct reel reel;
        const struct change change = {.stretched = handicap, .exchanged = exchanged};
        int got = reel_wind(&reel, duet, shape, change) || replay_reel(&reel, shape, exchanged, out);
        reel_free(&reel);
        if (got)
            return -1;
    }
    return 0;
}

double replayed_most(const struct replayed *replayed, enum overall which, double confidence)
{
    if (replayed->gates == 0)
        return 1;
    double share = (double)replayed->overall[which] / replayed->gates;
    return statistics_proportion_most((size_t)ceil(share * replayed->independent), replayed->independent, confidence);
}
