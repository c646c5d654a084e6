/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * calibrate_options.c - the options of `muster calibrate`: its own, and those that run lends. */
#include "harness/calibrate_options.h"

#include "harness/clock.h"
#include "harness/duet_options.h"
#include "harness/units.h"
#include "reports/verdict.h"

#define RECORDING_NS   (UINT64_C(600) * NS_PER_S)
#define CONTROL_BLOCKS 24
#define DAY_NS         (UINT64_C(86400) * NS_PER_S)

static const char *const formats[] = {"table", "json", "none", NULL};

static struct calibrate_asked asked;

/* clang-format off */
static const struct option_spec own[] = {
    {.name = "gate", .argument = "TIME", .parse = options_duration, .target = &asked.gate_ns, .preset = "3m", .min = 1, .max = DAY_NS,
     .help = "the --time of the muster duet whose reliability is asked for"},
    {.name = "margin", .argument = "PCT", .parse = options_percent, .target = &asked.margin, .preset = "2%",
     .min = UNITS_PERCENT, .max = 50 * UNITS_PERCENT, .help = "its --margin"},
    {.name = "alternate", .argument = "WHAT", .parse = options_choice, .target = &asked.trials, .choices = duet_alternations,
     .preset = "windows", .help = "its --alternate: windows of both sides, or whole trials"},
    {.name = "control", .argument = "N", .parse = options_unsigned, .target = &asked.control, .preset = "24", .max = 10000,
     .help = "blocks of one cell whose candidate has 10 % more work in each item: the gate must call it slower; 0: no control"},
    {.name = "live", .argument = "N", .parse = options_unsigned, .target = &asked.live, .preset = "0", .max = 10000,
     .help = "gates that are run beside, this build against itself, each as long as --gate"},
    {.name = "input", .argument = "FILE", .parse = options_text, .target = &asked.input,
     .help = "replay an earlier recording (duet.json, or its folder) instead of measuring"},
    {.name = "keep-anyway", .parse = options_flag, .target = &asked.keep_anyway,
     .help = "keep it even where half of its pairs or more were spoiled"},
    {.name = "records", .argument = "DIR", .parse = options_text, .target = &asked.records,
     .help = "folder in which the calibration is kept", .preset = "$MUSTER_RECORDS, else ~/.local/state/muster"},
    {.name = "format", .argument = "FORMAT", .parse = options_choice, .target = &asked.format, .choices = formats,
     .preset = "table", .help = "of standard output: table, json or none"},
    {.name = NULL},
};

static const struct lent_option effort[] = {
    {"time", "10m", "length of the recording; --blocks overrules it"},
    {"blocks", "as many as --time holds", "so many pairs of every cell"},
    {"windows", NULL, NULL},
    {"window", NULL, NULL},
    {"warmup", NULL, NULL},
    {"seed", NULL, NULL},
    {"output", NULL, "folder for the recording, duet.json; what is there is replaced"},
    {"progress", NULL, NULL},
    {.name = NULL},
};
/* clang-format on */

static const struct command_spec spec = {
    .name = "calibrate",
    .summary =
        "Says how far muster duet can be trusted on this machine: how often it would cry wolf, and which slowdowns "
        "it would catch.",
    .options = own,
    .notes = "Measures this build against itself for a long while, then plays the gate over\n"
             "every stretch of that recording: what it calls slower there is a false alarm.\n"
             "Once more with one side's times stretched by 3, 4, 5 and 10 %: what it does not\n"
             "call slower there is missed. The noise of each cell is kept for this machine,\n"
             "and muster duet and muster compare then use it.\n"
             "What is replayed are whole blocks of all cells. A live gate is denser: later on\n"
             "it measures wild cells only, and the second measurement, spread over a minute\n"
             "here, takes it some ten seconds. --live N runs the gate itself, N times.\n"
             "An hour (-t 1h) tells much more than the default: only stretches that do not\n"
             "overlap are independent of each other. Noise learned from few of them is set\n"
             "high, and a short recording holds fewer blocks of wild cells than a gate has.\n"
             "Ends with 0; 3 when the recording is too short for one gate, when half of its\n"
             "pairs or more were spoiled, so that it is not kept, or when the control was not\n"
             "called slower; 5 when a cell failed; 130 when interrupted, with what was\n"
             "recorded by then in --output, where --input takes it up.\n",
};

int calibrate_options_parse(struct calibrate_asked *result, int argc, char **argv, struct problem *problem)
{
    asked = (struct calibrate_asked){
        .margin = MARGIN_DEFAULT,
        .gate_ns = DUET_BUDGET_NS,
        .control = CONTROL_BLOCKS,
    };
    int first = run_options_lend(&asked.run, &spec, (const struct lent_option *const[]){duet_selection, effort, NULL},
                                 argc, argv, problem);
    if (first > 0 && !asked.run.budget_ns)
        asked.run.budget_ns = RECORDING_NS;
    *result = asked;
    if (first <= 0)
        return first;
    if (asked.input && asked.live)
        return problem_set(problem, EXIT_USAGE, "--live measures, and --input replays only: one or the other");
    return duet_usual_selection(&result->run.wanted)
               ? problem_set(problem, EXIT_UNPROVED, "no memory for the selection")
               : 1;
}
