/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * run_options.c - the options of `muster run` in one table, with their defaults. */
#include "harness/run_options.h"
#include "harness/clock.h"
#include "harness/output.h"
#include "harness/progress.h"
#include "harness/units.h"
#include "reports/results.h"

#include <string.h>

#define HOUR_NS    (3600 * (uint64_t)NS_PER_S)
#define TABLE_MOST 48

static const char *const services[] = {"auto", "own", "shared", NULL};

/* A process has one command line; the table needs its addresses. */
static struct asked_for asked;

/* clang-format off */
#define OPTION(long_name, short_letter, what, how, where, text, shown)                                                 \
    .name = long_name, .letter = short_letter, .argument = what, .parse = how, .target = &asked.where, .help = text,   \
    .preset = shown

static const struct option_spec options[] = {
    {OPTION("like", 0, "FILE", options_text, like, "measure as a results file was measured: its cells and effort; other options overrule it", NULL)},
    {OPTION("strategy", 's', "LIST", options_list, wanted.strategies, "strategies: X, X:VARIANT, X:all or all", "all")},
    {OPTION("workload", 'w', "LIST", options_list, wanted.workloads, "workloads, or all", "all that the strategies carry")},
    {OPTION("workers", 'n', "LIST", options_list, wanted.workers, "numbers of workers, `cores` or `pus`", "1,2,4,... to all cores")},
    {OPTION("chunk", 'c', "LIST", options_list, wanted.chunks, "operations that travel together, or auto", "1,16,auto")},
    {OPTION("item-cost", 0, "LIST", options_list, wanted.costs, "work in each item or between operations", "0")},
    {OPTION("payload", 0, "LIST", options_list, wanted.payloads, "bytes of an item or element", "8")},
    {OPTION("placement", 'p', "LIST", options_text, placements, "cores, compact, scatter, pair:CLASS, none, or processing units as 0,4,8", "cores")},
    {OPTION("oversubscribe", 0, NULL, options_flag, oversubscribe, "let more workers than places share them", NULL)},
    {OPTION("service", 0, "WHERE", options_choice, service, "where the parent or manager runs: own, shared or auto", "auto"), .choices = services},
    {OPTION("items", 0, "N", options_count, items, "items of a map call", "a pilot finds what lasts 5 ms"), .min = 1, .max = 1 << 30},
    {OPTION("input", 0, "FILE", options_text, input, "what an errand such as download works on", NULL)},
    {OPTION("depth", 0, "N", options_unsigned, depth, "messages in flight per worker", "the strategy's choice"), .min = 1, .max = 65536},
    {OPTION("manager", 0, "ADDRESS", options_text, manager, "of a muster manager that serves the strategies that have one", "each pool starts its own")},
    {OPTION("key-file", 0, "FILE", options_text, key_file, "the manager's key", NULL)},
    {OPTION("idle", 0, "MODE", idle_parse, idle, "how idle CPUs wait: poll, poll=US, spin or natural", "poll where permitted, else spin")},
    {OPTION("blocks", 0, "N", options_unsigned, blocks, "times that every cell is measured; under 6 there is no interval", "6, or what --time holds"), .min = 1, .max = 10000},
    {OPTION("windows", 0, "N", options_unsigned, windows, "timed windows in a trial", "8"), .min = 1, .max = 10000},
    {OPTION("window", 0, "TIME", options_duration, window_ns, "length of a window", "10ms"), .min = 1000, .max = HOUR_NS},
    {OPTION("warmup", 0, "TIME", options_duration, warmup_ns, "warm-up of a trial, in windows too, one at least", "20ms"), .max = HOUR_NS},
    {OPTION("time", 't', "TIME", options_duration, budget_ns, "take as many blocks as fit, at least 6; --blocks overrules it", NULL), .min = 1},
    {OPTION("precision", 0, "PCT", options_percent, precision, "stop once every interval is within PCT of its value, or --time or --blocks ends; 10 minutes without them", NULL), .min = UNITS_PERCENT / 10, .max = 50 * UNITS_PERCENT},
    {OPTION("seed", 0, "N", options_count, seed, "of the order of trials", "a new one")},
    {OPTION("output", 'o', "DIR", options_text, folder, "folder for results.json and report.html; what is there is replaced", "none is written")},
    {OPTION("keep", 0, NULL, options_flag, keep, "keep the run in the history, for muster history", NULL)},
    {OPTION("records", 0, "DIR", options_text, records, "where --keep keeps it", "$MUSTER_RECORDS, else ~/.local/state/muster")},
    {OPTION("format", 0, "FORMAT", options_choice, format, "of standard output: table, csv, json or none", "table"), .choices = output_formats},
    {OPTION("long", 0, NULL, options_flag, long_form, "a row per cell in the table", NULL)},
    {OPTION("progress", 0, "WHEN", options_choice, progress, "the line with the time left: auto, always or never", "auto"), .choices = progress_modes},
    {.name = NULL},
};
/* clang-format on */

static const struct command_spec spec = {
    .name = "run",
    .summary = "Measures what it costs workers to share work and data. Without -s and -w: the default plan.",
    .options = options,
    .notes = "muster list shows strategies, variants and workloads. Results stand on standard\n"
             "output; everything else goes to standard error.\n"
             "An errand is done where it is named, alone and once in every cell: download\n"
             "fetches the addresses in --input FILE, and standard output is a line STATUS\n"
             "BYTES ADDRESS for each, of the first cell that was done; 000 means no page, and\n"
             "standard error says why.\n",
};

static const struct asked_for unsaid = {.placements = "cores", .warmup_ns = 20000000, .seed = SEED_FRESH};

/* What belongs to the earlier run alone: where its results went, whether the history has it, how they were shown, and
 * its order. */
static void forget_the_rest(void)
{
    asked.folder = asked.like = asked.records = NULL;
    asked.keep = false;
    asked.format = asked.progress = 0;
    asked.long_form = false;
    asked.seed = unsaid.seed;
}

/* Asks for what the command line in a results file asked for. */
static int follow(const char *path, struct problem *problem)
{
    static struct results earlier; /* texts that were asked for stay in it */
    struct report_error error;
    struct problem why = {.text = "it asks for help"};
    size_t at = 0;
    if (results_read(&earlier, path, &error))
        return problem_set(problem, error.code, "%s", error.text);
    while (at < earlier.command_count && strcmp(earlier.command[at], spec.name) != 0)
        at++;
    if (at == earlier.command_count)
        return problem_set(problem, EXIT_BAD_FILE, "%.200s: it was not measured by muster run", path);
    wanted_free(&asked.wanted);
    asked = unsaid;
    if (options_parse(&spec, (int)(earlier.command_count - at), earlier.command + at, &why) <= 0)
        return problem_set(problem, EXIT_BAD_FILE, "%.160s: its command cannot be followed: %.200s", path, why.text);
    if (asked.like)
        return problem_set(problem, EXIT_BAD_FILE, "%.160s was measured like %.200s: name that one", path, asked.like);
    forget_the_rest();
    return 0;
}

int run_options_parse(struct asked_for *result, int argc, char **argv, struct problem *problem)
{
    asked = unsaid;
    int first = options_parse(&spec, argc, argv, problem);
    if (first > 0 && asked.like)
        first = follow(asked.like, problem) == 0 ? options_parse(&spec, argc, argv, problem) : -1;
    *result = asked;
    if (first > 0 && asked.key_file && !asked.manager)
        return problem_set(problem, EXIT_USAGE, "--key-file is for --manager ADDRESS");
    if (first > 0 && asked.records && !asked.keep)
        return problem_set(problem, EXIT_USAGE, "--records is for --keep");
    if (first > 0 && first < argc)
        return problem_set(problem, EXIT_USAGE, "run takes no operand, and '%s' is one; see muster run --help",
                           argv[first]);
    return first > 0 ? 1 : first;
}

static struct option_spec lend(const struct lent_option *lent)
{
    struct option_spec option = {.name = NULL};
    for (const struct option_spec *o = options; o->name; o++)
        if (strcmp(o->name, lent->name) == 0)
            option = *o;
    option.preset = lent->preset ? lent->preset : option.preset;
    option.help = lent->help ? lent->help : option.help;
    return option;
}

int run_options_lend(struct asked_for *result, const struct command_spec *own, const struct lent_option *const *lent,
                     int argc, char **argv, struct problem *problem)
{
    struct option_spec all[TABLE_MOST] = {{.name = NULL}};
    struct command_spec whole = *own;
    size_t count = 0;
    for (const struct option_spec *o = own->options; o->name && count < TABLE_MOST - 1; o++)
        all[count++] = *o;
    for (; *lent; lent++)
        for (const struct lent_option *o = *lent; o->name && count < TABLE_MOST - 1; o++)
            all[count++] = lend(o);
    whole.options = all;
    asked = unsaid;
    int first = options_parse(&whole, argc, argv, problem);
    *result = asked;
    return first;
}
