/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_replay.c - the gate replayed over recordings whose noise is known: what it must never say, what it must see. */
#include "reports/replay.h"
#include "tests/frame.h"
#include "tests/made_duet.h"

#include <CUnit/CUnit.h>
#include <math.h>

#define BLOCKS 40
#define GATE   (BLOCKS + 20) /* with the confirming ones */

static const struct gate_shape shape = {.blocks = BLOCKS, .criteria = &criteria_default};

static struct replayed replay(const struct made *made, const struct gate_shape *gate, double handicap)
{
    struct duet duet;
    struct replayed replayed;
    made_duet(&duet, made);
    CU_ASSERT_EQUAL(replay_gates(&duet, gate, handicap, &replayed), 0);
    duet_free(&duet);
    return replayed;
}

static void equal_builds_raise_no_alarm(void)
{
    const struct made made = {.cells = 4, .blocks = 300, .sd = {0.01, 0.02, 0.03}};
    struct replayed r = replay(&made, &shape, 0);
    CU_ASSERT_EQUAL(r.stretches, 300 - GATE + 1);
    CU_ASSERT_EQUAL(r.gates, 2 * r.stretches);
    CU_ASSERT_EQUAL(r.independent, 300 / GATE);
    CU_ASSERT_EQUAL(r.overall[OVERALL_REGRESSION], 0);
    CU_ASSERT_EQUAL(r.overall[OVERALL_UNPROVED] + r.overall[OVERALL_INCOMPARABLE], 0);
    CU_ASSERT_EQUAL(r.overall[OVERALL_PASS] + r.overall[OVERALL_INCONCLUSIVE], r.gates);
    CU_ASSERT_EQUAL(r.blocks_least, BLOCKS);
    CU_ASSERT_EQUAL(r.blocks_most, BLOCKS);
    CU_ASSERT_DOUBLE_EQUAL(replayed_most(&r, OVERALL_REGRESSION, 0.95), 1 - pow(0.05, 1.0 / 5), 1e-9);
}

static void handicaps_are_found(void)
{
    const struct made made = {.cells = 3, .blocks = 120, .sd = {0.01}};
    struct replayed large = replay(&made, &shape, 0.06), small = replay(&made, &shape, 0.01);
    struct replayed faster = replay(&made, &shape, -0.1);
    CU_ASSERT_EQUAL(large.overall[OVERALL_REGRESSION], large.gates);
    CU_ASSERT_EQUAL(small.overall[OVERALL_REGRESSION], 0);
    CU_ASSERT_EQUAL(faster.overall[OVERALL_PASS], faster.gates);
}

/* A gate that could not fail would be quiet here too: the candidate is slow for good from some block on. */
static void storms_are_alarms(void)
{
    const struct made made = {.cells = 2, .blocks = 200, .sd = {0.01}, .storm_from = 101, .storm = 0.1};
    struct replayed r = replay(&made, &shape, 0);
    CU_ASSERT(r.overall[OVERALL_REGRESSION] > 30);
    CU_ASSERT(r.overall[OVERALL_REGRESSION] < r.gates / 2);
    CU_ASSERT(replayed_most(&r, OVERALL_REGRESSION, 0.95) > 0.5);
    /* slow in the first stage, and no longer in the second: nothing is confirmed */
    const struct made passing = {.cells = 2, .blocks = GATE, .sd = {0.01}, .storm_from = BLOCKS + 1, .storm = 0.1};
    r = replay(&passing, &shape, 0);
    CU_ASSERT_EQUAL(r.stretches, 1);
    CU_ASSERT_EQUAL(r.overall[OVERALL_REGRESSION], 0);
}

static void short_recordings_say_nothing(void)
{
    const struct made made = {.cells = 2, .blocks = GATE - 1, .sd = {0.01}};
    const struct made shorter = {.cells = 2, .blocks = BLOCKS - 1, .sd = {0.01}};
    double numbers[2];
    unsigned sessions[2];
    struct duet duet;
    struct replayed r = replay(&made, &shape, 0);
    CU_ASSERT_EQUAL(r.gates, 0);
    CU_ASSERT_EQUAL(r.independent, 0);
    CU_ASSERT_EQUAL(replayed_most(&r, OVERALL_REGRESSION, 0.95), 1);
    made_duet(&duet, &shorter);
    CU_ASSERT_EQUAL(replay_floors(&duet, &shape, numbers), 0);
    CU_ASSERT(isnan(numbers[0]) && isnan(numbers[1]));
    CU_ASSERT_EQUAL(replay_caught(&duet, &shape, numbers), 0);
    CU_ASSERT(isnan(numbers[0]) && isnan(numbers[1]));
    CU_ASSERT_EQUAL(replay_sessions(&duet, BLOCKS, numbers, sessions), 0);
    CU_ASSERT(isnan(numbers[0]) && sessions[0] == 0);
    duet_free(&duet);
}

/* A side that lacks a cell, or a cell without pairs, takes no part and stops nothing. */
static void cells_without_pairs_are_left_out(void)
{
    const struct made made = {.cells = 3, .blocks = 80, .sd = {0.01}};
    struct duet duet;
    struct replayed r;
    double floors[3];
    made_duet(&duet, &made);
    duet.cells[1].status[ARM_CANDIDATE] = SIDE_LACKS;
    CU_ASSERT_EQUAL(replay_gates(&duet, &shape, 0, &r), 0);
    CU_ASSERT_EQUAL(r.stretches, 80 - GATE + 1);
    CU_ASSERT_EQUAL(r.overall[OVERALL_PASS], r.gates);
    CU_ASSERT_EQUAL(replay_floors(&duet, &shape, floors), 0);
    CU_ASSERT(isnan(floors[1]) && isfinite(floors[0]) && isfinite(floors[2]));
    duet_free(&duet);
}

static void floors_follow_the_noise(void)
{
    const struct made made = {.cells = 2, .blocks = 400, .sd = {0.01, 0.04}};
    struct duet duet;
    double floors[2];
    made_duet(&duet, &made);
    CU_ASSERT_EQUAL(replay_floors(&duet, &shape, floors), 0);
    /* 1.96 standard deviations of a normal sample's median: 1.2533 x 1 % / sqrt(40) */
    CU_ASSERT(floors[0] > 0.0039 / 2 && floors[0] < 0.0039 * 2);
    CU_ASSERT(floors[1] > 0.0156 / 2 && floors[1] < 0.0156 * 2);
    struct gate_shape calibrated = shape;
    const double wide[] = {0.1, 0.1};
    struct replayed r;
    calibrated.floors = wide;
    CU_ASSERT_EQUAL(replay_gates(&duet, &calibrated, 0.1, &r), 0); /* below the margin that follows, 15 % */
    CU_ASSERT_EQUAL(r.overall[OVERALL_REGRESSION], 0);
    duet_free(&duet);
}

/* How often a duet's only cell, that much slower, makes the gate end in 1. */
static double share_caught(const struct duet *duet, double slowdown)
{
    struct replayed r;
    CU_ASSERT_EQUAL_FATAL(replay_gates(duet, &shape, slowdown, &r), 0);
    return (double)r.overall[OVERALL_REGRESSION] / r.gates;
}

static void what_is_caught_is_caught(void)
{
    const struct made made = {.cells = 1, .blocks = 160, .sd = {0.02}};
    struct duet duet;
    double caught;
    made_duet(&duet, &made);
    CU_ASSERT_EQUAL(replay_caught(&duet, &shape, &caught), 0);
    CU_ASSERT(caught > 0.02 && caught < 0.06);
    CU_ASSERT(share_caught(&duet, caught + 0.002) >= 0.95);
    CU_ASSERT(share_caught(&duet, caught - 0.002) < 0.95);
    duet_free(&duet);
    const struct made wild = {.cells = 1, .blocks = 100, .sd = {0.9}};
    made_duet(&duet, &wild);
    CU_ASSERT_EQUAL(replay_caught(&duet, &shape, &caught), 0);
    CU_ASSERT(isnan(caught));
    duet_free(&duet);
}

static void spoiled_slots_are_left_out(void)
{
    const struct made made = {.cells = 2, .blocks = 200, .sd = {0.01}, .spoiled_each = 10};
    struct duet duet;
    struct scatter scatter[2];
    struct replayed r;
    double floors[2];
    made_duet(&duet, &made);
    CU_ASSERT_EQUAL(replay_blocks(&duet), 200);
    CU_ASSERT_EQUAL(replay_scatter(&duet, scatter), 0);
    CU_ASSERT_EQUAL(scatter[0].pairs, 220);
    CU_ASSERT_EQUAL(scatter[0].spoiled, 20);
    CU_ASSERT(scatter[0].sd > 0.007 && scatter[0].sd < 0.013);
    CU_ASSERT(fabs(scatter[0].lag1) < 0.3);
    CU_ASSERT_EQUAL(replay_floors(&duet, &shape, floors), 0);
    CU_ASSERT(floors[0] < 0.01);
    CU_ASSERT_EQUAL(replay_gates(&duet, &shape, 0, &r), 0);
    CU_ASSERT_EQUAL(r.stretches, 200 - GATE + 1);
    CU_ASSERT_EQUAL(r.overall[OVERALL_REGRESSION], 0);
    duet_free(&duet);
}

static void sessions_are_told_from_noise(void)
{
    const struct made apart = {.cells = 1, .blocks = 800, .sd = {0.01}, .sessions_sd = 0.05, .session = 20};
    const struct made alike = {.cells = 1, .blocks = 800, .sd = {0.01}};
    struct duet duet;
    double sd;
    unsigned sessions;
    made_duet(&duet, &apart);
    CU_ASSERT_EQUAL(replay_sessions(&duet, 20, &sd, &sessions), 0);
    CU_ASSERT_EQUAL(sessions, 40);
    CU_ASSERT(sd > 0.03 && sd < 0.07);
    duet_free(&duet);
    made_duet(&duet, &alike);
    CU_ASSERT_EQUAL(replay_sessions(&duet, 20, &sd, &sessions), 0);
    CU_ASSERT(sd < 0.002);
    duet_free(&duet);
}

/* A rule as the gate's: what is wild gets `with` blocks. */
static void by_scatter(const void *with, const struct evidence *pilots, const size_t *cells, size_t count,
                       unsigned *blocks)
{
    for (size_t i = 0; i < count; i++) {
        double most = 0;
        CU_ASSERT_EQUAL(cells[i], i);
        CU_ASSERT_EQUAL(pilots[i].count, 12);
        for (size_t k = 0; k < pilots[i].count; k++)
            most = fmax(most, fabs(pilots[i].blocks[k].worse));
        blocks[i] = most > 0.05 ? *(const unsigned *)with : 24;
    }
}

static void precise_cells_stop_early(void)
{
    const struct made made = {.cells = 3, .blocks = 200, .sd = {0.005, 0.005, 0.06}};
    const unsigned wild = 100;
    const struct gate_shape planned = {.criteria = &criteria_default, .plan = by_scatter, .with = &wild, .pilot = 12};
    struct replayed r = replay(&made, &planned, 0);
    CU_ASSERT_EQUAL(r.blocks_least, 24);
    CU_ASSERT_EQUAL(r.blocks_most, 100);
    CU_ASSERT_EQUAL(r.stretches, 200 - 120 + 1);
    CU_ASSERT_EQUAL(r.overall[OVERALL_REGRESSION], 0);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"replay: equal builds raise no alarm", equal_builds_raise_no_alarm, 0},
        {"replay: handicaps are found", handicaps_are_found, 0},
        {"replay: a slowdown that comes and stays is an alarm", storms_are_alarms, 0},
        {"replay: short recordings say nothing", short_recordings_say_nothing, 0},
        {"replay: cells without pairs are left out", cells_without_pairs_are_left_out, 0},
        {"replay: floors follow the noise", floors_follow_the_noise, 0},
        {"replay: what is caught is caught", what_is_caught_is_caught, 0},
        {"replay: spoiled slots are left out", spoiled_slots_are_left_out, 0},
        {"replay: sessions are told from noise", sessions_are_told_from_noise, 0},
        {"replay: precise cells stop early", precise_cells_stop_early, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
