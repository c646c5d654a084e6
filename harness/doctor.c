/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * doctor.c - the table of checks, and the line that sums them up.
 *
 * The line counts only what was read. Its figures come from the control lanes and from how much spinners ran, since
 * neither holds code under test: what moves them is the least that any cell will show here. */
#include "harness/doctor.h"

#include "harness/host.h"
#include "harness/lanes.h"
#include "harness/units.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An interval of a median between order statistics is about 1.25 * 1.96 standard deviations over the root of n wide, to
 * each side: 1.25 is the median's price against the mean's. */
#define HALF_WIDTH   (1.25 * 1.96)
#define RUN_BLOCKS   6.0
#define DUET_PAIRS   24.0
#define MARGIN_LEAST 0.01
#define UNSEEN_LEAST 0.001 /* below it, the lanes' own grain is all there is */
#define LOST_LEAST   0.002 /* of a spinner's time: below it, it is the kernel's own work */
#define UNSEEN_MOST  1.0   /* above it, the figure tells no more */

const char doctor_no_guest_mend[] = "nothing can be done from inside a guest";

const struct check doctor_checks[] = {
    {"waking", judge_waking},
    {"moves", judge_moves},
    {"steal", judge_steal},
    {"run delay", judge_delay},
    {"clock gaps", judge_gaps},
    {"other load", judge_load},
    {"hypervisor", judge_hypervisor},
    {"frequency", judge_frequency},
    {"turbo", judge_turbo},
    {"SMT", judge_smt},
    {"CPUs", judge_units},
    {"isolation", judge_isolated},
    {"clock source", judge_clock},
    {"timers", judge_timers},
    {"CPU quota", judge_quota},
    {"ulimits", judge_limits},
    {"huge pages", judge_pages},
    {"ASLR", judge_layout},
    {"counters", judge_counters},
    {NULL, NULL},
};

size_t doctor_check_count(void)
{
    return sizeof doctor_checks / sizeof *doctor_checks - 1;
}

const char *severity_name(enum severity severity)
{
    static const char *const names[] = {[SEVERITY_FINE] = "fine",
                                        [SEVERITY_UNKNOWN] = "unknown",
                                        [SEVERITY_BEWARE] = "beware",
                                        [SEVERITY_SPOILS] = "spoils"};
    return names[severity];
}

void diagnosis_says(struct diagnosis *diagnosis, enum severity severity, const char *effect, const char *mend, ...)
{
    va_list arguments;
    va_start(arguments, mend);
    vsnprintf(diagnosis->mend, sizeof diagnosis->mend, mend, arguments);
    va_end(arguments);
    diagnosis->severity = severity;
    diagnosis->effect = effect;
}

static void add(struct diagnosis *diagnosis, struct diagnosis_value value)
{
    if (diagnosis->value_count < DIAGNOSIS_VALUES)
        diagnosis->values[diagnosis->value_count++] = value;
}

void diagnosis_number(struct diagnosis *diagnosis, const char *name, double number)
{
    if (isfinite(number))
        add(diagnosis, (struct diagnosis_value){.name = name, .number = number});
}

void diagnosis_text(struct diagnosis *diagnosis, const char *name, const char *text)
{
    if (text)
        add(diagnosis, (struct diagnosis_value){.name = name, .number = NAN, .text = text});
}

/* Stays in the table's order within a severity. */
void doctor_judge(const struct readings *readings, struct diagnosis *findings)
{
    size_t filled = 0;
    for (int severity = SEVERITY_SPOILS; severity >= SEVERITY_FINE; severity--)
        for (const struct check *check = doctor_checks; check->name; check++) {
            struct diagnosis diagnosis = {.name = check->name, .effect = ""};
            check->judge(readings, &diagnosis);
            if ((int)diagnosis.severity == severity)
                findings[filled++] = diagnosis;
        }
}

/* --- the line ---------------------------------------------------------------------------------------------------- */

static double worst(const struct readings *readings, bool steps)
{
    double most = NAN;
    for (int lane = 0; lane < LANES; lane++)
        most = fmax(most, steps ? readings->lanes[lane].step : readings->lanes[lane].spread);
    return most;
}

double lane_around(const struct lane_range *range)
{
    return (range->high - range->low) / (range->high + range->low);
}

int lane_widest(const struct readings *readings)
{
    int widest = -1;
    for (int lane = 0; lane < LANES; lane++) {
        double around = lane_around(&readings->lanes[lane]);
        if (isfinite(around) && (widest < 0 || around > lane_around(&readings->lanes[widest])))
            widest = lane;
    }
    return widest;
}

double doctor_foreign(const struct readings *readings)
{
    return readings->load.foreign_s / readings->load.elapsed_s;
}

/* Two causes that have nothing to do with each other: how fast a CPU is, and how much of it one gets. */
static double both(double lanes, double ran)
{
    return isnan(ran) ? lanes : hypot(lanes, ran);
}

static double unseen(double spread, double pairs, double least)
{
    return isnan(spread) ? NAN : fmin(UNSEEN_MOST, fmax(least, expm1(HALF_WIDTH * spread * sqrt(2 / pairs))));
}

/* Two runs vary each on its own, hence the root of 2. */
double doctor_unseen_by_runs(const struct readings *readings)
{
    return unseen(both(worst(readings, false), readings->spinning.ran.spread), RUN_BLOCKS, UNSEEN_LEAST);
}

/* Its arms are neighbours in time, so only what changes from one reading to the next is in their difference. */
double doctor_unseen_by_duet(const struct readings *readings)
{
    return unseen(both(worst(readings, true), readings->spinning.ran.step), DUET_PAIRS, MARGIN_LEAST);
}

struct text {
    char *at;
    size_t size, used;
};

static void append(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text->at + text->used, text->size - text->used, format, arguments);
    va_end(arguments);
    if (length > 0)
        text->used = text->used + (size_t)length < text->size ? text->used + (size_t)length : text->size - 1;
}

static void line_waking(struct text *text, const struct readings *readings)
{
    const struct waking *natural = &readings->wakings[IDLE_NATURAL];
    char cost[UNITS_TEXT];
    int others = 0;
    if (isnan(natural->typical))
        return;
    append(text, "waking an idle CPU costs %s", units_print_duration(cost, natural->typical));
    for (int mode = 0; mode < IDLE_MODES; mode++)
        if (mode != IDLE_NATURAL && isfinite(readings->wakings[mode].typical))
            append(text, "%s%s: %s", others++ ? ", " : " (", idle_name((enum idle_mode)mode),
                   units_print_duration(cost, readings->wakings[mode].typical));
    append(text, "%s, ", others ? ")" : "");
}

/* Who moves it is said only where nothing else could have. */
static void line_moves(struct text *text, const struct readings *readings)
{
    int lane = lane_widest(readings);
    if (lane < 0)
        return;
    double widest = lane_around(&readings->lanes[lane]);
    bool moved = lane == LANE_LINE && widest >= DOCTOR_MOVED && host_is_virtual(readings->host) &&
                 doctor_foreign(readings) < DOCTOR_FOREIGN;
    append(text, "%s%s lane \u00b1%.*f %%%s, ", moved ? "the host moves vCPUs (" : "the ", lane_name((enum lane)lane),
           widest < 0.0995 ? 1 : 0, 100 * widest, moved ? ")" : "");
}

static void line_taken(struct text *text, const struct readings *readings)
{
    const struct spinning *spinning = &readings->spinning;
    double all = spinning->elapsed_s * readings->units, foreign = doctor_foreign(readings);
    if (foreign >= DOCTOR_FOREIGN)
        append(text, "others use %.0f %% of a CPU, ", 100 * foreign);
    if (spinning->gaps_s / all >= LOST_LEAST)
        append(text, "spinners lost %.1f %% of their time, ", 100 * spinning->gaps_s / all);
    if (isfinite(spinning->steal_s) && all > 0 && host_is_virtual(readings->host))
        append(text, "%.1f %% stolen, ", 100 * spinning->steal_s / all);
}

char *doctor_line(const struct readings *readings, char *line, size_t size)
{
    struct text text = {.at = line, .size = size};
    double runs = doctor_unseen_by_runs(readings), duet = doctor_unseen_by_duet(readings);
    append(&text, "noise here: ");
    line_waking(&text, readings);
    line_moves(&text, readings);
    line_taken(&text, readings);
    if (isfinite(runs))
        append(&text, "so differences under %.*f %% cannot be seen with muster run, nor under %.*f %% with muster duet",
               runs < 0.0995 ? 1 : 0, 100 * runs, duet < 0.0995 ? 1 : 0, 100 * duet);
    else
        append(&text, "what cannot be seen is not known, since the control lanes could not be read");
    return line;
}
