/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * controls.c - see controls.h. */
#include "reports/controls.h"

#include "reports/rank.h"
#include "reports/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOVED_MOST 20 /* as a logarithm */

const char *control_name(int control)
{
    return control == CONTROL_WAKE ? "wake" : lane_name((enum lane)control);
}

struct controls controls_unknown(void)
{
    struct controls controls = {.natural = NAN};
    for (int i = 0; i < CONTROLS; i++)
        controls.moved[i] = NAN;
    return controls;
}

/* --- a run's ----------------------------------------------------------------------------------------------------- */

/* ln of the median, of what is above 0; NAN where nothing is. Sorts out and reorders `values`. */
static double log_median(double *values, size_t count)
{
    size_t good = 0;
    for (size_t i = 0; i < count; i++)
        if (values[i] > 0)
            values[good++] = values[i];
    return good ? log(statistics_median(values, good)) : NAN;
}

static double lane_time(const struct results *r, enum lane lane, double *room)
{
    for (size_t i = 0; i < r->lane_reading_count; i++)
        room[i] = r->lane_readings[i].lanes.rates[lane];
    return -log_median(room, r->lane_reading_count);
}

static double wake_time(const struct results *r, const char *idle, double *room)
{
    return log_median(room, rank_wake_costs(r, idle, room));
}

static size_t room_for(const struct results *r, const char *idle)
{
    const size_t wakes = rank_wake_costs(r, idle, NULL), naturals = rank_wake_costs(r, "natural", NULL);
    const size_t most = wakes > naturals ? wakes : naturals;
    return most > r->lane_reading_count ? most : r->lane_reading_count;
}

/* No machine does more, but a file may say anything. */
static double change(double earlier, double later)
{
    const double moved = later - earlier;
    return moved > MOVED_MOST ? MOVED_MOST : moved < -MOVED_MOST ? -MOVED_MOST : moved;
}

int controls_between(struct controls *controls, const struct results *earlier, const struct results *later,
                     const char *idle)
{
    const size_t before = room_for(earlier, idle), after = room_for(later, idle);
    double *room = malloc(((before > after ? before : after) + 1) * sizeof *room);
    *controls = controls_unknown();
    if (!room)
        return -1;
    for (int lane = 0; lane < LANES; lane++)
        controls->moved[lane] =
            change(lane_time(earlier, (enum lane)lane, room), lane_time(later, (enum lane)lane, room));
    controls->moved[CONTROL_WAKE] = change(wake_time(earlier, idle, room), wake_time(later, idle, room));
    if (strcmp(idle, "natural") != 0)
        controls->natural = change(wake_time(earlier, "natural", room), wake_time(later, "natural", room));
    free(room);
    return 0;
}

/* --- how far they moved ------------------------------------------------------------------------------------------ */

bool controls_known(const struct controls *controls)
{
    for (int i = 0; i < CONTROLS; i++)
        if (isfinite(controls->moved[i]))
            return true;
    return false;
}

int controls_farthest(const struct controls *controls, int direction)
{
    int farthest = -1;
    double most = 0;
    for (int i = 0; i < CONTROLS; i++)
        if (direction * controls->moved[i] > most) {
            most = direction * controls->moved[i];
            farthest = i;
        }
    return farthest;
}

static double reach(const struct controls *controls, int direction)
{
    const int farthest = controls_farthest(controls, direction);
    if (farthest < 0)
        return controls_known(controls) ? 0 : NAN;
    return direction * controls->moved[farthest];
}

double controls_dearer(const struct controls *controls)
{
    return reach(controls, 1);
}

double controls_cheaper(const struct controls *controls)
{
    return reach(controls, -1);
}
