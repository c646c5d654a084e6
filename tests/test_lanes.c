/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_lanes.c - the control lanes and the count of stolen time: that they give readings, on one unit and on two, and
 * leave nothing behind. How fast the lanes are is not tested. */
#include "harness/lanes.h"
#include "harness/stolen.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first two units of the process's own, twice the same one when there is one only; returns how many. */
static unsigned own_units(unsigned units[2])
{
    cpu_set_t allowed;
    unsigned count = 0;
    CU_ASSERT_EQUAL_FATAL(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE && count < 2; cpu++)
        if (CPU_ISSET(cpu, &allowed))
            units[count++] = cpu;
    if (count == 1)
        units[1] = units[0];
    return count;
}

static pid_t only_child(void)
{
    char path[64], text[64] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    if (file && !fgets(text, sizeof text, file))
        text[0] = '\0';
    if (file)
        fclose(file);
    return (pid_t)strtol(text, NULL, 10);
}

static bool measured(double rate)
{
    return isfinite(rate) && rate > 0;
}

/* The lanes of one unit; a helper that other load keeps away for long leaves its lane without a rate. */
static void check_reading(struct lane_set *set)
{
    struct lanes lanes;
    double gap = -1;
    cpu_set_t before, after;
    CU_ASSERT_EQUAL(sched_getaffinity(0, sizeof before, &before), 0);
    lanes_read(set, &lanes, &gap);
    CU_ASSERT_EQUAL(sched_getaffinity(0, sizeof after, &after), 0);
    CU_ASSERT_TRUE(CPU_EQUAL(&before, &after));
    for (int lane = LANE_SPIN; lane <= LANE_MEMORY; lane++)
        CU_ASSERT_TRUE(measured(lanes.rates[lane]));
    CU_ASSERT(gap > 0 && gap < 10);
    CU_ASSERT(isnan(lanes.rates[LANE_LINE]) || measured(lanes.rates[LANE_LINE]));
}

static void two_units(void)
{
    struct lane_set *set = NULL;
    struct problem problem;
    struct lanes lanes;
    unsigned units[2];
    bool shared = false;
    if (own_units(units) < 2) {
        frame_skip("needs two processing units");
        return;
    }
    CU_ASSERT_EQUAL_FATAL(lanes_open(&set, units, &problem), 0);
    check_reading(set);
    for (int i = 0; i < 20 && !shared; i++) {
        lanes_read(set, &lanes, NULL);
        shared = measured(lanes.rates[LANE_LINE]);
    }
    CU_ASSERT_TRUE(shared);
    /* Without its helper a lane has no rate, and is not waited for long. */
    kill(only_child(), SIGKILL);
    lanes_read(set, &lanes, NULL);
    CU_ASSERT(isnan(lanes.rates[LANE_LINE]));
    CU_ASSERT_TRUE(measured(lanes.rates[LANE_SPIN]));
    lanes_close(set);
}

static void one_unit(void)
{
    struct lane_set *set = NULL;
    struct problem problem;
    struct lanes lanes;
    cpu_set_t allowed, one;
    unsigned units[2];
    own_units(units);
    CU_ASSERT_EQUAL_FATAL(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    CPU_ZERO(&one);
    CPU_SET(units[0], &one);
    CU_ASSERT_EQUAL_FATAL(sched_setaffinity(0, sizeof one, &one), 0);
    units[1] = units[0];
    CU_ASSERT_EQUAL_FATAL(lanes_open(&set, units, &problem), 0);
    CU_ASSERT_EQUAL(only_child(), 0);
    check_reading(set);
    lanes_read(set, &lanes, NULL);
    CU_ASSERT(isnan(lanes.rates[LANE_LINE]));
    lanes_close(set);
    CU_ASSERT_EQUAL(sched_setaffinity(0, sizeof allowed, &allowed), 0);
}

static void refused(void)
{
    struct lane_set *set = NULL;
    struct problem problem;
    unsigned units[2];
    own_units(units);
    units[1] = 9999;
    CU_ASSERT_EQUAL(lanes_open(&set, units, &problem), -1);
    CU_ASSERT_EQUAL(problem.code, EXIT_UNPROVED);
    CU_ASSERT_PTR_NOT_NULL(strstr(problem.text, "9999"));
    CU_ASSERT_PTR_NULL(set);
    CU_ASSERT_STRING_EQUAL(lane_name(LANE_SPIN), "spin");
    CU_ASSERT_STRING_EQUAL(lane_name(LANE_LINE), "line");
}

static void stolen_time(void)
{
    unsigned units[2], count = own_units(units), absent = 9999;
    struct stolen *stolen = stolen_open(units, count), *one = stolen_open(units, 1), *none = stolen_open(&absent, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stolen);
    struct stolen_reading first = stolen_read(stolen), part = stolen_read(one), second = stolen_read(stolen);
    CU_ASSERT(first.busy_s > 0);
    CU_ASSERT(first.steal_s >= 0);
    CU_ASSERT(second.busy_s >= first.busy_s && second.steal_s >= first.steal_s);
    CU_ASSERT(part.busy_s > 0 && part.busy_s <= second.busy_s);
    first = stolen_read(none);
    CU_ASSERT(isnan(first.busy_s) && isnan(first.steal_s));
    first = stolen_read(NULL);
    CU_ASSERT(isnan(first.busy_s) && isnan(first.steal_s));
    stolen_close(stolen);
    stolen_close(one);
    stolen_close(none);
    stolen_close(NULL);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "lanes: two units", .run = two_units},
        {.name = "lanes: one unit", .run = one_unit},
        {.name = "lanes: a unit that is not there", .run = refused},
        {.name = "stolen: counted", .run = stolen_time},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
