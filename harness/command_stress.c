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
#define NEW_SEED   UINT64_MAX
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
    .notes = "A finding is told with the command that replays its round: the same processes\n"
             "and moments, though not the same places in them. The exit code is then 5.\n",
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
    json_t *told;
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

static int settle_seed(struct problem *problem)
{
    if (asked.seed != NEW_SEED)
        return 0;
    if (asked.round != ANY_ROUND)
        return problem_set(problem, EXIT_USAGE, "a round is replayed with the --seed that it had");
    if (getrandom(&asked.seed, sizeof asked.seed, 0) != sizeof asked.seed)
        return problem_set(problem, EXIT_UNPROVED, "no random bytes for a seed: give one by --seed");
    asked.seed %= 1000000;
    return 0;
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
    static const unsigned recycles[] = {0, 0, 0, 1, 5, 40};
    static const size_t payloads[] = {8, 8, 8, 64, 8200, STRESS_PAYLOAD_MOST};
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
        .recycle = strategy->workers_most == 1 ? 0 : recycles[(random >> 24) % 6],
        .payload = payloads[(random >> 32) % 6],
        .posts_first = strategy->post && !line->exercise->itemised && (random >> 40) % 4 == 0,
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
    sum->unsure += one->unsure;
    sum->kills += one->kills;
}

/* Kept for the JSON, told at once on standard error; of a line only the first ones, since they are much the same. */
static void tell(struct stress *stress, struct line *line, uint64_t number, const char *text)
{
    char name[96], replay[256];
    stress->findings++;
    if (line->findings++ >= TOLD_MOST)
        return;
    name_of(line, name, sizeof name);
    snprintf(replay, sizeof replay, "muster stress -s %s -w %s -n %u --seed %" PRIu64 " --round %" PRIu64, name,
             line->exercise->name, asked.workers, asked.seed, number);
    json_array_append_new(stress->told,
                          json_pack("{s:I, s:s, s:s, s:s, s:s}", "round", (json_int_t)number, "strategy", name,
                                    "workload", line->exercise->name, "text", text, "replay", replay));
    progress_clear(stress->progress);
    fprintf(stderr, "muster: round %" PRIu64 ", %s on %s: %s\n  replay: %s\n", number, line->exercise->name, name, text,
            replay);
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

/* At most five columns. */
static const char *count(char buffer[UNITS_TEXT], uint64_t value)
{
    if (value >= 100000)
        return units_print_count(buffer, (double)value);
    snprintf(buffer, UNITS_TEXT, "%" PRIu64, value);
    return buffer;
}

static void print_line(const char *name, const char *exercise, uint64_t rounds, const struct account *a)
{
    char t[7][UNITS_TEXT];
    printf("%-21s %-8s %6s %5s %6s %6s %5s %9s %6s\n", name, exercise, count(t[0], rounds), count(t[1], a->kills),
           count(t[2], a->done), count(t[3], a->failed), count(t[4], a->lost), count(t[5], a->cancelled),
           count(t[6], a->unsure));
}

static void print_words(const struct stress *stress)
{
    printf("\ndone, failed: each operation as it said; lost: with the worker that had it;\n"
           "cancelled: with its pool; unsure: its process was killed between asking and\n"
           "being answered, so it is there once, or not at all.\n\n");
    if (stress->findings)
        printf("seed %" PRIu64 ": %" PRIu64 " finding%s, told above\n", asked.seed, stress->findings,
               stress->findings == 1 ? "" : "s");
    else
        printf("seed %" PRIu64 ": every operation is accounted for, and nothing was left behind\n", asked.seed);
}

static void print_table(const struct stress *stress)
{
    struct account sum = {.done = 0};
    uint64_t rounds = 0;
    char name[96];
    printf("%-21s %-8s %6s %5s %6s %6s %5s %9s %6s\n", "strategy", "workload", "rounds", "kills", "done", "failed",
           "lost", "cancelled", "unsure");
    for (size_t i = 0; i < stress->count; i++) {
        const struct line *line = &stress->lines[i];
        if (line->rounds == 0)
            continue;
        print_line(name_of(line, name, sizeof name), line->exercise->name, line->rounds, &line->account);
        add_account(&sum, &line->account);
        rounds += line->rounds;
    }
    print_line("all", "", rounds, &sum);
    print_words(stress);
}

static json_t *json_account(const struct account *a)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "kills", (json_int_t)a->kills, "done", (json_int_t)a->done,
                     "failed", (json_int_t)a->failed, "lost", (json_int_t)a->lost, "cancelled",
                     (json_int_t)a->cancelled, "unsure", (json_int_t)a->unsure);
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
    json_t *root = json_pack("{s:I, s:i, s:O, s:o}", "seed", (json_int_t)asked.seed, "workers", (int)asked.workers,
                             "findings", stress->told, "cells", lines);
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
    asked.seed = NEW_SEED;
    int first = options_parse(&spec, argc, argv, &problem);
    if (first == 0)
        return EXIT_FINE;
    if (first < 0 || settle_seed(&problem) || make_lines(&stress, &problem)) {
        free(stress.lines);
        return problem_print(&problem);
    }
    stress.told = json_array();
    signal(SIGINT, interrupt);
    signal(SIGTERM, interrupt);
    stress.progress = progress_open((enum progress_mode)asked.progress);
    int code = run_all(&stress, &problem) ? problem_print(&problem) : stress.findings ? EXIT_UNPROVED : EXIT_FINE;
    progress_close(stress.progress);
    asked.format == FORMAT_JSON ? print_json(&stress) : print_table(&stress);
    json_decref(stress.told);
    free(stress.lines);
    return interrupted ? EXIT_INTERRUPTED : code;
}
