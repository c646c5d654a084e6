/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * command_stress.c - `muster stress`: round after round of every strategy and exercise under fire, until the time is
 * over.
 *
 * Nothing is measured. A round that finds something wrong is told at once, with the command that replays it, and the
 * end is then exit code 5; the others go on, since one finding seldom comes alone. */
#include "harness/clock.h"
#include "harness/commands.h"
#include "harness/options.h"
#include "harness/progress.h"
#include "harness/selection.h"
#include "harness/stress.h"
#include "harness/suggest.h"
#include "harness/units.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define ANY_ROUND  UINT64_MAX
#define TOLD_MOST  3 /* findings of a line that are told one by one */
#define WORKERS    3 /* more than two, so that who is killed leaves others at work */
#define DEFAULT_NS (10 * (uint64_t)NS_PER_S)

enum format { FORMAT_TABLE, FORMAT_JSON };
static const char *const formats[] = {"table", "json", NULL};

static struct {
    struct text_list strategies, workloads;
    uint64_t time_ns, seed, round;
    unsigned workers;
    int format, progress;
} asked;

/* clang-format off */
static const struct option_spec options[] = {
    {.name = "strategy", .letter = 's', .argument = "LIST", .parse = options_list, .target = &asked.strategies, .help = "strategies: X, X:VARIANT, X:all or all", .preset = "all variants"},
    {.name = "workload", .letter = 'w', .argument = "LIST", .parse = options_list, .target = &asked.workloads, .help = "map, async, counter, list, array, dict, lock", .preset = "all"},
    {.name = "workers", .letter = 'n', .argument = "N", .parse = options_unsigned, .target = &asked.workers, .help = "worker processes of a pool", .preset = "3", .min = 1, .max = 64},
    {.name = "time", .letter = 't', .argument = "TIME", .parse = options_duration, .target = &asked.time_ns, .help = "how long", .preset = "10s", .min = 1},
    {.name = "seed", .argument = "N", .parse = options_count, .target = &asked.seed, .help = "from which all chance follows", .preset = "a new one"},
    {.name = "round", .argument = "N", .parse = options_count, .target = &asked.round, .help = "this round only, as a finding names it", .preset = NULL},
    {.name = "format", .argument = "FORMAT", .parse = options_choice, .target = &asked.format, .help = "of standard output: table or json", .preset = "table", .choices = formats},
    {.name = "progress", .argument = "WHEN", .parse = options_choice, .target = &asked.progress, .help = "the line with the time left: auto, always or never", .preset = "auto", .choices = progress_modes},
    {.name = NULL},
};
/* clang-format on */

static const struct command_spec spec = {
    .name = "stress",
    .summary = "Kills workers, clients and servers at random moments, and accounts for every item, add and element.",
    .options = options,
    .notes = "A finding is told with the command that replays its round; the exit code is then 5.\n",
};

/* A strategy's variant with an exercise that it carries, and what came of it. */
struct line {
    struct choice choice;
    const struct exercise *exercise;
    uint64_t rounds, findings;
    struct account account;
};

struct stress {
    struct line *lines;
    size_t count;
    uint64_t findings;
    struct progress *progress;
    int64_t end;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
    interrupted = number;
}

/* --- what is asked for ------------------------------------------------------------------------------------------- */

static const struct exercise *exercise_find(const char *name)
{
    for (const struct exercise *e = exercises; e->name; e++)
        if (strcmp(e->name, name) == 0)
            return e;
    return NULL;
}

static int check_exercises(struct problem *problem)
{
    for (size_t i = 0; i < asked.workloads.count; i++) {
        struct suggestion s = {.wrong = asked.workloads.items[i]};
        for (const struct exercise *e = exercises; e->name; e++)
            suggest_offer(&s, e->name);
        if (!exercise_find(s.wrong) && strcmp(s.wrong, "all") != 0)
            return problem_set(problem, EXIT_USAGE, "no stress for workload '%s'%s", s.wrong,
                               s.nearest ? suggest_clause(&s) : "; see muster stress --help");
    }
    return 0;
}

static bool wanted(const struct exercise *exercise)
{
    for (size_t i = 0; i < asked.workloads.count; i++)
        if (strcmp(asked.workloads.items[i], "all") == 0 || strcmp(asked.workloads.items[i], exercise->name) == 0)
            return true;
    return asked.workloads.count == 0;
}

static bool carries(const struct choice *choice, const struct exercise *exercise)
{
    const struct strategy *s = choice->strategy;
    return !s->variants[choice->variant].lacks[exercise->need] && (exercise->need != NEED_ASYNC || s->post);
}

static int make_lines(struct stress *stress, struct problem *problem)
{
    struct selection sel;
    size_t exercise_count = 0;
    if (check_exercises(problem) || selection_strategies(&sel, &asked.strategies, problem))
        return -1;
    while (exercises[exercise_count].name)
        exercise_count++;
    stress->lines = calloc(sel.choice_count * exercise_count, sizeof *stress->lines);
    for (size_t c = 0; stress->lines && c < sel.choice_count; c++)
        for (const struct exercise *e = exercises; e->name; e++)
            if (wanted(e) && carries(&sel.choices[c], e))
                stress->lines[stress->count++] = (struct line){.choice = sel.choices[c], .exercise = e};
    selection_free(&sel);
    if (!stress->lines)
        return problem_set(problem, EXIT_UNPROVED, "no memory for the selection");
    return stress->count > 0 ? 0 : problem_set(problem, EXIT_USAGE, "none of these strategies carries that workload");
}

/* --- rounds ------------------------------------------------------------------------------------------------------ */

/* All that a round is follows from the seed, its number and its line. */
static struct round round_of(const struct line *line, uint64_t number)
{
    static const uint64_t chunks[] = {1, 1, 3, 16};
    uint64_t random = stress_mix(asked.seed, number, 0);
    const struct strategy *strategy = line->choice.strategy;
    return (struct round){
        .strategy = strategy,
        .variant = line->choice.variant,
        .exercise = line->exercise,
        .workers =
            strategy->workers_most && strategy->workers_most < asked.workers ? strategy->workers_most : asked.workers,
        .chunk = chunks[random % 4],
        .seed = random,
        .kills_service = (random >> 8) % 8 == 0,
        .kills_parent = (random >> 16) % 8 == 1,
    };
}

static const char *name_of(const struct line *line, char *text, size_t size)
{
    const struct strategy *s = line->choice.strategy;
    snprintf(text, size, "%s:%s", s->name, s->variants[line->choice.variant].name);
    return text;
}

static void add_account(struct account *sum, const struct account *one)
{
    sum->done += one->done;
    sum->failed += one->failed;
    sum->lost += one->lost;
    sum->cancelled += one->cancelled;
    sum->unknown += one->unknown;
    sum->kills += one->kills;
}

static void tell(struct stress *stress, struct line *line, uint64_t number, const char *text)
{
    char name[96];
    stress->findings++;
    if (line->findings++ >= TOLD_MOST)
        return;
    progress_clear(stress->progress);
    fprintf(stderr,
            "muster: round %" PRIu64 ", %s on %s: %s\n"
            "  replay: muster stress -s %s -w %s -n %u --seed %" PRIu64 " --round %" PRIu64 "\n",
            number, line->exercise->name, name_of(line, name, sizeof name), text, name, line->exercise->name,
            asked.workers, asked.seed, number);
}

static int run_one(struct stress *stress, uint64_t number, struct problem *problem)
{
    struct line *line = &stress->lines[number % stress->count];
    struct round round = round_of(line, number);
    struct finding finding;
    struct error error = {.code = ERROR_NONE};
    char name[96];
    progress_show(stress->progress, (unsigned)(number / stress->count) + 1, 0, name_of(line, name, sizeof name),
                  clock_seconds(stress->end - clock_now()));
    if (stress_round(&round, &finding, &error))
        return problem_set(problem, EXIT_UNPROVED, "%s", error.text);
    line->rounds++;
    add_account(&line->account, &finding.account);
    if (!finding.holds)
        tell(stress, line, number, finding.text);
    return 0;
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

static void print_line(const char *name, const char *exercise, uint64_t rounds, const struct account *a)
{
    char done[UNITS_TEXT];
    printf("%-22s %-8s %6" PRIu64 " %6" PRIu64 " %8s %7" PRIu64 " %6" PRIu64 " %6" PRIu64 " %6" PRIu64 "\n", name,
           exercise, rounds, a->kills, units_print_count(done, (double)a->done), a->failed, a->lost, a->cancelled,
           a->unknown);
}

static void print_table(const struct stress *stress)
{
    struct account sum = {.done = 0};
    uint64_t rounds = 0;
    char name[96];
    printf("%-22s %-8s %6s %6s %8s %7s %6s %6s %6s\n", "strategy", "workload", "rounds", "kills", "done", "failed",
           "lost", "cancel", "unsure");
    for (size_t i = 0; i < stress->count; i++) {
        const struct line *line = &stress->lines[i];
        print_line(name_of(line, name, sizeof name), line->exercise->name, line->rounds, &line->account);
        add_account(&sum, &line->account);
        rounds += line->rounds;
    }
    print_line("all", "", rounds, &sum);
    printf("\nseed %" PRIu64 ": %s\n", asked.seed,
           stress->findings ? "something was lost or left behind; see the findings"
                            : "nothing lost, nothing left behind");
}

static json_t *json_account(const struct account *a)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "kills", (json_int_t)a->kills, "done", (json_int_t)a->done,
                     "failed", (json_int_t)a->failed, "lost", (json_int_t)a->lost, "cancelled",
                     (json_int_t)a->cancelled, "unknown", (json_int_t)a->unknown);
}

static void print_json(const struct stress *stress)
{
    json_t *lines = json_array();
    char name[96];
    for (size_t i = 0; i < stress->count; i++) {
        const struct line *line = &stress->lines[i];
        json_array_append_new(lines, json_pack("{s:s, s:s, s:I, s:I, s:o}", "strategy",
                                               name_of(line, name, sizeof name), "workload", line->exercise->name,
                                               "rounds", (json_int_t)line->rounds, "findings",
                                               (json_int_t)line->findings, "operations", json_account(&line->account)));
    }
    json_t *root = json_pack("{s:I, s:i, s:I, s:o}", "seed", (json_int_t)asked.seed, "workers", (int)asked.workers,
                             "findings", (json_int_t)stress->findings, "cells", lines);
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

static int run_all(struct stress *stress, struct problem *problem)
{
    stress->end = clock_now() + (int64_t)asked.time_ns;
    if (asked.round != ANY_ROUND)
        return run_one(stress, asked.round, problem);
    /* Every line has its turn, even where the time is short. */
    for (uint64_t number = 0; (clock_now() < stress->end || number < stress->count) && !interrupted; number++)
        if (run_one(stress, number, problem))
            return -1;
    return 0;
}

int command_stress(int argc, char **argv)
{
    struct stress stress = {.lines = NULL};
    struct problem problem;
    asked.time_ns = DEFAULT_NS;
    asked.round = ANY_ROUND;
    asked.workers = WORKERS;
    if (getrandom(&asked.seed, sizeof asked.seed, 0) == sizeof asked.seed)
        asked.seed %= 1000000;
    int first = options_parse(&spec, argc, argv, &problem);
    if (first <= 0)
        return first == 0 ? EXIT_FINE : problem_print(&problem);
    if (first < argc) {
        problem_set(&problem, EXIT_USAGE, "stress takes no operand, and '%s' is one", argv[first]);
        return problem_print(&problem);
    }
    if (make_lines(&stress, &problem))
        return problem_print(&problem);
    signal(SIGINT, interrupt);
    signal(SIGTERM, interrupt);
    stress.progress = progress_open((enum progress_mode)asked.progress);
    int code = run_all(&stress, &problem) ? problem_print(&problem) : stress.findings ? EXIT_UNPROVED : EXIT_FINE;
    progress_close(stress.progress);
    asked.format == FORMAT_JSON ? print_json(&stress) : print_table(&stress);
    free(stress.lines);
    return interrupted ? EXIT_INTERRUPTED : code;
}
