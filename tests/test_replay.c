/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_replay.c - the gate replayed over recordings whose noise is known: what it must never say, what it must see. */
#include "reports/replay_tape.h"
#include "tests/frame.h"
#include "tests/made_duet.h"

#include <CUnit/CUnit.h>
#include <gsl/gsl_cdf.h>
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
    struct floor_basis bases[2];
    unsigned sessions[2];
    struct duet duet;
    struct replayed r = replay(&made, &shape, 0);
    CU_ASSERT_EQUAL(r.gates, 0);
    CU_ASSERT_EQUAL(r.independent, 0);
    CU_ASSERT_EQUAL(replayed_most(&r, OVERALL_REGRESSION, 0.95), 1);
    made_duet(&duet, &shorter);
    CU_ASSERT_EQUAL(replay_floors(&duet, &shape, numbers, bases), 0);
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
    struct floor_basis bases[3];
    made_duet(&duet, &made);
    duet.cells[1].status[ARM_CANDIDATE] = SIDE_LACKS;
    CU_ASSERT_EQUAL(replay_gates(&duet, &shape, 0, &r), 0);
    CU_ASSERT_EQUAL(r.stretches, 80 - GATE + 1);
    CU_ASSERT_EQUAL(r.overall[OVERALL_PASS], r.gates);
    CU_ASSERT_EQUAL(replay_floors(&duet, &shape, floors, bases), 0);
    CU_ASSERT(isnan(floors[1]) && isfinite(floors[0]) && isfinite(floors[2]));
    duet_free(&duet);
}

static void floors_follow_the_noise(void)
{
    const struct made made = {.cells = 2, .blocks = 400, .sd = {0.01, 0.04}};
    struct duet duet;
    double floors[2];
    struct floor_basis bases[2];
    made_duet(&duet, &made);
    CU_ASSERT_EQUAL(replay_floors(&duet, &shape, floors, bases), 0);
    /* 1.96 standard deviations of a normal sample's median: 1.2533 x 1 % / sqrt(40) */
    CU_ASSERT(floors[0] > 0.0039 && floors[0] < 0.0039 * 2);
    CU_ASSERT(floors[1] > 0.0156 && floors[1] < 0.0156 * 2);
    CU_ASSERT(bases[0].blocks == BLOCKS && bases[0].stretches == 10);
    struct gate_shape calibrated = shape;
    const double wide[] = {0.1, 0.1};
    struct replayed r;
    calibrated.floors = wide;
    CU_ASSERT_EQUAL(replay_gates(&duet, &calibrated, 0.1, &r), 0); /* below the margin that follows, 15 % */
    CU_ASSERT_EQUAL(r.overall[OVERALL_REGRESSION], 0);
    duet_free(&duet);
}

/* What is learned from little is set higher, never lower: shorter stretches, and an upper bound. */
static void floors_of_short_recordings_are_higher(void)
{
    const struct made short_one = {.cells = 1, .blocks = GATE, .sd = {0.01}};
    const struct made shortest = {.cells = 1, .blocks = 20, .sd = {0.01}};
    const struct gate_shape small = {.blocks = 14, .criteria = &criteria_default};
    struct duet duet;
    struct floor_basis basis;
    double floor, bound = 0.0071 * sqrt(5 / 1.610); /* 1.96 x 1.2533 x 1 % / sqrt(12), chi-square at 10 % of 5 */
    made_duet(&duet, &short_one);
    CU_ASSERT_EQUAL(replay_floors(&duet, &shape, &floor, &basis), 0);
    CU_ASSERT(basis.blocks == 12 && basis.stretches == 5);
    CU_ASSERT(floor > bound / 1.5 && floor < bound * 1.5);
    duet_free(&duet);
    made_duet(&duet, &shortest);
    CU_ASSERT_EQUAL(replay_floors(&duet, &small, &floor, &basis), 0);
    CU_ASSERT(isnan(floor) && basis.stretches == 1);
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
    struct floor_basis bases[2];
    made_duet(&duet, &made);
    CU_ASSERT_EQUAL(replay_span(&duet).blocks, 200);
    CU_ASSERT_EQUAL(replay_scatter(&duet, scatter), 0);
    CU_ASSERT_EQUAL(scatter[0].pairs, 220);
    CU_ASSERT_EQUAL(scatter[0].spoiled, 20);
    CU_ASSERT(scatter[0].sd > 0.007 && scatter[0].sd < 0.013);
    CU_ASSERT(fabs(scatter[0].lag1) < 0.3);
    CU_ASSERT_EQUAL(replay_floors(&duet, &shape, floors, bases), 0);
    CU_ASSERT(floors[0] < 0.01);
    CU_ASSERT_EQUAL(replay_gates(&duet, &shape, 0, &r), 0);
    CU_ASSERT_EQUAL(r.stretches, 200 - GATE + 1);
    CU_ASSERT_EQUAL(r.overall[OVERALL_REGRESSION], 0);
    duet_free(&duet);
}

static double caught_of_first(const struct duet *duet, const struct gate_shape *gate)
{
    double caught[8] = {0};
    CU_ASSERT_FATAL(duet->about.cell_count <= 8);
    CU_ASSERT_EQUAL_FATAL(replay_caught(duet, gate, caught), 0);
    return caught[0];
}

/* Among other cells more is asked of its first stage, which is made shorter than the second here. */
static void what_is_caught_among_others_is_more(void)
{
    const struct made made = {.cells = 8, .blocks = 120, .sd = {0.02}};
    struct duet duet;
    made_duet(&duet, &made);
    const struct gate_shape brief = {.blocks = 14, .criteria = &criteria_default};
    double among = caught_of_first(&duet, &brief);
    for (size_t i = 1; i < 8; i++)
        duet.cells[i].status[ARM_BASE] = SIDE_LACKS;
    CU_ASSERT(among > 1.02 * caught_of_first(&duet, &brief));
    duet_free(&duet);
}

/* The spoiled blocks must say the same. Here they look slow, so that it is with the arms exchanged that they gainsay.
 */
static void what_is_caught_is_caught_with_the_spoiled(void)
{
    const struct made made = {.cells = 1, .blocks = 120, .sd = {0.02}, .spoiled_each = 3};
    struct duet duet;
    made_duet(&duet, &made);
    double with = caught_of_first(&duet, &shape);
    for (size_t i = 0; i < duet.cells[0].pair_count; i++)
        duet.cells[0].pairs[i].confirming = duet.cells[0].pairs[i].steal_s > 0;
    CU_ASSERT(with > 1.05 * caught_of_first(&duet, &shape));
    duet_free(&duet);
}

static void exchanged_arms_change_sign_and_order(void)
{
    const struct made made = {.cells = 1, .blocks = 80, .sd = {0.01}, .storm_from = 1, .storm = 0.1};
    const struct change changes[] = {{.stretched = 0.05}, {.stretched = 0.05, .exchanged = true}};
    struct duet duet;
    struct reel reels[2];
    made_duet(&duet, &made);
    for (int i = 0; i < 2; i++)
        CU_ASSERT_EQUAL_FATAL(reel_wind(&reels[i], &duet, &shape, changes[i]), 0);
    for (size_t k = 0; k < 80; k++) {
        const struct observation *seen = &reels[0].tapes[0].seen[k], *exchanged = &reels[1].tapes[0].seen[k];
        CU_ASSERT_DOUBLE_EQUAL(seen->worse + exchanged->worse, 2 * log(1.05), 1e-12);
        CU_ASSERT(seen->candidate_first == (k % 2 == 1) && exchanged->candidate_first == (k % 2 == 0));
    }
    reel_free(&reels[0]);
    reel_free(&reels[1]);
    duet_free(&duet);
    struct replayed r = replay(&made, &shape, 0);
    CU_ASSERT_EQUAL(r.overall[OVERALL_REGRESSION], r.stretches);
    CU_ASSERT_EQUAL(r.overall[OVERALL_PASS], r.stretches);
}

static void bounds_are_rounded_up(void)
{
    const struct replayed r = {.gates = 10, .independent = 4, .overall = {[OVERALL_REGRESSION] = 1}};
    CU_ASSERT_EQUAL(replayed_most(&r, OVERALL_REGRESSION, 0.95), statistics_proportion_most(1, 4, 0.95));
}

/* Numbers of blocks that are not there make no gates. */
static void gaps_end_a_recording(void)
{
    const struct made made = {.cells = 2, .blocks = 130, .sd = {0.01}};
    struct duet duet;
    struct replayed r;
    made_duet(&duet, &made);
    struct pair *pairs = duet.cells[1].pairs;
    pairs[129].block = 3000000;
    CU_ASSERT_EQUAL(replay_span(&duet).blocks, 129);
    pairs[129].block = 4294967295;
    CU_ASSERT_EQUAL(replay_gates(&duet, &shape, 0, &r), 0);
    CU_ASSERT_EQUAL(r.stretches, 129 - GATE + 1);
    pairs[100].confirming = true; /* the only one of its block */
    CU_ASSERT_EQUAL(replay_gates(&duet, &shape, 0, &r), 0);
    CU_ASSERT_EQUAL(r.stretches, 100 - GATE + 1);
    CU_ASSERT_EQUAL(r.independent, 1);
    pairs[90].trials[ARM_BASE].value = NAN;
    CU_ASSERT_EQUAL(replay_span(&duet).blocks, 90);
    duet_free(&duet);
}

/* Nor do pairs that do not count: of a cell that is measured by whole trials from some block on. */
static void blocks_that_do_not_count_are_left_out(void)
{
    const struct made made = {.cells = 2, .blocks = 130, .sd = {0.01}};
    struct duet duet;
    struct replayed r;
    made_duet(&duet, &made);
    duet.cells[1].whole_trials = true;
    for (size_t i = 20; i < 130; i++)
        duet.cells[1].pairs[i].parked_s[ARM_BASE] = duet.cells[1].pairs[i].parked_s[ARM_CANDIDATE] = NAN;
    const struct span span = replay_span(&duet);
    CU_ASSERT(span.first == 21 && span.blocks == 110);
    CU_ASSERT_EQUAL(replay_gates(&duet, &shape, 0, &r), 0);
    CU_ASSERT_EQUAL(r.stretches, 110 - GATE + 1);
    CU_ASSERT_EQUAL(r.overall[OVERALL_PASS], r.gates);
    for (size_t i = 0; i < 130; i++)
        duet.cells[0].pairs[i].block += 3000000;
    CU_ASSERT_EQUAL(replay_span(&duet).blocks, 0);
    duet_free(&duet);
}

static double sessions_sd(const struct made *made, unsigned blocks, unsigned *sessions)
{
    struct duet duet;
    double sd;
    made_duet(&duet, made);
    CU_ASSERT_EQUAL(replay_sessions(&duet, blocks, &sd, sessions), 0);
    duet_free(&duet);
    return sd;
}

static void sessions_are_seen(void)
{
    const struct made apart = {.cells = 1, .blocks = 800, .sd = {0.01}, .sessions_sd = 0.05, .session = 20};
    const struct made alike = {.cells = 1, .blocks = 800, .sd = {0.01}, .wander = 0.02};
    unsigned sessions;
    double sd = sessions_sd(&apart, 20, &sessions);
    CU_ASSERT_EQUAL(sessions, 40);
    CU_ASSERT(sd > 0.04 && sd < 0.06);
    sd = sessions_sd(&alike, 20, &sessions);
    CU_ASSERT(sd > 0.004 && sd < 0.007); /* a session's median scatters by 0.0056 */
}

static void few_sessions_say_nothing(void)
{
    unsigned sessions;
    const struct made four = {.cells = 1, .blocks = 99, .sd = {0.01}, .wander = 0.02};
    CU_ASSERT(isnan(sessions_sd(&four, 20, &sessions)));
    CU_ASSERT_EQUAL(sessions, 0);
    const struct made unmoved = {.cells = 1, .blocks = 100, .sd = {0.01}};
    CU_ASSERT(isnan(sessions_sd(&unmoved, 20, &sessions)));
}

enum { SESSION = 20, LEARNED = 5, FORETOLD = 2, HISTORIES = 300 };

static double session_median(const struct pair *pairs)
{
    double values[SESSION];
    for (size_t i = 0; i < SESSION; i++)
        values[i] = log(pairs[i].trials[ARM_BASE].value);
    return statistics_median(values, SESSION);
}

/* Five sessions foretell by how much the next two differ, as often as they should. */
static void sessions_foretell(void)
{
    const struct made made = {.cells = 1,
                              .blocks = SESSION * (LEARNED + FORETOLD) * HISTORIES,
                              .sd = {0.01},
                              .sessions_sd = 0.05,
                              .session = SESSION};
    struct duet duet, part;
    unsigned sessions, held = 0;
    double sd;
    made_duet(&duet, &made);
    part = duet;
    for (size_t i = 0; i < HISTORIES; i++) {
        const struct pair *pairs = duet.cells[0].pairs + i * SESSION * (LEARNED + FORETOLD);
        struct duet_cell learned = duet.cells[0];
        learned.pairs = (struct pair *)pairs;
        learned.pair_count = SESSION * LEARNED;
        part.cells = &learned;
        CU_ASSERT_EQUAL(replay_sessions(&part, SESSION, &sd, &sessions), 0);
        CU_ASSERT_EQUAL(sessions, LEARNED);
        const struct pair *next = pairs + SESSION * LEARNED;
        double t = gsl_cdf_tdist_Qinv(0.025, LEARNED - 1);
        held += fabs(session_median(next) - session_median(next + SESSION)) <= t * sqrt(2) * sd;
    }
    CU_ASSERT(held >= 0.92 * HISTORIES && held <= 0.98 * HISTORIES);
    duet_free(&duet);
}

static void by_least(const void *with, const struct evidence *pilots, const size_t *cells, size_t count,
                     unsigned *blocks)
{
    (void)with, (void)cells;
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_EQUAL(pilots[i].count, 12);
        blocks[i] = 24;
    }
}

/* A pilot that knew too little: what is wild shows in the first plan's blocks only. */
static void by_second_look(const void *with, const struct evidence *pilots, const size_t *cells, size_t count,
                           unsigned *blocks)
{
    (void)with, (void)cells;
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT(blocks[i] == 24 && pilots[i].count == 24);
        blocks[i] += i == 1 ? 36 : 0;
    }
}

static void plans_are_looked_at_again(void)
{
    const struct made made = {.cells = 2, .blocks = 100, .sd = {0.005, 0.005}};
    const struct gate_shape planned = {
        .criteria = &criteria_default, .plan = by_least, .plan_again = by_second_look, .pilot = 12};
    struct replayed r = replay(&made, &planned, 0);
    CU_ASSERT(r.blocks_least == 24 && r.blocks_most == 60);
    CU_ASSERT_EQUAL(r.stretches, 100 - 80 + 1);
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
    struct duet duet;
    struct floor_basis bases[3];
    double floors[3];
    made_duet(&duet, &made);
    CU_ASSERT_EQUAL(replay_floors(&duet, &planned, floors, bases), 0);
    CU_ASSERT(bases[0].blocks == 24 && bases[0].stretches == 8);
    CU_ASSERT(bases[2].blocks == 40 && bases[2].stretches == 5); /* of the 100, so that there are five */
    duet_free(&duet);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"replay: equal builds raise no alarm", equal_builds_raise_no_alarm, 0},
        {"replay: handicaps are found", handicaps_are_found, 0},
        {"replay: a slowdown that comes and stays is an alarm", storms_are_alarms, 0},
        {"replay: short recordings say nothing", short_recordings_say_nothing, 0},
        {"replay: plans are looked at again", plans_are_looked_at_again, 0},
        {"replay: cells without pairs are left out", cells_without_pairs_are_left_out, 0},
        {"replay: floors follow the noise", floors_follow_the_noise, 0},
        {"replay: floors of short recordings are higher", floors_of_short_recordings_are_higher, 0},
        {"replay: exchanged arms change sign and order", exchanged_arms_change_sign_and_order, 0},
        {"replay: bounds are rounded up", bounds_are_rounded_up, 0},
        {"replay: gaps end a recording", gaps_end_a_recording, 0},
        {"replay: blocks that do not count are left out", blocks_that_do_not_count_are_left_out, 0},
        {"replay: what is caught among others", what_is_caught_among_others_is_more, 0},
        {"replay: what is caught with the spoiled blocks", what_is_caught_is_caught_with_the_spoiled, 0},
        {"replay: few sessions say nothing", few_sessions_say_nothing, 0},
        {"replay: what is caught is caught", what_is_caught_is_caught, 0},
        {"replay: spoiled slots are left out", spoiled_slots_are_left_out, 0},
        {"replay: sessions are seen", sessions_are_seen, 0},
        {"replay: sessions foretell the next", sessions_foretell, 0},
        {"replay: precise cells stop early", precise_cells_stop_early, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
