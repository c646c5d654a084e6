/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet_options.c - the options of `muster duet`: its own, and those that run lends. */
#include "harness/duet_options.h"

#include "bench/registry.h"
#include "harness/units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLANKS     " \t\n"
#define WORDS_MOST 60

const char *const duet_alternations[] = {"windows", "trials", NULL};
static const char *const formats[] = {"table", "json", "none", NULL};

static struct duet_asked asked;

/* clang-format off */
static const struct option_spec own[] = {
    {.name = "base", .argument = "CMD", .parse = options_text, .target = &asked.sides[ARM_BASE],
     .help = "the build that is known; split at blanks, `trial` is appended"},
    {.name = "candidate", .argument = "CMD", .parse = options_text, .target = &asked.sides[ARM_CANDIDATE],
     .help = "the build that is judged"},
    {.name = "margin", .argument = "PCT", .parse = options_percent, .target = &asked.margin, .preset = "2%",
     .min = UNITS_PERCENT, .max = 50 * UNITS_PERCENT,
     .help = "a slowdown that is let pass; at least 1.5 times what muster calibrate found of a cell"},
    {.name = "alternate", .argument = "WHAT", .parse = options_choice, .target = &asked.trials, .choices = duet_alternations,
     .preset = "windows", .help = "windows of both builds alternate, or whole trials"},
    {.name = "records", .argument = "DIR", .parse = options_text, .target = &asked.records,
     .help = "folder of calibrations", .preset = "$MUSTER_RECORDS, else ~/.local/state/muster"},
    {.name = "format", .argument = "FORMAT", .parse = options_choice, .target = &asked.format, .choices = formats,
     .preset = "table", .help = "of standard output: table, json or none"},
    {.name = NULL},
};

const struct lent_option duet_selection[] = {
    {"strategy", "all that are compared", NULL},
    {"workload", "the standard ones", NULL},
    {"workers", "cores", NULL},
    {"chunk", "1", NULL},
    {"item-cost", NULL, NULL},
    {"payload", NULL, NULL},
    {"placement", NULL, NULL},
    {"oversubscribe", NULL, NULL},
    {"service", NULL, NULL},
    {"items", NULL, NULL},
    {"depth", NULL, NULL},
    {"idle", NULL, NULL},
    {.name = NULL},
};

static const struct lent_option effort[] = {
    {"time", "3m", "for all of it, the second measurement of what is slower included"},
    {"blocks", "as many as the margin needs and --time holds", "so many pairs of every cell, whatever --time says"},
    {"windows", NULL, NULL},
    {"window", NULL, NULL},
    {"warmup", NULL, NULL},
    {"seed", NULL, NULL},
    {"output", NULL, "folder for duet.json and verdict.json; what is there is replaced"},
    {"progress", NULL, NULL},
    {.name = NULL},
};
/* clang-format on */

static const struct command_spec spec = {
    .name = "duet",
    .summary =
        "Measures two builds of muster in one run, side by side, and says of every cell whether the candidate is "
        "slower: the way to gate a change on a noisy machine.",
    .options = own,
    .notes = "CMD is a program and its arguments, without a shell: --candidate './new/muster'.\n"
             "Ends with 0 when nothing is slower, 1 when something is, measured twice, 3 when\n"
             "it cannot be told, 4 when a build lacks a cell, 5 when one failed. The last line\n"
             "of the table, VERDICT ..., says the same for scripts, and so does verdict.json.\n"
             "From 140 columns on the table has p, how often chance alone would have so many\n"
             "slower blocks, all cells considered, and lag-1, how far neighbouring blocks hang\n"
             "together: 0 not at all, 1 wholly.\n",
};

int duet_options_parse(struct duet_asked *result, int argc, char **argv, struct problem *problem)
{
    asked = (struct duet_asked){.margin = 0};
    int first = run_options_lend(&asked.run, &spec, (const struct lent_option *const[]){duet_selection, effort, NULL},
                                 argc, argv, problem);
    *result = asked;
    if (first <= 0)
        return first;
    for (enum arm arm = 0; arm < ARMS; arm++)
        if (!asked.sides[arm])
            return problem_set(problem, EXIT_USAGE,
                               "muster duet needs --base CMD and --candidate CMD, and --%s is missing", arm_name(arm));
    if (!result->run.budget_ns)
        result->run.budget_ns = DUET_BUDGET_NS;
    return duet_usual_selection(&result->run.wanted)
               ? problem_set(problem, EXIT_UNPROVED, "no memory for the selection")
               : 1;
}

/* --- the usual selection ------------------------------------------------------------------------------------------ */

static int add_text(struct text_list *list, const char *text)
{
    char **items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (!items)
        return -1;
    list->items = items;
    items[list->count] = strdup(text);
    return items[list->count++] ? 0 : -1;
}

static int usual_strategies(struct text_list *list)
{
    for (const struct strategy *const *s = strategies; *s; s++)
        if ((*s)->role == ROLE_COMPARED && add_text(list, (*s)->name))
            return -1;
    return 0;
}

static int usual_workloads(struct text_list *list)
{
    for (const struct workload *const *w = workloads; *w; w++)
        if ((*w)->standard && add_text(list, (*w)->name))
            return -1;
    return 0;
}

int duet_usual_selection(struct wanted *wanted)
{
    if (wanted->strategies.count == 0 && usual_strategies(&wanted->strategies))
        return -1;
    if (wanted->workloads.count == 0 && usual_workloads(&wanted->workloads))
        return -1;
    if (wanted->workers.count == 0 && add_text(&wanted->workers, "cores"))
        return -1;
    return wanted->chunks.count == 0 ? add_text(&wanted->chunks, "1") : 0;
}

/* --- programs ----------------------------------------------------------------------------------------------------- */

static bool is_program(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode) && access(path, X_OK) == 0;
}

/* As driver.h looks for it. */
static bool is_in_path(const char *name)
{
    const char *path = getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin", *end;
    for (; path; path = *end ? end + 1 : NULL) {
        char *file = NULL;
        end = strchrnul(path, ':');
        if (asprintf(&file, "%.*s%s%s", (int)(end - path), path, end > path ? "/" : "", name) < 0)
            return true;
        const bool found = is_program(file);
        free(file);
        if (found)
            return true;
    }
    return false;
}

int command_check(const char *option, char *const *command, struct problem *problem)
{
    const char *program = command[0];
    struct stat about;
    for (size_t i = 0; command[i]; i++)
        if (strchr("'\"", command[i][0]))
            return problem_set(problem, EXIT_USAGE, "--%s: CMD is split at blanks, and quotes mean nothing: %s", option,
                               command[i]);
    const bool is_path = strchr(program, '/'), is_there = stat(program, &about) == 0;
    const int seen = errno;
    if (is_path ? is_program(program) : is_in_path(program))
        return 0;
    if (is_there && S_ISDIR(about.st_mode))
        return problem_set(problem, EXIT_NO_INPUT,
                           "--%s: %s is a folder, not a program; results are for muster compare", option, program);
    if (is_there && !is_program(program))
        return problem_set(problem, EXIT_NO_INPUT,
                           "--%s: %s is no program that can be started; results are for muster compare", option,
                           program);
    if (is_path)
        return problem_set(problem, EXIT_NO_INPUT, "--%s: cannot start %s: %s", option, program, strerror(seen));
    if (is_there)
        return problem_set(problem, EXIT_NO_INPUT, "--%s: no program '%s' in PATH; did you mean ./%s?", option, program,
                           program);
    return problem_set(problem, EXIT_NO_INPUT,
                       "--%s: no program '%s' in PATH; a revision of git is for make regress BASE=%s", option, program,
                       program);
}

/* --- commands ----------------------------------------------------------------------------------------------------- */

void command_free(char **command)
{
    for (size_t i = 0; command && command[i]; i++)
        free(command[i]);
    free(command);
}

char **command_split(const char *option, const char *text, struct problem *problem)
{
    char **words = calloc(WORDS_MOST + 1, sizeof *words);
    size_t count = 0;
    for (const char *at = text + strspn(text, BLANKS); words && *at; at += strspn(at, BLANKS)) {
        size_t length = strcspn(at, BLANKS);
        if (count == WORDS_MOST) {
            problem_set(problem, EXIT_USAGE, "--%s: more than %d words", option, WORDS_MOST);
            goto fail;
        }
        words[count] = strndup(at, length);
        if (!words[count++])
            break;
        at += length;
    }
    if (words && count > 0 && words[count - 1])
        return words;
    if (words && count == 0)
        problem_set(problem, EXIT_USAGE, "--%s: an empty command", option);
    else
        problem_set(problem, EXIT_UNPROVED, "no memory for the command of --%s", option);
fail:
    command_free(words);
    return NULL;
}
